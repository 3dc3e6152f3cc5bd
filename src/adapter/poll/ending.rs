//! Deadlines, and the end of a connection.

use core::mem;
use core::task::{Poll, ready};
use std::io;

use super::Io;
use super::inbound::{Inbound, Stage, Step};
use super::reading::Buffers;
use super::shared::Output;
use super::tasks::Half;
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
        while let Some(deadline) = self.timers.next() {
            if output.poll_sleep(deadline).is_pending() {
                return;
            }
            let now = output.io.now().unwrap_or(deadline).max(deadline);
            if let Some(due) = self.timers.due(now) {
                self.act(output, due);
            }
        }
    }

    /// Does what was due when the stream was read last, so that a peer that talks without a pause puts off nothing.
    pub(super) fn catch_up<T: Io>(&mut self, output: &mut Output<T>) {
        if !self.note_closing(output) {
            return;
        }
        while let Some(due) = self.timers.due(self.read_at) {
            self.act(output, due);
        }
    }

    /// Begins the deadline for closing, if it is time. False if nothing can become due: there is no deadline, or no clock.
    fn note_closing<T: Io>(&mut self, output: &Output<T>) -> bool {
        let is_closing = output.writer.is_closed() || !matches!(self.stage, Stage::Open);
        if !is_closing && self.timers.next().is_none() {
            return false;
        }
        let now = output.io.now();
        if let Some(now) = now.filter(|_| is_closing) {
            self.timers.closing(now);
        }
        now.is_some()
    }

    fn act<T: Io>(&mut self, output: &mut Output<T>, due: Due) {
        match due {
            Due::Ping(payload) => {
                let _ = output.writer.ping(&payload); // at the high-water mark the peer is slow enough to tell
            }
            Due::Idle => {
                let _ = output.writer.close(CloseCode::GOING_AWAY, "idle");
            }
            Due::Pong => {
                let _ = output.writer.close(CloseCode::INTERNAL, "no pong");
                let _ = output.poll_flush();
                self.give_up(output);
            }
            _ => self.give_up(output),
        }
    }

    /// The other end took too long.
    fn give_up<T: Io>(&mut self, output: &mut Output<T>) {
        let outcome = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ending(_, outcome) => outcome,
            Stage::Open | Stage::Over => Ok(()),
        };
        let late = self.reader.receive_eof().is_err();
        self.stage = Stage::Ending(Step::Late, if late { Err(Error::TimedOut) } else { outcome });
        self.over(output);
    }

    /// The stream failed.
    pub(super) fn fail<T: Io>(&mut self, output: &mut Output<T>, error: io::Error) -> Poll<Result<bool, Error>> {
        let _ = self.reader.receive_eof();
        self.stage = Stage::Over;
        self.over(output);
        Poll::Ready(Err(error.into()))
    }

    /// Nothing can be sent, and nothing is due, from now on.
    fn over<T: Io>(&mut self, output: &mut Output<T>) {
        self.timers.closed();
        output.over = true;
        output.wake(Half::Sender);
    }

    /// The end, step by step. The news is how the connection ended; that the stream failed afterwards is not.
    pub(super) fn poll_end<T: Io>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
    ) -> Poll<Result<bool, Error>> {
        while let Stage::Ending(step, outcome) = &self.stage {
            let (step, is_clean) = (*step, outcome.is_ok());
            let next = ready!(self.poll_step(output, buffers, step, is_clean));
            match (next, mem::replace(&mut self.stage, Stage::Over)) {
                (Some(next), Stage::Ending(_, outcome)) => self.stage = Stage::Ending(next, outcome),
                (_, ended) => {
                    self.over(output);
                    return Poll::Ready(if let Stage::Ending(_, Err(error)) = ended { Err(error) } else { Ok(false) });
                }
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
