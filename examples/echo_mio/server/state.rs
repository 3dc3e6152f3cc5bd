//! Where a connection stands, and what the bytes of the client do to it.

use ws_proto::handshake::{self, OriginPolicy};
use ws_proto::timers::Timers;
use ws_proto::{Config, Connection, Transport};

use super::turn::{Turn, handle};

pub(super) enum State {
    Opening(Box<handshake::Server>),
    Open(Box<Connection>),
    Refused {
        response: Vec<u8>,
        written: usize,
    },
    /// The last bytes are written. Closing the stream while the client still sends would reset the connection, and the
    /// client could lose them: so the rest is read, for the closing time.
    Ending,
}

impl State {
    pub(super) fn new(config: &Config) -> Self {
        // Echoing keeps no secret, so pages of any origin may connect.
        Self::Opening(Box::new(handshake::Server::new(OriginPolicy::Any, config)))
    }

    /// What must be written.
    pub(super) fn outgoing(&mut self) -> &[u8] {
        match self {
            Self::Open(connection) => connection.outgoing(),
            Self::Refused { response, written } => &response[*written..],
            Self::Opening(_) | Self::Ending => &[],
        }
    }

    /// Takes note of what is written.
    pub(super) fn consume(&mut self, n: usize) {
        match self {
            Self::Open(connection) => connection.consume(n),
            Self::Refused { written, .. } => *written += n,
            Self::Opening(_) | Self::Ending => {}
        }
    }

    /// Whether the stream is to be closed once all is written.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Open(connection) => connection.transport() == Transport::Close,
            Self::Refused { .. } => true,
            Self::Opening(_) | Self::Ending => false,
        }
    }

    /// Whether there is more to handle without more input.
    pub(super) fn is_inflating(&mut self) -> bool {
        if let Self::Open(connection) = self { connection.split().0.is_inflating() } else { false }
    }

    pub(super) fn release(&mut self) {
        if let Self::Open(connection) = self {
            connection.release();
        }
    }

    /// Handles input for as long as the budget lasts. What is left of the input is for the next turn.
    pub(super) fn receive(&mut self, input: &mut &mut [u8], timers: &mut Timers, turn: &mut Turn<'_, '_>) {
        match self {
            Self::Opening(server) => match server.accept(input) {
                Ok(None) => {} // the head is not whole
                Ok(Some(connection)) => {
                    timers.opened(turn.now);
                    *self = Self::Open(Box::new(connection));
                }
                Err(refusal) => {
                    timers.closing(turn.now);
                    *self = Self::Refused { response: refusal.response().to_vec(), written: 0 };
                }
            },
            Self::Open(connection) => {
                handle(connection, input, timers, turn);
                if connection.transport() != Transport::Open {
                    timers.closing(turn.now);
                }
            }
            Self::Refused { .. } | Self::Ending => *input = &mut [],
        }
    }
}
