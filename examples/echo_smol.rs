//! Echoes every message on every path, a task of smol for each connection. The options are those of `echo`.

mod common;

use std::error::Error;
use std::time::Duration;

use smol::Timer;
use smol::net::{TcpListener, TcpStream};
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, futures};

fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config, .. } = common::Options::from_args()?;
    smol::block_on(async move {
        let listener = TcpListener::bind(&listen).await?;
        common::print(format_args!("listening on ws://{}", listener.local_addr()?));
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let config = config.clone();
                    let connection = async move {
                        if let Err(error) = serve(stream, &config).await {
                            common::log_failure(&error);
                        }
                    };
                    // A panic in it ends this task alone.
                    smol::spawn(connection).detach();
                }
                // Out of files, most likely: wait until some connection ends.
                Err(error) => {
                    common::log(format_args!("accept: {error}"));
                    Timer::after(Duration::from_millis(100)).await;
                }
            }
        }
    })
}

async fn serve(stream: TcpStream, config: &Config) -> Result<(), futures::Error> {
    let _ = stream.set_nodelay(true); // fails if the client has gone
    let io = futures::Futures::new(stream).with_sleep(|time| {
        Box::pin(async move {
            Timer::after(time).await;
        })
    });
    // Echoing keeps no secret, so pages of any origin may connect.
    let socket = futures::accept(io, OriginPolicy::Any, config).await?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        // Answers are queued and written when all that has arrived is handled: many small messages make one write.
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text))?,
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes))?,
            _ => {} // pings and the close frame are answered
        }
    }
    Ok(())
}
