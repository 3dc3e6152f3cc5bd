//! Limits and choices, in one value.

mod times;

#[cfg(feature = "deflate")]
use alloc::sync::Arc;
use core::time::Duration;

#[cfg(feature = "deflate")]
use crate::deflate::{Compression, Expansion};

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
    max_frame: Option<usize>,
    pub(crate) max_fragments: u32,
    pub(crate) max_pending: usize,
    pub(crate) max_unread: usize,
    pub(crate) turn: usize,
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
    pub(crate) max_body: usize,
    pub(crate) version_8: bool,
    pub(crate) require_protocol: bool,
    pub(crate) lenient_handshake: bool,
    pub(crate) opening_timeout: Option<Duration>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) pong_timeout: Duration,
    pub(crate) require_pong: bool,
    pub(crate) closing_timeout: Duration,
    pub(crate) closing_limit: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) message_timeout: Option<Duration>,
    pub(crate) message_rate: u32,
    #[cfg(feature = "deflate")]
    pub(crate) expansion: Expansion,
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
            max_frame: None,
            max_fragments: 1 << 17,
            max_pending: 16 << 20,
            max_unread: 16 << 20,
            turn: 256 << 10,
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
            max_body: 64 << 10,
            version_8: false,
            require_protocol: false,
            lenient_handshake: false,
            opening_timeout: Some(Duration::from_secs(10)),
            keepalive: Some(Duration::from_secs(30)),
            pong_timeout: Duration::from_secs(30),
            require_pong: false,
            closing_timeout: Duration::from_secs(5),
            closing_limit: Duration::from_secs(60),
            idle_timeout: None,
            message_timeout: Some(Duration::from_secs(30)),
            message_rate: 1 << 10,
            #[cfg(feature = "deflate")]
            expansion: Expansion { ratio: 200, free: 1 << 20 },
            #[cfg(feature = "deflate")]
            compression: None,
        }
    }

    /// The longest message to receive, in bytes over all its fragments: 16 MiB. One byte more is close code 1009. For a
    /// compressed message this is the size that it inflates to; its compressed form may have an eighth of it and 1 KiB more.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// The longest payload of one frame to receive, in bytes: 16 MiB, or [`Config::max_message`] if that is more. One byte
    /// more is close code 1009.
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = Some(bytes);
        self
    }

    /// Whether the longest frame is that of a message.
    pub(crate) const fn frame_follows(&self) -> bool {
        self.max_frame.is_none()
    }

    pub(crate) const fn frame_limit(&self) -> usize {
        match self.max_frame {
            Some(bytes) => bytes,
            None if self.max_message > MAX_FRAME => self.max_message,
            None => MAX_FRAME,
        }
    }

    /// How far a message may inflate: to `ratio` times its compressed size, or to `free` bytes if that is more. 200 times,
    /// and 1 MiB. One byte more is close code 1009. [`Config::max_message`] holds besides; [`Config::UNLIMITED`] as `ratio`
    /// leaves it alone.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn max_expansion(mut self, ratio: usize, free: usize) -> Self {
        self.expansion = Expansion { ratio, free };
        self
    }

    /// The most frames of one message to receive, empty ones included: 131,072. One more is close code 1008.
    #[must_use]
    pub const fn max_fragments(mut self, frames: usize) -> Self {
        self.max_fragments = saturate(frames);
        self
    }

    /// The high-water mark of the output, in bytes: 16 MiB. While that much waits in
    /// [`Writer::pending`](crate::Writer::pending), a further message is refused with
    /// [`SendError::Full`](crate::SendError::Full) and an owed pong waits; a close frame always fits. Zero counts as
    /// one: otherwise nothing would ever be sent.
    #[must_use]
    pub const fn max_pending(mut self, bytes: usize) -> Self {
        self.max_pending = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// How many bytes of received events a driver keeps for later while the program sends and does not receive: 16 MiB.
    /// Once they are as many, nothing more is read until the program receives.
    #[must_use]
    pub const fn max_unread(mut self, bytes: usize) -> Self {
        self.max_unread = bytes;
        self
    }

    /// How much work a driver for tasks does for one connection before it lets other tasks run, in bytes: 256 KiB. What is
    /// read and what is inflated counts, and each event and each reply as some bytes more; see [`Budget`](crate::Budget).
    /// Zero counts as one.
    #[must_use]
    pub const fn turn(mut self, bytes: usize) -> Self {
        self.turn = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// The longest payload of one frame to send, in bytes: unlimited, so that each message is one frame. Zero counts
    /// as one. A fragment that the program makes, and what is masked in place, is one frame of whatever size.
    #[must_use]
    pub const fn fragment_size(mut self, bytes: usize) -> Self {
        self.fragment_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// How much memory an emptied buffer may keep for the next message, in bytes: 64 KiB. There are two buffers, one
    /// a direction, and one more where compressed messages arrive; [`Connection::release`](crate::Connection::release) gives back even those.
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

    /// Whether close codes 1016 to 2999, which have no meaning yet, are let pass when received: no, they
    /// are close code 1002. They are never sent, but in the answer to one.
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

    /// The most subprotocols, the most extensions, and the most parameters of one extension in a head: 32 of each. What a
    /// client offers behind the limit is ignored, and so is an offer of too many parameters: as if it were not there. A
    /// response above the limit is an error.
    #[must_use]
    pub const fn max_offers(mut self, elements: usize) -> Self {
        self.max_offers = elements;
        self
    }

    /// The most interim responses (100, 102, 103) that a client skips before the final one: 8.
    #[must_use]
    pub const fn max_interim(mut self, responses: usize) -> Self {
        self.max_interim = saturate(responses);
        self
    }

    /// The longest body of a refused upgrade that a client keeps, in bytes: 64 KiB. The rest of a longer one is not read.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
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

    /// Whether four faults of others are overlooked, as browsers do: no. If yes,
    ///
    /// - an empty `Sec-WebSocket-Extensions` or `Sec-WebSocket-Protocol` in a request counts as none. It is sent by clients
    ///   that write the header whether they offer something or not.
    /// - an empty `Sec-WebSocket-Extensions` or `Sec-WebSocket-Protocol` in a 101 counts as none. It is sent by servers that
    ///   write the header whether they chose something or not.
    /// - a 101 in `HTTP/1.0` is taken. It is sent by servers that write this version into every status line.
    /// - a line of a response may end with a lone LF (RFC 9112, section 2.2). It is sent by servers that write `\n`. In a
    ///   request it is refused all the same: two servers that differ in it are how requests are smuggled.
    #[must_use]
    pub const fn lenient_handshake(mut self, yes: bool) -> Self {
        self.lenient_handshake = yes;
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

/// What counts to four thousand millions counts far enough.
#[expect(clippy::cast_possible_truncation, reason = "compared before")]
const fn saturate(n: usize) -> u32 {
    if n < u32::MAX as usize { n as u32 } else { u32::MAX }
}

/// The longest frame by default; compressed, it may be longer than a small message.
const MAX_FRAME: usize = 16 << 20;
