//! Every event handed to a function: in order, none lost, none twice, however the stream behaves and whenever the
//! future is dropped; within the high-water mark; to the same end as with `next`.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use driver::{
    BOTH, Pipe, Scripted, Wakes, complete, connection, letters, outgoing, owned, pattern, peer_of, receive_all, run,
    step,
};
use futures_sink::Sink;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use ws_proto::poll::{Error, Receiver, Sender, Socket};
use ws_proto::tokio::Tokio;
use ws_proto::{CloseCode, Config, Event, Kind, Message, Role, SendError, Writer};

/// How a stream behaves: the most bytes of a read and of a write, and whether it is pending in between.
const MANNERS: [(usize, usize, bool); 6] =
    [(1, 1, true), (2, 3, true), (7, 5, false), (64, 64, true), (ALL, 1, true), (ALL, ALL, true)];
const ALL: usize = usize::MAX;

fn open(io: &Scripted, role: Role, config: &Config) -> Socket<Scripted> {
    Socket::new(io.clone(), connection(role, config), b"", config)
}

/// What the peer of `role` says.
fn said_to(role: Role, say: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut peer = peer_of(role);
    say(peer.split().1);
    outgoing(&mut peer)
}

/// What the peer of `role` hears.
fn heard_from(role: Role, wire: &[u8]) -> Vec<Message> {
    receive_all(peer_of(role).split().0, wire)
}

/// Messages of all kinds, whole and in fragments, pings between and inside them, and a close frame.
fn say_all(writer: &mut Writer) {
    let (start, end) = "h\u{e9}llo".as_bytes().split_at(2);
    writer.text("first").unwrap();
    writer.ping(b"one").unwrap();
    writer.fragment(Kind::Text, start, false).unwrap();
    writer.ping(b"two").unwrap();
    writer.fragment(Kind::Text, end, true).unwrap();
    writer.binary(&pattern(1, 140)).unwrap();
    writer.pong(b"unasked").unwrap();
    writer.binary(b"").unwrap();
    writer.ping(b"three").unwrap();
    writer.text("last").unwrap();
    writer.close(CloseCode::NORMAL, "done").unwrap();
}

/// What `next` makes of a wire.
fn with_next(role: Role, wire: &[u8]) -> Vec<Message> {
    let io = Scripted::new(wire, ALL, ALL, false);
    io.script().eof = true;
    let mut socket = open(&io, role, &Config::new());
    let mut got = Vec::new();
    while let Some(message) = complete(async { owned(socket.next().await.unwrap()) }) {
        got.push(message);
    }
    assert_eq!(got.len(), 10);
    got
}

async fn collect(receiver: &mut Receiver<Scripted>, got: &mut Vec<Message>) -> Result<(), Error> {
    receiver
        .for_each(|event, _| {
            got.push(event.into());
            Ok(())
        })
        .await
}

async fn collect_all(socket: &mut Socket<Scripted>, got: &mut Vec<Message>) -> Result<(), Error> {
    socket
        .for_each(|event, _| {
            got.push(event.into());
            Ok(())
        })
        .await
}

/// Says a message again, whatever else came.
fn echo(event: &Event<'_>, writer: &mut Writer) -> Result<(), SendError> {
    match event {
        Event::Text(text) => writer.text(text),
        Event::Binary(bytes) => writer.binary(bytes),
        _ => Ok(()),
    }
}

const fn is_message(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

/// Polls a future only when it is woken, and counts.
struct Watched<F> {
    future: F,
    wakes: Arc<Wakes>,
    seen: Option<usize>,
    polls: usize,
}

impl<F: Future + Unpin> Watched<F> {
    fn new(future: F) -> Self {
        Self { future, wakes: Arc::default(), seen: None, polls: 0 }
    }

    /// Until it is ready or nobody wakes it.
    fn run(&mut self) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        while self.seen != Some(self.wakes.count()) {
            self.seen = Some(self.wakes.count());
            self.polls += 1;
            if let Poll::Ready(output) = pin!(&mut self.future).poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
        }
        None
    }
}

// --- every event, in order ---

/// IO-01, IO-05.
#[test]
fn the_same_at_every_cut() {
    for role in BOTH {
        let wire = said_to(role, say_all);
        let expected = with_next(role, &wire);
        for cut in 0..=wire.len() {
            let (before, behind) = wire.split_at(cut);
            let (early, before) = before.split_at(cut / 2); // came with the handshake
            let io = Scripted::new(before, ALL, ALL, false);
            let config = Config::new();
            let mut socket = Socket::new(io.clone(), connection(role, &config), early, &config);
            let mut got = Vec::new();
            if cut < wire.len() {
                assert!(run(collect_all(&mut socket, &mut got)).is_none(), "{role:?}, {cut}");
            }
            io.script().eof = true;
            io.push(behind);
            complete(collect_all(&mut socket, &mut got)).unwrap();
            assert_eq!(got, expected, "{role:?}, {cut}");
            assert!(socket.closed().unwrap().clean && io.script().shut, "{role:?}, {cut}");
            complete(collect_all(&mut socket, &mut got)).unwrap();
            assert_eq!(got.len(), expected.len(), "{role:?}, {cut}: the end is the end");
        }
    }
}

/// Between `for_each` and `next`, nothing is lost either.
#[test]
fn in_turns_with_next() {
    for role in BOTH {
        let wire = said_to(role, say_all);
        let expected = with_next(role, &wire);
        for (read, write, stutter) in MANNERS {
            let io = Scripted::new(&wire, read, write, stutter);
            io.script().eof = true;
            let (mut receiver, _sender) = open(&io, role, &Config::new()).split();
            let mut got = Vec::new();
            loop {
                let one = complete(receiver.for_each(|event, _| {
                    got.push(event.into());
                    Err(SendError::Full)
                }));
                if one.is_ok() {
                    break;
                }
                if let Some(message) = complete(async { owned(receiver.next().await.unwrap()) }) {
                    got.push(message);
                }
            }
            assert_eq!(got, expected, "{role:?}, {read}, {write}, {stutter}");
        }
    }
}

/// Dropped after so many polls, each time; answers are written, pings answered.
fn drop_often(role: Role, (read, write, stutter): (usize, usize, bool), polls: usize) {
    let name = format!("{role:?}, {read}, {write}, {stutter}, {polls} polls");
    let wire = said_to(role, say_all);
    let io = Scripted::new(&wire, read, write, stutter);
    io.script().eof = true;
    let (mut receiver, _sender) = open(&io, role, &Config::new().max_pending(64)).split();
    let mut got: Vec<Message> = Vec::new();
    let mut calls = 0;
    loop {
        let each = receiver.for_each(|event, writer| {
            echo(&event, writer)?;
            got.push(event.into());
            Ok(())
        });
        if let Some(output) = step(each, polls) {
            output.unwrap();
            break;
        }
        calls += 1;
        assert!(calls < 10_000, "{name}: no progress");
    }
    let expected = with_next(role, &wire);
    assert_eq!(got, expected, "{name}");
    let heard = heard_from(role, &io.script().output);
    let (echoed, rest): (Vec<_>, Vec<_>) = heard.into_iter().partition(is_message);
    assert_eq!(echoed, expected.into_iter().filter(is_message).collect::<Vec<_>>(), "{name}");
    let (close, pongs) = rest.split_last().unwrap();
    assert_eq!(*close, Message::Close(Some((CloseCode::NORMAL, String::new()))), "{name}");
    let answers = ["one", "two", "three"].map(|payload| Message::Pong(payload.into()));
    let mut left = answers.iter();
    assert!(pongs.iter().all(|pong| left.any(|answer| answer == pong)), "{name}: {pongs:?}, in order and once");
    assert!(receiver.closed().unwrap().clean && io.script().shut, "{name}");
}

#[test]
fn dropped_at_every_poll() {
    for role in BOTH {
        for manner in MANNERS {
            for polls in [1, 2, 3, 5, 8, 13, 40, ALL] {
                drop_often(role, manner, polls);
            }
        }
    }
}

/// CT-05: in one read, and all of them.
#[test]
fn every_ping_is_answered() {
    for role in BOTH {
        for read in [1, 10, 1000, ALL] {
            let wire = said_to(role, |writer| {
                for n in 0..200_u8 {
                    writer.ping(&[n; 5]).unwrap();
                    writer.text("between").unwrap();
                }
                writer.close_without_code();
            });
            let io = Scripted::new(&wire, read, ALL, false);
            io.script().eof = true;
            let mut socket = open(&io, role, &Config::new());
            complete(socket.for_each(|_, _| Ok(()))).unwrap();
            let mut expected: Vec<_> = (0..200_u8).map(|n| Message::Pong(vec![n; 5])).collect();
            expected.push(Message::Close(None));
            assert_eq!(heard_from(role, &io.script().output), expected, "{role:?}, {read}");
        }
    }
}

/// The future goes to any thread that its function may go to.
#[test]
fn the_future_is_send() {
    fn check(_: &impl Send) {}
    let io = Scripted::new(b"", ALL, ALL, false);
    let mut socket = open(&io, Role::Server, &Config::new());
    check(&socket.for_each(|_, _| Ok(())));
    check(&socket.split().0.for_each(|_, _| Ok(())));
}

// --- a function that refuses ---

#[test]
fn refused_at_any_event() {
    for role in BOTH {
        let wire = said_to(role, say_all);
        let expected = with_next(role, &wire);
        for (read, write, stutter) in MANNERS {
            for nth in 1..=expected.len() {
                let io = Scripted::new(&wire, read, write, stutter);
                io.script().eof = true;
                let (mut receiver, _sender) = open(&io, role, &Config::new()).split();
                let mut got = Vec::new();
                let refused = complete(receiver.for_each(|event, _| {
                    got.push(event.into());
                    if got.len() == nth { Err(SendError::ControlTooLong) } else { Ok(()) }
                }));
                let name = format!("{role:?}, {read}, {write}, {stutter}, at {nth}");
                assert!(matches!(refused, Err(Error::Send(SendError::ControlTooLong))), "{name}: {refused:?}");
                assert_eq!(got, expected[..nth], "{name}");
                complete(collect(&mut receiver, &mut got)).unwrap();
                assert_eq!(got, expected, "{name}");
            }
        }
    }
}

// --- a peer that does not read ---

/// RL-12: what waits is never more than the mark and one message.
#[test]
fn waits_at_the_mark_until_the_peer_reads() {
    for role in BOTH {
        for read in [50, ALL] {
            let wire = said_to(role, |writer| {
                (0..500).for_each(|n| writer.text(&letters(n, 20)).unwrap());
                writer.close_without_code();
            });
            let io = Scripted::new(&wire, read, ALL, false);
            io.script().eof = true;
            io.script().room = 0;
            let config = Config::new().max_pending(100);
            let mut socket = open(&io, role, &config);
            let (mut most, mut taken) = (0, 0);
            let each = socket.for_each(|event, writer| {
                echo(&event, writer)?;
                (most, taken) = (most.max(writer.pending().len()), taken + 1);
                Ok(())
            });
            let mut each = Watched::new(Box::pin(each));
            assert!(each.run().is_none() && each.polls == 1, "{role:?}: it waits, and is not woken");
            let left = io.script().input.len();
            assert!(wire.len() - left <= 64 << 10, "{role:?}: nor reads on");
            let mut turns = 0;
            let ended = loop {
                io.make_room(30);
                turns += 1;
                assert!(turns < 1000, "{role:?}: each turn goes on");
                if let Some(ended) = each.run() {
                    break ended;
                }
            };
            ended.unwrap();
            assert!(each.polls <= turns + 2, "{role:?}: {} polls for {turns} turns", each.polls);
            drop(each);
            assert_eq!(taken, 501);
            assert!(most < 100 + 26, "{role:?}: {most} pending");
            let mut expected: Vec<Message> = (0..500).map(|n| letters(n, 20).into()).collect();
            expected.push(Message::Close(None));
            assert_eq!(heard_from(role, &io.script().output), expected, "{role:?}");
        }
    }
}

/// Dropped while it waits for room, and called again.
#[test]
fn dropped_while_it_waits_for_room() {
    for role in BOTH {
        let wire = said_to(role, |writer| {
            (0..40).for_each(|n| writer.text(&letters(n, 20)).unwrap());
            writer.close_without_code();
        });
        let io = Scripted::new(&wire, ALL, ALL, false);
        io.script().eof = true;
        io.script().room = 0;
        let mut socket = open(&io, role, &Config::new().max_pending(1));
        let mut taken = 0;
        let ended = loop {
            let each = socket.for_each(|event, writer| {
                taken += 1;
                echo(&event, writer)
            });
            if let Some(ended) = run(each) {
                break ended;
            }
            io.make_room(7);
        };
        ended.unwrap();
        let mut expected: Vec<Message> = (0..40).map(|n| letters(n, 20).into()).collect();
        expected.push(Message::Close(None));
        assert_eq!((heard_from(role, &io.script().output), taken), (expected, 41), "{role:?}");
    }
}

/// The sending half makes room for it, and the other way round.
#[test]
fn beside_the_sending_half() {
    async fn sends(mut sender: Sender<Scripted>) {
        for n in 0..50 {
            sender.binary(&pattern(n, 30)).await.unwrap();
        }
    }
    for role in BOTH {
        for (read, write, stutter) in MANNERS {
            let wire = said_to(role, |writer| (0..50).for_each(|n| writer.text(&letters(n, 20)).unwrap()));
            let io = Scripted::new(&wire, read, write, stutter);
            let (mut receiver, sender) = open(&io, role, &Config::new().max_pending(64)).split();
            let mut left = 50;
            let echoing = receiver.for_each(|event, writer| {
                echo(&event, writer)?;
                left -= 1;
                if left == 0 { Err(SendError::Interleaved) } else { Ok(()) }
            });
            let (ended, ()) = complete(async { tokio::join!(echoing, sends(sender)) });
            assert!(matches!(ended, Err(Error::Send(SendError::Interleaved))), "{ended:?}");
            let _ = step(receiver.for_each(|_, _| Ok(())), 10_000);
            let heard = heard_from(role, &io.script().output);
            let (texts, binaries): (Vec<_>, Vec<_>) =
                heard.into_iter().partition(|message| matches!(message, Message::Text(_)));
            assert_eq!(texts, (0..50).map(|n| letters(n, 20).into()).collect::<Vec<Message>>());
            assert_eq!(binaries, (0..50).map(|n| pattern(n, 30).into()).collect::<Vec<Message>>());
        }
    }
}

/// Whom a sink has told that it is ready is not refused because the function took the room since.
#[test]
fn beside_a_sink_that_is_ready() {
    for role in BOTH {
        let wire = said_to(role, |writer| (0..9).for_each(|n| writer.text(&letters(n, 20)).unwrap()));
        let io = Scripted::new(&wire, ALL, ALL, false);
        io.script().room = 0;
        let (mut receiver, mut sender) = open(&io, role, &Config::new().max_pending(50)).split();
        let mut sink = pin!(&mut sender);
        complete(poll_fn(|cx| sink.as_mut().poll_ready(cx))).unwrap();
        assert!(run(receiver.for_each(|event, writer| echo(&event, writer))).is_none());
        sink.as_mut().start_send("promised".into()).unwrap();
        let refused = sink.as_mut().start_send("another".into());
        assert!(matches!(refused, Err(Error::Send(SendError::Full))), "{role:?}: {refused:?}");
        io.make_room(ALL);
        assert!(run(receiver.for_each(|event, writer| echo(&event, writer))).is_none());
        let heard = heard_from(role, &io.script().output);
        assert_eq!(heard.len(), 10, "{role:?}: {heard:?}");
        assert!(heard.contains(&"promised".into()), "{role:?}: {heard:?}");
    }
}

/// What a sink was promised is one message of the sink: who queues meets the mark as ever.
#[test]
fn a_promise_is_for_the_sink_alone() {
    for role in BOTH {
        let wire = said_to(role, |writer| (0..9).for_each(|n| writer.text(&letters(n, 20)).unwrap()));
        let io = Scripted::new(&wire, ALL, ALL, false);
        io.script().room = 0;
        let (mut receiver, mut sender) = open(&io, role, &Config::new().max_pending(50)).split();
        complete(poll_fn(|cx| pin!(&mut sender).poll_ready(cx))).unwrap();
        assert!(run(receiver.for_each(|event, writer| echo(&event, writer))).is_none());
        assert_eq!(sender.queue(|writer| writer.text("refused")), Err(SendError::Full), "{role:?}");
    }
}

/// Each end hands back what the other sends, with few bytes on the way at a time: nobody sleeps through his turn.
#[test]
fn both_ends_through_a_narrow_pipe() {
    for capacity in [1, 7, 64, 1000] {
        for max_pending in [1000, 1 << 20] {
            let (near, far) = Pipe::pair(capacity);
            let config = Config::new().max_pending(max_pending);
            let mut near = Socket::new(near, connection(Role::Client, &config), b"", &config);
            let mut far = Socket::new(far, connection(Role::Server, &config), b"", &config);
            (0..9).for_each(|n| near.queue(|writer| writer.text(&letters(n, 50))).unwrap());
            let mut left = 500;
            let bounces = near.for_each(|event, writer| {
                left -= 1;
                match left {
                    0 => writer.close(CloseCode::NORMAL, ""),
                    1.. => echo(&event, writer),
                    _ => Ok(()),
                }
            });
            let ended = complete(async { tokio::join!(bounces, far.for_each(|event, writer| echo(&event, writer))) });
            assert!(matches!(ended, (Ok(()), Ok(()))), "{capacity}, {max_pending}: {ended:?}");
        }
    }
}

// --- how it ends ---

#[test]
fn a_failing_write_is_an_error_once() {
    for role in BOTH {
        let wire = said_to(role, |writer| (0..500).for_each(|n| writer.text(&letters(n, 20)).unwrap()));
        let io = Scripted::new(&wire, ALL, ALL, false);
        io.script().room = 0;
        let mut socket = open(&io, role, &Config::new().max_pending(100));
        let mut each = Watched::new(Box::pin(socket.for_each(|event, writer| echo(&event, writer))));
        assert!(each.run().is_none());
        io.script().broken = true;
        io.make_room(1);
        let failed = each.run();
        assert!(matches!(failed, Some(Err(Error::Io(_)))), "{role:?}: {failed:?}");
        drop(each);
        complete(socket.for_each(|_, _| panic!("an event behind the end"))).expect("the error was said");
    }
}

/// What was good is handed over first; section 7.1.7 for the rest.
#[test]
fn an_error_behind_good_messages() {
    for role in BOTH {
        let mut wire = said_to(role, |writer| {
            writer.text("good").unwrap();
            writer.binary(b"too").unwrap();
        });
        wire.extend(b"\xff\xff never");
        for (read, write, stutter) in MANNERS {
            let io = Scripted::new(&wire, read, write, stutter);
            io.script().eof = true;
            let mut socket = open(&io, role, &Config::new());
            let mut got = Vec::new();
            let failed = complete(collect_all(&mut socket, &mut got));
            assert_eq!(got, ["good".into(), Message::Binary(b"too".to_vec())], "{role:?}");
            assert!(matches!(failed, Err(Error::Protocol(_))), "{role:?}: {failed:?}");
            let told = [Message::Close(Some((CloseCode::PROTOCOL, String::new())))];
            assert_eq!(heard_from(role, &io.script().output), told, "{role:?}");
            complete(collect_all(&mut socket, &mut got)).expect("once");
        }
    }
}

/// That the stream fails behind the end is not the news, as with `next`.
#[test]
fn the_end_is_not_hidden_by_a_failing_write() {
    for role in BOTH {
        for is_clean in [true, false] {
            let mut wire = said_to(role, |writer| {
                writer.text(&letters(0, 20)).unwrap();
                if is_clean {
                    writer.close(CloseCode::NORMAL, "").unwrap();
                }
            });
            if !is_clean {
                wire.extend(b"\xff\xff");
            }
            let io = Scripted::new(&wire, ALL, ALL, false);
            io.script().room = 0;
            io.script().eof = true;
            // Room for the answer, and with the close frame none is left.
            let max_pending = if role == Role::Client { 27 } else { 23 };
            let mut socket = open(&io, role, &Config::new().max_pending(max_pending));
            let mut each = Watched::new(Box::pin(socket.for_each(|event, writer| echo(&event, writer))));
            assert!(each.run().is_none(), "the end waits to be written");
            io.script().broken = true;
            io.make_room(1);
            let ended = each.run().expect("woken");
            let expected = if is_clean { ended.is_ok() } else { matches!(ended, Err(Error::Protocol(_))) };
            assert!(expected, "{role:?}: {ended:?}");
        }
    }
}

/// CL-09: the function may say it; what it says behind is refused.
#[test]
fn closed_by_the_function() {
    for role in BOTH {
        for (read, write, stutter) in MANNERS {
            let wire = said_to(role, |writer| {
                writer.text("bye?").unwrap();
                writer.text("still here").unwrap();
                writer.ping(b"not answered").unwrap();
                writer.close(CloseCode::GOING_AWAY, "").unwrap();
            });
            let io = Scripted::new(&wire, read, write, stutter);
            io.script().eof = true;
            let mut socket = open(&io, role, &Config::new());
            let mut got: Vec<Message> = Vec::new();
            complete(socket.for_each(|event, writer| {
                if got.is_empty() {
                    writer.close(CloseCode::GOING_AWAY, "bye").unwrap();
                }
                assert_eq!(writer.text("late"), Err(SendError::Closed));
                got.push(event.into());
                Ok(())
            }))
            .unwrap();
            assert_eq!(got.len(), 4, "{role:?}");
            let told = [Message::Close(Some((CloseCode::GOING_AWAY, "bye".into())))];
            assert_eq!(heard_from(role, &io.script().output), told, "{role:?}");
            assert!(socket.closed().unwrap().clean, "{role:?}");
        }
    }
}

/// Said by the other half, while the function waits for room: it is woken, and learns that nothing more is taken.
#[test]
fn closed_by_the_sending_half() {
    for role in BOTH {
        let wire = said_to(role, |writer| (0..9).for_each(|n| writer.text(&letters(n, 20)).unwrap()));
        let io = Scripted::new(&wire, ALL, ALL, false);
        io.script().room = 0;
        let (mut receiver, mut sender) = open(&io, role, &Config::new().max_pending(50)).split();
        let mut refused = 0;
        let mut each = Watched::new(Box::pin(receiver.for_each(|event, writer| {
            refused += usize::from(echo(&event, writer) == Err(SendError::Closed));
            Ok(())
        })));
        assert!(each.run().is_none());
        assert!(run(sender.close(CloseCode::NORMAL, "")).is_none());
        assert!(each.run().is_none());
        io.push(&said_to(role, Writer::close_without_code));
        io.script().eof = true;
        io.make_room(ALL);
        each.run().expect("the end").unwrap();
        drop(each);
        let heard = heard_from(role, &io.script().output);
        assert_eq!(heard.last(), Some(&Message::Close(Some((CloseCode::NORMAL, String::new())))), "{role:?}");
        assert_eq!(heard.len() - 1 + refused, 9, "{role:?}");
    }
}

// --- a message that was kept while something was sent ---

fn keeps_a_message(role: Role, max_pending: usize) -> (Socket<Scripted>, Scripted) {
    let wire = said_to(role, |writer| {
        writer.text("kept").unwrap();
        writer.text("next").unwrap();
    });
    let io = Scripted::new(&wire, ALL, ALL, false);
    io.script().room = 0;
    let mut socket = open(&io, role, &Config::new().max_pending(max_pending));
    assert!(matches!(run(socket.text("a message that cannot be written yet")), Some(Ok(()))));
    (socket, io)
}

#[test]
fn a_kept_message_comes_first() {
    for role in BOTH {
        let (mut socket, io) = keeps_a_message(role, 1000);
        let mut got = Vec::new();
        assert!(run(collect_all(&mut socket, &mut got)).is_none());
        assert_eq!(got, ["kept".into(), "next".into()], "{role:?}");
        io.make_room(ALL);
        io.push(&said_to(role, Writer::close_without_code));
        io.script().eof = true;
        complete(collect_all(&mut socket, &mut got)).unwrap();
        assert_eq!(got[2..], [Message::Close(None)], "{role:?}");
    }
}

#[test]
fn a_kept_message_may_be_refused() {
    for role in BOTH {
        let (mut socket, _io) = keeps_a_message(role, 1000);
        let mut got: Vec<Message> = Vec::new();
        let refused = run(socket.for_each(|event, _| {
            got.push(event.into());
            Err(SendError::Full)
        }));
        assert!(matches!(refused, Some(Err(Error::Send(SendError::Full)))), "{role:?}: {refused:?}");
        assert!(run(collect_all(&mut socket, &mut got)).is_none());
        assert_eq!(got, ["kept".into(), "next".into()], "{role:?}");
    }
}

/// While there is no room it stays kept, whether the call is dropped or not.
#[test]
fn a_kept_message_waits_for_room() {
    for role in BOTH {
        for is_dropped in [false, true] {
            let (mut socket, io) = keeps_a_message(role, 10);
            let mut got = Vec::new();
            if is_dropped {
                assert!(run(collect_all(&mut socket, &mut got)).is_none());
                assert_eq!(got, [], "{role:?}: no room for an answer");
                io.make_room(ALL);
                assert!(run(collect_all(&mut socket, &mut got)).is_none());
            } else {
                let mut each = Watched::new(Box::pin(collect_all(&mut socket, &mut got)));
                assert!(each.run().is_none());
                io.make_room(ALL);
                assert!(each.run().is_none());
            }
            assert_eq!(got, ["kept".into(), "next".into()], "{role:?}, {is_dropped}");
        }
    }
}

/// And `next` has it then.
#[test]
fn a_kept_message_goes_back_to_next() {
    for role in BOTH {
        let (mut socket, _io) = keeps_a_message(role, 10);
        assert!(run(socket.for_each(|_, _| panic!("no room for an answer"))).is_none());
        let found = complete(async { owned(socket.next().await.unwrap()) });
        assert_eq!(found, Some("kept".into()), "{role:?}");
    }
}

/// What was received comes before the error of a write that failed (K-11), and nothing comes behind that, neither to
/// `for_each` nor to `next`.
#[test]
fn k_11_a_kept_message_comes_before_the_error_of_a_write() {
    for role in BOTH {
        let (mut socket, io) = keeps_a_message(role, 10);
        io.script().broken = true;
        let mut got = Vec::new();
        let failed = complete(collect_all(&mut socket, &mut got));
        assert!(matches!(failed, Err(Error::Io(_))), "{role:?}: {failed:?}");
        assert_eq!(got, ["kept".into(), "next".into()], "{role:?}");
        complete(socket.for_each(|_, _| panic!("an event behind the end"))).expect("once");
        assert_eq!(complete(async { owned(socket.next().await.unwrap()) }), None, "{role:?}");
    }
}

// --- large messages, read to where they belong ---

/// FG-05, RL-05: whole and in fragments, pings between, small ones behind; nothing of an earlier one shows.
#[test]
fn large_messages() {
    const LARGE: usize = 1 << 20;
    let say = |writer: &mut Writer| {
        writer.binary(&pattern(1, LARGE)).unwrap();
        writer.text(&letters(2, 100_000)).unwrap();
        let whole = pattern(3, LARGE);
        for (n, part) in whole.chunks(150_001).enumerate() {
            writer.fragment(Kind::Binary, part, false).unwrap();
            writer.ping(&[u8::try_from(n).unwrap()]).unwrap();
        }
        writer.fragment(Kind::Binary, b"", true).unwrap();
        writer.binary(b"small").unwrap();
        writer.binary(&pattern(4, 200_000)).unwrap();
        writer.text("").unwrap();
        writer.close_without_code();
    };
    for role in BOTH {
        let wire = said_to(role, say);
        let mut expected: Vec<Message> = vec![pattern(1, LARGE).into(), letters(2, 100_000).into()];
        expected.extend((0..7).map(|n| Message::Ping(vec![n])));
        expected.extend([pattern(3, LARGE).into(), Message::Binary(b"small".to_vec()), pattern(4, 200_000).into()]);
        expected.extend(["".into(), Message::Close(None)]);
        for read in [1_111, 65_536, 65_537, 300_000, ALL] {
            for (keep, polls) in [(0, ALL), (1 << 22, ALL), (1 << 22, 1)] {
                let io = Scripted::new(&wire, read, ALL, polls == 1);
                io.script().eof = true;
                let (mut receiver, _sender) = open(&io, role, &Config::new().keep_buffer(keep)).split();
                let mut got = Vec::new();
                let ended = (0..20_000).find_map(|_| step(collect(&mut receiver, &mut got), polls));
                ended.expect("progress").unwrap();
                assert!(got == expected, "{role:?}, {read}, {keep}, {polls}");
            }
        }
    }
}

// --- time ---

/// A socket on tokio's clock, and the bare stream of its peer.
fn timed(role: Role, config: &Config) -> (Socket2, DuplexStream) {
    let (near, far) = duplex(1 << 16);
    (Socket2::new(Tokio::new(near), connection(role, config), b"", config), far)
}

type Socket2 = ws_proto::tokio::Socket<DuplexStream>;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Timers of tokio are as fine as a millisecond.
fn assert_took(start: Instant, expected: Duration) {
    let took = start.elapsed();
    assert!(took >= expected && took < expected + Duration::from_millis(5), "took {took:?}, not {expected:?}");
}

/// The next frame of a few bytes.
async fn frame(stream: &mut DuplexStream) -> Vec<u8> {
    let mut buffer = [0; 200];
    let n = stream.read(&mut buffer).await.unwrap();
    buffer[..n].to_vec()
}

/// A deadline that moves with each read: not earlier, not later.
#[tokio::test(start_paused = true)]
async fn idle_from_the_last_read_on() {
    for role in BOTH {
        for reads in [0, 1, 2, 7, 40] {
            let config = Config::new().idle_timeout(Some(secs(10))).closing_timeout(secs(3));
            let (mut socket, mut peer) = timed(role, &config);
            let start = Instant::now();
            let near = async {
                let mut taken = 0;
                let ended = socket
                    .for_each(|_, _| {
                        taken += 1;
                        Ok(())
                    })
                    .await;
                assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
                assert_took(start, secs(7 * reads + 13));
                assert_eq!(taken, reads);
            };
            let far = async {
                for _ in 0..reads {
                    sleep(secs(7)).await;
                    peer.write_all(&said_to(role, |writer| writer.text("here").unwrap())).await.unwrap();
                }
                let heard = heard_from(role, &frame(&mut peer).await);
                assert_eq!(heard, [Message::Close(Some((CloseCode::GOING_AWAY, "idle".into())))]);
                assert_took(start, secs(7 * reads + 10));
                sleep(secs(10)).await;
            };
            tokio::join!(near, far);
        }
    }
}

/// TM-04, TM-05: pings go out on time, and the time that their pongs take is noted.
#[tokio::test(start_paused = true)]
async fn keepalive_while_it_waits() {
    for role in BOTH {
        let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20));
        let (mut socket, mut peer) = timed(role, &config);
        let start = Instant::now();
        let far = async {
            sleep(secs(10)).await;
            peer.write_all(&said_to(role, |writer| writer.text("here").unwrap())).await.unwrap();
            for n in 0..3 {
                let [Message::Ping(payload)] = &heard_from(role, &frame(&mut peer).await)[..] else { panic!("a ping") };
                assert_took(start, secs(40 + n * 32));
                sleep(secs(2)).await;
                peer.write_all(&said_to(role, |writer| writer.pong(payload).unwrap())).await.unwrap();
            }
            peer.write_all(&said_to(role, Writer::close_without_code)).await.unwrap();
            assert_eq!(heard_from(role, &frame(&mut peer).await), [Message::Close(None)]);
            peer.shutdown().await.unwrap();
            let _ = peer.read(&mut [0]).await;
        };
        let (ended, ()) = tokio::join!(socket.for_each(|_, _| Ok(())), far);
        ended.unwrap();
        let took = socket.round_trip().unwrap();
        assert!(took >= secs(2) && took < secs(2) + Duration::from_millis(5), "{role:?}: {took:?}");
    }
}

/// TM-07: though the peer talks without a pause, or does not read.
#[tokio::test(start_paused = true)]
async fn closing_takes_no_longer_than_it_may() {
    for role in BOTH {
        for reads in [false, true] {
            let config = Config::new().closing_timeout(secs(3)).max_pending(100).keepalive(None);
            let (near, peer) = duplex(200);
            let mut socket = Socket2::new(Tokio::new(near), connection(role, &config), b"", &config);
            let start = Instant::now();
            let (mut from, mut to) = tokio::io::split(peer);
            let talks = async {
                let wire = said_to(role, |writer| writer.text(&letters(0, 50)).unwrap());
                while to.write_all(&wire).await.is_ok() {
                    sleep(Duration::from_millis(10)).await;
                }
                sleep(secs(100)).await;
            };
            let listens = async {
                while reads && from.read(&mut [0; 200]).await.is_ok_and(|n| n > 0) {}
                sleep(secs(100)).await;
            };
            let mut left = 9;
            let near = socket.for_each(|event, writer| {
                left -= 1;
                match left {
                    3.. => echo(&event, writer),
                    2 => writer.close(CloseCode::NORMAL, ""),
                    _ => Ok(()),
                }
            });
            let ended = tokio::select! { ended = near => Some(ended), () = talks => None, () = listens => None };
            // Who does not read holds up the function before it comes so far; keepalive is there for that.
            match ended {
                Some(ended) => {
                    assert!(reads && matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
                    let took = start.elapsed();
                    assert!(took >= secs(3) && took < Duration::from_millis(3200), "{role:?}: {took:?}");
                }
                None => assert!(!reads, "{role:?}: it never ends"),
            }
        }
    }
}

/// TM-06: a peer that says nothing and does not read is noticed, though the function waits for it.
#[tokio::test(start_paused = true)]
async fn a_peer_that_neither_reads_nor_answers() {
    for role in BOTH {
        let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20)).max_pending(1000);
        let (near, mut peer) = duplex(100);
        let mut socket = Socket2::new(Tokio::new(near), connection(role, &config), b"", &config);
        let start = Instant::now();
        let wire = said_to(role, |writer| (0..200).for_each(|n| writer.text(&letters(n, 50)).unwrap()));
        let far = async {
            for piece in wire.chunks(50) {
                if tokio::time::timeout(secs(1), peer.write_all(piece)).await.is_err() {
                    break;
                }
            }
            sleep(secs(1000)).await;
        };
        let near = socket.for_each(|event, writer| echo(&event, writer));
        let ended = tokio::select! { ended = near => ended, () = far => panic!("never noticed") };
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
        assert_took(start, secs(50));
    }
}

/// TM-06: a peer that reads slowly is there all the same. Nothing it says meanwhile is looked at.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly() {
    for role in BOTH {
        let config = Config::new().keepalive(Some(secs(30))).pong_timeout(secs(20)).idle_timeout(Some(secs(40)));
        let (mut socket, mut peer) = timed(role, &config.max_pending(1000));
        let wire = said_to(role, |writer| (0..1000).for_each(|n| writer.text(&letters(n, 54)).unwrap()));
        let far = async {
            peer.write_all(&wire).await.unwrap();
            sleep(secs(1)).await;
            peer.write_all(&wire).await.unwrap(); // read at once, and answered for a hundred seconds
            for _ in 0..90 {
                peer.read_exact(&mut [0; 500]).await.unwrap();
                sleep(secs(1)).await;
            }
        };
        let near = socket.for_each(|event, writer| echo(&event, writer));
        tokio::select! { ended = near => panic!("{role:?}: {ended:?}"), () = far => {} }
    }
}

// --- everything at once ---

/// A row of numbers that only looks random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Messages of any size to a socket that sends between, refuses, waits for room and drops what it began.
fn play(seed: u64) {
    let mut dice = Dice(seed);
    let role = BOTH[dice.below(2)];
    let mut expected: Vec<Message> = Vec::new();
    let sizes = [0, 1, 20, 130, 3_000, 70_000, 200_000];
    let mut wire = said_to(role, |writer| {
        for n in 0..12 + dice.below(20) {
            let size = sizes[dice.below(if n == 5 { 7 } else { 5 })];
            match dice.below(5) {
                0 => writer.ping(b"?").unwrap(),
                1 | 2 => {
                    writer.text(&letters(n, size)).unwrap();
                    expected.push(letters(n, size).into());
                }
                3 => {
                    writer.binary(&pattern(n, size)).unwrap();
                    expected.push(pattern(n, size).into());
                }
                _ => {
                    for part in pattern(n, size).chunks(1 + dice.below(size + 9)) {
                        writer.fragment(Kind::Binary, part, false).unwrap();
                    }
                    writer.fragment(Kind::Binary, b"", true).unwrap();
                    expected.push(pattern(n, size).into());
                }
            }
        }
        writer.close_without_code();
    });
    expected.push(Message::Close(None));
    let mut behind = wire.split_off(dice.below(wire.len()));
    let (read, write) = (sizes[4 + dice.below(3)], sizes[3 + dice.below(4)]);
    let io = Scripted::new(&wire, read, write, dice.below(2) == 0);
    io.script().room = dice.below(500);
    let config = Config::new().max_pending(1 + dice.below(3000)).keep_buffer(dice.below(2) << 20);
    let mut socket = open(&io, role, &config);
    let (mut got, mut said): (Vec<Message>, Vec<Message>) = (Vec::new(), Vec::new());
    for turn in 0.. {
        assert!(turn < 100_000, "{seed}: no progress");
        let polls = 1 + dice.below(4);
        match dice.below(8) {
            0 => {
                io.make_room(dice.below(100_000));
                let rest = behind.split_off(dice.below(behind.len() + 1));
                io.push(&behind);
                behind = rest;
                io.script().eof = behind.is_empty();
            }
            1 => {
                let message = letters(turn, 10);
                // Dropped, it may have been queued or not.
                if let Some(Ok(())) = step(socket.text(&message), polls) {
                    said.push(message.into());
                }
            }
            2 => match step(async { socket.next().await.map(owned) }, polls) {
                Some(Ok(Some(message))) => got.push(message),
                Some(Ok(None)) => break,
                Some(Err(error)) => panic!("{seed}: {error:?}"),
                None => {}
            },
            _ => {
                let refuses = dice.below(4) == 0;
                let mut many = dice.below(6);
                let each = socket.for_each(|event, writer| {
                    assert!(writer.has_room() || writer.is_closed(), "{seed}: handed over without room");
                    if echo(&event, writer).is_ok() && matches!(event, Event::Text(_) | Event::Binary(_)) {
                        said.push(event.into());
                    }
                    got.push(event.into());
                    many = many.saturating_sub(1);
                    if refuses && many == 0 { Err(SendError::Full) } else { Ok(()) }
                });
                match step(each, polls) {
                    Some(Ok(())) => break,
                    Some(Err(Error::Send(SendError::Full))) | None => {}
                    Some(Err(error)) => panic!("{seed}: {error:?}"),
                }
            }
        }
    }
    got.retain(|message| !matches!(message, Message::Ping(_)));
    assert!(got == expected, "{seed}: all events, in order and once");
    let heard = heard_from(role, &io.script().output);
    let mut rest = heard.iter();
    assert!(said.iter().all(|said| rest.any(|heard| heard == said)), "{seed}: all that was said, in order");
    assert!(socket.closed().unwrap().clean, "{seed}");
}

#[test]
fn in_any_order() {
    (0..20).for_each(play);
}
