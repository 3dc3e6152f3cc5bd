//! One test for each fault that was found by other means than a test.
#![cfg(feature = "std")]

use std::io::{self, Read, Write};

use ws_proto::handshake::{HandshakeError, OriginPolicy, Server};
use ws_proto::{Config, Connection, Event, Seed, SendError, Transport, blocking};

#[test]
fn empty_masked_frame_cut_before_its_key_waits_for_it() {
    let mut server = Connection::server(&Config::new());
    let (reader, _) = server.split();
    assert_eq!(reader.receive(&mut &mut [0x81, 0x80][..]), Ok(None));
    assert_eq!(reader.receive(&mut &mut [1, 2, 3, 4][..]), Ok(Some(Event::Text(""))));
}

#[test]
fn head_request_is_refused_without_a_body_whatever_is_wrong_with_it() {
    let mut request = *b"HEAD / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n";
    let refusal = Server::new(OriginPolicy::Any, &Config::new()).receive(&mut &mut request[..]).unwrap_err();
    assert_eq!(refusal.error(), HandshakeError::BadHeader);
    assert!(refusal.response().ends_with(b"\r\n\r\n"), "{}", refusal.response().escape_ascii());
}

#[test]
fn an_owed_pong_survives_the_end_of_the_stream_and_a_look_at_the_halves() {
    let mut server = Connection::server(&Config::new());
    let (reader, _) = server.split();
    assert_eq!(reader.receive(&mut &mut b"\x89\x80mask".to_vec()[..]), Ok(Some(Event::Ping(b""))));
    reader.receive_eof().unwrap_err();
    assert_eq!(server.split().1.text("nobody is there"), Err(SendError::Closed));
    assert_eq!(server.outgoing(), b"\x8a\x00");
}

#[test]
fn a_close_frame_that_will_not_be_answered_is_no_clean_end_and_nothing_to_wait_for() {
    let mut client = Connection::client(&Config::new(), Seed::predictable_for_tests(1));
    let (reader, writer) = client.split();
    writer.end();
    assert_eq!(reader.receive(&mut &mut b"\x88\x00".to_vec()[..]), Ok(Some(Event::Close(None))));
    assert!(!client.closed().unwrap().clean);
    assert_eq!(client.outgoing(), b"");
    assert_eq!(client.transport(), Transport::Close);
}

/// Yields `input` at once, then its end; the first `refusals` writes would block.
struct Slow {
    input: io::Cursor<Vec<u8>>,
    refusals: usize,
    output: Vec<u8>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client that has read `input`, with a stream that takes nothing at first.
fn slow(input: &[u8], refusals: usize) -> blocking::Socket<blocking::Untimed<Slow>> {
    let stream = Slow { input: io::Cursor::new(input.to_vec()), refusals, output: Vec::new() };
    blocking::Socket::new(blocking::Untimed(stream), Connection::server(&Config::new()), &[], &Config::new())
}

#[test]
fn ping_is_not_lost_where_its_pong_cannot_be_written_yet() {
    let mut socket = slow(b"\x89\x81\0\0\0\0p\x81\x81\0\0\0\0t", 1);
    assert_eq!(socket.next().unwrap(), Some(Event::Ping(b"p")));
    assert_eq!(socket.next().unwrap(), Some(Event::Text("t")));
    assert!(socket.next().is_err(), "the stream ends");
    assert_eq!(socket.stream().0.output, b"\x8a\x01p");
}

#[test]
fn end_is_not_reported_before_the_close_frame_is_out() {
    let mut socket = slow(b"\x88\x80\0\0\0\0", 2);
    assert_eq!(socket.next().unwrap(), Some(Event::Close(None)));
    assert!(matches!(socket.next(), Err(blocking::Error::TimedOut)), "not written yet");
    assert_eq!(socket.next().unwrap(), None);
    assert_eq!(socket.stream().0.output, b"\x88\x00");
}

#[cfg(feature = "deflate")]
#[test]
fn final_blocks_of_a_message_are_bounded() {
    use ws_proto::deflate::{Agreement, Compression};
    use ws_proto::frame::{Header, OpCode};
    use ws_proto::{Error, Seed};

    let config = Config::new().compression(Compression::new());
    for (blocks, outcome) in [(60, Ok(Some(Event::Binary(&b""[..])))), (100_000, Err(Error::BadCompression))] {
        let payload = b"\x03\x00".repeat(blocks);
        let length = payload.len() as u64;
        let header = Header { fin: true, rsv1: true, opcode: OpCode::Binary, key: None, length }.encode();
        let mut wire = [&*header, &payload].concat();
        let seed = Seed::predictable_for_tests(1);
        let mut client = Connection::client(&config, seed).with_deflate(Agreement::default(), &config);
        assert_eq!(client.split().0.receive(&mut &mut wire[..]), outcome, "{blocks} blocks");
    }
}
