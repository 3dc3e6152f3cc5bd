//! `yawc` with the buffers of its own benchmark, which reads up to 128 KiB at once and bounds what waits to be written
//! to 64 KiB; forwarded, so that answers are flushed when no further message is there.

use std::net::TcpListener;

use futures_util::{StreamExt, TryStreamExt, future};
use tokio::net::TcpStream;
use yawc::{OpCode, Options, Role, WebSocket};

use super::handshake;
use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(mut stream: TcpStream) -> Ended {
    handshake::accept(&mut stream).await?;
    let options = Options::default().with_read_buffer_capacity(128 << 10).with_backpressure_boundary(64 << 10);
    let (sender, receiver) = WebSocket::from_stream(stream, Role::Server, options)?.split();
    let is_message = |code| matches!(code, OpCode::Text | OpCode::Binary);
    let messages = receiver.map(Ok).try_filter(|frame| future::ready(is_message(frame.opcode())));
    Ok(messages.forward(sender).await?)
}
