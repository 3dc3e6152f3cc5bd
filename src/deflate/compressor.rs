//! What a connection sends, compressed.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::deflater::{Deflater, Owner};
use super::history::History;
use super::settings::Compression;

/// The sending direction of a connection.
#[derive(Debug)]
pub(crate) struct Compressor {
    settings: Arc<Compression>,
    window: u8,
    takeover: bool,
    /// How many messages in a row did not shrink, and how many to send without trying.
    misses: u8,
    pause: u8,
    /// With takeover, made with the first message that is compressed.
    sent: Option<Box<Sent>>,
}

#[derive(Debug)]
struct Sent {
    owner: Owner,
    history: History,
}

/// A compressed message, in the deflater that made it. To be given to [`Compressor::sent`].
pub(crate) struct Packed(Box<Deflater>);

impl Packed {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.output()
    }
}

impl Compressor {
    /// For a window of 8 to 15 bits.
    pub(crate) fn new(settings: &Arc<Compression>, window: u8, takeover: bool) -> Self {
        Self { settings: Arc::clone(settings), window, takeover, misses: 0, pause: 0, sent: None }
    }

    /// Whether a message of so many bytes is worth a try.
    pub(crate) fn wants(&self, len: usize) -> bool {
        len >= if self.takeover { self.settings.min_size } else { self.settings.min_size_alone }
    }

    /// Compresses a message, or says that it is better sent as it is: then nothing has happened, as the peer will
    /// not see it either (section 7.2.2, and no stream can go back behind a message).
    pub(crate) fn compress(&mut self, message: &[u8]) -> Option<Packed> {
        if let Some(pause) = self.pause.checked_sub(1) {
            self.pause = pause;
            return None;
        }
        let Self { settings, window, takeover, sent, .. } = self;
        if *takeover && sent.is_none() {
            let owner = Owner { connection: settings.pool.number(), messages: 0 };
            let history = History::new(settings.history.min(1 << *window));
            *sent = Some(Box::new(Sent { owner, history }));
        }
        let (owner, history) =
            sent.as_ref().map_or((None, [&[][..]; 2]), |sent| (Some(sent.owner), sent.history.parts()));
        // A codec of 9 bits keeps its distances below 256: it serves a window of 8, which there is no codec for.
        let mut deflater = settings.pool.deflater((*window).max(9), settings.level, owner);
        let goes_on = deflater.goes_on_for(owner);
        deflater.owner = None;
        if (goes_on || deflater.restart(history)) && deflater.compress(message) {
            self.misses = 0;
            return Some(Packed(deflater));
        }
        settings.pool.give_deflater(deflater);
        // Small ones rarely shrink, and cost little to try.
        if message.len() >= settings.min_size_alone {
            self.miss();
        }
        None
    }

    /// Takes note that a message went out, compressed. The deflater is as far as the peer now.
    pub(crate) fn sent(&mut self, message: &[u8], Packed(mut deflater): Packed) {
        if let Some(sent) = &mut self.sent {
            sent.remember(message);
            deflater.owner = Some(sent.owner);
        }
        self.settings.pool.give_deflater(deflater);
    }

    /// Whether a message may go out that was compressed by another deflater, without a history, and refers back by
    /// `reach` bytes at most.
    pub(crate) const fn allows(&self, reach: usize) -> bool {
        reach <= 1 << self.window
    }

    /// Takes note that such a message went out: the peer's window has it, and no deflater does.
    pub(crate) fn sent_prepared(&mut self, message: &[u8]) {
        // Before the first message of its own there is nobody who could miss it.
        if let Some(sent) = &mut self.sent {
            sent.remember(message);
        }
    }

    /// After the fourth message in a row that does not shrink, tries one in 2, then in 4, and so on to 256.
    fn miss(&mut self) {
        self.misses = self.misses.saturating_add(1);
        if let Some(more) = self.misses.checked_sub(PATIENCE) {
            self.pause = u8::MAX >> 7_u8.saturating_sub(more);
        }
    }
}

impl Sent {
    fn remember(&mut self, message: &[u8]) {
        self.owner.messages = self.owner.messages.wrapping_add(1);
        self.history.push(message);
    }
}

const PATIENCE: u8 = 4;
