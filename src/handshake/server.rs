//! The server's side (RFC 6455, section 4.2).

use alloc::vec::Vec;
use core::{fmt, mem, str};

use super::accept::Key;
use super::error::HandshakeError;
use super::fields;
use super::gather::Gather;
use super::head::{Field, Head};
use super::lines::Lines;
use super::offers;
use super::origin::OriginPolicy;
use super::request::{Incoming, PlainRequest, Request, RequestHead};
use super::response;
use super::uri::{Authority, Target};
use crate::config::Config;
use crate::connection::Connection;

/// The server's side of an opening handshake: bytes in, a request or a refusal out.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::handshake::{Answer, Incoming, OriginPolicy, Server};
///
/// let config = Config::new();
/// let mut server = Server::new(OriginPolicy::SameOrigin, &config);
/// let mut bytes = *b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x89\x80mask";
/// let mut input = &mut bytes[..];
/// let Ok(Some(Incoming::Upgrade(request))) = server.receive(&mut input) else { panic!("a good request") };
///
/// let mut connection = request.accept(&Answer::new(), &config)?;
/// assert!(connection.outgoing().ends_with(b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
/// let event = connection.split().0.receive(&mut input)?; // what came behind the head is still there
/// assert_eq!(event, Some(ws_proto::Event::Ping(b"")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    origins: OriginPolicy,
    config: Config,
    state: State,
}

enum State {
    Head(Gather),
    Found,
    Refused,
}

impl Server {
    /// A server for one connection. Who may connect from a browser is a choice that nobody can make for you.
    #[must_use]
    pub fn new(origins: OriginPolicy, config: &Config) -> Self {
        Self { origins, config: config.clone(), state: State::Head(Gather::request(config)) }
    }

    /// Takes bytes from the client, up to the end of the request's head; `None` wants more of them. What is behind the
    /// head stays in `input`: the first frames. It belongs to the connection if the request is accepted, and to nobody
    /// if not.
    ///
    /// # Errors
    ///
    /// When the request is refused; all later input is swallowed.
    pub fn receive(&mut self, input: &mut &mut [u8]) -> Result<Option<Incoming>, Refusal> {
        let gather = match &mut self.state {
            State::Head(gather) => gather,
            State::Found => return Ok(None),
            State::Refused => {
                *input = &mut [];
                return Ok(None);
            }
        };
        let incoming = match gather.receive(input) {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => {
                let is_head_request = head.method() == b"HEAD";
                self.check(head).map_err(|error| (error, is_head_request))
            }
            Err(error) => Err((error, gather.is_head_request())),
        };
        self.state = if incoming.is_ok() { State::Found } else { State::Refused };
        incoming.map(Some).map_err(|(error, is_head_request)| {
            *input = &mut [];
            Refusal::new(error, self.config.version_8, is_head_request)
        })
    }

    /// As [`Server::receive`], and accepts: for a server of WebSockets alone, without subprotocols. The 101 is outgoing.
    ///
    /// ```
    /// use ws_proto::Config;
    /// use ws_proto::handshake::{OriginPolicy, Server};
    ///
    /// let mut server = Server::new(OriginPolicy::Any, &Config::new());
    /// let mut bytes = *b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    /// let refusal = server.accept(&mut &mut bytes[..]).unwrap_err();
    /// assert!(refusal.response().starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
    /// ```
    ///
    /// # Errors
    ///
    /// When the request is refused, as another HTTP request is; all later input is swallowed.
    pub fn accept(&mut self, input: &mut &mut [u8]) -> Result<Option<Connection>, Refusal> {
        match self.receive(input)? {
            None => Ok(None),
            Some(Incoming::Upgrade(request)) => Ok(Some(request.open(None, &Lines::default(), &self.config))),
            Some(Incoming::Plain(request)) => {
                self.state = State::Refused;
                *input = &mut [];
                Err(Refusal { error: HandshakeError::BadUpgrade, response: request.upgrade_required() })
            }
        }
    }

    /// Takes note that the client will send no more.
    ///
    /// # Errors
    ///
    /// When the request is not complete. There is nobody to tell.
    pub fn receive_eof(&mut self) -> Result<(), HandshakeError> {
        match mem::replace(&mut self.state, State::Refused) {
            State::Head(_) => Err(HandshakeError::UnexpectedEof),
            done => {
                self.state = done;
                Ok(())
            }
        }
    }

    /// Judges a whole head.
    fn check(&self, head: Head) -> Result<Incoming, HandshakeError> {
        let head = RequestHead { head };
        let target = check_start_line(&head.head)?;
        let host = check_host(&head.head)?;
        check_body(&head.head)?;
        // Section 4.2.1, 3; RFC 9110, section 7.8: Upgrade means nothing in HTTP/1.0.
        if head.head.http_version() == (1, 0) || !head.head.has_token(Field::Upgrade, b"websocket") {
            return Ok(Incoming::Plain(PlainRequest { head }));
        }
        if !head.head.has_token(Field::Connection, b"upgrade") {
            return Err(HandshakeError::BadConnection);
        }
        // Before the key, which another version may have in another form.
        let version = check_version(&head.head, self.config.version_8)?;
        let key = head.head.only(Field::Key, HandshakeError::BadKey)?;
        let key = key.and_then(Key::parse).ok_or(HandshakeError::BadKey)?;
        // RFC 9112, section 3.2.2: an absolute target comes before Host.
        let host = || target.authority.map_or(host, Authority::parse);
        if !self.origins.allows_at(head.origin(version)?, host) {
            return Err(HandshakeError::ForbiddenOrigin);
        }
        offers::check_protocols(&head.head, self.config.max_offers)?;
        offers::check_extensions(&head.head, self.config.max_offers)?;
        let expects_100 = check_expect(&head.head)?;
        Ok(Incoming::Upgrade(Request { head, key, version, expects_100 }))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// A request that was refused: write the response, close the transport.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::handshake::{HandshakeError, OriginPolicy, Server};
///
/// let mut server = Server::new(OriginPolicy::Any, &Config::new());
/// let mut bytes = *b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let refusal = server.receive(&mut &mut bytes[..]).unwrap_err();
/// assert_eq!(refusal.error(), HandshakeError::BadMethod);
/// assert!(refusal.response().starts_with(b"HTTP/1.1 405 Method Not Allowed\r\n"));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Refusal {
    error: HandshakeError,
    response: Vec<u8>,
}

impl Refusal {
    pub(super) fn new(error: HandshakeError, version_8: bool, to_head_request: bool) -> Self {
        Self { error, response: response::refusal(error, version_8, to_head_request) }
    }

    /// What was wrong.
    #[must_use]
    pub const fn error(&self) -> HandshakeError {
        self.error
    }

    /// The complete response.
    #[must_use]
    pub fn response(&self) -> &[u8] {
        &self.response
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal {{ {:?}, response: \"{}\" }}", self.error, self.response.escape_ascii())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Refusal {}

/// RFC 6455, section 4.2.1, 1, but the form of the target from RFC 9112, section 3.2.
fn check_start_line(head: &Head) -> Result<Target<'_>, HandshakeError> {
    match (head.method(), head.http_version()) {
        (b"PRI", (2, 0)) => Err(HandshakeError::BadRequestLine), // the preface of HTTP/2
        (_, (major, _)) if major != 1 => Err(HandshakeError::BadHttpVersion),
        (b"GET", _) => Target::parse(head.target()).ok_or(HandshakeError::BadTarget),
        _ => Err(HandshakeError::BadMethod),
    }
}

/// RFC 9112, section 3.2. Host came with HTTP/1.1.
fn check_host(head: &Head) -> Result<Option<Authority<'_>>, HandshakeError> {
    let Some(host) = head.only(Field::Host, HandshakeError::BadHost)? else {
        return if head.http_version() == (1, 0) { Ok(None) } else { Err(HandshakeError::BadHost) };
    };
    Authority::parse(host).map(Some).ok_or(HandshakeError::BadHost)
}

/// RFC 9112, section 6.3: where the request ends must be beyond doubt, and here it ends with its head.
fn check_body(head: &Head) -> Result<(), HandshakeError> {
    let is_coded = head.all(Field::TransferEncoding).next().is_some();
    let mut length: Option<&[u8]> = None;
    for value in head.all(Field::ContentLength).flat_map(|list| list.split(|byte| *byte == b',')).map(fields::trim) {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        if is_coded || !is_number || length.is_some_and(|length| length != value) {
            return Err(HandshakeError::BadContentLength);
        }
        length = Some(value);
    }
    let is_empty = length.is_none_or(|length| length.iter().all(|digit| *digit == b'0'));
    if is_coded || !is_empty { Err(HandshakeError::UnexpectedBody) } else { Ok(()) }
}

/// RFC 6455, sections 4.2.1, 6, and 4.3: a number up to 255 without leading zeros.
fn check_version(head: &Head, version_8: bool) -> Result<u8, HandshakeError> {
    let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || !text.starts_with(b"0"));
    match head.only(Field::Version, HandshakeError::BadVersion)?.unwrap_or_default() {
        b"13" => Ok(13),
        b"8" if version_8 => Ok(8),
        text if is_number(text) && str::from_utf8(text).is_ok_and(|text| text.parse::<u8>().is_ok()) => {
            Err(HandshakeError::UnsupportedVersion)
        }
        _ => Err(HandshakeError::BadVersion),
    }
}

/// RFC 9110, section 10.1.1. Whether a 100 is expected.
fn check_expect(head: &Head) -> Result<bool, HandshakeError> {
    let mut expectations = head.all(Field::Expect).flat_map(fields::elements).peekable();
    let is_some = expectations.peek().is_some();
    if expectations.all(|expectation| expectation.eq_ignore_ascii_case(b"100-continue")) {
        Ok(is_some)
    } else {
        Err(HandshakeError::BadExpect)
    }
}
