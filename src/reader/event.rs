//! What comes out of a reader.

use crate::close::Close;
use crate::frame::Kind;

/// What a peer sent, whole.
///
/// ```
/// use ws_proto::Event;
///
/// fn show(event: Event<'_>) -> String {
///     match event {
///         Event::Text(text) => text.to_owned(),
///         Event::Binary(bytes) => format!("{} bytes", bytes.len()),
///         other => format!("{other:?}"),
///     }
/// }
/// assert_eq!(show(Event::Binary(&[1, 2, 3])), "3 bytes");
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping; its pong is owed already.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The last event: the peer's close frame, with or without a code. Its answer is owed already.
    Close(Option<Close<'a>>),
}

/// What a peer sent, as it arrives.
///
/// ```
/// use ws_proto::{Chunk, Config, Connection, Kind};
///
/// let (mut reader, _) = Connection::client(&Config::new(), ws_proto::Seed::predictable_for_tests(0)).into_split();
/// let mut buffer = *b"\x01\x03Hel\x80\x02lo";
/// let mut input = &mut buffer[..];
/// assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Chunk::Data { kind: Kind::Text, bytes: b"Hel", last: false })));
/// assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Chunk::Data { kind: Kind::Text, bytes: b"lo", last: true })));
/// assert_eq!(reader.receive_chunk(&mut input), Ok(None));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Chunk<'a> {
    /// The next bytes of a message, unmasked. In text they may end inside a character.
    Data {
        /// What the message is.
        kind: Kind,
        /// Its next bytes; empty only if `last`.
        bytes: &'a [u8],
        /// Whether the message ends with them.
        last: bool,
    },
    /// A ping; its pong is owed already.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The last chunk: the peer's close frame, with or without a code. Its answer is owed already.
    Close(Option<Close<'a>>),
}
