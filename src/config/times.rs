//! How long things may take.

use core::time::Duration;

use super::{Config, saturate};

impl Config {
    /// The longest opening handshake, from its first byte to its last and not from read to read: 10 s. `None` waits for
    /// ever. This and the times below are for those who ask [`Timers`](crate::timers::Timers), as the drivers with
    /// timers do.
    #[must_use]
    pub const fn opening_timeout(mut self, limit: Option<Duration>) -> Self {
        self.opening_timeout = limit;
        self
    }

    /// How long it may be quiet before a ping goes out: 30 s. `None` sends no pings, and then a peer that vanished is never
    /// noticed while nothing is sent. Many proxies drop a connection that is silent for 60 s. With [`Config::require_pong`]
    /// it is the time between two pings.
    #[must_use]
    pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
        self.keepalive = interval;
        self
    }

    /// How long the answer to a ping of [`Config::keepalive`] may take before the connection counts as dead: 30 s. It
    /// counts from the ping, or from when the transport last took bytes that had to wait.
    #[must_use]
    pub const fn pong_timeout(mut self, limit: Duration) -> Self {
        self.pong_timeout = limit;
        self
    }

    /// Whether only a pong answers a ping, and pings go out in busy times too: no, whatever arrives shows that the
    /// peer is there and puts off the next ping.
    ///
    /// If yes, a pong that is late behind a long message ends the connection, and so does one that never comes because
    /// the program sent a ping of its own meanwhile and the peer answered only the newest (RFC 6455, section 5.5.3).
    #[must_use]
    pub const fn require_pong(mut self, yes: bool) -> Self {
        self.require_pong = yes;
        self
    }

    /// How long the closing handshake may make no progress: 5 s. It counts from the first close frame, and again from each
    /// time that the transport takes bytes that had to wait. [`Config::closing_limit`] bounds the whole.
    #[must_use]
    pub const fn closing_timeout(mut self, limit: Duration) -> Self {
        self.closing_timeout = limit;
        self
    }

    /// How long the closing handshake may take in all, from the first close frame to the end of the stream: 60 s.
    #[must_use]
    pub const fn closing_limit(mut self, limit: Duration) -> Self {
        self.closing_limit = limit;
        self
    }

    /// How long a message that has begun may take before the least rate of [`Config::message_rate`] counts: 30 s. A slower
    /// message is close code 1008. `None` waits for ever.
    #[must_use]
    pub const fn message_timeout(mut self, grace: Option<Duration>) -> Self {
        self.message_timeout = grace;
        self
    }

    /// The least rate of a message that is longer under way than [`Config::message_timeout`], in bytes of payload a second,
    /// on average: 1,024. A message of `n` bytes may take that time and `n / rate` seconds. Zero sets no rate.
    #[must_use]
    pub const fn message_rate(mut self, bytes_per_second: usize) -> Self {
        self.message_rate = saturate(bytes_per_second);
        self
    }

    /// How long nothing at all may arrive before the connection is closed: `None`, which is for ever. With
    /// [`Config::keepalive`] the pongs arrive, so that a shorter interval there keeps a connection from being idle.
    #[must_use]
    pub const fn idle_timeout(mut self, limit: Option<Duration>) -> Self {
        self.idle_timeout = limit;
        self
    }
}
