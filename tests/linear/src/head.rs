//! Heads of requests and responses that come byte by byte.

use ws_proto::Seed;
use ws_proto::handshake::{Client, ClientRequest, Incoming, OriginPolicy, Server};

use crate::measured;
use crate::wire::config;

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

fn request(head: &str) {
    let config = config();
    let mut bytes = head.as_bytes().to_vec();
    let mut server = Server::new(OriginPolicy::SameOrigin, &config);
    let incoming =
        measured(|| bytes.chunks_mut(1).find_map(|mut byte| server.receive(&mut byte).expect("a good head")));
    assert!(matches!(incoming, Some(Incoming::Upgrade(_))));
}

pub fn value(n: usize) {
    request(&format!("{REQUEST}X: {}\r\n\r\n", "a".repeat(n)));
}

pub fn name(n: usize) {
    request(&format!("{REQUEST}{}: a\r\n\r\n", "X".repeat(n)));
}

pub fn lines(n: usize) {
    request(&format!("{REQUEST}{}\r\n", "X: a\r\n".repeat(n)));
}

pub fn target(n: usize) {
    request(&format!("GET /{}{}\r\n", "a".repeat(n), REQUEST.trim_start_matches("GET /chat")));
}

/// Blanks and quotes are what patterns go back and forth over.
pub fn extension(n: usize) {
    request(&format!("{REQUEST}Sec-WebSocket-Extensions: x; y=\"{}\"{}\r\n\r\n", "\\a".repeat(n), " ".repeat(n)));
}

pub fn protocol(n: usize) {
    request(&format!("{REQUEST}Sec-WebSocket-Protocol: {}{},{}\r\n\r\n", "a".repeat(n), " ".repeat(n), ",".repeat(n)));
}

fn response(lines: &str) {
    let ask = || {
        let request = ClientRequest::new("ws://example.com/").expect("a good URI");
        Client::new(request, &config(), Seed::predictable_for_tests(1)).expect("a good request")
    };
    let mut request = ask().outgoing().to_vec();
    let mut server = Server::new(OriginPolicy::Any, &config());
    let mut accepted = server.accept(&mut &mut request[..]).expect("a good request").expect("a whole one");
    let plain = String::from_utf8(accepted.outgoing().to_vec()).expect("a head is text");
    let head = plain.trim_end().to_owned() + "\r\n" + lines + "\r\n";
    let (mut bytes, mut client) = (head.into_bytes(), ask());
    let response =
        measured(|| bytes.chunks_mut(1).find_map(|mut byte| client.receive(&mut byte).expect("a good head")));
    assert!(response.is_some());
}

pub fn response_value(n: usize) {
    response(&format!("X: {}\r\n", "a".repeat(n)));
}

pub fn response_lines(n: usize) {
    response(&"X: a\r\n".repeat(n));
}

pub fn response_folds(n: usize) {
    response(&format!("X: a{}\r\n", "\r\n b".repeat(n)));
}
