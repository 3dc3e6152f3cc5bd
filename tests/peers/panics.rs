//! A function of the program panics while it handles an event, and the program goes on (K-06).

use std::panic::{AssertUnwindSafe, catch_unwind};

use ws_proto::poll::Error;
use ws_proto::{CloseCode, Config, Event, Message, Role, SendError, Writer};

use crate::driver::BOTH;
use crate::line::{Line, Task};
use crate::socket::{Ends, FORMS, Form, heard, open, receiver, said, sender};

/// Where it panics.
const PLACES: [&str; 5] = ["first", "last", "kept", "large", "queue"];

/// A socket whose program has panicked in `place`, and caught that.
fn panicked(role: Role, split: bool, place: &str) -> (Ends<Line>, Line) {
    let line = Line::new();
    let mut ends = open(&line, role, split, &Config::new());
    let panics_at = match place {
        "last" => 2,
        _ => 0,
    };
    if place == "large" {
        line.push(&said(role, |writer| writer.binary(&vec![7; 1 << 20]).unwrap()));
    } else {
        line.push(&said(role, |writer| ["0", "1", "2"].iter().for_each(|text| writer.text(text).unwrap())));
    }
    if place == "kept" {
        line.state().room = 0;
        let mut sending = Task::new(async {
            ends.text("waits").await?;
            ends.flush().await
        });
        assert!(sending.run().is_none());
        drop(sending);
        line.make_room(usize::MAX);
    }
    let mut at = 0;
    let handle = |_: Event<'_>, writer: &mut Writer| {
        writer.text("said before").unwrap();
        assert!(at < panics_at, "a mistake of the program");
        at += 1;
        Ok(())
    };
    let caught = catch_unwind(AssertUnwindSafe(|| {
        if place == "queue" {
            let mistake = |_: &mut Writer| -> Result<(), SendError> { panic!("a mistake of the program") };
            let _ = sender!(&mut ends, sender => sender.queue(mistake));
        } else {
            Task::new(async { receiver!(&mut ends, receiver => receiver.for_each(handle).await) }).run();
        }
    }));
    assert!(caught.is_err(), "{role:?}, {place}");
    (ends, line)
}

fn is_panicked<R>(result: Option<&Result<R, Error>>) -> bool {
    matches!(result, Some(Err(Error::Panicked)))
}

#[test]
fn k_06_behind_a_panic_both_halves_say_so_and_nothing_is_read() {
    for (role, split, place) in BOTH.into_iter().flat_map(|role| {
        [false, true].into_iter().flat_map(move |split| PLACES.into_iter().map(move |place| (role, split, place)))
    }) {
        for (form, sender_first) in FORMS.into_iter().flat_map(|form| [(form, false), (form, true)]) {
            if place == "kept" && split {
                continue; // a sender alone keeps nothing
            }
            let name = format!("{role:?}, split {split}, {place}, {form:?}, sender first {sender_first}");
            let (mut ends, line) = panicked(role, split, place);
            line.push(&said(role, |writer| writer.text("later").unwrap()));
            let read = line.state().read;
            if sender_first {
                assert!(is_panicked(Task::new(ends.text("over")).run().as_ref()), "{name}");
            }
            let first = Task::new(ends.next(form)).run();
            assert!(is_panicked(first.as_ref()), "{name}: {first:?}");
            for _ in 0..2 {
                let then = Task::new(ends.next(form)).run();
                assert!(matches!(then, Some(Ok(None))), "{name}: {then:?}");
                assert!(is_panicked(Task::new(ends.text("over")).run().as_ref()), "{name}");
                assert!(is_panicked(Task::new(ends.flush()).run().as_ref()), "{name}");
                assert!(is_panicked(Task::new(ends.close()).run().as_ref()), "{name}");
                assert!(is_panicked(Task::new(ends.feed("over")).run().as_ref()), "{name}");
                assert_eq!(ends.queue("over"), Err(SendError::Closed), "{name}");
            }
            assert_eq!(line.state().read, read, "{name}: nothing is read");
            assert!(line.state().shut, "{name}");
            let heard = heard(role, &line.written());
            let close = Message::Close(Some((CloseCode::INTERNAL, String::new())));
            assert_eq!(heard.last(), Some(&close), "{name}");
        }
    }
}

/// A receiver that waits in another task hears of it.
#[test]
fn k_06_a_receiver_that_waits_is_woken_for_a_panic() {
    for role in BOTH {
        let line = Line::new();
        let Ends::Halves(mut receiver, mut sender) = open(&line, role, true, &Config::new()) else { unreachable!() };
        let mut receiving = Task::new(async { receiver.next().await.map(|event| event.map(Message::from)) });
        assert!(receiving.run().is_none());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mistake = |_: &mut Writer| -> Result<(), SendError> { panic!("a mistake of the program") };
            sender.queue(mistake)
        }));
        assert!(caught.is_err());
        assert_eq!(receiving.wakes(), 1, "{role:?}");
        assert!(is_panicked(receiving.run().as_ref()), "{role:?}");
    }
}

/// A Close frame that was sent stays the last thing that was.
#[test]
fn k_06_a_panic_behind_a_close_frame() {
    for role in BOTH {
        let line = Line::new();
        let mut ends = open(&line, role, true, &Config::new());
        Task::new(ends.close()).run().unwrap().unwrap();
        line.push(&said(role, |writer| writer.text("late").unwrap()));
        let each = |_: Event<'_>, _: &mut Writer| -> Result<(), SendError> { panic!("a mistake of the program") };
        let caught = catch_unwind(AssertUnwindSafe(|| {
            Task::new(async { receiver!(&mut ends, receiver => receiver.for_each(each).await) }).run()
        }));
        assert!(caught.is_err());
        assert!(is_panicked(Task::new(ends.next(Form::Next)).run().as_ref()), "{role:?}");
        assert_eq!(heard(role, &line.written()).len(), 1, "{role:?}");
        assert!(line.state().shut);
    }
}
