//! The opening handshake at the server: rows HS, and the vectors V-01 to V-20 of a server.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use common::{
    END, HELLO, MASKED_HELLO, PLAIN, Parsed, REQUEST, Served, accept, assert_refused, assert_switching, request, serve,
    serve_pieces, serve_with, server_accepts, server_refuses, texts,
};
use ws_proto::handshake::{Answer, AnswerError, HandshakeError, OriginPolicy, Server, accept_key};
use ws_proto::{Config, Event};

const BAD_HOST: HandshakeError = HandshakeError::BadHost;
const BAD_KEY: HandshakeError = HandshakeError::BadKey;
const BAD_METHOD: HandshakeError = HandshakeError::BadMethod;
const BAD_ORIGIN: HandshakeError = HandshakeError::BadOrigin;
const BAD_REQUEST_LINE: HandshakeError = HandshakeError::BadRequestLine;
const BAD_TARGET: HandshakeError = HandshakeError::BadTarget;
const BAD_UPGRADE: HandshakeError = HandshakeError::BadUpgrade;
const BAD_VERSION: HandshakeError = HandshakeError::BadVersion;
const BODY: HandshakeError = HandshakeError::UnexpectedBody;
const LENGTH: HandshakeError = HandshakeError::BadContentLength;
const UNSUPPORTED: HandshakeError = HandshakeError::UnsupportedVersion;

const KEY_LINE: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const KEY_VALUE: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const VERSION_LINE: &str = "Sec-WebSocket-Version: 13\r\n";
const START: &str = "GET /chat HTTP/1.1";

#[test]
fn v_01_to_v_20_as_the_appendix_has_them() {
    server_accepts(&[
        ("V-01 lower case", "Sec-WebSocket-Version", b"sec-websocket-version"),
        ("V-01 upper case", "Sec-WebSocket-Key", b"SEC-WEBSOCKET-KEY"),
        ("V-02 in a list", "Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
        ("V-02 two lines", "Connection: Upgrade", b"Connection: keep-alive\r\nConnection: Upgrade"),
        ("V-03 any case", "Upgrade: websocket", b"Upgrade: WebSocket"),
        ("V-03 in a list", "Upgrade: websocket", b"Upgrade: h2c, websocket"),
        ("V-07 HTTP/1.2", "HTTP/1.1", b"HTTP/1.2"),
        ("V-10 empty", "Host: server.example.com", b"Host:"),
        ("V-11 absolute", "/chat", b"http://server.example.com/chat"),
        ("V-12 no content", END, b"\r\nContent-Length: 0\r\n\r\n"),
        ("V-16 two lines", "chat, superchat", b"chat\r\nSec-WebSocket-Protocol: superchat"),
        ("V-19 empty lines", "GET /", b"\r\n\r\nGET /"),
    ]);
    server_refuses(&[
        ("V-04 another name", "Upgrade: websocket", b"Upgrade: websocketx", 426, BAD_UPGRADE),
        ("V-04 no Upgrade", "Upgrade: websocket\r\n", b"", 426, HandshakeError::UpgradeDropped),
        ("V-05 no Connection", "Connection: Upgrade\r\n", b"", 400, HandshakeError::BadConnection),
        ("V-05 keep-alive", "Connection: Upgrade", b"Connection: keep-alive", 400, HandshakeError::BadConnection),
        ("V-05 upgraded", "Connection: Upgrade", b"Connection: upgraded", 400, HandshakeError::BadConnection),
        ("V-06 POST", "GET /", b"POST /", 405, BAD_METHOD),
        ("V-06 get", "GET /", b"get /", 405, BAD_METHOD),
        ("V-07 HTTP/1.0", "HTTP/1.1", b"HTTP/1.0", 426, HandshakeError::UpgradeOverHttp10),
        ("V-07 HTTP/2.0", "HTTP/1.1", b"HTTP/2.0", 505, HandshakeError::BadHttpVersion),
        ("V-07 HTTP/1.", "HTTP/1.1", b"HTTP/1.", 400, BAD_REQUEST_LINE),
        ("V-08 absent", VERSION_LINE, b"", 400, BAD_VERSION),
        ("V-08 8", "Version: 13", b"Version: 8", 426, UNSUPPORTED),
        ("V-08 013", "Version: 13", b"Version: 013", 400, BAD_VERSION),
        ("V-08 list", "Version: 13", b"Version: 13, 8", 400, BAD_VERSION),
        ("V-08 twice", VERSION_LINE, VERSION_LINE.repeat(2).leak().as_bytes(), 400, BAD_VERSION),
        ("V-09 absent", KEY_LINE, b"", 400, BAD_KEY),
        ("V-09 twice", KEY_LINE, KEY_LINE.repeat(2).leak().as_bytes(), 400, BAD_KEY),
        ("V-09 length", KEY_VALUE, b"dGhlIHNhbXBsZSBub25j", 400, BAD_KEY),
        ("V-10 absent", "Host: server.example.com\r\n", b"", 400, BAD_HOST),
        (
            "V-10 twice",
            "Host: server.example.com",
            b"Host: server.example.com\r\nHost: server.example.com",
            400,
            BAD_HOST,
        ),
        ("V-10 blank", "Host: server.example.com", b"Host: a b", 400, BAD_HOST),
        ("V-11 no path", "/chat", b"chat", 400, BAD_TARGET),
        ("V-11 asterisk", "/chat", b"*", 400, BAD_TARGET),
        ("V-11 blank", "/chat", b"/a b", 400, BAD_REQUEST_LINE),
        ("V-11 fragment", "/chat", b"/a#b", 400, BAD_TARGET),
        ("V-12 content", END, b"\r\nContent-Length: 5\r\n\r\n", 400, BODY),
        ("V-12 no number", END, b"\r\nContent-Length: x\r\n\r\n", 400, LENGTH),
        ("V-12 both", END, b"\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, LENGTH),
        ("V-13 blank", "Host:", b"Host :", 400, HandshakeError::BadHeader),
        ("V-13 fold", END, b"\r\n folded\r\n\r\n", 400, HandshakeError::BadHeader),
        ("V-13 NUL", END, b"\r\nX: \0\r\n\r\n", 400, HandshakeError::BadHeader),
        ("V-13 CR", END, b"\r\nX: \rx\r\n\r\n", 400, HandshakeError::BadHeader),
        ("V-13 LF", END, b"\r\nX: \nx\r\n\r\n", 400, HandshakeError::BadHeader),
        ("V-15 100 KB", END, vec![b'a'; 100_000].leak(), 431, HandshakeError::HeadTooLong),
        ("V-15 1000 fields", END, b"\r\nX: a".repeat(1000).leak(), 431, HandshakeError::TooManyHeaders),
        (
            "V-15 long target",
            "/chat",
            format!("/{}", "a".repeat(20_000)).leak().as_bytes(),
            414,
            HandshakeError::TargetTooLong,
        ),
        ("V-17 empty", "chat, superchat", b"", 400, HandshakeError::BadProtocol),
        ("V-17 blank", "chat, superchat", b"a b", 400, HandshakeError::BadProtocol),
        ("V-17 twice", "chat, superchat", b"a, a", 400, HandshakeError::BadProtocol),
    ]);
    // V-06 HEAD is hs_01, V-14 hs_21, V-18 hs_25; V-20 is what each row does.
}

#[test]
fn hs_01_method_must_be_get() {
    for method in ["POST", "OPTIONS", "CONNECT", "PUT", "PRI", "get", "Get", "GETX", "G", "HEAD"] {
        let served = serve(&request("GET /", format!("{method} /").as_bytes()));
        let response = served.response();
        assert_eq!(Parsed::new(&response).one("Allow"), "GET", "{method}");
        if method == "HEAD" {
            let refusal = served.refusal();
            assert_eq!((refusal.error(), Parsed::new(&response).body.len()), (BAD_METHOD, 0), "V-06: no body");
        } else {
            assert_refused(method, &served, 405, BAD_METHOD);
        }
    }
    // Whatever is wrong with it, and also while its head is not whole.
    for (name, from, to) in [("Host", "Host:", &b"Hos:"[..]), ("header", END, b"\r\nX\0"), ("line", "HTTP/1.1", b"x")] {
        let refused = serve(&common::change(&REQUEST.replace("GET", "HEAD"), from, to));
        assert!(refused.response().ends_with(END.as_bytes()), "{name}: no body to a HEAD");
    }
}

#[test]
fn hs_02_upgrade_in_http_1_0_is_not_accepted() {
    let served = serve(&request("HTTP/1.1", b"HTTP/1.0"));
    assert_refused("HTTP/1.0", &served, 426, HandshakeError::UpgradeOverHttp10);
    let served = serve(b"GET /page HTTP/1.0\r\n\r\n").plain();
    assert_eq!((served.path(), served.host()), ("/page", ""), "an ordinary request; Host came with 1.1");
}

#[test]
fn hs_03_only_http_1_is_served() {
    server_accepts(&[("1.2", "HTTP/1.1", b"HTTP/1.2"), ("1.9", "HTTP/1.1", b"HTTP/1.9")]);
    for version in ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"] {
        let served = serve(&request("HTTP/1.1", version.as_bytes()));
        assert_refused(version, &served, 505, HandshakeError::BadHttpVersion);
    }
}

#[test]
fn hs_04_target_is_a_path_in_visible_ascii() {
    server_accepts(&[
        ("root", "/chat", b"/"),
        ("query", "/chat", b"/a?b=c&d"),
        ("encoded", "/chat", b"/%23%20"),
        ("two slashes", "/chat", b"//a"),
        ("visible", "/chat", b"/!\"$%&'()*+,-.:;<=>?@[\\]^_`{|}~"),
    ]);
    for target in ["*", "chat", "server.example.com:80", "/a#b", "/#", "?a", "ftp://h/", "http:/a", "://h/", "http://"]
    {
        assert_refused(target, &serve(&request("/chat", target.as_bytes())), 400, BAD_TARGET);
    }
    for target in [&b"/a b"[..], b"/a\tb", b"/\x7f", b"/\x01", b"/\xc3\xa4", b"", b"/\r"] {
        let name = target.escape_ascii().to_string();
        assert_refused(&name, &serve(&request("/chat", target)), 400, BAD_REQUEST_LINE);
    }
}

#[test]
fn hs_05_absolute_target_is_accepted_and_names_the_host() {
    for (target, host, path, query) in [
        ("http://h/p", "h", "/p", None),
        ("HTTPS://H:8443/p?q", "H:8443", "/p", Some("q")),
        ("ws://h", "h", "/", None),
        ("wss://[::1]:8080?q?", "[::1]:8080", "/", Some("q?")),
    ] {
        let request = serve(&request("/chat", target.as_bytes())).upgrade();
        assert_eq!((request.target(), request.host()), (target, host));
        assert_eq!((request.path(), request.query()), (path, query), "{target}");
    }
    for target in ["http://u@h/", "http:///p", "http://h:x/", "http://h/#", "http://[::1/"] {
        assert_refused(target, &serve(&request("/chat", target.as_bytes())), 400, BAD_TARGET);
    }
    let same = serve_with(&OriginPolicy::SameOrigin, &Config::new(), &request("/chat", b"http://example.com/chat"));
    assert_eq!(same.0.upgrade().host(), "example.com", "the origin is compared with that host");
}

#[test]
fn hs_06_exactly_one_valid_host() {
    for host in
        ["", "h", "h:80", "h:", "h.", "192.0.2.1:8080", "[::1]", "[2001:db8::1]:443", "a_b", "%41", "xn--bcher-kva"]
    {
        let request = serve(&request("server.example.com", host.as_bytes())).upgrade();
        assert_eq!(request.host(), host);
    }
    for host in [
        "u@h", "a b", "h:x", "h:80:80", "h:65536", "h:-1", "h:+1", ":80", "h/p", "[::1", "::1", "[]", "[::g]",
        "[::1]x", "h,h", "h\\", "a%4", "a%zz", "a%4z", "a%z4", "\u{e4}", "\u{ff}", "[v1.a]", "h?", "h#",
    ] {
        // A comma is a sub-delim of RFC 3986.
        let served = serve(&request("server.example.com", host.as_bytes()));
        if host == "h,h" {
            assert_eq!(served.upgrade().host(), host);
        } else {
            assert_refused(host, &served, 400, BAD_HOST);
        }
    }
    assert_refused("no UTF-8", &serve(&request("server.example.com", b"\xff")), 400, BAD_HOST);
    let twice = b"server.example.com\r\nhost: server.example.com";
    assert_refused("V-10 twice", &serve(&request("server.example.com", twice)), 400, BAD_HOST);
    let absolute = request(REQUEST.split_once("Upgrade").unwrap().0, b"GET http://h/ HTTP/1.1\r\n");
    assert_refused("also with an absolute target", &serve(&absolute), 400, BAD_HOST);
}

#[test]
fn hs_07_plain_http_gets_426() {
    let served = serve(b"GET /page?x HTTP/1.1\r\nHost: h\r\nX: a\r\n\r\n");
    assert_refused("no Upgrade", &served, 426, BAD_UPGRADE);
    let response = served.response();
    assert_eq!(Parsed::new(&response).one("Upgrade"), "websocket");
    let request = served.plain();
    assert_eq!((request.path(), request.query(), request.host()), ("/page", Some("x"), "h"));
    assert_eq!(request.header("x"), Some(&b"a"[..]));
    let page = request.respond(200, &[("Content-Type", "text/plain")], b"hello").unwrap();
    let page = Parsed::new(&page);
    assert_eq!((page.status, page.one("Content-Length"), &page.body[..]), (200, "5", &b"hello"[..]));
    assert_eq!(page.one("Connection"), "close");
}

#[test]
fn hs_08_upgrade_is_a_list_in_any_case() {
    server_accepts(&[
        ("V-03 case", "Upgrade: websocket", b"Upgrade: WebSocket"),
        ("upper case", "Upgrade: websocket", b"Upgrade: WEBSOCKET"),
        ("V-03 list", "Upgrade: websocket", b"Upgrade: h2c, websocket"),
        ("first", "Upgrade: websocket", b"Upgrade: websocket,foo/2"),
        ("two lines", "Upgrade: websocket", b"Upgrade: h2c\r\nUpgrade: websocket"),
    ]);
}

#[test]
fn hs_09_upgrade_elements_are_matched_whole() {
    for value in ["websocketx", "x-websocket", "websocket/14", "web socket", "websocket;v=13", "\"websocket\"", ""] {
        let served = serve(&request("Upgrade: websocket", format!("Upgrade: {value}").as_bytes()));
        assert_refused(value, &served, 426, BAD_UPGRADE);
    }
}

#[test]
fn hs_10_connection_must_name_upgrade() {
    server_accepts(&[
        ("V-02 list", "Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
        ("any case", "Connection: Upgrade", b"Connection: UPGRADE"),
        ("two lines", "Connection: Upgrade", b"Connection: Upgrade\r\nConnection: keep-alive"),
    ]);
    for value in ["not-upgrade", "upgraded", "keep-alive", "close", "", "keep-alive upgrade", "upgrade;x"] {
        let served = serve(&request("Connection: Upgrade", format!("Connection: {value}").as_bytes()));
        assert_refused(value, &served, 400, HandshakeError::BadConnection);
    }
}

#[test]
fn hs_11_key_is_there_once() {
    let other = b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let equal = KEY_LINE.repeat(2).leak().as_bytes();
    server_refuses(&[
        ("V-09 absent", KEY_LINE, b"", 400, BAD_KEY),
        ("V-09 equal", KEY_LINE, equal, 400, BAD_KEY),
        ("different", KEY_LINE, other, 400, BAD_KEY),
    ]);
}

#[test]
fn hs_12_key_is_16_bytes_in_base64() {
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZTE=",
        "dGhlIHNhbXBsZSBub25j*Q==",
        "_____________________w==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBs ZSBub25jZ==",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZ===",
        "========================",
    ] {
        assert_refused(key, &serve(&request(KEY_VALUE, key.as_bytes())), 400, BAD_KEY);
    }
}

#[test]
fn hs_13_key_with_pad_bits_is_accepted_as_text() {
    let request = serve(&request(KEY_VALUE, b"AQIDBAUGBwgJCgsMDQ4PEC==")).upgrade();
    let accepted = accept(&request).outgoing().to_vec();
    assert_eq!(Parsed::new(&accepted).one("Sec-WebSocket-Accept"), "OfS0wDaT5NoxF2gqm7Zj2YtetzM=", "KA-3");
}

#[test]
fn hs_14_accept_is_the_hash_of_the_key_as_text() {
    for (name, key, value) in [
        ("KA-1", KEY_VALUE, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("KA-2", "AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
        ("KA-3", "AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
        ("KA-4", "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("KA-5", "/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ] {
        assert_eq!(accept_key(key.as_bytes()), value.as_bytes(), "{name}");
        let request = serve(&request(KEY_VALUE, format!(" \t{key}  ").as_bytes())).upgrade();
        let accepted = accept(&request).outgoing().to_vec();
        assert_eq!(Parsed::new(&accepted).one("Sec-WebSocket-Accept"), value, "{name}");
    }
}

#[test]
fn hs_15_missing_version_is_refused() {
    let served = serve(&request(VERSION_LINE, b""));
    assert_refused("V-08", &served, 400, BAD_VERSION);
    assert_eq!(Parsed::new(&served.response()).one("Sec-WebSocket-Version"), "13");
}

#[test]
fn hs_16_other_versions_get_426_and_the_list() {
    for version in ["0", "7", "8", "14", "25", "255"] {
        let served = serve(&request("Version: 13", format!("Version: {version}").as_bytes()));
        assert_refused(version, &served, 426, UNSUPPORTED);
        let response = served.response();
        let response = Parsed::new(&response);
        assert_eq!((response.one("Sec-WebSocket-Version"), response.one("Upgrade")), ("13", "websocket"));
    }
    // The draft that is version 8, where it is wanted.
    let (config, eight) = (Config::new().version_8(true), request("Version: 13", b"Version: 8"));
    let served = serve_with(&OriginPolicy::Any, &config, &eight).0;
    assert_switching(&served.response());
    assert_eq!(served.upgrade().version(), 8);
    let served = serve_with(&OriginPolicy::Any, &config, &request("Version: 13", b"Version: 7")).0;
    assert_refused("7", &served, 426, UNSUPPORTED);
    assert_eq!(Parsed::new(&served.response()).one("Sec-WebSocket-Version"), "13, 8");
}

#[test]
fn hs_17_version_is_one_number() {
    for version in ["013", "00", "+13", "-13", "13.0", "256", "1313", "13, 8", "13,", "x", "1 3", "", "0x0d", "\u{661}"]
    {
        let served = serve(&request("Version: 13", format!("Version: {version}").as_bytes()));
        assert_refused(version, &served, 400, BAD_VERSION);
        assert_eq!(Parsed::new(&served.response()).one("Sec-WebSocket-Version"), "13", "{version}");
    }
    let twice = serve(&request(VERSION_LINE, VERSION_LINE.repeat(2).as_bytes()));
    assert_refused("two lines", &twice, 400, BAD_VERSION);
}

#[test]
fn hs_18_unknown_headers_are_ignored_and_exposed() {
    let unknown = b"\r\nSec-WebSocket-Foo: a\r\nX: b\r\nSec-WebSocket-Accept: c\r\nServer: d\r\nx: e\r\n\r\n";
    let request = serve(&request(END, unknown)).upgrade();
    let all: Vec<_> = request.headers().skip(7).collect();
    let expected: [(&str, &[u8]); 5] =
        [("Sec-WebSocket-Foo", b"a"), ("X", b"b"), ("Sec-WebSocket-Accept", b"c"), ("Server", b"d"), ("x", b"e")];
    assert_eq!(all, expected);
    assert_eq!((request.header("x"), request.header("y")), (Some(&b"b"[..]), None));
}

#[test]
fn hs_19_request_with_a_body_is_refused() {
    for (name, line, error) in [
        ("V-12 length", "Content-Length: 5", BODY),
        ("one byte", "content-length: 1", BODY),
        ("beyond 64 bits", "Content-Length: 99999999999999999999", BODY),
        ("chunked", "Transfer-Encoding: chunked", BODY),
        ("gzip, chunked", "Transfer-Encoding: gzip, chunked", BODY),
    ] {
        let line = format!("\r\n{line}\r\n\r\n");
        assert_refused(name, &serve(&request(END, line.as_bytes())), 400, error);
    }
    server_accepts(&[
        ("V-12 empty", END, b"\r\nContent-Length: 0\r\n\r\n"),
        ("still empty", END, b"\r\nContent-Length: 000\r\n\r\n"),
    ]);
}

#[test]
fn hs_20_length_beside_coding_is_refused() {
    server_refuses(&[
        ("V-12", END, b"\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, LENGTH),
        ("other order", END, b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, LENGTH),
    ]);
}

#[test]
fn hs_21_expected_100_comes_before_the_101() {
    for value in ["100-continue", "100-Continue", "100-continue, 100-continue"] {
        let request = serve(&request(END, format!("\r\nExpect: {value}\r\n\r\n").as_bytes())).upgrade();
        let mut connection = accept(&request);
        let rest = connection.outgoing().strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").expect("V-14: 100 first");
        assert_switching(rest);
    }
    let without = serve(REQUEST.as_bytes()).response();
    assert!(without.starts_with(b"HTTP/1.1 101 "));
    for value in ["200-ok", "100", "100-continue, x"] {
        let served = serve(&request(END, format!("\r\nExpect: {value}\r\n\r\n").as_bytes()));
        assert_refused(value, &served, 417, HandshakeError::BadExpect);
    }
}

#[test]
fn hs_22_acceptance_is_the_101_of_the_rfc() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    let mut connection = request.accept(&Answer::new().protocol("chat"), &Config::new()).unwrap();
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    assert_eq!(str::from_utf8(connection.outgoing()), Ok(expected));
    server_accepts(&[("only websocket", "Upgrade: websocket", b"Upgrade: h2c, WebSocket, foo")]);
}

#[test]
fn hs_23_the_101_has_no_body() {
    assert_switching(&serve(REQUEST.as_bytes()).response());
    let request = serve(REQUEST.as_bytes()).upgrade();
    for name in ["Content-Length", "Transfer-Encoding"] {
        let error = request.accept(&Answer::new().header(name, "0"), &Config::new()).unwrap_err();
        assert_eq!(error, AnswerError::ReservedHeader, "{name}");
    }
}

#[test]
fn hs_24_frames_follow_the_101_in_the_same_write() {
    let mut connection = accept(&serve(REQUEST.as_bytes()).upgrade());
    let head = connection.outgoing().to_vec();
    connection.split().1.text("Hello").unwrap();
    assert_eq!(connection.outgoing(), [&head[..], &HELLO].concat());
}

#[test]
fn hs_25_bytes_behind_the_request_become_frames() {
    let bytes = [REQUEST.as_bytes(), &MASKED_HELLO[..7]].concat();
    let (served, mut rest) = serve_with(&OriginPolicy::Any, &Config::new(), &bytes);
    assert_eq!(rest, &MASKED_HELLO[..7], "V-18: left to the caller");
    let mut connection = accept(&served.upgrade());
    assert!(texts(&mut connection, &mut rest).is_empty());
    assert_eq!(texts(&mut connection, &mut MASKED_HELLO[7..].to_vec()), ["Hello"]);
    // Behind a refusal they are nobody's, which serve_pieces asserts.
    let bytes = [&request(KEY_LINE, b"")[..], &MASKED_HELLO].concat();
    assert_refused("swallowed", &serve(&bytes), 400, BAD_KEY);
}

#[test]
fn hs_26_origin_is_exposed_and_may_be_refused() {
    let origin = "Origin: http://example.com\r\n";
    for (line, shown) in [
        (origin, Some("http://example.com")),
        ("Origin: null\r\n", Some("null")),
        ("Origin: HTTP://Example.COM:80\r\n", Some("HTTP://Example.COM:80")),
        ("", None),
    ] {
        assert_eq!(serve(&request(origin, line.as_bytes())).upgrade().origin(), shown);
    }
    let policy = OriginPolicy::list(["https://example.com"]).unwrap();
    let served = serve_with(&policy, &Config::new(), REQUEST.as_bytes()).0;
    assert_refused("another scheme", &served, 403, HandshakeError::ForbiddenOrigin);
    // By the application: any response it likes.
    let response = serve(REQUEST.as_bytes()).upgrade().reject(403, &[], b"").unwrap();
    assert_eq!(Parsed::new(&response).status, 403);
}

#[test]
fn hs_27_two_origins_are_refused() {
    let origin = "Origin: http://example.com\r\n";
    server_refuses(&[
        ("equal", origin, origin.repeat(2).leak().as_bytes(), 400, BAD_ORIGIN),
        ("different", origin, b"Origin: a\r\nX: a\r\norigin: b\r\n", 400, BAD_ORIGIN),
        ("not readable", origin, b"Origin: \xff\r\n", 400, BAD_ORIGIN),
    ]);
    // Version 8 has another name for it.
    let config = Config::new().version_8(true);
    let eight = REQUEST.replace("Version: 13", "Version: 8");
    let renamed = eight.replace("Origin:", "Sec-WebSocket-Origin:");
    let served = serve_with(&OriginPolicy::list(["http://example.com"]).unwrap(), &config, renamed.as_bytes()).0;
    assert_eq!(served.upgrade().origin(), Some("http://example.com"));
    let both = eight.replace("Origin:", "Sec-WebSocket-Origin: http://example.org\r\nOrigin:");
    assert_refused("both", &serve_with(&OriginPolicy::Any, &config, both.as_bytes()).0, 400, BAD_ORIGIN);
    let thirteen = REQUEST.replace("Origin:", "Sec-WebSocket-Origin: http://example.org\r\nOrigin:");
    let served = serve_with(&OriginPolicy::Any, &config, thirteen.as_bytes()).0;
    assert_eq!(served.upgrade().origin(), Some("http://example.com"), "an unknown header in version 13");
}

#[test]
fn hs_28_application_answers_with_http_errors() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    for (status, header, value) in
        [(404, "X", "a"), (401, "WWW-Authenticate", "Basic realm=\"a\""), (302, "Location", "/b")]
    {
        let response = request.reject(status, &[(header, value), ("Set-Cookie", "a=b")], b"text").unwrap();
        let response = Parsed::new(&response);
        assert_eq!((response.status, response.one(header), response.one("Set-Cookie")), (status, value, "a=b"));
        assert_eq!((response.one("Content-Length"), &response.body[..]), ("4", &b"text"[..]));
    }
}

#[test]
fn hs_29_refusal_has_no_status_of_success() {
    let upgrade = serve(REQUEST.as_bytes()).upgrade();
    let plain = serve(PLAIN.as_bytes()).plain();
    for status in [0, 99, 100, 101, 102, 199, 600, 999, u16::MAX] {
        assert_eq!(upgrade.reject(status, &[], b""), Err(AnswerError::BadStatus), "{status}");
        assert_eq!(plain.respond(status, &[], b""), Err(AnswerError::BadStatus), "{status}");
    }
    for status in 200..300 {
        assert_eq!(upgrade.reject(status, &[], b""), Err(AnswerError::BadStatus), "{status}");
        assert_eq!(Parsed::new(&plain.respond(status, &[], b"").unwrap()).status, status);
    }
    for status in 300..600 {
        assert_eq!(Parsed::new(&upgrade.reject(status, &[], b"").unwrap()).status, status);
    }
}

#[test]
fn hs_30_refusal_is_complete_and_final() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    let response = request.reject(503, &[], b"").unwrap();
    let response = Parsed::new(&response);
    assert_eq!((response.one("Content-Length"), response.one("Connection")), ("0", "close"));
    // Statuses that never have a body.
    let plain = serve(PLAIN.as_bytes()).plain();
    assert!(!Parsed::new(&plain.respond(204, &[], b"").unwrap()).has("Content-Length"));
    for status in [204, 205, 304] {
        assert_eq!(plain.respond(status, &[], b"x"), Err(AnswerError::UnexpectedBody), "{status}");
    }
    // Later input is ignored.
    let mut server = Server::new(OriginPolicy::Any, &Config::new());
    assert!(server.receive(&mut &mut b"\x16\x03"[..].to_vec()[..]).is_err());
    let mut again = REQUEST.as_bytes().to_vec();
    let mut input = &mut again[..];
    assert!(matches!(server.receive(&mut input), Ok(None)) && input.is_empty());
    assert_eq!(server.receive_eof(), Ok(()));
}

#[test]
fn hs_30_statuses_have_their_reasons() {
    const REASONS: &[(u16, &str)] = &[
        (200, "OK"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (414, "URI Too Long"),
        (417, "Expectation Failed"),
        (426, "Upgrade Required"),
        (431, "Request Header Fields Too Large"),
        (503, "Service Unavailable"),
        (505, "HTTP Version Not Supported"),
    ];
    let plain = serve(PLAIN.as_bytes()).plain();
    for status in 200..600 {
        let reason = REASONS.iter().find(|(known, _)| *known == status).map_or("", |(_, reason)| *reason);
        let line = format!("HTTP/1.1 {status} {reason}\r\n");
        assert!(plain.respond(status, &[], b"").unwrap().starts_with(line.as_bytes()), "{line}");
    }
}

#[test]
fn hs_31_upgrade_comes_with_its_connection_option() {
    let version = serve(&request("Version: 13", b"Version: 8")).response();
    let plain = serve(PLAIN.as_bytes()).response();
    let custom = serve(REQUEST.as_bytes()).upgrade().reject(426, &[], b"").unwrap();
    for response in [version, plain, custom] {
        let response = Parsed::new(&response);
        assert_eq!((response.one("Upgrade"), response.one("Connection")), ("websocket", "upgrade, close"));
    }
}

#[test]
fn hs_32_headers_of_the_application_are_checked() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    let accept = |name: &str, value: &str| {
        request.accept(&Answer::new().header(name, value), &Config::new()).map(|_| ()).inspect_err(|_| {
            assert!(request.accept(&Answer::new(), &Config::new()).is_ok(), "nothing has changed");
        })
    };
    let reserved = ["Upgrade", "connection", "CONTENT-LENGTH", "Transfer-Encoding"];
    for name in reserved {
        assert_eq!(accept(name, "a"), Err(AnswerError::ReservedHeader), "{name}");
        assert_eq!(request.reject(403, &[(name, "a")], b""), Err(AnswerError::ReservedHeader), "{name}");
    }
    for name in ["Sec-WebSocket-Accept", "sec-websocket-protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Foo"] {
        assert_eq!(accept(name, "a"), Err(AnswerError::ReservedHeader), "{name}");
    }
    for (name, value) in [
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X\r\n", "a"),
        ("\u{e4}", "a"),
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "\0"),
        ("X", "\x7f"),
    ] {
        assert_eq!(accept(name, value), Err(AnswerError::BadHeader), "{name:?}: {value:?}");
        assert_eq!(request.reject(403, &[(name, value)], b""), Err(AnswerError::BadHeader), "{name:?}: {value:?}");
    }
    let mut connection =
        request.accept(&Answer::new().header("Set-Cookie", "a=b").header("Set-Cookie", "c=d"), &Config::new()).unwrap();
    assert_eq!(Parsed::new(connection.outgoing()).all("Set-Cookie"), ["a=b", "c=d"]);
    assert_eq!(accept("Sec", "a"), Ok(()));
}

#[test]
fn hs_33_handshakes_before_the_rfc_are_not_served() {
    let hixie_76 = b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n^n:ds[4U";
    assert_refused("76", &serve(hixie_76), 400, BAD_VERSION);
    for version in [7, 8] {
        let served = serve(&request("Version: 13", format!("Version: {version}").as_bytes()));
        assert_refused("hybi", &served, 426, UNSUPPORTED);
    }
}

#[test]
fn hs_34_open_when_the_101_is_queued() {
    // Before that there is no connection to send with: only a Request, which `accept` turns into one.
    let mut connection = accept(&serve(REQUEST.as_bytes()).upgrade());
    assert!(!connection.outgoing().is_empty());
    let mut bytes = MASKED_HELLO;
    let event = connection.split().0.receive(&mut &mut bytes[..]);
    assert_eq!(event, Ok(Some(Event::Text("Hello"))), "although nothing is written yet");
}

#[test]
fn end_of_stream_inside_the_request() {
    for len in [0, 1, REQUEST.len() - 1] {
        let mut server = Server::new(OriginPolicy::Any, &Config::new());
        assert!(matches!(server.receive(&mut &mut REQUEST.as_bytes()[..len].to_vec()[..]), Ok(None)));
        assert_eq!(server.receive_eof(), Err(HandshakeError::UnexpectedEof));
        assert_eq!(server.receive_eof(), Ok(()), "once");
    }
}

#[test]
fn server_is_done_with_its_request() {
    let mut server = Server::new(OriginPolicy::Any, &Config::new());
    let mut bytes = [REQUEST.as_bytes(), &MASKED_HELLO].concat();
    let mut input = &mut bytes[..];
    assert!(matches!(server.receive(&mut input), Ok(Some(_))));
    assert!(matches!(server.receive(&mut input), Ok(None)));
    assert_eq!(input, MASKED_HELLO, "what belongs to the connection is left alone");
    assert_eq!(server.receive_eof(), Ok(()));
}

#[test]
fn first_fault_decides() {
    // Start line before headers, its version before its method before its target.
    for (line, status) in [("POST * HTTP/2.0", 505), ("POST * HTTP/1.1", 405), ("GET * HTTP/1.1", 400)] {
        let bytes = request(START, line.as_bytes());
        let (served, _) = serve_pieces(Server::new(OriginPolicy::Any, &Config::new()), [&bytes[..]].into_iter());
        let Served::Refused(refusal) = served else { panic!("{line}") };
        assert_eq!(refusal.error().status(), Some(status), "{line}");
    }
}

/// One step or two, in any cut: the same connection or the same refusal, and the same bytes left.
#[test]
fn accepting_in_one_step() {
    let config = Config::new();
    for (name, bytes) in
        [("good", REQUEST.as_bytes()), ("plain", PLAIN.as_bytes()), ("wrong", &request("GET", b"POST"))]
    {
        let outcome = serve(bytes);
        let expected = [(outcome.error(), outcome.response())];
        let wire = [bytes, &MASKED_HELLO].concat();
        for cut in 0..=wire.len() {
            let mut wire = wire.clone();
            let (first, second) = wire.split_at_mut(cut);
            let mut server = Server::new(OriginPolicy::Any, &config);
            let mut found = Vec::new();
            let mut heard = Vec::new();
            let mut connection = None;
            for mut input in [first, second] {
                match server.accept(&mut input) {
                    Ok(None) => {}
                    Ok(Some(mut accepted)) => {
                        found.push((None, accepted.outgoing().to_vec()));
                        connection = Some(accepted);
                    }
                    Err(refusal) => found.push((Some(refusal.error()), refusal.response().to_vec())),
                }
                match &mut connection {
                    Some(connection) => heard.extend(texts(connection, input)),
                    None => assert!(input.is_empty(), "{name} at {cut}: swallowed"),
                }
            }
            assert_eq!(heard, if expected[0].0.is_none() { vec!["Hello"] } else { vec![] }, "{name} at {cut}");
            assert_eq!(found, expected, "{name} at {cut}: once");
        }
    }
}
