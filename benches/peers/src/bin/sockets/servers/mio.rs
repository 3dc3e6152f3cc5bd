//! An event loop on mio with one buffer to read into, for whatever echoes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;

use mio::net::TcpStream;
use mio::unix::pipe::Receiver;
use mio::{Events, Interest, Poll, Token};

use crate::Result;

/// What echoes on one connection.
pub(super) trait Echo {
    /// Takes what was read. What goes out may be written at once.
    fn receive(&mut self, input: &mut [u8], stream: &mut TcpStream) -> io::Result<()>;

    /// What is still to be written; while there is something, nothing is read.
    fn pending(&mut self) -> &[u8];

    fn consume(&mut self, n: usize);

    /// Nothing is pending, and it may be quiet for long.
    fn rest(&mut self);
}

/// What the stream did not take.
#[derive(Default)]
pub(super) struct Backlog {
    pub(super) bytes: Vec<u8>,
    done: usize,
}

impl Backlog {
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.done += n;
        if self.done == self.bytes.len() {
            self.bytes.clear();
            self.done = 0;
        }
    }
}

struct Client<E> {
    stream: TcpStream,
    echo: E,
}

pub(super) fn run<E: Echo>(listener: TcpListener, open: impl Fn() -> E) -> Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = mio::net::TcpListener::from_std(listener);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut input = Receiver::from(io::stdin().as_fd().try_clone_to_owned()?);
    poll.registry().register(&mut input, INPUT, Interest::READABLE)?;
    let (mut clients, mut free) = (Vec::<Option<Client<E>>>::new(), Vec::new());
    let mut buffer = vec![0; SIZE];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let Token(key) = event.token();
            if event.token() == INPUT {
                return Ok(()); // nothing is ever written to it
            }
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let key = free.pop().unwrap_or(clients.len());
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
                    clients.resize_with(clients.len().max(key + 1), || None);
                    clients[key] = Some(Client { stream, echo: open() });
                }
            } else if clients[key]
                .as_mut()
                .is_some_and(|client| client.drive(event.is_readable(), &mut buffer).is_err())
            {
                clients[key] = None;
                free.push(key);
            }
        }
    }
}

impl<E: Echo> Client<E> {
    fn drive(&mut self, is_readable: bool, buffer: &mut [u8]) -> io::Result<()> {
        let Self { stream, echo } = self;
        // Behind what could not be written there may be more to read, of which no event speaks.
        let mut reads = is_readable || !echo.pending().is_empty();
        loop {
            while !echo.pending().is_empty() {
                match stream.write(echo.pending()) {
                    Ok(n) => echo.consume(n),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            if !reads {
                echo.rest();
                return Ok(());
            }
            match stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    // A short read has emptied the stream (epoll(7)).
                    reads = n == buffer.len();
                    echo.receive(&mut buffer[..n], stream)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => reads = false,
                Err(error) => return Err(error),
            }
        }
    }
}

const LISTENER: Token = Token(usize::MAX);
const INPUT: Token = Token(usize::MAX - 1);
/// That of the drivers of `ws-proto`, too.
const SIZE: usize = 64 << 10;
