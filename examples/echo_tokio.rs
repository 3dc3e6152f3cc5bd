//! Echoes every message on every path, a task of tokio for each connection. The options are those of `echo`.

mod common;

use std::error::Error;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, tokio as ws};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config } = common::Options::from_args()?;
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let config = config.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &config).await {
                        eprintln!("{error}");
                    }
                });
            }
            // Out of files, most likely: wait until some connection ends.
            Err(error) => {
                eprintln!("accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, config: &Config) -> Result<(), ws::Error> {
    stream.set_nodelay(true)?;
    // Echoing keeps no secret, so pages of any origin may connect.
    let socket = ws::accept(stream, OriginPolicy::Any, config).await?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        // Queued, and written when all that has arrived is read: many small messages make one write.
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text))?,
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes))?,
            _ => {} // pings and the close frame are answered
        }
    }
    Ok(())
}
