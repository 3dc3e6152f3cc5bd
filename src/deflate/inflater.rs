//! One message at a time back from DEFLATE (RFC 7692, section 7.2.2).

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::TAIL;

/// A decompressor, as it lies in the pool, with a little room on both of its sides.
pub(super) struct Inflater {
    codec: Inflate,
    stage: Stage,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    output: Box<[u8]>,
    /// Whether the codec may hold more output than there was room for.
    full: bool,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// In its own bytes; the end of them may be known.
    Message {
        last: bool,
    },
    /// The same, behind a block that called itself final. Sections 7.2.1 and 7.2.3.4 allow that, and more behind it.
    Final {
        last: bool,
    },
    /// In the tail that its sender cut off.
    Tail,
    /// In a final block behind that, which nobody sent: only at a border of blocks does it end the stream.
    Proof,
    Done,
}

/// The message is not DEFLATE, or is cut short.
#[derive(Debug)]
pub(super) struct BadDeflate;

impl Inflater {
    /// How many compressed bytes are taken at a time.
    pub(super) const INPUT: u16 = 1 << 10;

    pub(super) fn new() -> Self {
        Self {
            codec: Inflate::new(false, 15),
            stage: Stage::Message { last: false },
            input: vec![0; usize::from(Self::INPUT)].into_boxed_slice(),
            start: 0,
            end: 0,
            output: vec![0; OUTPUT].into_boxed_slice(),
            full: false,
        }
    }

    /// Starts a message.
    pub(super) fn start(&mut self, history: [&[u8]; 2]) -> Result<(), BadDeflate> {
        self.stage = Stage::Message { last: false };
        (self.start, self.end, self.full) = (0, 0, false);
        self.refer_to(&history)
    }

    /// Takes the next compressed bytes, [`Inflater::INPUT`] at most, once those before them are used up.
    pub(super) fn push(&mut self, bytes: &[u8], last: bool) {
        self.input.split_at_mut(bytes.len()).0.copy_from_slice(bytes);
        (self.start, self.end) = (0, bytes.len());
        match &mut self.stage {
            Stage::Message { last: ends } | Stage::Final { last: ends } => *ends = last,
            _ => {}
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Makes the next bytes of the message, at most `most`, and says how many they are: none without more input.
    /// `so_far` is what came out before, to refer to behind a final block.
    pub(super) fn pull(&mut self, so_far: &[&[u8]], most: usize) -> Result<usize, BadDeflate> {
        while self.go_on(so_far)? {
            let made = self.inflate(most)?;
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }

    /// What the last [`Inflater::pull`] made.
    pub(super) fn output(&self, n: usize) -> &[u8] {
        self.output.split_at(n).0
    }

    /// Moves on to a stage that has work for the codec; false if there is none for now.
    fn go_on(&mut self, so_far: &[&[u8]]) -> Result<bool, BadDeflate> {
        loop {
            let used_up = self.input().is_empty();
            (self.start, self.stage) = match self.stage {
                Stage::Done => return Ok(false),
                Stage::Final { last } if !used_up => {
                    self.refer_to(so_far)?;
                    (self.start, Stage::Message { last })
                }
                Stage::Final { last: true } => (0, Stage::Done),
                _ if self.full || !used_up => return Ok(true),
                Stage::Message { last: true } => (0, Stage::Tail),
                Stage::Tail => (0, Stage::Proof),
                Stage::Proof => return Err(BadDeflate),
                Stage::Message { last: false } | Stage::Final { last: false } => return Ok(false),
            };
        }
    }

    fn input(&self) -> &[u8] {
        let input: &[u8] = match self.stage {
            Stage::Message { .. } | Stage::Final { .. } => self.input.split_at(self.end).0,
            Stage::Tail => &TAIL,
            Stage::Proof => &PROOF,
            Stage::Done => &[],
        };
        input.split_at(self.start.min(input.len())).1
    }

    /// Runs the codec once; says how many bytes it made.
    fn inflate(&mut self, most: usize) -> Result<usize, BadDeflate> {
        let (room, _) = self.output.split_at_mut(most.min(OUTPUT));
        let (taken_before, made_before) = (self.codec.total_in(), self.codec.total_out());
        let input: &[u8] = match self.stage {
            Stage::Tail => TAIL.split_at(self.start).1,
            Stage::Proof => PROOF.split_at(self.start).1,
            _ => self.input.split_at(self.end).0.split_at(self.start).1,
        };
        let status = self.codec.decompress(input, room, InflateFlush::SyncFlush).map_err(|_| BadDeflate)?;
        let taken = usize::try_from(self.codec.total_in() - taken_before).map_err(|_| BadDeflate)?;
        let made = usize::try_from(self.codec.total_out() - made_before).map_err(|_| BadDeflate)?;
        let used_up = taken == input.len();
        self.full = made == room.len() && status != Status::StreamEnd;
        self.start += taken;
        match (status, self.stage) {
            (Status::StreamEnd, Stage::Message { last }) => self.stage = Stage::Final { last },
            (Status::StreamEnd, _) if used_up => self.stage = Stage::Done,
            (Status::StreamEnd, _) => return Err(BadDeflate),
            _ if taken == 0 && made == 0 && !used_up => return Err(BadDeflate),
            _ => {}
        }
        Ok(made)
    }

    /// Starts the codec anew behind what the message may refer to. Resetting it loses its window, so that comes from
    /// outside.
    fn refer_to(&mut self, history: &[&[u8]]) -> Result<(), BadDeflate> {
        self.codec.reset(false);
        for part in history {
            let (_, part) = part.split_at(part.len().saturating_sub(WINDOW));
            if !part.is_empty() {
                self.codec.set_dictionary(part).map_err(|_| BadDeflate)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// An empty final block of the stored kind.
const PROOF: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];
const OUTPUT: usize = 8 << 10;
const WINDOW: usize = 32 << 10;
