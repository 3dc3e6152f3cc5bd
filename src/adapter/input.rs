//! Bytes that were read from a stream and not yet looked at.

use alloc::vec::Vec;
use core::fmt;
use std::io;

#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// How many bytes a read brings at most.
    pub(super) const SIZE: usize = 64 << 10;

    pub(super) fn holding(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), start: 0, end: bytes.len() }
    }

    /// Hands what is here to a machine that consumes from the front.
    #[expect(clippy::arithmetic_side_effects, reason = "machines shorten what they are lent")]
    pub(super) fn lend<T>(&mut self, machine: impl FnOnce(&mut &mut [u8]) -> T) -> T {
        let (read, _) = self.bytes.split_at_mut(self.end);
        let (_, mut rest) = read.split_at_mut(self.start);
        let result = machine(&mut rest);
        self.start = self.end - rest.len();
        result
    }

    /// Takes bytes that a machine has left, when everything here is consumed.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(rest);
        (self.start, self.end) = (0, rest.len());
    }

    /// Gives the memory back if everything here is consumed.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(super) fn release(&mut self) {
        if self.start == self.end {
            *self = Self::holding(&[]);
        }
    }

    /// What is here.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.split_at(self.end).0.split_at(self.start).1
    }

    /// Reads once, in place of what was here, which must be consumed. Zero is the end of the stream.
    pub(super) fn fill<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
        if self.bytes.len() < Self::SIZE {
            self.bytes.resize(Self::SIZE, 0);
        }
        let n = read(&mut self.bytes)?;
        (self.start, self.end) = (0, n);
        Ok(n)
    }

    pub(super) const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

/// A TLS stream that was cut off has ended all the same: if something is missing, so is the close frame.
pub(super) fn or_eof(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        read => read,
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("len", &self.rest().len()).finish_non_exhaustive()
    }
}
