#![cfg(feature = "std")]
//! What the tests share: a wire read in every way and at every cut, and what a writer wrote.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub(crate) mod naive;
mod room;

pub(crate) use room::fill_room;
use ws_proto::{Chunk, Close, Config, Connection, Error, Event, Kind, Reader, Reply, Role, Seed, Side, Writer};

/// The key of the RFC's examples, section 5.7.
pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(0)),
        Role::Server => Connection::server(config),
    }
}

// --- reading ---

/// The ways to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Api {
    Receive,
    Advance,
    Chunk,
    /// To where it belongs, what is missing of a frame at the beginning of a read.
    Room,
}

impl Api {
    pub(crate) const ALL: [Self; 4] = [Self::Receive, Self::Advance, Self::Chunk, Self::Room];
}

/// An event, owned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl Got {
    /// What the RFC lets this event owe: a pong of the same payload (5.5.3), a close of the same code (5.5.1).
    fn owes(&self) -> Option<Owed> {
        match self {
            Self::Ping(payload) => Some(Owed::Pong(payload.clone())),
            Self::Close(None) => Some(Owed::Close(Vec::new())),
            Self::Close(Some((code, _))) => Some(Owed::Close(code.to_be_bytes().to_vec())),
            _ => None,
        }
    }
}

impl From<Event<'_>> for Got {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.map(own)),
            other => panic!("unknown event {other:?}"),
        }
    }
}

fn own(close: Close<'_>) -> (u16, String) {
    (close.code.0, close.reason.to_owned())
}

pub(crate) fn owned(events: &[Event<'_>]) -> Vec<Got> {
    events.iter().map(|event| Got::from(*event)).collect()
}

/// A reply, by its payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Owed {
    Pong(Vec<u8>),
    Close(Vec<u8>),
}

impl From<Reply> for Owed {
    fn from(reply: Reply) -> Self {
        let payload = reply.payload().to_vec();
        if reply.is_close() { Self::Close(payload) } else { Self::Pong(payload) }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what may be owed")]
pub(crate) fn owed_close(code: u16) -> Option<Owed> {
    Some(Owed::Close(code.to_be_bytes().to_vec()))
}

/// What [`Connection::closed`] says, owned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) clean: bool,
    pub(crate) by: Side,
}

pub(crate) fn ended(code: u16, reason: &str, clean: bool, by: Side) -> Ended {
    Ended { code, reason: reason.to_owned(), clean, by }
}

pub(crate) fn closed(connection: &Connection) -> Option<Ended> {
    connection.closed().map(|closed| ended(closed.code.0, closed.reason, closed.clean, closed.by))
}

/// All that came of a wire.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Transcript {
    /// Each event, and what was owed right behind it.
    pub(crate) events: Vec<(Got, Option<Owed>)>,
    /// Where on the wire each event but a close ended: what was consumed when it was given.
    pub(crate) ends: Vec<usize>,
    pub(crate) error: Option<Error>,
    /// What was owed behind the error.
    pub(crate) owed: Option<Owed>,
    pub(crate) frames: u64,
    pub(crate) closed: Option<Ended>,
}

impl Transcript {
    pub(crate) fn events(&self) -> Vec<Got> {
        self.events.iter().map(|(event, _)| event.clone()).collect()
    }
}

/// A connection that is fed, and its transcript so far. Replies are carried over at once.
pub(crate) struct Run {
    pub(crate) connection: Connection,
    pub(crate) log: Transcript,
    api: Api,
    parts: Option<(Kind, Vec<u8>)>,
    fed: usize,
}

impl Run {
    pub(crate) fn new(api: Api, role: Role, config: &Config) -> Self {
        Self { connection: connection(role, config), log: Transcript::default(), api, parts: None, fed: 0 }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut buffer = bytes.to_vec();
        let mut input = &mut buffer[..];
        self.fed += bytes.len();
        loop {
            let over = self.connection.split().0.is_closed();
            let (reader, writer) = self.connection.split();
            let got = match self.api {
                Api::Receive => reader.receive(&mut input).map(|event| event.map(Got::from)),
                Api::Advance => advance(reader, &mut input),
                Api::Chunk => chunks(reader, &mut input, &mut self.parts),
                Api::Room => to_room(reader, &mut input),
            };
            let owed = reader.take_reply();
            if let Some(reply) = owed {
                writer.reply(reply);
            }
            let owed = owed.map(Owed::from);
            match got {
                Ok(Some(event)) => {
                    assert!(!over, "{event:?} after the end");
                    assert_eq!(owed, event.owes(), "owed behind {event:?}");
                    if matches!(event, Got::Close(_)) {
                        assert!(input.is_empty(), "a close swallows what follows");
                    } else {
                        self.log.ends.push(self.fed - input.len());
                    }
                    self.log.events.push((event, owed));
                }
                Ok(None) => {
                    assert!(input.is_empty(), "read all, or an event");
                    assert_eq!(owed, None, "owed behind nothing");
                    break;
                }
                Err(error) => {
                    assert!(!over, "{error:?} after the end");
                    assert!(input.is_empty(), "an error swallows what follows");
                    assert_eq!(reader.error(), Some(error));
                    (self.log.error, self.log.owed) = (Some(error), owed);
                }
            }
        }
    }

    pub(crate) fn finish(mut self) -> Transcript {
        self.log.frames = self.connection.split().0.frames();
        self.log.closed = closed(&self.connection);
        self.log
    }
}

fn advance(reader: &mut Reader, input: &mut &mut [u8]) -> Result<Option<Got>, Error> {
    let found = reader.advance(input);
    let event = reader.event().map(Got::from);
    assert_eq!(found.unwrap_or(false), event.is_some(), "event() has what advance() found");
    assert_eq!(reader.event().map(Got::from), event, "an event can be looked at twice");
    found.map(|_| event)
}

fn to_room(reader: &mut Reader, input: &mut &mut [u8]) -> Result<Option<Got>, Error> {
    if fill_room(reader, input) { Ok(reader.event().map(Got::from)) } else { advance(reader, input) }
}

/// Reads chunks until a message or a control frame is whole.
fn chunks(
    reader: &mut Reader,
    input: &mut &mut [u8],
    parts: &mut Option<(Kind, Vec<u8>)>,
) -> Result<Option<Got>, Error> {
    while let Some(chunk) = reader.receive_chunk(input)? {
        return Ok(Some(match chunk {
            Chunk::Data { kind, bytes, last } => {
                assert!(last || !bytes.is_empty(), "an empty chunk is the last");
                let (open, mut all) = parts.take().unwrap_or((kind, Vec::new()));
                assert_eq!(open, kind, "all chunks are of one kind");
                all.extend_from_slice(bytes);
                if !last {
                    *parts = Some((kind, all));
                    continue;
                }
                match kind {
                    Kind::Text => Got::Text(String::from_utf8(all).expect("chunks are checked")),
                    Kind::Binary => Got::Binary(all),
                }
            }
            Chunk::Ping(payload) => Got::Ping(payload.to_vec()),
            Chunk::Pong(payload) => Got::Pong(payload.to_vec()),
            Chunk::Close(close) => Got::Close(close.map(own)),
            other => panic!("unknown chunk {other:?}"),
        }));
    }
    Ok(None)
}

/// Reads pieces of a wire in one way.
pub(crate) fn run<'w>(api: Api, role: Role, config: &Config, pieces: impl IntoIterator<Item = &'w [u8]>) -> Transcript {
    let mut run = Run::new(api, role, config);
    for piece in pieces {
        run.feed(piece);
    }
    run.finish()
}

/// Reads a wire whole, byte by byte and at every cut, in every way. All of it comes to the same.
pub(crate) fn read(role: Role, config: &Config, wire: &[u8]) -> Transcript {
    let whole = run(Api::Receive, role, config, [wire]);
    for api in Api::ALL {
        assert_eq!(run(api, role, config, [wire]), whole, "{role:?}, {api:?}, whole");
        assert_eq!(run(api, role, config, wire.chunks(1)), whole, "{role:?}, {api:?}, byte by byte");
        for cut in cuts(wire) {
            let (left, right) = wire.split_at(cut);
            assert_eq!(run(api, role, config, [left, right]), whole, "{role:?}, {api:?}, cut at {cut}");
        }
        if wire.len() <= SHORT / 4 {
            for n in 2..wire.len() {
                assert_eq!(run(api, role, config, wire.chunks(n)), whole, "{role:?}, {api:?}, cut every {n}");
            }
        }
    }
    whole
}

/// Every place in a short wire; in a long one those around the borders of frames, and the middle.
fn cuts(wire: &[u8]) -> Vec<usize> {
    if wire.len() <= SHORT {
        return (1..wire.len()).collect();
    }
    let mut cuts = vec![wire.len() / 2, wire.len() - 1];
    let mut start = 0;
    while let Some(frame) = Frame::parse(&wire[start..]) {
        cuts.extend((start.saturating_sub(1)..start + 16).filter(|cut| *cut < wire.len()));
        start += frame.length;
        if cuts.len() > 128 {
            break;
        }
    }
    cuts
}

/// After how many bytes reading fails, and how. Every way agrees, and a byte less is no error.
pub(crate) fn first_error(role: Role, config: &Config, wire: &[u8]) -> Option<(usize, Error)> {
    let found = Api::ALL.map(|api| {
        let mut run = Run::new(api, role, config);
        let mut found = None;
        for (at, byte) in wire.iter().enumerate() {
            run.feed(&[*byte]);
            found = found.or(run.log.error.map(|error| (at + 1, error)));
        }
        found
    });
    assert!(found.iter().all(|one| *one == found[0]), "{role:?}: {found:?}");
    if let Some((at, error)) = found[0] {
        for api in Api::ALL {
            assert_eq!(run(api, role, config, [&wire[..at - 1]]).error, None, "{role:?}, {api:?}: too early");
            assert_eq!(run(api, role, config, [&wire[..at]]).error, Some(error), "{role:?}, {api:?}: too late");
        }
    }
    found[0]
}

/// After how many bytes of a wire, how, and the close code that tells of it.
pub(crate) type Fault = (usize, Error, u16);

/// Holds that `bad`, behind the valid frames in `before` (both as a server sends them), fails once `at` bytes of it
/// are here, in all ways and at every cut, and is answered by a close frame with the code.
pub(crate) fn refuses(
    name: &str,
    role: Role,
    config: &Config,
    (before, bad): (&[u8], &[u8]),
    (at, error, code): Fault,
) {
    let name = format!("{name}, {role:?}");
    let valid = sent_to(role, before);
    let good = run(Api::Receive, role, config, [&valid[..]]);
    assert_eq!(good.error, None, "{name}: what comes before is valid");
    let wire = [valid.clone(), sent_to(role, bad)].concat();
    assert_eq!(first_error(role, config, &wire), Some((valid.len() + at, error)), "{name}");
    let transcript = read(role, config, &wire);
    assert_eq!(transcript.events, good.events, "{name}: nothing of it is delivered");
    assert_eq!(transcript.error, Some(error), "{name}");
    assert_eq!(transcript.owed, owed_close(code), "{name}");
    assert_eq!(transcript.closed, Some(ended(1006, "", false, Side::Local)), "{name}");
}

/// [`refuses`] for each role.
pub(crate) fn both_refuse(name: &str, config: &Config, wire: (&[u8], &[u8]), fault: Fault) {
    for role in BOTH {
        refuses(name, role, config, wire, fault);
    }
}

/// Holds that both roles read these events, and nothing else, from the frames (as a server sends them).
pub(crate) fn both_read(name: &str, config: &Config, wire: &[u8], events: &[Event<'_>]) {
    for role in BOTH {
        let transcript = read(role, config, &sent_to(role, wire));
        assert_eq!(transcript.events(), owned(events), "{name}, {role:?}");
        assert_eq!(transcript.error, None, "{name}, {role:?}");
    }
}

// --- building and taking apart ---

/// The frames of a server as `role` gets them from its peer.
pub(crate) fn sent_to(role: Role, wire: &[u8]) -> Vec<u8> {
    match role {
        Role::Client => wire.to_vec(),
        Role::Server => masked(wire),
    }
}

/// The frames of a server as a client sends them, each with [`KEY`]. What is broken stays broken, what is cut stays
/// cut.
pub(crate) fn masked(mut wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((first, rest)) = wire.split_first() {
        out.push(*first);
        let Some((second, rest)) = rest.split_first() else { break };
        out.push(second | 0x80);
        let Some((length, rest)) = rest.split_at_checked(length_bytes(*second)) else {
            out.extend(rest);
            break;
        };
        out.extend(length);
        out.extend(KEY);
        let n = usize::try_from(announced(*second, length)).map_or(rest.len(), |n| n.min(rest.len()));
        let (payload, rest) = rest.split_at(n);
        out.extend(naive_mask(payload, KEY));
        wire = rest;
    }
    out
}

/// Section 5.3, letter by letter.
pub(crate) fn naive_mask(data: &[u8], key: [u8; 4]) -> Vec<u8> {
    data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
}

/// A frame on the wire, taken apart with no check of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
    /// As if a server had sent it.
    pub(crate) plain: Vec<u8>,
    /// Of the whole frame, as it was.
    pub(crate) length: usize,
}

impl Frame {
    fn parse(wire: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = wire.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_at_checked(length_bytes(second))?;
        let (key, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk::<4>()?;
            (Some(*key), rest)
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(announced(second, length)).ok()?)?;
        let payload = naive_mask(payload, key.unwrap_or_default());
        let plain = [&[first, second & 0x7f], length, &payload].concat();
        Some(Self { first, key, payload, plain, length: wire.len() - rest.len() })
    }
}

fn length_bytes(second: u8) -> usize {
    match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

fn announced(second: u8, length: &[u8]) -> u64 {
    if length.is_empty() {
        return u64::from(second & 0x7f);
    }
    length.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// Takes a wire of whole frames apart.
pub(crate) fn frames(mut wire: &[u8]) -> Vec<Frame> {
    let mut all = Vec::new();
    while !wire.is_empty() {
        let frame = Frame::parse(wire).expect("whole frames");
        wire = &wire[frame.length..];
        all.push(frame);
    }
    all
}

/// What `role` sent, as if a server had. Holds that each frame is masked, or not, as it must.
pub(crate) fn plain(role: Role, wire: &[u8]) -> Vec<u8> {
    let frames = frames(wire);
    for frame in &frames {
        assert_eq!(frame.key.is_some(), role == Role::Client, "section 5.1: only a client masks");
    }
    frames.into_iter().flat_map(|frame| frame.plain).collect()
}

/// What a fresh writer has pending once that was said; see [`plain`].
pub(crate) fn writes(role: Role, config: &Config, say: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut connection = connection(role, config);
    let (_, writer) = connection.split();
    say(writer);
    plain(role, writer.pending())
}

/// Writes out what is outgoing; see [`plain`].
pub(crate) fn flush(connection: &mut Connection) -> Vec<u8> {
    let wire = connection.outgoing().to_vec();
    connection.consume(wire.len());
    plain(connection.role(), &wire)
}

/// Receives one read of a server's frames, masked if need be; what came of it.
pub(crate) fn receive(connection: &mut Connection, wire: &[u8]) -> (Vec<Got>, Option<Error>) {
    let mut wire = sent_to(connection.role(), wire);
    receive_raw(connection, &mut wire)
}

fn receive_raw(connection: &mut Connection, wire: &mut [u8]) -> (Vec<Got>, Option<Error>) {
    let (reader, _) = connection.split();
    let mut input = wire;
    let mut got = Vec::new();
    loop {
        match reader.receive(&mut input) {
            Ok(Some(event)) => got.push(event.into()),
            Ok(None) => return (got, None),
            Err(error) => return (got, Some(error)),
        }
    }
}

/// Carries up to `n` bytes from one end to the other.
pub(crate) fn carry(from: &mut Connection, to: &mut Connection, n: usize) -> (Vec<Got>, Option<Error>) {
    let outgoing = from.outgoing();
    let mut wire = outgoing[..n.min(outgoing.len())].to_vec();
    from.consume(wire.len());
    receive_raw(to, &mut wire)
}

/// A data frame of a server, its length in the shortest form.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut wire = vec![first];
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        wire.push(short);
    } else if let Ok(long) = u16::try_from(length) {
        wire.push(126);
        wire.extend(long.to_be_bytes());
    } else {
        wire.push(127);
        wire.extend((length as u64).to_be_bytes());
    }
    wire.extend(payload);
    wire
}

/// Bytes that no period of a mask or a word repeats.
pub(crate) fn pattern(n: usize) -> Vec<u8> {
    (0..251).cycle().take(n).collect()
}

const SHORT: usize = 300;
