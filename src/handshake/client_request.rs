//! The request of a client (RFC 6455, section 4.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::accept::Key;
use super::error::RequestError;
use super::fields;
use super::lines::{self, Lines};
use super::uri::Uri;

/// What a client asks for. Its debug output leaves out cookies, credentials, the query of the URI and the subprotocols.
///
/// ```
/// use ws_proto::handshake::ClientRequest;
///
/// let request = ClientRequest::new("wss://example.com/chat")?
///     .protocol("v2.chat")
///     .protocol("v1.chat")
///     .header("Authorization", "Bearer hunter2");
/// assert_eq!((request.uri().host(), request.uri().port()), ("example.com", 443)); // connect there
/// assert!(!format!("{request:?}").contains("hunter2"));
/// # Ok::<(), ws_proto::handshake::RequestError>(())
/// ```
///
/// What is wrong with it but for the URI, [`Client::new`](super::Client::new) tells.
#[derive(Clone)]
pub struct ClientRequest {
    uri: Uri,
    pub(super) protocols: Vec<String>,
    lines: Lines,
    has_origin: bool,
    error: Option<RequestError>,
}

impl ClientRequest {
    /// A request for a `ws` or `wss` URI.
    ///
    /// # Errors
    ///
    /// When it is none: see [`Uri::parse`].
    pub fn new(uri: &str) -> Result<Self, RequestError> {
        let uri = Uri::parse(uri)?;
        Ok(Self { uri, protocols: Vec::new(), lines: Lines::default(), has_origin: false, error: None })
    }

    /// Where to connect to.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Offers a subprotocol, one that is liked less than those before.
    #[must_use]
    pub fn protocol(mut self, name: &str) -> Self {
        if !fields::is_token(name.as_bytes()) {
            self.error.get_or_insert(RequestError::BadProtocol);
        } else if self.protocols.iter().any(|offer| offer == name) {
            self.error.get_or_insert(RequestError::Repeated);
        } else {
            self.protocols.push(name.into());
        }
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let is_ours = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
        if is_ours || lines::is_reserved(name) || lines::is_websocket(name) {
            self.error.get_or_insert(RequestError::ReservedHeader);
        } else if !self.lines.push(name, value) {
            self.error.get_or_insert(RequestError::BadHeader);
        }
        self
    }

    /// Says whose page wants the connection, as browsers do. Others need not.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        if mem::replace(&mut self.has_origin, true) {
            self.error.get_or_insert(RequestError::Repeated);
        } else if !self.lines.push("Origin", origin) {
            self.error.get_or_insert(RequestError::BadHeader);
        }
        self
    }

    /// The bytes of the request; `extensions` is a header line, or nothing.
    pub(super) fn encode(&self, key: &Key, extensions: &str) -> Result<Vec<u8>, RequestError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let protocols = self.protocols.join(", ");
        let field = if protocols.is_empty() { ["", ""] } else { ["Sec-WebSocket-Protocol: ", "\r\n"] };
        Ok([
            b"GET ",
            self.uri.resource().as_bytes(),
            b" HTTP/1.1\r\nHost: ",
            self.uri.host_header().as_bytes(),
            b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
            key.as_bytes(),
            b"\r\n",
            field[0].as_bytes(),
            protocols.as_bytes(),
            field[1].as_bytes(),
            extensions.as_bytes(),
            self.lines.as_str().as_bytes(),
            b"\r\n",
        ]
        .concat())
    }
}

impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("uri", &self.uri)
            .field("protocols", &format_args!(".."))
            .field("headers", &self.lines)
            .finish_non_exhaustive()
    }
}

const RESERVED: [&str; 3] = ["expect", "host", "origin"];
