//! A stream in memory for every adapter, and the adapters behind one face.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll};

use futures_util::io::{AsyncRead, AsyncWrite};
use tokio::io::ReadBuf;
use tokio::runtime::{Builder, Runtime};
use ws_proto::blocking::{self, Error, Untimed};
use ws_proto::futures::Futures;
use ws_proto::handshake::{ClientRequest, OriginPolicy, accept_key};
use ws_proto::poll::{self, Io};
use ws_proto::{Config, Message, Role, SendError, Writer, futures, mask};

use crate::driver::{self, lock, owned, run};

pub(crate) const HEAD_END: &str = "\r\n\r\n";

/// What a client asks for, compression and two subprotocols included.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// What a server answers; what it accepts stands where the mark is.
pub(crate) const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: <accept>\r\n\r\n";

/// A stream in memory. Clones are the same stream.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<Mutex<Lanes>>);

#[derive(Debug, Default)]
struct Lanes {
    input: VecDeque<u8>,
    output: Vec<u8>,
    /// What comes once a request was written: a head with a mark, and bytes behind it.
    answer: Option<(String, Vec<u8>)>,
    /// Behind the input nothing comes, instead of the end.
    open: bool,
    /// Nothing is taken.
    blocked: bool,
}

impl Wire {
    pub(crate) fn new(input: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(Lanes { input: input.iter().copied().collect(), ..Lanes::default() })))
    }

    /// That of a client whose request is answered.
    pub(crate) fn answering(head: &str, behind: &[u8]) -> Self {
        let wire = Self::new(b"");
        wire.lanes().answer = Some((head.to_owned(), behind.to_vec()));
        wire
    }

    /// A good handshake with `role`, compression agreed where it is configured, and frames behind it.
    pub(crate) fn to(role: Role, config: &Config, frames: &[u8]) -> Self {
        match role {
            Role::Server => Self::new(&[REQUEST.as_bytes(), frames].concat()),
            Role::Client if compresses(config) => {
                let line = format!("\r\nSec-WebSocket-Extensions: permessage-deflate{HEAD_END}");
                Self::answering(&RESPONSE.replacen(HEAD_END, &line, 1), frames)
            }
            Role::Client => Self::answering(RESPONSE, frames),
        }
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        self.lanes().input.extend(bytes);
    }

    pub(crate) fn stay_open(&self) {
        self.lanes().open = true;
    }

    pub(crate) fn block(&self) {
        self.lanes().blocked = true;
    }

    pub(crate) fn unblock(&self) {
        self.lanes().blocked = false;
    }

    /// All that was written.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.lanes().output.clone()
    }

    /// What was written behind the head, as `role`'s peer reads it.
    pub(crate) fn said(&self, role: Role) -> Vec<Message> {
        driver::receive_all(driver::peer_of(role).split().0, &self.behind_head())
    }

    /// The same as frames with payloads below 126 bytes: the key, and what was masked with it.
    pub(crate) fn frames(&self) -> Vec<(Option<[u8; 4]>, Vec<u8>)> {
        let wire = self.behind_head();
        let (mut rest, mut frames) = (&wire[..], Vec::new());
        while let [_, second, after @ ..] = rest {
            let key = (second & 0x80 != 0).then(|| *after.first_chunk::<4>().expect("a key"));
            let after = &after[if key.is_some() { 4 } else { 0 }..];
            let (payload, after) = after.split_at(usize::from(second & 0x7f));
            let mut payload = payload.to_vec();
            mask::apply(&mut payload, key.unwrap_or_default());
            frames.push((key, payload));
            rest = after;
        }
        frames
    }

    fn behind_head(&self) -> Vec<u8> {
        let output = self.output();
        let head = output.windows(4).position(|bytes| bytes == HEAD_END.as_bytes()).expect("a head");
        output[head + 4..].to_vec()
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        lock(&self.0)
    }
}

fn compresses(config: &Config) -> bool {
    #[cfg(feature = "deflate")]
    let compresses = ws_proto::handshake::Client::new(
        ClientRequest::new("ws://server.example.com/").expect("a URI"),
        config,
        ws_proto::Seed::predictable_for_tests(1),
    )
    .is_ok_and(|client| String::from_utf8_lossy(client.outgoing()).contains("permessage-deflate"));
    #[cfg(not(feature = "deflate"))]
    let compresses = {
        let _ = config;
        false
    };
    compresses
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut lanes = self.lanes();
        if let Some((head, behind)) = (!lanes.output.is_empty()).then(|| lanes.answer.take()).flatten() {
            let request = String::from_utf8_lossy(&lanes.output).into_owned();
            let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
            let accept = accept_key(key.as_bytes());
            let head = head.replace("<accept>", str::from_utf8(&accept).expect("base64"));
            lanes.input.extend(head.as_bytes());
            lanes.input.extend(behind);
        }
        let n = buffer.len().min(lanes.input.len());
        if n == 0 && lanes.open {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (to, from) in buffer.iter_mut().zip(lanes.input.drain(..n)) {
            *to = from;
        }
        Ok(n)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lanes = self.lanes();
        if lanes.blocked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        lanes.output.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A task that is not ready asks again: nobody wakes it.
fn ready<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl tokio::io::AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.read(buffer.initialize_unfilled());
        ready(read.map(|n| buffer.advance(n)))
    }
}

impl tokio::io::AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        ready(self.read(buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A driver, and whether its socket is taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Adapter {
    Blocking,
    BlockingHalves,
    Tokio,
    TokioHalves,
    Futures,
    FuturesHalves,
}

impl Adapter {
    pub(crate) const ALL: [Self; 6] =
        [Self::Blocking, Self::BlockingHalves, Self::Tokio, Self::TokioHalves, Self::Futures, Self::FuturesHalves];
}

/// What all drivers can do. [`None`] is to wait, for ever or until a time-out.
pub(crate) trait End {
    fn next(&mut self) -> Option<Result<Option<Message>, Error>>;
    fn queue(&mut self, message: &mut Say<'_>) -> Result<(), SendError>;
    fn flush(&mut self) -> Option<Result<(), Error>>;
}

type Say<'a> = dyn FnMut(&mut Writer) -> Result<(), SendError> + 'a;

fn in_time<T>(result: Result<T, Error>) -> Option<Result<T, Error>> {
    match result {
        Err(Error::TimedOut) => None,
        result => Some(result),
    }
}

impl End for blocking::Socket<Untimed<Wire>> {
    fn next(&mut self) -> Option<Result<Option<Message>, Error>> {
        in_time(self.next().map(owned))
    }

    fn queue(&mut self, message: &mut Say<'_>) -> Result<(), SendError> {
        self.queue(message)
    }

    fn flush(&mut self) -> Option<Result<(), Error>> {
        in_time(self.flush())
    }
}

impl End for (blocking::ReadHalf<Untimed<Wire>, Untimed<Wire>>, blocking::WriteHalf<Untimed<Wire>>) {
    fn next(&mut self) -> Option<Result<Option<Message>, Error>> {
        in_time(self.0.next().map(owned))
    }

    fn queue(&mut self, message: &mut Say<'_>) -> Result<(), SendError> {
        self.1.queue(message)
    }

    fn flush(&mut self) -> Option<Result<(), Error>> {
        in_time(self.1.flush())
    }
}

impl<T: Io> End for poll::Socket<T> {
    fn next(&mut self) -> Option<Result<Option<Message>, Error>> {
        run(self.next()).map(|event| event.map(owned))
    }

    fn queue(&mut self, message: &mut Say<'_>) -> Result<(), SendError> {
        self.queue(message)
    }

    fn flush(&mut self) -> Option<Result<(), Error>> {
        run(self.flush())
    }
}

impl<T: Io> End for (poll::Receiver<T>, poll::Sender<T>) {
    fn next(&mut self) -> Option<Result<Option<Message>, Error>> {
        run(self.0.next()).map(|event| event.map(owned))
    }

    fn queue(&mut self, message: &mut Say<'_>) -> Result<(), SendError> {
        self.1.queue(message)
    }

    fn flush(&mut self) -> Option<Result<(), Error>> {
        run(self.1.flush())
    }
}

/// For the timers of tokio, which are never waited for here.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime"))
}

/// The socket behind the handshake on `wire`.
pub(crate) fn open(adapter: Adapter, role: Role, config: &Config, wire: &Wire) -> Result<Box<dyn End>, Error> {
    let stream = wire.clone();
    let request = ClientRequest::new("ws://server.example.com/chat").expect("a URI");
    Ok(match adapter {
        Adapter::Blocking | Adapter::BlockingHalves => {
            let socket = match role {
                Role::Server => blocking::accept(Untimed(stream), OriginPolicy::Any, config)?,
                Role::Client => blocking::client(Untimed(stream), request, config)?,
            };
            match adapter {
                Adapter::Blocking => Box::new(socket),
                _ => Box::new(socket.into_split(Untimed(wire.clone()))),
            }
        }
        Adapter::Tokio | Adapter::TokioHalves => {
            let socket = match role {
                Role::Server => driver::complete(ws_proto::tokio::accept(stream, OriginPolicy::Any, config))?,
                Role::Client => driver::complete(ws_proto::tokio::client(stream, request, config))?,
            };
            match adapter {
                Adapter::Tokio => Box::new(socket),
                _ => Box::new(socket.split()),
            }
        }
        Adapter::Futures | Adapter::FuturesHalves => {
            let stream = Futures::new(stream);
            let socket = match role {
                Role::Server => driver::complete(futures::accept(stream, OriginPolicy::Any, config))?,
                Role::Client => driver::complete(futures::client(stream, request, config))?,
            };
            match adapter {
                Adapter::Futures => Box::new(socket),
                _ => Box::new(socket.split()),
            }
        }
    })
}

/// What came of frames to a socket behind a good handshake.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) events: Vec<Message>,
    pub(crate) error: Option<Error>,
    pub(crate) answers: Vec<Message>,
}

pub(crate) fn converse(adapter: Adapter, role: Role, config: &Config, frames: &[u8]) -> Talk {
    let _context = runtime().enter();
    let wire = Wire::to(role, config, frames);
    let mut end = open(adapter, role, config, &wire).expect("a good handshake");
    let (mut events, mut error) = (Vec::new(), None);
    loop {
        match end.next().expect("the stream ends") {
            Ok(Some(event)) if error.is_none() => events.push(event),
            Ok(Some(event)) => panic!("{event:?} behind {error:?}"),
            Ok(None) => break,
            Err(again) => assert!(error.replace(again).is_none(), "twice"),
        }
    }
    Talk { events, error, answers: wire.said(role) }
}

/// A compressed message of `length` times `x`, in one block of the fixed code: a literal, copies of 258 bytes behind it
/// and the rest as literals (RFC 1951, section 3.2.6).
#[cfg(feature = "deflate")]
pub(crate) fn packed(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b010, 3);
    bits.code(0x30 + u32::from(b'x'), 8);
    let copies = (length - 1) / 258;
    for _ in 0..copies {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    for _ in 0..(length - 1) % 258 {
        bits.code(0x30 + u32::from(b'x'), 8);
    }
    bits.code(0, 7);
    // An empty stored block, whose last four bytes are not sent (RFC 7692, section 7.2.1).
    bits.push(0b000, 3);
    bits.bytes
}

#[cfg(feature = "deflate")]
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

#[cfg(feature = "deflate")]
impl Bits {
    /// The lowest bit first.
    fn push(&mut self, value: u32, n: u32) {
        for bit in 0..n {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("one was pushed") |= u8::from(value >> bit & 1 == 1) << (self.used % 8);
            self.used += 1;
        }
    }

    /// The highest bit first, as codes are.
    fn code(&mut self, code: u32, n: u32) {
        for bit in (0..n).rev() {
            self.push(code >> bit & 1, 1);
        }
    }
}
