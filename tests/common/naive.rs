//! The rules for reading, slow and by the letter of the RFCs: the twins that the library is compared with. A mask is in
//! [`naive_mask`].

use super::{Got, naive_mask};
use ws_proto::frame::{Header, OpCode};
use ws_proto::{BadClose, CloseCode, Error, Role};

/// RFC 6455, section 5.2, as a list of questions.
pub(crate) fn naive_header(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let Some(first) = bytes.first() else { return Ok(None) };
    if first & 0x30 != 0 {
        return Err(Error::BadReservedBit);
    }
    let (fin, rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
    let opcode = match first & 0x0f {
        0 => OpCode::Continuation,
        1 => OpCode::Text,
        2 => OpCode::Binary,
        8 => OpCode::Close,
        9 => OpCode::Ping,
        10 => OpCode::Pong,
        _ => return Err(Error::BadOpCode),
    };
    let control = first & 0x08 != 0;
    if control && rsv1 {
        return Err(Error::BadReservedBit);
    }
    if control && !fin {
        return Err(Error::BadControlFragment);
    }
    let Some(second) = bytes.get(1) else { return Ok(None) };
    let code = second & 0x7f;
    if control && code > 125 {
        return Err(Error::BadControlLength);
    }
    let more = [0, 2, 8][usize::from(code.saturating_sub(125))];
    if bytes.len() < 2 + more {
        return Ok(None);
    }
    let mut length = 0;
    for byte in &bytes[2..2 + more] {
        length = length * 256 + u64::from(*byte);
    }
    match code {
        126 if length < 126 => return Err(Error::BadLength),
        127 if !(65536..1 << 63).contains(&length) => return Err(Error::BadLength),
        126 | 127 => {}
        _ => length = u64::from(code),
    }
    if second & 0x80 == 0 {
        return Ok(Some((Header { fin, rsv1, opcode, key: None, length }, 2 + more)));
    }
    if bytes.len() < 6 + more {
        return Ok(None);
    }
    let key = Some([bytes[2 + more], bytes[3 + more], bytes[4 + more], bytes[5 + more]]);
    Ok(Some((Header { fin, rsv1, opcode, key, length }, 6 + more)))
}

/// RFC 6455, section 5.2, in the other direction: the bits by their places in the drawing.
pub(crate) fn naive_header_bytes(header: Header) -> Vec<u8> {
    let mut bits = vec![header.fin, header.rsv1, false, false];
    let mut number = |value: u64, n: u32| bits.extend((0..n).rev().map(|bit| value >> bit & 1 == 1));
    number(header.opcode as u64, 4);
    number(u64::from(header.key.is_some()), 1);
    if header.length < 126 {
        number(header.length, 7);
    } else if header.length < 65536 {
        number(126, 7);
        number(header.length, 16);
    } else {
        number(127, 7);
        number(header.length, 64);
    }
    for byte in header.key.into_iter().flatten() {
        number(u64::from(byte), 8);
    }
    bits.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

/// What RFC 3629, section 4, says of bytes so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NaiveText {
    Whole,
    Unfinished,
    /// At the byte with this number.
    Bad(usize),
}

/// The table of RFC 3629, section 4: the first byte, and where the bytes behind it lie.
fn tails(lead: u8) -> Option<&'static [(u8, u8)]> {
    const TAIL: (u8, u8) = (0x80, 0xbf);
    Some(match lead {
        0x00..=0x7f => &[],
        0xc2..=0xdf => &[TAIL],
        0xe0 => &[(0xa0, 0xbf), TAIL],
        0xe1..=0xec | 0xee..=0xef => &[TAIL, TAIL],
        0xed => &[(0x80, 0x9f), TAIL],
        0xf0 => &[(0x90, 0xbf), TAIL, TAIL],
        0xf1..=0xf3 => &[TAIL, TAIL, TAIL],
        0xf4 => &[(0x80, 0x8f), TAIL, TAIL],
        _ => return None,
    })
}

pub(crate) fn naive_text(text: &[u8]) -> NaiveText {
    let mut at = 0;
    while at < text.len() {
        let Some(tails) = tails(text[at]) else { return NaiveText::Bad(at + 1) };
        at += 1;
        for (low, high) in tails {
            match text.get(at) {
                None => return NaiveText::Unfinished,
                Some(byte) if byte < low || byte > high => return NaiveText::Bad(at + 1),
                Some(_) => at += 1,
            }
        }
    }
    NaiveText::Whole
}

/// RFC 6455, sections 5.5.1 and 7.4, with the codes of the registry of section 11.7.
pub(crate) fn naive_close(payload: &[u8]) -> Result<Option<(u16, String)>, BadClose> {
    if payload.is_empty() {
        return Ok(None);
    }
    if payload.len() == 1 {
        return Err(BadClose::Length);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    let defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011];
    let registered = [1012, 1013, 1014];
    let is_good = defined.contains(&code) || registered.contains(&code) || (3000..5000).contains(&code);
    // Of two faults the code is told, but for a code that may get a meaning (section 7.4.2): that is judged last.
    if !is_good && !(1016..3000).contains(&code) {
        return Err(BadClose::Code(CloseCode(code)));
    }
    match naive_text(&payload[2..]) {
        NaiveText::Whole if is_good => {
            Ok(Some((code, String::from_utf8(payload[2..].to_vec()).expect("by the table"))))
        }
        NaiveText::Whole => Err(BadClose::Code(CloseCode(code))),
        _ => Err(BadClose::Reason),
    }
}

/// All that comes of a wire, without limits and extensions: events, and after how many bytes it fails.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct NaiveReading {
    pub(crate) events: Vec<Got>,
    pub(crate) fault: Option<(usize, Error)>,
    /// Good headers.
    pub(crate) frames: u64,
}

/// Frame by frame, and each of them byte by byte.
pub(crate) fn naive_read(role: Role, wire: &[u8]) -> NaiveReading {
    let mut reading = NaiveReading::default();
    let (mut start, mut open) = (0, None);
    while start < wire.len() {
        let mut here = 0;
        let step = naive_frame(role, &wire[start..], &mut open, &mut here, &mut reading);
        start += here;
        match step {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                reading.fault = Some((start, error));
                break;
            }
        }
    }
    reading
}

/// A message that is not finished: its opcode, and what is there of it.
type Open = Option<(OpCode, Vec<u8>)>;

/// Reads a frame, and counts the bytes that this took; false if there is no more to read.
fn naive_frame(
    role: Role,
    wire: &[u8],
    open: &mut Open,
    at: &mut usize,
    reading: &mut NaiveReading,
) -> Result<bool, Error> {
    let (header, length) = loop {
        if *at == wire.len() {
            return Ok(false);
        }
        *at += 1;
        // Section 5.1: a server's frames have no mask, a client's have one.
        if *at == 2 && (wire[1] & 0x80 != 0) != (role == Role::Server) {
            return Err(Error::BadMask);
        }
        let found = naive_header(&wire[..*at])?;
        if *at == 1 {
            naive_order(wire[0], open)?;
        }
        if let Some(found) = found {
            break found;
        }
    };
    assert_eq!(length, *at);
    reading.frames += 1;
    let all = usize::try_from(header.length).unwrap_or(usize::MAX);
    let rest = &wire[length..];
    let payload = naive_mask(&rest[..all.min(rest.len())], header.key.unwrap_or_default());
    let is_whole = payload.len() == all;
    if header.opcode.is_control() {
        *at += payload.len();
        return if is_whole { naive_control(header.opcode, &payload, reading) } else { Ok(false) };
    }
    let (kind, mut message) = open.take().unwrap_or((header.opcode, Vec::new()));
    let before = message.len();
    message.extend(&payload);
    if kind == OpCode::Text
        && let NaiveText::Bad(bad) = naive_text(&message)
    {
        *at += bad - before;
        return Err(Error::BadUtf8);
    }
    *at += payload.len();
    if !is_whole {
        return Ok(false);
    }
    if !header.fin {
        *open = Some((kind, message));
    } else if kind == OpCode::Binary {
        reading.events.push(Got::Binary(message));
    } else if naive_text(&message) == NaiveText::Whole {
        reading.events.push(Got::Text(String::from_utf8(message).expect("by the table")));
    } else {
        return Err(Error::BadUtf8);
    }
    Ok(true)
}

/// Sections 5.2 and 5.4, at the first byte of a frame: no extension uses RSV1, and a message is not inside another.
fn naive_order(first: u8, open: &Open) -> Result<(), Error> {
    if first & 0x40 != 0 {
        return Err(Error::BadReservedBit);
    }
    match first & 0x0f {
        0 if open.is_none() => Err(Error::BadContinuation),
        1 | 2 if open.is_some() => Err(Error::BadContinuation),
        _ => Ok(()),
    }
}

/// Section 5.5; false behind a close.
fn naive_control(opcode: OpCode, payload: &[u8], reading: &mut NaiveReading) -> Result<bool, Error> {
    reading.events.push(match opcode {
        OpCode::Ping => Got::Ping(payload.to_vec()),
        OpCode::Pong => Got::Pong(payload.to_vec()),
        _ => Got::Close(naive_close(payload)?),
    });
    Ok(opcode != OpCode::Close)
}
