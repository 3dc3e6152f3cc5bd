//! What can go wrong on a socket.

use alloc::boxed::Box;
use core::fmt;
use std::io;

use crate::error::{Error as ProtocolError, SendError};
use crate::handshake::{AnswerError, HandshakeError, Rejected, RequestError};

/// What can go wrong on a socket, by whose fault it is.
///
/// ```
/// use ws_proto::{SendError, blocking};
///
/// let error = blocking::Error::from(SendError::Closed);
/// assert_eq!(error.to_string(), "the connection is closing");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The caller's answer to a handshake was not fit.
    Answer(AnswerError),
    /// The other end's handshake was not fit. It was told.
    Handshake(HandshakeError),
    /// The stream failed.
    Io(io::Error),
    /// A `wss` URI, and a build without the feature `rustls`.
    NoTls,
    /// A function of the program panicked while it handled an event. Where in its bytes the connection stood is not known
    /// any more, so that it is over; the peer was sent close code 1011.
    Panicked,
    /// The peer broke the protocol. It was told.
    Protocol(ProtocolError),
    /// The server did not switch protocols.
    Rejected(Box<Rejected>),
    /// The caller's request was not fit.
    Request(RequestError),
    /// A message was refused.
    Send(SendError),
    /// Time ran out: for the opening handshake, a pong, a message that was begun, or the close frame. On threads also the
    /// limit that the caller has set, after which the call can be repeated.
    TimedOut,
    /// TLS failed. [`InvalidCertificate`](rustls::Error::InvalidCertificate) says what is wrong with the certificate of
    /// the other end, and so does the text of this error: from an unknown authority, for another name.
    #[cfg(feature = "rustls")]
    Tls(rustls::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::NoTls => f.write_str("wss:// needs the feature `rustls` of ws-proto"),
            Self::Panicked => f.write_str("the program panicked while it handled an event"),
            Self::Protocol(error) => error.fmt(f),
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the other end took too long"),
            #[cfg(feature = "rustls")]
            Self::Tls(error) => super::tls::explain(error, f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(Box::new(rejected))
    }
}

/// An error of rustls stays one, wherever on the way of the bytes it came up.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "rustls")]
        let error = match error.downcast() {
            Ok(error) => return Self::Tls(error),
            Err(error) => error,
        };
        Self::Io(error)
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

from!(AnswerError => Answer, HandshakeError => Handshake, ProtocolError => Protocol, RequestError => Request,
    SendError => Send);

#[cfg(feature = "rustls")]
from!(rustls::Error => Tls);
