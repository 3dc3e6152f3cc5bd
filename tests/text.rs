#![cfg(feature = "std")]
//! Text and UTF-8 (RFC 6455, sections 5.6 and 8.1; RFC 3629).

mod common;

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

/// What RFC 3629, section 4, says of bytes so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Naive {
    Whole,
    Unfinished,
    /// At the byte with this number.
    Bad(usize),
}

/// The table of RFC 3629, section 4: the first byte, and where the bytes behind it lie.
fn tails(lead: u8) -> Option<&'static [(u8, u8)]> {
    const TAIL: (u8, u8) = (0x80, 0xbf);
    Some(match lead {
        0x00..=0x7f => &[],
        0xc2..=0xdf => &[TAIL],
        0xe0 => &[(0xa0, 0xbf), TAIL],
        0xe1..=0xec | 0xee..=0xef => &[TAIL, TAIL],
        0xed => &[(0x80, 0x9f), TAIL],
        0xf0 => &[(0x90, 0xbf), TAIL, TAIL],
        0xf1..=0xf3 => &[TAIL, TAIL, TAIL],
        0xf4 => &[(0x80, 0x8f), TAIL, TAIL],
        _ => return None,
    })
}

fn naive(text: &[u8]) -> Naive {
    let mut at = 0;
    while at < text.len() {
        let Some(tails) = tails(text[at]) else { return Naive::Bad(at + 1) };
        at += 1;
        for (low, high) in tails {
            match text.get(at) {
                None => return Naive::Unfinished,
                Some(byte) if byte < low || byte > high => return Naive::Bad(at + 1),
                Some(_) => at += 1,
            }
        }
    }
    Naive::Whole
}

/// Pushes pieces; where it stands, a fault as the number of the piece.
fn push<'t>(pieces: impl IntoIterator<Item = &'t [u8]>) -> Naive {
    let mut text = Utf8::new();
    for (i, piece) in pieces.into_iter().enumerate() {
        if text.push(piece) == Err(BadUtf8) {
            return Naive::Bad(i + 1);
        }
    }
    if text.is_complete() { Naive::Whole } else { Naive::Unfinished }
}

/// Holds that the validator equals the table at every cut of a short text.
fn check(text: &[u8]) {
    let expected = naive(text);
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
            Naive::Bad(at) => {
                let before = (1..at).filter(|cut| borders & (1 << (cut - 1)) != 0).count();
                Naive::Bad(before + 1)
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

#[test]
fn tx_01_validator_equals_the_table_on_all_short_sequences() {
    for a in 0..=0xff {
        check(&[a]);
        for b in 0..=0xff {
            check(&[a, b]);
            // What failed before cannot recover: the last byte varies behind what is valid so far. ASCII is one class.
            let ascii = |byte: u8| byte.is_ascii() && byte != 0x41;
            if matches!(naive(&[a, b]), Naive::Bad(_)) || ascii(a) || ascii(b) {
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
        assert_eq!(push(text.as_bytes().chunks(1)), Naive::Whole, "{code:x}");
        assert_eq!(push(text.as_bytes().chunks(3)), Naive::Whole, "{code:x}");
        assert_eq!(push([text.as_bytes()]), Naive::Whole, "{code:x}");
    }
}

#[test]
fn tx_01_validator_takes_the_golden_vectors_at_every_cut() {
    for (name, bytes, text) in VALID {
        assert_eq!(naive(bytes), Naive::Whole, "{name}");
        assert_eq!(str::from_utf8(bytes), Ok(*text), "{name}");
        check(bytes);
    }
    for (name, bytes, at) in INVALID {
        assert_eq!(naive(bytes), Naive::Bad(*at), "{name}");
        // Short enough for all cuts around the fault.
        check(&bytes[..bytes.len().min(14)]);
    }
    for (name, bytes) in CUT {
        assert_eq!(naive(bytes), Naive::Unfinished, "{name}");
        check(bytes);
    }
    assert_eq!(push([]), Naive::Whole);
    assert_eq!(push([&b""[..], b"", b"\xe2", b"", b"\x82", b"", b"\xac", b""]), Naive::Whole);
}
