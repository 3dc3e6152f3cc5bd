//! The body of a response that opens no connection (RFC 9112, sections 6 and 7).

use alloc::vec::Vec;
use core::mem;

use super::framing::{self, Framing};
use super::head::{Field, Head};
use super::kinds::is_text_byte;
use crate::config::Config;

/// A body as it arrives. It takes linear time, and keeps no more bytes than the limit.
pub(super) struct ResponseBody {
    bytes: Vec<u8>,
    max: usize,
    /// Whether the stream outlives a body that says where it ends.
    keep_alive: bool,
    state: State,
}

/// Where the next byte belongs.
#[derive(Clone, Copy)]
enum State {
    /// To the body, if it is among so many.
    Length(u64),
    Chunked {
        chunks: Chunks,
        /// How many bytes of chunk extensions and trailers may still come.
        spare: usize,
    },
    /// To the body, which ends with the stream.
    UntilEof,
    Over(End),
}

/// How a body has ended.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    /// Where its framing says.
    Framed,
    /// With the stream, as it may.
    Eof,
    /// Too early, above the limit, or in malformed framing.
    Truncated,
}

impl ResponseBody {
    /// What follows the head of a response to a GET (section 6.3).
    pub(super) fn behind(head: &Head, config: &Config) -> Self {
        let is_plain = matches!(head.http_version(), (1, 1..)) && !head.has_token(Field::Connection, b"close");
        // Section 6.3: both may be an attempt at smuggling, and the stream ends behind the body.
        let is_doubtful = framing::is_coded(head) && head.all(Field::ContentLength).next().is_some();
        let state = match Framing::of(head) {
            _ if matches!(head.status(), 100..=199 | 204 | 304) => State::Over(End::Framed),
            Ok(Framing::Length(0)) => State::Over(End::Framed),
            Ok(Framing::Length(length)) => State::Length(length),
            Ok(Framing::Chunked) => State::Chunked { chunks: Chunks::FIRST, spare: config.max_head },
            Ok(Framing::Unsaid | Framing::Coded) => State::UntilEof,
            // Section 6.3: such a response is to be discarded.
            Err(_) => State::Over(End::Truncated),
        };
        Self { bytes: Vec::new(), max: config.max_body, keep_alive: is_plain && !is_doubtful, state }
    }

    /// None, behind a response whose head is not whole or that is no answer to the request.
    pub(super) const fn none() -> Self {
        Self { bytes: Vec::new(), max: 0, keep_alive: false, state: State::Over(End::Truncated) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.state, State::Over(End::Framed | End::Eof))
    }

    pub(super) const fn can_reuse(&self) -> bool {
        self.keep_alive && matches!(self.state, State::Over(End::Framed))
    }

    /// Takes bytes up to the end of the body. What is behind it is left if the stream can be used on.
    pub(super) fn receive(&mut self, input: &mut &mut [u8]) {
        while !input.is_empty() && !self.is_over() {
            self.state = match self.state {
                State::Length(left) => match self.keep(left, input) {
                    Some(0) => State::Over(End::Framed),
                    Some(left) => State::Length(left),
                    None => State::Over(End::Truncated),
                },
                State::UntilEof => match self.keep(u64::MAX, input) {
                    Some(_) => State::UntilEof,
                    None => State::Over(End::Truncated),
                },
                State::Chunked { chunks, spare } => self.chunk(chunks, spare, input),
                State::Over(end) => State::Over(end),
            };
        }
        if self.is_over() && !self.can_reuse() {
            *input = &mut [];
        }
    }

    /// Takes note that the server will send no more.
    pub(super) const fn receive_eof(&mut self) {
        self.keep_alive = false;
        self.state = match self.state {
            State::UntilEof => State::Over(End::Eof),
            State::Length(_) | State::Chunked { .. } => State::Over(End::Truncated),
            State::Over(end) => State::Over(end),
        };
    }

    fn chunk(&mut self, chunks: Chunks, spare: usize, input: &mut &mut [u8]) -> State {
        let next = if let Chunks::Data(left) = chunks {
            self.keep(left, input).map(|left| (Chunks::behind_data(left), spare))
        } else {
            let byte = input.split_off_first_mut();
            byte.and_then(|byte| Some((chunks.push(*byte)?, spare.checked_sub(chunks.cost())?)))
        };
        match next {
            Some((Chunks::End, _)) => State::Over(End::Framed),
            Some((chunks, spare)) => State::Chunked { chunks, spare },
            None => State::Over(End::Truncated),
        }
    }

    /// Moves up to `left` bytes into the body; returns how many are still to come, or `None` above the limit.
    fn keep(&mut self, left: u64, input: &mut &mut [u8]) -> Option<u64> {
        let n = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let room = self.max.saturating_sub(self.bytes.len());
        let (data, rest) = mem::take(input).split_at_mut(n);
        *input = rest;
        self.bytes.extend_from_slice(data.get(..room).unwrap_or(data));
        (n <= room).then(|| left.saturating_sub(n as u64))
    }
}

/// Where in a chunked body the next byte belongs (section 7.1).
#[derive(Clone, Copy)]
enum Chunks {
    Size {
        size: u64,
        digits: u8,
    },
    /// Behind the size, up to the end of its line.
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    DataLineFeed,
    /// The first byte of a line behind the last chunk.
    Trailers,
    Trailer,
    TrailerEnd,
    LastLineFeed,
    End,
}

impl Chunks {
    const FIRST: Self = Self::Size { size: 0, digits: 0 };

    const fn behind_data(left: u64) -> Self {
        if left == 0 { Self::DataEnd } else { Self::Data(left) }
    }

    /// Behind a byte that is no data; `None` if it may not stand here.
    fn push(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { size, digits: 1.. } | Self::Extension(size), b'\r') => Self::SizeEnd(size),
            (Self::Size { size, digits: 1.. }, b';' | b' ' | b'\t') => Self::Extension(size),
            (Self::Size { size, digits: digits @ ..16 }, _) => {
                let digit = char::from(byte).to_digit(16)?;
                Self::Size { size: size.checked_mul(16)? | u64::from(digit), digits: digits.saturating_add(1) }
            }
            (Self::Extension(_), _) if is_text_byte(byte) => self,
            (Self::SizeEnd(0) | Self::TrailerEnd, b'\n') => Self::Trailers,
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::DataEnd, b'\r') => Self::DataLineFeed,
            (Self::DataLineFeed, b'\n') => Self::FIRST,
            (Self::Trailers, b'\r') => Self::LastLineFeed,
            (Self::Trailer, b'\r') => Self::TrailerEnd,
            (Self::Trailers | Self::Trailer, _) if is_text_byte(byte) => Self::Trailer,
            (Self::LastLineFeed, b'\n') => Self::End,
            _ => return None,
        })
    }

    /// How much the next byte takes of what extensions and trailers may be.
    const fn cost(self) -> usize {
        matches!(self, Self::Extension(_) | Self::Trailers | Self::Trailer) as usize
    }
}
