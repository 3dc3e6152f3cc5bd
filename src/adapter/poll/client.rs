//! The opening handshake of a client, up to a socket.

use alloc::boxed::Box;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use core::future::poll_fn;
use std::io;

use super::wire::Wire;
use super::{Error, Io, MaybeTls, Socket};
use crate::adapter::refused::Refused;
use crate::adapter::session::{self, Session};
use crate::config::Config;
use crate::handshake::{Client, ClientRequest, Rejected, Response};
use crate::seed::Seed;

/// Performs a client's handshake over `io`.
///
/// # Cancel safety
///
/// As [`accept`](super::accept).
///
/// # Errors
///
/// [`Error::Request`] for a request that is none; [`Error::Rejected`] with the server's answer, its body included;
/// [`Error::TimedOut`]; [`Error::Io`].
pub async fn client<T: Io>(io: T, request: ClientRequest, config: &Config) -> Result<Socket<T>, Error> {
    try_client(io, request, config).await?.map_err(Error::from)
}

/// As [`client`], but that a refusal is no error: it hands over the response and, if HTTP goes on there, the stream.
///
/// ```
/// # use ws_proto::poll::{Error, Io, Socket, try_client};
/// use ws_proto::Config;
/// use ws_proto::handshake::ClientRequest;
///
/// /// Sends a password only if the server asks for it.
/// async fn sign_in<T: Io>(io: T, config: &Config) -> Result<Socket<T>, Error> {
///     let request = ClientRequest::new("ws://example.com/")?;
///     let refused = match try_client(io, request.clone(), config).await? {
///         Ok(socket) => return Ok(socket),
///         Err(refused) => refused,
///     };
///     if refused.response().status() != Some(401) {
///         return Err(refused.into());
///     }
///     let io = refused.into_stream()?; // or connect again
///     ws_proto::poll::client(io, request.header("Authorization", "Basic dTpw"), config).await
/// }
/// ```
///
/// # Cancel safety
///
/// As [`accept`](super::accept).
///
/// # Errors
///
/// As [`client`]. A response without a status, and one that switches protocols in a wrong way, is [`Error::Rejected`] here,
/// too.
pub async fn try_client<T: Io>(
    io: T,
    request: ClientRequest,
    config: &Config,
) -> Result<Result<Socket<T>, Refused<T>>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    Box::pin(open(Wire::new(io, config), client)).await
}

/// Performs a client's handshakes over `io`, which leads to the host of the request's URI: that of TLS first if its
/// scheme is `wss`, both under one deadline.
///
/// # Cancel safety
///
/// As [`accept`](super::accept).
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
/// As [`accept`](super::accept).
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
/// As [`accept`](super::accept).
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

pub(in crate::adapter) async fn client_over<T: Io>(
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
    Box::pin(open(wire, client)).await?.map_err(Error::from)
}

async fn open<T: Io>(mut wire: Wire<T>, mut client: Client) -> Result<Result<Socket<T>, Refused<T>>, Error> {
    // A server may answer, and end the stream, before it has read the request.
    let written = wire.write(client.outgoing()).await;
    let rejected = loop {
        match wire.input.lend(|bytes| client.receive(bytes)) {
            Ok(Some(response)) => return Ok(Ok(opened(wire, response))),
            Ok(None) => match (wire.read().await, &written) {
                (Ok(0), Ok(())) => client.receive_eof()?,
                (Ok(1..), _) => {}
                (Ok(0) | Err(_), Err(_)) => return Err(written.err().unwrap_or(Error::TimedOut)),
                (Err(error), Ok(())) => return Err(error),
            },
            Err(rejected) => break rejected,
        }
    };
    if rejected.status().is_none_or(|status| status == 101) {
        return Err(rejected.into());
    }
    Ok(Err(refused(wire, rejected).await))
}

fn opened<T: Io>(wire: Wire<T>, response: Response) -> Socket<T> {
    let protocol = response.protocol().map(alloc::string::String::from);
    #[cfg(feature = "deflate")]
    let agreement = response.agreement();
    let Wire { io, input, config, .. } = wire;
    let socket = Socket::new(io, response.into_connection(), input.rest(), &config);
    #[cfg(feature = "deflate")]
    let socket = socket.with_agreement(agreement);
    socket.with_protocol(protocol.as_deref())
}

/// Reads the body. If the time is over, or the stream fails, what is there of it is all.
async fn refused<T: Io>(mut wire: Wire<T>, mut response: Rejected) -> Refused<T> {
    while response.wants_body() {
        match wire.read().await {
            Ok(1..) => wire.input.lend(|bytes| response.receive_body(bytes)),
            Ok(0) => response.receive_eof(),
            Err(_) => break,
        }
    }
    let goes_on = response.can_reuse() && wire.input.rest().is_empty();
    Refused::new(response, goes_on.then_some(wire.io))
}
