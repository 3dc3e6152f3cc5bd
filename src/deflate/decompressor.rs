//! What a connection receives, compressed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::num::NonZeroU64;

use super::history::History;
use super::inflater::{BadDeflate, Inflater};
use super::settings::Compression;
use crate::error::Error;
use crate::frame::Kind;

/// The receiving direction of a connection.
#[derive(Debug)]
pub(crate) struct Decompressor {
    settings: Arc<Compression>,
    window: u8,
    takeover: bool,
    /// With a window as large as a codec's own. One that is smaller would see what else the codec holds.
    owner: Option<NonZeroU64>,
    under_way: Option<Kind>,
    last: bool,
    /// What came out of the messages before, with takeover, and of the one under way if nobody else keeps that. Made
    /// when there is something.
    received: Option<Box<History>>,
    /// Lent from the first byte of a message to its last.
    inflater: Option<Box<Inflater>>,
}

/// A step of a message.
pub(crate) enum Inflated {
    /// So many bytes of it are in [`Decompressor::output`].
    Bytes(usize),
    /// More compressed bytes are needed.
    Starved,
    Done,
}

impl Decompressor {
    /// How many compressed bytes are taken at a time.
    pub(crate) const INPUT: u16 = Inflater::INPUT;

    /// For a peer whose window has 8 to 15 bits.
    pub(crate) fn new(settings: &Arc<Compression>, window: u8, takeover: bool) -> Self {
        let settings = Arc::clone(settings);
        let owner = (takeover && window == Inflater::WINDOW).then(|| settings.pool.number());
        Self { settings, window, takeover, owner, under_way: None, last: false, received: None, inflater: None }
    }

    /// The kind of the message whose bytes are not all pulled.
    pub(crate) const fn under_way(&self) -> Option<Kind> {
        self.under_way
    }

    /// Takes the next compressed bytes of a message, [`Decompressor::INPUT`] at most.
    pub(crate) fn push(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
        self.under_way = Some(kind);
        self.last = last;
        if bytes.is_empty() && self.inflater.is_none() {
            // A message without even the one byte that an empty one has. Some send that; it touches no window.
            return Ok(());
        }
        let inflater = match &mut self.inflater {
            Some(inflater) => inflater,
            none => {
                let inflater = none.insert(self.settings.pool.inflater(self.owner));
                inflater.start(self.owner, parts(self.received.as_deref()))?;
                inflater
            }
        };
        inflater.push(bytes, last);
        Ok(())
    }

    /// Makes the next bytes of a message of at most `max`. With `so_far`, what came of it before is the caller's to
    /// keep; without, it is remembered here.
    pub(crate) fn pull(&mut self, so_far: Option<[&[u8]; 2]>, max: usize) -> Result<Inflated, Error> {
        let Self { settings, window, takeover, received, inflater: slot, .. } = self;
        let Some(inflater) = slot else {
            return Ok(self.rest());
        };
        let room = max.checked_sub(inflater.len).ok_or(Error::MessageTooBig)?;
        let [older, newer] = parts(received.as_deref());
        let [begun, cut] = so_far.unwrap_or_default();
        // A byte beyond the limit shows that there is more. What is below it comes first, and then the error: so the
        // cuts make no difference.
        let made = inflater.pull(&[older, newer, begun, cut], room.saturating_add(1))?;
        inflater.len = inflater.len.saturating_add(made);
        if made > 0 && room == 0 {
            return Err(Error::MessageTooBig);
        }
        let made = made.min(room);
        let history = || Box::new(History::new(1 << *window));
        if made > 0 {
            if so_far.is_none() {
                received.get_or_insert_with(history).push(inflater.output(made));
            }
            return Ok(Inflated::Bytes(made));
        }
        if inflater.is_done()
            && let Some(inflater) = slot.take()
        {
            settings.pool.give_inflater(inflater);
            if !*takeover {
                *received = None;
            } else if so_far.is_some() {
                let received = received.get_or_insert_with(history);
                received.push(begun);
                received.push(cut);
            }
        }
        Ok(self.rest())
    }

    /// What the last [`Decompressor::pull`] made.
    pub(crate) fn output(&self, n: usize) -> &[u8] {
        self.inflater.as_ref().map_or(&[], |inflater| inflater.output(n))
    }

    /// All that was pushed is pulled.
    fn rest(&mut self) -> Inflated {
        self.under_way = None;
        if self.last && self.inflater.is_none() { Inflated::Done } else { Inflated::Starved }
    }
}

/// The older bytes, then the newer.
fn parts(received: Option<&History>) -> [&[u8]; 2] {
    received.map_or_else(Default::default, History::parts)
}

impl From<BadDeflate> for Error {
    fn from(_: BadDeflate) -> Self {
        Self::BadCompression
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_window_that_goes_on_is_the_codecs_and_no_other_is() {
        for (window, takeover, goes_on) in [(15, true, true), (15, false, false), (14, true, false)] {
            let settings = Arc::new(Compression::new());
            let mut one = Decompressor::new(&settings, window, takeover);
            for _ in 0..2 {
                one.push(Kind::Binary, b"\x02\x00", true).unwrap();
                assert!(matches!(one.pull(None, 9), Ok(Inflated::Done)));
                let left = settings.pool.inflater(one.owner);
                assert_eq!((left.owner.is_some(), left.owner), (goes_on, one.owner), "{window} bits, {takeover}");
                settings.pool.give_inflater(left);
            }
            assert!(!goes_on || one.owner != Decompressor::new(&settings, window, takeover).owner);
        }
    }
}
