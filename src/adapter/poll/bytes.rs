//! A stream of bytes over binary messages.

use core::task::{Context, Poll, ready};
use std::io;

use super::shared::Sending;
use super::{Error, Io, Socket};
use crate::close::CloseCode;
use crate::reader::Event;

/// Bytes in both directions, carried by binary messages whose borders mean nothing: for tunnels. Made by
/// [`Socket::into_bytes`]; implements the reading and writing traits of the runtime of `T`.
///
/// Text messages are read as their bytes. The end is the peer's close frame; one without it is an error. It is the end
/// of both directions: there is no half of a close, so whoever ends it first loses what is still on its way back.
#[derive(Debug)]
pub struct Bytes<T> {
    socket: Socket<T>,
    /// How much of the message at hand is read.
    read: usize,
    at_hand: bool,
}

impl<T: Io> Bytes<T> {
    pub(super) const fn new(socket: Socket<T>) -> Self {
        Self { socket, read: 0, at_hand: false }
    }

    /// The socket, for whoever goes on with messages. What is left of the one at hand is lost.
    #[must_use]
    pub fn into_inner(self) -> Socket<T> {
        self.socket
    }

    /// Hands `take` the next bytes; it says how many it took. None are left at the end.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            let rest = self.rest();
            if !rest.is_empty() {
                let n = take(rest);
                #[expect(clippy::arithmetic_side_effects, reason = "`take` takes no more than it is handed")]
                {
                    self.read += n;
                }
                return Poll::Ready(Ok(n));
            }
            (self.at_hand, self.read) = (false, 0);
            match ready!(self.socket.poll_advance(cx)) {
                Ok(true) => self.at_hand = true,
                Ok(false) => return Poll::Ready(Ok(0)),
                Err(error) => return Poll::Ready(Err(into_io(error))),
            }
        }
    }

    /// Queues the first of `bytes` as a message, and begins to write it.
    pub(crate) fn poll_give(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (message, _) = bytes.split_at(bytes.len().min(LONGEST));
        if message.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.hold();
        ready!(self.socket.poll_room(cx)).map_err(into_io)?;
        self.socket.say(Sending::Waits, |writer| writer.binary(message)).map_err(|error| into_io(error.into()))?;
        match self.poll_flush_all(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(message.len())),
        }
    }

    pub(crate) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.hold();
        self.socket.poll_flush_all(cx).map_err(into_io)
    }

    pub(crate) fn poll_close_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.socket.say(Sending::Waits, |writer| writer.close(CloseCode::NORMAL, "")); // or it is over
        self.poll_flush_all(cx)
    }

    /// What is not read yet of the message at hand.
    fn rest(&self) -> &[u8] {
        let bytes = match self.socket.event() {
            Some(Event::Binary(bytes)) if self.at_hand => bytes,
            Some(Event::Text(text)) if self.at_hand => text.as_bytes(),
            _ => &[],
        };
        bytes.split_at(self.read).1
    }

    /// Keeps what is left of the message at hand while others are read.
    fn hold(&mut self) {
        if self.rest().is_empty() {
            (self.at_hand, self.read) = (false, 0);
        } else {
            self.socket.hold();
        }
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::Protocol(crate::error::Error::UnexpectedEof) => io::ErrorKind::UnexpectedEof.into(),
        Error::TimedOut => io::ErrorKind::TimedOut.into(),
        Error::Send(_) => io::Error::new(io::ErrorKind::BrokenPipe, error),
        _ => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

const LONGEST: usize = 64 << 10;
