//! Sockets with a peer that does what the test says: both roles, over TCP, Unix sockets and TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ws_proto::blocking::{Error, ReadHalf, Socket, Stream, WriteHalf};
use ws_proto::{CloseCode, Config, Connection, Event, Message, Role, Seed, SendError, Writer};

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// No deadline but those that a test sets.
pub(crate) fn patient() -> Config {
    Config::new().opening_timeout(None).keepalive(None).message_timeout(None).closing_timeout(ms(20_000))
}

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(7)),
        Role::Server => Connection::server(config),
    }
}

pub(crate) fn peer_of(role: Role) -> Connection {
    connection(role.peer(), &Config::new())
}

/// The bytes of some messages from the peer of `role`.
pub(crate) fn said_to(role: Role, say: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut peer = peer_of(role);
    say(peer.split().1);
    peer.outgoing().to_vec()
}

/// What the peer of `role` makes of what was written.
pub(crate) fn heard_from(role: Role, wire: &[u8]) -> Vec<Message> {
    let mut peer = peer_of(role);
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let mut all = Vec::new();
    while let Some(event) = peer.split().0.receive(&mut input).expect("a valid wire") {
        all.push(event.into());
    }
    all
}

pub(crate) fn close_frame(role: Role, code: CloseCode) -> Vec<u8> {
    said_to(role, |writer| writer.close(code, "").unwrap())
}

pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Does something that must not take longer than that.
pub(crate) fn within<T: Send + 'static>(limit: Duration, name: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            panic!("{name}: {:?}", thread.join().map_err(|panic| panic.downcast_ref::<String>().cloned()).map(drop))
        }
        Err(late) => panic!("{name}: {late}"),
    }
}

/// How long something takes, and what comes of it.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// The socket's clock may have begun a little before the test's.
#[track_caller]
pub(crate) fn assert_between(time: Duration, least: Duration, most: Duration, name: &str) {
    assert!(time + ms(10) >= least && time <= most + LOAD, "{name}: {time:?}, not {least:?} to {most:?}");
}

/// A socket over any stream.
pub(crate) trait End: Send {
    fn next(&mut self) -> Result<Option<Message>, Error>;
    fn text(&mut self, text: &str) -> Result<(), Error>;
    fn close(&mut self, code: CloseCode) -> Result<(), Error>;
    fn queue(&mut self, say: &mut dyn FnMut(&mut Writer) -> Result<(), SendError>);
    fn is_over(&self) -> bool;
    fn closed(&self) -> Option<(CloseCode, bool)>;
    fn set_read_timeout(&mut self, limit: Option<Duration>);
    fn set_write_timeout(&mut self, limit: Option<Duration>);
}

impl<S: Stream + Send> End for Socket<S> {
    fn next(&mut self) -> Result<Option<Message>, Error> {
        self.next().map(|event| event.map(Message::from))
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.text(text)
    }

    fn close(&mut self, code: CloseCode) -> Result<(), Error> {
        self.close(code, "")
    }

    fn queue(&mut self, say: &mut dyn FnMut(&mut Writer) -> Result<(), SendError>) {
        self.queue(say).unwrap();
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn closed(&self) -> Option<(CloseCode, bool)> {
        self.closed().map(|closed| (closed.code, closed.clean))
    }

    fn set_read_timeout(&mut self, limit: Option<Duration>) {
        self.set_read_timeout(limit);
    }

    fn set_write_timeout(&mut self, limit: Option<Duration>) {
        self.set_write_timeout(limit);
    }
}

/// The stream of the peer: bytes, as it likes.
pub(crate) trait Raw: Read + Write + Send {}

impl<T: Read + Write + Send> Raw for T {}

/// A socket of `role` and the bare stream of its peer.
pub(crate) type Pair = (Box<dyn End>, Box<dyn Raw>);

/// A way to make one.
pub(crate) type Make = fn(Role, &Config) -> Pair;

/// Every transport.
pub(crate) const TRANSPORTS: &[(&str, Make)] = &[
    ("tcp", over_tcp),
    #[cfg(unix)]
    ("unix", over_unix),
    #[cfg(feature = "rustls")]
    ("tls", super::tls::pair),
];

pub(crate) fn over_tcp(role: Role, config: &Config) -> Pair {
    let (near, far) = tcp();
    (Box::new(Socket::new(near, connection(role, config), b"", config)), Box::new(far))
}

/// With small buffers.
#[cfg(unix)]
pub(crate) fn over_unix(role: Role, config: &Config) -> Pair {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    (Box::new(Socket::new(near, connection(role, config), b"", config)), Box::new(far))
}

pub(crate) type Test = fn(&str, Role, Box<dyn End>, Box<dyn Raw>);

/// Runs a test for both roles over every transport, all at once.
pub(crate) fn for_each_pair(config: &Config, test: Test) {
    thread::scope(|scope| {
        for (transport, make) in TRANSPORTS {
            for role in BOTH {
                scope.spawn(move || {
                    let name = format!("{role:?} over {transport}");
                    let (end, raw) = make(role, config);
                    within(ms(20_000), &name.clone(), move || test(&name, role, end, raw));
                });
            }
        }
    });
}

/// Two halves over TCP, and the bare stream of the peer.
pub(crate) type Halves = (ReadHalf<TcpStream, TcpStream>, WriteHalf<TcpStream>, TcpStream);

pub(crate) fn halves(role: Role, config: &Config) -> Halves {
    let (near, far) = tcp();
    let writing = near.try_clone().unwrap();
    let (reader, writer) = Socket::new(near, connection(role, config), b"", config).into_split(writing);
    (reader, writer, far)
}

pub(crate) fn owned(event: Option<Event<'_>>) -> Option<Message> {
    event.map(Message::from)
}

/// Reads a stream to its end, or until it fails, so many bytes at a time and with a pause behind each.
pub(crate) fn read_slowly(stream: &mut dyn Raw, step: usize, pause: Duration) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut buffer = vec![0; step];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        wire.extend(&buffer[..n]);
        thread::sleep(pause);
    }
    wire
}

/// What a busy machine may add to any time.
const LOAD: Duration = ms(1500);
