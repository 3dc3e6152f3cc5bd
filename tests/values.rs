//! What values say of themselves: errors in words, addresses as they are written, and nothing of what was sent.
#![cfg(feature = "std")]

use std::collections::BTreeSet;

use ws_proto::handshake::fields::{BadField, extensions};
use ws_proto::handshake::{AnswerError, Client, ClientRequest, HandshakeError, RequestError, Uri};
use ws_proto::{
    BadClose, Body, Close, CloseCode, Config, Connection, Error, Event, Kind, Message, Role, Seed, SendError, blocking,
};

/// All of each kind.
fn errors() -> Vec<(&'static str, Vec<Box<dyn core::error::Error>>)> {
    macro_rules! all {
        ($($error:ty { $($variant:ident $(($value:expr))?),* $(,)? })*) => {
            vec![$((stringify!($error), vec![$(Box::new(<$error>::$variant $(($value))?) as Box<_>),*])),*]
        };
    }
    all! {
        BadClose { Length, Code(CloseCode::ABNORMAL), Reason }
        Error {
            BadClose(BadClose::Length), BadClose(BadClose::Code(CloseCode(999))), BadCompression, BadControlFragment,
            BadControlLength, BadContinuation, BadLength, BadMask, BadOpCode, BadReservedBit, BadUtf8, ExpandsTooMuch,
            FrameTooBig, MessageTooBig, TooManyFragments, UnexpectedEof,
        }
        SendError {
            BadCloseCode(CloseCode::TLS), BadUtf8, Closed, ControlTooLong, Full, Interleaved, ReasonTooLong,
        }
        HandshakeError {
            BadAccept, BadConnection, BadContentLength, BadExpect, BadExtensions, BadHeader, BadHost, BadHttpVersion,
            BadKey, BadMethod, BadOrigin, BadParameter, BadProtocol, BadRequestLine, BadStatusLine, BadTarget,
            BadTransferEncoding,
            BadUpgrade, BadVersion, ForbiddenOrigin, HeadTooLong, Http2, MissingParameter, MissingProtocol, NotSwitching(403),
            RepeatedExtension, TargetTooLong, TlsInPlaintext, TooManyHeaders, TooManyInterim, TooManyOffers, UnexpectedBody,
            UnexpectedEof, UnofferedExtension, UnofferedParameter, UnofferedProtocol, UnsupportedVersion,
            UpgradeDropped, UpgradeOverHttp10,
            WindowTooLarge,
        }
        AnswerError { BadHeader, BadStatus, ProtocolNotOffered, ReservedHeader, UnexpectedBody }
        RequestError {
            BadCharacter, BadHeader, BadHost, BadProtocol, BadScheme, Fragment, Repeated, ReservedHeader, UserInfo,
        }
        blocking::Error {
            Answer(AnswerError::BadStatus), Handshake(HandshakeError::BadKey), Io(std::io::Error::other("torn cable")),
            NoTls, Protocol(Error::BadMask), Rejected(Box::new(rejected())), Request(RequestError::BadScheme),
            Send(SendError::Full), TimedOut,
        }
    }
}

fn rejected() -> ws_proto::handshake::Rejected {
    let request = ClientRequest::new("ws://localhost/").expect("an address");
    let mut client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1)).expect("a request");
    let mut answer = *b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    client.receive(&mut &mut answer[..]).expect_err("no")
}

#[test]
fn fa_13_every_error_has_words_of_its_own() {
    const NAMES: [&str; 6] = ["Sec-WebSocket-", "Connection ", "Host ", "Upgrade ", "URI ", "TLS"];
    for (kind, errors) in errors() {
        let mut seen = BTreeSet::new();
        for error in errors {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.ends_with('.'), "{kind}: {text}");
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{kind}: {text}");
            let is_lower = !text.starts_with(|first: char| first.is_ascii_uppercase());
            assert!(is_lower || NAMES.iter().any(|name| text.starts_with(name)), "{kind}: {text}");
            assert!(seen.insert(text), "{kind}: {error:?} says what another one says");
        }
    }
    assert_eq!(BadField.to_string(), "malformed header value");
}

/// What is wrapped is said as it is; numbers are named.
#[test]
fn fa_13_words_name_the_fault() {
    let table: [(&dyn core::error::Error, &str); 9] = [
        (&Error::BadClose(BadClose::Code(CloseCode::NO_CODE)), "close frame with the forbidden code 1005 (no code)"),
        (&SendError::BadCloseCode(CloseCode(2999)), "close code 2999 may not be sent"),
        (&HandshakeError::NotSwitching(403), "response with status 403 instead of 101"),
        (&rejected(), "response with status 403 instead of 101"),
        (&blocking::Error::from(rejected()), "response with status 403 instead of 101"),
        (&blocking::Error::from(SendError::Full), "too much output is pending"),
        (&blocking::Error::from(Error::BadMask), "frame masked by a server, or not masked by a client"),
        (&blocking::Error::from(std::io::Error::other("torn cable")), "torn cable"),
        (&blocking::Error::TimedOut, "the other end took too long"),
    ];
    for (error, text) in table {
        assert_eq!(error.to_string(), text);
    }
}

/// Section 7.4.1, and the codes that have no meaning or one of the program's own.
#[test]
fn sc_01_codes_say_what_they_mean() {
    let table = [
        (CloseCode::NORMAL, "1000 (normal)"),
        (CloseCode::GOING_AWAY, "1001 (going away)"),
        (CloseCode::PROTOCOL, "1002 (protocol error)"),
        (CloseCode(1003), "1003 (unsupported data)"),
        (CloseCode(1004), "1004"),
        (CloseCode::NO_CODE, "1005 (no code)"),
        (CloseCode::ABNORMAL, "1006 (abnormal)"),
        (CloseCode::INVALID_DATA, "1007 (invalid data)"),
        (CloseCode::POLICY, "1008 (policy violation)"),
        (CloseCode::TOO_BIG, "1009 (message too big)"),
        (CloseCode::MANDATORY_EXTENSION, "1010 (mandatory extension)"),
        (CloseCode::INTERNAL, "1011 (internal error)"),
        (CloseCode(1012), "1012 (service restart)"),
        (CloseCode(1013), "1013 (try again later)"),
        (CloseCode(1014), "1014 (bad gateway)"),
        (CloseCode::TLS, "1015 (TLS failure)"),
        (CloseCode(1016), "1016"),
        (CloseCode(4000), "4000"),
    ];
    for (code, text) in table {
        assert_eq!(code.to_string(), text);
        assert_eq!(CloseCode::from(u16::from(code)), code);
    }
}

/// What may not be on the wire is owed to nobody.
#[test]
fn sc_04_the_end_of_the_stream_is_a_local_code() {
    assert_eq!(Error::UnexpectedEof.close_code(), CloseCode::ABNORMAL);
    assert!(!CloseCode::ABNORMAL.is_allowed());
    for role in [Role::Client, Role::Server] {
        let mut end = open(role, &config());
        assert_eq!(end.split().0.receive_eof(), Err(Error::UnexpectedEof));
        assert!(end.outgoing().is_empty(), "{role:?}");
    }
}

#[test]
fn messages_are_events_that_last() {
    let table = [
        (Message::from("text"), Event::Text("text")),
        (String::from("text").into(), Event::Text("text")),
        (b"bytes".to_vec().into(), Event::Binary(b"bytes")),
        (Message::Ping(b"i".to_vec()), Event::Ping(b"i")),
        (Message::Pong(b"o".to_vec()), Event::Pong(b"o")),
        (Message::Close(None), Event::Close(None)),
        (
            Message::Close(Some((CloseCode::NORMAL, "bye".into()))),
            Event::Close(Some(Close { code: CloseCode::NORMAL, reason: "bye" })),
        ),
    ];
    for (message, event) in table {
        assert_eq!(message.as_event(), event);
        assert_eq!(Message::from(event), message);
    }
}

#[test]
fn addresses_are_written_without_the_port_of_their_scheme() {
    for (given, written) in [
        ("ws://example.com", "ws://example.com/"),
        ("ws://example.com:80/chat?a=b", "ws://example.com/chat?a=b"),
        ("wss://example.com:443/", "wss://example.com/"),
        ("wss://example.com:80/", "wss://example.com:80/"),
        ("ws://[::1]:9001/", "ws://[::1]:9001/"),
    ] {
        let uri = Uri::parse(given).expect(given);
        assert_eq!(uri.to_string(), written);
        assert_eq!(Uri::parse(written), Ok(uri), "{given}: read again, it is the same");
    }
}

#[test]
fn defaults_are_the_same_by_either_name() {
    assert_eq!(format!("{:?}", Config::default()), format!("{:?}", Config::new()));
    #[cfg(feature = "deflate")]
    {
        use ws_proto::deflate::Compression;
        assert_eq!(format!("{:?}", Compression::default()), format!("{:?}", Compression::new()));
    }
}

#[test]
fn bodies_are_equal_by_their_bytes() {
    let body = |bytes: &[u8]| Body::new(bytes).expect("short");
    assert_eq!(body(b"same"), body(b"same"));
    assert_ne!(body(b"same"), body(b"some"));
    assert_ne!(body(b"same"), body(b"same\0"), "what is behind the end does not count");
}

#[test]
fn what_is_ready_to_write_shows_as_hexadecimal() {
    let (_, mut writer) = Connection::server(&Config::new()).into_split();
    let header = writer.binary_in_place(&mut [1, 2, 3]).expect("open");
    assert_eq!(format!("{header:?}"), "[82, 03]");
    assert_eq!(format!("{:?}", writer.ping_bytes(b"hi").expect("short")), "[89, 02, 68, 69]");
    let parameters = extensions(b"x-name; a; b=1").next().expect("one").expect("well formed");
    let text = format!("{parameters:?}");
    assert!(text.contains("\"a\"") && text.contains("\"b\""), "{text}");
}

/// Security: nothing of a message gets into a log by the way. A key is not there either.
#[test]
fn se_12_no_debug_form_shows_a_message() {
    for role in [Role::Client, Role::Server] {
        let config = config();
        let mut peer = open(role.peer(), &config);
        let mut end = open(role, &config);
        let secret = "password ".repeat(40);
        let (_, writer) = peer.split();
        writer.text(&secret).expect("room");
        writer.fragment(Kind::Text, secret.as_bytes(), false).expect("room");
        let mut wire = peer.outgoing().to_vec();
        let (reader, writer) = end.split();
        let mut input = &mut wire[..];
        while reader.receive(&mut input).expect("valid").is_some() {}
        writer.text(&secret).expect("room");
        writer.text(&secret).expect("room");
        let bytes = secret.as_bytes().iter().map(u8::to_string).take(5).collect::<Vec<_>>().join(", ");
        let text = format!("{end:?}");
        assert!(!text.contains("password") && !text.contains(&bytes), "{role:?}: {text}");
        // But how much there is: in the reader half a message, in the writer two.
        assert!(text.contains(&format!("Message {{ len: {}, .. }}", secret.len())), "{role:?}: {text}");
        assert!(text.contains(&format!("Queue {{ len: {}, .. }}", end.outgoing().len())), "{role:?}: {text}");
        #[cfg(feature = "futures-io")]
        {
            let stream = ws_proto::futures::Futures::new(futures_util::io::Cursor::new(Vec::new()));
            let socket = ws_proto::poll::Socket::new(stream, end, secret.as_bytes(), &config);
            let text = format!("{socket:?}");
            assert!(!text.contains("password") && !text.contains(&bytes), "{role:?}: {text}");
        }
    }
}

#[cfg(feature = "futures-io")]
#[test]
fn a_stream_of_futures_io_shows_itself() {
    let text = format!("{:?}", ws_proto::futures::Futures::new("a stream"));
    assert_eq!(text, "Futures { stream: \"a stream\", .. }");
}

#[cfg(not(feature = "deflate"))]
const fn config() -> Config {
    Config::new()
}

#[cfg(not(feature = "deflate"))]
fn open(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(1)),
        Role::Server => Connection::server(config),
    }
}

#[cfg(feature = "deflate")]
fn config() -> Config {
    Config::new().compression(ws_proto::deflate::Compression::new())
}

#[cfg(feature = "deflate")]
fn open(role: Role, config: &Config) -> Connection {
    let connection = match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(1)),
        Role::Server => Connection::server(config),
    };
    connection.with_deflate(ws_proto::deflate::Agreement::default(), config)
}
