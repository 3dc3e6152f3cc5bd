//! The grammar of Sec-WebSocket-Extensions, in both roles: rows EX.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use common::{
    END, Parsed, REQUEST, accept, answer, asks, assert_refused, client, request, response, serve, server_accepts,
};
use ws_proto::handshake::fields::{BadField, extensions};
use ws_proto::handshake::{Answer, AnswerError, HandshakeError, Request};
use ws_proto::{CloseCode, Config, Error};

const FIELD: &str = "Sec-WebSocket-Extensions";
const BAD: HandshakeError = HandshakeError::BadExtensions;

/// A value in a plain notation: `name;param=value;param` for each extension, or the error.
fn parse(value: &[u8]) -> Result<Vec<String>, BadField> {
    extensions(value)
        .map(|extension| {
            let extension = extension?;
            let params = extension.params().map(|(name, value)| match value {
                Some(value) => format!(";{name}={value}"),
                None => format!(";{name}"),
            });
            Ok([extension.name().to_owned(), params.collect()].concat())
        })
        .collect()
}

fn offer(value: &[u8]) -> Vec<u8> {
    request(END, &[b"\r\n", FIELD.as_bytes(), b": ", value, b"\r\n\r\n"].concat())
}

fn offers(value: &[u8]) -> Request {
    serve(&offer(value)).upgrade()
}

/// The value parses to this, and a server accepts it.
fn good(value: &str, expected: &[&str]) {
    assert_eq!(
        parse(value.as_bytes()).as_deref(),
        Ok(&expected.iter().map(|&e| e.to_owned()).collect::<Vec<_>>()[..]),
        "{value}"
    );
    assert_eq!(offers(value.as_bytes()).extensions().count(), expected.len(), "{value}");
}

/// The value is malformed to the parser and in both roles.
fn bad(value: &[u8]) {
    let name = value.escape_ascii().to_string();
    assert_eq!(parse(value), Err(BadField), "{name}");
    assert_refused(&name, &serve(&offer(value)), 400, BAD);
    let answered = response(END, &[b"\r\n", FIELD.as_bytes(), b": ", value, b"\r\n\r\n"].concat());
    assert_eq!(answer(&answered).error(), Some(BAD), "{name}");
}

#[test]
fn ex_01_grammar() {
    good("a", &["a"]);
    good("a, b", &["a", "b"]);
    good("a;b", &["a;b"]);
    good("a;b=c", &["a;b=c"]);
    good("a;b=\"c\"", &["a;b=c"]);
    good("a; b; c=d; e=\"f\", g; h", &["a;b;c=d;e=f", "g;h"]);
    good("!#$%&'*+-.^_`|~;0=1", &["!#$%&'*+-.^_`|~;0=1"]);
    for byte in b"\"(),/:;<=>?@[\\]{}\x80\xff" {
        if *byte != b',' && *byte != b';' {
            bad(&[b'a', *byte, b'b']);
        }
        if !matches!(byte, b',' | b';' | b'=') {
            bad(&[b'a', b';', b'b', *byte, b'c']);
        }
        if !matches!(byte, b',' | b';') {
            bad(&[b'a', b';', b'b', b'=', b'c', *byte, b'd']);
        }
    }
}

#[test]
fn ex_02_malformed_value_fails_the_handshake() {
    for value in [&b"permessage-deflate, ;"[..], b"foo bar, permessage-deflate", b"permessage-deflate; x=\"", b"a, b="]
    {
        bad(value);
    }
}

#[test]
fn ex_03_blanks_around_separators() {
    good("a , b", &["a", "b"]);
    good("a\t;\tb", &["a;b"]);
    good("a; b = c", &["a;b=c"]);
    good("a; b =\t\"c\" ; d", &["a;b=c;d"]);
    good("permessage-deflate ; server_max_window_bits = 10", &["permessage-deflate;server_max_window_bits=10"]);
}

#[test]
fn ex_04_quoted_value_is_a_token_once_unescaped() {
    good(r#"a;b="10""#, &["a;b=10"]);
    good(r#"a;b="\1\0""#, &["a;b=10"]);
    good(r#"a;b="1\0""#, &["a;b=10"]);
    for value in [
        r#"a;b="""#,
        r#"a;b="1 0""#,
        r#"a;b=" 10""#,
        r#"a;b="10 ""#,
        r#"a;b="\ ""#,
        r#"a;b="\"""#,
        r#"a;b="\\""#,
        r#"a;b="\\\1""#,
        r#"a;b="\,""#,
        r#"a;b="é""#,
    ] {
        bad(value.as_bytes());
    }
}

#[test]
fn ex_05_quoted_and_unquoted_mean_the_same() {
    let value = |text: &'static str| {
        let extension = extensions(text.as_bytes()).next().unwrap().unwrap();
        extension.params().next().unwrap().1.unwrap()
    };
    for text in [r#"a;b="10""#, r#"a;b="\10""#, r#"a;b="1\0""#] {
        assert_eq!(value(text), value("a;b=10"), "{text}");
        assert_eq!(value(text), "10");
        assert_eq!((value(text).to_string(), format!("{:?}", value(text))), ("10".into(), "\"10\"".into()));
        assert!(value(text).bytes().eq(*b"10"));
        assert_ne!(value(text), value("a;b=100"));
        assert_ne!(value(text), "1");
    }
    let whole = |text: &'static str| extensions(text.as_bytes()).next().unwrap().unwrap();
    assert_eq!(whole("a; b = \"1\""), whole("a;b=1"));
    assert_ne!(whole("a;b"), whole("a;b=1"));
}

#[test]
fn ex_06_separators_in_quotes_do_not_split() {
    for value in [&br#"a;b="c,d""#[..], br#"a;b="c;d""#, br#"a;b="c, d;e=f""#, br#"a;b="c","d""#] {
        bad(value);
    }
}

#[test]
fn ex_07_malformed_values_are_found() {
    for value in [
        &br#"a;b="c"#[..],
        br#"a;b=""#,
        br#"a;b="c\"#,
        br#"a;b="\"#,
        b"a=",
        b"a=b",
        b"=b",
        b";a",
        b"a;",
        b"a;;b",
        b"a;b=",
        b"a b",
        b"a;b c",
        b"a;b=c d",
        br#"a;b="c"d"#,
        br#"a;b=c"d""#,
        br#""a""#,
        b"a;=b",
        b"a;\"b\"",
        b"a, ;b",
        b"a;,b",
        b"a;b=,c",
        b"a;b==c",
        b"a;b=c=d",
    ] {
        bad(value);
    }
    // In linear time: quadratic would take minutes, and the published attack longer than that.
    let len = 1 << 20;
    for (value, ok) in [
        (format!("a;b=\"{}", "\\".repeat(len)), false),
        (format!("a;b=\"{}", "\\c".repeat(len)), false),
        (format!("a;b=\"{}\"", "\\c".repeat(len)), true),
        (format!("a{}b", " ".repeat(len)), false),
        (format!("a{}", ";b".repeat(len)), true),
        (format!("a{}", "; b=\"c\"".repeat(len / 8)), true),
        (format!("a{}", ",a".repeat(len)), true),
        (format!("a{}", ";".repeat(len)), false),
        (format!("a{};", ";b=".repeat(len)), false),
        (format!("{}a", " ,".repeat(len)), true),
    ] {
        let begin = std::time::Instant::now();
        let name = &value[..20];
        assert_eq!(parse(value.as_bytes()).is_ok(), ok, "{name}");
        assert!(begin.elapsed().as_secs() < 20, "{name} took {:?}", begin.elapsed());
    }
}

#[test]
fn ex_08_empty_elements_are_ignored_but_not_alone() {
    good(",foo,,bar,", &["foo", "bar"]);
    good(" , foo ,\t, bar , ", &["foo", "bar"]);
    for value in [&b""[..], b" ", b",", b", ,", b"\t,"] {
        assert_refused("nothing", &serve(&offer(value)), 400, BAD);
        assert_eq!(parse(value), Ok(Vec::new()), "an empty list to the parser");
    }
}

#[test]
fn ex_09_lines_are_joined() {
    let request = offers(b"a;x\r\nX: y\r\nsec-websocket-extensions: b, c\r\nSec-WebSocket-Extensions:");
    assert!(request.extensions().map(|extension| extension.name()).eq(["a", "b", "c"]));
    assert_eq!(serve(&offer(b"a\r\nSec-WebSocket-Extensions: b;")).error(), Some(BAD), "each is checked");
    let quoted = offer(b"a;b=\"c\r\nSec-WebSocket-Extensions: d\"");
    assert_eq!(serve(&quoted).error(), Some(BAD), "a quoted comma is no token");
    assert_eq!(serve(&offer(b"\r\nSec-WebSocket-Extensions: ,")).error(), Some(BAD));
}

#[test]
fn ex_10_unknown_offers_are_ignored_in_order() {
    let request = offers(b"foo, bar;x=1, foo;y, permessage-deflate");
    assert!(request.extensions().map(|extension| extension.name()).eq(["foo", "bar", "foo", "permessage-deflate"]));
    assert!(!Parsed::new(accept(&request).outgoing()).has(FIELD));
}

#[test]
fn ex_11_answer_has_no_extension_that_was_not_offered() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    assert!(!Parsed::new(accept(&request).outgoing()).has(FIELD), "none accepted, no field");
    let answer = Answer::new().header(FIELD, "foo");
    assert_eq!(request.accept(&answer, &Config::new()).unwrap_err(), AnswerError::ReservedHeader);
}

#[test]
fn ex_12_answer_that_was_not_offered_is_rejected() {
    for value in ["foo", "permessage-deflate", "permessage-deflate, permessage-deflate", "foo; a=\"b\""] {
        let bytes = response(END, format!("\r\n{FIELD}: {value}\r\n\r\n").as_bytes());
        assert_eq!(answer(&bytes).error(), Some(HandshakeError::UnofferedExtension), "{value}");
    }
}

#[test]
fn ex_13_order_is_kept() {
    assert_eq!(parse(b"c, a;z;y, b").unwrap(), ["c", "a;z;y", "b"]);
}

#[test]
fn ex_14_offer_alone_changes_nothing() {
    let mut connection = accept(&offers(b"permessage-deflate; client_max_window_bits"));
    let head = connection.outgoing().len();
    let mut compressed = *b"\xc1\x80\0\0\0\0";
    assert_eq!(connection.split().0.receive(&mut &mut compressed[..]), Err(Error::BadReservedBit));
    assert_eq!(Error::BadReservedBit.close_code(), CloseCode::PROTOCOL);
    assert_eq!(connection.outgoing()[head..], *b"\x88\x02\x03\xea");
}

#[test]
fn ex_15_names_are_compared_byte_by_byte() {
    assert_eq!(parse(b"Permessage-Deflate;A=B, a").unwrap(), ["Permessage-Deflate;A=B", "a"]);
    assert_ne!(extensions(b"a").next(), extensions(b"A").next());
    assert_ne!(extensions(b"a;b").next(), extensions(b"a;B").next());
}

#[test]
fn ex_16_only_registered_names_are_sent() {
    assert!(!Parsed::request(client(&asks(), &Config::new()).outgoing()).1.has(FIELD));
    let legacy = b"\r\nSec-WebSocket-Extensions: x-webkit-deflate-frame, deflate-stream\r\n\r\n";
    server_accepts(&[("legacy names are ignored", END, legacy)]);
    assert!(!Parsed::new(&serve(&request(END, legacy)).response()).has(FIELD));
}
