//! `Reader::receive_in_place`: what stays in the caller's buffer, and that it makes no other difference.
#![cfg(feature = "std")]

mod common;

use self::common::{Api, BOTH, Got, Owed, Transcript, closed, connection, first_error, frame, pattern, run, sent_to};
use ws_proto::{Config, Connection, Error, Event, Role};

/// When a caller hands what is left to `Reader::advance`.
#[derive(Clone, Copy, Debug)]
enum Hand {
    /// At the end of the stream.
    Late,
    /// Behind every read, as before waiting.
    Always,
    /// Behind some, by these numbers.
    Sometimes(u64),
}

/// A caller, and what it has seen.
struct Caller {
    connection: Connection,
    most: usize,
    /// What is left of the reads so far.
    buffer: Vec<u8>,
    fed: usize,
    log: Transcript,
}

impl Caller {
    fn new(connection: Connection, most: usize) -> Self {
        Self { connection, most, buffer: Vec::new(), fed: 0, log: Transcript::default() }
    }

    /// Reads on behind what is left.
    fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
        self.fed += bytes.len();
        let mut buffer = std::mem::take(&mut self.buffer);
        let before = buffer.clone();
        let mut input = &mut buffer[..];
        while self.step(&mut input, Some(self.most)) {}
        assert!(before.ends_with(input), "what is left is untouched");
        assert!(input.len() < self.most || input.is_empty(), "{} bytes are left", input.len());
        assert!(matches!(input.first(), None | Some(0x81 | 0x82)), "{input:02x?} is left");
        self.buffer = input.to_vec();
    }

    /// Hands over what is left; it was cut, so that nothing comes of it but an error.
    fn hand_over(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let (mut input, events) = (&mut buffer[..], self.log.events.len());
        while self.step(&mut input, None) {}
        assert!(input.is_empty());
        assert_eq!(self.log.events.len(), events);
    }

    /// Takes an event or an error, by `receive_in_place` or by `advance`; whether there was one.
    fn step(&mut self, input: &mut &mut [u8], most: Option<usize>) -> bool {
        let over = self.connection.split().0.is_closed();
        let (reader, writer) = self.connection.split();
        let got = match most {
            Some(most) => reader.receive_in_place(input, most).map(|event| event.map(Got::from)),
            None => reader.advance(input).map(|found| found.then(|| reader.event().unwrap().into())),
        };
        let owed = reader.take_reply();
        if let Some(reply) = owed {
            writer.reply(reply);
        }
        let owed = owed.map(Owed::from);
        let is_close = matches!(got, Ok(Some(Got::Close(_))));
        if over || is_close || got.is_err() {
            assert!(input.is_empty(), "all is swallowed");
        }
        assert!(!over || got == Ok(None), "{got:?} behind the end");
        match got {
            Ok(None) => return false,
            Ok(Some(event)) => {
                if !is_close {
                    self.log.ends.push(self.fed - input.len());
                }
                self.log.events.push((event, owed));
            }
            Err(error) => (self.log.error, self.log.owed) = (Some(error), owed),
        }
        true
    }

    fn finish(mut self) -> Transcript {
        self.hand_over();
        self.log.frames = self.connection.split().0.frames();
        self.log.closed = closed(&self.connection);
        self.log
    }
}

/// Reads pieces; each is offered once more with nothing new, which changes nothing.
fn read<'p>(
    connection: Connection,
    most: usize,
    mut hand: Hand,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Transcript {
    let mut caller = Caller::new(connection, most);
    for piece in pieces {
        caller.feed(piece);
        let (left, frames) = (caller.buffer.len(), caller.connection.split().0.frames());
        caller.feed(&[]);
        assert_eq!((caller.buffer.len(), caller.connection.split().0.frames()), (left, frames), "nothing is new");
        let now = match &mut hand {
            Hand::Late => false,
            Hand::Always => true,
            Hand::Sometimes(numbers) => {
                *numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *numbers >> 62 == 0
            }
        };
        if now {
            caller.hand_over();
        }
    }
    caller.finish()
}

/// The streams, as a server sends them.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| frame(0x81, text.as_bytes());
    let long = "Größe, 漢字, 🦀; ".repeat(7);
    vec![
        ("nothing", Vec::new()),
        ("empty messages", [text(""), frame(0x82, b""), text("")].concat()),
        ("small ones", [text("κόσμε"), frame(0x82, &pattern(9)), text("𝄞")].concat()),
        ("lengths of 7 and 16 bits", [frame(0x82, &pattern(125)), text(&long), frame(0x82, &pattern(126))].concat()),
        ("control frames between", [frame(0x89, b"?"), text("a€"), frame(0x8a, b"!"), frame(0x82, b"b")].concat()),
        ("fragments", [frame(0x01, b"\xf0\x9f"), frame(0x89, b"?"), frame(0x80, b"\xa6\x80"), text("behind")].concat()),
        ("a message in a message", [frame(0x02, b"a"), frame(0x82, b"b")].concat()),
        ("an end without a beginning", [text("a"), frame(0x80, b"b")].concat()),
        ("close", [text("bye"), frame(0x88, b"\x03\xe8so long"), text("not this")].concat()),
        ("a bad close", [text("bye"), frame(0x88, b"\x03")].concat()),
        ("bad text", [text("good"), frame(0x81, b"ab\xed\xa0\x80cd"), text("not this")].concat()),
        ("text that ends in a character", [text("good"), frame(0x81, b"ab\xe2\x82"), text("not this")].concat()),
        ("compressed without an agreement", [text("good"), frame(0xc1, b"abc")].concat()),
        ("a reserved bit", [text("good"), frame(0xa2, b"abc")].concat()),
        ("a reserved opcode", [text("good"), frame(0x83, b"abc")].concat()),
        ("another mask", b"\x81\x01a\x82\x81abcde".to_vec()),
        ("16 bits for 5", b"\x81\x01a\x82\x7e\0\x05abcde".to_vec()),
        ("64 bits for 5", b"\x81\x01a\x82\x7f\0\0\0\0\0\0\0\x05abcde".to_vec()),
        ("2^63", b"\x81\x01a\x81\x7f\x80\0\0\0\0\0\0\0abc".to_vec()),
        ("a frame that is too large", [text("a"), frame(0x82, &pattern(211)), text("not this")].concat()),
        ("a message that is too large", [frame(0x02, &pattern(200)), frame(0x80, &pattern(51))].concat()),
        ("cut in a message", [text("a"), text("a€")[..4].to_vec()].concat()),
        ("cut in bad text", [text("a"), frame(0x81, b"\xffabc")[..4].to_vec()].concat()),
        ("cut in a header", [text("a"), vec![0x82, 126, 1]].concat()),
    ]
}

fn limits() -> Config {
    Config::new().max_frame(210).max_message(250)
}

const MOST: [usize; 12] = [0, 1, 2, 3, 6, 7, 8, 14, 15, 60, 136, usize::MAX];

/// What comes of it, what is owed and how many frames there were: as by `receive`, however it is cut and handed over.
#[test]
fn the_same_events() {
    for (name, wire) in streams() {
        for role in BOTH {
            let wire = sent_to(role, &wire);
            let expected = run(Api::Receive, role, &limits(), [&wire[..]]);
            for most in MOST {
                for hand in
                    [Hand::Late, Hand::Always, Hand::Sometimes(most as u64), Hand::Sometimes(!wire.len() as u64)]
                {
                    let read = |pieces: &[&[u8]], how: &str| {
                        let got = read(connection(role, &limits()), most, hand, pieces.iter().copied());
                        assert_eq!(got, expected, "{name}, {role:?}, {most}, {hand:?}, {how}");
                    };
                    for cut in 0..=wire.len() {
                        let (left, right) = wire.split_at(cut);
                        read(&[left, right], &format!("cut at {cut}"));
                    }
                    for n in [1, 2, 3, 5, 13, 64] {
                        read(&wire.chunks(n).collect::<Vec<_>>(), &format!("cut every {n}"));
                    }
                }
            }
        }
    }
}

/// Byte by byte, a header fails at its first wrong byte, even if nothing is ever handed over; and so does text if it
/// is (section 8.1).
#[test]
fn as_early() {
    for (name, wire) in streams() {
        for role in BOTH {
            let wire = sent_to(role, &wire);
            let expected = first_error(role, &limits(), &wire);
            for most in MOST {
                for hands_over in [false, true] {
                    let mut caller = Caller::new(connection(role, &limits()), most);
                    let mut found = None;
                    for (at, byte) in wire.iter().enumerate() {
                        caller.feed(&[*byte]);
                        if hands_over {
                            caller.hand_over();
                        }
                        found = found.or(caller.log.error.map(|error| (at + 1, error)));
                    }
                    if hands_over || !matches!(expected, Some((_, Error::BadUtf8))) {
                        assert_eq!(found, expected, "{name}, {role:?}, {most}");
                    }
                }
            }
        }
    }
}

/// A frame stays if it has `most` bytes, header included, and is consumed if it has more: as soon as that is known.
#[test]
fn what_stays() {
    for role in BOTH {
        for n in [0, 1, 125, 126, 4000, 0xffff, 0x1_0000] {
            let header = if role == Role::Server { 6 } else { 2 };
            let wire = sent_to(role, &frame(0x82, &pattern(n)));
            for cut in (1..wire.len()).filter(|cut| *cut < 20 || wire.len() - cut < 3) {
                let left = |most| {
                    let mut caller = Caller::new(connection(role, &Config::new()), most);
                    caller.feed(&wire[..cut]);
                    caller.buffer.len()
                };
                assert_eq!(left(wire.len()), cut, "{role:?}, {n}, {cut}: it fits");
                assert_eq!(left(usize::MAX), cut, "{role:?}, {n}, {cut}: it fits well");
                assert_eq!(left(cut), 0, "{role:?}, {n}, {cut}: there is no room behind it");
                if n < 126 && cut >= header {
                    assert_eq!(left(wire.len() - 1), 0, "{role:?}, {n}, {cut}: it does not fit");
                }
            }
            let mut caller = Caller::new(connection(role, &Config::new()), wire.len() - 1);
            for byte in &wire {
                caller.feed(&[*byte]);
            }
            assert_eq!(caller.log.events(), [Got::Binary(pattern(n))], "{role:?}, {n}");
        }
    }
}

/// A message that was cut is lent from the caller's buffer when it is whole, and the reader keeps no memory for it.
#[test]
fn lent_from_there() {
    for role in BOTH {
        let text = "a text of some length".repeat(30);
        let mut wire = sent_to(role, &frame(0x81, text.as_bytes()));
        let (len, whole) = (wire.len(), wire.as_ptr_range());
        let (mut reader, _) = connection(role, &Config::new()).into_split();
        let memory = allocation_counter::measure(|| {
            for end in [1, 2, 3, 9, 100, len - 1] {
                let mut input = &mut wire[..end];
                assert_eq!(reader.receive_in_place(&mut input, len), Ok(None));
                assert_eq!((input.len(), reader.frames()), (end, 0));
            }
            let mut input = &mut wire[..];
            let Ok(Some(Event::Text(found))) = reader.receive_in_place(&mut input, len) else { panic!("no text") };
            assert_eq!(found, text);
            assert_eq!(found.as_bytes().as_ptr_range().end, whole.end);
            assert_eq!((input.len(), reader.frames()), (0, 1));
        });
        assert_eq!(memory.count_total, 0);
    }
}

/// What was left and handed over goes on where it belongs: nothing of it stays.
#[test]
fn what_was_handed_over_does_not_stay() {
    for role in BOTH {
        let wire = sent_to(role, &[frame(0x82, &pattern(100)), frame(0x81, b"next")].concat());
        for at in 1..wire.len() - 12 {
            let mut caller = Caller::new(connection(role, &Config::new()), 1000);
            caller.feed(&wire[..at]);
            assert_eq!(caller.buffer.len(), at);
            caller.hand_over();
            caller.feed(&wire[at..=at]);
            assert_eq!(caller.buffer, b"", "{role:?}, {at}");
            caller.feed(&wire[at + 1..]);
            assert_eq!(caller.log.events(), [Got::Binary(pattern(100)), Got::Text("next".into())]);
        }
    }
}

/// What is compressed does not stay: it is inflated as it comes.
#[test]
#[cfg(feature = "deflate")]
fn compressed_messages() {
    use ws_proto::deflate::{Agreement, Compression};

    for role in BOTH {
        let config = Config::new().compression(Compression::new().min_size(1, 1));
        let deflating = |role| connection(role, &config).with_deflate(Agreement::default(), &config);
        let mut peer = deflating(if role == Role::Client { Role::Server } else { Role::Client });
        let (_, writer) = peer.split();
        let mut expected = Vec::new();
        for n in [1, 40, 200] {
            writer.text(&"text ".repeat(n)).unwrap();
            writer.binary_uncompressed(&pattern(n)).unwrap();
            writer.binary(&pattern(n)).unwrap();
            expected.extend([Got::Text("text ".repeat(n)), Got::Binary(pattern(n)), Got::Binary(pattern(n))]);
        }
        let wire = peer.outgoing();
        for most in MOST {
            for hand in [Hand::Late, Hand::Always, Hand::Sometimes(7)] {
                for n in [1, 2, 7, 100, usize::MAX] {
                    let got = read(deflating(role), most, hand, wire.chunks(n));
                    assert_eq!((got.events(), got.error, got.frames), (expected.clone(), None, 9));
                }
            }
        }
    }
}
