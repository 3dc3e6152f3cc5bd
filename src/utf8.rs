//! UTF-8 that arrives in pieces (RFC 3629; RFC 6455, section 8.1).

use core::fmt;
use core::str;

/// A validator that is handed text piece by piece and fails at the first byte that no valid text can have there.
///
/// A piece may end inside a character; the one to four bytes of it are kept until the next.
///
/// ```
/// use ws_proto::utf8::Utf8;
///
/// let mut text = Utf8::new();
/// assert!(text.push(b"\xe2\x82").is_ok());
/// assert!(!text.is_complete());
/// assert!(text.push(b"\xac 5").is_ok()); // the second half of a euro sign
/// assert!(text.is_complete());
/// assert!(text.push(b"\xed\xa0").is_err()); // a surrogate: known at its second byte
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8 {
    cut: [u8; 4],
    len: u8,
}

impl Utf8 {
    /// A validator at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 4], len: 0 }
    }

    /// Takes the next piece, of any length.
    ///
    /// # Errors
    ///
    /// When a byte of it cannot continue valid text. The validator is of no use then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BadUtf8> {
        self.take(piece).map(|_| ())
    }

    /// Whether the text could end here: no character is unfinished.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// The bytes of an unfinished character.
    #[cfg(feature = "alloc")]
    pub(crate) fn cut(&self) -> &[u8] {
        self.cut.split_at(usize::from(self.len)).0
    }

    /// Takes the next piece; returns the character that it completes, then the rest of the piece up to an unfinished
    /// character at its end.
    pub(crate) fn take<'b>(&mut self, mut piece: &'b [u8]) -> Result<(Option<char>, &'b str), BadUtf8> {
        let mut completed = None;
        if self.len > 0 {
            completed = self.complete(&mut piece)?;
        }
        #[expect(clippy::arithmetic_side_effects, reason = "`unfinished` counts bytes of the piece")]
        let (whole, cut) = piece.split_at(piece.len() - unfinished(piece));
        let whole = check(whole)?;
        if !cut.is_empty() {
            self.keep(cut)?;
        }
        Ok((completed, whole))
    }

    /// Moves bytes from the front of `piece` to the unfinished character.
    fn complete(&mut self, piece: &mut &[u8]) -> Result<Option<char>, BadUtf8> {
        while let Some((&byte, rest)) = piece.split_first() {
            *piece = rest;
            let mut longer = [0; 4];
            let (kept, _) = self.cut.split_at(usize::from(self.len));
            for (to, from) in longer.iter_mut().zip(kept.iter().copied().chain([byte])) {
                *to = from;
            }
            let (longer, _) = longer.split_at(usize::from(self.len) + 1);
            if let Ok(text) = str::from_utf8(longer) {
                self.len = 0;
                return Ok(text.chars().next());
            }
            self.keep(longer)?;
        }
        Ok(None)
    }

    /// Keeps the bytes of an unfinished character, if they can become one.
    #[cold]
    fn keep(&mut self, cut: &[u8]) -> Result<(), BadUtf8> {
        match str::from_utf8(cut) {
            Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => {
                for (to, from) in self.cut.iter_mut().zip(cut) {
                    *to = *from;
                }
                self.len = u8::try_from(cut.len()).map_err(|_| BadUtf8)?;
                Ok(())
            }
            _ => Err(BadUtf8),
        }
    }
}

/// Text that is no UTF-8.
///
/// ```
/// use ws_proto::utf8::{BadUtf8, Utf8};
///
/// assert_eq!(Utf8::new().push(b"\xff"), Err(BadUtf8));
/// assert_eq!(BadUtf8.to_string(), "text is not valid UTF-8");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadUtf8;

impl fmt::Display for BadUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text is not valid UTF-8")
    }
}

impl core::error::Error for BadUtf8 {}

/// A whole text.
#[inline]
pub(crate) fn check(text: &[u8]) -> Result<&str, BadUtf8> {
    simdutf8::basic::from_utf8(text).map_err(|_| BadUtf8)
}

/// How many bytes at the end of `piece` begin a character that has more (0 to 3).
fn unfinished(piece: &[u8]) -> usize {
    for (back, byte) in (1..=3).zip(piece.iter().rev()) {
        let whole = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if whole > back { back } else { 0 };
    }
    0
}
