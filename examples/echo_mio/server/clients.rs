//! All clients, and whose turn it is.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use slab::Slab;
use ws_proto::{Budget, Config};

use super::client::Client;
use super::turn::{Answer, Turn};

#[derive(Default)]
pub(super) struct Clients {
    all: Slab<Client>,
    /// Who has a turn in the next round: each client at most once, however much it sends.
    ready: Vec<usize>,
}

impl Clients {
    /// Adds the client that `make` makes for a key, if it does.
    pub(super) fn add(&mut self, make: impl FnOnce(usize) -> Option<Client>) {
        let place = self.all.vacant_entry();
        if let Some(client) = make(place.key()) {
            place.insert(client);
        }
    }

    /// Gives a client a turn in the next round.
    pub(super) fn wake(&mut self, key: usize) {
        if let Some(client) = self.all.get_mut(key) {
            wake(key, client, &mut self.ready);
        }
    }

    /// Gives each client a turn whose deadline is over. When the next one is.
    pub(super) fn wake_due(&mut self, now: Duration) -> Option<Duration> {
        let mut next: Option<Duration> = None;
        for (key, client) in &mut self.all {
            match client.deadline() {
                Some(deadline) if deadline <= now => wake(key, client, &mut self.ready),
                Some(deadline) => next = Some(next.map_or(deadline, |next| next.min(deadline))),
                None => {}
            }
        }
        next
    }

    pub(super) fn are_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Gives each ready client one turn.
    pub(super) fn round(&mut self, buffer: &mut [u8], config: &Config, now: Duration, answer: &mut Answer<'_>) {
        for key in mem::take(&mut self.ready) {
            let client = &mut self.all[key];
            client.is_ready = false;
            let mut turn = Turn { budget: Budget::new(config), now, answer };
            // A panic ends this connection alone.
            match panic::catch_unwind(AssertUnwindSafe(|| client.turn(buffer, &mut turn))) {
                Ok(Ok(true)) => self.wake(key),
                Ok(Ok(false)) => {}
                Ok(Err(_)) | Err(_) => drop(self.all.remove(key)), // which closes the stream
            }
        }
    }
}

fn wake(key: usize, client: &mut Client, ready: &mut Vec<usize>) {
    if !mem::replace(&mut client.is_ready, true) {
        ready.push(key);
    }
}
