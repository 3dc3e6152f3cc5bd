//! permessage-deflate (RFC 7692): one message in or out at a time.
//!
//! Between two messages a DEFLATE stream is nothing but its window: the last bytes that went through. So a connection
//! keeps those, and borrows a codec from a [`Pool`] to compress a message, or to inflate one that has arrived. Until it has,
//! its bytes wait as they came.

mod compressor;
mod decompressor;
mod deflater;
mod history;
mod inflater;
mod pool;
mod prepared;
mod settings;
mod waiting;

pub(crate) use self::compressor::Compressor;
pub(crate) use self::decompressor::{Decompressor, Expansion, Inflated};
pub use self::pool::Pool;
pub use self::prepared::Prepared;
pub use self::settings::{Agreement, Compression};

/// What ends a message at a border of bytes, and is not sent (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// After so many bytes a codec begins its stream anew, with the next message: zlib-rs counts them in a C `unsigned long`,
/// which may have 32 bits.
const LONG_STREAM: u64 = 16 << 20;
