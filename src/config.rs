//! Limits and choices, in one value.

#[cfg(feature = "deflate")]
use alloc::sync::Arc;

#[cfg(feature = "deflate")]
use crate::deflate::Compression;

/// Which end of a connection this is.
///
/// ```
/// use ws_proto::Role;
///
/// assert_eq!(Role::Client.peer(), Role::Server);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third end")]
pub enum Role {
    /// Masks what it sends.
    Client,
    /// Sends as is, and closes the transport first.
    Server,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Limits and choices for a handshake and a connection. Every limit has a finite default; [`Config::UNLIMITED`] lifts
/// one by name.
///
/// ```
/// use ws_proto::{Config, Connection};
///
/// let config = Config::new().max_message(1 << 20).max_pending(4 << 20);
/// let connection = Connection::server(&config);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices")]
pub struct Config {
    pub(crate) max_message: usize,
    pub(crate) max_frame: usize,
    pub(crate) max_fragments: u32,
    pub(crate) max_pending: usize,
    pub(crate) fragment_size: usize,
    pub(crate) keep_buffer: usize,
    pub(crate) check_chunks: bool,
    pub(crate) unassigned_codes: bool,
    pub(crate) silent_failure: bool,
    pub(crate) max_head: usize,
    pub(crate) max_headers: usize,
    pub(crate) max_target: usize,
    pub(crate) max_offers: usize,
    pub(crate) max_interim: u32,
    pub(crate) version_8: bool,
    pub(crate) require_protocol: bool,
    #[cfg(feature = "deflate")]
    pub(crate) compression: Option<Arc<Compression>>,
}

impl Config {
    /// In the place of a limit: none.
    pub const UNLIMITED: usize = usize::MAX;

    /// The defaults, as each setter names them.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_message: 16 << 20,
            max_frame: 16 << 20,
            max_fragments: 1 << 17,
            max_pending: 16 << 20,
            fragment_size: Self::UNLIMITED,
            keep_buffer: 64 << 10,
            check_chunks: true,
            unassigned_codes: false,
            silent_failure: false,
            max_head: 16 << 10,
            max_headers: 100,
            max_target: 8 << 10,
            max_offers: 32,
            max_interim: 8,
            version_8: false,
            require_protocol: false,
            #[cfg(feature = "deflate")]
            compression: None,
        }
    }

    /// The longest message to receive, in bytes over all its fragments: 16 MiB. One byte more is close code 1009.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// The longest payload of one frame to receive, in bytes: 16 MiB. One byte more is close code 1009.
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// The most frames of one message to receive, empty ones included: 131,072. One more is close code 1008.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// The high-water mark of the output, in bytes: 16 MiB. While that much waits in
    /// [`Writer::pending`](crate::Writer::pending), a further message is refused with
    /// [`SendError::Full`](crate::SendError::Full) and an owed pong waits; a close frame always fits.
    #[must_use]
    pub const fn max_pending(mut self, bytes: usize) -> Self {
        self.max_pending = bytes;
        self
    }

    /// The longest payload of one frame to send, in bytes: unlimited, so that each message is one frame. Zero counts
    /// as one.
    #[must_use]
    pub const fn fragment_size(mut self, bytes: usize) -> Self {
        self.fragment_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// How much memory an emptied buffer may keep for the next message, in bytes: 64 KiB. There are two buffers, one
    /// a direction; [`Connection::release`](crate::Connection::release) gives back even those.
    #[must_use]
    pub const fn keep_buffer(mut self, bytes: usize) -> Self {
        self.keep_buffer = bytes;
        self
    }

    /// Whether [`Reader::receive_chunk`](crate::Reader::receive_chunk) checks text for UTF-8: yes. A relay may leave
    /// that to the receiver. Whole messages are always checked.
    #[must_use]
    pub const fn check_chunks(mut self, yes: bool) -> Self {
        self.check_chunks = yes;
        self
    }

    /// Whether close codes 1016 to 2999, which have no meaning yet, are let pass: no, they are close code 1002.
    #[must_use]
    pub const fn unassigned_codes(mut self, yes: bool) -> Self {
        self.unassigned_codes = yes;
        self
    }

    /// Whether a connection that fails is dropped without telling the peer why (RFC 6455, section 7.1.7): no.
    #[must_use]
    pub const fn silent_failure(mut self, yes: bool) -> Self {
        self.silent_failure = yes;
        self
    }

    /// The longest HTTP head, in bytes, its empty line included: 16 KiB. Status 431.
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.max_head = bytes;
        self
    }

    /// The most lines of an HTTP head: 100. Status 431.
    #[must_use]
    pub const fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// The longest request target, in bytes: 8 KiB. Status 414.
    #[must_use]
    pub const fn max_target(mut self, bytes: usize) -> Self {
        self.max_target = bytes;
        self
    }

    /// The most subprotocols, the most extensions, and the most parameters of one extension in a head: 32 of each.
    /// Status 431.
    #[must_use]
    pub const fn max_offers(mut self, elements: usize) -> Self {
        self.max_offers = elements;
        self
    }

    /// The most interim responses (100, 102, 103) that a client skips before the final one: 8.
    #[must_use]
    pub const fn max_interim(mut self, responses: u32) -> Self {
        self.max_interim = responses;
        self
    }

    /// Whether a server also serves version 8, the last draft, whose frames are those of version 13: no.
    #[must_use]
    pub const fn version_8(mut self, yes: bool) -> Self {
        self.version_8 = yes;
        self
    }

    /// Whether a client that offered subprotocols fails when the server chose none, as browsers do: no.
    #[must_use]
    pub const fn require_protocol(mut self, yes: bool) -> Self {
        self.require_protocol = yes;
        self
    }

    /// Messages are compressed where both ends agree (RFC 7692): not unless told so here. Clones of this value, and
    /// so all connections made with it, share the pool of codecs.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(Arc::new(compression));
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
