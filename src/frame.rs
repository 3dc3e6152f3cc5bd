//! The header of a frame (RFC 6455, section 5.2), read and written.

use core::fmt;
use core::ops::Deref;

use crate::error::Error;

/// What a frame is.
///
/// ```
/// use ws_proto::frame::OpCode;
///
/// assert!(OpCode::Ping.is_control());
/// assert!(!OpCode::Text.is_control());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the wire has these; others are an error")]
#[repr(u8)]
pub enum OpCode {
    /// 0: more of a message.
    Continuation = 0x0,
    /// 1: text, or the first fragment of one.
    Text = 0x1,
    /// 2: bytes, or the first fragment of them.
    Binary = 0x2,
    /// 8: the last frame of a direction.
    Close = 0x8,
    /// 9: wants a pong.
    Ping = 0x9,
    /// 10: the answer to a ping, or a sign of life.
    Pong = 0xa,
}

impl OpCode {
    /// Whether it is close, ping or pong, which are never fragmented and have at most 125 bytes.
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }

    const fn decode(bits: u8) -> Result<Self, Error> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return Err(Error::BadOpCode),
        })
    }
}

/// What a message is.
///
/// ```
/// use ws_proto::Kind;
/// use ws_proto::frame::OpCode;
///
/// assert_eq!(OpCode::from(Kind::Text), OpCode::Text);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a third kind would be another protocol")]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl From<Kind> for OpCode {
    #[inline]
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

/// The header of a frame: 2 to 14 bytes on the wire.
///
/// ```
/// use ws_proto::frame::{Header, OpCode};
///
/// let header = Header { fin: true, rsv1: false, opcode: OpCode::Text, key: Some([0x37, 0xfa, 0x21, 0x3d]), length: 5 };
/// let bytes = header.encode();
/// assert_eq!(*bytes, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
/// assert_eq!(Header::decode(&bytes), Ok(Some((header, 6))));
/// assert_eq!(Header::decode(&bytes[..5]), Ok(None)); // more bytes are needed
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the wire has these fields")]
pub struct Header {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The first reserved bit: the message is compressed (RFC 7692).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: OpCode,
    /// The masking key: on every frame of a client, on none of a server.
    pub key: Option<[u8; 4]>,
    /// The length of the payload in bytes, below 2^63.
    pub length: u64,
}

impl Header {
    /// The longest header, in bytes.
    pub const MAX: usize = 14;

    /// Reads a header at the start of `bytes`; returns it and its own length in bytes, or `None` if more are needed.
    ///
    /// Checks what a frame alone can tell. Whether it is masked as its sender must, fits the message around it and
    /// may use `rsv1` is for a [`Reader`](crate::Reader).
    ///
    /// # Errors
    ///
    /// At the earliest byte that shows a fault: reserved bits, opcode and the fragmented control frame at the first,
    /// the length of a control frame at the second, other lengths at their last.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let Start { fin, rsv1, opcode } = Start::decode(first)?;
        let Some(Length { masked, value: length, rest }) = Length::decode(opcode, rest)? else {
            return Ok(None);
        };
        let (key, rest) = match rest.split_first_chunk() {
            _ if !masked => (None, rest),
            Some((key, rest)) => (Some(*key), rest),
            None => return Ok(None),
        };
        #[expect(clippy::arithmetic_side_effects, reason = "`rest` is the end of `bytes`")]
        Ok(Some((Self { fin, rsv1, opcode, key, length }, bytes.len() - rest.len())))
    }

    /// The bytes of a header without a key, if two are enough.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn short(opcode: OpCode, fin: bool, rsv1: bool, length: usize) -> Option<[u8; 2]> {
        let length = u8::try_from(length).ok().filter(|length| *length <= 125)?;
        Some([Start { fin, rsv1, opcode }.encode(), length])
    }

    /// The header's bytes, its length in the shortest form.
    #[inline]
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "shifts by 80 bits at most, and 14 bytes")]
    pub const fn encode(&self) -> HeaderBytes {
        let first = Start { fin: self.fin, rsv1: self.rsv1, opcode: self.opcode }.encode();
        // As one number, the first byte being its lowest: written at once.
        let (code, extended, mut len) = match self.length {
            length @ 0..=125 => (length, 0, 2),
            length @ 126..=0xffff => (126, length.swap_bytes() >> 48, 4),
            length => (127, length.swap_bytes(), 10),
        };
        let mut bits = first as u128 | (code as u128) << 8 | (extended as u128) << 16;
        if let Some(key) = self.key {
            bits |= (MASK as u128) << 8 | (u32::from_le_bytes(key) as u128) << (8 * len);
            len += 4;
        }
        HeaderBytes { bytes: bits.to_le_bytes(), len }
    }
}

/// The bytes of a header, to be written before its payload. Derefs to them.
///
/// ```
/// use ws_proto::{Config, Connection};
///
/// let mut server = Connection::server(&Config::new());
/// let mut payload = *b"large";
/// let header = server.split().1.binary_in_place(&mut payload)?;
/// assert_eq!(*header, [0x82, 5]);
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; HeaderBytes::SIZE],
    len: u8,
}

impl HeaderBytes {
    /// More than a header has, so that it is one number.
    pub(crate) const SIZE: usize = 16;

    /// The header, and then zeros.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) const fn padded(&self) -> &[u8; Self::SIZE] {
        &self.bytes
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.split_at(usize::from(self.len)).0
    }
}

impl fmt::Debug for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &**self)
    }
}

/// The first byte of a header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: OpCode,
}

impl Start {
    #[inline]
    pub(crate) const fn decode(byte: u8) -> Result<Self, Error> {
        if byte & (RSV2 | RSV3) != 0 {
            return Err(Error::BadReservedBit);
        }
        let start = match OpCode::decode(byte & 0x0f) {
            Ok(opcode) => Self { fin: byte & FIN != 0, rsv1: byte & RSV1 != 0, opcode },
            Err(error) => return Err(error),
        };
        if start.opcode.is_control() {
            if start.rsv1 {
                return Err(Error::BadReservedBit);
            }
            if !start.fin {
                return Err(Error::BadControlFragment);
            }
        }
        Ok(start)
    }

    #[inline]
    const fn encode(self) -> u8 {
        self.opcode as u8 | if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 }
    }
}

/// A header from its second byte to its key.
pub(crate) struct Length<'b> {
    pub(crate) masked: bool,
    pub(crate) value: u64,
    /// What comes behind.
    pub(crate) rest: &'b [u8],
}

impl<'b> Length<'b> {
    #[inline]
    pub(crate) fn decode(opcode: OpCode, bytes: &'b [u8]) -> Result<Option<Self>, Error> {
        let Some((&second, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let code = second & !MASK;
        if opcode.is_control() && code > 125 {
            return Err(Error::BadControlLength);
        }
        let (value, shortest, rest) = match code {
            126 => match rest.split_first_chunk() {
                Some((value, rest)) => (u64::from(u16::from_be_bytes(*value)), 126, rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((value, rest)) => (u64::from_be_bytes(*value), 0x1_0000, rest),
                None => return Ok(None),
            },
            code => (u64::from(code), 0, rest),
        };
        if value < shortest || value > u64::MAX >> 1 {
            return Err(Error::BadLength);
        }
        Ok(Some(Self { masked: second & MASK != 0, value, rest }))
    }
}

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
pub(crate) const MASK: u8 = 0x80;
