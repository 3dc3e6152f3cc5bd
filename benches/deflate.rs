//! Compression: what a message costs, in bytes and in time, and a connection in memory. A server sends, a client
//! receives, messages of some 500 bytes of JSON with random ids, by the number of connections; and one connection's, by
//! their size. Beside it the usual design: a zlib-rs stream of its own for each connection and direction, with neither
//! frames nor the strict end.
//!
//! ```text
//! cargo bench --features deflate --bench deflate             # all of it: a minute or two
//! cargo bench --features deflate --bench deflate -- 1 1000   # with so many connections only, and no sizes
//! cargo bench --features deflate --bench deflate -- --test   # each once
//! ```
//!
//! Both designs take turns, round by round, so that a loaded machine slows both; medians of all rounds, and the median
//! of their ratios. Above 1 is slower than the usual design. Memory is what was allocated for both ends' own direction:
//! ours with the pool, which all share.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use std::collections::VecDeque;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use ws_proto::deflate::{Agreement, Compression};
use ws_proto::{Config, Connection, Event, Seed};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use crate::common::SIZES;

/// So many codecs of the usual design are made at most: some 380 KiB each to send, and 47 KiB to receive.
const MOST_CODECS: usize = 2000;
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// How long it takes: so many messages a round, so many rounds.
#[derive(Clone, Copy)]
struct Length {
    messages: usize,
    rounds: usize,
}

/// What goes through.
struct Input {
    messages: Vec<Vec<u8>>,
    /// What went through before, as when the codecs have been at work for some time: whole windows.
    old: Vec<u8>,
}

/// What came of the rounds of one design, or of both.
#[derive(Default)]
struct Rounds {
    ours: Vec<f64>,
    usual: Vec<f64>,
    bytes: [usize; 2],
    messages: [usize; 2],
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let only: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let mut messages = texts(1 << 12);
    let old = messages.split_off(messages.len() - 70).concat();
    let mean = messages.iter().map(Vec::len).sum::<usize>() / messages.len();
    println!(
        "messages of {mean} bytes; ours / a codec for each connection, the ratio of the times, and their difference"
    );
    let mut input = Input { messages, old };
    for level in [6, 1] {
        for window in [15, 12] {
            for connections in if test { [1, 3, 10, 30] } else { [1, 100, 1000, 10_000] } {
                if !only.is_empty() && !only.contains(&connections) {
                    continue;
                }
                let length = match (test, connections) {
                    (true, _) => Length { messages: 1, rounds: 2 },
                    // One hot connection: many short rounds.
                    (false, 1) => Length { messages: 500, rounds: 61 },
                    (false, 100) => Length { messages: 1000, rounds: 31 },
                    (false, _) => Length { messages: connections.min(2000), rounds: 15 },
                };
                both(&input, connections, level, window, length);
            }
        }
    }
    let stream = input.messages.concat();
    for size in SIZES.into_iter().filter(|_| only.is_empty()) {
        println!("messages of {size} bytes");
        let stream = stream.repeat(size / stream.len() + 1);
        input.messages = stream.chunks_exact(size).map(<[u8]>::to_vec).take(1000).collect();
        let messages = ((256 << 10) / size).clamp(1, 500);
        let rounds = if test { 1 } else { ((16 << 20) / size).clamp(3, 15) };
        both(&input, 1, 6, 15, Length { messages, rounds });
    }
}

fn both(input: &Input, connections: usize, level: u8, window: u8, length: Length) {
    let sent = sending(input, connections, level, window, length);
    let received = receiving(input, connections, level, window, length);
    let [ours, usual] = [0, 1].map(|design| sent[design] + received[design]);
    println!("both    level {level}, {window} bits, {connections:5} connections: {ours:6.2} / {usual:6.2} us");
}

fn sending(input: &Input, connections: usize, level: u8, window: u8, length: Length) -> [f64; 2] {
    let config = Config::new().compression(Compression::new().level(level));
    let usual = connections.min(MOST_CODECS);
    let mut ends = Vec::with_capacity(connections);
    let mut codecs = Vec::with_capacity(usual);
    let (mut next, mut output) = (0, input.output());
    let ours = measure(|| {
        for _ in 0..connections {
            let mut end = Connection::server(&config).with_deflate(agreement(window), &config);
            end.split().1.binary(&input.old).unwrap();
            let n = end.outgoing().len();
            end.consume(n);
            end.release();
            ends.push(end);
        }
    });
    let theirs = measure(|| {
        for _ in 0..usual {
            let mut codec = Deflate::new(i32::from(level), false, window);
            codec.compress(&input.old, &mut output, DeflateFlush::SyncFlush).unwrap();
            codecs.push(codec);
        }
    });
    let mut rounds = Rounds::default();
    let (mut at, mut at_usual) = (0, 0);
    for round in 0..length.rounds {
        for design in in_turns(round) {
            let start = next;
            let clock = Instant::now();
            for _ in 0..length.messages {
                let text = &input.messages[next % input.messages.len()];
                next += 1;
                if design == 0 {
                    let end = &mut ends[at];
                    at = (at + 1) % connections;
                    end.split().1.binary(text).unwrap();
                    let n = black_box(end.outgoing()).len();
                    end.consume(n);
                    rounds.bytes[0] += n;
                } else {
                    let codec = &mut codecs[at_usual];
                    at_usual = (at_usual + 1) % usual;
                    let before = codec.total_out();
                    codec.compress(text, &mut output, DeflateFlush::SyncFlush).unwrap();
                    rounds.bytes[1] += usize::try_from(codec.total_out() - before).unwrap() - TAIL.len();
                    black_box(&output);
                }
            }
            rounds.add(design, clock.elapsed(), next - start);
        }
    }
    let kept = [kib(ours.bytes_current, connections), kib(theirs.bytes_current, usual)];
    rounds.print("send", connections, level, window, kept, usual)
}

fn receiving(input: &Input, connections: usize, level: u8, window: u8, length: Length) -> [f64; 2] {
    let config = Config::new().compression(Compression::new().level(level));
    let usual = connections.min(MOST_CODECS);
    // Each connection's stream comes from a codec of its own, which is not kept.
    let each = (length.messages * length.rounds).div_ceil(usual) + 1;
    let Input { messages: texts, old } = input;
    let mut peer = Deflate::new(i32::from(level), false, window);
    let mut wire = vec![VecDeque::new(); connections];
    for (n, wire) in wire.iter_mut().enumerate() {
        peer.reset();
        wire.push_back(payload(&mut peer, old));
        for m in 0..each {
            wire.push_back(payload(&mut peer, &texts[(n * 31 + m) % texts.len()]));
        }
    }
    let mut ends = Vec::with_capacity(connections);
    let mut codecs = Vec::with_capacity(usual);
    let mut output = input.output();
    let mut framed: Vec<VecDeque<Vec<u8>>> =
        wire.iter().map(|wire| wire.iter().map(|payload| frame(payload)).collect()).collect();
    let ours = measure(|| {
        for framed in &mut framed {
            let client = Connection::client(&config, Seed::predictable_for_tests(0));
            let mut end = client.with_deflate(agreement(window), &config);
            assert_eq!(receive(&mut end, &mut framed[0]), old.len());
            end.release();
            ends.push(end);
        }
    });
    let theirs = measure(|| {
        for wire in &wire[..usual] {
            let mut codec = Inflate::new(false, window);
            assert_eq!(inflate(&mut codec, &wire[0], &mut output), old.len());
            codecs.push(codec);
        }
    });
    framed.iter_mut().chain(&mut wire).for_each(|wire| drop(wire.pop_front()));
    let mut rounds = Rounds::default();
    let (mut at, mut at_usual) = (0, 0);
    for round in 0..length.rounds {
        for design in in_turns(round) {
            // A round's messages are taken out before the clock runs.
            let ((queues, modulus), from) =
                if design == 0 { ((&mut framed, connections), at) } else { ((&mut wire, usual), at_usual) };
            let mut messages: Vec<(usize, Vec<u8>)> = (from..from + length.messages)
                .map(|n| (n % modulus, queues[n % modulus].pop_front().expect("as many as each will get")))
                .collect();
            let clock = Instant::now();
            for (n, message) in &mut messages {
                if design == 0 {
                    at = (at + 1) % connections;
                    black_box(receive(&mut ends[*n], message));
                } else {
                    at_usual = (at_usual + 1) % usual;
                    black_box(inflate(&mut codecs[*n], message, &mut output));
                }
                rounds.bytes[design] += message.len();
            }
            rounds.add(design, clock.elapsed(), length.messages);
        }
    }
    let kept = [kib(ours.bytes_current, connections), kib(theirs.bytes_current, usual)];
    rounds.print("receive", connections, level, window, kept, usual)
}

impl Input {
    /// Room for any of them.
    fn output(&self) -> Vec<u8> {
        let longest = self.messages.iter().map(Vec::len).max().unwrap_or_default();
        vec![0; longest + (64 << 10)]
    }
}

impl Rounds {
    fn add(&mut self, design: usize, time: Duration, messages: usize) {
        let each = time.as_secs_f64() * 1e6 / as_f64(messages);
        if design == 0 { &mut self.ours } else { &mut self.usual }.push(each);
        self.messages[design] += messages;
    }

    /// Returns the medians, in microseconds.
    fn print(self, what: &str, connections: usize, level: u8, window: u8, kept: [f64; 2], usual: usize) -> [f64; 2] {
        let Self { ours, usual: theirs, bytes, messages } = self;
        let more = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours - theirs).collect());
        let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
        let bytes = [0, 1].map(|design| as_f64(bytes[design]) / as_f64(messages[design]));
        let medians = [median(ours), median(theirs)];
        println!(
            "{what:7} level {level}, {window} bits, {connections:5} connections: {:6.2} / {:6.2} us, ratio {ratio:.2}, \
             {more:+6.2} us; {:5.1} / {:5.1} bytes; {:5.1} / {:5.1} KiB{}",
            medians[0],
            medians[1],
            bytes[0],
            bytes[1],
            kept[0],
            kept[1],
            if usual < connections { format!(" ({usual} codecs)") } else { String::new() },
        );
        medians
    }
}

/// Each design is first by turns.
const fn in_turns(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}

const fn agreement(window: u8) -> Agreement {
    Agreement {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: Some(window),
        client_max_window_bits: None,
    }
}

fn receive(end: &mut Connection, mut frame: &mut [u8]) -> usize {
    match end.split().0.receive(&mut frame) {
        Ok(Some(Event::Binary(bytes))) => bytes.len(),
        other => panic!("{other:?}"),
    }
}

fn inflate(codec: &mut Inflate, payload: &[u8], output: &mut [u8]) -> usize {
    let before = codec.total_out();
    codec.decompress(payload, output, InflateFlush::SyncFlush).unwrap();
    let made = usize::try_from(codec.total_out() - before).unwrap();
    codec.decompress(&TAIL, &mut output[made..], InflateFlush::SyncFlush).unwrap();
    usize::try_from(codec.total_out() - before).unwrap()
}

fn payload(codec: &mut Deflate, text: &[u8]) -> Vec<u8> {
    let mut output = vec![0; text.len() + 100];
    let before = codec.total_out();
    codec.compress(text, &mut output, DeflateFlush::SyncFlush).unwrap();
    output.truncate(usize::try_from(codec.total_out() - before).unwrap() - TAIL.len());
    output
}

/// A compressed binary message from a server.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc2];
    match (payload.len(), u16::try_from(payload.len())) {
        (0..=125, Ok(length)) => bytes.push(length.to_be_bytes()[1]),
        (_, Ok(length)) => {
            bytes.push(126);
            bytes.extend(length.to_be_bytes());
        }
        (length, Err(_)) => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Messages of about 500 bytes, no two alike.
fn texts(count: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = ["yes", "no", "see you at noon", "the build is green again", "what about lunch", "look at this", "ok"];
    (0..count)
        .map(|n| {
            let mut text = format!("{{\"type\":\"messages\",\"room\":\"{:016x}\",\"items\":[", random());
            for item in 0..4 {
                let (id, user, time) = (random(), random() % 5000, 1_700_000_000_000 + n as u64 * 700 + item);
                let word = words[usize::try_from(random() % 7).unwrap()];
                write!(
                    text,
                    "{{\"id\":\"{id:016x}\",\"user\":{user},\"time\":{time},\"text\":\"{word}\",\"read\":false}},"
                )
                .unwrap();
            }
            write!(text, "],\"more\":{}}}", random() & 1 == 1).unwrap();
            text.into_bytes()
        })
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn kib(bytes: i64, connections: usize) -> f64 {
    as_f64(usize::try_from(bytes).unwrap()) / as_f64(connections) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "they are small")]
const fn as_f64(number: usize) -> f64 {
    number as f64
}
