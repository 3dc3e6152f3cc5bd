//! The response to an upgrade that a server refuses: its status, its headers, its body, and the stream behind it.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use std::time::{Duration, Instant};

use allocation_counter::measure;
use common::{END, asks, client, reject_pieces, reject_with, response};
use proptest::prelude::*;
use ws_proto::Config;
use ws_proto::handshake::{HandshakeError, Rejected};

fn reject(bytes: &[u8]) -> (Rejected, Vec<u8>) {
    reject_with(&Config::new(), bytes)
}

/// Makes a response of what is given.
type Make<'a, T> = &'a dyn Fn(T) -> String;

const CHUNKED: &str = "HTTP/1.1 401 \r\nTransfer-Encoding: chunked\r\n\r\n";

/// A name, the bytes of a stream, the body, whether it is complete, and what is left of the bytes if the stream can go on.
type Row = (&'static str, &'static [u8], &'static [u8], bool, Option<&'static [u8]>);

const BODIES: &[Row] = &[
    ("length", b"HTTP/1.1 401 \r\nContent-Length: 4\r\n\r\nbody", b"body", true, Some(b"")),
    ("length, more behind", b"HTTP/1.1 401 \r\nContent-Length: 4\r\n\r\nbodyHTTP", b"body", true, Some(b"HTTP")),
    ("length twice", b"HTTP/1.1 401 \r\nContent-Length: 4, 4\r\n\r\nbody", b"body", true, Some(b"")),
    ("length zero", b"HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\nHTTP", b"", true, Some(b"HTTP")),
    ("length, cut off", b"HTTP/1.1 401 \r\nContent-Length: 5\r\n\r\nbody", b"body", false, None),
    ("length, nothing comes", b"HTTP/1.1 401 \r\nContent-Length: 5\r\n\r\n", b"", false, None),
    ("length, close", b"HTTP/1.1 401 \r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\nbx", b"b", true, None),
    ("length of HTTP/1.0", b"HTTP/1.0 401 \r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nbx", b"b", true, None),
    ("no number", b"HTTP/1.1 401 \r\nContent-Length: 4x\r\n\r\nbody", b"", false, None),
    ("two numbers", b"HTTP/1.1 401 \r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody", b"", false, None),
    ("above 64 bits", b"HTTP/1.1 401 \r\nContent-Length: 18446744073709551616\r\n\r\nbody", b"", false, None),
    ("64 bits", b"HTTP/1.1 401 \r\nContent-Length: 18446744073709551615\r\n\r\nbody", b"body", false, None),
    ("neither", b"HTTP/1.1 403 \r\n\r\nbody to the end", b"body to the end", true, None),
    ("neither, and empty", b"HTTP/1.1 403 \r\n\r\n", b"", true, None),
    ("204", b"HTTP/1.1 204 \r\n\r\nHTTP", b"", true, Some(b"HTTP")),
    ("204 with a length", b"HTTP/1.1 204 \r\nContent-Length: 4\r\n\r\nHTTP", b"", true, Some(b"HTTP")),
    ("304", b"HTTP/1.1 304 \r\nContent-Length: 4\r\n\r\nHTTP", b"", true, Some(b"HTTP")),
    (
        "both",
        b"HTTP/1.1 401 \r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\nx",
        b"b",
        true,
        None,
    ),
    ("another coding", b"HTTP/1.1 401 \r\nTransfer-Encoding: gzip\r\n\r\nbody", b"body", true, None),
    ("chunked is not last", b"HTTP/1.1 401 \r\nTransfer-Encoding: chunked, gzip\r\n\r\nbody", b"body", true, None),
    (
        "two codings",
        b"HTTP/1.1 401 \r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\nb\r\n0\r\n\r\nx",
        b"b",
        true,
        Some(b"x"),
    ),
];

/// The same behind [`CHUNKED`].
const CHUNKS: &[Row] = &[
    ("none", b"0\r\n\r\n", b"", true, Some(b"")),
    ("one", b"4\r\nbody\r\n0\r\n\r\n", b"body", true, Some(b"")),
    ("more behind", b"4\r\nbody\r\n0\r\n\r\nHTTP", b"body", true, Some(b"HTTP")),
    ("three", b"1\r\nb\r\n2\r\nod\r\n1\r\ny\r\n0\r\n\r\n", b"body", true, Some(b"")),
    ("sixteen", b"10\r\n0123456789abcdef\r\n00\r\n\r\n", b"0123456789abcdef", true, Some(b"")),
    ("hexadecimal", b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a", true, Some(b"")),
    ("line ends in data", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n", true, Some(b"")),
    ("extensions", b"4;a=b;c=\"d\"\r\nbody\r\n0;x\r\n\r\n", b"body", true, Some(b"")),
    ("blanks behind a size", b"4 \t\r\nbody\r\n0 \r\n\r\n", b"body", true, Some(b"")),
    ("trailers", b"4\r\nbody\r\n0\r\nX: a\r\nY:\r\n\r\n", b"body", true, Some(b"")),
    ("all digits", b"0000000000000004\r\nbody\r\n0\r\n\r\n", b"body", true, Some(b"")),
    ("too many digits", b"00000000000000004\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("the largest size", b"ffffffffffffffff\r\nbody", b"body", false, None),
    ("no size", b"\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("no hexadecimal", b"4g\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("a sign", b"+4\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("a blank before", b" 4\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("lone LF", b"4\nbody\n0\n\n", b"", false, None),
    ("CR without LF", b"4\rbody", b"", false, None),
    ("too long", b"4\r\nbody!\r\n0\r\n\r\n", b"body", false, None),
    ("CR behind data without LF", b"4\r\nbody\r0\r\n\r\n", b"body", false, None),
    ("control in an extension", b"4;\0\r\nbody\r\n0\r\n\r\n", b"", false, None),
    ("control in a trailer", b"4\r\nbody\r\n0\r\n\0\r\n\r\n", b"body", false, None),
    ("trailer with CR", b"4\r\nbody\r\n0\r\nX: a\rb\r\n\r\n", b"body", false, None),
    ("no LF at the end", b"0\r\n\rx", b"", false, None),
    ("cut off in a size", b"4\r\nbody\r\n0", b"body", false, None),
    ("cut off in data", b"4\r\nbo", b"bo", false, None),
    ("cut off before the end", b"4\r\nbody\r\n0\r\n\r", b"body", false, None),
    ("nothing comes", b"", b"", false, None),
];

#[test]
fn k_12_a_body_ends_where_its_framing_says() {
    let chunks = CHUNKS.iter().map(|(name, bytes, body, complete, left)| {
        (*name, [CHUNKED.as_bytes(), bytes].concat(), *body, *complete, *left)
    });
    let bodies =
        BODIES.iter().map(|(name, bytes, body, complete, left)| (*name, bytes.to_vec(), *body, *complete, *left));
    for (name, bytes, body, complete, left) in bodies.chain(chunks) {
        let (rejected, rest) = reject(&bytes);
        assert_eq!(rejected.body(), body, "{name}");
        assert_eq!((rejected.is_complete(), rejected.can_reuse()), (complete, left.is_some()), "{name}");
        assert_eq!(rest, left.unwrap_or_default(), "{name}");
    }
}

#[test]
fn k_12_the_head_comes_before_its_body() {
    let mut client = client(&asks(), &Config::new());
    let mut head = *b"HTTP/1.1 401 \r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\n";
    let mut rejected = client.receive(&mut &mut head[..]).unwrap_err();
    assert_eq!((rejected.status(), rejected.header("www-authenticate")), (Some(401), Some(&b"Basic"[..])));
    for byte in *b"body" {
        assert!(rejected.wants_body() && !rejected.is_complete() && !rejected.can_reuse());
        rejected.receive_body(&mut &mut [byte][..]);
    }
    assert!(!rejected.wants_body() && rejected.is_complete() && rejected.can_reuse());
    // What follows is left alone, also at the end of the stream.
    let mut more = *b"HTTP";
    let mut input = &mut more[..];
    rejected.receive_body(&mut input);
    assert_eq!((&*input, rejected.body()), (&b"HTTP"[..], &b"body"[..]));
    rejected.receive_eof();
    assert!(rejected.is_complete() && !rejected.can_reuse(), "the stream has ended");
}

#[test]
fn k_12_limits_of_a_body() {
    for max in [0, 1, 5, 1000] {
        let config = Config::new().max_body(max);
        let fits = "b".repeat(max);
        let more = "b".repeat(max + 1);
        let length = |body: &str| format!("HTTP/1.1 401 \r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let until_eof = |body: &str| format!("HTTP/1.1 401 \r\n\r\n{body}");
        let chunk = |body: &str| match body.len() {
            0 => format!("{CHUNKED}0\r\n\r\n"),
            n => format!("{CHUNKED}{n:x}\r\n{body}\r\n0\r\n\r\n"),
        };
        let chunks = |body: &str| format!("{CHUNKED}{}0\r\n\r\n", "1\r\nb\r\n".repeat(body.len()));
        let framings: [(&str, Make<'_, &str>); 4] =
            [("length", &length), ("to the end", &until_eof), ("a chunk", &chunk), ("chunks", &chunks)];
        for (name, framing) in framings {
            let (rejected, _) = reject_with(&config, framing(&fits).as_bytes());
            assert_eq!((rejected.body().len(), rejected.is_complete()), (max, true), "{name}, {max}");
            let (rejected, rest) = reject_with(&config, framing(&more).as_bytes());
            assert_eq!((rejected.body().len(), rejected.is_complete()), (max, false), "{name}, {max} + 1");
            assert!(rest.is_empty() && !rejected.can_reuse(), "{name}, {max} + 1");
        }
    }
    let long = [b"HTTP/1.1 401 \r\n\r\n", &vec![b'b'; (64 << 10) + 1][..]].concat();
    let (rejected, _) = reject_pieces(client(&asks(), &Config::new()), [&long[..]].into_iter());
    assert_eq!((rejected.body().len(), rejected.is_complete()), (64 << 10, false), "by default");
}

#[test]
fn k_12_limits_of_extensions_and_trailers() {
    // `max_head` bounds them over all chunks. The CR behind each counts, and so does that of the last line.
    let config = Config::new().max_head(100);
    let extension = |len: usize| format!("1;{}\r\nb\r\n", "x".repeat(len));
    let one = |len: usize| format!("{}0\r\n\r\n", extension(len));
    let two = |len: usize| format!("{}{}0\r\n\r\n", extension(50), extension(len));
    let trailer = |len: usize| format!("0\r\n{}\r\n\r\n", "x".repeat(len));
    let trailers = |len: usize| format!("0\r\nx: y\r\n{}\r\n\r\n", "x".repeat(len));
    let rows: [(&str, Make<'_, usize>, usize); 4] =
        [("extension", &one, 98), ("two", &two, 47), ("trailer", &trailer, 98), ("trailers", &trailers, 93)];
    for (name, bytes, max) in rows {
        let complete = |len| reject_with(&config, format!("{CHUNKED}{}", bytes(len)).as_bytes()).0.is_complete();
        assert!(complete(max), "{name}");
        assert!(!complete(max + 1), "{name}");
    }
}

#[test]
fn k_12_a_wrong_101_has_no_body() {
    for (name, from, to) in [
        ("accept", "<accept>", &b"x"[..]),
        ("upgrade", "Upgrade: websocket", b"Upgrade: h2c"),
        ("with a length", END, b"\r\nSec-WebSocket-Extensions: x\r\nContent-Length: 4\r\n\r\nbody"),
    ] {
        let (rejected, rest) = reject(&[&response(from, to)[..], b"body"].concat());
        assert_eq!((rejected.status(), rejected.body()), (Some(101), &b""[..]), "{name}");
        assert!(!rejected.is_complete() && !rejected.can_reuse() && rest.is_empty(), "{name}");
    }
    let interim = b"HTTP/1.1 103 \r\nContent-Length: 4\r\n\r\nbody";
    let (rejected, _) = reject_with(&Config::new().max_interim(0), interim);
    assert_eq!((rejected.error(), rejected.body()), (HandshakeError::TooManyInterim, &b""[..]));
    assert!(!rejected.can_reuse());
}

#[test]
fn k_12_a_body_in_single_bytes_is_linear_work() {
    let config = Config::new().max_body(usize::MAX).max_head(usize::MAX);
    let len = 1 << 20;
    for (name, bytes) in [
        ("to the end", format!("HTTP/1.1 401 \r\n\r\n{}", "b".repeat(len))),
        ("chunks", format!("{CHUNKED}{}0\r\n\r\n", "1\r\nb\r\n".repeat(len / 6))),
        ("an extension", format!("{CHUNKED}1;{}\r\nb\r\n0\r\n\r\n", "x".repeat(len))),
        ("trailers", format!("{CHUNKED}0\r\n{}\r\n", "x\r\n".repeat(len / 3))),
    ] {
        let begin = Instant::now();
        let (rejected, _) = reject_pieces(client(&asks(), &config), bytes.as_bytes().chunks(1));
        assert!(rejected.is_complete(), "{name}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{name} took {:?}", begin.elapsed());
    }
}

#[test]
fn k_12_a_length_reserves_nothing() {
    let mut client = client(&asks(), &Config::new().max_body(usize::MAX));
    let mut bytes = *b"HTTP/1.1 401 \r\nContent-Length: 9999999999999999999\r\n\r\nb";
    let taken = measure(|| assert!(client.receive(&mut &mut bytes[..]).unwrap_err().wants_body()));
    assert!(taken.bytes_max < 4096, "{} bytes", taken.bytes_max);
}

/// The first bytes of what servers of other protocols say to a request, or at once.
#[test]
fn k_21_other_protocols_are_told_from_http() {
    const TLS: HandshakeError = HandshakeError::TlsInPlaintext;
    const HTTP_2: HandshakeError = HandshakeError::Http2;
    const OTHER: HandshakeError = HandshakeError::BadStatusLine;
    let rows: [(&str, &[u8], HandshakeError); 17] = [
        ("a TLS 1.2 alert", b"\x15\x03\x03\0\x02\x02\x32", TLS),
        ("a TLS 1.0 alert", b"\x15\x03\x01\0\x02\x02\x46", TLS),
        ("a TLS handshake", b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03more than sixteen", TLS),
        ("the least of TLS", b"\x15\x03", TLS),
        ("HTTP/2 settings", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0", HTTP_2),
        ("empty settings", b"\0\0\0\x04\0\0\0\0\0", HTTP_2),
        ("the least of HTTP/2", b"\0\0\xff\x04", HTTP_2),
        ("nearly TLS", b"\x15\x02", OTHER),
        ("another record", b"\x17\x03", OTHER),
        ("another frame", b"\0\0\x12\x07", OTHER),
        ("a long frame", b"\0\x01", OTHER),
        ("a longer frame", b"\x01", OTHER),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", OTHER),
        ("SMTP", b"220 mail.example.com ESMTP\r\n", OTHER),
        ("a frame", b"\x81\x05Hello", OTHER),
        ("HTTP/0.9", b"<html>", OTHER),
        ("an escape", b"\x1b[31m", OTHER),
    ];
    for (name, bytes, error) in rows {
        let (rejected, rest) = reject(bytes);
        assert_eq!((rejected.error(), rejected.status()), (error, None), "{name}");
        assert!(rest.is_empty() && !rejected.can_reuse(), "{name}");
        let (rejected, _) = reject_pieces(client(&asks(), &Config::new()), [bytes].into_iter());
        assert_eq!(rejected.first_bytes(), &bytes[..bytes.len().min(16)], "{name}");
        let text = rejected.to_string();
        assert!(text.starts_with(&format!("{error}: it begins with \"")), "{name}: {text}");
        assert!(text.contains(&bytes[..bytes.len().min(16)].escape_ascii().to_string()) && text.is_ascii(), "{text}");
        // Not a byte sooner, and then it is the end of the stream.
        let bytes = if error == OTHER { &bytes[..0] } else { &bytes[..if error == TLS { 1 } else { 3 }] };
        assert_eq!(reject(bytes).0.error(), HandshakeError::UnexpectedEof, "{name}");
    }
    // Behind an interim response, too; and not inside a head.
    assert_eq!(reject(b"HTTP/1.1 100 \r\n\r\n\x15\x03").0.error(), TLS);
    assert_eq!(reject(b"HTTP/1.1 100 \r\n\x15\x03").0.error(), HandshakeError::BadHeader);
    let rejected = reject(b"HTTP/1.1 403 Forbidden\r\n\r\n").0;
    assert_eq!(rejected.first_bytes(), b"HTTP/1.1 403 For");
    assert_eq!(reject(b"").0.to_string(), HandshakeError::UnexpectedEof.to_string());
}

#[test]
fn k_22_the_status_is_known_once_the_status_line_is_read() {
    let head = |rest: &str| format!("HTTP/1.1 403 Forbidden\r\n{rest}").into_bytes();
    let long = head(&format!("X: {}\r\n\r\n", "a".repeat(20 << 10)));
    for (name, bytes, error) in [
        ("20 KB of headers", long, HandshakeError::HeadTooLong),
        ("101 headers", head(&"X: a\r\n".repeat(101)), HandshakeError::TooManyHeaders),
        ("a bad line", head("X\0"), HandshakeError::BadHeader),
        ("a bad name", head("X : a\r\n\r\n"), HandshakeError::BadHeader),
        ("end of stream", head("X: a\r\n"), HandshakeError::UnexpectedEof),
        ("end of stream behind the line", head(""), HandshakeError::UnexpectedEof),
    ] {
        let (rejected, rest) = reject(&bytes);
        assert_eq!((rejected.error(), rejected.status()), (error, Some(403)), "{name}");
        assert_eq!(rejected.to_string(), format!("{error}, in a response with status 403"), "{name}");
        assert!(rest.is_empty() && rejected.body().is_empty() && !rejected.can_reuse(), "{name}");
        assert_eq!(rejected.headers().count(), 0, "{name}");
    }
    // Behind an interim response it is that of the final one.
    let interim = [b"HTTP/1.1 100 \r\n\r\n".to_vec(), head("X\0")].concat();
    assert_eq!(reject(&interim).0.status(), Some(403));
    for bytes in [&b""[..], b"HTTP/1.1 403", b"HTTP/1.1 403 Forbidden\r", b"HTTP/1.1 100 \r\n\r\n", b"HTTP/1.1 40x"] {
        assert_eq!(reject(bytes).0.status(), None, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any cut of nearly good chunks gives the same body.
    #[test]
    fn k_12_any_chunks_in_any_cut(
        chunks in prop::collection::vec("[a-z]{1,20}", 0..5),
        edit in prop::option::of((any::<prop::sample::Index>(), prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()])),
    ) {
        let mut bytes = CHUNKED.as_bytes().to_vec();
        for chunk in &chunks {
            bytes.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
        }
        bytes.extend(b"0\r\n\r\nbehind");
        if let Some((at, byte)) = edit {
            let at = CHUNKED.len() + at.index(bytes.len() - CHUNKED.len());
            bytes[at] = byte;
            reject(&bytes);
        } else {
            let (rejected, rest) = reject(&bytes);
            let whole = chunks.concat();
            prop_assert_eq!(rejected.body(), whole.as_bytes());
            prop_assert!(rejected.can_reuse());
            prop_assert_eq!(rest, b"behind");
        }
    }
}
