//! The sending methods, the same on every type that has them.

use alloc::sync::Arc;
use core::time::Duration;

use super::monitor::Monitor;
use super::timed::{Stopped, TURN, Timed};
use super::{Error, Stream};
use crate::adapter::Write;
use crate::adapter::cause::Cause;
use crate::close::CloseCode;
use crate::error::SendError;
use crate::reply::Reply;
use crate::timers::Due;
use crate::writer::Writer;

/// A writer and where its bytes go.
#[derive(Debug)]
pub(super) struct Sending<S> {
    pub(super) writer: Writer,
    pub(super) stream: Timed<S>,
    pub(super) monitor: Arc<Monitor>,
    /// What the reader owes, while there is no room for it: the newest pong is enough (section 5.5.3).
    pub(super) owed: Option<Reply>,
}

impl<S: Stream> Sending<S> {
    /// Says something to the writer, and writes it: what is large from where it lies. If the queue is full, once more after
    /// what is queued was written.
    pub(super) fn send(
        &mut self,
        message: impl Fn(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        if let Some(failure) = self.monitor.failure() {
            return Err(failure.into());
        }
        let until = self.until();
        match self.say(&message, until) {
            Err(Error::Send(SendError::Full)) => {
                match self.flush(until) {
                    Err(error) if self.monitor.is_over() => return Err(error),
                    _ => {}
                }
                self.say(&message, until)?;
            }
            said => said?,
        }
        self.flush(until)
    }

    fn say(
        &mut self,
        message: impl Fn(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
        until: Option<Duration>,
    ) -> Result<(), Error> {
        let Self { writer, stream, monitor, .. } = self;
        let mut stopped = None;
        message(writer, &mut |pending, payload| {
            let written = stream.write(monitor, until, pending, payload);
            written.map_err(|reason| stopped = Some(reason)).unwrap_or_default()
        })?;
        stopped.map_or(Ok(()), |reason| self.handle(reason))
    }

    /// When a call of the program that begins now has to return.
    fn until(&self) -> Option<Duration> {
        self.stream.writing.limit.map(|limit| self.monitor.now().saturating_add(limit))
    }

    /// Queues what the reader owes, and writes for a turn unless the stream has not taken what was queued before. A failure
    /// is in the monitor.
    pub(super) fn answer(&mut self, reply: Reply) {
        let is_stuck = !self.writer.pending().is_empty();
        self.owed = Some(reply);
        self.settle();
        if !is_stuck {
            let _ = self.flush_for_a_turn();
        }
    }

    /// Where much waits to be written, the newest pong is enough: so a flood of pings queues little.
    fn settle(&mut self) {
        let fits = self.writer.has_room() && self.writer.pending().len() < CROWDED;
        if let Some(reply) = self.owed.take_if(|reply| fits || reply.is_close()) {
            self.writer.reply(reply);
        }
        if self.writer.is_closed() {
            self.monitor.closing();
        }
    }

    /// Writes what is pending, but does not keep the thread from reading for long.
    pub(super) fn flush_for_a_turn(&mut self) -> Result<(), Error> {
        let until = self.monitor.now().saturating_add(TURN);
        self.flush(Some(until))
    }

    /// Writes all that is pending, and keeps count over failures.
    pub(super) fn flush(&mut self, until: Option<Duration>) -> Result<(), Error> {
        loop {
            self.settle();
            let pending = self.writer.pending();
            let step = if pending.is_empty() {
                self.stream.flush(&self.monitor, until).map(|()| 0)
            } else if self.monitor.cannot_write() {
                Err(Stopped::Over)
            } else {
                self.stream.write(&self.monitor, until, pending, &[])
            };
            match step {
                Ok(0) => return Ok(()),
                Ok(n) => {
                    self.writer.consume(n);
                    self.check_closing()?;
                }
                Err(reason) => self.handle(reason)?,
            }
        }
    }

    /// Closing has a limit also while bytes move. An open connection has none then.
    fn check_closing(&mut self) -> Result<(), Error> {
        let due = self.writer.is_closed().then(|| self.monitor.due(self.monitor.now()));
        due.flatten().map_or(Ok(()), |due| self.act(due))
    }

    /// What it means that a write was stopped. `Ok` is to go on.
    fn handle(&mut self, reason: Stopped) -> Result<(), Error> {
        match reason {
            Stopped::Late | Stopped::WouldBlock => Err(Error::TimedOut),
            Stopped::Over => Err(self.monitor.failure().map_or(Error::TimedOut, Error::from)),
            Stopped::Due(due) => self.act(due),
            Stopped::Failed(error) => {
                self.writer.end();
                Err(self.monitor.fail(error.into()).into())
            }
        }
    }

    /// Does what is due. `Ok` is to go on.
    pub(super) fn act(&mut self, due: Due) -> Result<(), Error> {
        match due {
            Due::Ping(payload) => {
                let _ = self.writer.ping(&payload); // a full queue is a peer that does not read
                Ok(())
            }
            Due::Idle => {
                let _ = self.writer.close(CloseCode::GOING_AWAY, "idle");
                Ok(())
            }
            Due::Pong => self.give_up(Some((CloseCode::INTERNAL, "no pong"))),
            Due::Message => self.give_up(Some((CloseCode::POLICY, "message too slow"))),
            _ => self.give_up(None),
        }
    }

    /// Ends the connection. The peer is told if the stream takes it at once.
    fn give_up(&mut self, told: Option<(CloseCode, &str)>) -> Result<(), Error> {
        if let Some((code, reason)) = told {
            let _ = self.writer.close(code, reason);
            let until = Some(self.monitor.now());
            if let Ok(n) = self.stream.write(&self.monitor, until, self.writer.pending(), &[]) {
                self.writer.consume(n);
            }
        }
        self.writer.end();
        Err(self.monitor.fail(Cause::TimedOut).into())
    }
}

/// With so many bytes to write, no further pong is queued.
const CROWDED: usize = 64 << 10;

/// Methods over a `send` that takes what to say to the writer.
macro_rules! sending {
    () => {
        /// Sends a text message.
        ///
        /// # Errors
        ///
        /// [`Error::Send`] if it was refused, and nothing was sent. [`Error::TimedOut`] if the write time-out of the
        /// caller is over and [`is_over`](Self::is_over) says no: what is not written yet goes out before the next.
        /// Otherwise the error that ended the connection, such as [`Error::Io`]; `next` still returns what has arrived.
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
        /// As `text`.
        pub fn flush(&mut self) -> Result<(), Error> {
            self.send(|_, _| Ok(()))
        }
    };
}
