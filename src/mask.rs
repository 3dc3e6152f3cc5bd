//! Masking of a frame's payload (RFC 6455, section 5.3).

#[cfg(feature = "std")]
use fearless_simd::{Level, dispatch};

/// XORs `data` with `key`, beginning with the first byte of the key. Twice is once none: the same call unmasks.
///
/// For a payload in pieces, [`turn`] the key by the bytes that are done.
///
/// ```
/// use ws_proto::mask;
///
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// let mut payload = *b"Hello";
/// mask::apply(&mut payload, key);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// mask::apply(&mut payload[..2], key);
/// mask::apply(&mut payload[2..], mask::turn(key, 2));
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn apply(data: &mut [u8], key: [u8; 4]) {
    if data.len() < WIDE {
        apply_words(data, key);
    } else {
        apply_wide(data, key);
    }
}

/// The key that goes on behind the first `n` bytes of a payload.
#[inline]
#[must_use]
#[expect(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "the rest of a division by four")]
pub const fn turn(key: [u8; 4], n: usize) -> [u8; 4] {
    u32::from_le_bytes(key).rotate_right(8 * (n % 4) as u32).to_le_bytes()
}

/// Copies `from` to `to`, which is as long, and masks it on the way.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8], key: [u8; 4]) {
    if from.len() < WIDE {
        copy_words(to, from, key);
    } else {
        copy_wide(to, from, key);
    }
}

/// With the widest vectors that the processor has, if there is someone to ask, and none of them across two lines of the
/// cache.
#[inline(never)]
fn apply_wide(data: &mut [u8], key: [u8; 4]) {
    let (start, rest) = data.split_at_mut(data.as_ptr().align_offset(LINE).min(data.len()));
    apply_words(start, key);
    let key = turn(key, start.len());
    #[cfg(feature = "std")]
    dispatch!(Level::new(), _ => apply_words(rest, key));
    #[cfg(not(feature = "std"))]
    apply_words(rest, key);
}

#[cfg(feature = "alloc")]
#[inline(never)]
fn copy_wide(to: &mut [u8], from: &[u8], key: [u8; 4]) {
    let (start, to) = to.split_at_mut(to.as_ptr().align_offset(LINE).min(from.len()));
    let (from_start, from) = from.split_at(start.len());
    copy_words(start, from_start, key);
    let key = turn(key, start.len());
    #[cfg(feature = "std")]
    dispatch!(Level::new(), _ => copy_words(to, from, key));
    #[cfg(not(feature = "std"))]
    copy_words(to, from, key);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled anew for each level")]
fn apply_words(data: &mut [u8], key: [u8; 4]) {
    let (words, rest) = data.as_chunks_mut();
    let twice = twice(key);
    for word in words {
        *word = xor(*word, twice);
    }
    let (halves, rest) = rest.as_chunks_mut();
    for half in halves {
        *half = xor_half(*half, key);
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(feature = "alloc")]
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled anew for each level")]
fn copy_words(to: &mut [u8], from: &[u8], key: [u8; 4]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut(), from.as_chunks());
    let twice = twice(key);
    for (to, from) in to.iter_mut().zip(from) {
        *to = xor(*from, twice);
    }
    let ((to, to_rest), (from, from_rest)) = (to_rest.as_chunks_mut(), from_rest.as_chunks());
    for (to, from) in to.iter_mut().zip(from) {
        *to = xor_half(*from, key);
    }
    for ((to, from), key) in to_rest.iter_mut().zip(from_rest).zip(key) {
        *to = from ^ key;
    }
}

/// By arithmetic: of an array of eight bytes, compilers make twenty instructions.
#[inline]
const fn twice(key: [u8; 4]) -> u64 {
    let key = u32::from_ne_bytes(key) as u64;
    key << 32 | key
}

#[inline]
const fn xor(word: [u8; 8], key: u64) -> [u8; 8] {
    (u64::from_ne_bytes(word) ^ key).to_ne_bytes()
}

#[inline]
const fn xor_half(word: [u8; 4], key: [u8; 4]) -> [u8; 4] {
    (u32::from_ne_bytes(word) ^ u32::from_ne_bytes(key)).to_ne_bytes()
}

/// From so many bytes on, it is worth it to ask for the processor.
const WIDE: usize = 256;
/// Of a cache, in bytes.
const LINE: usize = 64;
