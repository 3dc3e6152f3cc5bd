//! Messages in, bytes out.

#[cfg(feature = "deflate")]
mod compressed;
#[cfg(feature = "alloc")]
mod queue;

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
        let opcode = self.next_fragment(kind, payload, last)?;
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

    /// Whether a close frame went out that does not answer the peer's.
    pub(crate) const fn has_closed_first(&self) -> bool {
        matches!(self.state, State::Closed { answered: false })
    }

    #[cfg(feature = "alloc")]
    pub(crate) const fn is_outgoing(&self) -> bool {
        self.queue.len() > 0
    }

    /// Without a queue, what is said is in the caller's hands.
    #[cfg(not(feature = "alloc"))]
    pub(crate) const fn is_outgoing(&self) -> bool {
        false
    }

    pub(crate) const fn role(&self) -> Role {
        if self.keys.is_some() { Role::Client } else { Role::Server }
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        match self.state {
            State::Open => Ok(()),
            State::Message(_) => Err(SendError::Interleaved),
            State::Closed { .. } => Err(SendError::Closed),
        }
    }

    /// Section 5.4: goes on in the message; the opcode of its next frame.
    fn next_fragment(&mut self, kind: Kind, payload: &[u8], last: bool) -> Result<OpCode, SendError> {
        let opcode = match self.state {
            State::Open => kind.into(),
            State::Message(open) if open == kind => OpCode::Continuation,
            State::Message(_) => return Err(SendError::Interleaved),
            State::Closed { .. } => return Err(SendError::Closed),
        };
        if kind == Kind::Text {
            let mut utf8 = self.utf8;
            utf8.push(payload)?;
            if last && !utf8.is_complete() {
                return Err(SendError::BadUtf8);
            }
            self.utf8 = utf8;
        }
        self.state = if last { State::Open } else { State::Message(kind) };
        Ok(opcode)
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
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        if payload.len() > Body::MAX {
            return Err(SendError::ControlTooLong);
        }
        let header = self.header(opcode, true, payload.len());
        let head = header.encode();
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

#[cfg(feature = "alloc")]
impl Writer {
    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`], [`SendError::Full`].
    #[inline]
    pub fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.message(OpCode::Text, text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`], [`SendError::Full`].
    #[inline]
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.message(OpCode::Binary, bytes)
    }

    /// Queues the next fragment of a message, the first one and, with `last`, the end included. Other messages must
    /// wait until then, pings and the close frame need not. Text may be cut inside a character, and is checked.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Interleaved`], [`SendError::Full`], [`SendError::BadUtf8`].
    pub fn fragment(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), SendError> {
        if !self.has_room() {
            return Err(SendError::Full);
        }
        let opcode = self.next_fragment(kind, bytes, last)?;
        self.queue_frame(opcode, last, false, bytes);
        Ok(())
    }

    /// Queues a ping with at most 125 bytes.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::ControlTooLong`], [`SendError::Full`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.control(OpCode::Ping, payload)
    }

    /// Queues a pong that nobody asked for, with at most 125 bytes: a sign of life (section 5.5.3).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::ControlTooLong`], [`SendError::Full`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.control(OpCode::Pong, payload)
    }

    /// Queues the close frame, behind which nothing can be sent; an unfinished message is abandoned. Does nothing if
    /// one was queued before. It fits even where [`Config::max_pending`] is reached.
    ///
    /// # Errors
    ///
    /// [`SendError::BadCloseCode`], [`SendError::ReasonTooLong`] (more than 123 bytes).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let body = self.close_body(code, reason)?;
        self.queue_close(&body, false);
        Ok(())
    }

    /// As [`Writer::close`], without a code: the peer learns 1005 (section 7.1.5).
    pub fn close_without_code(&mut self) {
        self.queue_close(&[], false);
    }

    /// Queues what a reader owes. Behind a close frame nothing is.
    pub fn reply(&mut self, reply: Reply) {
        if reply.close {
            self.queue_close(reply.payload(), true);
        } else if !self.is_closed() {
            self.queue_frame(OpCode::Pong, true, false, reply.payload());
        }
    }

    /// What must be written now, in order. Stays until it is consumed.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.queue.pending()
    }

    /// Takes note that the first `n` bytes of [`Writer::pending`] are written.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub fn consume(&mut self, n: usize) {
        self.queue.consume(n);
    }

    /// Whether a message would be taken: less is pending than [`Config::max_pending`].
    #[inline]
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.queue.len() < self.max_pending
    }

    /// Gives the buffer's memory back if nothing is pending. An adapter may do so before it waits.
    pub fn release(&mut self) {
        self.queue.release();
    }

    /// Queues bytes that are not a frame: the HTTP head before the first.
    pub(crate) fn queue_head(&mut self, head: &[u8]) {
        self.queue.push(head);
    }

    #[inline]
    fn message(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), SendError> {
        self.check_message()?;
        #[cfg(feature = "deflate")]
        if self.compressor.is_some() && self.queue_compressed(opcode, payload) {
            return Ok(());
        }
        self.queue_message(opcode, false, payload);
        Ok(())
    }

    #[inline]
    fn check_message(&self) -> Result<(), SendError> {
        self.check_open()?;
        if self.has_room() { Ok(()) } else { Err(SendError::Full) }
    }

    #[inline]
    fn queue_message(&mut self, opcode: OpCode, compressed: bool, payload: &[u8]) {
        if payload.len() <= self.fragment_size {
            self.queue_frame(opcode, true, compressed, payload);
        } else {
            self.queue_fragments(opcode, compressed, payload);
        }
    }

    #[cold]
    fn queue_fragments(&mut self, mut opcode: OpCode, mut compressed: bool, mut payload: &[u8]) {
        while let Some((fragment, rest)) = payload.split_at_checked(self.fragment_size)
            && !rest.is_empty()
        {
            self.queue_frame(opcode, false, compressed, fragment);
            (opcode, compressed, payload) = (OpCode::Continuation, false, rest);
        }
        self.queue_frame(opcode, true, compressed, payload);
    }

    fn control(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        if payload.len() > Body::MAX {
            return Err(SendError::ControlTooLong);
        }
        if !self.has_room() {
            return Err(SendError::Full);
        }
        self.queue_frame(opcode, true, false, payload);
        Ok(())
    }

    fn queue_close(&mut self, body: &[u8], answered: bool) {
        if !self.is_closed() {
            self.queue_frame(OpCode::Close, true, false, body);
            self.state = State::Closed { answered };
        }
    }

    #[inline]
    fn queue_frame(&mut self, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8]) {
        let header = Header { rsv1, ..self.header(opcode, fin, payload.len()) };
        self.queue.push_frame(&header, payload);
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
