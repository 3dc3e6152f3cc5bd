//! Messages into the queue: what needs an allocator.

use alloc::vec::Vec;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
use core::mem;

use super::{State, Writer};
use crate::body::Body;
use crate::close::CloseCode;
use crate::error::SendError;
use crate::frame::{Header, Kind, OpCode};
use crate::reply::Reply;

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
        let opcode = self.fragment_opcode(kind)?;
        if !self.has_room() {
            return Err(SendError::Full);
        }
        self.go_on(kind, bytes, last)?;
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
    /// one was queued before. It fits even where [`Config::max_pending`](crate::Config::max_pending) is reached.
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
        } else if !self.is_over() {
            self.queue_frame(OpCode::Pong, true, false, reply.payload());
            self.queue.note_pong();
        }
    }

    /// What must be written now, in order. Stays until it is consumed.
    #[inline]
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

    /// Whether a message would be taken: less is pending than [`Config::max_pending`](crate::Config::max_pending).
    #[inline]
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.queue.len() < self.max_pending
    }

    /// Says something at the high-water mark, too: for whom there was room before somebody else took it.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn past_mark<R>(&mut self, say: impl FnOnce(&mut Self) -> R) -> R {
        let mark = mem::replace(&mut self.max_pending, usize::MAX);
        let said = say(self);
        self.max_pending = mark;
        said
    }

    /// Whether an owed pong may be queued: no earlier one waits.
    pub(crate) const fn has_room_for_pong(&self) -> bool {
        self.has_room() && !self.queue.has_pong()
    }

    /// Gives the buffer's memory back if nothing is pending, and what was lent to it anyway
    /// ([`Writer::reserve_from`]). An adapter may do so before it waits.
    pub fn release(&mut self) {
        self.release_into(&mut Vec::new());
    }

    /// Queues in the memory of `spare` if the writer has none of its own. So those who serve many connections by turns
    /// have one buffer for all of them, where each would allocate:
    ///
    /// ```
    /// use ws_proto::{Config, Connection};
    ///
    /// let mut connections = [(); 3].map(|()| Connection::server(&Config::new()));
    /// let mut spare = Vec::new();
    /// for connection in &mut connections {
    ///     let (_, writer) = connection.split();
    ///     writer.reserve_from(&mut spare);
    ///     writer.text("Hello")?;
    ///     writer.consume(7); // written
    ///     writer.release_into(&mut spare);
    /// }
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// What `spare` held before is not sent, and is not kept. Until [`Writer::release_into`], no memory is freed, however
    /// much it becomes: [`Config::keep_buffer`](crate::Config::keep_buffer) is for what the writer keeps for itself.
    pub fn reserve_from(&mut self, spare: &mut Vec<u8>) {
        self.queue.reserve_from(spare);
    }

    /// As [`Writer::release`], but `spare` gets the memory if that is more than it has. Memory that was lent goes back
    /// even if something is pending, but where that is the larger part of it.
    pub fn release_into(&mut self, spare: &mut Vec<u8>) {
        self.queue.release_into(spare);
        if let Some(keys) = &mut self.keys {
            keys.block.release();
        }
    }

    /// As [`Writer::release_into`], but only of what was lent.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn give_back(&mut self, spare: &mut Vec<u8>) {
        self.queue.give_back(spare);
    }

    /// Begins with bytes that are not a frame: the HTTP head before the first.
    pub(crate) fn queue_head(&mut self, head: Vec<u8>) {
        self.queue.begin(head);
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
    pub(super) fn check_message(&self) -> Result<(), SendError> {
        self.check_open()?;
        if self.has_room() { Ok(()) } else { Err(SendError::Full) }
    }

    #[inline]
    pub(super) fn queue_message(&mut self, opcode: OpCode, compressed: bool, payload: &[u8]) {
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
        if self.is_over() {
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
        if !self.is_over() {
            self.queue_frame(OpCode::Close, true, false, body);
            self.state = State::Closed { answered };
        }
    }

    #[inline]
    fn queue_frame(&mut self, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8]) {
        match Header::short(opcode, fin, rsv1, payload.len()) {
            Some(header) if self.keys.is_none() => self.queue.push_short(header, payload),
            _ => self.queue_long_frame(opcode, fin, rsv1, payload),
        }
    }

    /// Or one that is masked.
    #[inline(never)] // so that what is short is
    fn queue_long_frame(&mut self, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8]) {
        let header = Header { rsv1, ..self.header(opcode, fin, payload.len()) };
        self.queue.push_frame(&header, payload);
    }
}
