//! An event loop on one thread. In each round every client that has something to do has one turn, and a turn is short.

mod client;
mod clients;
mod deadlines;
mod state;
mod turn;

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, net::TcpListener};
use ws_proto::Config;

use self::client::Client;
use self::clients::Clients;
use self::turn::Answer;

/// Serves until the poll fails. `answer` gets each event and a writer for the answer.
pub(crate) fn run(mut listener: TcpListener, config: Config, answer: &mut Answer<'_>) -> io::Result<()> {
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    // Nothing is read before all answers are written, so what one turn may read bounds them.
    let config = config.max_pending(Config::UNLIMITED);
    let clients = Clients::default();
    let mut server = Server { poll, listener, accept_at: None, look_at: Duration::ZERO, clients, config };
    let (start, mut events, mut buffer) = (Instant::now(), Events::with_capacity(1024), vec![0; 64 << 10]);
    loop {
        server.wait(&mut events, start.elapsed())?;
        let now = start.elapsed();
        if now >= server.look_at {
            let next = server.clients.wake_due(now).unwrap_or(Duration::MAX);
            server.look_at = next.clamp(now + SHORTEST, now + LONGEST);
        }
        server.accept(now);
        server.clients.round(&mut buffer, &server.config, now, answer);
    }
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    /// When to accept: at once if the listener said so, later if that failed. `None` until it says so.
    accept_at: Option<Duration>,
    /// When to look at the deadlines of all clients.
    look_at: Duration,
    clients: Clients,
    config: Config,
}

impl Server {
    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events, now: Duration) -> io::Result<()> {
        let until =
            if self.clients.are_ready() { now } else { self.accept_at.unwrap_or(self.look_at).min(self.look_at) };
        let most = until.saturating_sub(now);
        match self.poll.poll(events, Some(most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()), // by a signal
            polled => polled?,
        }
        for event in &*events {
            match event.token() {
                LISTENER => self.accept_at = self.accept_at.or(Some(now)),
                Token(key) => self.clients.wake(key),
            }
        }
        Ok(())
    }

    /// Accepts a few clients; the next ones are accepted in the next round.
    fn accept(&mut self, now: Duration) {
        for _ in 0..64 {
            if self.accept_at.is_none_or(|at| at > now) {
                return;
            }
            match self.listener.accept() {
                Ok((mut stream, _)) => self.clients.add(|key| {
                    let both = Interest::READABLE | Interest::WRITABLE;
                    // Who cannot be registered is dropped.
                    self.poll.registry().register(&mut stream, Token(key), both).ok()?;
                    Some(Client::new(stream, &self.config, now))
                }),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.accept_at = None,
                // Out of files, most likely: wait until some connection ends.
                Err(_) => self.accept_at = Some(now + PAUSE),
            }
        }
    }
}

const LISTENER: Token = Token(usize::MAX);
/// How long deadlines are not looked at, at least and at most.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);
/// How long nothing is accepted after an error.
const PAUSE: Duration = Duration::from_millis(100);
