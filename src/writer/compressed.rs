//! Messages that are compressed on their way out (RFC 7692, section 6.1).

use super::Writer;
use crate::deflate::{Compressor, Prepared};
use crate::error::SendError;
use crate::frame::OpCode;

impl Writer {
    /// Queues a text message as it is, even where compression was agreed: for secrets, whose length in compressed form
    /// would tell of them (RFC 7692, section 8), and for what would not shrink.
    ///
    /// # Errors
    ///
    /// As [`Writer::text`].
    pub fn text_uncompressed(&mut self, text: &str) -> Result<(), SendError> {
        self.uncompressed(OpCode::Text, text.as_bytes())
    }

    /// Queues a binary message as it is, as [`Writer::text_uncompressed`].
    ///
    /// # Errors
    ///
    /// As [`Writer::binary`].
    pub fn binary_uncompressed(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.uncompressed(OpCode::Binary, bytes)
    }

    /// Queues a message that was made for many connections, in the form that fits this one.
    ///
    /// # Errors
    ///
    /// As [`Writer::binary`].
    pub fn prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.check_message()?;
        let opcode = message.kind().into();
        match (&mut self.compressor, message.packed()) {
            (Some(compressor), Some(packed)) if compressor.allows(message.reach()) => {
                compressor.sent_prepared(message.plain());
                self.queue_message(opcode, true, packed);
            }
            _ => self.queue_message(opcode, false, message.plain()),
        }
        Ok(())
    }

    /// Compresses what is sent, as was agreed.
    pub(crate) fn set_compressor(&mut self, compressor: Compressor) {
        self.compressor = Some(compressor);
    }

    /// Queues a message in compressed form; false, and nothing happened, if that is not worth it.
    pub(super) fn queue_compressed(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        let Some(compressor) = &mut self.compressor else {
            return false;
        };
        if !compressor.wants(payload.len()) {
            return false;
        }
        let Some(packed) = compressor.compress(payload) else {
            return false;
        };
        self.queue_message(opcode, true, packed.bytes());
        if let Some(compressor) = &mut self.compressor {
            compressor.sent(payload, packed);
        }
        true
    }

    fn uncompressed(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), SendError> {
        self.check_message()?;
        self.queue_message(opcode, false, payload);
        Ok(())
    }
}
