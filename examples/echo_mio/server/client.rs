//! One client: from its stream to the machine and back, and its deadlines.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use ws_proto::{Config, timers::Timers};

use super::{deadlines, state::State, turn::Turn};

pub(super) struct Client {
    stream: TcpStream,
    timers: Timers,
    state: State,
    /// What was read and is not handled yet.
    rest: Vec<u8>,
    /// Whether the stream took no more bytes.
    is_blocked: bool,
    /// Whether it has a turn in the next round.
    pub(super) is_ready: bool,
}

impl Client {
    pub(super) fn new(stream: TcpStream, config: &Config, now: Duration) -> Self {
        let _ = stream.set_nodelay(true); // fails if the client has gone
        let (timers, state) = (Timers::new(config, now), State::new(config));
        Self { stream, timers, state, rest: Vec::new(), is_blocked: false, is_ready: false }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Writes and reads until the stream has no more or the budget is spent, and then does what is due. Whether there is
    /// more to do. An error ends the connection.
    pub(super) fn turn(&mut self, buffer: &mut [u8], turn: &mut Turn<'_, '_>) -> io::Result<bool> {
        while !turn.budget.is_spent() {
            match self.step(buffer, turn) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                stepped => stepped?,
            }
        }
        let has_queued = deadlines::keep(&mut self.timers, turn.now, &mut self.state)?;
        let has_more = has_queued || turn.budget.is_spent();
        if !has_more {
            self.state.release(); // a client that waits has no buffers
        }
        Ok(has_more)
    }

    /// Writes, or else handles what was read, or else reads: what cannot be written stops the reading, so that memory does
    /// not grow.
    fn step(&mut self, buffer: &mut [u8], turn: &mut Turn<'_, '_>) -> io::Result<()> {
        if !self.state.outgoing().is_empty() {
            return self.write(turn);
        }
        if self.state.is_over() {
            self.stream.shutdown(Shutdown::Write)?;
            self.state = State::Ending;
        }
        let mut rest = mem::take(&mut self.rest);
        let mut input = if rest.is_empty() && !self.state.is_inflating() {
            let n = self.stream.read(buffer)?;
            if n == 0 {
                return Err(ErrorKind::UnexpectedEof.into()); // all is written
            }
            turn.budget.spend(n);
            self.timers.received(turn.now);
            &mut buffer[..n]
        } else {
            &mut rest[..]
        };
        self.state.receive(&mut input, &mut self.timers, turn);
        self.rest = input.to_vec();
        Ok(())
    }

    fn write(&mut self, turn: &mut Turn<'_, '_>) -> io::Result<()> {
        match self.stream.write(self.state.outgoing()) {
            Ok(n) => {
                self.state.consume(n);
                turn.budget.spend(n);
                if mem::take(&mut self.is_blocked) {
                    self.timers.sent(turn.now); // slow as it may be, the client reads
                }
                Ok(())
            }
            Err(error) => {
                self.is_blocked = true;
                self.timers.message(None, turn.now); // nothing is read, so the client is not to blame for the time
                Err(error)
            }
        }
    }
}
