//! Why a connection is over, for each half that asks.

use alloc::sync::Arc;
use std::io;

use super::error::Error;
use crate::error::{Error as ProtocolError, SendError};

/// An error that can be said more than once.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// Both ends closed in order.
    Closed,
    Io(Arc<io::Error>),
    Panicked,
    Protocol(ProtocolError),
    TimedOut,
    #[cfg(feature = "rustls")]
    Tls(rustls::Error),
}

impl Cause {
    pub(super) fn error(&self) -> Error {
        match self {
            Self::Closed => Error::Send(SendError::Closed),
            Self::Io(error) => Error::Io(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), Arc::clone(error)),
            }),
            Self::Panicked => Error::Panicked,
            Self::Protocol(error) => Error::Protocol(*error),
            Self::TimedOut => Error::TimedOut,
            #[cfg(feature = "rustls")]
            Self::Tls(error) => Error::Tls(error.clone()),
        }
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        cause.error()
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => Self::Io(Arc::new(error)),
            Error::Panicked => Self::Panicked,
            Error::Protocol(error) => Self::Protocol(error),
            Error::TimedOut => Self::TimedOut,
            #[cfg(feature = "rustls")]
            Error::Tls(error) => Self::Tls(error),
            _ => Self::Closed,
        }
    }
}
