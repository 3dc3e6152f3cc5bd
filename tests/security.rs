//! Hostile peers through every adapter: what is judged by the machine is told on the wire by each driver, and each limit
//! in `Config` gets there by way of the handshake. The rows T are in `requirements.md`.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/frames.rs"]
mod frames;
#[path = "security/wire.rs"]
mod wire;

use std::collections::HashSet;
use std::hint::black_box;
use std::pin::Pin;
use std::time::Duration;

use allocation_counter::measure;
use driver::receive_all;
use frames::{BINARY, BINARY_BEGINS, CONTINUES, ENDS, ROLES, TEXT, TEXT_BEGINS, frame, header};
use tokio::io::duplex;
use tokio::time::timeout;
use wire::{Adapter, End, HEAD_END, REQUEST, RESPONSE, Wire, converse, open, runtime};
use ws_proto::blocking::{self, Error};
use ws_proto::handshake::{Answer, ClientRequest, HandshakeError, OriginPolicy};
use ws_proto::tokio::Tokio;
use ws_proto::{CloseCode, Config, Message, Role, SendError, futures, poll};

const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A name, bytes to a role, and the close code that they are answered with.
type Row = (&'static str, fn(Role) -> Vec<u8>, CloseCode);

fn told(code: CloseCode) -> Message {
    Message::Close(Some((code, String::new())))
}

/// Holds that the frames fail the connection in both roles, through every adapter: nothing of the last is delivered, the
/// peer is told the code and nothing else, and what follows is not looked at.
fn refused(name: &str, config: &Config, frames: impl Fn(Role) -> Vec<u8>, code: CloseCode) {
    for adapter in Adapter::ALL {
        for role in ROLES {
            let wire = [frames(role), frame(role, PING, b"behind"), frame(role, TEXT, b"behind")].concat();
            let talk = converse(adapter, role, config, &wire);
            let name = format!("{name}, {adapter:?}, {role:?}");
            assert_eq!(talk.events, [], "{name}");
            assert!(matches!(talk.error, Some(Error::Protocol(_))), "{name}: {:?}", talk.error);
            assert_eq!(talk.answers, [told(code)], "{name}");
        }
    }
}

/// Holds that the frames, and a close frame behind them, are these events and no error.
fn accepted(name: &str, config: &Config, frames: impl Fn(Role) -> Vec<u8>, events: &[Message]) {
    for adapter in Adapter::ALL {
        for role in ROLES {
            let wire = [frames(role), frame(role, CLOSE, b"\x03\xe8")].concat();
            let talk = converse(adapter, role, config, &wire);
            let name = format!("{name}, {adapter:?}, {role:?}");
            assert!(talk.error.is_none(), "{name}: {:?}", talk.error);
            let (close, before) = talk.events.split_last().expect("the close frame");
            assert!(before == events && *close == told(CloseCode::NORMAL), "{name}");
            assert_eq!(talk.answers.last(), Some(&told(CloseCode::NORMAL)), "{name}");
        }
    }
}

/// Bytes that a driver may have for itself while it reads, whatever is announced.
const OWN: u64 = 160 << 10;

#[test]
fn t02_an_announced_length_reserves_nothing_through_every_adapter() {
    let _context = runtime().enter();
    let config = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    for adapter in Adapter::ALL {
        for role in ROLES {
            for length in [1 << 20, 1 << 26, 1 << 31, 1 << 40, 1 << 62] {
                for first in [TEXT, BINARY_BEGINS] {
                    let wire = Wire::to(role, &config, &[header(role, first, length), vec![0x20; 100]].concat());
                    let mut end = open(adapter, role, &config, &wire).expect("a good handshake");
                    let info = measure(|| drop(black_box(end.next())));
                    assert!(info.bytes_max <= OWN, "{length}, {adapter:?}, {role:?}: {info:?}");
                }
            }
        }
    }
}

type Set = fn(Config, usize) -> Config;

/// A limit, and a message of so many bytes or frames.
type Limit = (&'static str, Set, usize, fn(Role, usize) -> Vec<u8>, CloseCode);

const LIMITS: &[Limit] = &[
    ("max_message", Config::max_message, 1000, |role, n| frame(role, BINARY, &vec![7; n]), CloseCode::TOO_BIG),
    (
        "max_message of fragments",
        Config::max_message,
        1000,
        |role, n| {
            let ping = frame(role, PONG, b"between");
            let first = [frame(role, BINARY_BEGINS, &[7; 400]), ping.clone(), frame(role, CONTINUES, b"")].concat();
            [first, ping, frame(role, ENDS, &vec![7; n - 400])].concat()
        },
        CloseCode::TOO_BIG,
    ),
    ("max_frame", Config::max_frame, 500, |role, n| frame(role, BINARY, &vec![7; n]), CloseCode::TOO_BIG),
    (
        "max_fragments",
        Config::max_fragments,
        5,
        |role, n| {
            let between = frame(role, CONTINUES, b"").repeat(n - 2);
            [frame(role, BINARY_BEGINS, b""), between, frame(role, ENDS, b"")].concat()
        },
        CloseCode::POLICY,
    ),
];

#[test]
fn t07_limits_of_messages_through_every_adapter() {
    for (name, set, n, wire, code) in LIMITS {
        for adapter in Adapter::ALL {
            for role in ROLES {
                let config = set(Config::new(), *n);
                let name = format!("{name}, {adapter:?}, {role:?}");
                let fits = [wire(role, *n), frame(role, CLOSE, b"\x03\xe8")].concat();
                let talk = converse(adapter, role, &config, &fits);
                assert!(talk.error.is_none(), "{name}: {:?}", talk.error);
                assert!(talk.events.iter().any(|event| matches!(event, Message::Binary(_))), "{name}");
                assert_eq!(talk.answers, [told(CloseCode::NORMAL)], "{name}");

                let talk = converse(adapter, role, &config, &wire(role, n + 1));
                assert!(matches!(talk.error, Some(Error::Protocol(_))), "{name} + 1: {:?}", talk.error);
                assert!(!talk.events.iter().any(|event| matches!(event, Message::Binary(_))), "{name} + 1");
                assert_eq!(talk.answers, [told(*code)], "{name} + 1");
            }
        }
    }
}

/// The limit is for what comes out of the compressed bytes, and they are fewer.
#[cfg(feature = "deflate")]
#[test]
fn t07_limits_of_inflated_messages_through_every_adapter() {
    use ws_proto::deflate::Compression;

    // One literal and four copies of 258 bytes.
    const LENGTH: usize = 1 + 4 * 258;
    let packed = wire::packed(LENGTH);
    assert!(packed.len() < 20);
    for (limit, fits) in [(LENGTH, true), (LENGTH - 1, false)] {
        let config = Config::new().max_message(limit).compression(Compression::new());
        let wire = |role| {
            let (one, two) = packed.split_at(packed.len() / 2);
            [frame(role, 0x42, one), frame(role, ENDS, two)].concat()
        };
        if fits {
            accepted("inflated", &config, wire, &[Message::Binary(vec![b'x'; LENGTH])]);
        } else {
            refused("inflated", &config, wire, CloseCode::TOO_BIG);
        }
    }
}

/// A bomb of 1000 to 1, in one frame and in many: refused at the limit when it has come to its end, whoever drives, and what
/// is held on the way is the limit, what a decompressor takes, and the bomb as it came.
#[cfg(feature = "deflate")]
#[test]
fn t08_a_bomb_stops_at_the_limit_through_every_adapter() {
    use ws_proto::deflate::Compression;

    const LIMIT: usize = 1 << 20;
    let _context = runtime().enter();
    let bomb = wire::packed(16 * LIMIT);
    for adapter in Adapter::ALL {
        for role in ROLES {
            for fragments in [false, true] {
                // A pool of its own, or what the one before left would be none of this one's.
                let config = Config::new().max_message(LIMIT).compression(Compression::new());
                let frames = if fragments {
                    let parts = bomb.chunks(1000).map(|part| frame(role, CONTINUES, part));
                    [vec![frame(role, 0x42, b"")], parts.collect(), vec![frame(role, ENDS, b"")]].concat().concat()
                } else {
                    frame(role, 0xc2, &bomb)
                };
                let name = format!("{adapter:?}, {role:?}, fragments {fragments}");
                let wire = Wire::to(role, &config, &frames);
                let mut end = open(adapter, role, &config, &wire).expect("a good handshake");
                let mut next = None;
                let info = measure(|| next = end.next());
                let error = next.expect("an end").expect_err(&name);
                assert!(matches!(error, Error::Protocol(ws_proto::Error::MessageTooBig)), "{name}: {error:?}");
                // A buffer that grows is there twice while it moves.
                let most = 2 * (LIMIT + bomb.len()) as u64 + 4 * OWN;
                assert!(info.bytes_max <= most, "{name}: {info:?}");
                assert_eq!(wire.said(role), [told(CloseCode::TOO_BIG)], "{name}");
            }
        }
    }
}

#[test]
fn t07_limits_of_requests_through_every_adapter() {
    let lines = REQUEST.matches("\r\n").count() - 2;
    let rows: [(&str, Set, usize, u16); 4] = [
        ("max_head", Config::max_head, REQUEST.len(), 431),
        ("max_headers", Config::max_headers, lines, 431),
        ("max_target", Config::max_target, "/chat".len(), 414),
        ("max_offers", Config::max_offers, 2, 431),
    ];
    let _context = runtime().enter();
    for adapter in Adapter::ALL {
        for (name, set, n, status) in rows {
            let wire = Wire::new(REQUEST.as_bytes());
            open(adapter, Role::Server, &set(Config::new(), n), &wire).expect(name);
            assert!(wire.output().starts_with(b"HTTP/1.1 101 "), "{name}, {adapter:?}");
            let wire = Wire::new(REQUEST.as_bytes());
            let refused = open(adapter, Role::Server, &set(Config::new(), n - 1), &wire).err();
            assert!(matches!(refused, Some(Error::Handshake(_))), "{name}, {adapter:?}: {refused:?}");
            let output = String::from_utf8(wire.output()).expect("a response");
            assert!(output.starts_with(&format!("HTTP/1.1 {status} ")), "{name}, {adapter:?}: {output}");
            assert!(output.contains("\r\nConnection: close\r\n"), "{name}, {adapter:?}: {output}");
        }
    }
}

#[test]
fn t07_limits_of_responses_through_every_adapter() {
    let (head, lines) = (RESPONSE.len() - "<accept>".len() + 28, RESPONSE.matches("\r\n").count() - 2);
    let interim = format!("{}{RESPONSE}", "HTTP/1.1 102 Wait\r\n\r\n".repeat(3));
    let rows: [(&str, Set, usize, &str, HandshakeError); 3] = [
        ("max_head", Config::max_head, head, RESPONSE, HandshakeError::HeadTooLong),
        ("max_headers", Config::max_headers, lines, RESPONSE, HandshakeError::TooManyHeaders),
        ("max_interim", Config::max_interim, 3, &interim, HandshakeError::TooManyInterim),
    ];
    let _context = runtime().enter();
    for adapter in Adapter::ALL {
        for (name, set, n, response, error) in rows {
            let wire = Wire::answering(response, b"");
            open(adapter, Role::Client, &set(Config::new(), n), &wire).expect(name);
            let wire = Wire::answering(response, b"");
            match open(adapter, Role::Client, &set(Config::new(), n - 1), &wire).err() {
                Some(Error::Rejected(rejected)) => assert_eq!(rejected.error(), error, "{name}, {adapter:?}"),
                other => panic!("{name}, {adapter:?}: {other:?}"),
            }
        }
    }
}

fn pending(end: &mut dyn End) -> usize {
    let mut length = 0;
    let looked = end.queue(&mut |writer| {
        length = writer.pending().len();
        Ok(())
    });
    assert_eq!(looked, Ok(()));
    length
}

#[test]
fn t07_limits_of_the_output_through_every_adapter() {
    let _context = runtime().enter();
    for adapter in Adapter::ALL {
        for role in ROLES {
            let overhead = if role == Role::Client { 6 } else { 2 };
            let config = Config::new().max_pending(100).fragment_size(40);
            let wire = Wire::to(role, &config, b"");
            let mut end = open(adapter, role, &config, &wire).expect("a good handshake");
            // What waits comes to 99 bytes; one more message goes in, and none behind it.
            for length in [40, 40, 19 - overhead] {
                let bytes = vec![7; length - if length == 40 { overhead } else { 0 }];
                end.queue(&mut |writer| writer.binary(&bytes)).expect("room");
            }
            let name = format!("{adapter:?}, {role:?}");
            assert_eq!(pending(&mut *end), 99, "{name}");
            end.queue(&mut |writer| writer.binary(&[7; 81])).expect("one below the mark");
            assert_eq!(end.queue(&mut |writer| writer.text("")), Err(SendError::Full), "{name}");
            assert_eq!(end.queue(&mut |writer| writer.ping(b"")), Err(SendError::Full), "{name}");
            end.flush().expect("an end").expect("nothing is in the way");
            // On the wire, no frame is longer than it may be, and the last message is three of them.
            let lengths: Vec<usize> = wire.frames().iter().map(|(_, payload)| payload.len()).collect();
            assert_eq!(lengths, [40 - overhead, 40 - overhead, 19 - overhead, 40, 40, 1], "{name}");
        }
    }
}

/// RSV1 without an agreement, although this end would compress and, as a client, has offered to.
#[test]
fn t09_rsv1_without_negotiation_through_every_adapter() {
    const ROWS: &[Row] = &[
        ("text", |role| frame(role, 0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), CloseCode::PROTOCOL),
        ("first fragment", |role| frame(role, 0x42, b"\xf2\x48"), CloseCode::PROTOCOL),
        (
            "continuation",
            |role| [frame(role, TEXT_BEGINS, b"a"), frame(role, 0xc0, b"b")].concat(),
            CloseCode::PROTOCOL,
        ),
        ("ping", |role| frame(role, 0xc9, b""), CloseCode::PROTOCOL),
        ("close", |role| frame(role, 0xc8, b"\x03\xe8"), CloseCode::PROTOCOL),
    ];
    for (name, wire, code) in ROWS {
        refused(name, &Config::new(), wire, *code);
    }
}

/// What a request with a body would smuggle is not read as frames, nor as another request.
#[test]
fn t17_a_request_with_a_body_is_refused_through_every_adapter() {
    let _context = runtime().enter();
    for adapter in Adapter::ALL {
        for (line, good) in [
            ("Content-Length: 0", true),
            ("Content-Length: 1", false),
            ("Content-Length: 18446744073709551616", false),
            ("Content-Length: 0\r\nContent-Length: 1", false),
            ("Transfer-Encoding: chunked", false),
            ("Transfer-Encoding: identity", false),
        ] {
            let head = REQUEST.replacen(HEAD_END, &format!("\r\n{line}{HEAD_END}"), 1);
            let wire = Wire::new(&[head.as_bytes(), &frame(Role::Server, PING, b"x"), REQUEST.as_bytes()].concat());
            let opened = open(adapter, Role::Server, &Config::new(), &wire);
            let output = String::from_utf8_lossy(&wire.output()).into_owned();
            assert_eq!(output.matches("HTTP/1.1 ").count(), 1, "{line}, {adapter:?}: one answer");
            assert_eq!(output.starts_with("HTTP/1.1 101 "), good, "{line}, {adapter:?}: {output}");
            if !good {
                assert!(matches!(opened.err(), Some(Error::Handshake(_))), "{line}, {adapter:?}");
                assert!(
                    output.starts_with("HTTP/1.1 400 ") && output.contains("\r\nConnection: close\r\n"),
                    "{output}"
                );
            }
        }
    }
}

/// A ping behind a head would be answered by a pong if it were looked at.
#[test]
fn t18_no_frame_is_read_before_the_handshake_is_done_through_every_adapter() {
    let _context = runtime().enter();
    for adapter in Adapter::ALL {
        let ping = frame(Role::Server, PING, b"early");
        for (from, to, status) in [
            ("Version: 13", "Version: 12", 426),
            ("Upgrade: websocket", "Upgrade: websockets", 426),
            ("Connection: Upgrade", "Connection: close", 400),
            ("Host:", "Hose:", 400),
            ("GET", "PUT", 405),
            ("HTTP/1.1", "HTTP/2.0", 505),
        ] {
            let wire = Wire::new(&[REQUEST.replacen(from, to, 1).as_bytes(), &ping].concat());
            assert!(open(adapter, Role::Server, &Config::new(), &wire).is_err(), "{to}, {adapter:?}");
            let output = wire.output();
            assert!(output.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{to}, {adapter:?}");
            assert!(!output.windows(2).any(|bytes| bytes == [PONG, 5]), "{to}, {adapter:?}: a pong");
        }
        let ping = frame(Role::Client, PING, b"early");
        for (from, to) in [
            ("101 Switching Protocols", "200 OK"),
            ("101 Switching Protocols", "102 Processing"),
            ("101 Switching Protocols", "1010 Switching Protocols"),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("Connection: Upgrade", "Connection: keep-alive"),
            ("<accept>", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("Sec-WebSocket-Accept: <accept>\r\n", ""),
        ] {
            let wire = Wire::answering(&RESPONSE.replacen(from, to, 1), &ping);
            let opened = open(adapter, Role::Client, &Config::new(), &wire);
            assert!(matches!(opened.err(), Some(Error::Rejected(_) | Error::Handshake(_))), "{to}, {adapter:?}");
            assert!(wire.output().ends_with(HEAD_END.as_bytes()), "{to}, {adapter:?}: nothing behind the request");
        }
    }
}

/// Nothing is answered while the program has not accepted; then the 101 comes first.
#[test]
fn t18_frames_wait_for_the_101_through_every_adapter() {
    let context = runtime();
    let early = || Wire::new(&[REQUEST.as_bytes(), &frame(Role::Server, PING, b"early")].concat());
    let check = |name: &str, wire: &Wire| {
        assert!(wire.output().starts_with(b"HTTP/1.1 101 "), "{name}");
        assert_eq!(wire.said(Role::Server), [Message::Pong(b"early".to_vec())], "{name}");
    };
    let wire = early();
    let request = blocking::receive_request(wire.clone(), OriginPolicy::Any, &Config::new()).expect("a request");
    assert!(wire.output().is_empty(), "blocking");
    let blocking::Incoming::Upgrade(upgrade) = request else { panic!("an upgrade") };
    let mut socket = upgrade.accept(&Answer::new()).expect("a good answer");
    assert!(socket.next().is_ok_and(|event| event.is_some()));
    check("blocking", &wire);

    context.block_on(async {
        let wire = early();
        accept_late("tokio", Tokio::new(wire.clone()), &wire).await;
        check("tokio", &wire);

        let wire = early();
        accept_late("futures", futures::Futures::new(wire.clone()), &wire).await;
        check("futures", &wire);
    });
}

async fn accept_late<T: poll::Io>(name: &str, io: T, wire: &Wire) {
    let request = poll::receive_request(io, OriginPolicy::Any, &Config::new()).await.expect("a request");
    assert!(wire.output().is_empty(), "{name}");
    let poll::Incoming::Upgrade(upgrade) = request else { panic!("an upgrade") };
    let mut socket = upgrade.accept(&Answer::new()).await.expect("a good answer");
    assert!(socket.next().await.is_ok_and(|event| event.is_some()));
    assert!(socket.next().await.is_err(), "the end of the stream");
}

/// An answer that would end its line early is an error, and not a byte of it goes out.
#[test]
fn t19_nothing_of_an_answer_that_splits_goes_out_through_every_adapter() {
    let context = runtime();
    for evil in ["a\r\nX: y", "\n", "\r", "a\0"] {
        for (name, value) in [("X", evil), (evil, "x")] {
            for accept in [true, false] {
                let answer = Answer::new().header(name, value);
                let wires = [(); 3].map(|()| Wire::new(REQUEST.as_bytes()));
                let [threads, tasks, others] = wires.clone();
                let request = blocking::receive_request(threads, OriginPolicy::Any, &Config::new()).expect("a request");
                let blocking::Incoming::Upgrade(upgrade) = request else { panic!("an upgrade") };
                let said = if accept {
                    upgrade.accept(&answer).map(drop)
                } else {
                    upgrade.reject(403, &[(name, value)], b"").map(drop)
                };
                assert!(matches!(said, Err(Error::Answer(_))), "{evil:?}: {said:?}");
                context.block_on(async {
                    let config = Config::new();
                    let task = ws_proto::tokio::receive_request(tasks, OriginPolicy::Any, &config).await;
                    let other = futures::Futures::new(others);
                    let other = futures::receive_request(other, OriginPolicy::Any, &config).await;
                    for said in
                        [answer_task(task, accept, name, value).await, answer_task(other, accept, name, value).await]
                    {
                        assert!(matches!(said, Err(Error::Answer(_))), "{evil:?}: {said:?}");
                    }
                });
                assert!(wires.iter().all(|wire| wire.output().is_empty()), "{evil:?}");
            }
        }
    }
}

/// Answers the request, either way, with this header.
async fn answer_task<T: poll::Io>(
    request: Result<poll::Incoming<T>, Error>,
    accept: bool,
    name: &str,
    value: &str,
) -> Result<(), Error> {
    let Ok(poll::Incoming::Upgrade(upgrade)) = request else { panic!("an upgrade") };
    if accept {
        upgrade.accept(&Answer::new().header(name, value)).await.map(drop)
    } else {
        upgrade.reject(403, &[(name, value)], b"").await
    }
}

#[test]
fn t24_a_frame_with_the_wrong_mask_is_1002_through_every_adapter() {
    // As the other role gets them.
    const ROWS: &[Row] = &[
        ("text", |role| frame(role.peer(), TEXT, b"secret"), CloseCode::PROTOCOL),
        ("empty", |role| frame(role.peer(), BINARY, b""), CloseCode::PROTOCOL),
        ("fragment", |role| frame(role.peer(), TEXT_BEGINS, b"secret"), CloseCode::PROTOCOL),
        ("ping", |role| frame(role.peer(), PING, b"secret"), CloseCode::PROTOCOL),
        ("close", |role| frame(role.peer(), CLOSE, b"\x03\xe8"), CloseCode::PROTOCOL),
        (
            "continuation",
            |role| [frame(role, TEXT_BEGINS, b"good"), frame(role.peer(), ENDS, b"secret")].concat(),
            CloseCode::PROTOCOL,
        ),
    ];
    for (name, wire, code) in ROWS {
        refused(name, &Config::new(), wire, *code);
    }
}

/// No adapter has a seed of its own making: neither the key of the handshake nor a masking key comes twice.
#[test]
fn t25_every_adapter_takes_its_keys_from_entropy() {
    const EACH: usize = 10;
    let _context = runtime().enter();
    let (mut handshakes, mut keys) = (HashSet::new(), HashSet::new());
    for adapter in Adapter::ALL {
        for _ in 0..EACH {
            let wire = Wire::answering(RESPONSE, b"");
            let mut end = open(adapter, Role::Client, &Config::new(), &wire).expect("a good handshake");
            end.queue(&mut |writer| writer.text("one").and(writer.text("two"))).expect("room");
            end.flush().expect("an end").expect("nothing is in the way");
            let head = String::from_utf8_lossy(&wire.output()).into_owned();
            handshakes.insert(head.lines().find(|line| line.starts_with("Sec-WebSocket-Key")).map(str::to_owned));
            keys.extend(wire.frames().iter().map(|(key, _)| key.expect("masked")));
        }
    }
    assert_eq!(handshakes.len(), EACH * Adapter::ALL.len());
    // Of so few, two are alike once in half a million runs.
    assert_eq!(keys.len(), 2 * EACH * Adapter::ALL.len());
}

/// A peer that pings and never reads: what waits for it is one pong, or what one write of the stream left of one.
#[test]
fn t26_a_ping_flood_owes_one_pong_to_every_task() {
    const PINGS: usize = 3000;
    let _context = runtime().enter();
    for adapter in [Adapter::Tokio, Adapter::TokioHalves, Adapter::Futures, Adapter::FuturesHalves] {
        for role in ROLES {
            let name = format!("{adapter:?}, {role:?}");
            let config = Config::new();
            let wire = Wire::to(role, &config, b"");
            wire.stay_open();
            let mut end = open(adapter, role, &config, &wire).expect("a good handshake");
            wire.block();
            let mut most = 0;
            for i in 0..PINGS {
                wire.push(&frame(role, PING, &[i.to_be_bytes(); 15].concat()));
                // The pings are events; which call gives them depends on when the driver gives up writing.
                for _ in 0..3 {
                    if let Some(ended) = end.next() {
                        assert!(matches!(ended, Ok(Some(Message::Ping(_)))), "{name}: {ended:?}");
                    }
                }
                most = most.max(pending(&mut *end));
            }
            assert!(most > 0 && most <= 2 * 131, "{name}: {most} bytes wait");
            wire.unblock();
            for _ in 0..3 {
                let _ = end.next();
            }
            let said = wire.said(role);
            assert!(said.len() <= 3, "{name}: {} pongs", said.len());
            let newest = Message::Pong([(PINGS - 1).to_be_bytes(); 15].concat());
            assert_eq!(said.last(), Some(&newest), "{name}: the newest is answered");
        }
    }
}

#[test]
fn t27_control_frames_through_every_adapter() {
    const ROWS: &[Row] = &[
        // What is behind it is less than it says: the payload is not waited for.
        ("ping of 126", |role| header(role, PING, 126), CloseCode::PROTOCOL),
        ("pong of 126", |role| header(role, PONG, 126), CloseCode::PROTOCOL),
        ("ping of 65536", |role| header(role, PING, 65_536), CloseCode::PROTOCOL),
        ("close of 126", |role| header(role, CLOSE, 126), CloseCode::PROTOCOL),
        ("ping that goes on", |role| frame(role, 0x09, b""), CloseCode::PROTOCOL),
        ("close that goes on", |role| frame(role, 0x08, b"\x03\xe8"), CloseCode::PROTOCOL),
    ];
    for (name, wire, code) in ROWS {
        refused(name, &Config::new(), wire, *code);
    }
    let pongs = |role| [frame(role, PONG, b"never asked"), frame(role, PONG, b"never asked")].concat();
    accepted(
        "pongs",
        &Config::new(),
        pongs,
        &[Message::Pong(b"never asked".to_vec()), Message::Pong(b"never asked".into())],
    );
    accepted("125", &Config::new(), |role| frame(role, PING, &[7; 125]), &[Message::Ping(vec![7; 125])]);
}

#[test]
fn t28_bodies_of_close_frames_through_every_adapter() {
    const ROWS: &[Row] = &[
        ("one byte", |role| frame(role, CLOSE, b"\x03"), CloseCode::PROTOCOL),
        ("0", |role| frame(role, CLOSE, &[0, 0]), CloseCode::PROTOCOL),
        ("999", |role| frame(role, CLOSE, &999_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("1005", |role| frame(role, CLOSE, &1005_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("1006", |role| frame(role, CLOSE, &1006_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("1015", |role| frame(role, CLOSE, &1015_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("2999", |role| frame(role, CLOSE, &2999_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("5000", |role| frame(role, CLOSE, &5000_u16.to_be_bytes()), CloseCode::PROTOCOL),
        ("not UTF-8", |role| frame(role, CLOSE, b"\x03\xe8\xed\xa0\x80"), CloseCode::INVALID_DATA),
        ("124 bytes", |role| frame(role, CLOSE, &[&b"\x03\xe8"[..], &[b'a'; 124]].concat()), CloseCode::PROTOCOL),
    ];
    for (name, wire, code) in ROWS {
        refused(name, &Config::new(), wire, *code);
    }
}

/// Each stage that waits for the peer ends by itself where there is a clock, and by the stream's time-out over threads,
/// where there is none.
#[test]
fn t30_every_stage_has_an_end_through_every_adapter() {
    const SHORT: Duration = Duration::from_millis(20);
    let timers = Config::new().opening_timeout(Some(SHORT)).closing_timeout(SHORT).pong_timeout(SHORT);
    let (idle, keepalive) = (timers.clone().idle_timeout(Some(SHORT)), timers.clone().keepalive(Some(SHORT)));
    let clock: fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> = |time| Box::pin(tokio::time::sleep(time));
    let request = || ClientRequest::new("ws://server.example.com/").expect("a URI");
    macro_rules! stages {
        ($name:expr, $io:expr) => {
            // The other end is there and says nothing.
            let (near, _far) = duplex(1000);
            let ended = in_time(poll::accept($io(near), OriginPolicy::Any, &timers)).await;
            assert!(matches!(ended, Err(Error::TimedOut)), "{}, accepting: {ended:?}", $name);
            let (near, _far) = duplex(1000);
            let ended = in_time(poll::client($io(near), request(), &timers)).await;
            assert!(matches!(ended, Err(Error::TimedOut)), "{}, connecting: {ended:?}", $name);
            for role in ROLES {
                for (stage, config) in [("keepalive", &keepalive), ("idle", &idle), ("closing", &timers)] {
                    let (near, _far) = duplex(1000);
                    let mut socket = poll::Socket::new($io(near), frames::connection(role, config), b"", config);
                    if stage == "closing" {
                        socket.close(CloseCode::NORMAL, "").await.expect("it is written");
                    }
                    let ended = in_time(socket.next()).await.map(driver::owned);
                    assert!(matches!(ended, Err(Error::TimedOut)), "{}, {stage}, {role:?}: {ended:?}", $name);
                    assert!(socket.closed().is_some_and(|closed| closed.code == CloseCode::ABNORMAL));
                    assert!(matches!(socket.next().await, Ok(None)), "{}, {stage}, {role:?}: once", $name);
                }
            }
        };
    }
    runtime().block_on(async {
        stages!("tokio", Tokio::new);
        stages!("futures", |stream| { futures::Futures::new(tokio_as_futures::Compat(stream)).with_sleep(clock) });
    });
    // What the time-out of a stream says is handed over, at each stage.
    let is_late = |error: &Error| matches!(error, Error::Io(error) if error.kind() == std::io::ErrorKind::WouldBlock);
    let silent = || {
        let wire = Wire::new(b"");
        wire.stay_open();
        wire
    };
    assert!(blocking::accept(silent(), OriginPolicy::Any, &timers).is_err_and(|error| is_late(&error)));
    assert!(blocking::client(silent(), request(), &timers).is_err_and(|error| is_late(&error)));
    for role in ROLES {
        let mut socket = blocking::Socket::new(silent(), frames::connection(role, &timers), b"");
        assert!(socket.next().is_err_and(|error| is_late(&error)), "{role:?}, open");
        socket.close(CloseCode::NORMAL, "").expect("it is written");
        assert!(socket.next().is_err_and(|error| is_late(&error)), "{role:?}, closing");
    }
}

/// Whatever has no end fails, instead of hanging.
async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(5), future).await.expect("an end")
}

/// A stream of tokio as one of futures-io.
mod tokio_as_futures {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use futures_util::io::{AsyncRead, AsyncWrite};
    use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf};

    #[derive(Debug)]
    pub(crate) struct Compat(pub(crate) DuplexStream);

    impl AsyncRead for Compat {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
            let mut buffer = ReadBuf::new(bytes);
            ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        }
    }

    impl AsyncWrite for Compat {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}

#[test]
fn t32_the_origin_is_judged_through_every_adapter() {
    let context = runtime();
    let list = || OriginPolicy::list(["https://example.com"]);
    for (origin, policy, good) in [
        ("https://example.com", list(), true),
        ("https://EXAMPLE.com.:443", list(), true),
        ("https://example.com.evil.org", list(), false),
        ("http://example.com", list(), false),
        ("null", list(), false),
        ("null", OriginPolicy::SameOrigin, false),
        ("https://server.example.com", OriginPolicy::SameOrigin, true),
        ("https://example.com", OriginPolicy::SameOrigin, false),
        ("https://evil.org", OriginPolicy::Any, true),
    ] {
        let head = REQUEST.replacen(HEAD_END, &format!("\r\nOrigin: {origin}{HEAD_END}"), 1);
        let wires = [(); 3].map(|()| Wire::new(head.as_bytes()));
        let [threads, tasks, others] = wires.clone();
        let (config, io) = (Config::new(), futures::Futures::new(others));
        let opened = [
            blocking::accept(threads, policy.clone(), &config).is_ok(),
            context.block_on(ws_proto::tokio::accept(tasks, policy.clone(), &config)).is_ok(),
            context.block_on(futures::accept(io, policy.clone(), &config)).is_ok(),
        ];
        assert_eq!(opened, [good; 3], "{origin}, {policy:?}");
        for wire in wires {
            let status: &[u8] = if good { b"HTTP/1.1 101 " } else { b"HTTP/1.1 403 " };
            assert!(wire.output().starts_with(status), "{origin}, {policy:?}");
        }
    }
}

#[test]
fn t38_bad_text_is_1007_through_every_adapter() {
    const ROWS: &[Row] = &[
        ("surrogate", |role| frame(role, TEXT, b"ok\xed\xa0\x80"), CloseCode::INVALID_DATA),
        ("overlong", |role| frame(role, TEXT, b"\xc0\xaf"), CloseCode::INVALID_DATA),
        ("too high", |role| frame(role, TEXT, b"\xf4\x90\x80\x80"), CloseCode::INVALID_DATA),
        ("cut", |role| frame(role, TEXT, b"\xe2\x82"), CloseCode::INVALID_DATA),
        // The rest of the frame never comes, and is not waited for.
        (
            "at the byte",
            |role| {
                let mut wire = frame(role, TEXT_BEGINS, &[0xff; 1000]);
                wire.truncate(wire.len() - 999);
                wire
            },
            CloseCode::INVALID_DATA,
        ),
    ];
    for (name, wire, code) in ROWS {
        refused(name, &Config::new(), wire, *code);
    }
    accepted("euro", &Config::new(), |role| frame(role, TEXT, b"\xe2\x82\xac"), &["\u{20ac}".into()]);
    // Every wire here is also one that a peer of ours can read.
    let mut peer = frames::connection(Role::Client, &Config::new());
    assert_eq!(receive_all(peer.split().0, &frame(Role::Client, TEXT, b"ok")), ["ok".into()]);
}
