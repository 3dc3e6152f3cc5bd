//! A server's opening handshake, up to a socket.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::wire::Wire;
use super::{Error, Socket, Stream};
use crate::config::Config;
use crate::handshake::{self, Answer, OriginPolicy, PlainRequest, Request, Server};

/// Serves the opening handshake on `stream` and accepts whatever `origins` lets pass. To look at the request first,
/// use [`receive_request`].
///
/// All of it has [`Config::opening_timeout`]. After a refusal the sending direction of the stream is ended, and what the
/// client still sends is read for a second at most, so that the response arrives.
///
/// # Errors
///
/// [`Error::Handshake`] after the complete HTTP response was written; [`Error::TimedOut`]; [`Error::Io`].
pub fn accept<S: Stream>(stream: S, origins: OriginPolicy, config: &Config) -> Result<Socket<S>, Error> {
    match receive_request(stream, origins, config)? {
        Incoming::Upgrade(upgrade) => upgrade.answer(&Answer::new()),
        Incoming::Plain(mut plain) => {
            let refusal = plain.request.refuse();
            plain.wire.refuse(refusal.response())?;
            Err(refusal.error().into())
        }
    }
}

/// Reads a request from `stream` and leaves the answer to the caller.
///
/// ```no_run
/// use std::net::TcpListener;
/// use ws_proto::handshake::{Answer, OriginPolicy};
/// use ws_proto::{Config, blocking};
///
/// let (stream, _) = TcpListener::bind("127.0.0.1:9001")?.accept()?;
/// match blocking::receive_request(stream, OriginPolicy::SameOrigin, &Config::new())? {
///     blocking::Incoming::Upgrade(upgrade) if upgrade.request().target() == "/chat" => {
///         upgrade.accept(&Answer::new())?.text("welcome")?;
///     }
///     blocking::Incoming::Upgrade(upgrade) => {
///         upgrade.reject(404, &[], b"no such room")?;
///     }
///     blocking::Incoming::Plain(plain) => {
///         plain.respond(200, &[("Content-Type", "text/html")], b"<h1>A page</h1>")?;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`accept`].
pub fn receive_request<S: Stream>(stream: S, origins: OriginPolicy, config: &Config) -> Result<Incoming<S>, Error> {
    let mut wire = Wire::new(stream, config);
    let mut server = Server::new(origins, config);
    loop {
        match wire.input.lend(|bytes| server.receive(bytes)) {
            Ok(None) if wire.read()? == 0 => server.receive_eof()?,
            Ok(None) => {}
            Ok(Some(handshake::Incoming::Upgrade(request))) => {
                let config = config.clone();
                return Ok(Incoming::Upgrade(Upgrade { wire, request, config }));
            }
            Ok(Some(handshake::Incoming::Plain(request))) => {
                let config = config.clone();
                return Ok(Incoming::Plain(Plain { wire, request, config }));
            }
            Err(refusal) => {
                wire.refuse(refusal.response())?;
                return Err(refusal.error().into());
            }
        }
    }
}

/// A request that was read, and the stream it came on.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request asks for an upgrade or it does not")]
#[allow(clippy::large_enum_variant, reason = "matched at once; how large depends on the features")]
pub enum Incoming<S> {
    /// A handshake that can be accepted.
    Upgrade(Upgrade<S>),
    /// Another HTTP request.
    Plain(Plain<S>),
}

/// A handshake that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Upgrade<S> {
    wire: Wire<S>,
    request: Request,
    config: Config,
}

impl<S: Stream> Upgrade<S> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Switches protocols. [`Config::opening_timeout`] begins anew.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if the answer does not fit the request; [`Error::TimedOut`]; [`Error::Io`].
    pub fn accept(mut self, answer: &Answer) -> Result<Socket<S>, Error> {
        self.wire.begin(&self.config);
        self.answer(answer)
    }

    fn answer(mut self, answer: &Answer) -> Result<Socket<S>, Error> {
        let mut connection = self.request.accept(answer, &self.config)?;
        let head = connection.outgoing();
        let n = head.len();
        self.wire.write(head)?;
        connection.consume(n);
        let Wire { stream, monitor, input } = self.wire;
        let mut socket = Socket::over(stream, monitor, connection, input.rest());
        socket.protocol = answer.chosen_protocol().map(ToOwned::to_owned);
        #[cfg(feature = "deflate")]
        {
            socket.agreement = self.request.agreement(&self.config);
        }
        Ok(socket)
    }

    /// Answers with an HTTP response instead, ends the sending direction of the stream, and returns the stream. What the
    /// client still sends is read before, for a second at most. [`Config::opening_timeout`] begins anew.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no refusal; [`Error::TimedOut`]; [`Error::Io`].
    pub fn reject(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<S, Error> {
        let response = self.request.reject(status, headers, body)?;
        self.wire.begin(&self.config);
        self.wire.refuse(&response)?;
        Ok(self.wire.stream.release())
    }
}

/// A plain HTTP request that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Plain<S> {
    wire: Wire<S>,
    request: PlainRequest,
    config: Config,
}

impl<S: Stream> Plain<S> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &PlainRequest {
        &self.request
    }

    /// What has arrived behind the head of the request: its body, or the beginning of it.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.wire.input.rest()
    }

    /// The request, the stream, and [`Plain::rest`]: for a program that reads the body, or answers by itself.
    #[must_use]
    pub fn into_parts(self) -> (PlainRequest, S, Vec<u8>) {
        let rest = self.rest().to_vec();
        (self.request, self.wire.stream.release(), rest)
    }

    /// Answers, ends the sending direction of the stream, and returns the stream, as [`Upgrade::reject`].
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no response; [`Error::TimedOut`]; [`Error::Io`].
    pub fn respond(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<S, Error> {
        let response = self.request.respond(status, headers, body)?;
        self.wire.begin(&self.config);
        self.wire.refuse(&response)?;
        Ok(self.wire.stream.release())
    }
}
