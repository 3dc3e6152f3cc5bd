//! The other implementation, behind a stream in memory.

use std::io::{self, ErrorKind, Read, Write};

use tungstenite::Error;
use tungstenite::protocol::{Message, WebSocket, WebSocketConfig};
use ws_proto::Role;

use super::{Case, Item, Items};

/// All that came of a wire.
pub(super) struct Theirs {
    pub(super) items: Items,
    /// How many bytes had arrived when it failed, and why.
    pub(super) failed: Option<(usize, Error)>,
    /// Whether it failed when there was more than the close frame that it had read.
    pub(super) behind_close: bool,
    socket: WebSocket<Stream>,
}

impl Theirs {
    /// Reads `wire` up to each of `ends` by turns.
    pub(super) fn read(case: &Case<'_>, wire: &[u8], ends: &[usize]) -> Self {
        let role = match case.role {
            Role::Client => tungstenite::protocol::Role::Client,
            Role::Server => tungstenite::protocol::Role::Server,
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(256)
            .write_buffer_size(0)
            .accept_unmasked_frames(false)
            .max_frame_size(Some(case.max_frame()))
            .max_message_size(Some(case.max_message()));
        let stream = Stream { wire: wire.to_vec(), read: 0, arrived: 0, eof: false };
        let mut socket = WebSocket::from_raw_socket(stream, role, Some(config));
        if case.closing {
            socket.close(None).expect("a stream that takes all");
        }
        let mut theirs = Self { items: Vec::new(), failed: None, behind_close: false, socket };
        for end in ends {
            theirs.socket.get_mut().arrived = *end;
            theirs.read_up_to(*end);
        }
        theirs
    }

    fn read_up_to(&mut self, end: usize) {
        while self.failed.is_none() {
            match self.socket.read() {
                Ok(message) => self.items.push((end, owned(message))),
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    self.failed = Some((end, error));
                    self.behind_close = matches!(self.items.last(), Some((_, Item::Close(_))));
                }
            }
        }
    }

    /// What it says to the end of the stream.
    pub(super) fn eof(&mut self) -> Error {
        self.socket.get_mut().eof = true;
        self.socket.read().expect_err("nothing is left")
    }

    /// What does not depend on how the lengths are written: items, and whether it failed.
    pub(super) fn without_places(self) -> (Vec<Item>, bool) {
        (self.items.into_iter().map(|(_, item)| item).collect(), self.failed.is_some())
    }
}

/// Gives what has arrived, and takes whatever is written.
struct Stream {
    wire: Vec<u8>,
    read: usize,
    arrived: usize,
    eof: bool,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let here = &self.wire[self.read..self.arrived];
        if here.is_empty() && !self.eof {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = here.len().min(buffer.len());
        buffer[..n].copy_from_slice(&here[..n]);
        self.read += n;
        Ok(n)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn owned(message: Message) -> Item {
    match message {
        Message::Text(text) => Item::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Item::Binary(bytes.to_vec()),
        Message::Ping(payload) => Item::Ping(payload.to_vec()),
        Message::Pong(payload) => Item::Pong(payload.to_vec()),
        Message::Close(close) => Item::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned()))),
        Message::Frame(frame) => panic!("a bare frame: {frame:?}"),
    }
}
