//! Entropy: a seed from outside, masking keys from it (RFC 6455, sections 5.3 and 10.3).

use core::fmt;

use chacha20::rand_core::SeedableRng;
use chacha20::rand_core::block::Generator;
use chacha20::variants::Legacy;
use chacha20::{ChaChaCore, R12};

use crate::block::Block;

/// Thirty-two unpredictable bytes, from which a client's masking keys and its handshake key are made.
///
/// ```
/// use ws_proto::Seed;
///
/// // A real one: from the operating system, or 32 bytes of your own strong source.
/// # #[cfg(feature = "std")]
/// let seed = Seed::from_os()?;
/// // The same every time, so that a run can be repeated.
/// let seed = Seed::predictable_for_tests(7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is used once:
///
/// ```compile_fail,E0382
/// # use ws_proto::{Config, Connection, Seed};
/// # let seed = Seed::predictable_for_tests(7);
/// let one = Connection::client(&Config::new(), seed);
/// let another = Connection::client(&Config::new(), seed);
/// ```
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes bytes from a cryptographically strong source. They are used up: seed each connection afresh.
    #[must_use]
    pub const fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Asks the operating system.
    ///
    /// # Errors
    ///
    /// When it has none to give; then nothing can be sent as a client.
    #[cfg(feature = "std")]
    pub fn from_os() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A seed that anyone can guess, for runs that must repeat. Never for a connection to anyone else: predictable
    /// keys let an attacker choose the bytes on the wire (section 10.3).
    #[must_use]
    pub fn predictable_for_tests(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// An endless row of masking keys: `ChaCha12` with fast key erasure, each block's first words being the next seed.
pub(crate) struct Keys {
    seed: [u32; SEED],
    pub(crate) block: Block,
}

impl Keys {
    pub(crate) fn new(seed: &Seed) -> Self {
        let mut words = [0; SEED];
        for (word, bytes) in words.iter_mut().zip(seed.0.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { seed: words, block: Block::default() }
    }

    /// A key that was never handed out before.
    #[inline]
    pub(crate) fn next(&mut self) -> [u8; 4] {
        match self.block.next() {
            Some(key) => key.to_ne_bytes(),
            None => self.refill(),
        }
    }

    #[cold]
    fn refill(&mut self) -> [u8; 4] {
        let mut seed = [0; 32];
        for (bytes, word) in seed.as_chunks_mut::<4>().0.iter_mut().zip(self.seed) {
            *bytes = word.to_le_bytes();
        }
        let mut words = [0; 64];
        ChaChaCore::<R12, Legacy>::from_seed(seed).generate(&mut words);
        let (seed, keys) = words.split_at(SEED);
        self.seed.copy_from_slice(seed);
        self.block.fill(keys);
        self.next()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

const SEED: usize = 8;
