//! Echoes every message on every path: one thread, one buffer to read into, any number of connections, each with its
//! deadlines. The options are those of `echo`.

mod common;

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use ws_proto::handshake::{Answer, Incoming, OriginPolicy, Server};
use ws_proto::timers::{Due, Timers};
use ws_proto::{Config, Connection, Event, Transport};

struct Client {
    stream: TcpStream,
    timers: Timers,
    server: Server,
    /// After the handshake.
    connection: Option<Connection>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config } = common::Options::from_args()?;
    let config = config.keepalive(Some(Duration::from_secs(30)));
    let (mut poll, mut events, start) = (Poll::new()?, Events::with_capacity(1024), Instant::now());
    let mut listener = TcpListener::bind(listen.parse()?)?;
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (mut clients, mut buffer, mut next_look) = (Slab::<Client>::new(), vec![0; 64 << 10], Duration::ZERO);
    loop {
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        let now = start.elapsed();
        for Token(key) in events.iter().map(mio::event::Event::token) {
            if clients.get_mut(key).is_some_and(|client| !client.drive(&config, &mut buffer, now).unwrap_or(false)) {
                clients.remove(key);
            }
            while key == usize::MAX
                && let Ok((mut stream, _)) = listener.accept()
            {
                let (place, both) = (clients.vacant_entry(), Interest::READABLE | Interest::WRITABLE);
                poll.registry().register(&mut stream, Token(place.key()), both)?;
                let (timers, server) = (Timers::new(&config, now), Server::new(OriginPolicy::Any, &config));
                place.insert(Client { stream, timers, server, connection: None });
            }
        }
        if now >= next_look {
            next_look = now + Duration::from_secs(1);
            clients
                .retain(|_, client| client.is_alive(now) && client.drive(&config, &mut buffer, now).unwrap_or(false));
        }
    }
}

impl Client {
    /// Writes and reads until the stream would block; false at its end. What cannot be written now stops the reading.
    fn drive(&mut self, config: &Config, buffer: &mut [u8], now: Duration) -> std::io::Result<bool> {
        loop {
            let Self { stream, timers, connection, .. } = self;
            let outgoing = connection.as_mut().map_or(&[][..], Connection::outgoing);
            let step = if outgoing.is_empty() {
                if connection.as_ref().is_some_and(|connection| connection.transport() != Transport::Open) {
                    // The peer reads our last words, then ends its side: a reset now could take them away.
                    timers.closing(now);
                    stream.shutdown(Shutdown::Write)?;
                }
                match stream.read(buffer) {
                    Ok(0) => return Ok(false),
                    read => read.and_then(|n| self.receive(config, &mut buffer[..n], now)),
                }
            } else {
                let written = stream.write(outgoing);
                written.map(|n| connection.iter_mut().for_each(|connection| connection.consume(n)))
            };
            match step {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                step => step?,
            }
        }
    }

    fn receive(&mut self, config: &Config, mut input: &mut [u8], now: Duration) -> std::io::Result<()> {
        let Self { stream, timers, server, connection } = self;
        timers.received(now);
        if connection.is_none() {
            let refusal = match server.receive(&mut input) {
                Ok(None) => return Ok(()),
                Ok(Some(Incoming::Upgrade(request))) => {
                    *connection = request.accept(&Answer::new(), config).ok();
                    timers.opened(now);
                    Vec::new()
                }
                Ok(Some(Incoming::Plain(request))) => request.upgrade_required(),
                Err(refusal) => refusal.response().to_vec(),
            };
            if !refusal.is_empty() {
                // Nothing was written before: so little always fits. What comes now is swallowed until the deadline.
                stream.write_all(&refusal)?;
                return stream.shutdown(Shutdown::Write);
            }
        }
        if let Some(connection) = connection
            && let Err(error) = echo(connection, &mut input)
        {
            eprintln!("{error}");
        }
        Ok(())
    }

    fn is_alive(&mut self, now: Duration) -> bool {
        while let Some(due) = self.timers.due(now) {
            match (due, &mut self.connection) {
                (Due::Ping(payload), Some(connection)) => _ = connection.split().1.ping(&payload),
                _ => return false,
            }
        }
        true
    }
}

fn echo(connection: &mut Connection, input: &mut &mut [u8]) -> Result<(), Box<dyn Error>> {
    let (reader, writer) = connection.split();
    while let Some(event) = reader.receive(input)? {
        match event {
            Event::Text(text) => writer.text(text)?,
            Event::Binary(bytes) => writer.binary(bytes)?,
            // The newest ping is answered in any case; this answers each.
            Event::Ping(_) => reader.take_reply().into_iter().for_each(|reply| writer.reply(reply)),
            _ => {}
        }
    }
    Ok(())
}
