//! The handshake on the types of the crate `http`: the rules, and connections that hyper and axum hand over.
#![cfg(feature = "http")]

use http::{HeaderMap, Method, Request as HttpRequest, Response as HttpResponse, StatusCode, Version, header};
use ws_proto::handshake::{
    Answer, AnswerError, Client, ClientRequest, HandshakeError, OriginPolicy, Request, RequestError, accept_key,
};
use ws_proto::{Config, Seed};

#[cfg(feature = "tokio")]
#[path = "http/stacks.rs"]
mod stacks;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The request of RFC 6455, section 1.2.
fn request() -> HttpRequest<()> {
    HttpRequest::get("/chat?room=1")
        .header("Host", "server.example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "keep-alive, Upgrade")
        .header("Sec-WebSocket-Key", KEY)
        .header("Origin", "https://server.example.com")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Version", "13")
        .body(())
        .unwrap()
}

type Change = fn(&mut HttpRequest<()>);

fn put(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    headers.insert(name, value.parse().unwrap());
}

fn add(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    headers.append(name, value.parse().unwrap());
}

const REFUSED: &[(&str, Change, HandshakeError, u16)] = &[
    ("method", |r| *r.method_mut() = Method::POST, HandshakeError::BadMethod, 405),
    ("HEAD", |r| *r.method_mut() = Method::HEAD, HandshakeError::BadMethod, 405),
    ("HTTP/2", |r| *r.version_mut() = Version::HTTP_2, HandshakeError::BadHttpVersion, 505),
    ("HTTP/0.9", |r| *r.version_mut() = Version::HTTP_09, HandshakeError::BadHttpVersion, 505),
    ("HTTP/1.0", |r| *r.version_mut() = Version::HTTP_10, HandshakeError::UpgradeOverHttp10, 426),
    ("target", |r| *r.uri_mut() = "*".parse().unwrap(), HandshakeError::BadTarget, 400),
    ("no host", |r| drop(r.headers_mut().remove("host")), HandshakeError::BadHost, 400),
    ("two hosts", |r| add(r.headers_mut(), "host", "server.example.com"), HandshakeError::BadHost, 400),
    ("dropped", |r| drop(r.headers_mut().remove("upgrade")), HandshakeError::UpgradeDropped, 426),
    ("h2c", |r| put(r.headers_mut(), "upgrade", "h2c"), HandshakeError::BadUpgrade, 426),
    ("no connection", |r| drop(r.headers_mut().remove("connection")), HandshakeError::BadConnection, 400),
    ("keep-alive", |r| put(r.headers_mut(), "connection", "keep-alive"), HandshakeError::BadConnection, 400),
    ("no key", |r| drop(r.headers_mut().remove("sec-websocket-key")), HandshakeError::BadKey, 400),
    ("short key", |r| put(r.headers_mut(), "sec-websocket-key", "c2hvcnQ="), HandshakeError::BadKey, 400),
    ("two keys", |r| add(r.headers_mut(), "sec-websocket-key", KEY), HandshakeError::BadKey, 400),
    ("no version", |r| drop(r.headers_mut().remove("sec-websocket-version")), HandshakeError::BadVersion, 400),
    ("version", |r| put(r.headers_mut(), "sec-websocket-version", "7"), HandshakeError::UnsupportedVersion, 426),
    ("origin", |r| put(r.headers_mut(), "origin", "https://evil.example"), HandshakeError::ForbiddenOrigin, 403),
    ("two origins", |r| add(r.headers_mut(), "origin", "https://server.example.com"), HandshakeError::BadOrigin, 400),
    ("protocol", |r| put(r.headers_mut(), "sec-websocket-protocol", "a, b/"), HandshakeError::BadProtocol, 400),
    ("protocol twice", |r| add(r.headers_mut(), "sec-websocket-protocol", "chat"), HandshakeError::BadProtocol, 400),
    ("extension", |r| put(r.headers_mut(), "sec-websocket-extensions", ";"), HandshakeError::BadExtensions, 400),
    ("body", |r| put(r.headers_mut(), "content-length", "1"), HandshakeError::UnexpectedBody, 400),
    ("chunked", |r| put(r.headers_mut(), "transfer-encoding", "chunked"), HandshakeError::UnexpectedBody, 400),
    ("expectation", |r| put(r.headers_mut(), "expect", "miracles"), HandshakeError::BadExpect, 417),
];

#[test]
fn requests_are_refused_as_by_the_server() {
    for (name, change, error, status) in REFUSED {
        let mut request = request();
        change(&mut request);
        let refusal = Request::from_http(&request, OriginPolicy::SameOrigin, &Config::new()).unwrap_err();
        assert_eq!(refusal.error(), *error, "{name}");
        let response = refusal.to_http();
        assert_eq!(response.status(), *status, "{name}");
        let (head, body) = (response.headers(), response.body());
        assert_eq!(body.is_empty(), request.method() == Method::HEAD, "{name}");
        assert_eq!(head[header::CONTENT_TYPE], "text/plain", "{name}");
        // RFC 9110, sections 7.8 and 15.5.22; otherwise the connection is the HTTP stack's.
        assert_eq!(head.get("upgrade").is_some_and(|upgrade| upgrade == "websocket"), *status == 426, "{name}");
        assert_eq!(head.get("connection").is_some_and(|upgrade| upgrade == "upgrade"), *status == 426, "{name}");
        let served = matches!(error, HandshakeError::BadVersion | HandshakeError::UnsupportedVersion);
        assert_eq!(head.get("sec-websocket-version").is_some_and(|served| served == "13"), served, "{name}");
    }
}

/// Security, T22: extended CONNECT (RFC 8441) is not served, and neither is HTTP/2 with the headers of HTTP/1.1.
#[test]
fn t22_http_2_is_not_served() {
    type Row = (&'static str, Version, Method, bool, HandshakeError);
    let rows: [Row; 5] = [
        ("GET with all headers", Version::HTTP_2, Method::GET, true, HandshakeError::BadHttpVersion),
        ("GET without", Version::HTTP_2, Method::GET, false, HandshakeError::BadHttpVersion),
        ("CONNECT with all headers", Version::HTTP_11, Method::CONNECT, true, HandshakeError::BadMethod),
        ("GET of HTTP/3", Version::HTTP_3, Method::GET, true, HandshakeError::BadHttpVersion),
        ("no Upgrade in HTTP/1.1", Version::HTTP_11, Method::GET, false, HandshakeError::BadUpgrade),
    ];
    for (name, version, method, hop_by_hop, error) in rows {
        let mut request = request();
        (*request.version_mut(), *request.method_mut()) = (version, method);
        if !hop_by_hop {
            for header in ["upgrade", "connection", "sec-websocket-key"] {
                request.headers_mut().remove(header);
            }
        }
        let refusal = Request::from_http(&request, OriginPolicy::Any, &Config::new()).unwrap_err();
        assert_eq!(refusal.error(), error, "{name}");
    }
    let mut connect = request();
    (*connect.version_mut(), *connect.method_mut()) = (Version::HTTP_2, Method::CONNECT);
    assert!(Request::from_http(&connect, OriginPolicy::Any, &Config::new()).is_err());
}

#[test]
fn limits_hold() {
    type Limit = fn(Config, usize) -> Config;
    let rows: [(&str, Limit, usize, HandshakeError); 2] = [
        ("target", Config::max_target, "/chat?room=1".len(), HandshakeError::TargetTooLong),
        ("headers", Config::max_headers, 7, HandshakeError::TooManyHeaders),
    ];
    for (name, set, limit, error) in rows {
        let judge = |limit| Request::from_http(&request(), OriginPolicy::SameOrigin, &set(Config::new(), limit));
        assert!(judge(limit).is_ok(), "{name}");
        assert_eq!(judge(limit - 1).unwrap_err().error(), error, "{name}");
    }
}

#[test]
fn a_request_is_accepted_with_subprotocol_and_headers() {
    let request = Request::from_http(&request(), OriginPolicy::SameOrigin, &Config::new()).unwrap();
    assert_eq!((request.path(), request.query(), request.host()), ("/chat", Some("room=1"), "server.example.com"));
    assert_eq!(request.origin(), Some("https://server.example.com"));
    assert_eq!(request.choose(&["superchat", "chat"]), Some("superchat"));

    let answer = Answer::new().protocol("superchat").header("Set-Cookie", "a=1").header("Set-Cookie", "b=2");
    let (response, mut connection) = request.accept_http(&answer, &Config::new()).unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::SWITCHING_PROTOCOLS, Version::HTTP_11));
    let headers = response.headers();
    assert_eq!(headers["upgrade"], "websocket");
    assert_eq!(headers["connection"], "Upgrade");
    assert_eq!(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(headers["sec-websocket-protocol"], "superchat");
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(headers.len(), 6);

    assert_eq!(connection.outgoing(), b"");
    connection.split().1.text("Hello").unwrap();
    assert_eq!(connection.outgoing(), b"\x81\x05Hello");
}

#[test]
fn the_http_stack_sends_the_100() {
    let mut request = request();
    put(request.headers_mut(), "expect", "100-continue");
    let request = Request::from_http(&request, OriginPolicy::Any, &Config::new()).unwrap();
    let (response, mut connection) = request.accept_http(&Answer::new(), &Config::new()).unwrap();
    assert_eq!((response.status(), response.headers().len()), (StatusCode::SWITCHING_PROTOCOLS, 3));
    assert_eq!(connection.outgoing(), b"");
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let request = Request::from_http(&request(), OriginPolicy::Any, &Config::new()).unwrap();
    let rows = [
        (Answer::new().protocol("mqtt"), AnswerError::ProtocolNotOffered),
        (Answer::new().header("Upgrade", "h2c"), AnswerError::ReservedHeader),
        (Answer::new().header("X-Room", "1\r\n2"), AnswerError::BadHeader),
        (Answer::new().header(&"x".repeat(1 << 16), "1"), AnswerError::BadHeader), // too long for the crate http
    ];
    for (answer, error) in rows {
        assert_eq!(request.accept_http(&answer, &Config::new()).unwrap_err(), error);
    }
}

fn client() -> Client {
    let request = ClientRequest::new("wss://example.com:8443/chat?room=1").unwrap();
    let request = request.protocol("chat").header("Cookie", "a=1").origin("https://example.com");
    Client::new(request, &Config::new(), Seed::predictable_for_tests(1)).unwrap()
}

#[test]
fn a_client_makes_its_request() {
    let request = client().to_http().unwrap();
    assert_eq!((request.method(), request.version()), (&Method::GET, Version::HTTP_11));
    assert_eq!(request.uri(), "/chat?room=1");
    let headers = request.headers();
    assert_eq!(headers["host"], "example.com:8443");
    assert_eq!(headers["sec-websocket-protocol"], "chat");
    assert_eq!(
        (&headers["cookie"], &headers["origin"]),
        (&"a=1".parse().unwrap(), &"https://example.com".parse().unwrap())
    );
    // The other end finds it good.
    let request = Request::from_http(&request, OriginPolicy::Any, &Config::new()).unwrap();
    assert_eq!((request.host(), request.version()), ("example.com:8443", 13));
}

#[test]
fn a_request_that_is_none_for_http_is_told() {
    let request = ClientRequest::new("ws://example.com/<>").unwrap();
    let client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1)).unwrap();
    assert_eq!(client.to_http().unwrap_err(), RequestError::BadCharacter);
}

/// What a good server says to [`client`].
fn response(client: &Client) -> HttpResponse<()> {
    let request = client.to_http().unwrap();
    let accept = accept_key(request.headers()["sec-websocket-key"].as_bytes());
    HttpResponse::builder()
        .status(101)
        .header("Upgrade", "WebSocket")
        .header("Connection", "upgrade")
        .header("Sec-WebSocket-Accept", &accept[..])
        .header("Sec-WebSocket-Protocol", "chat")
        .body(())
        .unwrap()
}

#[test]
fn a_good_response_opens_a_connection() {
    let client = client();
    let response = response(&client);
    let response = client.receive_http(&response).unwrap();
    assert_eq!(response.protocol(), Some("chat"));
    let mut connection = response.into_connection();
    connection.split().1.text("Hello").unwrap();
    assert_eq!(&connection.outgoing()[..2], b"\x81\x85");
}

#[test]
fn other_responses_are_rejected() {
    type Change = fn(&mut HttpResponse<()>);
    let rows: &[(&str, Change, HandshakeError)] = &[
        ("status", |r| *r.status_mut() = StatusCode::NOT_FOUND, HandshakeError::NotSwitching(404)),
        ("interim", |r| *r.status_mut() = StatusCode::CONTINUE, HandshakeError::UnexpectedEof),
        ("version", |r| *r.version_mut() = Version::HTTP_10, HandshakeError::BadHttpVersion),
        ("HTTP/2", |r| *r.version_mut() = Version::HTTP_2, HandshakeError::BadHttpVersion),
        ("upgrade", |r| put(r.headers_mut(), "upgrade", "h2c"), HandshakeError::BadUpgrade),
        ("connection", |r| put(r.headers_mut(), "connection", "close"), HandshakeError::BadConnection),
        ("accept", |r| put(r.headers_mut(), "sec-websocket-accept", KEY), HandshakeError::BadAccept),
        ("protocol", |r| put(r.headers_mut(), "sec-websocket-protocol", "mqtt"), HandshakeError::UnofferedProtocol),
        (
            "extension",
            |r| put(r.headers_mut(), "sec-websocket-extensions", "x-webkit-deflate-frame"),
            HandshakeError::UnofferedExtension,
        ),
    ];
    for (name, change, error) in rows {
        let client = client();
        let mut response = response(&client);
        change(&mut response);
        let rejected = client.receive_http(&response).unwrap_err();
        assert_eq!(rejected.error(), *error, "{name}");
        assert_eq!(rejected.status().is_none(), *name == "interim", "{name}");
    }
}

/// Extensions are negotiated as by everybody else, in both roles.
#[cfg(feature = "deflate")]
#[test]
fn compression_is_agreed_over_http_types() {
    let config = Config::new().compression(ws_proto::deflate::Compression::new());
    let request = ClientRequest::new("ws://example.com/").unwrap();
    let client = Client::new(request, &config, Seed::predictable_for_tests(1)).unwrap();
    let request = client.to_http().unwrap();
    assert!(request.headers()["sec-websocket-extensions"].as_bytes().starts_with(b"permessage-deflate"));

    let request = Request::from_http(&request, OriginPolicy::Any, &config).unwrap();
    let (response, mut server) = request.accept_http(&Answer::new(), &config).unwrap();
    assert!(response.headers()["sec-websocket-extensions"].as_bytes().starts_with(b"permessage-deflate"));
    let opened = client.receive_http(&response).unwrap();
    assert_eq!(opened.agreement(), request.agreement(&config));

    let (text, mut client) = ("what is said again and again, ".repeat(100), opened.into_connection());
    server.split().1.text(&text).unwrap();
    let mut wire = server.outgoing().to_vec();
    assert!(wire.len() < 100, "{}", wire.len());
    assert_eq!(client.split().0.receive(&mut &mut wire[..]), Ok(Some(ws_proto::Event::Text(&text))));
}
