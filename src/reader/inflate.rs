//! Compressed messages, whole and piece by piece (RFC 7692, section 6.2).

use super::chunks::Step;
use super::{Reader, Ready};
use crate::deflate::{Decompressor, Inflated};
use crate::error::Error;
use crate::frame::Kind;

impl Reader {
    /// Takes compressed messages, as was agreed.
    pub(crate) fn set_decompressor(&mut self, decompressor: Decompressor) {
        self.pieces.allow_compression(Decompressor::INPUT);
        self.decompressor = Some(decompressor);
    }

    /// Adds a compressed piece to the message, and may end it.
    pub(super) fn inflate(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<Option<Ready>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Err(Error::BadReservedBit);
        };
        let max = self.pieces.max_message();
        decompressor.push(kind, bytes, last)?;
        loop {
            let so_far = [self.message.bytes(), self.utf8.cut()];
            match decompressor.pull(Some(so_far), max)? {
                Inflated::Bytes(n) => {
                    self.message.push_inflated(kind, decompressor.output(n), &mut self.utf8, max)?;
                }
                Inflated::Starved => return Ok(None),
                Inflated::Done => {
                    self.message.push_inflated(kind, &[], &mut self.utf8, max)?;
                    return self.whole_message().map(Some);
                }
            }
        }
    }

    /// The next bytes of a compressed message, if what arrived of it has any.
    pub(super) fn inflated(&mut self) -> Result<Option<Step<'static>>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Ok(None);
        };
        let Some(kind) = decompressor.under_way() else {
            return Ok(None);
        };
        match decompressor.pull(None, self.pieces.max_message())? {
            Inflated::Bytes(len) => {
                if kind == Kind::Text && self.check_chunks {
                    self.utf8.push(decompressor.output(len))?;
                }
                Ok(Some(Step::Inflated { kind, len }))
            }
            Inflated::Starved => Ok(None),
            Inflated::Done => {
                self.check(kind, &[], true)?;
                Ok(Some(Step::Data { kind, bytes: &[], last: true }))
            }
        }
    }
}
