//! The buffer in which a message is put together.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::masked::Masked;
use crate::error::Error;
use crate::frame::Kind;
use crate::utf8::Utf8;

/// One allocation, used for text and bytes by turns. Text is kept as such, so that it is checked once, as it arrives.
pub(super) enum Message {
    Text(String),
    /// The first `len` of `bytes`; what lies beyond is from before, and kept so that nothing has to be zeroed again.
    Binary {
        bytes: Vec<u8>,
        len: usize,
    },
}

impl Message {
    pub(super) const EMPTY: Self = Self::Binary { bytes: Vec::new(), len: 0 };

    /// Adds what arrived of a payload. `utf8` is where the text stands. No memory is taken beyond twice what arrived, nor
    /// beyond `max` bytes.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, piece: Masked<'_>, utf8: &mut Utf8, max: usize) -> Result<(), Error> {
        self.reserve(kind, utf8.cut().len().saturating_add(piece.len()), max);
        match self {
            Self::Text(text) => piece.blocks().try_for_each(|block| push_text(text, block, utf8)),
            Self::Binary { bytes, len } => {
                let room = push_bytes(bytes, len, piece.len());
                piece.copy_to(room);
                Ok(())
            }
        }
    }

    /// Adds what was inflated.
    #[cfg(feature = "deflate")]
    pub(super) fn push_inflated(&mut self, kind: Kind, piece: &[u8], utf8: &mut Utf8, max: usize) -> Result<(), Error> {
        self.reserve(kind, utf8.cut().len().saturating_add(piece.len()), max);
        match self {
            Self::Text(text) => push_text(text, piece, utf8),
            Self::Binary { bytes, len } => {
                push_bytes(bytes, len, piece.len()).copy_from_slice(piece);
                Ok(())
            }
        }
    }

    /// Makes room for `more` bytes.
    #[inline]
    fn reserve(&mut self, kind: Kind, more: usize, max: usize) {
        match (&mut *self, kind) {
            (Self::Binary { bytes, len }, Kind::Binary) if bytes.len().saturating_sub(*len) >= more => {}
            _ => self.reserve_anew(kind, more, max),
        }
    }

    fn reserve_anew(&mut self, kind: Kind, more: usize, max: usize) {
        match (&mut *self, kind) {
            (Self::Text(text), Kind::Text) => text.reserve_exact(growth(text.len(), text.capacity(), more, max)),
            (Self::Binary { bytes, len }, Kind::Binary) => {
                let more = growth(*len, bytes.capacity(), more, max);
                bytes.reserve_exact(len.saturating_add(more).saturating_sub(bytes.len()));
            }
            _ => {
                self.begin(kind);
                self.reserve_anew(kind, more, max);
            }
        }
    }

    /// Where the next `most` bytes of a binary message belong, or fewer: as many as there are already, so that no memory
    /// is taken beyond twice what arrived.
    pub(super) fn room(&mut self, most: usize) -> &mut [u8] {
        if let Self::Text(_) = self {
            self.begin(Kind::Binary);
        }
        let Self::Binary { bytes, len } = self else {
            return &mut [];
        };
        if bytes.len() <= *len {
            let free = bytes.capacity().saturating_sub(*len);
            let more = most.min(if free > 0 { free } else { *len });
            bytes.reserve_exact(more);
            bytes.resize(len.saturating_add(more), 0);
        }
        let (_, room) = bytes.split_at_mut(*len);
        let n = room.len().min(most);
        room.split_at_mut(n).0
    }

    /// Takes note that the next bytes are in that room; returns them.
    pub(super) fn fill(&mut self, n: usize) -> &mut [u8] {
        let Self::Binary { bytes, len } = self else {
            return &mut [];
        };
        let (_, room) = bytes.split_at_mut(*len);
        let (new, _) = room.split_at_mut(n);
        *len = len.saturating_add(n);
        new
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary { bytes, len } => bytes.split_at(*len).0,
        }
    }

    /// Empties the buffer; memory beyond `keep` bytes is given back.
    pub(super) fn clear(&mut self, keep: usize) {
        let capacity = match self {
            Self::Text(text) => {
                text.clear();
                text.capacity()
            }
            Self::Binary { bytes, len } => {
                *len = 0;
                bytes.capacity()
            }
        };
        if capacity > keep {
            *self = Self::EMPTY;
        }
    }

    /// Turns the buffer, empty between messages, to the other kind.
    fn begin(&mut self, kind: Kind) {
        let mut bytes = match mem::replace(self, Self::EMPTY) {
            Self::Text(text) => text.into_bytes(),
            Self::Binary { bytes, .. } => bytes,
        };
        *self = match kind {
            Kind::Text => {
                bytes.clear();
                Self::Text(String::from_utf8(bytes).unwrap_or_default())
            }
            Kind::Binary => Self::Binary { bytes, len: 0 },
        };
    }
}

/// Without the bytes: they may be a secret, and are many.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("len", &self.bytes().len()).finish_non_exhaustive()
    }
}

/// Room for `n` more bytes.
fn push_bytes<'b>(bytes: &'b mut Vec<u8>, len: &mut usize, n: usize) -> &'b mut [u8] {
    let end = len.saturating_add(n);
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    let room = bytes.split_at_mut(end).0.split_at_mut(*len).1;
    *len = end;
    room
}

/// Each byte is checked once, as it arrives.
fn push_text(text: &mut String, piece: &[u8], utf8: &mut Utf8) -> Result<(), Error> {
    let (completed, whole) = utf8.take(piece)?;
    text.extend(completed);
    text.push_str(whole);
    Ok(())
}

/// How many bytes to reserve for `more`: the buffer doubles, so that a long message moves a few times only.
fn growth(len: usize, capacity: usize, more: usize, max: usize) -> usize {
    let needed = len.saturating_add(more);
    if needed <= capacity {
        return more;
    }
    more.max(capacity.saturating_mul(2).min(max).saturating_sub(len))
}
