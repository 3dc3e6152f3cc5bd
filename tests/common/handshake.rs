//! Requests and responses with one thing changed, run whole, byte by byte and at every cut.
#![allow(dead_code, reason = "each test file uses its part")]

use ws_proto::handshake::{
    Answer, Client, ClientRequest, HandshakeError, Incoming, OriginPolicy, PlainRequest, Refusal, Rejected, Request,
    Response, Server, accept_key,
};
use ws_proto::{Config, Connection, Event, Seed};

/// The request of RFC 6455, section 1.2.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// A request for a page.
pub(crate) const PLAIN: &str = "GET /page HTTP/1.1\r\nHost: server.example.com\r\n\r\n";

/// The response of the same section; the client under test has another key, hence the mark.
pub(crate) const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: <accept>\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

/// The end of a head: the place for one more line.
pub(crate) const END: &str = "\r\n\r\n";

/// `Hello`, unmasked and masked (RFC 6455, section 5.7).
pub(crate) const HELLO: [u8; 7] = *b"\x81\x05Hello";
pub(crate) const MASKED_HELLO: [u8; 11] = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

/// A name, what to change in the base head, and into what.
pub(crate) type Change = (&'static str, &'static str, &'static [u8]);

/// `base` with its only `from` made `to`.
pub(crate) fn change(base: &str, from: &str, to: &[u8]) -> Vec<u8> {
    let (before, after) = base.split_once(from).unwrap_or_else(|| panic!("{from:?} is not in {base:?}"));
    [before.as_bytes(), to, after.as_bytes()].concat()
}

/// The request with a change.
pub(crate) fn request(from: &str, to: &[u8]) -> Vec<u8> {
    change(REQUEST, from, to)
}

/// What a server made of bytes.
pub(crate) enum Served {
    More,
    Upgrade(Request),
    Plain(PlainRequest),
    Refused(Refusal),
}

impl Served {
    pub(crate) fn upgrade(self) -> Request {
        match self {
            Self::Upgrade(request) => request,
            other => panic!("{}", other.show()),
        }
    }

    pub(crate) fn plain(self) -> PlainRequest {
        match self {
            Self::Plain(request) => request,
            other => panic!("{}", other.show()),
        }
    }

    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => panic!("{}", other.show()),
        }
    }

    /// The error, if any; a plain request's is that of its default answer.
    pub(crate) fn error(&self) -> Option<HandshakeError> {
        match self {
            Self::Refused(refusal) => Some(refusal.error()),
            Self::Plain(request) => Some(request.refuse().error()),
            _ => None,
        }
    }

    /// The bytes of the default answer.
    pub(crate) fn response(&self) -> Vec<u8> {
        match self {
            Self::More => Vec::new(),
            Self::Upgrade(request) => accept(request).outgoing().to_vec(),
            Self::Plain(request) => request.refuse().response().to_vec(),
            Self::Refused(refusal) => refusal.response().to_vec(),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::More => "more".into(),
            Self::Upgrade(request) => format!("{request:?}"),
            Self::Plain(request) => format!("{request:?}"),
            Self::Refused(refusal) => format!("{refusal:?}"),
        }
    }
}

pub(crate) fn accept(request: &Request) -> Connection {
    request.accept(&Answer::new(), &Config::new()).unwrap()
}

/// Hands pieces to a server until it has decided; what it made of them, and what it left.
pub(crate) fn serve_pieces<'b>(mut machine: Server, pieces: impl Iterator<Item = &'b [u8]>) -> (Served, Vec<u8>) {
    let (mut served, mut rest) = (Served::More, Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        if matches!(served, Served::More) {
            served = match machine.receive(&mut input) {
                Ok(None) => Served::More,
                Ok(Some(Incoming::Upgrade(request))) => Served::Upgrade(request),
                Ok(Some(Incoming::Plain(request))) => Served::Plain(request),
                Err(refusal) => Served::Refused(refusal),
            };
            assert!(!matches!(served, Served::More | Served::Refused(_)) || input.is_empty(), "all is read");
        } else if matches!(served, Served::Refused(_)) {
            assert!(matches!(machine.receive(&mut input), Ok(None)), "nothing follows a refusal");
            assert!(input.is_empty(), "input behind a refusal is swallowed");
        }
        rest.extend_from_slice(input);
    }
    (served, rest)
}

/// Hands bytes to a server, in every cut.
pub(crate) fn serve_with(policy: &OriginPolicy, config: &Config, bytes: &[u8]) -> (Served, Vec<u8>) {
    let server = || Server::new(policy.clone(), config);
    let (whole, rest) = serve_pieces(server(), [bytes].into_iter());
    let check = |(served, left): (Served, Vec<u8>), cut: &str| {
        assert_eq!((served.show(), &left), (whole.show(), &rest), "{cut}: {}", bytes.escape_ascii());
    };
    check(serve_pieces(server(), bytes.chunks(1)), "byte by byte");
    for at in cuts(bytes.len()) {
        let (a, b) = bytes.split_at(at);
        check(serve_pieces(server(), [a, b].into_iter()), "in two");
    }
    (whole, rest)
}

pub(crate) fn serve(bytes: &[u8]) -> Served {
    serve_with(&OriginPolicy::Any, &Config::new(), bytes).0
}

/// All places to cut, but not too many.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(1 + len / 1500)
}

/// Each changed request is accepted.
pub(crate) fn server_accepts(rows: &[Change]) {
    for (name, from, to) in rows {
        let served = serve(&request(from, to));
        assert!(matches!(served, Served::Upgrade(_)), "{name}: {}", served.show());
        assert_switching(&served.response());
    }
}

/// Each changed request is refused with this status for this fault.
pub(crate) fn server_refuses(rows: &[(&str, &str, &[u8], u16, HandshakeError)]) {
    for (name, from, to, status, error) in rows {
        assert_refused(name, &serve(&request(from, to)), *status, *error);
    }
}

pub(crate) fn assert_refused(name: &str, served: &Served, status: u16, error: HandshakeError) {
    assert_eq!(served.error(), Some(error), "{name}: {}", served.show());
    let response = served.response();
    let parsed = Parsed::new(&response);
    assert_eq!(parsed.status, status, "{name}");
    assert_eq!(error.status(), Some(status), "{name}");
    let connection = parsed.one("Connection");
    assert!(connection.split(", ").any(|option| option == "close"), "{name}: {connection}");
    assert_eq!(parsed.has("Upgrade"), connection.contains("upgrade"), "{name}: {connection}");
    let text = match served {
        Served::Refused(refusal) => refusal.to_string(),
        _ => error.to_string(),
    };
    assert!(text.starts_with(&error.to_string()), "{name}: {text}");
    assert!(text == error.to_string() || error == HandshakeError::ForbiddenOrigin, "{name}: {text}");
    assert_eq!(parsed.body, format!("{text}\n").as_bytes(), "{name}");
    assert_eq!(parsed.one("Content-Length"), parsed.body.len().to_string(), "{name}");
}

/// The response is a 101 as RFC 6455, section 4.2.2, has it.
pub(crate) fn assert_switching(response: &[u8]) {
    let parsed = Parsed::new(response);
    assert_eq!(parsed.status, 101);
    assert_eq!(parsed.one("Upgrade"), "websocket");
    assert_eq!(parsed.one("Connection"), "Upgrade");
    assert_eq!(parsed.one("Sec-WebSocket-Accept").len(), 28);
    assert!(!parsed.has("Content-Length") && !parsed.has("Transfer-Encoding") && parsed.body.is_empty());
}

/// A head of ours, read by somebody else's parser.
pub(crate) struct Parsed {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Parsed {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut response = httparse::Response::new(&mut headers);
        let len = response.parse(bytes).expect("well formed").unwrap();
        Self { status: response.code.unwrap(), headers: owned(response.headers), body: bytes[len..].to_vec() }
    }

    pub(crate) fn request(bytes: &[u8]) -> (String, Self) {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        let len = request.parse(bytes).expect("well formed").unwrap();
        let line = format!("{} {} HTTP/1.{}", request.method.unwrap(), request.path.unwrap(), request.version.unwrap());
        (line, Self { status: 0, headers: owned(request.headers), body: bytes[len..].to_vec() })
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    /// The value of a header that is there exactly once.
    pub(crate) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {:?}", self.headers);
        all[0]
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    headers.iter().map(|h| (h.name.to_owned(), str::from_utf8(h.value).unwrap().to_owned())).collect()
}

/// What a client made of bytes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "few are made")]
pub(crate) enum Answered {
    More,
    Open(Response),
    Rejected(Rejected),
}

impl Answered {
    pub(crate) fn open(self) -> Response {
        match self {
            Self::Open(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn rejected(self) -> Rejected {
        match self {
            Self::Rejected(rejected) => rejected,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn error(&self) -> Option<HandshakeError> {
        if let Self::Rejected(rejected) = self { Some(rejected.error()) } else { None }
    }

    /// All that must not depend on the cut.
    fn show(&self) -> String {
        match self {
            Self::Rejected(rejected) => {
                let headers: Vec<_> = rejected.headers().collect();
                let body = (rejected.body(), rejected.wants_body(), rejected.is_complete(), rejected.can_reuse());
                format!("{:?} {:?} {headers:?} {body:?}", rejected.error(), rejected.status())
            }
            other => format!("{other:?}"),
        }
    }
}

/// The usual client, which offers what the RFC's example offers.
pub(crate) fn asks() -> ClientRequest {
    ClientRequest::new("ws://server.example.com/chat").unwrap().protocol("chat").protocol("superchat")
}

pub(crate) fn client(request: &ClientRequest, config: &Config) -> Client {
    Client::new(request.clone(), config, Seed::predictable_for_tests(1)).unwrap()
}

/// What the usual client must see as Sec-WebSocket-Accept.
pub(crate) fn right_accept() -> String {
    let client = client(&asks(), &Config::new());
    let accept = accept_key(Parsed::request(client.outgoing()).1.one("Sec-WebSocket-Key").as_bytes());
    str::from_utf8(&accept).unwrap().to_owned()
}

/// Puts the right Sec-WebSocket-Accept where the mark is.
pub(crate) fn with_accept(bytes: &[u8]) -> Vec<u8> {
    let mark = b"<accept>";
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(mark.len()).position(|window| window == mark) {
        bytes.splice(at..at + mark.len(), right_accept().into_bytes());
    }
    bytes
}

/// The response with a change.
pub(crate) fn response(from: &str, to: &[u8]) -> Vec<u8> {
    with_accept(&change(RESPONSE, from, to))
}

/// Hands pieces to a client until it has decided; what it made of them, and what it left.
pub(crate) fn answer_pieces<'b>(mut client: Client, pieces: impl Iterator<Item = &'b [u8]>) -> (Answered, Vec<u8>) {
    let (mut answered, mut rest) = (Answered::More, Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        if matches!(answered, Answered::More) {
            answered = match client.receive(&mut input) {
                Ok(None) => Answered::More,
                Ok(Some(response)) => Answered::Open(response),
                Err(rejected) => Answered::Rejected(rejected),
            };
            let keeps = match &answered {
                Answered::Open(_) => true,
                Answered::Rejected(rejected) => rejected.can_reuse(),
                Answered::More => false,
            };
            assert!(keeps || input.is_empty(), "all is read");
        } else if let Answered::Rejected(rejected) = &mut answered {
            let mut copy = input.to_vec();
            let mut swallowed = &mut copy[..];
            assert!(matches!(client.receive(&mut swallowed), Ok(None)), "nothing follows a rejection");
            assert!(swallowed.is_empty(), "input behind a rejection is swallowed");
            rejected.receive_body(&mut input);
            assert!(rejected.can_reuse() || input.is_empty(), "all is read");
        }
        rest.extend_from_slice(input);
    }
    (answered, rest)
}

/// Hands bytes to a client, in every cut.
pub(crate) fn answer_with(request: &ClientRequest, config: &Config, bytes: &[u8]) -> (Answered, Vec<u8>) {
    let (whole, rest) = answer_pieces(client(request, config), [bytes].into_iter());
    let check = |(answered, left): (Answered, Vec<u8>), cut: &str| {
        assert_eq!((answered.show(), &left), (whole.show(), &rest), "{cut}: {}", bytes.escape_ascii());
    };
    check(answer_pieces(client(request, config), bytes.chunks(1)), "byte by byte");
    for at in cuts(bytes.len()) {
        let (a, b) = bytes.split_at(at);
        check(answer_pieces(client(request, config), [a, b].into_iter()), "in two");
    }
    (whole, rest)
}

/// Hands pieces to a client until the body of its rejection is over, and tells it of the end of the stream if it is not;
/// what it made of them, and what it left.
pub(crate) fn reject_pieces<'b>(mut client: Client, pieces: impl Iterator<Item = &'b [u8]>) -> (Rejected, Vec<u8>) {
    let (mut found, mut rest) = (None::<Rejected>, Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        match &mut found {
            Some(rejected) => rejected.receive_body(&mut input),
            None => found = client.receive(&mut input).map(|more| assert!(more.is_none(), "no connection")).err(),
        }
        let keeps = found.as_ref().is_some_and(Rejected::can_reuse);
        assert!(keeps || input.is_empty(), "what is left belongs to another response");
        rest.extend_from_slice(input);
    }
    let mut rejected = found.unwrap_or_else(|| client.receive_eof().unwrap_err());
    if rejected.wants_body() {
        rejected.receive_eof();
    }
    assert!(!rejected.wants_body());
    (rejected, rest)
}

/// Hands bytes and the end of the stream to a client, in every cut.
pub(crate) fn reject_with(config: &Config, bytes: &[u8]) -> (Rejected, Vec<u8>) {
    let show = |rejected: &Rejected| {
        let headers: Vec<_> = rejected.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = (rejected.body().to_vec(), rejected.is_complete(), rejected.can_reuse());
        (rejected.error(), rejected.status(), headers, body)
    };
    let (whole, rest) = reject_pieces(client(&asks(), config), [bytes].into_iter());
    let check = |(rejected, left): (Rejected, Vec<u8>), cut: &str| {
        assert_eq!((show(&rejected), &left), (show(&whole), &rest), "{cut}: {}", bytes.escape_ascii());
    };
    check(reject_pieces(client(&asks(), config), bytes.chunks(1)), "byte by byte");
    for at in cuts(bytes.len()) {
        let (a, b) = bytes.split_at(at);
        check(reject_pieces(client(&asks(), config), [a, b].into_iter()), "in two");
    }
    (whole, rest)
}

pub(crate) fn answer(bytes: &[u8]) -> Answered {
    answer_with(&asks(), &Config::new(), bytes).0
}

/// Each changed response opens the connection.
pub(crate) fn client_opens(rows: &[Change]) {
    for (name, from, to) in rows {
        let answered = answer(&response(from, to));
        assert!(matches!(answered, Answered::Open(_)), "{name}: {}", answered.show());
    }
}

/// Each changed response is rejected for this fault.
pub(crate) fn client_rejects(rows: &[(&str, &str, &[u8], HandshakeError)]) {
    for (name, from, to, error) in rows {
        let answered = answer(&response(from, to));
        assert_eq!(answered.error(), Some(*error), "{name}: {}", answered.show());
    }
}

/// The texts that a connection reads from bytes.
pub(crate) fn texts(connection: &mut Connection, bytes: &mut [u8]) -> Vec<String> {
    let mut input = bytes;
    let mut texts = Vec::new();
    while let Some(event) = connection.split().0.receive(&mut input).expect("good frames") {
        match event {
            Event::Text(text) => texts.push(text.to_owned()),
            other => panic!("{other:?}"),
        }
    }
    texts
}
