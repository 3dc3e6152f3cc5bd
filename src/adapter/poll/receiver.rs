//! The receiving half of a socket.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::Stream;

use super::Io;
use super::inbound::Inbound;
use super::lock::Shared;
use super::reading::{Buffers, Each, One, Take};

use super::tasks::Half;
use crate::adapter::error::Error;
use crate::config::Config;
use crate::connection::Closed;
use crate::error::SendError;
use crate::message::Message;
use crate::reader::{Event, Reader};
use crate::writer::Writer;

/// The receiving half of a [`Socket`](super::Socket). It keeps the connection alive: pings are answered, and time-outs
/// noticed, while someone waits in [`Receiver::next`].
#[derive(Debug)]
pub struct Receiver<T> {
    inbound: Inbound,
    max_unread: usize,
    shared: Arc<Shared<T>>,
}

impl<T: Io> Receiver<T> {
    pub(super) fn new(reader: Reader, input: &[u8], config: &Config, shared: Arc<Shared<T>>) -> Self {
        Self { inbound: Inbound::new(reader, input, config), max_unread: config.max_unread, shared }
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
        Ok(if more { self.inbound.event() } else { None })
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
        poll_fn(|cx| self.poll_event(cx, Half::Receiver, &mut each)).await?;
        each.refused.map_or(Ok(()), |refused| Err(refused.into()))
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        Closed::of(&self.inbound.reader, &self.shared.output().writer)
    }

    /// The time that the last answered keepalive ping took to come back.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.output().timers.round_trip()
    }

    pub(super) fn event(&self) -> Option<Event<'_>> {
        self.inbound.event()
    }

    /// Goes on to the next event; false at the end.
    pub(super) fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll_event(cx, Half::Receiver, &mut One)
    }

    /// Keeps the connection alive while something is sent: what arrives is kept for later, and pings are answered. Once
    /// [`Config::max_unread`](crate::Config::max_unread) bytes are kept, nothing more is read.
    pub(super) fn attend(&mut self, cx: &mut Context<'_>) {
        while !self.inbound.kept.is_full(self.max_unread) {
            match self.poll_event(cx, Half::Sender, &mut One) {
                Poll::Pending => return,
                Poll::Ready(Ok(true)) => self.inbound.keep(),
                Poll::Ready(end) => self.inbound.kept.push_end(end.map(|_| ())),
            }
            self.shared.output().wake_receiver();
        }
    }

    /// Keeps the event at hand as long as it is lent, so that others can be read.
    pub(super) fn hold(&mut self) {
        self.inbound.hold();
    }

    /// For the half that asks: the sender wants to send, and reads so that the peer reads.
    fn poll_event(&mut self, cx: &mut Context<'_>, half: Half, take: &mut impl Take) -> Poll<Result<bool, Error>> {
        let mut output = self.shared.poll(half, cx);
        let mut buffers = Buffers::NONE;
        let found = self.inbound.poll(&mut output, &mut buffers, take);
        buffers.leave(&mut output.writer, found.is_pending());
        if half == Half::Receiver {
            output.receiver_waits = found.is_pending();
        }
        found
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
