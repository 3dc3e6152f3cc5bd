//! Peers that are slow, silent, gone or too big, through the drivers for tasks: every deadline, every limit.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::time::Duration;
use std::time::Instant as Clock;

use driver::{Scripted, complete, connection, letters, outgoing, owned, receive_all, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};
use ws_proto::handshake::{Answer, ClientRequest, HandshakeError, OriginPolicy};
use ws_proto::poll::{self, Error, Incoming};
use ws_proto::tokio::{self as ws, Socket, Tokio};
use ws_proto::{CloseCode, Config, Connection, Kind, Message, Role, SendError, Side, futures};

/// A socket, and the bare stream of its peer.
fn socket(role: Role, config: &Config, buffer: usize) -> (Socket<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(buffer);
    (Socket::new(Tokio::new(near), connection(role, config), b"", config), far)
}

/// Both ends.
fn sockets(near: &Config, far: &Config) -> (Socket<DuplexStream>, Socket<DuplexStream>) {
    let (socket, stream) = socket(Role::Client, near, 1 << 16);
    (socket, Socket::new(Tokio::new(stream), connection(Role::Server, far), b"", far))
}

/// The bytes of some messages from the peer of `role`.
fn said_to(role: Role, say: impl FnOnce(&mut ws_proto::Writer)) -> Vec<u8> {
    let mut peer = driver::peer_of(role);
    say(peer.split().1);
    outgoing(&mut peer)
}

fn is_timed_out<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::TimedOut))
}

async fn next(socket: &mut Socket<DuplexStream>) -> Result<Option<Message>, Error> {
    Ok(owned(socket.next().await?))
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Lets go of what the turn before has woken, so that this one has no poll for nothing.
async fn settle() {
    sleep(Duration::from_millis(10)).await;
}

/// Timers of tokio are as fine as a millisecond.
fn assert_took(start: Instant, expected: Duration) {
    let took = start.elapsed();
    assert!(took >= expected && took < expected + secs(1), "took {took:?}, not {expected:?}");
}

// --- a peer that never reads ---

#[tokio::test(start_paused = true)]
async fn memory_stays_at_the_limit() {
    let config = Config::new().max_pending(10_000).keepalive(None);
    let (socket, _peer) = socket(Role::Server, &config, 500);
    let (mut receiver, mut sender) = socket.split();
    let mut taken = 0;
    let refused = loop {
        match sender.queue(|writer| writer.text(&letters(0, 3000))) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((refused, taken), (SendError::Full, 4), "up to the limit and over it once");
    let pending = |sender: &mut ws::Sender<_>| sender.queue(|writer| Ok(writer.pending().len())).unwrap();
    assert!(pending(&mut sender) <= 10_000 + 3004);
    // However long it takes, and whatever the other half does.
    assert!(timeout(secs(3600), sender.text("waits")).await.is_err());
    assert!(timeout(secs(3600), receiver.next()).await.is_err());
    assert!(pending(&mut sender) <= 10_000 + 3004 - 500);
    assert!(timeout(secs(3600), sender.flush()).await.is_err());
    assert_eq!(sender.queue(|writer| writer.ping(b"refused")), Err(SendError::Full));
    assert_eq!(sender.queue(|writer| writer.text("refused")), Err(SendError::Full));
}

/// The deadline for closing ends it, for both halves.
#[tokio::test(start_paused = true)]
async fn closing_on_a_peer_that_never_reads() {
    let config = Config::new().max_pending(1000);
    let (socket, _peer) = socket(Role::Server, &config, 100);
    let (mut receiver, mut sender) = socket.split();
    sender.queue(|writer| writer.text(&letters(0, 3000))).unwrap();
    let start = Instant::now();
    let receiving = tokio::spawn(async move {
        let ended = receiver.next().await.map(owned);
        let closed = receiver.closed().map(|closed| (closed.code, closed.clean, closed.by));
        (ended, closed, receiver.next().await.map(owned))
    });
    sleep(secs(7)).await;
    assert!(is_timed_out(&sender.close(CloseCode::NORMAL, "enough").await), "the flush ends with an error");
    assert_took(start, secs(7 + 5));
    let (ended, closed, after) = receiving.await.unwrap();
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_eq!(closed, Some((CloseCode::ABNORMAL, false, Side::Local)));
    assert!(matches!(after, Ok(None)), "once");
    assert!(is_timed_out(&sender.text("over").await), "both halves know why");
    assert_took(start, secs(7 + 5));
}

/// The same in a socket that is not split, whose only caller waits in a sending method.
#[tokio::test(start_paused = true)]
async fn closing_alone_on_a_peer_that_never_reads() {
    for what in ["nothing", "a message before", "two messages before"] {
        settle().await;
        let (mut socket, mut peer) = socket(Role::Server, &Config::new(), 100);
        if what != "nothing" {
            peer.write_all(b"\x81\x85\0\0\0\0early").await.unwrap();
        }
        if what == "two messages before" {
            peer.write_all(b"\x81\x85\0\0\0\0later").await.unwrap();
        }
        let start = Instant::now();
        let long = letters(0, 3000);
        socket.text(&long).await.unwrap(); // queued
        assert!(timeout(secs(7), socket.flush()).await.is_err());
        let closed = timeout(secs(60), socket.close(CloseCode::NORMAL, "enough")).await;
        assert!(is_timed_out(&closed.expect("an end")), "{what}");
        assert_took(start, secs(7 + 5));
        let mut got = next(&mut socket).await;
        if what != "nothing" {
            assert_eq!(got.unwrap(), Some("early".into()));
            got = next(&mut socket).await;
        }
        if let (Ok(Some(_)), "two messages before") = (&got, what) {
            got = next(&mut socket).await;
        }
        assert!(is_timed_out(&got), "{what}: {got:?}");
        assert!(matches!(next(&mut socket).await, Ok(None)));
        assert_took(start, secs(7 + 5));
    }
}

/// The same for a tunnel.
#[tokio::test(start_paused = true)]
async fn closing_a_tunnel_on_a_peer_that_never_reads() {
    for what in ["nothing", "a message before"] {
        settle().await;
        let (socket, mut peer) = socket(Role::Server, &Config::new(), 100);
        if what != "nothing" {
            peer.write_all(b"\x82\x85\0\0\0\0early").await.unwrap();
        }
        let mut bytes = socket.into_bytes();
        bytes.write_all(&[0; 3000]).await.unwrap();
        let start = Instant::now();
        let _ = timeout(secs(60), bytes.shutdown()).await.expect("an end");
        assert_took(start, secs(5));
    }
}

/// An unread message is no reason to be deaf for long: once it is read, what came behind it counts.
#[tokio::test(start_paused = true)]
async fn sending_again_behind_an_unread_message() {
    let config = Config::new().max_unread(1);
    let (mut socket, mut peer) = socket(Role::Server, &config, 100);
    peer.write_all(b"\x81\x85\0\0\0\0early").await.unwrap();
    socket.text(&letters(0, 3000)).await.unwrap();
    assert!(timeout(secs(50), socket.flush()).await.is_err(), "waits; nobody can tell yet whether the peer is there");
    assert_eq!(next(&mut socket).await.unwrap(), Some("early".into()));
    tokio::spawn(async move {
        let mut all = Vec::new();
        peer.write_all(b"\x81\x85\0\0\0\0later").await.unwrap();
        let _ = peer.read_to_end(&mut all).await;
    });
    assert_eq!(next(&mut socket).await.unwrap(), Some("later".into()));
    socket.text("more").await.unwrap();
}

// --- signs of life ---

/// A user that only sends answers pings all the same, and gets its own answered.
#[tokio::test(start_paused = true)]
async fn a_send_only_user() {
    let config = Config::new().keepalive(Some(secs(30))).require_pong(true);
    let (mut sending, mut receiving) = sockets(&config, &config);
    let receiver = tokio::spawn(async move {
        let mut texts = 0;
        while let Some(event) = receiving.next().await.unwrap() {
            texts += usize::from(matches!(event, ws_proto::Event::Text(_)));
        }
        (texts, receiving.round_trip())
    });
    for _ in 0..360 {
        sending.text("tick").await.unwrap();
        sleep(secs(10)).await;
    }
    assert!(sending.round_trip().is_some(), "its own pings were answered");
    sending.close(CloseCode::NORMAL, "").await.unwrap();
    let (texts, round_trip) = receiver.await.unwrap();
    assert_eq!(texts, 360);
    assert!(round_trip.is_some_and(|time| time <= secs(11)), "{round_trip:?}");
}

/// Two that only wait keep each other alive for a day.
#[tokio::test(start_paused = true)]
async fn idle_peers() {
    let server = Config::new().keepalive(Some(secs(30)));
    let client = Config::new().keepalive(None).idle_timeout(Some(secs(31)));
    let (mut client, mut server) = sockets(&client, &server);
    let serving = tokio::spawn(async move {
        let mut pongs = 0;
        while let Some(event) = server.next().await.unwrap() {
            pongs += usize::from(matches!(event, ws_proto::Event::Pong(_)));
        }
        pongs
    });
    let day = timeout(secs(24 * 3600), async {
        while let Some(event) = client.next().await.unwrap() {
            assert!(matches!(event, ws_proto::Event::Ping(_)));
        }
    });
    assert!(day.await.is_err(), "still there");
    client.close(CloseCode::GOING_AWAY, "").await.unwrap();
    while client.next().await.unwrap().is_some() {}
    assert_eq!(serving.await.unwrap(), 24 * 120 - 1);
    assert!(client.closed().unwrap().clean);
}

/// A peer that vanishes is 1006 once its pong is missed: for the receiver, and for a sender that waits.
#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes() {
    let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20)).max_pending(10);
    let (socket, mut peer) = socket(Role::Client, &config, 200);
    let (mut receiver, mut sender) = socket.split();
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        sleep(secs(40)).await;
        let queued = sender.binary(&[0; 1000]).await;
        let waits = sender.text("no room").await;
        (queued, waits, start.elapsed(), sender.text("over").await)
    });
    let ended = receiver.next().await.map(owned);
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, secs(50));
    let closed = receiver.closed().map(|closed| (closed.code, closed.clean));
    assert_eq!(closed, Some((CloseCode::ABNORMAL, false)));
    let (queued, waits, took, over) = sending.await.unwrap();
    assert!(queued.is_ok() && is_timed_out(&waits) && is_timed_out(&over), "{queued:?}, {waits:?}, {over:?}");
    assert!(took < secs(51), "it does not hang");
    assert!(matches!(receiver.next().await, Ok(None)), "once");
    drop(receiver);
    // Its last words: a ping, part of the message, and no more room for the close frame.
    let mut wire = Vec::new();
    peer.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire[..2], [0x89, 0x88]);
}

/// The same for a socket of one piece, in the middle of sending. The peer is told 1011, should it be there.
#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_from_a_sender() {
    let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20));
    for size in [10, 10_000] {
        settle().await;
        let (mut socket, mut peer) = socket(Role::Server, &config, 2000);
        let start = Instant::now();
        sleep(secs(31)).await;
        let mut result = Ok(());
        while result.is_ok() && start.elapsed() < secs(100) {
            result = timeout(secs(100), socket.text(&letters(0, size))).await.expect("an end");
            sleep(secs(1)).await;
        }
        assert!(is_timed_out(&result), "{size}: {result:?}");
        assert!(start.elapsed() <= secs(31 + 20 + 2), "{size}: {:?}", start.elapsed());
        assert!(is_timed_out(&next(&mut socket).await), "{size}");
        assert!(matches!(next(&mut socket).await, Ok(None)));
        drop(socket);
        let mut wire = Vec::new();
        peer.read_to_end(&mut wire).await.unwrap();
        if size == 10 {
            let last = receive_all(connection(Role::Client, &Config::new()).split().0, &wire).pop();
            assert_eq!(last, Some(Message::Close(Some((CloseCode::INTERNAL, "no pong".into())))));
        }
    }
}

/// Who comes back after a long time looks at what has come before it judges.
#[tokio::test(start_paused = true)]
async fn a_pong_that_was_there_in_time() {
    for require in [false, true] {
        for left_over in [false, true] {
            let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20)).require_pong(require);
            settle().await;
            let (mut socket, mut peer) = socket(Role::Server, &config, 2000);
            assert!(timeout(secs(31), next(&mut socket)).await.is_err(), "nothing came yet");
            let mut ping = [0; 10];
            peer.read_exact(&mut ping).await.unwrap();
            if left_over {
                peer.write_all(b"\x81\x80\0\0\0\0").await.unwrap();
            }
            let answer = said_to(Role::Server, |writer| writer.pong(&ping[2..]).unwrap());
            peer.write_all(&answer).await.unwrap();
            sleep(secs(40)).await; // busy with other things
            if left_over {
                assert_eq!(next(&mut socket).await.unwrap(), Some("".into()));
            }
            let got = next(&mut socket).await;
            assert!(matches!(got, Ok(Some(Message::Pong(_)))), "{require}, {left_over}: {got:?}");
            assert!(socket.round_trip().is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn idleness() {
    let quiet = Config::new().keepalive(None);
    let (mut client, mut server) = sockets(&quiet, &quiet.clone().idle_timeout(Some(secs(60))));
    let start = Instant::now();
    let serving = tokio::spawn(async move {
        while server.next().await?.is_some() {}
        Ok::<_, Error>(())
    });
    sleep(secs(20)).await;
    client.text("here").await.unwrap();
    let idle = Message::Close(Some((CloseCode::GOING_AWAY, "idle".into())));
    assert_eq!(next(&mut client).await.unwrap(), Some(idle));
    assert_took(start, secs(80));
    assert_eq!(next(&mut client).await.unwrap(), None);
    serving.await.unwrap().expect("a clean end");
}

// --- opening ---

fn request() -> ClientRequest {
    ClientRequest::new("ws://localhost/").unwrap()
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// For the whole head, not per read.
#[tokio::test(start_paused = true)]
async fn a_silent_or_slow_client() {
    for slow in [false, true] {
        let config = Config::new().opening_timeout(Some(secs(10)));
        let (near, mut far) = duplex(1000);
        let start = Instant::now();
        tokio::spawn(async move {
            for byte in REQUEST {
                sleep(if slow { secs(1) } else { secs(1000) }).await;
                far.write_all(&[*byte]).await?;
            }
            Ok::<_, std::io::Error>(())
        });
        let accepted = ws::accept(near, OriginPolicy::Any, &config).await;
        assert!(is_timed_out(&accepted), "{slow}: {accepted:?}");
        assert_took(start, secs(10));
    }
    let config = Config::new().opening_timeout(None);
    let (near, _far) = duplex(1000);
    assert!(timeout(secs(3600), ws::accept(near, OriginPolicy::Any, &config)).await.is_err(), "as long as it takes");
}

/// That it does not read the answer is the same.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read() {
    for good in [false, true] {
        settle().await;
        let (near, mut far) = duplex(20);
        let start = Instant::now();
        let client = tokio::spawn(async move {
            if good {
                far.write_all(REQUEST).await.unwrap();
            } else {
                far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            }
            sleep(secs(3600)).await;
        });
        let accepted = timeout(secs(60), ws::accept(near, OriginPolicy::Any, &Config::new())).await.expect("an end");
        assert!(is_timed_out(&accepted), "{good}: {accepted:?}");
        assert_took(start, secs(10));
        client.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers() {
    for slow in [false, true] {
        let (near, mut far) = duplex(1000);
        let start = Instant::now();
        tokio::spawn(async move {
            for byte in b"HTTP/1.1 101 Switching Protocols\r\n" {
                sleep(if slow { secs(1) } else { secs(1000) }).await;
                far.write_all(&[*byte]).await?;
            }
            Ok::<_, std::io::Error>(())
        });
        let connected = ws::client(near, request(), &Config::new()).await;
        assert!(is_timed_out(&connected), "{slow}: {connected:?}");
        assert_took(start, secs(10));
    }
}

/// The answer may take longer than the question: its deadline is its own.
#[tokio::test(start_paused = true)]
async fn a_decision_that_takes_long() {
    for decision in ["accept", "reject", "respond"] {
        settle().await;
        let (near, mut far) = duplex(1000);
        if decision == "respond" {
            far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        } else {
            far.write_all(REQUEST).await.unwrap();
        }
        let incoming = ws::receive_request(near, OriginPolicy::Any, &Config::new()).await.unwrap();
        sleep(secs(60)).await;
        let reading = tokio::spawn(async move {
            let mut head = [0; 12];
            far.read_exact(&mut head).await.map(|_| head)
        });
        match (incoming, decision) {
            (Incoming::Upgrade(upgrade), "accept") => drop(upgrade.accept(&Answer::new()).await.unwrap()),
            (Incoming::Upgrade(upgrade), _) => upgrade.reject(403, &[], b"no").await.unwrap(),
            (Incoming::Plain(plain), _) => plain.respond(404, &[], b"no").await.unwrap(),
        }
        let expected = match decision {
            "accept" => b"HTTP/1.1 101",
            "reject" => b"HTTP/1.1 403",
            _ => b"HTTP/1.1 404",
        };
        assert_eq!(&reading.await.unwrap().unwrap(), expected);
    }
}

/// A refusal is written, then the stream is read until the client ends it, but not for ever.
#[tokio::test(start_paused = true)]
async fn a_refused_client_that_stays() {
    let (near, mut far) = duplex(1000);
    far.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let start = Instant::now();
    let refused = ws::accept(near, OriginPolicy::Any, &Config::new()).await;
    assert!(matches!(refused, Err(Error::Handshake(_))), "{refused:?}");
    assert_took(start, secs(1));
    let mut response = String::new();
    far.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
}

// --- closing ---

/// TM-07: the peer's close frame does not come.
#[tokio::test(start_paused = true)]
async fn no_answer_to_a_close() {
    for role in driver::BOTH {
        for talks in [false, true] {
            settle().await;
            let (mut socket, mut peer) = socket(role, &Config::new().closing_timeout(secs(7)), 1 << 16);
            let talking = tokio::spawn(async move {
                let wire = said_to(role, |writer| writer.text("still here").unwrap());
                let words: &[u8] = if talks { &wire } else { &[] };
                while peer.write_all(words).await.is_ok() {
                    sleep(Duration::from_millis(100)).await;
                }
            });
            let start = Instant::now();
            socket.close(CloseCode::NORMAL, "").await.unwrap();
            let ended = loop {
                match next(&mut socket).await {
                    Ok(Some(message)) => assert_eq!(message, "still here".into()),
                    ended => break ended,
                }
            };
            assert!(is_timed_out(&ended), "{role:?}, {talks}: {ended:?}");
            assert_took(start, secs(7));
            let closed = socket.closed().unwrap();
            assert_eq!((closed.code, closed.clean, closed.by), (CloseCode::ABNORMAL, false, Side::Local));
            assert!(matches!(next(&mut socket).await, Ok(None)));
            talking.abort();
        }
    }
}

/// A peer that talks without a pause cannot put the deadline off: the stream is never empty.
#[test]
fn no_answer_among_all_that_is_said() {
    let config = Config::new().closing_timeout(secs(5));
    let wire = said_to(Role::Server, |writer| (0..20).for_each(|_| writer.text(&letters(0, 5000)).unwrap()));
    let io = Scripted::new(b"", usize::MAX, usize::MAX, false);
    io.script().now = Some(secs(0));
    let mut socket = poll::Socket::new(io.clone(), connection(Role::Server, &config), b"", &config);
    complete(socket.close(CloseCode::NORMAL, "")).unwrap();
    for second in 0..100 {
        io.script().now = Some(secs(second));
        for _ in 0..20 {
            if io.script().input.len() < 100_000 {
                io.push(&wire);
            }
            match complete(socket.next()).map(owned) {
                Ok(Some(Message::Text(_))) => assert!(second <= 6, "it goes on and on"),
                Err(Error::TimedOut) => {
                    assert!(second >= 5, "too early");
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("never over");
}

/// TM-08: the server does not end the stream. The end is clean.
#[tokio::test(start_paused = true)]
async fn no_end_of_the_stream() {
    for first in [Side::Local, Side::Peer] {
        settle().await;
        let (mut socket, mut peer) = socket(Role::Client, &Config::new().closing_timeout(secs(3)), 1000);
        let start = Instant::now();
        if first == Side::Local {
            socket.close(CloseCode::NORMAL, "").await.unwrap();
        }
        peer.write_all(b"\x88\x02\x03\xe8").await.unwrap();
        assert!(matches!(next(&mut socket).await, Ok(Some(Message::Close(_)))));
        assert!(matches!(next(&mut socket).await, Ok(None)), "not an error");
        assert_took(start, secs(3));
        let closed = socket.closed().unwrap();
        assert_eq!((closed.code, closed.clean, closed.by), (CloseCode::NORMAL, true, first));
    }
}

/// CL-14: a server does not wait.
#[tokio::test(start_paused = true)]
async fn a_server_ends_the_stream_first() {
    let (mut socket, mut peer) = socket(Role::Server, &Config::new(), 1000);
    let start = Instant::now();
    peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
    assert!(matches!(next(&mut socket).await, Ok(Some(Message::Close(_)))));
    assert!(matches!(next(&mut socket).await, Ok(None)));
    assert_took(start, secs(0));
    let mut wire = Vec::new();
    peer.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire, b"\x88\x02\x03\xe8", "and then the end, before the socket is dropped");
    drop(socket);
}

/// The fault of a peer that stays is reported within the deadline; also when it was not told, and when it cannot be.
#[tokio::test(start_paused = true)]
async fn the_fault_of_a_peer_that_stays() {
    for role in driver::BOTH {
        for (silent, reads) in [(false, true), (true, true), (true, false), (false, false)] {
            let config = Config::new().silent_failure(silent);
            settle().await;
            let (mut socket, mut peer) = socket(role, &config, 100);
            if !reads {
                socket.queue(|writer| writer.text(&letters(0, 300))).unwrap();
            }
            peer.write_all(b"\xff\xff").await.unwrap();
            let start = Instant::now();
            let ended = timeout(secs(60), next(&mut socket)).await.expect("an end");
            assert!(matches!(ended, Err(Error::Protocol(_))), "{role:?}, {silent}, {reads}: {ended:?}");
            assert!(start.elapsed() <= secs(6), "{role:?}, {silent}, {reads}");
            assert!(matches!(next(&mut socket).await, Ok(None)));
        }
    }
}

/// The end of the peer's direction, while this one is stuck.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_peer_that_does_not_read() {
    for role in driver::BOTH {
        settle().await;
        let (mut socket, mut peer) = socket(role, &Config::new(), 100);
        socket.queue(|writer| writer.text(&letters(0, 300))).unwrap();
        peer.shutdown().await.unwrap();
        let start = Instant::now();
        let ended = timeout(secs(60), next(&mut socket)).await.expect("an end");
        assert!(matches!(ended, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{role:?}: {ended:?}");
        assert!(start.elapsed() <= secs(6), "{role:?}");
        assert_eq!(socket.closed().unwrap().code, CloseCode::ABNORMAL);
    }
}

/// TM-10: no pings while closing.
#[tokio::test(start_paused = true)]
async fn no_pings_while_closing() {
    let config = Config::new().keepalive(Some(secs(1))).closing_timeout(secs(10));
    let (mut socket, mut peer) = socket(Role::Server, &config, 1000);
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(is_timed_out(&next(&mut socket).await));
    drop(socket);
    let mut wire = Vec::new();
    peer.read_to_end(&mut wire).await.unwrap();
    assert_eq!(wire, b"\x88\x02\x03\xe8");
}

// --- errors of the stream ---

/// Once, as the last; the connection is over, also when much later a pong would have been missing.
#[test]
fn a_stream_that_fails() {
    for role in driver::BOTH {
        let config = Config::new().keepalive(Some(secs(30)));
        let io = Scripted::new(b"", 100, 100, false);
        io.script().now = Some(secs(0));
        let mut socket = poll::Socket::new(io.clone(), connection(role, &config), b"", &config);
        assert!(run(socket.next()).is_none());
        socket.queue(|writer| writer.text("lost")).unwrap();
        io.script().broken = true;
        let failed = complete(socket.next()).map(owned);
        assert!(matches!(failed, Err(Error::Io(_))), "{role:?}: {failed:?}");
        let closed = socket.closed().expect("it is over");
        assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
        for time in [1, 40, 80, 200] {
            io.script().now = Some(secs(time));
            let after = complete(socket.next()).map(owned);
            assert!(matches!(after, Ok(None)), "{role:?}, {time}: {after:?}");
        }
        let over = complete(socket.text("over"));
        assert!(matches!(over, Err(Error::Io(_))), "{role:?}: the same to whoever sends: {over:?}");
    }
}

/// What the peer said before it went away is not lost because it cannot be told anything any more.
#[test]
fn last_words_of_a_peer_that_is_gone() {
    for role in driver::BOTH {
        let config = Config::new();
        let wire = said_to(role, |writer| {
            writer.text("you talk too much").unwrap();
            writer.close(CloseCode::POLICY, "bye").unwrap();
        });
        let io = Scripted::new(&wire, usize::MAX, usize::MAX, false);
        io.script().eof = true;
        io.script().broken = true;
        let (mut receiver, mut sender) = poll::Socket::new(io, connection(role, &config), b"", &config).split();
        assert!(matches!(complete(sender.text("lost")), Err(Error::Io(_))));
        assert_eq!(owned(complete(receiver.next()).unwrap()), Some("you talk too much".into()), "{role:?}");
        let close = Message::Close(Some((CloseCode::POLICY, "bye".into())));
        assert_eq!(owned(complete(receiver.next()).unwrap()), Some(close), "{role:?}");
        // CL-24: the close frames met, the rest does not matter.
        assert_eq!(owned(complete(receiver.next()).unwrap()), None, "{role:?}");
        assert_eq!(receiver.closed().unwrap().code, CloseCode::POLICY);
    }
}

// --- limits, on the wire ---

/// What a peer with these bytes is told by a socket with this limit.
async fn told(role: Role, config: &Config, say: impl FnOnce(&mut ws_proto::Writer)) -> Message {
    let (mut socket, mut peer) = socket(role, config, 1 << 16);
    peer.write_all(&said_to(role, say)).await.unwrap();
    let serving = tokio::spawn(async move {
        loop {
            match next(&mut socket).await {
                Ok(Some(_)) => {}
                ended => return ended,
            }
        }
    });
    let mut wire = Vec::new();
    let mut reader = driver::peer_of(role);
    while !reader.split().0.is_closed() {
        let n = peer.read_buf(&mut wire).await.unwrap();
        assert_ne!(n, 0);
        let got = receive_all(reader.split().0, &wire.split_off(0));
        if let Some(last) = got.into_iter().last() {
            drop(peer);
            let ended = serving.await.unwrap();
            assert!(matches!(ended, Err(Error::Protocol(_))), "{ended:?}");
            return last;
        }
    }
    panic!("nothing");
}

#[tokio::test(start_paused = true)]
async fn limits_of_messages() {
    let code = |code| Message::Close(Some((code, String::new())));
    for role in driver::BOTH {
        let config = Config::new().max_message(1000);
        let got = told(role, &config, |writer| writer.text(&letters(0, 1001)).unwrap()).await;
        assert_eq!(got, code(CloseCode::TOO_BIG), "max_message");
        let halves = |writer: &mut ws_proto::Writer| {
            writer.fragment(Kind::Binary, &[0; 600], false).unwrap();
            writer.fragment(Kind::Binary, &[0; 401], true).unwrap();
        };
        assert_eq!(told(role, &config, halves).await, code(CloseCode::TOO_BIG), "max_message of fragments");
        let config = Config::new().max_frame(500);
        assert_eq!(told(role, &config, halves).await, code(CloseCode::TOO_BIG), "max_frame");
        let config = Config::new().max_fragments(1);
        assert_eq!(told(role, &config, halves).await, code(CloseCode::POLICY), "max_fragments");
    }
}

/// RL-13: who asks and asks, and never reads, is owed two answers at most.
#[tokio::test(start_paused = true)]
async fn a_flood_of_pings() {
    for role in driver::BOTH {
        let (socket, mut peer) = socket(role, &Config::new(), 300);
        let (mut receiver, mut sender) = socket.split();
        let receiving = tokio::spawn(async move { while receiver.next().await.unwrap().is_some() {} });
        let ping = said_to(role, |writer| writer.ping(&[1; 125]).unwrap());
        for _ in 0..10_000 {
            peer.write_all(&ping).await.unwrap();
        }
        let pending = sender.queue(|writer| Ok(writer.pending().len())).unwrap();
        assert!(pending > 0 && pending <= 2 * (125 + 6), "{pending}");
        receiving.abort();
    }
}

/// Of the answers only the newest waits at the limit of the output.
#[tokio::test(start_paused = true)]
async fn the_limit_of_the_output_for_pongs() {
    let config = Config::new().max_pending(100);
    let (socket, mut peer) = socket(Role::Server, &config, 64);
    let (mut receiver, mut sender) = socket.split();
    sender.queue(|writer| writer.text(&letters(0, 200))).unwrap();
    let receiving = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(event) = receiver.next().await.unwrap() {
            pings += usize::from(matches!(event, ws_proto::Event::Ping(_)));
        }
        pings
    });
    let sending = tokio::spawn(async move {
        sender.text("behind").await.unwrap();
        assert!(sender.queue(|writer| Ok(writer.pending().len())).unwrap() < 400);
        sender
    });
    // It does not read, but it goes on asking.
    for i in 0..1000_u16 {
        let ping = said_to(Role::Server, |writer| writer.ping(&[i.to_be_bytes(); 60].concat()).unwrap());
        assert!(timeout(secs(10), peer.write_all(&ping)).await.is_ok(), "read while the sender waits: {i}");
    }
    let mut reader = connection(Role::Client, &Config::new());
    let mut got = Vec::new();
    let mut wire = [0; 50];
    while !got.contains(&Message::Pong([999_u16.to_be_bytes(); 60].concat())) || !got.contains(&"behind".into()) {
        let n = peer.read(&mut wire).await.unwrap();
        got.extend(receive_all(reader.split().0, &wire[..n]));
    }
    assert_eq!(got[0], Message::Text(letters(0, 200)));
    let pongs = got.iter().filter(|message| matches!(message, Message::Pong(_))).count();
    assert!(pongs < 10, "{pongs} pongs");
    drop(sending.await.unwrap());
    peer.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(receiving.await.unwrap(), 1000, "every one is an event");
}

#[tokio::test(start_paused = true)]
async fn limits_of_requests() {
    let long = letters(0, 300);
    let head = |target: &str, more: &str| {
        let head = str::from_utf8(REQUEST).unwrap().replacen("GET /", &format!("GET {target}"), 1);
        head.replacen("\r\n\r\n", &format!("\r\n{more}\r\n"), 1)
    };
    let cases = [
        ("max_target", Config::new().max_target(100), head(&format!("/{long}"), ""), 414),
        ("max_head", Config::new().max_head(300), head("/", &format!("X-Long: {long}\r\n")), 431),
        ("max_headers", Config::new().max_headers(10), head("/", &"X-One: 1\r\n".repeat(6)), 431),
    ];
    for (name, config, head, status) in cases {
        let (near, mut far) = duplex(4000);
        let serving = tokio::spawn(async move { ws::accept(near, OriginPolicy::Any, &config).await.map(drop) });
        far.write_all(head.as_bytes()).await.unwrap();
        let mut response = String::new();
        far.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {response}");
        let refused = serving.await.unwrap();
        assert!(matches!(refused, Err(Error::Handshake(_))), "{name}: {refused:?}");
        // And without the limit it is a good request.
        let (near, mut far) = duplex(4000);
        far.write_all(head.as_bytes()).await.unwrap();
        ws::accept(near, OriginPolicy::Any, &Config::new()).await.expect(name);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_of_responses() {
    let long = letters(0, 300);
    let cases = [
        ("max_head", Config::new().max_head(300), format!("HTTP/1.1 101 Yes\r\nX: {long}\r\n")),
        ("max_headers", Config::new().max_headers(10), format!("HTTP/1.1 101 Yes\r\n{}", "X: 1\r\n".repeat(12))),
        ("max_interim", Config::new().max_interim(2), "HTTP/1.1 102 Wait\r\n\r\n".repeat(3)),
    ];
    for (name, config, head) in cases {
        let (near, mut far) = duplex(4000);
        far.write_all(head.as_bytes()).await.unwrap();
        let refused = timeout(secs(5), ws::client(near, request(), &config)).await;
        let refused = refused.expect("judged at once");
        assert!(matches!(refused, Err(Error::Handshake(_) | Error::Rejected(_))), "{name}: {refused:?}");
    }
    let (near, far) = duplex(4000);
    drop(far);
    let refused = ws::client(near, request(), &Config::new()).await;
    let eof = matches!(refused, Err(Error::Handshake(HandshakeError::UnexpectedEof) | Error::Io(_)));
    assert!(eof, "{refused:?}");
}

// --- the clock of futures-io ---

fn with_clock(stream: smol::net::TcpStream) -> futures::Futures<smol::net::TcpStream> {
    futures::Futures::new(stream).with_sleep(|time| {
        Box::pin(async move {
            smol::Timer::after(time).await;
        })
    })
}

async fn tcp() -> (smol::net::TcpStream, smol::net::TcpStream) {
    let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = smol::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

#[test]
fn deadlines_with_smol() {
    let short = Duration::from_millis(100);
    let config = Config::new().opening_timeout(Some(short)).closing_timeout(short);
    smol::block_on(async {
        let start = Clock::now();
        let (near, _far) = tcp().await;
        let accepted = futures::accept(with_clock(near), OriginPolicy::Any, &config).await;
        assert!(is_timed_out(&accepted), "{accepted:?}");
        assert!(start.elapsed() >= short);

        let (near, _far) = tcp().await;
        let connected = futures::client(with_clock(near), request(), &config).await;
        assert!(is_timed_out(&connected), "{connected:?}");

        let (near, _far) = tcp().await;
        let io = with_clock(near);
        let mut socket = poll::Socket::new(io, connection(Role::Client, &config), b"", &config);
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        let ended = socket.next().await.map(owned);
        assert!(is_timed_out(&ended), "{ended:?}");

        let config = Config::new().keepalive(Some(short)).pong_timeout(short);
        let (near, _far) = tcp().await;
        let start = Clock::now();
        let mut socket = poll::Socket::new(with_clock(near), connection(Role::Server, &config), b"", &config);
        let ended = socket.next().await.map(owned);
        assert!(is_timed_out(&ended), "{ended:?}");
        assert!(start.elapsed() >= 2 * short);
    });
}

/// What is said by a `Connection` that never was in a socket, for the tests above.
#[test]
fn the_tests_speak_to_both_roles() {
    for role in driver::BOTH {
        let wire = said_to(role, |writer| writer.text("Hello").unwrap());
        let mut end: Connection = connection(role, &Config::new());
        assert_eq!(receive_all(end.split().0, &wire), ["Hello".into()]);
    }
}
