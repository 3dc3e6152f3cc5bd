//! A socket for two threads: one waits in `next`, the other sends.

use alloc::sync::Arc;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use super::monitor::{Monitor, lock};
use super::receiving::{Peer, Receiving};
use super::sending::Sending;
use super::timed::{Stopped, Timed};
use super::{Error, Stream};
use crate::adapter;
use crate::adapter::cause::Cause;
use crate::close::CloseCode;
use crate::error::SendError;
use crate::frame::Kind;
use crate::reader::Event;
use crate::reply::Reply;
use crate::timers::Due;
use crate::writer::Writer;

/// The receiving half of a [`Socket`](super::Socket), for a thread of its own. See
/// [`Socket::into_split`](super::Socket::into_split).
#[derive(Debug)]
pub struct ReadHalf<S, W> {
    receiving: Receiving,
    monitor: Arc<Monitor>,
    both: Both<S, W>,
}

/// The sending half of a [`Socket`](super::Socket), for a thread of its own. See
/// [`Socket::into_split`](super::Socket::into_split).
#[derive(Debug)]
pub struct WriteHalf<W> {
    output: Arc<Output<W>>,
    monitor: Arc<Monitor>,
}

/// The stream to read, and what both threads write through.
#[derive(Debug)]
struct Both<S, W> {
    stream: Timed<S>,
    output: Arc<Output<W>>,
}

/// The reading thread does not wait for the lock: where the other holds it, it leaves what it owes, and the other finds
/// that behind its own message. So it reads on while the other waits for a peer that does the same.
#[derive(Debug)]
struct Output<W> {
    owed: Mutex<Owed>,
    sending: Mutex<Sending<W>>,
}

/// What the reading thread has left for the other to write.
#[derive(Debug, Default)]
struct Owed {
    reply: Option<Reply>,
    due: Option<Due>,
}

pub(super) fn split<S, W>(
    receiving: Receiving,
    stream: Timed<S>,
    sending: Sending<W>,
) -> (ReadHalf<S, W>, WriteHalf<W>) {
    let monitor = Arc::clone(&sending.monitor);
    monitor.split();
    let output = Arc::new(Output { owed: Mutex::default(), sending: Mutex::new(sending) });
    let writing = WriteHalf { output: Arc::clone(&output), monitor: Arc::clone(&monitor) };
    (ReadHalf { receiving, monitor, both: Both { stream, output } }, writing)
}

impl<S: Stream, W: Stream> ReadHalf<S, W> {
    /// Waits for the next event, as [`Socket::next`](super::Socket::next).
    ///
    /// # Errors
    ///
    /// As [`Socket::next`](super::Socket::next).
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.receiving.next(&self.monitor, &mut self.both)
    }

    /// Sets how long [`ReadHalf::next`] waits at most, as
    /// [`Socket::set_read_timeout`](super::Socket::set_read_timeout).
    pub const fn set_read_timeout(&mut self, limit: Option<Duration>) {
        self.both.stream.reading.limit = limit;
    }

    /// Whether the connection has ended, as [`Socket::is_over`](super::Socket::is_over).
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.monitor.is_over()
    }
}

impl<W: Stream> WriteHalf<W> {
    sending!();

    /// Sets how long a method that sends waits at most, as
    /// [`Socket::set_write_timeout`](super::Socket::set_write_timeout).
    pub fn set_write_timeout(&mut self, limit: Option<Duration>) {
        lock(&self.output.sending).stream.writing.limit = limit;
    }

    /// Whether the connection has ended, as [`Socket::is_over`](super::Socket::is_over).
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.monitor.is_over()
    }

    fn send(
        &mut self,
        message: impl Fn(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let sent = lock(&self.output.sending).send(message);
        self.output.settle();
        sent
    }

    fn say<R>(&mut self, message: impl FnOnce(&mut Writer) -> R) -> R {
        let said = message(&mut lock(&self.output.sending).writer);
        self.output.settle(); // what is not written then is with the next
        said
    }
}

impl<S: Stream, W: Stream> Peer for Both<S, W> {
    fn limit(&self) -> Option<Duration> {
        self.stream.reading.limit
    }

    fn read(&mut self, monitor: &Monitor, until: Option<Duration>, buffer: &mut [u8]) -> Result<usize, Stopped> {
        self.stream.read(monitor, until, buffer)
    }

    fn has_read_timeouts(&mut self) -> bool {
        self.stream.has_read_timeouts()
    }

    fn answer(&mut self, reply: Reply) {
        lock(&self.output.owed).reply = Some(reply);
        self.output.settle();
    }

    fn act(&mut self, monitor: &Monitor, due: Due) {
        match (self.output.try_lock(), due) {
            (Some(mut sending), due) => {
                let _ = sending.act(due);
            }
            (None, Due::Ping(_) | Due::Idle) => {
                lock(&self.output.owed).due = Some(due);
                self.output.settle();
            }
            (None, _) => {
                monitor.fail(Cause::TimedOut);
            }
        }
    }

    fn flush_for_a_turn(&mut self) -> bool {
        let flushed = match self.output.try_lock() {
            Some(mut sending) => sending.flush_for_a_turn(),
            None => Ok(()), // the other thread is writing
        };
        self.output.settle();
        flushed.is_err()
    }

    fn finish(&mut self, monitor: &Monitor, until: Option<Duration>) -> Result<(), Error> {
        self.output.settle();
        loop {
            if let Some(mut sending) = self.output.try_lock() {
                return sending.flush(until);
            }
            // The other thread is writing, for as long as the closing deadline lets it.
            if until.is_some_and(|until| until <= monitor.now()) {
                return Err(Error::TimedOut);
            }
            thread::sleep(BETWEEN_TRIES);
        }
    }

    fn end(&mut self) {
        // Who is writing now learns it from the monitor, or from the stream.
        if let Some(mut sending) = self.output.try_lock() {
            sending.writer.end();
        }
        self.stream.shutdown_write();
    }
}

impl<W: Stream> Output<W> {
    /// Writes what is owed, unless the other thread is writing: it comes by here once it has let go of the lock.
    fn settle(&self) {
        while lock(&self.owed).is_some() {
            let Some(mut sending) = self.try_lock() else {
                return;
            };
            let Owed { reply, due } = core::mem::take(&mut *lock(&self.owed));
            if let Some(due) = due {
                let _ = sending.act(due);
            }
            match reply {
                Some(reply) => sending.answer(reply),
                None => _ = sending.flush_for_a_turn(),
            }
        }
    }
}

impl<W> Output<W> {
    fn try_lock(&self) -> Option<MutexGuard<'_, Sending<W>>> {
        match self.sending.try_lock() {
            Ok(sending) => Some(sending),
            Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Owed {
    const fn is_some(&self) -> bool {
        self.reply.is_some() || self.due.is_some()
    }
}

/// How often the end of a connection looks whether the other thread has written its message.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
