//! Two ends in memory, and a script of what they say and what arrives.

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Unstructured};
use ws_proto::{Chunk, CloseCode, Config, Connection, Event, Kind, Role, Seed, SendError, Side, Transport};

use super::ends::{Step, two};

/// The first byte says what talks: two machines, or two sockets for tasks whose futures are dropped. The rest is a
/// script for them.
pub fn pair(data: &[u8]) {
    match data.split_first() {
        Some((first, script)) if first % 2 == 0 => machines(script),
        #[cfg(feature = "futures-io")]
        Some((_, script)) => super::tasks::tasks(script),
        _ => {}
    }
}

/// `data` is a script (see [`Arbitrary`]): what one end says and the other does not refuse must arrive, in order and
/// unchanged, whatever is cut and delayed, and in the end both must agree on how it ended.
fn machines(data: &[u8]) {
    let Ok(script) = Script::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut ends = [End::new(Role::Client, &script), End::new(Role::Server, &script)];
    for step in script.steps {
        let (speaker, listener) = two(&mut ends, step.end);
        match step.what {
            What::Say(say) => speaker.say(listener, say),
            What::Write(n) => speaker.write(usize::from(n)),
            What::Arrive { n, cut } => listener.arrive(speaker, usize::from(n), usize::from(cut) + 1),
            What::Release => speaker.connection.release(),
        }
    }
    finish(&mut ends);
}

#[derive(Arbitrary, Debug)]
struct Script {
    fragment_size: u8,
    max_pending: u16,
    keep_buffer: u8,
    calls: [Call; 2],
    steps: Vec<Step<What>>,
}

#[derive(Arbitrary, Debug)]
enum What {
    Say(Say),
    /// So many bytes of what is outgoing.
    Write(u8),
    /// So many bytes of what was written, in pieces.
    Arrive {
        n: u8,
        cut: u8,
    },
    Release,
}

#[derive(Arbitrary, Debug)]
enum Say {
    Text(String),
    Binary(Vec<u8>),
    InPlace { text: bool, payload: Vec<u8> },
    Fragment { text: bool, bytes: Vec<u8>, last: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close { code: u16, reason: String },
    CloseWithoutCode,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Receive,
    Advance,
    Chunk,
}

#[derive(Debug, Eq, PartialEq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

struct End {
    connection: Connection,
    call: Call,
    /// Written, not yet at the other end.
    wire: VecDeque<u8>,
    /// What the other end said, not yet here.
    expected: VecDeque<Said>,
    /// Pings whose pongs may come, in this order.
    pings: VecDeque<Vec<u8>>,
    /// A message that is said in fragments.
    open: Option<(bool, Vec<u8>)>,
    /// A message that arrives in chunks.
    partial: Vec<u8>,
    /// Its close frame as it was said, not one that is an answer.
    closed: Option<(CloseCode, String)>,
}

impl End {
    fn new(role: Role, script: &Script) -> Self {
        let mut config = Config::new()
            .max_pending(usize::from(script.max_pending).max(1))
            .keep_buffer(usize::from(script.keep_buffer))
            .unassigned_codes(true);
        if script.fragment_size > 0 {
            config = config.fragment_size(usize::from(script.fragment_size));
        }
        let (connection, call) = match role {
            Role::Client => (Connection::client(&config, Seed::predictable_for_tests(2)), script.calls[0]),
            Role::Server => (Connection::server(&config), script.calls[1]),
        };
        Self {
            connection,
            call,
            wire: VecDeque::new(),
            expected: VecDeque::new(),
            pings: VecDeque::new(),
            open: None,
            partial: Vec::new(),
            closed: None,
        }
    }

    /// Says it, and lets `listener` expect it if it was not refused.
    fn say(&mut self, listener: &mut Self, say: Say) {
        let was_closed = self.connection.split().1.is_closed();
        let before = self.connection.split().1.pending().len();
        let said = match say {
            Say::Text(text) => {
                self.connection.split().1.text(&text).map(|()| listener.expected.push_back(Said::Text(text)))
            }
            Say::Binary(bytes) => {
                self.connection.split().1.binary(&bytes).map(|()| listener.expected.push_back(Said::Binary(bytes)))
            }
            Say::InPlace { text, payload } => self.say_in_place(listener, text, &payload),
            Say::Fragment { text, bytes, last } => self.say_fragment(listener, text, &bytes, last),
            Say::Ping(mut payload) => {
                payload.insert(0, b'i');
                self.connection.split().1.ping(&payload).map(|()| {
                    self.pings.push_back(payload.clone());
                    listener.expected.push_back(Said::Ping(payload));
                })
            }
            Say::Pong(mut payload) => {
                payload.insert(0, b'o');
                self.connection.split().1.pong(&payload).map(|()| listener.expected.push_back(Said::Pong(payload)))
            }
            Say::Close { code, reason } => {
                let code = CloseCode(code);
                let said = self.connection.split().1.close(code, &reason);
                if said.is_ok() && !was_closed {
                    self.closed = Some((code, reason));
                }
                said
            }
            Say::CloseWithoutCode => {
                self.connection.split().1.close_without_code();
                if !was_closed {
                    self.closed = Some((CloseCode::NO_CODE, String::new()));
                }
                Ok(())
            }
        };
        if let Err(error) = said {
            assert_eq!(self.connection.split().1.pending().len(), before, "{error:?} queues nothing");
            assert_eq!(
                error == SendError::Closed,
                was_closed && !matches!(error, SendError::BadCloseCode(_) | SendError::ReasonTooLong)
            );
        }
    }

    fn say_in_place(&mut self, listener: &mut Self, text: bool, payload: &[u8]) -> Result<(), SendError> {
        let mut masked = payload.to_vec();
        let (_, writer) = self.connection.split();
        let header = if text { writer.text_in_place(&mut masked) } else { writer.binary_in_place(&mut masked) };
        let Ok(header) = header else {
            assert_eq!(masked, payload);
            return header.map(|_| ());
        };
        // What is pending was said before; what is owed comes behind.
        self.wire.extend(writer.pending().iter().chain(&*header).chain(&masked));
        writer.consume(writer.pending().len());
        listener.expected.push_back(message(text, payload.to_vec()));
        Ok(())
    }

    fn say_fragment(&mut self, listener: &mut Self, text: bool, bytes: &[u8], last: bool) -> Result<(), SendError> {
        let kind = if text { Kind::Text } else { Kind::Binary };
        self.connection.split().1.fragment(kind, bytes, last)?;
        let (open, said) = self.open.get_or_insert_with(|| (text, Vec::new()));
        assert_eq!(*open, text, "another message is open");
        said.extend(bytes);
        if last && let Some((_, said)) = self.open.take() {
            listener.expected.push_back(message(text, said));
        }
        Ok(())
    }

    /// Moves bytes of what is outgoing to the wire: only what waits now, not what follows it.
    fn write(&mut self, n: usize) {
        let n = self.connection.outgoing().len().min(n);
        self.wire.extend(&self.connection.outgoing()[..n]);
        self.connection.consume(n);
    }

    /// Reads bytes from the wire of `speaker`.
    fn arrive(&mut self, speaker: &mut Self, n: usize, cut: usize) {
        let n = n.min(speaker.wire.len());
        let mut bytes: Vec<u8> = speaker.wire.drain(..n).collect();
        for mut input in bytes.chunks_mut(cut) {
            while self.read(&mut input) {}
            assert!(input.is_empty());
        }
    }

    /// Reads up to the next event; false if there is none.
    fn read(&mut self, input: &mut &mut [u8]) -> bool {
        let (reader, _) = self.connection.split();
        let event = match self.call {
            Call::Receive => reader.receive(input).expect("the other end makes no mistake"),
            Call::Advance => {
                reader.advance(input).expect("the other end makes no mistake");
                reader.event()
            }
            Call::Chunk => match reader.receive_chunk(input).expect("the other end makes no mistake") {
                Some(Chunk::Data { kind, bytes, last }) => {
                    self.partial.extend(bytes);
                    if last {
                        let said = message(kind == Kind::Text, core::mem::take(&mut self.partial));
                        assert_eq!(self.expected.pop_front(), Some(said));
                    }
                    return true;
                }
                Some(Chunk::Ping(payload)) => Some(Event::Ping(payload)),
                Some(Chunk::Pong(payload)) => Some(Event::Pong(payload)),
                Some(Chunk::Close(close)) => Some(Event::Close(close)),
                _ => None,
            },
        };
        let said = match event {
            None => return false,
            Some(Event::Text(text)) => Said::Text(text.to_owned()),
            Some(Event::Binary(bytes)) => Said::Binary(bytes.to_owned()),
            Some(Event::Ping(payload)) => Said::Ping(payload.to_owned()),
            Some(Event::Pong([b'i', payload @ ..])) => {
                // Older ones may be left out.
                while self.pings.pop_front().expect("a ping had this payload")[1..] != *payload {}
                return true;
            }
            Some(Event::Pong(payload)) => Said::Pong(payload.to_owned()),
            Some(_) => {
                assert!(self.expected.is_empty(), "a close frame comes last");
                return true;
            }
        };
        assert_eq!(self.expected.pop_front(), Some(said));
        true
    }
}

/// Lets all arrive, closes, and compares what both ends say of it.
fn finish(ends: &mut [End; 2]) {
    let (client, server) = two(ends, false);
    client.say(server, Say::Close { code: 4999, reason: "the end".to_owned() });
    loop {
        client.write(usize::MAX);
        server.write(usize::MAX);
        if client.wire.is_empty() && server.wire.is_empty() {
            break;
        }
        server.arrive(client, usize::MAX, 1000);
        client.arrive(server, usize::MAX, 1000);
    }
    for end in [false, true] {
        let (this, other) = two(ends, end);
        assert!(this.expected.is_empty(), "lost: {:?}", this.expected);
        let closed = this.connection.closed().expect("both closed");
        // Its own word, or the code of the answer.
        let (code, reason) = match (&other.closed, &this.closed) {
            (Some((code, reason)), _) => (*code, &**reason),
            (None, Some((code, _))) => (*code, ""),
            (None, None) => unreachable!("someone closed"),
        };
        assert_eq!((closed.code, closed.reason, closed.clean), (code, reason, true));
        match (&this.closed, &other.closed) {
            (Some(_), None) => assert_eq!(closed.by, Side::Local),
            (None, Some(_)) => assert_eq!(closed.by, Side::Peer),
            _ => {}
        }
        let expected = if end { Transport::Close } else { Transport::AwaitPeer };
        assert_eq!(this.connection.transport(), expected);
    }
    let (client, _) = two(ends, false);
    assert_eq!(client.connection.split().0.receive_eof(), Ok(()));
    assert_eq!(client.connection.transport(), Transport::Close);
}

fn message(text: bool, bytes: Vec<u8>) -> Said {
    if text { Said::Text(String::from_utf8(bytes).expect("it was checked")) } else { Said::Binary(bytes) }
}
