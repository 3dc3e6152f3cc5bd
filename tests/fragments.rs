#![cfg(feature = "std")]
//! Messages in fragments (RFC 6455, section 5.4).

mod common;

use self::common::{
    Api, BOTH, Got, Owed, both_read, both_refuse, closed, connection, ended, flush, frame, frames, pattern, plain,
    read, receive, run, sent_to, writes,
};
use ws_proto::{Close, CloseCode, Config, Error, Event, Kind, SendError, Side};

#[test]
fn fg_01_fragments_and_whole_messages_are_read() {
    let config = Config::new();
    let rows: &[(&str, &[u8], &[Event<'_>])] = &[
        ("one frame", b"\x81\x01a", &[Event::Text("a")]),
        ("two", b"\x01\x01a\x80\x01b", &[Event::Text("ab")]),
        ("three", b"\x02\x01a\x00\x01b\x80\x01c", &[Event::Binary(b"abc")]),
        ("five", b"\x01\x01a\x00\x01b\x00\x01c\x00\x01d\x80\x01e", &[Event::Text("abcde")]),
        ("whole behind fragments", b"\x01\x01a\x80\x01b\x82\x01c", &[Event::Text("ab"), Event::Binary(b"c")]),
        (
            "fragments behind fragments",
            b"\x01\x01a\x80\x01b\x02\x01c\x80\x01d",
            &[Event::Text("ab"), Event::Binary(b"cd")],
        ),
        ("unfinished", b"\x81\x01a\x01\x01b\x00\x01c", &[Event::Text("a")]),
    ];
    for (name, wire, events) in rows {
        both_read(name, &config, wire, events);
    }
}

/// The first bytes of frames, in any order: valid and invalid messages.
const FIRST: [u8; 8] = [0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8a];

/// Section 5.4 as a list: the events of frames that each carry their number, or which frame is wrong.
fn naive_messages(frames: &[u8]) -> (Vec<Got>, Option<usize>) {
    let mut events = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    for (i, (first, payload)) in frames.iter().zip(b'0'..).enumerate() {
        let payload = vec![payload];
        match first & 0x0f {
            9 => events.push(Got::Ping(payload)),
            10 => events.push(Got::Pong(payload)),
            0 if open.is_none() => return (events, Some(i)),
            1 | 2 if open.is_some() => return (events, Some(i)),
            opcode => {
                let (kind, mut message) = open.take().unwrap_or((opcode, Vec::new()));
                message.extend(payload);
                if first & 0x80 == 0 {
                    open = Some((kind, message));
                } else if kind == 1 {
                    events.push(Got::Text(String::from_utf8(message).expect("digits")));
                } else {
                    events.push(Got::Binary(message));
                }
            }
        }
    }
    (events, None)
}

#[test]
fn fg_01_all_orders_of_frames_equal_a_naive_reading() {
    let config = Config::new();
    for n in 1..=4_u32 {
        for number in 0..8_usize.pow(n) {
            let firsts: Vec<u8> = (0..n).map(|i| FIRST[number >> (3 * i) & 7]).collect();
            let wire: Vec<u8> =
                firsts.iter().zip(b'0'..).flat_map(|(first, payload)| frame(*first, &[payload])).collect();
            let (events, wrong) = naive_messages(&firsts);
            for role in BOTH {
                let wire = sent_to(role, &wire);
                let transcript =
                    if n < 4 { read(role, &config, &wire) } else { run(Api::Receive, role, &config, wire.chunks(1)) };
                assert_eq!(transcript.events(), events, "{firsts:02x?}, {role:?}");
                assert_eq!(transcript.error, wrong.map(|_| Error::BadContinuation), "{firsts:02x?}, {role:?}");
                assert_eq!(transcript.frames, wrong.unwrap_or(firsts.len()) as u64, "{firsts:02x?}, {role:?}");
            }
        }
    }
}

#[test]
fn fg_02_any_fragmentation_of_a_message_is_received() {
    let config = Config::new();
    let message = pattern(130);
    for size in 1..=130 {
        for kind in [0x01, 0x02] {
            let payload = if kind == 1 { &[b'x'; 130][..] } else { &message };
            let parts: Vec<_> = payload.chunks(size).collect();
            let last = parts.len() - 1;
            let wire: Vec<u8> = parts
                .iter()
                .enumerate()
                .flat_map(|(i, part)| frame(if i == 0 { kind } else { 0 } | u8::from(i == last) << 7, part))
                .collect();
            let expected = if kind == 1 { Got::Text("x".repeat(130)) } else { Got::Binary(message.clone()) };
            for (role, api) in BOTH.into_iter().flat_map(|role| Api::ALL.map(|api| (role, api))) {
                let wire = sent_to(role, &wire);
                for n in [1, 2, 7, 64, wire.len()] {
                    let transcript = run(api, role, &config, wire.chunks(n));
                    assert_eq!(transcript.events(), core::slice::from_ref(&expected), "{size}, {role:?}, {api:?}, {n}");
                }
            }
        }
    }
}

#[test]
fn fg_03_continuation_without_a_message_is_1002() {
    let config = Config::new();
    let rows: &[(&str, &[u8])] = &[
        ("X-05 at the start", b""),
        ("behind a message", b"\x81\x01a"),
        ("behind fragments", b"\x01\x01a\x80\x01b"),
        ("behind empty fragments", b"\x02\x00\x80\x00"),
        ("behind a ping", b"\x89\x00"),
        ("behind fragments and a ping", b"\x01\x01a\x89\x00\x80\x01b\x8a\x00"),
    ];
    for (name, before) in rows {
        for bad in [&b"\x80\x00"[..], b"\x80\x01a", b"\x00\x00", b"\x00\x01a"] {
            both_refuse(name, &config, (before, bad), (1, Error::BadContinuation, 1002));
        }
    }
}

#[test]
fn fg_04_message_inside_a_message_is_1002() {
    let config = Config::new();
    let rows: &[(&str, &[u8])] = &[
        ("X-06 behind an empty start", b"\x01\x00"),
        ("behind text", b"\x01\x01a"),
        ("behind bytes", b"\x02\x01a"),
        ("behind a continuation", b"\x01\x01a\x00\x01b"),
        ("behind a ping", b"\x01\x01a\x89\x00"),
        ("in the second message", b"\x01\x01a\x80\x01b\x02\x00"),
    ];
    for (name, before) in rows {
        for bad in [&b"\x81\x00"[..], b"\x82\x01a", b"\x01\x01a", b"\x02\x00"] {
            both_refuse(name, &config, (before, bad), (1, Error::BadContinuation, 1002));
        }
    }
}

#[test]
fn fg_05_control_frames_between_fragments_are_handled_at_once() {
    let wire = b"\x01\x01a\x89\x01?\x00\x01b\x8a\x01!\x89\x00\x80\x01c";
    let events = [Event::Ping(b"?"), Event::Pong(b"!"), Event::Ping(b""), Event::Text("abc")];
    both_read("pings and a pong", &Config::new(), wire, &events);
    for role in BOTH {
        // The pong is outgoing before the message ends.
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, &wire[..6]), (vec![Got::Ping(b"?".to_vec())], None));
        assert_eq!(flush(&mut connection), b"\x8a\x01?", "{role:?}");
        // And so is the answer to a close.
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe8").0, [Got::Close(Some((1000, String::new())))]);
        assert_eq!(flush(&mut connection), b"\x88\x02\x03\xe8", "{role:?}");
    }
}

#[test]
fn fg_06_empty_fragments_are_legal_everywhere() {
    let config = Config::new();
    let rows: &[(&str, &[u8], &[Event<'_>])] = &[
        ("F-10", b"\x01\x00\x00\x00\x80\x00", &[Event::Text("")]),
        ("two", b"\x02\x00\x80\x00", &[Event::Binary(b"")]),
        ("first", b"\x01\x00\x80\x01a", &[Event::Text("a")]),
        ("middle", b"\x01\x01a\x00\x00\x00\x00\x80\x01b", &[Event::Text("ab")]),
        ("last", b"\x02\x01a\x80\x00", &[Event::Binary(b"a")]),
        ("around a character", b"\x01\x01\xc3\x00\x00\x00\x01\xb6\x80\x00", &[Event::Text("\u{f6}")]),
        ("then a message", b"\x01\x00\x80\x00\x82\x01a", &[Event::Text(""), Event::Binary(b"a")]),
    ];
    for (name, wire, events) in rows {
        both_read(name, &config, wire, events);
    }
}

#[test]
fn fg_06_empty_fragments_count_as_fragments() {
    let config = Config::new().max_fragments(4);
    let four = b"\x01\x00\x00\x00\x00\x00";
    both_read("four", &config, &[four, &b"\x80\x00\x01\x00\x80\x00"[..]].concat(), &[Event::Text(""), Event::Text("")]);
    let five = [&four[..], b"\x00\x00"].concat();
    both_refuse("five", &config, (&five, b"\x80\x00"), (1, Error::TooManyFragments, 1008));
    both_refuse("and not the last", &config, (&five, b"\x00\x00"), (1, Error::TooManyFragments, 1008));
    for frames in [0, 1] {
        let config = Config::new().max_fragments(frames);
        both_read("whole messages", &config, b"\x81\x00\x82\x00", &[Event::Text(""), Event::Binary(b"")]);
        both_refuse("two", &config, (b"\x01\x00", b"\x80\x00"), (1, Error::TooManyFragments, 1008));
    }
}

#[test]
fn fg_07_order_and_kind_are_kept() {
    let parts: Vec<String> = (0..50).map(|i| format!("part {i}, ")).collect();
    let mut wire = frame(0x01, b"");
    for part in &parts {
        wire.extend(frame(0x00, part.as_bytes()));
    }
    wire.extend(frame(0x80, b"end"));
    let text = parts.concat() + "end";
    both_read("50 parts", &Config::new(), &wire, &[Event::Text(&text)]);
    let sent = |kind| {
        writes(ws_proto::Role::Server, &Config::new(), |writer| {
            for (part, last) in [("1", false), ("2", false), ("3", true)] {
                writer.fragment(kind, part.as_bytes(), last).expect("fits");
            }
        })
    };
    assert_eq!(sent(Kind::Text), b"\x01\x011\x00\x012\x80\x013");
    assert_eq!(sent(Kind::Binary), b"\x02\x011\x00\x012\x80\x013");
}

#[test]
fn fg_08_one_message_is_sent_at_a_time() {
    for role in BOTH {
        for kind in [Kind::Text, Kind::Binary] {
            let other = if kind == Kind::Text { Kind::Binary } else { Kind::Text };
            let mut connection = connection(role, &Config::new());
            let (_, writer) = connection.split();
            writer.fragment(kind, b"1", false).expect("fits");
            let pending = writer.pending().to_vec();
            let mut lent = *b"lent";
            assert_eq!(writer.text("no"), Err(SendError::Interleaved));
            assert_eq!(writer.binary(b"no"), Err(SendError::Interleaved));
            assert_eq!(writer.fragment(other, b"no", true), Err(SendError::Interleaved));
            assert_eq!(writer.text_in_place(&mut lent).err(), Some(SendError::Interleaved));
            assert_eq!(writer.binary_in_place(&mut lent).err(), Some(SendError::Interleaved));
            assert_eq!(writer.fragment_in_place(other, &mut lent, false).err(), Some(SendError::Interleaved));
            assert_eq!((&lent, writer.pending()), (b"lent", &pending[..]), "{role:?}: as it was");
            // Control frames may come between; then the message goes on.
            writer.ping(b"?").expect("fits");
            writer.fragment(kind, b"2", false).expect("fits");
            writer.pong(b"!").expect("fits");
            writer.fragment(kind, b"3", true).expect("fits");
            writer.binary(b"next").expect("the message is finished");
            let first = if kind == Kind::Text { 0x01 } else { 0x02 };
            let expected = [&[first][..], b"\x011\x89\x01?\x00\x012\x8a\x01!\x80\x013\x82\x04next"].concat();
            assert_eq!(plain(role, writer.pending()), expected, "{role:?}");
        }
        // An end without a start is a whole message: the first fragment is the start.
        let wire = writes(role, &Config::new(), |writer| {
            writer.fragment(Kind::Text, b"all", true).expect("fits");
            writer.fragment(Kind::Binary, b"", true).expect("fits");
        });
        assert_eq!(wire, b"\x81\x03all\x82\x00", "{role:?}");
    }
}

#[test]
fn fg_09_close_inside_a_message_drops_the_message() {
    let close = Close { code: CloseCode::GOING_AWAY, reason: "" };
    let rows: &[(&str, &[u8])] = &[
        ("text", b"\x01\x05Hello\x88\x02\x03\xe9\x80\x01!"),
        ("bytes", b"\x02\x05Hello\x00\x00\x88\x02\x03\xe9"),
        ("inside a character", b"\x01\x01\xe2\x88\x02\x03\xe9\x80\x02\x82\xac"),
    ];
    for (name, wire) in rows {
        both_read(name, &Config::new(), wire, &[Event::Close(Some(close))]);
        for role in BOTH {
            let transcript = read(role, &Config::new(), &sent_to(role, wire));
            assert_eq!(transcript.closed, Some(ended(1001, "", true, Side::Peer)), "{name}, {role:?}");
        }
    }
}

#[test]
fn fg_09_end_of_stream_inside_a_message_drops_the_message() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x01\x05Hello\x00\x05wor"), (vec![], None));
        let (reader, _) = connection.split();
        assert_eq!(reader.receive_eof(), Err(Error::UnexpectedEof));
        assert_eq!(reader.event(), None, "{role:?}");
        assert_eq!(receive(&mut connection, b"ld\x80\x00"), (vec![], None), "{role:?}");
        assert_eq!(closed(&connection), Some(ended(1006, "", false, Side::Peer)), "{role:?}");
    }
}

#[test]
fn fg_10_a_sender_may_cut_at_any_byte() {
    let text = "\u{3ba}\u{1f79}\u{1f600}!";
    for cut in 0..=text.len() {
        let (left, right) = text.as_bytes().split_at(cut);
        let expected = [frame(0x01, left), frame(0x80, right)].concat();
        for role in BOTH {
            let wire = writes(role, &Config::new(), |writer| {
                writer.fragment(Kind::Text, left, false).expect("may end inside a character");
                writer.fragment(Kind::Text, right, true).expect("completes it");
            });
            assert_eq!(wire, expected, "{role:?}, cut at {cut}");
            let (mut left, mut right) = (left.to_vec(), right.to_vec());
            let mut connection = connection(role, &Config::new());
            let (_, writer) = connection.split();
            let mut sent = Vec::new();
            sent.extend_from_slice(&writer.fragment_in_place(Kind::Text, &mut left, false).expect("open"));
            sent.extend(left);
            sent.extend_from_slice(&writer.fragment_in_place(Kind::Text, &mut right, true).expect("open"));
            sent.extend(right);
            assert_eq!(plain(role, &sent), expected, "{role:?}, in place, cut at {cut}");
        }
        both_read("cut", &Config::new(), &expected, &[Event::Text(text)]);
    }
}

#[test]
fn fg_12_messages_are_split_at_a_configured_size_and_not_by_default() {
    let message = pattern(1000);
    for role in BOTH {
        let config = Config::new();
        let large = vec![0; 1 << 20];
        assert_eq!(frames(&writes(role, &config, |writer| writer.binary(&large).expect("fits"))).len(), 1);
        for size in [1, 2, 3, 125, 126, 499, 500, 501, 999] {
            let config = Config::new().fragment_size(size);
            let wire = writes(role, &config, |writer| writer.binary(&message).expect("fits"));
            let parts: Vec<_> = message.chunks(size).collect();
            let last = parts.len() - 1;
            let expected: Vec<u8> = parts
                .iter()
                .enumerate()
                .flat_map(|(i, part)| frame(if i == 0 { 2 } else { 0 } | u8::from(i == last) << 7, part))
                .collect();
            assert_eq!(wire, expected, "{role:?}, {size}");
        }
        for size in [1000, 1001] {
            let config = Config::new().fragment_size(size);
            let wire = writes(role, &config, |writer| writer.binary(&message).expect("fits"));
            assert_eq!(wire, frame(0x82, &message), "{role:?}, {size}");
        }
        // Zero counts as one; what is empty is one frame; text may be cut inside a character.
        let config = Config::new().fragment_size(0);
        let wire = writes(role, &config, |writer| {
            writer.text("").expect("fits");
            writer.text("\u{f6}").expect("fits");
        });
        assert_eq!(wire, b"\x81\x00\x01\x01\xc3\x80\x01\xb6", "{role:?}");
    }
}

#[test]
fn fg_05_a_late_pong_is_for_the_newest_ping() {
    // Three pings between fragments in one read, one look at what is owed (section 5.5.3).
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (got, error) = receive(&mut connection, b"\x01\x01a\x89\x011\x89\x012\x89\x013\x80\x01b");
        assert_eq!((got.len(), error), (4, None));
        let (reader, writer) = connection.split();
        let reply = reader.take_reply().expect("owed");
        assert_eq!(Owed::from(reply), Owed::Pong(b"3".to_vec()), "{role:?}");
        writer.reply(reply);
        assert_eq!(flush(&mut connection), b"\x8a\x013", "{role:?}");
    }
}

#[test]
fn fg_02_the_limit_of_a_message_counts_over_any_fragmentation() {
    let message = pattern(10);
    let (fits, over) = (Config::new().max_message(10), Config::new().max_message(9));
    for borders in 0..1_usize << 9 {
        let cuts: Vec<_> = (0..=10).filter(|cut| [0, 10].contains(cut) || borders >> (cut - 1) & 1 == 1).collect();
        let last = cuts.len() - 2;
        let wire: Vec<u8> = (0..=last)
            .flat_map(|i| frame(if i == 0 { 2 } else { 0 } | u8::from(i == last) << 7, &message[cuts[i]..cuts[i + 1]]))
            .collect();
        for (role, api) in BOTH.into_iter().flat_map(|role| Api::ALL.map(|api| (role, api))) {
            let wire = sent_to(role, &wire);
            let got = run(api, role, &fits, [&wire[..]]);
            assert_eq!(got.events(), [Got::Binary(message.clone())], "{cuts:?}, {role:?}, {api:?}");
            let got = run(api, role, &over, [&wire[..]]);
            assert_eq!((got.events.len(), got.error), (0, Some(Error::MessageTooBig)), "{cuts:?}, {role:?}, {api:?}");
        }
    }
}
