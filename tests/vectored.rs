//! Large messages that are written from where they lie: the same bytes as if they were queued, and never torn.
#![cfg(feature = "alloc")]

#[cfg(any(feature = "futures-io", feature = "tokio"))]
mod driver;

use ws_proto::{Config, Connection, Kind, Role, Seed, SendError, Writer};

const LARGE: usize = 8 << 10;
/// Goes with the header.
const START: usize = 60;

fn writer(role: Role, config: &Config) -> Writer {
    let connection = match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(7)),
        Role::Server => Connection::server(config),
    };
    connection.into_split().1
}

fn text(n: usize) -> String {
    (0..n).map(|i| char::from(b'a' + u8::try_from(i % 26).unwrap())).collect()
}

/// Says it through a `write` that takes at most `most` bytes, `calls` times, and returns how often it was called.
fn through(writer: &mut Writer, kind: Kind, text: &str, wire: &mut Vec<u8>, most: usize, calls: usize) -> usize {
    let mut called = 0;
    let write = |pending: &[u8], rest: &[u8]| {
        called += 1;
        assert!(!rest.is_empty(), "nothing to write");
        let all = [pending, rest].concat();
        let n = if called > calls { 0 } else { all.len().min(most) };
        wire.extend(&all[..n]);
        n
    };
    match kind {
        Kind::Text => writer.text_through(text, write),
        Kind::Binary => writer.binary_through(text.as_bytes(), write),
    }
    .unwrap();
    called
}

fn queue(writer: &mut Writer, kind: Kind, text: &str) {
    match kind {
        Kind::Text => writer.text(text),
        Kind::Binary => writer.binary(text.as_bytes()),
    }
    .unwrap();
}

#[test]
fn the_same_bytes_as_if_queued() {
    let config = Config::new().max_pending(1 << 20);
    for role in [Role::Client, Role::Server] {
        for kind in [Kind::Text, Kind::Binary] {
            for size in [0, 1, LARGE - 1, LARGE, 65_535, 65_536, 300_000] {
                for before in ["", "waits"] {
                    for (most, calls) in
                        [(0, 0), (1, 1), (1, 20), (4, usize::MAX), (70_000, 1), (70_000, usize::MAX), (usize::MAX, 1)]
                    {
                        let name = format!("{role:?} {kind:?} {size} behind {before:?}, {calls} times {most}");
                        let (mut one, mut other) = (writer(role, &config), writer(role, &config));
                        for writer in [&mut one, &mut other] {
                            writer.ping(before.as_bytes()).unwrap();
                        }
                        let mut wire = Vec::new();
                        let called = through(&mut one, kind, &text(size), &mut wire, most, calls);
                        let is_written = role == Role::Server && size >= LARGE;
                        assert_eq!(called > 0, is_written, "{name}: only a large message of a server is");
                        queue(&mut other, kind, &text(size));
                        for writer in [&mut one, &mut other] {
                            writer.ping(b"behind").unwrap();
                        }
                        wire.extend(one.pending());
                        assert!(wire == other.pending(), "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_cut_into_fragments_is_queued() {
    let config = Config::new().fragment_size(LARGE);
    for (size, is_written) in [(LARGE, true), (LARGE + 1, false)] {
        let (mut one, mut other, mut wire) = (writer(Role::Server, &config), writer(Role::Server, &config), Vec::new());
        let called = through(&mut one, Kind::Text, &text(size), &mut wire, usize::MAX, 1);
        assert_eq!(called > 0, is_written, "{size}");
        queue(&mut other, Kind::Text, &text(size));
        wire.extend(one.pending());
        assert_eq!(wire, other.pending(), "{size}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_compressed_is_queued() {
    use ws_proto::deflate::{Agreement, Compression};
    let mut state = 1_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    let noise: Vec<u8> = (0..9_000).map(|_| random()).collect();
    let compressed = || {
        let config = Config::new().compression(Compression::new());
        Connection::server(&config).with_deflate(Agreement::default(), &config).into_split().1
    };
    for (what, bytes, is_written) in [("text", text(9_000).into_bytes(), false), ("noise", noise, true)] {
        let (mut one, mut other) = (compressed(), compressed());
        let (mut called, mut wire) = (false, Vec::new());
        one.binary_through(&bytes, |pending, rest| {
            called = true;
            wire.extend([pending, rest].concat());
            pending.len() + rest.len()
        })
        .unwrap();
        other.binary(&bytes).unwrap();
        wire.extend(one.pending());
        assert_eq!(called, is_written, "{what}: does not shrink, so it is written as it is");
        assert!(wire == other.pending(), "{what}");
    }
}

#[test]
fn refused_before_anything_is_written() {
    let mut full = writer(Role::Server, &Config::new().max_pending(1));
    full.ping(b"").unwrap();
    let mut within = writer(Role::Server, &Config::new());
    within.fragment(Kind::Text, b"", false).unwrap();
    let mut closed = writer(Role::Server, &Config::new());
    closed.close_without_code();
    for (mut writer, why) in [(full, SendError::Full), (within, SendError::Interleaved), (closed, SendError::Closed)] {
        let before = writer.pending().to_vec();
        let write = |_: &[u8], _: &[u8]| -> usize { panic!("{why:?}: nothing to write") };
        assert_eq!(writer.binary_through(&[0; LARGE], write), Err(why));
        assert_eq!(writer.text_through(&text(LARGE), write), Err(why));
        assert_eq!(writer.pending(), before, "{why:?}");
    }
}

/// A stream that takes one slice at a time sends no header alone.
#[test]
fn no_slice_is_a_header_alone() {
    let mut sizes = Vec::new();
    let mut writer = writer(Role::Server, &Config::new());
    writer
        .text_through(&text(LARGE), |pending, rest| {
            let slice = if pending.is_empty() { rest } else { pending };
            sizes.push(slice.len());
            slice.len()
        })
        .unwrap();
    assert_eq!(sizes, [4 + START, LARGE - START]);
    assert_eq!(writer.pending(), b"");
}

/// Even a panic in the middle tears no frame.
#[cfg(feature = "std")]
#[test]
fn a_panic_in_the_middle() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let (mut one, mut other) = (writer(Role::Server, &Config::new()), writer(Role::Server, &Config::new()));
    let mut wire: Vec<u8> = Vec::new();
    let mut calls = 0;
    let write = |pending: &[u8], rest: &[u8]| {
        calls += 1;
        assert!(calls < 3, "the stream broke");
        let all = [pending, rest].concat();
        wire.extend(&all[..3000]);
        3000
    };
    catch_unwind(AssertUnwindSafe(|| one.binary_through(&vec![7; 20_000], write))).unwrap_err();
    other.binary(&vec![7; 20_000]).unwrap();
    for writer in [&mut one, &mut other] {
        writer.text("next").unwrap();
    }
    wire.extend(one.pending());
    assert!(wire == other.pending());
}

#[test]
#[should_panic(expected = "wrote more than there was")]
fn more_than_there_was() {
    let _ = writer(Role::Server, &Config::new())
        .binary_through(&[0; LARGE], |pending, rest| pending.len() + rest.len() + 1);
}

/// Through the drivers: the payload that the stream is given is the caller's own memory.
#[cfg(any(feature = "futures-io", feature = "tokio"))]
mod tasks {
    use std::cell::RefCell;
    use std::io::{self, IoSlice};
    use std::rc::Rc;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use ws_proto::poll::{Error, Io, Socket};

    use super::driver::{BOTH, Scripted, complete, connection, receive_all, run};
    use super::{Config, LARGE, Role, START, text};

    /// Notes where what it is given lies.
    struct Noting(Scripted, Rc<RefCell<Vec<usize>>>);

    impl Io for Noting {
        fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            self.0.poll_read(cx, buffer)
        }

        fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            self.1.borrow_mut().extend(slices.iter().map(|slice| slice.as_ptr().addr()));
            self.0.poll_write(cx, slices)
        }

        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_flush(cx)
        }

        fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_close(cx)
        }

        fn now(&self) -> Option<Duration> {
            None
        }

        fn poll_sleep(&mut self, _: &mut Context<'_>, _: Duration) -> Poll<()> {
            Poll::Pending
        }
    }

    #[test]
    fn a_large_message_is_written_from_where_it_lies() {
        for role in BOTH {
            for size in [LARGE - 1, LARGE, 1 << 20] {
                for (room, halves) in [(usize::MAX, false), (usize::MAX, true), (1_000, false), (0, true)] {
                    let name = format!("{role:?} {size}, room for {room}, in halves: {halves}");
                    let (io, notes) = (Scripted::new(b"", 1, usize::MAX, false), Rc::default());
                    io.script().room = room;
                    let config = Config::new();
                    let mut peer = connection(if role == Role::Client { Role::Server } else { Role::Client }, &config);
                    let noting = Noting(io.clone(), Rc::clone(&notes));
                    let mut socket = Socket::new(noting, connection(role, &config), b"", &config);
                    let (first, second) = (text(size), text(size));
                    let done = if halves {
                        let (_receiver, mut sender) = socket.split();
                        let done = run(sender.text(&first));
                        io.make_room(usize::MAX);
                        complete(sender.text(&second)).unwrap();
                        done
                    } else {
                        let done = run(socket.text(&first));
                        io.make_room(usize::MAX);
                        complete(socket.text(&second)).unwrap();
                        done
                    };
                    assert!(matches!(done, Some(Ok(()))), "{name}: queued is sent");
                    let is_lent = role == Role::Server && size >= LARGE;
                    for text in [&first, &second] {
                        assert_eq!(notes.borrow().contains(&(text.as_ptr().addr() + START)), is_lent, "{name}");
                    }
                    let received = receive_all(peer.split().0, &io.script().output);
                    assert!(received == [first.into(), second.into()], "{name}");
                }
            }
        }
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        for size in [LARGE - 1, LARGE] {
            let io = Scripted::new(b"", 1, usize::MAX, false);
            io.script().broken = true;
            let config = Config::new();
            let socket = Socket::new(io.clone(), connection(Role::Server, &config), b"", &config);
            let (_receiver, mut sender) = socket.split();
            let failed = complete(sender.text(&text(size)));
            assert!(matches!(failed, Err(Error::Io(_))), "{size}: {failed:?}");
        }
    }
}

/// Through the driver for threads, likewise.
#[cfg(feature = "std")]
mod threads {
    use std::io::{self, IoSlice, Read, Write};

    use ws_proto::blocking::{Error, Socket, Untimed};
    use ws_proto::{Connection, Event};

    use super::{Config, LARGE, START, Seed, text};

    /// Takes so many bytes at a time, fails each time it has taken `patience`, and notes where what it is given lies.
    struct Noting {
        most: usize,
        patience: usize,
        taken: usize,
        wire: Vec<u8>,
        notes: Vec<usize>,
    }

    impl Read for Noting {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    impl Write for Noting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            if self.taken >= self.patience {
                self.taken = 0;
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.notes.extend(slices.iter().map(|slice| slice.as_ptr().addr()));
            let before = self.wire.len();
            self.wire.extend(slices.iter().flat_map(|slice| slice.iter()).take(self.most));
            let n = self.wire.len() - before;
            self.taken += n;
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_large_message_is_written_from_where_it_lies() {
        for size in [LARGE - 1, LARGE, 300_000] {
            for (most, patience) in [(usize::MAX, usize::MAX), (1_000, usize::MAX), (1_000, 3_000), (3, 1_000)] {
                let name = format!("{size}, {most} at a time, {patience} between time-outs");
                let config = Config::new();
                let stream = Noting { most, patience, taken: 0, wire: Vec::new(), notes: Vec::new() };
                let mut socket = Socket::new(Untimed(stream), Connection::server(&config), b"", &config);
                let message = text(size);
                let mut sent = socket.text(&message);
                assert_eq!(sent.is_err(), size > patience, "{name}");
                while let Err(error) = sent {
                    assert!(matches!(error, Error::TimedOut), "{name}: {error:?}");
                    sent = socket.flush();
                }
                sent.unwrap();
                let stream = &mut socket.stream().0;
                assert_eq!(stream.notes.contains(&(message.as_ptr().addr() + START)), size >= LARGE, "{name}");
                let mut peer = Connection::client(&config, Seed::predictable_for_tests(1));
                let (reader, _) = peer.split();
                let event = reader.receive(&mut &mut stream.wire[..]).unwrap();
                assert!(event == Some(Event::Text(&message)), "{name}");
            }
        }
    }
}
