//! What the load sends and what must come back.

use crate::Result;

/// The bytes of one message in both directions.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) frame: Vec<u8>,
    pub(crate) reply: Vec<u8>,
}

impl Wire {
    /// A binary message of `payload` bytes, masked, and its echo; plain TCP gives back what it was given.
    pub(crate) fn new(payload: usize, is_websocket: bool) -> Self {
        let bytes: Vec<u8> = (0..=250).cycle().take(payload).collect();
        let mut frame = header(payload, true);
        frame.extend_from_slice(&KEY);
        frame.extend(bytes.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        let reply = if is_websocket { [header(payload, false), bytes].concat() } else { frame.clone() };
        Self { frame, reply }
    }
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Section 5.2: a whole binary message in one frame.
fn header(payload: usize, is_masked: bool) -> Vec<u8> {
    let (mut header, mask) = (vec![0x82], if is_masked { 0x80 } else { 0 });
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(length @ ..=125), _) => header.push(mask + length),
        (_, Ok(length)) => {
            header.push(mask + 126);
            header.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            header.push(mask + 127);
            header.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
    header
}

/// The example of section 1.2, asking for nothing else.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Looks at the whole head of a response.
pub(crate) fn check_response(head: &[u8]) -> Result<()> {
    let head = str::from_utf8(head)?;
    let agrees = head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    if agrees { Ok(()) } else { Err(format!("no upgrade: {head:?}").into()) }
}
