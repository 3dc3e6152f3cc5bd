//! What the halves of a socket share: the stream, and what is to be written to it.

use core::mem;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Io;
use super::tasks::{Half, Tasks};
use crate::adapter::Write;
use crate::adapter::error::Error;
use crate::adapter::input::or_eof;
use crate::error::SendError;
use crate::reply::Reply;
use crate::writer::Writer;

/// Locked for the length of a poll, never while waiting.
#[derive(Debug)]
pub(super) struct Shared<T>(Mutex<Output<T>>);

/// A stream and what goes out on it.
#[derive(Debug)]
pub(super) struct Output<T> {
    pub(super) io: T,
    pub(super) writer: Writer,
    /// Whether the connection is over, so that nothing can be sent.
    pub(super) over: bool,
    pub(super) sending: Sending,
    /// The newest pong, while there is no place for it.
    owed: Option<Reply>,
    /// How much there is to write until the pong before it is out.
    pong: usize,
    /// Whether the stream may hold back what was written.
    held: bool,
    /// Whether something was written since the receiver asked.
    pub(super) progress: bool,
    /// Who polls.
    pub(super) half: Half,
    /// Who has to wait until more is written.
    blocked: [bool; 2],
    tasks: Tasks,
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

impl<T: Io> Shared<T> {
    pub(super) const fn new(io: T, writer: Writer) -> Self {
        Self(Mutex::new(Output {
            io,
            writer,
            over: false,
            sending: Sending::Waits,
            owed: None,
            pong: 0,
            held: false,
            progress: false,
            half: Half::Receiver,
            blocked: [false; 2],
            tasks: Tasks::NONE,
        }))
    }

    /// The stream, for a task that is to be woken when a poll of it says so.
    pub(super) fn poll(&self, half: Half, cx: &Context<'_>) -> MutexGuard<'_, Output<T>> {
        let mut output = self.output();
        output.half = half;
        output.tasks.enter(half, cx.waker());
        output
    }

    /// The stream, for someone who does not wait.
    pub(super) fn output(&self) -> MutexGuard<'_, Output<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Io> Output<T> {
    pub(super) fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        loop {
            match self.io.poll_read(&mut cx, buffer).map(or_eof) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Writes once.
    pub(super) fn poll_write(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(self.tasks.waker(self.half));
        match self.io.poll_write(&mut cx, &[IoSlice::new(self.writer.pending())]) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(n)) => {
                self.writer.consume(n);
                self.wrote(n);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(),
        }
    }

    /// Says something to the writer, and begins to write it: what is large from where it lies.
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
        said?;
        match failed {
            Some(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Writes all that is pending.
    #[inline]
    pub(super) fn poll_flush(&mut self) -> Poll<io::Result<()>> {
        if self.held || self.writer.is_outgoing() { self.poll_flush_all() } else { Poll::Ready(Ok(())) }
    }

    fn poll_flush_all(&mut self) -> Poll<io::Result<()>> {
        while self.writer.is_outgoing() {
            if let unfinished @ (Poll::Pending | Poll::Ready(Err(_))) = self.poll_write() {
                return unfinished;
            }
        }
        if self.held {
            let mut cx = Context::from_waker(self.tasks.waker(self.half));
            match self.io.poll_flush(&mut cx) {
                Poll::Pending => return self.wait(),
                failed @ Poll::Ready(Err(_)) => return failed,
                Poll::Ready(Ok(())) => {}
            }
            self.held = false;
            self.go_on();
        }
        Poll::Ready(Ok(()))
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
        self.held |= n > 0;
        self.progress |= n > 0;
        self.settle();
        if n > 0 {
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

    const fn wait<R>(&mut self) -> Poll<R> {
        *self.half.of(&mut self.blocked).0 = true;
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

    pub(super) fn wake(&mut self, half: Half) {
        self.tasks.wake(half);
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
