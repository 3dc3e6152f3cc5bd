//! `ws-proto` without a driver: the machine lies between the read and the write of an event loop. Many small messages
//! make one write, with which the last of them goes out from where it lies if it is large.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::TcpListener;

use mio::net::TcpStream;
use ws_proto::handshake::{OriginPolicy, Server};
use ws_proto::{Config, Connection, Event};

use super::mio::{self as event_loop, Echo};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    let config = Config::new().max_pending(Config::UNLIMITED); // of the answers to what one read brought
    event_loop::run(listener, || Peer::Asking(Box::new(Server::new(OriginPolicy::Any, &config))))
}

#[expect(clippy::large_enum_variant, reason = "nearly all are open")]
enum Peer {
    Asking(Box<Server>),
    Open(Connection),
}

impl Echo for Peer {
    fn receive(&mut self, mut input: &mut [u8], stream: &mut TcpStream) -> io::Result<()> {
        let invalid = |_| io::Error::from(ErrorKind::InvalidData);
        let mut write = |pending: &[u8], rest: &[u8]| {
            stream.write_vectored(&[IoSlice::new(pending), IoSlice::new(rest)]).unwrap_or(0) // if not now, then later
        };
        if let Self::Asking(server) = self {
            let accepted = server.accept(&mut input).map_err(|_| ErrorKind::InvalidData)?;
            let Some(connection) = accepted else { return Ok(()) };
            *self = Self::Open(connection);
        }
        let Self::Open(connection) = self else { return Ok(()) };
        let (reader, writer) = connection.split();
        let mut spare = SPARE.take();
        writer.reserve_from(&mut spare);
        SPARE.set(spare);
        while let Some(event) = reader.receive(&mut input).map_err(|_| ErrorKind::InvalidData)? {
            let is_last = input.is_empty();
            match event {
                Event::Text(text) if is_last => writer.text_through(text, &mut write).map_err(invalid)?,
                Event::Binary(bytes) if is_last => writer.binary_through(bytes, &mut write).map_err(invalid)?,
                Event::Text(text) => writer.text(text).map_err(invalid)?,
                Event::Binary(bytes) => writer.binary(bytes).map_err(invalid)?,
                _ => {}
            }
            reader.take_reply().into_iter().for_each(|reply| writer.reply(reply));
        }
        Ok(())
    }

    fn pending(&mut self) -> &[u8] {
        if let Self::Open(connection) = self { connection.outgoing() } else { &[] }
    }

    fn consume(&mut self, n: usize) {
        if let Self::Open(connection) = self {
            connection.consume(n);
        }
    }

    fn rest(&mut self) {
        if let Self::Open(connection) = self {
            let (reader, writer) = connection.split();
            reader.release();
            let mut spare = SPARE.take();
            writer.release_into(&mut spare);
            SPARE.set(spare);
        }
    }
}

thread_local! {
    /// All connections queue in the same memory.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
