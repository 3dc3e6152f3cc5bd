//! DEFLATE (RFC 1951) by the book and bit by bit: a writer for streams that no compressor would make, and a reader
//! that tells how far they refer back. A message is taken as RFC 7692, section 7.2.2 says, its tail cut off.

/// Writes blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are used, if not all.
    used: u32,
}

impl Bits {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The lowest `n` bits of a number, the lowest first.
    pub(crate) fn number(&mut self, value: usize, n: u32) -> &mut Self {
        for bit in 0..n {
            self.bit(value.checked_shr(bit).unwrap_or(0) & 1 == 1);
        }
        self
    }

    /// A Huffman code of `n` bits, its highest first.
    pub(crate) fn code(&mut self, code: usize, n: u32) -> &mut Self {
        for bit in (0..n).rev() {
            self.bit(code >> bit & 1 == 1);
        }
        self
    }

    fn bit(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= u8::from(bit) << self.used;
        self.used = (self.used + 1) % 8;
    }

    /// Fills the byte: a final block ends at a border of bytes.
    pub(crate) fn align(&mut self) -> &mut Self {
        self.used = 0;
        self
    }

    /// A stored block.
    pub(crate) fn stored(&mut self, last: bool, data: &[u8]) -> &mut Self {
        let length = u16::try_from(data.len()).unwrap();
        self.number(usize::from(last), 3).align();
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend((!length).to_le_bytes());
        self.bytes.extend(data);
        self
    }

    /// Stored blocks, as many as it takes.
    pub(crate) fn stored_all(&mut self, data: &[u8]) -> &mut Self {
        for data in data.chunks(60_000) {
            self.stored(false, data);
        }
        self
    }

    /// Begins a block with fixed codes.
    pub(crate) fn fixed(&mut self, last: bool) -> &mut Self {
        self.number(0b010 | usize::from(last), 3)
    }

    /// Bytes in a block with fixed codes.
    pub(crate) fn literals(&mut self, bytes: &[u8]) -> &mut Self {
        bytes.iter().fold(self, |bits, byte| bits.symbol(usize::from(*byte)))
    }

    /// `length` bytes from `distance` before, in a block with fixed codes.
    pub(crate) fn copy(&mut self, length: usize, distance: usize) -> &mut Self {
        let (symbol, extra, n) = coded(length, &LENGTHS);
        self.symbol(257 + symbol).number(extra, n);
        let (symbol, extra, n) = coded(distance, &DISTANCES);
        self.code(symbol, 5).number(extra, n)
    }

    /// Ends a block with fixed codes.
    pub(crate) fn end(&mut self) -> &mut Self {
        self.symbol(256)
    }

    /// A literal or the like, in fixed codes (RFC 1951, section 3.2.6).
    pub(crate) fn symbol(&mut self, symbol: usize) -> &mut Self {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// Begins a block with its own codes: those of the lengths (RFC 1951, section 3.2.7), in their odd order.
    pub(crate) fn dynamic(&mut self, literals: usize, distances: usize, lengths: &[usize]) -> &mut Self {
        self.number(0b100, 3).number(literals - 257, 5).number(distances - 1, 5).number(lengths.len() - 4, 4);
        lengths.iter().fold(self, |bits, length| bits.number(*length, 3))
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// A message: the start of an empty stored block behind it, whose other bytes are the tail.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        self.number(0, 3).bytes()
    }
}

/// What was in a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Parsed {
    /// What came out; in a bad one, up to the fault.
    pub(crate) output: Vec<u8>,
    /// How many bytes of it did not need the tail.
    pub(crate) own: usize,
    pub(crate) bad: bool,
    /// The largest distance.
    pub(crate) farthest: usize,
    /// How many blocks of each type, the one that the tail ends included.
    pub(crate) blocks: [usize; 3],
}

/// Reads the message that was sent as `payload`, when `history` came out before it.
pub(crate) fn parse(payload: &[u8], history: &[u8]) -> Parsed {
    let history = &history[history.len().saturating_sub(1 << 15)..];
    let input = [payload, &TAIL].concat();
    let mut parser = Parser { input: &input, at: 0, output: history.to_vec(), parsed: Parsed::default() };
    let bad = parser.message(payload.len()).is_none();
    let own = parser.parsed.own.max(history.len()) - history.len();
    Parsed { output: parser.output.split_off(history.len()), own, bad, ..parser.parsed }
}

struct Parser<'i> {
    input: &'i [u8],
    /// How many bits are read.
    at: usize,
    output: Vec<u8>,
    parsed: Parsed,
}

impl Parser<'_> {
    /// Reads blocks up to one that ends where the tail does, or a final one that ends where the payload does.
    fn message(&mut self, payload: usize) -> Option<()> {
        loop {
            let last = self.block()?;
            if last {
                self.at = self.at.next_multiple_of(8);
            }
            if self.at == self.input.len() * 8 || last && self.at == payload * 8 {
                return Some(());
            }
            if last && self.at > payload * 8 {
                return None;
            }
        }
    }

    /// Whether it was a final one.
    fn block(&mut self) -> Option<bool> {
        let last = self.number(1)? == 1;
        let kind = self.number(2)?;
        match kind {
            0 => self.stored()?,
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                self.codes(&Huffman::new(&lengths), &Huffman::new(&[5; 32]))?;
            }
            2 => self.dynamic()?,
            _ => return None,
        }
        self.parsed.blocks[kind] += 1;
        Some(last)
    }

    fn stored(&mut self) -> Option<()> {
        self.at = self.at.next_multiple_of(8);
        let length = self.number(16)?;
        if length ^ 0xffff != self.number(16)? {
            return None;
        }
        let (start, end) = (self.at / 8, (self.at / 8 + length).min(self.input.len()));
        for byte in &self.input[start..end] {
            self.output.push(*byte);
            self.at += 8;
            self.count();
        }
        (end - start == length).then_some(())
    }

    fn dynamic(&mut self) -> Option<()> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = self.number(5)? + 257;
        let distances = self.number(5)? + 1;
        let codes = self.number(4)? + 4;
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut lengths = [0; 19];
        for at in &ORDER[..codes] {
            lengths[*at] = self.number(3)?;
        }
        let code = Huffman::new(&lengths);
        if code.left != 0 {
            return None;
        }
        let mut lengths: Vec<usize> = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match self.symbol(&code)? {
                16 => (*lengths.last()?, self.number(2)? + 3),
                17 => (0, self.number(3)? + 3),
                18 => (0, self.number(7)? + 11),
                length => (length, 1),
            };
            lengths.resize(lengths.len() + times, length);
        }
        if lengths.len() > literals + distances || lengths[256] == 0 {
            return None;
        }
        let distances = lengths.split_off(literals);
        let (literals, distances) = (Huffman::new(&lengths), Huffman::new(&distances));
        if !literals.is_allowed() || !distances.is_allowed() {
            return None;
        }
        self.codes(&literals, &distances)
    }

    fn codes(&mut self, literals: &Huffman, distances: &Huffman) -> Option<()> {
        loop {
            self.count();
            match self.symbol(literals)? {
                literal @ 0..256 => self.output.extend(u8::try_from(literal).ok()),
                256 => return Some(()),
                length => {
                    let length = self.value(length - 257, &LENGTHS)?;
                    let symbol = self.symbol(distances)?;
                    let distance = self.value(symbol, &DISTANCES)?;
                    self.parsed.farthest = self.parsed.farthest.max(distance);
                    let start = self.output.len().checked_sub(distance)?;
                    for at in start..start + length {
                        self.output.push(self.output[at]);
                    }
                }
            }
        }
    }

    /// Takes note of output that came of the message itself.
    fn count(&mut self) {
        if self.at <= (self.input.len() - TAIL.len()) * 8 {
            self.parsed.own = self.output.len();
        }
    }

    fn value(&mut self, symbol: usize, table: &[(usize, u32)]) -> Option<usize> {
        let (base, extra) = *table.get(symbol)?;
        Some(base + self.number(extra)?)
    }

    fn symbol(&mut self, huffman: &Huffman) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &huffman.counts[1..] {
            code |= self.number(1)?;
            if code < first + count {
                return Some(huffman.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }

    fn number(&mut self, n: u32) -> Option<usize> {
        let mut value = 0;
        for bit in 0..n {
            let byte = self.input.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }
}

/// A code in its canonical form (RFC 1951, section 3.2.2).
struct Huffman {
    /// How many codes there are of each length.
    counts: [usize; 16],
    symbols: Vec<usize>,
    /// How many codes of 15 bits are left over; less than none if there are too many.
    left: i64,
}

impl Huffman {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        for length in lengths {
            counts[*length] += 1;
        }
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|symbol| lengths[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        counts[0] = 0;
        let taken: usize = counts.iter().enumerate().map(|(length, count)| count << (15 - length)).sum();
        Self { counts, symbols, left: (1 << 15) - i64::try_from(taken).unwrap() }
    }

    /// A code must be complete, or have one symbol of one bit, or none (zlib's reading of RFC 1951, section 3.2.7).
    fn is_allowed(&self) -> bool {
        self.left == 0 || (self.left > 0 && self.counts[2..] == [0; 14])
    }
}

/// The code of a length or a distance, its extra bits and their number.
fn coded(value: usize, table: &[(usize, u32)]) -> (usize, usize, u32) {
    let at = table.partition_point(|(base, _)| *base <= value) - 1;
    (at, value - table[at].0, table[at].1)
}

pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What each code begins at, and how many bits are added (RFC 1951, section 3.2.5).
#[rustfmt::skip]
const LENGTHS: [(usize, u32); 29] = [
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2),
    (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5),
    (163, 5), (195, 5), (227, 5), (258, 0),
];
#[rustfmt::skip]
const DISTANCES: [(usize, u32); 30] = [
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5),
    (97, 5), (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10),
    (3073, 10), (4097, 11), (6145, 11), (8193, 12), (12_289, 12), (16_385, 13), (24_577, 13),
];
