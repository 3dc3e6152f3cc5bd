//! Messages in, bytes out.

#[cfg(feature = "deflate")]
mod compressed;
#[cfg(feature = "alloc")]
mod messages;
#[cfg(feature = "alloc")]
mod queue;
#[cfg(feature = "alloc")]
mod through;

use core::fmt;
use core::ops::Deref;

#[cfg(feature = "alloc")]
use self::queue::Queue;
use crate::body::Body;
use crate::close::{Close, CloseCode};
use crate::config::{Config, Role};
#[cfg(feature = "deflate")]
use crate::deflate::Compressor;
use crate::error::SendError;
use crate::frame::{Header, HeaderBytes, Kind, OpCode};
use crate::mask;
use crate::reply::Reply;
use crate::seed::Keys;
use crate::utf8::{self, Utf8};

/// The sending half of a connection.
///
/// What is said here waits in [`Writer::pending`] until it is consumed; there is nothing to flush. A refused message
/// was only borrowed.
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection};
///
/// let (_, mut writer) = Connection::server(&Config::new()).into_split();
/// writer.text("Hello")?;
/// assert_eq!(writer.pending(), b"\x81\x05Hello");
/// writer.consume(3); // a short write
/// assert_eq!(writer.pending(), b"ello");
/// writer.close(CloseCode::NORMAL, "bye")?;
/// assert_eq!(writer.pending(), b"ello\x88\x05\x03\xe8bye");
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    state: State,
    /// A client's masking keys.
    keys: Option<Keys>,
    /// Where a text message in fragments stands.
    utf8: Utf8,
    #[cfg(feature = "alloc")]
    queue: Queue,
    #[cfg(feature = "alloc")]
    max_pending: usize,
    #[cfg(feature = "alloc")]
    fragment_size: usize,
    #[cfg(feature = "deflate")]
    compressor: Option<Compressor>,
}

/// What may be sent next.
#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    /// More of a message, or a control frame.
    Message(Kind),
    /// Nothing: a close frame was, of its own or in answer to the peer's.
    Closed {
        answered: bool,
    },
    /// Nothing: the connection ended without a close frame of this end.
    Over,
}

/// The bytes of a control frame, header included and masked as its sender must. Derefs to them.
///
/// ```
/// use ws_proto::{Config, Connection};
///
/// let (_, mut writer) = Connection::server(&Config::new()).into_split();
/// assert_eq!(*writer.ping_bytes(b"hi")?, *b"\x89\x02hi");
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ControlBytes {
    bytes: [u8; ControlBytes::MAX],
    len: u8,
}

impl Writer {
    pub(crate) const fn new(keys: Option<Keys>, config: &Config) -> Self {
        #[cfg(not(feature = "alloc"))]
        let _ = config;
        Self {
            state: State::Open,
            keys,
            utf8: Utf8::new(),
            #[cfg(feature = "alloc")]
            queue: Queue::new(config.keep_buffer),
            #[cfg(feature = "alloc")]
            max_pending: config.max_pending,
            #[cfg(feature = "alloc")]
            fragment_size: config.fragment_size,
            #[cfg(feature = "deflate")]
            compressor: None,
        }
    }

    /// Whether a close frame was sent: nothing can follow it.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Masks a binary message where it lies and returns the header to write before it, without a copy. For vectored
    /// writes: first [`Writer::pending`], then the header, then `payload`, and only then anything else.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`]. `payload` is as it was.
    pub fn binary_in_place(&mut self, payload: &mut [u8]) -> Result<HeaderBytes, SendError> {
        self.check_open()?;
        Ok(self.in_place(OpCode::Binary, true, payload))
    }

    /// As [`Writer::binary_in_place`], for text.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`], [`SendError::BadUtf8`]. `payload` is as it was.
    pub fn text_in_place(&mut self, payload: &mut [u8]) -> Result<HeaderBytes, SendError> {
        self.check_open()?;
        utf8::check(payload)?;
        Ok(self.in_place(OpCode::Text, true, payload))
    }

    /// As [`Writer::binary_in_place`], for the next fragment of a message (see [`Writer::fragment`]).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`], [`SendError::BadUtf8`]. `payload` is as it was.
    pub fn fragment_in_place(&mut self, kind: Kind, payload: &mut [u8], last: bool) -> Result<HeaderBytes, SendError> {
        let opcode = self.fragment_opcode(kind)?;
        self.go_on(kind, payload, last)?;
        Ok(self.in_place(opcode, last, payload))
    }

    /// The bytes of a ping, to be written behind what is pending. For those without an allocator.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::ControlTooLong`].
    pub fn ping_bytes(&mut self, payload: &[u8]) -> Result<ControlBytes, SendError> {
        self.control_bytes(OpCode::Ping, payload)
    }

    /// As [`Writer::ping_bytes`], for a pong that nobody asked for.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::ControlTooLong`].
    pub fn pong_bytes(&mut self, payload: &[u8]) -> Result<ControlBytes, SendError> {
        self.control_bytes(OpCode::Pong, payload)
    }

    /// As [`Writer::ping_bytes`], for the close frame (see [`Writer::close`]).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::BadCloseCode`], [`SendError::ReasonTooLong`].
    pub fn close_bytes(&mut self, code: CloseCode, reason: &str) -> Result<ControlBytes, SendError> {
        let body = self.close_body(code, reason)?;
        let bytes = self.control_bytes(OpCode::Close, &body)?;
        self.state = State::Closed { answered: false };
        Ok(bytes)
    }

    /// As [`Writer::ping_bytes`], for what a reader owes; `None` behind a close frame.
    pub fn reply_bytes(&mut self, reply: Reply) -> Option<ControlBytes> {
        let bytes = self.control_bytes(reply.opcode(), reply.payload()).ok()?;
        if reply.close {
            self.state = State::Closed { answered: true };
        }
        Some(bytes)
    }

    /// Refuses everything from now on: the connection is over. What is pending stays.
    pub const fn end(&mut self) {
        if !self.is_closed() {
            self.state = State::Over;
        }
    }

    /// Whether a close frame went out that does not answer the peer's.
    pub(crate) const fn has_closed_first(&self) -> bool {
        matches!(self.state, State::Closed { answered: false })
    }

    /// Whether something waits to be written; without a queue, what is said is in the caller's hands.
    #[cfg_attr(not(feature = "alloc"), expect(clippy::unused_self, reason = "no queue"))]
    pub(crate) const fn is_outgoing(&self) -> bool {
        #[cfg(feature = "alloc")]
        let waits = self.queue.len() > 0;
        #[cfg(not(feature = "alloc"))]
        let waits = false;
        waits
    }

    pub(crate) const fn role(&self) -> Role {
        if self.keys.is_some() { Role::Client } else { Role::Server }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Closed { .. } | State::Over)
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        match self.state {
            State::Open => Ok(()),
            State::Message(_) => Err(SendError::Interleaved),
            State::Closed { .. } | State::Over => Err(SendError::Closed),
        }
    }

    /// Section 5.4: the opcode of the next frame of a message.
    fn fragment_opcode(&self, kind: Kind) -> Result<OpCode, SendError> {
        match self.state {
            State::Open => Ok(kind.into()),
            State::Message(open) if open == kind => Ok(OpCode::Continuation),
            State::Message(_) => Err(SendError::Interleaved),
            State::Closed { .. } | State::Over => Err(SendError::Closed),
        }
    }

    /// Goes on in a message, or ends it.
    fn go_on(&mut self, kind: Kind, payload: &[u8], last: bool) -> Result<(), SendError> {
        if kind == Kind::Text {
            let mut utf8 = self.utf8;
            utf8.push(payload)?;
            if last && !utf8.is_complete() {
                return Err(SendError::BadUtf8);
            }
            self.utf8 = utf8;
        }
        self.state = if last { State::Open } else { State::Message(kind) };
        Ok(())
    }

    #[inline]
    fn header(&mut self, opcode: OpCode, fin: bool, length: usize) -> Header {
        let key = self.keys.as_mut().map(Keys::next);
        Header { fin, rsv1: false, opcode, key, length: length as u64 }
    }

    fn in_place(&mut self, opcode: OpCode, fin: bool, payload: &mut [u8]) -> HeaderBytes {
        let header = self.header(opcode, fin, payload.len());
        if let Some(key) = header.key {
            mask::apply(payload, key);
        }
        header.encode()
    }

    fn control_bytes(&mut self, opcode: OpCode, payload: &[u8]) -> Result<ControlBytes, SendError> {
        if self.is_over() {
            return Err(SendError::Closed);
        }
        if payload.len() > Body::MAX {
            return Err(SendError::ControlTooLong);
        }
        let header = self.header(opcode, true, payload.len());
        let head = header.encode();
        #[expect(clippy::arithmetic_side_effects, reason = "at most 131")]
        let len = head.len() + payload.len();
        let mut bytes = [0; ControlBytes::MAX];
        for (to, from) in bytes.iter_mut().zip(head.iter().chain(payload)) {
            *to = *from;
        }
        if let Some(key) = header.key {
            let (frame, _) = bytes.split_at_mut(len);
            mask::apply(frame.split_at_mut(head.len()).1, key);
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 131")]
        Ok(ControlBytes { bytes, len: len as u8 })
    }

    fn close_body(&self, code: CloseCode, reason: &str) -> Result<Body, SendError> {
        // Section 7.4.1: 1010 is for clients; a server refuses in the handshake.
        let servers = self.role() == Role::Server && code == CloseCode::MANDATORY_EXTENSION;
        if !code.is_allowed() || servers {
            return Err(SendError::BadCloseCode(code));
        }
        Close { code, reason }.encode().ok_or(SendError::ReasonTooLong)
    }
}

impl ControlBytes {
    /// The longest control frame, in bytes: a header with a key, and 125 bytes.
    pub const MAX: usize = 6 + Body::MAX;
}

impl Deref for ControlBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.split_at(usize::from(self.len)).0
    }
}

impl fmt::Debug for ControlBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &**self)
    }
}
