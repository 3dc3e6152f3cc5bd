//! The opening handshake in both roles, up to a socket.

use alloc::boxed::Box;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::{Error, Io, MaybeTls, Socket};
use crate::adapter::input::{Input, or_eof};
use crate::adapter::session::{self, Session};
use crate::config::Config;
use crate::handshake::{self, Answer, Client, ClientRequest, OriginPolicy, PlainRequest, Request, Server};
use crate::seed::Seed;
use crate::timers::Timers;

/// Serves the opening handshake on `io` and accepts whatever `origins` lets pass. To look at the request first, and
/// wait for something else before it is answered, use [`receive_request`].
///
/// # Cancel safety
///
/// Dropped before it is ready, the stream is dropped with it.
///
/// # Errors
///
/// [`Error::Handshake`] after the complete HTTP response was written; [`Error::TimedOut`]; [`Error::Io`].
pub async fn accept<T: Io>(io: T, origins: OriginPolicy, config: &Config) -> Result<Socket<T>, Error> {
    // In a task of its own size: what a handshake needs is given back with it.
    Box::pin(accept_any(io, origins, config)).await
}

async fn accept_any<T: Io>(io: T, origins: OriginPolicy, config: &Config) -> Result<Socket<T>, Error> {
    match receive_request(io, origins, config).await? {
        Incoming::Upgrade(upgrade) => upgrade.answer(&Answer::new()).await,
        Incoming::Plain(mut plain) => {
            let refusal = plain.request.refuse();
            plain.wire.write(refusal.response()).await?;
            plain.wire.linger().await;
            Err(refusal.error().into())
        }
    }
}

/// Reads a request from `io` and leaves the answer to the caller, for as long as that may take.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`accept`].
pub async fn receive_request<T: Io>(io: T, origins: OriginPolicy, config: &Config) -> Result<Incoming<T>, Error> {
    let mut wire = Wire::new(io, config);
    let mut server = Server::new(origins, config);
    loop {
        match wire.input.lend(|bytes| server.receive(bytes)) {
            Ok(None) if wire.read().await? == 0 => server.receive_eof()?,
            Ok(None) => {}
            Ok(Some(handshake::Incoming::Upgrade(request))) => {
                return Ok(Incoming::Upgrade(Upgrade { wire, request }));
            }
            Ok(Some(handshake::Incoming::Plain(request))) => return Ok(Incoming::Plain(Plain { wire, request })),
            Err(refusal) => {
                wire.write(refusal.response()).await?;
                wire.linger().await;
                return Err(refusal.error().into());
            }
        }
    }
}

/// Performs a client's handshake over `io`.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// [`Error::Request`] for a request that is none; [`Error::Rejected`] with the server's answer; [`Error::TimedOut`];
/// [`Error::Io`].
pub async fn client<T: Io>(io: T, request: ClientRequest, config: &Config) -> Result<Socket<T>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    Box::pin(open(Wire::new(io, config), client, config)).await
}

/// Performs a client's handshakes over `io`, which leads to the host of the request's URI: that of TLS first if its
/// scheme is `wss`, both under one deadline.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`client`], and [`Error::Tls`].
#[cfg(feature = "rustls")]
pub async fn client_tls<T: Io>(
    io: T,
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Socket<MaybeTls<T>>, Error> {
    let session = session::with(request.uri(), tls)?;
    client_over(io, session, request, config).await
}

/// Connects to a `ws://` or `wss://` URL and performs the handshakes over the stream that `dial` opens to its host and
/// port. `wss://` needs the feature `rustls`, and trusts whom the platform trusts. How long dialling may take is for
/// `dial` to say; [`Config::opening_timeout`] begins behind it.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`client`], with the errors of `dial` as [`Error::Io`]; [`Error::NoTls`]; with the feature, `Error::Tls`.
pub async fn connect<T: Io>(
    url: &str,
    config: &Config,
    dial: impl AsyncFnOnce(&str, u16) -> io::Result<T>,
) -> Result<Socket<MaybeTls<T>>, Error> {
    let request = ClientRequest::new(url)?;
    let session = session::of(request.uri())?;
    let io = dial(request.uri().host(), request.uri().port()).await?;
    client_over(io, session, request, config).await
}

/// Connects to the URI of `request` as [`connect`], on TLS as `tls` has it if the scheme is `wss`.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`connect`].
#[cfg(feature = "rustls")]
pub async fn connect_with<T: Io>(
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
    dial: impl AsyncFnOnce(&str, u16) -> io::Result<T>,
) -> Result<Socket<MaybeTls<T>>, Error> {
    let session = session::with(request.uri(), tls)?;
    let io = dial(request.uri().host(), request.uri().port()).await?;
    client_over(io, session, request, config).await
}

async fn client_over<T: Io>(
    io: T,
    session: Option<Session>,
    request: ClientRequest,
    config: &Config,
) -> Result<Socket<MaybeTls<T>>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    let mut wire = Wire::new(MaybeTls::new(io, session), config);
    poll_fn(|cx| {
        wire.poll_deadline(cx)?;
        wire.io.poll_handshake(cx).map_err(Error::from)
    })
    .await?;
    Box::pin(open(wire, client, config)).await
}

async fn open<T: Io>(mut wire: Wire<T>, mut client: Client, config: &Config) -> Result<Socket<T>, Error> {
    wire.write(client.outgoing()).await?;
    loop {
        match wire.input.lend(|bytes| client.receive(bytes))? {
            Some(response) => {
                let protocol = response.protocol().map(alloc::string::String::from);
                #[cfg(feature = "deflate")]
                let agreement = response.agreement();
                let Wire { io, input, .. } = wire;
                let socket = Socket::new(io, response.into_connection(), input.rest(), config);
                #[cfg(feature = "deflate")]
                let socket = socket.with_agreement(agreement);
                return Ok(socket.with_protocol(protocol.as_deref()));
            }
            None if wire.read().await? == 0 => client.receive_eof()?,
            None => {}
        }
    }
}

/// A request that was read, and the stream it came on.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request asks for an upgrade or it does not")]
#[allow(clippy::large_enum_variant, reason = "matched at once; how large depends on the features")]
pub enum Incoming<T> {
    /// A handshake that can be accepted.
    Upgrade(Upgrade<T>),
    /// Another HTTP request.
    Plain(Plain<T>),
}

/// A handshake that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Upgrade<T> {
    wire: Wire<T>,
    request: Request,
}

impl<T: Io> Upgrade<T> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Switches protocols.
    ///
    /// # Cancel safety
    ///
    /// As [`accept`].
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if the answer does not fit the request; [`Error::Io`].
    pub async fn accept(mut self, answer: &Answer) -> Result<Socket<T>, Error> {
        self.wire.begin();
        self.answer(answer).await
    }

    async fn answer(mut self, answer: &Answer) -> Result<Socket<T>, Error> {
        let mut connection = self.request.accept(answer, &self.wire.config)?;
        let head = connection.outgoing();
        let n = head.len();
        self.wire.write(head).await?;
        connection.consume(n);
        let Wire { io, input, config, .. } = self.wire;
        let socket = Socket::new(io, connection, input.rest(), &config);
        #[cfg(feature = "deflate")]
        let socket = socket.with_agreement(self.request.agreement(&config));
        Ok(socket.with_protocol(answer.chosen_protocol()))
    }

    /// Answers with an HTTP response instead, and ends the stream.
    ///
    /// # Cancel safety
    ///
    /// As [`accept`].
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no refusal; [`Error::Io`].
    pub async fn reject(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Error> {
        let response = self.request.reject(status, headers, body)?;
        self.wire.begin();
        self.wire.write(&response).await?;
        self.wire.linger().await;
        Ok(())
    }
}

/// A plain HTTP request that waits for its answer. See [`receive_request`].
#[derive(Debug)]
pub struct Plain<T> {
    wire: Wire<T>,
    request: PlainRequest,
}

impl<T: Io> Plain<T> {
    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> &PlainRequest {
        &self.request
    }

    /// Answers, and ends the stream.
    ///
    /// # Cancel safety
    ///
    /// As [`accept`].
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if that is no response; [`Error::Io`].
    pub async fn respond(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Error> {
        let response = self.request.respond(status, headers, body)?;
        self.wire.begin();
        self.wire.write(&response).await?;
        self.wire.linger().await;
        Ok(())
    }
}

/// A stream under the deadline of the opening handshake.
struct Wire<T> {
    io: T,
    input: Input,
    scratch: Vec<u8>,
    timers: Timers,
    config: Config,
}

/// Without the bytes that were read: they may be a secret.
impl<T: fmt::Debug> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("io", &self.io).field("input", &self.input).finish_non_exhaustive()
    }
}

impl<T: Io> Wire<T> {
    fn new(io: T, config: &Config) -> Self {
        let timers = Timers::new(config, io.now().unwrap_or_default());
        Self { io, input: Input::holding(&[]), scratch: Vec::new(), timers, config: config.clone() }
    }

    /// Begins the deadline anew: an answer has one of its own, behind a decision that may take longer.
    fn begin(&mut self) {
        self.timers = Timers::new(&self.config, self.io.now().unwrap_or_default());
    }

    /// Reads once. Zero is the end of the stream.
    async fn read(&mut self) -> Result<usize, Error> {
        self.scratch.resize(SIZE, 0);
        let n = poll_fn(|cx| {
            self.poll_deadline(cx)?;
            self.io.poll_read(cx, &mut self.scratch).map(or_eof).map_err(Error::from)
        })
        .await?;
        let (bytes, _) = self.scratch.split_at(n);
        self.input.keep(bytes);
        Ok(n)
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| {
            self.poll_deadline(cx)?;
            while !bytes.is_empty() {
                match ready!(self.io.poll_write(cx, &[IoSlice::new(bytes)]))? {
                    0 => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                    n => bytes = bytes.split_at(n).1,
                }
            }
            self.io.poll_flush(cx).map_err(Error::from)
        })
        .await
    }

    /// Ends the stream behind an HTTP response, and reads what the peer is sending still, so that no reset takes the
    /// response away. With a clock only: it may take until the deadline.
    async fn linger(&mut self) {
        self.scratch.resize(SIZE, 0);
        let Some(now) = self.io.now() else {
            let _ = poll_fn(|cx| self.io.poll_close(cx)).await;
            return;
        };
        let (until, mut closed) = (now.saturating_add(LINGER), false);
        poll_fn(|cx| {
            while self.io.poll_sleep(cx, until).is_pending() {
                if !closed {
                    closed = ready!(self.io.poll_close(cx)).is_ok();
                }
                if !closed || !matches!(ready!(self.io.poll_read(cx, &mut self.scratch)), Ok(1..)) {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Fails once the deadline is over; registers for it otherwise.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.timers.next() {
            Some(deadline) if self.io.now().is_some() && self.io.poll_sleep(cx, deadline).is_ready() => {
                Err(Error::TimedOut)
            }
            _ => Ok(()),
        }
    }
}

const SIZE: usize = 4 << 10;
const LINGER: Duration = Duration::from_secs(1);
