//! What the halves of a socket share: the stream, and what is to be written to it.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Io;
use crate::adapter::input::or_eof;
use crate::writer::Writer;

/// Locked for the length of a poll, never while waiting.
#[derive(Debug)]
pub(super) struct Shared<T> {
    waiting: Arc<Waiting>,
    output: Mutex<Output<T>>,
}

/// A stream and what goes out on it.
#[derive(Debug)]
pub(super) struct Output<T> {
    pub(super) io: T,
    pub(super) writer: Writer,
    /// Whether the connection is over, so that nothing can be sent.
    pub(super) over: bool,
    /// Whether the stream may hold back what was written.
    held: bool,
    waker: Waker,
}

/// The tasks that wait for the stream. A stream knows one task for each direction, and each half may have to write: so
/// it is given a waker that wakes both.
#[derive(Debug, Default)]
struct Waiting {
    receiver: Mutex<Option<Waker>>,
    sender: Mutex<Option<Waker>>,
}

/// Which half waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Half {
    Receiver,
    Sender,
}

impl<T: Io> Shared<T> {
    pub(super) fn new(io: T, writer: Writer) -> Self {
        let waiting = Arc::new(Waiting::default());
        let waker = Waker::from(Arc::clone(&waiting));
        Self { waiting, output: Mutex::new(Output { io, writer, over: false, held: false, waker }) }
    }

    /// The stream, for a task that is to be woken when a poll of it says so.
    pub(super) fn poll(&self, half: Half, cx: &Context<'_>) -> MutexGuard<'_, Output<T>> {
        let mut waiting = lock(self.waiting.of(half));
        if !waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waiting = Some(cx.waker().clone());
        }
        drop(waiting);
        lock(&self.output)
    }

    /// The stream, for someone who does not wait.
    pub(super) fn output(&self) -> MutexGuard<'_, Output<T>> {
        lock(&self.output)
    }

    pub(super) fn wake(&self, half: Half) {
        let waker = lock(self.waiting.of(half)).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Io> Output<T> {
    pub(super) fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.waker);
        loop {
            match self.io.poll_read(&mut cx, buffer).map(or_eof) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Writes once.
    pub(super) fn poll_write(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(&self.waker);
        match self.io.poll_write(&mut cx, &[IoSlice::new(self.writer.pending())]) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(n)) => {
                self.writer.consume(n);
                self.held = true;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes all that is pending.
    pub(super) fn poll_flush(&mut self) -> Poll<io::Result<()>> {
        while !self.writer.pending().is_empty() {
            if let unfinished @ (Poll::Pending | Poll::Ready(Err(_))) = self.poll_write() {
                return unfinished;
            }
        }
        if self.held {
            let mut cx = Context::from_waker(&self.waker);
            if let unfinished @ (Poll::Pending | Poll::Ready(Err(_))) = self.io.poll_flush(&mut cx) {
                return unfinished;
            }
            self.held = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_close(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(&self.waker);
        self.io.poll_close(&mut cx)
    }
}

impl Waiting {
    const fn of(&self, half: Half) -> &Mutex<Option<Waker>> {
        match half {
            Half::Receiver => &self.receiver,
            Half::Sender => &self.sender,
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for half in [Half::Receiver, Half::Sender] {
            let waker = lock(self.of(half)).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
