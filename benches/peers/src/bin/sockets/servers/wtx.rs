//! `wtx` on its support for tokio: a frame in and a frame out, without copying what lies in its own buffer. It has no
//! way to write several messages at once.

use std::net::TcpListener;

use tokio::net::TcpStream;
use wtx::collection::Vector;
use wtx::web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin};

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(stream: TcpStream) -> Ended {
    let mut socket = WebSocketAcceptor::default().accept(stream).await?;
    let (mut common, mut reader, mut writer) = socket.split_mut();
    let mut buffer = Vector::new();
    loop {
        let mut frame = reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await?;
        match frame.op_code() {
            OpCode::Binary | OpCode::Text => writer.write_frame(&mut common, &mut frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
        buffer.clear();
    }
}
