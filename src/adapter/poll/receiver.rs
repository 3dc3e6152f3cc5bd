//! The receiving half of a socket.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::thread_local;

use futures_core::Stream;

use super::Io;
use super::shared::{Half, Output, Shared};
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
    shared: Arc<Shared<T>>,
    /// What was found while something was sent.
    peeked: Option<Result<bool, Error>>,
    stage: Stage,
}

/// Where the end of a connection stands.
#[derive(Debug)]
enum Stage {
    Open,
    /// Writing the last bytes, then ending the stream, then waiting for the peer to do so; and what to report then.
    Flushing(Result<(), Error>),
    Closing(Result<(), Error>),
    Draining(Result<(), Error>),
    Over,
}

impl<T: Io> Receiver<T> {
    pub(super) fn new(reader: Reader, input: &[u8], timers: Timers, shared: Arc<Shared<T>>) -> Self {
        Self { reader, input: Input::holding(input), timers, shared, peeked: None, stage: Stage::Open }
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
            None => self.poll_event(cx),
        }
    }

    /// Looks for a message, so that pings are answered while something is sent. What it finds is kept for later.
    pub(super) fn peek(&mut self, cx: &mut Context<'_>) {
        while self.peeked.is_none() {
            match self.poll_event(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(true)) if matches!(self.event(), Some(Event::Ping(_) | Event::Pong(_))) => {}
                Poll::Ready(found) => self.peeked = Some(found),
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let mut ready = self.input.lend(|bytes| self.reader.advance(bytes));
        loop {
            let shared = Arc::clone(&self.shared);
            let mut output = shared.poll(Half::Receiver, cx);
            self.answer(&mut output);
            match ready {
                Ok(true) => return Poll::Ready(Ok(true)),
                Ok(false) => {}
                Err(error) => self.end(Err(error.into())),
            }
            if self.reader.is_closed() && matches!(self.stage, Stage::Open) {
                self.end(Ok(()));
            }
            self.poll_timers(&mut output, cx);
            if !matches!(self.stage, Stage::Open) {
                return self.poll_end(&mut output);
            }
            let n = match self.poll_input(&mut output) {
                Poll::Ready(Ok(n)) => n,
                Poll::Ready(Err(error)) => {
                    output.over = true;
                    self.stage = Stage::Over;
                    shared.wake(Half::Sender);
                    return Poll::Ready(Err(error.into()));
                }
                Poll::Pending => {
                    self.release(&mut output);
                    return Poll::Pending;
                }
            };
            ready = n;
        }
    }

    /// Writes what is pending, then reads and looks at what came: `Ok(Ok(true))` is an event.
    fn poll_input(&mut self, output: &mut Output<T>) -> Poll<std::io::Result<Result<bool, crate::error::Error>>> {
        if let Poll::Ready(Err(error)) = output.poll_flush() {
            return Poll::Ready(Err(error));
        }
        // A peer that does not read is not read from either: else what is owed to it would pile up.
        if !output.writer.has_room() {
            return Poll::Pending;
        }
        let mut scratch = SCRATCH.take();
        scratch.resize(SIZE, 0);
        let read = output.poll_read(&mut scratch);
        let ready = read.map_ok(|n| {
            if n == 0 {
                return self.reader.receive_eof().map(|()| false);
            }
            if let Some(now) = output.io.now() {
                self.timers.received(now);
            }
            let (mut bytes, _) = scratch.split_at_mut(n);
            let ready = self.reader.advance(&mut bytes);
            self.input.keep(bytes);
            ready
        });
        SCRATCH.set(scratch);
        ready
    }

    /// Sends what the reader owes, and takes note of a pong.
    fn answer(&mut self, output: &mut Output<T>) {
        if let Some(Event::Pong(payload)) = self.reader.event()
            && let Some(now) = output.io.now()
        {
            self.timers.pong(payload, now);
        }
        if let Some(reply) = self.reader.take_reply() {
            output.writer.reply(reply);
            // What cannot be written now is, before the next read.
            let _ = output.poll_flush();
        }
    }

    fn poll_timers(&mut self, output: &mut Output<T>, cx: &mut Context<'_>) {
        let Some(now) = output.io.now() else {
            return;
        };
        if output.writer.is_closed() {
            self.timers.closing(now);
        }
        while let Some(deadline) = self.timers.next() {
            if output.io.poll_sleep(cx, deadline).is_pending() {
                return;
            }
            let now = output.io.now().unwrap_or(deadline).max(deadline);
            match self.timers.due(now) {
                Some(Due::Ping(payload)) => {
                    let _ = output.writer.ping(&payload); // at the high-water mark the peer is slow enough to tell
                }
                Some(Due::Idle) => {
                    let _ = output.writer.close(CloseCode::GOING_AWAY, "idle");
                    self.timers.closing(now);
                }
                Some(Due::Pong) => {
                    let _ = output.writer.close(CloseCode::INTERNAL, "no pong");
                    let _ = output.poll_flush();
                    self.give_up();
                }
                Some(_) => self.give_up(),
                None => {}
            }
        }
    }

    /// Begins the end of the connection.
    fn end(&mut self, outcome: Result<(), Error>) {
        self.stage = Stage::Flushing(outcome);
    }

    /// The other end took too long.
    fn give_up(&mut self) {
        self.timers.closed();
        let late = !self.reader.is_closed();
        let _ = self.reader.receive_eof();
        let outcome = match core::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Flushing(outcome) | Stage::Closing(outcome) | Stage::Draining(outcome) => outcome,
            Stage::Open | Stage::Over => Ok(()),
        };
        self.stage = Stage::Draining(if late { outcome.and(Err(Error::TimedOut)) } else { outcome });
    }

    /// Section 7.1.1: the last bytes out, the sending side ended, and read until the peer has ended its own. The news
    /// is how the connection ended; that the stream failed afterwards is not.
    fn poll_end(&mut self, output: &mut Output<T>) -> Poll<Result<bool, Error>> {
        if let Some(now) = output.io.now() {
            self.timers.closing(now);
        }
        loop {
            let stage = core::mem::replace(&mut self.stage, Stage::Over);
            self.stage = match stage {
                Stage::Flushing(outcome) => {
                    if output.poll_flush().is_pending() {
                        self.stage = Stage::Flushing(outcome);
                        return Poll::Pending;
                    }
                    let waits = self.reader.role() == Role::Client && outcome.is_ok();
                    if waits { Stage::Draining(outcome) } else { Stage::Closing(outcome) }
                }
                Stage::Closing(outcome) => {
                    if output.poll_close().is_pending() {
                        self.stage = Stage::Closing(outcome);
                        return Poll::Pending;
                    }
                    // Unread input would make the end of the stream a reset, and lose what was written last.
                    let lingers = outcome.is_err() && output.io.now().is_some();
                    if lingers { Stage::Draining(outcome) } else { return self.over(output, outcome) }
                }
                Stage::Draining(outcome) => {
                    if !self.reader.is_eof() && self.drain(output).is_pending() {
                        self.stage = Stage::Draining(outcome);
                        return Poll::Pending;
                    }
                    return self.over(output, outcome);
                }
                Stage::Open | Stage::Over => return Poll::Ready(Ok(false)),
            };
        }
    }

    fn over(&mut self, output: &mut Output<T>, outcome: Result<(), Error>) -> Poll<Result<bool, Error>> {
        self.stage = Stage::Over;
        self.timers.closed();
        output.over = true;
        self.shared.wake(Half::Sender);
        let _ = output.poll_close();
        Poll::Ready(outcome.map(|()| false))
    }

    fn drain(&mut self, output: &mut Output<T>) -> Poll<()> {
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
