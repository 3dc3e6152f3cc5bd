//! One message at a time back from DEFLATE (RFC 7692, section 7.2.2).

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

/// A decompressor, as it lies in the pool, with a little room on both of its sides.
pub(super) struct Inflater {
    codec: Inflate,
    stage: Stage,
    /// How much of the message was taken out.
    pub(super) len: usize,
    input: Box<[u8]>,
    start: usize,
    /// Where the message's own bytes end.
    end: usize,
    /// Whether those are its last: the ending is behind them.
    last: bool,
    output: Box<[u8]>,
    /// Whether the codec may hold more output than there was room for.
    full: bool,
    /// How many times the codec was started anew within the message, and how much of it was taken in.
    restarts: usize,
    taken: usize,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Message,
    /// Behind a block that called itself final. Sections 7.2.1 and 7.2.3.4 allow that, and more behind it.
    Final,
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
            stage: Stage::Message,
            len: 0,
            input: vec![0; usize::from(Self::INPUT) + ENDING.len()].into_boxed_slice(),
            start: 0,
            end: 0,
            last: false,
            output: vec![0; OUTPUT].into_boxed_slice(),
            full: false,
            restarts: 0,
            taken: 0,
        }
    }

    /// Starts a message.
    pub(super) fn start(&mut self, history: [&[u8]; 2]) -> Result<(), BadDeflate> {
        self.stage = Stage::Message;
        (self.len, self.start, self.end) = (0, 0, 0);
        (self.last, self.full) = (false, false);
        (self.restarts, self.taken) = (0, 0);
        self.refer_to(&history)
    }

    /// Takes the next compressed bytes, [`Inflater::INPUT`] at most, once those before them are used up.
    pub(super) fn push(&mut self, bytes: &[u8], last: bool) {
        let (message, behind) = self.input.split_at_mut(bytes.len());
        message.copy_from_slice(bytes);
        if last {
            behind.split_at_mut(ENDING.len()).0.copy_from_slice(&ENDING);
        }
        (self.start, self.end, self.last) = (0, bytes.len(), last);
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

    /// Whether there is work for the codec now.
    fn go_on(&mut self, so_far: &[&[u8]]) -> Result<bool, BadDeflate> {
        match self.stage {
            Stage::Message if self.full || !self.input().is_empty() => return Ok(true),
            // Not at a border of blocks.
            Stage::Message if self.last => return Err(BadDeflate),
            Stage::Final if self.start < self.end => {
                // Each costs a window's worth of copying: a message of nothing else would be an attack.
                self.restarts += 1;
                if self.restarts > FREE_RESTARTS + self.taken / BYTES_PER_RESTART {
                    return Err(BadDeflate);
                }
                self.refer_to(so_far)?;
                self.stage = Stage::Message;
                return Ok(true);
            }
            Stage::Final if self.last => self.stage = Stage::Done,
            _ => {}
        }
        Ok(false)
    }

    fn input(&self) -> &[u8] {
        let end = if self.last { self.end + ENDING.len() } else { self.end };
        self.input.split_at(end).0.split_at(self.start).1
    }

    /// Runs the codec once; says how many bytes it made.
    fn inflate(&mut self, most: usize) -> Result<usize, BadDeflate> {
        let end = if self.last { self.end + ENDING.len() } else { self.end };
        let (_, input) = self.input.split_at(end).0.split_at(self.start);
        let (room, _) = self.output.split_at_mut(most.min(OUTPUT));
        let (taken_before, made_before) = (self.codec.total_in(), self.codec.total_out());
        let result = self.codec.decompress(input, room, InflateFlush::SyncFlush);
        let taken = usize::try_from(self.codec.total_in() - taken_before).map_err(|_| BadDeflate)?;
        let made = usize::try_from(self.codec.total_out() - made_before).map_err(|_| BadDeflate)?;
        let stuck = taken == 0 && made == 0 && !input.is_empty();
        self.start += taken;
        self.taken += taken;
        self.full = made == room.len();
        match (result, self.start.checked_sub(self.end)) {
            (Ok(Status::StreamEnd), None | Some(0)) => (self.stage, self.full) = (Stage::Final, false),
            (Ok(Status::StreamEnd), Some(TAIL_END | ENDING_END)) => (self.stage, self.full) = (Stage::Done, false),
            (Ok(Status::Ok | Status::BufError), _) if !stuck => {}
            // First what came out before the fault, which the next call meets again: so the cuts make no difference.
            _ if made > 0 => self.full = true,
            _ => return Err(BadDeflate),
        }
        Ok(made)
    }

    /// Starts the codec anew behind what the message may refer to. Resetting it loses its window, so that comes from
    /// outside.
    fn refer_to(&mut self, history: &[&[u8]]) -> Result<(), BadDeflate> {
        self.codec.reset(false);
        let mut surplus = history.iter().map(|part| part.len()).sum::<usize>().saturating_sub(WINDOW);
        for part in history {
            let (old, part) = part.split_at(surplus.min(part.len()));
            surplus -= old.len();
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

/// The tail that a sender cuts off (section 7.2.2), and an empty final block of the stored kind, which nobody sent:
/// only at a border of blocks does it end the stream.
const ENDING: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];
const TAIL_END: usize = 4;
const ENDING_END: usize = ENDING.len();
const OUTPUT: usize = 8 << 10;
const FREE_RESTARTS: usize = 64;
const BYTES_PER_RESTART: usize = 64;
const WINDOW: usize = 32 << 10;
