//! Bytes that wait to be written.

use alloc::vec::Vec;
use core::fmt;

use crate::frame::Header;
use crate::mask;

pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of them are written.
    done: usize,
    /// Where the newest pong that a reader owed ends.
    pong: usize,
    keep: usize,
}

impl Queue {
    pub(super) const fn new(keep: usize) -> Self {
        Self { bytes: Vec::new(), done: 0, pong: 0, keep }
    }

    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.split_at(self.done).1
    }

    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "`done <= bytes.len()`: consumed is only what is pending")]
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.done
    }

    /// Takes note that the newest frame is a pong that a reader owed.
    pub(super) const fn note_pong(&mut self) {
        self.pong = self.bytes.len();
    }

    /// Whether such a pong is not written yet.
    pub(super) const fn has_pong(&self) -> bool {
        self.pong > self.done
    }

    #[inline]
    pub(super) fn push_frame(&mut self, header: &Header, payload: &[u8]) {
        #[expect(clippy::arithmetic_side_effects, reason = "a slice is no longer than isize::MAX")]
        self.reserve(Header::MAX + payload.len());
        self.bytes.extend_from_slice(&header.encode());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        if let Some(key) = header.key {
            mask::apply(self.bytes.split_at_mut(start).1, key);
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops the first `n` bytes; memory beyond what is kept is given back with the last of them.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "consumed more than was pending");
        #[expect(clippy::arithmetic_side_effects, reason = "asserted: no further than the end of the bytes")]
        {
            self.done += n;
        }
        if self.done == self.bytes.len() {
            (self.done, self.pong) = (0, 0);
            if self.bytes.capacity() > self.keep {
                self.bytes = Vec::new();
            } else {
                self.bytes.clear();
            }
        }
    }

    pub(super) fn release(&mut self) {
        if self.len() == 0 {
            self.bytes = Vec::new();
            (self.done, self.pong) = (0, 0);
        }
    }

    /// Makes room for `n` bytes. What is written already makes way once it is the larger part, so that each byte
    /// moves once on average.
    #[inline]
    fn reserve(&mut self, n: usize) {
        if self.done > self.len() {
            self.bytes.drain(..self.done);
            (self.done, self.pong) = (0, self.pong.saturating_sub(self.done));
        }
        self.bytes.reserve(n);
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}
