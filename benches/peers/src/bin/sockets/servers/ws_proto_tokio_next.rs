//! `ws-proto` on its driver for tokio, event by event. Answers are queued, and written when all that has arrived is read.

use std::net::TcpListener;

use tokio::net::TcpStream;
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, tokio as ws};

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(stream: TcpStream) -> Ended {
    let socket = ws::accept(stream, OriginPolicy::Any, &Config::new()).await?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text))?,
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes))?,
            _ => {}
        }
    }
    Ok(())
}
