//! What a connection receives, compressed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::mem;
use core::num::NonZeroU64;

use super::history::History;
use super::inflater::{BadDeflate, Inflater, Step};
use super::pool::{Place, Pool};
use super::settings::Compression;
use super::waiting::Waiting;
use crate::error::Error;
use crate::frame::Kind;

/// The receiving direction of a connection.
#[derive(Debug)]
pub(crate) struct Decompressor {
    settings: Arc<Compression>,
    expansion: Expansion,
    window: u8,
    takeover: bool,
    /// Made with the first message: a connection that receives none is small.
    inbound: Option<Box<Inbound>>,
}

/// What was received, and what is being received.
#[derive(Debug)]
struct Inbound {
    /// With a window as large as a codec's own. One that is smaller would see what else the codec holds.
    owner: Option<NonZeroU64>,
    state: State,
    /// How many compressed bytes of the message have arrived.
    arrived: usize,
    /// Those that the codec has not read.
    waiting: Waiting,
    /// What came out of the messages before, with takeover, and of the one under way if nobody else keeps that.
    received: History,
}

/// Where a message stands.
#[derive(Debug)]
enum State {
    /// None has begun.
    Between,
    /// It has begun, and has no codec.
    Waits(Kind),
    /// It is whole, without even the one byte that an empty message has. Some send that; it touches no window.
    Empty(Kind),
    /// It has a codec, and one that is not whole has a place for it. The codec is idle when it needs more bytes.
    Inflates { kind: Kind, inflater: Box<Inflater>, unfinished: Option<Place>, idle: bool },
}

/// How far a message may inflate: to `ratio` times its compressed size, or to `free` bytes if that is more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expansion {
    pub(crate) ratio: usize,
    pub(crate) free: usize,
}

/// A step of a message.
pub(crate) enum Inflated {
    /// So many bytes of it are in [`Decompressor::output`].
    Bytes(usize),
    /// More compressed bytes are needed.
    Starved,
    /// The budget is spent.
    Paused,
    Done,
}

impl Decompressor {
    /// For a peer whose window has 8 to 15 bits.
    pub(crate) fn new(settings: &Arc<Compression>, window: u8, takeover: bool, expansion: Expansion) -> Self {
        Self { settings: Arc::clone(settings), expansion, window, takeover, inbound: None }
    }

    /// Whether a message has begun to arrive and is not inflated.
    pub(crate) fn has_begun(&self) -> bool {
        self.inbound.as_ref().is_some_and(|inbound| !matches!(inbound.state, State::Between))
    }

    /// The kind of the message that can be pulled from.
    pub(crate) fn under_way(&self) -> Option<Kind> {
        match self.inbound.as_ref()?.state {
            State::Empty(kind) | State::Inflates { kind, idle: false, .. } => Some(kind),
            _ => None,
        }
    }

    /// Takes note that the next `n` bytes of a message are here.
    pub(crate) fn arrive(&mut self, kind: Kind, n: usize) {
        let inbound = self.inbound();
        match &mut inbound.state {
            State::Between => inbound.state = State::Waits(kind),
            State::Inflates { idle, .. } => *idle = false,
            State::Waits(_) | State::Empty(_) => {}
        }
        inbound.arrived = inbound.arrived.saturating_add(n);
    }

    /// Room for `n` of them to wait in; `most` is how many the whole message may have.
    pub(crate) fn room(&mut self, n: usize, most: usize) -> &mut [u8] {
        self.inbound().waiting.room(n, most)
    }

    fn inbound(&mut self) -> &mut Inbound {
        let Self { settings, window, takeover, inbound, .. } = self;
        inbound.get_or_insert_with(|| {
            let owner = (*takeover && *window == Inflater::WINDOW).then(|| settings.pool.number());
            let received = History::new(1 << *window);
            Box::new(Inbound { owner, state: State::Between, arrived: 0, waiting: Waiting::EMPTY, received })
        })
    }

    /// Begins to inflate a message that is not whole, if one more of those may have a codec.
    pub(crate) fn begin_early(&mut self) -> Result<(), Error> {
        let Self { settings, inbound, .. } = self;
        if let Some(inbound) = inbound
            && let State::Waits(kind) = inbound.state
            && inbound.arrived > 0
            && let Some(place) = settings.pool.place()
        {
            inbound.begin(&settings.pool, kind, Some(place))?;
        }
        Ok(())
    }

    /// Begins to inflate a message that has arrived as a whole.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        let Self { settings, inbound, .. } = self;
        let Some(inbound) = inbound else {
            return Ok(());
        };
        match &mut inbound.state {
            State::Waits(kind) if inbound.arrived == 0 => inbound.state = State::Empty(*kind),
            &mut State::Waits(kind) => inbound.begin(&settings.pool, kind, None)?,
            State::Inflates { unfinished, .. } => *unfinished = None,
            State::Between | State::Empty(_) => {}
        }
        Ok(())
    }

    /// Makes the next bytes of a message of at most `max` from those that wait: see [`Decompressor::pull`].
    pub(crate) fn pull_waiting(
        &mut self,
        so_far: Option<[&[u8]; 2]>,
        max: usize,
        budget: &mut usize,
    ) -> Result<Inflated, Error> {
        let mut waiting = mem::replace(&mut self.inbound().waiting, Waiting::EMPTY);
        let mut input = waiting.rest();
        let inflated = self.pull(&mut input, so_far, max, budget)?;
        let left = input.len();
        waiting.leave(left);
        self.inbound().waiting = waiting;
        Ok(inflated)
    }

    /// Makes the next bytes of a message of at most `max` from `input`, while `budget` lasts. With `so_far`, what came of it
    /// before is the caller's to keep; without, it is remembered here.
    pub(crate) fn pull(
        &mut self,
        input: &mut &[u8],
        so_far: Option<[&[u8]; 2]>,
        max: usize,
        budget: &mut usize,
    ) -> Result<Inflated, Error> {
        let Self { expansion, inbound: Some(inbound), .. } = self else {
            return Ok(Inflated::Starved);
        };
        while *budget > 0 {
            let limit = expansion.limit(inbound.arrived, max);
            match inbound.step(input, so_far, limit, *budget)? {
                Step::Made { bytes, work } => {
                    *budget = budget.saturating_sub(work);
                    if bytes > 0 {
                        return Ok(Inflated::Bytes(bytes));
                    }
                }
                Step::Starved => return Ok(Inflated::Starved),
                Step::Done => {
                    self.end(so_far);
                    return Ok(Inflated::Done);
                }
            }
        }
        Ok(Inflated::Paused)
    }

    /// What the last [`Decompressor::pull`] made.
    pub(crate) fn output(&self, n: usize) -> &[u8] {
        match &self.inbound {
            Some(inbound) if let State::Inflates { inflater, .. } = &inbound.state => inflater.output(n),
            _ => &[],
        }
    }

    /// Gives the codec back and remembers what the next message may refer to.
    fn end(&mut self, so_far: Option<[&[u8]; 2]>) {
        let Self { settings, window, takeover, inbound: Some(inbound), .. } = self else {
            return;
        };
        inbound.arrived = 0;
        let State::Inflates { inflater, .. } = mem::replace(&mut inbound.state, State::Between) else {
            return;
        };
        settings.pool.give_inflater(inflater);
        if *takeover {
            so_far.iter().flatten().for_each(|part| inbound.received.push(part));
        } else {
            inbound.received = History::new(1 << *window);
        }
    }

    /// Gives back what memory is kept for compressed bytes beyond `keep`, if there are none.
    pub(crate) fn shrink(&mut self, keep: usize) {
        if let Some(inbound) = &mut self.inbound
            && let State::Between = inbound.state
        {
            inbound.waiting.clear(keep);
        }
    }

    /// Gives back all memory that only a message that arrives needs, if none does.
    pub(crate) fn release(&mut self) {
        self.shrink(0);
        if !self.has_begun() && self.inbound.as_ref().is_some_and(|inbound| inbound.received.is_empty()) {
            self.inbound = None;
        }
    }
}

impl Inbound {
    fn begin(&mut self, pool: &Pool, kind: Kind, unfinished: Option<Place>) -> Result<(), Error> {
        let mut inflater = pool.inflater(self.owner);
        inflater.start(self.owner, self.received.parts())?;
        self.state = State::Inflates { kind, inflater, unfinished, idle: false };
        Ok(())
    }

    /// Runs the codec once, for `most` bytes at most. The message may not pass `limit`, or it is that fault.
    fn step(
        &mut self,
        input: &mut &[u8],
        so_far: Option<[&[u8]; 2]>,
        (limit, fault): (usize, Error),
        most: usize,
    ) -> Result<Step, Error> {
        let State::Inflates { inflater, unfinished, idle, .. } = &mut self.state else {
            return Ok(if let State::Empty(_) = self.state { Step::Done } else { Step::Starved });
        };
        let last = unfinished.is_none();
        let room = limit.checked_sub(inflater.len).ok_or(fault)?;
        // A byte beyond the limit shows that there is more. What is below it comes first, and then the error: so the
        // cuts make no difference. But what is still to arrive may raise the limit.
        let may_rise = !last && fault == Error::ExpandsTooMuch;
        let most = most.min(room.saturating_add(usize::from(!may_rise)));
        *idle = most == 0;
        if *idle {
            return Ok(Step::Starved);
        }
        let [older, newer] = self.received.parts();
        let [begun, cut] = so_far.unwrap_or_default();
        let step = inflater.step(input, last, &[older, newer, begun, cut], most)?;
        let Step::Made { bytes, work } = step else {
            *idle = true;
            return Ok(step);
        };
        inflater.len = inflater.len.saturating_add(bytes);
        if bytes > 0 && room == 0 {
            return Err(fault);
        }
        let bytes = bytes.min(room);
        if so_far.is_none() {
            self.received.push(inflater.output(bytes));
        }
        Ok(Step::Made { bytes, work })
    }
}

impl Expansion {
    /// How far a message of so many compressed bytes may inflate if `max` is a limit too, and what is wrong beyond that.
    fn limit(self, compressed: usize, max: usize) -> (usize, Error) {
        let limit = self.ratio.saturating_mul(compressed).max(self.free);
        if limit < max { (limit, Error::ExpandsTooMuch) } else { (max, Error::MessageTooBig) }
    }
}

impl From<BadDeflate> for Error {
    fn from(_: BadDeflate) -> Self {
        Self::BadCompression
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPANSION: Expansion = Expansion { ratio: 1, free: 0 };

    #[test]
    fn a_whole_window_that_goes_on_is_the_codecs_and_no_other_is() {
        for (window, takeover, goes_on) in [(15, true, true), (15, false, false), (14, true, false)] {
            let settings = Arc::new(Compression::new());
            let mut one = Decompressor::new(&settings, window, takeover, EXPANSION);
            let mut owner = None;
            for _ in 0..2 {
                one.arrive(Kind::Binary, 2);
                one.begin().unwrap();
                let pulled = one.pull(&mut &b"\x02\x00"[..], None, 9, &mut usize::MAX.clone());
                assert!(matches!(pulled, Ok(Inflated::Done)));
                owner = one.inbound().owner;
                let left = settings.pool.inflater(owner);
                assert_eq!((left.owner.is_some(), left.owner), (goes_on, owner), "{window} bits, {takeover}");
                settings.pool.give_inflater(left);
            }
            let mut other = Decompressor::new(&settings, window, takeover, EXPANSION);
            assert!(!goes_on || owner != other.inbound().owner);
        }
    }
}
