//! Compressed messages, whole and piece by piece (RFC 7692, section 6.2).

use super::chunks::Step;
use super::masked::Masked;
use super::{Reader, Ready};
use crate::deflate::{Decompressor, Inflated};
use crate::error::Error;
use crate::frame::Kind;

impl Reader {
    /// Takes compressed messages, as was agreed.
    pub(crate) fn set_decompressor(&mut self, decompressor: Decompressor) {
        self.pieces.allow_compression();
        self.decompressor = Some(decompressor);
    }

    /// Adds a compressed piece to the message, and inflates that once it is whole: whoever withholds the rest takes no codec
    /// with it, and no memory but for what arrived. A message of one piece is inflated from where it lies.
    pub(super) fn inflate(&mut self, kind: Kind, piece: Masked<'_>, last: bool) -> Result<Option<Ready>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Err(Error::BadReservedBit);
        };
        let is_one_piece = last && !decompressor.has_begun();
        let n = piece.len();
        decompressor.arrive(kind, n);
        if is_one_piece {
            decompressor.begin()?;
            self.pieces.pause();
            return self.inflate_from(Some(piece.unmask()));
        }
        piece.copy_to(decompressor.room(n, self.pieces.limits().packed()));
        if !last {
            return Ok(None);
        }
        decompressor.begin()?;
        self.pieces.pause();
        self.inflate_from(None)
    }

    /// Inflates a message that has arrived, as far as one call may. Its bytes are `input`, or wait in the decompressor.
    pub(super) fn inflate_from(&mut self, mut input: Option<&[u8]>) -> Result<Option<Ready>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Ok(None);
        };
        let Some(kind) = decompressor.under_way() else {
            return Ok(None);
        };
        let max = self.pieces.limits().message;
        let mut budget = self.inflate_at_most.max(1);
        loop {
            let so_far = Some([self.message.bytes(), self.utf8.cut()]);
            let inflated = match &mut input {
                Some(input) => decompressor.pull(input, so_far, max, &mut budget)?,
                None => decompressor.pull_waiting(so_far, max, &mut budget)?,
            };
            match inflated {
                Inflated::Bytes(n) => {
                    self.message.push_inflated(kind, decompressor.output(n), &mut self.utf8, max)?;
                }
                Inflated::Starved | Inflated::Paused => {
                    if let Some(rest) = input {
                        decompressor.room(rest.len(), self.pieces.limits().packed()).copy_from_slice(rest);
                    }
                    return Ok(None);
                }
                Inflated::Done => {
                    self.message.push_inflated(kind, &[], &mut self.utf8, max)?;
                    decompressor.shrink(self.keep_buffer);
                    self.pieces.resume();
                    return self.whole_message().map(Some);
                }
            }
        }
    }

    /// Adds a compressed piece of a message whose pieces are passed on as they come.
    pub(super) fn inflate_early(&mut self, kind: Kind, piece: Masked<'_>, last: bool) -> Result<(), Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Err(Error::BadReservedBit);
        };
        let n = piece.len();
        decompressor.arrive(kind, n);
        piece.copy_to(decompressor.room(n, self.pieces.limits().packed()));
        if last {
            self.pieces.pause();
            decompressor.begin()
        } else {
            decompressor.begin_early()
        }
    }

    /// The next bytes of a compressed message, if what arrived of it has any.
    pub(super) fn inflated(&mut self, budget: &mut usize) -> Result<Option<Step<'static>>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Ok(None);
        };
        let Some(kind) = decompressor.under_way() else {
            return Ok(None);
        };
        match decompressor.pull_waiting(None, self.pieces.limits().message, budget)? {
            Inflated::Bytes(len) => {
                if kind == Kind::Text && self.check_chunks {
                    self.utf8.push(decompressor.output(len))?;
                }
                Ok(Some(Step::Inflated { kind, len }))
            }
            Inflated::Starved => Ok(None),
            Inflated::Paused => Ok(Some(Step::Nothing)),
            Inflated::Done => {
                decompressor.shrink(self.keep_buffer);
                self.pieces.resume();
                self.check(kind, &[], true)?;
                Ok(Some(Step::Data { kind, bytes: &[], last: true }))
            }
        }
    }
}
