//! Connections that share a small pool, and a script of what happens to their messages.

use std::collections::VecDeque;
use std::mem;

use ws_proto::deflate::{Agreement, Compression, Pool, Prepared};
use ws_proto::{Chunk, Config, Connection, Error, Event, Reader, Seed};

/// `data` is eight bytes of settings, and steps of four bytes each: what, at which connection, and how much. No codec may
/// panic; a message that was not corrupted must arrive as it was sent, and nothing fails but what was corrupted or is above a
/// limit.
pub fn pool(data: &[u8]) {
    let Some((settings, script)) = data.split_first_chunk() else { return };
    let settings = Settings::new(*settings);
    let mut pairs: [Pair; PAIRS] = std::array::from_fn(|n| Pair::new(n, &settings));
    for &[what, n, a, b] in script.as_chunks().0.iter().take(MOST_STEPS) {
        let which = usize::from(n) % PAIRS;
        let pair = &mut pairs[which];
        match what % 8 {
            0 | 1 => pair.send(&message(n, a, b), what & 0x10 != 0, &settings),
            2 | 3 => pair.deliver(usize::from(a) * 16 + 1, usize::from(b) + 1, &settings),
            4 => pair.deliver(usize::MAX, usize::from(b) * 100 + 1, &settings),
            5 => pair.corrupt(usize::from(a), b),
            // What it has, inflated or not, goes with it.
            6 if a < 128 => *pair = Pair::new(which, &settings),
            6 => pair.to.release(),
            _ => pair.to.split().0.inflate_at_most(if a == 0 { usize::MAX } else { usize::from(a) * usize::from(b) }),
        }
        if pair.is_over {
            *pair = Pair::new(which, &settings);
        }
    }
    for pair in &mut pairs {
        pair.deliver(usize::MAX, usize::MAX, &settings);
        assert!(pair.is_over || pair.is_corrupt || pair.expected.is_empty(), "a message did not arrive");
    }
}

/// What all connections have in common.
struct Settings {
    compression: Compression,
    agreement: Agreement,
    max_message: usize,
    free: usize,
    ratio: usize,
}

impl Settings {
    fn new([slots, unfinished, window, level, max, ratio, free, fragments]: [u8; 8]) -> Self {
        let pool = Pool::new(usize::from(slots % 3));
        pool.max_unfinished(usize::from(unfinished % 4));
        let takeover = fragments & 0x80 == 0;
        Self {
            compression: Compression::new().level(level % 10).min_size(0, 0).pool(pool),
            agreement: Agreement {
                server_no_context_takeover: !takeover,
                client_no_context_takeover: !takeover,
                server_max_window_bits: Some(8 + window % 8),
                client_max_window_bits: Some(8 + window / 8 % 8),
            },
            max_message: if max == 0 { Config::UNLIMITED } else { usize::from(max) * 200 },
            ratio: usize::from(ratio),
            free: if free == 0 { Config::UNLIMITED } else { usize::from(free) * 200 },
        }
    }

    fn config(&self, n: usize) -> Config {
        Config::new()
            .max_message(self.max_message)
            .max_expansion(self.ratio, self.free)
            .fragment_size(if n < 3 { Config::UNLIMITED } else { 100 })
            .keep_buffer(if n.is_multiple_of(2) { 1 << 16 } else { 0 })
            .compression(self.compression.clone())
    }

    /// Whether a message may be refused; above the limit of messages it must be.
    const fn may_refuse(&self, len: usize) -> bool {
        len > self.max_message || len > self.free
    }
}

/// A direction between two ends.
struct Pair {
    from: Connection,
    to: Connection,
    way: Way,
    wire: VecDeque<u8>,
    expected: VecDeque<Vec<u8>>,
    /// What arrived of a message in pieces.
    begun: Vec<u8>,
    is_corrupt: bool,
    is_over: bool,
}

#[derive(Clone, Copy)]
enum Way {
    Receive,
    Advance,
    Chunks,
}

impl Pair {
    fn new(n: usize, settings: &Settings) -> Self {
        let config = settings.config(n);
        let client = Connection::client(&config, Seed::predictable_for_tests(1));
        let [client, server] =
            [client, Connection::server(&config)].map(|end| end.with_deflate(settings.agreement, &config));
        let (from, to) = if n.is_multiple_of(2) { (client, server) } else { (server, client) };
        let way = [Way::Receive, Way::Advance, Way::Chunks, Way::Chunks, Way::Receive][n % PAIRS];
        let (wire, expected) = (VecDeque::new(), VecDeque::new());
        Self { from, to, way, wire, expected, begun: Vec::new(), is_corrupt: false, is_over: false }
    }

    fn send(&mut self, message: &[u8], prepared: bool, settings: &Settings) {
        let writer = self.from.split().1;
        let sent = if prepared {
            writer.prepared(&Prepared::binary(message, &settings.compression))
        } else {
            writer.binary(message)
        };
        sent.expect("it is open");
        let bytes = self.from.outgoing();
        self.wire.extend(bytes);
        let n = bytes.len();
        self.from.consume(n);
        self.expected.push_back(message.to_vec());
    }

    /// Turns a bit of what is under way.
    fn corrupt(&mut self, at: usize, bit: u8) {
        if let Some(byte) = self.wire.get_mut(at) {
            *byte ^= 1 << (bit % 8);
            self.is_corrupt = true;
        }
    }

    /// Up to `n` bytes arrive, in pieces.
    fn deliver(&mut self, n: usize, piece: usize, settings: &Settings) {
        let n = n.min(self.wire.len());
        let mut bytes: Vec<u8> = self.wire.drain(..n).collect();
        for input in bytes.chunks_mut(piece) {
            if self.is_over {
                return;
            }
            if let Err(error) = self.read(input) {
                self.is_over = true;
                let refused = self.expected.front().is_some_and(|message| settings.may_refuse(message.len()));
                assert!(self.is_corrupt || refused, "{error}");
            }
        }
        let too_big = |message: &Vec<u8>| message.len() > settings.max_message;
        let arrived = self.wire.is_empty() && n > 0;
        assert!(self.is_corrupt || self.is_over || !arrived || !self.expected.iter().any(too_big), "not refused");
    }

    /// Reads all of `input`.
    fn read(&mut self, mut input: &mut [u8]) -> Result<(), Error> {
        let Self { to, way, begun, expected, is_corrupt, is_over, .. } = self;
        let reader = to.split().0;
        loop {
            let next = next(reader, *way, &mut input, begun)?;
            let is_inflating = reader.is_inflating();
            match next {
                Next::Message(message) => {
                    let sent = expected.pop_front();
                    assert!(*is_corrupt || sent == Some(message), "another message arrived");
                }
                Next::Part => {}
                // Of a message that is inflated as a whole, nothing is missing.
                Next::Nothing if is_inflating => {
                    assert!(matches!(way, Way::Chunks) || reader.unfinished().is_none(), "the peer is waited for");
                }
                Next::Nothing => break,
                Next::Other => assert!(*is_corrupt, "nothing else was sent"),
            }
            *is_over |= reader.is_closed();
        }
        assert!(input.is_empty());
        Ok(())
    }
}

enum Next {
    Message(Vec<u8>),
    Part,
    Nothing,
    Other,
}

/// One call.
fn next(reader: &mut Reader, way: Way, input: &mut &mut [u8], begun: &mut Vec<u8>) -> Result<Next, Error> {
    let event = match way {
        Way::Receive => reader.receive(input)?,
        Way::Advance => {
            reader.advance(input)?;
            reader.event()
        }
        Way::Chunks => {
            return Ok(match reader.receive_chunk(input)? {
                None => Next::Nothing,
                Some(Chunk::Data { bytes, last, .. }) => {
                    begun.extend_from_slice(bytes);
                    if last { Next::Message(mem::take(begun)) } else { Next::Part }
                }
                Some(_) => Next::Other,
            });
        }
    };
    Ok(match event {
        None => Next::Nothing,
        Some(Event::Binary(bytes)) => Next::Message(bytes.to_vec()),
        Some(Event::Text(text)) => Next::Message(text.as_bytes().to_vec()),
        Some(_) => Next::Other,
    })
}

/// Bytes that do not shrink, and then some that do.
fn message(seed: u8, noise: u8, plain: u8) -> Vec<u8> {
    let mut state = u64::from(seed) << 16 | u64::from(noise) << 8 | u64::from(plain) | 1 << 32;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let noise = usize::from(noise) * 2;
    let mut message: Vec<u8> = (0..noise).map(|_| byte()).collect();
    message.extend(b"{\"id\":1,\"name\":\"somebody\"}, ".iter().cycle().take(usize::from(plain).pow(2)));
    message
}

const PAIRS: usize = 5;
const MOST_STEPS: usize = 2000;
