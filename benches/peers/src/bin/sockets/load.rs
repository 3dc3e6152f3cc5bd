//! The load: many connections on one thread, each with a window of messages in flight. The frames lie ready, and of what
//! comes back only the bytes are counted, so that the load is the lesser part of the work.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::process::Running;
use crate::wire::{self, REQUEST, Wire};

/// Open connections to one server.
#[derive(Debug)]
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    flight: Flight,
    buffer: Vec<u8>,
}

/// What all connections send and expect.
#[derive(Debug)]
struct Flight {
    /// A window of frames and one more, so that the window can begin anywhere in a frame.
    frames: Vec<u8>,
    frame: usize,
    reply: usize,
    window: usize,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Where in its frame the next byte to send is.
    at: usize,
    /// How many bytes may be sent now.
    owed: usize,
    /// How many messages have not come back.
    away: usize,
    /// How many bytes there are of the reply that comes.
    partial: usize,
}

/// A connection after its handshake and one message, whose echo is as it should be.
pub(crate) fn connect(address: SocketAddr, wire: &Wire, is_websocket: bool) -> Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if is_websocket {
        stream.write_all(REQUEST)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut buffer = [0; 1024];
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Err("the server has hung up".into());
            }
            head.extend_from_slice(&buffer[..n]);
        }
        wire::check_response(&head)?;
    }
    let mut reply = vec![0; wire.reply.len()];
    stream.write_all(&wire.frame)?;
    stream.read_exact(&mut reply)?;
    if reply != wire.reply {
        return Err("not an echo".into());
    }
    Ok(stream)
}

impl Load {
    pub(crate) fn open(running: &Running, payload: usize, connections: usize, window: usize) -> Result<Self> {
        let is_websocket = running.server.kind.is_websocket();
        let wire = Wire::new(payload, is_websocket);
        let poll = Poll::new()?;
        let mut open = Vec::with_capacity(connections);
        for key in 0..connections {
            let stream = connect(running.address, &wire, is_websocket)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
            open.push(Connection { stream, at: 0, owed: 0, away: 0, partial: 0 });
        }
        let (frame, reply) = (wire.frame.len(), wire.reply.len());
        let flight = Flight { frames: wire.frame.repeat(window + 1), frame, reply, window };
        Ok(Self { poll, events: Events::with_capacity(1024), connections: open, flight, buffer: vec![0; 256 << 10] })
    }

    /// Keeps all windows full for `time`, then waits for what is in flight; how many messages came back, and how long it
    /// took.
    pub(crate) fn run(&mut self, time: Duration) -> Result<(usize, Duration)> {
        let (start, mut count) = (Instant::now(), 0);
        for connection in &mut self.connections {
            connection.owe(&self.flight, self.flight.window);
            connection.write(&self.flight)?;
        }
        let mut away = self.connections.len() * self.flight.window;
        let mut heard = start;
        while away > 0 {
            // Never asleep: to wake it would be work of the server, and the more the slower that is.
            self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
            let now = Instant::now();
            if self.events.is_empty() {
                if now.duration_since(heard) > PATIENCE {
                    return Err("an echo is missing".into());
                }
                continue;
            }
            heard = now;
            let goes_on = now.duration_since(start) < time;
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if event.is_readable() {
                    let came = connection.read(&mut self.buffer, &self.flight)?;
                    count += came;
                    if goes_on {
                        connection.owe(&self.flight, came);
                    } else {
                        away -= came;
                    }
                }
                connection.write(&self.flight)?;
            }
        }
        Ok((count, start.elapsed()))
    }
}

impl Connection {
    fn owe(&mut self, flight: &Flight, messages: usize) {
        self.owed += messages * flight.frame;
        self.away += messages;
    }

    /// How many messages have come back.
    fn read(&mut self, buffer: &mut [u8], flight: &Flight) -> Result<usize> {
        let mut bytes = self.partial;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server has hung up".into()),
                Ok(n) => {
                    bytes += n;
                    // A short read has emptied the stream (epoll(7)).
                    if n < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let came = bytes / flight.reply;
        self.partial = bytes % flight.reply;
        self.away = self.away.checked_sub(came).ok_or("more came back than was sent")?;
        Ok(came)
    }

    fn write(&mut self, flight: &Flight) -> Result<()> {
        while self.owed > 0 {
            match self.stream.write(&flight.frames[self.at..self.at + self.owed]) {
                Ok(n) => {
                    self.at = (self.at + n) % flight.frame;
                    self.owed -= n;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// How long a server may do nothing.
const PATIENCE: Duration = Duration::from_secs(10);
