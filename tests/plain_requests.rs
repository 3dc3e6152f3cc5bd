//! Requests that are no upgrade, and upgrades that something in between has broken.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use std::io::{self, Read, Write};

use common::{END, PLAIN, Parsed, REQUEST, Served, assert_refused, change, request, serve, serve_with};
use ws_proto::blocking::Untimed;
use ws_proto::handshake::{HandshakeError, OriginPolicy, Server};
use ws_proto::{Config, blocking};

const UPGRADE_LINE: &str = "Upgrade: websocket\r\n";

fn plain(line: &str, headers: &str) -> Vec<u8> {
    format!("{line}\r\n{headers}\r\n").into_bytes()
}

#[test]
fn k_13_every_request_that_is_no_upgrade_comes_to_the_program() {
    // The line, the headers, what the program sees as method, path and host, and the default answer.
    let rows = [
        ("GET /a?b HTTP/1.1", "Host: h\r\n", ("GET", "/a", "h"), 426),
        ("HEAD / HTTP/1.1", "Host: h\r\n", ("HEAD", "/", "h"), 405),
        ("OPTIONS / HTTP/1.1", "Host: h\r\n", ("OPTIONS", "/", "h"), 405),
        ("OPTIONS * HTTP/1.1", "Host: h\r\n", ("OPTIONS", "*", "h"), 405),
        ("OPTIONS http://x HTTP/1.1", "Host: h\r\n", ("OPTIONS", "/", "x"), 405),
        ("POST /form HTTP/1.1", "Host: h\r\nContent-Length: 0\r\n", ("POST", "/form", "h"), 405),
        ("PUT /file HTTP/1.1", "Host: h\r\n", ("PUT", "/file", "h"), 405),
        ("DELETE /file HTTP/1.1", "Host: h\r\n", ("DELETE", "/file", "h"), 405),
        ("PROPFIND / HTTP/1.1", "Host: h\r\n", ("PROPFIND", "/", "h"), 405),
        ("get / HTTP/1.1", "Host: h\r\n", ("get", "/", "h"), 405),
        ("PRI / HTTP/1.1", "Host: h\r\n", ("PRI", "/", "h"), 405),
        ("GET / HTTP/1.0", "", ("GET", "/", ""), 426),
        ("OPTIONS / HTTP/1.0", "", ("OPTIONS", "/", ""), 405),
        ("OPTIONS * HTTP/1.0", "", ("OPTIONS", "*", ""), 405),
        ("HEAD / HTTP/1.0", "Host: h\r\n", ("HEAD", "/", "h"), 405),
        ("POST / HTTP/1.0", "Host: h\r\n", ("POST", "/", "h"), 405),
        ("GET / HTTP/1.1", "Host: h\r\nUpgrade: h2c\r\n", ("GET", "/", "h"), 426),
        ("GET / HTTP/1.1", "Host: h\r\nExpect: miracles\r\n", ("GET", "/", "h"), 426),
    ];
    for (line, headers, seen, status) in rows {
        let served = serve(&plain(line, headers));
        let refused = served.response();
        let request = served.plain();
        assert_eq!((request.method(), request.path(), request.host()), seen, "{line}");
        let response = Parsed::new(&refused);
        assert_eq!(response.status, status, "{line}");
        assert_eq!(response.all("Allow"), if status == 405 { &["GET"][..] } else { &[] }, "{line}");
        assert_eq!(response.body.is_empty(), seen.0 == "HEAD", "{line}");
        let length: usize = response.one("Content-Length").parse().unwrap();
        assert!(length > 0 && (response.body.is_empty() || response.body.len() == length), "{line}");
        assert!(response.one("Connection").ends_with("close"), "{line}");

        let answer = request.respond(200, &[("X", "a")], b"a page").unwrap();
        let answer = Parsed::new(&answer);
        assert_eq!((answer.status, answer.one("Content-Length"), answer.one("Connection")), (200, "6", "close"));
        assert_eq!(answer.body, if seen.0 == "HEAD" { &b""[..] } else { b"a page" }, "{line}");
    }
}

#[test]
fn k_13_a_body_is_left_to_the_program() {
    let rows = [
        ("", "no body", Some(0)),
        ("Content-Length: 0\r\n", "", Some(0)),
        ("Content-Length: 5\r\n", "hello", Some(5)),
        ("Content-Length: 5, 5\r\n", "hello", Some(5)),
        ("Content-Length: 18446744073709551615\r\n", "hel", Some(u64::MAX)),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", None),
        ("Transfer-Encoding: gzip, chunked\r\n", "5\r\n", None),
    ];
    for method in ["POST", "GET", "PUT", "OPTIONS"] {
        for (line, body, length) in rows {
            let bytes = plain(&format!("{method} / HTTP/1.1"), &format!("Host: h\r\n{line}"));
            let (served, rest) =
                serve_with(&OriginPolicy::Any, &Config::new(), &[&bytes[..], body.as_bytes()].concat());
            assert_eq!(served.plain().content_length(), length, "{method}, {line}");
            assert_eq!(rest, body.as_bytes(), "{method}, {line}");
        }
    }
}

#[test]
fn k_13_doubtful_framing_is_refused_for_every_request() {
    const LENGTH: HandshakeError = HandshakeError::BadContentLength;
    const CODING: HandshakeError = HandshakeError::BadTransferEncoding;
    for (lines, error) in [
        ("Content-Length: x\r\n", LENGTH),
        ("Content-Length:\r\n", LENGTH),
        ("Content-Length: +5\r\n", LENGTH),
        ("Content-Length: -5\r\n", LENGTH),
        ("Content-Length: 0x5\r\n", LENGTH),
        ("Content-Length: 5 5\r\n", LENGTH),
        ("Content-Length: 5, 6\r\n", LENGTH),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", LENGTH),
        ("Content-Length: 18446744073709551616\r\n", LENGTH),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", LENGTH),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", LENGTH),
        ("Transfer-Encoding:\r\nContent-Length: 5\r\n", LENGTH),
        ("Transfer-Encoding: identity\r\n", CODING),
        ("Transfer-Encoding: gzip\r\n", CODING),
        ("Transfer-Encoding: chunked, gzip\r\n", CODING),
        ("Transfer-Encoding: chunked, chunked\r\n", CODING),
        ("Transfer-Encoding: xchunked\r\n", CODING),
        ("Transfer-Encoding:\r\n", CODING),
        ("Transfer-Encoding : chunked\r\n", HandshakeError::BadHeader),
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let bytes = plain(&format!("{method} / HTTP/1.1"), &format!("Host: h\r\n{lines}"));
            let (served, rest) = serve_with(&OriginPolicy::Any, &Config::new(), &[&bytes[..], b"hello"].concat());
            assert_refused(lines, &served, 400, error);
            assert!(rest.is_empty(), "{lines}: what follows is not looked at");
        }
    }
    let served = serve(&plain("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"));
    assert_refused("chunks in HTTP/1.0", &served, 400, CODING);
}

#[test]
fn k_13_malformed_requests_are_refused_whatever_their_method() {
    for (line, headers, status, error) in [
        ("POST * HTTP/1.1", "Host: h\r\n", 400, HandshakeError::BadTarget),
        ("GET * HTTP/1.1", "Host: h\r\n", 400, HandshakeError::BadTarget),
        ("OPTIONS ** HTTP/1.1", "Host: h\r\n", 400, HandshakeError::BadTarget),
        ("POST h HTTP/1.1", "Host: h\r\n", 400, HandshakeError::BadTarget),
        ("POST / HTTP/1.1", "", 400, HandshakeError::BadHost),
        ("POST / HTTP/1.1", "Host: h\r\nHost: h\r\n", 400, HandshakeError::BadHost),
        ("POST / HTTP/1.1", "Host: a b\r\n", 400, HandshakeError::BadHost),
        ("POST / HTTP/2.0", "Host: h\r\n", 505, HandshakeError::BadHttpVersion),
        ("PO;T / HTTP/1.1", "Host: h\r\n", 400, HandshakeError::BadRequestLine),
        // For proxies: a 200 would open a tunnel.
        ("CONNECT h:80 HTTP/1.1", "Host: h:80\r\n", 405, HandshakeError::BadMethod),
        ("CONNECT / HTTP/1.1", "Host: h\r\n", 405, HandshakeError::BadMethod),
    ] {
        assert_refused(line, &serve(&plain(line, headers)), status, error);
    }
}

/// Nothing of the rules for upgrades is looser than before.
#[test]
fn k_13_an_upgrade_is_a_get_without_a_body() {
    for method in ["POST", "OPTIONS", "PUT", "get", "CONNECT"] {
        let bytes = request("GET /", format!("{method} /").as_bytes());
        assert_refused(method, &serve(&bytes), 405, HandshakeError::BadMethod);
    }
    for line in ["Content-Length: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"] {
        let bytes = request(END, format!("\r\n{line}{END}").as_bytes());
        assert_refused(line, &serve(&bytes), 400, HandshakeError::UnexpectedBody);
    }
}

/// For a program that does not look: in one step, the default answer.
#[test]
fn k_13_accepting_in_one_step_refuses_all_but_get() {
    for (line, status) in [("GET", 426), ("HEAD", 405), ("POST", 405), ("OPTIONS", 405)] {
        let mut bytes = [&plain(&format!("{line} / HTTP/1.1"), "Host: h\r\nContent-Length: 1\r\n")[..], b"x"].concat();
        let mut input = &mut bytes[..];
        let refusal = Server::new(OriginPolicy::Any, &Config::new()).accept(&mut input).unwrap_err();
        assert_eq!(refusal.error().status(), Some(status), "{line}");
        assert_eq!(Parsed::new(refusal.response()).status, status, "{line}");
        assert!(input.is_empty(), "{line}");
    }
}

/// The health checks of `HAProxy`, as they are on the wire.
#[test]
fn k_42_health_checks_of_haproxy_can_be_answered() {
    for check in [
        &b"OPTIONS / HTTP/1.0\r\n\r\n"[..],
        b"HEAD / HTTP/1.0\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let request = serve(check).plain();
        let status = if request.method() == "OPTIONS" { 204 } else { 200 };
        let response = request.respond(status, &[], b"").unwrap();
        let text = String::from_utf8(response.clone()).unwrap();
        assert_eq!(Parsed::new(&response).status, status, "{text}");
        assert!(Parsed::new(&response).body.is_empty(), "{text}");
    }
}

#[test]
fn k_24_an_empty_host_is_legal() {
    for line in ["Host:", "Host: ", "Host: \t "] {
        let bytes = request("Host: server.example.com", line.as_bytes());
        assert_eq!(serve(&bytes).upgrade().host(), "", "{line:?}");
        let page = change(PLAIN, "Host: server.example.com", line.as_bytes());
        assert_eq!(serve(&page).plain().host(), "", "{line:?}");
        let served = serve_with(&OriginPolicy::SameOrigin, &Config::new(), &bytes).0;
        assert_refused(line, &served, 403, HandshakeError::ForbiddenOrigin);
        let no_origin = String::from_utf8(bytes).unwrap().replace("Origin: http://example.com\r\n", "");
        let served = serve_with(&OriginPolicy::SameOrigin, &Config::new(), no_origin.as_bytes()).0;
        assert!(served.error().is_none(), "not from a browser");
    }
    let absolute = request("Host: server.example.com", b"Host:");
    let absolute = String::from_utf8(absolute).unwrap().replace("/chat", "http://example.com/chat");
    let served = serve_with(&OriginPolicy::SameOrigin, &Config::new(), absolute.as_bytes()).0;
    assert_eq!(served.upgrade().host(), "example.com");
    for lines in ["", "Host:\r\nHost:\r\n", "Host:\r\nHost: server.example.com\r\n"] {
        let bytes = request("Host: server.example.com\r\n", lines.as_bytes());
        assert_refused(lines, &serve(&bytes), 400, HandshakeError::BadHost);
    }
    for policy in [OriginPolicy::SameOrigin, OriginPolicy::SameHttpsOrigin] {
        for origin in ["", "http://", "https://", "null", "http://h"] {
            assert!(!policy.allows(Some(origin), ""), "{origin}");
        }
    }
}

#[test]
fn k_43_an_upgrade_over_http_1_0_is_told_so() {
    let old = String::from_utf8(request("HTTP/1.1", b"HTTP/1.0")).unwrap();
    for (name, bytes) in [
        ("all of it", old.clone()),
        ("without Connection", old.replace("Connection: Upgrade\r\n", "")),
        ("Connection: close", old.replace("Connection: Upgrade", "Connection: close")),
        ("without Host", old.replace("Host: server.example.com\r\n", "")),
        ("Upgrade alone", "GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n".to_owned()),
    ] {
        let served = serve(bytes.as_bytes());
        assert_refused(name, &served, 426, HandshakeError::UpgradeOverHttp10);
        let response = String::from_utf8(served.response()).unwrap();
        assert!(response.contains("nginx: proxy_http_version 1.1"), "{response}");
        assert!(response.contains("forward Upgrade and Connection"), "{response}");
    }
}

#[test]
fn k_43_a_dropped_upgrade_is_told_so() {
    let dropped = REQUEST.replace(UPGRADE_LINE, "");
    for (name, bytes) in [
        ("Upgrade", dropped.clone()),
        ("both", dropped.replace("Connection: Upgrade", "Connection: close")),
        ("both, in HTTP/1.0", dropped.replace("Connection: Upgrade\r\n", "").replace("HTTP/1.1", "HTTP/1.0")),
        ("a malformed key", dropped.replace("dGhlIHNhbXBsZSBub25jZQ==", "x")),
    ] {
        let served = serve(bytes.as_bytes());
        assert_refused(name, &served, 426, HandshakeError::UpgradeDropped);
        let response = String::from_utf8(served.response()).unwrap();
        assert!(response.contains("must forward Upgrade and Connection"), "{response}");
    }
    // Another protocol by name is no page either.
    assert_refused("h2c", &serve(&request("websocket", b"h2c")), 426, HandshakeError::BadUpgrade);
    assert!(matches!(serve(PLAIN.as_bytes()), Served::Plain(_)), "a request without a key is a page");
}

#[test]
fn k_43_a_forbidden_origin_names_host_and_origin() {
    let list = OriginPolicy::list(["https://example.com"]).unwrap();
    let rows = [
        (
            &OriginPolicy::SameOrigin,
            "app:8080",
            "https://example.org",
            "Host is app:8080 while Origin is https://example.org: let the proxy forward Host, or list the origin",
        ),
        (
            &OriginPolicy::SameOrigin,
            "",
            "https://example.org",
            "Host is empty while Origin is https://example.org: let the proxy forward Host, or list the origin",
        ),
        (&OriginPolicy::SameHttpsOrigin, "h", "http://h", "Origin is http://h, and the scheme is another one here"),
        (&list, "h", "https://example.org", "Origin is https://example.org, which is not in the list"),
    ];
    for (policy, host, origin, text) in rows {
        let bytes = REQUEST.replace("Host: server.example.com", &format!("Host: {host}"));
        let bytes = bytes.replace("http://example.com", origin);
        let refusal = serve_with(policy, &Config::new(), bytes.as_bytes()).0.refusal();
        assert_eq!(refusal.error(), HandshakeError::ForbiddenOrigin);
        assert_eq!(refusal.to_string(), format!("origin not allowed: {text}"));
        let response = Parsed::new(refusal.response());
        assert_eq!((response.status, response.one("Content-Type")), (403, "text/plain"));
        assert_eq!(response.body, format!("{refusal}\n").as_bytes());
    }
}

/// A client of `wss` at a server without TLS. It cannot read the answer, but the server knows.
#[test]
fn k_21_a_client_that_speaks_tls_is_told_from_garbage() {
    for (name, bytes, error) in [
        ("ClientHello", &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..], HandshakeError::TlsInPlaintext),
        ("the least of it", b"\x16\x03", HandshakeError::TlsInPlaintext),
        ("an alert", b"\x15\x03", HandshakeError::TlsInPlaintext),
        ("nearly", b"\x16\x04", HandshakeError::BadRequestLine),
        ("behind an empty line", b"\r\n\x16", HandshakeError::BadRequestLine),
        ("settings of HTTP/2", b"\0", HandshakeError::BadRequestLine),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HandshakeError::BadRequestLine),
    ] {
        assert_refused(name, &serve(bytes), 400, error);
    }
    assert!(matches!(serve(b"\x16"), Served::More), "not a byte sooner");
}

/// What a peer sent comes back cut, and without a character that could be markup or end a line.
#[test]
fn k_43_what_a_peer_sent_is_made_harmless() {
    for origin in [
        "<script>alert(1)</script>".to_owned(),
        "https://\"';&<>`{}%41\t\u{e4}\u{1f600}".to_owned(),
        format!("https://{}", "a".repeat(5000)),
        "<".repeat(5000),
        String::new(),
    ] {
        for host in ["h".to_owned(), format!("{}'%41$&();=", "h".repeat(3000))] {
            let bytes = REQUEST.replace("server.example.com", &host).replace("http://example.com", &origin);
            let refusal = serve_with(&OriginPolicy::SameOrigin, &Config::new(), bytes.as_bytes()).0.refusal();
            let text = refusal.to_string();
            let detail = text.strip_prefix("origin not allowed: ").unwrap();
            assert!(detail.len() <= 210, "{}: {detail}", detail.len());
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -._~:/[],?".contains(&byte);
            assert!(detail.bytes().all(is_plain), "{detail}");
        }
    }
}

/// A stream of what a client says, and what is written to it.
struct Lanes<'a>(&'a [u8], Vec<u8>);

impl Read for &mut Lanes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for &mut Lanes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A request, the method that the program sees, whether its answer has a body, and the status where nobody looks.
const DRIVEN: [(&[u8], &str, bool, u16); 5] = [
    (b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD", false, 405),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS", true, 405),
    (b"OPTIONS / HTTP/1.0\r\n\r\n", "OPTIONS", true, 405),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "POST", true, 405),
    (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", true, 426),
];

#[test]
fn k_13_plain_requests_come_through_threads() {
    for (bytes, method, has_body, status) in DRIVEN {
        let mut lanes = Lanes(bytes, Vec::new());
        match blocking::receive_request(Untimed(&mut lanes), OriginPolicy::Any, &Config::new()).unwrap() {
            blocking::Incoming::Plain(plain) => {
                assert_eq!(plain.request().method(), method);
                assert_eq!(plain.rest(), if method == "POST" { &b"hello"[..] } else { b"" });
                plain.respond(200, &[], b"well").unwrap();
            }
            blocking::Incoming::Upgrade(_) => panic!("{method} is no upgrade"),
        }
        let response = Parsed::new(&lanes.1);
        assert_eq!((response.status, response.body.len()), (200, if has_body { 4 } else { 0 }), "{method}");
        let mut lanes = Lanes(bytes, Vec::new());
        let error = blocking::accept(Untimed(&mut lanes), OriginPolicy::Any, &Config::new()).err();
        assert!(
            matches!(error, Some(blocking::Error::Handshake(error)) if error.status() == Some(status)),
            "{error:?}"
        );
        assert_eq!(Parsed::new(&lanes.1).status, status, "{method}");
    }
}

/// A program that reads the body itself, and answers as it likes.
#[test]
fn k_13_a_program_takes_the_stream_of_a_plain_request() {
    let bytes = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let mut lanes = Lanes(bytes, Vec::new());
    let incoming = blocking::receive_request(Untimed(&mut lanes), OriginPolicy::Any, &Config::new()).unwrap();
    let blocking::Incoming::Plain(plain) = incoming else { panic!("it is no upgrade") };
    let (request, mut stream, rest) = plain.into_parts();
    assert_eq!((request.content_length(), &rest[..]), (Some(5), &b"hello"[..]));
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert!(lanes.1.starts_with(b"HTTP/1.1 204 "));
    #[cfg(feature = "tokio")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut peer, io) = tokio::io::duplex(1 << 12);
            tokio::io::AsyncWriteExt::write_all(&mut peer, bytes).await.unwrap();
            let incoming = ws_proto::tokio::receive_request(io, OriginPolicy::Any, &Config::new()).await.unwrap();
            let ws_proto::poll::Incoming::Plain(plain) = incoming else { panic!("it is no upgrade") };
            let (request, _, rest) = plain.into_parts();
            assert_eq!((request.method(), &rest[..]), ("POST", &b"hello"[..]));
        });
    }
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn k_13_plain_requests_come_through_tasks() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (bytes, method, has_body, status) in DRIVEN {
        for looks in [true, false] {
            let (mut peer, io) = tokio::io::duplex(1 << 12);
            peer.write_all(bytes).await.unwrap();
            let serving = tokio::spawn(async move {
                if !looks {
                    return ws_proto::tokio::accept(io, OriginPolicy::Any, &Config::new()).await.map(drop);
                }
                match ws_proto::tokio::receive_request(io, OriginPolicy::Any, &Config::new()).await? {
                    ws_proto::poll::Incoming::Plain(plain) => {
                        assert_eq!(plain.request().method(), method);
                        assert_eq!(plain.rest(), if method == "POST" { &b"hello"[..] } else { b"" });
                        plain.respond(200, &[], b"well").await
                    }
                    ws_proto::poll::Incoming::Upgrade(_) => panic!("{method} is no upgrade"),
                }
            });
            let mut response = Vec::new();
            peer.read_to_end(&mut response).await.unwrap();
            drop(peer);
            let served = serving.await.unwrap();
            let response = Parsed::new(&response);
            if looks {
                served.unwrap();
                assert_eq!((response.status, response.body.len()), (200, if has_body { 4 } else { 0 }), "{method}");
            } else {
                let refused = served.unwrap_err();
                let is_told = matches!(refused, blocking::Error::Handshake(error) if error.status() == Some(status));
                assert!(is_told && response.status == status, "{method}: {refused:?}");
            }
        }
    }
}
