//! How much one connection does before others have their turn.

use crate::config::Config;

/// The work that one connection may do in a row: bytes read and inflated, events, replies. When it is spent, serve the
/// other connections, then begin a new one.
///
/// A peer that always has bytes ready would otherwise keep a thread busy for ever. The drivers for tasks count with one of
/// these; so can a loop of your own:
///
/// ```
/// use ws_proto::{Budget, Config, Connection};
///
/// let config = Config::new();
/// let mut connection = Connection::server(&config);
/// let mut pings = b"\x89\x80mask".repeat(1000);
/// let mut input = &mut pings[..];
///
/// // A turn of this connection. If it ends early, what is left of `input` waits for the next turn.
/// let mut budget = Budget::new(&config);
/// budget.spend(input.len());
/// let (reader, _) = connection.split();
/// reader.inflate_at_most(budget.left());
/// while !budget.is_spent()
///     && let Some(event) = reader.receive(&mut input)?
/// {
///     budget.spend_event();
/// }
/// let has_more = budget.is_spent() || reader.is_inflating();
/// # assert!(!has_more && input.is_empty());
/// # Ok::<(), ws_proto::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    left: usize,
}

impl Budget {
    /// What one event costs, in bytes: about as much work as to read them.
    pub const EVENT: usize = 128;
    /// What one reply costs, in bytes: it may take a system call. So a turn of 256 KiB has fewer than the 128 operations of
    /// a stream after which tokio ends one by itself.
    pub const REPLY: usize = 2048;

    /// A whole budget: [`Config::turn`].
    #[must_use]
    pub const fn new(config: &Config) -> Self {
        Self { left: config.turn }
    }

    /// Spends `bytes`: those that were read, or that a message inflated to.
    #[inline]
    pub const fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Spends what an event costs.
    #[inline]
    pub const fn spend_event(&mut self) {
        self.spend(Self::EVENT);
    }

    /// Spends what a reply costs.
    #[inline]
    pub const fn spend_reply(&mut self) {
        self.spend(Self::REPLY);
    }

    /// How many bytes may still be read or inflated.
    #[inline]
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Whether it is time for the others.
    #[inline]
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.left == 0
    }
}
