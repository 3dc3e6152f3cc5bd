//! What a connection makes of its input, by each of the three calls that read.

use ws_proto::{Chunk, Close, Config, Connection, Error, Event, Kind, Role, Side, Transport};

use crate::frames::connection;

/// A way to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Receive,
    Advance,
    Chunk,
}

impl Call {
    pub(crate) const ALL: [Self; 3] = [Self::Receive, Self::Advance, Self::Chunk];
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// All that may be seen from outside, but for the borders of chunks, which are put together to messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Transcript {
    pub(crate) items: Vec<Item>,
    /// Every reply as it was owed.
    pub(crate) output: Vec<u8>,
    pub(crate) error: Option<Error>,
    pub(crate) frames: u64,
    pub(crate) closed: Option<(u16, String, bool, Side)>,
    pub(crate) transport: Option<Transport>,
    /// A message that is not whole, if it is read in chunks.
    partial: Vec<u8>,
}

/// Reads `pieces` with a new connection.
pub(crate) fn transcript<'p>(
    role: Role,
    config: &Config,
    call: Call,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Transcript {
    let mut connection = connection(role, config);
    let mut transcript = Transcript::default();
    for piece in pieces {
        transcript.read(&mut connection, call, piece);
    }
    transcript.finish(&mut connection)
}

impl Transcript {
    /// Reads `bytes` to their end. An error may come once, and nothing behind it.
    pub(crate) fn read(&mut self, connection: &mut Connection, call: Call, bytes: &[u8]) {
        let mut buffer = bytes.to_vec();
        let mut input = &mut buffer[..];
        loop {
            let over = connection.split().0.is_closed();
            let result = self.next(connection, call, &mut input);
            assert!(!over || result == Ok(false), "{result:?} behind the end");
            match result {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.error = Some(error),
            }
            let n = connection.outgoing().len();
            self.output.extend(connection.outgoing());
            connection.consume(n);
        }
        assert!(input.is_empty(), "{} bytes are left", input.len());
    }

    pub(crate) fn finish(mut self, connection: &mut Connection) -> Self {
        self.frames = connection.split().0.frames();
        assert_eq!(connection.split().0.error(), self.error);
        self.transport = Some(connection.transport());
        self.closed =
            connection.closed().map(|closed| (closed.code.0, closed.reason.to_owned(), closed.clean, closed.by));
        self.partial.clear();
        self
    }

    fn next(&mut self, connection: &mut Connection, call: Call, input: &mut &mut [u8]) -> Result<bool, Error> {
        let (reader, _) = connection.split();
        let event = match call {
            Call::Receive => reader.receive(input)?,
            Call::Advance => {
                let found = reader.advance(input)?;
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
        let item = match chunk {
            Chunk::Data { kind, bytes, last } => {
                assert!(last || !bytes.is_empty(), "an empty chunk that is not the last");
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
        };
        self.items.push(item);
    }
}

fn owned(close: Close<'_>) -> (u16, String) {
    (close.code.0, close.reason.to_owned())
}
