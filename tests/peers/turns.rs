//! One connection does a bounded work before others have their turn (K-02, K-03).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;

use futures_io::AsyncRead;
use ws_proto::handshake::OriginPolicy;
use ws_proto::poll::{self, Error};
use ws_proto::{Budget, CloseCode, Config, Event, Kind, Message, Role};

use crate::driver::BOTH;
use crate::line::{End, Line, Task};
use crate::socket::{Ends, FORMS, Form, millis, open, said, secs};

const TURN: usize = 8 << 10;
/// One read may begin before the turn is over.
const BUFFER: usize = 64 << 10;
/// No event costs less.
const EVENTS: usize = TURN / Budget::EVENT + 1;

/// What a peer says for ever: what comes first, and what is repeated.
fn floods(role: Role) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let fragment = |last| said(role, |writer| writer.fragment(Kind::Text, b"", last).unwrap());
    let begun = said(role, |writer| {
        writer.fragment(Kind::Text, b"", false).unwrap();
        writer.fragment(Kind::Text, b"", false).unwrap();
    });
    let first = fragment(false);
    let ping = said(role, |writer| writer.ping(b"").unwrap());
    vec![
        ("tiny messages", vec![], said(role, |writer| writer.text("a").unwrap())),
        ("empty messages", vec![], said(role, |writer| writer.binary(b"").unwrap())),
        ("pings", vec![], ping.clone()),
        ("pongs", vec![], said(role, |writer| writer.pong(b"").unwrap())),
        ("fragments", first.clone(), begun[first.len()..].to_vec()),
        ("fragments and pings", first.clone(), [&begun[first.len()..], &ping].concat()),
        ("large messages", vec![], said(role, |writer| writer.binary(&[7; 300_000]).unwrap())),
    ]
}

/// Polls a task some times; each poll is one turn. `count` counts events.
fn assert_turns(name: &str, line: &Line, count: &Cell<usize>, task: &mut Task<'_, Result<(), Error>>) {
    for turn in 0..50 {
        let (read, events) = (line.state().read, count.get());
        line.state().output.clear();
        line.state().writes = 0;
        assert!(task.poll().is_none(), "{name}, {turn}");
        assert_eq!(task.wakes(), 1, "{name}, {turn}: it comes again at once");
        let (read, events) = (line.state().read - read, count.get() - events);
        assert!(read <= TURN + BUFFER, "{name}, {turn}: {read} bytes in a turn");
        assert!(events <= EVENTS, "{name}, {turn}: {events} events in a turn");
        assert!(line.state().writes <= TURN / Budget::REPLY + 2, "{name}, {turn}: answers");
        assert!(line.state().output.len() <= (TURN / Budget::REPLY + 2) * 6, "{name}, {turn}: answers");
    }
}

#[test]
fn k_02_a_peer_that_always_has_bytes_ready_has_one_turn_at_a_time() {
    for (role, split, form) in BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| FORMS.into_iter().map(move |form| (role, split, form)))
    }) {
        for (flood, first, bytes) in floods(role) {
            let name = format!("{role:?}, split {split}, {form:?}, {flood}");
            let config = Config::new().turn(TURN).max_fragments(Config::UNLIMITED);
            let line = Line::new();
            let mut ends = open(&line, role, split, &config);
            line.push(&first);
            line.flood(&bytes);
            let count = Cell::new(0);
            let mut task = Task::new(receive(&mut ends, form, &count));
            assert_turns(&name, &line, &count, &mut task);
        }
    }
}

async fn receive(ends: &mut Ends<Line>, form: Form, count: &Cell<usize>) -> Result<(), Error> {
    if form == Form::ForEach {
        let each = |_: Event<'_>, _: &mut ws_proto::Writer| {
            count.set(count.get() + 1);
            Ok(())
        };
        return crate::socket::receiver!(ends, receiver => receiver.for_each(each).await);
    }
    while ends.next(form).await?.is_some() {
        count.set(count.get() + 1);
    }
    Ok(())
}

/// Also while it waits to send, and when it reads no more, since it keeps what it may.
#[test]
fn k_02_a_sender_that_waits_has_turns_and_then_reads_no_more() {
    for role in BOTH {
        for (flood, first, bytes) in floods(role) {
            let name = format!("{role:?}, {flood}");
            let config = Config::new().turn(TURN).max_unread(200_000).max_fragments(2000).keepalive(None);
            let line = Line::new();
            line.state().room = 0;
            let mut ends = open(&line, role, false, &config);
            line.push(&first);
            line.flood(&bytes);
            ends.queue("nobody reads this").unwrap();
            let mut task = Task::new(ends.flush());
            for turn in 0.. {
                let read = line.state().read;
                let ready = task.poll();
                let read = line.state().read - read;
                assert!(read <= TURN + BUFFER, "{name}, {turn}: {read} bytes in a turn");
                assert!(ready.is_none(), "{name}, {turn}: {ready:?}");
                if task.wakes() == 0 {
                    break;
                }
                assert_eq!(task.wakes(), 1, "{name}, {turn}");
                assert!(turn < 200_000 / 50, "{name}: it reads for ever"); // an event takes more when it is kept
            }
            let read = line.state().read;
            assert!(task.poll().is_none() && task.wakes() == 0, "{name}");
            assert_eq!(line.state().read, read, "{name}: nothing more is read");
        }
    }
}

/// What was kept meanwhile comes in turns, too.
#[test]
fn k_02_events_that_were_kept_have_turns() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        let name = format!("{role:?}, {form:?}");
        let config = Config::new().turn(TURN).keepalive(None);
        let line = Line::new();
        line.state().room = 0;
        let mut ends = open(&line, role, false, &config);
        line.push(&said(role, |writer| writer.text("a").unwrap()).repeat(10_000));
        let mut sending = Task::new(async {
            ends.text("nobody reads this").await?;
            ends.flush().await
        });
        assert!(sending.run().is_none(), "{name}");
        drop(sending);
        line.make_room(usize::MAX);
        let count = Cell::new(0);
        let mut task = Task::new(receive(&mut ends, form, &count));
        while count.get() < 10_000 {
            let before = count.get();
            assert!(task.poll().is_none(), "{name}");
            let events = count.get() - before;
            assert!(events <= EVENTS, "{name}: {events} events in a turn");
            assert!(task.wakes() == 1 || count.get() == 10_000, "{name}");
            assert!(task.wakes() > 0 || count.get() == 10_000, "{name}");
        }
    }
}

#[test]
fn k_02_a_tunnel_has_turns() {
    for role in BOTH {
        let config = Config::new().turn(TURN);
        let line = Line::new();
        let Ends::Whole(socket) = open(&line, role, false, &config) else { unreachable!() };
        let mut bytes = socket.into_bytes();
        line.flood(&said(role, |writer| writer.binary(b"").unwrap()));
        let mut buffer = [0; 10];
        let mut task = Task::new(poll_fn(move |cx| {
            AsyncRead::poll_read(Pin::new(&mut bytes), cx, &mut buffer).map_ok(|_| ()).map_err(Error::from)
        }));
        assert_turns(&format!("{role:?}"), &line, &Cell::new(0), &mut task);
    }
}

/// Behind the Close frames, and behind an error, a peer that goes on talking is read in turns and no longer than it may.
#[test]
fn k_02_the_end_has_turns_and_a_deadline() {
    for (role, split, form) in BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| FORMS.into_iter().map(move |form| (role, split, form)))
    }) {
        for end in ["close", "error", "local"] {
            let name = format!("{role:?}, split {split}, {form:?}, {end}");
            if (end, role) == ("close", Role::Server) {
                continue; // it ends the stream itself, and is done
            }
            let config = Config::new().turn(TURN);
            let line = Line::new();
            let mut ends = open(&line, role, split, &config);
            match end {
                "close" => line.push(&said(role, |writer| writer.close(CloseCode::NORMAL, "").unwrap())),
                "error" => line.push(b"\xff\xff"),
                _ => {
                    let closed = Task::new(ends.close()).run();
                    assert!(matches!(closed, Some(Ok(()))), "{name}: {closed:?}");
                }
            }
            line.flood(&said(role, |writer| writer.ping(b"").unwrap()));
            let count = Cell::new(0);
            let mut task = Task::new(receive(&mut ends, form, &count));
            assert_turns(&name, &line, &count, &mut task);
            line.advance(secs(5));
            let ended = (0..3).find_map(|_| task.poll());
            match end {
                "close" => assert!(matches!(ended, Some(Ok(()))), "{name}: {ended:?}"),
                "error" => assert!(matches!(ended, Some(Err(Error::Protocol(_)))), "{name}: {ended:?}"),
                _ => assert!(matches!(ended, Some(Err(Error::TimedOut))), "{name}: {ended:?}"),
            }
            assert!(line.state().shut, "{name}");
        }
    }
}

/// A Close frame of the other half goes out within a turn, whatever the peer says.
#[test]
fn k_02_a_shutdown_comes_through_a_flood() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        for (flood, first, bytes) in floods(role) {
            let name = format!("{role:?}, {form:?}, {flood}");
            let config = Config::new().turn(TURN).max_fragments(Config::UNLIMITED).message_timeout(None);
            let line = Line::new();
            let mut ends = open(&line, role, true, &config);
            line.push(&first);
            line.flood(&bytes);
            let Ends::Halves(receiver, sender) = &mut ends else { unreachable!() };
            let mut receiving = Task::new(async {
                if form == Form::ForEach {
                    return receiver.for_each(|_, _| Ok(())).await;
                }
                while receiver.next().await?.is_some() {}
                Ok(())
            });
            assert!(receiving.poll().is_none(), "{name}");
            sender.queue(|writer| writer.close(CloseCode::GOING_AWAY, "now")).unwrap();
            for _ in 0..5 {
                assert!(receiving.poll().is_none(), "{name}");
            }
            let output = line.written();
            let wants = match role {
                Role::Server => output.ends_with(b"\x88\x05\x03\xe9now"),
                Role::Client => output.len() > 6 && output.windows(2).any(|header| header == b"\x88\x85"),
            };
            assert!(wants, "{name}: {output:x?}");
            line.advance(secs(5));
            let ended = (0..3).find_map(|_| receiving.poll());
            assert!(matches!(ended, Some(Err(Error::TimedOut))), "{name}: {ended:?}");
        }
    }
}

#[test]
fn k_02_a_refused_request_lingers_in_turns() {
    let line = Line::new();
    let config = Config::new();
    line.push(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut task = Task::new(poll::accept(line.clone(), OriginPolicy::Any, &config));
    line.flood(b"x");
    for _ in 0..10 {
        let read = line.state().read;
        assert!(task.poll().is_none());
        assert_eq!(task.wakes(), 1);
        assert!(line.state().read - read <= 33 * (4 << 10)); // and the request
    }
    line.advance(secs(1));
    let ended = (0..3).find_map(|_| task.poll());
    assert!(matches!(ended, Some(Err(Error::Handshake(_)))), "{ended:?}");
}

/// A peer whose messages are answered is served as far as it reads, in turns.
#[test]
fn k_02_answers_are_bounded() {
    for role in BOTH {
        let config = Config::new().turn(TURN);
        let line = Line::new();
        let mut ends = open(&line, role, false, &config);
        line.flood(&said(role, |writer| writer.text("a").unwrap()));
        let mut task = Task::new(async {
            crate::socket::receiver!(&mut ends, receiver => receiver.for_each(|_, writer| writer.text("a")).await)
        });
        for _ in 0..50 {
            line.state().output.clear();
            assert!(task.poll().is_none());
            assert_eq!(task.wakes(), 1);
            assert!(line.state().output.len() <= EVENTS * 7, "{role:?}");
        }
    }
}

/// A stream that ends in a flood's middle ends the socket.
#[test]
fn k_02_the_end_of_a_flood() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        let line = Line::new();
        let mut ends = open(&line, role, true, &Config::new().turn(TURN));
        line.push(&said(role, |writer| writer.text("a").unwrap()).repeat(100_000));
        line.end(End::Eof);
        let count = Cell::new(0);
        let ended = Task::new(receive(&mut ends, form, &count)).run();
        assert!(matches!(ended, Some(Err(Error::Protocol(ws_proto::Error::UnexpectedEof)))), "{ended:?}");
        assert_eq!(count.get(), 100_000);
    }
}

#[cfg(feature = "deflate")]
mod inflated {
    use ws_proto::deflate::{Agreement, Compression};
    use ws_proto::poll::Socket;
    use ws_proto::{Connection, Seed};

    use super::*;

    const SIZE: usize = 16 << 20;

    /// A message of 16 MiB that takes 16 KiB.
    fn bomb(role: Role, text: bool, config: &Config) -> Vec<u8> {
        let peer = match role {
            Role::Server => Connection::client(config, Seed::predictable_for_tests(5)),
            Role::Client => Connection::server(config),
        };
        let mut peer = peer.with_deflate(Agreement::default(), config);
        let long = "a".repeat(SIZE);
        let writer = peer.split().1;
        if text { writer.text(&long) } else { writer.binary(long.as_bytes()) }.unwrap();
        writer.text("behind").unwrap();
        crate::driver::outgoing(&mut peer)
    }

    #[test]
    fn k_03_a_message_of_16_kb_inflates_to_16_mb_in_turns() {
        for (role, form, text) in [
            (Role::Server, Form::Next, true),
            (Role::Server, Form::ForEach, false),
            (Role::Client, Form::Stream, true),
            (Role::Client, Form::ForEach, true),
        ] {
            for most in [usize::MAX, 1000] {
                let name = format!("{role:?}, {form:?}, text {text}, reads of {most}");
                let config =
                    Config::new().compression(Compression::new()).max_expansion(Config::UNLIMITED, 0).turn(256 << 10);
                let wire = bomb(role, text, &config);
                assert!(wire.len() < 40_000);
                let line = Line::new();
                line.state().most = most;
                line.push(&wire);
                let connection = crate::driver::connection(role, &config).with_deflate(Agreement::default(), &config);
                let mut ends = crate::socket::ends(Socket::new(line.clone(), connection, b"", &config), true);
                let got = RefCell::new(Vec::new());
                let mut task = Task::new(async {
                    for _ in 0..2 {
                        let event = ends.next(form).await?.unwrap();
                        got.borrow_mut().push(event);
                    }
                    Ok::<_, Error>(())
                });
                let (mut turns, mut longest) = (0, millis(0));
                loop {
                    turns += 1;
                    let start = std::time::Instant::now();
                    if let Some(ended) = task.poll() {
                        ended.unwrap();
                        break;
                    }
                    longest = longest.max(start.elapsed());
                    assert_eq!(task.wakes(), 1, "{name}");
                }
                drop(task);
                assert!((60..90).contains(&turns), "{name}: {turns} turns, the longest of {longest:?}");
                let sizes = |message: &Message| match message {
                    Message::Text(text) => text.len(),
                    Message::Binary(bytes) => bytes.len(),
                    _ => 0,
                };
                assert_eq!(got.borrow().iter().map(sizes).collect::<Vec<_>>(), [SIZE, 6], "{name}");
            }
        }
    }

    /// Also while it waits to send.
    #[test]
    fn k_03_a_sender_that_waits_inflates_in_turns() {
        let config = Config::new().compression(Compression::new()).max_expansion(Config::UNLIMITED, 0);
        let line = Line::new();
        line.state().room = 0;
        line.push(&bomb(Role::Server, false, &config));
        let connection = crate::driver::connection(Role::Server, &config).with_deflate(Agreement::default(), &config);
        let mut ends = crate::socket::ends(Socket::new(line.clone(), connection, b"", &config), false);
        ends.queue("waits").unwrap();
        let mut task = Task::new(ends.flush());
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(task.poll().is_none());
            if task.wakes() == 0 {
                break;
            }
            assert_eq!(task.wakes(), 1);
        }
        assert!((60..90).contains(&turns), "{turns} turns");
        drop(task);
        line.make_room(usize::MAX);
        let got = Task::new(ends.next(Form::Next)).run();
        assert!(matches!(got, Some(Ok(Some(Message::Binary(bytes)))) if bytes.len() == SIZE));
    }
}
