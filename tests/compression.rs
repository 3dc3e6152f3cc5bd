//! permessage-deflate on the wire (RFC 7692, sections 6 and 7.2): rows PD, and vectors.
#![cfg(feature = "deflate")]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/blocks.rs"]
mod blocks;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/wire.rs"]
mod wire;

use ws_proto::deflate::{Agreement, Compression, Prepared};
use ws_proto::{Chunk, CloseCode, Config, Connection, Error, Kind, Role};

use crate::blocks::{Bits, TAIL, parse};
use crate::wire::{
    BINARY, CALLS, CLOSE, CONTINUES, Call, ENDS, Got, KEY, Outcome, PACKED_BINARY, PACKED_BINARY_BEGINS, PACKED_TEXT,
    PACKED_TEXT_BEGINS, PING, PONG, ROLES, Reading, Sent, TEXT, both_ways, config, connection, every_way, every_way_of,
    frame, messages, plain, read, sent, sent_frames, some_ways, stream, take,
};

/// Frames, whether the second message may refer to the first, and what comes of them.
type Row = (&'static str, bool, &'static [(u8, &'static [u8])], &'static [&'static str], Option<Error>);

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";
const THIRD: &[u8] = b"\x02\x13\x00\x00";
const FINAL_HELLO: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
const BAD: Option<Error> = Some(Error::BadCompression);

/// RFC 7692, section 7.2.3, and more. A ping is `(ping)` here.
const VECTORS: &[Row] = &[
    ("PMD-1, one fixed block", true, &[(0xc1, HELLO)], &["Hello"], None),
    ("PMD-2, two fragments", true, &[(0x41, b"\xf2\x48\xcd"), (0x80, b"\xc9\xc9\x07\x00")], &["Hello"], None),
    ("PMD-3, a reference", true, &[(0xc1, HELLO), (0xc1, AGAIN)], &["Hello", "Hello"], None),
    ("PMD-3 without takeover", false, &[(0xc1, HELLO), (0xc1, AGAIN)], &["Hello"], BAD),
    ("PMD-4, a third", true, &[(0xc1, HELLO), (0xc1, AGAIN), (0xc1, THIRD)], &["Hello", "Hello", "Hello"], None),
    ("PMD-5, no reference", false, &[(0xc1, HELLO), (0xc1, HELLO)], &["Hello", "Hello"], None),
    ("PMD-5 with takeover", true, &[(0xc1, HELLO), (0xc1, HELLO)], &["Hello", "Hello"], None),
    ("PMD-6, stored", true, &[(0xc1, b"\x00\x05\x00\xfa\xffHello\x00")], &["Hello"], None),
    ("PMD-7, BFINAL", true, &[(0xc1, FINAL_HELLO)], &["Hello"], None),
    ("PMD-7, then PMD-3", true, &[(0xc1, FINAL_HELLO), (0xc1, AGAIN)], &["Hello", "Hello"], None),
    ("PMD-8, two blocks", true, &[(0xc1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")], &["Hello"], None),
    ("PMD-9, two BFINAL blocks", true, &[(0xc1, b"\xf3\x48\x05\x00\xcb\xc9\xc9\x07\x00\x00")], &["Hello"], None),
    ("PMD-10, empty", true, &[(0xc1, b"\x00")], &[""], None),
    (
        "PMD-11, between messages that have no part in it",
        true,
        &[(0xc1, HELLO), (0x81, b"Hello"), (0xc1, b"\x00"), (0xc1, AGAIN)],
        &["Hello", "Hello", "", "Hello"],
        None,
    ),
    (
        "PMD-12, a ping between",
        true,
        &[(0x41, b"\xf2\x48\xcd"), (0x89, b""), (0x80, b"\xc9\xc9\x07\x00")],
        &["(ping)", "Hello"],
        None,
    ),
    ("PMD-N1, block type 3", true, &[(0xc1, b"\x07")], &[], BAD),
    ("PMD-N2, LEN is not NLEN", true, &[(0xc1, b"\x00\x05\x00\xfa\xfeHello\x00")], &[], BAD),
    ("PMD-N3, truncated", true, &[(0xc1, b"\xf2\x48\xcd\xc9\xc9")], &[], BAD),
    ("PMD-N4, refers to nothing", true, &[(0xc1, AGAIN)], &[], BAD),
    ("PMD-N5, not a byte", true, &[(0xc1, HELLO), (0xc1, b""), (0xc1, AGAIN)], &["Hello", "", "Hello"], None),
    ("PMD-N5 first", true, &[(0xc1, b""), (0xc1, HELLO), (0xc1, AGAIN)], &["", "Hello", "Hello"], None),
    (
        "BFINAL and nothing behind it",
        true,
        &[(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00"), (0xc1, AGAIN)],
        &["Hello"; 2],
        None,
    ),
    (
        "an empty stored block left on",
        true,
        &[(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00"), (0xc1, AGAIN)],
        &["Hello"; 2],
        None,
    ),
    (
        "the same behind a stored one",
        true,
        &[(0xc1, b"\x00\x05\x00\xfa\xffHello\x00\x00\x00\xff\xff\x00"), (0xc1, AGAIN)],
        &["Hello"; 2],
        None,
    ),
    // With the tail that the receiver adds this is a block cut short: it would spoil the next message.
    ("the tail left on", true, &[(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff")], &[], BAD),
    (
        "02 00, an empty fixed block",
        true,
        &[(0xc1, HELLO), (0xc1, b"\x02\x00"), (0xc1, AGAIN)],
        &["Hello", "", "Hello"],
        None,
    ),
    (
        "03 00, an empty final one",
        true,
        &[(0xc1, HELLO), (0xc1, b"\x03\x00"), (0xc1, AGAIN)],
        &["Hello", "", "Hello"],
        None,
    ),
    ("03 00 00, and an empty block", true, &[(0xc1, b"\x03\x00\x00"), (0xc1, HELLO)], &["", "Hello"], None),
    ("01, an empty final stored block", true, &[(0xc1, b"\x01"), (0xc1, HELLO)], &["", "Hello"], None),
    ("garbage behind BFINAL", true, &[(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x07")], &[], BAD),
];

#[test]
fn vectors_read_alike_whatever_the_cuts() {
    for role in ROLES {
        for (name, takeover, frames, expected, error) in VECTORS {
            let config = config();
            let new = || connection(role, &config, both_ways(15, *takeover));
            let outcome = every_way(name, &stream(role, frames), &new);
            let expected = expected.iter().map(|text| match *text {
                "(ping)" => Got::Ping(Vec::new()),
                text => Got::Text(text.to_owned()),
            });
            assert_eq!(outcome, Outcome::of(expected.collect(), *error), "{name}, {role:?}");
            assert!(error.is_none() || outcome.code == Some(1007), "{name}");
        }
    }
    assert_eq!(frame(Role::Server, 0xc1, HELLO), b"\xc1\x87\x37\xfa\x21\x3d\xc5\xb2\xec\xf4\xfe\xfd\x21");
    assert_eq!(KEY, [0x37, 0xfa, 0x21, 0x3d]);
}

#[test]
fn pd_01_rsv1_is_on_the_first_frame_of_a_compressed_message_only() {
    for role in ROLES {
        let text = "hello ".repeat(50);
        let config = config().fragment_size(5);
        let mut end = connection(role, &config, Agreement::default());
        let (_, writer) = end.split();
        writer.text(&text).unwrap();
        writer.ping(b"").unwrap();
        writer.text_uncompressed("123456").unwrap();
        writer.binary(text.as_bytes()).unwrap();
        writer.close(CloseCode::NORMAL, "").unwrap();
        let firsts: Vec<u8> = sent_frames(&mut end).iter().map(|frame| frame.first).collect();
        let text = firsts.iter().position(|first| *first == PING).unwrap();
        assert!(text > 1, "several frames");
        assert_eq!(firsts[0], PACKED_TEXT_BEGINS);
        assert!(firsts[1..text - 1].iter().all(|first| *first == CONTINUES));
        assert_eq!(firsts[text - 1..text + 4], [ENDS, PING, 0x01, ENDS, PACKED_BINARY_BEGINS]);
        assert_eq!(firsts.last(), Some(&CLOSE));
        assert!(firsts[text + 4..firsts.len() - 2].iter().all(|first| *first == CONTINUES));
    }
}

#[test]
fn pd_02_rsv1_elsewhere_is_refused() {
    for role in ROLES {
        let config = config();
        for (name, frames) in [
            ("continuation of a compressed message", &[(0x41, &HELLO[..3]), (0xc0, &HELLO[3..])][..]),
            ("fragment of one", &[(0x41, &HELLO[..3]), (0x40, &HELLO[3..])]),
            ("continuation of a plain message", &[(0x01, b"Hel"), (0xc0, b"lo")]),
            ("ping", &[(0xc9, b"")]),
            ("pong", &[(0xca, b"")]),
            ("close", &[(0xc8, b"\x03\xe8")]),
            ("ping inside a compressed message", &[(0x41, &HELLO[..3]), (0xc9, b"")]),
        ] {
            let new = || connection(role, &config, Agreement::default());
            let outcome = every_way(name, &stream(role, frames), &new);
            assert_eq!(outcome, Outcome::of(vec![], Some(Error::BadReservedBit)), "{name}, {role:?}");
            assert_eq!(outcome.code, Some(1002));
        }
    }
}

/// Security, T9: only the first frame of a message, and only where that was agreed, whatever this end would like.
#[test]
fn t09_rsv1_stands_only_where_it_was_negotiated() {
    const REFUSED: Option<Error> = Some(Error::BadReservedBit);
    type Row<'a> = (&'a str, &'a [(u8, &'a [u8])], Option<Error>);
    let rows: &[Row<'_>] = &[
        ("first frame", &[(PACKED_TEXT, HELLO)], None),
        ("first fragment", &[(0x41, HELLO), (ENDS, b"")], None),
        ("continuation", &[(0x41, &HELLO[..3]), (0x40, &HELLO[3..])], REFUSED),
        ("last fragment", &[(0x41, &HELLO[..3]), (0xc0, &HELLO[3..])], REFUSED),
        ("ping", &[(0xc9, HELLO)], REFUSED),
        ("pong", &[(0xca, HELLO)], REFUSED),
        ("close", &[(0xc8, b"\x03\xe8")], REFUSED),
    ];
    for role in ROLES {
        for (name, frames, agreed) in rows {
            for (config, expected) in [(Some(config()), *agreed), (None, REFUSED)] {
                let new = || match &config {
                    Some(config) => connection(role, config, Agreement::default()),
                    // It compresses, but the handshake did not say so.
                    None => plain(role, &self::config()),
                };
                let outcome = every_way(name, &stream(role, frames), &new);
                assert_eq!(outcome.error, expected, "{name}, {role:?}, agreed {}", config.is_some());
                assert_eq!(outcome.code, expected.map(|_| 1002), "{name}, {role:?}");
                assert_eq!(outcome.got.is_empty(), expected.is_some(), "{name}, {role:?}");
            }
        }
    }
}

#[test]
fn pd_03_reserved_bits_without_a_meaning_are_refused() {
    for role in ROLES {
        let (with, without) = (config(), Config::new());
        let agreement = Agreement::default();
        let refused = Outcome::of(vec![], Some(Error::BadReservedBit));
        // Without `with_deflate`, or without `Config::compression`, nothing is in use.
        for new in [&|| plain(role, &with) as Connection, &|| connection(role, &without, agreement)]
            as [&dyn Fn() -> Connection; 2]
        {
            for first in [PACKED_TEXT, PACKED_BINARY, PACKED_TEXT_BEGINS] {
                assert_eq!(every_way("not in use", &frame(role, first, HELLO), new), refused);
            }
            let mut end = new();
            end.split().1.text(&"x".repeat(1000)).unwrap();
            assert_eq!(sent_frames(&mut end)[0].first, TEXT);
        }
        let new = || connection(role, &with, agreement);
        for bits in [0x10, 0x20, 0x30, 0x50, 0x60, 0x70] {
            for first in [TEXT, BINARY, PING, PONG, CLOSE, 0x01, CONTINUES] {
                assert_eq!(every_way("RSV2, RSV3", &frame(role, first | bits, HELLO), &new), refused, "{bits:02x}");
            }
        }
        assert_eq!(refused.code, Some(1002));
    }
}

#[test]
fn pd_04_plain_messages_touch_no_window() {
    for role in ROLES {
        let config = config();
        let frames: &[(u8, &[u8])] = &[
            (TEXT, b"before"),
            (PACKED_TEXT, HELLO),
            (TEXT, b"plain"),
            (BINARY, b""),
            (0x02, b"in "),
            (CONTINUES, b"three "),
            (ENDS, b"pieces"),
            (PACKED_TEXT, AGAIN),
        ];
        let new = || connection(role, &config, Agreement::default());
        let got = every_way("plain between", &stream(role, frames), &new).got;
        let text = |text: &str| Got::Text(text.to_owned());
        let pieces = Got::Binary(b"in three pieces".to_vec());
        let expected = [text("before"), text("Hello"), text("plain"), Got::Binary(vec![]), pieces, text("Hello")];
        assert_eq!(got, expected, "{role:?}");
    }
    // A peer that sent nothing but plain messages has no window to refer to.
    let wire = stream(Role::Client, &[(TEXT, b"Hello"), (PACKED_TEXT, AGAIN)]);
    let outcome = read(connection(Role::Client, &config(), Agreement::default()), CALLS[0], &wire, &[]);
    assert_eq!(outcome, Outcome::of(vec![Got::Text("Hello".to_owned())], BAD));
}

#[test]
fn pd_05_a_message_ends_in_an_empty_stored_block_whose_rest_is_cut_off_once() {
    for role in ROLES {
        for fragment_size in [1, 2, 3, 7, 100, Config::UNLIMITED] {
            let config = config().fragment_size(fragment_size);
            let mut end = connection(role, &config, Agreement::default());
            let mut history = Vec::new();
            for n in 0..20 {
                let text = format!("message {n}, and again: message {n}, message {}", n * n);
                end.split().1.text(&text).unwrap();
                let message = sent(&mut end);
                assert!(message.compressed && message.payload.len() < text.len());
                // The tail makes a whole number of blocks of it, with nothing left over.
                let parsed = parse(&message.payload, &history);
                assert_eq!((parsed.bad, &parsed.output), (false, &text.clone().into_bytes()));
                assert_eq!(parsed.blocks[0], 1, "an empty stored block");
                assert!(!message.payload.ends_with(&TAIL));
                history.extend(text.into_bytes());
            }
        }
    }
}

#[test]
fn pd_06_an_empty_message_is_never_sent_as_less_than_one_byte_of_deflate() {
    for role in ROLES {
        let config = Config::new().compression(Compression::new().min_size(0, 0));
        for takeover in [true, false] {
            let agreement = both_ways(15, takeover);
            let mut end = connection(role, &config, agreement);
            let mut peer = connection(role.peer(), &config, agreement);
            let mut reading = Reading::new(CALLS[0]);
            let mut expected = Vec::new();
            for text in ["", "", "an empty message is an empty message is an empty message", "", "", ""] {
                end.split().1.text(text).unwrap();
                let mut wire = take(&mut end);
                // Plain: one byte less than `00`.
                assert_eq!(text.is_empty(), wire[0] == TEXT, "{wire:02x?}");
                reading.read(&mut peer, &mut wire).unwrap();
                expected.push(Got::Text(text.to_owned()));
            }
            assert_eq!(reading.got, expected);
        }
    }
}

#[test]
fn pd_07_borders_of_fragments_mean_nothing() {
    // Two blocks of which one is dynamic, a reference, and text that is cut inside characters.
    let text = "Größe \u{20ac} \u{1f600} ".repeat(12);
    let mut bits = Bits::new();
    bits.stored(false, &text.as_bytes()[..9]).fixed(false).literals(&text.as_bytes()[9..24]).copy(100, 17).end();
    bits.fixed(false).literals(&text.as_bytes()[124..]).end();
    let payload = bits.message();
    let expected = Outcome::of(vec![Got::Text(text)], None);
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for cut in 0..=payload.len() {
            let (one, two) = payload.split_at(cut);
            let frames: [(u8, &[u8]); 5] = [(0x41, one), (0, b""), (PONG, b"?"), (0, two), (ENDS, b"")];
            let wire = stream(role, &frames);
            for call in CALLS {
                for piece in [usize::MAX, 1] {
                    let mut outcome = read(new(), call, &wire, &[piece]);
                    assert_eq!(outcome.got.remove(0), Got::Pong(b"?".to_vec()));
                    assert_eq!(outcome, expected, "cut at {cut}, {role:?}, {call:?}");
                }
            }
        }
        let bytes: Vec<u8> = payload.iter().flat_map(|byte| frame(role, CONTINUES, &[*byte])).collect();
        let wire = [frame(role, 0x41, b""), bytes, frame(role, ENDS, b"")].concat();
        assert_eq!(some_ways("a fragment each byte", &wire, &new), expected);
    }
}

#[test]
fn pd_08_blocks_of_any_type_and_number_are_taken() {
    let text = b"stored, fixed and dynamic blocks, and blocks and blocks";
    let mut mixed = Bits::new();
    mixed.stored(false, b"").fixed(false).end().stored(false, &text[..7]).stored(false, b"");
    mixed.fixed(false).literals(&text[7..14]).end().fixed(false).end();
    // Codes of lengths for 18, 0 and 2: a 0, a 10 and an 11. With those, two bits each for `a`, `b`, `c` and the end.
    let mut dynamic = mixed.clone();
    dynamic.dynamic(257, 1, &[0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    dynamic.code(0, 1).number(97 - 11, 7).code(3, 2).code(3, 2).code(3, 2);
    dynamic.code(0, 1).number(127, 7).code(0, 1).number(256 - 100 - 138 - 11, 7).code(3, 2).code(2, 2);
    dynamic.code(0, 2).code(1, 2).code(2, 2).code(0, 2).code(3, 2);
    dynamic.fixed(false).literals(&text[14..]).copy(7, 7).end().stored(false, b"").stored(false, b"!");
    let message = dynamic.message();
    let expected = [&text[..14], b"abca", &text[14..], b" blocks", b"!"].concat();
    let parsed = parse(&message, b"");
    assert_eq!((parsed.bad, &parsed.output, parsed.blocks), (false, &expected, [6, 4, 1]));
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        let outcome = every_way("mixed", &frame(role, PACKED_BINARY, &message), &new);
        assert_eq!(outcome, Outcome::of(vec![Got::Binary(expected.clone())], None));

        // Nothing but empty blocks, and then as many bytes as they are.
        let many = [&[0, 0, 0, 0xff, 0xff].repeat(3000), HELLO].concat();
        let outcome = some_ways("3000 empty blocks", &frame(role, PACKED_TEXT, &many), &new);
        assert_eq!(outcome, Outcome::of(vec![Got::Text("Hello".to_owned())], None));
        let long: Vec<u8> = (0..150_000_u32).flat_map(u32::to_le_bytes).collect();
        let stored = Bits::new().stored_all(&long).message();
        let outcome = some_ways("ten stored blocks", &frame(role, PACKED_BINARY, &stored), &new);
        assert!(outcome == Outcome::of(vec![Got::Binary(long)], None));
    }
}

#[test]
fn pd_09_final_blocks_may_stand_anywhere() {
    let mut bits = Bits::new();
    bits.fixed(true).end().align().stored(true, b"one ").fixed(true).literals(b"two ").end().align();
    bits.stored(false, b"three ").fixed(false).literals(b"four ").end().fixed(true).end().align();
    let with_nothing_behind = bits.bytes();
    let with_a_block_behind = bits.fixed(false).literals(b"five").end().message();
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (payload, expected) in
            [(&with_nothing_behind, "one two three four "), (&with_a_block_behind, "one two three four five")]
        {
            let expected = Outcome::of(vec![Got::Text(expected.to_owned())], None);
            let outcome = every_way("final blocks", &frame(role, PACKED_TEXT, payload), &new);
            assert_eq!(outcome, expected);
            // At the borders of fragments, too.
            let bytes: Vec<u8> = payload.iter().flat_map(|byte| frame(role, CONTINUES, &[*byte])).collect();
            let wire = [frame(role, 0x41, b""), bytes, frame(role, ENDS, b"")].concat();
            assert_eq!(some_ways("a fragment each byte", &wire, &new), expected);
        }
    }
}

/// Blocks and messages behind a final block refer to what came before it: inside a character of a text, beyond the
/// message, and as far back as a window goes.
#[test]
fn pd_10_the_window_outlives_a_final_block() {
    let one = "Grö\u{20ac}e".as_bytes();
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for cut in 1..one.len() {
            for behind in [false, true] {
                let mut bits = Bits::new();
                bits.stored(true, &one[..cut]).fixed(true).literals(&one[cut..]).end().align();
                bits.fixed(behind).copy(one.len(), one.len()).end();
                let first = if behind { bits.bytes() } else { bits.message() };
                // The next message: both copies.
                let second = Bits::new().fixed(true).copy(2 * one.len(), 2 * one.len()).end().bytes();
                let wire = stream(role, &[(PACKED_TEXT, &first), (PACKED_BINARY, b"\x03\x00"), (PACKED_TEXT, &second)]);
                let text = Got::Text("Grö\u{20ac}eGrö\u{20ac}e".to_owned());
                let expected = Outcome::of(vec![text.clone(), Got::Binary(vec![]), text], None);
                assert_eq!(every_way("cut in a character", &wire, &new), expected, "at {cut}, {role:?}");
            }
        }
        // A copy that begins inside a character: one after another of it.
        for character in ["ß", "\u{20ac}", "\u{1f600}"].map(str::as_bytes) {
            for cut in 1..character.len() {
                let length = 3 * character.len() - cut;
                let mut bits = Bits::new();
                bits.stored(true, &[character, &character[..cut]].concat()).fixed(true).copy(length, character.len());
                let payload = bits.end().bytes();
                let text = String::from_utf8(character.repeat(4)).unwrap();
                let outcome = every_way("a copy", &frame(role, PACKED_TEXT, &payload), &new);
                assert_eq!(outcome, Outcome::of(vec![Got::Text(text)], None), "cut at {cut}");
            }
        }
        // Without takeover within the message only.
        let first = Bits::new().stored(true, b"Hello").fixed(true).copy(5, 5).end().bytes();
        let wire = stream(role, &[(PACKED_TEXT, &first), (PACKED_TEXT, AGAIN)]);
        let outcome = every_way("no takeover", &wire, &|| connection(role, &config, both_ways(15, false)));
        assert_eq!(outcome, Outcome::of(vec![Got::Text("HelloHello".to_owned())], BAD));

        // A whole window across a final block: from the message before, and from this one.
        let long: Vec<u8> = noise(40_000);
        for before in [0, 1, 20_000, 32_767, 32_768, 40_000] {
            let (before, after) = long.split_at(before);
            let first = Bits::new().stored_all(before).message();
            let second = Bits::new().stored(true, after).fixed(false).copy(258, 32_768).end().message();
            let wire = stream(role, &[(PACKED_BINARY, &first), (PACKED_BINARY, &second)]);
            let copied = [after, &long[40_000 - 32_768..][..258]].concat();
            let expected = Outcome::of(vec![Got::Binary(before.to_vec()), Got::Binary(copied)], None);
            assert!(some_ways("a whole window", &wire, &new) == expected, "{} before", before.len());
        }
    }
}

#[test]
fn pd_11_a_sender_without_takeover_begins_anew() {
    let text = "a text, long enough to be compressed without takeover: ".repeat(8);
    for role in ROLES {
        for (agreement, compression, takeover) in [
            (Agreement::default(), Compression::new(), true),
            (both_ways(15, false), Compression::new(), false),
            (Agreement::default(), Compression::new().outbound_takeover(false), false),
        ] {
            let config = Config::new().compression(compression);
            let mut end = connection(role, &config, agreement);
            let sent: Vec<_> = (0..4)
                .map(|_| {
                    end.split().1.text(&text).unwrap();
                    sent(&mut end)
                })
                .collect();
            let parsed = parse(&sent[1].payload, b"");
            assert_eq!(sent[1].payload == sent[0].payload, !takeover);
            assert_eq!(sent[3].payload.len() < sent[0].payload.len() / 2, takeover);
            assert_eq!((parsed.bad, parsed.output == text.as_bytes()), (takeover, !takeover));
        }
    }
}

#[test]
fn pd_12_the_window_outlives_what_comes_between() {
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        let frames: &[(u8, &[u8])] = &[
            (PACKED_TEXT_BEGINS, &HELLO[..1]),
            (PING, b"1"),
            (CONTINUES, b""),
            (ENDS, &HELLO[1..]),
            (PONG, b"2"),
            (PACKED_BINARY, b""),
            (PACKED_BINARY, b"\x00"),
            (PACKED_BINARY_BEGINS, b""),
            (ENDS, b""),
            (TEXT, b"x"),
            (PING, b"3"),
            (PACKED_TEXT_BEGINS, b""),
            (PING, b"4"),
            (CONTINUES, &AGAIN[..2]),
            (ENDS, &AGAIN[2..]),
            (PACKED_TEXT, THIRD),
        ];
        let got = every_way("between", &stream(role, frames), &new).got;
        let texts: Vec<_> = got.iter().filter(|got| matches!(got, Got::Text(text) if text == "Hello")).collect();
        assert_eq!((texts.len(), got.len()), (3, 11), "{got:?}");
    }
}

/// Of a window of `w` bits: `2^w` bytes back, over any number of messages, but no further.
#[test]
fn pd_13_pd_15_a_receiver_keeps_the_window_that_was_agreed() {
    for role in ROLES {
        let config = config();
        for bits in 8..=15 {
            let window = 1 << bits;
            let agreement = both_ways(bits, true);
            let new = || connection(role, &config, agreement);
            for (extra, steps) in [(0, 1), (5, 1), (0, 7), (1000, 3), (100_000, 2)] {
                let before = noise(window + extra);
                let mut got = Vec::new();
                let mut wire = Vec::new();
                for step in before.chunks(before.len().div_ceil(steps)) {
                    got.push(Got::Binary(step.to_vec()));
                    wire.extend(frame(role, PACKED_BINARY, &Bits::new().stored_all(step).message()));
                }
                let copy = |distance| {
                    let copy = Bits::new().fixed(false).copy(10, distance).end().message();
                    [&wire[..], &frame(role, PACKED_BINARY, &copy)].concat()
                };
                let name = format!("{bits} bits, {extra} more, {steps} messages");
                let mut fits = got.clone();
                fits.push(Got::Binary(before[extra..][..10].to_vec()));
                assert!(some_ways(&name, &copy(window), &new) == Outcome::of(fits, None), "{name}");
                if bits < 15 {
                    assert!(some_ways(&name, &copy(window + 1), &new) == Outcome::of(got, BAD), "{name}");
                }
            }
        }
    }
}

/// Before the start, by one byte and by the most there is.
#[test]
fn pd_15_references_before_the_start_are_refused() {
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (name, payload) in [
            ("nothing yet", Bits::new().fixed(false).copy(3, 1).end().message()),
            ("one byte too far", Bits::new().fixed(false).literals(b"Hello").copy(3, 6).end().message()),
            ("far too far", Bits::new().fixed(false).literals(b"Hello").copy(258, 32_768).end().message()),
            ("behind a final block", Bits::new().stored(true, b"Hello").fixed(false).copy(3, 6).end().message()),
        ] {
            assert_eq!(
                every_way(name, &frame(role, PACKED_BINARY, &payload), &new),
                Outcome::of(vec![], BAD),
                "{name}"
            );
        }
        // The history of the message before counts, and ends where it does.
        for (distance, error) in [(10, None), (11, BAD)] {
            let first = Bits::new().fixed(false).literals(b"Hello").end().message();
            let second = Bits::new().fixed(false).literals(b"Hello").copy(3, distance).end().message();
            let wire = stream(role, &[(PACKED_TEXT, &first), (PACKED_TEXT, &second)]);
            assert_eq!(every_way("over messages", &wire, &new).error, error);
        }
    }
}

#[test]
fn pd_16_what_is_not_deflate_is_refused() {
    // A dynamic block with one code of lengths, of one bit, that is given twice: `1` for 18 and `0` for 1.
    let lengths = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let too_many = Bits::new().dynamic(257, 1, &[1; 19]).message();
    let rows: &[(&str, Vec<u8>)] = &[
        ("block type 3", Bits::new().number(0b110, 3).message()),
        ("final block type 3", Bits::new().number(0b111, 3).message()),
        ("block type 3 behind a block", Bits::new().fixed(false).literals(b"Hello").end().number(0b110, 3).message()),
        ("LEN and NLEN alike", vec![0, 5, 0, 5, 0, b'H', b'e', b'l', b'l', b'o', 0]),
        ("length symbol 286", Bits::new().fixed(false).literals(b"Hello").symbol(286).number(0, 10).end().message()),
        ("length symbol 287", Bits::new().fixed(false).literals(b"Hello").symbol(287).number(0, 10).end().message()),
        (
            "distance 30",
            Bits::new().fixed(false).literals(b"Hello").symbol(257).code(30, 5).number(0, 13).end().message(),
        ),
        (
            "distance 31",
            Bits::new().fixed(false).literals(b"Hello").symbol(257).code(31, 5).number(0, 13).end().message(),
        ),
        ("287 literals", Bits::new().number(0b100, 3).number(30, 5).number(0, 5).number(0, 4).number(0, 60).message()),
        ("31 distances", Bits::new().number(0b100, 3).number(0, 5).number(30, 5).number(0, 4).number(0, 60).message()),
        ("too many codes of lengths", too_many),
        ("too few codes of lengths", Bits::new().dynamic(257, 1, &[0, 0, 2, 2]).number(0, 99).message()),
        ("no code of lengths", Bits::new().dynamic(257, 1, &[0; 4]).number(0, 300).message()),
        (
            "no end of block",
            Bits::new()
                .dynamic(257, 1, &lengths)
                .code(1, 1)
                .number(127, 7)
                .code(1, 1)
                .number(109, 7)
                .code(0, 1)
                .message(),
        ),
        (
            "too many lengths",
            Bits::new().dynamic(257, 1, &lengths).code(1, 1).number(127, 7).code(1, 1).number(127, 7).message(),
        ),
        ("repeats nothing", Bits::new().dynamic(257, 1, &[1, 0, 1, 0]).code(0, 1).number(0, 2).message()),
    ];
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (name, payload) in rows {
            assert!(parse(payload, b"").bad, "{name}");
            let outcome = every_way(name, &frame(role, PACKED_BINARY, payload), &new);
            assert_eq!(outcome, Outcome::of(vec![], BAD), "{name}");
            assert_eq!(outcome.code, Some(1007));
        }
    }
}

/// Security, T11: what is cut, broken, or has more behind it, each in one frame and in two, at every cut.
#[test]
fn t11_broken_deflate_is_1007_and_odd_deflate_is_read() {
    let rows: &[(&str, &[u8], Option<&str>)] = &[
        ("as it should be", HELLO, Some("Hello")),
        ("stored alone", b"\x00\x05\x00\xfa\xffHello\x00", Some("Hello")),
        (
            "stored, empty, many",
            b"\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\x00\x05\x00\xfa\xffHello\x00",
            Some("Hello"),
        ),
        ("with its tail", b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00", Some("Hello")),
        ("BFINAL", FINAL_HELLO, Some("Hello")),
        ("BFINAL twice", b"\xf3\x48\x05\x00\xcb\xc9\xc9\x07\x00\x00", Some("Hello")),
        ("nothing", b"", Some("")),
        ("one byte of tail too few", &HELLO[..6], None),
        ("cut in a code", &HELLO[..3], None),
        ("cut in a stored block", b"\x00\x05\x00\xfa\xffHel", None),
        ("cut in its length", b"\x00\x05\x00\xfa", None),
        ("cut behind BFINAL", b"\xf3\x48\x05\x00\xcb\xc9", None),
        ("garbage", b"\xff\xff\xff\xff", None),
        ("garbage behind a block", b"\xf2\x48\xcd\xc9\xc9\x07\xff\xff", None),
        ("garbage behind BFINAL", b"\xf3\x48\xcd\xc9\xc9\x07\x00\xff\xff", None),
        ("not NLEN", b"\x00\x05\x00\xfa\xfeHello\x00", None),
        ("zlib, with a head and a sum", b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5", None),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", None),
    ];
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (name, payload, text) in rows {
            let expected = match text {
                Some(text) => Outcome::of(vec![Got::Text((*text).to_owned())], None),
                None => Outcome::of(vec![], BAD),
            };
            assert!(text.is_some() || expected.code == Some(1007));
            assert_eq!(every_way(name, &frame(role, PACKED_TEXT, payload), &new), expected, "{name}, {role:?}");
            for cut in 0..=payload.len() {
                let (one, two) = payload.split_at(cut);
                let wire = stream(role, &[(PACKED_TEXT_BEGINS, one), (CONTINUES, two), (ENDS, b"")]);
                for call in CALLS {
                    assert_eq!(read(new(), call, &wire, &[]), expected, "{name}, cut at {cut}, {role:?}, {call:?}");
                }
            }
        }
    }
}

#[test]
fn pd_17_a_message_cut_inside_a_block_is_refused() {
    let text = b"a message that is cut inside a block, whatever the block: a message";
    let fixed = Bits::new().fixed(false).literals(text).copy(9, text.len()).end().message();
    let final_one = Bits::new().fixed(true).literals(text).copy(9, text.len()).end().bytes();
    let stored = Bits::new().stored(false, text).message();
    let behind = Bits::new().stored(true, b"Hello").fixed(false).literals(b"Hello").end().message();
    // What a compressor makes of a longer text: a block with codes of its own.
    let mut end = connection(Role::Client, &config(), both_ways(15, false));
    end.split().1.binary(&(0..900_u32).flat_map(|n| (n * n / 7).to_string().into_bytes()).collect::<Vec<_>>()).unwrap();
    let dynamic = sent(&mut end).payload;
    assert_eq!(parse(&dynamic, b"").blocks, [1, 0, 1]);
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (name, payload, borders) in [
            ("fixed", &fixed, &[][..]),
            ("final", &final_one, &[]),
            // An empty message; and the four bytes that a block is short of are the tail's, as section 7.2.2 has it.
            ("stored", &stored, &[1, stored.len() - 5]),
            ("behind a final block", &behind, &[1, 6, 10]),
            ("dynamic", &dynamic, &[]),
        ] {
            for cut in 1..payload.len() {
                let wire = frame(role, PACKED_BINARY, &payload[..cut]);
                let outcome = read(new(), CALLS[cut % 3], &wire, &[if cut % 2 == 0 { 1 } else { usize::MAX }]);
                let parsed = parse(&payload[..cut], b"");
                assert_eq!(parsed.bad, !borders.contains(&cut), "{name}, cut at {cut}");
                if parsed.bad {
                    assert_eq!(outcome, Outcome::of(vec![], BAD), "{name}, cut at {cut}");
                    assert_eq!(outcome.code, Some(1007));
                } else {
                    assert_eq!(outcome, Outcome::of(vec![Got::Binary(parsed.output)], None), "{name}, cut at {cut}");
                }
            }
        }
    }
}

/// A block that the tail ends, but up to seven bits before its own end: codes of which zeros are letters and so many
/// ones the end of the block.
#[test]
fn pd_17_a_block_that_ends_inside_the_tail_is_not_whole() {
    const SHORT: usize = 13;
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let lengths = order.map(|symbol| if symbol < SHORT { 4 } else { 5 });
    for ones in 9..=15 {
        let mut bits = Bits::new();
        bits.dynamic(257, 1, &lengths);
        for symbol in 0..=257 {
            // One letter of each length, a second of the last for the end of the block, and no distances.
            let length = if symbol < ones {
                symbol + 1
            } else if symbol == 256 {
                ones
            } else {
                0
            };
            if length < SHORT {
                bits.code(length, 4)
            } else {
                bits.code(length - SHORT + 26, 5)
            };
        }
        let payload = bits.bytes();
        let ended = bits.code((1 << ones) - 1, u32::try_from(ones).unwrap()).message();
        assert_eq!([parse(&payload, b"").bad, parse(&ended, b"").bad], [true, false]);
        for role in ROLES {
            let config = config();
            for takeover in [true, false] {
                let new = || connection(role, &config, both_ways(15, takeover));
                let outcome = some_ways("inside the tail", &frame(role, PACKED_BINARY, &payload), &new);
                assert_eq!(outcome, Outcome::of(vec![], BAD), "{ones} ones");
                let outcome = some_ways("by itself", &frame(role, PACKED_BINARY, &ended), &new);
                assert_eq!(outcome.error, None, "{ones} ones");
            }
        }
    }
}

#[test]
fn pd_18_a_compressed_message_of_no_bytes_is_empty_and_touches_no_window() {
    for role in ROLES {
        let config = config();
        let frames: &[(u8, &[u8])] = &[
            (PACKED_TEXT, b""),
            (PACKED_BINARY, HELLO),
            (PACKED_BINARY, b""),
            (PACKED_TEXT_BEGINS, b""),
            (PING, b""),
            (CONTINUES, b""),
            (ENDS, b""),
            (PACKED_TEXT, AGAIN),
        ];
        let (empty, hello) = (Got::Text(String::new()), Got::Text("Hello".to_owned()));
        let (empty_bytes, hello_bytes) = (Got::Binary(vec![]), Got::Binary(b"Hello".to_vec()));
        let mut expected = vec![empty.clone(), hello_bytes, empty_bytes, Got::Ping(vec![]), empty, hello];
        for takeover in [true, false] {
            let outcome =
                every_way("no bytes", &stream(role, frames), &|| connection(role, &config, both_ways(15, takeover)));
            assert_eq!(outcome, Outcome::of(expected.clone(), if takeover { None } else { BAD }), "{role:?}");
            expected.pop();
        }
    }
}

#[test]
fn pd_19_limits_count_inflated_bytes_and_frames_as_they_are() {
    let text = "12345678901234567890";
    let payload = Bits::new().fixed(false).literals(b"1234567890").copy(10, 10).end().message();
    for role in ROLES {
        for (limit, error) in [(20, None), (19, Some(Error::MessageTooBig)), (1, Some(Error::MessageTooBig))] {
            let config = config().max_message(limit);
            let new = || connection(role, &config, Agreement::default());
            let got = if error.is_none() { vec![Got::Text(text.to_owned())] } else { vec![] };
            let expected = Outcome::of(got, error);
            assert!(error.is_none() || expected.code == Some(1009));
            assert_eq!(every_way("whole", &frame(role, PACKED_TEXT, &payload), &new), expected, "{limit}");
            let (one, two) = payload.split_at(9);
            let frames: &[(u8, &[u8])] = &[(0x41, one), (PING, b""), (CONTINUES, two), (ENDS, b"")];
            // Whole messages are inflated when they have come to their end, behind the ping, and pieces as they come.
            let wire = stream(role, frames);
            for whole in [Call::Receive, Call::Advance] {
                let outcome = every_way_of(&[whole], "fragments", &wire, &new);
                assert_eq!((&outcome.got[0], outcome.error), (&Got::Ping(vec![]), error), "{limit}");
            }
            let outcome = every_way_of(&[Call::Chunk], "fragments", &wire, &new);
            assert_eq!(outcome.error, error, "{limit}");
            assert_eq!(outcome.got.is_empty(), limit == 1, "{limit}");
        }
        // Each message anew, and a limit of nothing lets the empty message pass.
        let config = config().max_message(5);
        let new = || connection(role, &config, Agreement::default());
        let frames: &[(u8, &[u8])] = &[(PACKED_TEXT, HELLO), (PACKED_TEXT, AGAIN), (PACKED_TEXT, THIRD)];
        assert_eq!(every_way("each", &stream(role, frames), &new).got.len(), 3);
        let config = config.max_message(0);
        for call in CALLS {
            for (payload, error) in [(&b"\x00"[..], None), (b"", None), (HELLO, Some(Error::MessageTooBig))] {
                let end = connection(role, &config, Agreement::default());
                assert_eq!(read(end, call, &frame(role, PACKED_TEXT, payload), &[]).error, error);
            }
        }
        // More bytes on the wire than the message has: the limit of a frame is for those.
        let config = self::config().max_message(5).max_frame(47);
        let new = || connection(role, &config, Agreement::default());
        let padded = |n| [&[0, 0, 0, 0xff, 0xff].repeat(n), HELLO].concat();
        let outcome = every_way("padded", &frame(role, PACKED_TEXT, &padded(8)), &new);
        assert_eq!(outcome, Outcome::of(vec![Got::Text("Hello".to_owned())], None));
        let outcome = every_way("too big a frame", &frame(role, PACKED_TEXT, &padded(9)), &new);
        assert_eq!(outcome, Outcome::of(vec![], Some(Error::FrameTooBig)));
        assert_eq!(outcome.code, Some(1009));
        let (one, two) = (&padded(9)[..40], &padded(9)[40..]);
        let outcome = every_way("two frames", &stream(role, &[(0x41, one), (ENDS, two)]), &new);
        assert_eq!(outcome, Outcome::of(vec![Got::Text("Hello".to_owned())], None));
    }
}

#[test]
fn tx_11_pd_20_text_is_checked_when_it_is_inflated() {
    let stored = |bytes: &[u8]| Bits::new().stored(false, bytes).message();
    for role in ROLES {
        let config = config();
        let new = || connection(role, &config, Agreement::default());
        for (name, bytes) in [
            ("not UTF-8", &b"Hello\xff"[..]),
            ("overlong", b"\xc0\xaf and more"),
            ("a surrogate", b"\xed\xa0\x80"),
            ("cut", b"Hello \xe2\x82"),
        ] {
            let outcome = every_way(name, &frame(role, PACKED_TEXT, &stored(bytes)), &new);
            assert_eq!(outcome, Outcome::of(vec![], Some(Error::BadUtf8)), "{name}");
            assert_eq!(outcome.code, Some(1007));
            let outcome = every_way(name, &frame(role, PACKED_BINARY, &stored(bytes)), &new);
            assert_eq!(outcome, Outcome::of(vec![Got::Binary(bytes.to_vec())], None), "{name}");
        }
        // A character in two blocks and two fragments, and another text behind it.
        let bits = Bits::new().stored(false, b"\xe2\x82").fixed(false).literals(b"\xac").end().message();
        let frames: &[(u8, &[u8])] = &[(0x41, &bits[..6]), (ENDS, &bits[6..]), (PACKED_TEXT, &stored(b"x"))];
        let got = vec![Got::Text("\u{20ac}".to_owned()), Got::Text("x".to_owned())];
        assert_eq!(every_way("in pieces", &stream(role, frames), &new), Outcome::of(got, None));
    }
}

/// Of several faults the first is found, wherever the message is cut: text that is not UTF-8, the limit, and then what
/// does not inflate.
#[test]
fn pd_20_the_first_fault_is_the_one_that_is_found() {
    let payload = Bits::new().stored(false, b"12345\xff78901234567890").number(0b110, 3).message();
    for role in ROLES {
        for (first, limit, error) in [
            (PACKED_TEXT, 5, Error::MessageTooBig),
            (PACKED_TEXT, 6, Error::BadUtf8),
            (PACKED_TEXT, 19, Error::BadUtf8),
            (PACKED_TEXT, 20, Error::BadUtf8),
            (PACKED_BINARY, 5, Error::MessageTooBig),
            (PACKED_BINARY, 19, Error::MessageTooBig),
            (PACKED_BINARY, 20, Error::BadCompression),
        ] {
            let config = config().max_message(limit);
            let new = || connection(role, &config, Agreement::default());
            let outcome = every_way("faults", &frame(role, first, &payload), &new);
            assert_eq!(outcome, Outcome::of(vec![], Some(error)), "{role:?}, limit {limit}");
        }
    }
}

/// A relay may leave the check to the receiver.
#[test]
fn pd_20_chunks_are_not_checked_where_that_is_not_wanted() {
    let config = config().check_chunks(false);
    let mut end = connection(Role::Client, &config, Agreement::default());
    let mut wire = frame(Role::Client, PACKED_TEXT, &Bits::new().stored(false, b"\xff").message());
    let mut input = &mut wire[..];
    let (reader, _) = end.split();
    let bytes = Chunk::Data { kind: Kind::Text, bytes: b"\xff", last: false };
    assert_eq!(reader.receive_chunk(&mut input), Ok(Some(bytes)));
    let end = Chunk::Data { kind: Kind::Text, bytes: b"", last: true };
    assert_eq!(reader.receive_chunk(&mut input), Ok(Some(end)));
    assert_eq!(reader.receive_chunk(&mut input), Ok(None));
}

#[test]
fn pd_21_what_does_not_shrink_goes_out_plain_and_is_no_part_of_the_window() {
    for role in ROLES {
        for takeover in [true, false] {
            let config = config();
            let mut end = connection(role, &config, both_ways(15, takeover));
            let mut peer = connection(role.peer(), &config, both_ways(15, takeover));
            let text = "something that shrinks and shrinks and shrinks ".repeat(20);
            let noise = noise(1000);
            let mut history = Vec::new();
            let mut plain = 0;
            let mut reading = Reading::new(CALLS[0]);
            for n in 0..40 {
                // A slice of the noise shrinks only where the window has it. Less often and less often is it tried.
                let message = if n % 4 == 0 { text.as_bytes() } else { &noise };
                end.split().1.binary(message).unwrap();
                let mut wire = take(&mut end);
                let sent = messages(wire::frames(&wire)).remove(0);
                if sent.compressed {
                    assert_eq!(n % 4, 0, "noise was found in a window that it is not in");
                    let parsed = parse(&sent.payload, if takeover { &history } else { b"" });
                    assert_eq!((parsed.bad, &parsed.output[..]), (false, message));
                    history.extend(message);
                } else {
                    assert_eq!(sent.payload, message);
                    plain += 1;
                }
                reading.read(&mut peer, &mut wire).unwrap();
                assert_eq!(reading.got.pop(), Some(Got::Binary(message.to_vec())), "message {n}");
            }
            assert_eq!(plain, 30);
        }
    }
}

/// A message that cannot shrink costs as much as one that can: after some, few are tried, and soon all again.
#[test]
fn pd_21_compression_is_tried_less_often_after_misses() {
    let config = config();
    let mut end = connection(Role::Server, &config, Agreement::default());
    let mut compresses = |message: &[u8]| {
        end.split().1.binary(message).unwrap();
        sent(&mut end).compressed
    };
    let (text, noise) = ([b'x'; 100], noise(300));
    assert!(compresses(&text));
    // Small ones do not count: they cost little.
    (0..9).for_each(|n| assert!(!compresses(&noise[..100]), "{n}"));
    assert!(compresses(&text));
    (0..4).for_each(|n| assert!(!compresses(&noise), "{n}"));
    assert!(!compresses(&text), "the first behind four misses is not tried");
    assert!(compresses(&text), "the second is");
    assert!(compresses(&text) && compresses(&text), "and then all");
    // At most one in 256 is tried, and at least that.
    (0..2000).for_each(|_| assert!(!compresses(&noise)));
    let untried = (0..1000).take_while(|_| !compresses(&text)).count();
    assert!((16..256).contains(&untried), "{untried}");
}

#[test]
fn pd_22_each_message_is_compressed_or_not() {
    for role in ROLES {
        for (takeover, smallest) in [(true, 32), (false, 256), (true, 100), (false, 40)] {
            let compression = match smallest {
                32 | 256 => Compression::new(),
                other => Compression::new().min_size(other, other),
            };
            let config = Config::new().compression(compression);
            let mut end = connection(role, &config, both_ways(15, takeover));
            let mut kinds = |message: &[u8]| {
                let text = str::from_utf8(message).unwrap();
                let (_, writer) = end.split();
                writer.text(text).unwrap();
                writer.binary(message).unwrap();
                writer.text_uncompressed(text).unwrap();
                writer.binary_uncompressed(message).unwrap();
                writer.fragment(Kind::Text, message, true).unwrap();
                let firsts: Vec<u8> = sent_frames(&mut end).iter().map(|frame| frame.first).collect();
                firsts
            };
            assert_eq!(kinds(&vec![b'x'; smallest - 1]), [TEXT, BINARY, TEXT, BINARY, TEXT]);
            assert_eq!(kinds(&vec![b'x'; smallest]), [PACKED_TEXT, PACKED_BINARY, TEXT, BINARY, TEXT]);
            let (_, writer) = end.split();
            let mut text = vec![b'x'; 1000];
            assert_eq!(writer.text_in_place(&mut text).unwrap()[0], TEXT);
            assert_eq!(writer.binary_in_place(&mut text).unwrap()[0], BINARY);
        }
    }
}

/// What is not compressed is in no window: a later message cannot refer to a secret, and its length tells nothing.
#[test]
fn t12_what_is_sent_uncompressed_is_no_part_of_the_window() {
    let secret = "a secret that is as long as secrets are: correct horse battery staple";
    let guess = format!("{secret}, or so they say, or so they say");
    let config = config();
    let length = |before: &dyn Fn(&mut Connection)| {
        let mut end = connection(Role::Server, &config, Agreement::default());
        end.split().1.text("some text or other, some text or other, some text or other").unwrap();
        before(&mut end);
        take(&mut end);
        end.split().1.text(&guess).unwrap();
        sent(&mut end).payload.len()
    };
    let without = length(&|_| {});
    assert_eq!(length(&|end| end.split().1.text_uncompressed(secret).unwrap()), without);
    assert_eq!(length(&|end| end.split().1.binary_uncompressed(secret.as_bytes()).unwrap()), without);
    assert_eq!(length(&|end| end.split().1.fragment(Kind::Text, secret.as_bytes(), true).unwrap()), without);
    assert!(length(&|end| end.split().1.text(secret).unwrap()) < without / 2);
}

/// Security, T12: with no takeover, agreed or chosen, each message is compressed as if it were the first.
#[test]
fn t12_a_context_can_be_given_up_with_each_message() {
    let secret = "a secret that is as long as secrets are: correct horse battery staple. ".repeat(4);
    for role in ROLES {
        let chosen = Config::new().compression(Compression::new().outbound_takeover(false));
        for (name, config, takeover, resets) in
            [("agreed", config(), false, true), ("chosen", chosen, true, true), ("neither", config(), true, false)]
        {
            let mut end = connection(role, &config, both_ways(15, takeover));
            let mut say = |text: &str| {
                end.split().1.text(text).unwrap();
                sent(&mut end)
            };
            let first = say(&secret);
            assert!(first.compressed);
            say("something else in between, something else in between, something else in between".repeat(4).as_str());
            assert_eq!(say(&secret).payload == first.payload, resets, "{name}, {role:?}");
        }
    }
}

#[test]
fn pd_23_the_directions_have_nothing_to_do_with_each_other() {
    let text = "a text, long enough to be compressed without takeover: ".repeat(8);
    for (role, shut) in ROLES.into_iter().flat_map(|role| ROLES.map(|shut| (role, shut))) {
        // `shut` sends without takeover; the other end with it, in the smallest window.
        let agreement = Agreement {
            server_no_context_takeover: shut == Role::Server,
            client_no_context_takeover: shut == Role::Client,
            server_max_window_bits: (shut == Role::Client).then_some(8),
            client_max_window_bits: (shut == Role::Server).then_some(8),
        };
        let config = config();
        let mut end = connection(role, &config, agreement);
        let mut lengths = || {
            end.split().1.text(&text).unwrap();
            sent(&mut end).payload.len()
        };
        let (first, second) = (lengths(), lengths());
        assert_eq!(first == second, role == shut, "{role:?}");

        let wire = stream(role, &[(PACKED_TEXT, HELLO), (PACKED_TEXT, AGAIN)]);
        let outcome = every_way("hello", &wire, &|| connection(role, &config, agreement));
        assert_eq!(outcome.error, if role == shut { None } else { BAD }, "{role:?}");

        let first = Bits::new().stored(false, &noise(300)).message();
        let second = Bits::new().fixed(false).copy(9, 300).end().message();
        let wire = stream(role, &[(PACKED_BINARY, &first), (PACKED_BINARY, &second)]);
        let outcome = some_ways("window", &wire, &|| connection(role, &config, agreement));
        assert_eq!(outcome.error, BAD, "{role:?}: no takeover, or no such window");
    }
    // Both directions at work, in turns: neither's window is in the other's.
    for takeover in [true, false] {
        let config = config();
        let mut ends = ROLES.map(|role| connection(role, &config, both_ways(12, takeover)));
        let mut readings = [Reading::new(CALLS[0]), Reading::new(CALLS[2])];
        for n in 0..60 {
            let from = usize::from(n % 3 == 0);
            let message = format!("{n} from {from}: {}", &text[n..]);
            ends[from].split().1.text(&message).unwrap();
            let mut wire = take(&mut ends[from]);
            assert_eq!(wire[0], PACKED_TEXT);
            readings[1 - from].read(&mut ends[1 - from], &mut wire).unwrap();
            assert_eq!(readings[1 - from].got.pop(), Some(Got::Text(message)));
        }
    }
}

/// A message that is sent in fragments of the caller's is not compressed; one that is compressed as a whole is cut at
/// any byte, and not flushed at the cuts.
#[test]
fn pd_24_streamed_messages_are_plain_and_compressed_ones_are_cut_anywhere() {
    let text = "Größe \u{20ac} ".repeat(30);
    for role in ROLES {
        let config = config();
        let mut end = connection(role, &config, Agreement::default());
        let (_, writer) = end.split();
        for (n, piece) in text.as_bytes().chunks(7).enumerate() {
            writer.fragment(Kind::Text, piece, (n + 1) * 7 >= text.len()).unwrap();
        }
        let frames = sent_frames(&mut end);
        assert!(frames.iter().all(|frame| frame.first & 0x40 == 0));
        assert_eq!(messages(frames)[0].payload, text.as_bytes());
        let mut piece = *b"Hello";
        let (_, writer) = end.split();
        assert_eq!(writer.fragment_in_place(Kind::Text, &mut piece, false).unwrap()[0], 0x01);

        let mut whole = connection(role, &config, Agreement::default());
        whole.split().1.text(&text).unwrap();
        let payload = sent(&mut whole).payload;
        for size in 1..=payload.len() {
            let config = config.clone().fragment_size(size);
            let mut end = connection(role, &config, Agreement::default());
            end.split().1.text(&text).unwrap();
            let wire = take(&mut end);
            let frames = wire::frames(&wire);
            assert_eq!(frames.len(), payload.len().div_ceil(size));
            assert!(frames.iter().all(|frame| frame.payload.len() <= size));
            assert_eq!(messages(frames)[0].payload, payload, "{size} bytes a frame");
            for call in CALLS {
                let peer = connection(role.peer(), &config, Agreement::default());
                assert_eq!(read(peer, call, &wire, &[]), Outcome::of(vec![Got::Text(text.clone())], None));
            }
        }
    }
}

/// What one call makes is bounded on both sides: a chunk by the decompressor's room, a compressed message by its
/// plain length.
#[test]
fn pd_25_output_is_bounded() {
    let zeros = Bits::new().fixed(false).literals(&[0]).copy(258, 1).clone();
    let bomb = (0..8000).fold(zeros, |mut bits, _| bits.copy(258, 1).clone()).end().message();
    let mut end = connection(Role::Client, &config(), Agreement::default());
    let mut wire = frame(Role::Client, PACKED_BINARY, &bomb);
    let mut input = &mut wire[..];
    let mut all = 0;
    while let Some(Chunk::Data { bytes, .. }) = end.split().0.receive_chunk(&mut input).unwrap() {
        assert!(bytes.len() <= 8 << 10);
        assert!(bytes.iter().all(|byte| *byte == 0));
        all += bytes.len();
        // Input is taken in steps: not much more than what the output came of.
        let taken = bomb.len() - input.len();
        assert!(taken <= all / 150 + 2048, "{taken} taken for {all}");
    }
    assert_eq!(all, 1 + 258 * 8001);

    // All that can be is given out before more is needed: here all input is taken, and a copy crosses the room's end.
    let mut bits = Bits::new();
    bits.fixed(false).literals(&[0]);
    (0..32).for_each(|_| {
        bits.copy(258, 1);
    });
    let mut end = connection(Role::Client, &config(), Agreement::default());
    let mut wire = frame(Role::Client, PACKED_BINARY_BEGINS, &bits.bytes());
    let mut input = &mut wire[..];
    let mut all = 0;
    while let Some(Chunk::Data { bytes, .. }) = end.split().0.receive_chunk(&mut input).unwrap() {
        all += bytes.len();
    }
    assert_eq!(all, 1 + 258 * 32);

    for level in 1..=9 {
        let config = Config::new().compression(Compression::new().level(level).min_size(0, 0));
        let mut end = connection(Role::Server, &config, both_ways(15, false));
        for n in (0..600).chain([65_535, 65_536, 100_000]) {
            end.split().1.binary(&noise(n)).unwrap();
            assert_eq!(sent(&mut end).payload.len(), n);
            end.split().1.binary(&vec![0; n]).unwrap();
            let sent = sent(&mut end);
            assert!(sent.payload.len() < n || !sent.compressed);
        }
        // Some of these come out as long as they went in: then they are plain.
        for (n, again) in (40..60).flat_map(|n| (0..20).map(move |again| (n, again))) {
            let once = noise(n);
            end.split().1.binary(&[&once[..], &once[..again]].concat()).unwrap();
            let sent = sent(&mut end);
            assert!(sent.payload.len() < n + again || !sent.compressed);
        }
    }
}

/// 1 MiB of zeros is about 1 KiB on the wire: so much is read of it, and no more, when it is above the limit.
#[test]
fn rl_06_inflating_stops_at_the_limit() {
    const MIB: usize = 1 << 20;
    let mut end = connection(Role::Server, &config(), Agreement::default());
    end.split().1.binary(&vec![0; MIB]).unwrap();
    let payload = sent(&mut end).payload;
    assert!(payload.len() < 1100);
    for role in ROLES {
        for (first, kind) in [(PACKED_TEXT, Kind::Text), (PACKED_BINARY, Kind::Binary)] {
            let whole = match kind {
                Kind::Text => Got::Text("\0".repeat(MIB)),
                Kind::Binary => Got::Binary(vec![0; MIB]),
            };
            for (limit, error) in [(MIB, None), (MIB - 1, Some(Error::MessageTooBig)), (9, Some(Error::MessageTooBig))]
            {
                let config = config().max_message(limit);
                let wire = frame(role, first, &payload);
                let got = if error.is_none() { vec![whole.clone()] } else { vec![] };
                let expected = Outcome::of(got, error);
                for (call, piece) in CALLS.into_iter().flat_map(|call| [1, 100, usize::MAX].map(|piece| (call, piece)))
                {
                    let outcome = read(connection(role, &config, Agreement::default()), call, &wire, &[piece]);
                    assert!(outcome == expected, "{role:?}, {kind:?}, {limit}, {call:?}, {piece}: {:?}", outcome.error);
                }
            }
        }
    }
}

#[test]
fn a_close_frame_or_the_end_may_come_inside_a_compressed_message() {
    for role in ROLES {
        let config = config();
        let frames: &[(u8, &[u8])] = &[(0x41, &HELLO[..3]), (CLOSE, b"\x03\xe8"), (ENDS, &HELLO[3..])];
        let new = || connection(role, &config, Agreement::default());
        assert_eq!(every_way("close", &stream(role, frames), &new), Outcome::of(vec![Got::Close], None));
        let mut end = new();
        let mut reading = Reading::new(CALLS[0]);
        reading.read(&mut end, &mut frame(role, 0x41, &HELLO[..3])).unwrap();
        assert_eq!(end.split().0.receive_eof(), Err(Error::UnexpectedEof));
    }
}

/// Made once and sent to all: where it fits the window that was agreed it goes out compressed, and what is sent before
/// and after decodes all the same.
#[test]
fn prepared_messages_fit_any_agreement() {
    let compression = Compression::new().min_size(1, 1);
    let config = Config::new().compression(compression.clone());
    let prepared: Vec<Prepared> = [10, 200, 256, 257, 300, 512, 513, 4096, 4097, 32_768, 32_769, 50_000]
        .into_iter()
        .flat_map(|length| {
            // As far back as the message is long.
            let once = noise(length / 2).iter().map(|byte| char::from(byte & 0x7f)).collect::<String>();
            let text = format!("{once}{once}");
            [Prepared::text(&text, &compression), Prepared::binary(text.as_bytes(), &compression)]
        })
        .chain([Prepared::binary(&noise(500), &compression), Prepared::text("", &compression)])
        .collect();
    for role in ROLES {
        for agreement in
            (8..=15).flat_map(|bits| [both_ways(bits, true), both_ways(bits, false)]).map(Some).chain([None])
        {
            for (after, call) in CALLS.into_iter().enumerate() {
                let new = |role| match agreement {
                    Some(agreement) => connection(role, &config, agreement),
                    None => plain(role, &config),
                };
                let (mut end, mut peer) = (new(role), new(role.peer()));
                let mut reading = Reading::new(call);
                let mut compressed = 0;
                for (n, message) in prepared.iter().enumerate() {
                    let own = format!("own message number {n}, and one more own message").repeat(2);
                    // Before, between and after own messages, and never with one.
                    if after > 0 && n % after == 0 {
                        end.split().1.text(&own).unwrap();
                        let mut wire = take(&mut end);
                        reading.read(&mut peer, &mut wire).unwrap();
                        assert_eq!(reading.got.pop(), Some(Got::Text(own)), "{agreement:?}");
                    }
                    end.split().1.prepared(message).unwrap();
                    let mut wire = take(&mut end);
                    if let Sent { compressed: true, payload, .. } = &messages(wire::frames(&wire))[0] {
                        compressed += 1;
                        let bits = agreement.unwrap().server_max_window_bits.unwrap();
                        assert!(parse(payload, b"").farthest <= 1 << bits, "{bits} bits");
                    }
                    reading.read(&mut peer, &mut wire).unwrap();
                    let expected = match message.kind() {
                        Kind::Text => Got::Text(String::from_utf8(message.plain().to_vec()).unwrap()),
                        Kind::Binary => Got::Binary(message.plain().to_vec()),
                    };
                    assert_eq!(reading.got.pop(), Some(expected), "{agreement:?}, {n}");
                }
                let bits = agreement.and_then(|agreement| agreement.server_max_window_bits);
                // The longest whose halves fit the codec, and the window, is twice as long as they.
                let fits = bits.map_or(0, |bits| match bits {
                    8 => 4,
                    9..12 => 10,
                    12 => 14,
                    _ => 16,
                });
                assert!(compressed >= fits, "{agreement:?}: {compressed}");
            }
        }
    }
}

#[test]
fn prepared_messages_are_cut_and_refused_as_others() {
    let compression = Compression::new();
    let message = Prepared::text(&"hello ".repeat(100), &compression);
    for role in ROLES {
        let config = Config::new().compression(compression.clone()).fragment_size(3).max_pending(10);
        let mut end = connection(role, &config, Agreement::default());
        let (_, writer) = end.split();
        writer.prepared(&message).unwrap();
        assert_eq!(writer.prepared(&message), Err(ws_proto::SendError::Full));
        let frames = sent_frames(&mut end);
        assert!(frames.len() > 2);
        assert_eq!(frames[0].first, PACKED_TEXT_BEGINS);
        assert_eq!(messages(frames)[0].kind, Kind::Text);
        let (_, writer) = end.split();
        writer.fragment(Kind::Binary, b"", false).unwrap();
        take(&mut end);
        assert_eq!(end.split().1.prepared(&message), Err(ws_proto::SendError::Interleaved));
        end.split().1.close_without_code();
        take(&mut end);
        assert_eq!(end.split().1.prepared(&message), Err(ws_proto::SendError::Closed));
        assert_eq!(end.split().1.text_uncompressed(""), Err(ws_proto::SendError::Closed));
    }
}

/// Bytes that do not compress, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}
