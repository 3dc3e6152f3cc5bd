//! How far a message has come.

/// A message that has begun to arrive and is not whole: what [`Timers::message`](crate::timers::Timers::message) measures.
/// See [`Reader::unfinished`](crate::Reader::unfinished).
///
/// ```
/// use ws_proto::{Config, Connection, Role};
///
/// let (mut reader, _) = Connection::server(&Config::new()).into_split();
/// assert_eq!(reader.unfinished(), None);
/// let mut half = *b"\x82\x84\0\0\0\0ab";
/// assert_eq!(reader.receive(&mut &mut half[..]), Ok(None));
/// assert_eq!(reader.unfinished().unwrap().received, 2);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Tells it from the messages before: the number of its first frame, as [`Reader::frames`](crate::Reader::frames)
    /// counts.
    pub number: u64,
    /// How many bytes of its payload have arrived, as they are on the wire.
    pub received: u64,
}
