//! Receiving: reads, answers, and the end of a connection.

use core::time::Duration;

use super::monitor::{Monitor, earliest};
use super::timed::{Stopped, TURN};
use super::{Error, Input};
use crate::adapter::cause::Cause;
use crate::config::Role;
use crate::reader::{Event, Reader};
use crate::reply::Reply;
use crate::timers::Due;

/// A reader and the bytes that it has not looked at.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) reader: Reader,
    input: Input,
    /// When the last bytes came.
    read_at: Duration,
}

/// What receiving needs besides: bytes, and a way to answer. Failures are in the monitor.
pub(super) trait Peer {
    /// How long a call of the program may take.
    fn limit(&self) -> Option<Duration>;
    fn read(&mut self, monitor: &Monitor, until: Option<Duration>, buffer: &mut [u8]) -> Result<usize, Stopped>;
    /// Whether a read that waits for nothing returns.
    fn has_read_timeouts(&mut self) -> bool;
    /// Queues what is owed, and begins to write it.
    fn answer(&mut self, reply: Reply);
    /// Does what is due.
    fn act(&mut self, monitor: &Monitor, due: Due);
    /// Writes for a turn; whether something is left.
    fn flush_for_a_turn(&mut self) -> bool;
    /// Writes all that is pending.
    fn finish(&mut self, monitor: &Monitor, until: Option<Duration>) -> Result<(), Error>;
    /// Nothing can be sent any more.
    fn end(&mut self);
}

impl Receiving {
    pub(super) fn new(reader: Reader, input: &[u8], monitor: &Monitor) -> Self {
        Self { reader, input: Input::holding(input), read_at: monitor.now() }
    }

    /// Waits for the next event.
    pub(super) fn next(&mut self, monitor: &Monitor, peer: &mut impl Peer) -> Result<Option<Event<'_>>, Error> {
        Ok(if self.advance(monitor, peer)? { self.reader.event() } else { None })
    }

    /// Waits for an event; false is the end.
    fn advance(&mut self, monitor: &Monitor, peer: &mut impl Peer) -> Result<bool, Error> {
        let until = peer.limit().map(|limit| monitor.now().saturating_add(limit));
        let mut has_read = false;
        loop {
            if self.look(monitor, peer) {
                return Ok(true);
            }
            if self.reader.is_closed() {
                return self.end(monitor, peer, until).map(|()| false);
            }
            if has_read && until.is_some_and(|until| until <= monitor.now()) {
                return Err(Error::TimedOut);
            }
            has_read = true;
            if self.read(monitor, peer, until)? {
                return Ok(true);
            }
        }
    }

    /// Looks at what was read; whether there is an event.
    fn look(&mut self, monitor: &Monitor, peer: &mut impl Peer) -> bool {
        loop {
            let ready = self.input.lend(|bytes| self.reader.advance(bytes));
            if let Err(error) = ready {
                monitor.fail(Cause::Protocol(error));
            }
            if let Some(reply) = self.reader.take_reply() {
                peer.answer(reply);
            }
            match self.reader.event() {
                None => return false,
                Some(Event::Pong(payload)) if monitor.pong(payload) => {} // to a ping of the driver
                Some(Event::Close(_)) => {
                    monitor.closed_in_order();
                    return true;
                }
                Some(_) => return true,
            }
        }
    }

    /// Writes what is pending, then reads once; whether there is an event.
    fn read(&mut self, monitor: &Monitor, peer: &mut impl Peer, until: Option<Duration>) -> Result<bool, Error> {
        if let Some(due) = monitor.message(self.reader.unfinished(), self.read_at) {
            self.act(monitor, peer, due);
        }
        if monitor.has_run_out() {
            let _ = self.reader.receive_eof();
        }
        if self.reader.is_closed() {
            return Ok(false);
        }
        // A peer that does not read may be waiting for this end to do so: by turns.
        let turn = peer.flush_for_a_turn().then_some(TURN);
        let turn = if monitor.gave_up() { Some(Duration::ZERO) } else { turn };
        let turn = turn.map(|turn| monitor.now().saturating_add(turn));
        let until_now = earliest(until, turn);
        let start = monitor.now();
        let read = match self.reader.room(Input::SIZE) {
            Some(room) => peer.read(monitor, until_now, room).map(|n| (n, self.reader.filled(n))),
            None => self.input.fill(|buffer| peer.read(monitor, until_now, buffer)).map(|n| (n, false)),
        };
        match read {
            Ok((0, _)) => {
                if let Err(error) = self.reader.receive_eof() {
                    monitor.fail(Cause::Protocol(error));
                }
                Ok(false)
            }
            Ok((_, is_whole)) => {
                self.read_at = monitor.now();
                if let Some(due) = monitor.received(start, self.read_at) {
                    self.act(monitor, peer, due);
                }
                Ok(is_whole && !self.reader.is_closed())
            }
            Err(reason) => self.stopped(reason, monitor, peer, until).map(|()| false),
        }
    }

    /// Does what is due. If the peer is given up, all that it has sent is read.
    fn act(&mut self, monitor: &Monitor, peer: &mut impl Peer, due: Due) {
        peer.act(monitor, due);
        if monitor.gave_up() {
            let _ = self.reader.receive_eof();
        }
    }

    /// What it means that a read was stopped. `Ok` is to go on.
    fn stopped(
        &mut self,
        reason: Stopped,
        monitor: &Monitor,
        peer: &mut impl Peer,
        until: Option<Duration>,
    ) -> Result<(), Error> {
        let may_return = !monitor.gave_up();
        match reason {
            Stopped::Late if may_return && until.is_some_and(|until| until <= monitor.now()) => {
                return Err(Error::TimedOut);
            }
            Stopped::WouldBlock if may_return => return Err(Error::TimedOut),
            Stopped::Due(due) => self.act(monitor, peer, due),
            Stopped::Failed(error) => {
                monitor.fail(error.into());
                let _ = self.reader.receive_eof(); // the failure is the news
            }
            _ => {}
        }
        if monitor.gave_up() {
            let _ = self.reader.receive_eof();
        }
        Ok(())
    }

    /// Section 7.1.1: the last bytes go out, then the server ends the stream and the client waits for that. After an error,
    /// either reads for a while what the peer still sends: unread, it would make the end of the stream a reset, which
    /// can take the close frame away from the peer.
    fn end(&mut self, monitor: &Monitor, peer: &mut impl Peer, until: Option<Duration>) -> Result<(), Error> {
        if monitor.is_reported() {
            return Ok(());
        }
        let is_clean = self.reader.error().is_none();
        if !self.reader.is_eof() {
            match peer.finish(monitor, until) {
                Err(Error::TimedOut) if !monitor.gave_up() => return Err(Error::TimedOut), // to be called again
                _ => {}
            }
            let waits = is_clean && self.reader.role() == Role::Client;
            if !waits {
                peer.end();
            }
            // Behind a deadline that has passed there is nothing to wait for.
            if !monitor.gave_up() && (waits || (!is_clean && peer.has_read_timeouts())) {
                self.drain(monitor, peer, until);
            }
        }
        peer.end();
        if is_clean {
            monitor.closed_in_order(); // a failure since then is no news
        }
        monitor.report().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Reads to the end of the stream, or until the time is over, and looks at nothing.
    fn drain(&mut self, monitor: &Monitor, peer: &mut impl Peer, until: Option<Duration>) {
        while let Ok(1..) = self.input.fill(|buffer| peer.read(monitor, until, buffer)) {
            let now = monitor.now();
            if monitor.due(now).is_some() || monitor.gave_up() || until.is_some_and(|until| until <= now) {
                break;
            }
        }
        self.input.clear();
        let _ = self.reader.receive_eof(); // nothing is missing
    }
}
