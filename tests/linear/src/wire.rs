//! Input, put together by hand, and ends.

use ws_proto::{Chunk, Config, Connection, Event, Seed};

pub const TEXT: u8 = 0x81;
pub const TEXT_BEGINS: u8 = 0x01;
pub const BINARY: u8 = 0x82;
pub const BINARY_COMPRESSED: u8 = 0xc2;
pub const CONTINUES: u8 = 0x00;
pub const ENDS: u8 = 0x80;
pub const PING: u8 = 0x89;

/// What texts are made of. It is as long as two keys, so that it looks the same masked wherever it begins.
pub const SAMPLE: &str = "x \u{20ac} ab";

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Without limits: they are what makes quadratic work harmless.
pub const fn config() -> Config {
    let config = Config::new().max_message(Config::UNLIMITED).max_frame(Config::UNLIMITED);
    let config = config.max_fragments(Config::UNLIMITED).max_pending(Config::UNLIMITED);
    config.max_head(Config::UNLIMITED).max_headers(Config::UNLIMITED).max_target(Config::UNLIMITED)
}

pub fn server() -> Connection {
    Connection::server(&config())
}

pub fn client() -> Connection {
    Connection::client(&config(), Seed::predictable_for_tests(1))
}

/// So many bytes of text, as far as the last character is whole.
pub fn text(n: usize) -> Vec<u8> {
    SAMPLE.bytes().cycle().take(n).collect()
}

/// The header of a client's frame.
pub fn header(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => bytes.push(0x80 | length),
        (_, Ok(length)) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes
}

pub fn mask(bytes: &mut [u8]) {
    for (byte, key) in bytes.iter_mut().zip(KEY.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// A client's frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len());
    let start = bytes.len();
    bytes.extend(payload);
    mask(&mut bytes[start..]);
    bytes
}

/// Receives all there is, and answers every ping. Returns how many bytes the messages have.
pub fn receive(end: &mut Connection, mut input: &mut [u8]) -> usize {
    let (reader, writer) = end.split();
    let mut bytes = 0;
    while let Some(event) = reader.receive(&mut input).expect("valid") {
        bytes += match event {
            Event::Text(text) => text.len(),
            Event::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        if let Some(reply) = reader.take_reply() {
            writer.reply(reply);
        }
    }
    bytes
}

/// Receives all there is, piece by piece.
pub fn relay(end: &mut Connection, mut input: &mut [u8]) -> usize {
    let mut received = 0;
    while let Some(chunk) = end.split().0.receive_chunk(&mut input).expect("valid") {
        if let Chunk::Data { bytes, .. } = chunk {
            received += bytes.len();
        }
    }
    received
}

/// Sends all that is outgoing.
pub fn flush(end: &mut Connection) -> usize {
    let n = end.outgoing().len();
    end.consume(n);
    n
}
