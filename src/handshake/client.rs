//! The client's side (RFC 6455, section 4.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem, str};

use super::accept::Key;
use super::agreed::Agreed;
use super::client_request::ClientRequest;
use super::error::{HandshakeError, RequestError};
use super::fields;
use super::gather::Gather;
use super::head::{Field, Head};
use super::offers;
use super::rejected::Rejected;
use crate::config::Config;
use crate::connection::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::Agreement;
use crate::seed::{Keys, Seed};

/// The client's side of an opening handshake: a request out, bytes in, a response or a rejection out.
///
/// ```
/// use ws_proto::handshake::{Client, ClientRequest, HandshakeError};
/// use ws_proto::{Config, Seed};
///
/// let request = ClientRequest::new("ws://example.com/chat")?.protocol("chat");
/// let mut client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1))?;
/// assert!(client.outgoing().starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n")); // to be written
/// let n = client.outgoing().len();
/// client.consume(n);
///
/// let mut bytes = *b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such room";
/// let rejected = client.receive(&mut &mut bytes[..]).unwrap_err();
/// assert_eq!(rejected.error(), HandshakeError::NotSwitching(404));
/// assert_eq!(rejected.body(), b"no such room"); // if not all of it has arrived, see `Rejected`
/// # Ok::<(), ws_proto::handshake::RequestError>(())
/// ```
pub struct Client {
    request: Vec<u8>,
    sent: usize,
    accept: [u8; 28],
    protocols: Vec<String>,
    config: Config,
    state: State,
}

enum State {
    Head { gather: Gather, keys: Keys, interim_left: u32 },
    Found,
    Rejected,
}

impl Client {
    /// A client for one connection. The key of the handshake and those that mask its frames come from `seed`: a new one
    /// for every attempt.
    ///
    /// # Errors
    ///
    /// When the request has a malformed or reserved header, subprotocol or origin.
    #[expect(clippy::needless_pass_by_value, reason = "a seed is used once")]
    pub fn new(request: ClientRequest, config: &Config, seed: Seed) -> Result<Self, RequestError> {
        let mut keys = Keys::new(&seed);
        let key = Key::fresh(&mut keys);
        Ok(Self {
            request: request.encode(&key, &Agreed::offer(config))?,
            sent: 0,
            accept: key.accept(),
            protocols: request.protocols,
            config: config.clone(),
            state: State::Head { gather: Gather::response(config), keys, interim_left: config.max_interim },
        })
    }

    /// What must be written now: the request. Stays until it is consumed.
    #[must_use]
    pub fn outgoing(&self) -> &[u8] {
        self.request.get(self.sent..).unwrap_or_default()
    }

    /// Takes note that the first `n` bytes of [`Client::outgoing`] are written.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    #[expect(clippy::arithmetic_side_effects, reason = "asserted: no further than the end of the request")]
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.outgoing().len(), "more consumed than was outgoing");
        self.sent += n;
    }

    /// Takes bytes from the server, up to the end of the response's head; `None` wants more of them. What is behind
    /// the head of a 101 stays in `input`: the first frames.
    ///
    /// # Errors
    ///
    /// When the response opens no connection. What `input` has of its body is in the [`Rejected`] already, which takes the
    /// rest of it. Then close the transport, without a frame, unless [`Rejected::can_reuse`]. This machine is done, and
    /// swallows all later input.
    pub fn receive(&mut self, input: &mut &mut [u8]) -> Result<Option<Response>, Rejected> {
        loop {
            let (gather, interim_left) = match &mut self.state {
                State::Head { gather, interim_left, .. } => (gather, interim_left),
                State::Found => return Ok(None),
                State::Rejected => {
                    *input = &mut [];
                    return Ok(None);
                }
            };
            let head = match gather.receive(input) {
                Ok(None) => return Ok(None),
                Ok(Some(head)) => head,
                Err(error) => return Err(self.reject(error, input)),
            };
            // RFC 9110, section 15.2: any number of these may come first.
            if matches!(head.status(), 100 | 102..=199) {
                let Some(left) = interim_left.checked_sub(1) else {
                    return Err(self.reject_head(HandshakeError::TooManyInterim, head, input));
                };
                *interim_left = left;
                *gather = Gather::response(&self.config);
                continue;
            }
            return match self.check(&head) {
                Ok(agreed) => Ok(self.open(head, agreed)),
                Err(error) => Err(self.reject_head(error, head, input)),
            };
        }
    }

    /// Takes note that the server will send no more.
    ///
    /// # Errors
    ///
    /// When the response is not complete (section 7.1.5: local close code 1006).
    pub fn receive_eof(&mut self) -> Result<(), Rejected> {
        if !matches!(self.state, State::Head { .. }) {
            return Ok(());
        }
        Err(self.reject(HandshakeError::UnexpectedEof, &mut &mut [][..]))
    }

    /// Judges a response, in the order of section 4.1.
    fn check(&self, head: &Head) -> Result<Agreed, HandshakeError> {
        if head.status() != 101 {
            return Err(HandshakeError::NotSwitching(head.status()));
        }
        let is_old = head.http_version() == (1, 0) && self.config.lenient_handshake;
        if !is_old && !matches!(head.http_version(), (1, 1..)) {
            return Err(HandshakeError::BadHttpVersion);
        }
        let upgrade = head.only(Field::Upgrade, HandshakeError::BadUpgrade)?;
        if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
            return Err(HandshakeError::BadUpgrade);
        }
        if !head.has_token(Field::Connection, b"upgrade") {
            return Err(HandshakeError::BadConnection);
        }
        if head.only(Field::Accept, HandshakeError::BadAccept)? != Some(&self.accept[..]) {
            return Err(HandshakeError::BadAccept);
        }
        offers::check_answer(head, &self.config)?;
        let agreed = Agreed::check(head, &self.config)?;
        self.check_protocol(head.only(Field::Protocol, HandshakeError::BadProtocol)?)?;
        Ok(agreed)
    }

    fn check_protocol(&self, protocol: Option<&[u8]>) -> Result<(), HandshakeError> {
        match protocol {
            Some(b"") if self.config.lenient_handshake => self.check_protocol(None),
            Some(name) if !fields::is_token(name) => Err(HandshakeError::BadProtocol),
            Some(name) if !self.protocols.iter().any(|offer| offer.as_bytes() == name) => {
                Err(HandshakeError::UnofferedProtocol)
            }
            None if self.config.require_protocol && !self.protocols.is_empty() => Err(HandshakeError::MissingProtocol),
            _ => Ok(()),
        }
    }

    fn open(&mut self, head: Head, agreed: Agreed) -> Option<Response> {
        let State::Head { keys, .. } = mem::replace(&mut self.state, State::Found) else {
            return None;
        };
        let connection = agreed.apply(Connection::client_from(&self.config, keys), &self.config);
        Some(Response {
            head,
            #[cfg(feature = "deflate")]
            agreement: agreed.deflate,
            connection,
        })
    }

    /// Ends with a head that is not whole.
    pub(super) fn reject(&mut self, error: HandshakeError, input: &mut &mut [u8]) -> Rejected {
        *input = &mut [];
        match mem::replace(&mut self.state, State::Rejected) {
            State::Head { gather, .. } => Rejected::part(error, &gather),
            State::Found | State::Rejected => Rejected::part(error, &Gather::response(&self.config)),
        }
    }

    /// Ends with a whole head, and takes what there is of its body.
    fn reject_head(&mut self, error: HandshakeError, head: Head, input: &mut &mut [u8]) -> Rejected {
        self.state = State::Rejected;
        let mut rejected = Rejected::whole(error, head, &self.config);
        rejected.receive_body(input);
        rejected
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The 101, and the connection that it opened.
///
/// ```
/// # use ws_proto::{Config, Event, Seed, handshake::{Client, ClientRequest, accept_key}};
/// # let config = Config::new();
/// # let request = ClientRequest::new("ws://example.com/")?.protocol("chat");
/// # let mut client = Client::new(request, &config, Seed::predictable_for_tests(1))?;
/// # let text = str::from_utf8(client.outgoing())?.to_owned();
/// # let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
/// # let accept = accept_key(key.as_bytes());
/// # let head = format!("HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
/// #     Sec-WebSocket-Protocol: chat\r\n\r\n\x05Hello", str::from_utf8(&accept)?);
/// # let at = head.find('\x05').unwrap();
/// # let mut bytes = head.into_bytes();
/// # bytes.insert(at, 0x81);
/// # let mut input = &mut bytes[..];
/// if let Some(response) = client.receive(&mut input)? {
///     assert_eq!(response.protocol(), Some("chat"));
///     let mut connection = response.into_connection();
///     let event = connection.split().0.receive(&mut input)?; // the server may speak first
///     assert_eq!(event, Some(Event::Text("Hello")));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Response {
    head: Head,
    #[cfg(feature = "deflate")]
    agreement: Option<Agreement>,
    connection: Connection,
}

impl Response {
    /// The subprotocol that the server chose, one of those offered; or none.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        offers::protocols(&self.head).find_map(Result::ok)
    }

    /// How messages are compressed, if they are.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn agreement(&self) -> Option<Agreement> {
        self.agreement
    }

    /// The names and values of all headers, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.head.headers()
    }

    /// The first value under a name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// The open connection.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        self.connection
    }
}
