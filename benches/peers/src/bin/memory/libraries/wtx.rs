//! `wtx`: `read_frame` with `Adaptive` payloads, which are lent from its buffer where they lie; frames are written at
//! once, header and payload in one vectored write: it has no buffer for output. A client's payload is masked where it
//! lies, so that what is kept is copied first. Over its own traits for streams. Features: `optimization` (simdutf8 and
//! memchr); `crypto-aws-lc-rs` for the SHA-1 of the handshake. Masking keys are from `Xorshift64`, its acceptor's and
//! connector's default, which anyone can predict.

use wtx::collection::Vector;
use wtx::rng::{Xorshift64, simple_seed};
use wtx::web_socket::{Frame, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer, WebSocketPayloadOrigin as Origin};

use super::LIMIT;
use crate::cell::{Kind, Role};
use crate::job::{Job, Library, Round};
use crate::pipe::{Pipe, drive};

pub(crate) const LIBRARY: Library =
    Library { name: "wtx", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

type Socket<const IS_CLIENT: bool> = WebSocket<(), Xorshift64, Pipe, WebSocketBuffer, IS_CLIENT>;

fn receive(job: &Job) -> Round {
    match job.operation.role() {
        Role::Server => receive_as::<false>(job),
        Role::Client => receive_as::<true>(job),
    }
}

fn send(job: &Job) -> Round {
    match job.operation.role() {
        Role::Server => send_as::<false>(job),
        Role::Client => send_as::<true>(job),
    }
}

fn socket<const IS_CLIENT: bool>(job: &Job) -> Socket<IS_CLIENT> {
    let rng = Xorshift64::new(simple_seed());
    let mut socket = WebSocket::new((), false, rng, job.pipe(), WebSocketBuffer::new());
    socket.set_max_payload_len(LIMIT);
    socket
}

const fn op_code(job: &Job) -> OpCode {
    match job.operation.kind() {
        Kind::Binary => OpCode::Binary,
        Kind::Ascii | Kind::Mixed => OpCode::Text,
    }
}

fn receive_as<const IS_CLIENT: bool>(job: &Job) -> Round {
    let (mut socket, count, mut buffer) = (socket::<IS_CLIENT>(job), job.count, Vector::new());
    Box::new(move |seen| {
        drive(async {
            let goal = seen.messages() + count;
            while seen.messages() < goal {
                let frame = socket.read_frame(&mut buffer, Origin::Adaptive).await.expect("valid");
                match frame.op_code() {
                    OpCode::Text => seen.message(frame.text_payload().expect("text").as_bytes()),
                    OpCode::Binary => seen.message(frame.payload()),
                    _ => {}
                }
            }
        });
    })
}

fn send_as<const IS_CLIENT: bool>(job: &Job) -> Round {
    let (mut socket, payload, count) = (socket::<IS_CLIENT>(job), job.payload.clone(), job.count);
    let (op_code, mut scratch) = (op_code(job), payload.to_vec());
    Box::new(move |_| {
        drive(async {
            for _ in 0..count {
                if IS_CLIENT {
                    scratch.copy_from_slice(&payload);
                }
                let mut frame = Frame::new_fin(op_code, &mut scratch[..]);
                socket.write_frame(&mut frame).await.expect("open");
            }
        });
    })
}

fn echo(job: &Job) -> Round {
    let (mut socket, count, mut buffer) = (socket::<false>(job), job.count, Vector::new());
    Box::new(move |seen| {
        let (mut common, mut reader, mut writer) = socket.split_mut();
        drive(async {
            for _ in 0..count {
                let mut frame = reader.read_frame(&mut buffer, &mut common, Origin::Adaptive).await.expect("valid");
                seen.message(frame.payload());
                writer.write_frame(&mut common, &mut frame).await.expect("open");
            }
        });
    })
}

fn handshake(job: &Job) -> Round {
    let job = job.clone();
    Box::new(move |_| {
        drive(async {
            for _ in 0..job.count {
                let accepted: wtx::Result<_> = WebSocketAcceptor::default().accept(job.pipe()).await;
                drop(accepted.expect("a good request"));
            }
        });
    })
}
