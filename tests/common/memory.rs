//! What a connection holds while it reads and writes, counted by the allocator, against what its limits allow.
//!
//! Only the thread that measures is counted, so that tests may run at the same time.

use allocation_counter::measure;
use ws_proto::{CloseCode, Config, Connection, Error, Role, SendError};

use crate::common::{Api, fill_room};

/// The limits that memory is held against, beside the configuration that says the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_message: usize,
    pub(crate) max_pending: usize,
    pub(crate) fragment_size: usize,
    pub(crate) keep_buffer: usize,
    /// With compression, the windows in bits: of what comes, and how many bytes are kept of what goes.
    pub(crate) windows: Option<(u8, usize)>,
}

impl Limits {
    pub(crate) fn config(self) -> Config {
        let config = Config::new()
            .max_message(self.max_message)
            .max_pending(self.max_pending)
            .fragment_size(self.fragment_size)
            .keep_buffer(self.keep_buffer);
        #[cfg(feature = "deflate")]
        if let Some((_, history)) = self.windows {
            use ws_proto::deflate::{Compression, Pool};
            // A pool of its own, which is empty: the codecs count too.
            let compression = Compression::new().history(history).min_size(1, 1).pool(Pool::new(1));
            return config.compression(compression);
        }
        config
    }

    /// What may be held for `received` bytes of the wire: a buffer of twice what arrived at most, and not beyond the
    /// limit (`DESIGN.md`, "A length on the wire reserves nothing"). Compressed, what came of it may be of any size up to
    /// the limit, and there are a window and a decompressor.
    fn reader(self, api: Api, received: usize) -> usize {
        match self.windows {
            // Chunks lie where they came.
            None if api == Api::Chunk => 0,
            None => self.max_message.min(2 * received),
            Some((inbound, _)) if api == Api::Chunk => (1 << inbound) + DECOMPRESSOR,
            Some((inbound, _)) => self.max_message + (1 << inbound) + DECOMPRESSOR,
        }
    }
}

/// A connection, and what is counted of it.
pub(crate) struct Held {
    pub(crate) connection: Connection,
    limits: Limits,
    api: Api,
    received: usize,
    reader: i64,
    writer: i64,
    /// The longest that was said, with its headers.
    longest: usize,
}

impl Held {
    /// `connection` was just made with these limits.
    pub(crate) fn new(connection: Connection, limits: Limits, api: Api) -> Self {
        Self { connection, limits, api, received: 0, reader: 0, writer: 0, longest: 0 }
    }

    /// Reads all of `bytes`. What was taken to do so, and what is held then, is within bounds.
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.received += bytes.len();
        let mut result = Ok(());
        let (connection, api) = (&mut self.connection, self.api);
        let info = measure(|| result = read(connection, api, bytes));
        let most = self.limits.reader(api, self.received);
        // A buffer that grows is there twice while it moves, as this allocator has it: the old one is the smaller.
        let peak = self.reader + i64::try_from(info.bytes_max).expect("no such size");
        assert!(peak <= bound(2 * most), "{peak} at once, more than twice {most}: {self:?}");
        self.reader += info.bytes_current;
        assert!(self.reader <= bound(most), "{} held, more than {most}: {self:?}", self.reader);
        result
    }

    /// Says something of `len` bytes. Below the high-water mark it is taken, and so no more than the mark and one
    /// message is ever pending (and a pong and a close frame).
    pub(crate) fn say(
        &mut self,
        len: usize,
        say: impl FnOnce(&mut Connection) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let room = self.connection.outgoing().len() < self.limits.max_pending;
        let mut result = Ok(());
        let connection = &mut self.connection;
        let info = measure(|| result = say(connection));
        assert_ne!(result == Err(SendError::Full), room, "{self:?}");
        let frames = len.div_ceil(self.limits.fragment_size.max(1)).max(1);
        self.longest = self.longest.max(len + frames * HEADER);
        self.wrote(info.bytes_current, info.bytes_max);
        result
    }

    /// Says a close frame, which always fits.
    pub(crate) fn say_close(&mut self) {
        let connection = &mut self.connection;
        let info = measure(|| connection.split().1.close(CloseCode::NORMAL, "bye").expect("valid"));
        self.wrote(info.bytes_current, info.bytes_max);
    }

    /// Consumes up to `n` bytes of what is outgoing, owed replies included.
    pub(crate) fn write(&mut self, n: usize) {
        let connection = &mut self.connection;
        let info = measure(|| {
            let n = connection.outgoing().len().min(n);
            connection.consume(n);
        });
        self.wrote(info.bytes_current, info.bytes_max);
    }

    fn wrote(&mut self, change: i64, peak: u64) {
        let pending = self.limits.max_pending + self.longest + 2 * CONTROL;
        let waits = self.connection.split().1.pending().len();
        assert!(waits < pending, "{waits} wait: {self:?}");
        let codec = match self.limits.windows {
            None => 0,
            Some((_, history)) => 2 * history + COMPRESSOR + self.longest,
        };
        // What is written makes way once it is the larger part, and the buffer doubles.
        let most = 4 * pending + codec;
        let peak = self.writer + i64::try_from(peak).expect("no such size");
        assert!(peak <= bound(most + 4 * pending), "{peak} at once: {self:?}");
        self.writer += change;
        assert!(self.writer <= bound(most), "{} held, more than {most}: {self:?}", self.writer);
        if waits == 0 && self.limits.windows.is_none() {
            let keys = if self.connection.role() == Role::Client { KEYS } else { 0 };
            assert!(self.writer <= bound(self.limits.keep_buffer + keys), "{} kept: {self:?}", self.writer);
        }
    }
}

impl core::fmt::Debug for Held {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}, {:?}, {:?}, {} received", self.connection.role(), self.api, self.limits, self.received)
    }
}

fn bound(bytes: usize) -> i64 {
    i64::try_from(bytes).expect("no such size")
}

/// Reads, and keeps nothing of it.
fn read(connection: &mut Connection, api: Api, mut input: &mut [u8]) -> Result<(), Error> {
    let (reader, _) = connection.split();
    loop {
        let more = match api {
            Api::Receive => reader.receive(&mut input)?.is_some(),
            Api::Advance => reader.advance(&mut input)?,
            Api::Chunk => reader.receive_chunk(&mut input)?.is_some(),
            Api::Room => fill_room(reader, &mut input) || reader.advance(&mut input)?,
        };
        if !more {
            return Ok(());
        }
    }
}

/// With compression, a decompressor, from a pool: some 60 KiB, as `Pool::new` says.
const DECOMPRESSOR: usize = 64 << 10;
/// And a compressor: some 380 KiB, as `Pool::new` says.
const COMPRESSOR: usize = 400 << 10;
/// The longest header, and the longest control frame.
const HEADER: usize = 14;
const CONTROL: usize = 131;
/// The masking keys that a client holds until it is released.
const KEYS: usize = 56 * 4;
