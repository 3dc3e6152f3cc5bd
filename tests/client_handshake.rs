//! The opening handshake at the client: rows HC, and the vectors V-40 to V-53 of a client.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use std::collections::HashSet;

use common::{
    Answered, END, HELLO, Parsed, RESPONSE, answer, answer_pieces, answer_with, asks, client, client_opens,
    client_rejects, response, right_accept, texts, with_accept,
};
use ws_proto::handshake::{Client, ClientRequest, HandshakeError, OriginPolicy, RequestError, Server, Uri};
use ws_proto::{Config, Seed};

const BAD_ACCEPT: HandshakeError = HandshakeError::BadAccept;
const BAD_CONNECTION: HandshakeError = HandshakeError::BadConnection;
const BAD_PROTOCOL: HandshakeError = HandshakeError::BadProtocol;
const BAD_UPGRADE: HandshakeError = HandshakeError::BadUpgrade;
const UNOFFERED_EXTENSION: HandshakeError = HandshakeError::UnofferedExtension;
const UNOFFERED_PROTOCOL: HandshakeError = HandshakeError::UnofferedProtocol;

const ACCEPT_LINE: &str = "Sec-WebSocket-Accept: <accept>\r\n";
const PROTOCOL_LINE: &str = "Sec-WebSocket-Protocol: chat\r\n";
const STATUS: &str = "101 Switching Protocols";

/// The request line and the headers that a client sends.
fn sent(request: &ClientRequest) -> (String, Parsed) {
    Parsed::request(client(request, &Config::new()).outgoing())
}

fn try_new(request: ClientRequest) -> Result<Client, RequestError> {
    Client::new(request, &Config::new(), Seed::predictable_for_tests(1))
}

#[test]
fn v_40_to_v_53_as_the_appendix_has_them() {
    client_opens(&[
        ("V-40 names", "Upgrade: websocket\r\nConnection", b"UPGRADE: websocket\r\nconnection"),
        ("V-40 websocket", "Upgrade: websocket", b"Upgrade: WEBSOCKET"),
        ("V-40 upgrade", "Connection: Upgrade", b"Connection: UPGRADE"),
        ("V-40 no reason", STATUS, b"101 "),
        ("V-43 list", "Connection: Upgrade", b"Connection: keep-alive, upgrade"),
        ("V-45 none", PROTOCOL_LINE, b""),
        ("V-48 interim", "HTTP/1.1 101", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101"),
        ("V-51 folded", "Upgrade: websocket", b"Upgrade:\r\n websocket"),
    ]);
    client_rejects(&[
        ("V-41 another key", "<accept>", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", BAD_ACCEPT),
        ("V-41 lower case", "<accept>", right_accept().to_lowercase().leak().as_bytes(), BAD_ACCEPT),
        ("V-41 twice", ACCEPT_LINE, ACCEPT_LINE.repeat(2).leak().as_bytes(), BAD_ACCEPT),
        ("V-41 absent", ACCEPT_LINE, b"", BAD_ACCEPT),
        ("V-42 list", "Upgrade: websocket", b"Upgrade: websocket, h2c", BAD_UPGRADE),
        ("V-42 two lines", "Upgrade: websocket", b"Upgrade: websocket\r\nUpgrade: websocket", BAD_UPGRADE),
        ("V-42 absent", "Upgrade: websocket\r\n", b"", BAD_UPGRADE),
        ("V-43 absent", "Connection: Upgrade\r\n", b"", BAD_CONNECTION),
        ("V-43 close", "Connection: Upgrade", b"Connection: close", BAD_CONNECTION),
        ("V-44 case", "Protocol: chat", b"Protocol: Chat", UNOFFERED_PROTOCOL),
        ("V-44 list", "Protocol: chat", b"Protocol: chat, superchat", BAD_PROTOCOL),
        ("V-44 two lines", PROTOCOL_LINE, PROTOCOL_LINE.repeat(2).leak().as_bytes(), BAD_PROTOCOL),
        ("V-44 empty", "Protocol: chat", b"Protocol:", BAD_PROTOCOL),
        ("V-44 not offered", "Protocol: chat", b"Protocol: other", UNOFFERED_PROTOCOL),
        ("V-46", END, b"\r\nSec-WebSocket-Extensions: foo\r\n\r\n", UNOFFERED_EXTENSION),
        ("V-47 200", STATUS, b"200 OK", HandshakeError::NotSwitching(200)),
        ("V-47 204", STATUS, b"204 No Content", HandshakeError::NotSwitching(204)),
        ("V-47 301", STATUS, b"301 Moved Permanently", HandshakeError::NotSwitching(301)),
        ("V-47 401", STATUS, b"401 Unauthorized", HandshakeError::NotSwitching(401)),
        ("V-47 403", STATUS, b"403 Forbidden", HandshakeError::NotSwitching(403)),
        ("V-47 426", STATUS, b"426 Upgrade Required", HandshakeError::NotSwitching(426)),
        ("V-47 500", STATUS, b"500 Internal Server Error", HandshakeError::NotSwitching(500)),
        ("V-53", "HTTP/1.1", b"HTTP/1.0", HandshakeError::BadHttpVersion),
    ]);
    // V-49 is hc_26, V-50 is hc_27, V-52 is hc_29.
}

#[test]
fn hc_01_scheme_host_and_port() {
    for (uri, secure, host, port) in [
        ("ws://h", false, "h", 80),
        ("WSS://h/", true, "h", 443),
        ("Ws://h:443/", false, "h", 443),
        ("wss://h:80", true, "h", 80),
        ("ws://h:/", false, "h", 80),
        ("ws://h:65535/", false, "h", 65535),
        ("ws://192.0.2.1/", false, "192.0.2.1", 80),
        ("ws://[2001:db8::1]:9000/", false, "2001:db8::1", 9000),
        ("ws://xn--bcher-kva.example/", false, "xn--bcher-kva.example", 80),
    ] {
        let parsed = Uri::parse(uri).unwrap();
        assert_eq!((parsed.is_secure(), parsed.host(), parsed.port()), (secure, host, port), "{uri}");
    }
    for (uri, error) in [
        ("http://h/", RequestError::BadScheme),
        ("https://h/", RequestError::BadScheme),
        ("wsx://h/", RequestError::BadScheme),
        ("://h/", RequestError::BadScheme),
        ("ws:h", RequestError::BadScheme),
        ("ws:/h", RequestError::BadScheme),
        ("h", RequestError::BadScheme),
        ("", RequestError::BadScheme),
        (" ws://h/", RequestError::BadScheme),
        ("ws://", RequestError::BadHost),
        ("ws:///a", RequestError::BadHost),
        ("ws://:80/", RequestError::BadHost),
        ("ws://?a", RequestError::BadHost),
        ("ws://h:65536/", RequestError::BadHost),
        ("ws://h:a/", RequestError::BadHost),
        ("ws://h:+1/", RequestError::BadHost),
        ("ws://h:1:2/", RequestError::BadHost),
        ("ws://[::1/", RequestError::BadHost),
        ("ws://[::1]a/", RequestError::BadHost),
        ("ws://::1/", RequestError::BadHost),
        ("ws://[h]/", RequestError::BadHost),
        ("ws://a\\b/", RequestError::BadHost),
    ] {
        assert_eq!(Uri::parse(uri), Err(error), "{uri}");
    }
}

#[test]
fn hc_02_fragment_is_refused() {
    for uri in ["ws://h/#", "ws://h/#a", "ws://h#", "ws://h?#", "ws://h/?a#b"] {
        assert_eq!(ClientRequest::new(uri).unwrap_err(), RequestError::Fragment, "{uri}");
    }
    assert_eq!(Uri::parse("ws://h/a%23b").unwrap().resource(), "/a%23b");
}

#[test]
fn hc_03_resource_name() {
    for (uri, resource) in [
        ("ws://h", "/"),
        ("ws://h/", "/"),
        ("ws://h?x", "/?x"),
        ("ws://h/?", "/"),
        ("ws://h/a?", "/a"),
        ("ws://h/a??", "/a??"),
        ("ws://h/a?b?", "/a?b?"),
        ("ws://h/a/b?c=d&e", "/a/b?c=d&e"),
        ("ws://h/a:b@c", "/a:b@c"),
    ] {
        let request = ClientRequest::new(uri).unwrap();
        assert_eq!(request.uri().resource(), resource, "{uri}");
        assert_eq!(sent(&request).0, format!("GET {resource} HTTP/1.1"), "{uri}");
    }
    for uri in
        ["ws://h/a b", "ws://h/\r\n", "ws://h/\t", "ws://h/\0", "ws://h/\u{e4}", "ws://b\u{fc}cher/", "ws://h/\x7f"]
    {
        assert_eq!(Uri::parse(uri), Err(RequestError::BadCharacter), "{uri:?}");
    }
}

#[test]
fn hc_04_well_known_paths_are_paths() {
    let uri = Uri::parse("wss://h/.well-known/x?y").unwrap();
    assert_eq!(uri.resource(), "/.well-known/x?y");
}

#[test]
fn hc_05_host_is_first_and_names_the_port_if_unusual() {
    for (uri, host) in [
        ("ws://h/", "h"),
        ("ws://h:80/", "h"),
        ("wss://h:443/", "h"),
        ("ws://h:443/", "h:443"),
        ("wss://h:80/", "h:80"),
        ("ws://[::1]/", "[::1]"),
        ("wss://[::1]:8443/", "[::1]:8443"),
    ] {
        let (_, head) = sent(&ClientRequest::new(uri).unwrap().header("X", "a"));
        assert_eq!(head.headers[0], ("Host".into(), host.into()), "{uri}");
        assert_eq!(head.one("Host"), host);
        assert_eq!(Uri::parse(uri).unwrap().host_header(), host);
    }
    for uri in ["ws://u@h/", "ws://u:p@h/", "ws://@h/"] {
        assert_eq!(Uri::parse(uri), Err(RequestError::UserInfo), "{uri}");
    }
}

#[test]
fn hc_06_request_is_a_get_without_body() {
    let (line, head) = sent(&asks());
    assert_eq!(line, "GET /chat HTTP/1.1");
    assert_eq!((head.one("Upgrade"), head.one("Connection")), ("websocket", "Upgrade"));
    assert!(head.body.is_empty() && !head.has("Content-Length") && !head.has("Transfer-Encoding"));
    // What the request of the RFC's example asks for, a server of ours takes.
    let mut bytes = client(&asks(), &Config::new()).outgoing().to_vec();
    let mut input = &mut bytes[..];
    assert!(matches!(Server::new(OriginPolicy::Any, &Config::new()).receive(&mut input), Ok(Some(_))));
    assert!(input.is_empty());
}

#[test]
fn hc_07_key_is_fresh() {
    let mut keys = HashSet::new();
    for number in 0..1000 {
        let client = Client::new(asks(), &Config::new(), Seed::predictable_for_tests(number)).unwrap();
        let (_, head) = Parsed::request(client.outgoing());
        let key = head.one("Sec-WebSocket-Key").to_owned();
        assert!(key.len() == 24 && key.ends_with("==") && key[..22].ends_with(['A', 'Q', 'g', 'w']), "{key}");
        assert!(keys.insert(key), "a key came twice");
    }
}

#[test]
fn hc_07_key_is_not_among_the_masking_keys() {
    let (answered, _) =
        answer_pieces(client(&asks(), &Config::new()), [&with_accept(RESPONSE.as_bytes())[..]].into_iter());
    let mut connection = answered.open().into_connection();
    let (_, head) = sent(&asks());
    connection.split().1.text("").unwrap();
    let mask: [u8; 4] = connection.outgoing()[2..6].try_into().unwrap();
    let nonce = base64_decode(head.one("Sec-WebSocket-Key"));
    assert!(nonce.as_chunks::<4>().0.iter().all(|word| *word != mask));
}

fn base64_decode(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = text.bytes().filter_map(|byte| alphabet.iter().position(|known| *known == byte));
    let bits: Vec<usize> = sextets.flat_map(|sextet| (0..6).rev().map(move |i| sextet >> i & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::try_from(*bit).unwrap())).collect()
}

#[test]
fn hc_08_version_is_13_once() {
    assert_eq!(sent(&asks()).1.one("Sec-WebSocket-Version"), "13");
}

#[test]
fn hc_09_origin_is_sent_if_given() {
    assert!(!sent(&asks()).1.has("Origin"));
    assert_eq!(sent(&asks().origin("http://example.com")).1.one("Origin"), "http://example.com");
    assert_eq!(try_new(asks().origin("a").origin("a")).unwrap_err(), RequestError::Repeated);
    assert_eq!(try_new(asks().origin("a\r\nX: b")).unwrap_err(), RequestError::BadHeader);
}

#[test]
fn hc_10_headers_of_the_caller_are_checked() {
    let (_, head) = sent(&asks().header("Cookie", "a=b").header("Authorization", "Basic x").header("User-Agent", "y"));
    assert_eq!((head.one("Cookie"), head.one("Authorization"), head.one("User-Agent")), ("a=b", "Basic x", "y"));
    for name in [
        "Host",
        "Upgrade",
        "connection",
        "CONTENT-LENGTH",
        "Transfer-Encoding",
        "Expect",
        "Origin",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Foo",
    ] {
        assert_eq!(try_new(asks().header(name, "a")).unwrap_err(), RequestError::ReservedHeader, "{name}");
    }
    for (name, value) in
        [("", "a"), ("X Y", "a"), ("X:", "a"), ("X", "a\r\nY: b"), ("X", "\n"), ("X", "\r"), ("X", "\0")]
    {
        assert_eq!(try_new(asks().header(name, value)).unwrap_err(), RequestError::BadHeader, "{name:?}: {value:?}");
    }
    let first = asks().header("X", "\0").protocol("").header("Host", "h");
    assert_eq!(try_new(first).unwrap_err(), RequestError::BadHeader, "the first fault is told");
}

#[test]
fn hc_11_nothing_follows_the_request_before_the_response() {
    // There is no connection to send with before the response is judged; the request is all there is to write.
    let mut client = client(&asks(), &Config::new());
    let len = client.outgoing().len();
    assert!(client.outgoing().ends_with(END.as_bytes()));
    client.consume(10);
    assert_eq!(client.outgoing().len(), len - 10, "partly written");
    client.consume(len - 10);
    assert!(client.outgoing().is_empty());
    assert!(matches!(client.receive(&mut &mut b"HTTP/1.1 101 \r\n"[..].to_vec()[..]), Ok(None)));
    assert!(client.outgoing().is_empty());
}

#[test]
fn hc_13_interim_responses_are_skipped() {
    for interim in ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: a\r\nUpgrade: h2c", "199"] {
        let head = format!("HTTP/1.1 {interim}\r\n\r\n");
        for times in [1, 8] {
            let bytes = [head.repeat(times).as_bytes(), &with_accept(RESPONSE.as_bytes())].concat();
            let response = answer(&bytes).open();
            assert_eq!(response.header("link"), None, "V-48 {interim}: judged by itself");
        }
        let bytes = [head.repeat(9).as_bytes(), &with_accept(RESPONSE.as_bytes())].concat();
        assert_eq!(answer(&bytes).error(), Some(HandshakeError::TooManyInterim), "{interim}");
        let refused = format!("{head}HTTP/1.1 403 \r\n\r\n");
        assert_eq!(answer(refused.as_bytes()).error(), Some(HandshakeError::NotSwitching(403)));
    }
}

#[test]
fn hc_14_other_statuses_are_handed_over() {
    let bytes = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 9\r\n\r\nwho are";
    let mut client = client(&asks(), &Config::new());
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let rejected = client.receive(&mut input).unwrap_err();
    assert_eq!((rejected.error(), rejected.status()), (HandshakeError::NotSwitching(401), Some(401)));
    assert_eq!(rejected.header("www-authenticate"), Some(&b"Basic"[..]));
    assert_eq!(rejected.headers().count(), 2);
    assert_eq!((rejected.body(), input.len()), (&b"who are"[..], 0));
    for status in [0, 200, 204, 304, 404, 426, 500, 600, 999] {
        let answered = answer(&response(STATUS, format!("{status:03}").as_bytes()));
        assert_eq!(answered.error(), Some(HandshakeError::NotSwitching(status)));
        assert_eq!(answered.rejected().status(), Some(status));
    }
    assert_eq!(answer(&response("HTTP/1.1 101", b"HTTP/1.0 403")).error(), Some(HandshakeError::NotSwitching(403)));
}

#[test]
fn hc_15_redirects_and_401_are_not_followed() {
    for head in ["301 \r\nLocation: ws://other.example/", "307 \r\nLocation: /", "401 \r\nWWW-Authenticate: Basic"] {
        let mut client = client(&asks(), &Config::new());
        let len = client.outgoing().len();
        client.consume(len);
        let mut bytes = format!("HTTP/1.1 {head}\r\n\r\n").into_bytes();
        assert!(client.receive(&mut &mut bytes[..]).is_err());
        assert!(client.outgoing().is_empty(), "{head}: nothing more to write");
        let mut good = with_accept(RESPONSE.as_bytes());
        assert!(matches!(client.receive(&mut &mut good[..]), Ok(None)), "{head}: the machine is done");
    }
}

#[test]
fn hc_16_perfect_200_is_no_upgrade() {
    client_rejects(&[("200", STATUS, b"200 OK", HandshakeError::NotSwitching(200))]);
}

#[test]
fn hc_17_the_101_is_http_1_1() {
    client_opens(&[("1.2", "HTTP/1.1", b"HTTP/1.2")]);
    client_rejects(&[
        ("V-53", "HTTP/1.1", b"HTTP/1.0", HandshakeError::BadHttpVersion),
        ("2.0", "HTTP/1.1", b"HTTP/2.0", HandshakeError::BadHttpVersion),
        ("0.9", "HTTP/1.1", b"HTTP/0.9", HandshakeError::BadHttpVersion),
        ("2", "HTTP/1.1", b"HTTP/2", HandshakeError::BadStatusLine),
    ]);
}

#[test]
fn hc_18_upgrade_is_websocket_alone() {
    client_opens(&[("any case", "Upgrade: websocket", b"Upgrade: WebSocket")]);
    client_rejects(&[
        ("absent", "Upgrade: websocket\r\n", b"", BAD_UPGRADE),
        ("twice", "Upgrade: websocket", b"Upgrade: websocket\r\nUpgrade: websocket", BAD_UPGRADE),
        ("list", "Upgrade: websocket", b"Upgrade: websocket, h2c", BAD_UPGRADE),
        ("comma", "Upgrade: websocket", b"Upgrade: websocket,", BAD_UPGRADE),
        ("another", "Upgrade: websocket", b"Upgrade: websocketx", BAD_UPGRADE),
        ("empty", "Upgrade: websocket", b"Upgrade:", BAD_UPGRADE),
    ]);
}

#[test]
fn hc_19_connection_names_upgrade() {
    client_opens(&[
        ("V-43 list", "Connection: Upgrade", b"Connection: keep-alive, upgrade"),
        ("lines", "Connection: Upgrade", b"Connection: keep-alive\r\nConnection: UPGRADE"),
    ]);
    client_rejects(&[
        ("absent", "Connection: Upgrade\r\n", b"", BAD_CONNECTION),
        ("another", "Connection: Upgrade", b"Connection: upgraded", BAD_CONNECTION),
        ("empty", "Connection: Upgrade", b"Connection:", BAD_CONNECTION),
    ]);
}

#[test]
fn hc_20_accept_is_exact() {
    client_opens(&[("blanks around", "<accept>", b"\t <accept> ")]);
    let accept = right_accept();
    let (unpadded, longer, swapped) = (&accept[..27], format!("{accept}="), accept.to_uppercase());
    client_rejects(&[
        ("absent", ACCEPT_LINE, b"", BAD_ACCEPT),
        ("empty", "<accept>", b"", BAD_ACCEPT),
        ("of another key", "<accept>", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", BAD_ACCEPT),
        ("case", "<accept>", swapped.leak().as_bytes(), BAD_ACCEPT),
        ("unpadded", "<accept>", unpadded.to_owned().leak().as_bytes(), BAD_ACCEPT),
        ("longer", "<accept>", longer.leak().as_bytes(), BAD_ACCEPT),
        ("list", "<accept>", b"<accept>, <accept>", BAD_ACCEPT),
    ]);
}

#[test]
fn hc_21_accept_is_there_once() {
    let (wrong_first, wrong_last) =
        (format!("Sec-WebSocket-Accept: x\r\n{ACCEPT_LINE}"), format!("{ACCEPT_LINE}Sec-WebSocket-Accept: x\r\n"));
    client_rejects(&[
        ("both right", ACCEPT_LINE, ACCEPT_LINE.repeat(2).leak().as_bytes(), BAD_ACCEPT),
        ("wrong first", ACCEPT_LINE, wrong_first.leak().as_bytes(), BAD_ACCEPT),
        ("wrong last", ACCEPT_LINE, wrong_last.leak().as_bytes(), BAD_ACCEPT),
    ]);
}

#[test]
fn hc_22_extensions_were_offered() {
    // None is offered, and none is sent.
    assert!(!sent(&asks()).1.has("Sec-WebSocket-Extensions"));
    client_rejects(&[
        ("V-46", END, b"\r\nSec-WebSocket-Extensions: foo\r\n\r\n", UNOFFERED_EXTENSION),
        ("N-30", END, b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", UNOFFERED_EXTENSION),
        ("malformed", END, b"\r\nSec-WebSocket-Extensions: foo;\r\n\r\n", HandshakeError::BadExtensions),
        ("empty", END, b"\r\nSec-WebSocket-Extensions:\r\n\r\n", HandshakeError::BadExtensions),
    ]);
}

#[test]
fn hc_23_extensions_in_several_lines_are_joined() {
    // Seen through the checks: the lines are one list, whose second line makes up for an empty first, and is checked.
    let two = |second: &str| {
        let lines = format!("\r\nSec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions: {second}\r\n\r\n");
        answer(&response(END, lines.as_bytes())).error()
    };
    assert_eq!(two("foo"), Some(UNOFFERED_EXTENSION));
    assert_eq!(two(""), Some(HandshakeError::BadExtensions));
    assert_eq!(two("foo;"), Some(HandshakeError::BadExtensions));
}

#[test]
fn hc_24_subprotocol_was_offered() {
    client_opens(&[("second offer", "Protocol: chat", b"Protocol: superchat")]);
    client_rejects(&[
        ("V-44 not offered", "Protocol: chat", b"Protocol: other", UNOFFERED_PROTOCOL),
        ("V-44 list", "Protocol: chat", b"Protocol: chat, superchat", BAD_PROTOCOL),
        ("V-44 twice", PROTOCOL_LINE, PROTOCOL_LINE.repeat(2).leak().as_bytes(), BAD_PROTOCOL),
    ]);
}

#[test]
fn hc_25_first_failure_in_the_order_of_the_rfc() {
    let faults: [(&str, &[u8], HandshakeError); 7] = [
        (STATUS, b"403 Forbidden", HandshakeError::NotSwitching(403)),
        ("HTTP/1.1", b"HTTP/1.0", HandshakeError::BadHttpVersion),
        ("Upgrade: websocket", b"Upgrade: x", BAD_UPGRADE),
        ("Connection: Upgrade", b"Connection: x", BAD_CONNECTION),
        ("<accept>", b"x", BAD_ACCEPT),
        (PROTOCOL_LINE, b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: foo\r\n", UNOFFERED_EXTENSION),
        ("Protocol: chat", b"Protocol: other", UNOFFERED_PROTOCOL),
    ];
    for first in 0..faults.len() {
        let mut bytes = RESPONSE.to_owned();
        for (from, to, _) in &faults[first..] {
            bytes = String::from_utf8(common::change(&bytes, from, to)).unwrap();
        }
        let answered = answer(&with_accept(bytes.as_bytes()));
        assert_eq!(answered.error(), Some(faults[first].2));
        assert!(answered.rejected().headers().count() > 3, "with the offending value");
    }
}

#[test]
fn hc_26_length_of_a_101_is_ignored() {
    for line in ["Content-Length: 7", "Content-Length: x", "Transfer-Encoding: chunked"] {
        let bytes = response(END, format!("\r\n{line}\r\n\r\n").as_bytes());
        let (answered, mut rest) = answer_with(&asks(), &Config::new(), &[&bytes[..], &HELLO].concat());
        assert_eq!(texts(&mut answered.open().into_connection(), &mut rest), ["Hello"], "V-49 {line}");
    }
}

#[test]
fn hc_27_bytes_behind_the_101_are_frames() {
    let bytes = [&with_accept(RESPONSE.as_bytes())[..], &HELLO, &HELLO].concat();
    let (answered, mut rest) = answer_with(&asks(), &Config::new(), &bytes);
    assert_eq!(texts(&mut answered.open().into_connection(), &mut rest), ["Hello", "Hello"], "V-50");
}

#[test]
fn hc_28_bytes_behind_another_status_are_its_body() {
    let bytes = [b"HTTP/1.1 200 OK\r\n\r\n", &HELLO[..]].concat();
    let (answered, _) = answer_pieces(client(&asks(), &Config::new()), [&bytes[..]].into_iter());
    assert_eq!(answered.rejected().body(), HELLO);
    // A head that was never whole has no body.
    assert_eq!(answer(b"SSH-2.0").rejected().body(), b"");
}

#[test]
fn hc_29_end_of_stream_inside_the_response() {
    let bytes = with_accept(RESPONSE.as_bytes());
    for len in [0, 1, 20, bytes.len() - 1] {
        let mut client = client(&asks(), &Config::new());
        assert!(matches!(client.receive(&mut &mut bytes[..len].to_vec()[..]), Ok(None)));
        let rejected = client.receive_eof().unwrap_err();
        assert_eq!(rejected.error(), HandshakeError::UnexpectedEof, "V-52 {len} bytes");
        assert!(client.receive_eof().is_ok(), "once");
        assert!(matches!(client.receive(&mut &mut bytes[len..].to_vec()[..]), Ok(None)), "done");
    }
    let mut done = client(&asks(), &Config::new());
    assert!(matches!(done.receive(&mut &mut bytes.clone()[..]), Ok(Some(_))));
    assert!(done.receive_eof().is_ok(), "behind the head it is the connection's");
}

#[test]
fn hc_30_failed_handshake_sends_nothing() {
    for bytes in [&b"\x81\x05Hello"[..], b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 101 \r\n\r\n", b"HTTP/1.1 101 \r\nX"] {
        let mut client = client(&asks(), &Config::new());
        let len = client.outgoing().len();
        client.consume(len);
        let _ = client.receive(&mut &mut bytes.to_vec()[..]);
        let _ = client.receive_eof();
        assert!(client.outgoing().is_empty(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn hc_31_cookies_stay_apart_and_version_is_ignored() {
    let lines = b"\r\nSet-Cookie: a=b, c\r\nX: y\r\nset-cookie: d=e\r\nSec-WebSocket-Version: 99\r\n\r\n";
    let response = answer(&response(END, lines)).open();
    let cookies = response.headers().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    assert!(cookies.map(|(_, value)| value).eq([&b"a=b, c"[..], b"d=e"]));
}

#[test]
fn hc_32_versions_of_a_server_are_exposed() {
    let rejected = answer(b"HTTP/1.1 426 \r\nSec-WebSocket-Version: 8, 7\r\n\r\n").rejected();
    assert_eq!(rejected.error(), HandshakeError::NotSwitching(426));
    assert_eq!(rejected.header("sec-websocket-version"), Some(&b"8, 7"[..]));
}

#[test]
fn client_is_done_with_its_response() {
    let mut client = client(&asks(), &Config::new());
    let mut bytes = [&with_accept(RESPONSE.as_bytes())[..], &HELLO].concat();
    let mut input = &mut bytes[..];
    assert!(matches!(client.receive(&mut input), Ok(Some(_))));
    assert!(matches!(client.receive(&mut input), Ok(None)));
    assert_eq!(input, HELLO, "what belongs to the connection is left alone");
}

#[test]
#[should_panic(expected = "more consumed than was outgoing")]
fn consuming_too_much_panics() {
    let mut client = client(&asks(), &Config::new());
    let len = client.outgoing().len();
    client.consume(len + 1);
}

#[test]
fn response_shows_what_was_agreed() {
    let Answered::Open(response) = answer(&with_accept(RESPONSE.as_bytes())) else { panic!() };
    assert_eq!(response.protocol(), Some("chat"));
    assert_eq!(response.headers().count(), 4);
}
