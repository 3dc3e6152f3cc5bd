//! `yawc`: a stream and sink of frames that puts fragments together; a batch is fed and then flushed. A frame is shared
//! bytes. `with_utf8`, which is off by default, makes it check text; its buffer for reading is set to 16 KiB, with
//! which it is faster here than with 8 (the default) or 64. Features: `simd`, which checks UTF-8 with simdutf8. Its
//! handshake is hyper's upgrade and takes no bytes. Masking keys are from `rand`'s thread generator, a `ChaCha12`.

use std::future::poll_fn;

use bytes::Bytes;
use futures_util::SinkExt;
use yawc::{Frame, OpCode, Options, Role, WebSocket};

use super::LIMIT;
use crate::cell::{self, Kind};
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{BUFFER, Pipe, drive};

pub(crate) const LIBRARY: Library = Library { name: "yawc", receive, fragmented: receive, send, echo, handshake: None };

fn socket(job: &Job) -> WebSocket<Pipe> {
    let options = Options::default()
        .without_compression()
        .with_utf8()
        .with_limits(LIMIT, LIMIT)
        .with_read_buffer_capacity(BUFFER);
    let role = match job.operation.role() {
        cell::Role::Server => Role::Server,
        cell::Role::Client => Role::Client,
    };
    WebSocket::from_stream(job.pipe(), role, options).expect("good options")
}

fn note(frame: &Frame, seen: &mut Seen) {
    if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
        seen.message(frame.payload());
    }
}

fn receive(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            let goal = seen.messages() + count;
            while seen.messages() < goal {
                note(&socket.next_frame().await.expect("valid"), seen);
            }
            // It writes its pongs where a read waits or a frame is to be sent, and here no read ever waits.
            poll_fn(|context| socket.poll_ready_unpin(context)).await.expect("open");
            SinkExt::flush(&mut socket).await.expect("open");
        });
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, job) = (socket(job), job.clone());
    let bytes = Bytes::copy_from_slice(&job.payload);
    let frame = if job.operation.kind() == Kind::Binary { Frame::binary(bytes) } else { Frame::text(bytes) };
    Box::new(move |_| {
        drive(async {
            for messages in job.batches() {
                for _ in 0..messages {
                    socket.feed(frame.clone()).await.expect("open");
                }
                SinkExt::flush(&mut socket).await.expect("open");
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let frame = socket.next_frame().await.expect("valid");
                note(&frame, seen);
                socket.feed(frame).await.expect("open");
            }
            SinkExt::flush(&mut socket).await.expect("open");
        });
    })
}
