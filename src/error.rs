//! What the peer did wrong, and what the caller did.

use core::fmt;

use crate::close::{BadClose, CloseCode};
use crate::utf8::BadUtf8;

/// What the peer did wrong. The connection is over, and a close frame with [`Error::close_code`] is owed: write what
/// is outgoing, then return the error.
///
/// ```
/// use ws_proto::{CloseCode, Connection, Config, Error};
///
/// let mut server = Connection::server(&Config::new());
/// let mut unmasked = *b"\x81\x05Hello";
/// assert_eq!(server.split().0.receive(&mut &mut unmasked[..]), Err(Error::BadMask));
/// assert_eq!(Error::BadMask.close_code(), CloseCode::PROTOCOL);
/// assert_eq!(server.outgoing(), b"\x88\x02\x03\xea");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A close frame with a malformed body (section 5.5.1).
    BadClose(BadClose),
    /// A compressed message that does not inflate (RFC 7692, section 7.2.2).
    BadCompression,
    /// A control frame that is fragmented (section 5.5).
    BadControlFragment,
    /// A control frame with more than 125 bytes (section 5.5).
    BadControlLength,
    /// A continuation without a message, or a message inside a message (section 5.4).
    BadContinuation,
    /// A length that is not in its shortest form, or beyond 63 bits (section 5.2).
    BadLength,
    /// A masked frame from a server, or an unmasked one from a client (section 5.1).
    BadMask,
    /// An opcode that means nothing (section 5.2).
    BadOpCode,
    /// A reserved bit that no extension gave a meaning (section 5.2).
    BadReservedBit,
    /// Text that is not UTF-8 (section 8.1).
    BadUtf8,
    /// A compressed message that inflates further than `Config::max_expansion` allows. Without the feature `deflate` there is
    /// none.
    ExpandsTooMuch,
    /// A frame above [`Config::max_frame`](crate::Config::max_frame).
    FrameTooBig,
    /// A message above [`Config::max_message`](crate::Config::max_message), or with more than that, an eighth of it and 1 KiB
    /// in compressed form.
    MessageTooBig,
    /// A message of more frames than [`Config::max_fragments`](crate::Config::max_fragments).
    TooManyFragments,
    /// The stream ended without a close frame (section 7.1.5: local code 1006). Nothing is owed.
    UnexpectedEof,
}

impl Error {
    /// The close code that tells the peer (RFC 6455, section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::BadCompression | Self::BadUtf8 | Self::BadClose(BadClose::Reason) => CloseCode::INVALID_DATA,
            Self::ExpandsTooMuch | Self::FrameTooBig | Self::MessageTooBig => CloseCode::TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY,
            Self::UnexpectedEof => CloseCode::ABNORMAL,
            _ => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadClose(bad) => return bad.fmt(f),
            Self::BadCompression => "compressed message that does not inflate",
            Self::BadControlFragment => "fragmented control frame",
            Self::BadControlLength => "control frame with more than 125 bytes",
            Self::BadContinuation => "continuation without a message, or a message inside a message",
            Self::BadLength => "frame length not in its shortest form",
            Self::BadMask => "frame masked by a server, or not masked by a client",
            Self::BadOpCode => "unknown opcode",
            Self::BadReservedBit => "reserved bit set",
            Self::BadUtf8 => return BadUtf8.fmt(f),
            Self::ExpandsTooMuch => "compressed message that inflates further than max_expansion allows",
            Self::FrameTooBig => "frame above the limit",
            Self::MessageTooBig => "message above the limit",
            Self::TooManyFragments => "message of too many fragments",
            Self::UnexpectedEof => "end of stream without a close frame",
        })
    }
}

impl core::error::Error for Error {}

impl From<BadClose> for Error {
    fn from(bad: BadClose) -> Self {
        Self::BadClose(bad)
    }
}

impl From<BadUtf8> for Error {
    fn from(_: BadUtf8) -> Self {
        Self::BadUtf8
    }
}

/// What the caller did wrong. Nothing was queued, and the connection is as it was: the message was only borrowed.
///
/// ```
/// use ws_proto::{Config, Connection, SendError};
///
/// let mut server = Connection::server(&Config::new());
/// let (_, writer) = server.split();
/// assert_eq!(writer.ping(&[0; 126]), Err(SendError::ControlTooLong));
/// assert!(server.outgoing().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// A close code that may not be sent, or not in this role (section 7.4).
    BadCloseCode(CloseCode),
    /// A text message in fragments that is not UTF-8 as a whole (section 5.6).
    BadUtf8,
    /// A close frame was queued, and nothing may follow it (section 5.5.1); or the connection ended without one.
    Closed,
    /// A ping or pong with more than 125 bytes (section 5.5).
    ControlTooLong,
    /// The output is at [`Config::max_pending`](crate::Config::max_pending): write some of it first.
    Full,
    /// A message in fragments is unfinished, and this is not of its kind (section 5.4).
    Interleaved,
    /// A close reason with more than 123 bytes (section 5.5).
    ReasonTooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCloseCode(code) => return write!(f, "close code {code} may not be sent"),
            Self::BadUtf8 => return BadUtf8.fmt(f),
            Self::Closed => "the connection is closing",
            Self::ControlTooLong => "control frame with more than 125 bytes",
            Self::Full => "too much output is pending",
            Self::Interleaved => "another message is unfinished",
            Self::ReasonTooLong => "close reason with more than 123 bytes",
        })
    }
}

impl core::error::Error for SendError {}

impl From<BadUtf8> for SendError {
    fn from(_: BadUtf8) -> Self {
        Self::BadUtf8
    }
}
