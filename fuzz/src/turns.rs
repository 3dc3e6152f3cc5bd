//! A socket for tasks on a wire that a script plays: what arrives, how much is taken, how time passes, which calls are made
//! and dropped.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use arbitrary::{Arbitrary, Unstructured};
#[cfg(feature = "deflate")]
use ws_proto::deflate::Agreement;
use ws_proto::poll::{Error, Io, Receiver, Sender, Socket};
use ws_proto::{Budget, CloseCode, Config, Connection, Kind, Message, Role, Seed, SendError};

/// `data` is a script (see [`Arbitrary`]). A poll does no more than its turn; what arrived before the end is delivered in
/// order, once; what was written is a valid stream; when nothing moves any more, every call ends in time; and both halves
/// say the same cause.
pub fn turns(data: &[u8]) {
    let Ok(script) = Script::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut run = Run::new(&script);
    for step in script.steps {
        run.step(step);
    }
    run.finish(script.silent);
}

#[derive(Arbitrary, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices")]
struct Script {
    server: bool,
    split: bool,
    compression: bool,
    turn: u16,
    max_unread: u16,
    max_pending: u16,
    times: Times,
    /// Whether it ends in silence, and not with a Close frame.
    silent: bool,
    steps: Vec<Step>,
}

/// In seconds, less one.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Times {
    keepalive: Option<u8>,
    pong_timeout: u8,
    require_pong: bool,
    closing_timeout: u8,
    closing_limit: u8,
    idle_timeout: Option<u8>,
    message_timeout: Option<u8>,
    message_rate: u16,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    /// The peer says something.
    Peer(Say),
    /// So many bytes of that arrive.
    Arrive(u16),
    /// The stream ends behind what arrived, or fails.
    End {
        fails: bool,
    },
    /// The peer reads so much.
    Room(u16),
    /// Writes fail.
    Break,
    /// Tenths of a second pass.
    Pass(u16),
    /// A call is polled so often, and dropped.
    Call {
        call: Call,
        polls: u8,
    },
    Queue(u16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Say {
    Text(u16),
    Fragment { size: u16, last: bool },
    Ping,
    Pong,
    Close,
    Garbage,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Next,
    ForEach { answers: bool },
    Text(u16),
    Ping,
    Flush,
    Close,
}

enum Ends {
    Whole(Socket<Wire>),
    Halves(Receiver<Wire>, Sender<Wire>),
}

/// With whatever of both receives.
macro_rules! receiver {
    ($ends:expr, $receiver:ident => $call:expr) => {
        match &mut $ends {
            Ends::Whole($receiver) => $call,
            Ends::Halves($receiver, _) => $call,
        }
    };
}

/// With whatever of both sends.
macro_rules! sender {
    ($ends:expr, $sender:ident => $call:expr) => {
        match &mut $ends {
            Ends::Whole($sender) => $call,
            Ends::Halves(_, $sender) => $call,
        }
    };
}

/// How receiving ended.
#[derive(Debug, Eq, PartialEq)]
enum Ended {
    InOrder,
    Because(String),
}

struct Run {
    ends: Ends,
    wire: Wire,
    peer: Connection,
    times: Times,
    turn: usize,
    /// What the peer said, and has not arrived.
    under_way: VecDeque<u8>,
    arrived: usize,
    /// What is to be delivered, and how many bytes must have arrived for it.
    expected: VecDeque<(usize, Message)>,
    said: usize,
    /// A message that the peer says in fragments.
    open: Option<String>,
    /// The peer says nothing more.
    silent: bool,
    number: usize,
    /// How receiving ended, and what sending said that was no refusal.
    ended: Option<Ended>,
    failed: Option<String>,
    /// How much had arrived when that was said first.
    arrived_in_time: Option<usize>,
    /// Whether this end closes: there is a deadline for all that is left to be read.
    closes: bool,
}

impl Run {
    fn new(script: &Script) -> Self {
        let times = script.times;
        let secs = |time: u8| Duration::from_secs(u64::from(time) + 1);
        let config = Config::new()
            .turn(script.turn.into())
            .max_unread(script.max_unread.into())
            .max_pending(script.max_pending.into())
            .keepalive(times.keepalive.map(secs))
            .pong_timeout(secs(times.pong_timeout))
            .require_pong(times.require_pong)
            .closing_timeout(secs(times.closing_timeout))
            .closing_limit(secs(times.closing_limit))
            .idle_timeout(times.idle_timeout.map(secs))
            .message_timeout(times.message_timeout.map(secs))
            .message_rate(times.message_rate.into());
        let role = if script.server { Role::Server } else { Role::Client };
        let (config, connection) = connection(role, config, script.compression);
        let (_, peer) = connection_of_peer(role.peer(), script.compression);
        let wire = Wire::default();
        let socket = Socket::new(wire.clone(), connection, b"", &config);
        let ends = if script.split {
            let (receiver, sender) = socket.split();
            Ends::Halves(receiver, sender)
        } else {
            Ends::Whole(socket)
        };
        Self {
            ends,
            wire,
            peer,
            times,
            turn: usize::from(script.turn).max(1),
            under_way: VecDeque::new(),
            arrived: 0,
            expected: VecDeque::new(),
            said: 0,
            open: None,
            silent: false,
            number: 0,
            ended: None,
            failed: None,
            arrived_in_time: None,
            closes: false,
        }
    }

    fn step(&mut self, step: Step) {
        self.number += 1;
        match step {
            Step::Peer(say) => self.peer_says(say),
            Step::Arrive(n) => self.arrive(n.into()),
            Step::End { fails } => {
                self.silent = true;
                self.under_way.clear();
                self.wire.change(|lane| lane.end = Some(fails));
            }
            Step::Room(n) => self.wire.change(|lane| lane.room = lane.room.saturating_add(n.into())),
            Step::Break => self.wire.change(|lane| lane.broken = true),
            Step::Pass(tenths) => self.wire.pass(Duration::from_millis(100).saturating_mul(tenths.into())),
            Step::Call { call, polls } => _ = self.call(call, usize::from(polls % 16), None),
            Step::Queue(size) => {
                let text = self.text(size);
                let queued = sender!(self.ends, sender => sender.queue(|writer| writer.text(&text)));
                if queued == Err(SendError::Closed) {
                    self.arrived_in_time.get_or_insert(self.arrived);
                }
                assert!(
                    matches!(queued, Ok(()) | Err(SendError::Closed | SendError::Full | SendError::Interleaved)),
                    "{queued:?}"
                );
            }
        }
    }

    /// A text that is in no other.
    fn text(&self, size: u16) -> String {
        format!("{}:{}", self.number, "x".repeat(usize::from(size % 2000)))
    }

    fn peer_says(&mut self, say: Say) {
        if self.silent {
            return;
        }
        let text = match say {
            Say::Text(size) | Say::Fragment { size, .. } => self.text(size),
            _ => format!("{}:", self.number),
        };
        let writer = self.peer.split().1;
        let said = match say {
            Say::Text(_) => writer.text(&text).map(|()| Some(Message::Text(text))),
            Say::Fragment { last, .. } => writer.fragment(Kind::Text, text.as_bytes(), last).map(|()| {
                let open = self.open.get_or_insert_default();
                open.push_str(&text);
                if last { self.open.take().map(Message::Text) } else { None }
            }),
            Say::Ping => writer.ping(text.as_bytes()).map(|()| Some(Message::Ping(text.into_bytes()))),
            Say::Pong => writer.pong(text.as_bytes()).map(|()| Some(Message::Pong(text.into_bytes()))),
            Say::Close => {
                writer.close(CloseCode(4000), &text).map(|()| Some(Message::Close(Some((CloseCode(4000), text)))))
            }
            Say::Garbage => Ok(None),
        };
        let Ok(event) = said else { return };
        let n = writer.pending().len();
        self.under_way.extend(writer.pending());
        writer.consume(n);
        self.said += n;
        if let Say::Garbage = say {
            self.under_way.extend([0xff, 0xff]);
        }
        self.silent |= matches!(say, Say::Close | Say::Garbage);
        self.expected.extend(event.map(|event| (self.said, event)));
    }

    fn arrive(&mut self, n: usize) {
        let n = n.min(self.under_way.len());
        self.arrived += n;
        let bytes: Vec<u8> = self.under_way.drain(..n).collect();
        self.wire.change(|lane| lane.input.extend(bytes));
    }

    /// Makes a call; `patience` lets time pass until it ends. Whether it did.
    fn call(&mut self, call: Call, polls: usize, patience: Option<Duration>) -> bool {
        let text = match call {
            Call::Text(size) => self.text(size),
            _ => "p".to_owned(),
        };
        self.closes |= matches!(call, Call::Close);
        let (wire, turn) = (self.wire.clone(), self.turn);
        let drive = Drive { wire: &wire, turn, polls, patience };
        let Self { ends, .. } = self;
        let got = RefCell::new(Vec::new());
        let ended = match call {
            Call::Next => drive.run(
                receiver!(*ends, receiver => Box::pin(async {
                let event = receiver.next().await?;
 got.borrow_mut().push(event.map_or(END, Message::from));
 Ok(())
            }) as Made<'_>),
                || got.borrow().len(),
            ),
            Call::ForEach { answers } => drive.run(
                receiver!(*ends, receiver => Box::pin(async {
                receiver.for_each(|event, writer| {
                    got.borrow_mut().push(event.into());
                    if answers && !writer.is_closed() { writer.text("answer") } else { Ok(()) }
                }).await?;
                got.borrow_mut().push(END);
                Ok(())
            }) as Made<'_>),
                || got.borrow().len(),
            ),
            Call::Text(_) => drive.run(sender!(*ends, sender => Box::pin(sender.text(&text)) as Made<'_>), || 0),
            Call::Ping => drive.run(sender!(*ends, sender => Box::pin(sender.ping(text.as_bytes())) as Made<'_>), || 0),
            Call::Flush => drive.run(sender!(*ends, sender => Box::pin(sender.flush()) as Made<'_>), || 0),
            Call::Close => {
                drive.run(sender!(*ends, sender => Box::pin(sender.close(CloseCode::NORMAL, "")) as Made<'_>), || 0)
            }
        };
        for message in &got.into_inner() {
            self.take(message);
        }
        let receives = matches!(call, Call::Next | Call::ForEach { .. });
        let is_ready = ended.is_some();
        if let Some(Err(error)) = ended {
            self.note(receives, &error);
        }
        is_ready
    }

    /// An event, or the end.
    fn take(&mut self, message: &Message) {
        if *message == END {
            self.ended.get_or_insert(Ended::InOrder);
            return;
        }
        assert!(self.ended.is_none(), "{message:?} behind the end");
        let (at, expected) = self.expected.pop_front().expect("somebody said so");
        assert_eq!(*message, expected);
        assert!(at <= self.arrived, "{at} bytes have not arrived");
    }

    fn note(&mut self, receives: bool, error: &Error) {
        self.arrived_in_time.get_or_insert(self.arrived);
        let cause = match error {
            Error::Io(error) => format!("{:?}", error.kind()),
            error => format!("{error:?}"),
        };
        match error {
            Error::Send(SendError::Closed | SendError::Interleaved | SendError::Full) => {
                assert!(!receives || cause != "Send(Closed)" || !self.wire.is_open(), "{cause}");
            }
            _ if receives => {
                assert_eq!(self.ended, None, "{cause} is not said once");
                self.ended = Some(Ended::Because(cause));
            }
            _ => {
                let first = self.failed.get_or_insert_with(|| cause.clone());
                assert_eq!(*first, cause, "another reason");
            }
        }
    }

    /// Nothing moves any more, and every call ends.
    fn finish(mut self, silent: bool) {
        let secs = |time: u8| Duration::from_secs(u64::from(time) + 2);
        let closing = secs(self.times.closing_timeout);
        let mut most = closing;
        match self.times.keepalive {
            Some(keepalive) if silent => {
                most += secs(keepalive) + secs(self.times.pong_timeout);
                // In halves, a sender alone gives up as well.
                assert!(self.call(Call::Flush, 0, Some(most)), "a flush does not end");
            }
            _ => assert!(self.call(Call::Close, 0, Some(closing)), "a close does not end"),
        }
        while self.ended.is_none() {
            let before = self.expected.len();
            assert!(self.call(Call::Next, 0, Some(most)), "receiving does not end");
            assert!(self.ended.is_some() || self.expected.len() < before);
        }
        self.call(Call::Next, 0, Some(Duration::ZERO));
        assert!(self.call(Call::Text(0), 0, Some(Duration::ZERO)), "it is over");
        let (ended, failed) = (self.ended.take().expect("it ended"), self.failed.take());
        match &ended {
            // A close in order; or the Close frame had arrived, and what was said could not be written.
            Ended::InOrder => {
                assert!(matches!(failed.as_deref(), None | Some("BrokenPipe" | "TimedOut")), "{failed:?}");
            }
            Ended::Because(cause) => assert_eq!(Some(cause), failed.as_ref(), "both say the same"),
        }
        let is_late = self.closes && ended == Ended::Because("BrokenPipe".into());
        if ended != Ended::Because("TimedOut".into()) && !is_late {
            let arrived = self.arrived_in_time.unwrap_or(self.arrived);
            let lost = self.expected.iter().find(|(at, _)| *at <= arrived);
            assert!(lost.is_none(), "{lost:?} is lost behind {ended:?}");
        }
        let mut output = core::mem::take(&mut self.wire.0.borrow_mut().output);
        let mut output = &mut output[..];
        while self.peer.split().0.receive(&mut output).expect("a valid stream").is_some() {}
    }
}

type Made<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// How a call is polled.
struct Drive<'a> {
    wire: &'a Wire,
    turn: usize,
    polls: usize,
    patience: Option<Duration>,
}

impl Drive<'_> {
    /// `count` counts events.
    fn run(&self, future: Made<'_>, count: impl Fn() -> usize) -> Option<Result<(), Error>> {
        let woken = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = pin!(future);
        let mut poll = || {
            let (read, events) = (self.wire.0.borrow().read, count());
            woken.0.store(false, Ordering::Relaxed);
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            let read = self.wire.0.borrow().read - read;
            assert!(read <= self.turn + BUFFER, "{read} bytes in a turn");
            assert!(count() - events <= self.turn / Budget::EVENT + 2, "{} events in a turn", count() - events);
            polled
        };
        let Some(patience) = self.patience else {
            return (0..self.polls).find_map(|_| match poll() {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            });
        };
        let end = self.wire.now() + patience;
        for _ in 0..MANY {
            if let Poll::Ready(result) = poll() {
                return Some(result);
            }
            while !woken.0.load(Ordering::Relaxed) {
                if self.wire.now() >= end {
                    return None;
                }
                self.wire.pass(Duration::from_millis(500));
            }
        }
        panic!("it is woken for ever");
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn connection(role: Role, config: Config, compression: bool) -> (Config, Connection) {
    #[cfg(feature = "deflate")]
    let config = if compression { config.compression(super::tasks::packing().clone()) } else { config };
    let connection = match role {
        Role::Client => Connection::client(&config, Seed::predictable_for_tests(4)),
        Role::Server => Connection::server(&config),
    };
    #[cfg(feature = "deflate")]
    let connection = if compression { connection.with_deflate(Agreement::default(), &config) } else { connection };
    #[cfg(not(feature = "deflate"))]
    let _ = compression;
    (config, connection)
}

fn connection_of_peer(role: Role, compression: bool) -> (Config, Connection) {
    connection(role, Config::new(), compression)
}

/// Clones are the same wire.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Lane>>);

#[derive(Default)]
struct Lane {
    input: VecDeque<u8>,
    /// Whether it fails behind the input, or ends.
    end: Option<bool>,
    read: usize,
    output: Vec<u8>,
    room: usize,
    broken: bool,
    shut: bool,
    now: Duration,
    reader: Option<Waker>,
    writer: Option<Waker>,
    sleeper: Option<(Duration, Waker)>,
}

impl Wire {
    /// Changes the script, and wakes whoever waits.
    fn change(&self, change: impl FnOnce(&mut Lane)) {
        let mut lane = self.0.borrow_mut();
        change(&mut lane);
        let wakers = [lane.reader.take(), lane.writer.take()];
        drop(lane);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn pass(&self, time: Duration) {
        let mut lane = self.0.borrow_mut();
        lane.now += time;
        let now = lane.now;
        let sleeper = lane.sleeper.take_if(|(deadline, _)| *deadline <= now);
        drop(lane);
        if let Some((_, waker)) = sleeper {
            waker.wake();
        }
    }

    fn now(&self) -> Duration {
        self.0.borrow().now
    }

    fn is_open(&self) -> bool {
        !self.0.borrow().shut
    }
}

impl Io for Wire {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut lane = self.0.borrow_mut();
        let n = buffer.len().min(lane.input.len());
        if n == 0 {
            return match lane.end {
                None => {
                    lane.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(false) => Poll::Ready(Ok(0)),
                Some(true) => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            };
        }
        for (to, from) in buffer.iter_mut().zip(lane.input.drain(..n)) {
            *to = from;
        }
        lane.read += n;
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut lane = self.0.borrow_mut();
        if lane.broken {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        assert!(!lane.shut, "written behind the end");
        let before = lane.output.len();
        let room = lane.room;
        lane.output.extend(slices.iter().flat_map(|slice| slice.iter()).take(room));
        let n = lane.output.len() - before;
        lane.room -= n;
        if n == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().shut = true;
        Poll::Ready(Ok(()))
    }

    fn now(&self) -> Option<Duration> {
        Some(self.0.borrow().now)
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        let mut lane = self.0.borrow_mut();
        if lane.now >= deadline {
            return Poll::Ready(());
        }
        lane.sleeper = Some((deadline, cx.waker().clone()));
        Poll::Pending
    }
}

/// Stands for the end: no peer says it.
const END: Message = Message::Close(None);
/// One read may begin before a turn is over.
const BUFFER: usize = 64 << 10;
const MANY: usize = 100_000;
