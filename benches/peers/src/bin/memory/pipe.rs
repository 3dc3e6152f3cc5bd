//! The transport: a wire in memory that is read over and over, and a sink that takes what is written.

use std::cell::{Ref, RefCell};
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;
use wtx::stream::{StreamReader, StreamWriter};

/// The most that one read brings, as a socket's would.
const READ: usize = 64 << 10;

/// The buffers of those who leave the size to their caller. It stays in the nearest cache: all of them are faster with
/// it here than with 64 KiB. Over sockets, where a read costs more, that may be different.
pub(crate) const BUFFER: usize = 16 << 10;

/// What one end wrote. Each write is a copy, as into a socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) {
        self.0.borrow_mut().extend_from_slice(bytes);
    }

    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub(crate) fn bytes(&self) -> Ref<'_, [u8]> {
        Ref::map(self.0.borrow(), Vec::as_slice)
    }
}

/// One end's stream, always ready. Behind the wire's last byte it begins anew, but no read goes over the end: a round
/// of a cell brings the same reads each time.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    wire: Rc<[u8]>,
    at: usize,
    sink: Sink,
}

impl Pipe {
    pub(crate) const fn new(wire: Rc<[u8]>, sink: Sink) -> Self {
        Self { wire, at: 0, sink }
    }

    #[inline]
    pub(crate) fn pull(&mut self, into: &mut [u8]) -> usize {
        if self.at == self.wire.len() {
            self.at = 0;
        }
        let rest = &self.wire[self.at..];
        let n = rest.len().min(into.len()).min(READ);
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        n
    }

    #[inline]
    fn push_all(&self, slices: &[IoSlice<'_>]) -> usize {
        slices.iter().map(|slice| (self.sink.write(slice), slice.len()).1).sum()
    }
}

impl Read for Pipe {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.pull(into))
    }
}

impl Write for Pipe {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.push_all(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tokio::io::AsyncRead for Pipe {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.at == this.wire.len() {
            this.at = 0;
        }
        // Not through `pull`: what is not written to yet would have to be zeroed first.
        let rest = &this.wire[this.at..];
        let n = rest.len().min(into.remaining()).min(READ);
        into.put_slice(&rest[..n]);
        this.at += n;
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Pipe {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(bytes))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.push_all(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_util::AsyncRead for Pipe {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.get_mut().pull(into)))
    }
}

impl futures_util::AsyncWrite for Pipe {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(bytes))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.push_all(slices)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl StreamReader for Pipe {
    #[inline]
    async fn read(&mut self, into: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.pull(into))
    }
}

impl StreamWriter for Pipe {
    #[inline]
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.sink.write(bytes);
        Ok(())
    }

    #[inline]
    async fn write_all_vectored(&mut self, slices: &[&[u8]]) -> wtx::Result<()> {
        for bytes in slices {
            self.sink.write(bytes);
        }
        Ok(())
    }
}

/// Runs a future to its end, which never has to wait for the transport.
#[inline]
pub(crate) fn drive<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..YIELDS {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a future waits although its stream is ready");
}

/// A library may let other tasks run now and then.
const YIELDS: usize = 100_000;
