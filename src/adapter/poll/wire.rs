//! A stream in the opening handshake.

use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::{Error, Io};
use crate::adapter::input::{Input, or_eof};
use crate::config::Config;
use crate::timers::Timers;

/// A stream under the deadline of the opening handshake.
pub(super) struct Wire<T> {
    pub(super) io: T,
    pub(super) input: Input,
    scratch: Vec<u8>,
    timers: Timers,
    pub(super) config: Config,
}

/// Without the bytes that were read: they may be a secret.
impl<T: fmt::Debug> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("io", &self.io).field("input", &self.input).finish_non_exhaustive()
    }
}

impl<T: Io> Wire<T> {
    pub(super) fn new(io: T, config: &Config) -> Self {
        let timers = Timers::new(config, io.now().unwrap_or_default());
        Self { io, input: Input::holding(&[]), scratch: Vec::new(), timers, config: config.clone() }
    }

    /// Begins the deadline anew: an answer has one of its own, behind a decision that may take longer.
    pub(super) fn begin(&mut self) {
        self.timers = Timers::new(&self.config, self.io.now().unwrap_or_default());
    }

    /// Reads once. Zero is the end of the stream.
    pub(super) async fn read(&mut self) -> Result<usize, Error> {
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

    pub(super) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
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
    pub(super) async fn linger(&mut self) {
        self.scratch.resize(SIZE, 0);
        let Some(now) = self.io.now() else {
            let _ = poll_fn(|cx| self.io.poll_close(cx)).await;
            return;
        };
        let (until, mut closed) = (now.saturating_add(LINGER), false);
        poll_fn(|cx| {
            for _ in 0..READS {
                if self.io.poll_sleep(cx, until).is_ready() {
                    return Poll::Ready(());
                }
                if !closed {
                    closed = ready!(self.io.poll_close(cx)).is_ok();
                }
                if !closed || !matches!(ready!(self.io.poll_read(cx, &mut self.scratch)), Ok(1..)) {
                    return Poll::Ready(());
                }
            }
            cx.waker().wake_by_ref(); // the others' turn
            Poll::Pending
        })
        .await;
    }

    /// Fails once the deadline is over; registers for it otherwise.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
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
/// The most reads in a row of what nobody looks at.
const READS: usize = 32;
