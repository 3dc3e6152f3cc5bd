//! Masking of a frame's payload (RFC 6455, section 5.3).

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
    let word = u64::from_ne_bytes(double(key));
    let (words, rest) = data.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(double(key)) {
        *byte ^= key;
    }
}

/// The key that goes on behind the first `n` bytes of a payload.
#[inline]
#[must_use]
#[expect(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "the rest of a division by four")]
pub const fn turn(key: [u8; 4], n: usize) -> [u8; 4] {
    u32::from_le_bytes(key).rotate_right(8 * (n % 4) as u32).to_le_bytes()
}

const fn double([a, b, c, d]: [u8; 4]) -> [u8; 8] {
    [a, b, c, d, a, b, c, d]
}
