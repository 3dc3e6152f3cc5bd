//! The receiving half of a socket.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::{io, thread_local};

use futures_core::Stream;

use super::Io;
use super::shared::{Half, Output, Sending, Shared};
use crate::adapter::error::Error;
use crate::adapter::input::Input;
use crate::close::CloseCode;
use crate::config::Role;
use crate::connection::Closed;
use crate::message::Message;
use crate::reader::{Event, Reader};
use crate::timers::{Due, Timers};

/// The receiving half of a [`Socket`](super::Socket). It keeps the connection alive: pings are answered, and time-outs
/// noticed, while someone waits in [`Receiver::next`].
#[derive(Debug)]
pub struct Receiver<T> {
    reader: Reader,
    input: Input,
    timers: Timers,
    /// When the stream was read last.
    read_at: Duration,
    shared: Arc<Shared<T>>,
    /// What was found while something was sent.
    peeked: Option<Result<bool, Error>>,
    stage: Stage,
}

/// Where a connection stands.
#[derive(Debug)]
enum Stage {
    Open,
    /// And what to report then.
    Ending(Step, Result<(), Error>),
    Over,
}

/// What the end waits for.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The last bytes to be written.
    Flush,
    /// This end of the stream.
    Close,
    /// The peer's end of it.
    Drain,
    /// Nothing any longer.
    Late,
}

impl<T: Io> Receiver<T> {
    pub(super) fn new(reader: Reader, input: &[u8], timers: Timers, shared: Arc<Shared<T>>) -> Self {
        let input = Input::holding(input);
        Self { reader, input, timers, read_at: Duration::ZERO, shared, peeked: None, stage: Stage::Open }
    }

    /// Waits for the next event, lent until the next call. `None` is the end: both close frames are out and the stream
    /// is closed, or an error was returned before.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing: the next call goes on where it was.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`], after the peer was told; [`Error::Io`]; [`Error::TimedOut`]. Each once, as the last.
    pub async fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        let more = poll_fn(|cx| self.poll_advance(cx)).await?;
        Ok(if more { self.reader.event() } else { None })
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        Closed::of(&self.reader, &self.shared.output().writer)
    }

    /// The time that the last answered keepalive ping took to come back.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.timers.round_trip()
    }

    pub(super) fn event(&self) -> Option<Event<'_>> {
        self.reader.event()
    }

    /// Goes on to the next event; false at the end.
    pub(super) fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        match self.peeked.take() {
            Some(found) => Poll::Ready(found),
            None => self.poll_event(cx, Half::Receiver),
        }
    }

    /// Keeps the connection alive while something is sent: pings are answered, and the first message is kept for
    /// later. With one that is kept, or in use, nothing more is read, and only the deadline for closing is noticed:
    /// what shows that the peer is there may lie behind it.
    pub(super) fn attend(&mut self, cx: &mut Context<'_>, in_use: bool) {
        while !in_use && self.peeked.is_none() {
            match self.poll_event(cx, Half::Sender) {
                Poll::Pending => return,
                Poll::Ready(Ok(true)) if matches!(self.event(), Some(Event::Ping(_) | Event::Pong(_))) => {}
                Poll::Ready(found) => {
                    self.peeked = Some(found);
                    self.shared.wake(Half::Receiver);
                }
            }
        }
        let shared = Arc::clone(&self.shared);
        let mut output = shared.poll(Half::Sender, cx);
        if output.writer.is_closed() && !output.over {
            self.poll_timers(&mut output);
        }
    }

    /// For the half that asks: the sender wants to send, and reads so that the peer reads.
    fn poll_event(&mut self, cx: &mut Context<'_>, half: Half) -> Poll<Result<bool, Error>> {
        let shared = Arc::clone(&self.shared);
        let mut output = shared.poll(half, cx);
        let mut input = self.poll_left_over(&mut output);
        loop {
            if let (Stage::Open, Poll::Ready(Ok(false)), false) = (&self.stage, &input, self.reader.is_closed()) {
                input = self.poll_input(&mut output);
            }
            let is_pending = input.is_pending();
            match mem::replace(&mut input, Poll::Ready(Ok(false))) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(true)),
                Poll::Ready(Err(Error::Io(error))) => return self.fail(&mut output, error),
                Poll::Ready(Err(error)) => self.stage = Stage::Ending(Step::Flush, Err(error)),
                _ if matches!(self.stage, Stage::Open) && self.reader.is_closed() => {
                    self.stage = Stage::Ending(Step::Flush, Ok(()));
                }
                _ => {}
            }
            if is_pending || !matches!(self.stage, Stage::Open) {
                self.poll_timers(&mut output);
            }
            if !matches!(self.stage, Stage::Open) {
                return self.poll_end(&mut output);
            }
            if is_pending {
                // A ping may have become due.
                if let Poll::Ready(Err(error)) = output.poll_flush() {
                    return self.fail(&mut output, error);
                }
                self.release(&mut output);
                return Poll::Pending;
            }
        }
    }

    /// Goes on in what is left of the last read.
    fn poll_left_over(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        if !output.writer.has_room() && output.poll_flush().is_pending() && Self::is_held_up(output) {
            return Poll::Pending;
        }
        let found = self.input.lend(|bytes| self.reader.advance(bytes));
        self.answer(output);
        Poll::Ready(found.map_err(Error::from))
    }

    /// Writes what is pending, then reads and looks at what came.
    fn poll_input(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        // All that was read before is looked at by now.
        self.catch_up(output);
        if !matches!(self.stage, Stage::Open) {
            return Poll::Ready(Ok(false));
        }
        let flushed = output.poll_flush();
        if flushed.is_pending() && Self::is_held_up(output) {
            return Poll::Pending;
        }
        let mut scratch = SCRATCH.take();
        scratch.resize(SIZE, 0);
        let read = output.poll_read(&mut scratch);
        let found = match (read, flushed) {
            (Poll::Ready(Ok(0)), _) => Poll::Ready(self.reader.receive_eof().map(|()| false).map_err(Error::from)),
            (Poll::Ready(Ok(n)), _) => {
                self.read_at = output.io.now().unwrap_or_default();
                self.timers.received(self.read_at);
                let (mut bytes, _) = scratch.split_at_mut(n);
                let found = self.reader.advance(&mut bytes);
                self.input.keep(bytes);
                self.answer(output);
                Poll::Ready(found.map_err(Error::from))
            }
            // That it cannot be told anything is the news once all that it said was read.
            (Poll::Ready(Err(error)), _) | (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
            (Poll::Pending, _) => Poll::Pending,
        };
        SCRATCH.set(scratch);
        found
    }

    /// A peer that does not read is not read from either, for whoever only queues answers and could not queue more. But
    /// while somebody waits for it in a method of the sender, it may be waiting likewise.
    fn is_held_up(output: &Output<T>) -> bool {
        let queues = output.sending == Sending::Queues && output.half == Half::Receiver;
        queues && !output.writer.has_room() && !output.writer.is_closed()
    }

    /// Sends what the reader owes, and takes note of a pong.
    fn answer(&mut self, output: &mut Output<T>) {
        if let Some(Event::Pong(payload)) = self.reader.event() {
            self.timers.pong(payload, self.read_at);
        }
        if let Some(reply) = self.reader.take_reply() {
            output.answer(reply);
            // What cannot be written now is, before the next read.
            let _ = output.poll_flush();
        }
    }

    /// Does what is due now, and is woken for what will be.
    fn poll_timers(&mut self, output: &mut Output<T>) {
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
    fn catch_up(&mut self, output: &mut Output<T>) {
        if !self.note_closing(output) {
            return;
        }
        while let Some(due) = self.timers.due(self.read_at) {
            self.act(output, due);
        }
    }

    /// Begins the deadline for closing, if it is time. False without a clock.
    fn note_closing(&mut self, output: &Output<T>) -> bool {
        let now = output.io.now();
        if let Some(now) = now
            && (output.writer.is_closed() || !matches!(self.stage, Stage::Open))
        {
            self.timers.closing(now);
        }
        now.is_some()
    }

    fn act(&mut self, output: &mut Output<T>, due: Due) {
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
    fn give_up(&mut self, output: &mut Output<T>) {
        let outcome = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ending(_, outcome) => outcome,
            Stage::Open | Stage::Over => Ok(()),
        };
        let late = self.reader.receive_eof().is_err();
        self.stage = Stage::Ending(Step::Late, if late { Err(Error::TimedOut) } else { outcome });
        self.over(output);
    }

    /// The stream failed.
    fn fail(&mut self, output: &mut Output<T>, error: io::Error) -> Poll<Result<bool, Error>> {
        let _ = self.reader.receive_eof();
        self.stage = Stage::Over;
        self.over(output);
        Poll::Ready(Err(error.into()))
    }

    /// Nothing can be sent, and nothing is due, from now on.
    fn over(&mut self, output: &mut Output<T>) {
        self.timers.closed();
        output.over = true;
        self.shared.wake(Half::Sender);
    }

    /// The end, step by step. The news is how the connection ended; that the stream failed afterwards is not.
    fn poll_end(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        while let Stage::Ending(step, outcome) = &self.stage {
            let (step, is_clean) = (*step, outcome.is_ok());
            let next = ready!(self.poll_step(output, step, is_clean));
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
    fn poll_step(&mut self, output: &mut Output<T>, step: Step, is_clean: bool) -> Poll<Option<Step>> {
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
                ready!(self.poll_drain(output));
                is_clean.then_some(Step::Close)
            }
            Step::Late => {
                let _ = output.poll_close();
                None
            }
        })
    }

    /// Reads to the end of the stream, and looks at nothing.
    fn poll_drain(&mut self, output: &mut Output<T>) -> Poll<()> {
        if self.reader.is_eof() {
            return Poll::Ready(());
        }
        let mut scratch = SCRATCH.take();
        scratch.resize(SIZE, 0);
        let read = loop {
            match output.poll_read(&mut scratch) {
                Poll::Ready(Ok(1..)) => {}
                read => break read,
            }
        };
        SCRATCH.set(scratch);
        ready!(read).ok();
        let _ = self.reader.receive_eof();
        Poll::Ready(())
    }

    /// While it waits, a connection holds no buffers.
    fn release(&mut self, output: &mut Output<T>) {
        self.input.release();
        self.reader.release();
        output.writer.release();
    }
}

impl<T: Io + Unpin> Stream for Receiver<T> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.poll_advance(cx)) {
            Ok(true) => self.event().map(|event| Ok(event.into())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

thread_local! {
    /// Every connection of a thread reads into the same buffer: what a poll leaves of it is copied.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

const SIZE: usize = 64 << 10;
