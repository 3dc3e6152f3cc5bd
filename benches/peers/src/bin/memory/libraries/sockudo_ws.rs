//! `sockudo-ws`: a stream and sink of messages, as its quick start has it; a batch is fed and then flushed, as its
//! configuration advises. Its own pings and deadlines are off, since nothing here ever waits. A message is shared
//! bytes. Features: `simd` (masking detects AVX2 and AVX-512 at run time), `fastrand`, the fastest of its sources of
//! masking keys, which anyone can predict, and its stream for tokio.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{Config, Message, WebSocketStream};

use super::LIMIT;
use crate::cell::Role;
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library =
    Library { name: "sockudo-ws", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

fn socket(job: &Job) -> WebSocketStream<Pipe> {
    let config = Config::builder().max_payload_length(LIMIT).idle_timeout(0).auto_ping(false).build();
    match job.operation.role() {
        Role::Server => WebSocketStream::server(job.pipe(), config),
        Role::Client => WebSocketStream::client(job.pipe(), config),
    }
}

fn note(message: &Message, seen: &mut Seen) {
    match message {
        Message::Text(bytes) | Message::Binary(bytes) => seen.message(bytes),
        _ => {}
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
            socket.flush().await.expect("open"); // the pongs
        });
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, job) = (socket(job), job.clone());
    let bytes = Bytes::copy_from_slice(&job.payload);
    let message = if job.text.is_some() { Message::Text(bytes) } else { Message::Binary(bytes) };
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
                let mut pipe = job.pipe();
                server_handshake(&mut pipe).await.expect("a good request");
                drop(WebSocketStream::server(pipe, Config::default()));
            }
        });
    })
}
