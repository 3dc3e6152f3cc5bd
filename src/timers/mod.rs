//! Deadlines without a clock: the opening handshake, pings and their pongs, idleness, the closing handshake.
//!
//! [`Timers`] says when to call next and what is due then. Time is an argument, a [`Duration`] since an epoch of the
//! caller's own on a clock that does not go backwards, so that hours pass in a test as fast as it likes:
//!
//! ```
//! use core::time::Duration;
//! use ws_proto::Config;
//! use ws_proto::timers::{Due, Timers};
//!
//! let at = Duration::from_secs;
//! let config = Config::new(); // with a ping after 30 s, and 30 s for its pong
//! let mut timers = Timers::new(&config, at(0)); // the transport is there: the handshake begins
//! assert_eq!(timers.next(), Some(at(10)));
//! timers.opened(at(1)); // and is done
//!
//! assert_eq!(timers.next(), Some(at(31)));
//! assert_eq!(timers.due(at(30)), None); // too early, no harm done
//! let Some(Due::Ping(payload)) = timers.due(at(31)) else { panic!("a ping is due") };
//! assert_eq!(timers.pong(&payload, at(32)), Some(at(1))); // the round trip
//!
//! let Some(Due::Ping(_)) = timers.due(at(61)) else { panic!("the next one") };
//! assert_eq!(timers.due(at(91)), Some(Due::Pong)); // nothing came: give up
//! assert_eq!(timers.due(at(96)), Some(Due::Closing)); // and nobody answers: close the transport
//! assert_eq!(timers.next(), None);
//! ```
//!
//! # Driving
//!
//! 1. Wait for the transport, or until [`Timers::next`].
//! 2. Hand in what was read: [`Timers::received`] for any bytes, [`Timers::pong`] for each pong, [`Timers::message`] for a
//!    message that is not whole yet. And what was written at last: [`Timers::sent`]. Do so before the next step; behind a
//!    long sleep, what shows that the peer is there may still wait in the socket.
//! 3. Do what [`Timers::due`] says, until it is `None`.
//! 4. Call [`Timers::closing`] once a close frame was queued or received or the connection failed, and
//!    [`Timers::closed`] once the transport is closed.
//!
//! Calls that come late, early, twice, in an odd order or with a time that went back do no harm. What ends a connection
//! is due once, and starts the deadline for closing by itself.
//!
//! # Which time-outs there are
//!
//! All of them are in [`Config`], and every driver that has a clock keeps them, also [`blocking`](crate::blocking). A loop
//! of your own has to ask. `None` in place of a time switches it off.
//!
//! | time-out | default | counts from | what the peer sees |
//! |---|---|---|---|
//! | [`opening_timeout`](Config::opening_timeout) | 10 s | the stream is there, or connecting begins; bytes that trickle in do not put it off | the end of the stream |
//! | [`message_timeout`](Config::message_timeout), then [`message_rate`](Config::message_rate) | 30 s, then 1,024 bytes a second | the first frame of a message that is not whole yet | close code 1008, then the end of the stream |
//! | [`keepalive`](Config::keepalive) | 30 s | the last byte received | a ping |
//! | [`pong_timeout`](Config::pong_timeout) | 30 s | that ping, or the last time that the transport took bytes that had to wait | close code 1011, then the end of the stream |
//! | both of these together, for a half that only sends | 60 s | the transport took bytes last | the end of the stream |
//! | [`idle_timeout`](Config::idle_timeout) | none | the last byte received | close code 1001 |
//! | [`closing_timeout`](Config::closing_timeout) | 5 s | the first close frame, or the last time that the transport took bytes that had to wait | the end of the stream |
//! | [`closing_limit`](Config::closing_limit) | 60 s | the first close frame | the end of the stream |
//!
//! The program sees `Error::TimedOut` of its driver, from both halves; behind [`Due::Idle`] and behind the peer's close frame
//! the end is in order. What had arrived before is delivered first. A close frame is sent if the transport takes it.
//!
//! Behind an HTTP response that refuses a request, the drivers for tasks read on for up to a second, so that the response
//! arrives.
//!
//! # Who sends pings
//!
//! Scripts in browsers cannot send pings. The server does: so a proxy on the way does not drop a connection that is silent
//! for a minute, and the server learns that a client is gone. See [`Config::keepalive`].
//!
//! # Connecting again
//!
//! When a server restarts, all its clients lose their connections at once, and must not come back at once. Behind an
//! abnormal end (code 1006, or a server that goes away) a client waits for a random time between 0 and 5 s before it
//! connects again (RFC 6455, section 7.2.3). Each further attempt that fails doubles a bound, from 5 s up to a few
//! minutes (truncated exponential backoff), and the wait is a random time below that bound (jitter), so that those who
//! failed together do not return together. Once a connection has lasted for a while, it begins anew.
//!
//! A server under load refuses with status 503 before it accepts, and may put that off for some seconds: a client
//! that waits for its refusal does not try again meanwhile (section 4.1).

mod time;

use core::time::Duration;

use self::time::{Span, Time};
use crate::config::Config;
use crate::unfinished::Unfinished;

/// The deadlines of one connection. See the [module](self) on how to drive them.
///
/// ```
/// use core::time::Duration;
/// use ws_proto::Config;
/// use ws_proto::timers::{Due, Timers};
///
/// let config = Config::new().keepalive(None).idle_timeout(Some(Duration::from_secs(60)));
/// let mut timers = Timers::new(&config, Duration::ZERO);
/// timers.opened(Duration::from_secs(1));
/// timers.received(Duration::from_secs(20));
/// assert_eq!(timers.next(), Some(Duration::from_secs(80)));
/// assert_eq!(timers.due(Duration::from_secs(99)), Some(Due::Idle));
/// ```
#[derive(Clone, Debug)]
pub struct Timers {
    state: State,
    keepalive: Span,
    pong_timeout: Span,
    closing_timeout: Span,
    closing_limit: Span,
    idle_timeout: Span,
    message_timeout: Span,
    /// In bytes a second.
    message_rate: u32,
    /// Of the last ping that was answered, in microseconds; or `u32::MAX`.
    round_trip: u32,
    /// How many went out, and so which is the newest.
    pings: u32,
    require_pong: bool,
}

/// What is due.
///
/// ```
/// use ws_proto::CloseCode;
/// use ws_proto::timers::Due;
///
/// fn close_with(due: Due) -> Option<CloseCode> {
///     match due {
///         Due::Pong => Some(CloseCode::INTERNAL),
///         Due::Idle => Some(CloseCode::GOING_AWAY),
///         _ => None, // a ping, or nobody to tell
///     }
/// }
/// assert_eq!(close_with(Due::Pong), Some(CloseCode::INTERNAL));
/// assert_eq!(close_with(Due::Ping(*b"ping\0\0\0\x01")), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Due {
    /// The opening handshake took too long. A server answers with status 408 or just closes the transport, a client
    /// closes it.
    Opening,
    /// Send a ping with this payload. If the writer refuses it, forget it: a queue that stays full is a peer that does
    /// not read, and its pong will be missed.
    ///
    /// The payload is `ping` and a counter. It tells pings apart and is no secret.
    Ping([u8; 8]),
    /// No pong came: the connection is dead. Send a close frame with 1011, which may not arrive, and close the
    /// transport without waiting for an answer. Locally the code is 1006, once
    /// [`Reader::receive_eof`](crate::Reader::receive_eof) was told.
    Pong,
    /// Nothing came for too long. Close the connection.
    Idle,
    /// The message that is under way is slower than [`Config::message_rate`]. Send a close frame with 1008, which may not
    /// arrive, and close the transport without waiting for an answer, which would be behind the message.
    Message,
    /// The other end did not finish closing. Close the transport. Behind the peer's close frame the end is still clean
    /// (RFC 6455, section 7.1.1); without it, [`Reader::receive_eof`](crate::Reader::receive_eof) makes it 1006.
    Closing,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
enum State {
    Opening {
        deadline: Time,
    },
    Open {
        /// When bytes arrived last.
        received: Time,
        /// When the last ping went out.
        pinged: Time,
        /// When the wait for its pong began.
        waits_since: Time,
        pong: Pong,
        /// When the message under way must be here.
        message: Time,
        /// Which that is, and how much of it came: the last digits of both are enough to compare with the next. Apart,
        /// since together they would take more memory.
        number: u16,
        bytes: u32,
    },
    Closing {
        deadline: Time,
        limit: Time,
    },
    Closed,
}

/// The pong of the newest ping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pong {
    /// Came, or there was no ping.
    Received,
    /// Must come, and no other ping goes out before.
    Missing,
    /// Need not come, since other bytes did; still measures the round trip if it does.
    Optional,
}

impl Timers {
    /// Timers whose opening handshake begins now.
    #[must_use]
    pub fn new(config: &Config, now: Duration) -> Self {
        let deadline = config.opening_timeout.map_or(Time::NEVER, |limit| Time::from(now).after(limit.into()));
        Self {
            state: State::Opening { deadline },
            keepalive: config.keepalive.into(),
            pong_timeout: config.pong_timeout.into(),
            closing_timeout: config.closing_timeout.into(),
            closing_limit: config.closing_limit.into(),
            idle_timeout: config.idle_timeout.into(),
            message_timeout: config.message_timeout.into(),
            message_rate: config.message_rate,
            round_trip: u32::MAX,
            pings: 0,
            require_pong: config.require_pong,
        }
    }

    /// Takes note that the opening handshake is done. Behind another HTTP stack, call it right after [`Timers::new`].
    pub fn opened(&mut self, now: Duration) {
        let now = Time::from(now);
        if let State::Opening { .. } = self.state {
            self.state = State::Open {
                received: now,
                pinged: now,
                waits_since: now,
                pong: Pong::Received,
                message: Time::NEVER,
                number: 0,
                bytes: 0,
            };
        }
    }

    /// Takes note that bytes arrived, whatever they are. The opening handshake has no more time for that.
    ///
    /// They also show that the peer is there and put off the next ping, unless [`Config::require_pong`] is on.
    pub fn received(&mut self, now: Duration) {
        if let State::Open { received, pong, .. } = &mut self.state {
            *received = Time::from(now).max(*received);
            if *pong == Pong::Missing && !self.require_pong {
                *pong = Pong::Optional;
            }
        }
    }

    /// Takes note that the transport took bytes, behind a time in which it took none: the peer reads, slow as it may be, and
    /// a pong may wait behind what it has to read. So the time for that begins anew, and so does
    /// [`Config::closing_timeout`].
    pub fn sent(&mut self, now: Duration) {
        let now = Time::from(now);
        match &mut self.state {
            State::Open { waits_since, .. } => *waits_since = now.max(*waits_since),
            State::Closing { deadline, .. } => *deadline = now.after(self.closing_timeout).max(*deadline),
            _ => {}
        }
    }

    /// Takes note of the message that is under way, if one is: what [`Reader::unfinished`](crate::Reader::unfinished) says
    /// behind each read. `None` also if nothing is read for a while, so that the peer is not to blame for the time.
    ///
    /// A message that grew has its time anew if that was over more than a second ago: whoever looks late, not the peer, was
    /// slow.
    pub fn message(&mut self, unfinished: Option<Unfinished>, now: Duration) {
        let State::Open { message, number, bytes, .. } = &mut self.state else {
            return;
        };
        let Some(unfinished) = unfinished else {
            *message = Time::NEVER;
            return;
        };
        #[expect(clippy::cast_possible_truncation, reason = "the last digits")]
        let (of, received) = (unfinished.number as u16, unfinished.received as u32);
        let now = Time::from(now);
        let is_known = *number == of && *message != Time::NEVER;
        let more = received.wrapping_sub(*bytes);
        if is_known && more == 0 {
            return; // other frames came
        }
        *message = if is_known && !message.after(LATE).is_due(now) {
            message.at_rate(more, self.message_rate)
        } else {
            now.after(self.message_timeout)
        };
        (*number, *bytes) = (of, received);
    }

    /// Takes note of a pong. If it answers the newest ping, and so all before it (RFC 6455, section 5.5.3), the time
    /// that took is returned; any other is ignored.
    pub fn pong(&mut self, payload: &[u8], now: Duration) -> Option<Duration> {
        let newest = self.payload();
        match &mut self.state {
            State::Open { pinged, pong, .. } if *payload == newest && *pong != Pong::Received => {
                *pong = Pong::Received;
                self.round_trip = u32::try_from(Time::from(now).since(*pinged) / 1000).unwrap_or(u32::MAX);
                self.round_trip()
            }
            _ => None,
        }
    }

    /// Takes note that a close frame was queued or received, or that the connection failed: pings and idleness are
    /// over, and the transport has [`Config::closing_timeout`] from the first such call, and from each
    /// [`Timers::sent`], to take what is outgoing, to bring the peer's close frame and to end; [`Config::closing_limit`] in
    /// all.
    pub fn closing(&mut self, now: Duration) {
        if let State::Opening { .. } | State::Open { .. } = self.state {
            self.state = self.closing_from(now.into());
        }
    }

    /// Takes note that the transport is closed: nothing will be due.
    pub fn closed(&mut self) {
        self.state = State::Closed;
    }

    /// When to call [`Timers::due`] at the latest; it has something then. `None` is never.
    #[inline]
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        match self.state {
            State::Opening { deadline } => deadline,
            State::Closing { deadline, limit } => deadline.min(limit),
            State::Open { received, message, .. } => {
                self.keepalive_deadline().min(received.after(self.idle_timeout)).min(message)
            }
            State::Closed => Time::NEVER,
        }
        .into()
    }

    /// What is due now. Ask until it is `None`: that is after three answers at most.
    pub fn due(&mut self, now: Duration) -> Option<Due> {
        let now = Time::from(now);
        let keepalive = self.keepalive_deadline();
        let due = match &mut self.state {
            State::Opening { deadline } if deadline.is_due(now) => Due::Opening,
            State::Open { pong: Pong::Missing, .. } if keepalive.is_due(now) => Due::Pong,
            State::Open { message, .. } if message.is_due(now) => Due::Message,
            State::Open { received, .. } if received.after(self.idle_timeout).is_due(now) => Due::Idle,
            State::Open { pinged, waits_since, pong, .. } if keepalive.is_due(now) => {
                (*pinged, *waits_since, *pong) = (now, now, Pong::Missing);
                self.pings = self.pings.wrapping_add(1);
                return Some(Due::Ping(self.payload()));
            }
            State::Closing { deadline, limit } if (*deadline).min(*limit).is_due(now) => {
                self.state = State::Closed;
                return Some(Due::Closing);
            }
            _ => return None,
        };
        self.state = self.closing_from(now);
        Some(due)
    }

    /// How long the last answered ping took until its pong was handed in, in whole microseconds.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        (self.round_trip != u32::MAX).then(|| Duration::from_micros(self.round_trip.into()))
    }

    /// When the pong must be here, or the next ping goes out.
    #[inline]
    fn keepalive_deadline(&self) -> Time {
        match self.state {
            State::Open { waits_since, pong: Pong::Missing, .. } => waits_since.after(self.pong_timeout),
            State::Open { pinged, .. } if self.require_pong => pinged.after(self.keepalive),
            State::Open { received, pinged, .. } => received.max(pinged).after(self.keepalive),
            _ => Time::NEVER,
        }
    }

    fn closing_from(&self, now: Time) -> State {
        State::Closing { deadline: now.after(self.closing_timeout), limit: now.after(self.closing_limit) }
    }

    /// That of the newest ping.
    fn payload(&self) -> [u8; 8] {
        let [a, b, c, d] = self.pings.to_be_bytes();
        [b'p', b'i', b'n', b'g', a, b, c, d]
    }
}

/// How late a call may be, by the fault of nobody.
const LATE: Span = Span(1000);
