//! A real connection, taken through steps and held against the model.

use crate::rules::{Expected, Model, SAID, Sent};
use crate::steps::{BINARY, CLOSE, Call, PING, PONG, Step, TEXT};
use ws_proto::{Config, Connection, Error, Event, Role, Seed, SendError, Transport};

/// How the bytes of a frame arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Feed {
    Whole,
    /// Whole, and events are lent by the reader.
    Advance,
    ByteByByte,
}

/// A step and, if it is a frame, its bytes.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) step: Step,
    wire: Vec<u8>,
}

/// What came of a step.
#[derive(Debug, Default)]
struct Observed {
    /// A message, or a control frame, by its opcode.
    event: Option<(u8, Vec<u8>)>,
    /// And after how many bytes.
    error: Option<(usize, Error)>,
    eof: Option<Result<(), Error>>,
    said: Option<Result<(), SendError>>,
    written: Option<Vec<u8>>,
}

impl Ready {
    pub(crate) fn new(step: Step, role: Role) -> Self {
        let wire = if let Step::Frame(frame) = &step { frame.wire(role) } else { Vec::new() };
        Self { step, wire }
    }
}

/// Takes a new connection through steps that were checked before.
pub(crate) fn replay<'r>(role: Role, feed: Feed, steps: impl IntoIterator<Item = &'r Ready>) -> Connection {
    let mut connection = match role {
        Role::Client => Connection::client(&Config::new(), Seed::predictable_for_tests(0)),
        Role::Server => Connection::server(&Config::new()),
    };
    for step in steps {
        observe(&mut connection, feed, step);
    }
    connection
}

/// Takes one more step, and holds that it is as the model says.
pub(crate) fn check(connection: &mut Connection, feed: Feed, ready: &Ready, model: &Model, expected: &Expected) {
    let observed = observe(connection, feed, ready);
    check_outcome(&observed, expected, feed, connection.role());
    check_end(connection, model);
}

/// Writes what is outgoing, and holds that it is as the model says.
pub(crate) fn check_outgoing(connection: &mut Connection, model: &mut Model) {
    let written = flush(connection);
    assert_eq!(decode(&written, connection.role()), model.flush(), "outgoing");
    check_end(connection, model);
}

fn check_outcome(observed: &Observed, expected: &Expected, feed: Feed, role: Role) {
    let Observed { event, error, eof, said, written } = observed;
    match expected {
        Expected::Nothing => assert_eq!((event, error), (&None, &None)),
        Expected::Event(opcode, payload) => {
            let event = event.as_ref().map(|(opcode, payload)| (*opcode, &payload[..]));
            assert_eq!((event, error), (Some((*opcode, &payload[..])), &None));
        }
        Expected::Fault(fault) => {
            assert_eq!(event, &None);
            let (at, error) = error.expect("a fault");
            assert!(fault.errors.contains(&error), "{error:?} is none of {:?}", fault.errors);
            assert_eq!(error.close_code().0, fault.code, "{error:?}");
            if matches!(feed, Feed::ByteByByte) {
                assert_eq!(at, fault.at, "{error:?} at another byte");
            }
        }
        Expected::Eof(expected) => assert_eq!(eof.as_ref(), Some(expected)),
        Expected::Said(expected) => assert_eq!(said.as_ref(), Some(expected)),
        Expected::Written(expected) => {
            assert_eq!(&decode(written.as_ref().expect("written"), role), expected);
        }
    }
}

fn check_end(connection: &mut Connection, model: &Model) {
    let closed = connection.closed().map(|closed| (closed.code, closed.reason, closed.clean, closed.by));
    assert_eq!(closed, model.closed());
    let transport = connection.transport();
    if transport == Transport::CloseAfterFlush && model.transport() != transport {
        // It may say so of a reply that nothing comes of any more: then it is asked again.
        assert_eq!(flush(connection), b"");
    }
    assert_eq!(connection.transport(), model.transport());
}

fn observe(connection: &mut Connection, feed: Feed, ready: &Ready) -> Observed {
    let call = match ready.step {
        Step::Frame(_) => return receive(connection, feed, &ready.wire),
        Step::Call(call) => call,
    };
    let mut observed = Observed::default();
    if let Call::Flush = call {
        observed.written = Some(flush(connection));
        return observed;
    }
    let (reader, writer) = connection.split();
    observed.said = Some(match call {
        Call::Text => writer.text(SAID),
        Call::Binary => writer.binary(SAID.as_bytes()),
        Call::Fragment(kind, payload, last) => writer.fragment(kind, payload, last),
        Call::Ping(payload) => writer.ping(payload),
        Call::Pong(payload) => writer.pong(payload),
        Call::Close(code, reason) => writer.close(code, reason),
        Call::CloseWithoutCode => {
            writer.close_without_code();
            Ok(())
        }
        Call::End => {
            writer.end();
            Ok(())
        }
        Call::ReceiveEof | Call::Flush => {
            observed.eof = Some(reader.receive_eof());
            return observed;
        }
    });
    observed
}

fn receive(connection: &mut Connection, feed: Feed, wire: &[u8]) -> Observed {
    let (reader, _) = connection.split();
    let mut observed = Observed::default();
    let mut buffer = wire.to_vec();
    let size = if let Feed::ByteByByte = feed { 1 } else { buffer.len() };
    for (n, mut input) in buffer.chunks_mut(size).enumerate() {
        loop {
            let event = match feed {
                Feed::Advance => reader.advance(&mut input).map(|_| reader.event()),
                Feed::Whole | Feed::ByteByByte => reader.receive(&mut input),
            };
            let event = match event {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => {
                    assert_eq!((&observed.event, observed.error), (&None, None), "{error:?} behind it");
                    observed.error = Some((n + 1, error));
                    continue;
                }
            };
            assert_eq!((&observed.event, observed.error), (&None, None), "{event:?} behind it");
            observed.event = Some(match event {
                Event::Text(text) => (TEXT, text.as_bytes().to_vec()),
                Event::Binary(bytes) => (BINARY, bytes.to_vec()),
                Event::Ping(bytes) => (PING, bytes.to_vec()),
                Event::Pong(bytes) => (PONG, bytes.to_vec()),
                Event::Close(None) => (CLOSE, vec![]),
                Event::Close(Some(close)) => (CLOSE, [&close.code.0.to_be_bytes(), close.reason.as_bytes()].concat()),
                other => panic!("unknown event {other:?}"),
            });
        }
        assert!(input.is_empty(), "read all, or an event");
    }
    observed
}

fn flush(connection: &mut Connection) -> Vec<u8> {
    let written = connection.outgoing().to_vec();
    connection.consume(written.len());
    written
}

/// Takes apart what `role` sent.
fn decode(mut wire: &[u8], role: Role) -> Vec<Sent> {
    let mut all = Vec::new();
    while let [first, second, rest @ ..] = wire {
        assert_eq!(second & 0x80 != 0, role == Role::Client, "section 5.1: a client masks, a server does not");
        let length = usize::from(second & 0x7f);
        assert!(length <= 125, "nothing longer is said here");
        let (key, rest) = if role == Role::Client { rest.split_at(4) } else { (&[0][..], rest) };
        let (payload, rest) = rest.split_at(length);
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        all.push(Sent { first: *first, payload });
        wire = rest;
    }
    assert!(wire.is_empty(), "whole frames");
    all
}
