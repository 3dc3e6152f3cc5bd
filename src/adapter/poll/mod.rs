//! The driver for tasks, over any stream and clock that are [`Io`]. [`tokio`](crate::tokio) and
//! [`futures`](crate::futures) make it fit their runtimes.
//!
//! While it waits, a connection holds no buffers: its thread has one to read into and one to queue in, for all of them.
//! A message that is sent is written as far as the stream takes it, and the rest stays queued in order. When that is
//! [`Config::max_pending`](crate::Config::max_pending), sending waits. Reading goes on meanwhile, since two peers that
//! both waited for the other to read would wait for ever; only behind [`Sender::queue`], which does not wait, it does.
//! Every ping is answered, but while an answer waits to be written, only the newest of those behind it.
//!
//! No method loses anything when its future is dropped, and each says so.

#[macro_use]
mod sending;

mod bytes;
mod client;
mod ending;
mod handshake;
mod inbound;
mod io;
mod kept;
mod lock;
mod maybe_tls;
mod reading;
mod receiver;
mod sender;
mod shared;
mod socket;
mod tasks;
#[cfg(feature = "rustls")]
mod tls;
mod wire;

pub use self::bytes::Bytes;
#[cfg(feature = "tokio")]
pub(super) use self::client::client_over;
pub use self::client::{client, connect, try_client};
#[cfg(feature = "rustls")]
pub use self::client::{client_tls, connect_with};
pub use self::handshake::{Incoming, Plain, Upgrade, accept, receive_request};
pub use self::io::Io;
pub use self::maybe_tls::MaybeTls;
pub use self::receiver::Receiver;
pub use self::sender::Sender;
pub use self::socket::Socket;
pub use super::error::Error;
pub use super::refused::Refused;
