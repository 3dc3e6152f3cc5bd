//! hyper and axum in the process, on loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::response::Response as AxumResponse;
use axum::routing::get;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_proto::handshake::{Answer, Client, ClientRequest, HandshakeError, OriginPolicy, Request};
use ws_proto::poll::{Error, Io, Socket};
use ws_proto::tokio::{self as ws, Tokio};
use ws_proto::{CloseCode, Config, Connection, Event, Seed};

/// Runs a test for ten seconds at most.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), test).await.expect("in time") });
}

async fn echo<T: Io>(socket: Socket<T>) {
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await.unwrap() {
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text)).unwrap(),
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes)).unwrap(),
            _ => {}
        }
    }
}

/// The routes of an application: a page, an echo, a room that is full.
async fn axum() -> SocketAddr {
    let routes = Router::new()
        .route("/", get(async || "a page"))
        .route("/echo", get(upgrade))
        .route("/full", get(async || (StatusCode::SERVICE_UNAVAILABLE, [("Retry-After", "7")], "full")));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn upgrade(mut request: AxumRequest) -> AxumResponse {
    let config = Config::new();
    let upgrade = match Request::from_http(&request, OriginPolicy::SameOrigin, &config) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return refusal.to_http().map(Body::from),
    };
    let mut answer = Answer::new().header("X-Room", "1");
    if let Some(protocol) = upgrade.choose(&["superchat"]) {
        answer = answer.protocol(protocol);
    }
    let (response, connection) = upgrade.accept_http(&answer, &config).unwrap();
    let stream = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let stream = TokioIo::new(stream.await.unwrap());
        echo(ws::Socket::new(Tokio::new(stream), connection, &[], &config)).await;
    });
    response.map(|()| Body::empty())
}

#[test]
fn axum_hands_a_connection_over() {
    run(async {
        let address = axum().await;
        let request = ClientRequest::new(&format!("ws://{address}/echo")).unwrap();
        let request = request.protocol("chat").protocol("superchat").origin(&format!("http://{address}"));
        let stream = TcpStream::connect(address).await.unwrap();
        let mut socket = ws::client(stream, request, &Config::new()).await.unwrap();
        assert_eq!(socket.protocol(), Some("superchat"));
        for len in [0, 1, 125, 126, 65_536, 1 << 20] {
            let text = "x".repeat(len);
            socket.text(&text).await.unwrap();
            assert_eq!(socket.next().await.unwrap(), Some(Event::Text(&text)));
        }
        socket.close(CloseCode::NORMAL, "done").await.unwrap();
        while socket.next().await.unwrap().is_some() {}
        assert!(socket.closed().unwrap().clean);
    });
}

#[test]
fn axum_serves_pages_and_refusals_beside_it() {
    run(async {
        let address = axum().await;
        // The rejections of an application, and of the handshake; an ordinary page is one for a WebSocket client.
        for (path, status) in [("/full", 503), ("/nowhere", 404), ("/", 200)] {
            let error = ws::connect(&format!("ws://{address}{path}"), &Config::new()).await.unwrap_err();
            let Error::Rejected(rejected) = error else { panic!("{error}") };
            assert_eq!(rejected.error(), HandshakeError::NotSwitching(status), "{path}");
            assert_eq!(rejected.header("retry-after").is_some(), status == 503, "{path}");
        }
        let request = ClientRequest::new(&format!("ws://{address}/echo")).unwrap().origin("http://evil.example");
        let stream = TcpStream::connect(address).await.unwrap();
        let Err(Error::Rejected(rejected)) = ws::client(stream, request, &Config::new()).await else { panic!() };
        assert_eq!(rejected.status(), Some(403));
        // Plain requests, one after another on a connection that stays.
        let mut stream = TcpStream::connect(address).await.unwrap();
        for (path, status) in [("/echo", "426 Upgrade Required"), ("/", "200 OK"), ("/nowhere", "404 Not Found")] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let head = head(&mut stream).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
            assert_eq!(head.contains("upgrade: websocket\r\n"), status.starts_with("426"), "{head}");
        }
    });
}

/// Reads a response, and returns its head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    head
}

/// The first frames come in one piece with the request: hyper has read them when it hands the stream over.
#[test]
fn left_over_bytes_of_hyper_are_the_first_frames() {
    run(async {
        for downcast in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { hyper(listener.accept().await.unwrap().0, downcast).await });

            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
            let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0";
            stream.write_all(&[&request[..], frames].concat()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
            assert!(answer.ends_with(b"\r\n\r\n\x81\x05Hello\x88\0"), "{}", answer.escape_ascii());
        }
    });
}

/// Serves one connection by hyper without a framework.
async fn hyper(stream: TcpStream, downcast: bool) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| async move {
        let upgrade = Request::from_http(&request, OriginPolicy::Any, &Config::new()).unwrap();
        let (response, connection) = upgrade.accept_http(&Answer::new(), &Config::new()).unwrap();
        let stream = hyper::upgrade::on(&mut request);
        tokio::spawn(handed_over(stream, connection, downcast));
        Ok::<Response<String>, Infallible>(response.map(|()| String::new()))
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.with_upgrades().await.unwrap();
}

async fn handed_over(stream: OnUpgrade, connection: Connection, downcast: bool) {
    let stream: Upgraded = stream.await.unwrap();
    if !downcast {
        // What was read comes first from the stream itself.
        return echo(ws::Socket::new(Tokio::new(TokioIo::new(stream)), connection, &[], &Config::new())).await;
    }
    let Parts { io, read_buf, .. } = stream.downcast::<TokioIo<TcpStream>>().unwrap();
    assert_eq!(read_buf.len(), 17);
    echo(ws::Socket::new(Tokio::new(io.into_inner()), connection, &read_buf, &Config::new())).await;
}

/// The other way round: hyper is the client.
#[test]
fn hyper_as_a_client_hands_a_connection_over() {
    run(async {
        let address = axum().await;
        let (mut sender, connection) = handshake(address).await;
        tokio::spawn(connection);

        let request = ClientRequest::new(&format!("ws://{address}/echo")).unwrap().protocol("superchat");
        let client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1)).unwrap();
        let request = client.to_http().unwrap().map(|()| String::new());
        let mut response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()["x-room"], HeaderValue::from_static("1"));
        let stream = hyper::upgrade::on(&mut response);
        let opened = client.receive_http(&response).unwrap();
        assert_eq!(opened.protocol(), Some("superchat"));

        let stream = Tokio::new(TokioIo::new(stream.await.unwrap()));
        let mut socket = ws::Socket::new(stream, opened.into_connection(), &[], &Config::new());
        socket.text("Hello").await.unwrap();
        assert_eq!(socket.next().await.unwrap(), Some(Event::Text("Hello")));
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        while socket.next().await.unwrap().is_some() {}
        assert!(socket.closed().unwrap().clean);
    });
}

#[test]
fn hyper_as_a_client_is_rejected() {
    run(async {
        let address = axum().await;
        let (mut sender, connection) = handshake(address).await;
        tokio::spawn(connection);
        let request = ClientRequest::new(&format!("ws://{address}/full")).unwrap();
        let client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1)).unwrap();
        let request = client.to_http().unwrap().map(|()| String::new());
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(client.receive_http(&response).unwrap_err().error(), HandshakeError::NotSwitching(503));
    });
}

async fn handshake(
    address: SocketAddr,
) -> (hyper::client::conn::http1::SendRequest<String>, impl Future<Output = hyper::Result<()>>) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    (sender, connection.with_upgrades())
}
