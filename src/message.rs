//! Messages that own what they carry.

use alloc::string::String;
use alloc::vec::Vec;

use crate::close::{Close, CloseCode};
use crate::reader::Event;

/// What was received or is to be sent, for whoever has to keep it. Costs an allocation; an [`Event`] does not.
///
/// ```
/// use ws_proto::{Event, Message};
///
/// let message = Message::from(Event::Text("Hello"));
/// assert_eq!(message, Message::Text("Hello".into()));
/// assert_eq!(message.as_event(), Event::Text("Hello"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping. Received, it is answered already.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame, with or without a code and a reason. Received, it is answered already.
    Close(Option<(CloseCode, String)>),
}

impl Message {
    /// The same, lent.
    #[must_use]
    pub fn as_event(&self) -> Event<'_> {
        match self {
            Self::Text(text) => Event::Text(text),
            Self::Binary(bytes) => Event::Binary(bytes),
            Self::Ping(payload) => Event::Ping(payload),
            Self::Pong(payload) => Event::Pong(payload),
            Self::Close(close) => Event::Close(close.as_ref().map(|(code, reason)| Close { code: *code, reason })),
        }
    }
}

impl From<Event<'_>> for Message {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(bytes) => Self::Binary(bytes.into()),
            Event::Ping(payload) => Self::Ping(payload.into()),
            Event::Pong(payload) => Self::Pong(payload.into()),
            Event::Close(close) => Self::Close(close.map(|Close { code, reason }| (code, reason.into()))),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}
