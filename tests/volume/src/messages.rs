//! What is sent.

/// The same messages for the same seed.
pub(crate) struct Random {
    state: u64,
    messages: usize,
}

/// How many short messages that do not shrink come in a row, and then how many of all sorts.
const RUN: usize = 4000;
const LONGEST: usize = 200_000;

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, messages: 0 }
    }

    /// Any number below `n`, or nothing below one.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let n = n.max(1) as u64;
        (self.next() % n).try_into().expect("below a usize")
    }

    /// Of any length, more often a short one; of bytes that do not shrink, or shrink well, or both. By turns a long run of
    /// messages is short and does not shrink: what wears a codec out would heal with one that shrinks, or is tiny.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        self.messages += 1;
        let run = self.is_in_run();
        let longest = [300, 5000, LONGEST][self.below(3)];
        let length = if run { 60 + self.below(240) } else { self.below(longest + 1) };
        let noise = match self.below(4) {
            _ if run => length,
            0 => 0,
            1 => self.below(length + 1),
            _ => length,
        };
        let mut message: Vec<u8> = (0..noise.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(noise).collect();
        while message.len() < length {
            let record =
                format!("{{\"id\":{},\"name\":\"somebody\",\"price\":{}}},", self.below(1000), self.below(100));
            message.extend_from_slice(record.as_bytes());
        }
        message.truncate(length);
        message
    }

    /// Whether no message shrinks now.
    pub(crate) fn is_in_run(&self) -> bool {
        (self.messages / RUN).is_multiple_of(2)
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
