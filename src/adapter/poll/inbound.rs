//! What only the receiving half has, and how it goes on.

use core::mem;
use core::task::Poll;
use core::time::Duration;

use super::Io;
use super::reading::{Buffers, Take};
use super::shared::Output;
use crate::adapter::error::Error;
use crate::adapter::input::Input;
use crate::reader::Reader;
use crate::timers::Timers;

#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) reader: Reader,
    pub(super) input: Input,
    pub(super) timers: Timers,
    /// When the stream was read last, if something is or was due then.
    pub(super) read_at: Duration,
    /// What was found while something was sent.
    pub(super) peeked: Option<Result<bool, Error>>,
    pub(super) stage: Stage,
}

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum Stage {
    Open,
    /// And what to report then.
    Ending(Step, Result<(), Error>),
    Over,
}

/// What the end waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The last bytes to be written.
    Flush,
    /// This end of the stream.
    Close,
    /// The peer's end of it.
    Drain,
    /// Nothing any longer.
    Late,
}

impl Inbound {
    pub(super) fn new(reader: Reader, input: &[u8], timers: Timers) -> Self {
        let input = Input::holding(input);
        Self { reader, input, timers, read_at: Duration::ZERO, peeked: None, stage: Stage::Open }
    }

    /// Goes on until there is something for the caller; false at the end.
    pub(super) fn poll<T: Io>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        take: &mut impl Take,
    ) -> Poll<Result<bool, Error>> {
        let mut found = Poll::Ready(Ok(false));
        match self.peeked {
            Some(_) => found = self.poll_left_over(output, take),
            None => self.reader.done(), // with what was handed over
        }
        loop {
            if let (Stage::Open, Poll::Ready(Ok(false)), false) = (&self.stage, &found, self.reader.is_closed()) {
                found = if self.input.rest().is_empty() {
                    self.poll_input(output, buffers, take)
                } else {
                    self.poll_left_over(output, take)
                };
            }
            let is_pending = found.is_pending();
            match mem::replace(&mut found, Poll::Ready(Ok(false))) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(true)),
                Poll::Ready(Err(Error::Io(error))) => return self.fail(output, error),
                Poll::Ready(Err(error)) => self.stage = Stage::Ending(Step::Flush, Err(error)),
                _ if matches!(self.stage, Stage::Open) && self.reader.is_closed() => {
                    self.stage = Stage::Ending(Step::Flush, Ok(()));
                }
                _ => {}
            }
            if is_pending || !matches!(self.stage, Stage::Open) {
                self.poll_timers(output);
            }
            if !matches!(self.stage, Stage::Open) {
                return self.poll_end(output, buffers);
            }
            if is_pending {
                return self.wait(output);
            }
        }
    }

    /// While it waits, a connection holds no buffers, but for a message that was not handed over.
    fn wait<T: Io>(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        // A ping may have become due.
        if let Poll::Ready(Err(error)) = output.poll_flush() {
            return self.fail(output, error);
        }
        self.input.release();
        if self.peeked.is_none() {
            self.reader.release();
        }
        Poll::Pending
    }
}
