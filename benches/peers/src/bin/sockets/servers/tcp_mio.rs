//! What comes goes out again, from where it was read to.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;

use mio::net::TcpStream;

use super::mio::{self as event_loop, Echo};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    event_loop::run(listener, Tcp::default)
}

/// What the stream did not take.
#[derive(Default)]
struct Tcp {
    bytes: Vec<u8>,
    done: usize,
}

impl Echo for Tcp {
    fn receive(&mut self, input: &mut [u8], stream: &mut TcpStream) -> io::Result<()> {
        let n = match stream.write(input) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            written => written?,
        };
        self.bytes.extend_from_slice(&input[n..]);
        Ok(())
    }

    fn pending(&mut self) -> &[u8] {
        &self.bytes[self.done..]
    }

    fn consume(&mut self, n: usize) {
        self.done += n;
        if self.done == self.bytes.len() {
            self.bytes.clear();
            self.done = 0;
        }
    }

    fn rest(&mut self) {
        self.bytes = Vec::new();
    }
}
