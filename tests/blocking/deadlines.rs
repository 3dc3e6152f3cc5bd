//! Deadlines of an open connection, and the limits of the caller.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ws_proto::blocking::{Error, Layered, Socket, Stream, Untimed};
use ws_proto::{CloseCode, Config, Message, Role};

use super::common::{
    BOTH, Raw, assert_between, close_frame, connection, for_each_pair, halves, heard_from, ms, owned, patient,
    read_slowly, said_to, tcp, timed, within,
};

/// Frames that the peer of a test wrote by hand, in a thread that reads all the while.
fn listen(mut raw: Box<dyn Raw>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || read_slowly(&mut *raw, 4096, Duration::ZERO))
}

#[test]
fn k_05_a_silent_peer_is_pinged_and_then_given_up() {
    let config = patient().keepalive(Some(ms(80))).pong_timeout(ms(120));
    for_each_pair(&config, |name, role, mut end, raw| {
        let (ended, time) = timed(|| end.next());
        assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
        assert_between(time, ms(200), ms(600), name);
        assert!(end.is_over(), "{name}");
        assert_eq!(end.closed(), Some((CloseCode::ABNORMAL, false)), "{name}");
        assert!(matches!(end.next(), Ok(None)), "{name}: once");
        assert!(matches!(end.text("late"), Err(Error::TimedOut)), "{name}: the same cause");
        drop(end);
        let heard = heard_from(role, &listen(raw).join().unwrap());
        assert!(
            matches!(&heard[..], [Message::Ping(_), Message::Close(Some((CloseCode::INTERNAL, _)))]),
            "{name}: {heard:?}"
        );
    });
}

#[test]
fn k_05_a_peer_that_answers_stays_and_its_pongs_are_not_events() {
    let config = patient().keepalive(Some(ms(50))).pong_timeout(ms(600));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let answering = thread::spawn(move || {
            let mut peer = super::common::peer_of(role);
            let (mut buffer, mut pings) = ([0; 4096], 0);
            while let Ok(n @ 1..) = raw.read(&mut buffer) {
                let mut input = &mut buffer[..n];
                while let Ok(Some(event)) = peer.split().0.receive(&mut input) {
                    pings += u32::from(matches!(event, ws_proto::Event::Ping(_)));
                }
                let pong = peer.outgoing().to_vec();
                let _ = raw.write_all(&pong);
                peer.consume(pong.len());
            }
            pings
        });
        end.set_read_timeout(Some(ms(1200)));
        let (ended, time) = timed(|| end.next());
        assert!(matches!(ended, Err(Error::TimedOut)) && !end.is_over(), "{name}: {ended:?}");
        assert_between(time, ms(1200), ms(1800), name);
        end.text("still there").unwrap();
        drop(end);
        assert!(answering.join().unwrap() >= 4, "{name}");
    });
}

/// A peer that only talks is alive, though it sends no pong.
#[test]
fn k_05_whatever_arrives_is_a_sign_of_life() {
    let config = patient().keepalive(Some(ms(100))).pong_timeout(ms(600));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let talking = thread::spawn(move || {
            for _ in 0..20 {
                raw.write_all(&said_to(role, |writer| writer.text("hi").unwrap())).unwrap();
                thread::sleep(ms(60));
            }
            raw
        });
        for n in 0..20 {
            assert_eq!(end.next().unwrap(), Some("hi".into()), "{name}, {n}");
        }
        drop(talking.join().unwrap());
    });
}

#[test]
fn k_05_an_idle_connection_is_closed() {
    for_each_pair(&patient().idle_timeout(Some(ms(100))).closing_timeout(ms(100)), |name, role, mut end, mut raw| {
        let peer = thread::spawn(move || {
            let mut buffer = [0; 100];
            let n = raw.read(&mut buffer).unwrap();
            let heard = heard_from(role, &buffer[..n]);
            assert!(matches!(&heard[..], [Message::Close(Some((CloseCode::GOING_AWAY, _)))]), "{heard:?}");
            raw.write_all(&close_frame(role, CloseCode::GOING_AWAY)).unwrap();
        });
        let (event, time) = timed(|| end.next());
        assert!(matches!(event, Ok(Some(Message::Close(_)))), "{name}: {event:?}");
        assert_between(time, ms(100), ms(500), name);
        assert!(matches!(end.next(), Ok(None)), "{name}");
        assert_eq!(end.closed(), Some((CloseCode::GOING_AWAY, true)), "{name}");
        peer.join().unwrap();
    });
}

/// A message that was begun has to go on, at the least rate.
#[test]
fn k_05_a_message_that_is_withheld_ends_the_connection() {
    for drips in [false, true] {
        for role in BOTH {
            let config = patient().message_timeout(Some(ms(150))).message_rate(10_000);
            let (near, mut far) = tcp();
            let mut end = Socket::new(near, connection(role, &config), b"", &config);
            let wire = said_to(role, |writer| writer.binary(&[0; 5000]).unwrap());
            let peer = thread::spawn(move || {
                far.write_all(&wire[..1000]).unwrap();
                for byte in &wire[1000..] {
                    thread::sleep(ms(5));
                    if drips && far.write_all(&[*byte]).is_err() {
                        break;
                    }
                    if !drips && far.read(&mut [0; 100]).is_ok() {
                        break;
                    }
                }
            });
            let name = format!("{role:?}, drips: {drips}");
            let (ended, time) = within(ms(5000), &name, move || timed(|| end.next().map(owned)));
            assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
            assert_between(time, ms(150), ms(700), &name);
            peer.join().unwrap();
        }
    }
}

/// A thread that does something else for long is not the fault of the peer.
#[test]
fn k_05_a_thread_that_was_away_finds_what_has_arrived() {
    let config = patient().keepalive(Some(ms(50))).pong_timeout(ms(50)).message_timeout(Some(ms(50)));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let wire = said_to(role, |writer| writer.text("half and half").unwrap());
        raw.write_all(&wire[..9]).unwrap();
        end.set_read_timeout(Some(ms(20)));
        assert!(matches!(end.next(), Err(Error::TimedOut)) && !end.is_over(), "{name}");
        raw.write_all(&wire[9..]).unwrap();
        thread::sleep(ms(300));
        end.set_read_timeout(None);
        assert_eq!(end.next().unwrap(), Some("half and half".into()), "{name}");
    });
}

/// Nor is a write that takes long: it keeps this thread from reading.
#[test]
fn k_14_a_thread_that_was_writing_waits_for_the_rest_of_a_message() {
    let config = patient().message_timeout(Some(ms(400)));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let wire = said_to(role, |writer| writer.text("half and half").unwrap());
        raw.write_all(&wire[..9]).unwrap();
        end.set_read_timeout(Some(ms(20)));
        assert!(matches!(end.next(), Err(Error::TimedOut)), "{name}");
        end.set_read_timeout(None);
        let peer = thread::spawn(move || {
            thread::sleep(ms(800));
            let mut left = 8 << 20;
            let mut buffer = vec![0; 256 << 10];
            while left > 0 {
                left -= raw.read(&mut buffer).unwrap().min(left);
            }
            thread::sleep(ms(60));
            raw.write_all(&wire[9..]).unwrap();
            raw
        });
        end.text(&"x".repeat(8 << 20)).unwrap();
        assert_eq!(end.next().unwrap(), Some("half and half".into()), "{name}");
        drop(peer.join().unwrap());
    });
}

/// Notes what is set, and times out at once.
#[derive(Clone, Debug, Default)]
struct Noting(Arc<Mutex<Vec<Note>>>);

type Note = (&'static str, Option<Duration>);

impl Stream for Noting {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.0.lock().unwrap().push(("read", limit));
        Ok(())
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.0.lock().unwrap().push(("write", limit));
        Ok(())
    }
}

impl Read for Noting {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(("reads", None));
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Noting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// By default the first ping goes out after 30 s. A stream that does not block is not asked again and again.
#[test]
fn k_05_keepalive_is_on_by_default_and_off_by_one_line() {
    for role in BOTH {
        for (config, wait) in [(Config::new(), Some(30)), (Config::new().keepalive(None), None)] {
            let stream = Noting::default();
            let mut socket = Socket::new(stream.clone(), connection(role, &config), b"", &config);
            assert!(matches!(socket.next(), Err(Error::TimedOut)) && !socket.is_over());
            let noted = stream.0.lock().unwrap().clone();
            let waits: Vec<_> =
                noted.iter().map(|(what, wait)| (*what, wait.map(|wait| wait.as_secs_f64().round()))).collect();
            match wait {
                Some(wait) => assert_eq!(waits, [("read", Some(f64::from(wait))), ("reads", None)]),
                None => assert_eq!(waits, [("reads", None)]),
            }
        }
    }
}

/// What is set on the stream is never zero, and not set anew for each read of a busy connection.
#[test]
fn k_05_time_outs_are_seldom_set() {
    let stream = Noting::default();
    let config = Config::new().keepalive(Some(ms(200))).pong_timeout(ms(200));
    let mut socket = Socket::new(stream.clone(), connection(Role::Server, &config), b"", &config);
    for _ in 0..1000 {
        assert!(matches!(socket.next(), Err(Error::TimedOut)));
        socket.text("hello").unwrap();
    }
    let noted = stream.0.lock().unwrap().clone();
    assert!(noted.iter().all(|(_, limit)| limit.is_none_or(|limit| limit >= ms(1))));
    let set = noted.iter().filter(|(what, _)| *what != "reads").count();
    assert!(set < 40, "{set}");
}

// --- the limits of the caller ---

#[test]
fn k_33_the_read_limit_is_a_time_out_and_the_socket_goes_on() {
    for_each_pair(&patient(), |name, role, mut end, mut raw| {
        end.set_read_timeout(Some(ms(50)));
        let wire = said_to(role, |writer| writer.text("in two pieces").unwrap());
        for piece in [&wire[..0], &wire[..5]] {
            raw.write_all(piece).unwrap();
            let (late, time) = timed(|| end.next());
            assert!(matches!(late, Err(Error::TimedOut)), "{name}: {late:?}");
            assert_between(time, ms(45), ms(300), name);
            assert!(!end.is_over() && end.closed().is_none(), "{name}");
        }
        raw.write_all(&wire[5..]).unwrap();
        assert_eq!(end.next().unwrap(), Some("in two pieces".into()), "{name}");
    });
}

/// It is for the whole call, also where bytes come all the time.
#[test]
fn k_33_the_read_limit_counts_from_the_call() {
    for role in BOTH {
        let config = patient();
        let (near, mut far) = tcp();
        let mut socket = Socket::new(near, connection(role, &config), b"", &config);
        socket.set_read_timeout(Some(ms(100)));
        let wire = said_to(role, |writer| writer.text(&"x".repeat(100)).unwrap());
        let peer = thread::spawn(move || {
            for byte in wire {
                far.write_all(&[byte]).unwrap();
                thread::sleep(ms(4));
            }
            far
        });
        let (late, time) = timed(|| socket.next().map(owned));
        assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
        assert_between(time, ms(100), ms(300), "dripping");
        let got = loop {
            match socket.next().map(owned) {
                Err(Error::TimedOut) => {}
                got => break got,
            }
        };
        assert_eq!(got.unwrap(), Some("x".repeat(100).into()));
        drop(peer.join().unwrap());
    }
}

#[test]
fn k_33_the_write_limit_is_a_time_out_and_the_socket_goes_on() {
    for_each_pair(&patient().max_pending(100 << 20), |name, role, mut end, raw| {
        end.set_write_timeout(Some(ms(120)));
        let long = "x".repeat(8 << 20);
        let (late, time) = timed(|| end.text(&long));
        assert!(matches!(late, Err(Error::TimedOut)), "{name}: {late:?}");
        assert_between(time, ms(120), ms(1500), name);
        assert!(!end.is_over(), "{name}");
        let listening = listen(raw);
        end.set_write_timeout(None);
        end.text("behind").unwrap();
        drop(end);
        let heard = heard_from(role, &listening.join().unwrap());
        assert!(heard == [long.into(), "behind".into()], "{name}");
    });
}

/// What was set on a stream before is the limit; halves and layers have it too.
#[test]
fn k_33_a_time_out_of_the_stream_is_adopted() {
    for role in BOTH {
        let (config, (near, _far)) = (patient(), tcp());
        near.set_read_timeout(Some(ms(50))).unwrap();
        near.set_write_timeout(Some(ms(50))).unwrap();
        let writing = near.try_clone().unwrap();
        let layered = Layered { stream: near.try_clone().unwrap(), below: near };
        let mut socket = Socket::new(layered, connection(role, &config), b"", &config);
        let (late, time) = timed(|| socket.next().map(owned));
        assert!(matches!(late, Err(Error::TimedOut)) && !socket.is_over(), "{late:?}");
        assert_between(time, ms(45), ms(300), "whole");
        let (mut reader, mut writer) = socket.into_split(writing);
        let (late, time) = timed(|| reader.next().map(owned));
        assert!(matches!(late, Err(Error::TimedOut)) && !reader.is_over(), "{late:?}");
        assert_between(time, ms(45), ms(300), "half");
        let late = writer.text(&"x".repeat(8 << 20));
        assert!(matches!(late, Err(Error::TimedOut)) && !writer.is_over(), "{late:?}");
        reader.set_read_timeout(Some(ms(1)));
        writer.set_write_timeout(Some(ms(1)));
        assert!(matches!(reader.next(), Err(Error::TimedOut)));
        assert!(matches!(writer.flush(), Err(Error::TimedOut)));
    }
}

/// A stream without time-outs has deadlines between its reads.
#[test]
fn k_05_a_stream_without_time_outs_is_looked_at_between_reads() {
    let config = patient().keepalive(Some(ms(50))).pong_timeout(ms(50)).require_pong(true);
    for role in BOTH {
        let (near, mut far) = tcp();
        let mut socket = Socket::new(Untimed(near), connection(role, &config), b"", &config);
        let talking = thread::spawn(move || {
            let wire = said_to(role, |writer| writer.text("hi").unwrap());
            while far.write_all(&wire).is_ok() {
                thread::sleep(ms(10));
            }
        });
        let ended = within(ms(5000), "untimed", move || {
            loop {
                match socket.next().map(owned) {
                    Ok(Some(_)) => {}
                    ended => break ended,
                }
            }
        });
        assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
        talking.join().unwrap();
    }
}

// --- progress of what is sent ---

/// The pong waits behind what the peer reads slowly.
#[test]
fn k_14_a_slow_upload_is_a_sign_of_life() {
    let config = patient().keepalive(Some(ms(200))).pong_timeout(ms(1500)).idle_timeout(Some(ms(1700)));
    for_each_pair(&config, |name, role, mut end, mut raw| {
        let big = "x".repeat(24 << 20);
        let wanted = big.len();
        let peer = thread::spawn(move || {
            // Faster than the buffer of any transport drains in the time for a pong.
            let (mut got, mut pauses) = (0, 0);
            let mut buffer = vec![0; 256 << 10];
            while got < wanted {
                got += raw.read(&mut buffer).unwrap();
                if got >> 18 > pauses {
                    pauses += 1;
                    thread::sleep(ms(30));
                }
            }
            raw.write_all(&said_to(role, |writer| writer.text("thanks").unwrap())).unwrap();
            raw
        });
        let (sent, time) = timed(|| end.text(&big));
        assert!(sent.is_ok(), "{name}: {sent:?} after {time:?}");
        assert!(time > ms(1700), "{name}: the test is too fast, {time:?}");
        assert_eq!(end.next().unwrap(), Some("thanks".into()), "{name}");
        drop(peer.join().unwrap());
    });
}

#[test]
fn k_14_a_peer_that_reads_nothing_is_given_up_while_sending() {
    let config = patient().keepalive(Some(ms(150))).pong_timeout(ms(150));
    for_each_pair(&config, |name, _, mut end, raw| {
        let (ended, time) = timed(|| end.text(&"x".repeat(8 << 20)));
        assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
        assert!(end.is_over(), "{name}");
        assert_between(time, ms(280), ms(1500), name);
        assert!(matches!(end.next(), Err(Error::TimedOut)), "{name}");
        assert!(matches!(end.next(), Ok(None)), "{name}");
        drop(raw);
    });
}

/// The writing thread is stuck, and the reading one learns why it ended.
#[test]
fn k_14_halves_give_up_a_peer_that_reads_nothing() {
    for role in BOTH {
        let config = patient().keepalive(Some(ms(150))).pong_timeout(ms(150)).closing_timeout(ms(200));
        let (mut reader, mut writer, far) = halves(role, &config);
        let writing = thread::spawn(move || timed(|| writer.text(&"x".repeat(8 << 20))));
        let (ended, time) = within(ms(10_000), "reading", move || timed(|| reader.next().map(owned)));
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
        assert_between(time, ms(280), ms(1500), "reading");
        let (ended, time) = writing.join().unwrap();
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
        assert_between(time, ms(280), ms(1500), "writing");
        drop(far);
    }
}

/// A peer that waits for us to read while we write: a flush inside `next` does not keep us from it.
#[test]
fn k_14_receiving_goes_on_while_an_answer_cannot_be_written() {
    let config = patient().max_pending(100 << 20);
    for_each_pair(&config, |name, role, mut end, mut raw| {
        end.set_write_timeout(Some(ms(50)));
        assert!(matches!(end.text(&"x".repeat(8 << 20)), Err(Error::TimedOut)), "{name}");
        raw.write_all(&said_to(role, |writer| {
            writer.ping(b"?").unwrap();
            writer.text("read me").unwrap();
        }))
        .unwrap();
        assert_eq!(end.next().unwrap(), Some(Message::Ping(b"?".to_vec())), "{name}");
        let (event, time) = timed(|| end.next());
        assert_eq!(event.unwrap(), Some("read me".into()), "{name}");
        assert!(time < ms(2000), "{name}: {time:?}");
    });
}

/// A message waits for room, which the other thread may have taken for a moment, as long as the limit of the caller allows.
#[test]
fn k_33_a_full_queue_is_waited_for() {
    let config = patient().max_pending(1);
    for_each_pair(&config, |name, role, mut end, raw| {
        end.set_write_timeout(Some(ms(50)));
        let long = "x".repeat(8 << 20);
        assert!(matches!(end.text(&long), Err(Error::TimedOut)), "{name}");
        assert!(matches!(end.text("no room"), Err(Error::Send(ws_proto::SendError::Full))), "{name}");
        let listening = listen(raw);
        end.set_write_timeout(None);
        end.text("room").unwrap();
        drop(end);
        let heard = heard_from(role, &listening.join().unwrap());
        assert!(heard == [long.into(), "room".into()], "{name}");
    });
}

/// Closing does not wait for room: its deadline begins.
#[test]
fn k_15_a_full_queue_does_not_put_off_closing() {
    let config = patient().max_pending(1).closing_timeout(ms(200));
    for_each_pair(&config, |name, _, mut end, raw| {
        end.set_write_timeout(Some(ms(50)));
        assert!(matches!(end.text(&"x".repeat(8 << 20)), Err(Error::TimedOut)), "{name}");
        end.set_write_timeout(None);
        let (ended, time) = timed(|| end.close(CloseCode::NORMAL));
        assert!(matches!(ended, Err(Error::TimedOut)) && end.is_over(), "{name}: {ended:?}");
        assert_between(time, ms(190), ms(800), name);
        drop(raw);
    });
}

/// A record of TLS that comes byte by byte does not keep deadlines from being looked at.
#[cfg(feature = "rustls")]
#[test]
fn k_05_a_record_in_drips_is_no_sign_of_life() {
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Carries bytes, one now and then once that is said.
    fn carry(mut from: TcpStream, mut to: TcpStream, drips: Arc<AtomicBool>) {
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                for byte in &buffer[..n] {
                    if drips.load(Ordering::SeqCst) {
                        thread::sleep(ms(10));
                    }
                    if to.write_all(&[*byte]).is_err() {
                        return;
                    }
                }
            }
        });
    }

    for role in BOTH {
        let config = patient().keepalive(Some(ms(100))).pong_timeout(ms(150));
        let ((near, middle), (back, far)) = (tcp(), tcp());
        let drips = Arc::new(AtomicBool::new(false));
        carry(middle.try_clone().unwrap(), back.try_clone().unwrap(), Arc::default());
        carry(back, middle, Arc::clone(&drips));
        let long = "x".repeat(5000);
        let ended = match role {
            Role::Client => {
                let serving = thread::spawn(move || super::tls::accept(far, &patient()).unwrap());
                let mut socket = super::tls::connect(near, &config).unwrap();
                let mut peer = serving.join().unwrap();
                drips.store(true, Ordering::SeqCst);
                peer.text(&long).unwrap();
                within(ms(10_000), "client", move || socket.next().map(owned))
            }
            Role::Server => {
                let connecting = thread::spawn(move || super::tls::connect(far, &patient()).unwrap());
                let mut socket = super::tls::accept(near, &config).unwrap();
                let mut peer = connecting.join().unwrap();
                drips.store(true, Ordering::SeqCst);
                peer.text(&long).unwrap();
                within(ms(10_000), "server", move || socket.next().map(owned))
            }
        };
        assert!(matches!(ended, Err(Error::TimedOut)), "{role:?}: {ended:?}");
    }
}
