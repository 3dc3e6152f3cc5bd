//! The WebSocket protocol as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "deflate")]
pub mod deflate;
pub mod frame;
#[cfg(feature = "alloc")]
pub mod handshake;
pub mod mask;
pub mod utf8;

#[cfg(feature = "std")]
mod adapter;
mod body;
mod close;
mod config;
mod connection;
mod error;
mod reader;
mod reply;
mod seed;
mod writer;

#[cfg(feature = "std")]
pub use self::adapter::blocking;
pub use self::body::Body;
pub use self::close::{BadClose, Close, CloseCode};
pub use self::config::{Config, Role};
pub use self::connection::{Closed, Connection, Side, Transport};
pub use self::error::{Error, SendError};
pub use self::frame::Kind;
#[cfg(feature = "alloc")]
pub use self::reader::Event;
pub use self::reader::{Chunk, Reader};
pub use self::reply::Reply;
pub use self::seed::Seed;
pub use self::writer::{ControlBytes, Writer};
