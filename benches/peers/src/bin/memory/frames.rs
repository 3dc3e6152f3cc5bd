//! Frames for the wire, and from the sink: plainly written, to check everyone by.

/// The first byte of a whole text message, a whole binary one and a ping.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// Appends a frame; with a key it is masked.
pub(crate) fn append(wire: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<[u8; 4]>) {
    let masked = if key.is_some() { 0x80 } else { 0 };
    wire.push(first);
    match u16::try_from(payload.len()) {
        Ok(length @ ..126) => wire.push(masked + length.to_le_bytes()[0]),
        Ok(length) => {
            wire.push(masked + 126);
            wire.extend(length.to_be_bytes());
        }
        Err(_) => {
            wire.push(masked + 127);
            wire.extend((payload.len() as u64).to_be_bytes());
        }
    }
    wire.extend(key.into_iter().flatten());
    wire.extend(payload.iter().zip(key.unwrap_or_default().iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// The next frame of `bytes`, unmasked: its first byte, whether it was masked, and its payload.
pub(crate) fn next(bytes: &mut &[u8]) -> Option<(u8, bool, Vec<u8>)> {
    let (first, second) = (take(bytes, 1)?[0], take(bytes, 1)?[0]);
    let length = match second & 0x7f {
        126 => u16::from_be_bytes(take(bytes, 2)?.try_into().ok()?).into(),
        127 => usize::try_from(u64::from_be_bytes(take(bytes, 8)?.try_into().ok()?)).ok()?,
        short => short.into(),
    };
    let masked = second & 0x80 != 0;
    let key = if masked { take(bytes, 4)? } else { &[0; 4] };
    let payload = take(bytes, length)?;
    Some((first, masked, payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()))
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(n)?;
    *bytes = rest;
    Some(front)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let (mut wire, payload) = (Vec::new(), vec![7; length]);
            append(&mut wire, BINARY, &payload, Some([1, 2, 3, 4]));
            append(&mut wire, TEXT, &payload, None);
            let mut rest = &wire[..];
            assert_eq!(next(&mut rest), Some((BINARY, true, payload.clone())));
            assert_eq!(next(&mut rest), Some((TEXT, false, payload)));
            assert_eq!(next(&mut rest), None);
        }
    }
}
