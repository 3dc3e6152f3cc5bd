//! The body of a close frame (RFC 6455, sections 5.5.1 and 7.4).

use core::fmt;

use crate::body::Body;
use crate::utf8;

/// Why a connection ends, as a number (RFC 6455, section 7.4).
///
/// ```
/// use ws_proto::CloseCode;
///
/// assert_eq!(CloseCode::NORMAL, CloseCode(1000));
/// assert!(CloseCode(4000).is_allowed());
/// assert!(!CloseCode::ABNORMAL.is_allowed()); // 1006 is a local value, never on the wire
/// assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001 (going away)");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: what the connection was for is done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server goes down, or a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of message that is not taken.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: a local value, the close frame had no code.
    pub const NO_CODE: Self = Self(1005);
    /// 1006: a local value, the connection ended without a close frame.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: a message whose content does not fit its kind, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a message that breaks the receiver's policy.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message above the receiver's limit.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a client misses an extension in the server's answer. Servers do not send it.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: an internal failure. Either role may send it (RFC 6455, erratum 3227).
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the service restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; try again later.
    pub const TRY_AGAIN: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from behind it.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: a local value, TLS failed.
    pub const TLS: Self = Self(1015);

    /// Whether the code may stand in a close frame: 1000 to 1003, 1007 to 1014 and 3000 to 4999.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether the code belongs to the protocol but means nothing yet: 1016 to 2999 (section 7.4.2).
    #[must_use]
    pub const fn is_unassigned(self) -> bool {
        matches!(self.0, 1016..=2999)
    }

    const fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "normal",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no code",
            1006 => "abnormal",
            1007 => "invalid data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS failure",
            _ => return None,
        })
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} ({meaning})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// What a close frame says. The reason is for logs and programs, not for end users, and it is the peer's word: not to
/// be trusted (RFC 6455, section 5.5.1).
///
/// ```
/// use ws_proto::{Close, CloseCode};
///
/// let close = Close::decode(b"\x03\xe8bye").unwrap().unwrap();
/// assert_eq!(close, Close { code: CloseCode::NORMAL, reason: "bye" });
/// assert_eq!(Close::decode(b""), Ok(None)); // no code: legal
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Close<'a> {
    /// Why.
    pub code: CloseCode,
    /// In words: at most 123 bytes.
    pub reason: &'a str,
}

impl<'a> Close<'a> {
    /// The longest reason, in bytes.
    pub const MAX_REASON: usize = Body::MAX - 2;

    /// Reads the payload of a close frame, unmasked. Nothing at all is a close without a code.
    ///
    /// Codes 1016 to 2999 pass here; a [`Reader`](crate::Reader) refuses them unless told otherwise.
    ///
    /// # Errors
    ///
    /// [`BadClose`]: a single byte, a code that may not be on the wire, or a reason that is not UTF-8.
    pub fn decode(payload: &'a [u8]) -> Result<Option<Self>, BadClose> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return if payload.is_empty() { Ok(None) } else { Err(BadClose::Length) };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_allowed() && !code.is_unassigned() {
            return Err(BadClose::Code(code));
        }
        let reason = utf8::check(reason).map_err(|_| BadClose::Reason)?;
        Ok(Some(Self { code, reason }))
    }

    /// The payload of a close frame, or `None` if the reason is too long.
    pub(crate) fn encode(self) -> Option<Body> {
        let mut body = Body::EMPTY;
        (body.extend(&self.code.0.to_be_bytes()) && body.extend(self.reason.as_bytes())).then_some(body)
    }
}

/// What is wrong with the body of a close frame.
///
/// ```
/// use ws_proto::{BadClose, Close};
///
/// assert_eq!(Close::decode(b"\x03"), Err(BadClose::Length));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BadClose {
    /// One byte is half a code (section 5.5.1).
    Length,
    /// A code that may not be on the wire (section 7.4).
    Code(CloseCode),
    /// A reason that is not UTF-8 (section 8.1).
    Reason,
}

impl fmt::Display for BadClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("close frame with a body of one byte"),
            Self::Code(code) => write!(f, "close frame with the forbidden code {code}"),
            Self::Reason => f.write_str("close frame whose reason is not valid UTF-8"),
        }
    }
}

impl core::error::Error for BadClose {}
