//! What comes goes out again, from where it was read to.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;

use mio::net::TcpStream;

use super::mio::{self as event_loop, Backlog, Echo};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    event_loop::run(listener, Tcp::default)
}

#[derive(Default)]
struct Tcp(Backlog);

impl Echo for Tcp {
    fn receive(&mut self, input: &mut [u8], stream: &mut TcpStream) -> io::Result<()> {
        let n = match stream.write(input) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            written => written?,
        };
        self.0.bytes.extend_from_slice(&input[n..]);
        Ok(())
    }

    fn pending(&mut self) -> &[u8] {
        self.0.rest()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }

    fn rest(&mut self) {
        self.0.bytes = Vec::new();
    }
}
