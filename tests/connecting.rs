//! Clients that are given a URL, and what both ends know once they are connected.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, timeout};
use ws_proto::handshake::{ClientRequest, OriginPolicy, Rejected, RequestError, accept_key};
use ws_proto::poll::{Error, Io, Socket};
use ws_proto::{Config, Event, blocking, futures, tokio as ws};

/// Echoes one message.
async fn echo<T: Io>(mut socket: Socket<T>) {
    let text = match socket.next().await.unwrap() {
        Some(Event::Text(text)) => text.to_owned(),
        other => panic!("{other:?}"),
    };
    socket.text(&text).await.unwrap();
    while socket.next().await.unwrap().is_some() {}
}

async fn dial(host: &str, port: u16) -> io::Result<futures::Futures<smol::net::TcpStream>> {
    Ok(futures::Futures::new(smol::net::TcpStream::connect((host, port)).await?))
}

/// A name, and addresses of both families; over a stream that the caller opens.
#[test]
fn hosts_of_all_kinds() {
    smol::block_on(async {
        for (bind, host) in [("127.0.0.1:0", "127.0.0.1"), ("127.0.0.1:0", "localhost"), ("[::1]:0", "[::1]")] {
            let listener = match smol::net::TcpListener::bind(bind).await {
                Ok(listener) => listener,
                Err(error) if bind.starts_with('[') && error.kind() == io::ErrorKind::AddrNotAvailable => {
                    eprintln!("this machine has no IPv6: {error}");
                    continue;
                }
                Err(error) => panic!("{bind}: {error}"),
            };
            let url = format!("ws://{host}:{}/", listener.local_addr().unwrap().port());
            let serving = smol::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let io = futures::Futures::new(stream);
                echo(futures::accept(io, OriginPolicy::Any, &Config::new()).await.unwrap()).await;
            });
            let mut socket = futures::connect(&url, &Config::new(), dial).await.unwrap();
            socket.text(host).await.unwrap();
            assert_eq!(socket.next().await.unwrap(), Some(Event::Text(host)));
            drop(socket);
            drop(serving);
        }
    });
}

#[test]
fn what_fails_is_named() {
    smol::block_on(async {
        let nobody = async |_: &str, _: u16| Err::<futures::Futures<smol::net::TcpStream>, _>(nobody_there());
        let failed = futures::connect("ws://127.0.0.1:1/", &Config::new(), nobody).await;
        assert!(matches!(&failed, Err(Error::Io(error)) if error.kind() == nobody_there().kind()), "{failed:?}");
        // No stream is opened for a request that is none.
        let never = async |_: &str, _: u16| -> io::Result<futures::Futures<smol::net::TcpStream>> { panic!("dialled") };
        let failed = futures::connect("http://127.0.0.1:1/", &Config::new(), never).await;
        assert!(matches!(failed, Err(Error::Request(RequestError::BadScheme))), "{failed:?}");
    });
}

fn nobody_there() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

/// The time to connect counts: a server whose backlog is full does not answer.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let wait = Duration::from_millis(100);
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, wait) {
        waiting.push(stream);
        assert!(waiting.len() < 10, "the backlog is full at last");
    }
    let config = Config::new().opening_timeout(Some(Duration::from_secs(3)));
    let (url, start) = (format!("ws://{address}/"), Instant::now());
    let connected = timeout(Duration::from_secs(60), ws::connect(&url, &config)).await.expect("an end");
    assert!(matches!(connected, Err(Error::TimedOut)), "{connected:?}");
    assert_eq!(start.elapsed().as_secs(), 3);
}

/// What was agreed on is known at both ends, in every driver.
#[cfg(feature = "deflate")]
#[tokio::test]
async fn the_agreement() {
    use ws_proto::deflate::{Agreement, Compression};

    let with = Config::new().compression(Compression::new().inbound_takeover(false));
    for (client, server, agreed) in [(&with, &with, true), (&with, &Config::new(), false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let serving = {
            let server = server.clone();
            tokio::spawn(async move {
                let mut known = Vec::new();
                for driver in 0..3 {
                    let (stream, _) = listener.accept().await.unwrap();
                    known.push(match driver {
                        0 => ws::accept(stream, OriginPolicy::Any, &server).await.unwrap().agreement(),
                        1 => {
                            let stream = smol::Async::new(stream.into_std().unwrap()).unwrap();
                            let io = futures::Futures::new(stream);
                            futures::accept(io, OriginPolicy::Any, &server).await.unwrap().agreement()
                        }
                        _ => {
                            let (stream, server) = (stream.into_std().unwrap(), server.clone());
                            let accepting = move || {
                                stream.set_nonblocking(false).unwrap();
                                blocking::accept(stream, OriginPolicy::Any, &server).unwrap().agreement()
                            };
                            tokio::task::spawn_blocking(accepting).await.unwrap()
                        }
                    });
                }
                known
            })
        };
        let mut known = vec![
            ws::connect(&url, client).await.unwrap().agreement(),
            futures::connect(&url, client, dial).await.unwrap().agreement(),
        ];
        let client = client.clone();
        let connecting = move || blocking::connect(&url, &client).unwrap().agreement();
        known.push(tokio::task::spawn_blocking(connecting).await.unwrap());
        known.extend(serving.await.unwrap());
        // The window is a server's default.
        let lean = Agreement {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: None,
            client_max_window_bits: Some(12),
        };
        assert_eq!(known, [agreed.then_some(lean); 6]);
    }
}

/// They can be spawned on runtimes with many threads.
#[test]
fn connecting_is_send() {
    fn is_send<F: Future + Send>(_: F) {}
    let config = Config::new();
    is_send(ws::connect("", &config));
    is_send(futures::connect("", &config, dial));
    is_send(futures::connect("", &config, async |host: &str, port| dial(host, port).await));
}

// --- refused upgrades, in every driver (K-12) ---

const PARTS: Duration = Duration::from_millis(50);

/// What came of a request, and of a second one on the same stream if there was one.
#[derive(Debug)]
struct Asked {
    status: Option<u16>,
    body: Vec<u8>,
    is_complete: bool,
    /// Whether the second request opened a connection, if the stream was handed back for it.
    again: Option<bool>,
}

impl Asked {
    fn new(response: &Rejected, again: Option<bool>) -> Self {
        let (body, is_complete) = (response.body().to_vec(), response.is_complete());
        Self { status: response.status(), body, is_complete, again }
    }
}

/// A server that sends `parts`, with a pause between any two, and then, if asked again on the same stream, accepts.
fn refuses(parts: &'static [&'static [u8]], ends: bool) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        read_head(&mut stream);
        for part in parts {
            stream.write_all(part).unwrap();
            thread::sleep(PARTS);
        }
        if ends {
            return;
        }
        let head = read_head(&mut stream);
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        if let Some(key) = key {
            assert!(head.contains("Authorization: Basic dTpw\r\n"));
            let accept = accept_key(key.as_bytes());
            let accept = str::from_utf8(&accept).unwrap();
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            read_head(&mut stream); // to the end
        }
    });
    (address, serving)
}

/// A head, or what there is before the end of the stream.
fn read_head(stream: &mut std::net::TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn asks(address: SocketAddr) -> ClientRequest {
    ClientRequest::new(&format!("ws://{address}/")).unwrap()
}

fn ask_by_threads(address: SocketAddr, config: &Config) -> Asked {
    let stream = std::net::TcpStream::connect(address).unwrap();
    let refused = blocking::try_client(stream, asks(address), config).unwrap().unwrap_err();
    let response = Asked::new(refused.response(), None);
    let again = refused
        .into_stream()
        .ok()
        .map(|stream| blocking::client(stream, asks(address).header("Authorization", "Basic dTpw"), config).is_ok());
    Asked { again, ..response }
}

async fn ask_by_tasks<T: Io + std::fmt::Debug>(io: T, address: SocketAddr, config: &Config) -> Asked {
    let refused = ws_proto::poll::try_client(io, asks(address), config).await.unwrap().unwrap_err();
    let response = Asked::new(refused.response(), None);
    let again = match refused.into_stream() {
        Ok(io) => {
            let request = asks(address).header("Authorization", "Basic dTpw");
            Some(ws_proto::poll::client(io, request, config).await.is_ok())
        }
        Err(_) => None,
    };
    Asked { again, ..response }
}

/// One after the other, in all drivers.
fn ask_all(parts: &'static [&'static [u8]], ends: bool, config: &Config) -> [Asked; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (address, serving) = refuses(parts, ends);
    let threads = ask_by_threads(address, config);
    serving.join().unwrap();
    let (address, serving) = refuses(parts, ends);
    let tokio = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        ask_by_tasks(ws::Tokio::new(stream), address, config).await
    });
    serving.join().unwrap();
    let (address, serving) = refuses(parts, ends);
    let smol = smol::block_on(async {
        let stream = smol::net::TcpStream::connect(address).await.unwrap();
        let io = futures::Futures::new(stream).with_sleep(|time| {
            Box::pin(async move {
                smol::Timer::after(time).await;
            })
        });
        ask_by_tasks(io, address, config).await
    });
    serving.join().unwrap();
    [threads, tokio, smol]
}

#[test]
fn k_12_a_refused_upgrade_gives_its_body_and_the_stream_in_every_driver() {
    type Row = (&'static str, &'static [&'static [u8]], bool, u16, &'static [u8], bool, Option<bool>);
    const ROWS: &[Row] = &[
        (
            "a length",
            &[b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\n", b"{\"error\"", b":42}"],
            false,
            401,
            b"{\"error\":42}",
            true,
            Some(true),
        ),
        (
            "chunks",
            &[
                b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsi",
                b"gn\r\n3\r\n in\r\n0\r",
                b"\n\r\n",
            ],
            false,
            401,
            b"sign in",
            true,
            Some(true),
        ),
        (
            "no body",
            &[b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n"],
            false,
            307,
            b"",
            true,
            Some(true),
        ),
        ("to the end", &[b"HTTP/1.1 403 Forbidden\r\n\r\n", b"not", b" here"], true, 403, b"not here", true, None),
        ("cut off", &[b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot"], true, 403, b"not", false, None),
        (
            "above the limit",
            &[b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n0123456789", b"0123456789"],
            true,
            404,
            b"0123456789012345",
            false,
            None,
        ),
    ];
    let config = Config::new().max_body(16);
    for (name, parts, ends, status, body, is_complete, again) in ROWS {
        for (driver, asked) in ["threads", "tokio", "smol"].iter().zip(ask_all(parts, *ends, &config)) {
            assert_eq!(asked.status, Some(*status), "{name}, {driver}");
            assert_eq!((&asked.body[..], asked.is_complete), (*body, *is_complete), "{name}, {driver}");
            assert_eq!(asked.again, *again, "{name}, {driver}");
        }
    }
}

/// A body that trickles in: what is there when the time is over.
#[test]
fn k_12_a_body_has_the_opening_time_in_every_driver() {
    const PARTS: &[&[u8]] = &[b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\n", b"a", b"b", b"c"];
    let config = Config::new().opening_timeout(Some(Duration::from_millis(400)));
    for asked in ask_all(PARTS, false, &config) {
        assert_eq!((asked.status, &asked.body[..]), (Some(503), &b"abc"[..]));
        assert!(!asked.is_complete && asked.again.is_none());
    }
}
