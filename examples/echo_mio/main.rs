//! Echoes on one thread, in an event loop of its own. The options are those of `echo`.
//!
//! `server` is the loop, and nothing in it is about echoing: copy that folder. `mod.rs` waits and accepts, `clients.rs` gives
//! turns, `client.rs` reads and writes, `deadlines.rs` does what is due, `state.rs` and `turn.rs` handle what was read.

#[path = "../common/mod.rs"]
mod common;
mod server;

use std::error::Error;

use mio::net::TcpListener;
use ws_proto::{Event, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config, .. } = common::Options::from_args()?;
    let listener = TcpListener::bind(listen.parse()?)?;
    common::print(format_args!("listening on ws://{}", listener.local_addr()?));
    let mut echo = |event: Event<'_>, writer: &mut Writer| match event {
        Event::Text(text) => writer.text(text),
        Event::Binary(bytes) => writer.binary(bytes),
        _ => Ok(()), // pings and the close frame are answered
    };
    Ok(server::run(listener, config, &mut echo)?)
}
