#![cfg(feature = "std")]
//! Pings, pongs, and control frames in general (RFC 6455, section 5.5).

mod common;

use self::common::{
    BOTH, Got, both_read, both_refuse, connection, flush, frame, frames, pattern, plain, read, receive, sent_to, writes,
};
use ws_proto::frame::OpCode;
use ws_proto::{Body, CloseCode, Config, ControlBytes, Error, Event, Kind, Role, SendError, Transport};

#[test]
fn ct_01_long_control_frame_is_1002_at_its_second_byte() {
    let config = Config::new();
    for first in [0x88, 0x89, 0x8a] {
        let rows: &[(&str, &[u8])] = &[
            ("X-08 126", b"\x7e\x00\x7e"),
            ("125 in 16 bits", b"\x7e\x00\x7d"),
            ("65535", b"\x7e\xff\xff"),
            ("X-09 64 bits", b"\x7f\0\0\0\0\0\x01\0\0"),
            ("2 in 64 bits", b"\x7f\0\0\0\0\0\0\0\x02"),
            ("top bit", b"\x7f\x80\0\0\0\0\0\0\0"),
        ];
        for (name, rest) in rows {
            let bad = [&[first], *rest, &[0; 126][..]].concat();
            both_refuse(name, &config, (b"", &bad), (2, Error::BadControlLength, 1002));
            both_refuse(name, &config, (b"\x01\x01a", &bad), (2, Error::BadControlLength, 1002));
        }
        if first != 0x88 {
            let longest = pattern(125);
            let event = if first == 0x89 { Event::Ping(&longest) } else { Event::Pong(&longest) };
            both_read("125", &config, &frame(first, &longest), &[event]);
        }
    }
}

/// Security, T27: at the byte that says it, before any payload, and nothing is answered to a pong.
#[test]
fn t27_control_frames_are_judged_before_their_payload() {
    let config = Config::new();
    for opcode in [0x08, 0x09, 0x0a] {
        for (length, rest) in [(126_u8, &b""[..]), (126, &[0, 126]), (127, b""), (127, &[0x7f; 8])] {
            let bad = [&[0x80 | opcode, length], rest].concat();
            both_refuse("long", &config, (b"", &bad), (2, Error::BadControlLength, 1002));
        }
        for length in [0, 2, 125, 126, 127] {
            both_refuse("goes on", &config, (b"", &[opcode, length]), (1, Error::BadControlFragment, 1002));
        }
    }
    for opcode in [0x89, 0x8a] {
        let event = |payload| if opcode == 0x89 { Event::Ping(payload) } else { Event::Pong(payload) };
        both_read("125", &config, &frame(opcode, &[7; 125]), &[event(&[7; 125])]);
    }
    for role in BOTH {
        let mut connection = connection(role, &config);
        connection.split().1.ping(b"asked").expect("fits");
        assert_eq!(flush(&mut connection), b"\x89\x05asked");
        for pong in [&b"\x8a\x05asked"[..], b"\x8a\x05asked", b"\x8a\x05never", b"\x8a\x00"] {
            let (got, error) = receive(&mut connection, pong);
            assert!(matches!(got[..], [Got::Pong(_)]) && error.is_none(), "{role:?}");
            assert_eq!((flush(&mut connection).len(), connection.transport()), (0, Transport::Open), "{role:?}");
        }
    }
}

#[test]
fn ct_02_fragmented_control_frame_is_1002() {
    let config = Config::new();
    for first in [0x08, 0x09, 0x0a] {
        for bad in [&[first, 0][..], &[first, 2, 3, 0xe8]] {
            both_refuse("X-07", &config, (b"", bad), (1, Error::BadControlFragment, 1002));
            both_refuse("X-07", &config, (b"\x02\x01a", bad), (1, Error::BadControlFragment, 1002));
            both_refuse("X-07", &config, (b"\x89\x00", bad), (1, Error::BadControlFragment, 1002));
        }
    }
}

#[test]
fn ct_03_reserved_bit_on_a_control_frame_is_1002() {
    let config = Config::new();
    for first in [0x88, 0x89, 0x8a] {
        for bits in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] {
            let bad: &[u8] = &[first | bits, 0];
            both_refuse("X-16", &config, (b"", bad), (1, Error::BadReservedBit, 1002));
            both_refuse("X-16", &config, (b"\x01\x01a", bad), (1, Error::BadReservedBit, 1002));
        }
    }
}

#[test]
fn ct_04_control_payload_is_at_most_125_bytes() {
    let (longest, over) = ([7; 125], [7; 126]);
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (_, writer) = connection.split();
        for bytes in [&over[..], &vec![0; 70_000]] {
            assert_eq!(writer.ping(bytes), Err(SendError::ControlTooLong));
            assert_eq!(writer.pong(bytes), Err(SendError::ControlTooLong));
            assert_eq!(writer.ping_bytes(bytes).err(), Some(SendError::ControlTooLong));
            assert_eq!(writer.pong_bytes(bytes).err(), Some(SendError::ControlTooLong));
        }
        assert_eq!(writer.pending(), b"", "{role:?}: nothing on the wire");
        writer.ping(&longest).expect("fits");
        writer.pong(&longest).expect("fits");
        assert_eq!(plain(role, writer.pending()), [frame(0x89, &longest), frame(0x8a, &longest)].concat());
        let bytes = writer.ping_bytes(&longest).expect("fits").to_vec();
        assert_eq!(plain(role, &bytes), frame(0x89, &longest));
        let key = if role == Role::Client { 4 } else { 0 };
        assert_eq!(bytes.len(), ControlBytes::MAX - 4 + key, "{role:?}");
    }
    assert_eq!(Body::new(&over), None);
    assert_eq!(Body::new(&longest).as_deref(), Some(&longest[..]));
}

#[test]
fn ct_05_ping_is_answered_by_a_pong_of_the_same_payload() {
    let all: Vec<u8> = (0..=255).collect();
    let mut payloads: Vec<_> = (0..=125).map(|n| &all[..n]).collect();
    payloads.extend([&all[100..225], &all[131..], b"\xff\xfe\xed\xa0\x80"]);
    for role in BOTH {
        for payload in &payloads {
            let mut connection = connection(role, &Config::new());
            let (got, error) = receive(&mut connection, &frame(0x89, payload));
            assert_eq!((got, error), (vec![Got::Ping(payload.to_vec())], None));
            assert_eq!(flush(&mut connection), frame(0x8a, payload), "{role:?}");
            assert_eq!(flush(&mut connection), b"", "{role:?}: once");
            assert_eq!(connection.transport(), Transport::Open);
        }
        let transcript = read(role, &Config::new(), &sent_to(role, b"\x89\x00\x89\x02hi\x81\x01a\x89\x03\xff\0\x80"));
        assert_eq!(transcript.events.iter().filter(|(_, owed)| owed.is_some()).count(), 3, "{role:?}");
    }
}

#[test]
fn ct_06_pong_goes_out_behind_what_is_queued_and_between_fragments() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        connection.split().1.fragment(Kind::Text, b"a", false).expect("fits");
        // Part of the fragment is on the wire already: the pong must not tear it.
        let first = connection.outgoing()[..1].to_vec();
        connection.consume(1);
        assert_eq!(receive(&mut connection, b"\x89\x01?").1, None);
        let rest = connection.outgoing().to_vec();
        assert_eq!(plain(role, &[first, rest].concat()), b"\x01\x01a\x8a\x01?", "{role:?}: without waiting");
        let pending = connection.split().1.pending().len();
        connection.consume(pending);
        connection.split().1.fragment(Kind::Text, b"b", false).expect("still in the message");
        assert_eq!(receive(&mut connection, b"\x89\x00").1, None);
        let _ = connection.outgoing();
        connection.split().1.fragment(Kind::Text, b"c", true).expect("fits");
        assert_eq!(flush(&mut connection), b"\x00\x01b\x8a\x00\x80\x01c", "{role:?}");

        connection.split().1.text("queued").expect("fits");
        assert_eq!(receive(&mut connection, b"\x89\x01!").1, None);
        assert_eq!(flush(&mut connection), b"\x81\x06queued\x8a\x01!", "{role:?}: behind");
    }
}

#[test]
fn ct_07_newest_ping_of_a_read_is_answered_at_least() {
    let flood: Vec<u8> = (0..1000_u16).flat_map(|i| frame(0x89, &i.to_be_bytes())).collect();
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, &flood).0.len(), 1000);
        assert_eq!(flush(&mut connection), frame(0x8a, &999_u16.to_be_bytes()), "{role:?}");
        // Who wants to answer all takes each reply as it comes.
        let mut wire = sent_to(role, &flood);
        let (reader, writer) = connection.split();
        let mut input = &mut wire[..];
        while reader.receive(&mut input).expect("valid").is_some() {
            writer.reply(reader.take_reply().expect("owed"));
        }
        let answers: Vec<u8> = (0..1000_u16).flat_map(|i| frame(0x8a, &i.to_be_bytes())).collect();
        assert_eq!(flush(&mut connection), answers, "{role:?}");
    }
}

#[test]
fn ct_07_a_flood_of_pings_cannot_grow_the_output() {
    // The peer sends and never reads.
    let ping = frame(0x89, &[0; 125]);
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        for _ in 0..1000 {
            assert_eq!(receive(&mut connection, &ping).1, None);
            assert!(connection.outgoing().len() <= 131, "{role:?}");
        }
        // The newest was kept waiting and goes out once there is room.
        assert_eq!(receive(&mut connection, b"\x89\x06newest").1, None);
        assert_eq!(flush(&mut connection).len(), 127, "{role:?}");
        assert_eq!(flush(&mut connection), b"\x8a\x06newest", "{role:?}");
    }
}

#[test]
fn ct_07_a_pong_is_never_stuck() {
    // Not even where nothing may be pending.
    for role in BOTH {
        let mut connection = connection(role, &Config::new().max_pending(0));
        assert_eq!(receive(&mut connection, b"\x89\x00").1, None);
        assert_eq!(flush(&mut connection), b"\x8a\x00", "{role:?}");
        assert_eq!(connection.split().0.receive_eof(), Err(Error::UnexpectedEof));
        assert_eq!(connection.transport(), Transport::Close, "{role:?}");
    }
}

#[test]
fn ct_08_unsolicited_pong_is_no_error_and_gets_no_answer() {
    let config = Config::new();
    let events = [
        Event::Pong(b""),
        Event::Pong(b"never asked"),
        Event::Pong(b"never asked"),
        Event::Pong(b"\xff"),
        Event::Text("a"),
    ];
    let wire = b"\x8a\x00\x8a\x0bnever asked\x8a\x0bnever asked\x8a\x01\xff\x81\x01a";
    both_read("pongs", &config, wire, &events);
    for role in BOTH {
        let mut connection = connection(role, &config);
        connection.split().1.ping(b"asked").expect("fits");
        assert_eq!(flush(&mut connection), b"\x89\x05asked");
        assert_eq!(receive(&mut connection, wire).1, None);
        assert_eq!(flush(&mut connection), b"", "{role:?}");
        assert_eq!(connection.transport(), Transport::Open);
    }
}

#[test]
fn ct_09_pings_and_pongs_are_sent_any_time_while_open() {
    // There is no writer before the connection is open: the handshake makes it.
    for role in BOTH {
        let wire = writes(role, &Config::new(), |writer| {
            writer.ping(b"1").expect("first of all");
            writer.pong(b"").expect("unasked");
            writer.fragment(Kind::Binary, b"a", false).expect("fits");
            writer.ping(b"2").expect("inside a message");
            writer.pong(b"3").expect("inside a message");
            writer.fragment(Kind::Binary, b"b", true).expect("fits");
            writer.ping(b"").expect("behind it");
            writer.close_without_code();
            assert_eq!(writer.ping(b""), Err(SendError::Closed));
            assert_eq!(writer.pong(b""), Err(SendError::Closed));
            assert_eq!(writer.ping_bytes(b"").err(), Some(SendError::Closed));
            assert_eq!(writer.pong_bytes(b"").err(), Some(SendError::Closed));
        });
        let expected = b"\x89\x011\x8a\x00\x02\x01a\x89\x012\x8a\x013\x80\x01b\x89\x00\x88\x00";
        assert_eq!(wire, expected, "{role:?}");
    }
}

#[test]
fn ct_10_ping_behind_the_peers_close_is_not_answered() {
    both_read("same read", &Config::new(), b"\x88\x00\x89\x00\x89\x01?", &[Event::Close(None)]);
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x00\x89\x00").0, [Got::Close(None)]);
        assert_eq!(receive(&mut connection, b"\x89\x00"), (vec![], None));
        assert_eq!(flush(&mut connection), b"\x88\x00", "{role:?}");
        assert_eq!(receive(&mut connection, b"\x89\x00"), (vec![], None));
        assert_eq!(flush(&mut connection), b"", "{role:?}");
    }
}

#[test]
fn ct_11_ping_behind_the_own_close_is_not_answered() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        connection.split().1.close(CloseCode::NORMAL, "").expect("valid");
        assert_eq!(receive(&mut connection, b"\x89\x01?").0, [Got::Ping(b"?".to_vec())]);
        assert_eq!(flush(&mut connection), b"\x88\x02\x03\xe8", "{role:?}");
        assert_eq!(receive(&mut connection, b"\x89\x01!").0, [Got::Ping(b"!".to_vec())]);
        assert_eq!(flush(&mut connection), b"", "{role:?}");
        let (reader, writer) = connection.split();
        let mut wire = sent_to(role, b"\x89\x00");
        assert_eq!(reader.receive(&mut &mut wire[..]), Ok(Some(Event::Ping(b""))));
        let reply = reader.take_reply().expect("the reader does not know of the close");
        assert!(writer.reply_bytes(reply).is_none(), "{role:?}");
        // A ping that was owed its pong before is too late as well.
        let mut connection = common::connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x89\x00").1, None);
        connection.split().1.close_without_code();
        assert_eq!(flush(&mut connection), b"\x88\x00", "{role:?}");
    }
}

#[test]
fn ct_12_control_frames_are_never_sent_in_fragments() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new().fragment_size(1));
        let (_, writer) = connection.split();
        writer.ping(b"a long ping").expect("fits");
        writer.pong(b"a long pong").expect("fits");
        assert_eq!(receive(&mut connection, b"\x89\x04long").1, None);
        let _ = connection.outgoing();
        connection.split().1.close(CloseCode::NORMAL, "a long reason").expect("fits");
        let wire = flush(&mut connection);
        let expected = b"\x89\x0ba long ping\x8a\x0ba long pong\x8a\x04long\x88\x0f\x03\xe8a long reason";
        assert_eq!(wire, expected, "{role:?}");
        assert!(frames(&wire).iter().all(|frame| frame.first & 0xf0 == 0x80), "{role:?}: final, no reserved bit");
    }
    assert!([OpCode::Close, OpCode::Ping, OpCode::Pong].iter().all(|opcode| opcode.is_control()));
    assert!(![OpCode::Text, OpCode::Binary, OpCode::Continuation].iter().any(|opcode| opcode.is_control()));
}

#[test]
fn ct_13_control_frames_leave_the_state_of_a_message_alone() {
    let config = Config::new();
    // Inside a character.
    let wire = b"\x01\x01\xf0\x89\x01\x80\x00\x01\x9f\x8a\x01\xff\x00\x01\x98\x89\x00\x80\x01\x80";
    let events = [Event::Ping(b"\x80"), Event::Pong(b"\xff"), Event::Ping(b""), Event::Text("\u{1f600}")];
    both_read("character", &config, wire, &events);
    let bad = b"\x01\x01\xf0\x89\x01\x9f\x80\x01\x41";
    for role in BOTH {
        let transcript = read(role, &config, &sent_to(role, bad));
        assert_eq!((transcript.events().len(), transcript.error), (1, Some(Error::BadUtf8)), "{role:?}");
    }
    // The sizes and counts of a message: neither reset nor added to.
    let limited = Config::new().max_message(4).max_fragments(3);
    let ping = frame(0x89, &[0; 125]);
    let fits = [b"\x02\x02ab", &ping[..], &ping, b"\x00\x01c", &ping, b"\x80\x01d"].concat();
    let payload = [0; 125];
    let pings = [Event::Ping(&payload); 3];
    both_read("limits", &limited, &fits, &[&pings[..], &[Event::Binary(b"abcd")]].concat());
    let before = [b"\x02\x02ab", &ping[..], b"\x00\x01c", &ping].concat();
    both_refuse("size", &limited, (&before, b"\x80\x02de"), (2, Error::MessageTooBig, 1009));
    let before = [b"\x02\x00", &ping[..], b"\x00\x00", &ping, b"\x00\x00", &ping].concat();
    both_refuse("count", &limited, (&before, b"\x80\x00"), (1, Error::TooManyFragments, 1008));
    // A frame's own limit is for data.
    both_read("frame", &Config::new().max_frame(1), &ping, &pings[..1]);
}

#[test]
fn ct_13_control_frames_leave_the_message_of_a_writer_alone() {
    for role in [Role::Client, Role::Server] {
        let wire = writes(role, &Config::new(), |writer| {
            writer.fragment(Kind::Text, b"\xe2", false).expect("fits");
            writer.ping(b"\xff").expect("fits");
            assert_eq!(writer.fragment(Kind::Text, b"", true), Err(SendError::BadUtf8));
            writer.fragment(Kind::Text, b"\x82\xac", true).expect("completes it");
        });
        assert_eq!(wire, b"\x01\x01\xe2\x89\x01\xff\x80\x02\x82\xac", "{role:?}");
    }
}
