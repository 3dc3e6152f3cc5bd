//! Receiving: one message by its size, by what reads bring and by its fragments; many messages; many connections.

use ws_proto::{Connection, Event};

use crate::measured;
use crate::wire::{
    BINARY, CONTINUES, ENDS, PING, SAMPLE, TEXT, TEXT_BEGINS, flush, frame, header, mask, receive, relay, server, text,
};

/// What a read brings, so that the buffer of all but the smallest messages grows.
const READ: usize = 4 << 10;

pub fn binary(n: usize) {
    assert_eq!(large(BINARY, n, receive), n);
}

pub fn texts(n: usize) {
    assert_eq!(large(TEXT, n, receive), n);
}

pub fn relayed(n: usize) {
    assert_eq!(large(TEXT, n, relay), n);
}

/// A message that need not be in memory to come in.
fn large(first: u8, n: usize, receive: fn(&mut Connection, &mut [u8]) -> usize) -> usize {
    let mut end = server();
    let mut piece = text(READ);
    mask(&mut piece);
    let mut buffer = header(first, n);
    let mut received = measured(|| receive(&mut end, &mut buffer));
    let mut left = n;
    while left > 0 {
        buffer.clone_from(&piece);
        buffer.truncate(left);
        left -= buffer.len();
        received += measured(|| receive(&mut end, &mut buffer));
    }
    received
}

pub fn roomy(n: usize) {
    to_where_it_belongs(n, READ);
}

pub fn roomy_in_bytes(n: usize) {
    to_where_it_belongs(n, 1);
}

/// A message that is read into the reader's own buffer.
fn to_where_it_belongs(n: usize, read: usize) {
    let mut end = server();
    let (reader, _) = end.split();
    assert_eq!(reader.advance(&mut &mut header(BINARY, n)[..]), Ok(false));
    let mut left = n;
    measured(|| {
        while left > 0 {
            if let Some(room) = reader.room(1) {
                let n = room.len().min(read);
                room[..n].fill(7);
                reader.filled(n);
                left -= n;
            } else {
                // Room is as much as there is already.
                reader.advance(&mut &mut [7][..]).expect("valid");
                left -= 1;
            }
        }
    });
    assert!(matches!(reader.event(), Some(Event::Binary(bytes)) if bytes.len() == n));
}

/// All of `wire`, in reads of one size.
fn in_reads(wire: &mut [u8], read: usize, receive: fn(&mut Connection, &mut [u8]) -> usize) -> usize {
    let mut end = server();
    measured(|| {
        let mut received = 0;
        for input in wire.chunks_mut(read) {
            received += receive(&mut end, input);
            flush(&mut end);
        }
        received
    })
}

pub fn in_bytes(n: usize) {
    assert_eq!(in_reads(&mut frame(TEXT, &text(n)), 1, receive), n);
}

pub fn relayed_in_bytes(n: usize) {
    assert_eq!(in_reads(&mut frame(TEXT, &text(n)), 1, relay), n);
}

pub fn messages(n: usize) {
    assert_eq!(in_reads(&mut frame(TEXT, SAMPLE.as_bytes()).repeat(n), READ, receive), n * SAMPLE.len());
}

pub fn messages_in_bytes(n: usize) {
    assert_eq!(in_reads(&mut frame(TEXT, SAMPLE.as_bytes()).repeat(n), 1, receive), n * SAMPLE.len());
}

pub fn pings(n: usize) {
    assert_eq!(in_reads(&mut frame(PING, b"are you there").repeat(n), READ, receive), 0);
}

pub fn fragments(n: usize) {
    assert_eq!(in_reads(&mut fragmented(n, SAMPLE), READ, receive), n * SAMPLE.len());
}

pub fn fragments_in_bytes(n: usize) {
    assert_eq!(in_reads(&mut fragmented(n, SAMPLE), 1, receive), n * SAMPLE.len());
}

pub fn empty_fragments(n: usize) {
    assert_eq!(in_reads(&mut fragmented(n, ""), READ, receive), 0);
}

/// A message of `n` fragments, with a ping between each.
fn fragmented(n: usize, fragment: &str) -> Vec<u8> {
    let between = [frame(PING, b"between"), frame(CONTINUES, fragment.as_bytes())].concat().repeat(n - 2);
    [frame(TEXT_BEGINS, fragment.as_bytes()), between, frame(ENDS, fragment.as_bytes())].concat()
}

/// One message to each, which is sent back.
pub fn connections(n: usize) {
    let mut ends: Vec<Connection> = (0..n).map(|_| server()).collect();
    let wire = frame(TEXT, &text(128));
    for end in &mut ends {
        let mut buffer = wire.clone();
        measured(|| {
            assert_eq!(receive(end, &mut buffer), 128);
            end.split().1.binary(&buffer).expect("open");
            flush(end);
            end.release();
        });
    }
}
