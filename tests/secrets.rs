//! Secrets are not in debug output: a mark in each place that may hold one, over every public type that may carry it.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use std::fmt::Debug;
use std::io::{self, Cursor, Read, Write};

use common::{END, PLAIN, REQUEST, asks, change, client, reject_with, request, response, serve};
use ws_proto::blocking::Untimed;
use ws_proto::handshake::{
    Answer, Client, ClientRequest, Incoming, OriginPolicy, PlainRequest, Rejected, Request, Server, Uri,
};
use ws_proto::{Config, Connection, Seed, blocking};

/// What must not be seen.
const MARK: &str = "hunter2";

/// Header lines of either direction that may hold a secret.
const LINES: [&str; 16] = [
    "Authorization: Bearer hunter2",
    "authorization: hunter2",
    "Proxy-Authorization: Basic hunter2",
    "WWW-Authenticate: Digest nonce=hunter2",
    "Authentication-Info: hunter2",
    "Cookie: session=hunter2",
    "SET-COOKIE: session=hunter2",
    "X-Api-Key: hunter2",
    "X-Auth-Token: hunter2",
    "X-Amz-Security-Token: hunter2",
    "X-CSRF-Token: hunter2",
    "X-Session-Id: hunter2",
    "X-Client-Secret: hunter2",
    "Password: hunter2",
    "Location: https://example.com/a?token=hunter2",
    "Referer: https://example.com/a?b&token=hunter2",
];

/// Neither in one line nor in many is the mark there, and what is shown is more than a name.
fn assert_hidden(name: &str, value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains(MARK), "{name}: {text}");
        assert!(!text.contains(&format!("{:?}", MARK.as_bytes())[1..20]), "{name}: {text}");
        assert!(!text.is_empty(), "{name}");
    }
}

fn lines() -> String {
    format!("\r\n{}\r\n\r\n", LINES.join("\r\n"))
}

/// A request with marks everywhere.
fn marked(base: &str) -> Vec<u8> {
    let bytes = change(base, END, lines().as_bytes());
    let text = String::from_utf8(bytes).unwrap();
    let text = text.replacen(" HTTP/1.1", "?access_token=hunter2&a=b?c HTTP/1.1", 1);
    text.replace("chat, superchat", "chat, bearer.hunter2").into_bytes()
}

#[test]
fn k_26_secrets_of_a_request() {
    let request: Request = serve(&marked(REQUEST)).upgrade();
    assert_eq!(request.query(), Some("access_token=hunter2&a=b?c"), "it is there all the same");
    assert_eq!(request.choose(&["bearer.hunter2"]), Some("bearer.hunter2"));
    assert_hidden("Request", &request);
    assert_hidden("RequestHead", &*request);
    let text = format!("{request:?}");
    assert!(text.contains("\"GET /chat?.. HTTP/1.1\"") && text.contains("\"https://example.com/a?..\""), "{text}");
    assert!(!text.contains("dGhlIHNhbXBsZSBub25jZQ"), "the key: {text}");

    let plain: PlainRequest = serve(&marked(PLAIN)).plain();
    assert_eq!(plain.query(), Some("access_token=hunter2&a=b?c"));
    assert_hidden("PlainRequest", &plain);
    assert_hidden("Incoming", &Incoming::Plain(plain));
    assert_hidden("Incoming", &Incoming::Upgrade(request));
    let absolute = String::from_utf8(marked(PLAIN)).unwrap().replace("GET /", "GET https://example.com/");
    assert_hidden("an absolute target", &serve(absolute.as_bytes()).plain());

    // Read in part, and refused.
    let bytes = marked(REQUEST);
    for len in [bytes.len() / 2, bytes.len() - 1] {
        let mut server = Server::new(OriginPolicy::Any, &Config::new());
        assert!(matches!(server.receive(&mut &mut bytes[..len].to_vec()[..]), Ok(None)));
        assert_hidden("Server", &server);
    }
    let bad = String::from_utf8(bytes).unwrap().replace("Version: 13", "Version: hunter2");
    let refusal = serve(bad.as_bytes()).refusal();
    assert_hidden("Refusal", &refusal);
    assert!(!refusal.to_string().contains(MARK) && !String::from_utf8_lossy(refusal.response()).contains(MARK));
}

#[test]
fn k_26_secrets_of_a_client() {
    let uri = Uri::parse("wss://example.com/chat?token=hunter2").unwrap();
    assert_eq!(uri.to_string(), "wss://example.com/chat?token=hunter2", "to be written as it is");
    assert_eq!(format!("{uri:?}"), "\"wss://example.com/chat?..\"");
    assert_eq!(format!("{:?}", Uri::parse("ws://[::1]:9/").unwrap()), "\"ws://[::1]:9/\"");

    let asked = ClientRequest::new("wss://example.com/chat?token=hunter2").unwrap().protocol("bearer.hunter2");
    let asked = asked.header("Authorization", "hunter2").header("X-Api-Key", "hunter2").header("User-Agent", "shown");
    assert_hidden("ClientRequest", &asked);
    assert!(format!("{asked:?}").contains("shown"));
    let machine = client(&asked, &Config::new());
    assert!(String::from_utf8_lossy(machine.outgoing()).matches(MARK).count() == 4, "it is sent all the same");
    assert_hidden("Client", &machine);

    let answer = Answer::new().protocol("bearer.hunter2").header("Set-Cookie", "hunter2").header("X", "shown");
    assert_hidden("Answer", &answer);
    assert!(format!("{answer:?}").contains("shown"));
}

#[test]
fn k_26_secrets_of_a_response() {
    let asked = asks().protocol("bearer.hunter2");
    let bytes = response(END, lines().as_bytes());
    let bytes = String::from_utf8(bytes).unwrap().replace("Protocol: chat", "Protocol: bearer.hunter2");
    let mut machine = client(&asked, &Config::new());
    let opened = machine.receive(&mut &mut bytes.clone().into_bytes()[..]).unwrap().unwrap();
    assert_eq!(opened.protocol(), Some("bearer.hunter2"));
    assert_hidden("Response", &opened);

    let status = format!("HTTP/1.1 401 \r\nContent-Length: 14{}the body hunter2", lines());
    let wrong = bytes.replace("Upgrade: websocket", "Upgrade: hunter").replace("hunter\r\n", "x\r\n");
    let broken = "HTTP/1.1 403 \r\nSet-Cookie: hunter2\r\nX\0: hunter2".to_owned();
    let eof = "HTTP/1.1 403 \r\nSet-Cookie: hunter2".to_owned();
    for (name, bytes) in [("status", status), ("wrong", wrong), ("broken", broken), ("eof", eof)] {
        let rejected: Rejected = reject_with(&Config::new(), bytes.as_bytes()).0;
        assert_hidden(name, &rejected);
        assert!(!rejected.to_string().contains(MARK), "{name}: {rejected}");
        assert_hidden(name, &blocking::Error::from(rejected));
    }
}

#[test]
fn k_26_secrets_of_seeds_and_connections() {
    let mut entropy = [0; 32];
    entropy[..7].copy_from_slice(MARK.as_bytes());
    assert_hidden("Seed", &Seed::from_entropy(entropy));
    let machine = Client::new(asks(), &Config::new(), Seed::from_entropy(entropy)).unwrap();
    assert_hidden("Client", &machine);
    let mut connection = Connection::client(&Config::new(), Seed::from_entropy(entropy));
    assert_hidden("Connection", &connection);
    connection.split().1.text(MARK).unwrap();
    assert_hidden("Connection with output", &connection);
    let mut server = Connection::server(&Config::new());
    server.split().1.text(MARK).unwrap();
    assert_hidden("Connection with output", &server);
    let mut half = server.outgoing()[..5].to_vec();
    let mut peer = Connection::client(&Config::new(), Seed::from_entropy(entropy));
    assert_eq!(peer.split().0.receive(&mut &mut half[..]), Ok(None));
    let (reader, writer) = peer.into_split();
    assert_hidden("Reader", &reader);
    assert_hidden("Writer", &writer);
}

#[cfg(feature = "deflate")]
#[test]
fn k_26_secrets_of_prepared_messages() {
    use ws_proto::deflate::{Compression, Prepared};
    for prepared in
        [Prepared::text(&MARK.repeat(100), &Compression::new()), Prepared::binary(MARK.as_bytes(), &Compression::new())]
    {
        assert_hidden("Prepared", &prepared);
        assert!(format!("{prepared:?}").contains(&format!("len: {}", prepared.plain().len())));
    }
}

/// What a peer sends, and where what is written goes.
#[derive(Debug)]
struct Stream(#[allow(dead_code)] Hidden);

struct Hidden(Cursor<Vec<u8>>);

impl Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stream(bytes: Vec<u8>) -> Untimed<Stream> {
    Untimed(Stream(Hidden(Cursor::new(bytes))))
}

#[test]
fn k_26_secrets_of_requests_in_the_driver() {
    let frames = [&marked(REQUEST)[..], MARK.as_bytes()].concat();
    let incoming = blocking::receive_request(stream(frames), OriginPolicy::Any, &Config::new()).unwrap();
    assert_hidden("Incoming", &incoming);
    let incoming = blocking::receive_request(stream(marked(PLAIN)), OriginPolicy::Any, &Config::new()).unwrap();
    assert_hidden("Incoming", &incoming);
}

#[cfg(feature = "tokio")]
#[test]
fn k_26_secrets_of_requests_in_tasks() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for bytes in [marked(REQUEST), marked(PLAIN)] {
            let (mut peer, io) = tokio::io::duplex(1 << 16);
            tokio::io::AsyncWriteExt::write_all(&mut peer, &bytes).await.unwrap();
            let incoming = ws_proto::tokio::receive_request(io, OriginPolicy::Any, &Config::new()).await.unwrap();
            let text = format!("{incoming:?}");
            // The pipe of tokio shows its bytes, but they are read by now.
            assert!(!text.contains(MARK) && !text.contains("104, 117, 110, 116, 101, 114, 50"), "{text}");
        }
    });
}

#[cfg(feature = "http")]
#[test]
fn k_26_secrets_of_http_types() {
    let asked = asks().header("Authorization", "hunter2").header("Cookie", "hunter2").header("User-Agent", "shown");
    let asked = asked.protocol("bearer.hunter2");
    let request = client(&asked, &Config::new()).to_http().unwrap();
    assert_eq!(request.headers()["authorization"], "hunter2", "it is there all the same");
    assert_hidden("http::Request", &request);
    assert!(format!("{request:?}").contains("shown"));
    let incoming = Request::from_http(&request, OriginPolicy::Any, &Config::new()).unwrap();
    assert_hidden("Request", &incoming);
    let answer = Answer::new().protocol("bearer.hunter2").header("Set-Cookie", "hunter2");
    let (response, _) = incoming.accept_http(&answer, &Config::new()).unwrap();
    assert_eq!(response.headers()["set-cookie"], "hunter2");
    assert_hidden("http::Response", &response);
}

/// The lines that are hidden are hidden by their names, and no more than they are.
#[test]
fn k_26_what_is_no_secret_is_shown() {
    let shown = "\r\nUser-Agent: shown-1\r\nX-Request-Id: shown-2\r\nLocation: /shown-3?hunter2\r\n\r\n";
    let text = format!("{:?}", serve(&request(END, shown.as_bytes())).upgrade());
    for n in 1..4 {
        assert!(text.contains(&format!("shown-{n}")), "{text}");
    }
    for name in ["Host", "Upgrade", "Connection", "Origin", "Sec-WebSocket-Version"] {
        assert!(!text.contains(&format!("\"{name}\": ..")), "{text}");
    }
}

/// A redirect may carry a token in its fragment, or a password before its host.
#[test]
fn k_26_secrets_of_a_redirect() {
    for location in
        ["https://h/cb#access_token=hunter2", "https://user:hunter2@h/", "//user:hunter2@h/", "/a?b#hunter2"]
    {
        let config = Config::new();
        let mut client =
            Client::new(ClientRequest::new("ws://h/").unwrap(), &config, Seed::predictable_for_tests(1)).unwrap();
        let mut bytes = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n").into_bytes();
        let rejected = client.receive(&mut &mut bytes[..]).unwrap_err();
        assert_eq!(rejected.header("location"), Some(location.as_bytes()), "it is there all the same");
        assert_hidden("Rejected", &rejected);
    }
}
