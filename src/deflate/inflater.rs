//! One message at a time back from DEFLATE (RFC 7692, section 7.2.2).

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::num::NonZeroU64;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{LONG_STREAM, TAIL};

/// A decompressor, as it lies in the pool, with a little room on both of its sides.
pub(super) struct Inflater {
    codec: Inflate,
    /// Whose messages so far are the codec's window.
    pub(super) owner: Option<NonZeroU64>,
    stage: Stage,
    /// How much of the message was taken out.
    pub(super) len: usize,
    input: Box<[u8]>,
    start: usize,
    /// Where the message's own bytes end.
    end: usize,
    /// Whether those are its last.
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
    /// The codec's own window, in bits: the largest there is (section 7.1.2).
    pub(super) const WINDOW: u8 = 15;

    pub(super) fn new() -> Self {
        Self {
            codec: Inflate::new(false, Self::WINDOW),
            owner: None,
            stage: Stage::Message,
            len: 0,
            input: vec![0; usize::from(Self::INPUT)].into_boxed_slice(),
            start: 0,
            end: 0,
            last: false,
            output: vec![0; OUTPUT].into_boxed_slice(),
            full: false,
            restarts: 0,
            taken: 0,
        }
    }

    /// Starts a message, which may refer to `history`. That of an `owner` is the codec's own window, if nobody had it
    /// since.
    pub(super) fn start(&mut self, owner: Option<NonZeroU64>, history: [&[u8]; 2]) -> Result<(), BadDeflate> {
        self.stage = Stage::Message;
        (self.len, self.start, self.end) = (0, 0, 0);
        (self.last, self.full) = (false, false);
        (self.restarts, self.taken) = (0, 0);
        let goes_on = owner.is_some() && self.owner == owner && self.codec.total_in() < LONG_STREAM;
        if !goes_on {
            self.refer_to(&history)?;
        }
        self.owner = owner;
        Ok(())
    }

    /// Takes the next compressed bytes, [`Inflater::INPUT`] at most, once those before them are used up.
    pub(super) fn push(&mut self, bytes: &[u8], last: bool) {
        self.input.split_at_mut(bytes.len()).0.copy_from_slice(bytes);
        (self.start, self.end, self.last) = (0, bytes.len(), last);
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Makes the next bytes of the message and says how many they are: none without more input; more than `most` only
    /// if they are its last. `so_far` is what came out before, to refer to behind a final block.
    pub(super) fn pull(&mut self, so_far: &[&[u8]], most: usize) -> Result<usize, BadDeflate> {
        while self.go_on(so_far)? {
            let made = if self.is_under_way() { self.inflate(most)? } else { self.end()? };
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
            Stage::Message if self.is_under_way() || self.last => return Ok(true),
            Stage::Final if self.start < self.end => {
                // Each costs a window's worth of copying: a message of nothing else would be an attack.
                self.restarts = self.restarts.saturating_add(1);
                if self.restarts.saturating_sub(FREE_RESTARTS) > self.taken / BYTES_PER_RESTART {
                    return Err(BadDeflate);
                }
                self.refer_to(so_far)?;
                self.stage = Stage::Message;
                return Ok(true);
            }
            Stage::Final if self.last => (self.stage, self.owner) = (Stage::Done, None),
            _ => {}
        }
        Ok(false)
    }

    /// Whether more may come of the bytes that are here.
    const fn is_under_way(&self) -> bool {
        self.full || self.start < self.end
    }

    /// Runs the codec once; says how many bytes it made.
    fn inflate(&mut self, most: usize) -> Result<usize, BadDeflate> {
        let (_, input) = self.input.split_at(self.end).0.split_at(self.start);
        let (room, _) = self.output.split_at_mut(most.min(OUTPUT));
        let Run { status, taken, made } = run(&mut self.codec, input, room, InflateFlush::SyncFlush)?;
        let stuck = taken == 0 && made == 0 && !input.is_empty();
        self.start = self.start.saturating_add(taken);
        self.taken = self.taken.saturating_add(taken);
        self.full = made == room.len();
        match status {
            Some(Status::StreamEnd) => (self.stage, self.full) = (Stage::Final, false),
            Some(Status::Ok | Status::BufError) if !stuck => {}
            // First what came out before the fault, which the next call meets again: so the cuts make no difference.
            _ if made > 0 => self.full = true,
            _ => return Err(BadDeflate),
        }
        Ok(made)
    }

    /// Puts the tail behind the message, and leaves the stream open for the next one. Says how many bytes came of it: a
    /// block may lack just those four. Told to stop at borders of blocks, the codec stops right behind the tail, or the
    /// message is cut short. The empty block behind it is one only if the border is one of bytes, too: bits that are
    /// left of the tail are ones, and make a final block of it, or none.
    fn end(&mut self) -> Result<usize, BadDeflate> {
        let tail = run(&mut self.codec, &TAIL_AND_EMPTY_BLOCK, &mut self.output, InflateFlush::Block)?;
        if (tail.status, tail.taken) != (Some(Status::Ok), TAIL.len()) {
            return Err(BadDeflate);
        }
        let (_, empty) = TAIL_AND_EMPTY_BLOCK.split_at(TAIL.len());
        let behind = run(&mut self.codec, empty, &mut [], InflateFlush::SyncFlush)?;
        match (behind.status, behind.taken) {
            (Some(Status::Ok), taken) if taken == empty.len() => {}
            // The block that the tail belongs to called itself final.
            (Some(Status::StreamEnd), 0) => self.owner = None,
            _ => return Err(BadDeflate),
        }
        self.stage = Stage::Done;
        Ok(tail.made)
    }

    /// Starts the codec anew behind what the message may refer to. Resetting it loses its window, so that comes from
    /// outside.
    fn refer_to(&mut self, history: &[&[u8]]) -> Result<(), BadDeflate> {
        self.codec.reset(false);
        let mut surplus = history.iter().map(|part| part.len()).sum::<usize>().saturating_sub(1 << Self::WINDOW);
        for part in history {
            let (old, part) = part.split_at(surplus.min(part.len()));
            surplus = surplus.saturating_sub(old.len());
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

/// What a run of the codec came to.
struct Run {
    /// None if there is a fault in its input.
    status: Option<Status>,
    taken: usize,
    made: usize,
}

fn run(codec: &mut Inflate, input: &[u8], room: &mut [u8], flush: InflateFlush) -> Result<Run, BadDeflate> {
    let (taken_before, made_before) = (codec.total_in(), codec.total_out());
    let status = codec.decompress(input, room, flush).ok();
    #[expect(clippy::arithmetic_side_effects, reason = "the totals grow")]
    let (taken, made) = (codec.total_in() - taken_before, codec.total_out() - made_before);
    let [taken, made] = [taken, made].map(usize::try_from);
    Ok(Run { status, taken: taken.map_err(|_| BadDeflate)?, made: made.map_err(|_| BadDeflate)? })
}

/// The tail that a sender cuts off (section 7.2.2), and an empty block of the stored kind, which nobody sent.
const TAIL_AND_EMPTY_BLOCK: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff];
/// More than the four bytes of a tail can come to: at most 17 copies of 258 bytes.
const OUTPUT: usize = 8 << 10;
const FREE_RESTARTS: usize = 64;
const BYTES_PER_RESTART: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// The second example of section 7.2.3.2: five bytes from five before.
    const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

    #[test]
    fn goes_on_for_its_owner_and_begins_anew_for_others() {
        let [one, other] = [1, 2].map(NonZeroU64::new);
        for (owner, history, goes_on) in [
            // From its own window, which nobody hands to it.
            (one, &b""[..], true),
            (other, b"", false),
            (None, b"", false),
            (other, b"Hello", true),
            (None, b"Hello", true),
        ] {
            let mut inflater = Inflater::new();
            // Messages that are whole, and one whose stream has come to its end.
            for (whole, left_by) in [
                (&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], one),
                (b"\x00\x05\x00\xfa\xffHello\x00", one),
                (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", one),
                (b"\xf3\x48\xcd\xc9\xc9\x07\x00", None),
                (b"\x00\x05\x00\xfa\xffHello\x01", None),
            ] {
                assert_eq!(message(&mut inflater, one, b"", whole), Some(b"Hello".to_vec()));
                assert_eq!(inflater.owner, left_by, "{whole:x?}");
                let goes_on = goes_on && (left_by.is_some() || !history.is_empty());
                let again = message(&mut inflater, owner, history, AGAIN);
                assert_eq!(again, goes_on.then(|| b"Hello".to_vec()), "{owner:?} behind {history:?}, {whole:x?}");
                inflater.owner = None;
            }
        }
    }

    #[test]
    fn a_stream_that_grew_long_begins_anew() {
        let owner = NonZeroU64::new(1);
        let mut inflater = Inflater::new();
        let block = [&b"\x00\xfa\x03\x05\xfc"[..], &[b'x'; 1018]].concat();
        inflater.start(owner, [b"", b""]).unwrap();
        while inflater.codec.total_in() < LONG_STREAM {
            inflater.push(&block, false);
            assert_eq!(inflater.pull(&[], OUTPUT).unwrap(), 1018);
        }
        inflater.push(b"\x00", true);
        assert_eq!(inflater.pull(&[], OUTPUT).unwrap(), 0);
        assert!(inflater.is_done() && inflater.owner == owner);
        assert_eq!(message(&mut inflater, owner, b"Hello", AGAIN), Some(b"Hello".to_vec()));
        assert!(inflater.codec.total_in() < 100);
    }

    /// What a peer reaches where addresses have 32 bits, with 4 GiB of empty blocks in one message.
    #[test]
    fn what_was_taken_in_may_pass_the_address_space() {
        let mut inflater = Inflater::new();
        inflater.start(None, [b"", b""]).unwrap();
        inflater.taken = usize::MAX - 4;
        for _ in 0..3 {
            inflater.push(&[0x00, 0x00, 0x00, 0xff, 0xff], false);
            assert_eq!(inflater.pull(&[], 100).unwrap(), 0);
        }
    }

    fn message(inflater: &mut Inflater, owner: Option<NonZeroU64>, history: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let mut output = Vec::new();
        inflater.start(owner, [history, b""]).ok()?;
        inflater.push(bytes, true);
        while !inflater.is_done() {
            let made = inflater.pull(&[history, &output.clone()], 3).ok()?;
            output.extend_from_slice(inflater.output(made));
        }
        Some(output)
    }
}
