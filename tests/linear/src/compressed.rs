//! Compressed messages: one by its size, by what reads bring, by its fragments; many connections on one pool.

use std::fmt::Write;

use ws_proto::deflate::{Agreement, Compression, Prepared};
use ws_proto::{Config, Connection, Seed};

use crate::measured;
use crate::wire::{BINARY_COMPRESSED, config, flush, frame, receive, relay};

const READ: usize = 4 << 10;

fn with_pool() -> Config {
    config().compression(Compression::new().level(1))
}

fn server(config: &Config) -> Connection {
    Connection::server(config).with_deflate(Agreement::default(), config)
}

fn client(config: &Config) -> Connection {
    Connection::client(config, Seed::predictable_for_tests(1)).with_deflate(Agreement::default(), config)
}

/// So many bytes that shrink, the same all the way.
fn json(n: usize) -> Vec<u8> {
    let (mut text, mut state) = (String::with_capacity(n + 100), 1_u64);
    while text.len() < n {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(text, "{{\"id\":\"{:016x}\",\"text\":\"see you at noon\",\"read\":false}},", state >> 8).expect("room");
    }
    text.truncate(n);
    text.into_bytes()
}

/// What a client makes of a message.
fn wire(config: &Config, message: &[u8]) -> Vec<u8> {
    let mut client = client(config);
    client.split().1.binary(message).expect("open");
    client.outgoing().to_vec()
}

pub fn sent(n: usize) {
    let (config, message) = (with_pool(), json(n));
    let mut end = server(&config);
    measured(|| {
        end.split().1.binary(&message).expect("open");
        assert!(flush(&mut end) < n);
    });
}

/// A message in fragments of one size, in reads of one size.
fn received(message: &[u8], fragment: usize, read: usize) {
    let mut wire = wire(&with_pool().fragment_size(fragment), message);
    let mut end = server(&with_pool());
    let received = measured(|| wire.chunks_mut(read).map(|input| receive(&mut end, input)).sum::<usize>());
    assert_eq!(received, message.len());
}

pub fn whole(n: usize) {
    received(&json(n), Config::UNLIMITED, READ);
}

pub fn in_bytes(n: usize) {
    received(&json(n), Config::UNLIMITED, 1);
}

pub fn in_fragments(n: usize) {
    received(&json(n), 8, READ);
}

/// Piece by piece, and in reads of a byte: what came out before is kept for what refers to it.
pub fn relayed_in_bytes(n: usize) {
    let mut wire = wire(&with_pool(), &json(n));
    let mut end = server(&with_pool());
    assert_eq!(measured(|| wire.chunks_mut(1).map(|input| relay(&mut end, input)).sum::<usize>()), n);
}

pub fn bomb(n: usize) {
    received(&vec![0; n], Config::UNLIMITED, READ);
}

/// As many blocks that end the stream as a message may have: behind each the inflater starts anew.
pub fn final_blocks(n: usize) {
    let block = [&b"\x01\x3b\0\xc4\xff"[..], &[7; 59]].concat();
    let mut wire = frame(BINARY_COMPRESSED, &[&*block.repeat(n), b"\0"].concat());
    let mut end = server(&with_pool());
    assert_eq!(measured(|| receive(&mut end, &mut wire)), 59 * n);
}

/// Blocks of nothing, behind a message that fills the window.
pub fn empty_blocks(n: usize) {
    let blocks = b"\0\0\0\xff\xff".repeat(n);
    let mut wire = wire(&with_pool(), &json(64 << 10));
    wire.extend(frame(BINARY_COMPRESSED, &[&*blocks, b"\0"].concat()));
    let mut end = server(&with_pool());
    assert_eq!(measured(|| receive(&mut end, &mut wire)), 64 << 10);
}

/// One message, compressed once, to each.
pub fn prepared(n: usize) {
    let config = with_pool();
    let mut ends: Vec<Connection> = (0..n).map(|_| server(&config)).collect();
    let message = Prepared::binary(&json(512), &Compression::new());
    measured(|| {
        for end in &mut ends {
            end.split().1.prepared(&message).expect("open");
            flush(end);
        }
    });
}

pub fn messages(n: usize) {
    let (config, message) = (with_pool(), json(256));
    let mut end = server(&config);
    measured(|| {
        for _ in 0..n {
            end.split().1.binary(&message).expect("open");
            flush(&mut end);
        }
    });
}

/// Each has its second message, and sends it back.
pub fn connections(n: usize) {
    let config = with_pool();
    let message = json(256);
    let mut client = client(&config);
    let [first, second] = [(); 2].map(|()| {
        client.split().1.binary(&message).expect("open");
        let wire = client.outgoing().to_vec();
        client.consume(wire.len());
        wire
    });
    let mut ends: Vec<Connection> = (0..n).map(|_| server(&config)).collect();
    let echo = |end: &mut Connection, mut wire: Vec<u8>| {
        assert_eq!(receive(end, &mut wire), message.len());
        end.split().1.binary(&message).expect("open");
        flush(end);
        end.release();
    };
    ends.iter_mut().for_each(|end| echo(end, first.clone()));
    for end in &mut ends {
        let wire = second.clone();
        measured(|| echo(end, wire));
    }
}

/// Each has half a message before any has the rest.
pub fn half_messages(n: usize) {
    half_messages_on(&with_pool(), n);
}

fn half_messages_on(config: &Config, n: usize) {
    let message = json(256);
    let wire = wire(config, &message);
    let (first, rest) = wire.split_at(wire.len() / 2);
    let mut ends: Vec<Connection> = (0..n).map(|_| server(config)).collect();
    for (half, length) in [(first, 0), (rest, message.len())] {
        for end in &mut ends {
            let mut half = half.to_vec();
            assert_eq!(measured(|| receive(end, &mut half)), length);
        }
    }
}
