#![cfg(feature = "std")]
//! The closing handshake, failing a connection, and status codes (RFC 6455, sections 5.5.1, 7.1 and 7.4).

mod common;

use self::common::{
    Api, BOTH, Ended, Got, Owed, Run, both_read, carry, closed, connection, ended, first_error, flush, frame, frames,
    masked, owed_close, plain, read, receive, refuses, sent_to, writes,
};
use ws_proto::{
    BadClose, Body, Close, CloseCode, Config, Connection, Error, Event, Kind, Role, SendError, Side, Transport,
};

/// Name, from a server, from a client, the code and the reason.
type Valid = (&'static str, &'static [u8], &'static [u8], Option<(u16, &'static str)>);

const VALID: &[Valid] = &[
    ("C-01", b"\x88\x00", b"\x88\x80\x37\xfa\x21\x3d", None),
    ("C-02", b"\x88\x02\x03\xe8", b"\x88\x82\x37\xfa\x21\x3d\x34\x12", Some((1000, ""))),
    ("C-03", b"\x88\x05\x03\xe8bye", b"\x88\x85\x37\xfa\x21\x3d\x34\x12\x43\x44\x52", Some((1000, "bye"))),
    ("C-04", b"\x88\x02\x03\xe9", b"\x88\x82\x37\xfa\x21\x3d\x34\x13", Some((1001, ""))),
    ("C-05", b"\x88\x02\x03\xea", b"\x88\x82\x37\xfa\x21\x3d\x34\x10", Some((1002, ""))),
    ("C-06", b"\x88\x02\x03\xeb", b"\x88\x82\x37\xfa\x21\x3d\x34\x11", Some((1003, ""))),
    ("C-07", b"\x88\x02\x03\xef", b"\x88\x82\x37\xfa\x21\x3d\x34\x15", Some((1007, ""))),
    ("C-08", b"\x88\x02\x03\xf0", b"\x88\x82\x37\xfa\x21\x3d\x34\x0a", Some((1008, ""))),
    ("C-09", b"\x88\x02\x03\xf1", b"\x88\x82\x37\xfa\x21\x3d\x34\x0b", Some((1009, ""))),
    ("C-10", b"\x88\x02\x03\xf3", b"\x88\x82\x37\xfa\x21\x3d\x34\x09", Some((1011, ""))),
    ("C-11", b"\x88\x02\x03\xf4", b"\x88\x82\x37\xfa\x21\x3d\x34\x0e", Some((1012, ""))),
    ("C-12", b"\x88\x02\x03\xf5", b"\x88\x82\x37\xfa\x21\x3d\x34\x0f", Some((1013, ""))),
    ("C-13", b"\x88\x02\x03\xf6", b"\x88\x82\x37\xfa\x21\x3d\x34\x0c", Some((1014, ""))),
    ("C-14", b"\x88\x02\x0b\xb8", b"\x88\x82\x37\xfa\x21\x3d\x3c\x42", Some((3000, ""))),
    ("C-15", b"\x88\x02\x0f\x9f", b"\x88\x82\x37\xfa\x21\x3d\x38\x65", Some((3999, ""))),
    ("C-16", b"\x88\x02\x0f\xa0", b"\x88\x82\x37\xfa\x21\x3d\x38\x5a", Some((4000, ""))),
    ("C-17", b"\x88\x02\x13\x87", b"\x88\x82\x37\xfa\x21\x3d\x24\x7d", Some((4999, ""))),
    (
        "C-18",
        b"\x88\x14\x03\xf2permessage-deflate",
        b"\x88\x94\x37\xfa\x21\x3d\x34\x08\x51\x58\x45\x97\x44\x4e\x44\x9b\x46\x58\x1a\x9e\x44\x5b\x5b\x9b\x55\x58",
        Some((1010, "permessage-deflate")),
    ),
];

/// Name, from a server, from a client, and the fault.
const INVALID: &[(&str, &[u8], &[u8], BadClose)] = &[
    ("C-30", b"\x88\x01\x03", b"\x88\x81\x37\xfa\x21\x3d\x34", BadClose::Length),
    ("C-31", b"\x88\x02\x00\x00", b"\x88\x82\x37\xfa\x21\x3d\x37\xfa", BadClose::Code(CloseCode(0))),
    ("C-32", b"\x88\x02\x03\xe7", b"\x88\x82\x37\xfa\x21\x3d\x34\x1d", BadClose::Code(CloseCode(999))),
    ("C-33", b"\x88\x02\x03\xec", b"\x88\x82\x37\xfa\x21\x3d\x34\x16", BadClose::Code(CloseCode(1004))),
    ("C-34", b"\x88\x02\x03\xed", b"\x88\x82\x37\xfa\x21\x3d\x34\x17", BadClose::Code(CloseCode(1005))),
    ("C-35", b"\x88\x02\x03\xee", b"\x88\x82\x37\xfa\x21\x3d\x34\x14", BadClose::Code(CloseCode(1006))),
    ("C-36", b"\x88\x02\x03\xf7", b"\x88\x82\x37\xfa\x21\x3d\x34\x0d", BadClose::Code(CloseCode(1015))),
    ("C-37", b"\x88\x02\x03\xf8", b"\x88\x82\x37\xfa\x21\x3d\x34\x02", BadClose::Code(CloseCode(1016))),
    ("C-38", b"\x88\x02\x04\x4c", b"\x88\x82\x37\xfa\x21\x3d\x33\xb6", BadClose::Code(CloseCode(1100))),
    ("C-39", b"\x88\x02\x07\xd0", b"\x88\x82\x37\xfa\x21\x3d\x30\x2a", BadClose::Code(CloseCode(2000))),
    ("C-40", b"\x88\x02\x0b\xb7", b"\x88\x82\x37\xfa\x21\x3d\x3c\x4d", BadClose::Code(CloseCode(2999))),
    ("C-41", b"\x88\x02\x13\x88", b"\x88\x82\x37\xfa\x21\x3d\x24\x72", BadClose::Code(CloseCode(5000))),
    ("C-42", b"\x88\x02\xff\xff", b"\x88\x82\x37\xfa\x21\x3d\xc8\x05", BadClose::Code(CloseCode(65535))),
    ("C-43", b"\x88\x03\x03\xe8\xff", b"\x88\x83\x37\xfa\x21\x3d\x34\x12\xde", BadClose::Reason),
    ("C-44", b"\x88\x04\x03\xe8\xe2\x82", b"\x88\x84\x37\xfa\x21\x3d\x34\x12\xc3\xbf", BadClose::Reason),
];

/// A text message that is fine, and a frame that never is.
const FINE: &[u8] = b"\x81\x02ok";
const FAULT: &[u8] = b"\x83\x00";

fn eof(connection: &mut Connection) -> Result<(), Error> {
    connection.split().0.receive_eof()
}

fn say_close(connection: &mut Connection, code: u16, reason: &str) -> Result<(), SendError> {
    connection.split().1.close(CloseCode(code), reason)
}

/// A connection whose close frame is written.
fn closing(role: Role, config: &Config) -> Connection {
    let mut connection = connection(role, config);
    say_close(&mut connection, 1000, "").expect("valid");
    assert_eq!(flush(&mut connection), b"\x88\x02\x03\xe8");
    connection
}

/// Asks for what is outgoing until the transport says what to do next; what was written.
fn drain(connection: &mut Connection) -> (Vec<u8>, Transport) {
    let mut wire = Vec::new();
    while connection.transport() == Transport::CloseAfterFlush {
        let more = flush(connection);
        assert!(!more.is_empty() || connection.transport() != Transport::CloseAfterFlush, "stuck");
        wire.extend(more);
    }
    (wire, connection.transport())
}

fn got_close(code: u16, reason: &str) -> Got {
    Got::Close(Some((code, reason.to_owned())))
}

#[test]
fn cl_01_body_is_empty_or_a_code_and_a_reason() {
    let config = Config::new();
    let longest = "a".repeat(123);
    let c19 = frame(0x88, format!("\x03\u{0}{longest}").as_bytes());
    let c19 = [&c19[..3], &[0xe8], &c19[4..]].concat();
    assert_eq!((c19.len(), &c19[..4]), (127, &b"\x88\x7d\x03\xe8"[..]));
    let rows = VALID.iter().map(|(name, server, client, close)| (*name, *server, client.to_vec(), *close));
    for (name, server, client, close) in rows.chain([("C-19", &c19[..], masked(&c19), Some((1000, &longest[..])))]) {
        assert_eq!(masked(server), client, "{name}");
        let event = Event::Close(close.map(|(code, reason)| Close { code: CloseCode(code), reason }));
        both_read(name, &config, server, &[event]);
        let body = &server[2..];
        let decoded = Close::decode(body).expect("valid");
        assert_eq!(decoded.map(|close| (close.code.0, close.reason)), close, "{name}");
        for role in BOTH {
            if close.is_some_and(|(code, _)| code == 1010) && role == Role::Server {
                continue;
            }
            let wire = writes(role, &config, |writer| match close {
                Some((code, reason)) => writer.close(CloseCode(code), reason).expect("valid"),
                None => writer.close_without_code(),
            });
            assert_eq!(wire, server, "{name}, {role:?}");
            let mut connection = connection(role, &config);
            if let Some((code, reason)) = close {
                let bytes = connection.split().1.close_bytes(CloseCode(code), reason).expect("valid");
                assert_eq!(plain(role, &bytes), server, "{name}, {role:?}");
            }
        }
    }
}

#[test]
fn cl_02_body_of_one_byte_is_1002() {
    assert_eq!(Close::decode(b"\x03"), Err(BadClose::Length));
    for role in BOTH {
        for byte in [0, 3, 0xff] {
            let at = if role == Role::Server { 7 } else { 3 };
            let fault = (at, Error::BadClose(BadClose::Length), 1002);
            refuses("C-30", role, &Config::new(), (b"", &[0x88, 1, byte]), fault);
            refuses("C-30", role, &Config::new(), (b"\x01\x01a", &[0x88, 1, byte]), fault);
        }
    }
}

#[test]
fn cl_03_code_that_may_not_be_on_the_wire_is_1002() {
    for (name, server, client, bad) in INVALID {
        assert_eq!(masked(server), *client, "{name}");
        let code = if *bad == BadClose::Reason { 1007 } else { 1002 };
        for (role, wire) in [(Role::Client, server), (Role::Server, client)] {
            let fault = (wire.len(), Error::BadClose(*bad), code);
            refuses(name, role, &Config::new(), (b"", server), fault);
        }
    }
}

#[test]
fn cl_04_reason_that_is_not_utf8_is_1007() {
    for body in [&b"\x03\xe8\xff"[..], b"\x03\xe8\xe2\x82", b"\x0f\xa0ok\xc0\x80", b"\x03\xe9\xed\xa0\x80"] {
        assert_eq!(Close::decode(body), Err(BadClose::Reason));
        for role in BOTH {
            let at = body.len() + if role == Role::Server { 6 } else { 2 };
            let fault = (at, Error::BadClose(BadClose::Reason), 1007);
            refuses("C-43", role, &Config::new(), (FINE, &frame(0x88, body)), fault);
        }
    }
}

/// Security, T28: the body of a close frame, at each border that it has.
#[test]
fn t28_bodies_of_close_frames() {
    let config = Config::new();
    let forbidden = (0..1000).chain([1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX]);
    let allowed = [1000, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    for (code, good) in forbidden.map(|code| (code, false)).chain(allowed.map(|code| (code, true))) {
        for reason in ["", "why"] {
            let wire = frame(0x88, &[&code.to_be_bytes()[..], reason.as_bytes()].concat());
            for role in BOTH {
                let (got, error) = receive(&mut connection(role, &config), &wire);
                let bad = Error::from(BadClose::Code(CloseCode(code)));
                assert_eq!(error, (!good).then_some(bad), "{code}, {role:?}");
                assert_eq!(got, Vec::from_iter(good.then(|| got_close(code, reason))), "{code}, {role:?}");
            }
        }
    }
    let body = |reason: &[u8]| [b"\x03\xe8", reason].concat();
    let longest = "a".repeat(123);
    both_read(
        "123",
        &config,
        &frame(0x88, &body(longest.as_bytes())),
        &[Event::Close(Some(Close { code: CloseCode::NORMAL, reason: &longest }))],
    );
    for role in BOTH {
        let key = if role == Role::Server { 4 } else { 0 };
        let too_long = frame(0x88, &body(&[b'a'; 124]));
        refuses("124", role, &config, (FINE, &too_long), (2, Error::BadControlLength, 1002));
        refuses("1 byte", role, &config, (FINE, b"\x88\x01\x03"), (3 + key, BadClose::Length.into(), 1002));
        for reason in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"ok\xf4\x90\x80\x80", b"\xe2\x82"] {
            let wire = frame(0x88, &body(reason));
            refuses("UTF-8", role, &config, (FINE, &wire), (wire.len() + key, BadClose::Reason.into(), 1007));
        }
        let mut sender = connection(role, &config);
        assert_eq!(say_close(&mut sender, 1000, &"a".repeat(124)), Err(SendError::ReasonTooLong));
        assert_eq!(say_close(&mut sender, 1000, &longest), Ok(()));
        assert_eq!(flush(&mut sender), frame(0x88, &body(longest.as_bytes())), "{role:?}");
    }
}

#[test]
fn cl_05_first_close_is_answered_once_with_its_code() {
    for (name, server, _, close) in VALID {
        for role in BOTH {
            let mut connection = connection(role, &Config::new());
            assert_eq!(receive(&mut connection, server).1, None);
            assert_eq!(connection.transport(), Transport::CloseAfterFlush);
            let expected = frame(0x88, &close.map_or(vec![], |(code, _)| code.to_be_bytes().to_vec()));
            assert_eq!(flush(&mut connection), expected, "{name}, {role:?}: no reason");
            assert_eq!(flush(&mut connection), b"", "{name}, {role:?}: once");
            assert_eq!(receive(&mut connection, server), (vec![], None));
            assert_eq!(flush(&mut connection), b"", "{name}, {role:?}: once");
        }
    }
}

#[test]
fn cl_06_empty_close_is_answered_by_an_empty_close() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x00").0, [Got::Close(None)]);
        assert_eq!(flush(&mut connection), b"\x88\x00", "{role:?}: 1005 is never on the wire");
        assert_eq!(closed(&connection), Some(ended(1005, "", true, Side::Peer)), "{role:?}");
    }
}

#[test]
fn cl_07_answer_may_wait_for_the_end_of_a_message() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        connection.split().1.fragment(Kind::Text, b"a", false).expect("fits");
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").0, [got_close(1001, "")]);
        connection.split().1.fragment(Kind::Text, b"b", false).expect("the answer is not out");
        connection.split().1.fragment(Kind::Text, b"c", true).expect("the answer is not out");
        assert_eq!(flush(&mut connection), b"\x01\x01a\x00\x01b\x80\x01c\x88\x02\x03\xe9", "{role:?}");
        assert_eq!(connection.split().1.text("more"), Err(SendError::Closed));
    }
}

#[test]
fn cl_07_answer_may_have_a_code_of_the_programs_choice() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").0, [got_close(1001, "")]);
        let (reader, writer) = connection.split();
        assert_eq!(reader.take_reply().map(Owed::from), owed_close(1001));
        writer.close(CloseCode(4000), "another").expect("valid");
        assert_eq!(flush(&mut connection), b"\x88\x09\x0f\xa0another", "{role:?}");
        let Some(Ended { code, clean, .. }) = closed(&connection) else { panic!("closed") };
        assert_eq!((code, clean), (1001, true), "{role:?}");
        // Without taking the reply: it gives way all the same.
        let mut connection = common::connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").0, [got_close(1001, "")]);
        say_close(&mut connection, 1000, "").expect("valid");
        let (wire, _) = drain(&mut connection);
        assert_eq!(wire, b"\x88\x02\x03\xe8", "{role:?}: one close frame");
    }
}

#[test]
fn cl_08_nothing_is_sent_behind_the_own_close() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (_, writer) = connection.split();
        writer.text("queued").expect("fits");
        writer.ping(b"queued").expect("fits");
        assert!(!writer.is_closed());
        writer.close(CloseCode::GOING_AWAY, "").expect("valid");
        let mut lent = *b"lent";
        assert_eq!(writer.text(""), Err(SendError::Closed));
        assert_eq!(writer.binary(b""), Err(SendError::Closed));
        assert_eq!(writer.ping(b""), Err(SendError::Closed));
        assert_eq!(writer.pong(b""), Err(SendError::Closed));
        for kind in [Kind::Text, Kind::Binary] {
            assert_eq!(writer.fragment(kind, b"", false), Err(SendError::Closed));
            assert_eq!(writer.fragment_in_place(kind, &mut lent, true).err(), Some(SendError::Closed));
        }
        assert_eq!(writer.text_in_place(&mut lent).err(), Some(SendError::Closed));
        assert_eq!(writer.binary_in_place(&mut lent).err(), Some(SendError::Closed));
        assert_eq!(writer.ping_bytes(b"").err(), Some(SendError::Closed));
        assert_eq!(writer.pong_bytes(b"").err(), Some(SendError::Closed));
        assert_eq!(writer.close_bytes(CloseCode::NORMAL, "").err(), Some(SendError::Closed));
        assert_eq!(&lent, b"lent");
        // What was queued before goes out before.
        assert_eq!(flush(&mut connection), b"\x81\x06queued\x89\x06queued\x88\x02\x03\xe9", "{role:?}");
        assert_eq!(receive(&mut connection, b"\x89\x00\x81\x01a").0.len(), 2);
        assert_eq!(flush(&mut connection), b"", "{role:?}");
    }
}

#[test]
fn cl_08_closed_is_said_before_full() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new().max_pending(1));
        let (_, writer) = connection.split();
        writer.text("full").expect("fits");
        assert_eq!(writer.text("a"), Err(SendError::Full));
        assert_eq!(writer.ping(b"a"), Err(SendError::Full));
        assert_eq!(writer.fragment(Kind::Text, b"\xff", true), Err(SendError::Full));
        writer.close(CloseCode::NORMAL, "").expect("always fits");
        assert_eq!(writer.text("a"), Err(SendError::Closed));
        assert_eq!(writer.ping(b"a"), Err(SendError::Closed));
        assert_eq!(writer.fragment(Kind::Text, b"a", true), Err(SendError::Closed), "{role:?}");
        assert_eq!(plain(role, writer.pending()), b"\x81\x04full\x88\x02\x03\xe8", "{role:?}");
    }
}

#[test]
fn cl_09_second_close_does_nothing() {
    for role in BOTH {
        let wire = writes(role, &Config::new(), |writer| {
            writer.close(CloseCode::NORMAL, "first").expect("valid");
            writer.close(CloseCode::GOING_AWAY, "second").expect("does nothing");
            writer.close_without_code();
        });
        assert_eq!(wire, b"\x88\x07\x03\xe8first", "{role:?}");
        // Also behind the answer to the peer's close, and across it.
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").1, None);
        assert_eq!(connection.outgoing().len(), if role == Role::Client { 8 } else { 4 });
        say_close(&mut connection, 1000, "").expect("does nothing");
        assert_eq!(flush(&mut connection), b"\x88\x02\x03\xe9", "{role:?}");
        let mut connection = closing(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").0, [got_close(1001, "")]);
        say_close(&mut connection, 4000, "").expect("does nothing");
        assert_eq!(drain(&mut connection).0, b"", "{role:?}");
        // What is wrong with the arguments is said all the same.
        assert_eq!(say_close(&mut connection, 1005, ""), Err(SendError::BadCloseCode(CloseCode::NO_CODE)));
    }
}

#[test]
fn cl_10_simultaneous_close_is_clean_at_both_ends() {
    for bytes in [1, 3, 100] {
        let mut client = connection(Role::Client, &Config::new());
        let mut server = connection(Role::Server, &Config::new());
        say_close(&mut client, 4001, "client").expect("valid");
        say_close(&mut server, 4002, "server").expect("valid");
        let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            at_server.extend(carry(&mut client, &mut server, bytes).0);
            at_client.extend(carry(&mut server, &mut client, bytes).0);
        }
        assert_eq!(at_client, [got_close(4002, "server")]);
        assert_eq!(at_server, [got_close(4001, "client")]);
        assert_eq!((client.outgoing(), server.outgoing()), (&b""[..], &b""[..]), "nothing more is sent");
        assert_eq!(closed(&client), Some(ended(4002, "server", true, Side::Local)));
        assert_eq!(closed(&server), Some(ended(4001, "client", true, Side::Local)));
        assert_eq!((client.transport(), server.transport()), (Transport::AwaitPeer, Transport::Close));
        assert_eq!(eof(&mut client), Ok(()));
        assert_eq!(client.transport(), Transport::Close);
    }
}

#[test]
fn cl_11_a_close_sent_or_received_ends_its_direction() {
    for role in BOTH {
        let mut sender = connection(role, &Config::new());
        assert!(!sender.split().1.is_closed());
        say_close(&mut sender, 1000, "").expect("valid");
        assert!(sender.split().1.is_closed() && !sender.split().0.is_closed(), "{role:?}");
        assert_eq!((closed(&sender), sender.transport()), (None, Transport::Open));
        let mut receiver = connection(role, &Config::new());
        assert_eq!(receive(&mut receiver, b"\x88\x00").1, None);
        assert!(receiver.split().0.is_closed() && !receiver.split().1.is_closed(), "{role:?}");
        assert_eq!(flush(&mut receiver), b"\x88\x00");
        assert!(receiver.split().1.is_closed(), "{role:?}");
    }
}

#[test]
fn cl_12_between_the_closes_frames_are_read_and_checked() {
    for role in BOTH {
        let mut connection = closing(role, &Config::new());
        let wire = b"\x81\x01a\x02\x01b\x8a\x00\x80\x01c\x89\x00";
        let got = [Got::Text("a".into()), Got::Pong(vec![]), Got::Binary(b"bc".to_vec()), Got::Ping(vec![])];
        assert_eq!(receive(&mut connection, wire), (got.to_vec(), None), "{role:?}: delivered (D-10)");
        assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe9").0, [got_close(1001, "")]);
        assert_eq!(closed(&connection), Some(ended(1001, "", true, Side::Local)), "{role:?}");
        let mut connection = closing(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x81\x01\xff\x88\x00"), (vec![], Some(Error::BadUtf8)), "{role:?}");
    }
}

#[test]
fn cl_13_what_follows_the_peers_close_is_discarded() {
    let close = Close { code: CloseCode::NORMAL, reason: "bye" };
    let rows: &[(&str, &[u8])] = &[
        ("a message", FINE),
        ("another close", b"\x88\x02\x03\xe9"),
        ("a fault", FAULT),
        ("a bad close", b"\x88\x01\x03"),
        ("a ping", b"\x89\x00"),
        ("half a header", b"\x81"),
        ("noise", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for (name, rest) in rows {
        let wire = [&b"\x88\x05\x03\xe8bye"[..], rest].concat();
        both_read(name, &Config::new(), &wire, &[Event::Close(Some(close))]);
        for role in BOTH {
            let transcript = read(role, &Config::new(), &sent_to(role, &wire));
            assert_eq!(transcript.closed, Some(ended(1000, "bye", true, Side::Peer)), "{name}, {role:?}");
            assert_eq!((transcript.owed, transcript.frames), (None, 1), "{name}, {role:?}");
        }
    }
}

#[test]
fn cl_14_server_closes_the_transport_at_once() {
    let mut server = connection(Role::Server, &Config::new());
    assert_eq!(receive(&mut server, b"\x88\x00").1, None);
    assert_eq!(server.transport(), Transport::CloseAfterFlush);
    assert_eq!(drain(&mut server), (b"\x88\x00".to_vec(), Transport::Close));
    // Its own close first: open until the answer, closed with it.
    let mut server = closing(Role::Server, &Config::new());
    assert_eq!(server.transport(), Transport::Open);
    assert_eq!(receive(&mut server, b"\x88\x02\x03\xe8").1, None);
    assert_eq!(drain(&mut server), (vec![], Transport::Close));
    // What it had queued is written first.
    let mut server = connection(Role::Server, &Config::new());
    server.split().1.text("a").expect("fits");
    assert_eq!(receive(&mut server, b"\x88\x00").1, None);
    assert_eq!(drain(&mut server), (b"\x81\x01a\x88\x00".to_vec(), Transport::Close));
}

#[test]
fn cl_15_client_waits_for_the_server_to_close() {
    for own_first in [false, true] {
        let config = Config::new();
        let mut client = if own_first { closing(Role::Client, &config) } else { connection(Role::Client, &config) };
        assert_eq!(receive(&mut client, b"\x88\x02\x03\xe8").1, None);
        assert_eq!(drain(&mut client).1, Transport::AwaitPeer);
        assert_eq!(receive(&mut client, b"anything"), (vec![], None));
        assert_eq!(client.transport(), Transport::AwaitPeer);
        assert_eq!(eof(&mut client), Ok(()));
        assert_eq!(client.transport(), Transport::Close);
    }
    // If the end comes before the answer is out, the answer is still worth a try.
    let mut client = connection(Role::Client, &Config::new());
    assert_eq!(receive(&mut client, b"\x88\x00").1, None);
    assert_eq!(eof(&mut client), Ok(()));
    assert_eq!(drain(&mut client), (b"\x88\x00".to_vec(), Transport::Close));
}

#[test]
fn cl_16_reported_code_is_that_of_the_first_close_received() {
    for (name, server, _, close) in VALID {
        let (code, reason) = close.unwrap_or((1005, ""));
        for role in BOTH {
            let wire = sent_to(role, &[server, &b"\x88\x02\x0f\xa0"[..]].concat());
            let transcript = read(role, &Config::new(), &wire);
            assert_eq!(transcript.closed, Some(ended(code, reason, true, Side::Peer)), "{name}, {role:?}");
            // Never the code that this end sent.
            let mut connection = connection(role, &Config::new());
            say_close(&mut connection, 4567, "mine").expect("valid");
            assert_eq!(receive(&mut connection, server).1, None);
            assert_eq!(closed(&connection), Some(ended(code, reason, true, Side::Local)), "{name}, {role:?}");
        }
    }
    for role in BOTH {
        let mut connection = closing(role, &Config::new());
        assert_eq!(closed(&connection), None, "{role:?}");
        assert_eq!(eof(&mut connection), Err(Error::UnexpectedEof));
        assert_eq!(closed(&connection), Some(ended(1006, "", false, Side::Local)), "{role:?}");
    }
}

#[test]
fn cl_17_reported_reason_is_that_of_the_first_close_received() {
    let longest = "\u{20ac}".repeat(41);
    assert_eq!(longest.len(), Close::MAX_REASON);
    for reason in ["", "bye", "\u{0}\u{feff}", &longest] {
        let wire = frame(0x88, &[b"\x0b\xb8", reason.as_bytes()].concat());
        for role in BOTH {
            let transcript = read(role, &Config::new(), &sent_to(role, &wire));
            assert_eq!(transcript.closed, Some(ended(3000, reason, true, Side::Peer)), "{role:?}");
        }
    }
    // A ping that came before left nothing in it.
    for role in BOTH {
        let wire = sent_to(role, b"\x89\x09\x03\xe8a ping!\x88\x02\x03\xe8");
        let transcript = read(role, &Config::new(), &wire);
        assert_eq!(transcript.closed, Some(ended(1000, "", true, Side::Peer)), "{role:?}");
    }
}

#[test]
fn cl_18_clean_is_what_both_ends_closed() {
    for role in BOTH {
        let rows: &[(&str, bool, &[u8], bool)] = &[
            ("peer first", false, b"\x88\x00", true),
            ("own first", true, b"\x88\x00", true),
            ("own only", true, b"\x81\x01a", false),
            ("none", false, b"\x81\x01a", false),
            ("fault", false, FAULT, false),
            ("fault behind the own", true, FAULT, false),
            ("bad close", false, b"\x88\x01\x03", false),
            ("bad close behind the own", true, b"\x88\x01\x03", false),
        ];
        for (name, own, wire, clean) in rows {
            let config = Config::new();
            let mut connection = if *own { closing(role, &config) } else { connection(role, &config) };
            let _ = receive(&mut connection, wire);
            let _ = eof(&mut connection);
            let _ = drain(&mut connection);
            assert_eq!(closed(&connection).map(|closed| closed.clean), Some(*clean), "{name}, {role:?}");
        }
        // The peer's close alone: the halves are apart, and its answer was thrown away.
        let mut connection = connection(role, &Config::new());
        assert_eq!(receive(&mut connection, b"\x88\x00").1, None);
        assert!(connection.split().0.take_reply().is_some());
        assert_eq!(closed(&connection), Some(ended(1005, "", false, Side::Peer)), "{role:?}");
    }
}

#[test]
fn cl_19_end_of_stream_without_a_close_is_1006() {
    let rows: &[(&str, &[u8])] = &[
        ("at once", b""),
        ("behind a message", FINE),
        ("in a header", b"\x81"),
        ("in a long header", b"\x82\x7e\x01"),
        ("in a payload", b"\x81\x05Hel"),
        ("in a character", b"\x81\x02\xc3"),
        ("in a message", b"\x01\x01a\x80"),
        ("in a close frame", b"\x88\x02\x03"),
    ];
    for (name, wire) in rows {
        for role in BOTH {
            for own in [false, true] {
                let config = Config::new();
                let mut connection = if own { closing(role, &config) } else { connection(role, &config) };
                let (got, error) = receive(&mut connection, wire);
                assert_eq!((got.len(), error), (usize::from(*wire == FINE), None), "{name}, {role:?}");
                assert_eq!(connection.transport(), Transport::Open);
                assert_eq!(eof(&mut connection), Err(Error::UnexpectedEof), "{name}, {role:?}");
                let by = if own { Side::Local } else { Side::Peer };
                assert_eq!(closed(&connection), Some(ended(1006, "", false, by)), "{name}, {role:?}");
                assert_eq!(drain(&mut connection), (vec![], Transport::Close), "{name}, {role:?}: nothing is owed");
                assert_eq!(connection.split().0.error(), Some(Error::UnexpectedEof));
                // It is said once, and nothing is read any more.
                assert_eq!(eof(&mut connection), Ok(()), "{name}, {role:?}");
                assert_eq!(receive(&mut connection, FINE), (vec![], None), "{name}, {role:?}");
            }
        }
    }
    // What was queued is still worth a try: only the peer's sending half may have ended.
    let mut server = connection(Role::Server, &Config::new());
    server.split().1.text("a").expect("fits");
    assert_eq!(receive(&mut server, b"\x89\x00").1, None);
    assert_eq!(eof(&mut server), Err(Error::UnexpectedEof));
    assert_eq!(drain(&mut server), (b"\x81\x01a\x8a\x00".to_vec(), Transport::Close));
}

#[test]
fn cl_20_close_without_a_code_is_empty() {
    // A reason without a code cannot be said: `close` takes both.
    for role in BOTH {
        assert_eq!(writes(role, &Config::new(), ws_proto::Writer::close_without_code), b"\x88\x00", "{role:?}");
    }
}

#[test]
fn cl_21_long_reason_is_refused_and_not_cut() {
    let rows = ["a".repeat(124), "\u{20ac}".repeat(42), format!("{}\u{20ac}", "a".repeat(121)), "a".repeat(70_000)];
    for role in BOTH {
        let mut connection = connection(role, &Config::new());
        let (_, writer) = connection.split();
        for reason in &rows {
            assert_eq!(writer.close(CloseCode::NORMAL, reason), Err(SendError::ReasonTooLong));
            assert_eq!(writer.close_bytes(CloseCode::NORMAL, reason).err(), Some(SendError::ReasonTooLong));
        }
        assert!(writer.pending().is_empty() && !writer.is_closed(), "{role:?}: as it was");
        writer.text("still open").expect("fits");
        writer.close(CloseCode::NORMAL, &"a".repeat(123)).expect("fits");
    }
}

#[test]
fn cl_24_end_of_stream_behind_the_closes_is_no_failure() {
    for role in BOTH {
        for own in [false, true] {
            let config = Config::new();
            let mut connection = if own { closing(role, &config) } else { connection(role, &config) };
            assert_eq!(receive(&mut connection, b"\x88\x02\x03\xe8").1, None);
            assert_eq!(eof(&mut connection), Ok(()), "{role:?}");
            assert_eq!(connection.split().0.error(), None);
            let by = if own { Side::Local } else { Side::Peer };
            assert_eq!(closed(&connection), Some(ended(1000, "", true, by)), "{role:?}");
        }
    }
}

#[test]
fn cl_25_close_abandons_the_message_being_sent() {
    for role in BOTH {
        let wire = writes(role, &Config::new(), |writer| {
            writer.fragment(Kind::Text, b"\xe2\x82", false).expect("fits");
            writer.close(CloseCode::NORMAL, "").expect("legal here");
            assert_eq!(writer.fragment(Kind::Text, b"\xac", true), Err(SendError::Closed));
        });
        assert_eq!(wire, b"\x01\x02\xe2\x82\x88\x02\x03\xe8", "{role:?}");
        both_read(
            "the peer",
            &Config::new(),
            &wire,
            &[Event::Close(Some(Close { code: CloseCode::NORMAL, reason: "" }))],
        );
    }
}

/// A fault of each kind behind one fine message, and the code that tells of it.
fn faults() -> Vec<(&'static str, Config, &'static [u8], Error, u16)> {
    let config = Config::new();
    vec![
        ("reserved bit", config.clone(), b"\xc1\x00", Error::BadReservedBit, 1002),
        ("opcode", config.clone(), b"\x83\x00", Error::BadOpCode, 1002),
        ("length not shortest", config.clone(), b"\x82\x7e\x00\x05", Error::BadLength, 1002),
        ("length with the top bit", config.clone(), b"\x82\x7f\x80\0\0\0\0\0\0\0", Error::BadLength, 1002),
        ("long control frame", config.clone(), b"\x89\x7e\x00\x7e", Error::BadControlLength, 1002),
        ("fragmented control frame", config.clone(), b"\x09\x00", Error::BadControlFragment, 1002),
        ("continuation", config.clone(), b"\x80\x00", Error::BadContinuation, 1002),
        ("message in a message", config.clone(), b"\x01\x00\x81\x00", Error::BadContinuation, 1002),
        ("close with one byte", config.clone(), b"\x88\x01\x03", Error::BadClose(BadClose::Length), 1002),
        ("close code", config.clone(), b"\x88\x02\x03\xed", Error::BadClose(BadClose::Code(CloseCode(1005))), 1002),
        ("text", config.clone(), b"\x81\x01\xff", Error::BadUtf8, 1007),
        ("cut text", config.clone(), b"\x81\x01\xc3", Error::BadUtf8, 1007),
        ("reason", config.clone(), b"\x88\x03\x03\xe8\xff", Error::BadClose(BadClose::Reason), 1007),
        ("frame", config.clone().max_frame(2), b"\x82\x03abc", Error::FrameTooBig, 1009),
        ("message", config.clone().max_message(2), b"\x02\x02ab\x80\x01c", Error::MessageTooBig, 1009),
        ("fragments", config.max_fragments(1), b"\x01\x00\x80\x00", Error::TooManyFragments, 1008),
    ]
}

#[test]
fn fa_01_failing_sends_one_close_and_then_closes() {
    for (name, config, bad, error, code) in faults() {
        for role in BOTH {
            let mut connection = connection(role, &config);
            let got = receive(&mut connection, &[FINE, bad].concat());
            assert_eq!(got, (vec![Got::Text("ok".into())], Some(error)), "{name}, {role:?}");
            assert_eq!(connection.transport(), Transport::CloseAfterFlush, "{name}, {role:?}");
            let expected = frame(0x88, &u16::to_be_bytes(code));
            // Neither role waits for an answer.
            assert_eq!(drain(&mut connection), (expected, Transport::Close), "{name}, {role:?}");
            assert_eq!(flush(&mut connection), b"", "{name}, {role:?}: once");
            assert_eq!(connection.split().1.text("more"), Err(SendError::Closed), "{name}, {role:?}");
        }
    }
}

#[test]
fn fa_02_after_failing_no_input_is_processed() {
    for (name, config, bad, error, code) in faults() {
        for role in BOTH {
            let wire = sent_to(role, &[FINE, bad, b"\x88\x02\x03\xe8", FINE, FAULT].concat());
            let transcript = read(role, &config, &wire);
            assert_eq!(transcript.events(), [Got::Text("ok".into())], "{name}, {role:?}");
            assert_eq!((transcript.error, transcript.owed), (Some(error), owed_close(code)), "{name}, {role:?}");
            assert_eq!(transcript.closed, Some(ended(1006, "", false, Side::Local)), "{name}, {role:?}");
            for api in Api::ALL {
                let mut run = Run::new(api, role, &config);
                run.feed(&sent_to(role, &[FINE, bad].concat()));
                assert_eq!(run.log.error, Some(error), "{name}, {role:?}, {api:?}");
                // In later reads, too: `feed` holds that neither events nor errors follow the end.
                run.feed(&sent_to(role, b"\x88\x02\x03\xe8"));
                run.feed(&sent_to(role, FINE));
                run.feed(FAULT);
                assert_eq!(eof(&mut run.connection), Ok(()), "{name}, {role:?}, {api:?}: said already");
                assert_eq!(run.connection.split().0.error(), Some(error), "{name}, {role:?}, {api:?}");
                assert_eq!(run.finish().closed, transcript.closed, "{name}, {role:?}, {api:?}");
            }
        }
    }
}

#[test]
fn fa_03_failing_behind_the_own_close_sends_nothing() {
    for (name, config, bad, error, _) in faults() {
        for role in BOTH {
            let mut connection = closing(role, &config);
            assert_eq!(receive(&mut connection, bad).1, Some(error), "{name}, {role:?}");
            assert_eq!(drain(&mut connection), (vec![], Transport::Close), "{name}, {role:?}");
            // Not yet written: it goes out, and nothing behind it.
            let mut connection = common::connection(role, &config);
            say_close(&mut connection, 1001, "").expect("valid");
            assert_eq!(receive(&mut connection, bad).1, Some(error), "{name}, {role:?}");
            let expected = (b"\x88\x02\x03\xe9".to_vec(), Transport::Close);
            assert_eq!(drain(&mut connection), expected, "{name}, {role:?}");
        }
    }
}

#[test]
fn fa_05_silent_failure_sends_no_close() {
    for (name, config, bad, error, _) in faults() {
        let config = config.silent_failure(true);
        for role in BOTH {
            let mut connection = connection(role, &config);
            connection.split().1.text("queued").expect("fits");
            assert_eq!(receive(&mut connection, bad).1, Some(error), "{name}, {role:?}");
            let expected = (b"\x81\x06queued".to_vec(), Transport::Close);
            assert_eq!(drain(&mut connection), expected, "{name}, {role:?}");
            assert_eq!(closed(&connection), Some(ended(1006, "", false, Side::Local)), "{name}, {role:?}");
        }
        // An orderly close is answered as ever.
        let mut connection = connection(Role::Server, &config);
        assert_eq!(receive(&mut connection, b"\x88\x00").1, None);
        assert_eq!(drain(&mut connection).0, b"\x88\x00");
    }
}

#[test]
fn fa_06_close_of_a_failure_is_behind_all_that_is_pending() {
    // Queued output is kept: the messages before the fault were delivered and answered.
    for (name, config, bad, error, code) in faults() {
        for role in BOTH {
            for written in 0..20 {
                let mut connection = connection(role, &config);
                assert_eq!(receive(&mut connection, FINE).1, None);
                let (_, writer) = connection.split();
                writer.text("echo").expect("fits");
                writer.fragment(Kind::Binary, b"part", false).expect("fits");
                let before = connection.outgoing().to_vec();
                // A frame may be written in part.
                let (gone, _) = before.split_at(written.min(before.len()));
                connection.consume(gone.len());
                assert_eq!(receive(&mut connection, bad).1, Some(error), "{name}, {role:?}");
                let rest = connection.outgoing().to_vec();
                connection.consume(rest.len());
                assert_eq!(connection.transport(), Transport::Close, "{name}, {role:?}");
                let wire = plain(role, &[gone, &rest].concat());
                let close = frame(0x88, &u16::to_be_bytes(code));
                let expected = [&b"\x81\x04echo\x02\x04part"[..], &close].concat();
                assert_eq!(wire, expected, "{name}, {role:?}, {written} bytes written");
            }
        }
    }
}

#[test]
fn fa_06_close_of_a_failure_goes_out_even_where_the_output_is_full() {
    for role in BOTH {
        let mut connection = connection(role, &Config::new().max_pending(4));
        connection.split().1.text("full").expect("fits");
        assert_eq!(receive(&mut connection, b"\x89\x00").1, None);
        assert_eq!(receive(&mut connection, FAULT).1, Some(Error::BadOpCode));
        assert_eq!(flush(&mut connection), b"\x81\x04full\x88\x02\x03\xea", "{role:?}");
        assert_eq!(connection.transport(), Transport::Close);
    }
}

fn codes_of(code: u16) -> Vec<Error> {
    faults().into_iter().filter(|fault| fault.4 == code).map(|fault| fault.3).collect()
}

#[test]
fn fa_07_breaking_the_protocol_is_1002() {
    let errors = codes_of(1002);
    assert_eq!(errors.len(), 10);
    for error in errors.into_iter().chain([Error::BadMask]) {
        assert_eq!(error.close_code(), CloseCode::PROTOCOL, "{error}");
    }
    assert_eq!(first_error(Role::Server, &Config::new(), FINE), Some((2, Error::BadMask)));
    assert_eq!(first_error(Role::Client, &Config::new(), &masked(FINE)), Some((2, Error::BadMask)));
}

#[test]
fn fa_08_invalid_utf8_is_1007() {
    for error in codes_of(1007) {
        assert_eq!(error.close_code(), CloseCode::INVALID_DATA, "{error}");
    }
    assert_eq!(Error::from(BadClose::Reason).close_code(), CloseCode::INVALID_DATA);
}

#[test]
fn fa_09_limits_are_1009() {
    let errors = codes_of(1009);
    assert_eq!(errors, [Error::FrameTooBig, Error::MessageTooBig]);
    assert!(errors.iter().all(|error| error.close_code() == CloseCode::TOO_BIG));
}

#[test]
fn fa_10_programs_close_for_reasons_of_their_own() {
    assert_eq!(Error::TooManyFragments.close_code(), CloseCode::POLICY);
    for code in [CloseCode::UNSUPPORTED, CloseCode::POLICY, CloseCode::TOO_BIG, CloseCode::INTERNAL] {
        for role in BOTH {
            // In the middle of a message that is received, and of one that is sent.
            let mut connection = connection(role, &Config::new());
            assert_eq!(receive(&mut connection, b"\x02\x01a").1, None);
            connection.split().1.fragment(Kind::Text, b"a", false).expect("fits");
            say_close(&mut connection, code.0, "why").expect("valid");
            let close = frame(0x88, &[&code.0.to_be_bytes()[..], b"why"].concat());
            assert_eq!(flush(&mut connection), [&b"\x01\x01a"[..], &close].concat(), "{code}, {role:?}");
        }
    }
}

#[test]
fn fa_11_client_can_say_which_extension_it_needed() {
    let wire = writes(Role::Client, &Config::new(), |writer| {
        writer.close(CloseCode::MANDATORY_EXTENSION, "permessage-deflate").expect("valid");
    });
    assert_eq!(wire, b"\x88\x14\x03\xf2permessage-deflate");
}

#[test]
fn fa_12_a_failure_is_one_error_with_its_place() {
    for (name, config, bad, error, _) in faults() {
        for role in BOTH {
            let transcript = read(role, &config, &sent_to(role, &[FINE, b"\x89\x00", bad, FINE].concat()));
            // The place of a bad header is its number; a bad payload is in the last frame that was counted.
            let in_payload = matches!(error, Error::BadUtf8 | Error::BadClose(_));
            let in_second = matches!(name, "message in a message" | "message" | "fragments");
            let place = transcript.frames - u64::from(in_payload);
            assert_eq!(place, 2 + u64::from(in_second), "{name}, {role:?}");
            assert_eq!(transcript.closed, Some(ended(1006, "", false, Side::Local)), "{name}, {role:?}");
            assert_eq!(transcript.error, Some(error), "{name}, {role:?}");
        }
    }
}

#[test]
fn fa_13_cause_is_there_for_a_log() {
    for (name, _, _, error, _) in faults() {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{name}: {text}");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: no byte of the peer");
        assert!(!text.starts_with(|first: char| first.is_ascii_uppercase()), "{name}: {text}");
        let _: &dyn core::error::Error = &error;
    }
    assert_eq!(
        Error::from(BadClose::Code(CloseCode(1005))).to_string(),
        concat!("close frame with the forbidden code ", "1005 (no code)")
    );
    assert_eq!(Error::UnexpectedEof.to_string(), "end of stream without a close frame");
    // What may hold bytes of the peer shows them escaped.
    let body = Body::new(b"\x1b[31m\n\xff\"").expect("short");
    assert_eq!(format!("{body:?}"), r#""\x1b[31m\n\xff\"""#);
    let close = Close::decode(b"\x03\xe8\x1b[31m\n").expect("valid").expect("a code");
    assert!(format!("{close:?}").is_ascii() && !format!("{close:?}").contains('\x1b'));
}

/// Holds that a close with the code is read and answered, or refused with 1002; and sent, or refused, in each role.
fn check_code(code: u16, received: bool, sent: [bool; 2]) {
    let body = code.to_be_bytes();
    for (role, sent) in BOTH.into_iter().zip(sent) {
        let mut connection = connection(role, &Config::new());
        let (got, error) = receive(&mut connection, &frame(0x88, &body));
        if received {
            assert_eq!((got, error), (vec![got_close(code, "")], None), "{code}, {role:?}");
            assert_eq!(flush(&mut connection), frame(0x88, &body), "{code}, {role:?}: echoed");
        } else {
            assert_eq!((got, error), (vec![], Some(BadClose::Code(CloseCode(code)).into())), "{role:?}");
            assert_eq!(flush(&mut connection), b"\x88\x02\x03\xea", "{code}, {role:?}");
        }
        let mut connection = common::connection(role, &Config::new());
        let (_, writer) = connection.split();
        if sent {
            writer.close(CloseCode(code), "").expect("may be sent");
            assert_eq!(plain(role, writer.pending()), frame(0x88, &body), "{code}, {role:?}");
        } else {
            let refused = Err(SendError::BadCloseCode(CloseCode(code)));
            assert_eq!(writer.close(CloseCode(code), ""), refused, "{role:?}");
            assert_eq!(writer.close_bytes(CloseCode(code), "").map(|_| ()), refused, "{role:?}");
            assert!(writer.pending().is_empty() && !writer.is_closed(), "{code}, {role:?}: as it was");
        }
    }
}

fn allowed(codes: impl IntoIterator<Item = u16>) {
    codes.into_iter().for_each(|code| check_code(code, true, [true; 2]));
}

fn forbidden(codes: impl IntoIterator<Item = u16>) {
    codes.into_iter().for_each(|code| check_code(code, false, [false; 2]));
}

#[test]
fn sc_01_codes_of_the_rfc_are_accepted_and_sent() {
    allowed([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011]);
    check_code(1010, true, [true, false]); // SC-12
}

#[test]
fn sc_02_registered_codes_are_accepted_and_sent() {
    allowed([1012, 1013, 1014]);
}

#[test]
fn sc_03_1005_is_never_on_the_wire() {
    forbidden([CloseCode::NO_CODE.0]);
}

#[test]
fn sc_04_1006_is_never_on_the_wire() {
    forbidden([CloseCode::ABNORMAL.0]);
}

#[test]
fn sc_05_1015_is_never_on_the_wire() {
    forbidden([CloseCode::TLS.0]);
}

#[test]
fn sc_06_1004_is_refused() {
    forbidden([1004]);
}

#[test]
fn sc_07_codes_below_1000_are_refused() {
    forbidden(0..1000);
}

#[test]
fn sc_08_unassigned_codes_are_refused_unless_let_pass() {
    forbidden(1016..3000);
    let config = Config::new().unassigned_codes(true);
    for code in [1016, 1100, 2000, 2999] {
        let close = Close { code: CloseCode(code), reason: "new" };
        let wire = frame(0x88, &[&code.to_be_bytes()[..], b"new"].concat());
        both_read("let pass", &config, &wire, &[Event::Close(Some(close))]);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000] {
        for role in BOTH {
            let wire = sent_to(role, &frame(0x88, &u16::to_be_bytes(code)));
            let transcript = read(role, &config, &wire);
            assert_eq!(transcript.error, Some(BadClose::Code(CloseCode(code)).into()), "{role:?}: these never");
        }
    }
}

#[test]
fn sc_09_codes_of_the_registry_are_accepted_and_sent() {
    allowed(3000..4000);
}

#[test]
fn sc_10_private_codes_are_accepted_and_sent() {
    allowed(4000..5000);
}

#[test]
fn sc_11_codes_from_5000_are_refused() {
    forbidden((5000..5100).chain((5100..=65535).step_by(97)).chain([65534, 65535]));
}

#[test]
fn sc_11_every_code_is_on_one_side() {
    for code in 0..=u16::MAX {
        let allowed = match code {
            0..=999 | 1004..=1006 | 1015..=2999 | 5000.. => false,
            1000..=4999 => true,
        };
        assert_eq!(CloseCode(code).is_allowed(), allowed, "{code}");
        assert_eq!(CloseCode(code).is_unassigned(), (1016..3000).contains(&code), "{code}");
        let passes = allowed || CloseCode(code).is_unassigned();
        assert_eq!(Close::decode(&code.to_be_bytes()).is_ok(), passes, "{code}");
        assert_eq!(u16::from(CloseCode::from(code)), code);
    }
}

#[test]
fn sc_12_server_does_not_send_1010() {
    // But echoes it, as any code (section 5.5.1).
    check_code(1010, true, [true, false]);
}

#[test]
fn sc_13_either_role_may_send_1011() {
    check_code(1011, true, [true; 2]);
}

#[test]
fn sc_14_what_browsers_send_is_accepted() {
    let config = Config::new();
    for code in [1000, 1001, 1002, 3000, 4000, 4999] {
        let close = Close { code: CloseCode(code), reason: "" };
        both_read("browser", &config, &frame(0x88, &code.to_be_bytes()), &[Event::Close(Some(close))]);
    }
    both_read("browser", &config, b"\x88\x00", &[Event::Close(None)]);
}

#[test]
fn fa_01_replies_fit_the_halves() {
    // Apart, the halves exchange what is owed as a value.
    for role in BOTH {
        let (mut reader, mut writer) = connection(role, &Config::new()).into_split();
        let mut wire = sent_to(role, FAULT);
        assert_eq!(reader.receive(&mut &mut wire[..]), Err(Error::BadOpCode));
        let reply = reader.take_reply().expect("owed");
        assert!(reply.is_close() && reader.take_reply().is_none());
        let bytes = writer.reply_bytes(reply).expect("open").to_vec();
        assert_eq!(frames(&bytes)[0].payload, b"\x03\xea", "{role:?}");
        assert!(writer.is_closed() && writer.reply_bytes(reply).is_none(), "{role:?}: once");
    }
}

/// What a program and a peer can do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Deed {
    Text,
    Fragment,
    Ping,
    Close,
    ReceiveText,
    ReceivePing,
    ReceiveClose,
    ReceiveFault,
    ReceiveEof,
    Flush,
}

const DEEDS: [Deed; 10] = [
    Deed::Text,
    Deed::Fragment,
    Deed::Ping,
    Deed::Close,
    Deed::ReceiveText,
    Deed::ReceivePing,
    Deed::ReceiveClose,
    Deed::ReceiveFault,
    Deed::ReceiveEof,
    Deed::Flush,
];

/// What a connection must be, in a handful of facts.
#[derive(Clone, Debug, Default)]
struct Model {
    /// How receiving ended: by the peer's close frame, by a fault or by the end of the stream.
    ended: Option<Deed>,
    /// The own close frame, or the answer, was queued.
    closed: bool,
    /// The peer's close frame is not answered yet.
    owes_close: bool,
    inside_message: bool,
}

impl Model {
    /// Does it to a connection, and holds that it is what must come of it.
    fn act(&mut self, deed: Deed, connection: &mut Connection, name: &str) {
        // What the reader owes, the answer or the fault, is behind what is said until it is fetched.
        let open = !self.closed && self.ended != Some(Deed::ReceiveEof);
        let closed = Err(SendError::Closed);
        match deed {
            Deed::Text => {
                let inside = if self.inside_message { Err(SendError::Interleaved) } else { Ok(()) };
                assert_eq!(connection.split().1.text("text"), if open { inside } else { closed }, "{name}");
            }
            Deed::Fragment => {
                let said = connection.split().1.fragment(Kind::Binary, b"part", false);
                assert_eq!(said, if open { Ok(()) } else { closed }, "{name}");
                self.inside_message |= open;
            }
            Deed::Ping => {
                assert_eq!(connection.split().1.ping(b""), if open { Ok(()) } else { closed }, "{name}");
            }
            Deed::Close => {
                // A second one is no error (CL-09), unless there is nobody to tell.
                let _ = say_close(connection, 1000, "");
                self.closed |= open;
                self.owes_close &= !open;
            }
            Deed::ReceiveText | Deed::ReceivePing | Deed::ReceiveClose | Deed::ReceiveFault => {
                let (wire, event, error) = match deed {
                    Deed::ReceiveText => (FINE, Some(Got::Text("ok".to_owned())), None),
                    Deed::ReceivePing => (&b"\x89\x00"[..], Some(Got::Ping(Vec::new())), None),
                    Deed::ReceiveClose => (&b"\x88\x02\x03\xe8"[..], Some(got_close(1000, "")), None),
                    _ => (FAULT, None, Some(Error::BadOpCode)),
                };
                let expected = if self.ended.is_none() { (Vec::from_iter(event), error) } else { (vec![], None) };
                assert_eq!(receive(connection, wire), expected, "{name}");
                if self.ended.is_none() && matches!(deed, Deed::ReceiveClose | Deed::ReceiveFault) {
                    self.ended = Some(deed);
                    self.owes_close = !self.closed;
                }
            }
            Deed::ReceiveEof => {
                let expected = if self.ended.is_none() { Err(Error::UnexpectedEof) } else { Ok(()) };
                assert_eq!(eof(connection), expected, "{name}");
                self.ended = self.ended.or(Some(deed));
            }
            Deed::Flush => {
                let _ = flush(connection);
                self.closed |= self.owes_close;
                self.owes_close = false;
            }
        }
    }
}

/// Security, T31: whatever is said, heard and written, in any order: the connection ends once, stays as it ended, sends
/// one close frame at most and hears of one, and nothing follows.
#[test]
fn t31_every_order_ends_in_closed_exactly_once() {
    const LONGEST: u32 = 4;
    // What a driver does at the end of any of them.
    const ENDING: [Deed; 5] = [Deed::Flush, Deed::Close, Deed::Flush, Deed::ReceiveEof, Deed::Flush];
    for n in 0..DEEDS.len().pow(LONGEST) {
        let order = (0..LONGEST).map(|place| DEEDS[n / DEEDS.len().pow(place) % DEEDS.len()]);
        let order: Vec<Deed> = order.chain(ENDING).collect();
        for role in BOTH {
            let (mut model, mut connection) = (Model::default(), connection(role, &Config::new()));
            let mut end = None;
            let mut wire = Vec::new();
            for (i, deed) in order.iter().enumerate() {
                let name = format!("{role:?}, {:?}", &order[..=i]);
                if *deed == Deed::Flush {
                    wire.extend_from_slice(connection.outgoing());
                }
                model.act(*deed, &mut connection, &name);
                let now = closed(&connection).map(|ended| (ended.code, ended.reason, ended.clean));
                assert_eq!(now.is_some(), model.ended.is_some(), "{name}");
                assert_eq!(connection.transport() == Transport::Open, model.ended.is_none(), "{name}");
                if end.is_some() {
                    assert_eq!(now, end, "{name}: as it ended");
                }
                end = now;
            }
            let clean = model.ended == Some(Deed::ReceiveClose);
            let code = if clean { 1000 } else { 1006 };
            assert_eq!(end, Some((code, String::new(), clean)), "{role:?}, {order:?}");
            assert_eq!(connection.transport(), Transport::Close, "{role:?}, {order:?}");
            let sent = frames(&wire);
            let closes = sent.iter().filter(|frame| frame.first == 0x88).count();
            assert!(closes <= 1, "{role:?}, {order:?}: {closes} close frames");
            assert!(closes == 0 || sent.last().is_some_and(|last| last.first == 0x88), "{role:?}, {order:?}");
        }
    }
}
