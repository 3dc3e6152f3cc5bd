//! `fastwebsockets`: a `FragmentCollector`, as its documentation shows for whole messages; frames are sent as borrowed
//! payloads, each written at once: it has no buffer for output, and from 1 KiB on (its default, as are vectored writes,
//! the automatic pong and close) header and payload are two slices. A client's payload is masked where it lies, so that
//! what is kept is copied first, into the same vector each time.
//! Features: `simd`, which checks UTF-8 with simdutf8 in whole frames; text in fragments goes through `utf-8`. Its
//! handshake is hyper's upgrade and takes no bytes. Masking keys are from `rand`'s thread generator, a `ChaCha12`.

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket};

use super::LIMIT;
use crate::cell::{self, Kind};
use crate::job::{Job, Library, Round};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library =
    Library { name: "fastwebsockets", receive, fragmented: receive, send, echo, handshake: None };

fn socket(job: &Job) -> FragmentCollector<Pipe> {
    let role = match job.operation.role() {
        cell::Role::Server => Role::Server,
        cell::Role::Client => Role::Client,
    };
    let mut socket = WebSocket::after_handshake(job.pipe(), role);
    socket.set_max_message_size(LIMIT);
    FragmentCollector::new(socket)
}

const fn opcode(job: &Job) -> OpCode {
    match job.operation.kind() {
        Kind::Binary => OpCode::Binary,
        Kind::Ascii | Kind::Mixed => OpCode::Text,
    }
}

fn receive(job: &Job) -> Round {
    let (mut socket, count, expected) = (socket(job), job.count, opcode(job));
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let frame = socket.read_frame().await.expect("valid");
                assert_eq!(frame.opcode, expected);
                seen.message(&frame.payload);
            }
        });
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, payload, count, opcode) = (socket(job), job.payload.clone(), job.count, opcode(job));
    let (is_client, mut scratch) = (job.operation.role() == cell::Role::Client, payload.to_vec());
    Box::new(move |_| {
        drive(async {
            for _ in 0..count {
                let payload = if is_client {
                    scratch.copy_from_slice(&payload);
                    Payload::BorrowedMut(&mut scratch)
                } else {
                    Payload::Borrowed(&payload)
                };
                socket.write_frame(Frame::new(true, opcode, None, payload)).await.expect("open");
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let frame = socket.read_frame().await.expect("valid");
                seen.message(&frame.payload);
                socket.write_frame(frame).await.expect("open");
            }
        });
    })
}
