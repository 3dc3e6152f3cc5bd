//! Payloads on their way out of the input.

use crate::mask;

/// Bytes of a payload as they arrived.
pub(super) struct Masked<'i> {
    bytes: &'i mut [u8],
    key: Option<[u8; 4]>,
}

impl<'i> Masked<'i> {
    /// Without a key they are as they were sent.
    pub(super) const fn new(bytes: &'i mut [u8], key: Option<[u8; 4]>) -> Self {
        Self { bytes, key }
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All of them, unmasked where they lie.
    #[inline]
    pub(super) fn unmask(self) -> &'i [u8] {
        if let Some(key) = self.key {
            mask::apply(self.bytes, key);
        }
        self.bytes
    }

    /// All of them, unmasked into `to`, which is as long.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(super) fn copy_to(self, to: &mut [u8]) {
        match self.key {
            Some(key) => mask::copy(to, self.bytes, key),
            None => to.copy_from_slice(self.bytes),
        }
    }

    /// In blocks, each unmasked where it lies when it is asked for: so it is in the nearest cache when it is used.
    #[cfg(feature = "alloc")]
    pub(super) fn blocks(self) -> impl Iterator<Item = &'i [u8]> {
        let Self { bytes, key } = self;
        bytes.chunks_mut(BLOCK).map(move |bytes| Masked { bytes, key }.unmask())
    }
}

/// A multiple of four, so that the key stays as it is.
#[cfg(feature = "alloc")]
const BLOCK: usize = 8 << 10;
