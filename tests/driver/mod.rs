//! What the tests of the drivers share: streams with a will of their own, and executors that look closely.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_proto::poll::Io;
use ws_proto::{Config, Connection, Event, Message, Reader, Role, Seed};

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(7)),
        Role::Server => Connection::server(config),
    }
}

/// The other end of a connection.
pub(crate) fn peer_of(role: Role) -> Connection {
    connection(if role == Role::Client { Role::Server } else { Role::Client }, &Config::new())
}

/// Takes all that is outgoing.
pub(crate) fn outgoing(connection: &mut Connection) -> Vec<u8> {
    let bytes = connection.outgoing().to_vec();
    connection.consume(bytes.len());
    bytes
}

/// What a reader makes of a wire. Any error is a panic.
pub(crate) fn receive_all(reader: &mut Reader, wire: &[u8]) -> Vec<Message> {
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let mut all = Vec::new();
    while let Some(event) = reader.receive(&mut input).expect("a valid wire") {
        all.push(event.into());
    }
    all
}

pub(crate) fn owned(event: Option<Event<'_>>) -> Option<Message> {
    event.map(Message::from)
}

/// Bytes whose place shows.
pub(crate) fn pattern(seed: usize, n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from((seed * 31 + i * 7 + i / 251) % 251).unwrap()).collect()
}

pub(crate) fn letters(seed: usize, n: usize) -> String {
    (0..n).map(|i| char::from(b'a' + u8::try_from((seed + i) % 26).unwrap())).collect()
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// --- a stream that follows a script ---

/// A stream that gives and takes few bytes at a time, and is not ready in between. Clones are the same stream.
#[derive(Clone, Debug)]
pub(crate) struct Scripted(Arc<Mutex<Script>>);

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "all but one are the script")]
pub(crate) struct Script {
    /// What will be read, and whether the stream ends behind it; else it is pending there.
    pub(crate) input: VecDeque<u8>,
    pub(crate) eof: bool,
    /// What was written, and how much more is taken.
    pub(crate) output: Vec<u8>,
    pub(crate) room: usize,
    /// The most bytes of one call.
    pub(crate) read: usize,
    pub(crate) write: usize,
    /// Whether every other call of each kind is pending.
    pub(crate) stutter: bool,
    pub(crate) flushes: usize,
    pub(crate) shut: bool,
    /// Fails writes.
    pub(crate) broken: bool,
    pub(crate) now: Option<Duration>,
    turns: [bool; 4],
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Scripted {
    pub(crate) fn new(input: &[u8], read: usize, write: usize, stutter: bool) -> Self {
        Self(Arc::new(Mutex::new(Script {
            input: input.iter().copied().collect(),
            eof: false,
            output: Vec::new(),
            room: usize::MAX,
            read,
            write,
            stutter,
            flushes: 0,
            shut: false,
            broken: false,
            now: None,
            turns: [false; 4],
            reader: None,
            writer: None,
        })))
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.0)
    }

    /// Whether no one else has this stream.
    pub(crate) fn is_dropped(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Lets the other end say more.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut script = self.script();
        script.input.extend(bytes);
        let waker = script.reader.take();
        drop(script);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Lets the other end read `n` more bytes.
    pub(crate) fn make_room(&self, n: usize) {
        let mut script = self.script();
        script.room = script.room.saturating_add(n);
        let waker = script.writer.take();
        drop(script);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Script {
    /// Whether it is not ready this time.
    fn stutters(&mut self, kind: usize, cx: &Context<'_>) -> bool {
        self.turns[kind] = !self.turns[kind];
        let stutters = self.stutter && self.turns[kind];
        if stutters {
            cx.waker().wake_by_ref();
        }
        stutters
    }
}

impl Io for Scripted {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        if script.stutters(0, cx) {
            return Poll::Pending;
        }
        let n = buffer.len().min(script.read).min(script.input.len());
        if n == 0 && !script.eof {
            script.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in buffer.iter_mut().zip(script.input.drain(..n)) {
            *to = from;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        if script.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if script.stutters(1, cx) {
            return Poll::Pending;
        }
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        assert!(!all.is_empty(), "nothing to write");
        let n = all.len().min(script.write).min(script.room);
        if n == 0 {
            script.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        script.room -= n;
        script.output.extend(&all[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.script();
        if script.stutters(2, cx) {
            return Poll::Pending;
        }
        script.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.script();
        if script.stutters(3, cx) {
            return Poll::Pending;
        }
        script.shut = true;
        Poll::Ready(Ok(()))
    }

    fn now(&self) -> Option<Duration> {
        self.script().now
    }

    fn poll_sleep(&mut self, _: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        if self.now().is_some_and(|now| now >= deadline) { Poll::Ready(()) } else { Poll::Pending }
    }
}

// --- a pipe ---

/// One end of a pipe with a small buffer each way. It is strict: it knows one task for each direction, the last that
/// was told to wait, and forgets it once the direction is found ready.
#[derive(Debug)]
pub(crate) struct Pipe {
    reads: Arc<Mutex<Lane>>,
    writes: Arc<Mutex<Lane>>,
}

#[derive(Debug, Default)]
pub(crate) struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// How often a task was woken.
    wakes: usize,
}

impl Pipe {
    pub(crate) fn pair(capacity: usize) -> (Self, Self) {
        let lane = || Arc::new(Mutex::new(Lane { capacity, ..Lane::default() }));
        let (there, back) = (lane(), lane());
        let near = Self { reads: Arc::clone(&back), writes: Arc::clone(&there) };
        (near, Self { reads: there, writes: back })
    }

    /// Counts wakes on both lanes, also when the pipe is gone.
    pub(crate) fn wakes(&self) -> impl Fn() -> usize + use<> {
        let lanes = [Arc::clone(&self.reads), Arc::clone(&self.writes)];
        move || lanes.iter().map(|lane| lock(lane).wakes).sum()
    }
}

impl Lane {
    fn wake(waker: Option<Waker>) {
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Io for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.reads);
        lane.reader = None;
        let n = buffer.len().min(lane.bytes.len());
        if n == 0 && !lane.ended {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in buffer.iter_mut().zip(lane.bytes.drain(..n)) {
            *to = from;
        }
        let waker = lane.writer.take();
        lane.wakes += usize::from(waker.is_some());
        drop(lane);
        Lane::wake(waker);
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.writes);
        lane.writer = None;
        let room = lane.capacity - lane.bytes.len();
        if room == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = lane.bytes.len();
        let bytes = slices.iter().flat_map(|slice| slice.iter()).take(room);
        lane.bytes.extend(bytes);
        let n = lane.bytes.len() - before;
        let waker = lane.reader.take();
        lane.wakes += usize::from(waker.is_some());
        drop(lane);
        Lane::wake(waker);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lane = lock(&self.writes);
        lane.ended = true;
        let waker = lane.reader.take();
        drop(lane);
        Lane::wake(waker);
        Poll::Ready(Ok(()))
    }

    fn now(&self) -> Option<Duration> {
        None
    }

    fn poll_sleep(&mut self, _: &mut Context<'_>, _: Duration) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut lane = lock(&self.writes);
        lane.ended = true;
        let waker = lane.reader.take();
        drop(lane);
        Lane::wake(waker);
    }
}

// --- executors ---

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls `polls` times, whether it is woken or not, then drops the future.
pub(crate) fn step<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// Polls to the end, but only while somebody wakes it: [`None`] if it would wait for ever.
pub(crate) fn run<F: Future>(future: F) -> Option<F::Output> {
    let count = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut future = pin!(future);
    for _ in 0..MANY {
        let before = count.count();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if count.count() == before {
            return None;
        }
    }
    panic!("polled {MANY} times, and still not ready");
}

/// As [`run`], for what must not wait for ever.
pub(crate) fn complete<F: Future>(future: F) -> F::Output {
    run(future).expect("nobody would ever wake this")
}

/// Counts the polls of a future.
pub(crate) fn counted<F: Future>(future: F, polls: Arc<AtomicUsize>) -> impl Future<Output = F::Output> {
    Counted { future: Box::pin(future), polls }
}

struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}

const MANY: usize = 1_000_000;
