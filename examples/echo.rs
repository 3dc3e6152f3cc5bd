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
}

fn serve(stream: &TcpStream, config: &Config) -> Result<(), blocking::Error> {
    let _ = stream.set_nodelay(true); // fails if the client has gone
    // Echoing keeps no secret, so pages of any origin may connect.
    let mut socket = match blocking::receive_request(stream, OriginPolicy::Any, config)? {
        blocking::Incoming::Upgrade(upgrade) => upgrade.accept(&Answer::new())?,
        blocking::Incoming::Plain(plain) => return page(plain),
    };
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
    const METHODS: (&str, &str) = ("Allow", "GET, HEAD, OPTIONS");
    let html = include_bytes!("echo.html");
    match (plain.request().method(), plain.request().path()) {
        // Load balancers ask whether the server is well, with one of these.
        ("OPTIONS", _) => plain.respond(204, &[METHODS], b"")?,
        ("GET" | "HEAD", "/") => plain.respond(200, &[("Content-Type", "text/html; charset=utf-8")], html)?,
        ("GET" | "HEAD", _) => plain.respond(404, &[("Content-Type", "text/plain")], b"there is a page at /\n")?,
        _ => plain.respond(405, &[METHODS, ("Content-Type", "text/plain")], b"this page can only be read\n")?,
    };
    Ok(())
}
