//! The driver for threads: short reads and writes, time-outs that lose nothing, two threads, limits, handshakes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ws_proto::blocking::{self, Error, Incoming, ReadHalf, Socket, Stream, Untimed, WriteHalf};
use ws_proto::handshake::{Answer, ClientRequest, HandshakeError, OriginPolicy};
use ws_proto::{CloseCode, Config, Connection, Event, Kind, Message, Role, Seed, SendError, Side, Writer};

const BOTH: [Role; 2] = [Role::Client, Role::Server];

fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(7)),
        Role::Server => Connection::server(config),
    }
}

fn peer_of(role: Role) -> Connection {
    connection(if role == Role::Client { Role::Server } else { Role::Client }, &Config::new())
}

/// The bytes of some messages from the peer of `role`.
fn said_to(role: Role, say: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut peer = peer_of(role);
    say(peer.split().1);
    peer.outgoing().to_vec()
}

/// What the peer of `role` makes of what was written.
fn heard_from(role: Role, wire: &[u8]) -> Vec<Message> {
    let mut peer = peer_of(role);
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let mut all = Vec::new();
    while let Some(event) = peer.split().0.receive(&mut input).expect("a valid wire") {
        all.push(event.into());
    }
    all
}

fn owned(event: Option<Event<'_>>) -> Option<Message> {
    event.map(Message::from)
}

fn pattern(seed: usize, n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from((seed * 31 + i * 7 + i / 251) % 251).unwrap()).collect()
}

fn is_time_out<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::TimedOut))
}

// --- a stream that follows a script ---

/// A stream that gives and takes few bytes at a time, and fails in between. Clones are the same stream.
#[derive(Clone, Debug)]
struct Scripted(Arc<Mutex<Script>>);

#[derive(Debug)]
struct Script {
    /// What will be read, and whether the stream ends behind it; else that times out.
    input: VecDeque<u8>,
    eof: bool,
    output: Vec<u8>,
    read: usize,
    write: usize,
    /// What every other call fails with.
    hiccup: Option<io::ErrorKind>,
    /// What every write fails with.
    broken: Option<io::ErrorKind>,
    turns: [bool; 2],
}

impl Scripted {
    fn new(input: &[u8], read: usize, write: usize, hiccup: Option<io::ErrorKind>) -> Self {
        let (input, output) = (input.iter().copied().collect(), Vec::new());
        Self(Arc::new(Mutex::new(Script {
            input,
            eof: true,
            output,
            read,
            write,
            hiccup,
            broken: None,
            turns: [false; 2],
        })))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self, role: Role, config: &Config) -> Socket<Untimed<Self>> {
        Socket::new(Untimed(self.clone()), connection(role, config), b"", config)
    }
}

impl Script {
    fn hiccup(&mut self, kind: usize) -> io::Result<()> {
        self.turns[kind] = !self.turns[kind];
        match self.hiccup {
            Some(error) if self.turns[kind] => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut script = self.script();
        script.hiccup(0)?;
        let n = buffer.len().min(script.read).min(script.input.len());
        if n == 0 && !script.eof {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (to, from) in buffer.iter_mut().zip(script.input.drain(..n)) {
            *to = from;
        }
        Ok(n)
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut script = self.script();
        if let Some(error) = script.broken {
            return Err(error.into());
        }
        script.hiccup(1)?;
        let n = bytes.len().min(script.write);
        script.output.extend(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Messages of all kinds and sizes, pings between and inside them, and a close frame.
fn incoming(role: Role) -> (Vec<u8>, Vec<Message>) {
    let wire = said_to(role, |writer| {
        writer.text("first").unwrap();
        writer.ping(b"one").unwrap();
        writer.fragment(Kind::Text, b"h\xc3", false).unwrap();
        writer.ping(b"two").unwrap();
        writer.fragment(Kind::Text, b"\xa9llo", true).unwrap();
        writer.binary(&pattern(1, 300)).unwrap();
        writer.binary(b"").unwrap();
        writer.ping(b"three").unwrap();
        writer.close(CloseCode::NORMAL, "done").unwrap();
    });
    let messages = vec![
        "first".into(),
        Message::Ping(b"one".into()),
        Message::Ping(b"two".into()),
        "h\u{e9}llo".into(),
        pattern(1, 300).into(),
        Vec::new().into(),
        Message::Ping(b"three".into()),
        Message::Close(Some((CloseCode::NORMAL, "done".into()))),
    ];
    (wire, messages)
}

const MANNERS: [(usize, usize); 5] = [(1, 1), (2, 3), (7, 5), (1000, 1), (1000, 1000)];

/// Calls again behind each time-out.
fn insist<T>(mut call: impl FnMut() -> Result<T, Error>) -> T {
    for _ in 0..100_000 {
        let result = call();
        if !is_time_out(&result) {
            return result.expect("no other error");
        }
    }
    panic!("time-outs for ever");
}

#[test]
fn short_reads_and_writes_and_time_outs() {
    for role in BOTH {
        for (read, write) in MANNERS {
            for hiccup in [None, Some(io::ErrorKind::Interrupted), Some(io::ErrorKind::WouldBlock)] {
                let name = format!("{role:?}, {read}, {write}, {hiccup:?}");
                let (wire, messages) = incoming(role);
                let stream = Scripted::new(&wire, read, write, hiccup);
                let mut socket = stream.socket(role, &Config::new());
                let mut got = Vec::new();
                while let Some(message) = insist(|| socket.next().map(owned)) {
                    got.push(message);
                }
                assert_eq!(got, messages, "{name}");
                let mut answers = heard_from(role, &stream.script().output);
                let close = answers.pop();
                assert_eq!(close, Some(Message::Close(Some((CloseCode::NORMAL, String::new())))), "{name}");
                let pings = ["one", "two", "three"].map(|payload| Message::Pong(payload.into()));
                assert_eq!(answers, pings, "{name}");
                assert!(socket.closed().unwrap().clean, "{name}");
                assert_eq!(insist(|| socket.next().map(owned)), None, "{name}");
            }
        }
    }
}

/// Half a pong is not left behind: the next call writes the rest before it waits for more to read.
#[test]
fn the_rest_of_a_pong() {
    for role in BOTH {
        let stream = Scripted::new(&said_to(role, |writer| writer.ping(b"there?").unwrap()), 100, 3, None);
        let mut socket = stream.socket(role, &Config::new());
        stream.script().hiccup = Some(io::ErrorKind::WouldBlock);
        stream.script().eof = false;
        let mut got = Vec::new();
        for _ in 0..100 {
            match socket.next().map(owned) {
                Ok(Some(message)) => got.push(message),
                late => assert!(is_time_out(&late), "{late:?}"),
            }
        }
        assert_eq!(got, [Message::Ping(b"there?".into())], "{role:?}");
        assert_eq!(heard_from(role, &stream.script().output), [Message::Pong(b"there?".into())], "{role:?}");
    }
}

/// A peer that pings and does not read costs no more than the limit of the output; then it hears of the newest ping.
#[test]
fn t26_a_ping_flood_stays_within_the_limit_of_the_output() {
    const PINGS: usize = 3000;
    for role in BOTH {
        for halves in [false, true] {
            let name = format!("{role:?}, halves: {halves}");
            let wire = said_to(role, |writer| {
                for i in 0..PINGS {
                    writer.ping(format!("{i:0100}").as_bytes()).unwrap();
                }
            });
            let stream = Scripted::new(&wire, 10_000, 10_000, None);
            stream.script().broken = Some(io::ErrorKind::WouldBlock);
            let socket = stream.socket(role, &Config::new().max_pending(1000));
            let mut rest = if halves {
                let (mut reading, mut writing) = socket.into_split(Untimed(stream.clone()));
                (0..PINGS).for_each(|_| assert!(matches!(reading.next(), Ok(Some(Event::Ping(_)))), "{name}"));
                stream.script().broken = None;
                writing.flush().unwrap();
                heard_from(role, &stream.script().output)
            } else {
                let mut socket = socket;
                (0..PINGS).for_each(|_| assert!(matches!(socket.next(), Ok(Some(Event::Ping(_)))), "{name}"));
                stream.script().broken = None;
                socket.flush().unwrap();
                heard_from(role, &stream.script().output)
            };
            assert!(stream.script().output.len() <= 1000 + 2 * 131, "{name}: {}", stream.script().output.len());
            let newest = format!("{:0100}", PINGS - 1).into_bytes();
            assert_eq!(rest.pop(), Some(Message::Pong(newest)), "{name}");
        }
    }
}

/// What is larger than several reads is read to where it belongs, whatever comes between and behind.
#[test]
fn large_messages_are_read_whole() {
    for role in BOTH {
        for (read, halves) in [(10_000, false), (10_000, true), (1 << 20, false), (1 << 20, true)] {
            let large = pattern(3, 1_000_000);
            let wire = said_to(role, |writer| {
                writer.binary(&large).unwrap();
                writer.fragment(Kind::Binary, &large, false).unwrap();
                writer.ping(b"between").unwrap();
                writer.fragment(Kind::Binary, &large, true).unwrap();
                writer.text("behind").unwrap();
            });
            let stream = Scripted::new(&wire, read, 10_000, None);
            let socket = stream.socket(role, &Config::new());
            let both = [&large[..], &large].concat();
            let expected =
                [large.into(), Message::Ping(b"between".into()), both.into(), Message::Text("behind".into())];
            let mut got = Vec::new();
            if halves {
                let (mut reading, _writing) = socket.into_split(Untimed(stream.clone()));
                (0..4).for_each(|_| got.extend(reading.next().unwrap().map(Message::from)));
            } else {
                let mut socket = socket;
                (0..4).for_each(|_| got.extend(socket.next().unwrap().map(Message::from)));
            }
            assert!(got == expected, "{role:?}, {read}, halves: {halves}");
        }
    }
}

#[test]
fn time_outs_while_sending() {
    for role in BOTH {
        for (_, write) in MANNERS {
            let stream = Scripted::new(b"", 100, write, Some(io::ErrorKind::WouldBlock));
            let mut socket = stream.socket(role, &Config::new());
            let mut expected = Vec::new();
            for i in 0..10 {
                let sent = socket.binary(&pattern(i, 20 * i));
                assert!(sent.is_ok() || is_time_out(&sent), "{sent:?}");
                expected.push(pattern(i, 20 * i).into());
            }
            for payload in [b"one", b"two"] {
                let sent = socket.ping(payload);
                assert!(sent.is_ok() || is_time_out(&sent), "{sent:?}");
                expected.push(Message::Ping(payload.into()));
            }
            insist(|| socket.flush());
            assert_eq!(heard_from(role, &stream.script().output), expected, "{role:?}, {write}");
        }
    }
}

/// At the limit of the output a message is refused, and can be sent once there is room.
#[test]
fn the_limit_of_the_output() {
    let stream = Scripted::new(b"", 100, 100, None);
    stream.script().broken = Some(io::ErrorKind::TimedOut);
    let mut socket = stream.socket(Role::Server, &Config::new().max_pending(100));
    assert!(is_time_out(&socket.binary(&pattern(1, 120))));
    for _ in 0..3 {
        assert!(matches!(socket.text("refused"), Err(Error::Send(SendError::Full))));
    }
    stream.script().broken = None;
    socket.flush().unwrap();
    socket.text("taken").unwrap();
    assert_eq!(heard_from(Role::Server, &stream.script().output), [pattern(1, 120).into(), "taken".into()]);
}

/// CL-24: once both close frames are there, a stream that fails is no news.
#[test]
fn failures_behind_the_end() {
    for role in BOTH {
        for broken in [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset] {
            let stream =
                Scripted::new(&said_to(role, |writer| writer.close(CloseCode::GOING_AWAY, "").unwrap()), 9, 9, None);
            let mut socket = stream.socket(role, &Config::new());
            socket.close(CloseCode::NORMAL, "").unwrap();
            stream.script().broken = Some(broken);
            assert!(matches!(socket.next(), Ok(Some(Event::Close(_)))));
            stream.script().hiccup = Some(broken);
            assert!(matches!(socket.next(), Ok(None)));
            let closed = socket.closed().unwrap();
            assert_eq!((closed.code, closed.clean, closed.by), (CloseCode::GOING_AWAY, true, Side::Local));
        }
    }
}

/// The end of the stream without a close frame, also in the middle of a frame: 1006.
#[test]
fn the_end_without_a_close_frame() {
    for role in BOTH {
        for cut in [0, 1, 3] {
            let mut wire = said_to(role, |writer| writer.text("whole").unwrap());
            wire.extend(&said_to(role, |writer| writer.text("torn").unwrap())[..cut]);
            let mut socket = Scripted::new(&wire, 100, 100, None).socket(role, &Config::new());
            assert_eq!(owned(socket.next().unwrap()), Some("whole".into()));
            let ended = socket.next().map(owned);
            assert!(matches!(ended, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{ended:?}");
            assert!(matches!(socket.next(), Ok(None)));
            assert_eq!(socket.closed().unwrap().code, CloseCode::ABNORMAL);
        }
    }
}

#[test]
fn limits() {
    let halves = |writer: &mut Writer| {
        writer.fragment(Kind::Binary, &[0; 600], false).unwrap();
        writer.fragment(Kind::Binary, &[0; 401], true).unwrap();
    };
    let cases = [
        ("max_message", Config::new().max_message(1000), CloseCode::TOO_BIG),
        ("max_frame", Config::new().max_frame(500), CloseCode::TOO_BIG),
        ("max_fragments", Config::new().max_fragments(1), CloseCode::POLICY),
    ];
    for role in BOTH {
        for (name, config, code) in &cases {
            let stream = Scripted::new(&said_to(role, halves), 100, 100, None);
            let mut socket = stream.socket(role, config);
            assert!(matches!(socket.next(), Err(Error::Protocol(_))), "{name}");
            let told = [Message::Close(Some((*code, String::new())))];
            assert_eq!(heard_from(role, &stream.script().output), told, "{name}, {role:?}");
            assert!(matches!(socket.next(), Ok(None)), "{name}: once");
            assert!(matches!(socket.text("over"), Err(Error::Protocol(_))), "{name}: the same cause");
        }
    }
}

/// An event is answered while it is lent.
#[test]
fn split_in_one_thread() {
    let wire = said_to(Role::Server, |writer| {
        writer.text("lent").unwrap();
        writer.ping(b"?").unwrap();
        writer.binary(b"bytes").unwrap();
    });
    let stream = Scripted::new(&wire, 5, 5, None);
    let mut socket = stream.socket(Role::Server, &Config::new());
    let (mut receiver, mut sender) = socket.split();
    while let Ok(Some(event)) = receiver.next() {
        match event {
            Event::Text(text) => sender.text(text).unwrap(),
            Event::Binary(bytes) => sender.fragment(Kind::Binary, bytes, true).unwrap(),
            _ => {}
        }
    }
    let expected = ["lent".into(), Message::Pong(b"?".into()), b"bytes".to_vec().into()];
    assert_eq!(heard_from(Role::Server, &stream.script().output), expected);
}

/// What is queued is written with what comes next: a flush, a message, a wait for the peer.
#[test]
fn queueing() {
    for role in BOTH {
        for (way, then) in ["flush", "message", "receive", "split", "halves"].into_iter().enumerate() {
            let stream = Scripted::new(b"", 100, 1000, None);
            let mut socket = stream.socket(role, &Config::new().max_pending(40));
            let queue = |writer: &mut Writer| {
                writer.text("one")?;
                writer.pong(b"two")
            };
            let mut expected: Vec<Message> = vec!["one".into(), Message::Pong(b"two".into())];
            match way {
                0..3 => socket.queue(queue).unwrap(),
                3 => socket.split().1.queue(queue).unwrap(),
                _ => {}
            }
            assert_eq!(stream.script().output, b"", "{role:?}, {then}: not yet");
            match way {
                0 => socket.flush().unwrap(),
                1 => {
                    socket.text("three").unwrap();
                    expected.push("three".into());
                }
                2 | 3 => assert!(socket.next().is_err(), "the end of the stream"),
                _ => {
                    let (_, mut writing) = socket.into_split(Untimed(stream.clone()));
                    writing.queue(queue).unwrap();
                    assert_eq!(writing.queue(|writer| writer.binary(&[0; 40])), Ok(()), "room for one more");
                    assert_eq!(writing.queue(|writer| writer.text("")), Err(SendError::Full));
                    assert_eq!(stream.script().output, b"", "{role:?}, {then}: not yet");
                    writing.flush().unwrap();
                    expected.push(vec![0; 40].into());
                }
            }
            assert_eq!(heard_from(role, &stream.script().output), expected, "{role:?}, {then}");
        }
    }
}

// --- real time-outs ---

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

#[test]
fn a_read_time_out_in_a_frame() {
    let (near, mut far) = tcp();
    near.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut socket = Socket::new(near, connection(Role::Server, &Config::new()), b"", &Config::new());
    let wire = said_to(Role::Server, |writer| writer.text("in pieces").unwrap());
    assert!(is_time_out(&socket.next()));
    for byte in wire.iter().take(wire.len() - 1) {
        far.write_all(&[*byte]).unwrap();
        assert!(is_time_out(&socket.next()));
    }
    far.write_all(&wire[wire.len() - 1..]).unwrap();
    assert_eq!(insist(|| socket.next().map(owned)), Some("in pieces".into()));
}

#[test]
fn a_write_time_out_in_a_frame() {
    let (near, mut far) = tcp();
    near.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut socket =
        Socket::new(near, connection(Role::Server, &Config::new().max_pending(64 << 20)), b"", &Config::new());
    let long = pattern(1, 12 << 20);
    assert!(is_time_out(&socket.binary(&long)), "more than the system holds");
    assert!(is_time_out(&socket.text("behind")), "queued");
    let reading = thread::spawn(move || {
        let mut wire = Vec::new();
        far.read_to_end(&mut wire).unwrap();
        heard_from(Role::Server, &wire)
    });
    insist(|| socket.flush());
    insist(|| socket.text("and more"));
    drop(socket);
    assert!(reading.join().unwrap() == [long.into(), "behind".into(), "and more".into()]);
}

// --- two threads ---

/// A pipe of few bytes each way, whose reads and writes block.
#[derive(Clone, Debug)]
struct Pipe {
    reads: Arc<Lane>,
    writes: Arc<Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    bytes: Mutex<(VecDeque<u8>, bool)>,
    changed: Condvar,
    capacity: usize,
    patience: Duration,
}

impl Pipe {
    fn pair(capacity: usize, patience: Duration) -> (Self, Self) {
        let lane = || Arc::new(Lane { capacity, patience, ..Lane::default() });
        let (there, back) = (lane(), lane());
        (Self { reads: Arc::clone(&back), writes: Arc::clone(&there) }, Self { reads: there, writes: back })
    }

    fn end(&self) {
        for lane in [&self.reads, &self.writes] {
            lane.bytes.lock().unwrap().1 = true;
            lane.changed.notify_all();
        }
    }
}

impl Lane {
    /// Waits while that is so, and the pipe is whole.
    fn wait(&self, until: impl Fn(&VecDeque<u8>) -> bool) -> io::Result<MutexGuard<'_, (VecDeque<u8>, bool)>> {
        let bytes = self.bytes.lock().unwrap();
        let (bytes, late) =
            self.changed.wait_timeout_while(bytes, self.patience, |bytes| until(&bytes.0) && !bytes.1).unwrap();
        if late.timed_out() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(bytes) }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let lane = &self.reads;
        let mut bytes = lane.wait(VecDeque::is_empty)?;
        let n = bytes.0.read(buffer)?;
        lane.changed.notify_all();
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let lane = &self.writes;
        let mut bytes = lane.wait(|bytes| bytes.len() >= lane.capacity)?;
        if bytes.1 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = from.len().min(lane.capacity - bytes.0.len());
        bytes.0.extend(&from[..n]);
        lane.changed.notify_all();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MESSAGES: usize = 300;

fn message(i: usize) -> Vec<u8> {
    pattern(i, (i * 7919) % 3000)
}

/// Both threads of one end.
fn saturate<S, W>(halves: (ReadHalf<S, W>, WriteHalf<W>), counts: &Arc<Counts>) -> [thread::JoinHandle<()>; 2]
where
    S: Stream + Send + 'static,
    W: Stream + Send + 'static,
{
    let (mut reader, mut writer) = halves;
    let (all, received) = mpsc::channel();
    let counts = Arc::clone(counts);
    let receiving = thread::spawn(move || {
        let mut next = 0;
        while let Some(event) = reader.next().expect("a valid wire") {
            match event {
                Event::Binary(bytes) => {
                    assert!(bytes == message(next), "message {next} is another");
                    next += 1;
                    counts.delivered.fetch_add(1, Ordering::SeqCst);
                    if next == MESSAGES {
                        all.send(()).unwrap();
                    }
                }
                Event::Pong(_) => {
                    counts.pongs.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
        }
        assert_eq!(next, MESSAGES);
    });
    let sending = thread::spawn(move || {
        for i in 0..MESSAGES {
            writer.ping(&i.to_be_bytes()).expect("a ping");
            writer.binary(&message(i)).expect("a message");
        }
        received.recv().expect("the other half is there");
        match writer.close(CloseCode::NORMAL, "") {
            // The answer to the other's may be out, and the stream closed.
            Ok(()) | Err(Error::Send(SendError::Closed) | Error::Io(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    });
    [receiving, sending]
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicUsize,
    pongs: AtomicUsize,
    done: AtomicBool,
}

impl Counts {
    /// Ends the test once nothing has been delivered for a while.
    fn watch(self: &Arc<Self>, name: &str) {
        let (counts, name) = (Arc::clone(self), name.to_owned());
        thread::spawn(move || {
            let (mut seen, mut since) = (usize::MAX, Instant::now());
            while !counts.done.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
                let now = counts.delivered.load(Ordering::SeqCst);
                if now != seen {
                    (seen, since) = (now, Instant::now());
                } else if since.elapsed() > Duration::from_secs(5) {
                    eprintln!("{name}: stuck: {counts:?}");
                    std::process::abort();
                }
            }
        });
    }

    fn check(&self, name: &str) {
        self.done.store(true, Ordering::SeqCst);
        assert_eq!(self.delivered.load(Ordering::SeqCst), 2 * MESSAGES, "{name}");
        assert!(self.pongs.load(Ordering::SeqCst) > 0, "{name}: pongs came through");
    }
}

#[test]
fn two_threads_over_a_small_pipe() {
    for capacity in [30, 1000] {
        for max_pending in [1, 16 << 20] {
            let name = format!("pipe of {capacity}, {max_pending} pending");
            let counts = Arc::new(Counts::default());
            counts.watch(&name);
            let config = Config::new().max_pending(max_pending);
            let (near, far) = Pipe::pair(capacity, Duration::from_secs(3600));
            let ends = [(near, Role::Client), (far, Role::Server)].map(|(pipe, role)| {
                let halves = Socket::new(Untimed(pipe.clone()), connection(role, &config), b"", &config)
                    .into_split(Untimed(pipe.clone()));
                (saturate(halves, &counts), pipe)
            });
            let [(near, near_pipe), (far, _)] = ends;
            let [far_receiving, far_sending] = far;
            far_receiving.join().unwrap();
            near_pipe.end(); // as a server does, behind both close frames
            far_sending.join().unwrap();
            for thread in near {
                thread.join().unwrap();
            }
            counts.check(&name);
        }
    }
}

/// Two ends whose threads for reading both have to write into a full stream: time-outs get them out of it, since what
/// cannot be written now does not keep them from reading.
#[test]
fn two_threads_that_only_answer() {
    let counts = Arc::new(Counts::default());
    counts.watch("only answers");
    let (near, far) = Pipe::pair(30, PATIENCE);
    // In each direction a message that fills the pipe, behind pings that have arrived.
    let ends = [(near, Role::Client, 24), (far, Role::Server, 28)].map(|(mut pipe, role, length)| {
        let pings = said_to(role, |writer| (0..9).for_each(|i| writer.ping(&[i]).unwrap()));
        let mut end = connection(role, &Config::new());
        end.split().1.binary(&pattern(1, length)).unwrap();
        pipe.write_all(end.outgoing()).unwrap();
        end.consume(30);
        (Socket::new(Untimed(pipe.clone()), end, &pings, &Config::new()), pipe)
    });
    let threads = ends.map(|(socket, pipe)| {
        let (mut reader, writer) = socket.into_split(Untimed(pipe));
        let counts = Arc::clone(&counts);
        thread::spawn(move || {
            let (mut pings, mut binary, mut pong) = (0, false, None);
            while pings < 9 || !binary || pong != Some(vec![8]) {
                match insist(|| reader.next().map(owned)) {
                    Some(Message::Ping(payload)) => {
                        assert_eq!(payload, [pings]);
                        pings += 1;
                    }
                    Some(Message::Binary(_)) => binary = true,
                    Some(Message::Pong(payload)) => pong = Some(payload),
                    other => panic!("{other:?}"),
                }
                counts.delivered.fetch_add(1, Ordering::SeqCst);
            }
            let _ = reader.next(); // and what it owes is out
            (reader, writer)
        })
    });
    drop(threads.map(|thread| thread.join().unwrap()));
    counts.done.store(true, Ordering::SeqCst);
}

#[test]
fn two_threads_over_tcp() {
    let name = "tcp";
    let counts = Arc::new(Counts::default());
    counts.watch(name);
    let (near, far) = tcp();
    let ends = [(near, Role::Client), (far, Role::Server)].map(|(stream, role)| {
        let writing = stream.try_clone().unwrap();
        let halves = Socket::new(stream, connection(role, &Config::new()), b"", &Config::new()).into_split(writing);
        saturate(halves, &counts)
    });
    // The server ends the stream, and the client waits for that.
    for thread in ends.into_iter().flatten() {
        thread.join().unwrap();
    }
    counts.check(name);
}

// --- handshakes ---

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn left_over_bytes_of_a_request() {
    for read in [1, 10, 1000] {
        let wire = [REQUEST.as_bytes(), b"\x81\x85\0\0\0\0first\x81\x86\0\0\0\0second"].concat();
        let stream = Scripted::new(&wire, read, 7, None);
        let mut socket = blocking::accept(Untimed(stream.clone()), OriginPolicy::Any, &Config::new()).unwrap();
        assert!(stream.script().output.starts_with(b"HTTP/1.1 101 "));
        assert_eq!(owned(socket.next().unwrap()), Some("first".into()), "{read}");
        assert_eq!(owned(socket.next().unwrap()), Some("second".into()), "{read}");
    }
}

#[test]
fn left_over_bytes_of_a_response() {
    let (near, mut far) = tcp();
    let serving = thread::spawn(move || {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            far.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let stream = Scripted::new(&head, 1000, 1000, None);
        drop(blocking::accept(Untimed(stream.clone()), OriginPolicy::Any, &Config::new()).unwrap());
        let answer = stream.script().output.clone();
        far.write_all(&[&answer[..], b"\x81\x05first"].concat()).unwrap();
        far
    });
    let request = ClientRequest::new("ws://localhost/").unwrap();
    let mut socket = blocking::client(near, request, &Config::new()).unwrap();
    assert_eq!(owned(socket.next().unwrap()), Some("first".into()));
    drop(serving.join().unwrap());
}

#[test]
fn wrong_requests() {
    let cases = [
        ("no version", REQUEST.replace("Sec-WebSocket-Version: 13\r\n", ""), 400),
        ("another version", REQUEST.replace("13\r\n", "99\r\n"), 426),
        ("no key", REQUEST.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400),
        ("a short key", REQUEST.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl"), 400),
        ("no host", REQUEST.replace("Host: localhost\r\n", ""), 400),
        ("not a get", REQUEST.replace("GET", "POST"), 405),
        ("no upgrade", REQUEST.replace("Upgrade: websocket\r\n", ""), 426),
        ("no HTTP", "hello?\r\n\r\n".into(), 400),
        ("a long target", REQUEST.replace("/chat", &format!("/{}", "a".repeat(9000))), 414),
        ("many headers", REQUEST.replace("\r\n\r\n", &format!("\r\n{}\r\n", "X: 1\r\n".repeat(100))), 431),
        ("a long header", REQUEST.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "1".repeat(20_000))), 431),
    ];
    for (name, request, status) in cases {
        let stream = Scripted::new(request.as_bytes(), 100, 100, None);
        let refused = blocking::accept(Untimed(stream.clone()), OriginPolicy::Any, &Config::new());
        assert!(matches!(refused, Err(Error::Handshake(_))), "{name}: {refused:?}");
        let response = String::from_utf8(stream.script().output.clone()).unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {response}");
        assert!(response.contains("\r\n\r\n"), "{name}: complete");
    }
    let stream = Scripted::new(&REQUEST.as_bytes()[..50], 100, 100, None);
    let cut = blocking::accept(Untimed(stream), OriginPolicy::Any, &Config::new());
    assert!(matches!(cut, Err(Error::Handshake(HandshakeError::UnexpectedEof))), "{cut:?}");
}

#[test]
fn wrong_responses() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    for (name, response) in [
        ("another key", good.to_owned()),
        ("no upgrade", good.replace("Upgrade: websocket\r\n", "")),
        ("not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".into()),
        ("no HTTP", "SSH-2.0\r\n\r\n".into()),
        ("cut", "HTTP/1.1 101 Swit".into()),
    ] {
        let stream = Scripted::new(response.as_bytes(), 100, 100, None);
        let request = ClientRequest::new("ws://localhost/").unwrap();
        let refused = blocking::client(Untimed(stream.clone()), request, &Config::new());
        assert!(matches!(refused, Err(Error::Rejected(_) | Error::Handshake(_))), "{name}: {refused:?}");
    }
}

#[test]
fn two_steps() {
    let stream = Scripted::new(REQUEST.as_bytes(), 100, 100, None);
    match blocking::receive_request(Untimed(stream.clone()), OriginPolicy::Any, &Config::new()).unwrap() {
        Incoming::Upgrade(upgrade) => {
            assert_eq!(upgrade.request().target(), "/chat");
            drop(upgrade.reject(403, &[("X-Why", "because")], b"not you").unwrap());
        }
        Incoming::Plain(_) => panic!("an upgrade"),
    }
    let response = String::from_utf8(stream.script().output.clone()).unwrap();
    assert!(response.starts_with("HTTP/1.1 403 ") && response.ends_with("\r\n\r\nnot you"), "{response}");
    assert!(response.contains("X-Why: because\r\n"), "{response}");

    let wire = REQUEST.replacen("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, b\r\n\r\n", 1);
    let stream = Scripted::new(wire.as_bytes(), 100, 100, None);
    match blocking::receive_request(Untimed(stream.clone()), OriginPolicy::Any, &Config::new()).unwrap() {
        Incoming::Upgrade(upgrade) => {
            let socket = upgrade.accept(&Answer::new().protocol("b")).unwrap();
            assert_eq!(socket.protocol(), Some("b"));
        }
        Incoming::Plain(_) => panic!("an upgrade"),
    }

    let stream = Scripted::new(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n", 100, 100, None);
    match blocking::receive_request(Untimed(stream.clone()), OriginPolicy::Any, &Config::new()).unwrap() {
        Incoming::Upgrade(_) => panic!("a plain request"),
        Incoming::Plain(plain) => {
            assert_eq!(plain.request().target(), "/page");
            drop(plain.respond(200, &[("Content-Type", "text/plain")], b"Hello").unwrap());
        }
    }
    let response = String::from_utf8(stream.script().output.clone()).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\nHello"), "{response}");
}

/// A refusal arrives although the client is still sending.
#[test]
fn lingering() {
    let (near, mut far) = tcp();
    let client = thread::spawn(move || {
        far.write_all(b"GET /").unwrap();
        let long = [b'a'; 10_000];
        for _ in 0..50 {
            if far.write_all(&long).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        far.shutdown(Shutdown::Write).unwrap();
        let mut response = Vec::new();
        far.read_to_end(&mut response).expect("no reset");
        response
    });
    assert!(blocking::accept(&near, OriginPolicy::Any, &Config::new()).is_err());
    blocking::linger(&near, Duration::from_secs(5)).unwrap();
    drop(near);
    let response = client.join().unwrap();
    assert!(response.starts_with(b"HTTP/1.1 414 "));
    // A client that stays is not waited for longer than that.
    let (near, _far) = tcp();
    let start = Instant::now();
    blocking::linger(&near, Duration::from_millis(50)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(50) && start.elapsed() < Duration::from_secs(2));
}

const PATIENCE: Duration = Duration::from_millis(20);
