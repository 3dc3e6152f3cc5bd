//! The handshake on the types of the crate `http`. There are no rules here: heads are written out as bytes, and read by
//! the machines that judge those of everybody else.

use alloc::string::ToString;
use alloc::vec::Vec;

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};

use super::client::{Client, Response};
use super::error::{AnswerError, HandshakeError, RequestError};
use super::head::is_secret;
use super::origin::OriginPolicy;
use super::refusal::Refusal;
use super::rejected::Rejected;
use super::request::{Answer, Incoming, Request};
use super::response;
use super::server::Server;
use crate::config::Config;
use crate::connection::Connection;

impl Request {
    /// Judges a request that an HTTP stack has received, by the same rules and limits as [`Server`].
    ///
    /// ```
    /// use ws_proto::handshake::{Answer, OriginPolicy, Request};
    /// use ws_proto::{Config, Connection};
    ///
    /// /// Answers a request. The connection belongs on the stream that is handed over behind a 101.
    /// fn answer<B>(request: &http::Request<B>) -> (http::Response<Vec<u8>>, Option<Connection>) {
    ///     let config = Config::new();
    ///     let request = match Request::from_http(request, OriginPolicy::SameOrigin, &config) {
    ///         Ok(request) => request,
    ///         Err(refusal) => return (refusal.to_http(), None),
    ///     };
    ///     let mut answer = Answer::new().header("X-Room", "7");
    ///     if let Some(protocol) = request.choose(&["chat"]) {
    ///         answer = answer.protocol(protocol);
    ///     }
    ///     let (response, connection) = request.accept_http(&answer, &config).expect("a good answer");
    ///     (response.map(|()| Vec::new()), Some(connection))
    /// }
    ///
    /// let request = http::Request::get("/chat").header("Host", "example.com").body(())?;
    /// assert_eq!(answer(&request).0.status(), 426); // it asks for no upgrade
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the request is refused. A request that does not ask for an upgrade is [`HandshakeError::BadUpgrade`] if it is a
    /// GET, and [`HandshakeError::BadMethod`] otherwise.
    /// Answer with [`Refusal::to_http`], or with what you like.
    pub fn from_http<B>(request: &::http::Request<B>, origins: OriginPolicy, config: &Config) -> Result<Self, Refusal> {
        let target = request.uri().to_string();
        let line = [request.method().as_str(), " ", &target, " ", version(request.version())].concat();
        let mut head = write(&line, request.headers());
        match Server::new(origins, config).receive(&mut &mut head[..])? {
            Some(Incoming::Upgrade(request)) => Ok(request),
            Some(Incoming::Plain(request)) => Err(request.refuse()),
            None => Err(Refusal::new(HandshakeError::BadHeader.into(), false, false)), // it was written as a whole
        }
    }

    /// Opens the connection, as [`Request::accept`], with the 101 for the HTTP stack to send. Give the stream that it
    /// hands over then, and the bytes that it has read from it already, to a driver's `Socket::new`.
    ///
    /// # Errors
    ///
    /// As [`Request::accept`].
    pub fn accept_http(
        &self,
        answer: &Answer,
        config: &Config,
    ) -> Result<(::http::Response<()>, Connection), AnswerError> {
        let mut connection = self.accept(answer, config)?;
        let head = connection.outgoing().to_vec();
        connection.consume(head.len());
        // The HTTP stack sends the 100 itself.
        let head = head.strip_prefix(response::CONTINUE).unwrap_or(&head);
        let response = read_response(head).ok_or(AnswerError::BadHeader)?;
        Ok((response.map(|_| ()), connection))
    }
}

impl Refusal {
    /// The response for an HTTP stack, which sees to the connection itself.
    #[must_use]
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "its lines are well-formed")]
    pub fn to_http(&self) -> ::http::Response<Vec<u8>> {
        let mut response = read_response(self.response()).expect("its lines are well-formed").map(<[u8]>::to_vec);
        let is_426 = response.status() == StatusCode::UPGRADE_REQUIRED;
        response.headers_mut().remove(header::CONNECTION);
        if is_426 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}

impl Client {
    /// The request for an HTTP stack to send. Its URI is a path, as it stands in a request to the server itself, and
    /// the host is in a header.
    ///
    /// ```
    /// use ws_proto::handshake::{Client, ClientRequest, HandshakeError};
    /// use ws_proto::{Config, Seed};
    ///
    /// let request = ClientRequest::new("ws://example.com/chat")?;
    /// let client = Client::new(request, &Config::new(), Seed::predictable_for_tests(1))?;
    /// let request = client.to_http()?;
    /// assert_eq!((request.uri().path(), &request.headers()["host"]), ("/chat", &"example.com".parse()?));
    /// // What the server has answered:
    /// let response = http::Response::builder().status(404).body(())?;
    /// let rejected = client.receive_http(&response).unwrap_err();
    /// assert_eq!(rejected.error(), HandshakeError::NotSwitching(404));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the URI or a header is none for the crate `http`, which knows limits of its own.
    pub fn to_http(&self) -> Result<::http::Request<()>, RequestError> {
        let mut lines = lines(self.outgoing());
        let target = lines.next().and_then(|line| line.split(|byte| *byte == b' ').nth(1)).unwrap_or_default();
        let mut request = ::http::Request::new(());
        *request.uri_mut() = target.try_into().map_err(|_| RequestError::BadCharacter)?;
        *request.headers_mut() = headers(lines).ok_or(RequestError::BadHeader)?;
        Ok(request)
    }

    /// Judges the response that an HTTP stack has received, by the same rules and limits as [`Client::receive`]. If it
    /// opens a connection, give the stream that the stack hands over then, and the bytes that it has read from it
    /// already, to a driver's `Socket::new`.
    ///
    /// # Errors
    ///
    /// When the response opens no connection. Its body stays with the HTTP stack.
    pub fn receive_http<B>(mut self, response: &::http::Response<B>) -> Result<Response, Rejected> {
        let status = response.status();
        let mut head = write(&[version(response.version()), " ", status.as_str(), " "].concat(), response.headers());
        let mut input = &mut head[..];
        match self.receive(&mut input).map_err(Rejected::without_body)? {
            Some(response) => Ok(response),
            None => Err(self.reject(HandshakeError::UnexpectedEof, &mut input)), // behind an interim response
        }
    }
}

/// No other version can switch protocols, and none but 1.0 and 1.1 has to be told from the rest.
fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        _ => "HTTP/2.0",
    }
}

fn write(line: &str, headers: &HeaderMap) -> Vec<u8> {
    let mut head = [line, "\r\n"].concat().into_bytes();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// A response of ours, with its body.
fn read_response(bytes: &[u8]) -> Option<::http::Response<&[u8]>> {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    #[expect(clippy::arithmetic_side_effects, reason = "four bytes were found there")]
    let (head, body) = bytes.split_at(end + 4);
    let mut response = ::http::Response::new(body);
    *response.status_mut() = StatusCode::from_bytes(head.get(9..12)?).ok()?;
    *response.headers_mut() = headers(lines(head).skip(1))?;
    Some(response)
}

/// The lines of a head of ours, up to the empty one.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    core::iter::from_fn(move || {
        let end = rest.windows(2).position(|end| end == b"\r\n").filter(|end| *end > 0)?;
        let (line, behind) = rest.split_at(end);
        rest = behind.get(2..).unwrap_or_default();
        Some(line)
    })
}

fn headers<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<HeaderMap> {
    lines.try_fold(HeaderMap::new(), |mut headers, line| {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
        let name = HeaderName::from_bytes(name).ok()?;
        let mut value = HeaderValue::from_bytes(value.strip_prefix(b": ")?).ok()?;
        value.set_sensitive(is_secret(name.as_str())); // so that its debug output leaves it out
        headers.try_append(name, value).ok()?;
        Some(headers)
    })
}
