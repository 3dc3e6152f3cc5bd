//! `web-socket` as in its README, over a stream that is buffered in both directions, since it reads each part of a
//! header by itself; flushed when the buffer of what was read is empty.

use std::net::TcpListener;

use tokio::io::{BufReader, BufWriter};
use tokio::net::TcpStream;
use web_socket::{DataType, Event, MessageType, WebSocket};

use super::handshake;
use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(mut stream: TcpStream) -> Ended {
    handshake::accept(&mut stream).await?;
    let mut socket = WebSocket::server(BufReader::new(BufWriter::new(stream)));
    loop {
        match socket.recv_event().await? {
            Event::Data { ty: DataType::Complete(MessageType::Binary), data } => socket.send(&*data).await?,
            Event::Data { ty: DataType::Complete(MessageType::Text), data } => {
                socket.send(str::from_utf8(&data)?).await?;
            }
            Event::Data { .. } => return Err("it does not put fragments together".into()),
            Event::Ping(payload) => socket.send_pong(payload).await?,
            Event::Pong(_) => {}
            Event::Error(error) => return Err(error.into()),
            Event::Close { .. } => return Ok(socket.close(()).await?),
        }
        if socket.stream.buffer().is_empty() {
            socket.flash().await?;
        }
    }
}
