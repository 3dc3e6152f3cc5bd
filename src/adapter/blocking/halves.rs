//! A socket for two threads: one waits in `next`, the other sends.

use alloc::sync::Arc;
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::sending::Sending;
use super::{Error, Input, Peer, input, next};
use crate::adapter;
use crate::close::CloseCode;
use crate::error::SendError;
use crate::frame::Kind;
use crate::reader::{Event, Reader};
use crate::reply::Reply;
use crate::writer::Writer;

/// The receiving half of a [`Socket`](super::Socket), for a thread of its own. See
/// [`Socket::into_split`](super::Socket::into_split).
#[derive(Debug)]
pub struct ReadHalf<S, W> {
    reader: Reader,
    input: Input,
    both: Both<S, W>,
}

/// The sending half of a [`Socket`](super::Socket), for a thread of its own. See
/// [`Socket::into_split`](super::Socket::into_split).
#[derive(Debug)]
pub struct WriteHalf<W> {
    output: Arc<Output<W>>,
}

/// The stream to read, and what both threads write through.
#[derive(Debug)]
struct Both<S, W> {
    stream: S,
    output: Arc<Output<W>>,
}

/// The reading thread does not wait for the lock: where the other holds it, it leaves what it owes, and the other finds
/// that behind its own message. So it reads on while the other waits for a peer that does the same. It can be caught
/// only in writing an answer itself, where the other sends nothing: a write time-out on the stream ends that.
#[derive(Debug)]
struct Output<W> {
    owed: Mutex<Option<Reply>>,
    sending: Mutex<Sending<W>>,
}

pub(super) fn split<S, W>(
    reader: Reader,
    input: Input,
    stream: S,
    sending: Sending<W>,
) -> (ReadHalf<S, W>, WriteHalf<W>) {
    let output = Arc::new(Output { owed: Mutex::new(None), sending: Mutex::new(sending) });
    let writing = WriteHalf { output: Arc::clone(&output) };
    (ReadHalf { reader, input, both: Both { stream, output } }, writing)
}

impl<S: Read, W: Write> ReadHalf<S, W> {
    /// Waits for the next event, as [`Socket::next`](super::Socket::next).
    ///
    /// # Errors
    ///
    /// As [`Socket::next`](super::Socket::next).
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        next(&mut self.reader, &mut self.input, &mut self.both)
    }
}

impl<W: Write> WriteHalf<W> {
    sending!();

    fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let sent = lock(&self.output.sending).send(message);
        let settled = self.output.settle();
        sent.and(settled)
    }

    fn say<R>(&mut self, message: impl FnOnce(&mut Writer) -> R) -> R {
        let said = message(&mut lock(&self.output.sending).writer);
        let _ = self.output.settle(); // what is not written then is with the next
        said
    }
}

impl<S: Read, W: Write> Peer for Both<S, W> {
    fn read(&mut self, input: &mut Input) -> io::Result<usize> {
        input.fill(&mut self.stream)
    }

    fn read_to(&mut self, room: &mut [u8]) -> io::Result<usize> {
        input::read(&mut self.stream, room)
    }

    fn answer(&mut self, reply: Reply) -> Result<(), Error> {
        *lock(&self.output.owed) = Some(reply);
        self.output.settle()
    }

    fn flush(&mut self) -> Result<(), Error> {
        match self.output.sending.try_lock() {
            Ok(mut sending) => sending.flush()?,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().flush()?,
            Err(TryLockError::WouldBlock) => {} // the other thread is writing
        }
        self.output.settle()
    }

    fn end(&mut self) {
        // Who is writing now learns it from the stream.
        if let Ok(mut sending) = self.output.sending.try_lock() {
            sending.writer.end();
        }
    }
}

impl<W: Write> Output<W> {
    /// Writes what is owed, unless the other thread is writing: it comes by here once it has let go of the lock.
    fn settle(&self) -> Result<(), Error> {
        while lock(&self.owed).is_some() {
            let mut sending = match self.sending.try_lock() {
                Ok(sending) => sending,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            let owed = lock(&self.owed).take();
            if let Some(reply) = owed {
                sending.answer(reply)?;
            }
        }
        Ok(())
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
