//! What the machine itself takes: the bytes that have to be moved, masked and checked, with nothing in between.
//!
//! `floor` is all that an operation cannot do without, in steps of at most 16 KiB, which stay in the nearest cache:
//!
//! - receiving: a copy out of the wire; a server unmasks it in place; text is checked by simdutf8;
//! - sending: a copy into the sink; a client makes a masked copy before;
//! - an echo: both;
//! - the handshake: httparse, SHA-1, base64 and a response that is written.
//!
//! The others are single steps, over payloads of the cell's size.

use std::hint::black_box;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};
use simdutf8::basic::from_utf8;
use ws_proto::mask;

use crate::cell::{Operation, Role};
use crate::job::{Job, Round};

/// The name of the row that ours is compared with.
pub(crate) const FLOOR: &str = "floor";

/// One of them; none if an operation has no such step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) open: fn(&Job) -> Option<Round>,
}

pub(crate) const ALL: [Limit; 6] = [
    Limit { name: FLOOR, open: |job| Some(floor(job)) },
    Limit { name: "copy", open: copy },
    Limit { name: "copy as a whole", open: copy_whole },
    Limit { name: "copy, then mask::apply", open: copy_then_mask },
    Limit { name: "copy and XOR in one loop", open: copy_and_mask },
    Limit { name: "simdutf8", open: utf8 },
];

/// What is done at once.
const STEP: usize = 16 << 10;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn floor(job: &Job) -> Round {
    match job.operation {
        Operation::Receive(..) | Operation::Echo(_) | Operation::Fragmented => floor_of_receiving(job),
        Operation::Send(..) => floor_of_sending(job),
        Operation::Handshake => floor_of_handshake(job),
    }
}

fn floor_of_receiving(job: &Job) -> Round {
    let (reads, job, mut buffer) = (Reads::new(job), job.clone(), vec![0; STEP]);
    let (is_masked, is_text) = (job.operation.role() == Role::Server, job.operation.checks_text());
    let is_echo = matches!(job.operation, Operation::Echo(_));
    Box::new(move |_| {
        for read in reads.iter() {
            let read_into = &mut buffer[..read.len()];
            read_into.copy_from_slice(read);
            for message in read_into.chunks_mut(reads.piece) {
                if is_masked {
                    mask::apply(message, KEY);
                }
                if is_text {
                    black_box(from_utf8(message)).expect("valid");
                }
                black_box(message);
            }
            if is_echo {
                job.sink.write(read_into);
            }
        }
    })
}

fn floor_of_sending(job: &Job) -> Round {
    let (job, mut buffer) = (job.clone(), job.payload.to_vec());
    let is_masked = job.operation.role() == Role::Client;
    Box::new(move |_| {
        for _ in 0..job.count {
            let payload = black_box(&job.payload);
            if is_masked {
                buffer.copy_from_slice(payload);
                mask::apply(&mut buffer, KEY);
            }
            job.sink.write(if is_masked { &buffer } else { payload });
        }
    })
}

fn floor_of_handshake(job: &Job) -> Round {
    let job = job.clone();
    Box::new(move |_| {
        for _ in 0..job.count {
            let mut buffer = [0; 4 << 10];
            let n = job.pipe().pull(&mut buffer);
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut headers);
            request.parse(&buffer[..n]).expect("a good request");
            let key = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("sec-websocket-key"));
            let mut hash = Sha1::new();
            hash.update(key.expect("it has one").value);
            hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
            let mut accept = [0; 28];
            BASE64_STANDARD.encode_slice(hash.finalize(), &mut accept).expect("28 bytes");
            job.sink.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            );
            job.sink.write(&accept);
            job.sink.write(b"\r\n\r\n");
        }
    })
}

fn copy(job: &Job) -> Option<Round> {
    step(job, job.operation != Operation::Handshake, |from, to| to.copy_from_slice(from))
}

/// Into as much memory as a message has, as by everyone who hands on whole messages.
fn copy_whole(job: &Job) -> Option<Round> {
    let (payload, count, mut buffer) = (job.payload.clone(), job.count, job.payload.to_vec());
    (payload.len() > STEP).then(|| -> Round {
        Box::new(move |_| (0..count).for_each(|_| black_box(&mut buffer).copy_from_slice(black_box(&payload))))
    })
}

fn copy_then_mask(job: &Job) -> Option<Round> {
    step(job, is_masked(job), |from, to| {
        to.copy_from_slice(from);
        mask::apply(to, KEY);
    })
}

fn copy_and_mask(job: &Job) -> Option<Round> {
    step(job, is_masked(job), |from, to| {
        let keys: [u8; 32] = std::array::from_fn(|at| KEY[at % 4]);
        for (from, to) in from.chunks(keys.len()).zip(to.chunks_mut(keys.len())) {
            from.iter().zip(to).zip(keys).for_each(|((from, to), key)| *to = from ^ key);
        }
    })
}

fn utf8(job: &Job) -> Option<Round> {
    if !job.operation.checks_text() {
        return None;
    }
    let job = job.clone();
    Some(Box::new(move |_| {
        for _ in 0..job.count {
            black_box(from_utf8(black_box(&job.payload))).expect("valid");
        }
    }))
}

fn is_masked(job: &Job) -> bool {
    match job.operation {
        Operation::Receive(role, _) => role == Role::Server,
        Operation::Send(role, _) => role == Role::Client,
        Operation::Echo(_) | Operation::Fragmented => true,
        Operation::Handshake => false,
    }
}

/// Does one thing to each payload, in pieces of at most a step.
fn step(job: &Job, applies: bool, each: fn(&[u8], &mut [u8])) -> Option<Round> {
    let (payload, count, mut buffer) = (job.payload.clone(), job.count, vec![0; STEP]);
    applies.then(|| -> Round {
        Box::new(move |_| {
            for _ in 0..count {
                for from in black_box(&payload).chunks(STEP) {
                    each(from, black_box(&mut buffer[..from.len()]));
                }
            }
        })
    })
}

/// The payloads of a round, as steps bring them: many small ones, or a part of a large one.
struct Reads {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The length of a message, or of a part.
    piece: usize,
}

impl Reads {
    fn new(job: &Job) -> Self {
        let (size, text) = (job.cell.size, job.text.as_ref());
        let piece = size.min(STEP);
        let most = STEP - STEP % piece;
        let mut bytes = job.payload.repeat(job.count);
        let mut ends = Vec::new();
        while ends.last() != Some(&bytes.len()) {
            let end = bytes.len().min(ends.last().unwrap_or(&0) + most);
            // No read cuts a character in two, so that each can be checked.
            let cut = text.filter(|_| size > STEP && end < size).map(|text| text.floor_char_boundary(end));
            ends.push(cut.unwrap_or(end));
        }
        if is_masked(job) {
            let starts = [0].into_iter().chain(ends.iter().copied());
            let reads: Vec<_> = starts.zip(ends.iter().copied()).collect();
            for (start, end) in reads {
                bytes[start..end].chunks_mut(piece).for_each(|message| mask::apply(message, KEY));
            }
        }
        Self { bytes, ends, piece }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| black_box(&self.bytes[start..end]))
    }
}
