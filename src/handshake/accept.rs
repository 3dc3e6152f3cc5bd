//! Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455, sections 4.1 and 4.2.2).

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::seed::Keys;

/// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key: for those behind another HTTP stack. The key is taken as
/// it was received, without the blanks around it.
///
/// SHA-1 is no security here (section 10.8): it shows that the server speaks WebSocket.
///
/// ```
/// use ws_proto::handshake::accept_key;
///
/// assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    base64(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// A Sec-WebSocket-Key: 16 bytes in base64.
#[derive(Clone, Copy)]
pub(super) struct Key([u8; 24]);

impl Key {
    /// A new one, which must never be used again (section 4.1).
    pub(super) fn fresh(keys: &mut Keys) -> Self {
        let mut nonce = [0; 16];
        for word in nonce.as_chunks_mut().0 {
            *word = keys.next();
        }
        Self(base64(&nonce))
    }

    /// Takes a key from a request. Pad bits that are not zero, as in the RFC's own example (erratum 3150), do not
    /// matter: it is the text that is answered.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let key: &[u8; 24] = value.try_into().ok()?;
        let (text, padding) = key.split_first_chunk::<22>()?;
        // Without an end in the middle, compilers look at all bytes at once.
        let is_base64 = text
            .iter()
            .fold(true, |ok, byte| ok & matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/'));
        (is_base64 && padding == b"==").then_some(Self(*key))
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn accept(&self) -> [u8; 28] {
        accept_key(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// `bytes` as text of exactly `N` characters.
fn base64<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written.ok(), Some(N), "16 bytes make 24 characters, 20 make 28");
    text
}

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
