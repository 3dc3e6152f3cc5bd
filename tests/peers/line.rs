//! A stream in memory whose peer and clock the test plays, and a task that counts its wakes.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ws_proto::poll::Io;

use crate::driver::{Wakes, lock};

/// Clones are the same stream.
#[derive(Clone, Debug)]
pub(crate) struct Line(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    /// What can be read now, then `flood` again and again, then `end`.
    input: VecDeque<u8>,
    flood: Vec<u8>,
    end: End,
    /// The most bytes of one read.
    pub(crate) most: usize,
    /// How many bytes were read, and how often.
    pub(crate) read: usize,
    pub(crate) reads: usize,
    /// What was written, and how much more is taken.
    pub(crate) output: Vec<u8>,
    pub(crate) room: usize,
    pub(crate) writes: usize,
    /// Fails writes, or flushes.
    pub(crate) broken: Option<ErrorKind>,
    pub(crate) flush_fails: bool,
    pub(crate) shut: bool,
    pub(crate) now: Option<Duration>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    sleep: Option<(Duration, Waker)>,
}

/// What follows the input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Open,
    Eof,
    Fails(ErrorKind),
}

impl Line {
    /// With a clock that stands at zero, and room for all that is written.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            input: VecDeque::new(),
            flood: Vec::new(),
            end: End::Open,
            most: usize::MAX,
            read: 0,
            reads: 0,
            output: Vec::new(),
            room: usize::MAX,
            writes: 0,
            broken: None,
            flush_fails: false,
            shut: false,
            now: Some(Duration::ZERO),
            reader: None,
            writer: None,
            sleep: None,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// The peer says more.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.input.extend(bytes);
        let waker = state.reader.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The peer says this for ever.
    pub(crate) fn flood(&self, bytes: &[u8]) {
        self.state().flood = bytes.to_vec();
        self.push(b"");
    }

    /// The peer says nothing more.
    pub(crate) fn end(&self, end: End) {
        self.state().end = end;
        self.push(b"");
    }

    /// The peer reads so many bytes more.
    pub(crate) fn make_room(&self, n: usize) {
        let mut state = self.state();
        state.room = state.room.saturating_add(n);
        let waker = state.writer.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Time passes.
    pub(crate) fn advance(&self, time: Duration) {
        let mut state = self.state();
        let now = state.now.expect("a clock") + time;
        state.now = Some(now);
        let slept = state.sleep.take_if(|(deadline, _)| *deadline <= now);
        drop(state);
        if let Some((_, waker)) = slept {
            waker.wake();
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.state().now.expect("a clock")
    }

    /// Takes what was written.
    pub(crate) fn written(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }
}

impl Io for Line {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let most = buffer.len().min(state.most);
        if state.input.len() < most && !state.flood.is_empty() {
            let State { input, flood, .. } = &mut *state;
            input.extend(flood.iter().cycle().take(most.next_multiple_of(flood.len())));
        }
        let n = most.min(state.input.len());
        if n == 0 {
            match state.end {
                End::Open => {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                End::Eof => return Poll::Ready(Ok(0)),
                End::Fails(kind) => return Poll::Ready(Err(kind.into())),
            }
        }
        for (to, from) in buffer.iter_mut().zip(state.input.drain(..n)) {
            *to = from;
        }
        state.read += n;
        state.reads += 1;
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        if let Some(kind) = state.broken {
            return Poll::Ready(Err(kind.into()));
        }
        assert!(!state.shut, "written behind the end");
        assert!(slices.iter().any(|slice| !slice.is_empty()), "nothing to write");
        if state.room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = state.output.len();
        for slice in slices {
            let n = slice.len().min(state.room);
            state.room -= n;
            state.output.extend_from_slice(&slice[..n]);
        }
        state.writes += 1;
        Poll::Ready(Ok(state.output.len() - before))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state().flush_fails { Poll::Ready(Err(ErrorKind::BrokenPipe.into())) } else { Poll::Ready(Ok(())) }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().shut = true;
        Poll::Ready(Ok(()))
    }

    fn now(&self) -> Option<Duration> {
        self.state().now
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        let mut state = self.state();
        if state.now.is_some_and(|now| now >= deadline) {
            return Poll::Ready(());
        }
        state.sleep = Some((deadline, cx.waker().clone()));
        Poll::Pending
    }
}

/// A future that is polled when the test says so.
pub(crate) struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    wakes: Arc<Wakes>,
    seen: usize,
}

impl<'a, T> Task<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default(), seen: 0 }
    }

    pub(crate) fn poll(&mut self) -> Option<T> {
        self.seen = self.wakes.count();
        let waker = Waker::from(Arc::clone(&self.wakes));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// How often it was woken since it was polled last, and while that.
    pub(crate) fn wakes(&self) -> usize {
        self.wakes.count() - self.seen
    }

    /// Polls as long as it is woken.
    pub(crate) fn run(&mut self) -> Option<T> {
        for _ in 0..MANY {
            let ready = self.poll();
            if ready.is_some() || self.wakes() == 0 {
                return ready;
            }
        }
        panic!("polled {MANY} times, and woken again");
    }

    /// Runs it and lets time pass, a step at a time, until it is ready or it is so late.
    pub(crate) fn run_until(&mut self, line: &Line, end: Duration, step: Duration) -> Option<T> {
        loop {
            let ready = self.run();
            if ready.is_some() || line.now() >= end {
                return ready;
            }
            line.advance(step);
        }
    }
}

const MANY: usize = 100_000;
