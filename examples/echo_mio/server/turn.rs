//! What one client may do before the others have their turns, and what it does with what it has read.

use std::time::Duration;

use ws_proto::timers::Timers;
use ws_proto::{Budget, Connection, Event, SendError, Writer};

/// Gets each event and a writer for the answer.
pub(crate) type Answer<'a> = dyn FnMut(Event<'_>, &mut Writer) -> Result<(), SendError> + 'a;

pub(super) struct Turn<'a, 'b> {
    pub(super) budget: Budget,
    pub(super) now: Duration,
    pub(super) answer: &'a mut Answer<'b>,
}

/// Hands each event to the program, and queues its answers and what is owed.
pub(super) fn handle(connection: &mut Connection, input: &mut &mut [u8], timers: &mut Timers, turn: &mut Turn<'_, '_>) {
    let budget = &mut turn.budget;
    let (reader, writer) = connection.split();
    while !budget.is_spent() {
        reader.inflate_at_most(budget.left());
        // An error is told to the client by what is owed.
        let Ok(Some(event)) = reader.receive(input) else { break };
        budget.spend_event();
        match event {
            Event::Text(text) => budget.spend(text.len()), // it may have inflated
            Event::Binary(bytes) => budget.spend(bytes.len()),
            Event::Pong(payload) => _ = timers.pong(payload, turn.now),
            _ => {}
        }
        let _ = (turn.answer)(event, writer); // refused behind a close frame
        if let Some(reply) = reader.take_reply() {
            budget.spend_reply();
            writer.reply(reply); // to each ping, not the newest alone
        }
    }
    if reader.is_inflating() {
        budget.spend(usize::MAX);
    }
    timers.message(reader.unfinished(), turn.now);
}
