//! Echoes every message on every path, a thread for each connection, and serves a page to try it on.
//!
//! ```text
//! cargo run --release --example echo -- --listen 127.0.0.1:9001 --max-message 67108864
//! ```
//!
//! With `--features deflate`, `--deflate` compresses where the client offers it. Above `--max-connections` connections,
//! further ones are refused with status 503.

mod common;
#[path = "common/refused.rs"]
mod refused;

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ws_proto::handshake::{Answer, OriginPolicy};
use ws_proto::{Config, Event, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config, max_connections } = common::Options::from_args()?;
    let listener = TcpListener::bind(&listen)?;
    let address = listener.local_addr()?;
    common::print(format_args!("listening on ws://{address}\na page to try it on: http://{address}/"));
    // Each connection has a reference to this value: so they are counted.
    let places = Arc::new(());
    let mut refused = refused::Refused::default();
    loop {
        let accepted = listener.accept();
        refused.release();
        let error = match accepted {
            Ok((stream, _)) if Arc::strong_count(&places) > max_connections => {
                refused.push(stream.into());
                continue;
            }
            Ok((stream, _)) => {
                let (stream, place, config) = (Arc::new(stream), Arc::clone(&places), config.clone());
                let kept = Arc::clone(&stream);
                let thread = move || {
                    connection(&stream, &config);
                    drop(place); // a panic drops it, too
                };
                let spawned = thread::Builder::new().stack_size(128 << 10).spawn(thread);
                let Err(error) = spawned else { continue };
                refused.push(kept);
                error
            }
            Err(error) => error,
        };
        // Out of files or threads, most likely: wait until some connection ends.
        common::log(format_args!("cannot serve a connection: {error}"));
        thread::sleep(Duration::from_millis(100));
    }
}

fn connection(stream: &TcpStream, config: &Config) {
    if let Err(error) = serve(stream, config) {
        common::log_failure(&error);
    }
    // The driver does this itself once it has deadlines: remove it then.
    let _ = blocking::linger(stream, Duration::from_secs(1));
}

fn serve(stream: &TcpStream, config: &Config) -> Result<(), blocking::Error> {
    let _ = stream.set_nodelay(true); // fails if the client has gone
    // The driver does this itself once it has deadlines: remove these two lines then, and the one below.
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // Echoing keeps no secret, so pages of any origin may connect.
    let mut socket = match blocking::receive_request(stream, OriginPolicy::Any, config)? {
        blocking::Incoming::Upgrade(upgrade) => upgrade.accept(&Answer::new())?,
        blocking::Incoming::Plain(plain) => return page(plain),
    };
    stream.set_read_timeout(None)?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next()? {
        match event {
            Event::Text(text) => sender.text(text)?,
            Event::Binary(bytes) => sender.binary(bytes)?,
            _ => {} // pings and the close frame are answered
        }
    }
    Ok(())
}

fn page(plain: blocking::Plain<&TcpStream>) -> Result<(), blocking::Error> {
    if plain.request().target() == "/" {
        let html = include_bytes!("echo.html");
        plain.respond(200, &[("Content-Type", "text/html; charset=utf-8")], html)?;
    } else {
        plain.respond(404, &[("Content-Type", "text/plain")], b"there is a page at /\n")?;
    }
    Ok(())
}
