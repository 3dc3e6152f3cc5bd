//! The driver for threads.
#![cfg(feature = "std")]

mod driver;
