//! Clients that are given a URL, and what both ends know once they are connected.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, timeout};
use ws_proto::handshake::{OriginPolicy, RequestError};
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
