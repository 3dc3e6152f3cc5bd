//! What comes goes out again, from where it was read to: a buffer that all connections share, since none has to wait
//! with it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(mut stream: TcpStream) -> Ended {
    while let Some(rest) = poll_fn(|cx| poll_pass(&mut stream, cx)).await? {
        stream.write_all(&rest).await?;
    }
    Ok(())
}

/// Reads and writes once; what could not be written, or nothing at the end.
fn poll_pass(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, std::io::Error>> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        if bytes.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let n = match stream.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            written => written?,
        };
        Poll::Ready(Ok(Some(bytes[n..].to_vec())))
    })
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}
