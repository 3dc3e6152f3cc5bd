//! The receiving half of a socket.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::Stream;

use super::Io;
use super::reading::{Each, One, Take};
use super::shared::{Half, Output, Shared};
use crate::adapter::error::Error;
use crate::adapter::input::Input;
use crate::connection::Closed;
use crate::error::SendError;
use crate::message::Message;
use crate::reader::{Event, Reader};
use crate::timers::Timers;
use crate::writer::Writer;

/// The receiving half of a [`Socket`](super::Socket). It keeps the connection alive: pings are answered, and time-outs
/// noticed, while someone waits in [`Receiver::next`].
#[derive(Debug)]
pub struct Receiver<T> {
    pub(super) reader: Reader,
    pub(super) input: Input,
    pub(super) timers: Timers,
    /// When the stream was read last, if something is or was due then.
    pub(super) read_at: Duration,
    pub(super) shared: Arc<Shared<T>>,
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

    /// Hands each event to `handle`, with the writer for what it says, until the end. Whatever has arrived is looked at
    /// before what was said is written: the least work for a message, since none is copied and many make one write. At
    /// [`Config::max_pending`](crate::Config::max_pending) it waits until the peer reads.
    ///
    /// `handle` runs under the lock that both halves share: it should be quick, and with the [`Sender`](super::Sender) in
    /// its hands it would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing: the next call goes on where it was.
    ///
    /// # Errors
    ///
    /// As [`Receiver::next`]; [`Error::Send`] with what `handle` returns, and then it can be called again.
    pub async fn for_each(
        &mut self,
        handle: impl FnMut(Event<'_>, &mut Writer) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let mut each = Each::new(handle);
        poll_fn(|cx| {
            if let Some(over) = self.peeked.take_if(|found| !matches!(found, Ok(true))) {
                return Poll::Ready(over);
            }
            let found = ready!(self.poll_event(cx, Half::Receiver, &mut each));
            self.peeked = None; // the end may have come before there was room for it
            Poll::Ready(found)
        })
        .await?;
        each.refused.map_or(Ok(()), |refused| Err(refused.into()))
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
            None => self.poll_event(cx, Half::Receiver, &mut One),
        }
    }

    /// Keeps the connection alive while something is sent: pings are answered, and the first message is kept for
    /// later. With one that is kept, or in use, nothing more is read, and only the deadline for closing is noticed:
    /// what shows that the peer is there may lie behind it.
    pub(super) fn attend(&mut self, cx: &mut Context<'_>, in_use: bool) {
        while !in_use && self.peeked.is_none() {
            match self.poll_event(cx, Half::Sender, &mut One) {
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
    fn poll_event(&mut self, cx: &mut Context<'_>, half: Half, take: &mut impl Take) -> Poll<Result<bool, Error>> {
        let shared = Arc::clone(&self.shared);
        let mut output = shared.poll(half, cx);
        let mut input = self.poll_left_over(&mut output, take);
        loop {
            if let (Stage::Open, Poll::Ready(Ok(false)), false) = (&self.stage, &input, self.reader.is_closed()) {
                input = if self.input.rest().is_empty() {
                    self.poll_input(&mut output, take)
                } else {
                    self.poll_left_over(&mut output, take)
                };
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

    /// While it waits, a connection holds no buffers, but for a message that was not handed over.
    fn release(&mut self, output: &mut Output<T>) {
        self.input.release();
        if self.peeked.is_none() {
            self.reader.release();
        }
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
