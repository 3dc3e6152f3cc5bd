//! What is done when a client's time is over.

use std::io::{self, ErrorKind};
use std::time::Duration;

use ws_proto::CloseCode;
use ws_proto::timers::{Due, Timers};

use super::state::State;

/// Does what is due. Whether something was queued: a ping, or a close frame, which the client has the closing time to
/// answer. An error ends the connection now.
pub(super) fn keep(timers: &mut Timers, now: Duration, state: &mut State) -> io::Result<bool> {
    let mut has_queued = false;
    while let Some(due) = timers.due(now) {
        let State::Open(connection) = state else { return Err(ErrorKind::TimedOut.into()) };
        let (_, writer) = connection.split();
        let queued = match due {
            Due::Ping(payload) => writer.ping(&payload),
            Due::Pong => writer.close(CloseCode::INTERNAL, "no pong"),
            Due::Idle => writer.close(CloseCode::GOING_AWAY, "idle"),
            Due::Message => writer.close(CloseCode::POLICY, "the message is too slow"),
            _ => return Err(ErrorKind::TimedOut.into()),
        };
        has_queued |= queued.is_ok();
    }
    Ok(has_queued)
}
