//! Whoever waits does not wait for ever, what is queued leaves, and what arrives meanwhile is kept (K-16, K-31, K-32, K-41).

use ws_proto::poll::{Error, Socket};
use ws_proto::{CloseCode, Config, Message, Role};

use crate::driver::{BOTH, Pipe, connection, letters};
use crate::line::{Line, Task};
use crate::socket::{Ends, FORMS, Form, heard, millis, open, receiver, said, secs, sender};

fn is_timed_out<R>(result: Option<&Result<R, Error>>) -> bool {
    matches!(result, Some(Err(Error::TimedOut)))
}

// --- K-16: it ends by itself ---

#[test]
fn k_16_a_close_ends_by_itself_although_nobody_receives() {
    for (role, split) in BOTH.into_iter().flat_map(|role| [(role, false), (role, true)]) {
        for queued in [0, 10, 100_000] {
            for keepalive in [None, Some(secs(30))] {
                let name = format!("{role:?}, split {split}, {queued}, {keepalive:?}");
                let line = Line::new();
                line.state().room = 0;
                let mut ends = open(&line, role, split, &Config::new().keepalive(keepalive));
                ends.queue(&letters(1, queued)).unwrap();
                line.advance(secs(3));
                let mut closing = Task::new(ends.close());
                let ended = closing.run_until(&line, secs(100), millis(100));
                assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
                assert_eq!(line.now(), secs(3 + 5), "{name}");
            }
        }
    }
}

/// What had arrived before is delivered all the same, read already or not.
#[test]
fn k_16_what_arrived_before_a_sender_gave_up_is_not_lost() {
    for role in BOTH {
        for rest in ["in the buffer", "in the stream"] {
            let line = Line::new();
            line.state().room = 0;
            let (mut receiver, mut sender) =
                Socket::new(line.clone(), connection(role, &Config::new()), b"", &Config::new()).split();
            let [first, second] = ["first", "second"].map(|text| said(role, |writer| writer.text(text).unwrap()));
            let late = if rest == "in the buffer" {
                line.push(&[first, second].concat());
                None
            } else {
                line.push(&first);
                Some(second)
            };
            let mut got = Task::new(async { receiver.next().await.map(|event| event.map(Message::from)) });
            assert!(matches!(got.run(), Some(Ok(Some(Message::Text(text)))) if text == "first"), "{role:?}, {rest}");
            drop(got);
            if let Some(second) = &late {
                line.push(second);
            }
            let mut sending = Task::new(async {
                sender.binary(&[7; 1000]).await?;
                sender.flush().await
            });
            let ended = sending.run_until(&line, secs(100), millis(100));
            assert!(is_timed_out(ended.as_ref()), "{role:?}, {rest}: {ended:?}");
            drop(sending);
            for expected in ["second", "the end", "nothing"] {
                let mut got = Task::new(async { receiver.next().await.map(|event| event.map(Message::from)) });
                let got = got.run();
                match expected {
                    "second" => {
                        assert!(matches!(&got, Some(Ok(Some(Message::Text(text)))) if text == "second"), "{got:?}");
                    }
                    "the end" => assert!(is_timed_out(got.as_ref()), "{role:?}, {rest}: {got:?}"),
                    _ => assert!(matches!(got, Some(Ok(None))), "{role:?}, {rest}: {got:?}"),
                }
            }
        }
    }
}

#[test]
fn k_16_a_sender_that_waits_gives_up_by_itself() {
    for (role, split) in BOTH.into_iter().flat_map(|role| [(role, false), (role, true)]) {
        for what in ["text", "flush", "feed"] {
            let name = format!("{role:?}, split {split}, {what}");
            let line = Line::new();
            line.state().room = 0;
            let config = Config::new().max_pending(10).keepalive(Some(secs(20))).pong_timeout(secs(10));
            let mut ends = open(&line, role, split, &config);
            ends.queue("no more has room").unwrap();
            let mut sending = Task::new(async {
                match what {
                    "text" => ends.text("waits").await,
                    "feed" => ends.feed("waits").await,
                    _ => ends.flush().await,
                }
            });
            assert!(sending.run_until(&line, secs(25), secs(1)).is_none(), "{name}");
            line.make_room(1); // it moves: the time begins anew
            let ended = sending.run_until(&line, secs(100), secs(1));
            assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
            // Whoever has both halves sends a ping behind 20 s, and waits 10 s for its pong.
            assert_eq!(line.now(), secs(25 + if split { 30 } else { 10 }), "{name}");
        }
    }
}

// --- K-31: sending waits for room in the queue ---

/// Two sockets on a pipe without a clock: no time-out hides that they wait.
fn pair(capacity: usize, config: &Config) -> [Ends<Pipe>; 2] {
    let (near, far) = Pipe::pair(capacity);
    let socket = |role, io| Ends::Whole(Socket::new(io, connection(role, config), b"", config));
    [socket(Role::Client, near), socket(Role::Server, far)]
}

/// Polls both as long as one is woken; whether both came to their end.
fn run_both<A, B>(one: &mut Task<'_, A>, other: &mut Task<'_, B>) -> (Option<A>, Option<B>) {
    let (mut a, mut b) = (one.poll(), other.poll());
    loop {
        let mut goes_on = false;
        if a.is_none() && one.wakes() > 0 {
            (a, goes_on) = (one.poll(), true);
        }
        if b.is_none() && other.wakes() > 0 {
            (b, goes_on) = (other.poll(), true);
        }
        if !goes_on {
            return (a, b);
        }
    }
}

const MIB: usize = 1 << 20;

async fn send_then_receive(mut ends: Ends<Pipe>, n: usize, how: &str) -> Result<usize, Error> {
    let long = letters(1, MIB);
    for _ in 0..n {
        match how {
            "feed" => ends.feed(&long).await?,
            _ => ends.text(&long).await?,
        }
    }
    if how == "flush" {
        ends.flush().await?;
    }
    for i in 0..n {
        let got = ends.next(Form::Next).await?;
        assert!(got == Some(Message::Text(long.clone())), "message {i}");
    }
    Ok(n)
}

#[test]
fn k_31_two_ends_that_send_first_get_through() {
    for (how, config, n) in [
        ("text", Config::new(), 30),
        ("feed", Config::new(), 30),
        ("flush", Config::new(), 15),
        ("text", Config::new().max_pending(4 * MIB).max_unread(6 * MIB), 9),
    ] {
        let [near, far] = pair(50_000, &config);
        let mut near = Task::new(send_then_receive(near, n, how));
        let mut far = Task::new(send_then_receive(far, n, how));
        let ended = run_both(&mut near, &mut far);
        assert!(matches!(ended, (Some(Ok(a)), Some(Ok(b))) if a == n && b == n), "{how}, {n}: {ended:?}");
    }
}

/// One message fits the queue, and one more than that is kept by the other end: the limit of those who send first.
#[test]
fn k_31_beyond_the_limit_they_wait_for_each_other() {
    let config = Config::new().max_pending(2 * MIB).max_unread(3 * MIB);
    let limit = (4..20)
        .find(|n| {
            let [near, far] = pair(50_000, &config);
            let mut near = Task::new(send_then_receive(near, *n, "text"));
            let mut far = Task::new(send_then_receive(far, *n, "text"));
            matches!(run_both(&mut near, &mut far), (None, None))
        })
        .expect("they wait");
    // What one end has said is in its own queue or kept by the other, but for what is in between.
    assert!((5..=7).contains(&limit), "{limit} messages are too many");
}

/// With a clock they give up: both, with the same error.
#[tokio::test(start_paused = true)]
async fn k_31_beyond_the_limit_they_give_up() {
    let config = Config::new().max_pending(MIB).max_unread(MIB);
    let (near, far) = tokio::io::duplex(50_000);
    let socket = |role, io| {
        ws_proto::tokio::Socket::new(ws_proto::tokio::Tokio::new(io), connection(role, &config), b"", &config)
    };
    let (mut near, mut far) = (socket(Role::Client, near), socket(Role::Server, far));
    let start = tokio::time::Instant::now();
    let long = letters(1, MIB);
    let send = async |socket: &mut ws_proto::tokio::Socket<_>| {
        for _ in 0..50 {
            socket.text(&long).await?;
        }
        Ok::<_, Error>(())
    };
    let ended = tokio::join!(send(&mut near), send(&mut far));
    assert!(
        matches!(ended, (Err(Error::TimedOut), Err(_))) || matches!(ended, (Err(_), Err(Error::TimedOut))),
        "{ended:?}"
    );
    assert!(start.elapsed() >= secs(60) && start.elapsed() <= secs(62), "{:?}", start.elapsed());
}

/// Halves in one task: the receiver is polled beside the sender, and the limit is none.
#[test]
fn k_31_halves_in_one_task_get_through() {
    let config = Config::new().max_pending(MIB).max_unread(MIB);
    let run = async |ends: Ends<Pipe>| {
        let Ends::Whole(socket) = ends else { unreachable!() };
        let (mut receiver, mut sender) = socket.split();
        let long = letters(1, MIB);
        let sending = async {
            for _ in 0..20 {
                sender.text(&long).await.unwrap();
            }
            sender.flush().await.unwrap();
        };
        let receiving = async {
            for i in 0..20 {
                let got = receiver.next().await.unwrap().map(Message::from);
                assert!(got == Some(Message::Text(long.clone())), "message {i}");
            }
        };
        tokio::join!(sending, receiving);
    };
    let [near, far] = pair(50_000, &config);
    let ended = run_both(&mut Task::new(run(near)), &mut Task::new(run(far)));
    assert_eq!(ended, (Some(()), Some(())));
}

#[test]
fn k_31_two_tunnels_that_send_first_get_through() {
    use futures_util::{AsyncReadExt, AsyncWriteExt};

    let run = async |ends: Ends<Pipe>| {
        let Ends::Whole(socket) = ends else { unreachable!() };
        let mut bytes = socket.into_bytes();
        let long = letters(1, 10 * MIB);
        bytes.write_all(long.as_bytes()).await.unwrap();
        let mut got = vec![0; long.len()];
        bytes.read_exact(&mut got).await.unwrap();
        assert!(got == long.as_bytes());
        bytes.flush().await.unwrap();
        while bytes.read(&mut got).await.is_ok_and(|n| n > 0) {}
    };
    let [near, far] = pair(50_000, &Config::new());
    let (mut near, mut far) = (Task::new(run(near)), Task::new(run(far)));
    let (a, b) = run_both(&mut near, &mut far);
    assert!(a.is_none() && b.is_none(), "both wait for the end, behind all");
}

// --- K-32: what is queued leaves ---

#[test]
fn k_32_what_is_queued_leaves_while_the_other_half_waits() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        for what in ["queue", "feed", "close", "close_without_code"] {
            let name = format!("{role:?}, {form:?}, {what}");
            let line = Line::new();
            let Ends::Halves(mut receiver, mut sender) = open(&line, role, true, &Config::new()) else {
                unreachable!()
            };
            let mut receiving = Task::new(async {
                match form {
                    Form::ForEach => receiver.for_each(|_, _| Ok(())).await,
                    _ => receiver.next().await.map(|_| ()),
                }
            });
            assert!(receiving.run().is_none());
            match what {
                "queue" => sender.queue(|writer| writer.text("queued")).unwrap(),
                "close" => sender.queue(|writer| writer.close(CloseCode::NORMAL, "")).unwrap(),
                "close_without_code" => sender
                    .queue(|writer| {
                        writer.close_without_code();
                        Ok(())
                    })
                    .unwrap(),
                _ => {
                    use futures_sink::Sink;
                    let mut sender = std::pin::Pin::new(&mut sender);
                    let mut ready = Task::new(std::future::poll_fn(|cx| sender.as_mut().poll_ready(cx)));
                    ready.run().unwrap().unwrap();
                    drop(ready);
                    sender.start_send("queued".into()).unwrap();
                }
            }
            assert_eq!(receiving.wakes(), 1, "{name}: woken, once");
            sender.queue(|_| Ok(())).unwrap_or_default();
            assert_eq!(receiving.wakes(), 1, "{name}: and not again before it has been polled");
            assert!(receiving.poll().is_none() && receiving.wakes() == 0, "{name}");
            assert_eq!(heard(role, &line.written()).len(), 1, "{name}");
            sender.queue(|_| Ok(())).unwrap_or_default();
            assert_eq!(receiving.wakes(), 0, "{name}: nothing waits");
        }
    }
}

/// In the same task, and when it was never polled: nobody is woken for nothing.
#[test]
fn k_32_nobody_is_woken_who_does_not_wait() {
    for role in BOTH {
        let line = Line::new();
        let mut ends = open(&line, role, true, &Config::new());
        line.push(&said(role, |writer| writer.text("first").unwrap()));
        let Ends::Halves(receiver, sender) = &mut ends else { unreachable!() };
        let mut task = Task::new(async {
            assert!(receiver.next().await.unwrap().is_some());
            sender.queue(|writer| writer.text("an answer")).unwrap();
            sender.queue(|writer| writer.text("another")).unwrap();
            receiver.next().await.map(|_| ())
        });
        assert!(task.poll().is_none());
        assert_eq!(task.wakes(), 0, "{role:?}");
        assert_eq!(heard(role, &line.written()).len(), 2, "{role:?}");
    }
}

/// What the stream did not take of a large message.
#[test]
fn k_32_the_rest_of_a_large_message_leaves_while_somebody_waits() {
    for (role, split, form) in BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| FORMS.into_iter().map(move |form| (role, split, form)))
    }) {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        line.state().room = 1000;
        let mut ends = open(&line, role, split, &Config::new());
        let long = letters(3, MIB);
        assert!(matches!(Task::new(ends.text(&long)).run(), Some(Ok(()))), "{name}: it is queued");
        let mut receiving = Task::new(ends.next(form));
        assert!(receiving.run().is_none(), "{name}");
        for _ in 0..20 {
            line.make_room(100_000);
            assert!(receiving.run().is_none(), "{name}");
        }
        assert!(heard(role, &line.written()) == [Message::Text(long)], "{name}");
    }
}

/// A sender in another task, while the receiver waits in its own.
#[test]
fn k_32_the_rest_of_a_large_message_of_another_task_leaves() {
    for role in BOTH {
        let line = Line::new();
        line.state().room = 1000;
        let Ends::Halves(mut receiver, mut sender) = open(&line, role, true, &Config::new()) else { unreachable!() };
        let mut receiving = Task::new(async { receiver.next().await.map(|_| ()) });
        assert!(receiving.run().is_none());
        let long = letters(3, MIB);
        assert!(matches!(Task::new(sender.text(&long)).run(), Some(Ok(()))), "it is queued");
        for _ in 0..20 {
            line.make_room(100_000);
            assert!(receiving.run().is_none());
        }
        assert!(heard(role, &line.written()) == [Message::Text(long)], "{role:?}");
    }
}

// --- K-41: what arrives while something is sent is kept ---

#[test]
fn k_41_nothing_is_lost_that_arrives_while_something_is_sent() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        for at_once in [false, true] {
            let name = format!("{role:?}, {form:?}, at once {at_once}");
            let line = Line::new();
            let mut ends = open(&line, role, false, &Config::new());
            let mut expected = Vec::new();
            for i in 0..200_u32 {
                let payload = i.to_be_bytes();
                let answer = said(role, |writer| {
                    writer.text(&format!("{i}")).unwrap();
                    writer.ping(&payload).unwrap();
                    writer.pong(&payload).unwrap();
                });
                expected.extend([
                    format!("{i}").into(),
                    Message::Ping(payload.to_vec()),
                    Message::Pong(payload.to_vec()),
                ]);
                if at_once {
                    line.push(&answer); // it is there before the ping is written
                }
                let mut pinging = Task::new(async {
                    sender!(&mut ends, sender => {
                        sender.ping(&payload).await?;
                        sender.flush().await
                    })
                });
                assert!(matches!(pinging.run(), Some(Ok(()))), "{name}, {i}");
                drop(pinging);
                if !at_once {
                    line.push(&answer);
                }
            }
            let mut got = Vec::new();
            let mut receiving = Task::new(ends.all(form, &mut got));
            assert!(receiving.run().is_none(), "{name}");
            drop(receiving);
            assert_eq!(got, expected, "{name}");
            let pongs = heard(role, &line.written()).into_iter().filter(|message| matches!(message, Message::Pong(_)));
            assert_eq!(pongs.count(), 200, "{name}: every ping is answered");
        }
    }
}

/// At the bound nothing more is read, and what is kept comes in order, with what was not read yet behind it.
#[test]
fn k_41_what_is_kept_has_a_bound() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        let name = format!("{role:?}, {form:?}");
        let line = Line::new();
        line.state().room = 0;
        line.state().most = 1000;
        let mut ends = open(&line, role, false, &Config::new().max_unread(10_000));
        let mut expected = Vec::new();
        for i in 0..500 {
            line.push(&said(role, |writer| writer.text(&letters(i, 100)).unwrap()));
            expected.push(Message::Text(letters(i, 100)));
        }
        ends.queue("waits").unwrap();
        let mut flushing = Task::new(ends.flush());
        assert!(flushing.run().is_none(), "{name}");
        let read = line.state().read;
        assert!((5000..=11_000).contains(&read), "{name}: {read} bytes are read");
        line.push(b"");
        assert!(flushing.run().is_none() && line.state().read == read, "{name}: nothing more");
        line.make_room(usize::MAX);
        assert!(matches!(flushing.run(), Some(Ok(()))), "{name}");
        drop(flushing);
        let mut got = Vec::new();
        let mut receiving = Task::new(ends.all(form, &mut got));
        assert!(receiving.run().is_none(), "{name}");
        drop(receiving);
        assert!(got == expected, "{name}: {} of {}", got.len(), expected.len());
    }
}

/// An end that was found while something was sent comes behind the events before it.
#[test]
fn k_41_the_end_is_kept_behind_the_events() {
    for (role, form) in BOTH.into_iter().flat_map(|role| FORMS.map(|form| (role, form))) {
        let name = format!("{role:?}, {form:?}");
        let line = Line::new();
        line.state().room = 0;
        let mut ends = open(&line, role, false, &Config::new());
        ends.queue("waits").unwrap();
        line.push(&said(role, |writer| {
            writer.text("one").unwrap();
            writer.close(CloseCode(4001), "enough").unwrap();
        }));
        let mut flushing = Task::new(ends.flush());
        assert!(flushing.run().is_none(), "{name}");
        line.make_room(usize::MAX);
        line.end(crate::line::End::Eof);
        assert!(matches!(flushing.run(), Some(Ok(()))), "{name}");
        drop(flushing);
        let mut got = Vec::new();
        let ended = Task::new(ends.all(form, &mut got)).run();
        assert!(matches!(ended, Some(Ok(()))), "{name}: {ended:?}");
        assert_eq!(got, ["one".into(), Message::Close(Some((CloseCode(4001), "enough".into())))], "{name}");
        assert!(receiver!(&ends, receiver => receiver.closed().is_some_and(|closed| closed.clean)), "{name}");
    }
}

/// The stream has ended behind events that were kept, and there is no room for an answer to them: `for_each` waits, and
/// then goes on.
#[test]
fn k_41_kept_events_behind_the_end_of_the_stream_wait_for_room() {
    for role in BOTH {
        let line = Line::new();
        line.state().room = 0;
        let mut ends = open(&line, role, false, &Config::new().max_pending(10));
        ends.queue("fills the queue").unwrap();
        line.push(&said(role, |writer| writer.text("kept").unwrap()));
        line.end(crate::line::End::Eof);
        let mut flushing = Task::new(ends.flush());
        assert!(flushing.run().is_none());
        drop(flushing);
        let mut got = Vec::new();
        let mut receiving = Task::new(ends.all(Form::ForEach, &mut got));
        assert!(receiving.run().is_none(), "{role:?}");
        line.make_room(usize::MAX);
        let ended = receiving.run();
        assert!(matches!(ended, Some(Err(Error::Protocol(ws_proto::Error::UnexpectedEof)))), "{role:?}: {ended:?}");
        drop(receiving);
        assert_eq!(got, ["kept".into()], "{role:?}");
    }
}
