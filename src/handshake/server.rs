//! The server's side (RFC 6455, section 4.2).

use core::{fmt, mem, str};

use super::accept::Key;
use super::error::HandshakeError;
use super::fault::Fault;
use super::fields;
use super::framing::{self, Framing};
use super::gather::Gather;
use super::head::{Field, Head};
use super::lines::Lines;
use super::offers;
use super::origin::OriginPolicy;
use super::refusal::Refusal;
use super::request::{Incoming, PlainRequest, Request, RequestHead};
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
    /// head stays in `input`. Behind a request for an upgrade it is the first frames, which belong to the connection if the
    /// request is accepted, and to nobody if not. Behind another request it is the body: see [`PlainRequest`].
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
                self.check(head).map_err(|fault| (fault, is_head_request))
            }
            Err(error) => Err((error.into(), gather.is_head_request())),
        };
        self.state = if incoming.is_ok() { State::Found } else { State::Refused };
        incoming.map(Some).map_err(|(fault, is_head_request)| {
            *input = &mut [];
            Refusal::new(fault, self.config.version_8, is_head_request)
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
                Err(request.refuse())
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
    fn check(&self, head: Head) -> Result<Incoming, Fault> {
        let head = RequestHead { head };
        let is_upgrade = head.head.has_token(Field::Upgrade, b"websocket");
        let target = check_start_line(&head.head, is_upgrade)?;
        let host = check_host(&head.head)?;
        if !is_upgrade {
            check_plain(&head.head)?;
            return Ok(Incoming::Plain(PlainRequest { head }));
        }
        check_body(&head.head)?;
        if head.head.http_version() == (1, 0) {
            return Err(HandshakeError::UpgradeOverHttp10.into());
        }
        if !head.head.has_token(Field::Connection, b"upgrade") {
            return Err(HandshakeError::BadConnection.into());
        }
        // Before the key, which another version may have in another form.
        let version = check_version(&head.head, self.config.version_8)?;
        let key = head.head.only(Field::Key, HandshakeError::BadKey)?;
        let key = key.and_then(Key::parse).ok_or(HandshakeError::BadKey)?;
        self.check_origin(head.origin(version)?, target, host)?;
        offers::check_protocols(&head.head, &self.config)?;
        offers::check_offers(&head.head, &self.config)?;
        let expects_100 = check_expect(&head.head)?;
        Ok(Incoming::Upgrade(Request { head, key, version, expects_100, max_offers: self.config.max_offers }))
    }

    fn check_origin(&self, origin: Option<&[u8]>, target: Target<'_>, host: Option<&[u8]>) -> Result<(), Fault> {
        // RFC 9112, section 3.2.2: an absolute target comes before Host.
        let host = || target.authority.or(host).and_then(Authority::parse);
        match origin {
            Some(origin) if !self.origins.allows_at(Some(origin), target.is_secure(), host) => {
                Err(Fault::origin(&self.origins, origin, host()))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// RFC 6455, section 4.2.1, 1, but the form of the target from RFC 9112, section 3.2.
fn check_start_line(head: &Head, is_upgrade: bool) -> Result<Target<'_>, HandshakeError> {
    match (head.method(), head.http_version()) {
        (b"PRI", (2, 0)) => return Err(HandshakeError::BadRequestLine), // the preface of HTTP/2
        (_, (major, _)) if major != 1 => return Err(HandshakeError::BadHttpVersion),
        (b"CONNECT", _) => return Err(HandshakeError::BadMethod), // is for proxies, and a 200 would open a tunnel
        (b"GET", _) => {}
        _ if is_upgrade => return Err(HandshakeError::BadMethod),
        (b"OPTIONS", _) if head.target() == b"*" => return Ok(Target::SERVER),
        _ => {}
    }
    Target::parse(head.target()).ok_or(HandshakeError::BadTarget)
}

/// RFC 9112, section 3.2. Host came with HTTP/1.1, and is empty for a URI without an authority.
fn check_host(head: &Head) -> Result<Option<&[u8]>, HandshakeError> {
    match head.only(Field::Host, HandshakeError::BadHost)? {
        None if head.http_version() == (1, 0) => Ok(None),
        Some(host) if host.is_empty() || Authority::parse(host).is_some() => Ok(Some(host)),
        _ => Err(HandshakeError::BadHost),
    }
}

/// A request that names no upgrade to `websocket`: whether it was meant to, and where it ends.
fn check_plain(head: &Head) -> Result<(), HandshakeError> {
    if head.all(Field::Key).next().is_some() {
        let is_dropped = head.all(Field::Upgrade).next().is_none();
        return Err(if is_dropped { HandshakeError::UpgradeDropped } else { HandshakeError::BadUpgrade });
    }
    let is_coded = framing::is_coded(head);
    // RFC 9112, sections 6.1 and 6.3: where the body ends must be beyond doubt.
    match Framing::of(head)? {
        _ if is_coded && framing::content_length(head)?.is_some() => Err(HandshakeError::BadContentLength),
        Framing::Coded => Err(HandshakeError::BadTransferEncoding),
        _ if is_coded && head.http_version() == (1, 0) => Err(HandshakeError::BadTransferEncoding),
        _ => Ok(()),
    }
}

/// RFC 9112, section 6.3: a request for an upgrade ends with its head.
fn check_body(head: &Head) -> Result<(), HandshakeError> {
    let (is_coded, length) = (framing::is_coded(head), framing::content_length(head)?);
    let is_empty = length.is_none_or(|length| length.iter().all(|digit| *digit == b'0'));
    match (is_coded, length) {
        (true, Some(_)) => Err(HandshakeError::BadContentLength),
        (true, None) => Err(HandshakeError::UnexpectedBody),
        (false, _) if !is_empty => Err(HandshakeError::UnexpectedBody),
        (false, _) => Ok(()),
    }
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
