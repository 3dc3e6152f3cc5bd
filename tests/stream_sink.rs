//! The other faces of a socket: streams and sinks of messages, streams of bytes, an answer that is awaited.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use driver::{Pipe, Scripted, Wakes, complete, connection, letters, lock, outgoing, owned, pattern, receive_all};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use futures_sink::Sink;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use ws_proto::handshake::{Answer, ClientRequest, OriginPolicy};
use ws_proto::poll::{self, Error, Incoming, Io};
use ws_proto::tokio::{self as ws, Socket, Tokio};
use ws_proto::{CloseCode, Config, Event, Message, Role, SendError, futures};

/// Both ends over a pipe of tokio.
fn sockets(buffer: usize, config: &Config) -> (Socket<DuplexStream>, Socket<DuplexStream>) {
    let (near, far) = duplex(buffer);
    let socket = |role, stream| Socket::new(Tokio::new(stream), connection(role, config), b"", config);
    (socket(Role::Client, near), socket(Role::Server, far))
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

async fn send<S: Sink<Message, Error = Error> + Unpin>(sink: &mut S, message: Message) -> Result<(), Error> {
    poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)).await?;
    Pin::new(&mut *sink).start_send(message)
}

async fn flush<S: Sink<Message, Error = Error> + Unpin>(sink: &mut S) -> Result<(), Error> {
    poll_fn(|cx| Pin::new(&mut *sink).poll_flush(cx)).await
}

async fn close<S: Sink<Message, Error = Error> + Unpin>(sink: &mut S) -> Result<(), Error> {
    poll_fn(|cx| Pin::new(&mut *sink).poll_close(cx)).await
}

/// What `StreamExt::forward` does: flush while there is nothing to forward, close at the end.
async fn forward<S, T>(mut stream: S, mut sink: T) -> Result<(), Error>
where
    S: Stream<Item = Result<Message, Error>> + Unpin,
    T: Sink<Message, Error = Error> + Unpin,
{
    let next_or_flushed = |stream: &mut S, sink: &mut T, cx: &mut Context<'_>| {
        let next = Pin::new(stream).poll_next(cx);
        if next.is_pending() {
            let _ = Pin::new(sink).poll_flush(cx)?;
        }
        next.map(Ok::<_, Error>)
    };
    while let Some(message) = poll_fn(|cx| next_or_flushed(&mut stream, &mut sink, cx)).await? {
        send(&mut sink, message?).await?;
    }
    close(&mut sink).await
}

// --- messages ---

/// A relay between two connections, each a stream and a sink; every message comes out at the other end, close included.
#[tokio::test]
async fn forwarding() {
    for buffer in [10, 10_000] {
        let config = Config::new().max_pending(50);
        let (mut client, front) = sockets(buffer, &config);
        let (back, mut server) = sockets(buffer, &config);
        let (front_stream, front_sink) = front.split();
        let (back_stream, back_sink) = back.split();
        let up = tokio::spawn(forward(front_stream, back_sink));
        let down = tokio::spawn(forward(back_stream, front_sink));
        let serving = tokio::spawn(async move {
            let mut got = Vec::new();
            while let Some(message) = next(&mut server).await {
                let message = message.unwrap();
                if matches!(message, Message::Text(_) | Message::Binary(_)) {
                    send(&mut server, message.clone()).await.unwrap();
                    flush(&mut server).await.unwrap();
                    got.push(message);
                } else if let Message::Close(_) = message {
                    got.push(message);
                }
            }
            (got, server.closed().unwrap().clean)
        });
        let mut sent = Vec::new();
        for i in 0..50 {
            let message =
                if i % 2 == 0 { Message::Text(letters(i, i * 5)) } else { Message::Binary(pattern(i, i * 7)) };
            send(&mut client, message.clone()).await.unwrap();
            send(&mut client, Message::Ping(b"?".into())).await.unwrap();
            flush(&mut client).await.unwrap();
            loop {
                match next(&mut client).await.unwrap().unwrap() {
                    Message::Ping(_) | Message::Pong(_) => {}
                    echo => break assert_eq!(echo, message),
                }
            }
            sent.push(message);
        }
        timeout(Duration::from_secs(5), close(&mut client)).await.expect("an end").unwrap();
        assert!(next(&mut client).await.is_none());
        assert!(next(&mut client).await.is_none(), "fused");
        assert!(client.closed().unwrap().clean);
        up.await.unwrap().unwrap();
        sent.push(Message::Close(Some((CloseCode::NORMAL, String::new()))));
        assert_eq!(serving.await.unwrap(), (sent, true));
        // The way back ends with the answer to that, which may come before the last pong.
        let down = down.await.unwrap();
        assert!(matches!(down, Ok(()) | Err(Error::Send(SendError::Closed))), "{down:?}");
    }
}

/// The stream and the sink of one socket in two tasks, as `StreamExt::split` has it: each is woken for its own.
#[tokio::test(start_paused = true)]
async fn a_stream_and_a_sink_in_two_tasks() {
    let config = Config::new().keepalive(Some(Duration::from_secs(30))).pong_timeout(Duration::from_secs(20));
    let (socket, mut peer) = sockets(200, &config);
    let stream = Arc::new(Mutex::new(socket));
    let sink = Arc::clone(&stream);
    let start = tokio::time::Instant::now();
    let receiving = tokio::spawn(async move {
        let mut got = Vec::new();
        loop {
            match poll_fn(|cx| Pin::new(&mut *lock(&stream)).poll_next(cx)).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => got.push(message),
                Some(Err(Error::TimedOut)) => return (got, start.elapsed()),
                other => panic!("{other:?}"),
            }
        }
    });
    tokio::task::yield_now().await;
    let sending = tokio::spawn(async move {
        for i in 0..10 {
            poll_fn(|cx| Pin::new(&mut *lock(&sink)).poll_ready(cx)).await?;
            Pin::new(&mut *lock(&sink)).start_send(letters(i, 300).into())?;
            poll_fn(|cx| Pin::new(&mut *lock(&sink)).poll_flush(cx)).await?;
        }
        Ok::<_, Error>(())
    });
    tokio::task::yield_now().await;
    // The sink waits, and the stream does: what comes is for the stream.
    let mut expected = Vec::new();
    for i in 0..20 {
        let message = Message::Text(letters(i, 10));
        send(&mut peer, message.clone()).await.unwrap();
        flush(&mut peer).await.unwrap();
        expected.push(message);
        if i % 2 == 1 {
            assert_eq!(next(&mut peer).await.unwrap().unwrap(), letters(i / 2, 300).into());
        }
    }
    sending.await.unwrap().unwrap();
    // The sink is done. The deadline of a peer that vanished is for the stream, too.
    let (got, time) = timeout(Duration::from_secs(60), receiving).await.expect("woken").unwrap();
    assert_eq!(got, expected);
    assert!(time >= Duration::from_secs(50) && time < Duration::from_secs(51), "{time:?}");
}

/// A sink that is not ready takes no message; what `start_send` takes is not refused, whatever happened since
/// `poll_ready`.
#[test]
fn a_sink_that_waits() {
    let config = Config::new().max_pending(20);
    let io = Scripted::new(b"", 100, 100, false);
    io.script().room = 0;
    let socket = poll::Socket::new(io.clone(), connection(Role::Server, &config), b"", &config);
    let (mut receiver, mut sender) = socket.split();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut sender).poll_ready(cx).is_ready());
    Pin::new(&mut sender).start_send(letters(0, 10).into()).unwrap();
    assert!(Pin::new(&mut sender).poll_ready(cx).is_ready());
    // Between the two the other half answers pings: the limit is reached.
    let mut peer = driver::peer_of(Role::Server);
    for payload in [b"0123456789", b"9876543210"] {
        peer.split().1.ping(payload).unwrap();
        io.push(&outgoing(&mut peer));
        assert!(matches!(complete(receiver.next()), Ok(Some(Event::Ping(_)))));
    }
    Pin::new(&mut sender).start_send(letters(1, 10).into()).unwrap();
    assert!(Pin::new(&mut sender).poll_ready(cx).is_pending(), "full");
    assert!(Pin::new(&mut sender).poll_flush(cx).is_pending());
    io.make_room(1000);
    complete(flush(&mut sender)).unwrap();
    complete(send(&mut sender, "last".into())).unwrap();
    complete(close(&mut sender)).unwrap();
    let got = receive_all(peer.split().0, &io.script().output);
    let texts: Vec<_> = got.iter().filter(|message| matches!(message, Message::Text(_))).cloned().collect();
    assert_eq!(texts, [letters(0, 10).into(), letters(1, 10).into(), "last".into()]);
    assert!(got.contains(&Message::Pong(b"9876543210".into())), "the newest is answered");
    assert!(matches!(got.last(), Some(Message::Close(_))));
}

/// A close that waits for the peer's is not polled for nothing.
#[test]
fn a_sink_that_closes_rests() {
    let config = Config::new();
    let (near, far) = Pipe::pair(1000);
    let mut socket = poll::Socket::new(near, connection(Role::Client, &config), b"", &config);
    let mut peer = poll::Socket::new(far, connection(Role::Server, &config), b"", &config);
    // It has waited before, as most have.
    let count = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&count));
    let cx = &mut Context::from_waker(&waker);
    assert!(Pin::new(&mut socket).poll_next(cx).is_pending());
    let mut polls = 0;
    loop {
        let before = count.count();
        assert!(Pin::new(&mut socket).poll_close(cx).is_pending());
        polls += 1;
        if count.count() == before {
            break;
        }
        assert!(polls < 10, "it wakes itself");
    }
    assert!(Pin::new(&mut socket).poll_close(cx).is_pending());
    assert!(Pin::new(&mut socket).poll_close(cx).is_pending());
    let before = count.count();
    assert!(matches!(complete(peer.next()), Ok(Some(Event::Close(_)))));
    assert!(matches!(complete(peer.next()), Ok(None)));
    assert!(count.count() > before);
    complete(close(&mut socket)).unwrap();
    assert!(socket.closed().unwrap().clean);
}

#[tokio::test]
async fn a_sink_that_is_over() {
    let (mut client, server) = sockets(1000, &Config::new());
    drop(server);
    let ended = next(&mut client).await;
    assert!(matches!(ended, Some(Err(Error::Protocol(ws_proto::Error::UnexpectedEof)))), "{ended:?}");
    assert!(next(&mut client).await.is_none());
    let refused = send(&mut client, "over".into()).await;
    assert!(matches!(refused, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{refused:?}");
    close(&mut client).await.unwrap();
}

// --- bytes ---

/// A mebibyte each way at once, in pieces that fit nothing, and the end.
async fn both_ways<S>(near: S, far: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (near, far) = (tokio::spawn(one_end(near, 1, 2)), tokio::spawn(one_end(far, 2, 1)));
    let (mut near, mut far) = (near.await.unwrap(), far.await.unwrap());
    let reading = tokio::spawn(async move {
        assert_eq!(far.read(&mut [0; 10]).await.unwrap(), 0, "the end");
        assert_eq!(far.read(&mut [0; 10]).await.unwrap(), 0, "still");
        let late = far.write(b"late").await;
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
    near.shutdown().await.unwrap();
    assert_eq!(near.read(&mut [0; 10]).await.unwrap(), 0, "the end");
    reading.await.unwrap();
}

async fn one_end<S>(stream: S, says: usize, of: usize) -> S
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (mut reader, mut writer) = split(stream);
    let writing = tokio::spawn(async move {
        for piece in pattern(says, MEBIBYTE).chunks(70_001) {
            writer.write_all(piece).await.unwrap();
        }
        writer.flush().await.unwrap();
        writer
    });
    let mut heard = vec![0; MEBIBYTE];
    let mut at = 0;
    while at < MEBIBYTE {
        let most = (at + 5003).min(MEBIBYTE);
        at += reader.read(&mut heard[at..most]).await.unwrap();
    }
    assert!(heard == pattern(of, MEBIBYTE));
    reader.unsplit(writing.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_with_tokio() {
    let (client, server) = sockets(4000, &Config::new().max_pending(10_000));
    both_ways(client.into_bytes(), server.into_bytes()).await;
}

/// A tunnel of bytes, in its middle a connection that others forward with `copy_bidirectional`.
#[tokio::test]
async fn a_tunnel() {
    let (client, server) = sockets(1000, &Config::new());
    let (mut outside, mut entry) = duplex(100);
    let (mut exit, mut inside) = duplex(100);
    let entering = tokio::spawn(async move { copy_bidirectional(&mut entry, &mut client.into_bytes()).await });
    let leaving = tokio::spawn(async move { copy_bidirectional(&mut server.into_bytes(), &mut exit).await });
    let echo = tokio::spawn(async move {
        let mut bytes = vec![0; 10_000];
        inside.read_exact(&mut bytes).await.unwrap();
        inside.write_all(&bytes).await.unwrap();
        assert_eq!(inside.read(&mut bytes).await.unwrap(), 0);
        inside
    });
    let sent = pattern(3, 10_000);
    let (mut reading, mut writing) = split(outside);
    let said = sent.clone();
    let writing = tokio::spawn(async move { writing.write_all(&said).await.map(|()| writing) });
    let mut back = vec![0; 10_000];
    reading.read_exact(&mut back).await.unwrap();
    assert!(back == sent);
    outside = reading.unsplit(writing.await.unwrap().unwrap());
    outside.shutdown().await.unwrap();
    drop(echo.await.unwrap());
    assert_eq!(entering.await.unwrap().unwrap(), (10_000, 10_000));
    assert_eq!(leaving.await.unwrap().unwrap(), (10_000, 10_000));
}

/// A WebSocket inside a WebSocket, handshake and all, and bytes in that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_in_a_socket() {
    let config = Config::new();
    let (client, server) = sockets(3000, &config);
    let accepting =
        tokio::spawn(async move { ws::accept(server.into_bytes(), OriginPolicy::Any, &Config::new()).await });
    let request = ClientRequest::new("ws://localhost/inner").unwrap();
    let mut inner = ws::client(client.into_bytes(), request, &config).await.unwrap();
    let mut server = accepting.await.unwrap().unwrap();
    inner.text("through two").await.unwrap();
    assert_eq!(owned(server.next().await.unwrap()), Some("through two".into()));
    both_ways(inner.into_bytes(), server.into_bytes()).await;
}

/// The borders of messages mean nothing, text is bytes, and control frames do not show.
#[test]
fn bytes_of_messages() {
    let mut peer = driver::peer_of(Role::Client);
    let (_, writer) = peer.split();
    writer.binary(b"one").unwrap();
    writer.ping(b"?").unwrap();
    writer.binary(b"").unwrap();
    writer.text("two").unwrap();
    writer.pong(b"!").unwrap();
    writer.binary(b"three").unwrap();
    let wire = outgoing(&mut peer);
    for (read, stutter) in [(1, true), (3, false), (1000, true)] {
        let config = Config::new();
        let io = Scripted::new(&wire, read, 1000, stutter);
        let traits = futures::Futures::new(Traits(io.clone()));
        let mut bytes = poll::Socket::new(traits, connection(Role::Client, &config), b"", &config).into_bytes();
        let mut all = Vec::<u8>::new();
        while all.len() < 11 {
            let mut buffer = [0; 4];
            let n = complete(poll_fn(|cx| Pin::new(&mut bytes).poll_read(cx, &mut buffer))).unwrap();
            all.extend(&buffer[..n]);
        }
        assert_eq!(all, b"onetwothree");
        // Nothing is lost to who goes on with messages.
        peer.split().1.text("message").unwrap();
        io.push(&outgoing(&mut peer));
        let mut socket = bytes.into_inner();
        assert_eq!(owned(complete(socket.next()).unwrap()), Some("message".into()));
    }
}

/// A writer of bytes that nobody reads to answers pings, and does not lose what it is asked meanwhile.
#[tokio::test]
async fn bytes_that_are_only_written() {
    let (client, mut server) = sockets(1000, &Config::new());
    let mut bytes = client.into_bytes();
    server.ping(b"there?").await.unwrap();
    server.binary(b"kept").await.unwrap();
    bytes.write_all(b"some").await.unwrap();
    bytes.write_all(b"more").await.unwrap();
    bytes.flush().await.unwrap();
    let mut got = Vec::new();
    while got.len() < 3 {
        let message = timeout(Duration::from_secs(5), server.next()).await.expect("a pong").unwrap();
        got.push(owned(message).unwrap());
    }
    assert!(got.contains(&Message::Pong(b"there?".into())), "{got:?}");
    let mut kept = [0; 4];
    bytes.read_exact(&mut kept).await.unwrap();
    assert_eq!(&kept, b"kept");
}

/// The end without a close frame is an error to a reader of bytes: something may be missing.
#[tokio::test]
async fn bytes_that_are_cut() {
    let (client, mut server) = sockets(1000, &Config::new());
    server.binary(b"half").await.unwrap();
    drop(server);
    let mut all = Vec::new();
    let cut = client.into_bytes().read_to_end(&mut all).await;
    assert_eq!((cut.unwrap_err().kind(), &all[..]), (io::ErrorKind::UnexpectedEof, &b"half"[..]));
}

/// Nothing to write is no message.
#[tokio::test]
async fn no_bytes() {
    let (client, mut server) = sockets(1000, &Config::new());
    let mut bytes = client.into_bytes();
    assert_eq!(bytes.write(b"").await.unwrap(), 0);
    bytes.write_all(b"some").await.unwrap();
    assert_eq!(owned(server.next().await.unwrap()), Some(b"some".to_vec().into()));
}

/// The traits of futures-io, over the same.
#[test]
fn bytes_with_smol() {
    use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let stream = smol::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let accepting = smol::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            futures::accept(futures::Futures::new(stream), OriginPolicy::Any, &Config::new()).await.unwrap()
        });
        let request = ClientRequest::new(&url).unwrap();
        let client = futures::client(futures::Futures::new(stream), request, &Config::new()).await.unwrap();
        let server = accepting.await;
        let end = |bytes: poll::Bytes<futures::Futures<smol::net::TcpStream>>, says, of| async move {
            let (mut reader, mut writer) = smol::io::split(bytes);
            let writing = smol::spawn(async move {
                writer.write_all(&pattern(says, MEBIBYTE)).await.unwrap();
                writer.flush().await.unwrap();
                writer
            });
            let mut heard = vec![0; MEBIBYTE];
            reader.read_exact(&mut heard).await.unwrap();
            assert!(heard == pattern(of, MEBIBYTE));
            (reader, writing.await)
        };
        let far = smol::spawn(end(server.into_bytes(), 2, 1));
        let (mut reader, mut writer) = end(client.into_bytes(), 1, 2).await;
        let (mut far_reader, _far_writer) = far.await;
        let ending = smol::spawn(async move { far_reader.read(&mut [0; 10]).await });
        writer.close().await.unwrap();
        assert_eq!(ending.await.unwrap(), 0);
        assert_eq!(reader.read(&mut [0; 10]).await.unwrap(), 0);
    });
}

// --- opening ---

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/room?id=1", listener.local_addr().unwrap());
    (listener, url)
}

async fn receive_request(listener: &TcpListener) -> Incoming<Tokio<TcpStream>> {
    let (stream, _) = listener.accept().await.unwrap();
    ws::receive_request(stream, OriginPolicy::Any, &Config::new()).await.unwrap()
}

/// The decision may be awaited; what the client sends meanwhile is not lost.
#[tokio::test]
async fn an_answer_that_is_awaited() {
    let (listener, url) = listen().await;
    let serving = tokio::spawn(async move {
        let Incoming::Upgrade(upgrade) = receive_request(&listener).await else { panic!("an upgrade") };
        assert_eq!(upgrade.request().target(), "/room?id=1");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut socket = upgrade.accept(&Answer::new().protocol("chat")).await.unwrap();
        assert_eq!(socket.protocol(), Some("chat"));
        assert_eq!(owned(socket.next().await.unwrap()), Some("too early".into()));
        socket.text("welcome").await.unwrap();
        while socket.next().await.unwrap().is_some() {}
    });
    // A client that does not wait for the answer.
    let request = ClientRequest::new(&url).unwrap().protocol("chat");
    let mut client =
        ws_proto::handshake::Client::new(request.clone(), &Config::new(), ws_proto::Seed::from_os().unwrap()).unwrap();
    let mut stream = TcpStream::connect((request.uri().host(), request.uri().port())).await.unwrap();
    let head = client.outgoing().to_vec();
    stream.write_all(&[&head[..], b"\x81\x89\0\0\0\0too early"].concat()).await.unwrap();
    let mut buffer = [0; 1000];
    let (mut start, mut end) = (0, 0);
    let response = loop {
        let n = stream.read(&mut buffer[end..]).await.unwrap();
        assert_ne!(n, 0);
        end += n;
        let mut input = &mut buffer[start..end];
        let found = client.receive(&mut input).unwrap();
        start = end - input.len();
        if let Some(response) = found {
            break response;
        }
    };
    let config = Config::new();
    let mut socket = Socket::new(Tokio::new(stream), response.into_connection(), &buffer[start..end], &config);
    assert_eq!(owned(socket.next().await.unwrap()), Some("welcome".into()));
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    while socket.next().await.unwrap().is_some() {}
    serving.await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_is_awaited() {
    let (listener, url) = listen().await;
    let serving = tokio::spawn(async move {
        let Incoming::Upgrade(upgrade) = receive_request(&listener).await else { panic!("an upgrade") };
        tokio::task::yield_now().await;
        upgrade.reject(403, &[("X-Why", "because")], b"not you").await.unwrap();
    });
    let Err(Error::Rejected(rejected)) = ws::connect(&url, &Config::new()).await else { panic!("refused") };
    assert_eq!(rejected.status(), Some(403));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_page() {
    let (listener, url) = listen().await;
    let serving = tokio::spawn(async move {
        let Incoming::Plain(plain) = receive_request(&listener).await else { panic!("a plain request") };
        assert_eq!(plain.request().target(), "/page");
        plain.respond(200, &[("Content-Type", "text/plain")], b"Hello").await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        ws::accept(stream, OriginPolicy::Any, &Config::new()).await.map(drop)
    });
    let address = url.split('/').nth(2).unwrap().to_owned();
    let mut page = String::new();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("\r\n\r\nHello"), "{page}");
    // Who only serves WebSockets says so.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    page.clear();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 426 "), "{page}");
    assert!(matches!(serving.await.unwrap(), Err(Error::Handshake(_))));
}

/// What came with the response is the first message, however it is cut.
#[test]
fn left_over_bytes() {
    for read in [1, 7, 100, 1000] {
        let config = Config::new();
        let io = Scripted::new(b"", read, 1000, false);
        let request = ClientRequest::new("ws://localhost/").unwrap();
        let mut connecting = Box::pin(poll::client(io.clone(), request, &config));
        assert!(driver::run(connecting.as_mut()).is_none());
        let asked = io.script().output.clone();
        let answering = Scripted::new(&asked, 1000, 1000, false);
        drop(complete(poll::accept(answering.clone(), OriginPolicy::Any, &config)).unwrap());
        let answer = answering.script().output.clone();
        io.push(&[&answer[..], b"\x81\x05first\x81\x06second"].concat());
        let mut socket = complete(connecting).unwrap();
        assert_eq!(owned(complete(socket.next()).unwrap()), Some("first".into()), "{read}");
        assert_eq!(owned(complete(socket.next()).unwrap()), Some("second".into()), "{read}");
    }
}

/// async-std has the traits of futures-io. It is no longer maintained, so this is all.
#[test]
fn async_std_works() {
    use async_std::net::{TcpListener, TcpStream};
    async_std::task::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let io =
            |stream: TcpStream| futures::Futures::new(stream).with_sleep(|time| Box::pin(async_std::task::sleep(time)));
        let serving = async_std::task::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let socket = futures::accept(io(stream), OriginPolicy::Any, &Config::new()).await.unwrap();
            let (mut receiver, mut sender) = socket.split();
            while let Some(event) = receiver.next().await.unwrap() {
                if let Event::Text(text) = event {
                    sender.text(text).await.unwrap();
                }
            }
        });
        let request = ClientRequest::new(&format!("ws://{address}/")).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let mut socket = futures::client(io(stream), request, &Config::new()).await.unwrap();
        socket.text("Hello").await.unwrap();
        assert_eq!(owned(socket.next().await.unwrap()), Some("Hello".into()));
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        while socket.next().await.unwrap().is_some() {}
        assert!(socket.closed().unwrap().clean);
        serving.await;
    });
}

/// A scripted stream with the traits of futures-io.
#[derive(Debug)]
struct Traits(Scripted);

impl AsyncRead for Traits {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Traits {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

const MEBIBYTE: usize = 1 << 20;
