//! What goes well.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use tokio::net::TcpStream;
use ws_proto::handshake::{ClientRequest, OriginPolicy};
use ws_proto::poll::{self, Io};
use ws_proto::tls::rustls::version::{TLS12, TLS13};
use ws_proto::tls::rustls::{ServerConnection, StreamOwned};
use ws_proto::tokio::Tokio;
use ws_proto::{CloseCode, Config, Event, Message, blocking};

use super::authority::Authority;
use super::clients::{CLIENTS, as_task, messages, talk, within};
use super::servers::{SERVERS, Server, start};

#[test]
fn every_client_talks_to_every_server() {
    let authority = Authority::new();
    for server in SERVERS {
        let url = format!("wss://localhost:{}/", start(server, authority.server(&["localhost"])));
        for client in CLIENTS {
            let code = talk(client, &url, &Config::new(), &authority.client());
            assert_eq!(code.unwrap(), CloseCode::NORMAL, "{client:?} and {server:?}");
        }
    }
}

#[test]
fn either_version_of_tls_will_do() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let server = authority.server_with(&["localhost"], &[version]);
        let url = format!("wss://localhost:{}/", start(Server::Blocking, server));
        for client in CLIENTS {
            let code = talk(client, &url, &Config::new(), &authority.client());
            assert_eq!(code.unwrap(), CloseCode::NORMAL, "{client:?} and {version:?}");
        }
    }
}

/// The same function for both schemes.
#[test]
fn without_tls_if_the_scheme_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut socket = blocking::accept(stream.unwrap(), OriginPolicy::Any, &Config::new()).unwrap();
            let (mut receiver, mut sender) = socket.split();
            while let Some(event) = receiver.next().unwrap() {
                match event {
                    Event::Text(text) => sender.text(text).unwrap(),
                    Event::Binary(bytes) => sender.binary(bytes).unwrap(),
                    _ => {}
                }
            }
        }
    });
    for client in CLIENTS {
        let code = talk(client, &url, &Config::new(), &Authority::new().client());
        assert_eq!(code.unwrap(), CloseCode::NORMAL, "{client:?}");
    }
    assert!(!blocking::connect(&url, &Config::new()).unwrap().stream().is_tls());
}

/// One thread waits for messages while another sends: neither has to wait for the other, and no record is torn.
#[test]
fn two_threads_share_a_stream() {
    const MESSAGES: usize = 500;
    let message = |i: usize| vec![u8::try_from(i % 251).unwrap(); 20_000];
    let authority = Authority::new();
    let url = format!("wss://localhost:{}/", start(Server::Tokio, authority.server(&["localhost"])));
    let request = ClientRequest::new(&url).unwrap();
    let code = within(move || {
        let mut socket = blocking::connect_with(request, &Config::new(), &authority.client()).unwrap();
        let writing = socket.stream().try_clone().unwrap();
        let (mut reader, mut writer) = socket.into_split(writing);
        let sending = thread::spawn(move || {
            for i in 0..MESSAGES {
                if i % 50 == 0 {
                    thread::sleep(Duration::from_millis(1)); // let the reader wait
                }
                writer.binary(&message(i)).unwrap();
            }
            writer.close(CloseCode::NORMAL, "").unwrap();
        });
        let mut got = 0;
        let mut code = None;
        while let Some(event) = reader.next().unwrap() {
            match event {
                Event::Binary(bytes) => {
                    assert_eq!(bytes, message(got));
                    got += 1;
                }
                Event::Close(close) => code = close.map(|close| close.code),
                _ => {}
            }
        }
        sending.join().unwrap();
        assert_eq!(got, MESSAGES);
        code
    });
    assert_eq!(code, Some(CloseCode::NORMAL));
}

/// A read that timed out has lost nothing.
#[test]
fn time_outs_of_the_stream_hold() {
    let authority = Authority::new();
    let url = format!("wss://localhost:{}/", start(Server::Tokio, authority.server(&["localhost"])));
    let request = ClientRequest::new(&url).unwrap();
    within(move || {
        let mut socket = blocking::connect_with(request, &Config::new(), &authority.client()).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1)));
        assert!(matches!(socket.next(), Err(blocking::Error::TimedOut)));
        assert!(!socket.is_over());
        let message = "x".repeat(1 << 20);
        socket.text(&message).unwrap();
        loop {
            match socket.next() {
                Ok(event) => break assert_eq!(event, Some(Event::Text(&message))),
                Err(blocking::Error::TimedOut) => assert!(!socket.is_over()),
                Err(error) => panic!("{error}"),
            }
        }
    });
}

/// Nor has a write: what was taken goes out with the flush, which says whether it did.
#[test]
fn time_outs_of_writes_lose_nothing() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let (server, is_full) = (authority.server(&["localhost"]), mpsc::channel());
    let reading = thread::spawn(move || {
        let stream = StreamOwned::new(ServerConnection::new(server).unwrap(), listener.accept().unwrap().0);
        let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new()).unwrap();
        let mut bytes = vec![0; is_full.1.recv().unwrap()];
        socket.stream().read_exact(&mut bytes).unwrap();
        assert!(bytes.iter().enumerate().all(|(n, byte)| *byte == u8::try_from(n % 250).unwrap()));
    });
    let request = ClientRequest::new(&url).unwrap();
    within(move || {
        let mut socket = blocking::connect_with(request, &Config::new(), &authority.client()).unwrap();
        let stream = socket.stream();
        stream.tcp().set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        let chunk: Vec<u8> = (0..=249).cycle().take(50_000).collect();
        let mut taken = 0;
        loop {
            taken += stream.write(&chunk[taken % 250..]).unwrap();
            if let Err(error) = stream.flush() {
                assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
                break;
            }
        }
        is_full.0.send(taken).unwrap();
        while stream.flush().is_err() {}
        reading.join().unwrap();
    });
}

/// Short reads, short writes and waits at every turn, also in the handshake.
#[test]
fn crumbs_will_do() {
    let authority = Authority::new();
    for server in SERVERS {
        let url = format!("wss://localhost:{}/", start(server, authority.server(&["localhost"])));
        let (request, tls) = (ClientRequest::new(&url).unwrap(), authority.client());
        let code = within(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let stream = TcpStream::connect((request.uri().host(), request.uri().port())).await.unwrap();
                let io = Crumbs { io: Tokio::new(stream), turn: 0 };
                as_task(poll::client_tls(io, request, &Config::new(), &tls).await.unwrap()).await
            })
        });
        assert_eq!(code.unwrap(), CloseCode::NORMAL, "{server:?}");
    }
}

/// Futures that are given up again and again lose nothing.
#[test]
fn given_up_futures_lose_nothing() {
    let authority = Authority::new();
    let url = format!("wss://localhost:{}/", start(Server::Tokio, authority.server(&["localhost"])));
    let (request, tls) = (ClientRequest::new(&url).unwrap(), authority.client());
    within(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = TcpStream::connect((request.uri().host(), request.uri().port())).await.unwrap();
            let io = Crumbs { io: Tokio::new(stream), turn: 0 };
            let mut socket = poll::client_tls(io, request, &Config::new(), &tls).await.unwrap();
            for message in messages().take(7) {
                socket.queue(|writer| writer.text(&message)).unwrap();
                while tokio::time::timeout(Duration::from_micros(1), socket.flush()).await.is_err() {}
                let echo = loop {
                    if let Ok(event) = tokio::time::timeout(Duration::from_micros(1), socket.next()).await {
                        break event.unwrap().map(Message::from);
                    }
                };
                assert_eq!(echo, Some(Message::Text(message)));
            }
        });
    });
}

/// A stream that gives and takes little at a time, and lets wait every third time.
struct Crumbs {
    io: Tokio<TcpStream>,
    turn: usize,
}

impl Crumbs {
    /// How much goes through now.
    fn poll_size(&mut self, cx: &Context<'_>) -> Poll<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Slowly through the handshake.
        Poll::Ready(if self.turn < 2000 { 1 + self.turn % 7 } else { 1 + self.turn % 10_007 })
    }
}

impl Io for Crumbs {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = ready!(self.poll_size(cx)).min(buffer.len());
        self.io.poll_read(cx, &mut buffer[..n])
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let n = ready!(self.poll_size(cx));
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
        self.io.poll_write(cx, &[IoSlice::new(&first[..n.min(first.len())])])
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_size(cx));
        self.io.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_size(cx));
        self.io.poll_close(cx)
    }

    fn now(&self) -> Option<Duration> {
        self.io.now()
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        self.io.poll_sleep(cx, deadline)
    }
}
