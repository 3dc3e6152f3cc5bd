//! `soketto`: a sender and a receiver over buffered halves, as its examples make them; `receive_data` into a vector
//! that is cleared and used again, `send_text` or `send_binary` for a batch and then `flush`. It leaves UTF-8 to its
//! caller, whose check here is simdutf8. It has no features but compression. Masking keys are from `rand`'s thread
//! generator, a `ChaCha12`.

use futures_util::io::{BufReader, BufWriter};
use simdutf8::basic::from_utf8;
use soketto::connection::{Builder, Mode};
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use soketto::{Receiver, Sender};

use super::LIMIT;
use crate::cell::Role;
use crate::job::{Job, Library, Round};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library =
    Library { name: "soketto", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

type Stream = BufReader<BufWriter<Pipe>>;

fn stream(job: &Job) -> Stream {
    BufReader::new(BufWriter::new(job.pipe()))
}

fn socket(job: &Job) -> (Sender<Stream>, Receiver<Stream>) {
    let mode = match job.operation.role() {
        Role::Server => Mode::Server,
        Role::Client => Mode::Client,
    };
    let mut builder = Builder::new(stream(job), mode);
    builder.set_max_message_size(LIMIT);
    builder.set_max_frame_size(LIMIT);
    builder.finish()
}

/// The next message into `message`; if it is text, unchecked.
async fn next(receiver: &mut Receiver<Stream>, message: &mut Vec<u8>) -> bool {
    message.clear();
    receiver.receive_data(message).await.expect("valid").is_text()
}

fn receive(job: &Job) -> Round {
    let ((sender, mut receiver), count, mut message) = (socket(job), job.count, Vec::new());
    Box::new(move |seen| {
        let _both_halves = &sender;
        drive(async {
            for _ in 0..count {
                let is_text = next(&mut receiver, &mut message).await;
                seen.message(if is_text { from_utf8(&message).expect("valid").as_bytes() } else { &message });
            }
        });
    })
}

fn send(job: &Job) -> Round {
    let ((mut sender, receiver), job) = (socket(job), job.clone());
    Box::new(move |_| {
        let _both_halves = &receiver;
        drive(async {
            for messages in job.batches() {
                for _ in 0..messages {
                    match &job.text {
                        Some(text) => sender.send_text(text).await.expect("open"),
                        None => sender.send_binary(&job.payload).await.expect("open"),
                    }
                }
                sender.flush().await.expect("open");
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let ((mut sender, mut receiver), count, mut message) = (socket(job), job.count, Vec::new());
    Box::new(move |seen| {
        drive(async {
            for _ in 0..count {
                if next(&mut receiver, &mut message).await {
                    let text = from_utf8(&message).expect("valid");
                    seen.message(text.as_bytes());
                    sender.send_text(text).await.expect("open");
                } else {
                    seen.message(&message);
                    sender.send_binary(&message).await.expect("open");
                }
            }
            sender.flush().await.expect("open");
        });
    })
}

fn handshake(job: &Job) -> Round {
    let job = job.clone();
    Box::new(move |_| {
        drive(async {
            for _ in 0..job.count {
                let mut server = Server::new(stream(&job));
                let key = server.receive_request().await.expect("a good request").key();
                server.send_response(&Response::Accept { key, protocol: None }).await.expect("open");
            }
        });
    })
}
