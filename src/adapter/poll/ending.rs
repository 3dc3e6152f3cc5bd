//! Deadlines, and the end of a connection.

use core::mem;
use core::task::{Poll, ready};

use super::Io;
use super::inbound::{Inbound, Stage, Step};
use super::kept::Kept;
use super::reading::Buffers;
use super::shared::{Link, Output};
use crate::adapter::cause::Cause;
use crate::adapter::error::Error;
use crate::close::CloseCode;
use crate::config::Role;
use crate::timers::Due;

impl Inbound {
    /// Does what is due now, and is woken for what will be.
    pub(super) fn poll_timers<T: Io>(&mut self, output: &mut Output<T>) {
        if !self.note_closing(output) {
            return;
        }
        while let Some(deadline) = output.timers.next() {
            if output.poll_sleep(deadline).is_pending() {
                return;
            }
            let now = output.io.now().unwrap_or(deadline).max(deadline);
            if let Some(due) = output.timers.due(now) {
                self.act(output, due);
            }
        }
    }

    /// Does what was due when the stream was read last, so that a peer that talks without a pause puts off nothing.
    pub(super) fn catch_up<T: Io>(&mut self, output: &mut Output<T>) {
        if !self.note_closing(output) {
            return;
        }
        while let Some(due) = output.timers.due(self.read_at) {
            self.act(output, due);
        }
    }

    /// Begins the deadline for closing, if it is time. False if nothing can become due: there is no deadline, or no clock.
    fn note_closing<T: Io>(&mut self, output: &mut Output<T>) -> bool {
        let is_closing = output.writer.is_closed() || !matches!(self.stage, Stage::Open);
        if !is_closing && output.timers.next().is_none() {
            return false;
        }
        let now = output.io.now();
        if let Some(now) = now.filter(|_| is_closing) {
            output.timers.closing(now);
        }
        now.is_some()
    }

    fn act<T: Io>(&mut self, output: &mut Output<T>, due: Due) {
        let (code, reason) = match due {
            Due::Ping(payload) => {
                let _ = output.writer.ping(&payload); // at the high-water mark the peer is slow enough to tell
                return;
            }
            Due::Idle => {
                let _ = output.writer.close(CloseCode::GOING_AWAY, "idle");
                return;
            }
            Due::Pong => (CloseCode::INTERNAL, "no pong"),
            Due::Message => (CloseCode::POLICY, "message too slow"),
            _ => return self.give_up(output),
        };
        output.ends(&Cause::TimedOut); // whether the peer can be told or not
        let _ = output.writer.close(code, reason);
        let _ = output.poll_flush();
        self.give_up(output);
    }

    /// The other end took too long, or this half cannot go on.
    pub(super) fn give_up<T: Io>(&mut self, output: &mut Output<T>) {
        let is_early = self.reader.receive_eof().is_err();
        let cause = match (mem::replace(&mut self.stage, Stage::Over), output.cause()) {
            (_, Some(Cause::Panicked)) => {
                self.kept = Kept::default(); // the next event is not for a program that failed on this one
                Cause::Panicked
            }
            (Stage::Ending(_, outcome), _) => outcome,
            (_, cause) if is_early => cause.cloned().unwrap_or(Cause::TimedOut),
            _ => Cause::Closed,
        };
        output.over(cause.clone());
        self.stage = Stage::Ending(Step::Late, cause);
    }

    /// Begins the end with an error.
    pub(super) fn begin_end<T: Io>(&mut self, output: &mut Output<T>, error: Error) {
        // If a write had failed before, or the other half gave up, that is the reason: whoever sent was told so.
        let broken = output.cause().filter(|_| output.link != Link::Open).cloned();
        let is_lost = broken.is_some() || matches!(error, Error::Io(_));
        let cause = broken.unwrap_or_else(|| error.into());
        if is_lost {
            let _ = self.reader.receive_eof();
            output.over(cause.clone());
            self.stage = Stage::Ending(Step::Late, cause);
        } else {
            self.end(output, cause);
        }
    }

    /// Begins the end: the last bytes go out first.
    pub(super) fn end<T: Io>(&mut self, output: &mut Output<T>, cause: Cause) {
        output.ends(&cause);
        self.stage = Stage::Ending(Step::Flush, cause);
    }

    /// The end, step by step. The news is how the connection ended; that the stream failed afterwards is not.
    pub(super) fn poll_end<T: Io>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
    ) -> Poll<Result<bool, Error>> {
        while let Stage::Ending(step, outcome) = &self.stage {
            let (step, is_clean) = (*step, matches!(outcome, Cause::Closed));
            let next = ready!(self.poll_step(output, buffers, step, is_clean));
            match (next, mem::replace(&mut self.stage, Stage::Over)) {
                (Some(next), Stage::Ending(_, outcome)) => self.stage = Stage::Ending(next, outcome),
                (_, Stage::Ending(_, outcome)) => {
                    output.over(outcome.clone());
                    return Poll::Ready(if is_clean { Ok(false) } else { Err(outcome.error()) });
                }
                _ => {}
            }
        }
        Poll::Ready(Ok(false))
    }

    /// Section 7.1.1: the last bytes out, then the server ends the stream, and a client waits for that.
    fn poll_step<T: Io>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        step: Step,
        is_clean: bool,
    ) -> Poll<Option<Step>> {
        Poll::Ready(match step {
            Step::Flush => {
                let _ = ready!(output.poll_flush());
                let waits = is_clean && self.reader.role() == Role::Client;
                Some(if waits { Step::Drain } else { Step::Close })
            }
            Step::Close => {
                let _ = ready!(output.poll_close());
                // Unread input would make the end of the stream a reset, and lose what was written last.
                (!is_clean && output.io.now().is_some()).then_some(Step::Drain)
            }
            Step::Drain => {
                ready!(self.poll_drain(output, buffers));
                is_clean.then_some(Step::Close)
            }
            Step::Late => {
                let _ = output.poll_close();
                None
            }
        })
    }
}
