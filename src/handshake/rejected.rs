//! A response that opens no connection.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::error::HandshakeError;
use super::gather::Gather;
use super::head::Head;
use super::response_body::ResponseBody;
use crate::config::Config;

/// A response that opens no connection: what is wrong with it, its status, its headers and its body.
///
/// [`Client::receive`](super::Client::receive) returns it as soon as the head of the response is whole. The body may be
/// on its way then. Go on to read while [`Rejected::wants_body`]:
///
/// ```
/// use std::io::{self, Read};
///
/// use ws_proto::handshake::{Client, ClientRequest, Rejected, Response};
/// use ws_proto::{Config, Seed};
///
/// /// Reads the answer to the request of `client`, a refusal with its body.
/// fn answer(stream: &mut impl Read, client: &mut Client) -> io::Result<Result<Response, Rejected>> {
///     let mut buffer = [0; 4096];
///     loop {
///         let n = stream.read(&mut buffer)?;
///         if n == 0 {
///             client.receive_eof().map_err(io::Error::other)?;
///         }
///         // Behind a response, the rest of `input` is the first frames; behind a rejection, see `can_reuse`.
///         let mut input = &mut buffer[..n];
///         let mut rejected = match client.receive(&mut input) {
///             Ok(None) => continue,
///             Ok(Some(response)) => return Ok(Ok(response)),
///             Err(rejected) => rejected,
///         };
///         while rejected.wants_body() {
///             match stream.read(&mut buffer)? {
///                 0 => rejected.receive_eof(),
///                 n => rejected.receive_body(&mut &mut buffer[..n]),
///             }
///         }
///         return Ok(Err(rejected));
///     }
/// }
///
/// let request = ClientRequest::new("ws://example.com/")?;
/// let mut client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1))?;
/// let head = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n";
/// let mut stream = head.chain(&b"6\r\nsign i\r\n"[..]).chain(&b"1\r\nn\r\n0\r\n\r\n"[..]);
/// let rejected = answer(&mut stream, &mut client)?.unwrap_err();
/// assert_eq!((rejected.status(), rejected.body()), (Some(401), &b"sign in"[..]));
/// assert!(rejected.is_complete() && rejected.can_reuse()); // the next request may go over the same stream
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A 401 or a redirect is not followed here. Send credentials and cookies to another host only on purpose. A further
/// attempt needs a new [`Client`](super::Client).
///
/// ```
/// # use ws_proto::{Config, Seed, handshake::{Client, ClientRequest}};
/// # let request = ClientRequest::new("ws://example.com/")?;
/// # let mut client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1))?;
/// let mut bytes = *b"HTTP/1.1 307 \r\nLocation: wss://example.org/\r\n\r\n";
/// let rejected = client.receive(&mut &mut bytes[..]).unwrap_err();
/// assert_eq!(rejected.status(), Some(307));
/// assert_eq!(rejected.header("location"), Some(&b"wss://example.org/"[..]));
/// assert_eq!(rejected.to_string(), "response with status 307 instead of 101");
/// # Ok::<(), ws_proto::handshake::RequestError>(())
/// ```
pub struct Rejected {
    error: HandshakeError,
    answer: Answer,
    body: ResponseBody,
}

/// What arrived of the head.
enum Answer {
    Head(Box<Head>),
    Part {
        /// If the status line is whole.
        status: Option<u16>,
        first: Vec<u8>,
    },
}

impl Rejected {
    /// The head is whole. It has a body if its status is what is wrong with it.
    pub(super) fn whole(error: HandshakeError, head: Head, config: &Config) -> Self {
        let body = match error {
            HandshakeError::NotSwitching(_) => ResponseBody::behind(&head, config),
            _ => ResponseBody::none(),
        };
        Self { error, answer: Answer::Head(Box::new(head)), body }
    }

    /// The head is malformed, too long, or cut off.
    pub(super) fn part(error: HandshakeError, gather: &Gather) -> Self {
        let first = gather.received().get(..FIRST).unwrap_or(gather.received()).to_vec();
        Self { error, answer: Answer::Part { status: gather.status(), first }, body: ResponseBody::none() }
    }

    /// The body is not read here.
    #[cfg(feature = "http")]
    pub(super) fn without_body(mut self) -> Self {
        self.body = ResponseBody::none();
        self
    }

    /// What is wrong.
    #[must_use]
    pub const fn error(&self) -> HandshakeError {
        self.error
    }

    /// The status, if the status line is whole. The rest of the head need not be.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.answer {
            Answer::Head(head) => Some(head.status()),
            Answer::Part { status, .. } => *status,
        }
    }

    /// The names and values of all headers, in order; none if the head is not whole.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.head().into_iter().flat_map(Head::headers)
    }

    /// The first value under a name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head()?.header(name)
    }

    /// The first bytes of the response, at most 16: they tell another protocol from HTTP. Fewer if the fault is among
    /// them and no more had arrived.
    #[must_use]
    pub fn first_bytes(&self) -> &[u8] {
        let bytes = match &self.answer {
            Answer::Head(head) => &head.bytes,
            Answer::Part { first, .. } => first,
        };
        bytes.get(..FIRST).unwrap_or(bytes)
    }

    /// Whether more bytes of the body are to be read, for [`Rejected::receive_body`]. A response whose head is malformed,
    /// and a 101 that is wrong, have no body.
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        !self.body.is_over()
    }

    /// Takes bytes of the body, up to its end. It ends as Content-Length or chunks say, or with the stream. What is behind
    /// it stays in `input` if [`Rejected::can_reuse`].
    ///
    /// At most [`Config::max_body`] bytes are kept. The byte above the limit ends the body, and so does malformed chunking:
    /// then it is not complete. Trailers, and what else is between chunks, are dropped.
    pub fn receive_body(&mut self, input: &mut &mut [u8]) {
        self.body.receive(input);
    }

    /// Takes note that the server will send no more.
    pub const fn receive_eof(&mut self) {
        self.body.receive_eof();
    }

    /// What has arrived of the body, without its chunking.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.bytes()
    }

    /// Whether the body has arrived as a whole. Also if it is empty.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.body.is_complete()
    }

    /// Whether the stream can carry another request, such as one with credentials: the body is complete by Content-Length
    /// or chunks, and the server did not say that it will close the stream.
    #[must_use]
    pub const fn can_reuse(&self) -> bool {
        self.body.can_reuse()
    }

    fn head(&self) -> Option<&Head> {
        match &self.answer {
            Answer::Head(head) => Some(head),
            Answer::Part { .. } => None,
        }
    }
}

/// Without the body, which may be a secret.
impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Rejected");
        debug.field("error", &self.error).field("status", &self.status());
        if let Some(head) = self.head() {
            debug.field("head", head);
        }
        debug.field("body_len", &self.body().len()).finish_non_exhaustive()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match (self.error, self.status()) {
            (HandshakeError::NotSwitching(_), _) | (_, Some(101)) => Ok(()),
            (_, Some(status)) => write!(f, ", in a response with status {status}"),
            (_, None) if self.first_bytes().is_empty() => Ok(()),
            (_, None) => write!(f, ": it begins with \"{}\"", self.first_bytes().escape_ascii()),
        }
    }
}

impl core::error::Error for Rejected {}

/// How many bytes of a response that is no HTTP are kept for its error.
const FIRST: usize = 16;
