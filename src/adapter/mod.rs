//! The drivers: thin, and using nothing of the core that a user could not.

mod error;
mod input;
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
