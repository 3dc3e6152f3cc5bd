//! Bytes that say themselves how they are cut.

/// `data`: a byte with a number of lengths (0 to 15), so many lengths of pieces, and the bytes that arrive.
pub fn cut(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = data.split_first()?;
    let (lengths, bytes) = rest.split_at_checked(usize::from(count % 16))?;
    Some((bytes, lengths))
}

/// `bytes` in pieces of these lengths, by turns.
pub fn pieces<'w>(mut bytes: &'w [u8], lengths: &[u8]) -> impl Iterator<Item = &'w [u8]> {
    let mut lengths = lengths.iter().map(|&length| usize::from(length)).filter(|&length| length > 0).cycle();
    core::iter::from_fn(move || {
        let n = lengths.next().unwrap_or(1).min(bytes.len());
        let (piece, rest) = bytes.split_at(n);
        bytes = rest;
        (n > 0).then_some(piece)
    })
}
