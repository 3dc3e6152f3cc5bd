//! `ws-proto`: each read fills one buffer of 17 KiB, in which a message that is cut waits for its end
//! (`Reader::receive_in_place`), or brings as much to where a large message belongs (`Reader::room`); all events are taken
//! from it, and then what is outgoing is written, as in `examples/echo_mio`, or before when 4 KiB of answers are
//! pending; who sends a lot writes whenever 16 KiB are. Large messages of a server go out with `binary_through`. Features:
//! the default ones. `keep_buffer` is raised, as on a busy connection. Masking keys are from `ChaCha12`, always. The
//! handshake also compares the origin with the host, which no other does.

use ws_proto::handshake::{OriginPolicy, Server};
use ws_proto::{Config, Connection, Event, Seed, SendError, Writer};

use crate::cell::{Operation, Role};
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::{BUFFER, Pipe, Sink};

pub(crate) const LIBRARY: Library =
    Library { name: "ws-proto", receive, fragmented: receive, send, echo, handshake: Some(handshake) };

fn connection(operation: Operation) -> Connection {
    let max_pending = if let Operation::Echo(_) = operation { ANSWERS } else { Config::UNLIMITED };
    let config = Config::new().keep_buffer(4 << 20).max_pending(max_pending);
    match operation.role() {
        Role::Server => Connection::server(&config),
        Role::Client => Connection::client(&config, Seed::from_os().expect("entropy")),
    }
}

fn receive(job: &Job) -> Round {
    let mut end = End::new(job);
    let count = job.count;
    Box::new(move |seen| end.read_until(count, seen, |_, _, _| Ok(())))
}

fn echo(job: &Job) -> Round {
    let mut end = End::new(job);
    let count = job.count;
    Box::new(move |seen| {
        end.read_until(count, seen, |writer, event, sink| {
            if !writer.has_room() {
                write_out(writer, sink);
            }
            match event {
                Event::Text(text) => writer.text_through(text, |pending, rest| write_both(sink, pending, rest)),
                Event::Binary(bytes) => writer.binary_through(bytes, |pending, rest| write_both(sink, pending, rest)),
                _ => Ok(()),
            }
        });
    })
}

fn send(job: &Job) -> Round {
    let mut end = End::new(job);
    let job = job.clone();
    Box::new(move |_| {
        for messages in job.batches() {
            let (_, writer) = end.connection.split();
            for _ in 0..messages {
                let write = |pending: &[u8], rest: &[u8]| write_both(&job.sink, pending, rest);
                match &job.text {
                    Some(text) => writer.text_through(text, write),
                    None => writer.binary_through(&job.payload, write),
                }
                .expect("open");
                if writer.pending().len() >= BUFFER {
                    write_out(writer, &job.sink);
                }
            }
            end.write();
        }
    })
}

fn handshake(job: &Job) -> Round {
    let (job, config, mut buffer) = (job.clone(), Config::new(), vec![0; BUFFER]);
    Box::new(move |_| {
        for _ in 0..job.count {
            let n = job.pipe().pull(&mut buffer);
            let mut server = Server::new(OriginPolicy::SameOrigin, &config);
            let accepted = server.accept(&mut &mut buffer[..n]).expect("a good request");
            let mut connection = accepted.expect("a whole request");
            job.sink.write(connection.outgoing());
        }
    })
}

/// A connection with its transport.
struct End {
    connection: Connection,
    pipe: Pipe,
    sink: Sink,
    buffer: Vec<u8>,
    /// So many bytes at the front of the buffer are of a message whose end is to come.
    left: usize,
}

impl End {
    fn new(job: &Job) -> Self {
        let connection = connection(job.operation);
        Self { connection, pipe: job.pipe(), sink: job.sink.clone(), buffer: vec![0; READ_BUFFER], left: 0 }
    }

    /// Reads until so many messages have come, and hands each on.
    fn read_until(
        &mut self,
        count: usize,
        seen: &mut Seen,
        mut answer: impl FnMut(&mut Writer, Event<'_>, &Sink) -> Result<(), SendError>,
    ) {
        let goal = seen.messages() + count;
        while seen.messages() < goal {
            let (reader, writer) = self.connection.split();
            let mut each = |event: Event<'_>| {
                note(event, seen);
                answer(writer, event, &self.sink).expect("open");
            };
            if let Some(room) = reader.room(READ_BUFFER / 2) {
                let most = room.len().min(READ_BUFFER);
                let n = self.pipe.pull(&mut room[..most]);
                if reader.filled(n) {
                    reader.event().into_iter().for_each(each);
                }
            } else {
                let end = self.left + self.pipe.pull(&mut self.buffer[self.left..]);
                let mut input = &mut self.buffer[..end];
                while let Some(event) = reader.receive_in_place(&mut input, READ_BUFFER).expect("valid") {
                    each(event);
                }
                self.left = input.len();
                self.buffer.copy_within(end - self.left..end, 0);
            }
            self.write();
        }
    }

    fn write(&mut self) {
        let outgoing = self.connection.outgoing();
        let n = outgoing.len();
        self.sink.write(outgoing);
        self.connection.consume(n);
    }
}

fn note(event: Event<'_>, seen: &mut Seen) {
    match event {
        Event::Text(text) => seen.message(text.as_bytes()),
        Event::Binary(bytes) => seen.message(bytes),
        _ => {}
    }
}

fn write_out(writer: &mut Writer, sink: &Sink) {
    let n = writer.pending().len();
    sink.write(writer.pending());
    writer.consume(n);
}

/// A vectored write.
fn write_both(sink: &Sink, pending: &[u8], rest: &[u8]) -> usize {
    sink.write(pending);
    sink.write(rest);
    pending.len() + rest.len()
}

/// The others' 16 KiB, and the room that a message of as many needs for its header.
const READ_BUFFER: usize = 17 << 10;
/// Written at the latest when there are so many bytes: with a read and what was written, in the nearest cache.
const ANSWERS: usize = 4 << 10;
