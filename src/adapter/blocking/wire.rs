//! A stream under the deadline of the opening handshake.

use super::monitor::Monitor;
use super::timed::{Stopped, Timed};
use super::{Error, Input, Stream};
use crate::config::Config;
use core::time::Duration;

/// A stream during the opening handshake, and what was read from it.
#[derive(Debug)]
pub(super) struct Wire<S> {
    pub(super) stream: Timed<S>,
    pub(super) monitor: Monitor,
    pub(super) input: Input,
}

impl<S: Stream> Wire<S> {
    pub(super) fn new(stream: S, config: &Config) -> Self {
        Self::begun(Timed::adopt(stream), Monitor::new(config))
    }

    /// A stream whose handshake has begun.
    pub(super) fn begun(stream: Timed<S>, monitor: Monitor) -> Self {
        Self { stream, monitor, input: Input::holding(&[]) }
    }

    /// Begins the deadline anew: the decision of the program is behind it.
    pub(super) fn begin(&mut self, config: &Config) {
        self.monitor = Monitor::new(config);
    }

    /// Reads once. Zero is the end of the stream.
    pub(super) fn read(&mut self) -> Result<usize, Error> {
        let Self { stream, monitor, input } = self;
        let until = after(monitor, stream.reading.limit);
        let n = input.fill(|buffer| stream.read(monitor, until, buffer)).map_err(error)?;
        self.check()?;
        Ok(n)
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let until = after(&self.monitor, self.stream.writing.limit);
        while !bytes.is_empty() {
            let n = self.stream.write(&self.monitor, until, bytes, &[]).map_err(error)?;
            bytes = bytes.split_at(n).1;
            self.check()?;
        }
        self.stream.flush(&self.monitor, until).map_err(error)
    }

    /// Writes the last response. The client may be sending still: what it sends is read for a while, since unread it would
    /// make the end of the stream a reset, which can take the response away from the client.
    pub(super) fn refuse(&mut self, response: &[u8]) -> Result<(), Error> {
        self.write(response)?;
        self.stream.shutdown_write();
        if !self.stream.has_read_timeouts() {
            return Ok(());
        }
        let until = self.monitor.now().saturating_add(LINGER);
        let Self { stream, monitor, input } = self;
        while let Ok(1..) = input.fill(|buffer| stream.read(monitor, Some(until), buffer)) {
            if monitor.now() >= until {
                break;
            }
        }
        Ok(())
    }

    /// Whoever sends byte by byte has no more time for that.
    fn check(&self) -> Result<(), Error> {
        self.monitor.due(self.monitor.now()).map_or(Ok(()), |_| Err(Error::TimedOut))
    }
}

/// When a call that begins now has to return.
fn after(monitor: &Monitor, limit: Option<Duration>) -> Option<Duration> {
    limit.map(|limit| monitor.now().saturating_add(limit))
}

fn error(reason: Stopped) -> Error {
    match reason {
        Stopped::Failed(error) => error.into(),
        Stopped::Late | Stopped::WouldBlock | Stopped::Over | Stopped::Due(_) => Error::TimedOut,
    }
}

/// For a client that goes on sending behind a refusal.
const LINGER: Duration = Duration::from_secs(1);
