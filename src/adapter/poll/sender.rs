//! The sending half of a socket.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_sink::Sink;

use super::Io;
use super::lock::{Guard, Shared};
use super::shared::{Link, Output, Sending};
use super::tasks::Half;
use crate::adapter::Write;
use crate::adapter::error::Error;
use crate::close::CloseCode;
use crate::error::SendError;
use crate::frame::Kind;
use crate::message::Message;
use crate::writer::Writer;

/// The sending half of a [`Socket`](super::Socket).
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Io> Sender<T> {
    pub(super) const fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    sending!();

    /// Says something to the writer, without waiting and without writing. It is written when the other half waits in
    /// [`Receiver::next`](super::Receiver::next), or by the next call that sends. For many small messages at once, and for
    /// messages that had better be refused ([`SendError::Full`]) than wait. While that is so,
    /// [`Receiver::next`](super::Receiver::next) waits, too: who answers each message so, in one task, is never refused.
    ///
    /// # Errors
    ///
    /// As the method of the writer that was called. Nothing was queued then. Behind [`SendError::Closed`],
    /// [`Sender::flush`] says why.
    pub fn queue<R>(&mut self, message: impl FnOnce(&mut Writer) -> Result<R, SendError>) -> Result<R, SendError> {
        self.say(Sending::Queues, message)
    }

    /// Waits until all that is queued is written.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has lost nothing.
    ///
    /// # Errors
    ///
    /// Why the connection is over, if something could not be written for that, or was refused: [`Error::Io`] if a write
    /// failed; [`Error::TimedOut`] if the peer took nothing for too long; whatever else
    /// [`Receiver::next`](super::Receiver::next) returns. Behind a close in order there is none.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush_all(cx)).await
    }

    async fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let mut output = ready!(self.poll_open(cx))?;
            // Under the same lock: else the receiver's answers might take the room.
            let sent = message.take().map_or(Ok(()), |message| output.send(message));
            output.leave();
            Poll::Ready(sent)
        })
        .await
    }

    /// Sends a message for which there is room; what the stream does not take is queued.
    pub(super) fn begin(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let mut output = self.shared.output();
        output.check()?;
        output.half = Half::Sender;
        let sent = output.send(message);
        output.leave();
        sent
    }

    /// As [`Sender::queue`], for who sends so.
    pub(super) fn say<R>(
        &mut self,
        sending: Sending,
        message: impl FnOnce(&mut Writer) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        self.say_to(sending, |output| message(&mut output.writer))
    }

    fn say_to<R>(
        &mut self,
        sending: Sending,
        message: impl FnOnce(&mut Output<T>) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let mut output = self.shared.output();
        output.half = Half::Sender;
        let said = if output.link == Link::Open { message(&mut output) } else { Err(SendError::Closed) };
        if let Err(refused) = &said {
            output.note_refused(*refused);
        }
        output.set_sending(sending);
        if output.writer.is_outgoing() {
            output.wake_receiver(); // which writes it, and begins the deadline for closing
        }
        said
    }

    /// Sends the close frame; it does not wait for room.
    async fn end(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if let Err(refused) = self.say(Sending::Waits, |writer| writer.close(code, reason)) {
            return Err(self.refusal(refused));
        }
        self.flush().await
    }

    /// Why the connection is over, to somebody who was refused for it.
    pub(super) fn refusal(&self, refused: SendError) -> Error {
        self.shared.output().refusal(refused)
    }

    /// Ready when a message would be taken, and then until it comes.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut output = ready!(self.poll_open(cx))?;
        output.set_sending(Sending::Promised);
        Poll::Ready(Ok(()))
    }

    /// The output, once there is room in it.
    fn poll_open(&self, cx: &Context<'_>) -> Poll<Result<Guard<'_, T>, Error>> {
        let mut output = self.shared.poll(Half::Sender, cx);
        output.set_sending(Sending::Waits);
        while output.link == Link::Open && !output.writer.has_room() && !output.writer.is_closed() {
            if output.poll_write().is_pending() {
                output.poll_patience();
                if output.link == Link::Open {
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(output.check().map(|()| output))
    }

    pub(super) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut output = self.shared.poll(Half::Sender, cx);
        output.set_sending(Sending::Waits);
        let mut flushed = output.poll_flush();
        if flushed.is_pending() {
            output.poll_patience();
            if output.link == Link::Open {
                return Poll::Pending;
            }
            flushed = output.poll_flush();
        }
        output.leave();
        flushed
    }

    /// The one message for which there was room when the sink was asked is taken, whoever took that since.
    pub(super) fn queue_message(&mut self, message: &Message) -> Result<(), SendError> {
        let say = |writer: &mut Writer| match message {
            Message::Text(text) => writer.text(text),
            Message::Binary(bytes) => writer.binary(bytes),
            Message::Ping(payload) => writer.ping(payload),
            Message::Pong(payload) => writer.pong(payload),
            Message::Close(Some((code, reason))) => writer.close(*code, reason),
            Message::Close(None) => {
                writer.close_without_code();
                Ok(())
            }
        };
        self.say_to(Sending::Waits, |output| match output.sending {
            Sending::Promised => output.writer.past_mark(say),
            Sending::Waits | Sending::Queues => say(&mut output.writer),
        })
    }
}

impl<T: Io + Unpin> Sink<Message> for Sender<T> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.queue_message(&message).map_err(|refused| self.refusal(refused))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush_all(cx)
    }

    /// Sends the close frame. The other half comes to its end when the peer has answered.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = self.say(Sending::Waits, |writer| writer.close(CloseCode::NORMAL, "")); // or it is over
        self.poll_flush_all(cx)
    }
}
