//! A runtime of one thread, and a task for each connection.

use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;

use tokio::net::TcpStream;
use tokio::net::unix::pipe::Receiver;
use tokio::runtime::Builder;

use crate::Result;

pub(super) type Ended = Result<(), Box<dyn Error + Send + Sync>>;

pub(super) fn run<F>(listener: TcpListener, echo: impl Fn(TcpStream) -> F + Send + 'static) -> Result<()>
where
    F: Future<Output = Ended> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                // The load breaks connections off; if one ends too early, the load says so.
                tokio::spawn(echo(stream));
            }
        });
        let input = Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
        Ok(input.readable().await?) // nothing is ever written to it
    })
}
