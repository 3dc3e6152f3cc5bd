//! The contract of a machine without I/O: bytes in, events and bytes out, whatever the cuts and the order of calls.
#![cfg(feature = "std")]

#[path = "common/frames.rs"]
mod frames;
#[path = "common/transcript.rs"]
mod transcript;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ws_proto::{CloseCode, Config, Connection, Error, Event, Kind, Role, Seed, SendError, Side, Transport};

use crate::frames::{BINARY, BINARY_BEGINS, CONTINUES, ENDS, ROLES, TEXT, TEXT_BEGINS, connection, frame, header};
use crate::transcript::{Call, Item, Transcript, transcript};

#[test]
fn io_01_any_two_cuts_give_the_same() {
    for role in ROLES {
        for (name, wire) in wires(role) {
            for call in Call::ALL {
                let whole = transcript(role, &Config::new(), call, [&wire[..]]);
                for first in 0..=wire.len() {
                    for second in first..=wire.len().min(first + 70) {
                        let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
                        let cut = transcript(role, &Config::new(), call, pieces);
                        assert_eq!(cut, whole, "{name}, {role:?}, {call:?}, cut at {first} and {second}");
                    }
                }
            }
        }
    }
}

#[test]
fn io_01_any_step_gives_the_same() {
    for role in ROLES {
        for (name, wire) in wires(role) {
            let whole = transcript(role, &Config::new(), Call::Receive, [&wire[..]]);
            for call in Call::ALL {
                for step in 1..=wire.len() {
                    let cut = transcript(role, &Config::new(), call, wire.chunks(step));
                    assert_eq!(cut, whole, "{name}, {role:?}, {call:?}, cut every {step}");
                }
            }
        }
    }
}

#[test]
fn io_01_large_messages_cut_anywhere() {
    for role in ROLES {
        for size in [65_535, 65_536, 200_000] {
            let text = "\u{20ac} and more ".repeat(size / 12);
            let (a, rest) = text.as_bytes().split_at(size / 3);
            let (b, c) = rest.split_at(size / 3);
            let wire = [
                frame(role, TEXT, text.as_bytes()),
                frame(role, TEXT_BEGINS, a),
                frame(role, CONTINUES, b),
                frame(role, ENDS, c),
            ]
            .concat();
            for call in Call::ALL {
                for step in [997, 4096, 65_536, wire.len() - 1, wire.len()] {
                    let read = transcript(role, &Config::new(), call, wire.chunks(step));
                    assert_eq!(read.error, None, "{size}, {role:?}, {call:?}, cut every {step}");
                    assert!(read.items == [Item::Text(text.clone()), Item::Text(text.clone())]);
                }
            }
        }
    }
}

/// No source file names a socket, a clock, a thread or an environment; entropy only where a caller asks for it.
#[test]
fn io_02_the_machine_has_no_world() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in sources(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        if relative.starts_with("adapter") || relative.starts_with("adapter.rs") {
            continue;
        }
        seen += 1;
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default().replace("'static ", "");
            // The one door: entropy from the operating system, on request and under its name.
            let door =
                relative == Path::new("seed.rs") && ["std::io::Result", "getrandom::"].iter().any(|w| code.contains(w));
            for world in WORLD {
                assert!(door || !code.contains(world), "{}:{}: {world}", relative.display(), n + 1);
            }
        }
    }
    assert!(seen > 10, "only {seen} files");
}

#[test]
fn io_02_the_same_arguments_give_the_same_bytes() {
    for role in ROLES {
        let run = || {
            let mut connection = connection(role, &Config::new());
            let mut read = Transcript::default();
            for (_, wire) in wires(role).into_iter().take(2) {
                connection.split().1.text("between").unwrap();
                read.read(&mut connection, Call::Receive, &wire);
            }
            read.finish(&mut connection)
        };
        assert_eq!(run(), run(), "{role:?}");
    }
}

#[test]
fn io_03_short_writes_lose_and_repeat_nothing() {
    for role in ROLES {
        let expected = say_all(role, usize::MAX);
        assert!(expected.len() > 1000);
        for step in (1..200).chain([expected.len() / 2, expected.len() - 1]) {
            assert!(say_all(role, step) == expected, "{role:?}, {step} bytes a write");
        }
        let read = transcript(role.peer(), &Config::new(), Call::Receive, [&expected[..]]);
        assert_eq!(read.items.len(), 26, "{:?}", read.items);
        assert_eq!(read.error, None);
    }
}

#[test]
fn io_03_what_is_not_consumed_stays() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.split().1.text("Hello").unwrap();
        let first = connection.outgoing().to_vec();
        assert_eq!(connection.outgoing(), first);
        connection.consume(0);
        assert_eq!(connection.outgoing(), first);
        connection.split().1.text("again").unwrap();
        assert!(connection.outgoing().starts_with(&first));
    }
}

#[test]
#[should_panic(expected = "consumed more than was pending")]
fn io_03_consuming_too_much_is_the_callers_fault() {
    connection(Role::Server, &Config::new()).consume(1);
}

#[test]
fn io_04_the_end_of_the_stream_is_an_input() {
    for role in ROLES {
        for (name, before) in [
            ("between messages", frame(role, TEXT, b"Hello")),
            ("in a header", header(role, BINARY, 300)[..3].to_vec()),
            ("in a payload", frame(role, BINARY, &[1; 300])[..100].to_vec()),
            ("between fragments", frame(role, TEXT_BEGINS, b"Hel")),
            ("in a ping", frame(role, 0x89, b"ping")[..4].to_vec()),
        ] {
            for call in Call::ALL {
                let mut connection = connection(role, &Config::new());
                let mut read = Transcript::default();
                read.read(&mut connection, call, &before);
                assert_eq!(connection.transport(), Transport::Open);
                assert_eq!(connection.closed(), None);
                connection.split().1.text("queued").unwrap();

                assert_eq!(connection.split().0.receive_eof(), Err(Error::UnexpectedEof), "{name}, {call:?}");
                assert_eq!(connection.split().0.error(), Some(Error::UnexpectedEof));
                let closed = connection.closed().unwrap();
                assert_eq!((closed.code, closed.clean, closed.by), (CloseCode::ABNORMAL, false, Side::Peer), "{name}");

                // The other direction may still be open: what was queued is there, and nothing is added.
                assert_eq!(connection.transport(), Transport::CloseAfterFlush);
                let told = transcript(role.peer(), &Config::new(), Call::Receive, [connection.outgoing()]);
                assert_eq!(told.items, [Item::Text("queued".to_owned())], "{name}");
                let n = connection.outgoing().len();
                connection.consume(n);
                assert_eq!(connection.transport(), Transport::Close);
                assert_eq!(connection.split().0.receive_eof(), Ok(()), "the error comes once");
            }
        }
    }
}

#[test]
fn io_04_a_close_frame_is_flushed_behind_the_end() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut close = frame(role, 0x88, b"\x03\xe8");
        assert!(matches!(connection.split().0.receive(&mut &mut close[..]), Ok(Some(Event::Close(Some(_))))));
        assert_eq!(connection.split().0.receive_eof(), Ok(()));
        assert_eq!(connection.transport(), Transport::CloseAfterFlush);
        let n = connection.outgoing().len();
        assert_eq!(n, if role == Role::Server { 4 } else { 8 });
        connection.consume(n);
        assert_eq!(connection.transport(), Transport::Close);
        assert!(connection.closed().unwrap().clean);
    }
}

#[test]
fn io_05_events_come_in_the_order_of_the_wire() {
    for role in ROLES {
        let wire = [
            frame(role, TEXT, b"one"),
            frame(role, 0x89, b"two"),
            frame(role, BINARY_BEGINS, b"fi"),
            frame(role, 0x8a, b"three"),
            frame(role, CONTINUES, b""),
            frame(role, 0x89, b"four"),
            frame(role, ENDS, b"ve"),
            frame(role, 0x88, b"\x0f\xa0end"),
            frame(role, TEXT, b"behind the end"),
            frame(role, 0x88, b"\x0f\xa1"),
        ]
        .concat();
        for call in Call::ALL {
            for step in 1..=wire.len() {
                let read = transcript(role, &Config::new(), call, wire.chunks(step));
                let expected = [
                    Item::Text("one".to_owned()),
                    Item::Ping(b"two".to_vec()),
                    Item::Pong(b"three".to_vec()),
                    Item::Ping(b"four".to_vec()),
                    Item::Binary(b"five".to_vec()),
                    Item::Close(Some((4000, "end".to_owned()))),
                ];
                assert_eq!(read.items, expected, "{role:?}, {call:?}, cut every {step}");
                assert_eq!(read.closed, Some((4000, "end".to_owned(), true, Side::Peer)));
            }
        }
    }
}

#[test]
fn io_06_input_behind_the_end_is_ignored() {
    for role in ROLES {
        for (name, mut ended) in ended(role) {
            let (frames, closed) = (ended.split().0.frames(), format!("{:?}", ended.closed()));
            let n = ended.outgoing().len();
            ended.consume(n);
            for more in [&[][..], &[0xff; 40], &frame(role, TEXT, b"Hello"), &frame(role, 0x88, b""), &[TEXT]] {
                for call in Call::ALL {
                    let mut read = Transcript::default();
                    read.read(&mut ended, call, more);
                    assert_eq!(read, Transcript::default(), "{name}, {role:?}, {call:?}");
                }
                assert_eq!(ended.split().0.receive_eof(), Ok(()), "{name}");
                assert_eq!(ended.split().0.event(), None, "{name}");
                assert!(ended.outgoing().is_empty(), "{name}");
            }
            assert!(ended.split().0.is_closed());
            assert_eq!((ended.split().0.frames(), format!("{:?}", ended.closed())), (frames, closed), "{name}");
            assert_eq!(ended.transport(), Transport::Close, "{name}");
        }
    }
}

#[test]
fn io_06_every_send_behind_the_end_is_refused() {
    for role in ROLES {
        for (name, mut ended) in ended(role) {
            let n = ended.outgoing().len();
            ended.consume(n);
            let (_, writer) = ended.split();
            let mut payload = *b"as it was";
            assert_eq!(writer.text("x"), Err(SendError::Closed), "{name}, {role:?}");
            assert_eq!(writer.binary(b"x"), Err(SendError::Closed), "{name}");
            assert_eq!(writer.fragment(Kind::Text, b"x", false), Err(SendError::Closed), "{name}");
            assert_eq!(writer.ping(b"x"), Err(SendError::Closed), "{name}");
            assert_eq!(writer.pong(b"x"), Err(SendError::Closed), "{name}");
            assert_eq!(writer.text_in_place(&mut payload).map(|_| ()), Err(SendError::Closed), "{name}");
            assert_eq!(writer.binary_in_place(&mut payload).map(|_| ()), Err(SendError::Closed), "{name}");
            assert_eq!(
                writer.fragment_in_place(Kind::Text, &mut payload, true).map(|_| ()),
                Err(SendError::Closed),
                "{name}"
            );
            assert_eq!(&payload, b"as it was");
            assert_eq!(writer.ping_bytes(b"x").map(|_| ()), Err(SendError::Closed), "{name}");
            assert_eq!(writer.pong_bytes(b"x").map(|_| ()), Err(SendError::Closed), "{name}");
            assert_eq!(writer.close_bytes(CloseCode::NORMAL, "").map(|_| ()), Err(SendError::Closed), "{name}");
            // A second close is no fault, and nothing.
            assert_eq!(writer.close(CloseCode::NORMAL, ""), Ok(()), "{name}");
            writer.close_without_code();
            assert!(ended.outgoing().is_empty(), "{name}, {role:?}");
            assert_eq!(ended.transport(), Transport::Close, "{name}");
        }
    }
}

/// Whatever else is wrong with it.
#[test]
fn io_06_closed_is_said_before_full() {
    for role in ROLES {
        let mut full = connection(role, &Config::new().max_pending(1));
        let (_, writer) = full.split();
        writer.close_without_code();
        assert!(!writer.has_room());
        assert_eq!(writer.text("x"), Err(SendError::Closed));
        assert_eq!(writer.binary(b"x"), Err(SendError::Closed));
        assert_eq!(writer.fragment(Kind::Text, b"x", true), Err(SendError::Closed));
        assert_eq!(writer.ping(&[0; 126]), Err(SendError::Closed));
        assert_eq!(writer.pong(b""), Err(SendError::Closed));
    }
}

#[test]
fn io_07_two_ends_talk_in_memory() {
    let mut client = connection(Role::Client, &Config::new());
    let mut server = connection(Role::Server, &Config::new());
    assert_eq!((client.role(), server.role()), (Role::Client, Role::Server));
    let (mut at_client, mut at_server) = (Transcript::default(), Transcript::default());

    client.split().1.text("from the client").unwrap();
    client.split().1.ping(b"there?").unwrap();
    server.split().1.binary(b"from the server").unwrap();
    carry(&mut client, &mut server, &mut at_server);
    // `Transcript` takes each reply for itself, so it is carried by hand.
    let pong = core::mem::take(&mut at_server.output);
    carry(&mut server, &mut client, &mut at_client);
    at_client.read(&mut client, Call::Receive, &pong);
    assert_eq!(at_server.items, [Item::Text("from the client".to_owned()), Item::Ping(b"there?".to_vec())]);
    assert_eq!(at_client.items, [Item::Binary(b"from the server".to_vec()), Item::Pong(b"there?".to_vec())]);

    client.split().1.close(CloseCode::GOING_AWAY, "done").unwrap();
    carry(&mut client, &mut server, &mut at_server);
    at_client.read(&mut client, Call::Receive, &at_server.output.clone());
    let done = |by| Some((1001, by));
    let of = |closed: Option<ws_proto::Closed<'_>>| closed.filter(|closed| closed.clean).map(|c| (c.code.0, c.by));
    assert_eq!(of(client.closed()), done(Side::Local));
    assert_eq!(of(server.closed()), done(Side::Peer));
    assert_eq!((client.role(), server.role()), (Role::Client, Role::Server));
}

#[test]
fn io_08_the_transport_is_told_as_a_value() {
    for role in ROLES {
        let after_both = if role == Role::Server { Transport::Close } else { Transport::AwaitPeer };
        let close = frame(role, 0x88, b"\x03\xe8");

        // The peer closes.
        let mut peers = connection(role, &Config::new());
        assert_eq!(peers.transport(), Transport::Open);
        assert!(peers.split().0.receive(&mut &mut close.clone()[..]).unwrap().is_some());
        assert_eq!(peers.transport(), Transport::CloseAfterFlush);
        let n = peers.outgoing().len();
        peers.consume(n - 1);
        assert_eq!(peers.transport(), Transport::CloseAfterFlush, "one byte is left");
        peers.consume(1);
        assert_eq!(peers.transport(), after_both, "{role:?}");
        assert_eq!(peers.split().0.receive_eof(), Ok(()));
        assert_eq!(peers.transport(), Transport::Close);

        // This end closes.
        let mut ours = connection(role, &Config::new());
        ours.split().1.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(ours.transport(), Transport::Open, "the answer is to be read");
        let n = ours.outgoing().len();
        ours.consume(n);
        assert_eq!(ours.transport(), Transport::Open);
        assert!(ours.split().0.receive(&mut &mut close.clone()[..]).unwrap().is_some());
        assert!(ours.outgoing().is_empty(), "the close frame is not answered twice");
        assert_eq!(ours.transport(), after_both, "{role:?}");

        // A failure: closed by whoever found it, behind the reason.
        let mut failed = connection(role, &Config::new());
        assert_eq!(failed.split().0.receive(&mut &mut [0xff][..]), Err(Error::BadReservedBit));
        assert_eq!(failed.transport(), Transport::CloseAfterFlush);
        let n = failed.outgoing().len();
        failed.consume(n);
        assert_eq!(failed.transport(), Transport::Close);

        // A silent one: at once.
        let mut silent = connection(role, &Config::new().silent_failure(true));
        assert_eq!(silent.split().0.receive(&mut &mut [0xff][..]), Err(Error::BadReservedBit));
        assert_eq!(silent.transport(), Transport::Close);
    }
}

#[test]
fn se_08_only_a_name_that_says_so_is_predictable() {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/seed.rs");
    let makers: BTreeSet<String> = fs::read_to_string(seed)
        .unwrap()
        .lines()
        .filter(|line| line.contains("pub fn ") || line.contains("pub const fn "))
        .map(|line| line.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap().to_owned())
        .collect();
    let makers: Vec<&str> = makers.iter().map(String::as_str).collect();
    assert_eq!(makers, ["from_entropy", "from_os", "predictable_for_tests"]);
}

/// Security, T25: nothing here calls what is predictable, and no feature or target changes where keys come from.
#[test]
fn t25_no_build_has_predictable_keys() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut named = Vec::new();
    for file in sources(&src) {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            if line.contains("predictable") {
                named.push(line.to_owned());
            }
            for other in
                ["impl Default for Seed", "impl Clone for Seed", "impl Default for Keys", "impl Clone for Keys"]
            {
                assert!(!line.contains(other), "{}: {other}", file.display());
            }
        }
    }
    assert_eq!(named, ["pub fn predictable_for_tests(number: u64) -> Self {"]);
    let seed = fs::read_to_string(src.join("seed.rs")).unwrap();
    let conditions: Vec<&str> = seed.lines().map(str::trim).filter(|line| line.starts_with("#[cfg")).collect();
    assert_eq!(conditions, ["#[cfg(feature = \"std\")]"], "only whether the operating system is asked");
    assert!(!seed.contains("derive(") && !seed.contains("cfg!("));
}

#[test]
fn se_08_keys_differ_between_connections_and_frames() {
    let mut keys = BTreeSet::new();
    for _ in 0..50 {
        keys.extend(first_keys(Seed::from_os().unwrap()));
    }
    // Of 2000 keys of 32 bits, two are alike once in some two thousand runs, and more once in millions.
    assert!(keys.len() > 1997, "{} of 2000 keys", keys.len());

    assert_eq!(first_keys(Seed::from_entropy([7; 32])), first_keys(Seed::from_entropy([7; 32])));
    assert_ne!(first_keys(Seed::from_entropy([7; 32])), first_keys(Seed::from_entropy([8; 32])));
    assert_ne!(first_keys(Seed::predictable_for_tests(0)), first_keys(Seed::predictable_for_tests(1)));
}

/// The keys of the first frames.
fn first_keys(seed: Seed) -> Vec<[u8; 4]> {
    let mut client = Connection::client(&Config::new(), seed);
    let mut next = || *client.split().1.binary_in_place(&mut []).unwrap().last_chunk().unwrap();
    (0..40).map(|_| next()).collect()
}

/// Input of all sorts.
fn wires(role: Role) -> Vec<(&'static str, Vec<u8>)> {
    let euro = "\u{20ac}";
    vec![
        (
            "messages",
            [
                frame(role, TEXT, "\u{20ac}\u{1f600}\u{0}x".as_bytes()),
                frame(role, BINARY, &[0xff; 130]),
                frame(role, BINARY, b""),
                frame(role, TEXT, b""),
            ]
            .concat(),
        ),
        (
            "fragments",
            [
                frame(role, TEXT_BEGINS, &euro.as_bytes()[..1]),
                frame(role, 0x89, b"ping"),
                frame(role, CONTINUES, &euro.as_bytes()[1..2]),
                frame(role, CONTINUES, b""),
                frame(role, ENDS, &euro.as_bytes()[2..]),
                frame(role, BINARY_BEGINS, b""),
                frame(role, 0x8a, b""),
                frame(role, ENDS, b""),
            ]
            .concat(),
        ),
        (
            "a close and more",
            [
                frame(role, TEXT_BEGINS, b"never whole"),
                frame(role, 0x88, b"\x03\xe8bye \xe2\x82\xac"),
                frame(role, TEXT, b"behind it"),
            ]
            .concat(),
        ),
        ("a close without a code", frame(role, 0x88, b"")),
        ("a bad close", [frame(role, TEXT, b"Hello"), frame(role, 0x88, b"\x03")].concat()),
        ("a bad reason", frame(role, 0x88, b"\x03\xe8\xff")),
        ("a bad bit", [frame(role, TEXT, b"Hello"), frame(role, 0xc1, b"Hello")].concat()),
        ("a bad opcode", [frame(role, 0x89, b""), frame(role, 0x83, b"")].concat()),
        ("a bad mask", [frame(role, BINARY_BEGINS, b"x"), frame(role.peer(), ENDS, b"Hello")].concat()),
        ("a bad length", [&header(role, BINARY, 126)[..2], &[0, 125, 0, 0, 0, 0, 0]].concat()),
        ("a bad order", [frame(role, TEXT_BEGINS, b"x"), frame(role, TEXT, b"y")].concat()),
        (
            "bad text",
            [frame(role, TEXT, b"good"), frame(role, TEXT, b"b\xed\xa0\x80d"), frame(role, TEXT, b"")].concat(),
        ),
        ("text that is cut", [frame(role, TEXT_BEGINS, b"\xf0\x9f"), frame(role, ENDS, b"\x98")].concat()),
        ("too big", [frame(role, TEXT, b"x"), header(role, TEXT, 1 << 40), vec![b'x'; 20]].concat()),
        ("unfinished", [frame(role, TEXT, b"x"), header(role, TEXT, 1000), vec![b'x'; 20]].concat()),
    ]
}

/// Connections that ended, in each way there is.
fn ended(role: Role) -> Vec<(&'static str, Connection)> {
    let new = |config: &Config, wire: &[u8]| {
        let mut connection = connection(role, config);
        let mut wire = wire.to_vec();
        let _ = connection.split().0.receive(&mut &mut wire[..]);
        connection
    };
    let close = frame(role, 0x88, b"\x03\xe8");
    let mut at_eof = new(&Config::new(), &frame(role, TEXT_BEGINS, b"x"));
    at_eof.split().0.receive_eof().unwrap_err();
    let mut both = connection(role, &Config::new());
    both.split().1.close(CloseCode::NORMAL, "").unwrap();
    let _ = both.split().0.receive(&mut &mut close.clone()[..]);
    let mut ended = vec![
        ("closed by the peer", new(&Config::new(), &close)),
        ("closed by both", both),
        ("failed", new(&Config::new(), &[0xff])),
        ("failed in silence", new(&Config::new().silent_failure(true), &[0xff])),
        ("end of stream", at_eof),
    ];
    for (_, connection) in &mut ended[..2] {
        let _ = connection.split().0.receive_eof();
    }
    ended
}

/// Says a bit of everything, and writes `step` bytes a time between. The bytes as they were written.
fn say_all(role: Role, step: usize) -> Vec<u8> {
    let mut connection = connection(role, &Config::new().fragment_size(100));
    let mut written = Vec::new();
    let mut write = |connection: &mut Connection, all: bool| {
        loop {
            let n = connection.outgoing().len().min(step);
            written.extend(&connection.outgoing()[..n]);
            connection.consume(n);
            if n == 0 || !all {
                break;
            }
        }
    };
    for round in 0..5_u8 {
        let (_, writer) = connection.split();
        writer.text("Hello").unwrap();
        writer.binary(&[round; 300]).unwrap();
        write(&mut connection, false);
        let (_, writer) = connection.split();
        writer.ping(&[round; 125]).unwrap();
        writer.fragment(Kind::Text, b"be", false).unwrap();
        writer.pong(b"").unwrap();
        write(&mut connection, false);
        connection.split().1.fragment(Kind::Text, b"gun", true).unwrap();
    }
    connection.split().1.close(CloseCode::NORMAL, "").unwrap();
    write(&mut connection, true);
    assert!(connection.outgoing().is_empty());
    written
}

/// Hands what is outgoing at one end to the other.
fn carry(from: &mut Connection, to: &mut Connection, log: &mut Transcript) {
    let n = from.outgoing().len();
    log.read(to, Call::Receive, from.outgoing());
    from.consume(n);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}

const WORLD: &[&str] = &[
    "std::net",
    "std::time",
    "std::thread",
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "Instant",
    "SystemTime",
    "getrandom::",
    "thread_local",
    "static ",
    "RandomState",
    "tokio::",
    "futures_io::",
];
