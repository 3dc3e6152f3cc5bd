//! Echoes on one thread, with one buffer to read into and deadlines for everything. The options are those of `echo`.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use ws_proto::handshake::{OriginPolicy, Server};
use ws_proto::timers::{Due, Timers};
use ws_proto::{Connection, Event, Transport};

struct Client {
    stream: TcpStream,
    timers: Timers,
    server: Server,
    connection: Option<Connection>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let common::Options { listen, config } = common::Options::from_args()?;
    let config = config.max_pending(usize::MAX); // of the answers to what one read brought
    let (mut poll, mut events, start) = (Poll::new()?, Events::with_capacity(1024), Instant::now());
    let mut listener = TcpListener::bind(listen.parse()?)?;
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (mut clients, mut buffer, mut next_look) = (Slab::<Client>::new(), vec![0; 64 << 10], Duration::ZERO);
    loop {
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        let now = start.elapsed();
        for Token(key) in events.iter().map(mio::event::Event::token) {
            if clients.get_mut(key).is_some_and(|client| !client.drive(&mut buffer, now)) {
                clients.remove(key);
            }
            while let Some(Ok((mut stream, _))) = (key == usize::MAX).then(|| listener.accept()) {
                let (place, both) = (clients.vacant_entry(), Interest::READABLE | Interest::WRITABLE);
                poll.registry().register(&mut stream, Token(place.key()), both)?;
                let (timers, server) = (Timers::new(&config, now), Server::new(OriginPolicy::Any, &config));
                place.insert(Client { stream, timers, server, connection: None });
            }
        }
        if now >= next_look {
            next_look = now + Duration::from_secs(1);
            clients.retain(|_, client| client.drive(&mut buffer, now));
        }
    }
}

impl Client {
    /// Goes on until the stream would block; false at the end.
    fn drive(&mut self, buffer: &mut [u8], now: Duration) -> bool {
        let mut steps = std::iter::repeat_with(|| self.step(buffer, now));
        steps.find_map(Result::err).is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Does what is due, or writes, or reads: what cannot be written stops the reading, and so memory from growing.
    fn step(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<()> {
        let Self { stream, timers, server, connection } = self;
        match (timers.due(now), &mut *connection) {
            (None, _) => {}
            (Some(Due::Ping(payload)), Some(connection)) => _ = connection.split().1.ping(&payload),
            _ => return Err(ErrorKind::TimedOut.into()),
        }
        if let Some(connection) = connection
            && let outgoing @ [_, ..] = connection.outgoing()
        {
            let n = stream.write(outgoing)?;
            connection.consume(n);
            if connection.transport() == Transport::Close {
                timers.closing(now);
                stream.shutdown(Shutdown::Write)?; // not closed: a reset could take our last words away
            }
            return Ok(());
        }
        let n = Some(stream.read(buffer)?).filter(|n| *n > 0).ok_or(ErrorKind::UnexpectedEof)?;
        let mut input = &mut buffer[..n];
        timers.received(now);
        match server.accept(&mut input) {
            Ok(None) => {} // not yet, or no longer
            Ok(accepted) => *connection = accepted,
            Err(refusal) => return stream.write_all(refusal.response()), // the first bytes always fit
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
