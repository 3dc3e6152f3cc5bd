//! Where reading ends.

use super::Reader;
#[cfg(feature = "alloc")]
use super::{Message, Ready};
use crate::close::Close;
use crate::error::Error;
use crate::reply::Reply;

/// Why nothing more is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The peer's close frame, whose body is the newest control frame's.
    Close,
    Failed(Error),
    /// The stream ended first.
    Eof,
}

impl Reader {
    pub(crate) const fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether nothing is read any more, and no close frame is or was owed.
    pub(crate) const fn ended_without_close(&self) -> bool {
        match self.end {
            Some(End::Eof) => true,
            Some(End::Failed(_)) => self.silent_failure,
            _ => false,
        }
    }

    /// Section 7.1.7: fails the connection.
    #[cold]
    pub(super) fn fail(&mut self, error: Error, input: &mut &mut [u8]) -> Error {
        *input = &mut [];
        let close = Close { code: error.close_code(), reason: "" }.encode();
        self.reply = match close {
            Some(body) if !self.silent_failure => Some(Reply { close: true, body }),
            _ => None,
        };
        self.stop(End::Failed(error));
        error
    }

    pub(super) fn stop(&mut self, end: End) {
        self.end = Some(end);
        self.pieces.stop();
        #[cfg(feature = "deflate")]
        {
            self.decompressor = None;
        }
        #[cfg(feature = "alloc")]
        if !matches!(self.ready, Ready::Message) {
            self.message = Message::EMPTY;
        }
    }
}
