//! Events that arrived while something was sent.

use alloc::collections::VecDeque;

use crate::adapter::error::Error;
use crate::message::Message;
use crate::reader::Event;

/// What was received before somebody asked for it, in order: events, then perhaps the end.
#[derive(Debug, Default)]
pub(super) struct Kept {
    events: VecDeque<Message>,
    /// What the events take, about.
    bytes: usize,
    /// The one that was handed out last, as long as it is lent.
    current: Option<Message>,
    end: Option<Result<(), Error>>,
}

impl Kept {
    pub(super) fn push(&mut self, event: Event<'_>) {
        self.bytes = self.bytes.saturating_add(size(event));
        self.events.push_back(event.into());
    }

    pub(super) fn push_end(&mut self, end: Result<(), Error>) {
        self.end = Some(end);
    }

    /// Whether `most` bytes are here, or nothing can follow.
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.bytes >= most || self.end.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.end.is_none()
    }

    /// Goes on to the next; false at the end, `None` if there is none.
    pub(super) fn next(&mut self) -> Option<Result<bool, Error>> {
        self.current = self.events.pop_front();
        if let Some(message) = &self.current {
            self.bytes = self.bytes.saturating_sub(size(message.as_event()));
            return Some(Ok(true));
        }
        self.events = VecDeque::new();
        self.end.take().map(|end| end.map(|()| false))
    }

    /// The event that [`Kept::next`] went on to.
    pub(super) fn event(&self) -> Option<Event<'_>> {
        self.current.as_ref().map(Message::as_event)
    }

    /// Lends an event from here, which was lent from elsewhere.
    pub(super) fn hold(&mut self, event: Event<'_>) {
        self.current = Some(event.into());
    }

    /// Lets go of the event that was handed out.
    pub(super) fn let_go(&mut self) {
        self.current = None;
    }
}

/// With what it takes to keep it.
fn size(event: Event<'_>) -> usize {
    let payload = match event {
        Event::Text(text) => text.len(),
        Event::Binary(bytes) | Event::Ping(bytes) | Event::Pong(bytes) => bytes.len(),
        Event::Close(close) => close.map_or(0, |close| close.reason.len()),
    };
    payload.saturating_add(size_of::<Message>())
}
