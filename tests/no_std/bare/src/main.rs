//! The machine without an allocator: there is none here, so this would not link if `ws-proto` wanted one. Frames are
//! written in place, read in chunks, and the connection is closed by both ends. Exits with 0 if all is as it should.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use ws_proto::{Chunk, CloseCode, Config, Connection, Kind, Seed, Transport};

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(round_trip().is_none())
}

/// What a client says, as a server reads it; `None` is a mismatch.
fn round_trip() -> Option<()> {
    let config = Config::new();
    let mut client = Connection::client(&config, Seed::predictable_for_tests(1));
    let mut server = Connection::server(&config);
    let mut wire = Wire { bytes: [0; 2048], len: 0 };

    // A text message in place, and a binary one in two fragments with a ping between.
    let (_, writer) = client.split();
    let mut payload = *b"Hello, 5 \xe2\x82\xac";
    wire.push(&writer.text_in_place(&mut payload).ok()?)?;
    wire.push(&payload)?;
    let mut payload = [7; 1000];
    let (first, last) = payload.split_at_mut(300);
    wire.push(&writer.fragment_in_place(Kind::Binary, first, false).ok()?)?;
    wire.push(first)?;
    wire.push(&writer.ping_bytes(b"there?").ok()?)?;
    wire.push(&writer.fragment_in_place(Kind::Binary, last, true).ok()?)?;
    wire.push(last)?;
    wire.push(&writer.close_bytes(CloseCode::NORMAL, "bye").ok()?)?;

    // Read in pieces that end anywhere.
    let mut answers = Wire { bytes: [0; 2048], len: 0 };
    let (mut text, mut binary, mut pings, mut closes) = (0, 0, 0, 0);
    for mut input in wire.written().chunks_mut(97) {
        loop {
            let (reader, writer) = server.split();
            match reader.receive_chunk(&mut input).ok()? {
                Some(Chunk::Data { kind: Kind::Text, bytes, .. }) => {
                    (bytes == b"Hello, 5 \xe2\x82\xac").then_some(())?;
                    text += bytes.len();
                }
                Some(Chunk::Data { kind: Kind::Binary, bytes, .. }) => {
                    bytes.iter().all(|byte| *byte == 7).then_some(())?;
                    binary += bytes.len();
                }
                Some(Chunk::Ping(b"there?")) => pings += 1,
                Some(Chunk::Close(Some(close))) => {
                    (close.code == CloseCode::NORMAL && close.reason == "bye").then_some(())?;
                    closes += 1;
                }
                Some(_) => return None,
                None => break,
            }
            if let Some(reply) = reader.take_reply() {
                answers.push(&writer.reply_bytes(reply)?)?;
            }
        }
    }
    ((text, binary, pings, closes) == (12, 1000, 1, 1)).then_some(())?;
    (server.transport() == Transport::Close && server.closed()?.clean).then_some(())?;

    // What the server answered, at the client.
    let mut input = answers.written();
    let (reader, _) = client.split();
    (reader.receive_chunk(&mut input) == Ok(Some(Chunk::Pong(b"there?")))).then_some(())?;
    matches!(reader.receive_chunk(&mut input), Ok(Some(Chunk::Close(Some(_))))).then_some(())?;
    client.closed()?.clean.then_some(())
}

/// Bytes between two ends.
struct Wire {
    bytes: [u8; 2048],
    len: usize,
}

impl Wire {
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    fn written(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    abort()
}

unsafe extern "C" {
    safe fn abort() -> !;
}
