//! The kinds of bytes in a head, and where a row of one kind ends: looked at sixteen at once.

#[cfg(feature = "std")]
use core::ops::RangeInclusive;

#[cfg(feature = "std")]
use fearless_simd::{Level, Simd, dispatch, mask8x16, prelude::*, u8x16};

/// `tchar` (RFC 9110, section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    is(byte, TOKEN)
}

/// Whether a byte may stand in a field value or a reason phrase (RFC 9110, section 5.5).
pub(super) const fn is_text_byte(byte: u8) -> bool {
    is(byte, TEXT)
}

/// `unreserved` or `sub-delims` (RFC 3986, section 2).
pub(super) const fn is_name_byte(byte: u8) -> bool {
    is(byte, NAME)
}

#[expect(clippy::indexing_slicing, reason = "a place for each byte")]
const fn is(byte: u8, kind: u8) -> bool {
    KINDS[byte as usize] & kind != 0
}

/// Behind what may stand in a field value or a reason phrase.
pub(super) fn skip_text(bytes: &[u8]) -> &[u8] {
    skip(bytes, controls, is_text_byte)
}

/// What may stand in a token, and what is behind it.
#[expect(clippy::arithmetic_side_effects, reason = "`behind` is a part of `bytes`")]
pub(super) fn split_token(bytes: &[u8]) -> (&[u8], &[u8]) {
    let behind = skip(bytes, others, is_token_byte);
    bytes.split_at(bytes.len() - behind.len())
}

/// Behind what may stand in a `reg-name` as it is.
pub(super) fn skip_name(bytes: &[u8]) -> &[u8] {
    skip(bytes, others, is_name_byte)
}

/// Behind what may stand in a target.
pub(super) fn skip_graphic(bytes: &[u8]) -> &[u8] {
    skip(bytes, blanks, |byte| byte.is_ascii_graphic())
}

/// The first byte that `find` has a bit for may still be of the kind.
#[inline]
fn skip(mut bytes: &[u8], find: impl Fn(&[u8; 16]) -> u64, is: impl Fn(u8) -> bool) -> &[u8] {
    while let Some((chunk, behind)) = bytes.split_first_chunk() {
        bytes = match find(chunk) {
            0 => behind,
            found => match bytes.split_at(found.trailing_zeros() as usize).1 {
                [byte, rest @ ..] if is(*byte) => rest,
                rest => return rest,
            },
        };
    }
    while let [byte, rest @ ..] = bytes
        && is(*byte)
    {
        bytes = rest;
    }
    bytes
}

/// A bit for each control character, tabs among them.
#[cfg(feature = "std")]
#[inline]
fn controls(chunk: &[u8; 16]) -> u64 {
    dispatch!(Level::baseline(), simd => {
        let bytes = u8x16::simd_from(simd, *chunk);
        (bytes.simd_lt(0x20) | bytes.simd_eq(0x7f)).to_bitmask()
    })
}

/// A bit for each byte that shows nothing in ASCII.
#[cfg(feature = "std")]
#[inline]
fn blanks(chunk: &[u8; 16]) -> u64 {
    dispatch!(Level::baseline(), simd => {
        let bytes = u8x16::simd_from(simd, *chunk);
        (!within(bytes, b'!'..=b'~')).to_bitmask()
    })
}

/// A bit for each byte but letters, digits, `-`, `.` and `_`, of which most tokens and names are.
#[cfg(feature = "std")]
#[inline]
fn others(chunk: &[u8; 16]) -> u64 {
    dispatch!(Level::baseline(), simd => {
        let bytes = u8x16::simd_from(simd, *chunk);
        let is_other = !(within(bytes | 0x20, b'a'..=b'z')
            | within(bytes, b'0'..=b'9')
            | within(bytes, b'-'..=b'.')
            | bytes.simd_eq(b'_'));
        is_other.to_bitmask()
    })
}

#[cfg(feature = "std")]
#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "vectors wrap around")]
fn within<S: Simd>(bytes: u8x16<S>, range: RangeInclusive<u8>) -> mask8x16<S> {
    (bytes - *range.start()).simd_le(range.end() - range.start())
}

/// A bit for the first control character.
#[cfg(not(feature = "std"))]
fn controls(chunk: &[u8; 16]) -> u64 {
    // Without an end in the middle, compilers look at all bytes at once.
    let is_text = chunk.iter().fold(true, |ok, byte| ok & !byte.is_ascii_control());
    if is_text { 0 } else { first(chunk, u8::is_ascii_control) }
}

/// A bit for the first byte that shows nothing in ASCII.
#[cfg(not(feature = "std"))]
fn blanks(chunk: &[u8; 16]) -> u64 {
    first(chunk, |byte| !byte.is_ascii_graphic())
}

/// A bit for the first byte that is not of tokens and names alike.
#[cfg(not(feature = "std"))]
fn others(chunk: &[u8; 16]) -> u64 {
    first(chunk, |byte| !(is_token_byte(*byte) && is_name_byte(*byte)))
}

#[cfg(not(feature = "std"))]
fn first(chunk: &[u8; 16], is: impl Fn(&u8) -> bool) -> u64 {
    chunk.iter().position(is).map_or(0, |at| 1 << at)
}

/// The kinds that each byte is of.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    loop {
        let is_token = matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        let is_name = matches!(byte, b'!' | b'$' | b'&'..=b'.' | b';' | b'=' | b'_' | b'~');
        let kind = &mut kinds[byte as usize];
        if is_token || byte.is_ascii_alphanumeric() {
            *kind |= TOKEN;
        }
        if is_name || byte.is_ascii_alphanumeric() {
            *kind |= NAME;
        }
        if !byte.is_ascii_control() || byte == b'\t' {
            *kind |= TEXT;
        }
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

const TOKEN: u8 = 1;
const TEXT: u8 = 2;
const NAME: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of a text of two chunks and a rest.
    #[test]
    fn all_end_where_their_naive_twins_say() {
        type Kind = (fn(&[u8]) -> &[u8], fn(u8) -> bool);
        let kinds: [Kind; 4] = [
            (skip_text, is_text_byte),
            (|bytes| split_token(bytes).1, is_token_byte),
            (skip_name, is_name_byte),
            (skip_graphic, |byte| byte.is_ascii_graphic()),
        ];
        for (at, byte) in (0..37).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            let mut bytes = [b'a'; 37];
            bytes[at] = byte;
            for (skip, is) in kinds {
                let naive = bytes.iter().position(|byte| !is(*byte)).unwrap_or(37);
                assert_eq!(skip(&bytes), &bytes[naive..], "{byte} at {at}");
            }
        }
    }

    #[test]
    fn text_has_no_control_but_the_tab() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_text_byte(byte), !byte.is_ascii_control() || byte == b'\t', "{byte}");
        }
    }
}
