//! The end of a connection has one deadline, whatever arrives, and waits for what still moves.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use ws_proto::blocking::{self, Error, Socket, Untimed};
use ws_proto::handshake::OriginPolicy;
use ws_proto::{CloseCode, Config, Message, Role, SendError};

use super::common::{
    BOTH, assert_between, close_frame, connection, for_each_pair, halves, heard_from, ms, owned, patient, peer_of,
    read_slowly, said_to, tcp, timed, within,
};

/// A client whose server does not end the stream behind both close frames: silent, or talking.
#[test]
fn k_08_a_client_waits_for_the_end_of_the_stream_for_a_time() {
    for talks in [false, true] {
        for closes_first in [false, true] {
            let config = patient().closing_timeout(ms(150)).closing_limit(ms(400));
            let (near, mut far) = tcp();
            let mut socket = Socket::new(near, connection(Role::Client, &config), b"", &config);
            let peer = thread::spawn(move || {
                far.write_all(&close_frame(Role::Client, CloseCode::NORMAL)).unwrap();
                for _ in 0..500 {
                    thread::sleep(ms(5));
                    if talks && far.write_all(b"\x81\x05again").is_err() {
                        break;
                    }
                }
                far
            });
            let name = format!("talks: {talks}, closes first: {closes_first}");
            let (closed, time) = within(ms(5000), &name.clone(), move || {
                timed(move || {
                    if closes_first {
                        socket.close(CloseCode::NORMAL, "").unwrap();
                    }
                    assert!(matches!(socket.next().map(owned), Ok(Some(Message::Close(_)))), "{name}");
                    assert!(matches!(socket.next(), Ok(None)), "{name}");
                    socket.closed().map(|closed| (closed.code, closed.clean))
                })
            });
            assert_eq!(closed, Some((CloseCode::NORMAL, true)));
            assert_between(time, ms(150), ms(600), "the wait");
            drop(peer);
        }
    }
}

/// A client whose server has sent its close frame and takes nothing: the deadline passes while the last bytes are written,
/// and there is nothing to wait for behind it.
#[test]
fn k_08_a_client_whose_last_bytes_are_not_taken_ends() {
    for talks in [false, true] {
        for keepalive in [None, Some(Duration::from_secs(30))] {
            let config = Config::new().keepalive(keepalive).closing_timeout(ms(300)).closing_limit(ms(1000));
            let (near, mut far) = tcp();
            let mut socket = Socket::new(near, connection(Role::Client, &config), b"", &config);
            socket.set_write_timeout(Some(ms(200)));
            thread::spawn(move || {
                far.write_all(b"\x81\x02hi\x88\x02\x03\xe8").unwrap();
                while talks && far.write_all(&[0x55; 10_000]).is_ok() {
                    thread::sleep(ms(1));
                }
                thread::sleep(Duration::from_secs(20));
                drop(far);
            });
            let name = format!("talks: {talks}, {keepalive:?}");
            within(ms(10_000), &name.clone(), move || {
                assert_eq!(socket.next().map(owned).unwrap(), Some(Message::Text("hi".into())));
                assert!(matches!(socket.binary(&vec![7; 12 << 20]), Err(Error::TimedOut)), "{name}");
                while let Ok(Some(_)) = socket.next() {}
            });
        }
    }
}

/// A server ends the stream itself, and its client does not wait.
#[test]
fn k_08_a_server_ends_the_stream() {
    for_each_pair(&patient(), |name, role, mut end, mut raw| {
        if role == Role::Client {
            return;
        }
        raw.write_all(&close_frame(role, CloseCode::NORMAL)).unwrap();
        assert!(matches!(end.next(), Ok(Some(Message::Close(_)))), "{name}");
        assert!(matches!(end.next(), Ok(None)), "{name}");
        assert!(matches!(end.next(), Ok(None)), "{name}: again");
        let heard = heard_from(role, &read_slowly(&mut *raw, 100, Duration::ZERO));
        assert_eq!(heard, [Message::Close(Some((CloseCode::NORMAL, String::new())))], "{name}");
        drop(end); // not before: the stream has ended all the same
    });
}

/// A close of the caller's that is never answered: the peer is silent, or talks on.
#[test]
fn k_08_a_close_without_an_answer_ends() {
    for talks in [false, true] {
        for role in BOTH {
            let config = patient().closing_timeout(ms(150)).closing_limit(ms(400));
            let (near, mut far) = tcp();
            let mut socket = Socket::new(near, connection(role, &config), b"", &config);
            let peer = thread::spawn(move || {
                let wire = said_to(role, |writer| writer.text("again").unwrap());
                for _ in 0..500 {
                    thread::sleep(ms(5));
                    if talks && far.write_all(&wire).is_err() {
                        break;
                    }
                }
                far
            });
            let name = format!("{role:?}, talks: {talks}");
            let ((ended, events), time) = within(ms(5000), &name, move || {
                timed(move || {
                    socket.close(CloseCode::NORMAL, "").unwrap();
                    let mut events = 0;
                    loop {
                        match socket.next().map(owned) {
                            Ok(Some(_)) => events += 1,
                            ended => break (ended, events),
                        }
                    }
                })
            });
            assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
            assert_eq!(events > 0, talks, "{name}");
            assert_between(time, ms(150), ms(600), &name);
            drop(peer);
        }
    }
}

/// A peer that breaks the protocol and goes on reads why it ended; it cannot keep the thread.
#[test]
fn k_08_the_end_behind_an_error_is_bounded_and_the_close_frame_arrives() {
    for_each_pair(&patient().closing_timeout(ms(200)).closing_limit(ms(500)), |name, role, mut end, mut raw| {
        let peer = thread::spawn(move || {
            raw.write_all(b"\xff\xff").unwrap(); // reserved bits
            for _ in 0..10 {
                thread::sleep(ms(5));
                let _ = raw.write_all(&[0; 1000]);
            }
            let heard = heard_from(role, &read_slowly(&mut *raw, 100, Duration::ZERO));
            (raw, heard)
        });
        let (ended, time) = timed(|| end.next());
        assert!(matches!(ended, Err(Error::Protocol(_))), "{name}: {ended:?}");
        assert!(time < ms(2000), "{name}: {time:?}");
        assert!(matches!(end.next(), Ok(None)), "{name}: once");
        drop(end);
        let (_, heard) = peer.join().unwrap();
        assert!(matches!(&heard[..], [Message::Close(Some((CloseCode::PROTOCOL, _)))]), "{name}: {heard:?}");
    });
}

/// The reading thread waits already when the other closes.
#[test]
fn k_08_halves_close_in_time() {
    for role in BOTH {
        let config = patient().closing_timeout(ms(200)).closing_limit(ms(600));
        let (mut reader, mut writer, far) = halves(role, &config);
        let reading = thread::spawn(move || timed(|| reader.next().map(owned)));
        thread::sleep(ms(300));
        writer.close(CloseCode::NORMAL, "").unwrap();
        let (ended, time) = within(ms(5000), "reading", move || reading.join().unwrap());
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
        assert_between(time, ms(480), ms(900), "reading");
        drop(far);
    }
}

/// The limit of the caller holds at the end, too, and loses nothing.
#[test]
fn k_08_the_limit_of_the_caller_holds_at_the_end() {
    let config = patient().closing_timeout(ms(5000));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        end.close(CloseCode::NORMAL).unwrap();
        end.set_read_timeout(Some(ms(60)));
        let (late, time) = timed(|| end.next());
        assert!(matches!(late, Err(Error::TimedOut)) && !end.is_over(), "{name}: {late:?}");
        assert_between(time, ms(55), ms(400), name);
        raw.write_all(&close_frame(role, CloseCode::NORMAL)).unwrap();
        assert!(matches!(end.next(), Ok(Some(Message::Close(_)))), "{name}");
        let (ended, time) = timed(|| end.next());
        assert!(matches!(ended, Ok(None)), "{name}: {ended:?}");
        assert!(time < ms(2000), "{name}: {time:?}");
    });
}

// --- what is queued at the end ---

/// What is queued goes out as long as some of it moves, though all of it takes longer than the closing time-out.
#[test]
fn k_15_closing_does_not_cut_what_still_moves() {
    const SIZE: usize = 12 << 20;
    let config = patient().closing_timeout(ms(900)).closing_limit(ms(20_000)).max_pending(100 << 20);
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let peer = thread::spawn(move || {
            let (mut pauses, mut wire) = (0, Vec::new());
            let mut buffer = vec![0; 256 << 10];
            // The headers are shorter than the close frame and they.
            while wire.len() < 2 * SIZE + 20 {
                let n = raw.read(&mut buffer).unwrap();
                assert!(n > 0, "cut after {}", wire.len());
                wire.extend(&buffer[..n]);
                if wire.len() >> 18 > pauses {
                    pauses += 1;
                    thread::sleep(ms(20));
                }
            }
            raw.write_all(&close_frame(role, CloseCode::NORMAL)).unwrap();
            wire.extend(read_slowly(&mut *raw, 100, Duration::ZERO));
            (raw, heard_from(role, &wire))
        });
        let big = "x".repeat(SIZE);
        end.queue(&mut |writer| writer.text(&big).and_then(|()| writer.text(&big)));
        let (closed, time) = timed(|| end.close(CloseCode::NORMAL));
        assert!(closed.is_ok(), "{name}: {closed:?} after {time:?}");
        assert!(time > ms(1000), "{name}: the test is too fast, {time:?}");
        let event = end.next();
        assert!(matches!(event, Ok(Some(Message::Close(_)))), "{name}: {event:?}");
        assert!(matches!(end.next(), Ok(None)), "{name}");
        drop(end);
        let (_, heard) = peer.join().unwrap();
        let big = Message::Text(big);
        let close = Message::Close(Some((CloseCode::NORMAL, String::new())));
        assert!(heard == [big.clone(), big, close], "{name}: {} messages", heard.len());
    });
}

/// And no longer than the closing limit, however it moves.
#[test]
fn k_15_closing_has_a_limit_in_all() {
    for role in BOTH {
        let config = patient().closing_timeout(ms(300)).closing_limit(ms(700)).max_pending(100 << 20);
        let (near, mut far) = tcp();
        let mut socket = Socket::new(near, connection(role, &config), b"", &config);
        let peer = thread::spawn(move || read_slowly(&mut far, 64 << 10, ms(10)).len());
        socket.queue(|writer| writer.binary(&vec![0; 64 << 20])).unwrap();
        let (ended, time) = within(ms(10_000), "closing", move || timed(|| socket.close(CloseCode::NORMAL, "")));
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
        assert_between(time, ms(690), ms(1300), "the limit");
        assert!(peer.join().unwrap() < 64 << 20);
    }
}

/// A peer that reads nothing gets no longer than the closing time-out.
#[test]
fn k_15_closing_ends_where_nothing_moves() {
    let config = patient().closing_timeout(ms(250)).max_pending(100 << 20);
    for_each_pair(&config, |name, _, mut end, raw| {
        let big = "x".repeat(8 << 20);
        end.queue(&mut |writer| writer.text(&big));
        let (ended, time) = timed(|| end.close(CloseCode::NORMAL));
        assert!(matches!(ended, Err(Error::TimedOut)) && end.is_over(), "{name}: {ended:?}");
        assert_between(time, ms(240), ms(1000), name);
        assert!(matches!(end.next(), Err(Error::TimedOut)), "{name}");
        drop(raw);
    });
}

/// In order, there is no cause: the connection is closed.
#[test]
fn k_45_behind_a_close_in_order_the_connection_is_closed() {
    for role in BOTH {
        let (mut reader, mut writer, mut far) = halves(role, &patient());
        let peer = thread::spawn(move || {
            let mut peer = peer_of(role);
            far.write_all(&close_frame(role, CloseCode::NORMAL)).unwrap();
            let wire = read_slowly(&mut far, 100, Duration::ZERO);
            peer.split().0.receive(&mut &mut wire.clone()[..]).map(|event| event.map(Message::from))
        });
        assert!(matches!(reader.next(), Ok(Some(_))));
        if role == Role::Client {
            drop(thread::spawn(move || reader.next().map(owned))); // it waits for the server
        } else {
            assert!(matches!(reader.next(), Ok(None)));
        }
        assert!(matches!(writer.text("late"), Err(Error::Send(SendError::Closed))), "{role:?}");
        drop(writer);
        drop(peer);
    }
}

/// A stream without time-outs is not waited for behind an error: nothing could end that.
#[test]
fn k_08_a_stream_without_time_outs_is_left_behind_an_error() {
    for role in BOTH {
        let config = patient();
        let (near, mut far) = tcp();
        far.write_all(b"\xff\xff").unwrap();
        let mut socket = Socket::new(Untimed(near), connection(role, &config), b"", &config);
        let ended = within(ms(5000), "untimed", move || socket.next().map(owned));
        assert!(matches!(ended, Err(Error::Protocol(_))), "{role:?}: {ended:?}");

        let (near, mut far) = tcp();
        far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let refused = within(ms(5000), "untimed", move || {
            blocking::accept(Untimed(near), OriginPolicy::Any, &Config::new()).map(drop)
        });
        assert!(matches!(refused, Err(Error::Handshake(_))), "{role:?}: {refused:?}");
    }
}
