//! In real time, over TCP, on tokio and on smol.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use ws_proto::poll::{Error, Io, Socket};
use ws_proto::{CloseCode, Config, Event, Kind, Message, Role, SendError, Writer, futures, tokio as ws};

use crate::driver::{connection, letters, owned};
use crate::socket::{Form, ends, heard, millis, said, secs};

/// Runs `$case` with a socket of a server on each runtime, and the bare stream of its peer.
macro_rules! on_both {
    ($($name:ident($config:expr) => $case:ident;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn on_tokio() {
                let config = $config;
                let (near, far) = tcp();
                tokio_runtime().block_on(async {
                    let socket = Socket::new(tokio_io(near), connection(Role::Server, &config), b"", &config);
                    ::tokio::time::timeout(LONG, $case(socket, far)).await.expect("an end");
                });
            }

            #[test]
            fn on_smol() {
                let config = $config;
                let (near, far) = tcp();
                smol::block_on(async {
                    let socket = Socket::new(smol_io(near), connection(Role::Server, &config), b"", &config);
                    let case = async { Some($case(socket, far).await) };
                    let late = async { smol::Timer::after(LONG).await; None };
                    smol::future::or(case, late).await.expect("an end");
                });
            }
        }
    )*};
}

on_both! {
    k_02_one_honest_peer_beside_eight_that_flood(Config::new()) => honest;
    k_04_a_message_that_is_withheld(quick().message_timeout(Some(millis(200)))) => withheld;
    k_04_a_message_that_is_withheld_among_pings(quick().message_timeout(Some(millis(200)))) => withheld_among_pings;
    k_05_a_peer_that_vanishes(quick().keepalive(Some(millis(150))).pong_timeout(millis(100))) => vanishes;
    k_06_a_panic(Config::new()) => panics;
    k_11_a_peer_that_resets(Config::new()) => resets;
    k_14_an_upload_over_a_slow_link(quick().keepalive(Some(millis(100))).pong_timeout(millis(900))) => uploads;
    k_15_a_close_over_a_slow_link(quick().closing_timeout(secs(1)).closing_limit(secs(15))) => closes_slowly;
    k_15_a_close_that_takes_too_long(quick().closing_timeout(millis(400)).closing_limit(millis(700))) => closes_too_slowly;
    k_16_a_close_on_a_peer_that_reads_nothing(quick().closing_timeout(millis(200))) => closes_alone;
    k_16_a_sender_on_a_peer_that_reads_nothing(quick().keepalive(Some(millis(150))).pong_timeout(millis(100)).max_pending(1000)) => sends_alone;
    k_32_what_is_queued_leaves(Config::new()) => queues;
    k_41_every_pong_is_seen(Config::new()) => pings;
}

const LONG: Duration = Duration::from_secs(20);

/// Without a deadline of its own.
fn quick() -> Config {
    Config::new().keepalive(None).message_timeout(None)
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    for stream in [&near, &far] {
        stream.set_nodelay(true).unwrap();
    }
    near.set_nonblocking(true).unwrap();
    (near, far)
}

fn tokio_runtime() -> ::tokio::runtime::Runtime {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn tokio_io(stream: TcpStream) -> ws::Tokio<::tokio::net::TcpStream> {
    ws::Tokio::new(::tokio::net::TcpStream::from_std(stream).unwrap())
}

fn smol_io(stream: TcpStream) -> futures::Futures<smol::net::TcpStream> {
    let stream = smol::net::TcpStream::from(smol::Async::new_nonblocking(stream).unwrap());
    futures::Futures::new(stream).with_sleep(|time| {
        Box::pin(async move {
            smol::Timer::after(time).await;
        })
    })
}

fn is_timed_out<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::TimedOut))
}

/// Timers are as fine as a millisecond, and the machine is busy.
fn assert_took(start: Instant, expected: Duration) {
    let took = start.elapsed();
    assert!(took >= expected && took < expected + secs(2), "took {took:?}, not {expected:?}");
}

/// All that comes until the stream ends.
fn read_all(mut peer: TcpStream) -> Vec<u8> {
    let mut wire = Vec::new();
    peer.set_read_timeout(Some(LONG)).unwrap();
    let _ = peer.read_to_end(&mut wire); // or it was reset
    wire
}

/// On one thread: eight peers that write what they can, and one that waits for its echo.
async fn honest<T>(first: Socket<T>, peer: TcpStream)
where
    T: Flooded + 'static,
{
    // A runtime may look for what has arrived behind some 60 turns. Code that is not optimized takes much longer for each.
    let config = if cfg!(debug_assertions) { Config::new().turn(8 << 10) } else { Config::new() };
    let floods = (0..8).map(|i| {
        let (near, mut far) = tcp();
        let flood = said(Role::Server, |writer| match i % 4 {
            0 => writer.text("a").unwrap(),
            1 => writer.ping(b"").unwrap(),
            2 => writer.binary(b"").unwrap(),
            _ => writer.pong(b"").unwrap(),
        });
        let stop = far.try_clone().unwrap();
        thread::spawn(move || {
            let flood = flood.repeat(4000);
            while far.write_all(&flood).is_ok() {}
        });
        let mut socket = Socket::new(T::of(near), connection(Role::Server, &config), b"", &config);
        (async move { while socket.next().await.is_ok_and(|event| event.is_some()) {} }, stop)
    });
    let (floods, stops): (Vec<_>, Vec<_>) = floods.unzip();
    let asking = thread::spawn(move || {
        let mut peer = peer;
        peer.set_read_timeout(Some(LONG)).unwrap();
        thread::sleep(millis(100));
        let question = said(Role::Server, |writer| writer.text("a question").unwrap());
        let mut times: Vec<_> = (0..21)
            .map(|_| {
                let start = Instant::now();
                peer.write_all(&question).unwrap();
                let mut answer = [0; 12];
                peer.read_exact(&mut answer).unwrap();
                start.elapsed()
            })
            .collect();
        for stop in stops {
            stop.shutdown(Shutdown::Both).unwrap();
        }
        times.sort_unstable();
        times
    });
    let (mut receiver, mut sender) = first.split();
    let echo = async {
        while let Ok(Some(event)) = receiver.next().await {
            if let Event::Text(text) = event {
                sender.text(text).await.unwrap();
            }
        }
    };
    T::together(echo, floods).await;
    let times = asking.join().unwrap();
    assert!(times[10] < millis(50), "half of the echoes took longer than {:?}", times[10]);
}

/// How a runtime makes a stream, and runs futures as tasks of one thread.
trait Flooded: Io {
    fn of(stream: TcpStream) -> Self;

    async fn together<F: Future<Output = ()> + 'static>(echo: impl Future<Output = ()>, floods: Vec<F>);
}

impl Flooded for ws::Tokio<::tokio::net::TcpStream> {
    fn of(stream: TcpStream) -> Self {
        tokio_io(stream)
    }

    async fn together<F: Future<Output = ()> + 'static>(echo: impl Future<Output = ()>, floods: Vec<F>) {
        let local = ::tokio::task::LocalSet::new();
        for flood in floods {
            local.spawn_local(flood);
        }
        local.run_until(echo).await;
    }
}

impl Flooded for futures::Futures<smol::net::TcpStream> {
    fn of(stream: TcpStream) -> Self {
        smol_io(stream)
    }

    async fn together<F: Future<Output = ()> + 'static>(echo: impl Future<Output = ()>, floods: Vec<F>) {
        let local = smol::LocalExecutor::new();
        let floods: Vec<_> = floods.into_iter().map(|flood| local.spawn(flood)).collect();
        local.run(echo).await;
        drop(floods);
    }
}

async fn withheld<T: Io + Unpin>(mut socket: Socket<T>, mut peer: TcpStream) {
    let start = Instant::now();
    let message = said(Role::Server, |writer| writer.text("Hello").unwrap());
    peer.write_all(&message[..message.len() - 1]).unwrap();
    let ended = socket.next().await.map(owned);
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, millis(200));
    drop(socket);
    let close = Message::Close(Some((CloseCode::POLICY, "message too slow".into())));
    assert_eq!(heard(Role::Server, &read_all(peer)), [close]);
}

async fn withheld_among_pings<T: Io + Unpin>(socket: Socket<T>, mut peer: TcpStream) {
    let start = Instant::now();
    let begun = said(Role::Server, |writer| writer.fragment(Kind::Text, b"Hel", false).unwrap());
    let pinging = thread::spawn(move || {
        let ping = said(Role::Server, |writer| writer.ping(b"").unwrap());
        peer.write_all(&begun).unwrap();
        while peer.write_all(&ping).is_ok() {
            thread::sleep(Duration::from_micros(300));
        }
    });
    let mut got = Vec::new();
    let ended = ends(socket, true).all(Form::Next, &mut got).await;
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, millis(200));
    pinging.join().unwrap();
}

async fn vanishes<T: Io + Unpin>(mut socket: Socket<T>, peer: TcpStream) {
    let start = Instant::now();
    let ended = socket.next().await.map(owned);
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, millis(250));
    drop(peer);
}

async fn panics<T: Io + Unpin>(mut socket: Socket<T>, mut peer: TcpStream) {
    peer.write_all(&said(Role::Server, |writer| writer.text("Hello").unwrap())).unwrap();
    let mistake = |_: Event<'_>, _: &mut Writer| -> Result<(), SendError> { panic!("a mistake of the program") };
    let mut handling = Box::pin(socket.for_each(mistake));
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|_| panic!("it does not end")),
        Err(_) => std::task::Poll::Ready(()),
    })
    .await;
    drop(handling);
    let next = socket.next().await.map(owned);
    assert!(matches!(next, Err(Error::Panicked)), "{next:?}");
    assert!(matches!(socket.next().await.map(owned), Ok(None)));
    assert!(matches!(socket.text("over").await, Err(Error::Panicked)));
    let close = Message::Close(Some((CloseCode::INTERNAL, String::new())));
    assert_eq!(heard(Role::Server, &read_all(peer)), [close]);
}

/// What came before a reset is in the kernel no longer; what was read before it is not lost.
async fn resets<T: Io + Unpin>(socket: Socket<T>, mut peer: TcpStream) {
    let (mut receiver, mut sender) = socket.split();
    let wire = said(Role::Server, |writer| {
        writer.text("one").unwrap();
        writer.text("two").unwrap();
    });
    peer.write_all(&wire).unwrap();
    assert_eq!(receiver.next().await.map(owned).unwrap(), Some("one".into()));
    sender.text("not read").await.unwrap();
    thread::sleep(millis(50));
    drop(peer); // with something unread: that is a reset
    thread::sleep(millis(50));
    let failed = loop {
        if let Err(error) = sender.text("fails").await {
            break error;
        }
        thread::sleep(millis(10));
    };
    assert!(matches!(failed, Error::Io(_)), "{failed:?}");
    assert_eq!(receiver.next().await.map(owned).unwrap(), Some("two".into()));
    let ended = receiver.next().await.map(owned);
    let (Error::Io(failed), Err(Error::Io(ended))) = (failed, &ended) else { panic!("{ended:?}") };
    assert_eq!(failed.kind(), ended.kind(), "both halves say the same");
    assert!(matches!(receiver.next().await.map(owned), Ok(None)));
}

/// More than the kernel takes, and a peer that reads a part of it every 100 ms.
fn read_slowly(peer: &TcpStream, part: usize) -> thread::JoinHandle<Vec<u8>> {
    let mut peer = peer.try_clone().unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    thread::spawn(move || {
        let (mut wire, mut buffer) = (Vec::new(), vec![0; part]);
        loop {
            thread::sleep(millis(100));
            let mut read = 0;
            while read < part {
                let n = peer.read(&mut buffer[read..]).unwrap_or_default();
                read += n;
                if n == 0 {
                    wire.extend(&buffer[..read]);
                    return wire;
                }
            }
            wire.extend(&buffer[..read]);
        }
    })
}

const MIB: usize = 1 << 20;

async fn uploads<T: Io + Unpin>(mut socket: Socket<T>, peer: TcpStream) {
    let long = vec![7; 40 * MIB];
    let start = Instant::now();
    let reading = read_slowly(&peer, MIB);
    socket.binary(&long).await.unwrap();
    socket.flush().await.unwrap();
    assert!(start.elapsed() > secs(1), "longer than a ping may take: {:?}", start.elapsed());
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    while socket.next().await.is_ok_and(|event| event.is_some()) {}
    drop(socket);
    let heard = heard(Role::Server, &reading.join().unwrap());
    assert!(heard.iter().any(|message| *message == Message::Binary(long.clone())));
}

async fn closes_slowly<T: Io + Unpin>(mut socket: Socket<T>, peer: TcpStream) {
    let long = vec![7; 40 * MIB];
    let start = Instant::now();
    let reading = read_slowly(&peer, MIB);
    socket.binary(&long).await.unwrap();
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(start.elapsed() > secs(1), "longer than without progress: {:?}", start.elapsed());
    let ended = socket.next().await.map(owned);
    assert!(is_timed_out(&ended), "nobody answers: {ended:?}");
    drop(socket);
    let heard = heard(Role::Server, &reading.join().unwrap());
    assert!(heard == [Message::Binary(long), Message::Close(Some((CloseCode::NORMAL, String::new())))]);
}

async fn closes_too_slowly<T: Io + Unpin>(mut socket: Socket<T>, peer: TcpStream) {
    let reading = read_slowly(&peer, MIB / 4);
    socket.text(&letters(1, 15 * MIB)).await.unwrap();
    let start = Instant::now();
    let ended = socket.close(CloseCode::NORMAL, "").await;
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, millis(400));
    assert!(is_timed_out(&socket.next().await.map(owned)));
    peer.shutdown(Shutdown::Both).unwrap();
    reading.join().unwrap();
}

async fn closes_alone<T: Io + Unpin>(socket: Socket<T>, peer: TcpStream) {
    let (_receiver, mut sender) = socket.split();
    sender.text(&letters(1, 15 * MIB)).await.unwrap();
    let start = Instant::now();
    let ended = sender.close(CloseCode::NORMAL, "").await;
    assert!(is_timed_out(&ended), "{ended:?}");
    assert_took(start, millis(200));
    drop(peer);
}

async fn sends_alone<T: Io + Unpin>(socket: Socket<T>, peer: TcpStream) {
    let (_receiver, mut sender) = socket.split();
    let long = letters(1, MIB);
    let start = Instant::now();
    let ended = loop {
        if let Err(error) = sender.text(&long).await {
            break error;
        }
    };
    assert!(matches!(ended, Error::TimedOut), "{ended:?}");
    assert_took(start, millis(250));
    assert!(is_timed_out(&sender.flush().await));
    drop(peer);
}

async fn queues<T: Io + Unpin>(socket: Socket<T>, mut peer: TcpStream) {
    let (mut receiver, mut sender) = socket.split();
    let answering = thread::spawn(move || {
        let mut question = [0; 8];
        peer.set_read_timeout(Some(LONG)).unwrap();
        peer.read_exact(&mut question).unwrap();
        peer.write_all(&said(Role::Server, |writer| writer.text("an answer").unwrap())).unwrap();
        peer
    });
    let mut receiving = Box::pin(receiver.next());
    let mut sender = Some(&mut sender);
    let got = std::future::poll_fn(|cx| {
        let polled = receiving.as_mut().poll(cx).map(|got| got.map(owned));
        if let Some(sender) = sender.take() {
            sender.queue(|writer| writer.text("queued")).unwrap(); // behind the poll, and nobody polls for it
        }
        polled
    })
    .await;
    assert_eq!(got.unwrap(), Some("an answer".into()));
    drop(answering.join().unwrap());
}

async fn pings<T: Io + Unpin>(mut socket: Socket<T>, mut peer: TcpStream) {
    const PINGS: usize = 300;
    let answering = thread::spawn(move || {
        peer.set_read_timeout(Some(LONG)).unwrap();
        for i in 0..PINGS {
            let mut ping = [0; 10];
            peer.read_exact(&mut ping).unwrap();
            let answer = said(Role::Server, |writer| {
                writer.pong(&ping[2..]).unwrap();
                writer.text("data").unwrap();
            });
            if i % 3 == 0 {
                thread::sleep(Duration::from_micros(200));
            }
            peer.write_all(&answer).unwrap();
        }
        peer
    });
    for i in 0..PINGS {
        socket.ping(&i.to_be_bytes()).await.unwrap();
        socket.flush().await.unwrap();
        if i % 2 == 0 {
            // Every pong of the pings so far, and the data behind it.
            for i in i.saturating_sub(1)..=i {
                let got = socket.next().await.map(owned).unwrap();
                assert_eq!(got, Some(Message::Pong(i.to_be_bytes().to_vec())));
                assert_eq!(socket.next().await.map(owned).unwrap(), Some("data".into()));
            }
        }
    }
    drop(answering.join().unwrap());
}
