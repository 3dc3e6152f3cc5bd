//! Two sockets for tasks over a wire in memory, and a script of futures that are polled for a while and dropped.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
#[cfg(feature = "deflate")]
use ws_proto::deflate::{Agreement, Compression};
use ws_proto::poll::{Error, Io, Receiver, Sender, Socket};
use ws_proto::{CloseCode, Config, Connection, Kind, Message, Role, Seed, SendError};

use super::ends::{Step, two};

/// `data` is a script (see [`Arbitrary`]). A future that is dropped has either said the whole of what it was to say or
/// nothing, and has not lost what came; all else arrives, in order and unchanged, and both ends close cleanly.
pub fn tasks(data: &[u8]) {
    let Ok(script) = Script::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut ends = ends(&script);
    for (number, step) in script.steps.into_iter().enumerate() {
        let (this, other) = two(&mut ends, step.end);
        match step.what {
            What::Allow(n) => this.allow(usize::from(n)),
            What::Say { say, polls } => drop(this.say(other, number, say, usize::from(polls))),
            What::Queue(say) => this.queue(other, number, say),
            What::Flush { polls } => drop(this.flush(usize::from(polls))),
            What::Next { polls } => this.next(usize::from(polls)),
        }
    }
    finish(&mut ends);
}

#[derive(Arbitrary, Debug)]
struct Script {
    manners: [Manner; 2],
    compression: bool,
    steps: Vec<Step<What>>,
}

/// How an end goes about it.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Manner {
    /// Whether it has one socket for both directions, or halves.
    whole: bool,
    /// Whether every other call of its stream is not ready.
    stutters: bool,
    /// The most bytes that it reads at once, less one.
    read: u8,
    max_pending: u16,
    fragment_size: u8,
}

#[derive(Arbitrary, Debug)]
enum What {
    /// So many more bytes fit on the wire.
    Allow(u16),
    Say {
        say: Say,
        polls: u8,
    },
    /// Says it without waiting.
    Queue(Say),
    Flush {
        polls: u8,
    },
    Next {
        polls: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Say {
    Text(Size),
    Binary(Size),
    Fragment { text: bool, size: Size, last: bool },
    Ping(u8),
    Close(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Size(u16);

impl Size {
    /// One in eight is large: what a server writes from where it lies.
    const fn bytes(self) -> usize {
        let size = self.0 as usize;
        if size % 8 == 7 { (8 << 10) + size / 8 } else { size / 8 % 400 }
    }
}

/// What was said: a message, or a fragment of one.
#[derive(Debug)]
struct Part {
    number: usize,
    kind: Kind,
    bytes: Vec<u8>,
    last: bool,
    /// Whether it must arrive: it was not dropped.
    must: bool,
}

struct End {
    connection: Ends,
    wire: Wire,
    /// What the other end said, not yet here.
    parts: VecDeque<Part>,
    pings: VecDeque<(Vec<u8>, bool)>,
    /// Pings whose pongs may come, in this order.
    pongs: VecDeque<Vec<u8>>,
    /// Its first close frame, if that is not an answer.
    closed: Option<(CloseCode, String)>,
    /// That of the other end, as it came.
    close: Option<(CloseCode, String)>,
    over: bool,
}

enum Ends {
    Whole(Socket<Wire>),
    Halves(Receiver<Wire>, Sender<Wire>),
}

/// With whatever of both has the method.
macro_rules! with {
    ($ends:expr, $sender:ident => $call:expr) => {
        match &mut $ends {
            Ends::Whole($sender) => $call,
            Ends::Halves(_, $sender) => $call,
        }
    };
}

impl End {
    fn new(role: Role, manner: Manner, compression: bool, wire: Wire) -> Self {
        let mut config = Config::new().max_pending(usize::from(manner.max_pending));
        if manner.fragment_size > 0 {
            config = config.fragment_size(usize::from(manner.fragment_size) * 8);
        }
        let (config, connection) = connection(role, config, compression);
        let socket = Socket::new(wire.clone(), connection, b"", &config);
        let connection = if manner.whole {
            Ends::Whole(socket)
        } else {
            let (receiver, sender) = socket.split();
            Ends::Halves(receiver, sender)
        };
        Self {
            connection,
            wire,
            parts: VecDeque::new(),
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            closed: None,
            close: None,
            over: false,
        }
    }

    fn allow(&self, bytes: usize) {
        let room = &mut self.wire.lanes.borrow_mut()[self.wire.end].room;
        *room = room.saturating_add(bytes);
    }

    /// Says it, and drops the future after so many polls; whether it was ready.
    fn say(&mut self, other: &mut Self, number: usize, say: Say, polls: usize) -> bool {
        let (kind, last) = say.form();
        let bytes = say.bytes(number);
        let text = String::from_utf8_lossy(&bytes);
        let code = say.code();
        let said = with!(self.connection, sender => step(
            async {
                match say {
                    Say::Text(_) => sender.text(&text).await,
                    Say::Binary(_) => sender.binary(&bytes).await,
                    Say::Fragment { .. } => sender.fragment(kind, &bytes, last).await,
                    Say::Ping(_) => sender.ping(&bytes).await,
                    Say::Close(_) => sender.close(code, &text).await,
                }
            },
            polls,
        ));
        match &said {
            // Or it was over before all was written.
            None | Some(Ok(()) | Err(Error::Send(SendError::Closed | SendError::Interleaved))) => {}
            Some(Err(error)) => panic!("{say:?}: {error:?}"),
        }
        if polls > 0 {
            self.expect(other, number, say, matches!(said, Some(Ok(()))));
        }
        said.is_some()
    }

    fn queue(&mut self, other: &mut Self, number: usize, say: Say) {
        let (kind, last) = say.form();
        let bytes = say.bytes(number);
        let text = String::from_utf8_lossy(&bytes);
        let said = with!(self.connection, sender => sender.queue(|writer| match say {
            Say::Text(_) => writer.text(&text),
            Say::Binary(_) => writer.binary(&bytes),
            Say::Fragment { .. } => writer.fragment(kind, &bytes, last),
            Say::Ping(_) => writer.ping(&bytes),
            Say::Close(_) => writer.close(say.code(), &text),
        }));
        match said {
            Ok(()) => self.expect(other, number, say, true),
            Err(SendError::Closed | SendError::Interleaved | SendError::Full) => {}
            Err(error) => panic!("{say:?}: {error:?}"),
        }
    }

    /// Lets the other end expect it.
    fn expect(&mut self, other: &mut Self, number: usize, say: Say, must: bool) {
        let bytes = say.bytes(number);
        let (kind, last) = say.form();
        match say {
            Say::Ping(_) => {
                self.pongs.push_back(bytes.clone());
                // A socket that sends may pass by pings on its way to a message.
                other.pings.push_back((bytes, must && matches!(other.connection, Ends::Halves(..))));
            }
            Say::Close(_) => {
                self.closed.get_or_insert_with(|| (say.code(), String::from_utf8_lossy(&bytes).into_owned()));
            }
            _ => other.parts.push_back(Part { number, kind, bytes, last, must }),
        }
    }

    fn flush(&mut self, polls: usize) -> bool {
        let flushed = with!(self.connection, sender => step(sender.flush(), polls));
        match &flushed {
            None | Some(Ok(()) | Err(Error::Send(SendError::Closed))) => {}
            Some(Err(error)) => panic!("flush: {error:?}"),
        }
        flushed.is_some()
    }

    /// Waits for the next event, for so many polls.
    fn next(&mut self, polls: usize) {
        let next = match &mut self.connection {
            Ends::Whole(socket) => step(async { socket.next().await.map(|event| event.map(Message::from)) }, polls),
            Ends::Halves(receiver, _) => {
                step(async { receiver.next().await.map(|event| event.map(Message::from)) }, polls)
            }
        };
        match next.map(|event| event.expect("the other end makes no mistake, and the wire holds")) {
            None => {}
            Some(None) => self.over = true,
            Some(Some(message)) => self.take(message),
        }
    }

    fn take(&mut self, message: Message) {
        assert!(self.close.is_none(), "{message:?} behind a close frame");
        match message {
            Message::Text(text) => self.take_parts(Kind::Text, text.as_bytes()),
            Message::Binary(bytes) => self.take_parts(Kind::Binary, &bytes),
            Message::Ping(payload) => loop {
                let (ping, must) = self.pings.pop_front().expect("somebody said so");
                if ping == payload {
                    break;
                }
                assert!(!must, "lost: a ping");
            },
            // Older ones may be left out.
            Message::Pong(payload) => while self.pongs.pop_front().expect("a ping had this payload") != payload {},
            Message::Close(close) => {
                let lost = self.parts.iter().find(|part| part.must && part.last);
                assert!(lost.is_none(), "lost: {}", lost.map_or(0, |part| part.number));
                assert!(self.pings.iter().all(|(_, must)| !must), "lost: a ping");
                self.close = Some(close.expect("both name a code"));
            }
            other => panic!("unknown message {other:?}"),
        }
    }

    /// Takes a message apart, as it was said.
    fn take_parts(&mut self, kind: Kind, mut bytes: &[u8]) {
        loop {
            let at = bytes.iter().position(|byte| *byte == b':').expect("a number");
            let number: usize = core::str::from_utf8(&bytes[..at]).expect("digits").parse().expect("a number");
            let part = loop {
                let part = self.parts.pop_front().expect("somebody said so");
                if part.number == number {
                    break part;
                }
                assert!(!part.must, "lost: {}", part.number);
            };
            assert_eq!(part.kind, kind, "{number}");
            bytes = bytes.strip_prefix(&*part.bytes).unwrap_or_else(|| panic!("{number} is torn"));
            assert_eq!(part.last, bytes.is_empty(), "{number}");
            if part.last {
                return;
            }
        }
    }
}

impl Say {
    /// Of a message, and whether it is its end.
    const fn form(self) -> (Kind, bool) {
        match self {
            Self::Text(_) => (Kind::Text, true),
            Self::Fragment { text: true, last, .. } => (Kind::Text, last),
            Self::Fragment { text: false, last, .. } => (Kind::Binary, last),
            _ => (Kind::Binary, true),
        }
    }

    /// Letters behind a number, which is in no other.
    fn bytes(self, number: usize) -> Vec<u8> {
        let size = match self {
            Self::Text(size) | Self::Binary(size) | Self::Fragment { size, .. } => size.bytes(),
            Self::Ping(size) => usize::from(size % 100),
            Self::Close(_) => 0,
        };
        let mut bytes = format!("{number}:").into_bytes();
        bytes.extend((b'a'..=b'z').cycle().skip(number % 26).take(size));
        bytes
    }

    fn code(self) -> CloseCode {
        let Self::Close(code) = self else { return CloseCode::NORMAL };
        CloseCode(3000 + u16::from(code))
    }
}

/// Lets all arrive, closes, and compares what both ends say of it.
fn finish(ends: &mut [End; 2]) {
    for end in &*ends {
        end.allow(usize::MAX);
    }
    let (client, server) = two(ends, false);
    for (number, text) in [(usize::MAX - 2, true), (usize::MAX - 1, false)] {
        let end = Say::Fragment { text, size: Size(0), last: true };
        assert!(client.say(server, number, end, MANY), "the client can send");
        assert!(server.say(client, number, end, MANY), "the server can send");
    }
    assert!(client.say(server, usize::MAX, Say::Close(255), MANY), "the client can close");
    for _ in 0..MANY {
        for end in &mut *ends {
            end.next(1);
        }
        if ends.iter().all(|end| end.over) {
            break;
        }
    }
    for server in [false, true] {
        let (this, other) = two(ends, server);
        assert!(this.over, "stuck");
        let (code, reason) = this.close.as_ref().expect("a close frame came before the end");
        match (&other.closed, &this.closed) {
            (Some(said), _) if !reason.is_empty() => assert_eq!((code, reason), (&said.0, &said.1)),
            (_, Some(said)) => assert_eq!((code, &**reason), (&said.0, ""), "an answer"),
            _ => panic!("nobody said {code}"),
        }
        let closed = match &this.connection {
            Ends::Whole(socket) => socket.closed(),
            Ends::Halves(receiver, _) => receiver.closed(),
        };
        let closed = closed.expect("it is over");
        assert_eq!((closed.code, closed.reason, closed.clean), (*code, &**reason, true));
    }
}

fn ends(script: &Script) -> [End; 2] {
    let lanes = Rc::new(RefCell::new([Lane::default(), Lane::default()]));
    [Role::Client, Role::Server].map(|role| {
        let end = usize::from(role == Role::Server);
        let manner = script.manners[end];
        let wire = Wire { lanes: Rc::clone(&lanes), end, manner, turns: [false; 4] };
        End::new(role, manner, script.compression, wire)
    })
}

fn connection(role: Role, config: Config, compression: bool) -> (Config, Connection) {
    #[cfg(feature = "deflate")]
    let config = if compression { config.compression(packing().clone()) } else { config };
    let connection = match role {
        Role::Client => Connection::client(&config, Seed::predictable_for_tests(3)),
        Role::Server => Connection::server(&config),
    };
    #[cfg(feature = "deflate")]
    let connection = if compression { connection.with_deflate(Agreement::default(), &config) } else { connection };
    #[cfg(not(feature = "deflate"))]
    let _ = compression;
    (config, connection)
}

/// One pool for all scripts: codecs are large.
#[cfg(feature = "deflate")]
pub(super) fn packing() -> &'static Compression {
    static PACKING: OnceLock<Compression> = OnceLock::new();
    PACKING.get_or_init(Compression::new)
}

/// Polls so many times, then drops the future.
fn step<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// What goes in one direction.
#[derive(Debug, Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// How many more may be written.
    room: usize,
    ended: bool,
}

/// One end of the wire, which writes to the lane of its number.
#[derive(Clone, Debug)]
struct Wire {
    lanes: Rc<RefCell<[Lane; 2]>>,
    end: usize,
    manner: Manner,
    turns: [bool; 4],
}

impl Wire {
    fn stutters(&mut self, call: usize) -> bool {
        self.turns[call] = !self.turns[call];
        self.manner.stutters && self.turns[call]
    }
}

impl Io for Wire {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.stutters(0) {
            return Poll::Pending;
        }
        let lane = &mut self.lanes.borrow_mut()[1 - self.end];
        let n = lane.bytes.len().min(buffer.len()).min(usize::from(self.manner.read) + 1);
        if n == 0 && !lane.ended {
            return Poll::Pending;
        }
        for (to, from) in buffer.iter_mut().zip(lane.bytes.drain(..n)) {
            *to = from;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.stutters(1) {
            return Poll::Pending;
        }
        let lane = &mut self.lanes.borrow_mut()[self.end];
        assert!(!lane.ended, "written behind the end");
        let before = lane.bytes.len();
        lane.bytes.extend(slices.iter().flat_map(|slice| slice.iter()).take(lane.room));
        let n = lane.bytes.len() - before;
        lane.room -= n;
        if n == 0 { Poll::Pending } else { Poll::Ready(Ok(n)) }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutters(2) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutters(3) {
            return Poll::Pending;
        }
        self.lanes.borrow_mut()[self.end].ended = true;
        Poll::Ready(Ok(()))
    }

    fn now(&self) -> Option<Duration> {
        None
    }

    fn poll_sleep(&mut self, _: &mut Context<'_>, _: Duration) -> Poll<()> {
        Poll::Pending
    }
}

const MANY: usize = 100_000;
