//! The drivers: thin, and using nothing of the core that a user could not.

mod cause;
mod error;
mod input;
mod refused;
mod session;

pub mod blocking;
#[cfg(feature = "futures-io")]
pub mod futures;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
pub mod poll;
#[cfg(feature = "rustls")]
pub mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;

/// Writes what is pending and then what of a message may follow it; says how many bytes of both it wrote.
type Write<'a> = dyn FnMut(&[u8], &[u8]) -> usize + 'a;
