//! The last bytes of one direction, up to its window.

use alloc::vec::Vec;
use core::fmt;

/// A ring that grows with what is put in.
pub(super) struct History {
    bytes: Vec<u8>,
    /// Where the oldest byte is, once the ring is full.
    oldest: usize,
    limit: usize,
}

impl History {
    pub(super) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), oldest: 0, limit }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "`oldest <= bytes.len() <= limit`: what is added is cut to fit")]
    pub(super) fn push(&mut self, data: &[u8]) {
        let (_, data) = data.split_at(data.len().saturating_sub(self.limit));
        let room = self.limit - self.bytes.len();
        let (filling, wrapping) = data.split_at(room.min(data.len()));
        self.grow(filling.len());
        self.bytes.extend_from_slice(filling);
        let (left, right) = self.bytes.split_at_mut(self.oldest);
        let (to_end, from_start) = wrapping.split_at(right.len().min(wrapping.len()));
        right.split_at_mut(to_end.len()).0.copy_from_slice(to_end);
        if from_start.is_empty() {
            self.oldest += to_end.len();
        } else {
            left.split_at_mut(from_start.len()).0.copy_from_slice(from_start);
            self.oldest = from_start.len();
        }
        if self.oldest == self.limit {
            self.oldest = 0;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The older bytes, then the newer.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.bytes.split_at(self.oldest);
        [older, newer]
    }

    /// Doubles, but never beyond the limit.
    #[expect(clippy::arithmetic_side_effects, reason = "`push` lets `n` bytes fit below the limit")]
    fn grow(&mut self, n: usize) {
        let wanted = self.bytes.len() + n;
        if wanted > self.bytes.capacity() {
            let capacity = wanted.next_power_of_two().min(self.limit);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_bytes_in_order_whatever_the_pieces() {
        for limit in [1, 7, 8, 64] {
            for step in 1..20_u8 {
                let mut history = History::new(limit);
                let mut all = Vec::new();
                for n in 0..50_u8 {
                    let piece: Vec<u8> = (0..n.wrapping_mul(step) % 23).map(|i| n.wrapping_mul(31) ^ i).collect();
                    all.extend_from_slice(&piece);
                    history.push(&piece);
                    let tail = &all[all.len().saturating_sub(limit)..];
                    assert_eq!(history.parts().concat(), tail, "limit {limit}, step {step}, piece {n}");
                    assert!(history.bytes.capacity() <= limit);
                }
            }
        }
    }
}
