//! Bytes in, events out.

#[cfg(feature = "alloc")]
mod message;
mod pieces;

#[cfg(feature = "alloc")]
use self::message::Message;
use self::pieces::{Piece, Pieces};
use crate::body::Body;
use crate::close::{BadClose, Close};
use crate::config::{Config, Role};
#[cfg(feature = "deflate")]
use crate::deflate::{Decompressor, Inflated};
use crate::error::Error;
use crate::frame::{Kind, OpCode};
use crate::reply::Reply;
#[cfg(feature = "alloc")]
use crate::utf8;
use crate::utf8::Utf8;

/// The receiving half of a connection.
///
/// Bytes go in as a cursor into the caller's buffer, which is consumed from the front and unmasked where it lies. Cut
/// them as they come: the events are the same. What is kept between calls is an unfinished header, an unfinished
/// control frame and the message that is being put together.
///
/// ```
/// use ws_proto::{Config, Connection, Event};
///
/// let (mut reader, _) = Connection::server(&Config::new()).into_split();
/// let mut buffer = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x82";
/// let mut input = &mut buffer[..];
/// assert_eq!(reader.receive(&mut input), Ok(Some(Event::Text("Hello"))));
/// assert_eq!(reader.receive(&mut input), Ok(None)); // the next frame has just begun
/// assert!(input.is_empty());
/// ```
///
/// An event is valid until the reader is used again:
///
/// ```compile_fail,E0499
/// # use ws_proto::{Config, Connection, Event};
/// # let (mut reader, _) = Connection::server(&Config::new()).into_split();
/// # let mut buffer = [0; 64];
/// # let mut input = &mut buffer[..];
/// let first = reader.receive(&mut input);
/// let second = reader.receive(&mut input);
/// drop(first);
/// ```
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "three are choices of the configuration")]
pub struct Reader {
    pieces: Pieces,
    #[cfg(feature = "alloc")]
    message: Message,
    #[cfg(feature = "alloc")]
    ready: Ready,
    #[cfg(feature = "alloc")]
    keep_buffer: usize,
    #[cfg(feature = "deflate")]
    decompressor: Option<Decompressor>,
    utf8: Utf8,
    reply: Option<Reply>,
    end: Option<End>,
    eof: bool,
    check_chunks: bool,
    unassigned_codes: bool,
    silent_failure: bool,
}

/// What a peer sent, whole.
///
/// ```
/// use ws_proto::Event;
///
/// fn show(event: Event<'_>) -> String {
///     match event {
///         Event::Text(text) => text.to_owned(),
///         Event::Binary(bytes) => format!("{} bytes", bytes.len()),
///         other => format!("{other:?}"),
///     }
/// }
/// assert_eq!(show(Event::Binary(&[1, 2, 3])), "3 bytes");
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping; its pong is owed already.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The last event: the peer's close frame, with or without a code. Its answer is owed already.
    Close(Option<Close<'a>>),
}

/// What a peer sent, as it arrives.
///
/// ```
/// use ws_proto::{Chunk, Config, Connection, Kind};
///
/// let (mut reader, _) = Connection::client(&Config::new(), ws_proto::Seed::predictable_for_tests(0)).into_split();
/// let mut buffer = *b"\x01\x03Hel\x80\x02lo";
/// let mut input = &mut buffer[..];
/// assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Chunk::Data { kind: Kind::Text, bytes: b"Hel", last: false })));
/// assert_eq!(reader.receive_chunk(&mut input), Ok(Some(Chunk::Data { kind: Kind::Text, bytes: b"lo", last: true })));
/// assert_eq!(reader.receive_chunk(&mut input), Ok(None));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Chunk<'a> {
    /// The next bytes of a message, unmasked. In text they may end inside a character.
    Data {
        /// What the message is.
        kind: Kind,
        /// Its next bytes; empty only if `last`.
        bytes: &'a [u8],
        /// Whether the message ends with them.
        last: bool,
    },
    /// A ping; its pong is owed already.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The last chunk: the peer's close frame, with or without a code. Its answer is owed already.
    Close(Option<Close<'a>>),
}

/// What the last [`Reader::advance`] stopped at.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
enum Ready {
    Nothing,
    Message,
    Control(OpCode),
}

/// What a chunk is made of.
enum Step<'i> {
    Nothing,
    Data {
        kind: Kind,
        bytes: &'i [u8],
        last: bool,
    },
    /// So many bytes in the decompressor's output.
    #[cfg(feature = "deflate")]
    Inflated {
        kind: Kind,
        len: usize,
    },
    Control(OpCode),
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The peer's close frame, whose body is the newest control frame's.
    Close,
    Failed(Error),
    /// The stream ended first.
    Eof,
}

impl Reader {
    pub(crate) const fn new(role: Role, config: &Config) -> Self {
        Self {
            pieces: Pieces::new(role, config),
            #[cfg(feature = "alloc")]
            message: Message::EMPTY,
            #[cfg(feature = "alloc")]
            ready: Ready::Nothing,
            #[cfg(feature = "alloc")]
            keep_buffer: config.keep_buffer,
            #[cfg(feature = "deflate")]
            decompressor: None,
            utf8: Utf8::new(),
            reply: None,
            end: None,
            eof: false,
            check_chunks: config.check_chunks,
            unassigned_codes: config.unassigned_codes,
            silent_failure: config.silent_failure,
        }
    }

    /// Reads up to the next event, or all of `input` if it has none.
    ///
    /// A message that lies in `input` as one frame is lent from there; otherwise from the reader's own buffer. After
    /// a [`Event::Close`] or an error, all input is swallowed.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, once. A close frame is then owed (see [`Reader::take_reply`]).
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn receive<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'a>>, Error> {
        if !matches!(self.ready, Ready::Nothing) {
            self.done();
        }
        match self.pieces.whole(input) {
            Some((Kind::Binary, bytes)) => Ok(Some(Event::Binary(bytes))),
            Some((Kind::Text, bytes)) => match utf8::check(bytes) {
                Ok(text) => Ok(Some(Event::Text(text))),
                Err(bad) => Err(self.fail(bad.into(), input)),
            },
            None => Ok(if self.advance(input)? { self.event() } else { None }),
        }
    }

    /// Reads up to the next event and keeps it for [`Reader::event`]; false if there is none and all of `input` is
    /// read. For adapters whose own buffer is busy: every message is put together in the reader's.
    ///
    /// # Errors
    ///
    /// As [`Reader::receive`].
    #[cfg(feature = "alloc")]
    pub fn advance(&mut self, input: &mut &mut [u8]) -> Result<bool, Error> {
        self.done();
        match self.step(input) {
            Ok(ready) => {
                self.ready = ready;
                Ok(!matches!(ready, Ready::Nothing))
            }
            Err(error) => Err(self.fail(error, input)),
        }
    }

    /// The event that the last [`Reader::advance`] stopped at.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        let control = &**self.pieces.newest_control();
        Some(match (self.ready, &self.message) {
            (Ready::Nothing, _) => return None,
            (Ready::Message, Message::Text(text)) => Event::Text(text),
            (Ready::Message, Message::Binary(bytes)) => Event::Binary(bytes),
            (Ready::Control(OpCode::Ping), _) => Event::Ping(control),
            (Ready::Control(OpCode::Pong), _) => Event::Pong(control),
            (Ready::Control(_), _) => Event::Close(self.close_frame()),
        })
    }

    /// Reads the next piece of a message as it lies in `input`, or the next control frame, or all of `input` if it
    /// has neither. Nothing of a message is stored, and its size is limited by
    /// [`Config::max_message`](crate::Config::max_message) all the same.
    ///
    /// Text is passed on as bytes, so that a piece may end inside a character, and checked on the way unless
    /// [`Config::check_chunks`](crate::Config::check_chunks) says no. Finish a message with the call it began with.
    ///
    /// # Errors
    ///
    /// As [`Reader::receive`]. The pieces of a message that were delivered are then all there is of it.
    pub fn receive_chunk<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8]) -> Result<Option<Chunk<'a>>, Error> {
        let step = match self.chunk(input) {
            Ok(step) => step,
            Err(error) => return Err(self.fail(error, input)),
        };
        let control = &**self.pieces.newest_control();
        Ok(Some(match step {
            Step::Nothing => return Ok(None),
            Step::Data { kind, bytes, last } => Chunk::Data { kind, bytes, last },
            #[cfg(feature = "deflate")]
            Step::Inflated { kind, len } => {
                let bytes = self.decompressor.as_ref().map_or(&[][..], |decompressor| decompressor.output(len));
                Chunk::Data { kind, bytes, last: false }
            }
            Step::Control(OpCode::Ping) => Chunk::Ping(control),
            Step::Control(OpCode::Pong) => Chunk::Pong(control),
            Step::Control(_) => Chunk::Close(self.close_frame()),
        }))
    }

    /// Takes compressed messages, as was agreed.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_decompressor(&mut self, decompressor: Decompressor) {
        self.pieces.allow_compression(Decompressor::INPUT);
        self.decompressor = Some(decompressor);
    }

    /// Takes note that the stream ended: nothing more will arrive.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedEof`] if the peer's close frame did not come before. Nothing is owed then.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        self.eof = true;
        if self.end.is_some() {
            return Ok(());
        }
        self.stop(End::Eof);
        Err(Error::UnexpectedEof)
    }

    /// Takes what is owed to the peer: the pong for the newest ping (section 5.5.3 lets older ones go), or the close
    /// frame that answers the peer's or tells it of an error. Hand it to [`Writer::reply`](crate::Writer::reply).
    ///
    /// Someone who answers every ping takes it after every event.
    pub const fn take_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    /// Whether the peer's close frame, an error or the end of the stream was received: no event will follow.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the stream ended.
    #[must_use]
    pub const fn is_eof(&self) -> bool {
        self.eof
    }

    /// Whose half this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.pieces.role()
    }

    /// The error that ended the connection.
    #[must_use]
    pub const fn error(&self) -> Option<Error> {
        match self.end {
            Some(End::Failed(error)) => Some(error),
            Some(End::Eof) => Some(Error::UnexpectedEof),
            _ => None,
        }
    }

    /// How many frames were received: those whose header was accepted. After an error in a header this is the
    /// position of its frame in the stream, counted from zero.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.pieces.frames()
    }

    /// Gives the buffer's memory back if no message is in it. An adapter may do so before it waits.
    #[cfg(feature = "alloc")]
    pub fn release(&mut self) {
        if self.message.bytes().is_empty() || matches!(self.ready, Ready::Message) {
            self.ready = Ready::Nothing;
            self.message = Message::EMPTY;
        }
    }

    pub(crate) const fn end(&self) -> Option<End> {
        self.end
    }

    pub(crate) const fn owes_reply(&self) -> bool {
        self.reply.is_some()
    }

    pub(crate) fn owes_close(&self) -> bool {
        self.reply.is_some_and(|reply| reply.close)
    }

    /// The peer's close frame, once it came.
    pub(crate) fn close_frame(&self) -> Option<Close<'_>> {
        Close::decode(self.pieces.newest_control()).ok().flatten()
    }

    /// Makes room behind an event.
    #[cfg(feature = "alloc")]
    fn done(&mut self) {
        if matches!(self.ready, Ready::Message) {
            self.message.clear(self.keep_buffer);
        }
        self.ready = Ready::Nothing;
    }

    #[cfg(feature = "alloc")]
    fn step(&mut self, input: &mut &mut [u8]) -> Result<Ready, Error> {
        while let Some(piece) = self.pieces.next(input)? {
            match piece {
                #[cfg(feature = "deflate")]
                Piece::Data { kind, compressed: true, bytes, last } => {
                    if self.inflate(kind, bytes, last)? {
                        return Ok(Ready::Message);
                    }
                }
                Piece::Data { kind, bytes, last, .. } => {
                    self.message.push(kind, bytes, last, &mut self.utf8, self.pieces.max_message())?;
                    if last {
                        return Ok(Ready::Message);
                    }
                }
                Piece::Control(opcode) => {
                    self.control(opcode, input)?;
                    return Ok(Ready::Control(opcode));
                }
            }
        }
        Ok(Ready::Nothing)
    }

    /// Adds a compressed piece to the message; true if that is its end.
    #[cfg(feature = "deflate")]
    fn inflate(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<bool, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Err(Error::BadReservedBit);
        };
        let max = self.pieces.max_message();
        decompressor.push(kind, bytes, last)?;
        loop {
            let so_far = [self.message.bytes(), self.utf8.cut()];
            let (bytes, last) = match decompressor.pull(Some(so_far), max)? {
                Inflated::Bytes(n) => (decompressor.output(n), false),
                Inflated::Starved => return Ok(false),
                Inflated::Done => (&[][..], true),
            };
            self.message.push(kind, bytes, last, &mut self.utf8, max)?;
            if last {
                return Ok(true);
            }
        }
    }

    fn chunk<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Step<'i>, Error> {
        loop {
            #[cfg(feature = "deflate")]
            if let Some(step) = self.inflated()? {
                return Ok(step);
            }
            match self.pieces.next(input)? {
                None => return Ok(Step::Nothing),
                #[cfg(feature = "deflate")]
                Some(Piece::Data { kind, compressed: true, bytes, last }) => {
                    if let Some(decompressor) = &mut self.decompressor {
                        decompressor.push(kind, bytes, last)?;
                    }
                }
                Some(Piece::Data { kind, bytes, last, .. }) => {
                    self.check(kind, bytes, last)?;
                    return Ok(Step::Data { kind, bytes, last });
                }
                Some(Piece::Control(opcode)) => {
                    self.control(opcode, input)?;
                    return Ok(Step::Control(opcode));
                }
            }
        }
    }

    /// The next bytes of a compressed message, if what arrived of it has any.
    #[cfg(feature = "deflate")]
    fn inflated(&mut self) -> Result<Option<Step<'static>>, Error> {
        let Some(decompressor) = &mut self.decompressor else {
            return Ok(None);
        };
        let Some(kind) = decompressor.under_way() else {
            return Ok(None);
        };
        match decompressor.pull(None, self.pieces.max_message())? {
            Inflated::Bytes(len) => {
                if kind == Kind::Text && self.check_chunks {
                    self.utf8.push(decompressor.output(len))?;
                }
                Ok(Some(Step::Inflated { kind, len }))
            }
            Inflated::Starved => Ok(None),
            Inflated::Done => {
                self.check(kind, &[], true)?;
                Ok(Some(Step::Data { kind, bytes: &[], last: true }))
            }
        }
    }

    fn check(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
        if kind == Kind::Text && self.check_chunks {
            self.utf8.push(bytes)?;
            if last && !self.utf8.is_complete() {
                return Err(Error::BadUtf8);
            }
        }
        Ok(())
    }

    /// Does what a control frame asks for.
    fn control(&mut self, opcode: OpCode, input: &mut &mut [u8]) -> Result<(), Error> {
        let body = *self.pieces.newest_control();
        match opcode {
            OpCode::Ping => self.reply = Some(Reply { close: false, body }),
            OpCode::Close => {
                let close = Close::decode(&body)?;
                if let Some(Close { code, .. }) = close
                    && code.is_unassigned()
                    && !self.unassigned_codes
                {
                    return Err(BadClose::Code(code).into());
                }
                // Section 5.5.1: typically echoes the code; an empty close is answered by an empty one.
                let answer = close.and_then(|close| Close { reason: "", ..close }.encode());
                self.reply = Some(Reply { close: true, body: answer.unwrap_or(Body::EMPTY) });
                self.stop(End::Close);
                *input = &mut [];
            }
            _ => {}
        }
        Ok(())
    }

    /// Section 7.1.7: fails the connection.
    #[cold]
    fn fail(&mut self, error: Error, input: &mut &mut [u8]) -> Error {
        *input = &mut [];
        let close = Close { code: error.close_code(), reason: "" }.encode();
        self.reply = match close {
            Some(body) if !self.silent_failure => Some(Reply { close: true, body }),
            _ => None,
        };
        self.stop(End::Failed(error));
        error
    }

    fn stop(&mut self, end: End) {
        self.end = Some(end);
        self.pieces.stop();
        #[cfg(feature = "deflate")]
        {
            self.decompressor = None;
        }
        #[cfg(feature = "alloc")]
        if !matches!(self.ready, Ready::Message) {
            self.message = Message::EMPTY;
        }
    }
}
