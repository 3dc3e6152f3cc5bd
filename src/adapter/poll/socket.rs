//! Both halves in one.

use alloc::string::String;
use alloc::sync::Arc;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;

use super::lock::Shared;
use super::shared::{Output, Sending};
use super::{Bytes, Error, Io, Receiver, Sender};
use crate::adapter::Write;
use crate::close::CloseCode;
use crate::config::Config;
use crate::connection::{Closed, Connection};
#[cfg(feature = "deflate")]
use crate::deflate::Agreement;
use crate::error::SendError;
use crate::frame::Kind;
use crate::message::Message;
use crate::reader::Event;
use crate::timers::Timers;
use crate::writer::Writer;

/// A WebSocket connection over `T`.
///
/// Also a [`Stream`] and a [`Sink`] of [`Message`], for whoever wants combinators more than messages that are lent.
#[derive(Debug)]
pub struct Socket<T> {
    receiver: Receiver<T>,
    sender: Sender<T>,
    protocol: Option<String>,
    #[cfg(feature = "deflate")]
    agreement: Option<Agreement>,
}

impl<T: Io> Socket<T> {
    /// A socket after a handshake made elsewhere; `input` is what the peer has sent since.
    #[must_use]
    pub fn new(io: T, connection: Connection, input: &[u8], config: &Config) -> Self {
        let now = io.now().unwrap_or_default();
        let mut timers = Timers::new(config, now);
        timers.opened(now);
        let (reader, writer) = connection.into_split();
        let shared = Arc::new(Shared::new(Output::new(io, writer, timers, config)));
        let receiver = Receiver::new(reader, input, config, Arc::clone(&shared));
        Self {
            receiver,
            sender: Sender::new(shared),
            protocol: None,
            #[cfg(feature = "deflate")]
            agreement: None,
        }
    }

    /// Waits for the next event, as [`Receiver::next`]. To answer it while it is lent, [`Socket::split`] first.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing.
    ///
    /// # Errors
    ///
    /// As [`Receiver::next`].
    pub async fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.receiver.next().await
    }

    /// Hands each event to `handle`, as [`Receiver::for_each`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing.
    ///
    /// # Errors
    ///
    /// As [`Receiver::for_each`].
    pub async fn for_each(
        &mut self,
        handle: impl FnMut(Event<'_>, &mut Writer) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.receiver.for_each(handle).await
    }

    sending!();

    /// As [`Sender::queue`].
    ///
    /// # Errors
    ///
    /// As [`Sender::queue`].
    pub fn queue<R>(&mut self, message: impl FnOnce(&mut Writer) -> Result<R, SendError>) -> Result<R, SendError> {
        self.sender.queue(message)
    }

    /// Waits until all that is queued is written. Meanwhile, as in every sending method here, pings are answered, and what
    /// arrives is kept for [`Socket::next`]: all events, in order, until they are
    /// [`Config::max_unread`](crate::Config::max_unread) bytes. Then nothing more is read, and a peer that likewise only
    /// sends waits as this end does: both give up when nothing moves for the time of
    /// [`Config::keepalive`](crate::Config::keepalive) and [`Config::pong_timeout`](crate::Config::pong_timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing.
    ///
    /// # Errors
    ///
    /// As [`Sender::flush`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush_all(cx)).await
    }

    /// Both halves, for one task or two.
    #[must_use]
    pub fn split(self) -> (Receiver<T>, Sender<T>) {
        (self.receiver, self.sender)
    }

    /// A stream of bytes over binary messages, for tunnels.
    #[must_use]
    pub const fn into_bytes(self) -> Bytes<T> {
        Bytes::new(self)
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        self.receiver.closed()
    }

    /// The subprotocol that was agreed.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// What both ends agreed on for compression, if they did, in the handshake that made this socket.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn agreement(&self) -> Option<Agreement> {
        self.agreement
    }

    /// The time that the last answered keepalive ping took to come back.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.receiver.round_trip()
    }

    pub(super) fn with_protocol(mut self, protocol: Option<&str>) -> Self {
        self.protocol = protocol.map(String::from);
        self
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn with_agreement(mut self, agreement: Option<Agreement>) -> Self {
        self.agreement = agreement;
        self
    }

    async fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        self.sender.begin(message)
    }

    async fn end(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if let Err(refused) = self.say(Sending::Waits, |writer| writer.close(code, reason)) {
            return Err(self.sender.refusal(refused));
        }
        self.flush().await
    }

    pub(super) fn say<R>(
        &mut self,
        sending: Sending,
        message: impl FnOnce(&mut Writer) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        self.sender.say(sending, message)
    }

    pub(super) fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.receiver.poll_advance(cx)
    }

    pub(super) fn event(&self) -> Option<Event<'_>> {
        self.receiver.event()
    }

    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.receiver.attend(cx);
        self.sender.poll_room(cx)
    }

    pub(super) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.receiver.attend(cx);
        self.sender.poll_flush_all(cx)
    }

    /// Keeps the event at hand as long as it is lent, so that others can be read.
    pub(super) fn hold(&mut self) {
        self.receiver.hold();
    }

    /// Sends the close frame and receives until the end. What comes before it is dropped.
    pub(super) fn poll_close_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = self.say(Sending::Waits, |writer| writer.close(CloseCode::NORMAL, "")); // or it is over
        while ready!(self.poll_advance(cx))? {}
        Poll::Ready(Ok(()))
    }
}

impl<T: Io + Unpin> Stream for Socket<T> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}

impl<T: Io + Unpin> Sink<Message> for Socket<T> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.sender.queue_message(&message).map_err(|refused| self.sender.refusal(refused))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush_all(cx)
    }

    /// Sends the close frame and waits for the peer's. Messages that are still on their way are dropped.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_close_all(cx)
    }
}
