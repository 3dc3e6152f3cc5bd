//! Who has a codec, for how long, and how much one call may do with it.
#![cfg(feature = "deflate")]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/blocks.rs"]
mod blocks;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/wire.rs"]
mod wire;

use allocation_counter::measure;
use ws_proto::deflate::{Agreement, Compression, Pool, Prepared};
use ws_proto::{Chunk, CloseCode, Config, Connection, Error, Event, Kind, Reader, Role};

use crate::blocks::{Bits, TAIL};
use crate::wire::{
    CALLS, CONTINUES, Call, ENDS, Got, Outcome, PACKED_BINARY, PACKED_BINARY_BEGINS, PACKED_TEXT, PACKED_TEXT_BEGINS,
    PING, ROLES, Reading, both_ways, config, connection, every_way, frame, read, some_ways, stream, take,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// A codec once went back to its pool behind a message that did not fit, and panicked after about 630 of them in a row.
/// Each comes from a connection of its own: one that sends many tries less and less.
#[test]
fn k_01_a_codec_is_not_lent_again_behind_a_message_that_did_not_fit() {
    for (window, takeover) in [(9, true), (9, false), (15, true), (15, false)] {
        for role in ROLES {
            let config = one_slot();
            let mut random = Random(1);
            for n in 0..2000 {
                let message = if n % 900 == 899 { vec![b'x'; 300] } else { random.bytes(100) };
                exchange(&config, role, both_ways(window, takeover), &[message]);
            }
        }
    }
}

#[test]
fn k_01_messages_of_every_size_pass_through_one_codec() {
    for takeover in [true, false] {
        let config = one_slot();
        let mut random = Random(2);
        for mixed in [false, true] {
            for size in
                (0..700).chain((0..200_001).step_by(9973)).chain((8..18).flat_map(|n| [(1 << n) - 1, (1 << n) + 1]))
            {
                let mut last = random.bytes(if mixed { size / 2 } else { size });
                last.resize(size, b' ');
                exchange(&config, Role::Server, both_ways(15, takeover), &[random.bytes(size), last]);
            }
        }
    }
}

#[test]
fn k_01_prepared_messages_wear_out_no_codec() {
    let compression = Compression::new().min_size(0, 0).pool(Pool::new(1));
    let config = Config::new().compression(compression.clone());
    let mut random = Random(3);
    for n in 0..2000 {
        let message = if n % 900 == 899 { vec![b'x'; 300] } else { random.bytes(100) };
        let mut end = connection(Role::Server, &config, Agreement::default());
        let mut peer = connection(Role::Client, &config, Agreement::default());
        end.split().1.prepared(&Prepared::binary(&message, &compression)).unwrap();
        let mut reading = Reading::new(Call::Receive);
        reading.read(&mut peer, &mut take(&mut end)).unwrap();
        assert_eq!(reading.got, [Got::Binary(message)], "{n}");
    }
}

/// A message that does not shrink comes to its end as well: a new codec for each would be 380 KiB to allocate and clear.
#[test]
fn k_01_a_codec_is_kept_behind_a_message_that_does_not_shrink() {
    let compression = Compression::new().min_size(0, 0).pool(Pool::new(1));
    let config = Config::new().compression(compression.clone());
    let mut random = Random(4);
    for size in [20, 100, 1000, 16 * KIB, 200_000] {
        let mut end = connection(Role::Server, &config, Agreement::default());
        let message = random.bytes(size);
        let mut send = || {
            end.split().1.binary(&message).unwrap();
            let n = end.outgoing().len();
            end.consume(n);
        };
        (0..10).for_each(|_| send());
        let info = measure(|| (0..10).for_each(|_| send()));
        assert!(info.bytes_max < 2 * 200 * KIB as u64, "{size} bytes: {info:?}");
        assert!(info.bytes_current <= 0, "{size} bytes: {info:?}");
        drop(Prepared::binary(&message, &compression));
        let info = measure(|| drop(Prepared::binary(&message, &compression)));
        assert!(info.bytes_max < (2 * size + 100) as u64, "{size} bytes: {info:?}");
    }
}

/// 16 MiB in 16 KiB, withheld at its last byte: what is kept is what arrived.
#[test]
fn k_04_a_withheld_message_keeps_neither_a_codec_nor_inflated_bytes() {
    let payload = zeros(16 * MIB);
    assert!(payload.len() < 20 * KIB);
    for role in ROLES {
        for call in [Call::Receive, Call::Advance] {
            for fragments in [false, true] {
                let config = config().max_message(16 * MIB).max_expansion(Config::UNLIMITED, 0);
                let mut wire = if fragments {
                    let (one, two) = payload.split_at(payload.len() / 2);
                    stream(role, &[(PACKED_BINARY_BEGINS, one), (PING, b""), (ENDS, two)])
                } else {
                    frame(role, PACKED_BINARY, &payload)
                };
                let mut end = connection(role, &config, Agreement::default());
                let mut reading = Reading::new(call);
                let (last, most) = wire.split_last_mut().unwrap();
                let info = measure(|| {
                    for piece in most.chunks_mut(1000) {
                        reading.read(&mut end, piece).unwrap();
                    }
                });
                assert!(info.bytes_max < (3 * payload.len() + KIB) as u64, "{info:?}");
                assert!(info.bytes_current < (2 * payload.len() + KIB).try_into().unwrap(), "{info:?}");
                assert!(end.split().0.unfinished().is_some());
                reading.read(&mut end, std::slice::from_mut(last)).unwrap();
                assert!(reading.got.pop() == Some(Got::Binary(vec![0; 16 * MIB])));
                assert_eq!(end.split().0.unfinished(), None);
            }
        }
    }
}

#[test]
fn k_04_a_message_that_was_begun_keeps_what_arrived_of_it() {
    for role in ROLES {
        for call in [Call::Receive, Call::Advance] {
            let mut end = connection(role, &config(), Agreement::default());
            let mut wire = frame(role, PACKED_TEXT_BEGINS, HELLO);
            let info = measure(|| Reading::new(call).read(&mut end, &mut wire).unwrap());
            assert!(info.bytes_current < 300, "{info:?}");
            // All of it goes with the connection.
            assert!(measure(|| drop(end)).bytes_current < 0);
        }
    }
}

#[test]
fn k_04_the_bytes_that_wait_have_a_limit() {
    for role in ROLES {
        for (max, bound) in [(5, 5 + 1024), (80, 80 + 10 + 1024), (16 * KIB, 18 * KIB + 1024)] {
            let config = config().max_message(max);
            let new = || connection(role, &config, Agreement::default());
            // Empty blocks inflate to nothing, and "Hello" has seven bytes.
            for (length, error) in [(bound, None), (bound + 1, Some(Error::MessageTooBig))] {
                let payload = padded(length);
                let got = if error.is_none() { vec![Got::Text("Hello".to_owned())] } else { vec![] };
                let expected = Outcome::of(got, error);
                assert_eq!(some_ways("one frame", &frame(role, PACKED_TEXT, &payload), &new), expected, "{max}");
                let (one, two) = payload.split_at(length / 2);
                let wire = stream(role, &[(PACKED_TEXT_BEGINS, one), (CONTINUES, two), (ENDS, b"")]);
                assert_eq!(some_ways("fragments", &wire, &new), expected, "{max}");
            }
        }
        // A frame has the limit that it is given.
        let config = config().max_message(80).max_frame(1000);
        let new = || connection(role, &config, Agreement::default());
        for (length, error) in [(1000, None), (1001, Some(Error::FrameTooBig))] {
            assert_eq!(some_ways("frame", &frame(role, PACKED_TEXT, &padded(length)), &new).error, error);
        }
        // Without a limit of messages there is none of this.
        let config = self::config().max_message(Config::UNLIMITED);
        let new = || connection(role, &config, Agreement::default());
        assert_eq!(some_ways("unlimited", &frame(role, PACKED_TEXT, &padded(100_000)), &new).error, None);
    }
}

#[test]
fn k_04_the_memory_of_waiting_bytes_is_given_back() {
    let payload = padded(100_000);
    for role in ROLES {
        for (keep, kept) in [(0, 0), (64 * KIB, 0), (200 * KIB, 100_000)] {
            let config = config().keep_buffer(keep);
            // A warm pool, and an end that has its window.
            let round = |end: &mut Connection| {
                let mut wire = frame(role, PACKED_TEXT, &payload);
                for piece in wire.chunks_mut(1000) {
                    Reading::new(Call::Receive).read(end, piece).unwrap();
                }
                Reading::new(Call::Receive).read(end, &mut []).unwrap();
            };
            let mut end = connection(role, &config, Agreement::default());
            let small = |end: &mut Connection| {
                Reading::new(Call::Receive).read(end, &mut frame(role, PACKED_TEXT, HELLO)).unwrap();
                Reading::new(Call::Receive).read(end, &mut []).unwrap();
            };
            (0..7000).for_each(|_| small(&mut end));
            end.release();
            let info = measure(|| round(&mut end));
            let held = usize::try_from(info.bytes_current).unwrap();
            assert!((kept..2 * kept + KIB).contains(&held), "{keep}: {held}");
            let info = measure(|| end.release());
            assert_eq!(usize::try_from(-info.bytes_current).unwrap(), held, "{keep}");
        }
    }
}

/// A message that is read in pieces has a codec before it is whole: so many may, and others wait. What they come to is the
/// same.
#[test]
fn k_04_no_more_unfinished_messages_have_a_codec_than_the_pool_allows() {
    for (slots, limit, most) in [(2, None, 2), (4, Some(1), 1), (0, None, 0), (0, Some(3), 3)] {
        let pool = Pool::new(slots);
        if let Some(limit) = limit {
            pool.max_unfinished(limit);
        }
        let config = Config::new().compression(Compression::new().pool(pool));
        let begin = |end: &mut Connection| {
            let mut wire = frame(Role::Server, PACKED_TEXT_BEGINS, &HELLO[..5]);
            // What comes out early has a codec.
            !chunks(end.split().0, &mut wire).is_empty()
        };
        let mut ends: Vec<_> = (0..6).map(|_| connection(Role::Server, &config, Agreement::default())).collect();
        let info = measure(|| {
            let with_codec = ends.iter_mut().filter_map(|end| begin(end).then_some(())).count();
            assert_eq!(with_codec, most, "{slots} slots, {limit:?}");
        });
        let most_bytes = i64::try_from(most).unwrap();
        assert!((most_bytes * 40_000..most_bytes * 64_000 + 3000).contains(&info.bytes_current), "{info:?}");
        for (n, end) in ends.iter_mut().enumerate() {
            let mut wire = frame(Role::Server, ENDS, &HELLO[5..]);
            let text = chunks(end.split().0, &mut wire);
            // With a codec, its first bytes came before.
            assert!(if n < most { text.len() < 5 && b"Hello".ends_with(&text) } else { text == b"Hello" }, "{n}");
        }
        // Each that ends makes room for another, and so does one that fails or is dropped.
        let mut others: Vec<_> = (0..6).map(|_| connection(Role::Server, &config, Agreement::default())).collect();
        assert_eq!(others.iter_mut().filter_map(|end| begin(end).then_some(())).count(), most);
        for (n, end) in others.iter_mut().take(most).enumerate() {
            if n % 2 == 0 {
                let mut wire = frame(Role::Server, ENDS, b"\x07");
                let mut input = &mut wire[..];
                let bad = std::iter::repeat_with(|| end.split().0.receive_chunk(&mut input).err()).find_map(|bad| bad);
                assert_eq!(bad, Some(Error::BadCompression));
            }
        }
        drop(others);
        let mut more: Vec<_> = (0..6).map(|_| connection(Role::Server, &config, Agreement::default())).collect();
        assert_eq!(more.iter_mut().filter_map(|end| begin(end).then_some(())).count(), most);
    }
}

/// The last codec is nobody's who does nothing: whole messages of others always get one.
#[test]
fn k_04_nobody_keeps_the_last_codec_by_doing_nothing() {
    for slots in [0, 1, 3] {
        let config = Config::new().compression(Compression::new().pool(Pool::new(slots)));
        let new = || connection(Role::Server, &config, Agreement::default());
        let mut idle: Vec<_> = (0..10).map(|_| new()).collect();
        for (n, end) in idle.iter_mut().enumerate() {
            let call = CALLS[n % 3];
            Reading::new(call).read(end, &mut frame(Role::Server, PACKED_TEXT_BEGINS, &HELLO[..5])).unwrap();
        }
        let whole = frame(Role::Server, PACKED_TEXT, HELLO);
        for call in CALLS {
            assert_eq!(read(new(), call, &whole, &[3]), Outcome::of(vec![Got::Text("Hello".to_owned())], None));
        }
    }
}

/// Cut anywhere, and whether there is a codec early or not.
#[test]
fn k_04_a_message_that_waits_for_a_codec_comes_to_the_same() {
    for role in ROLES {
        for takeover in [true, false] {
            let outcomes = [0, 1].map(|most| {
                let pool = Pool::new(1);
                pool.max_unfinished(most);
                let config = Config::new().max_message(30).compression(Compression::new().pool(pool));
                let again = Bits::new().fixed(false).copy(5, 5).literals(b"!").end().message();
                let new = || connection(role, &config, both_ways(15, takeover));
                ["!", "is more than fits in thirty bytes"].map(|end| {
                    let end = Bits::new().stored(false, end.as_bytes()).message();
                    let frames: &[(u8, &[u8])] = &[
                        (PACKED_TEXT, HELLO),
                        (PACKED_TEXT_BEGINS, &HELLO[..3]),
                        (CONTINUES, &HELLO[3..]),
                        (CONTINUES, &TAIL),
                        (ENDS, &end),
                        (PACKED_TEXT, if takeover { &again } else { HELLO }),
                    ];
                    every_way("waits", &stream(role, frames), &new)
                })
            });
            assert_eq!(outcomes[0], outcomes[1]);
            assert_eq!(outcomes.map(|[good, bad]| (good.error, bad.error)), [(None, Some(Error::MessageTooBig)); 2]);
        }
    }
}

#[test]
fn k_03_a_call_inflates_no_more_than_it_may() {
    const SIZE: usize = 100_000;
    let payload = zeros(SIZE);
    for role in ROLES {
        for (first, kind) in [(PACKED_TEXT, Kind::Text), (PACKED_BINARY, Kind::Binary)] {
            for call in CALLS {
                for limit in [0, 1, 999, 8 * KIB, SIZE - 1, SIZE, SIZE + 1, usize::MAX] {
                    for piece in [usize::MAX, 50] {
                        if limit < 2 && piece == 50 {
                            continue;
                        }
                        let mut wire = stream(role, &[(PING, b"1"), (first, &payload), (PING, b"2"), (first, b"\x00")]);
                        let mut end = connection(role, &config(), Agreement::default());
                        let mut turns = Turns { limit, ..Turns::default() };
                        end.split().0.inflate_at_most(limit);
                        wire.chunks_mut(piece).for_each(|input| turns.read(end.split().0, call, input));
                        let name = format!("{role:?}, {kind:?}, {call:?}, {limit} at most, pieces of {piece}");
                        assert_eq!(turns.got, [(1, 1), (2, SIZE), (1, 1), (2, 0)], "{name}");
                        // A codec makes 8 KiB at a time. That there is no more is found by another look.
                        let least = SIZE.div_ceil(limit.max(1)) - 1;
                        assert!((least..=least + 14).contains(&turns.stops), "{name}: {} stops", turns.stops);
                    }
                }
            }
        }
    }
}

/// Messages that inflate to nothing are work too: empty blocks, and final ones, each of which copies a window.
#[test]
fn k_03_bytes_that_inflate_to_nothing_count() {
    for (name, payload, least) in
        [("empty blocks", padded(100_000), 6), ("final blocks", [&b"\x03\x00".repeat(60)[..], HELLO].concat(), 60)]
    {
        for call in CALLS {
            let mut end = connection(Role::Server, &config(), Agreement::default());
            let mut turns = Turns { limit: 10_000, ..Turns::default() };
            let window = Bits::new().stored_all(&vec![b'x'; 40_000]).message();
            turns.read(end.split().0, call, &mut frame(Role::Server, PACKED_BINARY, &window));
            turns.got.clear();
            end.split().0.inflate_at_most(10_000);
            turns.read(end.split().0, call, &mut frame(Role::Server, PACKED_BINARY, &payload));
            assert_eq!(turns.got, [(2, 5)], "{name}, {call:?}");
            assert!(turns.stops >= least, "{name}, {call:?}: {}", turns.stops);
        }
    }
}

/// The input behind the message is left alone; the reader has all of it, so that nobody waits for the peer.
#[test]
fn k_03_the_input_behind_a_message_that_is_being_inflated_is_left_alone() {
    for role in ROLES {
        let message = frame(role, PACKED_BINARY, &zeros(50_000));
        let behind = frame(role, PACKED_TEXT, HELLO);
        for in_place in [false, true] {
            let mut end = connection(role, &config(), Agreement::default());
            let (reader, _) = end.split();
            reader.inflate_at_most(1000);
            let mut wire = [&message[..], &behind].concat();
            let mut input = &mut wire[..];
            for n in 1..50 {
                let event =
                    if in_place { reader.receive_in_place(&mut input, 1 << 16) } else { reader.receive(&mut input) };
                assert_eq!(event, Ok(None));
                assert_eq!(input, behind, "{n}");
                assert!(reader.is_inflating());
                assert_eq!(reader.unfinished(), None);
                assert!(reader.room(1).is_none());
                reader.release();
            }
            // The limit holds from the next call on.
            reader.inflate_at_most(usize::MAX);
            assert_eq!(reader.receive(&mut input), Ok(Some(Event::Binary(&vec![0; 50_000]))));
            assert!(!reader.is_inflating());
            assert_eq!(reader.receive(&mut input), Ok(Some(Event::Text("Hello"))));
        }
    }
}

/// A fault, a limit or the end of the stream ends it.
#[test]
fn k_03_nothing_is_inflated_behind_an_error() {
    for call in CALLS {
        for max in [20_000, MIB] {
            let config = config().max_message(max);
            let mut end = connection(Role::Server, &config, Agreement::default());
            let (reader, _) = end.split();
            reader.inflate_at_most(1000);
            let mut payload = zeros(50_000);
            if max == MIB {
                payload.extend(b"\x07");
            }
            let mut wire = [frame(Role::Server, PACKED_BINARY, &payload), frame(Role::Server, PING, b"")].concat();
            let mut input = &mut wire[..];
            let error = loop {
                match one_call(reader, call, &mut input) {
                    Ok(made) => assert!(made < 10_000 && reader.is_inflating()),
                    Err(error) => break error,
                }
            };
            assert_eq!(error, if max == MIB { Error::BadCompression } else { Error::MessageTooBig });
            assert!(input.is_empty() && !reader.is_inflating());
            assert_eq!(one_call(reader, call, &mut input), Ok(0));
        }
        let mut end = connection(Role::Server, &config(), Agreement::default());
        let (reader, _) = end.split();
        reader.inflate_at_most(1000);
        let mut wire = frame(Role::Server, PACKED_BINARY, &zeros(50_000));
        one_call(reader, call, &mut &mut wire[..]).unwrap();
        assert!(reader.is_inflating());
        assert_eq!(reader.receive_eof(), Err(Error::UnexpectedEof));
        assert!(!reader.is_inflating());
    }
}

#[test]
fn k_04_a_message_expands_as_far_as_is_allowed() {
    let copies = |n: usize| Bits::new().fixed(false).literals(b"a").copy(n - 1, 1).end().message();
    for role in ROLES {
        for (first, text) in [(PACKED_TEXT, true), (PACKED_BINARY, false)] {
            for (n, ratio, free, error) in [
                (100, 0, 100, None),
                (101, 0, 100, Some(Error::ExpandsTooMuch)),
                (100, 1, 99, Some(Error::ExpandsTooMuch)),
                // Five bytes on the wire.
                (100, 20, 0, None),
                (101, 20, 0, Some(Error::ExpandsTooMuch)),
                (101, Config::UNLIMITED, 0, None),
                (200, 1, 200, None),
                // Above both limits it is the limit of messages that counts.
                (201, 0, 200, Some(Error::MessageTooBig)),
                (201, 0, 199, Some(Error::ExpandsTooMuch)),
            ] {
                let payload = copies(n);
                assert_eq!(payload.len(), 5);
                let config = config().max_message(200).max_expansion(ratio, free);
                let new = || connection(role, &config, Agreement::default());
                let got = if text { Got::Text("a".repeat(n)) } else { Got::Binary(vec![b'a'; n]) };
                let expected = Outcome::of(if error.is_none() { vec![got] } else { vec![] }, error);
                let name = format!("{n} bytes, {ratio} : 1 above {free}");
                assert_eq!(every_way(&name, &frame(role, first, &payload), &new), expected, "{name}");
                let frames = [(first & 0x7f, &payload[..2]), (CONTINUES, &payload[2..4]), (ENDS, &payload[4..])];
                assert_eq!(every_way(&name, &stream(role, &frames), &new), expected, "{name}, in fragments");
            }
        }
    }
}

/// What comes later may allow what came first: so pieces do not run ahead of the ratio.
#[test]
fn k_04_the_ratio_is_that_of_the_whole_message() {
    let payload = [&zeros(20_000)[..], &TAIL, &Bits::new().stored_all(&[7; 5000]).message()].concat();
    let ratio = 25_000_usize.div_ceil(payload.len());
    for role in ROLES {
        for (ratio, error) in [(ratio, None), (ratio - 1, Some(Error::ExpandsTooMuch))] {
            let config = config().max_expansion(ratio, 10);
            let new = || connection(role, &config, Agreement::default());
            let outcome = some_ways("late", &frame(role, PACKED_BINARY, &payload), &new);
            assert_eq!(outcome.error, error, "{ratio}");
            // Each message by itself.
            let other = Bits::new().fixed(false).literals(b"a").copy(99, 1).end().message();
            let two = stream(role, &[(PACKED_BINARY, &payload), (PACKED_BINARY, &other)]);
            let outcome = some_ways("two", &two, &new);
            assert_eq!(outcome.got.len(), usize::from(error.is_none()));
            assert_eq!(outcome.error, Some(Error::ExpandsTooMuch));
        }
        let config = config().max_expansion(ratio, 10);
        let mut end = connection(role, &config, Agreement::default());
        let (reader, _) = end.split();
        let mut wire = frame(role, PACKED_BINARY, &payload);
        let (begin, rest) = wire.split_at_mut(80);
        let made = chunks(reader, begin).len();
        assert!(made <= ratio * 80, "{made}");
        assert!(!reader.is_inflating(), "it waits for the peer");
        assert!(reader.unfinished().is_some());
        assert_eq!(made + chunks(reader, rest).len(), 25_000);
    }
}

#[test]
fn k_04_by_default_a_message_expands_two_hundred_times_above_one_mebibyte() {
    let error = Error::ExpandsTooMuch;
    assert_eq!((error.close_code(), error.to_string().contains("max_expansion")), (CloseCode::TOO_BIG, true));
    for (size, error) in [(MIB, None), (MIB + 1, Some(error))] {
        for call in CALLS {
            let end = connection(Role::Client, &config(), Agreement::default());
            let outcome = read(end, call, &frame(Role::Client, PACKED_BINARY, &zeros(size)), &[]);
            assert_eq!(outcome.error, error, "{size}");
        }
    }
}

/// Sends messages on a new connection, and reads them at its other end.
fn exchange(config: &Config, role: Role, agreement: Agreement, messages: &[Vec<u8>]) {
    let mut end = connection(role, config, agreement);
    let mut peer = connection(role.peer(), config, agreement);
    let mut reading = Reading::new(Call::Receive);
    for message in messages {
        end.split().1.binary(message).unwrap();
        reading.read(&mut peer, &mut take(&mut end)).unwrap();
        assert!(reading.got.pop().as_ref() == Some(&Got::Binary(message.clone())), "{} bytes", message.len());
    }
}

/// What a reader's calls did, until they had no more.
#[derive(Default)]
struct Turns {
    limit: usize,
    /// Of each event its sort, 1 for a ping, and its size.
    got: Vec<(u8, usize)>,
    /// How many calls stopped within a message.
    stops: usize,
    begun: usize,
}

impl Turns {
    fn read(&mut self, reader: &mut Reader, call: Call, mut input: &mut [u8]) {
        loop {
            let event = match call {
                Call::Receive => reader.receive(&mut input).unwrap(),
                Call::Advance => {
                    reader.advance(&mut input).unwrap();
                    reader.event()
                }
                Call::Chunk => match reader.receive_chunk(&mut input).unwrap() {
                    Some(Chunk::Data { bytes, last, .. }) => {
                        assert!(bytes.len() <= self.limit.max(1), "{} bytes at once", bytes.len());
                        self.begun += bytes.len();
                        if last {
                            self.got.push((2, std::mem::take(&mut self.begun)));
                        }
                        self.stops += usize::from(reader.is_inflating());
                        continue;
                    }
                    Some(Chunk::Ping(bytes)) => Some(Event::Ping(bytes)),
                    Some(other) => panic!("{other:?}"),
                    None => None,
                },
            };
            let got = event.map(|event| match event {
                Event::Text(text) => (2, text.len()),
                Event::Binary(bytes) => (2, bytes.len()),
                Event::Ping(bytes) => (1, bytes.len()),
                other => panic!("{other:?}"),
            });
            self.got.extend(got);
            match (got, reader.is_inflating()) {
                (Some(_), false) => {}
                (None, true) => self.stops += 1,
                (None, false) => break,
                (Some(_), true) => panic!("an event within a message"),
            }
        }
        assert!(input.is_empty());
    }
}

/// One call; how many bytes of messages it had.
fn one_call(reader: &mut Reader, call: Call, input: &mut &mut [u8]) -> Result<usize, Error> {
    let bytes = match call {
        Call::Receive => reader.receive(input)?,
        Call::Advance => {
            reader.advance(input)?;
            reader.event()
        }
        Call::Chunk => {
            let chunk = reader.receive_chunk(input)?;
            return Ok(if let Some(Chunk::Data { bytes, .. }) = chunk { bytes.len() } else { 0 });
        }
    };
    Ok(if let Some(Event::Binary(bytes)) = bytes { bytes.len() } else { 0 })
}

/// Reads all of `input` in pieces; the bytes of messages.
fn chunks(reader: &mut Reader, mut input: &mut [u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Chunk::Data { bytes, .. }) = reader.receive_chunk(&mut input).unwrap() {
        read.extend_from_slice(bytes);
    }
    read
}

/// "Hello" behind empty blocks, in so many bytes.
fn padded(length: usize) -> Vec<u8> {
    let rest = length - HELLO.len();
    // A stored block has five bytes, and behind one of fixed codes it has six with that.
    let sixes = rest % 5;
    let fives = (rest - 6 * sixes) / 5;
    let blocks = [[0, 0, 0, 0xff, 0xff].repeat(fives), [2, 0, 0, 0, 0xff, 0xff].repeat(sixes)].concat();
    let payload = [&blocks[..], HELLO].concat();
    assert_eq!(payload.len(), length);
    payload
}

/// So many zeros, compressed as well as can be.
fn zeros(length: usize) -> Vec<u8> {
    let config = Config::new().compression(Compression::new().level(9).min_size(0, 0)).max_pending(Config::UNLIMITED);
    let mut end = connection(Role::Server, &config, Agreement::default());
    end.split().1.binary(&vec![0; length]).unwrap();
    wire::sent(&mut end).payload
}

/// A pool of one codec, and every message is worth a try.
fn one_slot() -> Config {
    Config::new().compression(Compression::new().min_size(0, 0).pool(Pool::new(1)))
}

struct Random(u64);

impl Random {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut byte = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()[7]
        };
        (0..length).map(|_| byte()).collect()
    }
}
