//! A refused upgrade and its stream.

use alloc::boxed::Box;
use core::fmt;

use super::error::Error;
use crate::handshake::Rejected;

/// A response that opens no connection, and the stream that it came on. See `try_client` of the driver.
pub struct Refused<S> {
    response: Box<Rejected>,
    stream: Option<S>,
}

impl<S> Refused<S> {
    pub(super) fn new(response: Rejected, stream: Option<S>) -> Self {
        Self { response: Box::new(response), stream }
    }

    /// What the server answered. The body is there as far as it has come within
    /// [`Config::opening_timeout`](crate::Config::opening_timeout).
    #[must_use]
    pub const fn response(&self) -> &Rejected {
        &self.response
    }

    /// The stream, for another request.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the stream ends behind this response: see [`Rejected::can_reuse`].
    pub fn into_stream(self) -> Result<S, Error> {
        self.stream.ok_or(Error::Rejected(self.response))
    }
}

impl<S> From<Refused<S>> for Error {
    fn from(refused: Refused<S>) -> Self {
        Self::Rejected(refused.response)
    }
}

/// Without the stream.
impl<S> fmt::Debug for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("response", &self.response).finish_non_exhaustive()
    }
}
