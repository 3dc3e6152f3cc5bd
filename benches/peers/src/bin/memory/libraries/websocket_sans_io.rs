//! `websocket-sans-io`: its decoder is given what each read brought (16 KiB) until no event comes, chunks of payload
//! are put together in a vector that is used again, as in its example; its encoder makes headers and masks payloads in
//! place, in a buffer that is written once a batch, or 16 KiB. It leaves UTF-8, pongs and the order of frames to its
//! caller: here simdutf8, an answer to each ping, and no check of the order. Features: the default ones, masking by 32
//! bytes among them. Masking keys are up to the caller: `fastrand`, which anyone can predict. It has no handshake.

use simdutf8::basic::from_utf8;
use websocket_sans_io::{FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent};

use crate::cell::{Kind, Role};
use crate::job::{Job, Library, Round};
use crate::pipe::{BUFFER, Pipe, Sink};

pub(crate) const LIBRARY: Library =
    Library { name: "websocket-sans-io", receive, fragmented: receive, send, echo, handshake: None };

fn receive(job: &Job) -> Round {
    let (mut source, mut output, count) = (Source::new(job), Output::new(job), job.count);
    Box::new(move |seen| {
        let goal = seen.messages() + count;
        while seen.messages() < goal {
            source.read(|opcode, payload| match opcode {
                Opcode::Ping => output.queue(Opcode::Pong, payload),
                _ => seen.message(payload),
            });
            output.write();
        }
    })
}

fn echo(job: &Job) -> Round {
    let (mut source, mut output, count) = (Source::new(job), Output::new(job), job.count);
    Box::new(move |seen| {
        let goal = seen.messages() + count;
        while seen.messages() < goal {
            source.read(|opcode, payload| {
                seen.message(payload);
                output.queue(opcode, payload);
            });
            output.write();
        }
    })
}

fn send(job: &Job) -> Round {
    let (mut output, job) = (Output::new(job), job.clone());
    let opcode = if job.operation.kind() == Kind::Binary { Opcode::Binary } else { Opcode::Text };
    Box::new(move |_| {
        for messages in job.batches() {
            for _ in 0..messages {
                output.queue(opcode, &job.payload);
                if output.buffer.len() >= BUFFER {
                    output.write();
                }
            }
            output.write();
        }
    })
}

/// What is received.
struct Source {
    pipe: Pipe,
    buffer: Vec<u8>,
    decoder: WebsocketFrameDecoder,
    message: Vec<u8>,
    control: Vec<u8>,
}

impl Source {
    fn new(job: &Job) -> Self {
        let decoder = WebsocketFrameDecoder::default();
        Self { pipe: job.pipe(), buffer: vec![0; BUFFER], decoder, message: Vec::new(), control: Vec::new() }
    }

    /// Hands on each message and each control frame that one read brings to its end.
    fn read(&mut self, mut each: impl FnMut(Opcode, &[u8])) {
        let n = self.pipe.pull(&mut self.buffer);
        let mut input = &mut self.buffer[..n];
        loop {
            let result = self.decoder.add_data(input).expect("valid");
            let (chunk, rest) = input.split_at_mut(result.consumed_bytes);
            match result.event {
                None if chunk.is_empty() => return,
                Some(WebsocketFrameEvent::PayloadChunk { original_opcode }) if original_opcode.is_control() => {
                    self.control.extend_from_slice(chunk);
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => self.message.extend_from_slice(chunk),
                Some(WebsocketFrameEvent::End { original_opcode, .. }) if original_opcode.is_control() => {
                    each(original_opcode, &self.control);
                    self.control.clear();
                }
                Some(WebsocketFrameEvent::End { frame_info: FrameInfo { fin: true, .. }, original_opcode }) => {
                    if original_opcode == Opcode::Text {
                        from_utf8(&self.message).expect("valid");
                    }
                    each(original_opcode, &self.message);
                    self.message.clear();
                }
                _ => {}
            }
            input = rest;
        }
    }
}

/// What is sent.
struct Output {
    is_client: bool,
    encoder: WebsocketFrameEncoder,
    buffer: Vec<u8>,
    sink: Sink,
}

impl Output {
    fn new(job: &Job) -> Self {
        let is_client = job.operation.role() == Role::Client;
        Self { is_client, encoder: WebsocketFrameEncoder::new(), buffer: Vec::new(), sink: job.sink.clone() }
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        let mask = self.is_client.then(|| fastrand::u32(..).to_ne_bytes());
        let payload_length = payload.len() as u64;
        let header = self.encoder.start_frame(&FrameInfo { opcode, payload_length, mask, fin: true, reserved: 0 });
        self.buffer.extend_from_slice(&header);
        let start = self.buffer.len();
        self.buffer.extend_from_slice(payload);
        self.encoder.transform_frame_payload(&mut self.buffer[start..]);
    }

    fn write(&mut self) {
        self.sink.write(&self.buffer);
        self.buffer.clear();
    }
}
