//! Where frames lie in bytes (RFC 6455, section 5.2), whatever is wrong with them.

use std::ops::Range;

use ws_proto::Role;

/// A frame that has begun.
#[derive(Debug)]
pub struct Frame<'w> {
    /// All of it that is there.
    bytes: &'w [u8],
    /// Where it lies. Without its whole length, or where that is beyond all bounds, it has no end.
    pub place: Range<usize>,
    /// The length of its payload, if all bytes of that are there.
    pub length: Option<u64>,
    /// The bytes that say so.
    length_bytes: usize,
    is_masked: bool,
}

impl Frame<'_> {
    /// Whether its length could be said in fewer bytes.
    pub fn is_long(&self) -> bool {
        self.length.is_some_and(|length| form(length).len() < 1 + self.length_bytes)
    }

    /// What is there of the payload, unmasked.
    pub fn payload(&self) -> Vec<u8> {
        let (head, payload) = self.bytes.split_at(self.head().min(self.bytes.len()));
        let key = if self.is_masked { head.last_chunk().copied().unwrap_or_default() } else { [0; 4] };
        xor(payload, key)
    }

    fn head(&self) -> usize {
        2 + self.length_bytes + if self.is_masked { 4 } else { 0 }
    }
}

/// The frames in `wire`, the last of them perhaps not whole.
pub fn frames(wire: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let frame = parse(&wire[start..], start, true)?;
        start = frame.place.end.min(wire.len());
        Some(frame)
    })
}

/// Frames whose lengths are in their shortest form.
pub fn shortest(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames(wire) {
        let Some(length) = frame.length else {
            out.extend(frame.bytes);
            break;
        };
        let mut form = form(length);
        form[0] |= frame.bytes[1] & 0x80;
        out.push(frame.bytes[0]);
        out.extend(form);
        out.extend(&frame.bytes[2 + frame.length_bytes..]);
    }
    out
}

/// Frames to `role`, whatever their mask bits say: as they are to a client, each masked to a server.
pub fn masked(role: Role, wire: &[u8]) -> Vec<u8> {
    let (bit, key) = match role {
        Role::Server => (0x80, &KEY[..]),
        Role::Client => (0, &[][..]),
    };
    let mut out = Vec::new();
    let mut rest = wire;
    while let Some(frame) = parse(rest, 0, false) {
        rest = &rest[frame.bytes.len()..];
        let (head, payload) = frame.bytes.split_at(frame.head().min(frame.bytes.len()));
        out.extend(head);
        if head.len() > 1 {
            let second = out.len() - head.len() + 1;
            out[second] = out[second] & 0x7f | bit;
        }
        if frame.length.is_some() {
            out.extend(key);
            out.extend(if key.is_empty() { payload.to_vec() } else { xor(payload, KEY) });
        }
    }
    out
}

/// The frame at the start of `bytes`; its mask bit may mean nothing.
fn parse(bytes: &[u8], start: usize, masks: bool) -> Option<Frame<'_>> {
    let second = match bytes {
        [] => return None,
        [_] => 0,
        [_, second, ..] => *second,
    };
    let length_bytes = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let is_masked = masks && second & 0x80 != 0;
    let length = match bytes.get(2..2 + length_bytes) {
        Some([]) => Some(u64::from(second & 0x7f)),
        Some(length) => Some(length.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
        None => None,
    };
    let mut frame = Frame { bytes, place: start..usize::MAX, length, length_bytes, is_masked };
    if let Some(length) = length.and_then(|length| usize::try_from(length).ok())
        && let Some(size) = length.checked_add(frame.head())
    {
        frame.place.end = start.saturating_add(size);
        frame.bytes = &bytes[..size.min(bytes.len())];
    }
    Some(frame)
}

/// A length without a mask bit, in its shortest form.
fn form(length: u64) -> Vec<u8> {
    let bytes = length.to_be_bytes();
    match length {
        0..=125 => vec![bytes[7]],
        126..=0xffff => vec![126, bytes[6], bytes[7]],
        _ => [&[127], &bytes[..]].concat(),
    }
}

/// Section 5.3.
fn xor(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// That of the RFC's examples.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
