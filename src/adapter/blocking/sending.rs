//! The sending methods, the same on every type that has them.

use std::io::{self, IoSlice};

use super::Error;
use crate::adapter::Write;
use crate::error::SendError;
use crate::reply::Reply;
use crate::writer::Writer;

/// A writer and where its bytes go.
#[derive(Debug)]
pub(super) struct Sending<S> {
    pub(super) writer: Writer,
    pub(super) stream: S,
    /// What the reader owes, while there is no room for it: the newest pong is enough (section 5.5.3).
    pub(super) owed: Option<Reply>,
}

impl<S: io::Write> Sending<S> {
    /// Says something to the writer, and writes it: what is large from where it lies.
    pub(super) fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let Self { writer, stream, .. } = self;
        let mut failed = None;
        message(writer, &mut |pending, payload| {
            let written = stream.write_vectored(&[IoSlice::new(pending), IoSlice::new(payload)]);
            written.map_err(|error| failed = Some(error)).unwrap_or_default()
        })?;
        match failed {
            Some(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
            _ => self.flush(),
        }
    }

    pub(super) fn answer(&mut self, reply: Reply) -> Result<(), Error> {
        self.owed = Some(reply);
        self.flush()
    }

    fn settle(&mut self) {
        let has_room = self.writer.has_room();
        if let Some(reply) = self.owed.take_if(|reply| has_room || reply.is_close()) {
            self.writer.reply(reply);
        }
    }

    /// Writes all that is pending, and keeps count over failures.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.settle();
        while !self.writer.pending().is_empty() {
            match self.stream.write(self.writer.pending()) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(n) => {
                    self.writer.consume(n);
                    self.settle();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.stream.flush()?)
    }
}

/// Methods over a `send` that takes what to say to the writer.
macro_rules! sending {
    () => {
        /// Sends a text message.
        ///
        /// # Errors
        ///
        /// [`Error::Send`] if it was refused, and nothing was sent. [`Error::Io`] if the stream failed: what is not
        /// written yet goes out before the next.
        pub fn text(&mut self, text: &str) -> Result<(), Error> {
            self.send(|writer, write| writer.text_through(text, write))
        }

        /// Sends a binary message.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
            self.send(|writer, write| writer.binary_through(bytes, write))
        }

        /// Sends the next fragment of a message (see [`Writer::fragment`]).
        ///
        /// # Errors
        ///
        /// As `text`.
        pub fn fragment(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
            self.send(|writer, _| writer.fragment(kind, bytes, last))
        }

        /// Sends a ping with at most 125 bytes.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
            self.send(|writer, _| writer.ping(payload))
        }

        /// Sends the close frame, once. Go on receiving until the end: that is the peer's turn.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
            self.send(|writer, _| writer.close(code, reason))
        }

        /// Says something to the writer without writing it: [`flush`](Self::flush) does, or the next message, or
        /// receiving, before it waits; not a thread that is waiting there already. For many small messages in one
        /// write, and for what has no method of its own here: a pong nobody asked for, a message that is not to be
        /// compressed, one prepared for many connections.
        ///
        /// # Errors
        ///
        /// As the method of the writer that was called. Nothing was queued then.
        pub fn queue<R>(&mut self, message: impl FnOnce(&mut Writer) -> Result<R, SendError>) -> Result<R, SendError> {
            self.say(message)
        }

        /// Writes what is queued, or what a call that failed has left.
        ///
        /// # Errors
        ///
        /// [`Error::Io`].
        pub fn flush(&mut self) -> Result<(), Error> {
            self.send(|_, _| Ok(()))
        }
    };
}
