//! What is measured: operations times sizes.

use std::fmt;

/// What a message is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Binary,
    /// Text of one byte a character.
    Ascii,
    /// Text of one to four bytes a character.
    Mixed,
}

/// Which end is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// What that end does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Receive(Role, Kind),
    Send(Role, Kind),
    /// A server's.
    Echo(Kind),
    /// A server receives one binary message in many frames, with a ping between each.
    Fragmented,
    /// A server answers a browser.
    Handshake,
}

/// One operation with messages of one size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cell {
    pub(crate) operation: Operation,
    pub(crate) size: usize,
}

/// The sizes of messages, in bytes.
pub(crate) const SIZES: [usize; 6] = [8, 125, 1 << 10, 16 << 10, 256 << 10, 1 << 20];

/// How many frames a fragmented message has.
pub(crate) const FRAGMENTS: usize = 64;

impl Operation {
    pub(crate) const ALL: [Self; 14] = {
        use Kind::{Ascii, Binary, Mixed};
        use Role::{Client, Server};
        [
            Self::Receive(Server, Binary),
            Self::Receive(Server, Ascii),
            Self::Receive(Server, Mixed),
            Self::Receive(Client, Binary),
            Self::Receive(Client, Ascii),
            Self::Receive(Client, Mixed),
            Self::Send(Server, Binary),
            Self::Send(Server, Mixed),
            Self::Send(Client, Binary),
            Self::Send(Client, Mixed),
            Self::Echo(Binary),
            Self::Echo(Mixed),
            Self::Fragmented,
            Self::Handshake,
        ]
    };

    /// What the messages are.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Receive(_, kind) | Self::Send(_, kind) | Self::Echo(kind) => kind,
            Self::Fragmented | Self::Handshake => Kind::Binary,
        }
    }

    /// Whether text is among what is received, and so has to be checked.
    pub(crate) fn checks_text(self) -> bool {
        matches!(self, Self::Receive(..) | Self::Echo(_)) && self.kind() != Kind::Binary
    }

    /// The end that is measured.
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Receive(role, _) | Self::Send(role, _) => role,
            Self::Echo(_) | Self::Fragmented | Self::Handshake => Role::Server,
        }
    }

    fn sizes(self) -> &'static [usize] {
        match self {
            Self::Fragmented => &[64 << 10],
            Self::Handshake => &[0],
            _ => &SIZES,
        }
    }
}

impl Cell {
    /// All cells, in the order of the report.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Operation::ALL
            .into_iter()
            .flat_map(|operation| operation.sizes().iter().map(move |&size| Self { operation, size }))
    }

    /// How many messages a round has: a buffered library can fill its buffers with small ones.
    pub(crate) fn count(self) -> usize {
        match (self.operation, self.size) {
            (Operation::Handshake, _) => 16,
            (_, size @ ..=SMALL) => (ROUND / size).max(BATCH),
            _ => 1,
        }
    }

    /// After how many messages what is sent has to be written out.
    pub(crate) const fn batch(self) -> usize {
        if self.size <= SMALL { BATCH } else { 1 }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            Kind::Binary => "binary",
            Kind::Ascii => "ascii",
            Kind::Mixed => "mixed",
        };
        match self {
            Self::Receive(Role::Server, _) => write!(f, "receive-{kind}-masked"),
            Self::Receive(Role::Client, _) => write!(f, "receive-{kind}-unmasked"),
            Self::Send(Role::Server, _) => write!(f, "send-{kind}-server"),
            Self::Send(Role::Client, _) => write!(f, "send-{kind}-client"),
            Self::Echo(_) => write!(f, "echo-{kind}"),
            Self::Fragmented => f.write_str("receive-fragmented"),
            Self::Handshake => f.write_str("handshake"),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.operation, self.size)
    }
}

/// The largest of the messages that come in batches.
const SMALL: usize = 16 << 10;
/// How many small ones are sent at once.
const BATCH: usize = 16;
/// About how many bytes of small ones make a round.
const ROUND: usize = 128 << 10;
