#![cfg(feature = "std")]
//! Text and UTF-8 (RFC 6455, sections 5.6 and 8.1; RFC 3629).

mod common;

use self::common::naive::{NaiveText, naive_text};
use self::common::{
    Api, BOTH, Got, both_read, connection, first_error, frame, owed_close, read, refuses, run, sent_to, writes,
};
use ws_proto::utf8::{BadUtf8, Utf8};
use ws_proto::{BadClose, Chunk, Close, CloseCode, Config, Error, Event, Kind, Role, SendError};

const VALID: &[(&str, &[u8], &str)] = &[
    ("U-01 ASCII", b"\x61", "a"),
    ("U-02", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}"),
    ("U-03", b"\xe2\x82\xac", "\u{20ac}"),
    ("U-04", b"\xf0\x9f\x98\x80", "\u{1f600}"),
    ("U-05 NUL", b"\x00", "\0"),
    ("U-06 BOM", b"\xef\xbb\xbf", "\u{feff}"),
    ("U-07 noncharacters", b"\xef\xbf\xbe\xef\xbf\xbf", "\u{fffe}\u{ffff}"),
    ("U-08 before the surrogates", b"\xed\x9f\xbf", "\u{d7ff}"),
    ("U-09 behind the surrogates", b"\xee\x80\x80", "\u{e000}"),
    ("U-10 lowest of three bytes", b"\xe0\xa0\x80", "\u{800}"),
    ("U-11 lowest of four bytes", b"\xf0\x90\x80\x80", "\u{10000}"),
    ("U-12 highest", b"\xf4\x8f\xbf\xbf", "\u{10ffff}"),
    ("lowest and highest of two bytes", b"\xc2\x80\xdf\xbf", "\u{80}\u{7ff}"),
    ("more noncharacters", b"\xef\xb7\x90\xf0\x9f\xbf\xbe", "\u{fdd0}\u{1fffe}"),
];

/// The bytes, and the number of the first that no valid text can have there.
const INVALID: &[(&str, &[u8], usize)] = &[
    ("U-20 stray continuation", b"\x80", 1),
    ("U-21 stray continuation", b"\xbf", 1),
    ("U-22 overlong NUL", b"\xc0\x80", 1),
    ("U-23 overlong", b"\xc1\xbf", 1),
    ("U-24 overlong", b"\xe0\x80\x80", 2),
    ("U-25 overlong", b"\xe0\x9f\xbf", 2),
    ("U-26 overlong", b"\xf0\x80\x80\x80", 2),
    ("U-27 overlong", b"\xf0\x8f\xbf\xbf", 2),
    ("U-28 U+D800", b"\xed\xa0\x80", 2),
    ("U-29 U+DFFF", b"\xed\xbf\xbf", 2),
    ("U-30 surrogate pair", b"\xed\xa0\xbd\xed\xb8\x80", 2),
    ("U-31 U+110000", b"\xf4\x90\x80\x80", 2),
    ("U-32 F5", b"\xf5\x80\x80\x80", 1),
    ("U-33 five bytes", b"\xf8\x88\x80\x80\x80", 1),
    ("U-34 six bytes", b"\xfc\x84\x80\x80\x80\x80", 1),
    ("U-35 FE", b"\xfe", 1),
    ("U-36 FF", b"\xff", 1),
    ("U-37 lead and ASCII", b"\xc3\x28", 2),
    ("U-38 two of three and ASCII", b"\xe2\x82\x41", 3),
    ("U-39 three of four and ASCII", b"\xf0\x9f\x98\x41", 4),
    ("U-40 Autobahn 6.3.1", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 13),
];

const CUT: &[(&str, &[u8])] =
    &[("U-50 one of two", b"\xc3"), ("U-51 two of three", b"\xe2\x82"), ("U-52 three of four", b"\xf0\x9f\x98")];

fn invalid(ids: &str) -> impl Iterator<Item = &'static (&'static str, &'static [u8], usize)> {
    INVALID.iter().filter(move |(name, ..)| ids.split(' ').any(|id| name.starts_with(id)))
}

/// How many bytes a header with a short length has for a receiver.
fn header(role: Role) -> usize {
    if role == Role::Server { 6 } else { 2 }
}

/// Holds that these bytes fail at the one with that number: alone and behind good text, in one frame and in two, at
/// every cut.
fn fails_at((name, bad, at): (&str, &[u8], usize)) {
    let config = Config::new();
    for role in BOTH {
        for good in ["", "a", "caf\u{e9}", "\u{20ac}\u{1f600}", "16 bytes of text"] {
            let name = format!("{name}, {role:?}, behind {good:?}");
            let payload = [good.as_bytes(), bad, b"and more"].concat();
            for first in [0x81, 0x01] {
                let wire = sent_to(role, &frame(first, &payload));
                let expected = Some((header(role) + good.len() + at, Error::BadUtf8));
                assert_eq!(first_error(role, &config, &wire), expected, "{name}");
                let transcript = read(role, &config, &wire);
                assert_eq!(transcript.events, [], "{name}");
                assert_eq!(transcript.owed, owed_close(1007), "{name}");
            }
            for cut in 0..good.len() + at {
                let (left, right) = payload.split_at(cut);
                let first = sent_to(role, &frame(0x01, left));
                let wire = [first, sent_to(role, &[frame(0x89, b""), frame(0x80, right)].concat())].concat();
                let expected = header(role) * 3 + good.len() + at;
                assert_eq!(first_error(role, &config, &wire), Some((expected, Error::BadUtf8)), "{name}, cut at {cut}");
            }
        }
    }
}

#[test]
fn tx_01_text_is_checked_over_borders_of_frames() {
    let config = Config::new();
    for (name, bytes, text) in VALID {
        both_read(name, &config, &frame(0x81, bytes), &[Event::Text(text)]);
        for a in 0..=bytes.len() {
            for b in a..=bytes.len() {
                let wire = [frame(0x01, &bytes[..a]), frame(0x00, &bytes[a..b]), frame(0x80, &bytes[b..])].concat();
                both_read(name, &config, &wire, &[Event::Text(text)]);
            }
        }
        let each: Vec<_> =
            [frame(0x01, b"")].into_iter().chain(bytes.iter().map(|byte| frame(0x00, &[*byte]))).collect();
        let wire = [each.concat(), frame(0x80, b"")].concat();
        both_read(name, &config, &wire, &[Event::Text(text)]);
    }
    both_read("F-12", &config, b"\x01\x02\xe2\x82\x80\x01\xac", &[Event::Text("\u{20ac}")]);
}

#[test]
fn tx_01_long_text_is_checked_everywhere() {
    // Longer than any vector: one bad byte at every place, and a character over every border.
    let config = Config::new();
    let good: String = "\u{e9}\u{20ac}x\u{1f600}".chars().cycle().take(90).collect();
    for role in BOTH {
        let events = [Got::Text(good.clone())];
        assert_eq!(read(role, &config, &sent_to(role, &frame(0x81, good.as_bytes()))).events(), events);
    }
    for at in 0..good.len() {
        let mut bad = good.clone().into_bytes();
        bad[at] = 0xff;
        let wire = sent_to(Role::Server, &frame(0x81, &bad));
        for api in Api::ALL {
            let whole = run(api, Role::Server, &config, [&wire[..]]);
            assert_eq!((whole.events.len(), whole.error), (0, Some(Error::BadUtf8)), "{api:?}, byte {at}");
            let (early, late) = wire.split_at(8 + at);
            assert_eq!(run(api, Role::Server, &config, [early]).error, None, "{api:?}, byte {at}");
            let error = run(api, Role::Server, &config, [early, &late[..1]]).error;
            assert_eq!(error, Some(Error::BadUtf8), "{api:?}, byte {at}");
        }
    }
}

#[test]
fn tx_02_message_that_ends_inside_a_character_is_1007() {
    let config = Config::new();
    for (name, bytes) in CUT {
        for good in [&b""[..], b"a", b"caf\xc3\xa9"] {
            let payload = [good, bytes].concat();
            let at = 2 + payload.len();
            for role in BOTH {
                let at = if role == Role::Server { at + 4 } else { at };
                let whole = frame(0x81, &payload);
                refuses(name, role, &config, (b"", &whole), (at, Error::BadUtf8, 1007));
                let last = frame(0x80, &payload);
                refuses(name, role, &config, (b"\x01\x01a", &last), (at, Error::BadUtf8, 1007));
                // The end is known with the header of an empty frame.
                let before = frame(0x01, &payload);
                refuses(name, role, &config, (&before, b"\x80\x00"), (header(role), Error::BadUtf8, 1007));
            }
            // Before the end it is no error.
            both_read(name, &config, &[frame(0x01, &payload), frame(0x00, b"")].concat(), &[]);
        }
    }
}

#[test]
fn tx_03_first_bad_byte_fails_in_the_middle_of_a_frame() {
    for row in INVALID {
        fails_at(*row);
    }
    // With nothing behind it the frame is not whole, and the message far from its end.
    for role in BOTH {
        let mut wire = frame(0x01, &vec![b'a'; 60_000]);
        wire[500] = 0xff;
        let at = 501 + header(role) - 2;
        let wire = sent_to(role, &wire);
        assert_eq!(first_error(role, &Config::new(), &wire[..2000]), Some((at, Error::BadUtf8)), "{role:?}");
    }
}

#[test]
fn tx_04_overlong_forms_are_1007() {
    invalid("U-22 U-23 U-24 U-25 U-26 U-27").for_each(|row| fails_at(*row));
    for lead in [0xc0, 0xc1] {
        fails_at(("two", &[lead, 0xa0], 1));
    }
    for second in [0x80, 0x8f, 0x90, 0x9f] {
        fails_at(("three", &[0xe0, second, 0x80], 2));
    }
    for second in [0x80, 0x8f] {
        fails_at(("four", &[0xf0, second, 0x80, 0x80], 2));
    }
}

#[test]
fn tx_05_surrogates_are_1007() {
    invalid("U-28 U-29 U-30 U-40").for_each(|row| fails_at(*row));
    for second in [0xa0, 0xaf, 0xb0, 0xbf] {
        fails_at(("surrogate", &[0xed, second, 0x80], 2));
    }
}

#[test]
fn tx_06_what_is_above_the_last_character_is_1007() {
    invalid("U-31 U-32 U-33 U-34 U-35 U-36").for_each(|row| fails_at(*row));
    for second in [0x90, 0x9f, 0xa0, 0xbf] {
        fails_at(("F4", &[0xf4, second, 0x80, 0x80], 2));
    }
    for lead in 0xf5..=0xff {
        fails_at(("lead", &[lead, 0x80, 0x80, 0x80], 1));
    }
}

#[test]
fn tx_07_stray_and_missing_continuations_are_1007() {
    invalid("U-20 U-21 U-37 U-38 U-39").for_each(|row| fails_at(*row));
    fails_at(("behind a whole character", b"\xc3\xa9\xa9", 3));
    fails_at(("lead and lead", b"\xc3\xc3", 2));
    fails_at(("two of four and lead", b"\xf0\x9f\xf0", 3));
}

#[test]
fn tx_08_valid_text_is_delivered_unchanged() {
    let config = Config::new();
    let all: Vec<u8> = VALID.iter().flat_map(|(_, bytes, _)| *bytes).copied().collect();
    let text: String = VALID.iter().map(|(.., text)| *text).collect();
    both_read("all of them", &config, &frame(0x81, &all), &[Event::Text(&text)]);
    both_read(
        "BOM first, and alone",
        &config,
        b"\x81\x04\xef\xbb\xbfa\x81\x03\xef\xbb\xbf",
        &[Event::Text("\u{feff}a"), Event::Text("\u{feff}")],
    );
    for role in BOTH {
        let wire = writes(role, &config, |writer| writer.text(&text).expect("fits"));
        assert_eq!(wire, frame(0x81, &all), "{role:?}");
    }
}

#[test]
fn tx_09_empty_text_is_valid() {
    let config = Config::new();
    both_read("one frame", &config, b"\x81\x00", &[Event::Text("")]);
    both_read("fragments", &config, b"\x01\x00\x80\x00\x81\x00", &[Event::Text(""), Event::Text("")]);
    for role in BOTH {
        assert_eq!(writes(role, &config, |writer| writer.text("").expect("fits")), b"\x81\x00");
    }
}

#[test]
fn tx_10_bytes_pings_and_pongs_are_not_checked() {
    let config = Config::new();
    let all = INVALID.iter().map(|(name, bytes, _)| (*name, *bytes)).chain(CUT.iter().copied());
    for (name, bytes) in all {
        both_read(name, &config, &frame(0x82, bytes), &[Event::Binary(bytes)]);
        both_read(name, &config, &[frame(0x02, bytes), frame(0x80, b"")].concat(), &[Event::Binary(bytes)]);
        both_read(name, &config, &frame(0x89, bytes), &[Event::Ping(bytes)]);
        both_read(name, &config, &frame(0x8a, bytes), &[Event::Pong(bytes)]);
        for role in BOTH {
            let wire = writes(role, &config, |writer| {
                writer.binary(bytes).expect("fits");
                writer.fragment(Kind::Binary, bytes, true).expect("fits");
                writer.ping(bytes).expect("fits");
                writer.pong(bytes).expect("fits");
            });
            let expected = [0x82, 0x82, 0x89, 0x8a].map(|first| frame(first, bytes)).concat();
            assert_eq!(wire, expected, "{name}, {role:?}");
        }
    }
}

#[test]
fn tx_12_close_reason_is_checked_as_one_string() {
    let config = Config::new();
    for (name, bytes, text) in VALID {
        let close = Close { code: CloseCode::NORMAL, reason: text };
        let wire = frame(0x88, &[b"\x03\xe8", *bytes].concat());
        both_read(name, &config, &wire, &[Event::Close(Some(close))]);
    }
    let bad = INVALID.iter().map(|(name, bytes, _)| (*name, *bytes)).chain(CUT.iter().copied());
    for (name, bytes) in bad {
        let body = [b"\x03\xe8bye ", bytes].concat();
        assert_eq!(Close::decode(&body), Err(BadClose::Reason), "{name}");
        for role in BOTH {
            let fault = (header(role) + body.len(), Error::BadClose(BadClose::Reason), 1007);
            refuses(name, role, &config, (b"\x01\x01\xe2", &frame(0x88, &body)), fault);
        }
    }
}

#[test]
fn tx_13_each_message_is_checked_from_its_start() {
    let config = Config::new();
    let wire = b"\x01\x01\xe2\x89\x01\xff\x80\x02\x82\xac\x82\x01\xe2\x81\x01a\x01\x01\xc3\x80\x01\xa9";
    let events = [
        Event::Ping(b"\xff"),
        Event::Text("\u{20ac}"),
        Event::Binary(b"\xe2"),
        Event::Text("a"),
        Event::Text("\u{e9}"),
    ];
    both_read("clean starts", &config, wire, &events);
    for role in BOTH {
        // What an earlier binary message ended with completes nothing.
        let at = header(role) + 1;
        refuses("start", role, &config, (b"\x82\x01\xe2\x81\x01a", b"\x81\x02\x82\xac"), (at, Error::BadUtf8, 1007));
        // The same on the way out.
        let sent = writes(role, &config, |writer| {
            writer.fragment(Kind::Binary, b"\xe2", true).expect("not text");
            assert_eq!(writer.fragment(Kind::Text, b"\x82\xac", false), Err(SendError::BadUtf8));
            writer.fragment(Kind::Text, b"\xe2\x82", false).expect("a start");
            writer.fragment(Kind::Text, b"\xac", true).expect("an end");
            writer.fragment(Kind::Text, b"a", true).expect("a message");
        });
        assert_eq!(sent, b"\x82\x01\xe2\x01\x02\xe2\x82\x80\x01\xac\x81\x01a", "{role:?}");
    }
}

#[test]
fn tx_14_sent_text_is_valid_as_a_whole() {
    let config = Config::new();
    let bad = INVALID.iter().map(|(name, bytes, _)| (*name, *bytes)).chain(CUT.iter().copied());
    for (name, bytes) in bad {
        for role in BOTH {
            let mut connection = connection(role, &config);
            let (_, writer) = connection.split();
            let mut lent = bytes.to_vec();
            assert_eq!(writer.text_in_place(&mut lent).err(), Some(SendError::BadUtf8), "{name}");
            assert_eq!(writer.fragment(Kind::Text, bytes, true), Err(SendError::BadUtf8), "{name}");
            let last = writer.fragment_in_place(Kind::Text, &mut lent, true);
            assert_eq!(last.err(), Some(SendError::BadUtf8), "{name}");
            assert_eq!((&lent[..], writer.pending()), (bytes, &b""[..]), "{name}: as it was");
            // In pieces, each checked as it comes.
            writer.fragment(Kind::Text, b"", false).expect("fits");
            let before = writer.pending().to_vec();
            let refused = bytes.iter().enumerate().find_map(|(i, byte)| {
                let last = i + 1 == bytes.len();
                writer.fragment(Kind::Text, &[*byte], last).err().map(|error| (i + 1, error))
            });
            let at = INVALID.iter().find(|row| row.0 == name).map_or(bytes.len(), |row| row.2);
            assert_eq!(refused, Some((at, SendError::BadUtf8)), "{name}");
            assert!(writer.pending().len() >= before.len());
            // What was refused was not sent: the message may go on rightly, once the character is whole.
            if at == 1 {
                writer.fragment(Kind::Text, b"right", true).expect("valid");
                writer.text("next").expect("the message is finished");
            }
        }
    }
}

#[test]
fn tx_15_chunks_are_raw_bytes_and_stop_at_a_fault() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (reader, _) = connection.split();
        let mut wire = sent_to(role, b"\x01\x03a\xe2\x82\x00\x02\xacb\x80\x03c\xff!");
        let mut input = &mut wire[..];
        let data = |bytes| Ok(Some(Chunk::Data { kind: Kind::Text, bytes, last: false }));
        // Raw bytes were asked for: a piece may end inside a character.
        assert_eq!(reader.receive_chunk(&mut input), data(b"a\xe2\x82"), "{role:?}");
        assert_eq!(reader.receive_chunk(&mut input), data(b"\xacb"), "{role:?}");
        assert_eq!(reader.receive_chunk(&mut input), Err(Error::BadUtf8), "{role:?}");
        assert_eq!(reader.receive_chunk(&mut input), Ok(None), "{role:?}: no end of the message");
        let mut more = sent_to(role, b"\x80\x00\x81\x01a");
        assert_eq!(reader.receive_chunk(&mut &mut more[..]), Ok(None), "{role:?}");
        assert_eq!(reader.take_reply().map(|reply| reply.payload().to_vec()), Some(b"\x03\xef".to_vec()));
    }
}

#[test]
fn tx_15_a_relay_may_leave_the_check_to_the_receiver() {
    let config = Config::new().check_chunks(false);
    for role in BOTH {
        let mut connection = connection(role, &config);
        let (reader, _) = connection.split();
        let mut wire = sent_to(role, b"\x01\x01\xff\x80\x01\xe2\x81\x01\xff");
        let mut input = &mut wire[..];
        let data = |bytes, last| Ok(Some(Chunk::Data { kind: Kind::Text, bytes, last }));
        assert_eq!(reader.receive_chunk(&mut input), data(b"\xff", false), "{role:?}");
        assert_eq!(reader.receive_chunk(&mut input), data(b"\xe2", true), "{role:?}");
        // Whole messages are always checked.
        assert_eq!(reader.receive(&mut input), Err(Error::BadUtf8), "{role:?}");
    }
}

/// Pushes pieces; where it stands, a fault as the number of the piece.
fn push<'t>(pieces: impl IntoIterator<Item = &'t [u8]>) -> NaiveText {
    let mut text = Utf8::new();
    for (i, piece) in pieces.into_iter().enumerate() {
        if text.push(piece) == Err(BadUtf8) {
            return NaiveText::Bad(i + 1);
        }
    }
    if text.is_complete() { NaiveText::Whole } else { NaiveText::Unfinished }
}

/// Holds that the validator equals the table at every cut of a short text.
fn check(text: &[u8]) {
    let expected = naive_text(text);
    let pieces = text.len() - 1;
    for borders in 0..1_usize << pieces {
        let mut start = 0;
        let cuts = (1..=text.len()).filter(|cut| *cut == text.len() || borders & (1 << (cut - 1)) != 0);
        let cut = cuts.map(|cut| {
            let piece = &text[start..cut];
            start = cut;
            piece
        });
        let found = push(cut);
        // In which piece the bad byte lies.
        let expected = match expected {
            NaiveText::Bad(at) => {
                let before = (1..at).filter(|cut| borders & (1 << (cut - 1)) != 0).count();
                NaiveText::Bad(before + 1)
            }
            fine => fine,
        };
        assert_eq!(found, expected, "{text:02x?}, cut at {borders:b}");
    }
}

/// Stand for all bytes: the borders of the table's ranges.
const BORDERS: [u8; 24] = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
    0xf0, 0xf1, 0xf3, 0xf4, 0xf5,
];

/// The groups 6.5 to 6.23 of the Autobahn test suite, which are those of Markus Kuhn's stress test for decoders: the
/// payloads of each, and how many of them are valid, the rest being none. Group 6.6 is in [`autobahn`].
const AUTOBAHN: &[(&str, usize, &[&[u8]])] = &[
    (
        "6.5 valid",
        5,
        &[b"hello$world", b"hello\xc2\xa2world", b"hello\xe2\x82\xacworld", b"hello\xf0\xa4\xad\xa2world", KOSME],
    ),
    ("6.7 first of a length", 4, &[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
    ("6.8 first of 5 and 6 bytes", 0, &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    ("6.9 last of a length", 4, &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
    (
        "6.10 last of 4 to 6 bytes",
        0,
        &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    ),
    (
        "6.11 other borders",
        4,
        &[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"],
    ),
    (
        "6.12 continuations",
        0,
        &[
            b"\x80",
            b"\xbf",
            b"\x80\xbf",
            b"\x80\xbf\x80",
            b"\x80\xbf\x80\xbf",
            b"\x80\xbf\x80\xbf\x80",
            b"\x80\xbf\x80\xbf\x80\xbf",
            b"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\
              \x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\
              \xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe",
        ],
    ),
    (
        "6.13 lonely starts",
        0,
        &[
            b"\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd \xce \xcf \xd0 \xd1 \xd2 \xd3 \xd4 \xd5 \
              \xd6 \xd7 \xd8 \xd9 \xda \xdb \xdc \xdd \xde ",
            b"\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed \xee ",
            b"\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 ",
            b"\xf8 \xf9 \xfa ",
            b"\xfc ",
        ],
    ),
    ("6.14 the last byte is missing", 0, UNFINISHED),
    ("6.16 impossible bytes", 0, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    (
        "6.17 overlong slash",
        0,
        &[
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf8\x80\x80\x80\xaf",
            b"\xfc\x80\x80\x80\x80\xaf",
        ],
    ),
    (
        "6.18 longest overlong",
        0,
        &[
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ],
    ),
    (
        "6.19 overlong NUL",
        0,
        &[
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xf0\x80\x80\x80",
            b"\xf8\x80\x80\x80\x80",
            b"\xfc\x80\x80\x80\x80\x80",
        ],
    ),
    (
        "6.20 surrogates",
        0,
        &[
            b"\xed\xa0\x80",
            b"\xed\xad\xbf",
            b"\xed\xae\x80",
            b"\xed\xaf\xbf",
            b"\xed\xb0\x80",
            b"\xed\xbe\x80",
            b"\xed\xbf\xbf",
        ],
    ),
    (
        "6.21 pairs of them",
        0,
        &[
            b"\xed\xa0\x80\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xbf\xbf",
            b"\xed\xad\xbf\xed\xb0\x80",
            b"\xed\xad\xbf\xed\xbf\xbf",
            b"\xed\xae\x80\xed\xb0\x80",
            b"\xed\xae\x80\xed\xbf\xbf",
            b"\xed\xaf\xbf\xed\xb0\x80",
            b"\xed\xaf\xbf\xed\xbf\xbf",
        ],
    ),
    (
        "6.23 specials",
        7,
        &[
            b"\xef\xbf\xb9",
            b"\xef\xbf\xba",
            b"\xef\xbf\xbb",
            b"\xef\xbf\xbc",
            b"\xef\xbf\xbd",
            b"\xef\xbf\xbe",
            b"\xef\xbf\xbf",
        ],
    ),
];

const KOSME: &[u8] = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes();

const UNFINISHED: &[&[u8]] = &[
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
];

/// All payloads of the groups 6.5 to 6.23, and whether each is valid.
fn autobahn() -> Vec<(String, Vec<u8>, bool)> {
    let mut all = Vec::new();
    for (group, valid, payloads) in AUTOBAHN {
        all.extend(payloads.iter().enumerate().map(|(i, bytes)| (format!("{group}, {i}"), bytes.to_vec(), i < *valid)));
    }
    // Each start of a text is valid that ends where a character does.
    for n in 1..=KOSME.len() {
        all.push((format!("6.6, {n}"), KOSME[..n].to_vec(), [2, 5, 7, 9, 11].contains(&n)));
    }
    all.push(("6.15 all that are not whole".to_owned(), UNFINISHED.concat(), false));
    // The last two characters of each plane are none, and valid.
    for plane in 0..=0x10 {
        for last in [0xfffe, 0xffff] {
            let character = char::from_u32(plane << 16 | last).expect("no surrogate");
            all.push((format!("6.22 {:x}", u32::from(character)), character.to_string().into_bytes(), true));
        }
    }
    all
}

/// Security, T38: all of Autobahn's cases 6 that are a payload, 6.5 to 6.23, and those about fragments, 6.1 to 6.4, by
/// their rule: each payload whole and cut into two frames anywhere, at every cut of the wire, fails at its first bad
/// byte, and nothing of it or of what follows is delivered.
#[test]
fn t38_all_of_autobahn_6_at_every_cut() {
    let config = Config::new();
    let all = autobahn();
    // The numbers of cases in each group, as the suite lists them.
    assert_eq!(all.len(), [5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7].iter().sum::<usize>());
    for (name, payload, valid) in &all {
        assert_eq!(str::from_utf8(payload).is_ok(), *valid, "{name}");
        assert_eq!(naive_text(payload) == NaiveText::Whole, *valid, "{name}");
        for role in BOTH {
            for cut in 0..=payload.len() {
                // 6.2 and 6.4: in the middle of a character, an empty fragment and a ping between.
                let (one, two) = payload.split_at(cut);
                let frames = [frame(0x01, one), frame(0x00, b""), frame(0x89, b""), frame(0x80, two)];
                let wire = sent_to(role, &[&frames.concat()[..], &frame(0x81, b"next")].concat());
                for api in Api::ALL {
                    for step in [1, wire.len()] {
                        let read = run(api, role, &config, wire.chunks(step));
                        let name = format!("{name}, cut at {cut}, {role:?}, {api:?}, {step} at once");
                        let texts = read.events().into_iter().filter(|event| *event != Got::Ping(Vec::new()));
                        let texts: Vec<Got> = texts.collect();
                        if *valid {
                            let text = String::from_utf8(payload.clone()).expect("valid");
                            assert_eq!(texts, [Got::Text(text), Got::Text("next".to_owned())], "{name}");
                        } else {
                            assert_eq!((texts, read.error), (vec![], Some(Error::BadUtf8)), "{name}");
                            assert_eq!(read.owed, owed_close(1007), "{name}");
                        }
                    }
                }
            }
            let wire = sent_to(role, &frame(0x81, payload));
            let at = match naive_text(payload) {
                NaiveText::Whole => None,
                NaiveText::Bad(at) => Some((header(role) + at, Error::BadUtf8)),
                // The last byte of the message says that there is no more.
                NaiveText::Unfinished => Some((wire.len(), Error::BadUtf8)),
            };
            assert_eq!(first_error(role, &config, &wire), at, "{name}, {role:?}: at the byte");
        }
    }
    // 6.1: three ways to say nothing. 6.3: in one frame, and in frames of a byte.
    for nothing in [&b"\x81\x00"[..], b"\x01\x00\x00\x00\x80\x00"] {
        both_read("6.1", &config, nothing, &[Event::Text("")]);
    }
    both_read("6.1.3", &config, b"\x01\x00\x00\x06middle\x80\x00", &[Event::Text("middle")]);
    let bad = [KOSME, b"\xed\xa0\x80edited"].concat();
    for role in BOTH {
        let each: Vec<u8> = bad.iter().flat_map(|byte| frame(0x00, &[*byte])).collect();
        let wire = sent_to(role, &[&frame(0x01, b"")[..], &each, &frame(0x80, b"")].concat());
        // The second byte of the surrogate, in a frame of its own.
        let at = header(role) + (KOSME.len() + 2) * (header(role) + 1);
        assert_eq!(first_error(role, &config, &wire), Some((at, Error::BadUtf8)), "6.3.2, {role:?}");
    }
}

#[test]
fn tx_01_validator_equals_the_table_on_all_short_sequences() {
    for a in 0..=0xff {
        check(&[a]);
        for b in 0..=0xff {
            check(&[a, b]);
            // What failed before cannot recover: the last byte varies behind what is valid so far. ASCII is one class.
            let ascii = |byte: u8| byte.is_ascii() && byte != 0x41;
            if matches!(naive_text(&[a, b]), NaiveText::Bad(_)) || ascii(a) || ascii(b) {
                continue;
            }
            for c in 0..=0xff {
                check(&[a, b, c]);
            }
        }
    }
    for (a, b) in BORDERS.iter().flat_map(|a| BORDERS.map(|b| (*a, b))) {
        for c in BORDERS {
            check(&[a, b, c]);
        }
    }
}

#[test]
fn tx_01_validator_equals_the_table_on_longer_sequences() {
    for a in 0xf0..=0xf5 {
        for b in BORDERS.iter().chain(&[0x81, 0xaa, 0xff]) {
            for c in [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff] {
                for d in BORDERS {
                    check(&[a, *b, c, d]);
                }
            }
        }
    }
    // Every character of four bytes once, and its neighbours in text.
    for code in (0..0x11_0000_u32).step_by(97) {
        let Some(character) = char::from_u32(code) else { continue };
        let text = format!("{character}x{character}");
        assert_eq!(push(text.as_bytes().chunks(1)), NaiveText::Whole, "{code:x}");
        assert_eq!(push(text.as_bytes().chunks(3)), NaiveText::Whole, "{code:x}");
        assert_eq!(push([text.as_bytes()]), NaiveText::Whole, "{code:x}");
    }
}

#[test]
fn tx_01_validator_takes_the_golden_vectors_at_every_cut() {
    for (name, bytes, text) in VALID {
        assert_eq!(naive_text(bytes), NaiveText::Whole, "{name}");
        assert_eq!(str::from_utf8(bytes), Ok(*text), "{name}");
        check(bytes);
    }
    for (name, bytes, at) in INVALID {
        assert_eq!(naive_text(bytes), NaiveText::Bad(*at), "{name}");
        // Short enough for all cuts around the fault.
        check(&bytes[..bytes.len().min(14)]);
    }
    for (name, bytes) in CUT {
        assert_eq!(naive_text(bytes), NaiveText::Unfinished, "{name}");
        check(bytes);
    }
    assert_eq!(push([]), NaiveText::Whole);
    assert_eq!(push([&b""[..], b"", b"\xe2", b"", b"\x82", b"", b"\xac", b""]), NaiveText::Whole);
}
