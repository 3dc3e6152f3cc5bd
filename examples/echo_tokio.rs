//! Echoes every message on every path, a task of tokio for each connection. The options are those of `echo`.

mod common;

use std::error::Error;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, Writer, tokio as ws};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config, .. } = common::Options::from_args()?;
    let listener = TcpListener::bind(&listen).await?;
    common::print(format_args!("listening on ws://{}", listener.local_addr()?));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let config = config.clone();
                // A panic in it ends this task alone.
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &config).await {
                        common::log_failure(&error);
                    }
                });
            }
            // Out of files, most likely: wait until some connection ends.
            Err(error) => {
                common::log(format_args!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, config: &Config) -> Result<(), ws::Error> {
    let _ = stream.set_nodelay(true); // fails if the client has gone
    // Echoing keeps no secret, so pages of any origin may connect.
    let mut socket = ws::accept(stream, OriginPolicy::Any, config).await?;
    // Answers are queued and written when all that has arrived is handled: many small messages make one write.
    let answer = |event: Event<'_>, writer: &mut Writer| match event {
        Event::Text(text) => writer.text(text),
        Event::Binary(bytes) => writer.binary(bytes),
        _ => Ok(()), // pings and the close frame are answered
    };
    socket.for_each(answer).await
}
