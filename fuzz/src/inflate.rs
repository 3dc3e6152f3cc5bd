//! Compressed messages of any bytes.

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::frame::{Header, OpCode};
use ws_proto::{Chunk, Config, Connection, Error, Seed};

use super::pieces::{cut, pieces};

/// `data` is two compressed binary messages, cut as it says: what comes out of them, before a fault too, is the same
/// whole and in pieces, and stays within the limit.
pub fn inflate(data: &[u8]) {
    let Some((bytes, lengths)) = cut(data) else { return };
    let wire: Vec<u8> = bytes.chunks(bytes.len().div_ceil(2).max(1)).flat_map(frame).collect();
    let (whole, error) = read([&wire[..]].into_iter());
    let (cut, cut_error) = read(pieces(&wire, lengths));
    assert!(whole.len() <= 2 * LIMIT && cut.len() <= 2 * LIMIT);
    assert_eq!(cut_error, error);
    assert!(whole == cut);
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let header = Header { fin: true, rsv1: true, opcode: OpCode::Binary, key: None, length: payload.len() as u64 };
    [&*header.encode(), payload].concat()
}

fn read<'w>(pieces: impl Iterator<Item = &'w [u8]>) -> (Vec<u8>, Option<Error>) {
    let config = Config::new().max_message(LIMIT).compression(Compression::new());
    let seed = Seed::predictable_for_tests(1);
    let mut client = Connection::client(&config, seed).with_deflate(Agreement::default(), &config);
    let (mut read, mut error) = (Vec::new(), None);
    for piece in pieces {
        let mut buffer = piece.to_vec();
        let mut input = &mut buffer[..];
        loop {
            match client.split().0.receive_chunk(&mut input) {
                Ok(None) => break,
                Ok(Some(Chunk::Data { bytes, .. })) => read.extend_from_slice(bytes),
                Ok(Some(other)) => panic!("{other:?} was not sent"),
                Err(fault) => error = Some(fault),
            }
        }
    }
    (read, error)
}

const LIMIT: usize = 1 << 20;
