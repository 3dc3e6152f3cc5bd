//! A stream that fails takes away nothing that has arrived, and both halves know why.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use ws_proto::blocking::{Error, ReadHalf, Socket, Untimed, WriteHalf};
use ws_proto::{CloseCode, Message, Role, Writer};

use super::common::{BOTH, close_frame, connection, halves, ms, owned, patient, said_to, tcp, within};

/// What the peer has sent, in one go.
fn last_words(role: Role, pings: bool, closes: bool) -> (Vec<u8>, Vec<Message>) {
    let say = |writer: &mut Writer| {
        for n in 0..3 {
            writer.text(&format!("message {n}")).unwrap();
            if pings {
                writer.ping(b"?").unwrap();
            }
        }
        writer.binary(&vec![7; 100_000]).unwrap();
        if closes {
            writer.close(CloseCode::GOING_AWAY, "restart").unwrap();
        }
    };
    let mut messages = Vec::new();
    for n in 0..3 {
        messages.push(format!("message {n}").into());
        if pings {
            messages.push(Message::Ping(b"?".to_vec()));
        }
    }
    messages.push(vec![7; 100_000].into());
    if closes {
        messages.push(Message::Close(Some((CloseCode::GOING_AWAY, "restart".into()))));
    }
    (said_to(role, say), messages)
}

/// The events up to the end, and the errors among them.
fn drain(mut next: impl FnMut() -> Result<Option<Message>, Error>) -> (Vec<Message>, Vec<Error>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    loop {
        match next() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, errors),
            Err(error) => errors.push(error),
        }
        assert!(errors.len() < 3, "{errors:?}");
    }
}

fn is_broken(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error, Error::Io(error) if matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted))
}

/// Sends until that fails, in pieces of that size.
fn send_until_it_fails(mut send: impl FnMut(&[u8]) -> Result<(), Error>, size: usize) -> Error {
    let bytes = vec![0; size];
    for _ in 0..1000 {
        if let Err(error) = send(&bytes) {
            return error;
        }
        thread::sleep(ms(1));
    }
    panic!("it does not fail");
}

/// A peer that sends its last words, and resets the connection: there is something that it has not read.
fn resets(far: TcpStream, wire: &[u8]) {
    let mut far = far;
    far.write_all(wire).unwrap();
    far.set_read_timeout(Some(ms(5000))).unwrap();
    far.peek(&mut [0]).unwrap();
    drop(far);
}

#[test]
fn k_11_a_reset_hides_nothing_that_has_arrived() {
    for role in BOTH {
        for closes in [false, true] {
            for size in [10, 5 << 20] {
                let name = format!("{role:?}, closes: {closes}, writes of {size}");
                let (near, far) = tcp();
                let mut socket = Socket::new(near, connection(role, &patient()), b"", &patient());
                let (wire, messages) = last_words(role, false, closes);
                socket.text("unread").unwrap();
                resets(far, &wire);
                let failed = send_until_it_fails(|bytes| socket.binary(bytes), size);
                assert!(is_broken(&failed), "{name}: {failed:?}");
                assert!(socket.is_over(), "{name}");
                assert!(socket.text("again").is_err_and(|error| is_broken(&error)), "{name}: the same cause");
                let ((events, errors), code) = within(ms(10_000), &name.clone(), move || {
                    let all = drain(|| socket.next().map(owned));
                    (all, socket.closed().unwrap().code)
                });
                assert!(events == messages, "{name}: {} of {}", events.len(), messages.len());
                if closes {
                    assert!(errors.is_empty(), "{name}: {errors:?}");
                    assert_eq!(code, CloseCode::GOING_AWAY, "{name}");
                } else {
                    assert!(matches!(&errors[..], [error] if is_broken(error)), "{name}: {errors:?}");
                    assert_eq!(code, CloseCode::ABNORMAL, "{name}");
                }
            }
        }
    }
}

/// The answers to pings are all that is written.
#[test]
fn k_11_pongs_that_cannot_be_written_hide_nothing() {
    for role in BOTH {
        for closes in [false, true] {
            let name = format!("{role:?}, closes: {closes}");
            let (near, far) = tcp();
            let mut socket = Socket::new(near, connection(role, &patient()), b"", &patient());
            let (wire, messages) = last_words(role, true, closes);
            socket.text("unread").unwrap();
            resets(far, &wire);
            thread::sleep(ms(20));
            let (events, errors) = within(ms(10_000), &name.clone(), move || drain(|| socket.next().map(owned)));
            assert!(events == messages, "{name}: {events:?}");
            assert_eq!(errors.len(), usize::from(!closes), "{name}: {errors:?}");
        }
    }
}

#[test]
fn k_11_halves_lose_nothing_that_has_arrived() {
    for role in BOTH {
        for closes in [false, true] {
            for size in [10, 5 << 20] {
                let name = format!("{role:?}, closes: {closes}, writes of {size}");
                let (mut reader, mut writer, far) = halves(role, &patient());
                let (wire, messages) = last_words(role, true, closes);
                writer.text("unread").unwrap();
                resets(far, &wire);
                let failed = send_until_it_fails(|bytes| writer.binary(bytes), size);
                assert!(is_broken(&failed), "{name}: {failed:?}");
                let (events, errors) = within(ms(10_000), &name.clone(), move || drain(|| reader.next().map(owned)));
                assert!(events == messages, "{name}: {} of {}", events.len(), messages.len());
                assert_eq!(errors.len(), usize::from(!closes), "{name}: {errors:?}");
            }
        }
    }
}

/// Gives what it has, then ends or fails; takes nothing.
#[derive(Clone, Debug)]
struct Deaf(Arc<Mutex<VecDeque<u8>>>, Option<io::ErrorKind>);

impl Read for Deaf {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = self.0.lock().unwrap();
        match self.1 {
            Some(kind) if input.is_empty() => Err(kind.into()),
            _ => input.read(buffer),
        }
    }
}

impl Write for Deaf {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type DeafHalves = (ReadHalf<Untimed<Deaf>, Untimed<Deaf>>, WriteHalf<Untimed<Deaf>>);

fn deaf(role: Role, wire: &[u8], end: Option<io::ErrorKind>) -> Socket<Untimed<Deaf>> {
    let stream = Deaf(Arc::new(Mutex::new(wire.iter().copied().collect())), end);
    Socket::new(Untimed(stream), connection(role, &patient()), b"", &patient())
}

fn deaf_halves(role: Role, wire: &[u8], end: Option<io::ErrorKind>) -> DeafHalves {
    let mut socket = deaf(role, wire, end);
    let writing = Untimed(socket.stream().0.clone());
    socket.into_split(writing)
}

/// Each way to fail, whatever the system does.
#[test]
fn k_11_a_stream_that_takes_nothing_is_read_to_its_end() {
    for role in BOTH {
        for closes in [false, true] {
            for end in [None, Some(io::ErrorKind::ConnectionReset)] {
                for first in ["text", "large text", "close", "pong"] {
                    let name = format!("{role:?}, closes: {closes}, {end:?}, {first}");
                    let (wire, messages) = last_words(role, true, closes);
                    let mut socket = deaf(role, &wire, end);
                    let sent = match first {
                        "text" => socket.text("hello"),
                        "large text" => socket.text(&"x".repeat(5 << 20)),
                        "close" => socket.close(CloseCode::NORMAL, ""),
                        _ => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                    };
                    assert!(sent.is_err_and(|error| is_broken(&error)), "{name}");
                    let (events, errors) = drain(|| socket.next().map(owned));
                    assert!(events == messages, "{name}: {events:?}");
                    if closes {
                        assert!(errors.is_empty(), "{name}: {errors:?}");
                    } else {
                        // The first failure is the cause.
                        let is_cause = |error: &Error| matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe);
                        assert!(matches!(&errors[..], [error] if is_cause(error)), "{name}: {errors:?}");
                        assert!(socket.text("late").is_err_and(|error| is_cause(&error)), "{name}");
                    }
                }
            }
        }
    }
}

/// A stream that can still be read but does not end: the deadline for closing does.
#[test]
fn k_11_what_may_still_arrive_is_waited_for_until_the_closing_time_out() {
    for role in BOTH {
        let config = patient().closing_timeout(ms(150));
        let (near, mut far) = tcp();
        let mut socket = Socket::new(near.try_clone().unwrap(), connection(role, &config), b"", &config);
        near.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(socket.text("nobody hears").is_err_and(|error| is_broken(&error)));
        far.write_all(&said_to(role, |writer| writer.text("there").unwrap())).unwrap();
        let (events, errors) = within(ms(5000), "draining", move || drain(|| socket.next().map(owned)));
        assert_eq!(events, ["there".into()]);
        assert!(matches!(&errors[..], [error] if is_broken(error)), "{errors:?}");
    }
}

// --- one cause for both halves ---

type Check = fn(&Error) -> bool;

#[test]
fn k_45_the_writing_half_says_why_the_connection_ended() {
    let whole = |role| said_to(role, |writer| writer.text("whole").unwrap());
    for role in BOTH {
        let reset = Some(io::ErrorKind::ConnectionReset);
        let cases: [(&str, Vec<u8>, Option<io::ErrorKind>, Check); 4] = [
            ("the end of the stream", whole(role), None, |error| {
                matches!(error, Error::Protocol(ws_proto::Error::UnexpectedEof))
            }),
            ("a fault of the peer", [&whole(role)[..], b"\xff\xff"].concat(), None, |error| {
                matches!(error, Error::Protocol(ws_proto::Error::BadReservedBit))
            }),
            ("a stream that fails", whole(role), reset, is_broken),
            ("a fault of the stream's, with another text", whole(role), Some(io::ErrorKind::BrokenPipe), |error| {
                error.to_string() == "broken pipe"
            }),
        ];
        for (name, wire, end, is_cause) in cases {
            let (mut reader, mut writer) = deaf_halves(role, &wire, end);
            assert_eq!(reader.next().map(owned).unwrap(), Some("whole".into()));
            assert!(!reader.is_over() && !writer.is_over(), "{role:?}, {name}");
            let news = reader.next().map(owned);
            assert!(news.as_ref().is_err_and(is_cause), "{role:?}, {name}: {news:?}");
            assert!(reader.is_over() && writer.is_over(), "{role:?}, {name}");
            for _ in 0..2 {
                let late = writer.text("late");
                assert!(late.as_ref().is_err_and(is_cause), "{role:?}, {name}: {late:?}");
                assert!(writer.flush().is_err_and(|error| is_cause(&error)), "{role:?}, {name}");
            }
            assert!(writer.queue(|writer| writer.text("late")).is_err(), "{role:?}, {name}");
            assert!(matches!(reader.next(), Ok(None)), "{role:?}, {name}: once");
        }
    }
}

/// Over TCP, from either half to the other.
#[test]
fn k_45_both_halves_have_the_cause_over_tcp() {
    for role in BOTH {
        let (mut reader, mut writer, far) = halves(role, &patient());
        drop(far);
        let news = reader.next().map(owned);
        assert!(matches!(news, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{news:?}");
        let late = writer.text("late");
        assert!(matches!(late, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{late:?}");

        let (mut reader, mut writer, far) = halves(role, &patient());
        writer.text("unread").unwrap();
        resets(far, &close_frame(role, CloseCode::NORMAL)[..1]);
        let failed = send_until_it_fails(|bytes| writer.binary(bytes), 100);
        let news = within(ms(5000), "reading", move || reader.next().map(owned));
        assert_eq!(news.unwrap_err().to_string(), failed.to_string());
        assert_eq!(writer.text("late").unwrap_err().to_string(), failed.to_string());
    }
}
