//! WebSockets on tokio.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ws_proto::handshake::OriginPolicy;
//! use ws_proto::{Config, Event, tokio};
//!
//! let listener = ::tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//! let (stream, _) = listener.accept().await?;
//! let socket = tokio::accept(stream, OriginPolicy::Any, &Config::new()).await?;
//! let (mut receiver, mut sender) = socket.split();
//! while let Some(event) = receiver.next().await? {
//!     match event {
//!         Event::Text(text) => sender.text(text).await?,
//!         Event::Binary(bytes) => sender.binary(bytes).await?,
//!         _ => {} // pings and the close frame are answered
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`poll`](crate::poll) says how it behaves; all time-outs of [`Config`] run on tokio's clock, which the runtime must
//! have enabled: without it, tokio panics.

use alloc::boxed::Box;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::TcpStream;
use ::tokio::time::{Instant, Sleep, sleep_until, timeout};

pub use super::poll::Error;
use super::poll::{self, Io, MaybeTls};
use super::session::{self, Session};
use crate::config::Config;
use crate::handshake::{ClientRequest, OriginPolicy};

/// A WebSocket connection over a stream of tokio.
pub type Socket<S> = poll::Socket<Tokio<S>>;
/// What [`connect`] makes.
pub type ClientSocket = poll::Socket<MaybeTls<Tokio<TcpStream>>>;
/// The receiving half of a [`Socket`].
pub type Receiver<S> = poll::Receiver<Tokio<S>>;
/// The sending half of a [`Socket`].
pub type Sender<S> = poll::Sender<Tokio<S>>;

/// Serves the opening handshake on `stream`, as [`poll::accept`].
///
/// # Cancel safety
///
/// Dropped before it is ready, the stream is dropped with it.
///
/// # Errors
///
/// As [`poll::accept`].
pub async fn accept<S>(stream: S, origins: OriginPolicy, config: &Config) -> Result<Socket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll::accept(Tokio::new(stream), origins, config).await
}

/// Reads a request from `stream` and leaves the answer to the caller, as [`poll::receive_request`].
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`poll::receive_request`].
pub async fn receive_request<S>(
    stream: S,
    origins: OriginPolicy,
    config: &Config,
) -> Result<poll::Incoming<Tokio<S>>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll::receive_request(Tokio::new(stream), origins, config).await
}

/// Connects to a `ws://` or `wss://` URL over TCP and performs the handshake, all within
/// [`Config::opening_timeout`]. `wss://` needs the feature `rustls`, and trusts whom the platform trusts.
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`poll::client`]; [`Error::NoTls`]; with the feature, `Error::Tls`.
pub async fn connect(url: &str, config: &Config) -> Result<ClientSocket, Error> {
    let request = ClientRequest::new(url)?;
    let session = session::of(request.uri())?;
    open(request, session, config).await
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
pub async fn connect_with(
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<ClientSocket, Error> {
    let session = session::with(request.uri(), tls)?;
    open(request, session, config).await
}

/// Looking up the name and connecting count for the time of opening, too.
async fn open(request: ClientRequest, session: Option<Session>, config: &Config) -> Result<ClientSocket, Error> {
    let start = Instant::now();
    let address = (request.uri().host(), request.uri().port());
    let stream = match config.opening_timeout {
        Some(limit) => timeout(limit, TcpStream::connect(address)).await.map_err(|_| Error::TimedOut)??,
        None => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    let left = config.opening_timeout.map(|limit| limit.saturating_sub(start.elapsed()));
    let config = config.clone().opening_timeout(left);
    poll::client_over(Tokio::new(stream), session, request, &config).await
}

/// Performs a client's handshakes over `stream`, as [`poll::client_tls`].
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`poll::client_tls`].
#[cfg(feature = "rustls")]
pub async fn client_tls<S>(
    stream: S,
    request: ClientRequest,
    config: &Config,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<poll::Socket<MaybeTls<Tokio<S>>>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll::client_tls(Tokio::new(stream), request, config, tls).await
}

/// Performs a client's handshake over `stream`, as [`poll::client`].
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`poll::client`].
pub async fn client<S>(stream: S, request: ClientRequest, config: &Config) -> Result<Socket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll::client(Tokio::new(stream), request, config).await
}

/// As [`client`], but that a refusal is no error, as [`poll::try_client`].
///
/// # Cancel safety
///
/// As [`accept`].
///
/// # Errors
///
/// As [`poll::try_client`].
pub async fn try_client<S>(
    stream: S,
    request: ClientRequest,
    config: &Config,
) -> Result<Result<Socket<S>, poll::Refused<Tokio<S>>>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll::try_client(Tokio::new(stream), request, config).await
}

/// A stream of tokio, with tokio's clock.
#[derive(Debug)]
pub struct Tokio<S> {
    stream: S,
    start: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S> Tokio<S> {
    /// Its time starts now.
    pub fn new(stream: S) -> Self {
        Self { stream, start: Instant::now(), sleep: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io for Tokio<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match slices {
            [bytes] => Pin::new(&mut self.stream).poll_write(cx, bytes), // the cheaper system call
            slices => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// A task that wakes itself keeps tokio from its streams and timers for up to 61 polls; one that yields does not.
    fn yield_now(&mut self, cx: &mut Context<'_>) {
        let _ = pin!(::tokio::task::yield_now()).poll(cx);
    }

    fn now(&self) -> Option<Duration> {
        Some(self.start.elapsed())
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        let Some(deadline) = self.start.checked_add(deadline) else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        // A deadline that moves away with every read is looked at when it would have been.
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl<T: Io> AsyncRead for poll::Bytes<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let take = |bytes: &[u8]| {
            let n = bytes.len().min(buffer.remaining());
            buffer.put_slice(bytes.split_at(n).0);
            n
        };
        self.poll_take(cx, take).map_ok(|_| ())
    }
}

impl<T: Io> AsyncWrite for poll::Bytes<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_give(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_all(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_close_all(cx)
    }
}
