//! `tokio-websockets`: a stream and sink of messages; a batch is fed and then flushed (the sink also writes by itself
//! from 8 KiB on, its default). A message is shared bytes and cheap to clone. Features: `aws_lc_rs`, the fastest of its
//! sources of SHA-1, and `fastrand`, the fastest of its sources of masking keys, which anyone can predict; masking and
//! UTF-8 detect SIMD at run time by themselves on stable Rust, `nightly` adds nothing on x86-64.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Limits, Message, ServerBuilder, WebSocketStream};

use super::LIMIT;
use crate::cell::Role;
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library =
    Library { name: "tokio-websockets", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

fn socket(job: &Job) -> WebSocketStream<Pipe> {
    let limits = Limits::default().max_payload_len(Some(LIMIT));
    match job.operation.role() {
        Role::Server => ServerBuilder::new().limits(limits).serve(job.pipe()),
        Role::Client => ClientBuilder::new().limits(limits).take_over(job.pipe()),
    }
}

fn note(message: &Message, seen: &mut Seen) {
    if let Some(text) = message.as_text() {
        seen.message(text.as_bytes());
    } else if message.is_binary() {
        seen.message(message.as_payload());
    }
}

fn receive(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            let goal = seen.messages() + count;
            while seen.messages() < goal {
                note(&socket.next().await.expect("open").expect("valid"), seen);
            }
        });
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, job) = (socket(job), job.clone());
    let message = match &job.text {
        Some(text) => Message::text(text.to_string()),
        None => Message::binary(Bytes::copy_from_slice(&job.payload)),
    };
    Box::new(move |_| {
        drive(async {
            for messages in job.batches() {
                for _ in 0..messages {
                    socket.feed(message.clone()).await.expect("open");
                }
                socket.flush().await.expect("open");
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let message = socket.next().await.expect("open").expect("valid");
                note(&message, seen);
                socket.feed(message).await.expect("open");
            }
            socket.flush().await.expect("open");
        });
    })
}

fn handshake(job: &Job) -> Round {
    let job = job.clone();
    Box::new(move |_| {
        drive(async {
            for _ in 0..job.count {
                drop(ServerBuilder::new().accept(job.pipe()).await.expect("a good request"));
            }
        });
    })
}
