//! The driver for threads.
#![cfg(feature = "std")]

mod common;
mod deadlines;
mod driver;
mod ends;
mod failures;
mod opening;
#[cfg(feature = "rustls")]
mod tls;
