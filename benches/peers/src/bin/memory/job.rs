//! A cell's bytes, and what each round of a library is checked by.

use std::hint::black_box;
use std::rc::Rc;

use crate::cell::{Cell, FRAGMENTS, Kind, Operation, Role};
use crate::frames;
use crate::pipe::{Pipe, Sink};

/// A library under measurement. Each function makes a connection for a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Library {
    /// The name of its package; the report finds the version by it.
    pub(crate) name: &'static str,
    pub(crate) receive: fn(&Job) -> Round,
    pub(crate) fragmented: fn(&Job) -> Round,
    pub(crate) send: fn(&Job) -> Round,
    pub(crate) echo: fn(&Job) -> Round,
    /// If it does one from bytes.
    pub(crate) handshake: Option<fn(&Job) -> Round>,
}

/// Does a job's work once, on a connection that lasts.
pub(crate) type Round = Box<dyn FnMut(&mut Seen)>;

impl Library {
    /// `None` if the library does no such thing.
    pub(crate) fn open(self, job: &Job) -> Option<Round> {
        match job.operation {
            Operation::Receive(..) => Some((self.receive)(job)),
            Operation::Fragmented => Some((self.fragmented)(job)),
            Operation::Send(..) => Some((self.send)(job)),
            Operation::Echo(_) => Some((self.echo)(job)),
            Operation::Handshake => self.handshake.map(|handshake| handshake(job)),
        }
    }
}

/// A cell, and its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) cell: Cell,
    pub(crate) operation: Operation,
    /// How many messages a round has.
    pub(crate) count: usize,
    /// After how many what is sent has to be written out.
    pub(crate) batch: usize,
    /// Every message.
    pub(crate) payload: Rc<[u8]>,
    /// The same, if it is text.
    pub(crate) text: Option<Rc<str>>,
    /// What is received in a round; empty if nothing is.
    pub(crate) wire: Rc<[u8]>,
    pub(crate) sink: Sink,
}

impl Job {
    pub(crate) fn new(cell: Cell) -> Self {
        let payload = payload(cell.operation.kind(), cell.size);
        let wire = wire(cell, &payload);
        let is_text = cell.operation.kind() != Kind::Binary;
        let text = is_text.then(|| std::str::from_utf8(&payload).expect("made of characters").into());
        let (operation, count, batch) = (cell.operation, cell.count(), cell.batch());
        Self { cell, operation, count, batch, payload: payload.into(), text, wire: wire.into(), sink: Sink::default() }
    }

    /// A stream of its own.
    pub(crate) fn pipe(&self) -> Pipe {
        Pipe::new(self.wire.clone(), self.sink.clone())
    }

    /// How many messages are sent before each time that all is written out.
    pub(crate) fn batches(&self) -> impl Iterator<Item = usize> {
        (0..self.count).step_by(self.batch).map(|sent| self.batch.min(self.count - sent))
    }

    /// What a round must have shown.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub(crate) fn check(&self, seen: &Seen) {
        let receives = matches!(self.operation, Operation::Receive(..) | Operation::Echo(_) | Operation::Fragmented);
        let messages = if receives { self.count } else { 0 };
        assert_eq!((seen.messages, seen.bytes), (messages, messages * self.cell.size), "messages and bytes received");
        let sink = self.sink.bytes();
        match self.operation {
            Operation::Receive(..) => assert!(sink.is_empty(), "wrote something"),
            Operation::Fragmented => {
                let (first, ..) = frames::next(&mut &sink[..]).expect("a frame");
                assert_eq!(first, frames::PONG, "the answer to a ping");
            }
            Operation::Send(..) | Operation::Echo(_) => self.check_frames(&sink),
            Operation::Handshake => check_responses(&sink, self.count),
        }
    }

    fn check_frames(&self, mut sink: &[u8]) {
        let first = if self.operation.kind() == Kind::Binary { frames::BINARY } else { frames::TEXT };
        let masked = self.operation.role() == Role::Client;
        let mut messages = 0;
        while let Some((found, is_masked, payload)) = frames::next(&mut sink) {
            assert_eq!((found, is_masked), (first, masked), "the header of a frame");
            assert!(payload == *self.payload, "another payload");
            messages += 1;
        }
        assert_eq!((messages, sink.len()), (self.count, 0), "messages sent");
    }
}

/// What one round of a library has shown.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    messages: usize,
    bytes: usize,
    /// To compare each message with.
    expected: Option<Rc<[u8]>>,
}

impl Seen {
    /// One that compares contents.
    pub(crate) fn comparing(job: &Job) -> Self {
        Self { expected: Some(job.payload.clone()), ..Self::default() }
    }

    /// Takes note of a message that was received.
    #[inline]
    pub(crate) fn message(&mut self, payload: &[u8]) {
        self.messages += 1;
        self.bytes += payload.len();
        if let Some(expected) = &self.expected {
            assert!(payload == &**expected, "another message");
        }
        black_box(payload);
    }

    pub(crate) const fn messages(&self) -> usize {
        self.messages
    }

    pub(crate) const fn totals(&self) -> (usize, usize) {
        (self.messages, self.bytes)
    }
}

/// A request as a browser sends it.
pub(crate) const REQUEST: &str = "GET /chat?room=12 HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://chat.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n\
    Cookie: session=8f2b6d1c90e94f7db2a7; theme=dark\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// What the answer's accept key must be (RFC 6455, section 1.3).
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn check_responses(sink: &[u8], count: usize) {
    let text = std::str::from_utf8(sink).expect("an HTTP head");
    assert_eq!(text.matches("HTTP/1.1 101 ").count(), count, "responses");
    assert_eq!(text.matches(ACCEPT).count(), count, "accept keys");
}

fn payload(kind: Kind, size: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    match kind {
        Kind::Binary => (0..size).map(|_| random.next().to_le_bytes()[7]).collect(),
        Kind::Ascii => "The quick brown fox jumps over the lazy dog 0123456789. ".bytes().cycle().take(size).collect(),
        Kind::Mixed => mixed(size).into_bytes(),
    }
}

/// Text whose script changes with each word, of just so many bytes.
fn mixed(size: usize) -> String {
    let mut text = String::with_capacity(size);
    let words = "Größe, γειά σου, привет, 漢字かな交じり文, 😀🎉 naïve, Ωμέγα; мир, 世界 🦀 ";
    text.extend(words.chars().cycle().scan(size, |room, character| {
        *room = room.checked_sub(character.len_utf8())?;
        Some(character)
    }));
    text.extend(std::iter::repeat_n('x', size - text.len()));
    text
}

/// What the other end sends in a round.
fn wire(cell: Cell, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut key = || (cell.operation.role() == Role::Server).then(|| random.key());
    match cell.operation {
        Operation::Send(..) => {}
        Operation::Handshake => wire.extend_from_slice(REQUEST.as_bytes()),
        Operation::Fragmented => {
            let last = FRAGMENTS - 1;
            for (n, fragment) in payload.chunks(payload.len() / FRAGMENTS).enumerate() {
                let opcode = if n == 0 { 0x02 } else { 0x00 };
                frames::append(&mut wire, opcode | if n == last { 0x80 } else { 0 }, fragment, key());
                if n != last {
                    frames::append(&mut wire, frames::PING, b"are you there?", key());
                }
            }
        }
        Operation::Receive(_, kind) | Operation::Echo(kind) => {
            let first = if kind == Kind::Binary { frames::BINARY } else { frames::TEXT };
            (0..cell.count()).for_each(|_| frames::append(&mut wire, first, payload, key()));
        }
    }
    wire
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn key(&mut self) -> [u8; 4] {
        let [.., a, b, c, d] = self.next().to_le_bytes();
        [a, b, c, d]
    }
}
