//! A client's opening handshake, from the URL to a socket.

use alloc::borrow::ToOwned;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};

use super::monitor::Monitor;
use super::timed::Timed;
use super::wire::Wire;
use super::{Error, MaybeTls, Socket, Stream};
use crate::adapter::refused::Refused;
use crate::adapter::session::{self, Session};
use crate::config::Config;
use crate::handshake::{Client, ClientRequest, Rejected, Response};
use crate::seed::Seed;

/// Connects to a `ws://` or `wss://` URL over TCP and performs the handshake. `wss://` needs the feature `rustls`, and
/// trusts whom the platform trusts.
///
/// Connecting, TLS and the handshake together have [`Config::opening_timeout`]. Several addresses of a host share it. The
/// system's look-up of the name comes before and has no time limit here.
///
/// # Errors
///
/// [`Error::Request`] for a URL that is none; [`Error::Rejected`] with the server's answer; [`Error::TimedOut`];
/// [`Error::Io`]; [`Error::NoTls`]; with the feature, `Error::Tls`.
pub fn connect(url: &str, config: &Config) -> Result<Socket<MaybeTls>, Error> {
    let request = ClientRequest::new(url)?;
    let session = session::of(request.uri())?;
    dial(session, request, config)
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
    dial(session, request, config)
}

/// Performs a client's handshakes over `stream`, which leads to the host of the request's URI: that of TLS first if its
/// scheme is `wss`, both in [`Config::opening_timeout`].
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
    client_over(Wire::new(stream, config), session, request, config)
}

fn dial(session: Option<Session>, request: ClientRequest, config: &Config) -> Result<Socket<MaybeTls>, Error> {
    let addresses: Vec<_> = (request.uri().host(), request.uri().port()).to_socket_addrs()?.collect();
    let monitor = Monitor::new(config);
    let stream = connect_any(&addresses, &monitor)?;
    stream.set_nodelay(true)?;
    client_over(Wire::begun(Timed::adopt(stream), monitor), session, request, config)
}

/// Tries one address after another. Each gets its part of the time that is left, so that one that is silent leaves some
/// for those behind it.
fn connect_any(addresses: &[SocketAddr], monitor: &Monitor) -> Result<TcpStream, Error> {
    let mut failed = Error::from(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    let counts = (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev();
    for (address, left) in addresses.iter().zip(counts) {
        let now = monitor.now();
        let connected = match monitor.deadline(now) {
            None => TcpStream::connect(address),
            Some(deadline) => {
                let time = deadline.saturating_sub(now).checked_div(left).unwrap_or_default();
                TcpStream::connect_timeout(address, time.max(SHORTEST))
            }
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => failed = Error::TimedOut,
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}

fn client_over(
    wire: Wire<TcpStream>,
    session: Option<Session>,
    request: ClientRequest,
    config: &Config,
) -> Result<Socket<MaybeTls>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    open(MaybeTls::open(wire, session)?, client)?.map_err(Error::from)
}

/// Performs a client's handshake over `stream`, in [`Config::opening_timeout`].
///
/// # Errors
///
/// As [`connect`].
pub fn client<S: Stream>(stream: S, request: ClientRequest, config: &Config) -> Result<Socket<S>, Error> {
    try_client(stream, request, config)?.map_err(Error::from)
}

/// As [`client`], but that a refusal is no error: it hands over the response and, if HTTP goes on there, the stream.
///
/// ```no_run
/// # use std::net::TcpStream;
/// use ws_proto::handshake::ClientRequest;
/// use ws_proto::{Config, blocking};
///
/// let config = Config::new();
/// let request = ClientRequest::new("ws://127.0.0.1:9001/")?;
/// let stream = TcpStream::connect("127.0.0.1:9001")?;
/// let mut socket = match blocking::try_client(stream, request.clone(), &config)? {
///     Ok(socket) => socket,
///     Err(refused) if refused.response().status() == Some(401) => {
///         let stream = refused.into_stream()?; // or connect again
///         blocking::client(stream, request.header("Authorization", "Basic dTpw"), &config)?
///     }
///     Err(refused) => return Err(blocking::Error::from(refused).into()),
/// };
/// # socket.text("Hello")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`client`]. A response without a status, and one that switches protocols in a wrong way, is [`Error::Rejected`] here,
/// too.
pub fn try_client<S: Stream>(
    stream: S,
    request: ClientRequest,
    config: &Config,
) -> Result<Result<Socket<S>, Refused<S>>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    open(Wire::new(stream, config), client)
}

fn open<S: Stream>(mut wire: Wire<S>, mut client: Client) -> Result<Result<Socket<S>, Refused<S>>, Error> {
    // A server may answer, and end the stream, before it has read the request.
    let written = wire.write(client.outgoing());
    let rejected = loop {
        match wire.input.lend(|bytes| client.receive(bytes)) {
            Ok(Some(response)) => return Ok(Ok(opened(wire, response))),
            Ok(None) => match (wire.read(), &written) {
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
    Ok(Err(refused(wire, rejected)))
}

/// Reads the body. If the time is over, or the stream fails, what is there of it is all.
fn refused<S: Stream>(mut wire: Wire<S>, mut response: Rejected) -> Refused<S> {
    while response.wants_body() {
        match wire.read() {
            Ok(1..) => wire.input.lend(|bytes| response.receive_body(bytes)),
            Ok(0) => response.receive_eof(),
            Err(_) => break,
        }
    }
    let goes_on = response.can_reuse() && wire.input.rest().is_empty();
    Refused::new(response, goes_on.then(|| wire.stream.release()))
}

fn opened<S: Stream>(wire: Wire<S>, response: Response) -> Socket<S> {
    let Wire { stream, monitor, input } = wire;
    let protocol = response.protocol().map(ToOwned::to_owned);
    #[cfg(feature = "deflate")]
    let agreement = response.agreement();
    let mut socket = Socket::over(stream, monitor, response.into_connection(), input.rest());
    socket.protocol = protocol;
    #[cfg(feature = "deflate")]
    {
        socket.agreement = agreement;
    }
    socket
}

/// No time at all is an error of the system's.
const SHORTEST: Duration = Duration::from_millis(1);
