//! `web-socket`: `recv` and `send`, over tokio's `BufReader`, since it reads each header in pieces; what is sent is
//! written at once, a server's in one vectored write. It leaves UTF-8, pongs and the putting together of fragments to
//! its caller: here simdutf8, an answer to each ping, and a vector. It has no features and no handshake. Masking keys
//! are from `rand`'s thread generator, a `ChaCha12`.

use simdutf8::basic::from_utf8;
use tokio::io::BufReader;
use web_socket::{DataType, Event, MessageType, Stream, WebSocket};

use super::LIMIT;
use crate::cell::Role;
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library = Library { name: "web-socket", receive, fragmented, send, echo, handshake: None };

type Socket = WebSocket<BufReader<Pipe>>;

fn socket(job: &Job) -> Socket {
    let stream = BufReader::new(job.pipe());
    let mut socket = match job.operation.role() {
        Role::Server => WebSocket::server(stream),
        Role::Client => WebSocket::client(stream),
    };
    socket.max_payload_len = LIMIT;
    socket
}

/// The next whole message.
async fn next(socket: &mut Socket) -> (MessageType, Box<[u8]>) {
    match socket.recv().await.expect("open") {
        Event::Data { ty: DataType::Complete(kind), data } => (kind, data),
        other => panic!("{other:?} instead of a message"),
    }
}

fn note<'a>(kind: MessageType, data: &'a [u8], seen: &mut Seen) -> Option<&'a str> {
    seen.message(data);
    kind.is_text().then(|| from_utf8(data).expect("valid"))
}

fn receive(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let (kind, data) = next(&mut socket).await;
                note(kind, &data, seen);
            }
        });
    })
}

fn fragmented(job: &Job) -> Round {
    let (mut socket, count, mut message) = (socket(job), job.count, Vec::new());
    Box::new(move |seen| {
        drive(async {
            let goal = seen.messages() + count;
            while seen.messages() < goal {
                match socket.recv().await.expect("open") {
                    Event::Data { ty: DataType::Stream(stream), data } => {
                        message.extend_from_slice(&data);
                        if matches!(stream, Stream::End(_)) {
                            seen.message(&message);
                            message.clear();
                        }
                    }
                    Event::Ping(data) => socket.send_pong(data).await.expect("open"),
                    other => panic!("{other:?} instead of a fragment"),
                }
            }
        });
    })
}

fn send(job: &Job) -> Round {
    let (mut socket, job) = (socket(job), job.clone());
    Box::new(move |_| {
        drive(async {
            for _ in 0..job.count {
                match &job.text {
                    Some(text) => socket.send(&**text).await.expect("open"),
                    None => socket.send(&*job.payload).await.expect("open"),
                }
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count) = (socket(job), job.count);
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                let (kind, data) = next(&mut socket).await;
                match note(kind, &data, seen) {
                    Some(text) => socket.send(text).await.expect("open"),
                    None => socket.send(&*data).await.expect("open"),
                }
            }
        });
    })
}
