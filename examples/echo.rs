//! Echoes every message on every path, a thread for each connection, and serves a page to try it on.
//!
//! ```text
//! cargo run --release --example echo -- --listen 127.0.0.1:9001 --max-message 67108864
//! ```
//!
//! With `--features deflate`, `--deflate` compresses where the client offers it.

mod common;

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ws_proto::handshake::{Answer, HandshakeError, OriginPolicy};
use ws_proto::{Config, Event, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let options = common::Options::from_args()?;
    let listener = TcpListener::bind(&options.listen)?;
    let address = listener.local_addr()?;
    println!("listening on ws://{address}");
    println!("a page to try it on: http://{address}/");
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let config = options.config.clone();
                thread::Builder::new().stack_size(128 << 10).spawn(move || connection(&stream, &config))?;
            }
            // Out of files, most likely: wait until some connection ends.
            Err(error) => {
                eprintln!("accept: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn connection(stream: &TcpStream, config: &Config) {
    match serve(stream, config) {
        // Browsers open connections that they may need.
        Ok(()) | Err(blocking::Error::Handshake(HandshakeError::UnexpectedEof)) => {}
        Err(error) => eprintln!("{error}"),
    }
}

fn serve(stream: &TcpStream, config: &Config) -> Result<(), blocking::Error> {
    stream.set_nodelay(true)?;
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
