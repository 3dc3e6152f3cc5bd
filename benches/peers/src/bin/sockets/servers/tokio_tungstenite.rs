//! `tokio-tungstenite` as in its example of an echo server: `forward` feeds message after message, and flushes when there
//! is none left of what was read. The buffers have their default sizes, 128 KiB.

use std::net::TcpListener;

use futures_util::{StreamExt, TryStreamExt, future};
use tokio::net::TcpStream;

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(stream: TcpStream) -> Ended {
    let (sender, receiver) = tokio_tungstenite::accept_async(stream).await?.split();
    let messages = receiver.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
    Ok(messages.forward(sender).await?)
}
