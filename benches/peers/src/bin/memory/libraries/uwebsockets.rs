//! uWebSockets, which is C++ (g++, -O3): its parser `WebSocketProtocol::consume` takes each read of 16 KiB, in a buffer
//! with the padding that it needs, and around it is what its own `WebSocketContext` does, in
//! `uwebsockets/src/protocol.cpp`: a message that no read brings whole is put together in a string that is used again,
//! text goes through its `isValidUtf8`, and pings are answered. What is sent goes through its `formatMessage` into a
//! buffer of 16 KiB, as on its corked sockets, which is written when it is full, behind each read, and at the end of
//! a batch; a server's larger messages are a vectored write. Its sockets look at more before they send, such as how
//! much waits to be written: that is not in here. Rust calls C++ once for a read or a batch, and is called back for
//! each message, as its own handlers are, and for each write.
//!
//! It is a server's library: the client is what these functions offer. Masking keys are from C's `rand`, which anyone
//! can predict, and are applied byte by byte. Its handshake needs its sockets.

use uwebsockets::{Connection, Outside, Role};

use crate::cell::{self, Kind};
use crate::job::{Job, Library, Round, Seen};
use crate::pipe::Sink;

pub(crate) const LIBRARY: Library =
    Library { name: "uwebsockets", receive, fragmented: receive, send, echo, handshake: None };

/// What C++ reaches.
struct End<'a> {
    seen: &'a mut Seen,
    sink: &'a Sink,
}

impl Outside for End<'_> {
    #[inline]
    fn message(&mut self, payload: &[u8]) {
        self.seen.message(payload);
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.sink.write(bytes);
    }
}

fn connection(job: &Job, echoes: bool) -> Connection {
    let role = match job.operation.role() {
        cell::Role::Server => Role::Server,
        cell::Role::Client => Role::Client,
    };
    Connection::open(role, echoes)
}

fn receive(job: &Job) -> Round {
    read_all(job, false)
}

fn echo(job: &Job) -> Round {
    read_all(job, true)
}

fn read_all(job: &Job, echoes: bool) -> Round {
    let (mut connection, mut pipe, sink, count) = (connection(job, echoes), job.pipe(), job.sink.clone(), job.count);
    Box::new(move |seen| {
        let goal = seen.messages() + count;
        while seen.messages() < goal {
            let n = pipe.pull(connection.room());
            assert!(connection.receive(n, &mut End { seen, sink: &sink }), "valid");
        }
    })
}

fn send(job: &Job) -> Round {
    let (mut connection, job) = (connection(job, false), job.clone());
    let is_text = job.operation.kind() != Kind::Binary;
    Box::new(move |seen| {
        for messages in job.batches() {
            connection.send(&job.payload, is_text, messages, &mut End { seen, sink: &job.sink });
        }
    })
}
