//! `tungstenite`: `read` for messages; `write` for a batch and then `flush`, which its documentation recommends for
//! throughput. A message is shared bytes, so that sending again what was received or kept takes no copy before the
//! frame. Its buffers are set to 16 KiB each, with which it is up to twice as fast here as with 128 KiB, the default.
//! Features: the default ones; it has no others that would make it faster. Masking keys are from `rand`'s thread
//! generator, a `ChaCha12`.

use bytes::Bytes;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Message, Utf8Bytes};

use super::LIMIT;
use crate::cell;
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{BUFFER, Pipe};

pub(crate) const LIBRARY: Library =
    Library { name: "tungstenite", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

fn socket(job: &Job) -> WebSocket<Pipe> {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let role = match job.operation.role() {
        cell::Role::Server => Role::Server,
        cell::Role::Client => Role::Client,
    };
    WebSocket::from_raw_socket(job.pipe(), role, Some(config))
}

fn note(message: &Message, seen: &mut Seen) {
    match message {
        Message::Text(text) => seen.message(text.as_bytes()),
        Message::Binary(bytes) => seen.message(bytes),
        _ => {}
    }
}

fn receive(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        let goal = seen.messages() + count;
        while seen.messages() < goal {
            note(&socket.read().expect("valid"), seen);
        }
        socket.flush().expect("open"); // the pongs
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, job) = (socket(job), job.clone());
    let message = match &job.text {
        Some(text) => Message::Text(Utf8Bytes::from(&**text)),
        None => Message::Binary(Bytes::copy_from_slice(&job.payload)),
    };
    Box::new(move |_| {
        for messages in job.batches() {
            for _ in 0..messages {
                socket.write(message.clone()).expect("open");
            }
            socket.flush().expect("open");
        }
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        for _ in 0..count {
            let message = socket.read().expect("valid");
            note(&message, seen);
            socket.write(message).expect("open");
        }
        socket.flush().expect("open");
    })
}

fn handshake(job: &Job) -> Round {
    let job = job.clone();
    Box::new(move |_| {
        for _ in 0..job.count {
            drop(tungstenite::accept(job.pipe()).expect("a good request"));
        }
    })
}
