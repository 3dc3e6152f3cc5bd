//! What a header may say, behind those before it.

use crate::config::Config;
use crate::error::Error;
use crate::frame::{Kind, OpCode, Start};

/// What a frame and a message may have.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) frame: usize,
    pub(super) message: usize,
    fragments: u32,
    /// Whether compressed messages may come.
    pub(super) compression: bool,
    /// Whether the limit of a frame is that of its message: a compressed one then has that of the compressed form.
    frame_follows: bool,
}

/// A message that is not finished: what is known of it from the headers of its frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) compressed: bool,
    pub(super) fragments: u32,
    pub(super) size: u64,
}

impl Limits {
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            frame: config.frame_limit(),
            message: config.max_message,
            fragments: config.max_fragments,
            compression: false,
            frame_follows: config.frame_follows(),
        }
    }

    /// The longest message in compressed form: one of stored blocks is a little longer than what it inflates to.
    pub(super) const fn packed(&self) -> usize {
        self.message.saturating_add(self.message / 8).saturating_add(1 << 10)
    }

    pub(super) fn check_start(&self, start: Start, open: Option<Open>) -> Result<(), Error> {
        // RFC 7692, section 6.1: only on the first frame of a message.
        if start.rsv1 && (!self.compression || start.opcode == OpCode::Continuation) {
            return Err(Error::BadReservedBit);
        }
        // Section 5.4: a message is one start and any continuations, control frames between.
        match (start.opcode, open) {
            (OpCode::Continuation, Some(open)) if open.fragments >= self.fragments => Err(Error::TooManyFragments),
            (OpCode::Continuation, Some(_)) | (OpCode::Text | OpCode::Binary, None) => Ok(()),
            (opcode, _) if opcode.is_control() => Ok(()),
            _ => Err(Error::BadContinuation),
        }
    }

    /// The size of a compressed message is known when it is inflated; its compressed form has a limit all the same.
    pub(super) fn check_size(&self, start: Start, length: u64, open: Option<Open>) -> Result<(), Error> {
        let (compressed, before) = open.map_or((start.rsv1, 0), |open| (open.compressed, open.size));
        if length > self.frame as u64 && !(compressed && self.frame_follows) {
            return Err(Error::FrameTooBig);
        }
        let most = if compressed { self.packed() } else { self.message };
        match before.checked_add(length) {
            Some(size) if size <= most as u64 => Ok(()),
            _ => Err(Error::MessageTooBig),
        }
    }
}
