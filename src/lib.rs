//! The WebSocket protocol (RFC 6455, RFC 7692) as a pure state machine, for both roles: bytes in, events and bytes out.
//!
//! Two ends in memory, from the first byte to the last:
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use ws_proto::{CloseCode, Config, Connection, Event, Seed, Transport};
//!
//! // Where the handshake is done; see `handshake` for that.
//! let config = Config::new();
//! let mut client = Connection::client(&config, Seed::predictable_for_tests(1));
//! let mut server = Connection::server(&config);
//!
//! client.split().1.text("Hello").unwrap();
//! client.split().1.close(CloseCode::NORMAL, "done").unwrap();
//!
//! // What a socket would carry.
//! let mut wire = client.outgoing().to_vec();
//! client.consume(wire.len());
//!
//! let (reader, writer) = server.split();
//! let mut input = &mut wire[..];
//! while let Some(event) = reader.receive(&mut input).unwrap() {
//!     match event {
//!         Event::Text(text) => writer.text(text).unwrap(),
//!         Event::Binary(bytes) => writer.binary(bytes).unwrap(),
//!         _ => {} // pong and close answer themselves
//!     }
//! }
//! assert_eq!(server.outgoing(), b"\x81\x05Hello\x88\x02\x03\xe8");
//! server.consume(11);
//! assert!(server.closed().unwrap().clean);
//! assert_eq!(server.transport(), Transport::Close);
//! # }
//! ```
//!
//! # Driving a connection
//!
//! 1. Read from the transport into a buffer, and hand what came to [`Reader::receive`] as a cursor until it returns
//!    `None`. By then every byte is consumed. At the end of the stream, call [`Reader::receive_eof`].
//! 2. Write [`Connection::outgoing`], and [`consume`](Connection::consume) what was written. Do so after an error too,
//!    *before* it is returned: the close frame that tells the peer is in there.
//! 3. Ask [`Connection::transport`] whether to go on, and [`Connection::closed`] how it ended.
//!
//! Nothing is sent that was not taken from `outgoing`, and nothing waits in there that need not. While the output does
//! not drain, stop reading: then the peer has to wait, and memory does not grow.
//!
//! # Halves
//!
//! [`Connection::split`] lends both halves to one task, [`Connection::into_split`] gives them to two. The only thing
//! that they have to exchange is a [`Reply`], a plain value.
//!
//! # Limits
//!
//! All of them are in [`Config`], and none is infinite unless [`Config::UNLIMITED`] says so. What arrives is counted,
//! what is announced is believed only to be refused.
//!
//! # Time
//!
//! Nothing here looks at a clock. [`timers`] says when to call next and what is due: the end of a handshake that takes
//! too long, a ping, a connection that died.
//!
//! # A fair share
//!
//! A peer that always has bytes ready must not keep a thread from the other connections. A loop of your own gives each
//! connection a [`Budget`] a turn; `examples/echo_mio` shows it. The drivers for tasks do so by themselves.
//!
//! # Features
//!
//! `std` (default) has the driver for threads, [`blocking`], and seeds from the operating system. `alloc` has whole
//! messages, the output queue and the [`handshake`]. Without it, [`Reader::receive_chunk`], [`Writer::binary_in_place`]
//! and the modules [`frame`], [`mask`], [`timers`] and [`utf8`] remain. `deflate` has permessage-deflate. `rustls` has
//! `wss://` for every driver that is there, `http` the handshake on the types of that crate.
//!
//! # Minimum supported Rust version
//!
//! 1.89. It is raised in minor releases only.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]
// No panic from bytes: each exception says why it cannot be one.
#![warn(clippy::arithmetic_side_effects)]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)]

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
pub mod timers;
pub mod utf8;

#[cfg(feature = "std")]
mod adapter;
mod block;
mod body;
mod budget;
mod close;
mod config;
mod connection;
mod error;
#[cfg(feature = "alloc")]
mod message;
mod reader;
mod reply;
mod seed;
mod unfinished;
mod writer;

#[cfg(feature = "std")]
pub use self::adapter::blocking;
#[cfg(feature = "futures-io")]
pub use self::adapter::futures;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
pub use self::adapter::poll;
#[cfg(feature = "rustls")]
pub use self::adapter::tls;
#[cfg(feature = "tokio")]
pub use self::adapter::tokio;
pub use self::body::Body;
pub use self::budget::Budget;
pub use self::close::{BadClose, Close, CloseCode};
pub use self::config::{Config, Role};
pub use self::connection::{Closed, Connection, Side, Transport};
pub use self::error::{Error, SendError};
pub use self::frame::Kind;
#[cfg(feature = "alloc")]
pub use self::message::Message;
#[cfg(feature = "alloc")]
pub use self::reader::Event;
pub use self::reader::{Chunk, Reader};
pub use self::reply::Reply;
pub use self::seed::Seed;
pub use self::unfinished::Unfinished;
pub use self::writer::{ControlBytes, Writer};

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
