//! A stream whose time-outs follow the deadlines of a connection.

use core::fmt;
use core::time::Duration;
use std::io::{self, IoSlice, Write};

use super::Stream;
use super::monitor::{Monitor, earliest};
use crate::adapter::input::or_eof;
use crate::timers::Due;

/// A stream, and the time-outs that are set on it.
#[derive(Debug)]
pub(super) struct Timed<S> {
    stream: S,
    pub(super) reading: Timeout,
    pub(super) writing: Timeout,
    /// Whether the last write had to wait, or was not taken whole.
    waits: bool,
    /// Whether the stream may hold back what was written.
    holds: bool,
}

/// The time-out of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeout {
    armed: Armed,
    /// That of the caller, for each call.
    pub(super) limit: Option<Duration>,
}

/// What is set on a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Armed {
    /// Not known: the stream was in other hands.
    Unknown,
    /// A time-out, or none. It stays while it is short enough. `fired` is one that was too short.
    Set { limit: Option<Duration>, fired: bool },
    /// The stream cannot.
    Never,
}

/// Why a read or write ended without a result.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It is as late as it was to become.
    Late,
    /// The stream has a time-out of its own, or does not block.
    WouldBlock,
    /// The connection failed in the other direction.
    Over,
    Due(Due),
    Failed(io::Error),
}

impl<S: Stream> Timed<S> {
    /// Adopts the time-outs that the caller has set on the stream.
    pub(super) fn adopt(stream: S) -> Self {
        let reading = Timeout::of(stream.read_timeout());
        let writing = Timeout::of(stream.write_timeout());
        Self { stream, reading, writing, waits: false, holds: false }
    }

    /// The same connection through another handle.
    pub(super) const fn through<W>(&self, stream: W) -> Timed<W> {
        let Self { reading, writing, waits, holds, .. } = *self;
        Timed { stream, reading: reading.unknown(), writing: writing.unknown(), waits, holds }
    }

    /// The same connection through what is made of its stream.
    pub(super) fn map<T>(self, layer: impl FnOnce(S) -> T) -> Timed<T> {
        let Self { stream, reading, writing, waits, holds } = self;
        Timed { stream: layer(stream), reading, writing, waits, holds }
    }

    /// Hands the stream back with the time-outs that it came with.
    pub(super) fn release(self) -> S {
        let _ = self.stream.set_read_timeout(self.reading.limit);
        let _ = self.stream.set_write_timeout(self.writing.limit);
        self.stream
    }

    /// The stream, for somebody who may change its time-outs.
    pub(super) const fn stream(&mut self) -> &mut S {
        self.reading.armed = Armed::Unknown;
        self.writing.armed = Armed::Unknown;
        &mut self.stream
    }

    /// Tells the peer that nothing more will be written, which may take a short write.
    pub(super) fn shutdown_write(&mut self) {
        self.arm_writing(Some(TURN));
        let _ = self.stream.shutdown_write();
    }

    /// Whether a read that waits for nothing returns.
    pub(super) fn has_read_timeouts(&mut self) -> bool {
        self.arm_reading(Some(TURN));
        self.reading.armed != Armed::Never
    }

    fn arm_reading(&mut self, wait: Option<Duration>) {
        let Self { stream, reading, writing, .. } = self;
        if stream.is_full_duplex() {
            reading.arm(wait, |limit| stream.set_read_timeout(limit));
        } else {
            reading.arm(wait, |limit| set_both(stream, limit));
            writing.armed = reading.armed;
        }
    }

    fn arm_writing(&mut self, wait: Option<Duration>) {
        let Self { stream, reading, writing, .. } = self;
        if stream.is_full_duplex() {
            writing.arm(wait, |limit| stream.set_write_timeout(limit));
        } else {
            writing.arm(wait, |limit| set_both(stream, limit));
            reading.armed = writing.armed;
        }
    }

    /// Reads once, by `until` at the latest.
    pub(super) fn read(
        &mut self,
        monitor: &Monitor,
        until: Option<Duration>,
        buffer: &mut [u8],
    ) -> Result<usize, Stopped> {
        loop {
            let start = monitor.now();
            let wait = earliest(monitor.deadline(start), until).map(|deadline| deadline.saturating_sub(start));
            self.arm_reading(wait);
            match or_eof(self.stream.read_once(buffer)) {
                Err(error) => self.reading.look(error, monitor, start, until, monitor.gave_up())?,
                read => return Ok(read.unwrap_or_default()),
            }
        }
    }

    /// Writes once, by `until` at the latest: a part of `first` and what is `behind` it. Not all systems end a write of much
    /// at its time-out if some of it moves, so that it is cut.
    pub(super) fn write(
        &mut self,
        monitor: &Monitor,
        until: Option<Duration>,
        first: &[u8],
        behind: &[u8],
    ) -> Result<usize, Stopped> {
        let start = monitor.now();
        // A read of a stream without time-outs may wait for ever for a peer that waits for the rest of this.
        let may_stop = self.waits && self.writing.armed != Armed::Never;
        if may_stop && until.is_some_and(|until| until <= start) {
            return Err(Stopped::Late);
        }
        let (first, _) = first.split_at(first.len().min(MOST));
        let (behind, _) = behind.split_at(behind.len().min(MOST.saturating_sub(first.len())));
        let slices = [IoSlice::new(first), IoSlice::new(behind)];
        // A TLS stream whose buffer is full may read instead, once.
        for _ in 0..TRIES {
            let n = self.put(monitor, until, |stream| match behind {
                [] => stream.write(first),
                _ => stream.write_vectored(&slices),
            })?;
            if n > 0 {
                self.wrote(monitor, start, n == first.len().saturating_add(behind.len()));
                return Ok(n);
            }
        }
        Err(Stopped::Failed(io::ErrorKind::WriteZero.into()))
    }

    fn wrote(&mut self, monitor: &Monitor, start: Duration, is_whole: bool) {
        self.holds = true;
        let now = monitor.now();
        let has_waited = now.saturating_sub(start) >= TICK;
        // What a short write took may have had room before.
        if self.waits || (has_waited && is_whole) {
            monitor.sent(now);
        }
        self.waits = has_waited || !is_whole;
    }

    pub(super) fn flush(&mut self, monitor: &Monitor, until: Option<Duration>) -> Result<(), Stopped> {
        if self.holds {
            self.put(monitor, until, Write::flush)?;
            self.holds = false;
        }
        Ok(())
    }

    /// A write never waits for longer than a turn, so that progress shows as it is made.
    fn put<R>(
        &mut self,
        monitor: &Monitor,
        until: Option<Duration>,
        mut write: impl FnMut(&mut S) -> io::Result<R>,
    ) -> Result<R, Stopped> {
        loop {
            let start = monitor.now();
            let deadline = earliest(monitor.deadline(start), until);
            let wait = deadline.map_or(TURN, |deadline| deadline.saturating_sub(start).min(TURN));
            self.arm_writing(Some(wait));
            match write(&mut self.stream) {
                Ok(result) => return Ok(result),
                Err(error) => {
                    if is_late(&error) {
                        note_refusal(monitor, &error);
                        self.waits = true;
                    }
                    self.writing.look(error, monitor, start, until, monitor.cannot_write())?;
                }
            }
        }
    }
}

impl Timeout {
    /// What is set on a stream, if that is known, becomes the limit of the caller.
    fn of(set: io::Result<Option<Duration>>) -> Self {
        set.map_or(Self { armed: Armed::Unknown, limit: None }, |limit| Self {
            armed: Armed::Set { limit, fired: false },
            limit,
        })
    }

    /// With the same limit of the caller, for a stream that was in other hands.
    const fn unknown(self) -> Self {
        Self { armed: Armed::Unknown, limit: self.limit }
    }

    /// Sets a time-out if what is set is longer by more than some slack. What is shorter fires early, once.
    fn arm(&mut self, wait: Option<Duration>, set: impl FnOnce(Option<Duration>) -> io::Result<()>) {
        let wait = wait.map(|wait| wait.clamp(SHORTEST, LONGEST));
        let is_good = match (self.armed, wait) {
            (Armed::Never, _) => true,
            (Armed::Unknown, _) => false,
            (Armed::Set { limit, fired }, _) => limit == wait || (!fired && is_short_enough(limit, wait)),
        };
        if !is_good {
            self.armed = if set(wait).is_ok() { Armed::Set { limit: wait, fired: false } } else { Armed::Never };
        }
    }

    /// What an error of the stream means. `Ok` is to try again.
    fn look(
        &mut self,
        error: io::Error,
        monitor: &Monitor,
        start: Duration,
        until: Option<Duration>,
        is_over: bool,
    ) -> Result<(), Stopped> {
        let is_late = is_late(&error);
        if !is_late && error.kind() != io::ErrorKind::Interrupted {
            return Err(Stopped::Failed(error));
        }
        let now = monitor.now();
        if let Some(due) = monitor.due(now) {
            Err(Stopped::Due(due))
        } else if is_over {
            Err(Stopped::Over)
        } else if until.is_some_and(|until| until <= now) {
            Err(Stopped::Late)
        } else if is_late && !self.has_fired(now.saturating_sub(start)) {
            Err(Stopped::WouldBlock)
        } else {
            Ok(())
        }
    }

    /// Whether a time-out behind this wait is the one that was set.
    fn has_fired(&mut self, waited: Duration) -> bool {
        let Armed::Set { limit: Some(limit), fired } = &mut self.armed else {
            return false;
        };
        *fired = waited.saturating_add(slack(*limit)).saturating_add(TICK) >= *limit;
        *fired
    }
}

fn set_both(stream: &impl Stream, limit: Option<Duration>) -> io::Result<()> {
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// The stream does not take what it is given; one with TLS may have written some of what it was given before.
fn note_refusal(monitor: &Monitor, error: &io::Error) {
    let now = monitor.now();
    monitor.held_up(now);
    if error.get_ref().is_some_and(<dyn core::error::Error + Send + Sync>::is::<Progress>) {
        monitor.sent(now);
    }
}

/// In an error of a write that ran out of time: some bytes were written that had to wait before.
#[derive(Debug)]
pub(super) struct Progress;

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all is written yet")
    }
}

impl core::error::Error for Progress {}

/// Whether a read or write returns in time to look at a deadline.
fn is_short_enough(limit: Option<Duration>, wait: Option<Duration>) -> bool {
    match (limit, wait) {
        (Some(limit), Some(wait)) => limit <= wait.saturating_add(slack(wait)),
        (_, wait) => wait.is_none(),
    }
}

/// By how much a deadline may be missed, so that not every call sets its time-out anew.
fn slack(wait: Duration) -> Duration {
    wait.checked_div(16).unwrap_or_default()
}

/// How long one direction waits while there is something to do in the other, and how long a write waits to show progress.
pub(super) const TURN: Duration = Duration::from_millis(100);
/// How much is written at once, in bytes.
const MOST: usize = 256 << 10;
/// How often a write may take nothing and not say why.
const TRIES: u8 = 4;
/// A time-out of zero is none.
const SHORTEST: Duration = Duration::from_millis(1);
/// Not all systems take any number.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How early the time-out of a system may be. What takes longer has waited.
const TICK: Duration = Duration::from_millis(10);
