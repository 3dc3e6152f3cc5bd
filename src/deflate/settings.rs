//! What to ask for and what to allow, and what came of it.

use core::fmt;

use super::pool::Pool;

/// How to compress (RFC 7692): a client offers it, a server accepts it where offered. Windows and takeover are named
/// from this end: *outbound* is what it sends.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::deflate::Compression;
///
/// let config = Config::new().compression(Compression::new().level(4));
/// ```
///
/// Secrets and text chosen by an attacker, compressed in one connection, can be told from the lengths of the messages
/// (RFC 7692, section 8): send such messages with
/// [`Writer::text_uncompressed`](crate::Writer::text_uncompressed).
#[derive(Clone, Debug)]
pub struct Compression {
    pub(crate) level: u8,
    pub(crate) outbound_window: u8,
    pub(crate) inbound_window: Option<u8>,
    pub(crate) outbound_takeover: bool,
    pub(crate) inbound_takeover: bool,
    pub(crate) lean: bool,
    pub(crate) history: usize,
    pub(crate) min_size: usize,
    pub(crate) min_size_alone: usize,
    pub(crate) pool: Pool,
}

impl Compression {
    /// The defaults, as each setter names them, and a pool of its own.
    #[must_use]
    pub fn new() -> Self {
        Self {
            level: 6,
            outbound_window: 15,
            inbound_window: None,
            outbound_takeover: true,
            inbound_takeover: true,
            lean: false,
            history: 4 << 10,
            min_size: 32,
            min_size_alone: 256,
            pool: Pool::new(8),
        }
    }

    /// From 1, the fastest, to 9, the smallest: 6. Others count as the nearest.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.clamp(1, 9);
        self
    }

    /// The largest window to send with, in bits, 8 to 15: 15, which is a promise of nothing. Others count as the
    /// nearest.
    #[must_use]
    pub fn outbound_window(mut self, bits: u8) -> Self {
        self.outbound_window = bits.clamp(8, 15);
        self
    }

    /// The largest window to ask the peer for, in bits, 8 to 15: 12 as a server, 15 as a client, which asks for
    /// nothing. Two to this power is what an idle connection keeps for receiving. A server can ask only a client that
    /// offers to be asked, as browsers do. Others count as the nearest.
    #[must_use]
    pub fn inbound_window(mut self, bits: u8) -> Self {
        self.inbound_window = Some(bits.clamp(8, 15));
        self
    }

    /// Whether a message may refer to those sent before it: yes. Without, small messages hardly shrink.
    #[must_use]
    pub fn outbound_takeover(mut self, yes: bool) -> Self {
        self.outbound_takeover = yes;
        self
    }

    /// Whether the peer's messages may refer to those before them: yes. Without, a connection keeps nothing for
    /// receiving.
    #[must_use]
    pub fn inbound_takeover(mut self, yes: bool) -> Self {
        self.inbound_takeover = yes;
        self
    }

    /// Whether a server that cannot ask for a smaller window than 15 bits asks for no takeover instead: no. Saves
    /// 32 KiB in each connection to such a client.
    #[must_use]
    pub fn lean(mut self, yes: bool) -> Self {
        self.lean = yes;
        self
    }

    /// How much of what was sent a connection keeps to refer to, in bytes: 4 KiB. Less than the window is a little
    /// worse compression for much less memory.
    #[must_use]
    pub fn history(mut self, bytes: usize) -> Self {
        self.history = bytes;
        self
    }

    /// The smallest message to compress, in bytes, with takeover and without: 32 and 256.
    #[must_use]
    pub fn min_size(mut self, with_takeover: usize, without: usize) -> Self {
        self.min_size = with_takeover;
        self.min_size_alone = without;
        self
    }

    /// The pool that lends codecs: one of its own with 8 slots.
    #[must_use]
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

/// What both ends agreed on: the parameters in the server's answer (RFC 7692, section 7.1). Displays as that answer.
///
/// ```
/// use ws_proto::deflate::Agreement;
///
/// let agreement = Agreement { server_max_window_bits: Some(10), ..Agreement::default() };
/// assert_eq!(agreement.to_string(), "permessage-deflate; server_max_window_bits=10");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the extension has these parameters")]
pub struct Agreement {
    /// The server's messages stand alone.
    pub server_no_context_takeover: bool,
    /// The client's messages stand alone.
    pub client_no_context_takeover: bool,
    /// The server's window in bits, 8 to 15; 15 if not named.
    pub server_max_window_bits: Option<u8>,
    /// The client's window in bits, 8 to 15; 15 if not named.
    pub client_max_window_bits: Option<u8>,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}
