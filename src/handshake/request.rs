//! A request that arrived at a server, and the answers to it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use super::accept::Key;
use super::agreed::Agreed;
use super::error::{AnswerError, HandshakeError};
use super::fields::{self, Extension};
use super::framing::Framing;
use super::head::{Field, Head};
use super::lines::{self, Lines};
use super::offers;
use super::refusal::Refusal;
use super::response;
use super::uri::Target;
use crate::config::Config;
use crate::connection::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::Agreement;

/// What arrived at a server.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::handshake::{Incoming, OriginPolicy, Server};
///
/// let mut server = Server::new(OriginPolicy::SameOrigin, &Config::new());
/// let mut bytes = *b"GET /health HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let response = match server.receive(&mut &mut bytes[..]).unwrap() {
///     Some(Incoming::Plain(request)) if request.path() == "/health" => request.respond(200, &[], b"well").unwrap(),
///     Some(Incoming::Plain(request)) => request.refuse().response().to_vec(),
///     Some(Incoming::Upgrade(_)) => unreachable!("it has no Upgrade header"),
///     None => unreachable!("it is whole"),
/// };
/// assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request wants to be upgraded, or it does not")]
pub enum Incoming {
    /// A request to open a connection, checked by all the rules: accept or reject it.
    Upgrade(Request),
    /// Any other request: answer it with a page, or refuse it.
    Plain(PlainRequest),
}

/// A request to open a connection, which waits for an answer as long as it likes to. Derefs to its head.
///
/// ```
/// # use ws_proto::{Config, handshake::{Incoming, OriginPolicy, Server}};
/// use ws_proto::handshake::Answer;
///
/// # let config = Config::new();
/// # let mut server = Server::new(OriginPolicy::Any, &config);
/// # let mut bytes = *b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
/// #     Sec-WebSocket-Protocol: chat, superchat\r\n\r\n";
/// # let Ok(Some(Incoming::Upgrade(request))) = server.receive(&mut &mut bytes[..]) else { panic!() };
/// let mut answer = Answer::new();
/// match (request.path(), request.choose(&["superchat", "chat"])) {
///     ("/chat", Some(protocol)) => answer = answer.protocol(protocol),
///     ("/chat", None) => {}
///     _ => {
///         let response = request.reject(404, &[("Content-Type", "text/plain")], b"no such room")?;
///         // write it, close the transport
///     }
/// }
/// let mut connection = request.accept(&answer, &config)?;
/// assert!(connection.outgoing().starts_with(b"HTTP/1.1 101 "));
/// # Ok::<(), ws_proto::handshake::AnswerError>(())
/// ```
#[derive(Debug)]
pub struct Request {
    pub(super) head: RequestHead,
    pub(super) key: Key,
    pub(super) version: u8,
    pub(super) expects_100: bool,
    pub(super) max_offers: usize,
}

impl Request {
    /// The version of the protocol: 13, or 8 if [`Config::version_8`] lets it.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The Origin as it was sent, also `null`: whose page wants the connection, if a browser does. The
    /// [`OriginPolicy`](super::OriginPolicy) has allowed it.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.head.origin(self.version).ok().flatten().and_then(|origin| str::from_utf8(origin).ok())
    }

    /// The subprotocols that the client offers, the one it likes best first, up to [`Config::max_offers`].
    pub fn protocols(&self) -> impl Iterator<Item = &str> + Clone {
        offers::protocols(&self.head.head).take(self.max_offers).filter_map(Result::ok)
    }

    /// The first of a server's preferences that the client offers.
    #[must_use]
    pub fn choose(&self, preferences: &[&str]) -> Option<&str> {
        fields::choose_protocol(self.protocols(), preferences)
    }

    /// The extensions that the client offers, known or not, the one it likes best first, up to [`Config::max_offers`].
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> + Clone {
        offers::offers(&self.head.head, self.max_offers).filter_map(Result::ok)
    }

    /// How messages would be compressed if the request was accepted with this configuration.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn agreement(&self, config: &Config) -> Option<Agreement> {
        Agreed::choose(&self.head.head, self.max_offers, config).deflate
    }

    /// Opens the connection. The 101 is outgoing; messages may be sent at once, and go out behind it. The bytes that
    /// came behind the request are the first frames.
    ///
    /// # Errors
    ///
    /// When the answer has a subprotocol that was not offered, or a header that it may not have.
    pub fn accept(&self, answer: &Answer, config: &Config) -> Result<Connection, AnswerError> {
        if let Some(error) = answer.error {
            return Err(error);
        }
        let protocol = answer.protocol.as_deref();
        if protocol.is_some_and(|protocol| !self.protocols().any(|offer| offer == protocol)) {
            return Err(AnswerError::ProtocolNotOffered);
        }
        Ok(self.open(protocol, &answer.lines, config))
    }

    pub(super) fn open(&self, protocol: Option<&str>, lines: &Lines, config: &Config) -> Connection {
        let agreed = Agreed::choose(&self.head.head, self.max_offers, config);
        let accept = self.key.accept();
        let head = response::switching(&accept, protocol, &agreed.answer(), lines, self.expects_100);
        agreed.apply(Connection::server_behind(config, head), config)
    }

    /// The complete response that refuses the connection: 401 with WWW-Authenticate, 403, 404, 503, a redirection with
    /// Location. Write it and close the transport; what came behind the request is not to be read.
    ///
    /// # Errors
    ///
    /// When the status is not 300 to 599, or a header is malformed or set by the handshake itself.
    pub fn reject(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, AnswerError> {
        if !(300..=599).contains(&status) {
            return Err(AnswerError::BadStatus);
        }
        response::custom(status, headers, body, false)
    }
}

impl Deref for Request {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.head
    }
}

/// A request that does not ask for a WebSocket connection: any method but CONNECT, HTTP/1.0 or 1.1. Derefs to its head.
///
/// The bytes behind the head are left in the input of [`Server::receive`](super::Server::receive). As many of them as
/// [`PlainRequest::content_length`] says are its body. Nothing behind the body is to be read: each answer here closes the
/// connection.
///
/// ```
/// # use ws_proto::{Config, handshake::{Incoming, OriginPolicy, Server}};
/// # let mut server = Server::new(OriginPolicy::Any, &Config::new());
/// # let mut bytes = *b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// # let Ok(Some(Incoming::Plain(request))) = server.receive(&mut &mut bytes[..]) else { panic!() };
/// let response = match (request.method(), request.path()) {
///     ("GET" | "HEAD", "/") => request.respond(200, &[("Content-Type", "text/html")], b"<h1>A chat</h1>")?,
///     ("OPTIONS", _) => request.respond(204, &[("Allow", "GET, HEAD, OPTIONS")], b"")?,
///     _ => request.refuse().response().to_vec(),
/// };
/// assert!(response.starts_with(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"));
/// assert!(response.ends_with(b"\r\nContent-Length: 15\r\n\r\n")); // it was a HEAD
/// # Ok::<(), ws_proto::handshake::AnswerError>(())
/// ```
#[derive(Debug)]
pub struct PlainRequest {
    pub(super) head: RequestHead,
}

impl PlainRequest {
    /// The method, as it was sent: upper and lower case are different.
    #[must_use]
    pub fn method(&self) -> &str {
        fields::text(self.head.head.method())
    }

    /// The length of the body in bytes, 0 if there is none; `None` if the body is chunked.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match Framing::of(&self.head.head) {
            Ok(Framing::Length(length)) => Some(length),
            Ok(Framing::Unsaid) | Err(_) => Some(0),
            Ok(Framing::Chunked | Framing::Coded) => None,
        }
    }

    /// A complete response. Write it and close the transport. Behind a HEAD it has the length of `body`, and no body.
    ///
    /// # Errors
    ///
    /// When the status is not 200 to 599, or a header is malformed or set by the handshake itself.
    pub fn respond(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, AnswerError> {
        if !(200..=599).contains(&status) {
            return Err(AnswerError::BadStatus);
        }
        response::custom(status, headers, body, self.is_head())
    }

    /// Refuses the request, for a server that has nothing but a WebSocket: status 426 for a GET, 405 for any other method.
    #[must_use]
    pub fn refuse(&self) -> Refusal {
        let error = if self.method() == "GET" { HandshakeError::BadUpgrade } else { HandshakeError::BadMethod };
        Refusal::new(error.into(), false, self.is_head())
    }

    fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }
}

impl Deref for PlainRequest {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.head
    }
}

/// What a request says, of either kind. Its debug output leaves out the query, cookies, credentials, the key and the
/// subprotocols.
///
/// ```
/// use ws_proto::handshake::RequestHead;
///
/// fn room(head: &RequestHead) -> Option<&str> {
///     head.path().strip_prefix("/rooms/")
/// }
/// ```
pub struct RequestHead {
    pub(super) head: Head,
}

impl RequestHead {
    /// The request target, as it was sent: in ASCII, a path or an absolute URI.
    #[must_use]
    pub fn target(&self) -> &str {
        fields::text(self.head.target())
    }

    /// The path in the target; `*` if it is that of an OPTIONS for the whole server.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split_target().map_or("/", |target| fields::text(target.path()))
    }

    /// The query in the target.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.split_target()?.query().map(fields::text)
    }

    /// The host that is meant, and the port if one is named: from the target if it is absolute (RFC 9112, section
    /// 3.2.2), else from Host. Empty if Host is, or if an HTTP/1.0 request has none.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = || self.head.all(Field::Host).next();
        self.split_target().and_then(|target| target.authority).or_else(host).map_or("", fields::text)
    }

    /// The names and values of all headers, in order. Values are bytes without the blanks around them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.head.headers()
    }

    /// The first value under a name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// Text. Section 4.2.1; version 8 has its own field, and a request with both is not to be trusted.
    pub(super) fn origin(&self, version: u8) -> Result<Option<&[u8]>, HandshakeError> {
        let mut origins = self.head.all(Field::Origin).chain(self.head.all(Field::OriginOf8).filter(|_| version == 8));
        let origin = origins.next();
        let is_text = origin.is_none_or(|origin| origin.is_ascii() || str::from_utf8(origin).is_ok());
        if is_text && origins.next().is_none() { Ok(origin) } else { Err(HandshakeError::BadOrigin) }
    }

    fn split_target(&self) -> Option<Target<'_>> {
        match self.head.target() {
            b"*" => Some(Target::SERVER),
            target => Target::parse(target),
        }
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)
    }
}

/// What a server says to a request that it accepts.
///
/// ```
/// use ws_proto::handshake::Answer;
///
/// let answer = Answer::new().protocol("chat").header("X-Request-Id", "7");
/// ```
///
/// What is wrong with it, [`Request::accept`] tells.
///
/// Its debug output leaves out the subprotocol, cookies and credentials.
#[derive(Clone, Default)]
pub struct Answer {
    protocol: Option<String>,
    lines: Lines,
    error: Option<AnswerError>,
}

impl Answer {
    /// Neither subprotocol nor headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol, one of those that the client offers.
    #[must_use]
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// The subprotocol that [`Answer::protocol`] chose.
    #[must_use]
    pub fn chosen_protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if lines::is_reserved(name) || lines::is_websocket(name) {
            self.error.get_or_insert(AnswerError::ReservedHeader);
        } else if !self.lines.push(name, value) {
            self.error.get_or_insert(AnswerError::BadHeader);
        }
        self
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.protocol.as_ref().map(|_| format_args!(".."));
        f.debug_struct("Answer")
            .field("protocol", &protocol)
            .field("headers", &self.lines)
            .field("error", &self.error)
            .finish()
    }
}
