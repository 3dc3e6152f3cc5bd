//! Bytes that wait to be written.

use alloc::vec::Vec;
use core::{fmt, mem};

use crate::frame::{Header, HeaderBytes};
use crate::mask;

pub(super) struct Queue {
    /// More than waits: what lies beyond `end` is from before, and kept so that nothing has to be zeroed again.
    bytes: Vec<u8>,
    /// Where what waits begins.
    start: usize,
    /// And ends.
    end: usize,
    /// Where the newest pong that a reader owed ends.
    pong: usize,
    keep: usize,
    /// Whether somebody else has the memory again, so that it is not for the queue to give back.
    lent: bool,
}

impl Queue {
    pub(super) const fn new(keep: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, pong: 0, keep, lent: false }
    }

    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.split_at(self.end).0.split_at(self.start).1
    }

    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "`start <= end`: consumed is only what is pending")]
    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Takes note that the newest frame is a pong that a reader owed.
    pub(super) const fn note_pong(&mut self) {
        self.pong = self.end;
    }

    /// Whether such a pong is not written yet.
    pub(super) const fn has_pong(&self) -> bool {
        self.pong > self.start
    }

    /// Takes the first bytes together with their memory.
    pub(super) fn begin(&mut self, bytes: Vec<u8>) {
        self.end = bytes.len();
        self.bytes = bytes;
        self.bytes.resize(self.bytes.capacity(), 0);
    }

    /// As [`Queue::push_frame`], with a header of two bytes and at most 125 behind it.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "there is room for them")]
    pub(super) fn push_short(&mut self, header: [u8; 2], payload: &[u8]) {
        let len = header.len() + payload.len();
        if let Some((head, room)) = self.room(len).split_first_chunk_mut() {
            *head = header;
            let (room, _) = room.split_at_mut(payload.len());
            room.copy_from_slice(payload);
        }
        self.end += len;
    }

    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "a slice is no longer than isize::MAX")]
    pub(super) fn push_frame(&mut self, header: &Header, payload: &[u8]) {
        let head = header.encode();
        let room = self.room(HeaderBytes::SIZE + payload.len());
        if let Some(start) = room.first_chunk_mut() {
            *start = *head.padded();
        }
        let (room, _) = room.split_at_mut(head.len()).1.split_at_mut(payload.len());
        match header.key {
            Some(key) => mask::copy(room, payload, key),
            None => room.copy_from_slice(payload),
        }
        self.end += head.len() + payload.len();
    }

    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "there is room for them")]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).split_at_mut(bytes.len()).0.copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Drops the first `n` bytes; memory beyond what is kept is given back with the last of them.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "consumed more than was pending");
        #[expect(clippy::arithmetic_side_effects, reason = "asserted: no further than the end")]
        {
            self.start += n;
        }
        if self.start == self.end {
            (self.start, self.end, self.pong) = (0, 0, 0);
            if self.bytes.len() > self.keep && !self.lent {
                self.bytes = Vec::new();
            }
        }
    }

    /// Takes the memory of `spare` if it has none of its own.
    pub(super) fn reserve_from(&mut self, spare: &mut Vec<u8>) {
        if self.bytes.capacity() == 0 {
            mem::swap(&mut self.bytes, spare);
            self.lent = true;
        }
    }

    /// Owns no memory if nothing waits: `spare` gets it if it is more than that has. Memory that was lent goes back even if
    /// something waits, but where that is the larger part of it.
    pub(super) fn release_into(&mut self, spare: &mut Vec<u8>) {
        let waits = self.pending();
        if !waits.is_empty() && (!self.lent || waits.len() > self.bytes.len() / 2) {
            self.lent = false;
            return;
        }
        let (waits, pong) = (waits.to_vec(), self.pong.saturating_sub(self.start));
        if self.bytes.capacity() > spare.capacity() {
            mem::swap(&mut self.bytes, spare);
        }
        *self = Self { end: waits.len(), bytes: waits, pong, ..Self::new(self.keep) };
    }

    /// As [`Queue::release_into`], but only of what was lent.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(super) fn give_back(&mut self, spare: &mut Vec<u8>) {
        if self.lent {
            self.release_into(spare);
        }
    }

    /// What lies behind what waits: `n` bytes or more.
    #[inline]
    fn room(&mut self, n: usize) -> &mut [u8] {
        if self.bytes.len().saturating_sub(self.end) < n {
            self.make_room(n);
        }
        self.bytes.split_at_mut(self.end).1
    }

    /// What is written already makes way once it is the larger part, so that each byte moves once on average.
    #[cold]
    #[expect(clippy::arithmetic_side_effects, reason = "`start <= end`, and `pong` is 0 or not before `start`")]
    fn make_room(&mut self, n: usize) {
        if self.start > self.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end, self.pong) = (0, self.len(), self.pong.saturating_sub(self.start));
        }
        let needed = self.end.saturating_add(n).max(LEAST);
        if needed > self.bytes.len() {
            self.bytes.reserve(needed - self.bytes.len());
            self.bytes.resize(self.bytes.capacity(), 0);
        }
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Many small frames do not make it grow step by step.
const LEAST: usize = 512;
