//! The opening handshake in both roles, up to a socket.

use alloc::borrow::ToOwned;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::{Error, Input, MaybeTls, Socket};
use crate::adapter::session::{self, Session};
use crate::config::Config;
use crate::handshake::{self, Answer, Client, ClientRequest, OriginPolicy, PlainRequest, Request, Response, Server};
use crate::seed::Seed;

/// Serves the opening handshake on `stream` and accepts whatever `origins` lets pass. To look at the request first,
/// use [`receive_request`].
///
/// # Errors
///
/// [`Error::Handshake`] after the complete HTTP response was written; [`Error::Io`].
pub fn accept<S: Read + Write>(stream: S, origins: OriginPolicy, config: &Config) -> Result<Socket<S>, Error> {
    match receive_request(stream, origins, config)? {
        Incoming::Upgrade(upgrade) => upgrade.accept(&Answer::new()),
        Incoming::Plain(mut plain) => {
            let refusal = plain.request.refuse();
            plain.write(refusal.response())?;
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
pub fn receive_request<S: Read + Write>(
    mut stream: S,
    origins: OriginPolicy,
    config: &Config,
) -> Result<Incoming<S>, Error> {
    let mut server = Server::new(origins, config);
    let mut input = Input::holding(&[]);
    loop {
        match input.lend(|bytes| server.receive(bytes)) {
            Ok(None) if input.fill(&mut stream)? == 0 => server.receive_eof()?,
            Ok(None) => {}
            Ok(Some(handshake::Incoming::Upgrade(request))) => {
                let config = config.clone();
                return Ok(Incoming::Upgrade(Upgrade { stream, input, request, config }));
            }
            Ok(Some(handshake::Incoming::Plain(request))) => return Ok(Incoming::Plain(Plain { stream, request })),
            Err(refusal) => {
                stream.write_all(refusal.response())?;
                stream.flush()?;
                return Err(refusal.error().into());
            }
        }
    }
}

/// A request that was read, and the stream it came on.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request asks for an upgrade or it does not")]
#[expect(clippy::large_enum_variant, reason = "matched at once")]
pub enum Incoming<S> {
    /// A handshake that can be accepted.
    Upgrade(Upgrade<S>),
    /// Another HTTP request.
    Plain(Plain<S>),
}

/// A handshake that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Upgrade<S> {
    stream: S,
    input: Input,
    request: Request,
    config: Config,
}

impl<S: Read + Write> Upgrade<S> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Switches protocols.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if the answer does not fit the request; [`Error::Io`].
    pub fn accept(self, answer: &Answer) -> Result<Socket<S>, Error> {
        let connection = self.request.accept(answer, &self.config)?;
        let mut socket = Socket::new(self.stream, connection, self.input.rest());
        socket.protocol = answer.chosen_protocol().map(ToOwned::to_owned);
        #[cfg(feature = "deflate")]
        {
            socket.agreement = self.request.agreement(&self.config);
        }
        socket.flush()?;
        Ok(socket)
    }

    /// Answers with an HTTP response instead, and returns the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no refusal; [`Error::Io`].
    pub fn reject(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<S, Error> {
        let response = self.request.reject(status, headers, body)?;
        self.stream.write_all(&response)?;
        self.stream.flush()?;
        Ok(self.stream)
    }
}

/// A plain HTTP request that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Plain<S> {
    stream: S,
    request: PlainRequest,
}

impl<S: Read + Write> Plain<S> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &PlainRequest {
        &self.request
    }

    /// Answers, and returns the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no response; [`Error::Io`].
    pub fn respond(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<S, Error> {
        let response = self.request.respond(status, headers, body)?;
        self.write(&response)?;
        Ok(self.stream)
    }

    fn write(&mut self, response: &[u8]) -> Result<(), Error> {
        self.stream.write_all(response)?;
        Ok(self.stream.flush()?)
    }
}

/// Connects to a `ws://` or `wss://` URL over TCP and performs the handshake. `wss://` needs the feature `rustls`, and
/// trusts whom the platform trusts.
///
/// # Errors
///
/// [`Error::Request`] for a URL that is none; [`Error::Rejected`] with the server's answer; [`Error::Io`];
/// [`Error::NoTls`]; with the feature, `Error::Tls`.
pub fn connect(url: &str, config: &Config) -> Result<Socket<MaybeTls>, Error> {
    let request = ClientRequest::new(url)?;
    let session = session::of(request.uri())?;
    open(dial(&request)?, session, request, config)
}

/// Connects to the URI of `request` over TCP and performs the handshake, on TLS as `tls` has it if the scheme is `wss`.
///
/// # Errors
///
/// As [`connect`].
#[cfg(feature = "rustls")]
pub fn connect_with(
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Socket<MaybeTls>, Error> {
    let session = session::with(request.uri(), tls)?;
    open(dial(&request)?, session, request, config)
}

/// Performs a client's handshakes over `stream`, which leads to the host of the request's URI and may have time-outs:
/// that of TLS first if its scheme is `wss`.
///
/// # Errors
///
/// As [`connect`].
#[cfg(feature = "rustls")]
pub fn client_tls(
    stream: TcpStream,
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Socket<MaybeTls>, Error> {
    let session = session::with(request.uri(), tls)?;
    open(stream, session, request, config)
}

fn dial(request: &ClientRequest) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((request.uri().host(), request.uri().port()))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn open(
    stream: TcpStream,
    session: Option<Session>,
    request: ClientRequest,
    config: &Config,
) -> Result<Socket<MaybeTls>, Error> {
    client(MaybeTls::open(stream, session)?, request, config)
}

/// Performs a client's handshake over `stream`.
///
/// # Errors
///
/// As [`connect`].
pub fn client<S: Read + Write>(mut stream: S, request: ClientRequest, config: &Config) -> Result<Socket<S>, Error> {
    let mut client = Client::new(request, config, Seed::from_os()?)?;
    stream.write_all(client.outgoing())?;
    stream.flush()?;
    let n = client.outgoing().len();
    client.consume(n);
    let mut input = Input::holding(&[]);
    loop {
        match input.lend(|bytes| client.receive(bytes))? {
            Some(response) => return Ok(opened(stream, response, &input)),
            None if input.fill(&mut stream)? == 0 => client.receive_eof()?,
            None => {}
        }
    }
}

fn opened<S: Read + Write>(stream: S, response: Response, input: &Input) -> Socket<S> {
    let protocol = response.protocol().map(ToOwned::to_owned);
    #[cfg(feature = "deflate")]
    let agreement = response.agreement();
    let mut socket = Socket::new(stream, response.into_connection(), input.rest());
    socket.protocol = protocol;
    #[cfg(feature = "deflate")]
    {
        socket.agreement = agreement;
    }
    socket
}
