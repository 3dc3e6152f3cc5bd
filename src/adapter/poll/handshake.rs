//! The opening handshake of a server, up to a socket; and the stream under its deadline.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::wire::Wire;
use super::{Error, Io, Socket};
use crate::config::Config;
use crate::handshake::{self, Answer, OriginPolicy, PlainRequest, Request, Server};

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

    /// What has arrived behind the head of the request: its body, or the beginning of it.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.wire.input.rest()
    }

    /// The request, the stream, and [`Plain::rest`]: for a program that reads the body, or answers by itself.
    #[must_use]
    pub fn into_parts(self) -> (PlainRequest, T, Vec<u8>) {
        let rest = self.rest().to_vec();
        (self.request, self.wire.io, rest)
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
