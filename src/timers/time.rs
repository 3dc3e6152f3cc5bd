//! Times and spans in as few bytes as they take.

use core::time::Duration;

/// Nanoseconds since the caller's epoch: half a [`Duration`], and enough for five centuries.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Time(u64);

impl Time {
    pub(super) const NEVER: Self = Self(u64::MAX);

    #[inline]
    pub(super) fn after(self, Span(millis): Span) -> Self {
        if millis == u32::MAX {
            return Self::NEVER;
        }
        Self(self.0.saturating_add(u64::from(millis).saturating_mul(1_000_000)))
    }

    /// Behind the time that so many bytes may take at a rate in bytes a second.
    pub(super) fn at_rate(self, bytes: u32, rate: u32) -> Self {
        let nanos = u64::from(bytes).saturating_mul(1_000_000_000).checked_div(rate.into());
        nanos.map_or(Self::NEVER, |nanos| Self(self.0.saturating_add(nanos)))
    }

    /// In nanoseconds.
    pub(super) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    #[inline]
    pub(super) fn is_due(self, now: Self) -> bool {
        self <= now && self != Self::NEVER
    }
}

impl From<Duration> for Time {
    #[inline]
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Time> for Option<Duration> {
    #[inline]
    fn from(time: Time) -> Self {
        (time != Time::NEVER).then(|| Duration::from_nanos(time.0))
    }
}

/// A time-out in whole milliseconds, rounded up: what is longer than 49 days is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) u32);

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(u32::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX))
    }
}

impl From<Option<Duration>> for Span {
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Self(u32::MAX), Self::from)
    }
}
