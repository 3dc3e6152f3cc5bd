//! One message at a time through DEFLATE (RFC 7692, section 7.2.1).

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use zlib_rs::{Deflate, DeflateFlush};

use super::{LONG_STREAM, TAIL};

/// A compressor, as it lies in the pool.
pub(super) struct Deflater {
    codec: Deflate,
    window: u8,
    level: u8,
    /// Whose window is in the codec; nobody's after anything but a message that went out.
    pub(super) owner: Option<Owner>,
    /// Whether the codec has handed out all that it made. Only then may it be started anew: zlib-rs keeps the place of
    /// what is left, even behind a reset, and panics once no room is left behind that place.
    clean: bool,
    output: Vec<u8>,
    len: usize,
}

/// What a deflater's window holds: all that a connection has sent so far, as compressed messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Owner {
    pub(super) connection: NonZeroU64,
    pub(super) messages: u64,
}

impl Deflater {
    pub(super) fn new(window: u8, level: u8) -> Self {
        let codec = Deflate::new(i32::from(level), false, window);
        Self { codec, window, level, owner: None, clean: true, output: Vec::new(), len: 0 }
    }

    pub(super) const fn fits(&self, window: u8, level: u8) -> bool {
        self.window == window && self.level == level
    }

    /// Whether the window is all that `owner` has sent.
    pub(super) fn goes_on_for(&self, owner: Option<Owner>) -> bool {
        owner.is_some() && self.owner == owner && self.codec.total_in() < LONG_STREAM
    }

    /// Whether it may be lent again: not behind a message that did not come to its end.
    pub(super) const fn is_clean(&self) -> bool {
        self.clean
    }

    /// Starts anew behind `history`, older bytes first; false if the codec refuses.
    pub(super) fn restart(&mut self, history: [&[u8]; 2]) -> bool {
        self.codec.reset();
        self.clean = history.iter().all(|part| part.is_empty() || self.codec.set_dictionary(part).is_ok());
        self.clean
    }

    /// Compresses a whole message; false if the result would not be smaller. What it made is then of no use, and
    /// neither is its window.
    pub(super) fn compress(&mut self, message: &[u8]) -> bool {
        // A flush is complete when room is left behind it. There is enough for what does not shrink, too: so the codec
        // comes to its end and can be used again.
        let room = bound(message.len());
        if self.output.len() < room {
            self.output.resize(room, 0);
        }
        let (output, _) = self.output.split_at_mut(room);
        let (before, made_before) = (self.codec.total_in(), self.codec.total_out());
        let done = self.codec.compress(message, output, DeflateFlush::SyncFlush).is_ok();
        #[expect(clippy::arithmetic_side_effects, reason = "the totals grow")]
        let (taken, made) = (self.codec.total_in() - before, self.codec.total_out() - made_before);
        let made = usize::try_from(made).unwrap_or(room);
        let (made, rest) = output.split_at(made);
        self.clean = done && taken == message.len() as u64 && !rest.is_empty();
        match made.strip_suffix(&TAIL) {
            Some(made) if self.clean && made.len() < message.len() => {
                self.len = made.len();
                true
            }
            _ => false,
        }
    }

    /// The last message that was compressed.
    pub(super) fn output(&self) -> &[u8] {
        self.output.split_at(self.len).0
    }

    /// Gives back what only a large message needs.
    pub(super) fn shrink(&mut self) {
        if self.output.len() > LARGE {
            self.output = Vec::new();
        }
        self.len = 0;
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("window", &self.window).finish_non_exhaustive()
    }
}

const LARGE: usize = 256 << 10;

/// More than a message of `len` bytes can come to: literals of nine bits, or stored blocks, and the marks around them.
const fn bound(len: usize) -> usize {
    len.saturating_add(len / 8).saturating_add(64)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn k_01_every_message_comes_to_its_end_in_the_room_that_it_gets() {
        let mut next = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |len: usize| -> Vec<u8> {
            let mut byte = || {
                next ^= next << 13;
                next ^= next >> 7;
                next ^= next << 17;
                next.to_le_bytes()[3]
            };
            (0..len).map(|_| byte()).collect()
        };
        for level in 1..=9 {
            for window in 9..=15 {
                let mut deflater = Deflater::new(window, level);
                for len in (0..=64).chain([255, 256, 257, 4095, 16_383, 16_384, 33_000, 70_000]) {
                    // Bytes above 143 are literals of nine bits.
                    let all_long: Vec<u8> = random(len).iter().map(|byte| byte | 0x90).collect();
                    for message in [random(len), all_long, vec![b'x'; len]] {
                        let smaller = deflater.compress(&message);
                        assert!(deflater.is_clean(), "{len} bytes, level {level}, window {window}");
                        assert!(!smaller || deflater.output().len() < len);
                    }
                }
            }
        }
    }
}
