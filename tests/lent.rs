//! Buffers that a thread lends to the connection that is polled: what stays with it between polls.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::time::Duration;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;
use driver::{Scripted, complete, connection, run};
use ws_proto::poll::Socket;
use ws_proto::{Config, Event, Role};

/// What is queued when the loan is over is the connection's own, and `keep_buffer` says how much it keeps of that.
#[test]
fn a_sender_alone_keeps_what_it_may() {
    for has_read in [false, true] {
        let io = quick(b"\x81\x82\0\0\0\0go");
        let payload = vec![7; 10 << 20];
        let mut kept = None;
        let info = measure(|| {
            let (mut receiver, mut sender) = server(&io, &Config::new().keep_buffer(1000)).split();
            if has_read {
                assert!(run(receiver.next()).is_some());
            }
            drop(receiver);
            sender.queue(|writer| writer.binary(&payload)).unwrap();
            complete(sender.flush()).unwrap();
            io.script().output = Vec::new();
            kept = Some(sender);
        });
        assert!(info.bytes_current < 100_000, "{has_read}: {}, of these 64 KiB of the thread", info.bytes_current);
    }
}

/// Between two polls, a connection with nothing to write owns nothing that others grew, be it waiting or not.
#[test]
fn others_keep_no_buffer_that_one_has_grown() {
    const COUNT: i64 = 50;
    // A message that nobody answers yet; a pong that cannot be written.
    for (wire, room) in [(b"\x81\x82\0\0\0\0go", usize::MAX), (b"\x89\x82\0\0\0\0go", 0)] {
        let large = [b"\x82\xfe\xea\x60\0\0\0\0", &vec![1; 60_000][..]].concat();
        let streams: Vec<_> = (0..COUNT).map(|_| quick(wire)).collect();
        let echoed = quick(b"");
        let mut kept = Vec::new();
        let info = measure(|| {
            let mut echo = server(&echoed, &Config::new());
            for io in &streams {
                echoed.push(&large);
                let answered = run(echo.for_each(|event, writer| match event {
                    Event::Binary(bytes) => writer.binary(bytes),
                    _ => Ok(()),
                }));
                assert!(answered.is_none(), "it waits for more");
                (echoed.script().output, echoed.script().input) = (Vec::new(), VecDeque::new());
                io.script().room = room;
                let mut socket = server(io, &Config::new());
                assert!(run(socket.next()).is_some());
                io.script().input = VecDeque::new();
                kept.push(socket);
            }
        });
        let each = info.bytes_current / COUNT;
        assert!(each < 8_000, "{room} bytes of room: {each} each, with what the thread has");
    }
}

/// Only the loan ends with each poll: what a connection has of its own, a client's keys too, it keeps until it waits.
#[test]
fn what_is_its_own_is_kept_between_two_events() {
    let io = quick(&b"\x81\x02go".repeat(2));
    let mut socket = Socket::new(io, connection(Role::Client, &Config::new()), b"", &Config::new());
    socket.queue(|writer| writer.text("first")).unwrap();
    for _ in 0..2 {
        assert!(run(socket.next()).is_some_and(|event| event.is_ok()));
        let info = measure(|| socket.queue(|writer| writer.text("again")).unwrap());
        assert_eq!(info.count_total, 0);
    }
}

/// A message that was handed over is given back with the next call, even if the connection only ends by then.
#[test]
fn the_last_message_is_not_kept_through_the_end() {
    let wire = [b"\x82\xff\0\0\0\0\0\x40\0\0\0\0\0\0", &vec![1; 4 << 20][..]].concat();
    let io = quick(&wire);
    io.script().now = Some(Duration::ZERO);
    let mut kept = None;
    let info = measure(|| {
        let mut socket = server(&io, &Config::new());
        assert!(run(socket.next()).is_some());
        let mut script = io.script();
        (script.room, script.eof, script.input) = (0, true, VecDeque::new());
        drop(script);
        socket.queue(|writer| writer.text("x")).unwrap();
        assert!(run(socket.next()).is_none(), "the last bytes cannot be written");
        kept = Some(socket);
    });
    assert!(info.bytes_current < 100_000, "{}", info.bytes_current);
}

/// A caught panic of the caller's function leaves the loan open; the next poll ends it, even if that reads nothing.
#[test]
fn a_loan_ends_behind_a_panic() {
    let io = quick(b"\x82\x82\0\0\0\0go\x88\x80\0\0\0\0");
    let mut kept = None;
    let info = measure(|| {
        let mut socket = server(&io, &Config::new().keep_buffer(1000));
        let answered = catch_unwind(AssertUnwindSafe(|| {
            run(socket.for_each(|event, writer| match event {
                Event::Binary(_) => writer.binary(&vec![7; 100_000]),
                _ => resume_unwind(Box::new("of the caller")),
            }))
        }));
        assert!(answered.is_err());
        assert!(run(socket.for_each(|_, _| Ok(()))).is_some(), "both close frames are out");
        io.script().output = Vec::new();
        kept = Some(socket);
    });
    assert!(info.bytes_current < 10_000, "{}", info.bytes_current);
}

/// A client that waits for the server's end of the stream reads into the buffer of the thread, too.
#[test]
fn draining_allocates_no_buffer() {
    let io = quick(b"\x88\x00");
    let mut socket = Socket::new(io, connection(Role::Client, &Config::new()), b"", &Config::new());
    assert!(run(socket.next()).is_some_and(|event| matches!(event, Ok(Some(Event::Close(_))))));
    assert!(run(socket.next()).is_none(), "the stream goes on");
    let info = measure(|| assert!(run(socket.next()).is_none()));
    assert!(info.bytes_total < 100, "{} bytes", info.bytes_total);
}

/// Who sends in one task and is served in another, as behind an accept, has one task by then.
#[test]
fn a_socket_that_moves_is_known_by_one_task() {
    let mut socket = server(&quick(b""), &Config::new());
    complete(socket.text("hello")).unwrap();
    let waker = Waker::from(Arc::new(driver::Wakes::default()));
    for _ in 0..3 {
        assert!(pin!(socket.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(format!("{socket:?}").contains("tasks: One("), "{socket:?}");
}

/// A stream that gives and takes all there is.
fn quick(wire: &[u8]) -> Scripted {
    let io = Scripted::new(wire, usize::MAX, usize::MAX, false);
    io.script().room = usize::MAX;
    io
}

fn server(io: &Scripted, config: &Config) -> Socket<Scripted> {
    Socket::new(io.clone(), connection(Role::Server, config), b"", config)
}
