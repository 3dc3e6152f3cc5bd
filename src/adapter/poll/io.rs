//! What a runtime has to offer.

use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};

/// A byte stream of some runtime, and its clock: what the drivers for tasks stand on. Implemented for the traits of
/// [`tokio`](crate::tokio) and of [`futures-io`](crate::futures); implement it for your own.
pub trait Io {
    /// Reads into `buffer`; zero bytes are the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from the front of `slices`, as one run of bytes.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Hands on what the stream itself holds back.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the sending direction.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The time since some fixed moment, or `None` without a clock: then there are no time-outs.
    fn now(&self) -> Option<Duration>;

    /// Ready once [`Io::now`] has reached `deadline`. A later call may name another.
    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()>;

    /// Wakes the task of `cx` so that it runs again after others. By default it wakes the task at once. A runtime that looks
    /// for news of its streams only when no task is ready needs more than that.
    fn yield_now(&mut self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }
}
