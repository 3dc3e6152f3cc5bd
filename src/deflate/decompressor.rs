//! What a connection receives, compressed.

use alloc::boxed::Box;
use alloc::sync::Arc;

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
    /// Made with the first message that is compressed.
    received: Option<Box<Received>>,
    under_way: Option<Kind>,
    last: bool,
}

#[derive(Debug)]
struct Received {
    history: History,
    /// Lent from the first byte of a message to its last.
    inflater: Option<Box<Inflater>>,
    /// How long the message is so far.
    len: usize,
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
        Self { settings: Arc::clone(settings), window, takeover, received: None, under_way: None, last: false }
    }

    /// The kind of the message whose bytes are not all pulled.
    pub(crate) const fn under_way(&self) -> Option<Kind> {
        self.under_way
    }

    /// Takes the next compressed bytes of a message, [`Decompressor::INPUT`] at most.
    pub(crate) fn push(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
        self.under_way = Some(kind);
        self.last = last;
        if bytes.is_empty() && self.inflater().is_none() {
            // A message without even the one byte that an empty one has. Some send that; it touches no window.
            return Ok(());
        }
        let received = self.received.get_or_insert_with(|| {
            Box::new(Received { history: History::new(1 << self.window), inflater: None, len: 0 })
        });
        let inflater = match &mut received.inflater {
            Some(inflater) => inflater,
            none => {
                let inflater = none.insert(self.settings.pool.inflater());
                inflater.start(received.history.parts())?;
                inflater
            }
        };
        inflater.push(bytes, last);
        Ok(())
    }

    /// Makes the next bytes of a message of at most `max`. With `so_far`, what came of it before is the caller's to
    /// keep; without, it is remembered here.
    pub(crate) fn pull(&mut self, so_far: Option<[&[u8]; 2]>, max: usize) -> Result<Inflated, Error> {
        let Some(Received { history, inflater: slot, len }) = self.received.as_deref_mut() else {
            return Ok(self.rest());
        };
        let Some(inflater) = slot else {
            return Ok(self.rest());
        };
        let [older, newer] = history.parts();
        let [begun, cut] = so_far.unwrap_or_default();
        let made = inflater.pull(&[older, newer, begun, cut], (max - *len).saturating_add(1))?;
        *len += made;
        if *len > max {
            return Err(Error::MessageTooBig);
        }
        if so_far.is_none() {
            history.push(inflater.output(made));
        }
        if made > 0 {
            return Ok(Inflated::Bytes(made));
        }
        if inflater.is_done()
            && let Some(inflater) = slot.take()
        {
            self.settings.pool.give_inflater(inflater);
            *len = 0;
            if self.takeover {
                history.push(begun);
                history.push(cut);
            } else {
                *history = History::new(1 << self.window);
            }
        }
        Ok(self.rest())
    }

    /// What the last [`Decompressor::pull`] made.
    pub(crate) fn output(&self, n: usize) -> &[u8] {
        self.inflater().map_or(&[], |inflater| inflater.output(n))
    }

    fn inflater(&self) -> Option<&Inflater> {
        self.received.as_ref()?.inflater.as_deref()
    }

    /// All that was pushed is pulled.
    fn rest(&mut self) -> Inflated {
        self.under_way = None;
        if self.last && self.inflater().is_none() { Inflated::Done } else { Inflated::Starved }
    }
}

impl From<BadDeflate> for Error {
    fn from(_: BadDeflate) -> Self {
        Self::BadCompression
    }
}
