//! Echoes on one thread, with one buffer to read into and deadlines for everything. The options are those of `echo`.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, net};
use slab::Slab;
use ws_proto::handshake::{OriginPolicy, Server};
use ws_proto::{Connection, Event, Transport, timers};

struct Client {
    stream: net::TcpStream,
    timers: timers::Timers,
    server: Server,
    connection: Option<Connection>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let common::Options { listen, config } = common::Options::from_args()?;
    let config = config.max_pending(usize::MAX); // of the answers to what one read brought
    let mut listener = net::TcpListener::bind(listen.parse()?)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (mut poll, mut events, mut buffer) = (Poll::new()?, Events::with_capacity(1024), vec![0; 64 << 10]);
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    let (mut clients, mut ready, start, mut look) = (Slab::<Client>::new(), Vec::new(), Instant::now(), Duration::ZERO);
    loop {
        let _ = poll.poll(&mut events, Some(Duration::from_secs(ready.is_empty().into()))); // or a signal came
        ready.extend(events.iter().map(|event| event.token().0));
        let now = start.elapsed();
        if now >= look {
            look = now + Duration::from_secs(1);
            ready.extend(clients.iter().map(|(key, _)| key).chain([usize::MAX]));
        }
        for key in std::mem::take(&mut ready) {
            match clients.get_mut(key).map(|client| client.drive(&mut buffer, now)) {
                Some(Ok(more)) => ready.extend(more.then_some(key)),
                Some(Err(_)) => _ = clients.remove(key),
                None => {
                    let Ok((mut stream, _)) = listener.accept() else { continue };
                    let (place, both) = (clients.vacant_entry(), Interest::READABLE | Interest::WRITABLE);
                    poll.registry().register(&mut stream, Token(place.key()), both)?;
                    let (timers, server) = (timers::Timers::new(&config, now), Server::new(OriginPolicy::Any, &config));
                    place.insert(Client { stream, timers, server, connection: None });
                    ready.push(key); // there may be another
                }
            }
        }
    }
}

impl Client {
    /// Takes a few steps, so that others have their turn, and then does what is due; whether there is more to do.
    fn drive(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<bool> {
        match ((0..16).find_map(|_| self.step(buffer, now).err()), self.timers.due(now), &mut self.connection) {
            (Some(error), ..) if error.kind() != ErrorKind::WouldBlock => Err(error),
            (stopped, None, _) => Ok(stopped.is_none()),
            (_, Some(timers::Due::Ping(payload)), Some(connection)) => Ok(connection.split().1.ping(&payload).is_ok()),
            _ => Err(ErrorKind::TimedOut.into()),
        }
    }

    /// Writes, or else reads: what cannot be written stops the reading, and so memory from growing.
    fn step(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<()> {
        let Self { stream, timers, server, connection } = self;
        if let Some(connection) = connection
            && let outgoing @ [_, ..] = connection.outgoing()
        {
            let n = stream.write(outgoing)?;
            connection.consume(n);
            let is_over = connection.transport() == Transport::Close; // but a reset could take our last words away
            return if is_over { stream.shutdown(Shutdown::Write).map(|()| timers.closing(now)) } else { Ok(()) };
        }
        let n = Some(stream.read(buffer)?).filter(|n| *n > 0).ok_or(ErrorKind::UnexpectedEof)?;
        let mut input = &mut buffer[..n];
        timers.received(now);
        match server.accept(&mut input) {
            Ok(None) => {} // not yet, or no longer
            Ok(accepted) => *connection = accepted,
            Err(refusal) => {
                return stream.write_all(refusal.response()).and_then(|()| stream.shutdown(Shutdown::Write));
            }
        }
        let Some(connection) = connection else { return Ok(()) };
        timers.opened(now);
        let (reader, writer) = connection.split();
        while let Ok(Some(event)) = reader.receive(&mut input) {
            let _ = match event {
                Event::Text(text) => writer.text(text),
                Event::Binary(bytes) => writer.binary(bytes),
                _ => Ok(()),
            };
            reader.take_reply().into_iter().for_each(|reply| writer.reply(reply)); // to each ping, not the newest alone
        }
        Ok(())
    }
}
