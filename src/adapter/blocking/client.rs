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
use crate::adapter::session::{self, Session};
use crate::config::Config;
use crate::handshake::{Client, ClientRequest, Response};
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
    open(MaybeTls::open(wire, session)?, client)
}

/// Performs a client's handshake over `stream`, in [`Config::opening_timeout`].
///
/// # Errors
///
/// As [`connect`].
pub fn client<S: Stream>(stream: S, request: ClientRequest, config: &Config) -> Result<Socket<S>, Error> {
    let client = Client::new(request, config, Seed::from_os()?)?;
    open(Wire::new(stream, config), client)
}

fn open<S: Stream>(mut wire: Wire<S>, mut client: Client) -> Result<Socket<S>, Error> {
    wire.write(client.outgoing())?;
    let n = client.outgoing().len();
    client.consume(n);
    loop {
        match wire.input.lend(|bytes| client.receive(bytes)) {
            Ok(Some(response)) => return Ok(opened(wire, response)),
            Ok(None) if wire.read()? == 0 => client.receive_eof()?,
            Ok(None) => {}
            Err(rejected) => return Err(rejected.into()),
        }
    }
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
