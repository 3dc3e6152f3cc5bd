#![cfg(feature = "std")]
//! Frames and masks (RFC 6455, sections 5.1 to 5.3).

mod common;

use std::collections::HashSet;

use self::common::{
    Api, BOTH, Fault, Frame, Got, KEY, Run, both_read, both_refuse, connection, first_error, flush, frame, frames,
    masked, naive_mask, owned, pattern, plain, read, refuses, run, sent_to, writes,
};
use ws_proto::frame::{Header, OpCode};
use ws_proto::{CloseCode, Config, Error, Event, Kind, Role, Seed, SendError, Writer, mask};

/// As a server sends them.
const FRAMES: &[(&str, &[u8], &[Event<'_>])] = &[
    ("F-01 text", b"\x81\x05Hello", &[Event::Text("Hello")]),
    ("F-03, F-04 fragments", b"\x01\x03Hel\x80\x02lo", &[Event::Text("Hello")]),
    ("F-05 ping", b"\x89\x05Hello", &[Event::Ping(b"Hello")]),
    ("F-06 pong", b"\x8a\x05Hello", &[Event::Pong(b"Hello")]),
    ("F-07 empty text", b"\x81\x00", &[Event::Text("")]),
    ("empty binary", b"\x82\x00", &[Event::Binary(b"")]),
    ("F-09 empty ping", b"\x89\x00", &[Event::Ping(b"")]),
    ("empty pong", b"\x8a\x00", &[Event::Pong(b"")]),
    ("F-10 empty fragments", b"\x01\x00\x00\x00\x80\x00", &[Event::Text("")]),
    ("F-11 ping between", b"\x01\x03Hel\x89\x01?\x80\x02lo", &[Event::Ping(b"?"), Event::Text("Hello")]),
    ("F-12 cut in a character", b"\x01\x02\xe2\x82\x80\x01\xac", &[Event::Text("\u{20ac}")]),
];

/// As a client sends them, byte by byte from the RFC; and as a server would.
const MASKED: &[(&str, &[u8], &[u8])] = &[
    ("F-02", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x81\x05Hello"),
    ("F-06", b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x8a\x05Hello"),
    ("F-08", b"\x81\x80\x37\xfa\x21\x3d", b"\x81\x00"),
    (
        "F-11",
        b"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d\x89\x81\x37\xfa\x21\x3d\x08\x80\x82\x37\xfa\x21\x3d\x5b\x95",
        b"\x01\x03Hel\x89\x01?\x80\x02lo",
    ),
];

/// The length of a binary message, its header from a server and from a client.
const LENGTHS: &[(&str, usize, &[u8], &[u8])] = &[
    ("empty", 0, b"\x82\x00", b"\x82\x80\x37\xfa\x21\x3d"),
    ("F-13", 125, b"\x82\x7d", b"\x82\xfd\x37\xfa\x21\x3d"),
    ("F-14", 126, b"\x82\x7e\x00\x7e", b"\x82\xfe\x00\x7e\x37\xfa\x21\x3d"),
    ("F-15", 256, b"\x82\x7e\x01\x00", b"\x82\xfe\x01\x00\x37\xfa\x21\x3d"),
    ("F-16", 65535, b"\x82\x7e\xff\xff", b"\x82\xfe\xff\xff\x37\xfa\x21\x3d"),
    ("F-17", 65536, b"\x82\x7f\0\0\0\0\0\x01\0\0", b"\x82\xff\0\0\0\0\0\x01\0\0\x37\xfa\x21\x3d"),
];

const OPCODES: [u8; 6] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

fn say(writer: &mut Writer, event: Event<'_>) {
    match event {
        Event::Text(text) => writer.text(text),
        Event::Binary(bytes) => writer.binary(bytes),
        Event::Ping(payload) => writer.ping(payload),
        Event::Pong(payload) => writer.pong(payload),
        other => panic!("{other:?} is not in the table"),
    }
    .expect("fits");
}

#[test]
fn fr_01_the_frames_of_the_rfc_are_read_and_written() {
    let config = Config::new();
    for (name, wire, events) in FRAMES {
        both_read(name, &config, wire, events);
        let [event] = events else { continue };
        if frames(wire).len() == 1 {
            for role in BOTH {
                assert_eq!(writes(role, &config, |writer| say(writer, *event)), *wire, "{name}, {role:?}");
            }
        }
    }
    for (name, wire, server) in MASKED {
        assert_eq!(masked(server), *wire, "{name}");
        let events = FRAMES.iter().find(|row| row.1 == *server).expect("the table has it").2;
        assert_eq!(read(Role::Server, &config, wire).events(), owned(events), "{name}");
    }
}

#[test]
fn fr_01_headers_equal_a_naive_reading() {
    let tails: [&[u8]; 5] = [
        &[0; 12],
        &[0xff; 12],
        &[0, 125, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4],
        &[0, 126, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        &[0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
    ];
    for (first, second) in (0..=0xff).flat_map(|first| (0..=0xff).map(move |second| (first, second))) {
        for tail in tails {
            let bytes = [&[first, second], tail].concat();
            for n in [0, 1, 2, 3, 4, 8, 9, 10, 13, 14] {
                assert_eq!(
                    Header::decode(&bytes[..n]),
                    common::naive::naive_header(&bytes[..n]),
                    "{:02x?}",
                    &bytes[..n]
                );
            }
        }
    }
}

#[test]
fn fr_01_headers_are_written_as_they_are_read() {
    let lengths = [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 63) - 1];
    let opcodes = [OpCode::Continuation, OpCode::Text, OpCode::Binary, OpCode::Close, OpCode::Ping, OpCode::Pong];
    for (opcode, bits) in opcodes.into_iter().flat_map(|opcode| (0..8).map(move |bits| (opcode, bits))) {
        for length in lengths {
            let (fin, rsv1) = (bits & 1 != 0, bits & 2 != 0);
            let header = Header { fin, rsv1, opcode, key: (bits & 4 != 0).then_some(KEY), length };
            let bytes = header.encode();
            assert_eq!(bytes[0], opcode as u8 | u8::from(fin) << 7 | u8::from(rsv1) << 6);
            assert_eq!(bytes[1] & 0x80 != 0, header.key.is_some());
            assert!(bytes.len() <= Header::MAX);
            if opcode.is_control() && (!fin || rsv1 || length > 125) {
                assert!(Header::decode(&bytes).is_err(), "{header:?}");
                continue;
            }
            assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
            for n in 0..bytes.len() {
                assert_eq!(Header::decode(&bytes[..n]), Ok(None), "{header:?}, {n} bytes");
            }
        }
    }
}

#[test]
fn fr_02_emitted_length_is_minimal() {
    let config = Config::new().max_pending(Config::UNLIMITED);
    for (name, length, header, _) in LENGTHS {
        let payload = pattern(*length);
        let expected = [header, &payload[..]].concat();
        for role in BOTH {
            let whole = writes(role, &config, |writer| writer.binary(&payload).expect("fits"));
            assert_eq!(whole, expected, "{name}, {role:?}");
            let fragment = writes(role, &config, |writer| writer.fragment(Kind::Binary, &payload, true).expect("fits"));
            assert_eq!(fragment, expected, "{name}, {role:?}, fragment");
            let mut lent = payload.clone();
            let mut connection = connection(role, &config);
            let head = connection.split().1.binary_in_place(&mut lent).expect("open");
            assert_eq!(plain(role, &[&head, &lent[..]].concat()), expected, "{name}, {role:?}, in place");
        }
    }
}

#[test]
fn fr_02_lengths_are_read() {
    let config = Config::new();
    for (name, length, server, client) in LENGTHS {
        let payload = pattern(*length);
        for (role, wire) in [
            (Role::Client, [server, &payload[..]].concat()),
            (Role::Server, [client, &naive_mask(&payload, KEY)[..]].concat()),
        ] {
            let transcript = read(role, &config, &wire);
            assert_eq!(transcript.events(), [Got::Binary(payload.clone())], "{name}, {role:?}");
            assert_eq!(transcript.ends, [wire.len()], "{name}, {role:?}");
        }
    }
}

#[test]
fn fr_03_non_minimal_length_is_1002() {
    let config = Config::new();
    let rows: &[(&str, &[u8], usize)] = &[
        ("X-10 125 in 16 bits", b"\x82\x7e\x00\x7d", 4),
        ("X-10 124 in 16 bits", b"\x82\x7e\x00\x7c", 4),
        ("X-10 0 in 16 bits", b"\x82\x7e\x00\x00", 4),
        ("text, 125 in 16 bits", b"\x81\x7e\x00\x7d", 4),
        ("X-11 65535 in 64 bits", b"\x82\x7f\0\0\0\0\0\0\xff\xff", 10),
        ("126 in 64 bits", b"\x82\x7f\0\0\0\0\0\0\0\x7e", 10),
        ("0 in 64 bits", b"\x01\x7f\0\0\0\0\0\0\0\0", 10),
    ];
    for (name, bad, at) in rows {
        let bad = [bad, &[b'a'; 126][..]].concat();
        both_refuse(name, &config, (b"", &bad), (*at, Error::BadLength, 1002));
        both_refuse(name, &config, (b"\x82\x01a\x89\x00", &bad), (*at, Error::BadLength, 1002));
        let continuation = [&[0x80], &bad[1..]].concat();
        both_refuse(name, &config, (b"\x02\x00", &continuation), (*at, Error::BadLength, 1002));
    }
    for opcode in [0x88, 0x89, 0x8a] {
        let wire: &[u8] = &[opcode, 126, 0, 5, 3, 0xe8, b'b', b'y', b'e'];
        both_refuse("control", &config, (b"", wire), (2, Error::BadControlLength, 1002));
    }
}

/// Also where all of the frame is there at once, and could be lent.
#[test]
fn fr_03_non_minimal_length_of_a_whole_frame_is_1002() {
    for (length, long) in [(0_u16, false), (125, false), (0, true), (125, true), (126, true), (65535, true)] {
        let [high, low] = length.to_be_bytes();
        let form = if long { &[127, 0, 0, 0, 0, 0, 0, high, low][..] } else { &[126, high, low] };
        for first in [0x81, 0x82] {
            let wire = [&[first], form, &vec![b'a'; length.into()]].concat();
            for role in BOTH {
                let read = run(Api::Receive, role, &Config::new(), [&sent_to(role, &wire)[..]]);
                assert_eq!(read.error, Some(Error::BadLength), "{length} as {form:02x?}, {role:?}");
                assert_eq!(read.events(), [], "{length} as {form:02x?}, {role:?}");
            }
        }
    }
}

#[test]
fn fr_04_top_bit_of_a_length_is_1002_before_any_limit() {
    let rows: &[(&str, &[u8])] = &[
        ("X-12 2^63", b"\x82\x7f\x80\0\0\0\0\0\0\0"),
        ("2^63 + 1", b"\x81\x7f\x80\0\0\0\0\0\0\x01"),
        ("2^64 - 1", b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for config in [Config::new(), Config::new().max_frame(1).max_message(1), unlimited()] {
        for (name, bad) in rows {
            both_refuse(name, &config, (b"", bad), (10, Error::BadLength, 1002));
        }
    }
}

fn unlimited() -> Config {
    Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED).max_fragments(Config::UNLIMITED)
}

#[test]
fn fr_05_reserved_bits_are_1002() {
    let config = Config::new();
    for bits in 1..8 {
        for opcode in OPCODES {
            for fin in [0x80, 0] {
                let bad: &[u8] = &[fin | bits << 4 | opcode, 1, b'a'];
                let name = format!("X-03 {:02x}", bad[0]);
                both_refuse(&name, &config, (b"", bad), (1, Error::BadReservedBit, 1002));
                both_refuse(&name, &config, (b"\x01\x01a", bad), (1, Error::BadReservedBit, 1002));
            }
        }
    }
}

#[test]
fn fr_06_reserved_opcodes_are_1002() {
    let config = Config::new();
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        for fin in [0x80, 0] {
            let bad: &[u8] = &[fin | opcode, 1, b'a'];
            let name = format!("X-04 {:02x}", bad[0]);
            both_refuse(&name, &config, (b"", bad), (1, Error::BadOpCode, 1002));
            both_refuse(&name, &config, (b"\x02\x01a", bad), (1, Error::BadOpCode, 1002));
        }
    }
}

#[test]
fn fr_07_no_payload_is_legal_for_every_opcode() {
    let config = Config::new();
    let rows: &[(&str, &[u8], &[Event<'_>])] = &[
        ("text", b"\x81\x00", &[Event::Text("")]),
        ("binary", b"\x82\x00", &[Event::Binary(b"")]),
        ("ping", b"\x89\x00", &[Event::Ping(b"")]),
        ("pong", b"\x8a\x00", &[Event::Pong(b"")]),
        ("close", b"\x88\x00", &[Event::Close(None)]),
        ("fragments", b"\x02\x00\x00\x00\x00\x00\x80\x00", &[Event::Binary(b"")]),
        ("first", b"\x01\x00\x80\x01a", &[Event::Text("a")]),
        ("middle", b"\x01\x01a\x00\x00\x80\x01b", &[Event::Text("ab")]),
        ("last", b"\x01\x01a\x80\x00", &[Event::Text("a")]),
        (
            "all in a row",
            b"\x81\x00\x82\x00\x89\x00\x8a\x00\x81\x00",
            &[Event::Text(""), Event::Binary(b""), Event::Ping(b""), Event::Pong(b""), Event::Text("")],
        ),
    ];
    for (name, wire, events) in rows {
        both_read(name, &config, wire, events);
    }
}

#[test]
fn fr_08_length_counts_the_payload_and_not_the_key() {
    let config = Config::new();
    let stream = masked(b"\x81\x05Hello\x82\x01!");
    let transcript = read(Role::Server, &config, &stream);
    assert_eq!(transcript.events(), owned(&[Event::Text("Hello"), Event::Binary(b"!")]));
    assert_eq!(transcript.ends, [11, 18]);
    let mut connection = connection(Role::Client, &config);
    let (_, writer) = connection.split();
    writer.text("Hello").expect("fits");
    assert_eq!((writer.pending()[1], writer.pending().len()), (0x85, 11));
}

/// Name, limits, valid frames, a bad one.
type Row<'a> = (&'a str, &'a Config, &'a [u8], &'a [u8], Fault);

#[test]
fn fr_09_header_errors_come_at_their_first_byte() {
    let limited = Config::new().max_message(1024);
    let config = Config::new();
    let kilobyte = frame(0x02, &[0; 1024]);
    let rows: &[Row<'_>] = &[
        ("X-03", &config, b"", b"\xc1\x00", (1, Error::BadReservedBit, 1002)),
        ("X-04", &config, b"", b"\x83\x00", (1, Error::BadOpCode, 1002)),
        ("X-05", &config, b"", b"\x80\x00", (1, Error::BadContinuation, 1002)),
        ("X-06", &config, b"\x01\x00", b"\x81\x05Hello", (1, Error::BadContinuation, 1002)),
        ("X-07 ping", &config, b"", b"\x09\x00", (1, Error::BadControlFragment, 1002)),
        ("X-07 close", &config, b"", b"\x08\x00", (1, Error::BadControlFragment, 1002)),
        ("X-07 pong", &config, b"", b"\x0a\x00", (1, Error::BadControlFragment, 1002)),
        ("X-08", &config, b"", b"\x89\x7e\x00\x7e", (2, Error::BadControlLength, 1002)),
        ("X-09", &config, b"", b"\x88\x7f\0\0\0\0\0\0\0\x02", (2, Error::BadControlLength, 1002)),
        ("X-10", &config, b"", b"\x82\x7e\x00\x7d", (4, Error::BadLength, 1002)),
        ("X-11", &config, b"", b"\x82\x7f\0\0\0\0\0\0\xff\xff", (10, Error::BadLength, 1002)),
        ("X-12", &config, b"", b"\x82\x7f\x80\0\0\0\0\0\0\0", (10, Error::BadLength, 1002)),
        ("X-13", &config, b"", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", (10, Error::FrameTooBig, 1009)),
        ("X-14", &limited, b"", b"\x82\x7e\x04\x01", (4, Error::MessageTooBig, 1009)),
        ("X-15", &limited, &kilobyte, b"\x80\x01a", (2, Error::MessageTooBig, 1009)),
        ("X-16", &config, b"", b"\xc9\x00", (1, Error::BadReservedBit, 1002)),
    ];
    for (name, config, before, bad, fault) in rows {
        both_refuse(name, config, (before, bad), *fault);
    }
    let (unmasked, masked) = (b"\x81\x05Hello", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(first_error(Role::Server, &config, unmasked), Some((2, Error::BadMask)), "X-01");
    assert_eq!(first_error(Role::Client, &config, masked), Some((2, Error::BadMask)), "X-02");
    // A bad first byte is named before a bad mask, and a bad mask before a bad length.
    assert_eq!(first_error(Role::Server, &config, b"\x83\x05"), Some((1, Error::BadOpCode)));
    assert_eq!(first_error(Role::Server, &config, b"\x89\x7e"), Some((2, Error::BadMask)));
}

#[test]
fn fr_10_frames_are_consumed_to_the_byte_at_any_cut() {
    let config = Config::new();
    let long = pattern(300);
    let server =
        [&b"\x81\x05Hello\x82\x00\x89\x01?"[..], &frame(0x82, &long), b"\x01\x02\xe2\x82\x8a\x00\x80\x01\xac\x81\x00"]
            .concat();
    let events = owned(&[
        Event::Text("Hello"),
        Event::Binary(b""),
        Event::Ping(b"?"),
        Event::Binary(&long),
        Event::Pong(b""),
        Event::Text("\u{20ac}"),
        Event::Text(""),
    ]);
    for role in BOTH {
        let wire = sent_to(role, &server);
        let transcript = read(role, &config, &wire);
        assert_eq!(transcript.events(), events, "{role:?}");
        let mut end = 0;
        let mut ends = Vec::new();
        for Frame { first, length, .. } in frames(&wire) {
            end += length;
            if first != 0x01 {
                ends.push(end);
            }
        }
        assert_eq!(transcript.ends, ends, "{role:?}");
        assert_eq!(transcript.frames, 8, "{role:?}");
        // All cuts of the part with the short frames into three.
        for a in 0..24 {
            for b in a..24 {
                for api in Api::ALL {
                    let pieces = [&wire[..a], &wire[a..b], &wire[b..]];
                    assert_eq!(run(api, role, &config, pieces), transcript, "{role:?}, {api:?}, {a}, {b}");
                }
            }
        }
    }
}

#[test]
fn fr_11_borders_of_frames_mean_nothing() {
    let config = Config::new();
    let text = "K\u{f6}ln";
    let bytes = text.as_bytes();
    for borders in 0..1 << (bytes.len() - 1) {
        let mut parts = vec![Vec::new()];
        for (i, byte) in bytes.iter().enumerate() {
            parts.last_mut().expect("never empty").push(*byte);
            if i + 1 < bytes.len() && borders & (1 << i) != 0 {
                parts.push(Vec::new());
            }
        }
        let last = parts.len() - 1;
        let wire: Vec<_> = parts
            .iter()
            .enumerate()
            .flat_map(|(i, part)| frame(u8::from(i == last) << 7 | u8::from(i == 0), part))
            .collect();
        both_read("fragments", &config, &wire, &[Event::Text(text)]);
    }
}

#[test]
fn fr_12_announced_length_allocates_nothing() {
    let large: &[(&str, &[u8])] = &[
        ("2^31 - 1", b"\x82\x7f\0\0\0\0\x7f\xff\xff\xff"),
        ("2^31", b"\x82\x7f\0\0\0\0\x80\0\0\0"),
        ("2^32", b"\x01\x7f\0\0\0\x01\0\0\0\0"),
        ("X-13 2^63 - 1", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
    ];
    let frame_limit = Config::new().max_frame(65536).max_message(Config::UNLIMITED);
    let message_limit = Config::new().max_frame(Config::UNLIMITED).max_message(65536);
    for (name, wire) in large {
        both_refuse(name, &Config::new(), (b"", wire), (10, Error::FrameTooBig, 1009));
        both_refuse(name, &frame_limit, (b"", wire), (10, Error::FrameTooBig, 1009));
        both_refuse(name, &message_limit, (b"", wire), (10, Error::MessageTooBig, 1009));
        // Without limits it is what arrives that counts. (An allocation of this size would abort the test.)
        if usize::try_from(u64::MAX).is_ok() {
            let wire = [wire, &b"a few bytes"[..]].concat();
            for role in BOTH {
                let transcript = read(role, &unlimited(), &sent_to(role, &wire));
                assert_eq!((transcript.events, transcript.error), (Vec::new(), None), "{name}, {role:?}");
            }
        }
    }
}

#[test]
fn fr_12_sizes_of_fragments_are_added_without_overflow() {
    // 1 + (2^63 - 1), and on 32 bits more than a `usize` holds.
    let bad = b"\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    let config = Config::new().max_frame(Config::UNLIMITED).max_message(1 << 20);
    both_refuse("sum", &config, (b"\x02\x01a", bad), (10, Error::MessageTooBig, 1009));
}

#[test]
fn fr_13_a_message_is_of_the_kind_of_its_first_frame() {
    let config = Config::new();
    let wire = b"\x02\x01a\x80\x01b\x01\x01c\x80\x01d\x82\x01e\x81\x01f";
    let events = [Event::Binary(b"ab"), Event::Text("cd"), Event::Binary(b"e"), Event::Text("f")];
    both_read("kinds by turns", &config, wire, &events);
}

#[test]
fn fr_14_data_is_sent_only_before_the_own_close() {
    // There is no writer before the connection is open: the handshake makes it.
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (_, writer) = connection.split();
        writer.text("before").expect("open");
        writer.close(CloseCode::NORMAL, "").expect("valid");
        let pending = writer.pending().to_vec();
        let mut payload = *b"payload";
        assert_eq!(writer.text("a"), Err(SendError::Closed));
        assert_eq!(writer.binary(b"a"), Err(SendError::Closed));
        assert_eq!(writer.fragment(Kind::Text, b"a", true), Err(SendError::Closed));
        assert_eq!(writer.text_in_place(&mut payload).err(), Some(SendError::Closed));
        assert_eq!(writer.binary_in_place(&mut payload).err(), Some(SendError::Closed));
        assert_eq!(writer.fragment_in_place(Kind::Binary, &mut payload, false).err(), Some(SendError::Closed));
        assert_eq!(&payload, b"payload", "{role:?}: untouched");
        assert_eq!(writer.pending(), pending, "{role:?}: nothing on the wire");
    }
}

#[test]
fn fr_15_the_whole_payload_is_application_data() {
    let config = Config::new();
    for length in [1, 2, 125, 126, 127, 200] {
        let payload = pattern(length);
        both_read("binary", &config, &frame(0x82, &payload), &[Event::Binary(&payload)]);
        let body = &payload[..length.min(125)];
        both_read("ping", &config, &frame(0x89, body), &[Event::Ping(body)]);
    }
}

#[test]
fn fr_16_part_of_a_frame_is_delivered_before_its_end() {
    use ws_proto::Chunk::Data;
    let mut connection = connection(Role::Server, &Config::new());
    let (reader, _) = connection.split();
    let mut wire = masked(b"\x82\x05Hello");
    let (first, second) = wire.split_at_mut(8);
    let mut input = first;
    assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Data { kind: Kind::Binary, bytes: b"He", last: false })));
    assert_eq!(reader.receive_chunk(&mut input), Ok(None));
    let mut input = second;
    assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Data { kind: Kind::Binary, bytes: b"llo", last: true })));
    assert_eq!(reader.receive_chunk(&mut input), Ok(None));
}

/// Says one of each kind of frame.
fn one_of_each(writer: &mut Writer) {
    writer.text("Hello").expect("fits");
    writer.text("").expect("fits");
    writer.binary(&pattern(300)).expect("fits");
    writer.binary(&[]).expect("fits");
    writer.fragment(Kind::Text, b"a", false).expect("fits");
    writer.ping(b"").expect("fits");
    writer.fragment(Kind::Text, b"", false).expect("fits");
    writer.pong(b"pong").expect("fits");
    writer.fragment(Kind::Text, b"b", true).expect("fits");
    writer.ping(&[0; 125]).expect("fits");
    writer.close(CloseCode::NORMAL, "bye").expect("valid");
}

/// Everything a fresh connection of `role` can put on a wire: what is queued and what is handed out.
fn all_frames(role: Role) -> Vec<Frame> {
    let config = Config::new();
    let mut queued = connection(role, &config);
    one_of_each(queued.split().1);
    let mut wire = queued.outgoing().to_vec();

    let mut answering = connection(role, &config);
    let (reader, writer) = answering.split();
    for server in [&b"\x89\x02hi"[..], b"\x88\x02\x03\xe8"] {
        let mut bytes = sent_to(role, server);
        assert!(reader.receive(&mut &mut bytes[..]).expect("valid").is_some());
        let reply = reader.take_reply().expect("owed");
        wire.extend_from_slice(&writer.reply_bytes(reply).expect("open"));
    }

    let mut lent = connection(role, &config);
    let (_, writer) = lent.split();
    let (mut text, mut binary, mut first, mut last) = (*b"text", *b"binary", *b"1", *b"2");
    wire.extend_from_slice(&writer.text_in_place(&mut text).expect("open"));
    wire.extend_from_slice(&text);
    wire.extend_from_slice(&writer.binary_in_place(&mut binary).expect("open"));
    wire.extend_from_slice(&binary);
    wire.extend_from_slice(&writer.fragment_in_place(Kind::Binary, &mut first, false).expect("open"));
    wire.extend_from_slice(&first);
    wire.extend_from_slice(&writer.ping_bytes(b"ping").expect("open"));
    wire.extend_from_slice(&writer.pong_bytes(b"").expect("open"));
    wire.extend_from_slice(&writer.fragment_in_place(Kind::Binary, &mut last, true).expect("open"));
    wire.extend_from_slice(&last);
    wire.extend_from_slice(&writer.close_bytes(CloseCode::NORMAL, "").expect("open"));
    frames(&wire)
}

#[test]
fn mk_01_every_frame_of_a_client_is_masked() {
    let all = all_frames(Role::Client);
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|frame| frame.key.is_some()));
    let payloads: Vec<_> = all[13..].iter().map(|frame| &frame.payload[..]).collect();
    assert_eq!(payloads, [&b"text"[..], b"binary", b"1", b"ping", b"", b"2", b"\x03\xe8"]);
}

#[test]
fn mk_02_no_frame_of_a_server_is_masked() {
    let all = all_frames(Role::Server);
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|frame| frame.key.is_none()));
}

/// Valid but for their mask, as a server sends them.
const ANY: &[&[u8]] = &[
    b"\x81\x05Hello",
    b"\x81\x00",
    b"\x82\x01a",
    b"\x01\x01a",
    b"\x89\x00",
    b"\x8a\x01a",
    b"\x88\x00",
    b"\x88\x02\x03\xe8",
    b"\x82\x7e\x00\x7e",
];

#[test]
fn mk_03_unmasked_frame_to_a_server_is_1002() {
    let config = Config::new();
    for wire in ANY {
        assert_eq!(first_error(Role::Server, &config, wire), Some((2, Error::BadMask)), "{wire:02x?}");
        let transcript = read(Role::Server, &config, wire);
        assert_eq!(transcript.events, [], "{wire:02x?}");
        assert_eq!(transcript.owed, common::owed_close(1002), "{wire:02x?}");
        // Behind frames that were masked, and inside a message.
        let valid = masked(b"\x89\x00\x81\x02ok");
        let later = [&valid, *wire].concat();
        assert_eq!(first_error(Role::Server, &config, &later), Some((valid.len() + 2, Error::BadMask)));
    }
    let fragments = [&masked(b"\x01\x01a")[..], b"\x80\x01b"].concat();
    assert_eq!(first_error(Role::Server, &config, &fragments), Some((9, Error::BadMask)));
}

#[test]
fn mk_03_of_an_unmasked_frame_no_byte_is_delivered() {
    for api in Api::ALL {
        let mut run = Run::new(api, Role::Server, &Config::new());
        run.feed(b"\x82\x05Hello");
        assert_eq!(run.log.events, [], "{api:?}");
    }
    // Not even as a chunk.
    let mut connection = connection(Role::Server, &Config::new());
    let mut wire = *b"\x02\x05Hello";
    assert_eq!(connection.split().0.receive_chunk(&mut &mut wire[..]), Err(Error::BadMask));
}

#[test]
fn mk_04_masked_frame_to_a_client_is_1002() {
    let config = Config::new();
    for wire in ANY {
        let wire = masked(wire);
        assert_eq!(first_error(Role::Client, &config, &wire), Some((2, Error::BadMask)), "{wire:02x?}");
        let transcript = read(Role::Client, &config, &wire);
        assert_eq!(transcript.events, [], "{wire:02x?}");
        assert_eq!(transcript.owed, common::owed_close(1002), "{wire:02x?}");
        let later = [&b"\x81\x02ok"[..], &wire].concat();
        assert_eq!(first_error(Role::Client, &config, &later), Some((6, Error::BadMask)));
    }
}

#[test]
fn mk_05_every_frame_has_its_own_key() {
    let mut connection = connection(Role::Client, &Config::new());
    let (_, writer) = connection.split();
    one_of_each(writer);
    let all = frames(writer.pending());
    let keys: HashSet<_> = all.iter().filter_map(|frame| frame.key).collect();
    assert_eq!(keys.len(), all.len());

    let config = Config::new().fragment_size(1);
    let mut connection = common::connection(Role::Client, &config);
    let (_, writer) = connection.split();
    writer.text("a message in fragments").expect("fits");
    let keys: HashSet<_> = frames(writer.pending()).iter().filter_map(|frame| frame.key).collect();
    assert_eq!(keys.len(), 22);
}

/// Security, T23: as many keys as frames, alike no more often than chance has it, and none to be told from those before.
#[test]
fn t23_a_million_frames_have_keys_of_their_own() {
    const N: usize = 1_000_000;
    let seed = Seed::from_entropy(core::array::from_fn(|i| u8::try_from(i * 7).expect("small")));
    let mut connection = ws_proto::Connection::client(&Config::new(), seed);
    let (_, writer) = connection.split();
    let keys: Vec<u32> = (0..N)
        .map(|_| u32::from_be_bytes(*writer.binary_in_place(&mut []).expect("open").last_chunk().expect("a key")))
        .collect();
    // Two of 2^32 keys are alike 116 times on average, with a deviation of 11.
    let alike = N - keys.iter().collect::<HashSet<_>>().len();
    assert!((60..180).contains(&alike), "{alike} keys came twice");
    assert!(keys.windows(2).all(|keys| keys[0] != keys[1]));
    for distance in [1, 2, 3, 4, 8, 16, 20, 32, 64] {
        // A bit of the difference is set half the time, with a deviation of 500.
        let mut ones = [0_usize; 32];
        for pair in keys.iter().zip(&keys[distance..]).step_by(16) {
            let difference = pair.0 ^ pair.1;
            (0..32).for_each(|bit| ones[bit] += usize::from(difference >> bit & 1 == 1));
        }
        let half = (N - distance).div_ceil(16) / 2;
        assert!(ones.iter().all(|ones| ones.abs_diff(half) < 800), "{distance} apart: {ones:?}");
    }
}

/// Security, T24: not as an event, and not as a chunk, of a frame that is whole or is not.
#[test]
fn t24_no_byte_of_a_frame_with_the_wrong_mask_is_delivered() {
    let inside: &[&[u8]] = &[b"\x80\x06secret", b"\x00\x06secret", b"\x89\x06secret", b"\x88\x02\x03\xe8"];
    for (begun, wires) in [(&b""[..], ANY), (b"\x01\x04good", inside)] {
        for wire in wires {
            for role in BOTH {
                let bad = if role == Role::Server { wire.to_vec() } else { masked(wire) };
                for cut in 0..=bad.len() {
                    let name = format!("{wire:02x?}, cut at {cut}, {role:?}");
                    let mut connection = connection(role, &Config::new());
                    let (reader, _) = connection.split();
                    let mut begun = sent_to(role, begun);
                    let mut input = &mut begun[..];
                    while reader.receive_chunk(&mut input).expect("good").is_some() {}
                    let (mut one, mut two) = (bad[..cut].to_vec(), bad[cut..].to_vec());
                    // The second byte says it.
                    let (bad, over) = (Err(Error::BadMask), Ok(None));
                    let (first, second) = if cut < 2 { (over, bad) } else { (bad, over) };
                    assert_eq!(reader.receive_chunk(&mut &mut one[..]), first, "{name}");
                    assert_eq!(reader.receive_chunk(&mut &mut two[..]), second, "{name}");
                    assert_eq!(flush(&mut connection), b"\x88\x02\x03\xea", "{name}");
                }
            }
        }
    }
}

fn keys(seed: Seed, n: usize, payload: &[u8]) -> Vec<u32> {
    let mut connection = ws_proto::Connection::client(&Config::new().max_pending(Config::UNLIMITED), seed);
    let (_, writer) = connection.split();
    for _ in 0..n {
        writer.ping(payload).expect("fits");
    }
    frames(writer.pending()).iter().map(|frame| u32::from_be_bytes(frame.key.expect("masked"))).collect()
}

#[test]
fn mk_06_keys_are_unpredictable() {
    const N: usize = 1 << 15;
    let all = keys(Seed::predictable_for_tests(1), N, b"");
    // Of so many out of 2^32, an eighth of one is expected twice.
    assert!(all.iter().collect::<HashSet<_>>().len() > N - 4);
    // Neither keys nor differences of neighbours lean to any bit, or repeat as those of a counter would.
    for step in [1, 2, 8, 32, 40] {
        let changes: Vec<_> = all.windows(step + 1).map(|keys| keys[0] ^ keys[step]).collect();
        assert!(changes.iter().collect::<HashSet<_>>().len() > changes.len() - 4, "{step} apart");
        for bit in 0..32 {
            let ones = changes.iter().filter(|key| *key >> bit & 1 == 1).count();
            assert!(ones.abs_diff(changes.len() / 2) < 600, "bit {bit}, {step} apart: {ones}");
        }
    }
    // They come from the seed alone, all of it, and not from what is sent.
    assert_eq!(keys(Seed::predictable_for_tests(1), 64, b"something else"), all[..64]);
    for i in 0..32 {
        let mut bytes = [0; 32];
        bytes[i] = 1;
        let other = keys(Seed::from_entropy(bytes), 64, b"");
        let zero = keys(Seed::from_entropy([0; 32]), 64, b"");
        assert!(other.iter().all(|key| !zero.contains(key)), "byte {i} of the seed");
    }
}

#[test]
fn mk_07_no_client_without_a_seed() {
    // That the source failed is known before there is a connection to send with.
    let seed: std::io::Result<Seed> = Seed::from_os();
    let first = keys(seed.expect("the operating system has entropy"), 8, b"");
    let second = keys(Seed::from_os().expect("the operating system has entropy"), 8, b"");
    assert_ne!(first, second);
    assert_eq!(format!("{:?}", Seed::predictable_for_tests(7)), "Seed(..)");
}

#[test]
fn mk_08_each_byte_is_masked_by_its_place_in_the_payload() {
    // [`frames`] unmasks letter by letter; here the wire itself.
    let mut connection = connection(Role::Client, &Config::new());
    let (_, writer) = connection.split();
    writer.text("first").expect("fits");
    writer.text("Hello, world").expect("fits");
    let (header, payload) = writer.pending()[11..].split_at(6);
    let key = [header[2], header[3], header[4], header[5]];
    assert_eq!(payload.len(), 12);
    for (i, byte) in b"Hello, world".iter().enumerate() {
        assert_eq!(payload[i], byte ^ key[i % 4], "byte {i}");
    }
}

#[test]
fn mk_09_the_key_goes_on_over_reads_and_restarts_with_a_frame() {
    let config = Config::new();
    let long = pattern(37);
    let server = [frame(0x02, b"12345"), frame(0x89, b"678"), frame(0x80, &long), frame(0x82, b"9")].concat();
    let joined = [&b"12345"[..], &long].concat();
    let events = owned(&[Event::Ping(b"678"), Event::Binary(&joined), Event::Binary(b"9")]);
    assert_eq!(read(Role::Server, &config, &masked(&server)).events(), events);
}

#[test]
fn mk_10_an_empty_masked_frame_has_its_key() {
    let mut connection = connection(Role::Client, &Config::new());
    let (_, writer) = connection.split();
    for (first, say) in [
        (0x81, &mut (|writer: &mut Writer| writer.text("")) as &mut dyn FnMut(&mut Writer) -> _),
        (0x82, &mut |writer: &mut Writer| writer.binary(b"")),
        (0x89, &mut |writer: &mut Writer| writer.ping(b"")),
        (0x8a, &mut |writer: &mut Writer| writer.pong(b"")),
        (0x01, &mut |writer: &mut Writer| writer.fragment(Kind::Text, b"", false)),
    ] {
        say(writer).expect("fits");
        assert_eq!((&writer.pending()[..2], writer.pending().len()), (&[first, 0x80][..], 6));
        writer.consume(6);
    }
    writer.close_without_code();
    assert_eq!((&writer.pending()[..2], writer.pending().len()), (&[0x88, 0x80][..], 6));
}

#[test]
fn mk_11_any_key_is_legal_and_goes_first() {
    let config = Config::new();
    for key in [[0; 4], [0xff; 4], [0x80, 0, 0, 0], [0xed, 0xa0, 0x80, 0xff]] {
        let mut wire = Vec::new();
        let server: [(u8, &[u8]); 4] =
            [(0x81, "text: \u{20ac}".as_bytes()), (0x89, b"ping"), (0x82, b"\xff\x00"), (0x88, b"\x03\xe8bye")];
        for (first, payload) in server {
            wire.extend([first, 0x80 | u8::try_from(payload.len()).expect("short")]);
            wire.extend(key);
            wire.extend(naive_mask(payload, key));
        }
        let close = ws_proto::Close { code: CloseCode::NORMAL, reason: "bye" };
        let events = [
            Event::Text("text: \u{20ac}"),
            Event::Ping(b"ping"),
            Event::Binary(b"\xff\x00"),
            Event::Close(Some(close)),
        ];
        assert_eq!(read(Role::Server, &config, &wire).events(), owned(&events), "{key:02x?}");
    }
}

#[test]
fn mk_12_what_is_queued_cannot_be_changed() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (_, writer) = connection.split();
        let mut message = *b"Hello";
        writer.binary(&message).expect("fits");
        let wire = writer.pending().to_vec();
        message.fill(b'!');
        writer.consume(1);
        writer.binary(&message).expect("fits");
        assert_eq!(writer.pending()[..wire.len() - 1], wire[1..], "{role:?}: the first frame is as it was");
        let second = frames(&writer.pending()[wire.len() - 1..]);
        assert_eq!(second.len(), 1, "{role:?}: more data is a new frame");
        assert_eq!(second[0].payload, b"!!!!!", "{role:?}");
        assert!(role == Role::Server || second[0].key != frames(&wire)[0].key, "with a new key");
    }
}

#[test]
fn mk_13_masking_equals_the_rule_at_all_lengths_offsets_and_keys() {
    let data = pattern(320);
    for key in [KEY, [0; 4], [0xff; 4], [1, 2, 3, 4], [0x80, 0, 0, 0], [0, 0, 0, 0x80]] {
        for length in 0..=300 {
            for start in [0, 1, 2, 3, 4, 5, 7, 8, 15] {
                let mut bytes = data.clone();
                mask::apply(&mut bytes[start..start + length], key);
                let naive = naive_mask(&data[start..start + length], key);
                assert_eq!(bytes[start..start + length], naive, "{length} bytes from {start}");
                assert_eq!(bytes[..start], data[..start], "what is before is untouched");
                assert_eq!(bytes[start + length..], data[start + length..], "what is behind is untouched");
            }
        }
    }
}

#[test]
fn mk_13_masking_goes_on_at_every_cut() {
    let data = pattern(300);
    let whole = naive_mask(&data, KEY);
    for cut in 0..=data.len() {
        let mut bytes = data.clone();
        let (left, right) = bytes.split_at_mut(cut);
        mask::apply(left, KEY);
        mask::apply(right, mask::turn(KEY, cut));
        assert_eq!(bytes, whole, "cut at {cut}");
    }
    for n in 0..64 {
        let key = mask::turn(KEY, n);
        assert_eq!(key, [KEY[n % 4], KEY[(n + 1) % 4], KEY[(n + 2) % 4], KEY[(n + 3) % 4]], "{n}");
    }
    assert_eq!(mask::turn(KEY, usize::MAX), [KEY[3], KEY[0], KEY[1], KEY[2]]);
}

#[test]
fn fr_09_limits_hold_at_n_and_one_more() {
    // A limit, and where the header of a frame that is one longer ends.
    for (limit, at) in [(0, 2), (100, 2), (124, 2), (125, 4), (126, 4), (1000, 4), (65535, 10), (65536, 10)] {
        let fits = vec![b'a'; limit];
        let text = String::from_utf8(fits.clone()).expect("ASCII");
        let over = frame(0x81, &vec![b'a'; limit + 1]);
        for role in BOTH {
            for (config, error) in [
                (Config::new().max_frame(limit), Error::FrameTooBig),
                (Config::new().max_message(limit), Error::MessageTooBig),
            ] {
                let wire = sent_to(role, &frame(0x81, &fits));
                assert_eq!(run(Api::Receive, role, &config, [&wire[..]]).events(), [Got::Text(text.clone())]);
                refuses("one more", role, &config, (b"", &over[..at]), (at, error, 1009));
            }
        }
    }
}
