//! One end, any bytes.

#[path = "../../tests/common/room.rs"]
mod room;

use ws_proto::{Chunk, Close, CloseCode, Config, Connection, Error, Event, Kind, Role, Seed, Transport};

use self::room::fill_room;
use super::pieces::pieces;

/// A server reads what `data` says (see [`read`]).
pub fn server(data: &[u8]) {
    read(Role::Server, data);
}

/// A client reads what `data` says (see [`read`]).
pub fn client(data: &[u8]) {
    read(Role::Client, data);
}

/// `data`: a byte of choices (1: small limits; 2: codes without meaning pass; 4: fails in silence; the others: how much
/// may stay in the buffer), a byte with a number of lengths (0 to 15), so many lengths of pieces, and the bytes that
/// arrive; pieces take turns.
///
/// All ways to read must find the same in one piece and in those pieces; behind an error nothing; and what is
/// answered must be what the other end can read.
fn read(role: Role, data: &[u8]) {
    let &[choices, lengths, ref rest @ ..] = data else { return };
    let Some((lengths, wire)) = rest.split_at_checked(usize::from(lengths % 16)) else { return };
    let mut config = Config::new().unassigned_codes(choices & 2 != 0).silent_failure(choices & 4 != 0);
    if choices & 1 != 0 {
        config = config.max_frame(100).max_message(150).max_fragments(4).keep_buffer(32);
    }
    let whole = Transcript::of(role, &config, Call::Receive, [wire].into_iter());
    let in_place = Call::InPlace { most: usize::from(choices & !7) };
    for call in [Call::Receive, Call::Advance, Call::Chunk, Call::Room, in_place] {
        assert_eq!(Transcript::of(role, &config, call, [wire].into_iter()), whole, "by {call:?}");
        let cut = Transcript::of(role, &config, call, pieces(wire, lengths));
        assert_eq!(cut, whole, "by {call:?} in pieces");
    }
    whole.check(role, choices & 4 != 0);
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Receive,
    Advance,
    Chunk,
    /// To where it belongs, what is missing of a frame.
    Room,
    /// With what is left in front of the next piece.
    InPlace {
        most: usize,
    },
}

#[derive(Debug, Eq, PartialEq)]
enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(CloseCode, String)>),
}

/// All that can be seen from outside, but for the borders of chunks.
#[derive(Debug, Default, Eq, PartialEq)]
struct Transcript {
    items: Vec<Item>,
    partial: Vec<u8>,
    output: Vec<u8>,
    error: Option<Error>,
    closed: Option<(CloseCode, String, bool)>,
    transport: Option<Transport>,
    frames: u64,
}

impl Transcript {
    fn of<'w>(role: Role, config: &Config, call: Call, pieces: impl Iterator<Item = &'w [u8]>) -> Self {
        let mut connection = match role {
            Role::Client => Connection::client(config, Seed::predictable_for_tests(1)),
            Role::Server => Connection::server(config),
        };
        let mut transcript = Self::default();
        let mut left = Vec::new();
        for piece in pieces {
            left.extend_from_slice(piece);
            transcript.read(&mut connection, call, &mut left);
        }
        if !left.is_empty() {
            transcript.read(&mut connection, Call::Receive, &mut left);
        }
        transcript.partial.clear();
        transcript.closed = connection.closed().map(|closed| (closed.code, closed.reason.to_owned(), closed.clean));
        transcript.transport = Some(connection.transport());
        transcript.frames = connection.split().0.frames();
        transcript
    }

    /// Reads `bytes` and keeps what is left of them.
    fn read(&mut self, connection: &mut Connection, call: Call, bytes: &mut Vec<u8>) {
        let mut buffer = bytes.clone();
        let mut input = &mut buffer[..];
        loop {
            let over = connection.split().0.is_closed();
            let found = self.next(connection, call, &mut input);
            assert!(!over || found == Ok(false), "{found:?} behind the end");
            match found {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.error = Some(error),
            }
            let n = connection.outgoing().len();
            self.output.extend(connection.outgoing());
            connection.consume(n);
        }
        let most = if let Call::InPlace { most } = call { most } else { 0 };
        assert!(input.is_empty() || input.len() < most);
        assert!(bytes.ends_with(input), "what is left is untouched");
        bytes.drain(..bytes.len() - input.len());
    }

    /// Adds what comes next, if anything does.
    fn next(&mut self, connection: &mut Connection, call: Call, input: &mut &mut [u8]) -> Result<bool, Error> {
        let (reader, _) = connection.split();
        let event = match call {
            Call::Receive => reader.receive(input)?,
            Call::InPlace { most } => reader.receive_in_place(input, most)?,
            Call::Advance | Call::Room => {
                let found = (matches!(call, Call::Room) && fill_room(reader, input)) || reader.advance(input)?;
                assert_eq!(found, reader.event().is_some());
                reader.event()
            }
            Call::Chunk => return Ok(reader.receive_chunk(input)?.map(|chunk| self.chunk(chunk)).is_some()),
        };
        self.items.extend(event.map(|event| match event {
            Event::Text(text) => Item::Text(text.to_owned()),
            Event::Binary(bytes) => Item::Binary(bytes.to_owned()),
            Event::Ping(payload) => Item::Ping(payload.to_owned()),
            Event::Pong(payload) => Item::Pong(payload.to_owned()),
            Event::Close(close) => Item::Close(close.map(owned)),
            event => panic!("unknown {event:?}"),
        }));
        Ok(event.is_some())
    }

    fn chunk(&mut self, chunk: Chunk<'_>) {
        self.items.push(match chunk {
            Chunk::Data { kind, bytes, last } => {
                assert!(last || !bytes.is_empty());
                self.partial.extend(bytes);
                if !last {
                    return;
                }
                let message = core::mem::take(&mut self.partial);
                match kind {
                    Kind::Text => Item::Text(String::from_utf8(message).expect("text is checked")),
                    Kind::Binary => Item::Binary(message),
                }
            }
            Chunk::Ping(payload) => Item::Ping(payload.to_owned()),
            Chunk::Pong(payload) => Item::Pong(payload.to_owned()),
            Chunk::Close(close) => Item::Close(close.map(owned)),
            chunk => panic!("unknown {chunk:?}"),
        });
    }

    /// What must hold for any bytes.
    fn check(&self, role: Role, silent: bool) {
        let closes = self.items.iter().filter(|item| matches!(item, Item::Close(_))).count();
        assert!(
            closes == 0 || (closes == 1 && matches!(self.items.last(), Some(Item::Close(_))) && self.error.is_none())
        );
        assert_eq!(self.closed.is_some(), closes == 1 || self.error.is_some());

        // The other end reads a pong for each ping, and the close frame that is due.
        let lenient = Config::new().unassigned_codes(true);
        let told = Self::read_by_peer(role, &lenient, &self.output);
        assert_eq!(told.error, None);
        let wanted =
            self.items.iter().filter_map(|item| if let Item::Ping(payload) = item { Some(payload) } else { None });
        let answers =
            told.items.iter().filter_map(|item| if let Item::Pong(payload) = item { Some(payload) } else { None });
        assert!(wanted.eq(answers));
        let close = match (self.items.last(), self.error) {
            (_, Some(error)) if !silent => Some(Some(error.close_code())),
            (Some(Item::Close(close)), None) => Some(close.as_ref().map(|(code, _)| *code)),
            _ => None,
        };
        match (told.items.last(), close) {
            (Some(Item::Close(told)), Some(close)) => assert_eq!(told.as_ref().map(|(code, _)| *code), close),
            (last, close) => assert!(close.is_none() && !matches!(last, Some(Item::Close(_))), "{last:?}, {close:?}"),
        }
    }

    fn read_by_peer(role: Role, config: &Config, output: &[u8]) -> Self {
        Self::of(role.peer(), config, Call::Receive, [output].into_iter())
    }
}

fn owned(close: Close<'_>) -> (CloseCode, String) {
    (close.code, close.reason.to_owned())
}
