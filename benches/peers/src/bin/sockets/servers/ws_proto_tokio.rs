//! `ws-proto` on its driver for tokio, with all events of a read handed to one function, as its example of an echo server
//! has it. What that says is written when all that has arrived is looked at.

use std::net::TcpListener;

use tokio::net::TcpStream;
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, Writer, tokio as ws};

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(stream: TcpStream) -> Ended {
    let mut socket = ws::accept(stream, OriginPolicy::Any, &Config::new()).await?;
    let answer = |event: Event<'_>, writer: &mut Writer| match event {
        Event::Text(text) => writer.text(text),
        Event::Binary(bytes) => writer.binary(bytes),
        _ => Ok(()),
    };
    Ok(socket.for_each(answer).await?)
}
