//! Large messages, written from where they lie.

use super::{Queue, Writer};
use crate::error::SendError;
use crate::frame::OpCode;

impl Writer {
    /// Sends a text message as [`Writer::binary_through`].
    ///
    /// # Errors
    ///
    /// As [`Writer::text`]. Nothing was written.
    ///
    /// # Panics
    ///
    /// As [`Writer::binary_through`].
    pub fn text_through(&mut self, text: &str, write: impl FnMut(&[u8], &[u8]) -> usize) -> Result<(), SendError> {
        self.through(OpCode::Text, text.as_bytes(), write)
    }

    /// Sends a binary message through a vectored write, without copying what that takes. `write` is given what is
    /// pending and what is left of the message, in this order, and says how many bytes of both together it has written.
    /// It is called until it says zero or nothing is left, and what is left is queued: a frame is never torn.
    ///
    /// This is for the large messages of a server. What is small, masked, compressed or cut into fragments is queued at
    /// once, and `write` is not called.
    ///
    /// ```
    /// use ws_proto::{Config, Connection};
    ///
    /// let (_, mut writer) = Connection::server(&Config::new()).into_split();
    /// let (message, mut stream) = ([7; 70_000], Vec::new());
    /// writer.binary_through(&message, |pending, rest| {
    ///     stream.extend_from_slice(pending);
    ///     stream.extend_from_slice(&rest[..rest.len() / 2]); // a short write, as from `write_vectored`
    ///     pending.len() + rest.len() / 2
    /// })?;
    /// stream.extend_from_slice(writer.pending());
    /// assert_eq!(stream[10..], message);
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Writer::binary`]. Nothing was written.
    ///
    /// # Panics
    ///
    /// If `write` claims more than it was given.
    pub fn binary_through(&mut self, bytes: &[u8], write: impl FnMut(&[u8], &[u8]) -> usize) -> Result<(), SendError> {
        self.through(OpCode::Binary, bytes, write)
    }

    fn through(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        write: impl FnMut(&[u8], &[u8]) -> usize,
    ) -> Result<(), SendError> {
        self.check_message()?;
        #[cfg(feature = "deflate")]
        if self.compressor.is_some() && self.queue_compressed(opcode, payload) {
            return Ok(());
        }
        if payload.len() < LARGE || payload.len() > self.fragment_size || self.keys.is_some() {
            self.queue_message(opcode, false, payload);
        } else {
            self.write_large(opcode, payload, write);
        }
        Ok(())
    }

    #[inline(never)] // so that what is small is
    fn write_large(&mut self, opcode: OpCode, payload: &[u8], write: impl FnMut(&[u8], &[u8]) -> usize) {
        let header = self.header(opcode, true, payload.len());
        let (start, rest) = payload.split_at(START);
        self.queue.push(&header.encode());
        self.queue.push(start);
        Rest { queue: &mut self.queue, payload: rest }.write(write);
    }
}

/// What is left of a message. It is queued in the end, even if that is a panic.
struct Rest<'a> {
    queue: &'a mut Queue,
    payload: &'a [u8],
}

impl Rest<'_> {
    fn write(mut self, mut write: impl FnMut(&[u8], &[u8]) -> usize) {
        while !self.payload.is_empty() {
            let written = write(self.queue.pending(), self.payload);
            if written == 0 {
                return;
            }
            let pending = written.min(self.queue.len());
            let more = written.saturating_sub(pending);
            assert!(more <= self.payload.len(), "wrote more than there was");
            self.queue.consume(pending);
            self.payload = self.payload.split_at(more).1;
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.queue.push(self.payload);
    }
}

/// From here on a copy costs more than a second slice for the system call.
const LARGE: usize = 8 << 10;
/// Goes with the header, so that a stream that takes one slice at a time sends none alone.
const START: usize = 60;
