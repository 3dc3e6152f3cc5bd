//! The stream of a client that was given a URI.

#[cfg(feature = "rustls")]
use alloc::boxed::Box;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::Io;
#[cfg(feature = "rustls")]
use super::tls::Tls;
use crate::adapter::session::Session;

/// The stream of a client: plain for `ws`, with TLS over it for `wss`. Without the feature `rustls` it is always plain,
/// and then as small and as fast as `T`.
#[derive(Debug)]
pub struct MaybeTls<T>(Stream<T>);

#[derive(Debug)]
enum Stream<T> {
    Plain(T),
    #[cfg(feature = "rustls")]
    Tls(Box<Tls<T>>),
}

impl<T: Io> MaybeTls<T> {
    pub(super) fn new(io: T, session: Option<Session>) -> Self {
        Self(match session {
            None => Stream::Plain(io),
            #[cfg(feature = "rustls")]
            Some(session) => Stream::Tls(Box::new(Tls::new(io, session))),
            #[cfg(not(feature = "rustls"))]
            Some(never) => match never {},
        })
    }

    /// Whether there is TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        !matches!(self.0, Stream::Plain(_))
    }

    /// Ready when bytes can go both ways.
    #[cfg(feature = "rustls")]
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(tls) => tls.poll_handshake(cx),
        }
    }

    #[cfg(not(feature = "rustls"))]
    #[expect(clippy::unused_self, reason = "there is no handshake")]
    pub(super) const fn poll_handshake(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Calls a method of whichever stream it is.
macro_rules! either {
    ($stream:expr, $io:ident => $call:expr) => {
        match $stream {
            Stream::Plain($io) => $call,
            #[cfg(feature = "rustls")]
            Stream::Tls($io) => $call,
        }
    };
}

impl<T: Io> Io for MaybeTls<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, io => io.poll_read(cx, buffer))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, io => io.poll_write(cx, slices))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, io => io.poll_flush(cx))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, io => io.poll_close(cx))
    }

    fn now(&self) -> Option<Duration> {
        either!(&self.0, io => io.now())
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        either!(&mut self.0, io => io.poll_sleep(cx, deadline))
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        either!(&mut self.0, io => io.yield_now(cx));
    }
}
