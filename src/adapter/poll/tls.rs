//! TLS over any [`Io`], as its client. rustls is a machine without I/O too: here are its bytes carried.

use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};

use super::Io;
use crate::adapter::session::Session;

#[derive(Debug)]
pub(super) struct Tls<T> {
    io: T,
    session: Session,
    is_closing: bool,
}

impl<T: Io> Tls<T> {
    pub(super) const fn new(io: T, session: Session) -> Self {
        Self { io, session, is_closing: false }
    }

    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..READS {
            ready!(self.poll_send(cx))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        end_turn(cx)
    }

    /// Reads once, and lets the session look at it. Zero is the end of the stream.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let n = ready!(into_poll(self.session.read_tls(&mut Now { io: &mut self.io, cx })))?;
        if let Err(error) = self.session.process_new_packets() {
            let _ = self.poll_send(cx); // the alert that tells the peer
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(n))
    }

    /// Writes what the session has encrypted.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            if ready!(into_poll(self.session.write_tls(&mut Now { io: &mut self.io, cx })))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        self.io.poll_flush(cx)
    }
}

impl<T: Io> Io for Tls<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        for _ in 0..READS {
            if let ready @ Poll::Ready(_) = into_poll(self.session.reader().read(buffer)) {
                return ready;
            }
            if self.session.wants_write() {
                let _ = self.poll_send(cx); // an answer of TLS itself; if it fails, so does the next write
            }
            ready!(self.poll_receive(cx))?;
        }
        end_turn(cx)
    }

    /// What is taken is written now, or by the next call, which takes nothing before that.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let n = self.session.writer().write_vectored(slices)?;
        let _ = self.poll_send(cx);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closing {
            self.session.send_close_notify();
            self.is_closing = true;
        }
        ready!(self.poll_send(cx))?;
        self.io.poll_close(cx)
    }

    fn now(&self) -> Option<Duration> {
        self.io.now()
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        self.io.poll_sleep(cx, deadline)
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        self.io.yield_now(cx);
    }
}

/// Lets other tasks run, and comes again at once: records that bring no data could come for ever.
fn end_turn<R>(cx: &Context<'_>) -> Poll<R> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// A stream that would rather fail than wait: what rustls reads from and writes to. Whoever has to wait is woken.
struct Now<'a, 'c, T> {
    io: &'a mut T,
    cx: &'a mut Context<'c>,
}

impl<T: Io> Read for Now<'_, '_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        from_poll(self.io.poll_read(self.cx, buffer))
    }
}

impl<T: Io> Write for Now<'_, '_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        from_poll(self.io.poll_write(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn from_poll(poll: Poll<io::Result<usize>>) -> io::Result<usize> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn into_poll(result: io::Result<usize>) -> Poll<io::Result<usize>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// The most reads in a row that bring no data.
const READS: usize = 32;
