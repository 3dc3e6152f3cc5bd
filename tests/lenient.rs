//! `Config::lenient_handshake`: what it overlooks, and that it overlooks nothing else.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use common::{
    Answered, Change, END, HELLO, RESPONSE, Served, answer_with, asks, assert_refused, request, response, serve_with,
    texts, with_accept,
};
use ws_proto::Config;
use ws_proto::handshake::{HandshakeError, OriginPolicy};

const EXTENSIONS: HandshakeError = HandshakeError::BadExtensions;
const PROTOCOL: HandshakeError = HandshakeError::BadProtocol;
const PROTOCOL_LINE: &str = "Sec-WebSocket-Protocol: chat\r\n";

const fn lenient() -> Config {
    Config::new().lenient_handshake(true)
}

fn serve_under(config: &Config, bytes: &[u8]) -> Served {
    serve_with(&OriginPolicy::Any, config, bytes).0
}

fn answer_under(config: &Config, bytes: &[u8]) -> Answered {
    answer_with(&asks(), config, bytes).0
}

/// Empty, and empty in other words.
const EMPTY: [&str; 4] = ["", " \t", ",", " , ,"];

#[test]
fn k_25_an_empty_list_in_a_request() {
    for value in EMPTY {
        for times in [1, 2] {
            let extensions = format!("\r\nSec-WebSocket-Extensions:{value}").repeat(times) + END;
            let protocols = format!("Sec-WebSocket-Protocol:{value}\r\n").repeat(times);
            for (from, to, error) in
                [(END, &extensions, EXTENSIONS), ("Sec-WebSocket-Protocol: chat, superchat\r\n", &protocols, PROTOCOL)]
            {
                let bytes = request(from, to.as_bytes());
                assert_refused(to, &serve_under(&Config::new(), &bytes), 400, error);
                let request = serve_under(&lenient(), &bytes).upgrade();
                assert_eq!(request.extensions().count(), 0, "{to:?}");
                assert_eq!(request.protocols().count(), if error == PROTOCOL { 0 } else { 2 }, "{to:?}");
            }
        }
    }
}

#[test]
fn k_25_an_empty_list_in_a_101() {
    for value in EMPTY {
        let extensions = format!("\r\nSec-WebSocket-Extensions:{value}{END}");
        let bytes = response(END, extensions.as_bytes());
        assert_eq!(answer_under(&Config::new(), &bytes).error(), Some(EXTENSIONS), "{value:?}");
        assert_eq!(answer_under(&lenient(), &bytes).open().protocol(), Some("chat"), "{value:?}");
    }
    for value in ["", " \t"] {
        let bytes = response(PROTOCOL_LINE, format!("Sec-WebSocket-Protocol:{value}\r\n").as_bytes());
        assert_eq!(answer_under(&Config::new(), &bytes).error(), Some(PROTOCOL), "{value:?}");
        assert_eq!(answer_under(&lenient(), &bytes).open().protocol(), None, "{value:?}");
        // None was chosen, and one may be required.
        let error = answer_under(&lenient().require_protocol(true), &bytes).error();
        assert_eq!(error, Some(HandshakeError::MissingProtocol));
    }
}

#[test]
fn k_25_a_101_in_http_1_0() {
    let bytes = response("HTTP/1.1", b"HTTP/1.0");
    assert_eq!(answer_under(&Config::new(), &bytes).error(), Some(HandshakeError::BadHttpVersion));
    assert_eq!(answer_under(&lenient(), &bytes).open().protocol(), Some("chat"));
}

#[test]
fn k_25_a_lone_lf_in_a_response() {
    let good = String::from_utf8(with_accept(RESPONSE.as_bytes())).unwrap();
    let interim = "HTTP/1.1 100 Continue\n\n".to_owned() + &good;
    let folded = good.replace("Upgrade: websocket", "Upgrade:\n websocket");
    let no_reason = good.replace(" Switching Protocols", "").replace("\r\n", "\n");
    let rows = [
        ("all", good.replace("\r\n", "\n"), HandshakeError::BadStatusLine),
        ("status line", good.replacen("\r\n", "\n", 1), HandshakeError::BadStatusLine),
        ("no reason", no_reason, HandshakeError::BadStatusLine),
        ("all but the status line", good.replace("\r\n", "\n").replacen('\n', "\r\n", 1), HandshakeError::BadHeader),
        ("the empty line", good.replace("\r\n\r\n", "\r\n\n"), HandshakeError::BadHeader),
        ("the last line", good.replace("\r\n\r\n", "\n\r\n"), HandshakeError::BadHeader),
        ("interim", interim, HandshakeError::BadStatusLine),
        ("folded", folded, HandshakeError::BadHeader),
    ];
    for (name, text, error) in rows {
        assert_eq!(answer_under(&Config::new(), text.as_bytes()).error(), Some(error), "{name}");
        let bytes = [text.as_bytes(), &HELLO].concat();
        let (answered, mut rest) = answer_with(&asks(), &lenient(), &bytes);
        let response = answered.open();
        assert_eq!(response.protocol(), Some("chat"), "{name}");
        assert_eq!(response.headers().count(), 4, "{name}");
        assert_eq!(texts(&mut response.into_connection(), &mut rest), ["Hello"], "{name}");
    }
    // Another status likewise, with its body.
    let rejected = answer_under(&lenient(), b"HTTP/1.1 403 No\nX: a\nContent-Length: 2\n\nno").rejected();
    assert_eq!((rejected.status(), rejected.header("x")), (Some(403), Some(&b"a"[..])));
}

/// What is refused without it, and is not on its list, is refused with it.
#[test]
fn k_25_nothing_else_changes_for_a_server() {
    let rows: &[(&str, &str, &[u8], u16, HandshakeError)] = &[
        ("lone LF", "\r\nHost", b"\nHost", 400, HandshakeError::BadRequestLine),
        ("lone LF behind a header", "\r\nUpgrade", b"\nUpgrade", 400, HandshakeError::BadHeader),
        ("lone LF at the end", END, b"\n\n", 400, HandshakeError::BadHeader),
        ("lone CR", "\r\nUpgrade", b"\rUpgrade", 400, HandshakeError::BadHeader),
        ("folded line", "Upgrade: websocket", b"Upgrade:\r\n websocket", 400, HandshakeError::BadHeader),
        ("HTTP/1.0", "HTTP/1.1", b"HTTP/1.0", 426, HandshakeError::UpgradeOverHttp10),
        ("empty key", "dGhlIHNhbXBsZSBub25jZQ==", b"", 400, HandshakeError::BadKey),
        ("empty version", "Version: 13", b"Version:", 400, HandshakeError::BadVersion),
        ("empty Upgrade", "Upgrade: websocket", b"Upgrade:", 426, HandshakeError::BadUpgrade),
        ("empty Connection", "Connection: Upgrade", b"Connection:", 400, HandshakeError::BadConnection),
        ("malformed extensions", END, b"\r\nSec-WebSocket-Extensions: ;\r\n\r\n", 400, EXTENSIONS),
        ("empty parameter", END, b"\r\nSec-WebSocket-Extensions: a;\r\n\r\n", 400, EXTENSIONS),
        ("malformed protocol", "chat, superchat", b"a b", 400, PROTOCOL),
        ("repeated protocol", "chat, superchat", b"a, a", 400, PROTOCOL),
        ("body", END, b"\r\nContent-Length: 1\r\n\r\n", 400, HandshakeError::UnexpectedBody),
        ("two hosts", "Host:", b"Host: a\r\nHost:", 400, HandshakeError::BadHost),
    ];
    for (name, from, to, status, error) in rows {
        assert_refused(name, &serve_under(&lenient(), &request(from, to)), *status, *error);
    }
}

#[test]
fn k_25_nothing_else_changes_for_a_client() {
    let rows: &[(&str, &str, &[u8], HandshakeError)] = &[
        ("lone CR", "\r\nUpgrade", b"\rUpgrade", HandshakeError::BadStatusLine),
        ("lone CR behind a header", "\r\nConnection", b"\rConnection", HandshakeError::BadHeader),
        ("CR CR LF", "\r\nConnection", b"\r\r\nConnection", HandshakeError::BadHeader),
        ("LF in the version", "HTTP/1.1", b"HTTP/\n1.1", HandshakeError::BadStatusLine),
        ("LF before the status", "101", b"\n101", HandshakeError::BadStatusLine),
        ("LF in the status", "101", b"10\n", HandshakeError::BadStatusLine),
        ("a name that ends with it", "Upgrade: websocket", b"Upgrade\n: websocket", HandshakeError::BadHeader),
        ("HTTP/0.9", "HTTP/1.1", b"HTTP/0.9", HandshakeError::BadHttpVersion),
        ("HTTP/2.0", "HTTP/1.1", b"HTTP/2.0", HandshakeError::BadHttpVersion),
        ("200", "101", b"200", HandshakeError::NotSwitching(200)),
        ("empty Upgrade", "Upgrade: websocket", b"Upgrade:", HandshakeError::BadUpgrade),
        ("empty Connection", "Connection: Upgrade", b"Connection:", HandshakeError::BadConnection),
        ("empty Accept", "<accept>", b"", HandshakeError::BadAccept),
        ("two protocols", PROTOCOL_LINE, b"Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol:\r\n", PROTOCOL),
        ("a comma", "Protocol: chat", b"Protocol: ,", PROTOCOL),
        ("unoffered protocol", "Protocol: chat", b"Protocol: x", HandshakeError::UnofferedProtocol),
        ("extension", END, b"\r\nSec-WebSocket-Extensions: x\r\n\r\n", HandshakeError::UnofferedExtension),
        ("malformed extension", END, b"\r\nSec-WebSocket-Extensions: x;\r\n\r\n", EXTENSIONS),
    ];
    for (name, from, to, error) in rows {
        let bytes = response(from, to);
        assert_eq!(answer_under(&lenient(), &bytes).error(), Some(*error), "{name}");
        assert_eq!(answer_under(&Config::new(), &bytes).error(), Some(*error), "{name}, strict");
    }
}

/// What is accepted without it is accepted with it, and says the same.
#[test]
fn k_25_good_handshakes_stay_good() {
    let requests: &[Change] = &[
        ("as it is", "GET", b"GET"),
        ("list of extensions", END, b"\r\nSec-WebSocket-Extensions: a, b;x=1\r\n\r\n"),
        ("empty, and one", END, b"\r\nSec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions: a\r\n\r\n"),
    ];
    for (name, from, to) in requests {
        let bytes = request(from, to);
        let [strict, other] = [Config::new(), lenient()].map(|config| serve_under(&config, &bytes).upgrade());
        assert!(strict.protocols().eq(other.protocols()), "{name}");
        assert!(strict.extensions().eq(other.extensions()), "{name}");
    }
    let bytes = with_accept(RESPONSE.as_bytes());
    let [strict, other] = [Config::new(), lenient()].map(|config| answer_under(&config, &bytes).open());
    assert!(strict.headers().eq(other.headers()));
}
