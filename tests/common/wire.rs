//! Frames into a connection, in pieces and through each call, and out of it.

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::{Chunk, Config, Connection, Error, Event, Kind, Role, Seed, mask};

/// The first byte of a frame that is a whole message, compressed or not, and of those of a message in fragments.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PACKED_TEXT: u8 = 0xc1;
pub(crate) const PACKED_BINARY: u8 = 0xc2;
pub(crate) const PACKED_TEXT_BEGINS: u8 = 0x41;
pub(crate) const PACKED_BINARY_BEGINS: u8 = 0x42;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];
pub(crate) const CALLS: [Call; 3] = [Call::Receive, Call::Advance, Call::Chunk];

/// A way to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Receive,
    Advance,
    Chunk,
}

/// What was read. Chunks are put together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close,
}

/// All that came of a stream: events, the error behind them, and the code of the close frame that is then owed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) got: Vec<Got>,
    pub(crate) error: Option<Error>,
    pub(crate) code: Option<u16>,
}

impl Outcome {
    pub(crate) fn of(got: Vec<Got>, error: Option<Error>) -> Self {
        Self { got, error, code: error.map(|error| error.close_code().0) }
    }
}

/// A frame that was sent, unmasked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// A message that was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) compressed: bool,
    pub(crate) payload: Vec<u8>,
}

/// Reads into events, and goes on where a chunk left off.
#[derive(Debug)]
pub(crate) struct Reading {
    call: Call,
    begun: Vec<u8>,
    pub(crate) got: Vec<Got>,
}

impl Reading {
    pub(crate) fn new(call: Call) -> Self {
        Self { call, begun: Vec::new(), got: Vec::new() }
    }

    /// Reads all of `input`.
    pub(crate) fn read(&mut self, from: &mut Connection, mut input: &mut [u8]) -> Result<(), Error> {
        let (reader, _) = from.split();
        loop {
            let event = match self.call {
                Call::Receive => reader.receive(&mut input)?,
                Call::Advance => {
                    let more = reader.advance(&mut input)?;
                    assert_eq!(more, reader.event().is_some());
                    reader.event()
                }
                Call::Chunk => match reader.receive_chunk(&mut input)? {
                    None => None,
                    Some(Chunk::Data { kind, bytes, last }) => {
                        assert!(last || !bytes.is_empty(), "an empty chunk that ends nothing");
                        self.begun.extend(bytes);
                        if last {
                            let whole = std::mem::take(&mut self.begun);
                            self.got.push(match kind {
                                Kind::Text => Got::Text(String::from_utf8(whole).unwrap()),
                                Kind::Binary => Got::Binary(whole),
                            });
                        }
                        continue;
                    }
                    Some(Chunk::Ping(bytes)) => Some(Event::Ping(bytes)),
                    Some(Chunk::Pong(bytes)) => Some(Event::Pong(bytes)),
                    Some(Chunk::Close(close)) => Some(Event::Close(close)),
                    Some(other) => panic!("{other:?}"),
                },
            };
            self.got.push(match event {
                None => break,
                Some(Event::Text(text)) => Got::Text(text.to_owned()),
                Some(Event::Binary(bytes)) => Got::Binary(bytes.to_vec()),
                Some(Event::Ping(bytes)) => Got::Ping(bytes.to_vec()),
                Some(Event::Pong(bytes)) => Got::Pong(bytes.to_vec()),
                Some(Event::Close(_)) => Got::Close,
                Some(other) => panic!("{other:?}"),
            });
        }
        assert!(input.is_empty(), "{} bytes were left", input.len());
        Ok(())
    }
}

/// A configuration that compresses, and whose clones share a pool.
pub(crate) fn config() -> Config {
    Config::new().compression(Compression::new())
}

/// One end, the same at every call.
pub(crate) fn plain(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(1)),
        Role::Server => Connection::server(config),
    }
}

/// One end that compresses.
pub(crate) fn connection(role: Role, config: &Config, agreement: Agreement) -> Connection {
    plain(role, config).with_deflate(agreement, config)
}

/// The same agreement for both directions.
pub(crate) fn both_ways(window: u8, takeover: bool) -> Agreement {
    Agreement {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: Some(window),
        client_max_window_bits: Some(window),
    }
}

/// A frame to `role`: masked if that is the server.
pub(crate) fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let bit = if role == Role::Server { 0x80 } else { 0 };
    let length = payload.len();
    match u16::try_from(length) {
        Ok(short @ 0..=125) => bytes.push(bit | short.to_be_bytes()[1]),
        Ok(length) => {
            bytes.push(bit | 0x7e);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(bit | 0x7f);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if role == Role::Server {
        bytes.extend(KEY);
    }
    let start = bytes.len();
    bytes.extend(payload);
    if role == Role::Server {
        mask::apply(&mut bytes[start..], KEY);
    }
    bytes
}

/// Frames to `role`.
pub(crate) fn stream(role: Role, frames: &[(u8, &[u8])]) -> Vec<u8> {
    frames.iter().flat_map(|(first, payload)| frame(role, *first, payload)).collect()
}

/// What comes of `wire`, in pieces of the given lengths, the last one repeated.
pub(crate) fn read(mut end: Connection, call: Call, wire: &[u8], pieces: &[usize]) -> Outcome {
    let mut wire = wire.to_vec();
    let mut rest = &mut wire[..];
    let mut pieces = pieces.iter().copied();
    let mut length = usize::MAX;
    let mut reading = Reading::new(call);
    let mut error = None;
    while !rest.is_empty() && error.is_none() {
        length = pieces.next().unwrap_or(length).max(1);
        let (piece, after) = rest.split_at_mut(length.min(rest.len()));
        error = reading.read(&mut end, piece).err();
        rest = after;
    }
    assert_eq!(end.split().0.error(), error);
    let mut code = None;
    if error.is_some() {
        // Nothing is read behind it, and the peer is told.
        let got = reading.got.len();
        assert_eq!(reading.read(&mut end, &mut frame(Role::Client, 0xff, b"?")), Ok(()));
        assert_eq!(reading.got.len(), got);
        let last = sent_frames(&mut end).pop().unwrap();
        assert_eq!(last.first, CLOSE);
        code = Some(u16::from_be_bytes([last.payload[0], last.payload[1]]));
    }
    Outcome { got: reading.got, error, code }
}

/// What comes of `wire` whole, byte by byte and cut in two at every place, through every call: always the same.
pub(crate) fn every_way(name: &str, wire: &[u8], new: &dyn Fn() -> Connection) -> Outcome {
    every_way_of(&CALLS, name, wire, new)
}

/// As [`every_way`], through some calls.
pub(crate) fn every_way_of(calls: &[Call], name: &str, wire: &[u8], new: &dyn Fn() -> Connection) -> Outcome {
    let whole = read(new(), calls[0], wire, &[]);
    for &call in calls {
        assert_eq!(read(new(), call, wire, &[1]), whole, "{name}, byte by byte, {call:?}");
        for cut in 1..=wire.len() {
            let cut_once = read(new(), call, wire, &[cut, usize::MAX]);
            assert_eq!(cut_once, whole, "{name}, cut at {cut} of {}, {call:?}", wire.len());
        }
    }
    whole
}

/// As [`every_way`], for what is too long to cut everywhere.
pub(crate) fn some_ways(name: &str, wire: &[u8], new: &dyn Fn() -> Connection) -> Outcome {
    let whole = read(new(), Call::Receive, wire, &[]);
    for call in CALLS {
        for length in [7, 1000, 1023, 1024, 1025, 8192, usize::MAX] {
            let pieces = read(new(), call, wire, &[length]);
            assert_eq!(pieces.error, whole.error, "{name}, in pieces of {length}, {call:?}");
            assert!(pieces == whole, "{name}, in pieces of {length}, {call:?}");
        }
    }
    whole
}

/// Takes all that is outgoing.
pub(crate) fn take(from: &mut Connection) -> Vec<u8> {
    let bytes = from.outgoing().to_vec();
    from.consume(bytes.len());
    bytes
}

/// Takes all that is outgoing, as frames.
pub(crate) fn sent_frames(from: &mut Connection) -> Vec<Frame> {
    frames(&take(from))
}

/// Takes apart what one end sent.
pub(crate) fn frames(mut wire: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = wire {
        let (length, rest) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk().unwrap())), &rest[2..]),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk().unwrap())).unwrap(), &rest[8..]),
            short => (usize::from(short), rest),
        };
        let (key, rest) = if second & 0x80 == 0 { ([0; 4], rest) } else { (*rest.first_chunk().unwrap(), &rest[4..]) };
        let mut payload = rest[..length].to_vec();
        mask::apply(&mut payload, key);
        frames.push(Frame { first: *first, payload });
        wire = &rest[length..];
    }
    assert!(wire.is_empty());
    frames
}

/// Puts the data frames that one end sent together to messages, by the rules for RSV1 (PD-01).
pub(crate) fn messages(frames: Vec<Frame>) -> Vec<Sent> {
    let mut messages = Vec::new();
    let mut open: Option<Sent> = None;
    for Frame { first, payload } in frames {
        assert_eq!(first & 0x30, 0, "RSV2 or RSV3 in {first:02x}");
        let mut message = match (first & 0x4f, open.take()) {
            (0x00, Some(open)) => open,
            (start @ (0x01 | 0x02 | 0x41 | 0x42), None) => {
                let kind = if start & 1 == 1 { Kind::Text } else { Kind::Binary };
                Sent { kind, compressed: start & 0x40 != 0, payload: Vec::new() }
            }
            other => panic!("{other:02x?}"),
        };
        message.payload.extend(payload);
        if first & 0x80 == 0 {
            open = Some(message);
        } else {
            messages.push(message);
        }
    }
    assert_eq!(open, None);
    messages
}

/// Takes the one message that is outgoing.
pub(crate) fn sent(from: &mut Connection) -> Sent {
    let mut messages = messages(sent_frames(from));
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}
