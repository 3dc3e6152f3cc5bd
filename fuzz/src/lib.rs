//! What the fuzz targets check, each a function of bytes: no input may make one panic. A test replays the seeds by
//! them, so they depend on no fuzzer.

mod differential;
mod ends;
#[cfg(feature = "deflate")]
mod extensions;
mod frames;
mod handshake;
#[cfg(feature = "deflate")]
mod inflate;
mod pair;
mod pieces;
#[cfg(feature = "deflate")]
mod pool;
mod read;
#[cfg(feature = "futures-io")]
mod tasks;
#[cfg(feature = "futures-io")]
mod turns;
mod utf8;

pub use self::differential::differential;
#[cfg(feature = "deflate")]
pub use self::extensions::extensions;
pub use self::handshake::{request, response};
#[cfg(feature = "deflate")]
pub use self::inflate::inflate;
pub use self::pair::pair;
#[cfg(feature = "deflate")]
pub use self::pool::pool;
pub use self::read::{client, server};
#[cfg(feature = "futures-io")]
pub use self::turns::turns;
pub use self::utf8::utf8;
