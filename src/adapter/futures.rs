//! WebSockets on the traits of `futures-io`: smol, async-std, and every other runtime that has them.
//!
//! These traits know no clock. Give a function that sleeps, and the time-outs of [`Config`](crate::Config) run on it;
//! without one there are none.
//!
//! ```no_run
//! use std::pin::Pin;
//! use std::time::Duration;
//! use ws_proto::handshake::OriginPolicy;
//! use ws_proto::{Config, futures};
//! # struct Timer;
//! # impl Timer { async fn after(_: Duration) {} }
//!
//! # async fn serve(stream: impl futures_io::AsyncRead + futures_io::AsyncWrite + Unpin)
//! # -> Result<(), futures::Error> {
//! let io = futures::Futures::new(stream).with_sleep(|time| Box::pin(async move {
//!     Timer::after(time).await; // your runtime's
//! }));
//! let mut socket = futures::accept(io, OriginPolicy::Any, &Config::new()).await?;
//! socket.text("Hello").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nor do they know how to open a stream: [`connect`] is told how.
//!
//! ```no_run
//! # use ws_proto::{Config, futures};
//! # async fn chat() -> Result<(), futures::Error> {
//! let dial = async |host: &str, port| Ok(futures::Futures::new(smol::net::TcpStream::connect((host, port)).await?));
//! let mut socket = futures::connect("ws://127.0.0.1:9001/", &Config::new(), dial).await?;
//! socket.text("Hello").await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`poll`](crate::poll) says how a socket behaves.

use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

use super::poll::{self, Io};
pub use super::poll::{Error, Refused, accept, client, connect, receive_request, try_client};
#[cfg(feature = "rustls")]
pub use super::poll::{client_tls, connect_with};

/// A WebSocket connection over a stream of `futures-io`.
pub type Socket<S> = poll::Socket<Futures<S>>;
/// The receiving half of a [`Socket`].
pub type Receiver<S> = poll::Receiver<Futures<S>>;
/// The sending half of a [`Socket`].
pub type Sender<S> = poll::Sender<Futures<S>>;

/// A future that is ready after some time.
type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream of `futures-io`, and perhaps a clock.
pub struct Futures<S> {
    stream: S,
    clock: Option<Clock>,
}

struct Clock {
    start: Instant,
    make: fn(Duration) -> Sleep,
    sleep: Option<(Duration, Sleep)>,
}

impl<S> Futures<S> {
    /// Without a clock.
    pub const fn new(stream: S) -> Self {
        Self { stream, clock: None }
    }

    /// With one: `sleep` makes a future that is ready after a time. Its time starts now.
    #[must_use]
    pub fn with_sleep(mut self, sleep: fn(Duration) -> Sleep) -> Self {
        self.clock = Some(Clock { start: Instant::now(), make: sleep, sleep: None });
        self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io for Futures<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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
        Pin::new(&mut self.stream).poll_close(cx)
    }

    fn now(&self) -> Option<Duration> {
        self.clock.as_ref().map(|clock| clock.start.elapsed())
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        let Some(Clock { start, make, sleep }) = &mut self.clock else {
            return Poll::Pending;
        };
        if sleep.as_ref().is_none_or(|(until, _)| *until > deadline) {
            *sleep = None;
        }
        loop {
            let left = || deadline.saturating_sub(start.elapsed());
            let (until, waits) = sleep.get_or_insert_with(|| (deadline, make(left())));
            if waits.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A deadline that moves away with every read is looked at when it would have been.
            let is_due = *until >= deadline;
            *sleep = None;
            if is_due {
                return Poll::Ready(());
            }
        }
    }
}

impl<T: Io> AsyncRead for poll::Bytes<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_take(cx, |bytes| {
            let n = bytes.len().min(buffer.len());
            buffer.split_at_mut(n).0.copy_from_slice(bytes.split_at(n).0);
            n
        })
    }
}

impl<T: Io> AsyncWrite for poll::Bytes<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_give(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_all(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_close_all(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for Futures<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Futures").field("stream", &self.stream).finish_non_exhaustive()
    }
}
