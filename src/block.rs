//! Where masking keys wait to be used.

/// The words of a block of key stream, handed out one by one.
///
/// With an allocator, all that a block has: made by the first frame, and given back with the buffers.
#[cfg(feature = "alloc")]
#[derive(Default)]
pub(crate) struct Block {
    words: alloc::vec::Vec<u32>,
    used: usize,
}

/// Without one a part of it, and the rest is thrown away: 36 words less in every connection for more work.
#[cfg(not(feature = "alloc"))]
pub(crate) struct Block {
    words: [u32; 20],
    used: usize,
}

impl Block {
    #[inline]
    pub(crate) fn next(&mut self) -> Option<u32> {
        let word = self.words.get(self.used).copied()?;
        self.used = self.used.wrapping_add(1);
        Some(word)
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn fill(&mut self, words: &[u32]) {
        self.words.clear();
        self.words.reserve_exact(words.len());
        self.words.extend_from_slice(words);
        self.used = 0;
    }

    #[cfg(not(feature = "alloc"))]
    pub(crate) fn fill(&mut self, words: &[u32]) {
        for (to, from) in self.words.iter_mut().zip(words) {
            *to = *from;
        }
        self.used = 0;
    }

    /// Gives the memory back. The keys in it are never used.
    #[cfg(feature = "alloc")]
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }
}

#[cfg(not(feature = "alloc"))]
impl Default for Block {
    fn default() -> Self {
        Self { words: [0; 20], used: 20 }
    }
}
