//! What a reader owes the peer.

use crate::body::Body;
use crate::frame::OpCode;

/// A pong or a close frame that is owed: made by a [`Reader`](crate::Reader), sent by a [`Writer`](crate::Writer).
/// The only thing that the two share, and a plain value.
///
/// [`Connection::outgoing`](crate::Connection::outgoing) moves it over by itself. With the halves apart, hand it from
/// [`Reader::take_reply`](crate::Reader::take_reply) to [`Writer::reply`](crate::Writer::reply):
///
/// ```
/// use ws_proto::{Config, Connection, Event};
///
/// let (mut reader, mut writer) = Connection::server(&Config::new()).into_split();
/// let mut ping = *b"\x89\x82\x00\x00\x00\x00hi";
/// assert_eq!(reader.receive(&mut &mut ping[..]), Ok(Some(Event::Ping(b"hi"))));
/// if let Some(reply) = reader.take_reply() {
///     writer.reply(reply); // from another task, perhaps
/// }
/// assert_eq!(writer.pending(), b"\x8a\x02hi");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reply {
    pub(crate) close: bool,
    pub(crate) body: Body,
}

impl Reply {
    /// Whether this is the close frame that ends this direction; else it is a pong.
    #[must_use]
    pub const fn is_close(&self) -> bool {
        self.close
    }

    /// The payload: a pong's is that of its ping, a close frame's the code and perhaps a reason.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.body
    }

    pub(crate) const fn opcode(&self) -> OpCode {
        if self.close { OpCode::Close } else { OpCode::Pong }
    }
}
