//! Codecs that are lent to connections, against DEFLATE by the book and against another implementation of it: how far
//! messages refer back, that they decode whatever happened to their codec, and that bad ones fail alike however cut.
#![cfg(feature = "deflate")]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/blocks.rs"]
mod blocks;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/wire.rs"]
mod wire;

use std::thread;

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use ws_proto::deflate::{Agreement, Compression, Pool, Prepared};
use ws_proto::{Config, Error, Kind, Role};

use crate::blocks::{Bits, TAIL, parse};
use crate::wire::{
    CALLS, CONTINUES, Call, ENDS, Got, Outcome, PACKED_BINARY, PONG, ROLES, Reading, Sent, both_ways, config,
    connection, frame, read, sent, some_ways, take,
};

/// No distance is above the window that was agreed: with every level, fresh, in a window that goes on, behind a
/// history, and after another connection had the codec.
#[test]
fn pd_14_no_reference_goes_beyond_the_window() {
    for bits in 8..=15 {
        for level in 1..=9 {
            let farthest = [0, 4 << 10, 1 << 16]
                .map(|history| farthest(bits, true, Compression::new().level(level).history(history)))
                .into_iter()
                .max()
                .unwrap();
            let alone = self::farthest(bits, false, Compression::new().level(level));
            println!("{bits} bits, level {level}: {farthest}, without takeover {alone}");
            // The window is used, too.
            let window = 1 << bits;
            let used = window / 2 - 6..=window;
            assert!(
                used.contains(&farthest) && used.contains(&alone),
                "{bits} bits, level {level}: {farthest}, {alone}"
            );
        }
        // A window that nobody asked for.
        let own = farthest_of(Agreement::default(), bits, Compression::new().outbound_window(bits));
        assert!(own <= 1 << bits, "{bits} bits: {own}");
    }
}

/// There is no codec of 8 bits; one of 9 does not use more than half of its window.
#[test]
fn pd_14_a_codec_of_nine_bits_fits_a_window_of_eight() {
    for level in 1..=9 {
        for bits in [8, 9] {
            for history in [0, 200, 256, 1 << 16] {
                let farthest = farthest(bits, true, Compression::new().level(level).history(history));
                assert!(farthest <= 256, "level {level}: {farthest}");
            }
        }
    }
}

/// A peer's stream, made by another implementation that keeps its own window over all messages.
#[test]
fn pd_12_a_stream_of_another_implementation_is_read() {
    for role in ROLES {
        for level in [0, 1, 6, 9] {
            let mut compressor = compressor(level);
            let mut wire = Vec::new();
            let mut got = Vec::new();
            for n in 0..60_u64 {
                let message = content(n, usize::try_from(n * n * 7 % 3000).unwrap());
                wire.extend(frame(role, PACKED_BINARY, &deflated(&mut compressor, &message)));
                got.push(Got::Binary(message));
            }
            let config = config();
            let outcome = some_ways("a stream", &wire, &|| connection(role, &config, Agreement::default()));
            assert!(outcome == Outcome::of(got, None), "{role:?}, level {level}: {:?}", outcome.error);
        }
    }
}

/// Some codecs count in 32 bits: one connection's has its window from the history before that can end.
#[test]
fn pd_12_a_stream_that_grew_long_begins_anew() {
    let message = letters(1, 10_000);
    let config = config().compression(Compression::new().level(1).history(0));
    for role in ROLES {
        let [mut end, mut peer] = [role, role.peer()].map(|role| connection(role, &config, Agreement::default()));
        let mut reading = Reading::new(CALLS[0]);
        let mut anew = Vec::new();
        for n in 0..2000_usize {
            end.split().1.binary(&message).unwrap();
            let mut wire = take(&mut end);
            if wire.len() > 1000 {
                anew.push(n * message.len());
            }
            reading.read(&mut peer, &mut wire).unwrap();
            assert!(reading.got.pop() == Some(Got::Binary(message.clone())), "message {n}");
        }
        assert_eq!(anew, [0, (16_usize << 20).next_multiple_of(message.len())], "{role:?}");
    }
}

#[test]
fn connections_on_many_threads_share_a_pool() {
    for slots in [0, 1, 2, 8] {
        let config = Config::new().compression(Compression::new().min_size(1, 1).pool(Pool::new(slots)));
        thread::scope(|scope| {
            for thread in 0..8 {
                let config = &config;
                scope.spawn(move || {
                    let agreement = both_ways(12, thread % 4 != 0);
                    let mut ends = ROLES.map(|role| connection(role, config, agreement));
                    let mut reading = Reading::new(CALLS[thread % 3]);
                    let mut oracle = Oracle::new(thread % 4 != 0);
                    for n in 0..50 {
                        let message = content(n, 400);
                        ends[0].split().1.binary(&message).unwrap();
                        let mut wire = take(&mut ends[0]);
                        let sent = wire::messages(wire::frames(&wire)).remove(0);
                        assert_eq!(oracle.read(&sent), message, "{slots} slots, thread {thread}, message {n}");
                        reading.read(&mut ends[1], &mut wire).unwrap();
                        assert_eq!(reading.got.pop(), Some(Got::Binary(message)));
                    }
                });
            }
        });
    }
}

/// What happens to a connection that sends, and to the pool that it shares.
#[derive(Clone, Debug)]
enum Deed {
    /// A message: which content, its length, text or not.
    Send { content: u64, length: usize, text: bool },
    /// A message that is not to be compressed.
    Uncompressed { content: u64, length: usize },
    /// A message in fragments, never compressed.
    Fragments { content: u64, length: usize },
    /// One of the messages that were made for all.
    Prepared(Index),
    /// Another connection sends a message and its peer reads it, through the same pool.
    Other { content: u64, length: usize },
    /// The pool is emptied.
    Clear,
}

/// What both ends and the pool are like.
#[derive(Clone, Debug)]
struct Setting {
    role: Role,
    bits: u8,
    takeover: bool,
    level: u8,
    history: usize,
    slots: usize,
    fragment_size: usize,
    call: Call,
    piece: usize,
}

/// A part of a message to be read.
#[derive(Clone, Debug)]
enum Block {
    Stored { last: bool, data: Vec<u8> },
    Fixed { last: bool, symbols: Vec<Symbol> },
}

#[derive(Clone, Debug)]
enum Symbol {
    Bytes(Vec<u8>),
    Copy { length: usize, distance: usize },
}

/// What is changed in a message on its way.
#[derive(Clone, Debug)]
enum Damage {
    Nothing,
    Bit(Index, u32),
    Cut(Index),
    Insert(Index, Vec<u8>),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of a codec between two messages, each decodes at the peer and at another implementation, which
    /// keeps its own window.
    #[test]
    fn pd_11_messages_decode_whatever_their_codec_did_before(setting in setting(), deeds in vec(deed(), 1..40)) {
        let compression = Compression::new().min_size(1, 1).level(setting.level).history(setting.history);
        let pool = Pool::new(setting.slots);
        let compression = compression.pool(pool.clone());
        let config = Config::new().compression(compression.clone()).fragment_size(setting.fragment_size);
        let agreement = both_ways(setting.bits, setting.takeover);
        let prepared = [(0, 100), (1, 250), (10, 600), (3, 5000)]
            .map(|(sort, length)| Prepared::binary(&content(sort, length), &compression));
        let [mut end, mut peer, mut other, mut others_peer] = [false, true, false, true]
            .map(|peer| connection(if peer { setting.role.peer() } else { setting.role }, &config, agreement));
        let mut reading = Reading::new(setting.call);
        let mut oracle = Oracle::new(setting.takeover);
        for deed in deeds {
            let (_, writer) = end.split();
            let message = match &deed {
                Deed::Send { content, length, text: true } => {
                    let text = text(*content, *length);
                    writer.text(&text).unwrap();
                    Got::Text(text)
                }
                Deed::Send { content, length, text: false } => {
                    let bytes = self::content(*content, *length);
                    writer.binary(&bytes).unwrap();
                    Got::Binary(bytes)
                }
                Deed::Uncompressed { content, length } => {
                    let text = text(*content, *length);
                    writer.text_uncompressed(&text).unwrap();
                    Got::Text(text)
                }
                Deed::Fragments { content, length } => {
                    let bytes = self::content(*content, *length);
                    writer.fragment(Kind::Binary, &bytes, false).unwrap();
                    writer.fragment(Kind::Binary, b"", true).unwrap();
                    Got::Binary(bytes)
                }
                Deed::Prepared(index) => {
                    let message = index.get(&prepared);
                    writer.prepared(message).unwrap();
                    Got::Binary(message.plain().to_vec())
                }
                Deed::Other { content, length } => {
                    let bytes = self::content(*content, *length);
                    other.split().1.binary(&bytes).unwrap();
                    reading.read(&mut others_peer, &mut take(&mut other)).unwrap();
                    assert!(reading.got.pop() == Some(Got::Binary(bytes)));
                    continue;
                }
                Deed::Clear => {
                    pool.clear();
                    continue;
                }
            };
            let mut wire = take(&mut end);
            let bytes = match &message {
                Got::Text(text) => text.as_bytes(),
                Got::Binary(bytes) => bytes,
                _ => b"",
            };
            let sent = wire::messages(wire::frames(&wire)).remove(0);
            assert!(sent.payload.len() <= bytes.len(), "{deed:?}");
            assert!(oracle.read(&sent) == bytes, "{deed:?}");
            assert!(oracle.farthest <= 1 << setting.bits, "{deed:?}: {}", oracle.farthest);
            for piece in wire.chunks_mut(setting.piece) {
                reading.read(&mut peer, piece).unwrap();
            }
            assert!(reading.got == [message], "{deed:?}");
            reading.got.clear();
        }
    }

    /// Any compressed payload, valid or not, comes to the same end in one piece and in any pieces, through every call:
    /// the one that the book says. Text that is not UTF-8 and the limit are found at their byte, too. A codec that goes
    /// on from the message before and one that begins anew make no difference.
    #[test]
    fn pd_16_any_payload_reads_alike_in_any_pieces(
        messages in vec((any::<bool>(), payload()), 1..4),
        cuts in vec(any::<Index>(), 0..6),
        pieces in vec(1_usize..60, 1..20),
        limit in prop_oneof![3 => Just(usize::MAX), 1 => 0_usize..40],
        takeover in any::<bool>(),
        slots in 0_usize..2,
    ) {
        let expected = by_the_book(&messages, limit, takeover);
        let config = config().max_message(limit).compression(Compression::new().pool(Pool::new(slots)));
        for role in ROLES {
            let mut wire = Vec::new();
            for (text, payload) in &messages {
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
                cuts.sort_unstable();
                wire.extend(fragmented(role, if *text { 0x41 } else { 0x42 }, payload, &cuts));
            }
            for call in CALLS {
                for pieces in [&[usize::MAX][..], &[1], &pieces] {
                    let mut outcome = read(connection(role, &config, both_ways(15, takeover)), call, &wire, pieces);
                    outcome.got.retain(|got| *got != Got::Pong(vec![]));
                    assert_eq!(outcome, expected, "{role:?}, {call:?}, {pieces:?}");
                }
            }
        }
    }
}

fn setting() -> impl Strategy<Value = Setting> {
    let pool = (select(vec![0, 1, 300, 4096, 1 << 16]), select(vec![0, 1, 2]), 1_u8..=9);
    let wire = (select(vec![usize::MAX, 50, 1]), select(CALLS.to_vec()), select(vec![usize::MAX, 100, 1]));
    let agreement = (select(ROLES.to_vec()), 8_u8..=15, any::<bool>());
    (agreement, pool, wire).prop_map(|(agreement, pool, wire)| {
        let (role, bits, takeover) = agreement;
        let (history, slots, level) = pool;
        let (fragment_size, call, piece) = wire;
        Setting { role, bits, takeover, level, history, slots, fragment_size, call, piece }
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let length = || prop_oneof![6 => 0_usize..1000, 1 => 0_usize..6000];
    prop_oneof![
        8 => (0_u64..12, length(), any::<bool>())
            .prop_map(|(content, length, text)| Deed::Send { content, length, text }),
        1 => (0_u64..12, length()).prop_map(|(content, length)| Deed::Uncompressed { content, length }),
        1 => (0_u64..12, length()).prop_map(|(content, length)| Deed::Fragments { content, length }),
        2 => any::<Index>().prop_map(Deed::Prepared),
        2 => (0_u64..12, length()).prop_map(|(content, length)| Deed::Other { content, length }),
        1 => Just(Deed::Clear),
    ]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        || prop_oneof![8 => 0x20_u8..0x7f, 1 => any::<u8>(), 1 => Just(0xe2_u8), 1 => Just(0x82), 1 => Just(0xac)];
    let bytes = move || vec(byte(), 0..12);
    let symbol = prop_oneof![
        3 => bytes().prop_map(Symbol::Bytes),
        1 => (3_usize..=258, 1_usize..30).prop_map(|(length, distance)| Symbol::Copy { length, distance }),
    ];
    let block = prop_oneof![
        (any::<bool>(), bytes()).prop_map(|(last, data)| Block::Stored { last, data }),
        (any::<bool>(), vec(symbol, 0..5)).prop_map(|(last, symbols)| Block::Fixed { last, symbols }),
    ];
    let good = prop_oneof![
        4 => (vec(block, 0..6), any::<bool>()).prop_map(|(blocks, tail)| in_blocks(&blocks, tail)),
        2 => (0_u64..12, 0_usize..400, 0..=9).prop_map(|(content, length, level)| {
            let mut compressor = compressor(level);
            deflated(&mut compressor, &self::content(content, length))
        }),
        1 => vec(any::<u8>(), 0..40),
    ];
    let damage = prop_oneof![
        4 => Just(Damage::Nothing),
        1 => (any::<Index>(), 0_u32..8).prop_map(|(index, bit)| Damage::Bit(index, bit)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), vec(any::<u8>(), 1..6)).prop_map(|(index, bytes)| Damage::Insert(index, bytes)),
    ];
    (good, damage).prop_map(|(mut payload, damage)| {
        match damage {
            Damage::Bit(index, bit) if !payload.is_empty() => {
                let byte = index.index(payload.len());
                payload[byte] ^= 1 << bit;
            }
            Damage::Cut(index) => payload.truncate(index.index(payload.len() + 1)),
            Damage::Insert(index, bytes) => {
                let at = index.index(payload.len() + 1);
                payload.splice(at..at, bytes);
            }
            _ => {}
        }
        payload
    })
}

fn in_blocks(blocks: &[Block], tail: bool) -> Vec<u8> {
    let mut bits = Bits::new();
    for block in blocks {
        match block {
            Block::Stored { last, data } => {
                bits.stored(*last, data);
            }
            Block::Fixed { last, symbols } => {
                bits.fixed(*last);
                for symbol in symbols {
                    match symbol {
                        Symbol::Bytes(bytes) => bits.literals(bytes),
                        Symbol::Copy { length, distance } => bits.copy(*length, *distance),
                    };
                }
                bits.end();
                if *last {
                    bits.align();
                }
            }
        }
    }
    if tail { bits.message() } else { bits.bytes() }
}

/// What must come of compressed messages, texts or not. What the tail of a bad one yields is never seen.
fn by_the_book(messages: &[(bool, Vec<u8>)], limit: usize, takeover: bool) -> Outcome {
    let mut got = Vec::new();
    let mut history = Vec::new();
    for (text, payload) in messages {
        let mut parsed = if payload.is_empty() { parse(b"\x00", b"") } else { parse(payload, &history) };
        if parsed.bad {
            parsed.output.truncate(parsed.own);
        }
        let within = &parsed.output[..limit.min(parsed.output.len())];
        let utf8 = str::from_utf8(within);
        let error = match utf8 {
            Err(bad) if *text && bad.error_len().is_some() => Some(Error::BadUtf8),
            _ if parsed.output.len() > limit => Some(Error::MessageTooBig),
            _ if parsed.bad => Some(Error::BadCompression),
            Err(_) if *text => Some(Error::BadUtf8),
            _ => None,
        };
        if error.is_some() {
            return Outcome::of(got, error);
        }
        got.push(match utf8 {
            Ok(within) if *text => Got::Text(within.to_owned()),
            _ => Got::Binary(within.to_vec()),
        });
        if takeover {
            history.extend(parsed.output);
        }
    }
    Outcome::of(got, None)
}

/// A message to `role` in fragments, with a pong between any two.
fn fragmented(role: Role, first: u8, payload: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut wire, mut start, mut first) = (Vec::new(), 0, first);
    for cut in cuts {
        wire.extend(frame(role, first, &payload[start..*cut]));
        wire.extend(frame(role, PONG, b""));
        (start, first) = (*cut, CONTINUES);
    }
    wire.extend(frame(role, first | ENDS, &payload[start..]));
    wire
}

/// Another implementation, which inflates a peer's messages in a window of its own.
struct Oracle {
    state: Box<InflateState>,
    takeover: bool,
    /// All that came out, for the parser.
    history: Vec<u8>,
    farthest: usize,
}

impl Oracle {
    fn new(takeover: bool) -> Self {
        Self { state: InflateState::new_boxed(DataFormat::Raw), takeover, history: Vec::new(), farthest: 0 }
    }

    fn read(&mut self, message: &Sent) -> Vec<u8> {
        if !message.compressed {
            return message.payload.clone();
        }
        if !self.takeover {
            self.state.reset(DataFormat::Raw);
            self.history.clear();
        }
        let input = [&message.payload[..], &TAIL].concat();
        let mut input = &input[..];
        let mut output = Vec::new();
        let mut room = [0; 4096];
        loop {
            let step = inflate(&mut self.state, input, &mut room, MZFlush::None);
            input = &input[step.bytes_consumed..];
            output.extend(&room[..step.bytes_written]);
            if step.bytes_written < room.len() && input.is_empty() {
                break;
            }
            assert!(step.bytes_consumed + step.bytes_written > 0, "stuck: {:?}", step.status);
        }
        let parsed = parse(&message.payload, &self.history);
        assert!(!parsed.bad && parsed.output == output);
        self.farthest = self.farthest.max(parsed.farthest);
        self.history.extend(&output);
        output
    }
}

/// Another implementation, which keeps a window over its messages. Level 0 makes stored blocks.
fn compressor(level: i32) -> CompressorOxide {
    CompressorOxide::new(create_comp_flags_from_zip_params(level, -15, 0))
}

/// A message by another implementation, without its tail.
fn deflated(compressor: &mut CompressorOxide, message: &[u8]) -> Vec<u8> {
    let mut output = vec![0; message.len() * 2 + 100];
    let step = deflate(compressor, message, &mut output, MZFlush::Sync);
    assert_eq!(step.bytes_consumed, message.len());
    output.truncate(step.bytes_written);
    assert!(output.ends_with(&TAIL));
    output.truncate(output.len() - TAIL.len());
    output
}

fn farthest(bits: u8, takeover: bool, compression: Compression) -> usize {
    farthest_of(both_ways(bits, takeover), bits, compression)
}

/// The largest distance in messages that tempt a codec to look as far back as it can, and a little farther.
fn farthest_of(agreement: Agreement, bits: u8, compression: Compression) -> usize {
    let pool = Pool::new(1);
    let config = Config::new().compression(compression.min_size(1, 1).pool(pool.clone()));
    let [mut end, mut other] = [Role::Client, Role::Server].map(|role| connection(role, &config, agreement));
    let mut history = Vec::new();
    let mut farthest = 0;
    let window = 1 << bits;
    // What a codec leaves of its window.
    let reach = (1 << bits.max(9)) - 262;
    // Fresh and sticky; behind a history, and sticky again; with a new codec; behind
    // what does not shrink.
    for (n, before) in ["", "", "other", "", "new", "", "noise", ""].into_iter().enumerate() {
        match before {
            "other" => other.split().1.binary(&letters(99, 700)).unwrap(),
            // Tried, and then sent as it is.
            "noise" => end.split().1.binary(&content(8, 100)).unwrap(),
            "new" => pool.clear(),
            _ => {}
        }
        take(&mut other);
        take(&mut end);
        let period = [reach, window + 1, window - 1, window, reach + 1, 2 * window, reach, 250][n];
        // Always ends in something that shrinks.
        let mut message = letters(n as u64 / 2, period.min(40_000)).repeat(2);
        message.truncate(period + 600);
        message.extend(b"and so on, ".repeat(50));
        end.split().1.binary(&message).unwrap();
        let Sent { compressed, payload, .. } = sent(&mut end);
        assert!(compressed);
        let parsed = parse(&payload, &history);
        assert!(!parsed.bad && parsed.output == message);
        farthest = farthest.max(parsed.farthest);
        if !agreement.client_no_context_takeover {
            history.extend(message.clone());
            // Beyond the window there is nothing.
            history.drain(..history.len().saturating_sub(window));
        }
    }
    farthest
}

/// One of a dozen sorts of messages, some of which shrink, and some only in a window that has them.
fn content(sort: u64, length: usize) -> Vec<u8> {
    match sort % 12 {
        0 => vec![0; length],
        1..6 => text(sort, length).into_bytes(),
        6 | 7 => random(sort).take(length).collect(),
        8 => random(sort ^ length as u64).take(length).collect(),
        9 => letters(sort, length),
        10 => letters(sort, length / 2 + 1).repeat(2)[..length].to_vec(),
        _ => text(1, length.min(20)).into_bytes(),
    }
}

fn text(sort: u64, length: usize) -> String {
    let mut text = String::new();
    let mut random = random(sort);
    while text.len() < length {
        let byte = random.next().unwrap();
        let words = ["{\"id\": ", "größer ", "price", "\u{20ac}", "null, ", "\u{1f600}", "the same ", "}\n"];
        text += words[usize::from(byte & 7)];
        text += &(byte >> 3).to_string();
    }
    text
}

fn letters(sort: u64, length: usize) -> Vec<u8> {
    random(sort).take(length).map(|byte| 0x20 + (byte & 0x3f)).collect()
}

fn random(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
}
