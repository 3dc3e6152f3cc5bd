//! One message at a time back from DEFLATE (RFC 7692, section 7.2.2).

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::num::NonZeroU64;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{LONG_STREAM, TAIL};

/// A decompressor, as it lies in the pool, with a little room for its output.
pub(super) struct Inflater {
    codec: Inflate,
    /// Whose messages so far are the codec's window.
    pub(super) owner: Option<NonZeroU64>,
    stage: Stage,
    /// How much of the message was taken out.
    pub(super) len: usize,
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

/// What one run of the codec came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// So many bytes are in [`Inflater::output`], maybe none. `work` is how many bytes were read or written for it,
    /// whichever are more.
    Made {
        bytes: usize,
        work: usize,
    },
    /// More input is needed.
    Starved,
    Done,
}

/// The message is not DEFLATE, or is cut short.
#[derive(Debug)]
pub(super) struct BadDeflate;

impl Inflater {
    /// The codec's own window, in bits: the largest there is (section 7.1.2).
    pub(super) const WINDOW: u8 = 15;

    pub(super) fn new() -> Self {
        Self {
            codec: Inflate::new(false, Self::WINDOW),
            owner: None,
            stage: Stage::Done,
            len: 0,
            output: vec![0; OUTPUT].into_boxed_slice(),
            full: false,
            restarts: 0,
            taken: 0,
        }
    }

    /// Whether it may be lent again: not behind a message that did not come to its end.
    pub(super) fn is_clean(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Starts a message, which may refer to `history`. That of an `owner` is the codec's own window, if nobody had it
    /// since.
    pub(super) fn start(&mut self, owner: Option<NonZeroU64>, history: [&[u8]; 2]) -> Result<(), BadDeflate> {
        self.stage = Stage::Message;
        (self.len, self.full) = (0, false);
        (self.restarts, self.taken) = (0, 0);
        let goes_on = owner.is_some() && self.owner == owner && self.codec.total_in() < LONG_STREAM;
        if !goes_on {
            self.refer_to(&history)?;
        }
        self.owner = owner;
        Ok(())
    }

    /// Makes the next bytes of the message from the front of `input`, which is consumed. With `last`, `input` is all that
    /// is left of the message. No more than `most` bytes are made, unless the codec finds up to 4,386 more in the tail.
    /// `so_far` is what came out before, to refer to behind a final block.
    pub(super) fn step(
        &mut self,
        input: &mut &[u8],
        last: bool,
        so_far: &[&[u8]],
        most: usize,
    ) -> Result<Step, BadDeflate> {
        match self.stage {
            Stage::Message if self.full || !input.is_empty() => self.inflate(input, most),
            Stage::Message if last => self.end(),
            Stage::Final if !input.is_empty() => self.restart(so_far),
            Stage::Final if last => {
                (self.stage, self.owner) = (Stage::Done, None);
                Ok(Step::Done)
            }
            Stage::Done => Ok(Step::Done),
            Stage::Message | Stage::Final => Ok(Step::Starved),
        }
    }

    /// What the last [`Inflater::step`] made.
    pub(super) fn output(&self, n: usize) -> &[u8] {
        self.output.split_at(n).0
    }

    /// Goes on behind a final block.
    fn restart(&mut self, so_far: &[&[u8]]) -> Result<Step, BadDeflate> {
        // Each costs a window's worth of copying: a message of nothing else would be an attack.
        self.restarts = self.restarts.saturating_add(1);
        if self.restarts.saturating_sub(FREE_RESTARTS) > self.taken / BYTES_PER_RESTART {
            return Err(BadDeflate);
        }
        let work = self.refer_to(so_far)?;
        self.stage = Stage::Message;
        Ok(Step::Made { bytes: 0, work })
    }

    /// Runs the codec once.
    fn inflate(&mut self, input: &mut &[u8], most: usize) -> Result<Step, BadDeflate> {
        let (next, _) = input.split_at(input.len().min(INPUT));
        let (room, _) = self.output.split_at_mut(most.min(OUTPUT));
        let Run { status, taken, made } = run(&mut self.codec, next, room, InflateFlush::SyncFlush)?;
        let stuck = taken == 0 && made == 0 && !next.is_empty();
        (_, *input) = input.split_at(taken);
        self.taken = self.taken.saturating_add(taken);
        self.full = made == room.len();
        match status {
            Some(Status::StreamEnd) => (self.stage, self.full) = (Stage::Final, false),
            Some(Status::Ok | Status::BufError) if !stuck => {}
            // First what came out before the fault, which the next step meets again: so the cuts make no difference.
            _ if made > 0 => self.full = true,
            _ => return Err(BadDeflate),
        }
        Ok(Step::Made { bytes: made, work: made.max(taken) })
    }

    /// Puts the tail behind the message, and leaves the stream open for the next one. A block may lack just those four
    /// bytes, so that something may come of them. Told to stop at borders of blocks, the codec stops right behind the
    /// tail, or the message is cut short. The empty block behind it is one only if the border is one of bytes, too: bits
    /// that are left of the tail are ones, and make a final block of it, or none.
    fn end(&mut self) -> Result<Step, BadDeflate> {
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
        Ok(if tail.made == 0 { Step::Done } else { Step::Made { bytes: tail.made, work: tail.made } })
    }

    /// Starts the codec anew behind what the message may refer to, and says how much that is. Resetting it loses its
    /// window, so that comes from outside.
    fn refer_to(&mut self, history: &[&[u8]]) -> Result<usize, BadDeflate> {
        self.codec.reset(false);
        let all = history.iter().map(|part| part.len()).sum::<usize>();
        let mut surplus = all.saturating_sub(1 << Self::WINDOW);
        let copied = all.saturating_sub(surplus);
        for part in history {
            let (old, part) = part.split_at(surplus.min(part.len()));
            surplus = surplus.saturating_sub(old.len());
            if !part.is_empty() {
                self.codec.set_dictionary(part).map_err(|_| BadDeflate)?;
            }
        }
        Ok(copied)
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
/// How many bytes a run of the codec reads at most: as many as it writes, so that a step is a bounded work.
const INPUT: usize = OUTPUT;
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
            assert_eq!(make(&mut inflater, &block, OUTPUT), 1018);
        }
        let mut end = &b"\x00"[..];
        assert_eq!(inflater.step(&mut end, true, &[], OUTPUT).unwrap(), Step::Made { bytes: 0, work: 1 });
        assert_eq!(inflater.step(&mut end, true, &[], OUTPUT).unwrap(), Step::Done);
        assert!(inflater.owner == owner);
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
            assert_eq!(make(&mut inflater, &[0x00, 0x00, 0x00, 0xff, 0xff], 100), 0);
        }
    }

    fn message(inflater: &mut Inflater, owner: Option<NonZeroU64>, history: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let mut output = Vec::new();
        inflater.start(owner, [history, b""]).ok()?;
        let mut input = bytes;
        loop {
            match inflater.step(&mut input, true, &[history, &output.clone()], 3).ok()? {
                Step::Made { bytes, .. } => output.extend_from_slice(inflater.output(bytes)),
                Step::Starved => panic!("all of it is here"),
                Step::Done => return Some(output),
            }
        }
    }

    /// How many bytes come of all of `input`, which ends no message.
    fn make(inflater: &mut Inflater, mut input: &[u8], most: usize) -> usize {
        let mut made = Vec::new();
        while let Step::Made { bytes, .. } = inflater.step(&mut input, false, &[], most).unwrap() {
            made.extend_from_slice(inflater.output(bytes));
        }
        assert!(input.is_empty());
        made.len()
    }
}
