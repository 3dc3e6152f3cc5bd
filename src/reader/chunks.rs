//! Messages as they arrive, piece by piece.

use super::Reader;
use super::event::Chunk;
use super::pieces::Piece;
use crate::error::Error;
use crate::frame::{Kind, OpCode};

/// What a chunk is made of.
pub(super) enum Step<'i> {
    Nothing,
    Data {
        kind: Kind,
        bytes: &'i [u8],
        last: bool,
    },
    /// So many bytes in the decompressor's output.
    #[cfg(feature = "deflate")]
    Inflated {
        kind: Kind,
        len: usize,
    },
    Control(OpCode),
}

impl Reader {
    /// Reads the next piece of a message as it lies in `input`, or the next control frame, or all of `input` if it
    /// has neither. Nothing of a message is stored, and its size is limited by
    /// [`Config::max_message`](crate::Config::max_message) all the same.
    ///
    /// Text is passed on as bytes, so that a piece may end inside a character, and checked on the way unless
    /// [`Config::check_chunks`](crate::Config::check_chunks) says no. Finish a message with the call it began with.
    ///
    /// A compressed message is inflated as it comes, if not too many others are: see `Pool::max_unfinished` in `deflate`.
    /// Otherwise its pieces come when it is whole. `Ok(None)` means that the call stopped at [`Reader::inflate_at_most`], and
    /// maybe not at the end of `input`, if [`Reader::is_inflating`] says so.
    ///
    /// The borders of frames are not shown: a relay may cut messages anew, which section 5.4 allows where no extension
    /// gives them a meaning. permessage-deflate does not.
    ///
    /// # Errors
    ///
    /// As [`Reader::receive`]. The pieces of a message that were delivered are then all there is of it.
    pub fn receive_chunk<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8]) -> Result<Option<Chunk<'a>>, Error> {
        let step = match self.chunk(input) {
            Ok(step) => step,
            Err(error) => return Err(self.fail(error, input)),
        };
        let control = &**self.pieces.newest_control();
        Ok(Some(match step {
            Step::Nothing => return Ok(None),
            Step::Data { kind, bytes, last } => Chunk::Data { kind, bytes, last },
            #[cfg(feature = "deflate")]
            Step::Inflated { kind, len } => {
                let bytes = self.decompressor.as_ref().map_or(&[][..], |decompressor| decompressor.output(len));
                Chunk::Data { kind, bytes, last: false }
            }
            Step::Control(OpCode::Ping) => Chunk::Ping(control),
            Step::Control(OpCode::Pong) => Chunk::Pong(control),
            Step::Control(_) => Chunk::Close(self.close_frame()),
        }))
    }

    fn chunk<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Step<'i>, Error> {
        #[cfg(feature = "deflate")]
        let mut budget = self.inflate_at_most.max(1);
        loop {
            #[cfg(feature = "deflate")]
            if let Some(step) = self.inflated(&mut budget)? {
                return Ok(step);
            }
            if let Some(step) = self.step_by_piece(input)? {
                return Ok(step);
            }
        }
    }

    /// Takes a piece; none comes out of a compressed one yet.
    fn step_by_piece<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Step<'i>>, Error> {
        Ok(Some(match self.pieces.next(input, PIECE)? {
            None => Step::Nothing,
            #[cfg(feature = "deflate")]
            Some(Piece::Data { kind, compressed: true, bytes, last }) => {
                self.inflate_early(kind, bytes, last)?;
                return Ok(None);
            }
            Some(Piece::Data { kind, bytes, last, .. }) => {
                let bytes = bytes.unmask();
                self.check(kind, bytes, last)?;
                Step::Data { kind, bytes, last }
            }
            Some(Piece::Control(opcode)) => {
                self.control(opcode, input)?;
                Step::Control(opcode)
            }
        }))
    }

    /// Checks a piece of text, unless that is left to the receiver.
    pub(super) fn check(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
        if kind == Kind::Text && self.check_chunks {
            self.utf8.push(bytes)?;
            if last && !self.utf8.is_complete() {
                return Err(Error::BadUtf8);
            }
        }
        Ok(())
    }
}

/// How many compressed bytes are taken at a time.
const PIECE: u64 = 1 << 10;
