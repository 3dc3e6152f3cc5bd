//! A write that fails hides nothing that arrived (K-11), and both halves say why it ended (K-45).

use std::io::ErrorKind;

use ws_proto::poll::Error;
use ws_proto::{CloseCode, Config, Message, Role, SendError};

use crate::driver::{BOTH, pattern};
use crate::line::{End, Line, Task};
use crate::socket::{Ends, FORMS, Form, heard, millis, open, receiver, said, secs};

/// What the peer said before it went away.
fn last_words(role: Role, closes: bool) -> (Vec<u8>, Vec<Message>) {
    let wire = said(role, |writer| {
        writer.text("one").unwrap();
        writer.binary(&pattern(1, 200_000)).unwrap();
        writer.text("two").unwrap();
        if closes {
            writer.close(CloseCode(4000), "bye").unwrap();
        }
    });
    let mut words = vec!["one".into(), pattern(1, 200_000).into(), "two".into()];
    if closes {
        words.push(Message::Close(Some((CloseCode(4000), "bye".into()))));
    }
    (wire, words)
}

/// What the stream says behind that.
const ENDS: [End; 3] = [End::Open, End::Eof, End::Fails(ErrorKind::ConnectionReset)];

fn all_ways() -> impl Iterator<Item = (Role, bool, Form)> {
    BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| FORMS.into_iter().map(move |form| (role, split, form)))
    })
}

fn is_broken_pipe<R>(result: Option<&Result<R, Error>>) -> bool {
    matches!(result, Some(Err(Error::Io(error))) if error.kind() == ErrorKind::BrokenPipe)
}

/// Receives all: `words`, and then the end that fits.
fn assert_all_received(
    name: &str,
    line: &Line,
    ends: &mut Ends<Line>,
    form: Form,
    words: &[Message],
    closes: bool,
) -> Option<String> {
    let mut got = Vec::new();
    // A client waits for the server to end the stream.
    let ended = Task::new(ends.all(form, &mut got)).run_until(line, secs(if closes { 5 } else { 0 }), secs(1));
    assert!(got == words, "{name}: {} of {} messages", got.len(), words.len());
    if closes {
        assert!(matches!(ended, Some(Ok(()))), "{name}: {ended:?}");
        let how = receiver!(&*ends, receiver => receiver.closed().map(|how| (how.code, how.clean)));
        assert_eq!(how, Some((CloseCode(4000), true)), "{name}");
    } else {
        let then = Task::new(ends.next(form)).run();
        assert!(matches!(then, Some(Ok(None))), "{name}: once, not {then:?}");
    }
    cause_of(ended)
}

#[test]
fn k_11_a_write_that_fails_hides_nothing_that_arrived() {
    for ((role, split, form), end, closes, size) in all_ways().flat_map(|way| {
        ENDS.into_iter().flat_map(move |end| {
            [false, true].into_iter().flat_map(move |closes| [10, 5 << 20].map(move |size| (way, end, closes, size)))
        })
    }) {
        for under_way in [false, true] {
            let name = format!("{role:?}, split {split}, {form:?}, {end:?}, closes {closes}, {size}, {under_way}");
            let line = Line::new();
            let mut ends = open(&line, role, split, &Config::new());
            let (wire, words) = last_words(role, closes);
            let message = vec![1; size];
            if under_way {
                line.state().room = 5; // it fails within a message
                assert!(matches!(Task::new(ends.binary(&message)).run(), Some(Ok(()))), "{name}");
            }
            line.push(&wire);
            line.end(end);
            line.state().broken = Some(ErrorKind::BrokenPipe);
            // Whoever has both halves reads before it writes, and then that may be the end.
            let expected = match end {
                End::Eof if !split && !closes && !under_way => "Protocol(UnexpectedEof)",
                End::Fails(_) if !split && !closes && !under_way => "ConnectionReset",
                _ => "BrokenPipe",
            };
            let expected = Some(expected.to_owned());
            assert_eq!(cause_of(Task::new(ends.binary(&message)).run()), expected, "{name}");
            assert_eq!(cause_of(Task::new(ends.text("again")).run()), expected, "{name}");
            let ended = assert_all_received(&name, &line, &mut ends, form, &words, closes);
            assert_eq!(ended, if closes { None } else { expected }, "{name}");
        }
    }
}

/// Nothing is sent but the answers to pings.
#[test]
fn k_11_a_pong_that_fails_hides_nothing_that_arrived() {
    for ((role, split, form), end, closes) in all_ways()
        .flat_map(|way| ENDS.into_iter().flat_map(move |end| [false, true].map(move |closes| (way, end, closes))))
    {
        let name = format!("{role:?}, split {split}, {form:?}, {end:?}, closes {closes}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &Config::new());
        let (wire, words) = last_words(role, closes);
        let ping = said(role, |writer| writer.ping(b"there?").unwrap());
        line.push(&[&ping[..], &wire].concat());
        line.end(end);
        line.state().broken = Some(ErrorKind::BrokenPipe);
        let words = [&[Message::Ping(b"there?".to_vec())][..], &words].concat();
        let ended = assert_all_received(&name, &line, &mut ends, form, &words, closes);
        assert_eq!(ended.as_deref(), if closes { None } else { Some("BrokenPipe") }, "{name}");
    }
}

/// Whoever waits hears of it, if the next read says nothing: of a keepalive ping, of what was queued, of a flush.
#[test]
fn k_11_a_write_that_fails_behind_a_receiver_that_waits() {
    for (role, split, form) in all_ways() {
        for what in ["keepalive", "queued", "flush", "half"] {
            if !split && what == "half" {
                continue;
            }
            let name = format!("{role:?}, split {split}, {form:?}, {what}");
            let line = Line::new();
            let mut ends = open(&line, role, split, &Config::new());
            if what == "queued" {
                ends.queue("queued").unwrap();
            }
            if what == "flush" {
                line.state().flush_fails = true;
                drop(Task::new(ends.text("written")).run());
            } else if what != "half" {
                line.state().broken = Some(ErrorKind::BrokenPipe);
            }
            if what == "half" {
                let Ends::Halves(receiver, sender) = &mut ends else { unreachable!() };
                let mut receiving = Task::new(async { receiver.next().await.map(|event| event.map(Message::from)) });
                assert!(receiving.run().is_none());
                line.state().broken = Some(ErrorKind::BrokenPipe);
                assert!(is_broken_pipe(Task::new(sender.text("fails")).run().as_ref()), "{name}");
                assert_eq!(receiving.wakes(), 1, "{name}");
                assert!(is_broken_pipe(receiving.run().as_ref()), "{name}");
                continue;
            }
            let mut receiving = Task::new(ends.next(form));
            let ended = receiving.run_until(&line, secs(30), secs(1));
            assert!(is_broken_pipe(ended.as_ref()), "{name}: {ended:?}");
        }
    }
}

// --- one cause ---

/// What is compared of an error.
fn cause(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("{:?}", error.kind()),
        error => format!("{error:?}"),
    }
}

fn cause_of<R>(result: Option<Result<R, Error>>) -> Option<String> {
    result.expect("it is over, and does not wait").err().as_ref().map(cause)
}

const KINDS: [&str; 9] = ["read", "write", "both", "broken", "protocol", "pong", "eof", "message", "local"];

/// Ends a connection; what both halves say of it.
fn end_it(kind: &str, role: Role, ends: &mut Ends<Line>, line: &Line) -> String {
    let begun = said(role, |writer| writer.fragment(ws_proto::Kind::Binary, b"begun", false).unwrap());
    let expected = match kind {
        "read" => {
            line.end(End::Fails(ErrorKind::ConnectionReset));
            "ConnectionReset"
        }
        "write" | "both" | "broken" => {
            line.state().broken = Some(ErrorKind::BrokenPipe);
            match kind {
                "both" => line.end(End::Fails(ErrorKind::ConnectionReset)),
                "broken" => line.push(b"\xff\xff"),
                _ => {}
            }
            // Whoever has both halves looks at what arrived first.
            return cause_of(Task::new(ends.text("fails")).run()).expect("an error");
        }
        "protocol" => {
            line.push(b"\xff\xff");
            "Protocol(BadReservedBit)"
        }
        "pong" => "TimedOut",
        "eof" => {
            line.end(End::Eof);
            "Protocol(UnexpectedEof)"
        }
        "message" => {
            line.push(&begun);
            "TimedOut"
        }
        "local" => {
            Task::new(ends.close()).run().unwrap().unwrap();
            "TimedOut"
        }
        other => unreachable!("{other}"),
    };
    expected.to_owned()
}

#[test]
fn k_45_both_halves_say_the_same_cause() {
    for ((role, split, form), kind) in all_ways().flat_map(|way| KINDS.map(move |kind| (way, kind))) {
        let name = format!("{role:?}, split {split}, {form:?}, {kind}");
        let line = Line::new();
        let mut ends = open(&line, role, split, &Config::new());
        let expected = Some(end_it(kind, role, &mut ends, &line));
        let mut receiving = Task::new(ends.next(form));
        let mut ended = receiving.run_until(&line, secs(70), secs(1));
        drop(receiving);
        if matches!(ended, Some(Ok(Some(_)))) {
            ended = Task::new(ends.next(form)).run();
        }
        assert_eq!(cause_of(ended), expected, "{name}");
        for _ in 0..2 {
            assert_eq!(cause_of(Task::new(ends.next(form)).run()), None, "{name}");
            assert_eq!(ends.queue("over"), Err(SendError::Closed), "{name}");
            assert_eq!(cause_of(Task::new(ends.flush()).run()), expected, "{name}: flush");
            assert_eq!(cause_of(Task::new(ends.text("over")).run()), expected, "{name}: text");
            assert_eq!(cause_of(Task::new(ends.feed("over")).run()), expected, "{name}: feed");
            assert_eq!(cause_of(Task::new(ends.close()).run()), expected, "{name}: close");
        }
    }
}

/// Behind Close frames of both ends there is none.
#[test]
fn k_45_behind_a_close_in_order_a_flush_is_fine() {
    for (role, split, form) in all_ways() {
        for local in [false, true] {
            let name = format!("{role:?}, split {split}, {form:?}, local {local}");
            let line = Line::new();
            let mut ends = open(&line, role, split, &Config::new());
            if local {
                Task::new(ends.close()).run().unwrap().unwrap();
            }
            line.push(&said(role, |writer| writer.close(CloseCode::NORMAL, "").unwrap()));
            line.end(End::Eof);
            let mut got = Vec::new();
            let ended = Task::new(ends.all(form, &mut got)).run();
            assert!(matches!(ended, Some(Ok(()))), "{name}: {ended:?}");
            assert_eq!(got.len(), 1, "{name}");
            assert_eq!(ends.queue("over"), Err(SendError::Closed), "{name}");
            assert!(matches!(Task::new(ends.flush()).run(), Some(Ok(()))), "{name}");
            let closed = Some("Send(Closed)".to_owned());
            assert_eq!(cause_of(Task::new(ends.text("over")).run()), closed, "{name}");
            assert_eq!(cause_of(Task::new(ends.feed("over")).run()), closed, "{name}");
            assert_eq!(heard(role, &line.written()).len(), 1, "{name}");
        }
    }
}

/// The sender gives up first, while nobody receives.
#[test]
fn k_45_a_sender_that_gave_up_says_why_to_the_receiver() {
    for (role, split, form) in all_ways() {
        let name = format!("{role:?}, split {split}, {form:?}");
        let line = Line::new();
        line.state().room = 0;
        let mut ends = open(&line, role, split, &Config::new());
        ends.queue("nobody reads this").unwrap();
        let mut flushing = Task::new(ends.flush());
        let ended = flushing.run_until(&line, secs(70), millis(500));
        drop(flushing);
        assert_eq!(cause_of(ended), Some("TimedOut".into()), "{name}");
        assert_eq!(line.now(), secs(60), "{name}");
        assert_eq!(cause_of(Task::new(ends.next(form)).run()), Some("TimedOut".into()), "{name}");
        assert_eq!(cause_of(Task::new(ends.next(form)).run()), None, "{name}");
        assert_eq!(cause_of(Task::new(ends.flush()).run()), Some("TimedOut".into()), "{name}");
    }
}
