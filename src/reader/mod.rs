//! Bytes in, events out.

mod budget;
mod chunks;
mod end;
mod event;
#[cfg(feature = "alloc")]
mod in_place;
#[cfg(feature = "deflate")]
mod inflate;
mod limits;
mod masked;
#[cfg(feature = "alloc")]
mod message;
mod pieces;
#[cfg(feature = "alloc")]
mod room;

pub(crate) use self::end::End;
pub use self::event::Chunk;
#[cfg(feature = "alloc")]
pub use self::event::Event;
#[cfg(feature = "alloc")]
use self::message::Message;
#[cfg(feature = "alloc")]
use self::pieces::Piece;
use self::pieces::Pieces;
use crate::body::Body;
use crate::close::{BadClose, Close};
use crate::config::{Config, Role};
#[cfg(feature = "deflate")]
use crate::deflate::Decompressor;
use crate::error::Error;
#[cfg(feature = "alloc")]
use crate::frame::Kind;
use crate::frame::OpCode;
use crate::reply::Reply;
use crate::unfinished::Unfinished;
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
///
/// and so is the buffer that it may be lent from:
///
/// ```compile_fail,E0506
/// # use ws_proto::{Config, Connection, Event};
/// # let (mut reader, _) = Connection::server(&Config::new()).into_split();
/// # let mut buffer = [0; 64];
/// let event = reader.receive(&mut &mut buffer[..]);
/// buffer[0] = 1;
/// drop(event);
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
    /// See [`Reader::inflate_at_most`].
    #[cfg(feature = "deflate")]
    inflate_at_most: usize,
    utf8: Utf8,
    reply: Option<Reply>,
    end: Option<End>,
    eof: bool,
    check_chunks: bool,
    unassigned_codes: bool,
    silent_failure: bool,
}

/// What the last [`Reader::advance`] stopped at.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
enum Ready {
    Nothing,
    /// Nothing, but there is room for the next so many bytes.
    Room(usize),
    Message,
    Control(OpCode),
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
            #[cfg(feature = "deflate")]
            inflate_at_most: usize::MAX,
            utf8: Utf8::new(),
            reply: None,
            end: None,
            eof: false,
            check_chunks: config.check_chunks,
            unassigned_codes: config.unassigned_codes,
            silent_failure: config.silent_failure,
        }
    }

    /// Reads up to the next event, or all of `input` if it has none; or, with [`Reader::inflate_at_most`], no further than a
    /// call may: then it returns `Ok(None)` with input left, and [`Reader::is_inflating`] says so.
    ///
    /// A message that lies in `input` as one frame is lent from there; otherwise from the reader's own buffer (but see
    /// [`Reader::receive_in_place`]). After a [`Event::Close`] or an error, all input is swallowed.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, once. A close frame is then owed (see [`Reader::take_reply`]).
    #[cfg(feature = "alloc")]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the caller matches on it at once: no result is made in memory")]
    pub fn receive<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'a>>, Error> {
        self.lend(input, Self::advance)
    }

    /// A message that lies in `input` as one frame, or what `otherwise` finds.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `receive`")]
    fn lend<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
        otherwise: impl FnOnce(&mut Self, &mut &'i mut [u8]) -> Result<bool, Error>,
    ) -> Result<Option<Event<'a>>, Error> {
        if !matches!(self.ready, Ready::Nothing) {
            self.done();
        }
        match self.pieces.whole(input) {
            Some((Kind::Binary, bytes)) => Ok(Some(Event::Binary(bytes.unmask()))),
            Some((Kind::Text, bytes)) => match utf8::check(bytes.unmask()) {
                Ok(text) => Ok(Some(Event::Text(text))),
                Err(bad) => Err(self.fail(bad.into(), input)),
            },
            None => Ok(if otherwise(self, input)? { self.event() } else { None }),
        }
    }

    /// Reads up to the next event and keeps it for [`Reader::event`]; false if there is none and all of `input` is
    /// read, or if [`Reader::is_inflating`]. For adapters whose own buffer is busy: every message is put together in the reader's.
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
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `receive`")]
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        let control = || &**self.pieces.newest_control();
        Some(match (self.ready, &self.message) {
            (Ready::Nothing | Ready::Room(_), _) => return None,
            (Ready::Message, Message::Text(text)) => Event::Text(text),
            (Ready::Message, Message::Binary { bytes, len }) => Event::Binary(bytes.split_at(*len).0),
            (Ready::Control(OpCode::Ping), _) => Event::Ping(control()),
            (Ready::Control(OpCode::Pong), _) => Event::Pong(control()),
            (Ready::Control(_), _) => Event::Close(self.close_frame()),
        })
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
    #[inline]
    pub const fn take_reply(&mut self) -> Option<Reply> {
        // Seldom, and not small.
        if self.reply.is_some() { self.reply.take() } else { None }
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

    /// The message that has begun to arrive and is not whole, for [`Timers`](crate::timers::Timers).
    #[must_use]
    pub const fn unfinished(&self) -> Option<Unfinished> {
        self.pieces.unfinished()
    }

    /// Gives the buffer's memory back if no message is in it. An adapter may do so before it waits.
    #[cfg(feature = "alloc")]
    pub fn release(&mut self) {
        if self.message.bytes().is_empty() || matches!(self.ready, Ready::Message) {
            self.ready = Ready::Nothing;
            self.message = Message::EMPTY;
        }
        #[cfg(feature = "deflate")]
        if let Some(decompressor) = &mut self.decompressor {
            decompressor.release();
        }
    }

    pub(crate) const fn owes_reply(&self) -> bool {
        self.reply.is_some()
    }

    pub(crate) fn owes_close(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_close)
    }

    /// The peer's close frame, once it came.
    pub(crate) fn close_frame(&self) -> Option<Close<'_>> {
        Close::decode(self.pieces.newest_control()).ok().flatten()
    }

    /// Makes room behind an event.
    #[cfg(feature = "alloc")]
    pub(crate) fn done(&mut self) {
        if matches!(self.ready, Ready::Message) {
            self.message.clear(self.keep_buffer);
        }
        self.ready = Ready::Nothing;
    }

    #[cfg(feature = "alloc")]
    fn step(&mut self, input: &mut &mut [u8]) -> Result<Ready, Error> {
        if let Some((kind, bytes)) = self.pieces.whole(input) {
            self.message.push(kind, bytes, &mut self.utf8, self.pieces.limits().message)?;
            return self.whole_message();
        }
        #[cfg(feature = "deflate")]
        if self.pieces.is_paused() {
            return Ok(self.inflate_from(None)?.unwrap_or(Ready::Nothing));
        }
        while let Some(piece) = self.pieces.next(input, u64::MAX)? {
            match piece {
                #[cfg(feature = "deflate")]
                Piece::Data { kind, compressed: true, bytes, last } => {
                    if let Some(ready) = self.inflate(kind, bytes, last)? {
                        return Ok(ready);
                    }
                }
                Piece::Data { kind, bytes, last, .. } => {
                    self.message.push(kind, bytes, &mut self.utf8, self.pieces.limits().message)?;
                    if last {
                        return self.whole_message();
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

    #[cfg(feature = "alloc")]
    fn whole_message(&mut self) -> Result<Ready, Error> {
        if self.utf8.is_complete() { Ok(Ready::Message) } else { Err(Error::BadUtf8) }
    }

    /// Does what a control frame asks for.
    fn control(&mut self, opcode: OpCode, input: &mut &mut [u8]) -> Result<(), Error> {
        let body = self.pieces.newest_control();
        match opcode {
            OpCode::Ping => _ = self.reply.insert(Reply { close: false, body: Body::EMPTY }).body.extend(body),
            OpCode::Close => {
                let close = Close::decode(body)?;
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
}
