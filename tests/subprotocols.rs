//! Subprotocols in both roles: rows SP.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use common::{
    Parsed, REQUEST, accept, answer, answer_with, assert_refused, client, client_rejects, request, response, serve,
    server_accepts, server_refuses,
};
use ws_proto::handshake::{Answer, AnswerError, Client, ClientRequest, HandshakeError, Request, RequestError};
use ws_proto::{Config, Seed};

const BAD: HandshakeError = HandshakeError::BadProtocol;
const LINE: &str = "Sec-WebSocket-Protocol: chat, superchat\r\n";
const OFFERS: &str = "chat, superchat";

fn asks_for(protocols: &[&str]) -> ClientRequest {
    let request = ClientRequest::new("ws://server.example.com/chat").unwrap();
    protocols.iter().fold(request, |request, protocol| request.protocol(protocol))
}

fn offers(value: &str) -> Request {
    serve(&request(OFFERS, value.as_bytes())).upgrade()
}

/// The error of a request with this field.
fn refused(value: &[u8]) -> Option<HandshakeError> {
    serve(&request(OFFERS, value)).error()
}

#[test]
fn sp_01_offers_are_unique_tokens_in_order() {
    let asked = client(&asks_for(&["v2.chat", "v1.chat", "!#$%&'*+-.^_`|~"]), &Config::new());
    let (_, head) = Parsed::request(asked.outgoing());
    assert_eq!(head.one("Sec-WebSocket-Protocol"), "v2.chat, v1.chat, !#$%&'*+-.^_`|~");
    let new = |protocols: &[&str]| {
        Client::new(asks_for(protocols), &Config::new(), Seed::predictable_for_tests(1)).map(|_| ()).unwrap_err()
    };
    for bad in ["", " ", "a b", "a,b", "a;b", "a\r\n", "\0", "\x7f", "\u{e4}", "a/b", "\"a\"", "a=b"] {
        assert_eq!(new(&["a", bad]), RequestError::BadProtocol, "{bad:?}");
    }
    assert_eq!(new(&["a", "b", "a"]), RequestError::Repeated);
    assert!(Client::new(asks_for(&["a", "A"]), &Config::new(), Seed::predictable_for_tests(1)).is_ok(), "two names");
}

#[test]
fn sp_02_no_offer_means_no_header() {
    let asked = client(&asks_for(&[]), &Config::new());
    assert!(!Parsed::request(asked.outgoing()).1.has("Sec-WebSocket-Protocol"));
}

#[test]
fn sp_03_lines_form_one_list() {
    let request = offers("a\r\nX: b\r\nsec-websocket-protocol: c, d\r\nSEC-WEBSOCKET-PROTOCOL: e");
    assert!(request.protocols().eq(["a", "c", "d", "e"]));
    server_accepts(&[("V-16", OFFERS, b"chat\r\nSec-WebSocket-Protocol: superchat")]);
}

#[test]
fn sp_04_malformed_list_is_refused() {
    server_refuses(&[
        ("V-17 empty", OFFERS, b"", 400, BAD),
        ("only commas", OFFERS, b" , ,", 400, BAD),
        ("V-17 blank", OFFERS, b"a b", 400, BAD),
        ("quoted", OFFERS, b"\"a\"", 400, BAD),
        ("separator", OFFERS, b"a, b/c", 400, BAD),
        ("not ASCII", OFFERS, b"\xe4", 400, BAD),
        ("second line", OFFERS, b"a\r\nSec-WebSocket-Protocol: b;", 400, BAD),
        ("two empty lines", OFFERS, b"\r\nSec-WebSocket-Protocol:", 400, BAD),
    ]);
}

#[test]
fn sp_05_repeated_offer_is_refused() {
    for value in ["a, a", "a, b, a", "a\r\nSec-WebSocket-Protocol: a", "z, y, x, y"] {
        assert_eq!(refused(value.as_bytes()), Some(BAD), "V-17 {value}");
    }
    assert!(offers("a, A, aa").protocols().eq(["a", "A", "aa"]));
}

#[test]
fn sp_06_answer_is_one_of_the_offers() {
    let answered = |request: &Request, protocol: &str| {
        request
            .accept(&Answer::new().protocol(protocol), &Config::new())
            .map(|mut connection| Parsed::new(connection.outgoing()).one("Sec-WebSocket-Protocol").to_owned())
    };
    let request = offers(OFFERS);
    for protocol in ["chat", "superchat"] {
        assert_eq!(answered(&request, protocol).unwrap(), protocol);
    }
    for protocol in ["other", "", "Chat", "chat, superchat", "chat ", "cha", "chat\r\nX: y"] {
        assert_eq!(answered(&request, protocol).unwrap_err(), AnswerError::ProtocolNotOffered, "{protocol:?}");
    }
    let none = serve(&common::request(LINE, b"")).upgrade();
    assert_eq!(answered(&none, "chat").unwrap_err(), AnswerError::ProtocolNotOffered);
}

#[test]
fn sp_07_none_is_no_header() {
    let head = accept(&offers(OFFERS)).outgoing().to_vec();
    assert!(!Parsed::new(&head).has("Sec-WebSocket-Protocol"));
    let answer = Answer::new().protocol("chat").header("Sec-WebSocket-Protocol", "chat");
    assert_eq!(offers(OFFERS).accept(&answer, &Config::new()).unwrap_err(), AnswerError::ReservedHeader);
}

#[test]
fn sp_08_server_chooses_as_it_likes() {
    let request = offers("v1, v2, v3");
    assert_eq!(request.choose(&["v9", "v3", "v2"]), Some("v3"), "the server's preference");
    assert_eq!(request.protocols().find(|offer| ["v3", "v2"].contains(offer)), Some("v2"), "the client's");
    assert_eq!((request.choose(&["V1"]), request.choose(&[])), (None, None));
    assert!(request.reject(400, &[], b"no common subprotocol").is_ok(), "none may be a reason to refuse");
}

#[test]
fn sp_09_names_are_compared_byte_by_byte() {
    client_rejects(&[("V-44", "Protocol: chat", b"Protocol: Chat", HandshakeError::UnofferedProtocol)]);
    assert_eq!(offers("Chat").choose(&["chat"]), None);
}

#[test]
fn sp_10_answer_that_was_not_offered_is_rejected() {
    let unoffered = Some(HandshakeError::UnofferedProtocol);
    assert_eq!(answer(&response("Protocol: chat", b"Protocol: other")).error(), unoffered);
    let bytes = response("Protocol: chat", b"Protocol: chat");
    // The same key, since the seed is the same.
    assert_eq!(answer_with(&asks_for(&[]), &Config::new(), &bytes).0.error(), unoffered, "nothing was offered");
    assert_eq!(answer_with(&asks_for(&["x"]), &Config::new(), &bytes).0.error(), unoffered);
    assert_eq!(answer_with(&asks_for(&["x", "chat"]), &Config::new(), &bytes).0.open().protocol(), Some("chat"));
}

#[test]
fn sp_11_answer_is_one_token_in_one_line() {
    client_rejects(&[
        ("V-44 list", "Protocol: chat", b"Protocol: chat, superchat", BAD),
        ("V-44 empty", "Protocol: chat", b"Protocol:", BAD),
        ("V-44 twice", "Protocol: chat", b"Protocol: chat\r\nSec-WebSocket-Protocol: chat", BAD),
        ("an empty one more", "Protocol: chat", b"Protocol: chat\r\nSec-WebSocket-Protocol:", BAD),
        ("comma", "Protocol: chat", b"Protocol: chat,", BAD),
        ("no token", "Protocol: chat", b"Protocol: \"chat\"", BAD),
        ("blank", "Protocol: chat", b"Protocol: chat x", BAD),
    ]);
}

#[test]
fn sp_12_none_is_accepted_unless_one_is_required() {
    let none = response("Sec-WebSocket-Protocol: chat\r\n", b"");
    let (open, required) = (Config::new(), Config::new().require_protocol(true));
    assert_eq!(answer_with(&asks_for(&["chat"]), &open, &none).0.open().protocol(), None, "V-45");
    let missing = answer_with(&asks_for(&["chat"]), &required, &none).0;
    assert_eq!(missing.error(), Some(HandshakeError::MissingProtocol));
    assert_eq!(answer_with(&asks_for(&[]), &required, &none).0.error(), None, "none was offered");
    let chosen = response("Protocol: chat", b"Protocol: chat");
    assert_eq!(answer_with(&asks_for(&["chat"]), &required, &chosen).0.error(), None);
}

#[test]
fn sp_13_both_ends_know_the_subprotocol() {
    let asked = asks_for(&["chat", "superchat"]);
    let bytes = client(&asked, &Config::new()).outgoing().to_vec();
    let request = serve(&bytes).upgrade();
    let chosen = request.choose(&["superchat"]).unwrap();
    let answer = Answer::new().protocol(chosen);
    assert_eq!((answer.chosen_protocol(), Answer::new().chosen_protocol()), (Some(chosen), None));
    let mut connection = request.accept(&answer, &Config::new()).unwrap();
    let (answered, _) = answer_with(&asked, &Config::new(), connection.outgoing());
    assert_eq!(answered.open().protocol(), Some(chosen));
}

#[test]
fn sp_14_long_lists_take_linear_time() {
    // Each would take minutes if its time were quadratic in its length; the limits are lifted for the purpose.
    let unlimited = Config::new().max_head(usize::MAX).max_offers(usize::MAX);
    let len = 1 << 20;
    let many: String = (0..len / 8).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    for (name, value, ok) in [
        ("names", many, true),
        ("commas", format!("{}a", ",".repeat(len)), true),
        ("blanks", format!("a{}, b", " ".repeat(len)), true),
        ("blanks in a name", format!("a{}b", " ".repeat(len)), false),
        ("blanks and commas", format!("a{}", " ,".repeat(len)), true),
        ("one name", "a".repeat(len), true),
    ] {
        let begin = std::time::Instant::now();
        let mut server = ws_proto::handshake::Server::new(ws_proto::handshake::OriginPolicy::Any, &unlimited);
        let incoming = server.receive(&mut &mut request(OFFERS, value.as_bytes())[..]);
        assert_eq!(incoming.is_ok(), ok, "{name}");
        assert!(begin.elapsed().as_secs() < 20, "{name} took {:?}", begin.elapsed());
    }
    let refused = serve(&REQUEST.replace(OFFERS, &"a, ".repeat(33)).into_bytes());
    assert_refused("by default", &refused, 400, HandshakeError::BadProtocol); // a repetition within the limit
}
