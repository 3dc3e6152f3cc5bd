//! The head of a request and of a response, as HTTP/1.1 has it: rows HP.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use common::{END, REQUEST, RESPONSE, Served, answer, answer_pieces, client, request, response, serve, serve_pieces};
use common::{asks, client_opens, client_rejects, server_accepts, server_refuses, with_accept};
use proptest::prelude::*;
use ws_proto::Config;
use ws_proto::handshake::{Answer, HandshakeError, OriginPolicy, Server};

const BAD_HEADER: HandshakeError = HandshakeError::BadHeader;
const BAD_REQUEST_LINE: HandshakeError = HandshakeError::BadRequestLine;
const BAD_STATUS_LINE: HandshakeError = HandshakeError::BadStatusLine;

/// One more line is refused by both roles.
fn both_refuse_line(name: &str, line: &[u8]) {
    let line = [b"\r\n", line, b"\r\n\r\n"].concat();
    assert_eq!(serve(&request(END, &line)).error(), Some(BAD_HEADER), "request: {name}");
    assert_eq!(answer(&response(END, &line)).error(), Some(BAD_HEADER), "response: {name}");
}

/// One more line is accepted by both roles, and has this value under `X`.
fn both_accept_line(name: &str, line: &[u8], value: &[u8]) {
    let line = [b"\r\n", line, b"\r\n\r\n"].concat();
    let request = serve(&request(END, &line)).upgrade();
    assert_eq!(request.header("x"), Some(value), "request: {name}");
    let response = answer(&response(END, &line)).open();
    assert_eq!(response.header("X"), Some(value), "response: {name}");
}

#[test]
fn hp_01_values_are_octets() {
    let opaque: Vec<u8> = (0x80..=0xff).collect();
    both_accept_line("80 to FF", &[b"X: ", &opaque[..]].concat(), &opaque);
}

#[test]
fn hp_02_any_cut_gives_the_same() {
    let bytes = [REQUEST.as_bytes(), &common::MASKED_HELLO].concat();
    let answered = [&with_accept(RESPONSE.as_bytes())[..], &common::HELLO].concat();
    for size in 1..=bytes.len() {
        let machine = Server::new(OriginPolicy::Any, &Config::new());
        let (served, rest) = serve_pieces(machine, bytes.chunks(size));
        assert!(matches!(served, Served::Upgrade(_)), "pieces of {size}");
        assert_eq!(rest, common::MASKED_HELLO, "pieces of {size}");

        let (opened, rest) = answer_pieces(client(&asks(), &Config::new()), answered.chunks(size));
        assert_eq!((opened.error(), rest), (None, common::HELLO.to_vec()), "pieces of {size}");
    }
}

/// `text` with the line end behind each of its lines replaced, once each.
fn with_line_end(text: &str, end: &str) -> Vec<Vec<u8>> {
    let ends = text.match_indices("\r\n").map(|(at, _)| at);
    ends.map(|at| with_accept([&text[..at], end, &text[at + 2..]].concat().as_bytes())).collect()
}

#[test]
fn hp_03_lone_line_feed_is_refused() {
    for (i, bytes) in with_line_end(REQUEST, "\n").into_iter().enumerate() {
        let error = if i == 0 { BAD_REQUEST_LINE } else { BAD_HEADER };
        assert_eq!(serve(&bytes).error(), Some(error), "line {i}");
    }
    for (i, bytes) in with_line_end(RESPONSE, "\n").into_iter().enumerate() {
        let error = if i == 0 { BAD_STATUS_LINE } else { BAD_HEADER };
        assert_eq!(answer(&bytes).error(), Some(error), "line {i}");
    }
}

#[test]
fn hp_04_lone_carriage_return_is_refused() {
    for (i, bytes) in with_line_end(REQUEST, "\r").into_iter().enumerate() {
        let served = serve(&bytes);
        if i + 1 == REQUEST.matches("\r\n").count() {
            assert!(matches!(served, Served::More), "the LF may yet come");
        } else {
            assert_eq!(served.error(), Some(if i == 0 { BAD_REQUEST_LINE } else { BAD_HEADER }), "line {i}");
        }
    }
    both_refuse_line("CR in a value", b"X: a\rb");
    both_refuse_line("two CR", b"X: a\r");
    both_refuse_line("CR before a name", b"\rX: a");
}

#[test]
fn hp_05_nul_and_line_ends_in_values_are_refused() {
    for byte in [0, b'\r', b'\n'] {
        for (name, line) in [("first", [b"X: ", &[byte][..], b"ab"]), ("inside", [b"X: a", &[byte], b"b"])] {
            both_refuse_line(&format!("{byte} {name}"), &line.concat());
        }
    }
    both_refuse_line("NUL at the end", b"X: a\0");
}

#[test]
fn hp_06_control_bytes_in_values_are_refused() {
    for byte in (1..=8).chain([0x0b, 0x0c]).chain(0x0e..=0x1f).chain([0x7f]) {
        // At different places of the words in which values are looked at.
        for at in 0..9 {
            let mut value = *b"abcdefghijkl";
            value[at] = byte;
            both_refuse_line(&format!("{byte} at {at}"), &[b"X: ", &value[..]].concat());
        }
    }
    both_accept_line("tab inside", b"X: a\tb", b"a\tb");
}

#[test]
fn hp_07_names_are_tokens() {
    let separators = b"\"(),/;<=>?@[\\]{} \t\x80\xff";
    for byte in separators {
        both_refuse_line(&format!("{byte} in a name"), &[b"X", &[*byte][..], b"Y: a"].concat());
        if !matches!(byte, b' ' | b'\t') {
            both_refuse_line(&format!("{byte} begins a name"), &[&[*byte][..], b"Y: a"].concat());
        }
    }
    both_refuse_line("empty name", b": a");
    both_refuse_line("no colon", b"X");
    both_refuse_line("no colon, blank", b"X a");
    server_accepts(&[("all of tchar", END, b"\r\n!#$%&'*+-.^_`|~09AZaz: a\r\n\r\n")]);
}

#[test]
fn hp_08_blank_before_the_colon_of_a_request_is_refused() {
    server_refuses(&[
        ("V-13 space", "Host:", b"Host :", 400, BAD_HEADER),
        ("tab", "Host:", b"Host\t:", 400, BAD_HEADER),
        ("unknown field", END, b"\r\nX : a\r\n\r\n", 400, BAD_HEADER),
    ]);
}

#[test]
fn hp_09_blank_before_the_colon_of_a_response_is_refused() {
    client_rejects(&[("space", "Upgrade:", b"Upgrade :", BAD_HEADER), ("tab", "Upgrade:", b"Upgrade\t:", BAD_HEADER)]);
}

#[test]
fn hp_10_blanks_around_values_are_stripped() {
    for (line, value) in [
        (&b"X:a"[..], &b"a"[..]),
        (b"X: a", b"a"),
        (b"X: \t a b \t ", b"a b"),
        (b"X:", b""),
        (b"X: ", b""),
        (b"X: \t \t", b""),
    ] {
        both_accept_line(&line.escape_ascii().to_string(), line, value);
    }
    server_accepts(&[
        ("key", "Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key:\t dGhlIHNhbXBsZSBub25jZQ== \t"),
        ("version", "Version: 13", b"Version:13 "),
        ("host", "Host: server.example.com", b"Host:\tserver.example.com\t"),
    ]);
    client_opens(&[("accept", "<accept>", b"  <accept>\t")]);
}

#[test]
fn hp_11_folded_line_in_a_request_is_refused() {
    server_refuses(&[
        ("V-13 space", END, b"\r\nX: a\r\n b\r\n\r\n", 400, BAD_HEADER),
        ("tab", END, b"\r\nX: a\r\n\tb\r\n\r\n", 400, BAD_HEADER),
        ("looks like a field", END, b"\r\nX: a\r\n Y: b\r\n\r\n", 400, BAD_HEADER),
        ("only blanks", END, b"\r\nX: a\r\n \r\n\r\n", 400, BAD_HEADER),
    ]);
}

#[test]
fn hp_12_folded_line_in_a_response_is_unfolded() {
    for (folded, value) in [
        (&b"\r\nX: a\r\n b\r\n\r\n"[..], &b"a   b"[..]),
        (b"\r\nX: a\r\n\tb\r\n\r\n", b"a  \tb"),
        (b"\r\nX: a\r\n b\r\n c\r\n\r\n", b"a   b   c"),
        (b"\r\nX:\r\n a\r\n\r\n", b"a"),
        (b"\r\nX: a\r\n \r\n\r\n", b"a"),
        (b"\r\nX: a\r\n Y: b\r\nZ: c\r\n\r\n", b"a   Y: b"),
    ] {
        let response = answer(&response(END, folded)).open();
        assert_eq!(response.header("x"), Some(value), "V-51: {}", folded.escape_ascii());
        assert_eq!(response.header("y"), None);
    }
    client_opens(&[
        ("V-51 upgrade", "Upgrade: websocket", b"Upgrade:\r\n websocket"),
        ("V-51 accept", "Accept: <accept>", b"Accept:\r\n\t<accept>\r\n "),
    ]);
}

#[test]
fn hp_13_blank_behind_the_start_line_is_refused() {
    for line in [&b"\r\n Host: server.example.com"[..], b"\r\n\tX: a\r\nHost: server.example.com", b"\r\n \r\nHost: h"]
    {
        let served = serve(&request("\r\nHost: server.example.com", line));
        assert_eq!(served.error(), Some(BAD_HEADER), "{}", line.escape_ascii());
    }
    client_rejects(&[("response", "\r\nUpgrade", b"\r\n X: a\r\nUpgrade", BAD_HEADER)]);
}

#[test]
fn hp_14_a_few_empty_lines_before_the_request_are_ignored() {
    for lines in 0..=6 {
        let served = serve(&["\r\n".repeat(lines), REQUEST.into()].concat().into_bytes());
        match lines {
            0..=4 => assert_eq!(served.upgrade().target(), "/chat", "V-19: {lines} lines"),
            _ => common::assert_refused("too many", &served, 400, BAD_REQUEST_LINE),
        }
    }
    client_rejects(&[("not in a response", "HTTP/1.1 101", b"\r\nHTTP/1.1 101", BAD_STATUS_LINE)]);
}

#[test]
fn hp_15_request_line_has_single_spaces() {
    let lines: [&[u8]; 13] = [
        b"GET  /chat HTTP/1.1",
        b"GET /chat  HTTP/1.1",
        b" GET /chat HTTP/1.1",
        b"GET\t/chat HTTP/1.1",
        b"GET /chat\tHTTP/1.1",
        b"GET /chat HTTP/1.1 ",
        b"GET /chat HTTP/1.1\t",
        b"GET /chat",
        b"GET HTTP/1.1",
        b"/chat HTTP/1.1",
        b"GET",
        b"GET /chat HTTP/1.1 x",
        b"G@T /chat HTTP/1.1",
    ];
    for line in lines {
        let served = serve(&request("GET /chat HTTP/1.1", line));
        common::assert_refused(&line.escape_ascii().to_string(), &served, 400, BAD_REQUEST_LINE);
    }
}

#[test]
fn hp_16_http_version_is_exact() {
    for version in
        ["http/1.1", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "HTTP/.1", "HTTP 1.1", "HTTP/1,1", "HTTP/a.b"]
    {
        let served = serve(&request("HTTP/1.1", version.as_bytes()));
        common::assert_refused(version, &served, 400, BAD_REQUEST_LINE);
        let answered = answer(&response("HTTP/1.1", version.as_bytes()));
        assert_eq!(answered.error(), Some(BAD_STATUS_LINE), "{version}");
    }
}

#[test]
fn hp_17_names_are_compared_in_any_case_and_order() {
    let (line, headers) = REQUEST.trim_end().split_once("\r\n").unwrap();
    let mut headers: Vec<&str> = headers.split("\r\n").collect();
    let recase = |name: fn(&str) -> String, headers: &[&str]| {
        let lines = headers.iter().map(|header| {
            let (known, value) = header.split_once(':').unwrap();
            format!("\r\n{}:{value}", name(known))
        });
        format!("{line}{}\r\n\r\n", lines.collect::<String>())
    };
    for _ in 0..headers.len() {
        headers.rotate_left(1);
        for name in [str::to_ascii_lowercase, str::to_ascii_uppercase, str::to_owned] {
            let request = serve(recase(name, &headers).as_bytes()).upgrade();
            assert_eq!(request.header("hOST"), Some(&b"server.example.com"[..]), "V-01");
            assert_eq!(request.origin(), Some("http://example.com"), "V-01");
        }
    }
    client_opens(&[
        ("V-40 lower case", "Sec-WebSocket-Accept", b"sec-websocket-accept"),
        ("V-40 upper case", "Sec-WebSocket-Accept", b"SEC-WEBSOCKET-ACCEPT"),
    ]);
}

#[test]
fn hp_18_repeated_lines_of_a_list_are_joined() {
    server_accepts(&[
        ("V-02 Connection", "Connection: Upgrade", b"Connection: keep-alive\r\nX: a\r\nConnection: Upgrade"),
        ("Upgrade", "Upgrade: websocket", b"Upgrade: h2c\r\nUpgrade: websocket"),
    ]);
    let request = serve(&request("chat, superchat", b"a, b\r\nX: a\r\nSec-WebSocket-Protocol: c")).upgrade();
    assert!(request.protocols().eq(["a", "b", "c"]), "in order");
    client_opens(&[("Connection", "Connection: Upgrade", b"Connection: keep-alive\r\nConnection: Upgrade")]);
    let response =
        answer(&response("101 Switching", b"426 \r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8, 7\r\nX: "));
    let rejected = response.rejected();
    let versions = rejected.headers().filter(|(name, _)| *name == "Sec-WebSocket-Version").map(|(_, value)| value);
    assert!(versions.eq([&b"13"[..], b"8, 7"]));
}

#[test]
fn hp_19_empty_list_elements_are_ignored() {
    server_accepts(&[
        ("Upgrade", "Upgrade: websocket", b"Upgrade: , ,websocket ,,"),
        ("Connection", "Connection: Upgrade", b"Connection:,\t,Upgrade\t,"),
        ("protocols", "chat, superchat", b",, chat ,, superchat,"),
        ("one of two lines", "chat, superchat", b"chat\r\nSec-WebSocket-Protocol:"),
    ]);
    server_refuses(&[
        ("Upgrade", "Upgrade: websocket", b"Upgrade: , ,", 426, HandshakeError::BadUpgrade),
        ("Connection", "Connection: Upgrade", b"Connection: ,", 400, HandshakeError::BadConnection),
        ("protocols", "chat, superchat", b", ,", 400, HandshakeError::BadProtocol),
        ("extensions", END, b"\r\nSec-WebSocket-Extensions: ,\r\n\r\n", 400, HandshakeError::BadExtensions),
    ]);
    client_opens(&[("Connection", "Connection: Upgrade", b"Connection: , ,upgrade,")]);
    // Their number is bounded by the head, and the work is linear in it.
    let commas = ",".repeat(15_000);
    assert!(matches!(serve(&request("chat, superchat", format!("{commas}chat").as_bytes())), Served::Upgrade(_)));
}

#[test]
fn hp_20_emitted_heads_are_well_formed() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    let answer = Answer::new().protocol("chat").header("X-Text", "caf\u{e9}\tau lait").header("X-Empty", "");
    let mut connection = request.accept(&answer, &Config::new()).unwrap();
    let asked = asks().header("X-Text", "caf\u{e9}").header("X-Empty", "").origin("http://example.com");
    let asked = client(&asked, &Config::new()).outgoing().to_vec();
    let refused = serve(b"\x81").response();
    for head in [connection.outgoing(), &asked, &refused, &request.reject(404, &[("X", "a")], b"").unwrap()] {
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = str::from_utf8(&head[..end]).unwrap();
        for line in head.split("\r\n").skip(1) {
            let (name, value) = line.split_once(": ").expect(line);
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{line}");
            assert!(!value.contains(|c: char| c.is_ascii_control() && c != '\t'), "{line}");
            assert!(!value.contains(",,") && !value.starts_with(',') && !value.ends_with(','), "{line}");
        }
    }
}

#[test]
fn hp_21_nothing_is_decided_before_the_head_is_whole() {
    for len in 0..REQUEST.len() {
        assert!(matches!(serve_whole(&REQUEST.as_bytes()[..len]), Served::More), "{len} bytes");
    }
    for len in 0..with_accept(RESPONSE.as_bytes()).len() {
        let bytes = with_accept(RESPONSE.as_bytes());
        let (answered, _) = answer_pieces(client(&asks(), &Config::new()), [&bytes[..len]].into_iter());
        assert!(matches!(answered, common::Answered::More), "{len} bytes");
    }
    server_refuses(&[
        ("late Host", END, b"\r\nHost: server.example.com\r\n\r\n", 400, HandshakeError::BadHost),
        ("late Key", END, b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400, HandshakeError::BadKey),
    ]);
}

fn serve_whole(bytes: &[u8]) -> Served {
    serve_pieces(Server::new(OriginPolicy::Any, &Config::new()), [bytes].into_iter()).0
}

#[test]
fn hp_22_bytes_that_are_no_request_fail_at_once() {
    for (name, bytes) in [
        ("nearly TLS", &b"\x16\x02"[..]),
        ("a frame", b"\x81"),
        ("binary", b"\0"),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r"),
        ("a space", b" "),
        ("a colon", b"GET:"),
        ("two spaces", b"GET  "),
        ("no version", b"GET / G"),
        ("another protocol", b"OPTIONS rtsp://h/ R"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\n"),
    ] {
        common::assert_refused(name, &serve(bytes), 400, BAD_REQUEST_LINE);
        if name != "HTTP/2" {
            assert!(matches!(serve(&bytes[..bytes.len() - 1]), Served::More), "{name}: not a byte sooner");
        }
    }
    for bytes in [&b"\x15\x02"[..], b"\x14", b"h", b"HTTQ", b"HTTP/1.1 2x"] {
        assert_eq!(answer(bytes).error(), Some(BAD_STATUS_LINE), "{}", bytes.escape_ascii());
    }
}

#[test]
fn hp_23_status_line() {
    client_opens(&[
        ("V-40 no reason", "101 Switching Protocols", b"101 "),
        ("V-40 no space either", "101 Switching Protocols", b"101"),
        ("any reason", "101 Switching Protocols", b"101 \xfc\t  404"),
    ]);
    for status in ["1", "10", "1011", "1O1", "+101", " 101", "101x", "", "-1 ", "101\x01", "101 \x7f"] {
        let answered = answer(&response("101 Switching Protocols", status.as_bytes()));
        assert_eq!(answered.error(), Some(BAD_STATUS_LINE), "{status}");
    }
}

#[test]
fn hp_24_content_length_is_a_number() {
    let bad = HandshakeError::BadContentLength;
    for (name, line) in [
        ("V-12 letter", "x"),
        ("sign", "+0"),
        ("negative", "-1"),
        ("hexadecimal", "0x0"),
        ("empty", ""),
        ("two values", "0, 1"),
        ("empty element", "0,"),
        ("two lines", "0\r\nContent-Length: 5"),
        ("float", "0.0"),
    ] {
        let line = format!("\r\nContent-Length: {line}\r\n\r\n");
        common::assert_refused(name, &serve(&request(END, line.as_bytes())), 400, bad);
    }
    server_accepts(&[
        ("the same twice in a line", END, b"\r\nContent-Length: 0, 0\r\n\r\n"),
        ("the same in two lines", END, b"\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    ]);
    for coding in ["gzip", "chunked, gzip", "identity", ""] {
        let line = format!("\r\nTransfer-Encoding: {coding}\r\n\r\n");
        common::assert_refused(coding, &serve(&request(END, line.as_bytes())), 400, HandshakeError::UnexpectedBody);
    }
}

/// Lines that are well formed, nearly so, or anything.
fn header_block() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b':'), Just(b' '), Just(b'\t'), Just(b'a'), Just(b'\r'), any::<u8>()];
    let anything = prop::collection::vec(byte, 0..12);
    let near = ("[a-zA-Z!~]{0,3}", "[: \t]{0,3}", "[ -~\t\u{80}-\u{ff}]{0,20}")
        .prop_map(|(a, b, c)| [a, b, c].concat().into());
    let good = ("[a-z]{1,9}", "[ -~\t]{0,20}").prop_map(|(name, value)| format!("{name}:{value}").into_bytes());
    prop::collection::vec(prop_oneof![1 => anything, 2 => near, 3 => good], 0..5).prop_map(|lines| {
        // httparse takes a lone LF for a line end.
        let lines = lines.into_iter().map(|line| line.into_iter().filter(|byte| *byte != b'\n').collect::<Vec<_>>());
        lines.flat_map(|line| [line, b"\r\n".to_vec()]).flatten().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn header_lines_are_those_of_httparse(block in header_block()) {
        let bytes = [b"GET / HTTP/1.1\r\nHost: h\r\n", &block[..], b"\r\n"].concat();
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut twin = httparse::Request::new(&mut headers);
        let twin_len = twin.parse(&bytes);
        let (served, rest) = serve_pieces(Server::new(OriginPolicy::Any, &Config::new()), [&bytes[..]].into_iter());
        if let Ok(len) = twin_len {
            let expected: Vec<_> = twin.headers.iter().map(|h| (h.name, h.value)).collect();
            let plain = served.plain();
            prop_assert_eq!(plain.headers().collect::<Vec<_>>(), expected);
            prop_assert_eq!(bytes.len() - rest.len(), len.unwrap());
        } else {
            prop_assert_eq!(served.error(), Some(BAD_HEADER));
        }
    }
}
