//! Compressed bytes that wait for the codec.

use alloc::vec::Vec;
use core::fmt;

/// A buffer that is filled at its end and read from its front.
#[derive(Default)]
pub(super) struct Waiting {
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

impl Waiting {
    pub(super) const EMPTY: Self = Self { bytes: Vec::new(), read: 0 };

    /// Room for `n` more bytes. Memory doubles, but not beyond `limit` bytes unless there are as many.
    pub(super) fn room(&mut self, n: usize, limit: usize) -> &mut [u8] {
        if self.rest().is_empty() {
            self.bytes.clear();
            self.read = 0;
        }
        let len = self.bytes.len();
        let end = len.saturating_add(n);
        let capacity = self.bytes.capacity();
        if end > capacity {
            let wanted = capacity.saturating_mul(2).min(limit).max(end);
            self.bytes.reserve_exact(wanted.saturating_sub(len));
        }
        self.bytes.resize(end, 0);
        self.bytes.split_at_mut(len).1
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.split_at(self.read).1
    }

    /// Takes note that all was read but the last `left` bytes.
    pub(super) fn leave(&mut self, left: usize) {
        self.read = self.bytes.len().saturating_sub(left);
    }

    /// Empties the buffer; memory beyond `keep` bytes is given back.
    pub(super) fn clear(&mut self, keep: usize) {
        self.bytes.clear();
        self.read = 0;
        if self.bytes.capacity() > keep {
            self.bytes = Vec::new();
        }
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("len", &self.rest().len()).finish_non_exhaustive()
    }
}
