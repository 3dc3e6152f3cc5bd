//! Futures dropped at every point: nothing lost, nothing torn, nothing twice.
#![cfg(any(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::cell::Cell;
use core::future::{Future, poll_fn};
use core::mem;
use core::task::Poll;

use driver::{
    BOTH, Scripted, complete, connection, letters, outgoing, owned, pattern, peer_of, receive_all, run, step,
};
use ws_proto::handshake::{Answer, Client, ClientRequest, OriginPolicy};
use ws_proto::poll::{self, Error, Receiver, Sender, Socket};
use ws_proto::{Chunk, CloseCode, Config, Connection, Kind, Message, Role, Seed, SendError};

/// How a stream behaves: the most bytes of a read and of a write, and whether it is pending in between.
const MANNERS: [(usize, usize, bool); 6] =
    [(1, 1, true), (2, 3, true), (7, 5, false), (64, 64, true), (ALL, 1, true), (ALL, ALL, true)];

/// When to drop a future.
#[derive(Clone, Copy, Debug)]
enum Drops {
    /// Each call once, after so many polls; the next one for it runs to its end.
    Once(usize),
    /// Each call for the same thing after so many polls.
    Always(usize),
}

impl Drops {
    /// Every way, for futures that are ready after `most` polls.
    fn up_to(most: usize) -> impl Iterator<Item = Self> {
        (0..most).map(Self::Once).chain((1..most).map(Self::Always))
    }
}

/// Calls until one is ready. `call` makes a fresh future.
macro_rules! insist {
    ($drops:expr, $call:expr) => {
        match $drops {
            Drops::Once(polls) => match step($call, polls) {
                Some(output) => output,
                None => complete($call),
            },
            Drops::Always(polls) => loop {
                if let Some(output) = step($call, polls) {
                    break output;
                }
            },
        }
    };
}

// --- receiving ---

async fn next(receiver: &mut Receiver<Scripted>) -> Option<Message> {
    owned(receiver.next().await.expect("a valid wire"))
}

async fn socket_next(socket: &mut Socket<Scripted>) -> Option<Message> {
    owned(socket.next().await.expect("a valid wire"))
}

/// Messages of all kinds and sizes, pings between and inside them, and a close frame.
fn incoming(peer: &mut Connection) -> (Vec<u8>, Vec<Message>) {
    let (_, writer) = peer.split();
    writer.text("first").unwrap();
    writer.ping(b"one").unwrap();
    writer.fragment(Kind::Text, "h\u{e9}llo ".as_bytes().split_at(2).0, false).unwrap();
    writer.ping(b"two").unwrap();
    writer.fragment(Kind::Text, "h\u{e9}llo ".as_bytes().split_at(2).1, true).unwrap();
    writer.binary(&pattern(1, 300)).unwrap();
    writer.pong(b"unasked").unwrap();
    writer.binary(b"").unwrap();
    writer.ping(b"three").unwrap();
    writer.close(CloseCode::NORMAL, "done").unwrap();
    let messages = vec![
        "first".into(),
        Message::Ping(b"one".into()),
        Message::Ping(b"two".into()),
        "h\u{e9}llo ".into(),
        pattern(1, 300).into(),
        Message::Pong(b"unasked".into()),
        Vec::new().into(),
        Message::Ping(b"three".into()),
        Message::Close(Some((CloseCode::NORMAL, "done".into()))),
    ];
    (outgoing(peer), messages)
}

/// Holds that the pings were answered, each once and in order, but for those that a newer one overtook while the answer
/// before it was being written; and then the close frame, after which a pong is no longer sent.
fn check_answers(name: &str, write: usize, peer: &mut Connection, wire: &[u8]) {
    let mut answers = receive_all(peer.split().0, wire);
    assert_eq!(answers.pop(), Some(Message::Close(Some((CloseCode::NORMAL, String::new())))), "{name}");
    let pings = ["one", "two", "three"].map(|payload| Message::Pong(payload.into()));
    let mut rest = pings.iter();
    assert!(answers.iter().all(|pong| rest.any(|ping| ping == pong)), "{name}: {answers:?}, in order and once");
    assert!(!answers.is_empty(), "{name}");
    if write >= 64 {
        assert_eq!(answers, pings, "{name}: nothing was slow");
    }
}

#[test]
fn next_of_a_receiver() {
    for role in BOTH {
        for (read, write, stutter) in MANNERS {
            for drops in Drops::up_to(12) {
                let mut peer = peer_of(role);
                let (wire, messages) = incoming(&mut peer);
                let io = Scripted::new(&wire, read, write, stutter);
                io.script().eof = true;
                let config = Config::new();
                let (mut receiver, sender) = Socket::new(io.clone(), connection(role, &config), b"", &config).split();
                let mut got = Vec::new();
                while let Some(message) = insist!(drops, next(&mut receiver)) {
                    got.push(message);
                }
                let name = format!("{role:?}, {read}, {write}, {stutter}, {drops:?}");
                assert_eq!(got, messages, "{name}");
                assert_eq!(insist!(drops, next(&mut receiver)), None, "{name}: the end is the end");
                check_answers(&name, write, &mut peer, &io.script().output);
                assert!(io.script().shut, "{name}: the stream is ended");
                assert!(receiver.closed().expect("it is over").clean, "{name}");
                drop(sender);
            }
        }
    }
}

#[test]
fn next_of_a_socket() {
    for role in BOTH {
        for (read, write, stutter) in MANNERS {
            for drops in Drops::up_to(8) {
                let mut peer = peer_of(role);
                let (wire, messages) = incoming(&mut peer);
                let (left_over, wire) = wire.split_at(9); // came with the handshake
                let io = Scripted::new(wire, read, write, stutter);
                io.script().eof = true;
                let config = Config::new();
                let mut socket = Socket::new(io.clone(), connection(role, &config), left_over, &config);
                let mut got = Vec::new();
                while let Some(message) = insist!(drops, socket_next(&mut socket)) {
                    got.push(message);
                }
                let name = format!("{role:?}, {read}, {write}, {stutter}, {drops:?}");
                assert_eq!(got, messages, "{name}");
                check_answers(&name, write, &mut peer, &io.script().output);
            }
        }
    }
}

/// A next that is dropped while it tells the peer of its fault goes on telling it, and then returns the error.
#[test]
fn next_that_fails() {
    for (read, write, stutter) in MANNERS {
        for drops in Drops::up_to(8) {
            let mut peer = peer_of(Role::Server);
            peer.split().1.text("good").unwrap();
            let mut wire = outgoing(&mut peer);
            wire.extend(b"\x81\x03bad"); // not masked
            let io = Scripted::new(&wire, read, write, stutter);
            io.script().eof = true;
            let config = Config::new();
            let mut socket = Socket::new(io.clone(), connection(Role::Server, &config), b"", &config);
            let name = format!("{read}, {write}, {stutter}, {drops:?}");
            assert_eq!(insist!(drops, socket_next(&mut socket)), Some("good".into()), "{name}");
            let failed = insist!(drops, async { socket.next().await.map(owned) });
            assert!(matches!(failed, Err(Error::Protocol(ws_proto::Error::BadMask))), "{name}: {failed:?}");
            let told = [Message::Close(Some((CloseCode::PROTOCOL, String::new())))];
            assert_eq!(receive_all(peer.split().0, &io.script().output), told, "{name}");
            assert_eq!(insist!(drops, socket_next(&mut socket)), None, "{name}: once");
        }
    }
}

// --- sending ---

/// A call of a sending method.
#[derive(Clone, Debug)]
enum Call {
    Text(String),
    Binary(Vec<u8>),
    Fragment(Vec<u8>, bool),
    Ping(Vec<u8>),
    Flush,
    Close,
}

/// A frame's worth of what a peer sees.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close,
}

impl Call {
    fn all() -> Vec<Self> {
        vec![
            Self::Text(letters(0, 20)),
            Self::Binary(pattern(1, 130)),
            Self::Flush,
            Self::Ping(b"1".into()),
            Self::Fragment(pattern(2, 9), false),
            Self::Ping(b"2".into()),
            Self::Fragment(pattern(3, 40), false),
            Self::Fragment(pattern(4, 8), true),
            Self::Text(letters(5, 3)),
            Self::Flush,
            Self::Binary(pattern(6, 17)),
            Self::Close,
        ]
    }

    fn seen(&self) -> Option<Seen> {
        Some(match self {
            Self::Text(text) => Seen::Text(text.clone().into_bytes()),
            Self::Binary(bytes) => Seen::Binary(bytes.clone(), true),
            Self::Fragment(bytes, last) => Seen::Binary(bytes.clone(), *last),
            Self::Ping(payload) => Seen::Ping(payload.clone()),
            Self::Flush => return None,
            Self::Close => Seen::Close,
        })
    }
}

macro_rules! say {
    ($sender:expr, $call:expr) => {
        match $call {
            Call::Text(text) => $sender.text(text).await,
            Call::Binary(bytes) => $sender.binary(bytes).await,
            Call::Fragment(bytes, last) => $sender.fragment(Kind::Binary, bytes, *last).await,
            Call::Ping(payload) => $sender.ping(payload).await,
            Call::Flush => $sender.flush().await,
            Call::Close => $sender.close(CloseCode::NORMAL, "bye").await,
        }
    };
}

/// The frames of a wire, which must be whole.
fn seen(peer: &mut Connection, wire: &[u8]) -> Vec<Seen> {
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let mut all = Vec::new();
    let (reader, _) = peer.split();
    while let Some(chunk) = reader.receive_chunk(&mut input).expect("a valid wire") {
        all.push(match chunk {
            Chunk::Data { kind: Kind::Text, bytes, .. } => Seen::Text(bytes.to_vec()),
            Chunk::Data { bytes, last, .. } => Seen::Binary(bytes.to_vec(), last),
            Chunk::Ping(payload) => Seen::Ping(payload.to_vec()),
            Chunk::Pong(payload) => Seen::Pong(payload.to_vec()),
            Chunk::Close(_) => Seen::Close,
            other => panic!("unknown chunk {other:?}"),
        });
    }
    assert!(reader.is_closed(), "whole, to the close frame");
    all
}

/// Holds that `seen` is what was said, in order, at most once; that no call is missing which was ready, nor one that
/// had room when it was polled; and that behind the first poll nothing is said twice.
fn check_said(name: &str, seen: &[Seen], said: &[(Call, bool)]) {
    let mut rest = seen.iter();
    for (call, must) in said {
        let Some(frame) = call.seen() else { continue };
        let mut ahead = rest.clone();
        if ahead.next() == Some(&frame) {
            rest = ahead;
        } else {
            assert!(!must, "{name}: {call:?} is missing in {seen:?}");
        }
    }
    assert_eq!(rest.as_slice(), &[], "{name}: nothing else, nothing twice");
}

/// Drops each call, or the one with this number, after so many polls, and goes on with the next.
fn drop_calls(role: Role, manner: (usize, usize, bool), calls: Vec<Call>, polls: usize, only: Option<usize>) -> bool {
    let (_, write, stutter) = manner;
    let config = Config::new().max_pending(64);
    let io = Scripted::new(b"", 1, write, stutter);
    let (_receiver, mut sender) = Socket::new(io.clone(), connection(role, &config), b"", &config).split();
    let mut said = Vec::new();
    let mut dropped = false;
    for (i, call) in calls.into_iter().enumerate() {
        let polls = if only.is_none_or(|only| only == i) { polls } else { ALL };
        let mut ready = match polls {
            ALL => Some(complete(async { say!(sender, &call) })),
            polls => step(async { say!(sender, &call) }, polls),
        };
        if let Some(Err(Error::Send(SendError::Interleaved))) = ready {
            // The last fragment was dropped while it waited for room.
            let last = Call::Fragment(vec![255], true);
            complete(async { say!(sender, &last) }).unwrap();
            said.push((last, true));
            ready = Some(complete(async { say!(sender, &call) }));
        }
        dropped |= ready.is_none();
        assert!(matches!(ready, None | Some(Ok(()))), "{call:?}: {ready:?}");
        said.push((call, ready.is_some()));
    }
    // A close that was never polled was never said.
    complete(sender.close(CloseCode::NORMAL, "bye")).unwrap();
    if let Some(close) = said.last_mut() {
        close.1 = true;
    }
    let name = format!("{role:?}, {manner:?}, {polls} polls of {only:?}");
    check_said(&name, &seen(&mut peer_of(role), &io.script().output), &said);
    dropped
}

#[test]
fn every_method_of_a_sender() {
    for role in BOTH {
        for manner in MANNERS {
            let all = (0..2000).find(|polls| !drop_calls(role, manner, Call::all(), *polls, None));
            assert!(all.is_some_and(|polls| polls > 0), "in the end no call is dropped");
            for only in 0..Call::all().len() {
                for polls in 0..40 {
                    if !drop_calls(role, manner, Call::all(), polls, Some(only)) {
                        break;
                    }
                }
            }
        }
    }
}

/// What is written from where it lies is queued as far as the stream has not taken it.
#[test]
fn large_messages_of_a_sender() {
    let calls = || {
        let large = [Call::Binary(pattern(1, 9_000)), Call::Ping(b"1".into()), Call::Text(letters(2, 8_500))];
        [large.to_vec(), vec![Call::Flush, Call::Text(letters(3, 5)), Call::Close]].concat()
    };
    for role in BOTH {
        for manner in [(1, 700, true), (1, 4_097, false), (1, 9_003, true), (1, ALL, true)] {
            let all = (0..200).find(|polls| !drop_calls(role, manner, calls(), *polls, None));
            assert!(all.is_some_and(|polls| polls > 0), "in the end no call is dropped");
            for only in 0..calls().len() {
                for polls in 0..40 {
                    if !drop_calls(role, manner, calls(), polls, Some(only)) {
                        break;
                    }
                }
            }
        }
    }
}

/// A message that has room is queued with the first poll, as a whole, whatever the stream does.
#[test]
fn the_first_poll_queues() {
    for role in BOTH {
        let config = Config::new();
        let io = Scripted::new(b"", 1, 1, true);
        let (_receiver, mut sender) = Socket::new(io.clone(), connection(role, &config), b"", &config).split();
        for i in 0..5 {
            assert!(matches!(step(sender.text(&letters(i, 10)), 1), Some(Ok(()))), "queued is sent");
        }
        assert!(step(sender.text("never polled"), 0).is_none());
        complete(sender.close(CloseCode::NORMAL, "")).unwrap();
        let mut expected: Vec<_> = (0..5).map(|i| Seen::Text(letters(i, 10).into_bytes())).collect();
        expected.push(Seen::Close);
        assert_eq!(seen(&mut peer_of(role), &io.script().output), expected);
    }
}

/// One that waits for room is not queued at all until there is some.
#[test]
fn no_room_no_message() {
    let config = Config::new().max_pending(16);
    let io = Scripted::new(b"", 1, ALL, false);
    io.script().room = 0;
    let (_receiver, mut sender) = Socket::new(io.clone(), connection(Role::Server, &config), b"", &config).split();
    assert!(matches!(run(sender.text(&letters(0, 20))), Some(Ok(()))), "queued");
    assert!(run(sender.flush()).is_none(), "and waits to be written");
    for polls in 0..5 {
        assert!(step(sender.text("refused"), polls).is_none());
        assert!(step(sender.ping(b"refused"), polls).is_none());
        assert!(step(sender.fragment(Kind::Binary, b"refused", false), polls).is_none());
    }
    assert_eq!(sender.queue(|writer| writer.text("refused")), Err(SendError::Full));
    io.make_room(ALL);
    complete(sender.text("taken")).unwrap();
    complete(sender.close(CloseCode::NORMAL, "")).unwrap();
    let expected = [Seen::Text(letters(0, 20).into_bytes()), Seen::Text(b"taken".into()), Seen::Close];
    assert_eq!(seen(&mut peer_of(Role::Server), &io.script().output), expected);
}

// --- both, in one socket ---

/// Drops every sending call of a socket to which the peer talks meanwhile, and then receives.
fn drop_both(role: Role, manner: (usize, usize, bool), polls: usize) -> bool {
    let (read, write, stutter) = manner;
    let mut peer = peer_of(role);
    let (wire, messages) = incoming(&mut peer);
    let io = Scripted::new(&wire, read, write, stutter);
    io.script().eof = true;
    let config = Config::new().max_pending(64);
    let mut socket = Socket::new(io.clone(), connection(role, &config), b"", &config);
    let name = format!("{role:?}, {manner:?}, {polls} polls");
    let (mut said, mut got, mut dropped) = (Vec::new(), Vec::new(), false);
    for (i, call) in Call::all().into_iter().enumerate() {
        let mut ready = step(async { say!(socket, &call) }, polls);
        if let Some(Err(Error::Send(SendError::Interleaved))) = ready {
            // The last fragment was dropped while it waited for room.
            let last = Call::Fragment(vec![255], true);
            let ended = complete(async { say!(socket, &last) }).is_ok();
            said.push((last, ended));
            ready = Some(complete(async { say!(socket, &call) }));
        }
        dropped |= ready.is_none();
        // The peer's close frame may have come meanwhile.
        let over = matches!(ready, Some(Err(Error::Send(SendError::Closed))));
        assert!(over || matches!(ready, None | Some(Ok(()))), "{name}: {call:?}: {ready:?}");
        said.push((call, matches!(ready, Some(Ok(())))));
        if i % 4 == 3 {
            got.push(complete(socket_next(&mut socket)).expect("not the end"));
        }
    }
    let _ = complete(socket.close(CloseCode::NORMAL, "bye"));
    while let Some(message) = complete(socket_next(&mut socket)) {
        got.push(message);
    }
    let is_message = |message: &Message| !matches!(message, Message::Ping(_) | Message::Pong(_));
    got.retain(is_message);
    let messages: Vec<_> = messages.into_iter().filter(is_message).collect();
    assert_eq!(got, messages, "{name}: every message, once");

    let (pongs, frames): (Vec<_>, Vec<_>) =
        seen(&mut peer, &io.script().output).into_iter().partition(|frame| matches!(frame, Seen::Pong(_)));
    said.push((Call::Close, false));
    let frames: Vec<_> = frames.into_iter().collect();
    check_said(&name, &frames, &said);
    let known = [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()].map(Seen::Pong);
    let mut rest = known.iter();
    assert!(pongs.iter().all(|pong| rest.any(|known| known == pong)), "{name}: {pongs:?}, in order and once");
    dropped
}

#[test]
fn every_method_of_a_socket() {
    for role in BOTH {
        for manner in MANNERS {
            let ready = (0..2000).find(|polls| !drop_both(role, manner, *polls));
            assert!(ready.is_some_and(|polls| polls > 0), "in the end no call is dropped");
        }
    }
}

// --- handshakes ---

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Polls ever longer before the drop, until one is ready. Each that is dropped must take its stream along, having
/// written the beginning of `whole`.
fn drop_handshakes<F: Future>(wire: &[u8], whole: Option<&[u8]>, shake: impl Fn(Scripted) -> F) -> F::Output {
    for manner in MANNERS {
        let (read, write, stutter) = manner;
        for polls in 0.. {
            let io = Scripted::new(wire, read, write, stutter);
            if let Some(output) = step(shake(io.clone()), polls) {
                if polls > 1 && manner == MANNERS[MANNERS.len() - 1] {
                    return output;
                }
                break;
            }
            assert!(io.is_dropped(), "{manner:?}, {polls} polls: the stream is dropped");
            let written = &io.script().output;
            assert!(whole.is_none_or(|whole| whole.starts_with(written)), "{manner:?}, {polls} polls");
        }
    }
    panic!("never dropped");
}

fn response() -> Vec<u8> {
    let io = Scripted::new(REQUEST, ALL, ALL, false);
    drop(complete(poll::accept(io.clone(), OriginPolicy::Any, &Config::new())).unwrap());
    io.script().output.clone()
}

#[test]
fn accepting() {
    let config = Config::new();
    let mut wire = REQUEST.to_vec();
    wire.extend(b"\x81\x85\0\0\0\0early"); // with the head, in one read or not
    let whole = response();
    assert!(whole.starts_with(b"HTTP/1.1 101 "));
    let accepted = drop_handshakes(&wire, Some(&whole), |io| poll::accept(io, OriginPolicy::Any, &config));
    assert_eq!(complete(socket_next(&mut accepted.unwrap())), Some("early".into()));
}

#[test]
fn accepting_in_two_steps() {
    let config = Config::new();
    let two_steps = |io| async {
        match poll::receive_request(io, OriginPolicy::Any, &config).await? {
            poll::Incoming::Upgrade(upgrade) => upgrade.accept(&Answer::new()).await,
            poll::Incoming::Plain(_) => panic!("an upgrade"),
        }
    };
    drop_handshakes(REQUEST, Some(&response()), two_steps).unwrap();
    let rejects = |io| async {
        match poll::receive_request(io, OriginPolicy::Any, &config).await? {
            poll::Incoming::Upgrade(upgrade) => upgrade.reject(403, &[], b"no").await,
            poll::Incoming::Plain(_) => panic!("an upgrade"),
        }
    };
    drop_handshakes(REQUEST, None, rejects).unwrap();
}

#[test]
fn refusing() {
    let config = Config::new();
    let wrong = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";
    let refused = drop_handshakes(wrong, None, |io| poll::accept(io, OriginPolicy::Any, &config));
    assert!(matches!(refused, Err(Error::Handshake(_))));
}

/// A client's key is new each time, so the answer is made for what it wrote.
#[test]
fn connecting() {
    let config = Config::new();
    for (read, write, stutter) in MANNERS {
        for polls in 0.. {
            let io = Scripted::new(b"", read, write, stutter);
            let request = ClientRequest::new("ws://localhost/chat").unwrap();
            let length = Client::new(request.clone(), &config, Seed::from_os().unwrap()).unwrap().outgoing().len();
            let mut shaking = Box::pin(poll::client(io.clone(), request, &config));
            let mut done = None;
            let mut told = false;
            for _ in 0..polls {
                done = step(shaking.as_mut(), 1);
                if done.is_some() {
                    break;
                }
                let written = io.script().output.clone();
                if written.len() == length && !told {
                    told = true;
                    io.push(&answer(&written));
                    io.push(b"\x81\x05early");
                }
            }
            drop(shaking);
            match done {
                Some(socket) => {
                    let mut socket: Socket<Scripted> = socket.unwrap();
                    assert_eq!(complete(socket_next(&mut socket)), Some("early".into()));
                    assert!(polls > 1, "it was dropped at every point before");
                    break;
                }
                None => assert!(io.is_dropped(), "{read}, {write}, {stutter}, {polls} polls: the stream is dropped"),
            }
        }
    }
}

/// The same with a URL, and a stream that is not there at once: dropped before, nothing was opened.
#[test]
fn dialling() {
    let config = Config::new();
    for polls in 0.. {
        let io = Scripted::new(b"", ALL, ALL, true);
        let dialled = Cell::new(0);
        let dial = async |host: &str, port| {
            assert_eq!((host, port), ("localhost", 80));
            yield_now().await;
            dialled.set(dialled.get() + 1);
            Ok(io.clone())
        };
        let mut connecting = Box::pin(poll::connect("ws://localhost/chat", &config, dial));
        let mut told = false;
        let done = (0..polls).find_map(|_| {
            let done = step(connecting.as_mut(), 1);
            let written = io.script().output.clone();
            if !told && written.ends_with(b"\r\n\r\n") {
                told = true;
                io.push(&answer(&written));
            }
            done
        });
        drop(connecting);
        assert_eq!(dialled.get(), usize::from(polls > 1), "{polls} polls");
        if let Some(socket) = done {
            assert!(socket.is_ok() && polls > 3, "it was dropped at every point before");
            break;
        }
        assert!(io.is_dropped(), "{polls} polls: the stream is dropped");
    }
}

/// Pending once.
fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |_| if mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending })
}

/// What a server says to this request.
fn answer(request: &[u8]) -> Vec<u8> {
    let io = Scripted::new(request, ALL, ALL, false);
    drop(complete(poll::accept(io.clone(), OriginPolicy::Any, &Config::new())).unwrap());
    io.script().output.clone()
}

/// The halves can be sent to two tasks.
#[test]
fn halves_are_send() {
    fn is_send<T: Send>() {}
    is_send::<Receiver<Scripted>>();
    is_send::<Sender<Scripted>>();
    is_send::<Socket<Scripted>>();
}

const ALL: usize = usize::MAX;
