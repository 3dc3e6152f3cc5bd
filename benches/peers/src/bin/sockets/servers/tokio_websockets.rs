//! `tokio-websockets` as in its example of an echo server, a message in and a message out, exempt from tokio's budget.
//! It would write before each message that it looks for even if several were fed.

use std::net::TcpListener;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_websockets::{Config, Limits, ServerBuilder};

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, |stream| unconstrained(echo(stream)))
}

async fn echo(stream: TcpStream) -> Ended {
    let config = Config::default().frame_size(usize::MAX);
    let server = ServerBuilder::new().config(config).limits(Limits::unlimited());
    let (_, mut socket) = server.accept(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
