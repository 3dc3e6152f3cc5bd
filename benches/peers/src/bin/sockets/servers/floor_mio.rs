//! Plain TCP, and besides only what no WebSocket can do without: each byte is unmasked, and moved to where a header has
//! room before it. There are no frames and no messages: what comes goes out again.

use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::net::TcpListener;

use mio::net::TcpStream;
use ws_proto::mask;

use super::mio::{self as event_loop, Backlog, Echo};
use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    event_loop::run(listener, Floor::default)
}

#[derive(Default)]
struct Floor(Backlog);

impl Echo for Floor {
    fn receive(&mut self, input: &mut [u8], _: &mut TcpStream) -> io::Result<()> {
        if self.0.bytes.capacity() == 0 {
            self.0.bytes = SPARE.take();
        }
        for step in input.chunks_mut(STEP) {
            mask::apply(step, black_box([0; 4])); // the load does not mask
            self.0.bytes.extend_from_slice(step);
        }
        Ok(())
    }

    fn pending(&mut self) -> &[u8] {
        self.0.rest()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }

    fn rest(&mut self) {
        if self.0.bytes.capacity() > 0 {
            SPARE.set(std::mem::take(&mut self.0.bytes));
        }
    }
}

/// What stays in the nearest cache between the two.
const STEP: usize = 16 << 10;

thread_local! {
    /// As those of `ws-proto` have, all connections have the same memory.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
