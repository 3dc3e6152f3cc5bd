//! `sockudo-ws` as its README has an echo loop: answers are fed, and written before it reads again. The configuration is
//! the default.

use std::net::TcpListener;

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::{Config, Message, WebSocketStream};
use tokio::net::TcpStream;

use super::handshake;
use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(mut stream: TcpStream) -> Ended {
    handshake::accept(&mut stream).await?;
    let mut socket = WebSocketStream::server(stream, Config::default());
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.feed(message).await?,
            Message::Close(_) => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}
