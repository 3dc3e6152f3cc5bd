//! `fastwebsockets` as in its example of an echo server, a frame in and a frame out, exempt from tokio's budget. It has
//! no way to write several messages at once.

use std::net::TcpListener;

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

use super::handshake;
use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, |stream| unconstrained(echo(stream)))
}

async fn echo(mut stream: TcpStream) -> Ended {
    handshake::accept(&mut stream).await?;
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}
