//! The buffer in which a message is put together.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use crate::error::Error;
use crate::frame::Kind;
use crate::utf8::Utf8;

/// One allocation, used for text and bytes by turns. Text is kept as such, so that it is checked once, as it arrives.
pub(super) enum Message {
    Text(String),
    Binary(Vec<u8>),
}

impl Message {
    pub(super) const EMPTY: Self = Self::Binary(Vec::new());

    /// Adds a piece. `utf8` is where the text stands; `last` ends it. No memory is taken beyond twice what arrived,
    /// nor beyond `max` bytes.
    pub(super) fn push(
        &mut self,
        kind: Kind,
        piece: &[u8],
        last: bool,
        utf8: &mut Utf8,
        max: usize,
    ) -> Result<(), Error> {
        match (&mut *self, kind) {
            (Self::Text(text), Kind::Text) => {
                let (completed, whole) = utf8.take(piece)?;
                #[expect(clippy::arithmetic_side_effects, reason = "a slice is no longer than isize::MAX")]
                let more = whole.len() + completed.map_or(0, char::len_utf8);
                text.reserve_exact(growth(text.len(), text.capacity(), more, max));
                text.extend(completed);
                text.push_str(whole);
                if last && !utf8.is_complete() {
                    return Err(Error::BadUtf8);
                }
                Ok(())
            }
            (Self::Binary(bytes), Kind::Binary) => {
                bytes.reserve_exact(growth(bytes.len(), bytes.capacity(), piece.len(), max));
                bytes.extend_from_slice(piece);
                Ok(())
            }
            _ => {
                self.begin(kind);
                self.push(kind, piece, last, utf8, max)
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Empties the buffer; memory beyond `keep` bytes is given back.
    pub(super) fn clear(&mut self, keep: usize) {
        let capacity = match self {
            Self::Text(text) => {
                text.clear();
                text.capacity()
            }
            Self::Binary(bytes) => {
                bytes.clear();
                bytes.capacity()
            }
        };
        if capacity > keep {
            *self = Self::EMPTY;
        }
    }

    /// Turns the buffer, empty between messages, to the other kind.
    fn begin(&mut self, kind: Kind) {
        let bytes = match mem::replace(self, Self::EMPTY) {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        };
        *self = match kind {
            Kind::Text => Self::Text(String::from_utf8(bytes).unwrap_or_default()),
            Kind::Binary => Self::Binary(bytes),
        };
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("len", &self.bytes().len()).finish_non_exhaustive()
    }
}

/// How many bytes to reserve for `more`: the buffer doubles, so that a long message moves a few times only.
fn growth(len: usize, capacity: usize, more: usize, max: usize) -> usize {
    let needed = len.saturating_add(more);
    if needed <= capacity {
        return more;
    }
    more.max(capacity.saturating_mul(2).min(max).saturating_sub(len))
}
