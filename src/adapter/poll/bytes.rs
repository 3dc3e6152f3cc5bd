//! A stream of bytes over binary messages.

use core::task::{Context, Poll, ready};
use std::io;

use super::{Error, Io, Socket};
use crate::reader::Event;

/// Bytes in both directions, carried by binary messages whose borders mean nothing: for tunnels. Made by
/// [`Socket::into_bytes`]; implements the reading and writing traits of the runtime of `T`.
///
/// Text messages are read as their bytes. The end is the peer's close frame; one without it is an error.
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
            if self.at_hand {
                let bytes = match self.socket.event() {
                    Some(Event::Binary(bytes)) => bytes,
                    Some(Event::Text(text)) => text.as_bytes(),
                    _ => &[],
                };
                let (_, rest) = bytes.split_at(self.read);
                if !rest.is_empty() {
                    let n = take(rest);
                    self.read += n;
                    return Poll::Ready(Ok(n));
                }
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
        let message = &bytes[..bytes.len().min(LONGEST)];
        // Reading is for the reader: a message that is peeked at now would push out the one at hand.
        ready!(self.socket.poll_room_only(cx)).map_err(into_io)?;
        self.socket.queue(|writer| writer.binary(message)).map_err(|error| into_io(error.into()))?;
        match self.socket.poll_flush_only(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(into_io(error))),
            _ => Poll::Ready(Ok(message.len())),
        }
    }

    pub(crate) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush_only(cx).map_err(into_io)
    }

    pub(crate) fn poll_close_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.socket.queue(|writer| writer.close(crate::close::CloseCode::NORMAL, "")); // or it is over
        match self.socket.poll_flush_only(cx) {
            Poll::Ready(Err(Error::Send(_))) => Poll::Ready(Ok(())),
            flushed => flushed.map_err(into_io),
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
