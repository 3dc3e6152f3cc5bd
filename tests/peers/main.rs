//! The drivers for tasks under hostile and slow peers: floods, silence, panics of the program, writes that fail, queues
//! that are full, and time.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

#[path = "../driver/mod.rs"]
mod driver;

mod line;
mod lost;
mod panics;
mod real;
mod socket;
mod times;
mod turns;
mod waiting;
