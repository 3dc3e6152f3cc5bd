//! What only the receiving half has, and how it goes on.

use core::mem;
use core::task::Poll;
use core::time::Duration;

use super::Io;
use super::kept::Kept;
use super::reading::{Buffers, Take};
use super::shared::{Link, Output};
use super::tasks::Half;
use crate::adapter::cause::Cause;
use crate::adapter::error::Error;
use crate::adapter::input::Input;
use crate::budget::Budget;
use crate::config::Config;
use crate::reader::{Event, Reader};

#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) reader: Reader,
    pub(super) input: Input,
    /// When the stream was read last, if something is or was due then.
    pub(super) read_at: Duration,
    /// What was found while something was sent.
    pub(super) kept: Kept,
    pub(super) stage: Stage,
    /// What is left of this task's turn, and a whole one.
    pub(super) budget: Budget,
    turn: Budget,
}

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum Stage {
    Open,
    /// And what to report then.
    Ending(Step, Cause),
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
    pub(super) fn new(reader: Reader, input: &[u8], config: &Config) -> Self {
        let turn = Budget::new(config);
        Self {
            reader,
            input: Input::holding(input),
            read_at: Duration::ZERO,
            kept: Kept::default(),
            stage: Stage::Open,
            budget: turn,
            turn,
        }
    }

    /// Goes on until there is something for the caller; false at the end.
    pub(super) fn poll<T: Io, K: Take>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        take: &mut K,
    ) -> Poll<Result<bool, Error>> {
        self.reader.done(); // with what was handed over
        let receives = output.half == Half::Receiver;
        if receives {
            self.kept.let_go();
        }
        loop {
            if self.is_given_up(output) {
                self.give_up(output);
            }
            self.budget.spend(mem::take(&mut output.writes).saturating_mul(Budget::REPLY)); // a system call each
            if self.budget.is_spent() {
                return self.end_turn(output);
            }
            let is_kept = receives && !self.kept.is_empty();
            if !is_kept && !matches!(self.stage, Stage::Open) {
                self.poll_timers(output);
                return self.poll_end(output, buffers);
            }
            let found = if is_kept { self.poll_kept(output, take) } else { self.poll_found(output, buffers, take) };
            match found {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(true)),
                Poll::Ready(Err(error)) if matches!(self.stage, Stage::Over) => return Poll::Ready(Err(error)),
                Poll::Ready(Err(error)) => self.begin_end(output, error),
                Poll::Ready(Ok(false)) if matches!(self.stage, Stage::Open) && self.reader.is_closed() => {
                    self.end(output, Cause::Closed);
                }
                Poll::Pending if self.has_to_wait(output) => return self.wait(),
                Poll::Ready(Ok(false)) | Poll::Pending => {}
            }
        }
    }

    /// Whether the other half gave up. What was read before is looked at first, but not by a program that panicked.
    fn is_given_up<T: Io>(&self, output: &Output<T>) -> bool {
        output.link == Link::Over
            && match self.stage {
                Stage::Open => self.input.rest().is_empty() || matches!(output.cause(), Some(Cause::Panicked)),
                Stage::Ending(Step::Late, _) | Stage::Over => false,
                Stage::Ending(..) => true,
            }
    }

    /// The event at hand.
    pub(super) fn event(&self) -> Option<Event<'_>> {
        self.kept.event().or_else(|| self.reader.event())
    }

    /// Keeps the event that the reader has for later.
    pub(super) fn keep(&mut self) {
        if let Some(event) = self.reader.event() {
            self.kept.push(event);
        }
    }

    /// Keeps the event at hand as long as it is lent.
    pub(super) fn hold(&mut self) {
        if self.kept.event().is_none()
            && let Some(event) = self.reader.event()
        {
            self.kept.hold(event);
        }
    }

    /// Looks for something for the caller: in what is left of the last read, or in the stream.
    fn poll_found<T: Io, K: Take>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        take: &mut K,
    ) -> Poll<Result<bool, Error>> {
        if self.reader.is_closed() {
            return Poll::Ready(Ok(false));
        }
        if self.input.rest().is_empty() && !self.reader.is_inflating() {
            self.poll_input(output, buffers, take)
        } else {
            self.poll_left_over(output, take)
        }
    }

    /// Lets other tasks run, and comes again at once. What was said meanwhile goes out.
    #[cold]
    pub(super) fn end_turn<T: Io>(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        // What else may be due is seen at the next read: what was read is looked at first, and may put it off.
        if output.writer.is_closed() || !matches!(self.stage, Stage::Open) {
            self.poll_timers(output);
        }
        self.budget = self.turn;
        let _ = output.poll_flush(); // an error comes up behind what was received
        output.yield_now();
        Poll::Pending
    }

    /// Does what is due, and writes the ping that this may be. False if that ends the connection: what arrived before is
    /// looked for first.
    fn has_to_wait<T: Io>(&mut self, output: &mut Output<T>) -> bool {
        self.poll_timers(output);
        output.link != Link::Over && !matches!(output.poll_flush(), Poll::Ready(Err(_)))
    }

    /// While it waits, a connection holds no buffers.
    fn wait(&mut self) -> Poll<Result<bool, Error>> {
        self.budget = self.turn;
        self.input.release();
        self.reader.release();
        Poll::Pending
    }
}
