//! What the halves of a socket share: the stream, and what is to be written to it.

use core::mem;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::Io;
use super::tasks::{Half, Tasks};
use crate::adapter::Write;
use crate::adapter::cause::Cause;
use crate::adapter::error::Error;
use crate::adapter::input::or_eof;
use crate::close::CloseCode;
use crate::config::Config;
use crate::error::SendError;
use crate::reply::Reply;
use crate::timers::{Due, Timers};
use crate::writer::Writer;

/// A stream and what goes out on it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Output<T> {
    pub(super) io: T,
    pub(super) writer: Writer,
    pub(super) timers: Timers,
    pub(super) link: Link,
    /// Why nothing more can be sent, as far as it is known.
    cause: Option<Cause>,
    /// Whether something that was said could not be written, or was refused since the connection had failed.
    lost: bool,
    pub(super) sending: Sending,
    /// The newest pong, while there is no place for it.
    owed: Option<Reply>,
    /// How much there is to write until the pong before it is out.
    pong: usize,
    /// Whether the stream may hold back what was written.
    held: bool,
    /// How often the stream was written to since the receiver asked.
    pub(super) writes: usize,
    /// Whether something was written since the receiver asked.
    pub(super) progress: bool,
    /// Since when the stream takes nothing, and how long that may last.
    stuck: Option<Duration>,
    patience: Option<Duration>,
    /// Who polls.
    pub(super) half: Half,
    /// Who has to wait until more is written.
    blocked: [bool; 2],
    /// Whether the receiver waits for the stream.
    pub(super) receiver_waits: bool,
    tasks: Tasks,
}

/// What can be done with the stream.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Link {
    Open,
    /// A write failed: what is said is dropped. What the peer said before may still be there to be read.
    Broken,
    /// Nothing.
    Over,
}

/// How messages are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sending {
    /// Whoever sends waits until the peer reads.
    Waits,
    /// And was told that there is room for a message, which must stay so until it comes.
    Promised,
    /// Whoever sends does not wait.
    Queues,
}

impl<T: Io> Output<T> {
    pub(super) fn new(io: T, writer: Writer, timers: Timers, config: &Config) -> Self {
        Self {
            io,
            writer,
            timers,
            link: Link::Open,
            cause: None,
            lost: false,
            sending: Sending::Waits,
            owed: None,
            pong: 0,
            held: false,
            writes: 0,
            progress: false,
            stuck: None,
            patience: config.keepalive.map(|interval| interval.saturating_add(config.pong_timeout)),
            half: Half::Receiver,
            blocked: [false; 2],
            receiver_waits: false,
            tasks: Tasks::NONE,
        }
    }

    /// Takes note of who polls.
    pub(super) fn enter(&mut self, half: Half, waker: &Waker) {
        self.half = half;
        self.tasks.enter(half, waker);
    }

    pub(super) fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        loop {
            match self.io.poll_read(&mut cx, buffer).map(or_eof) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Writes once. An error breaks the link.
    pub(super) fn poll_write(&mut self) -> Poll<()> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        match self.io.poll_write(&mut cx, &[IoSlice::new(self.writer.pending())]) {
            Poll::Ready(Ok(0)) => self.broke(io::Error::from(io::ErrorKind::WriteZero)),
            Poll::Ready(Ok(n)) => {
                self.writer.consume(n);
                self.wrote(n);
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => self.broke(error),
            Poll::Pending => return self.wait(),
        }
        Poll::Ready(())
    }

    /// Says something to the writer, and writes as much of it as the stream takes: what is large from where it lies.
    pub(super) fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let Self { io, writer, tasks, half, .. } = self;
        let (mut written, mut failed) = (0_usize, None);
        let said = message(writer, &mut |pending, payload| {
            let slices = [IoSlice::new(pending), IoSlice::new(payload)];
            // Whoever has to wait learns it from the flush that comes next.
            let n = match io.poll_write(&mut Context::from_waker(tasks.waker(*half)), &slices) {
                Poll::Ready(write) => write.map_err(|error| failed = Some(error)).unwrap_or_default(),
                Poll::Pending => 0,
            };
            written = written.saturating_add(n); // if it claims more than there is, the writer panics
            n
        });
        self.sending = Sending::Waits;
        self.wrote(written);
        said.map_err(|refused| self.refusal(refused))?;
        if let Some(error) = failed.filter(|error| error.kind() != io::ErrorKind::Interrupted) {
            self.broke(error);
        }
        match self.poll_flush() {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()), // it is queued
        }
    }

    /// Writes all that is pending.
    #[inline]
    pub(super) fn poll_flush(&mut self) -> Poll<Result<(), Error>> {
        if self.held || self.writer.is_outgoing() || self.link != Link::Open {
            self.poll_flush_all()
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn poll_flush_all(&mut self) -> Poll<Result<(), Error>> {
        while self.link == Link::Open && self.writer.is_outgoing() {
            if self.poll_write().is_pending() {
                return Poll::Pending;
            }
        }
        if self.link == Link::Open && self.held {
            let mut cx = Context::from_waker(self.tasks.waker(self.half));
            match self.io.poll_flush(&mut cx) {
                Poll::Pending => return self.wait(),
                Poll::Ready(Err(error)) => self.broke(error),
                Poll::Ready(Ok(())) => {
                    self.held = false;
                    self.go_on();
                }
            }
        }
        if self.link != Link::Open {
            return Poll::Ready(self.flushed_behind_the_end());
        }
        Poll::Ready(Ok(()))
    }

    #[cold]
    fn flushed_behind_the_end(&mut self) -> Result<(), Error> {
        self.drop_pending();
        if self.lost { self.check() } else { Ok(()) }
    }

    /// A write failed.
    #[cold]
    fn broke(&mut self, error: impl Into<Error>) {
        self.cause.get_or_insert_with(|| error.into().into());
        self.link = self.link.max(Link::Broken);
        self.drop_pending();
        let other = self.half.other();
        self.wake(other);
    }

    /// What nobody can write makes no one wait for room.
    fn drop_pending(&mut self) {
        let pending = self.writer.pending().len();
        self.writer.consume(pending);
        self.lost |= pending > 0 || self.held;
        (self.held, self.owed, self.pong, self.stuck) = (false, None, 0, None);
    }

    /// Nothing can be sent, and nothing is due, from now on. Why, if that is not known yet.
    pub(super) fn over(&mut self, cause: Cause) {
        self.timers.closed();
        self.cause.get_or_insert(cause);
        self.link = Link::Over;
        let other = self.half.other();
        self.wake(other);
    }

    /// Takes note of why the connection ends, while the last bytes are still to be written.
    pub(super) fn ends(&mut self, cause: &Cause) {
        self.cause.get_or_insert_with(|| cause.clone());
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Whether something can be sent.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if self.link == Link::Open { Ok(()) } else { Err(self.refusal(SendError::Closed)) }
    }

    /// What to tell somebody whose message was refused.
    pub(super) fn refusal(&mut self, refused: SendError) -> Error {
        self.note_refused(refused);
        match &self.cause {
            Some(cause) if refused == SendError::Closed => cause.error(),
            _ => refused.into(),
        }
    }

    /// Takes note that a message was refused since the connection is over: the next flush says why.
    pub(super) fn note_refused(&mut self, refused: SendError) {
        self.lost |= refused == SendError::Closed && !matches!(self.cause, None | Some(Cause::Closed));
    }

    /// The program panicked in the middle of an event, and where the connection stands is not known.
    #[cold]
    pub(super) fn panicked(&mut self) {
        let was_open = self.link == Link::Open;
        if self.link != Link::Over {
            self.cause = None;
            self.over(Cause::Panicked);
        }
        if was_open {
            let _ = self.writer.close(CloseCode::INTERNAL, ""); // or one is there
            if self.writer.is_outgoing() {
                let _ = self.poll_write();
            }
            let _ = self.poll_close();
        }
    }

    /// For a sender that waits: gives up on a peer that takes nothing for too long, or does not end the closing handshake.
    /// What else is due is for the receiver to see, since it may have what shows that the peer is there.
    pub(super) fn poll_patience(&mut self) {
        let is_closing = self.writer.is_closed();
        if let Some(now) = self.io.now().filter(|_| is_closing) {
            self.timers.closing(now);
        }
        loop {
            let next = self.timers.next();
            let patience = self.stuck.zip(self.patience).and_then(|(since, most)| since.checked_add(most));
            let Some(deadline) = (if is_closing { next } else { patience }) else {
                return;
            };
            // There is one sleep, and the receiver may wait for it, too.
            let earlier = next.filter(|next| *next < deadline && self.receiver_waits);
            if self.poll_sleep(earlier.unwrap_or(deadline)).is_pending() {
                return;
            }
            if earlier.is_some() {
                self.receiver_waits = false;
                self.wake(Half::Receiver);
                continue;
            }
            let now = self.io.now().unwrap_or(deadline).max(deadline);
            if !is_closing {
                // As if a write had failed: what the peer said before is still to be read, for the closing time.
                self.timers.closing(now);
                self.broke(Error::TimedOut);
                return;
            }
            if self.timers.due(now) == Some(Due::Closing) {
                self.over(Cause::TimedOut);
                return;
            }
        }
    }

    /// Queues what the reader owes: a close frame at once, one pong at a time. While that waits to be written, the
    /// newest of the others is enough (section 5.5.3).
    pub(super) fn answer(&mut self, reply: Reply) {
        self.owed = Some(reply);
        self.settle();
    }

    /// Takes note of how messages are sent now. The receiver may have waited for it.
    pub(super) fn set_sending(&mut self, sending: Sending) {
        let begins_to_wait = self.sending == Sending::Queues && sending != Sending::Queues;
        if begins_to_wait && *Half::Receiver.of(&mut self.blocked).0 {
            self.wake(Half::Receiver);
        }
        self.sending = sending;
        self.settle();
    }

    fn wrote(&mut self, n: usize) {
        self.pong = self.pong.saturating_sub(n);
        self.settle();
        if n > 0 {
            (self.held, self.progress) = (true, true);
            self.writes = self.writes.saturating_add(1);
            // Behind a time in which the stream took nothing, the peer must have read.
            if self.stuck.take().is_some() {
                self.timers.sent(self.io.now().unwrap_or_default());
            }
            self.go_on();
        }
    }

    fn settle(&mut self) {
        let has_room = match self.sending {
            Sending::Promised => !self.writer.is_outgoing(),
            Sending::Waits | Sending::Queues => self.writer.has_room(),
        };
        let fits = has_room && self.pong == 0;
        if let Some(reply) = self.owed.take_if(|reply| fits || reply.is_close()) {
            self.writer.reply(reply);
            self.pong = self.writer.pending().len();
        }
    }

    fn wait<R>(&mut self) -> Poll<R> {
        *self.half.of(&mut self.blocked).0 = true;
        self.stuck = self.stuck.or_else(|| self.io.now());
        Poll::Pending
    }

    /// Wakes the other half if it waits for what was done now: the stream need not, once it has let this one go on.
    fn go_on(&mut self) {
        let (own, other) = self.half.of(&mut self.blocked);
        *own = false;
        if mem::take(other) {
            self.wake(self.half.other());
        }
    }

    /// Wakes the receiver if it waits.
    pub(super) fn wake_receiver(&mut self) {
        if mem::take(&mut self.receiver_waits) {
            self.wake(Half::Receiver);
        }
    }

    pub(super) fn wake(&mut self, half: Half) {
        self.tasks.wake(half);
    }

    /// Polls the task of this half again after others.
    pub(super) fn yield_now(&mut self) {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        self.io.yield_now(&mut cx);
    }

    /// The half that polls waits for nothing.
    pub(super) fn leave(&mut self) {
        self.tasks.leave(self.half);
    }

    pub(super) fn poll_close(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        self.io.poll_close(&mut cx)
    }

    pub(super) fn poll_sleep(&mut self, deadline: Duration) -> Poll<()> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        self.io.poll_sleep(&mut cx, deadline)
    }
}
