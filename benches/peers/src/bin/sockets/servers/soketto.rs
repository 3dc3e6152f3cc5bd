//! `soketto` as in its example of a server, buffered in both directions and answering from the buffer it has read to;
//! but flushed only when no further message is there.

use std::net::TcpListener;
use std::pin::pin;
use std::task::Poll;

use futures_util::io::{BufReader, BufWriter};
use futures_util::poll;
use soketto::Data;
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::tokio::{self as runtime, Ended};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    runtime::run(listener, echo)
}

async fn echo(stream: TcpStream) -> Ended {
    let mut server = Server::new(BufReader::new(BufWriter::new(stream.compat())));
    let key = server.receive_request().await?.key();
    server.send_response(&Response::Accept { key, protocol: None }).await?;
    let (mut sender, mut receiver) = server.into_builder().finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        let data = {
            let mut next = pin!(receiver.receive_data(&mut message));
            match poll!(next.as_mut()) {
                Poll::Ready(data) => data?,
                Poll::Pending => {
                    sender.flush().await?;
                    next.await?
                }
            }
        };
        match data {
            Data::Binary(_) => sender.send_binary_mut(&mut message).await?,
            Data::Text(_) => sender.send_text(str::from_utf8(&message)?).await?,
        }
    }
}
