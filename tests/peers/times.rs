//! Peers that take their time: withheld messages, peers that vanish, slow links (K-04, K-05, K-14, K-15).

use std::io::ErrorKind;

use ws_proto::poll::Error;
use ws_proto::{CloseCode, Config, Kind, Message, Role};

use crate::driver::{BOTH, letters};
use crate::line::{Line, Task};
use crate::socket::{FORMS, Form, heard, millis, open, said, secs};

fn is_timed_out<R>(result: Option<&Result<R, Error>>) -> bool {
    matches!(result, Some(Err(Error::TimedOut)))
}

fn all_ways() -> impl Iterator<Item = (Role, bool, Form)> {
    BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| FORMS.into_iter().map(move |form| (role, split, form)))
    })
}

// --- K-04: a message must go on ---

/// Messages that are begun: their bytes without the end, and the end.
fn begun(role: Role) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let cut = |mut bytes: Vec<u8>, left: usize| {
        let end = bytes.split_off(bytes.len() - left);
        (bytes, end)
    };
    let whole = cut(said(role, |writer| writer.text("Hello").unwrap()), 1);
    let empty = cut(said(role, |writer| writer.text("Hello").unwrap()), 5);
    let fragments = said(role, |writer| {
        writer.fragment(Kind::Text, b"Hel", false).unwrap();
        writer.fragment(Kind::Text, b"lo", true).unwrap();
    });
    let last = fragments.len() - if role == Role::Server { 8 } else { 4 };
    let fragments = (fragments[..last].to_vec(), fragments[last..].to_vec());
    [("at its last byte", whole), ("without payload", empty), ("in fragments", fragments)]
        .into_iter()
        .map(|(name, (begin, end))| (name, begin, end))
        .collect()
}

/// Nothing but the measure of messages can end it.
fn slow_config() -> Config {
    Config::new().keepalive(None).message_timeout(Some(secs(30))).message_rate(1024)
}

fn assert_too_slow(name: &str, role: Role, line: &Line) {
    let close = Message::Close(Some((CloseCode::POLICY, "message too slow".into())));
    assert_eq!(heard(role, &line.written()).last(), Some(&close), "{name}: it is told");
    assert!(line.state().shut, "{name}");
}

#[test]
fn k_04_a_message_that_does_not_go_on_ends_the_connection() {
    for (role, split, form) in all_ways() {
        for (what, begin, _) in begun(role) {
            for (keepalive, quiet) in [(None, 0), (None, 100), (Some(secs(10)), 0)] {
                let name = format!("{role:?}, split {split}, {form:?}, {what}, {keepalive:?}, quiet for {quiet}");
                let line = Line::new();
                let config = slow_config().keepalive(keepalive);
                let mut ends = open(&line, role, split, &config);
                let mut got = Vec::new();
                let mut receiving = Task::new(ends.all(form, &mut got));
                assert!(receiving.run_until(&line, secs(quiet), secs(1)).is_none(), "{name}");
                line.push(&begin);
                assert!(receiving.run().is_none(), "{name}");
                let ended = loop {
                    let ended = receiving.run();
                    if ended.is_some() || line.now() > secs(quiet + 60) {
                        break ended;
                    }
                    line.advance(millis(500));
                    if what == "in fragments" && keepalive.is_some() && line.now().as_millis().is_multiple_of(5000) {
                        line.push(&said(role, |writer| writer.pong(b"I am here").unwrap()));
                    }
                };
                assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
                // A payload of a few bytes adds a few milliseconds.
                assert_eq!(
                    line.now().as_millis().div_ceil(500) / 2,
                    u128::from(quiet) + 30,
                    "{name}: {:?}",
                    line.now()
                );
                drop(receiving);
                assert_too_slow(&name, role, &line);
            }
        }
    }
}

/// Pings that come with every look at the time are no sign that the message goes on.
#[test]
fn k_04_pings_do_not_lengthen_the_time_of_a_message() {
    for (role, split, form) in all_ways() {
        for (what, begin, _) in begun(role).into_iter().filter(|(what, ..)| *what != "at its last byte") {
            if what == "without payload" {
                continue; // nothing fits inside a frame
            }
            for step in [millis(7), millis(400), secs(3)] {
                let name = format!("{role:?}, split {split}, {form:?}, {what}, {step:?}");
                let line = Line::new();
                let mut ends = open(&line, role, split, &slow_config());
                line.push(&begin);
                let mut got = Vec::new();
                let mut receiving = Task::new(ends.all(form, &mut got));
                let ping = said(role, |writer| writer.ping(b"").unwrap());
                let ended = loop {
                    let ended = receiving.run();
                    if ended.is_some() || line.now() > secs(60) {
                        break ended;
                    }
                    // Both are found at the same time: the ping and how late it is.
                    line.state().now = Some(line.now() + step);
                    line.push(&ping);
                };
                assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
                assert!(line.now() <= secs(34), "{name}: {:?}", line.now());
            }
        }
    }
}

#[test]
fn k_04_a_flood_of_pings_does_not_lengthen_the_time_of_a_message() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &slow_config().turn(4 << 10));
        line.push(&said(role, |writer| writer.fragment(Kind::Binary, b"begun", false).unwrap()));
        line.flood(&said(role, |writer| writer.ping(&[7; 125]).unwrap())); // few, and so many reads in a short time
        let mut got = Vec::new();
        let mut receiving = Task::new(ends.all(form, &mut got));
        let mut ended = None;
        while ended.is_none() && line.now() < secs(60) {
            let reads = line.state().reads;
            while ended.is_none() && line.state().reads == reads {
                ended = receiving.poll(); // one read lasts for many turns
            }
            line.advance(millis(700));
        }
        assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
        assert!(line.now() <= secs(33), "{name}: {:?}", line.now());
    }
}

#[test]
fn k_04_at_the_rate_a_message_lives() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &slow_config());
        let wire = said(role, |writer| writer.text(&letters(1, 200 << 10)).unwrap());
        let mut receiving = Task::new(ends.next(form));
        let mut got = None;
        for second in wire.chunks(1 << 10) {
            line.push(second);
            got = receiving.run();
            if got.is_some() {
                break;
            }
            line.advance(secs(1));
        }
        assert!(matches!(&got, Some(Ok(Some(Message::Text(text)))) if text.len() == 200 << 10), "{name}");
        assert!(line.now() >= secs(199), "{name}");
    }
}

#[test]
fn k_04_below_the_rate_a_message_dies() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &slow_config());
        let wire = said(role, |writer| writer.text(&letters(1, 200 << 10)).unwrap());
        let mut receiving = Task::new(ends.next(form));
        let mut got = None;
        for second in wire.chunks(512) {
            line.push(second);
            got = receiving.run_until(&line, line.now() + secs(1), millis(100));
            if got.is_some() {
                break;
            }
        }
        assert!(is_timed_out(got.as_ref()), "{name}: {got:?}");
        // 30 s, and half of each second since.
        assert!((secs(58)..=secs(62)).contains(&line.now()), "{name}: {:?}", line.now());
        drop(receiving);
        assert_too_slow(&name, role, &line);
    }
}

/// Whoever looks late finds what came in time.
#[test]
fn k_04_a_program_that_looks_late_does_not_blame_the_peer() {
    for (role, split, form) in all_ways() {
        for (what, begin, end) in begun(role) {
            for (first, late) in [("first", 40), ("nothing", 40), ("nothing", 400)] {
                let name = format!("{role:?}, split {split}, {form:?}, {what}, {first} comes first, {late} s late");
                let line = Line::new();
                let mut ends = open(&line, role, split, &slow_config());
                if first == "first" {
                    line.push(&said(role, |writer| writer.text("first").unwrap()));
                }
                line.push(&begin);
                if first == "first" {
                    assert!(matches!(Task::new(ends.next(form)).run(), Some(Ok(Some(_)))), "{name}");
                } else {
                    assert!(Task::new(ends.next(form)).run().is_none(), "{name}");
                }
                line.state().now = Some(secs(10));
                line.push(&end); // in time
                line.push(&said(role, |writer| writer.fragment(Kind::Text, b"next", false).unwrap()));
                line.state().now = Some(secs(late));
                let got = Task::new(ends.next(form)).run();
                assert!(matches!(&got, Some(Ok(Some(Message::Text(text)))) if text == "Hello"), "{name}: {got:?}");
                let next = Task::new(ends.next(form)).run_until(&line, secs(late + 25), secs(1));
                assert!(next.is_none(), "{name}: {next:?}");
                let next = Task::new(ends.next(form)).run_until(&line, secs(late + 32), secs(1));
                assert!(is_timed_out(next.as_ref()), "{name}: {next:?}");
            }
        }
    }
}

/// A peer is not read from while it does not read, and is not blamed for that.
#[test]
fn k_04_back_pressure_is_not_blamed() {
    for role in BOTH {
        for how in ["for_each", "queue", "keeps"] {
            let name = format!("{role:?}, {how}");
            let line = Line::new();
            line.state().room = 0;
            line.state().most = 100;
            let config = slow_config().max_pending(50).max_unread(100);
            let mut ends = open(&line, role, false, &config);
            let wire = said(role, |writer| {
                for i in 0..10 {
                    writer.text(&letters(i, 90)).unwrap();
                }
            });
            line.push(&wire[..wire.len() - 1]);
            let count = std::cell::Cell::new(0);
            let mut task = Task::new(async {
                if how == "for_each" {
                    let answer = |_: ws_proto::Event<'_>, writer: &mut ws_proto::Writer| {
                        count.set(count.get() + 1);
                        writer.text("a long answer that fills the queue, with some more bytes")
                    };
                    return crate::socket::receiver!(&mut ends, receiver => receiver.for_each(answer).await);
                }
                if how == "keeps" {
                    ends.queue(&letters(0, 60)).unwrap();
                    ends.flush().await?;
                }
                while ends.next(Form::Next).await?.is_some() {
                    count.set(count.get() + 1);
                    ends.queue("a long answer that fills the queue, with some more bytes")?;
                }
                Ok(())
            });
            for _ in 0..300 {
                assert!(task.run().is_none(), "{name}");
                line.advance(secs(1));
            }
            assert!(count.get() < 10, "{name}");
            line.make_room(usize::MAX);
            assert!(task.run().is_none(), "{name}");
            line.push(&wire[wire.len() - 1..]);
            assert!(task.run().is_none(), "{name}");
            assert_eq!(count.get(), 10, "{name}");
        }
    }
}

#[cfg(feature = "deflate")]
#[test]
fn k_04_a_compressed_message_that_does_not_go_on_ends_the_connection() {
    use ws_proto::deflate::{Agreement, Compression};
    use ws_proto::poll::Socket;

    for (role, split, form) in all_ways() {
        for cut in [1, 5, 20] {
            let name = format!("{role:?}, split {split}, {form:?}, {cut}");
            let config = slow_config().compression(Compression::new());
            let peer = if role == Role::Server { Role::Client } else { Role::Server };
            let compressed =
                |role| crate::driver::connection(role, &config).with_deflate(Agreement::default(), &config);
            let mut peer = compressed(peer);
            peer.split().1.text(&letters(1, 1000)).unwrap();
            let wire = crate::driver::outgoing(&mut peer);
            let line = Line::new();
            let socket = Socket::new(line.clone(), compressed(role), b"", &config);
            let mut ends = crate::socket::ends(socket, split);
            line.push(&wire[..wire.len() - cut]);
            let mut receiving = Task::new(ends.next(form));
            let ended = receiving.run_until(&line, secs(60), millis(500));
            assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
            assert!((secs(30)..=secs(31)).contains(&line.now()), "{name}: {:?}", line.now());
            drop(receiving);
            assert!(line.state().shut && !line.written().is_empty(), "{name}");
        }
    }
}

// --- K-05: a peer that vanishes ---

#[test]
fn k_05_a_peer_that_vanished_is_noticed_within_a_minute() {
    for (role, split, form) in all_ways() {
        for before in [0, 100] {
            let name = format!("{role:?}, split {split}, {form:?}, after {before} s");
            let line = Line::new();
            let mut ends = open(&line, role, split, &Config::new());
            let mut receiving = Task::new(async {
                while ends.next(form).await?.is_some() {}
                Ok::<_, Error>(())
            });
            while line.now() < secs(before) {
                assert!(receiving.run().is_none(), "{name}");
                line.advance(secs(1));
                line.push(&said(role, |writer| writer.text("here").unwrap()));
            }
            let ended = receiving.run_until(&line, secs(1000), secs(1));
            assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
            assert_eq!(line.now(), secs(before + 60), "{name}");
            let close = Message::Close(Some((CloseCode::INTERNAL, "no pong".into())));
            let heard = heard(role, &line.written());
            assert!(matches!(heard.first(), Some(Message::Ping(_))), "{name}: {heard:?}");
            assert_eq!(heard.last(), Some(&close), "{name}");
        }
    }
}

#[test]
fn k_05_one_line_turns_it_off() {
    for (role, split, form) in all_ways() {
        let line = Line::new();
        let mut ends = open(&line, role, split, &Config::new().keepalive(None));
        let mut receiving = Task::new(ends.next(form));
        assert!(receiving.run_until(&line, secs(100_000), secs(10)).is_none());
        assert!(line.written().is_empty());
    }
}

// --- K-14: an upload over a slow link ---

/// Every so often the peer takes a few bytes; its pongs wait behind the upload.
#[test]
fn k_14_an_upload_over_a_slow_link_lives_as_long_as_bytes_move() {
    for (role, split, form) in all_ways() {
        for require_pong in [false, true] {
            for how in ["receives", "flushes"] {
                let name = format!("{role:?}, split {split}, {form:?}, require_pong {require_pong}, {how}");
                let line = Line::new();
                line.state().room = 100;
                let mut ends = open(&line, role, split, &Config::new().require_pong(require_pong));
                Task::new(ends.text(&letters(1, 10_000))).run().unwrap().unwrap();
                let mut task = Task::new(async {
                    match how {
                        "receives" => ends.next(form).await.map(|_| ()),
                        _ => ends.flush().await,
                    }
                });
                for _ in 0..40 {
                    for _ in 0..20 {
                        let ended = task.run();
                        assert!(ended.is_none(), "{name}: {ended:?} at {:?}", line.now());
                        line.advance(secs(1));
                    }
                    line.make_room(60);
                }
                assert!(line.now() >= secs(800), "{name}");
                // And nothing moves any more.
                let since = line.now();
                let ended = task.run_until(&line, since + secs(200), secs(1));
                assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
                assert!(line.now() <= since + secs(61), "{name}: {:?}", line.now().checked_sub(since));
            }
        }
    }
}

/// `for_each` with a full queue.
#[test]
fn k_14_answers_over_a_slow_link() {
    for role in BOTH {
        let line = Line::new();
        line.state().room = 10;
        line.flood(&said(role, |writer| writer.text(&letters(1, 1000)).unwrap()));
        let mut ends = open(&line, role, false, &Config::new().max_pending(1000));
        let mut task = Task::new(async {
            let echo = |event: ws_proto::Event<'_>, writer: &mut ws_proto::Writer| match event {
                ws_proto::Event::Text(text) => writer.text(text),
                _ => Ok(()),
            };
            crate::socket::receiver!(&mut ends, receiver => receiver.for_each(echo).await)
        });
        for _ in 0..60 {
            for _ in 0..20 {
                let ended = task.run();
                assert!(ended.is_none(), "{role:?}: {ended:?} at {:?}", line.now());
                line.advance(secs(1));
            }
            line.make_room(10);
        }
        let since = line.now();
        let ended = task.run_until(&line, since + secs(200), secs(1));
        assert!(is_timed_out(ended.as_ref()), "{role:?}: {ended:?}");
        assert!(line.now() <= since + secs(61), "{role:?}: {:?}", line.now().checked_sub(since));
    }
}

// --- K-15: closing over a slow link ---

#[test]
fn k_15_all_that_is_queued_arrives_before_a_close() {
    for (role, split, form) in all_ways() {
        for who in ["closes", "receives"] {
            let name = format!("{role:?}, split {split}, {form:?}, {who}");
            let line = Line::new();
            line.state().room = 10;
            let config = Config::new().closing_timeout(secs(5)).closing_limit(secs(200));
            let mut ends = open(&line, role, split, &config);
            let long = letters(1, 4000);
            Task::new(ends.text(&long)).run().unwrap().unwrap();
            let mut task = Task::new(async {
                if who == "closes" {
                    ends.close().await?;
                } else {
                    ends.queue("behind")?;
                    ends.queue_close()?;
                }
                ends.next(form).await.map(|_| ())
            });
            let is_out = || matches!(heard(role, &line.state().output).last(), Some(Message::Close(_)));
            while !is_out() {
                let ended = task.run_until(&line, line.now() + secs(4), secs(1));
                assert!(ended.is_none(), "{name}: {ended:?} at {:?}", line.now());
                line.make_room(100);
                assert!(task.run().is_none(), "{name}");
            }
            assert!(task.run().is_none(), "{name}");
            let heard = heard(role, &line.written());
            assert!(heard.first() == Some(&Message::Text(long)), "{name}");
            assert!(matches!(heard.last(), Some(Message::Close(_))), "{name}");
            let ended = task.run_until(&line, secs(1000), secs(1));
            assert!(is_timed_out(ended.as_ref()), "{name}: nobody answers: {ended:?}");
            assert!(line.now() <= secs(186), "{name}: {:?}", line.now());
        }
    }
}

/// The answer to the peer's Close waits behind what is queued, likewise.
#[test]
fn k_15_all_that_is_queued_arrives_before_the_answer_to_a_close() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        line.state().room = 10;
        let mut ends = open(&line, role, split, &Config::new().closing_limit(secs(1000)));
        let long = letters(1, 4000);
        Task::new(ends.text(&long)).run().unwrap().unwrap();
        line.push(&said(role, |writer| writer.close(CloseCode::NORMAL, "").unwrap()));
        let mut got = Vec::new();
        let mut task = Task::new(ends.all(form, &mut got));
        let mut ended = None;
        for _ in 0..50 {
            ended = task.run_until(&line, line.now() + secs(4), secs(1));
            if ended.is_some() {
                break;
            }
            line.make_room(100);
        }
        if ended.is_none() {
            line.end(crate::line::End::Eof); // a client waits for it
            ended = task.run();
        }
        assert!(matches!(ended, Some(Ok(()))), "{name}: {ended:?}");
        let heard = heard(role, &line.written());
        assert!(heard.first() == Some(&Message::Text(long)), "{name}");
        assert!(matches!(heard.last(), Some(Message::Close(_))), "{name}");
    }
}

#[test]
fn k_15_the_whole_of_closing_has_a_limit() {
    for (role, split, form) in all_ways() {
        for who in ["closes", "receives"] {
            let name = format!("{role:?}, split {split}, {form:?}, {who}");
            let line = Line::new();
            line.state().room = 10;
            let mut ends = open(&line, role, split, &Config::new()); // 60 s
            Task::new(ends.text(&letters(1, 100_000))).run().unwrap().unwrap();
            let mut task = Task::new(async {
                match who {
                    "closes" => ends.close().await?,
                    _ => ends.queue_close()?,
                }
                ends.next(form).await.map(|_| ())
            });
            let mut ended = None;
            while ended.is_none() && line.now() < secs(100) {
                ended = task.run_until(&line, line.now() + secs(2), millis(500));
                line.make_room(100);
            }
            assert!(is_timed_out(ended.as_ref()), "{name}: {ended:?}");
            assert_eq!(line.now(), secs(60), "{name}");
        }
    }
}

/// A stream without a clock never fails for one.
#[test]
fn k_05_a_stream_without_a_clock_has_no_deadlines() {
    for (role, split, form) in all_ways() {
        let line = Line::new();
        line.state().now = None;
        let mut ends = open(&line, role, split, &Config::new());
        line.push(&begun(role)[0].1);
        assert!(Task::new(ends.next(form)).run().is_none());
        line.end(crate::line::End::Fails(ErrorKind::ConnectionReset));
        assert!(matches!(Task::new(ends.next(form)).run(), Some(Err(Error::Io(_)))));
    }
}

/// What it finds late of a message that is not whole yet begins the measure anew.
#[test]
fn k_04_a_part_that_is_found_late_begins_the_time_anew() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &slow_config());
        let wire = said(role, |writer| writer.text("Hello").unwrap());
        let (begin, end) = wire.split_at(wire.len() - 2);
        line.push(begin);
        assert!(Task::new(ends.next(form)).run().is_none(), "{name}");
        line.push(&end[..1]);
        line.state().now = Some(secs(40));
        let late = Task::new(ends.next(form)).run_until(&line, secs(65), secs(1));
        assert!(late.is_none(), "{name}: {late:?}");
        line.push(&end[1..]);
        let got = Task::new(ends.next(form)).run();
        assert!(matches!(&got, Some(Ok(Some(Message::Text(text)))) if text == "Hello"), "{name}: {got:?}");
    }
}

/// A message that is under way when this end stops reading, since its own answers are not read.
#[test]
fn k_04_a_message_that_is_not_read_is_not_blamed() {
    for (role, split) in BOTH.into_iter().flat_map(|role| [(role, false), (role, true)]) {
        for form in [Form::ForEach, Form::Next] {
            let name = format!("{role:?}, split {split}, {form:?}");
            let line = Line::new();
            line.state().room = 0;
            let mut ends = open(&line, role, split, &slow_config().max_pending(50));
            let mut texts = Vec::new();
            let wire = said(role, |writer| {
                writer.fragment(Kind::Text, b"Hel", false).unwrap();
                writer.ping(b"").unwrap();
            });
            let end = said(role, |writer| {
                writer.fragment(Kind::Text, b"Hel", false).unwrap();
                writer.fragment(Kind::Text, b"lo", true).unwrap();
            });
            let first = if role == Role::Server { 9 } else { 5 };
            line.push(&wire);
            let answer = letters(1, 60);
            let mut task = Task::new(async {
                if form == Form::ForEach {
                    let handle = |event: ws_proto::Event<'_>, writer: &mut ws_proto::Writer| {
                        texts.extend(matches!(event, ws_proto::Event::Text(_)).then(|| Message::from(event)));
                        writer.text(&answer)
                    };
                    return crate::socket::receiver!(&mut ends, receiver => receiver.for_each(handle).await);
                }
                while let Some(event) = ends.next(form).await? {
                    texts.extend(matches!(event, Message::Text(_)).then_some(event));
                    ends.queue(&answer)?;
                }
                Ok(())
            });
            for _ in 0..300 {
                let ended = task.run();
                assert!(ended.is_none(), "{name}: {ended:?} at {:?}", line.now());
                line.advance(secs(1));
            }
            line.make_room(usize::MAX);
            assert!(task.run().is_none(), "{name}");
            line.push(&end[first..]);
            assert!(task.run().is_none(), "{name}");
            drop(task);
            assert_eq!(texts, ["Hello".into()], "{name}");
        }
    }
}
