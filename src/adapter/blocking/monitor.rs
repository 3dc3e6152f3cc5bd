//! What both directions of a connection share: its deadlines, and how it failed.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::adapter::cause::Cause;
use crate::config::Config;
use crate::timers::{Due, Timers};
use crate::unfinished::Unfinished;

/// The deadlines of a connection and its failure. Locked for moments, never while waiting.
#[derive(Debug)]
pub(super) struct Monitor {
    epoch: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    timers: Timers,
    /// Why the connection ended, if it was not in order. Both halves report it.
    failure: Option<Cause>,
    /// When a write last had to wait.
    held_up: Duration,
    /// Whether the peer was given up: nothing is worth waiting for.
    gave_up: bool,
    /// Whether the reading side has nothing to report any more.
    reported: bool,
    /// Whether reading and writing have a thread each.
    threads: bool,
    /// How long one of two threads may wait before it looks at what the other did.
    glance: Duration,
}

impl Monitor {
    /// The opening handshake begins now.
    pub(super) fn new(config: &Config) -> Self {
        let timers = Timers::new(config, Duration::ZERO);
        let glance = config.closing_timeout.max(SHORTEST_GLANCE);
        let state = State {
            timers,
            failure: None,
            held_up: Duration::ZERO,
            gave_up: false,
            reported: false,
            threads: false,
            glance,
        };
        Self { epoch: Instant::now(), state: Mutex::new(state) }
    }

    /// The time, for the methods below.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Takes note that the opening handshake is done.
    pub(super) fn opened(&self) {
        self.state().timers.opened(self.now());
    }

    /// Takes note that reading and writing have a thread each from now on.
    pub(super) fn split(&self) {
        self.state().threads = true;
    }

    /// When to ask for what is due, at the latest. The other thread can bring a deadline forward: by a close frame, which
    /// has the closing time-out from then on. Who looks as often notices in time.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let state = self.state();
        let glance = state.threads.then(|| now.saturating_add(state.glance));
        earliest(state.timers.next(), glance)
    }

    pub(super) fn due(&self, now: Duration) -> Option<Due> {
        self.state().timers.due(now)
    }

    /// Takes note of bytes that came `now` for a read that began at `start`. What became due meanwhile, for all that, comes
    /// back: a message that is too slow. What was due before is not, since nobody was there to read.
    pub(super) fn received(&self, start: Duration, now: Duration) -> Option<Due> {
        let mut state = self.state();
        state.timers.received(now);
        let is_new = state.timers.next().is_some_and(|deadline| deadline > start && deadline <= now);
        if is_new { state.timers.due(now) } else { None }
    }

    /// Takes note of a pong; whether it answers a ping of the driver.
    pub(super) fn pong(&self, payload: &[u8]) -> bool {
        self.state().timers.pong(payload, self.now()).is_some()
    }

    /// Takes note that the stream took bytes after it had refused some. Where the same thread reads, what else would show
    /// that the peer is there waits to be read.
    pub(super) fn sent(&self, now: Duration) {
        let mut state = self.state();
        state.timers.sent(now);
        if !state.threads {
            state.timers.received(now);
            state.held_up = now;
        }
    }

    /// Takes note that the stream refuses bytes. A message that is under way is not read then, unless another thread does.
    pub(super) fn held_up(&self, now: Duration) {
        let mut state = self.state();
        if !state.threads {
            state.timers.message(None, now);
            state.held_up = now;
        }
    }

    /// Takes note of what is under way, all of which was read by `now`. What is due then comes back. The time for a message
    /// does not begin before the last write that kept this thread from reading.
    pub(super) fn message(&self, unfinished: Option<Unfinished>, now: Duration) -> Option<Due> {
        let mut state = self.state();
        let since = now.max(state.held_up);
        state.timers.message(unfinished, since);
        state.timers.due(now)
    }

    /// Takes note that a close frame was queued or received.
    pub(super) fn closing(&self) {
        self.state().timers.closing(self.now());
    }

    /// Takes note of a failure. The first one counts.
    pub(super) fn fail(&self, failure: Cause) -> Cause {
        let mut state = self.state();
        state.gave_up |= matches!(failure, Cause::TimedOut);
        state.timers.closing(self.now());
        state.failure.get_or_insert(failure).clone()
    }

    /// Takes note that the peer's close frame arrived: that nothing could be written before is no news then.
    pub(super) fn closed_in_order(&self) {
        let mut state = self.state();
        state.failure = None;
        state.timers.closing(self.now());
    }

    /// Whether the peer was given up, so that nothing is worth waiting for.
    pub(super) fn gave_up(&self) -> bool {
        self.state().gave_up
    }

    /// Whether the time for what has arrived is over, too.
    pub(super) fn has_run_out(&self) -> bool {
        let state = self.state();
        state.gave_up && state.timers.next().is_none()
    }

    /// Whether the stream takes nothing any more. After an error of the peer it takes the close frame.
    pub(super) fn cannot_write(&self) -> bool {
        let state = self.state();
        state.gave_up || !matches!(state.failure, None | Some(Cause::Protocol(_)))
    }

    /// Why nothing can be sent any more, if it is not for a close in order.
    pub(super) fn failure(&self) -> Option<Cause> {
        self.state().failure.clone()
    }

    /// Whether the connection ended, so that nothing can be sent.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.reported || state.failure.is_some()
    }

    /// Whether the connection ended, and there is nothing left to receive.
    pub(super) fn is_reported(&self) -> bool {
        self.state().reported
    }

    /// Ends the connection; for the reading side, which reports a failure once.
    pub(super) fn report(&self) -> Option<Cause> {
        let mut state = self.state();
        state.timers.closed();
        if core::mem::replace(&mut state.reported, true) { None } else { state.failure.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

pub(super) fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A very short closing time-out does not keep a thread busy.
const SHORTEST_GLANCE: Duration = Duration::from_millis(50);
