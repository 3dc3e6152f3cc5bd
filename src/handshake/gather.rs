//! Gathers the head of a request or response: start line, header lines, empty line (RFC 9112, section 2).

use alloc::vec::Vec;
use core::mem;

use super::error::HandshakeError;
use super::head::{Head, Line, parse, position, status};
use super::kinds::{is_text_byte, is_token_byte, skip_graphic, skip_text};
use crate::config::Config;

/// Gathers a head to its empty line. Each byte is looked at once, when it comes, and a byte that no head can have
/// there is an error at once: so the outcome is the same however the bytes are cut.
pub(super) struct Gather {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    start: StartLine,
    place: Place,
    /// Where the header line begins that is being read.
    line: u32,
    /// Whether a lone LF ends a line too.
    bare_lf: bool,
    max_head: usize,
    max_headers: usize,
}

/// Where the next byte belongs.
#[derive(Clone, Copy)]
enum Place {
    StartLine,
    Line,
    /// Behind the CR of a line.
    LineFeed,
}

impl Gather {
    pub(super) fn request(config: &Config) -> Self {
        Self::new(config, StartLine::request(config.max_target), false)
    }

    pub(super) fn response(config: &Config) -> Self {
        Self::new(config, StartLine::response(), config.lenient_handshake)
    }

    fn new(config: &Config, start: StartLine, bare_lf: bool) -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            start,
            place: Place::StartLine,
            line: 0,
            bare_lf,
            max_head: config.max_head.min(u32::MAX as usize), // so that a position is a u32
            max_headers: config.max_headers,
        }
    }

    /// Moves `input` behind the head, or to its end.
    pub(super) fn receive(&mut self, input: &mut &mut [u8]) -> Result<Option<Head>, HandshakeError> {
        #[expect(clippy::arithmetic_side_effects, reason = "no more than `room` bytes are ever added")]
        let room = self.max_head - self.bytes.len();
        let (window, _) = input.split_at_checked(room).unwrap_or((input, &[]));
        let found = self.scan(window);
        let n = if let Ok(Some(n)) = found { n } else { window.len() };
        let (head, rest) = mem::take(input).split_at_mut(n);
        if self.bytes.is_empty() {
            self.bytes = head.to_vec(); // mostly all of it
        } else {
            self.bytes.extend_from_slice(head);
        }
        *input = rest;
        match found? {
            Some(_) => self.finish().map(Some),
            None if self.bytes.len() == self.max_head => Err(HandshakeError::HeadTooLong),
            None => Ok(None),
        }
    }

    /// Whether what was received so far is a HEAD request, to which no response has a body.
    pub(super) fn is_head_request(&self) -> bool {
        self.bytes.get(self.start.method as usize..).is_some_and(|request| request.starts_with(b"HEAD "))
    }

    /// What was received so far.
    pub(super) fn received(&self) -> &[u8] {
        &self.bytes
    }

    /// The status of a response, once its status line is whole.
    pub(super) fn status(&self) -> Option<u16> {
        let is_known = self.start.is_response && !matches!(self.place, Place::StartLine);
        is_known.then(|| status(&self.bytes))
    }

    /// Looks at the next bytes; returns how many of them belong to the head once its end is among them.
    #[expect(clippy::arithmetic_side_effects, reason = "`rest` is a part of `input`")]
    fn scan(&mut self, input: &[u8]) -> Result<Option<usize>, HandshakeError> {
        let end = self.bytes.len() + input.len();
        let mut rest = input;
        if let Place::StartLine = self.place {
            let Some(behind) = self.start.receive(end, input, self.bare_lf)? else {
                return Ok(None);
            };
            (self.place, self.line, rest) = (Place::Line, position(end - behind.len()), behind);
            self.lines = Vec::with_capacity(16); // few handshakes have more, and none has only one
        }
        if let (Place::LineFeed, [_, ..]) = (self.place, rest) {
            self.place = Place::Line;
            rest = rest.strip_prefix(b"\n").ok_or(HandshakeError::BadHeader)?;
            if self.end_line(position(end - rest.len()), CRLF)? {
                return Ok(Some(input.len() - rest.len()));
            }
        }
        loop {
            let ending;
            (rest, ending) = match skip_text(rest) {
                [b'\r', b'\n', behind @ ..] => (behind, CRLF),
                [b'\n', behind @ ..] if self.bare_lf => (behind, LF),
                [b'\r'] => {
                    self.place = Place::LineFeed;
                    return Ok(None);
                }
                [] => return Ok(None),
                _ => return Err(HandshakeError::BadHeader),
            };
            if self.end_line(position(end - rest.len()), ending)? {
                return Ok(Some(input.len() - rest.len()));
            }
        }
    }

    /// Ends a line of which the last bytes are its `ending`, and behind which the next begins; true behind the empty line.
    fn end_line(&mut self, behind: u32, ending: u32) -> Result<bool, HandshakeError> {
        let line = Line::new(self.line, behind.saturating_sub(ending));
        self.line = behind;
        if line.start == line.end {
            return Ok(true);
        }
        if self.lines.len() == self.max_headers {
            return Err(HandshakeError::TooManyHeaders);
        }
        self.lines.push(line);
        Ok(false)
    }

    fn finish(&mut self) -> Result<Head, HandshakeError> {
        if self.start.is_response {
            unfold(&mut self.bytes, &mut self.lines);
        }
        let fields = parse(&self.bytes, &mut self.lines).ok_or(HandshakeError::BadHeader)?;
        let StartLine { method, target, version, .. } = self.start;
        let (bytes, lines) = (mem::take(&mut self.bytes), mem::take(&mut self.lines));
        Ok(Head { bytes, lines, fields, method, target, version })
    }
}

/// Joins folded lines with the one that they continue (RFC 9112, section 5.2). Only a response may have them; one that
/// continues nothing stays, and has a bad name.
fn unfold(bytes: &mut [u8], lines: &mut Vec<Line>) {
    lines.dedup_by(|line, before| {
        let fold = before.end as usize..line.start as usize; // the line's ending
        let is_folded = matches!(bytes.get(fold.end), Some(b' ' | b'\t'));
        if is_folded && let Some(fold) = bytes.get_mut(fold) {
            fold.fill(b' ');
            before.end = line.end;
        }
        is_folded
    });
}

/// The start line as far as it was read (RFC 9112, sections 3 and 4).
#[derive(Clone, Copy)]
struct StartLine {
    part: Part,
    is_response: bool,
    max_target: usize,
    /// Where these begin.
    method: u32,
    target: u32,
    version: u32,
}

/// A part of a start line.
#[derive(Clone, Copy)]
enum Part {
    /// The LF of an empty line before the request.
    Empty,
    Method,
    Target,
    /// `HTTP/1.1` and, in a response, the status: up to twelve bytes.
    Version,
    Reason,
    /// The LF at the end.
    End,
    /// No HTTP, but perhaps TLS, or HTTP/2: what is behind their first byte.
    Tls,
    Http2,
}

impl StartLine {
    const fn request(max_target: usize) -> Self {
        Self { part: Part::Method, is_response: false, max_target, method: 0, target: 0, version: 0 }
    }

    const fn response() -> Self {
        Self { part: Part::Version, is_response: true, max_target: 0, method: 0, target: 0, version: 0 }
    }

    /// Takes the bytes that end at position `end`; returns what is behind the line once its end is among them.
    #[expect(clippy::arithmetic_side_effects, reason = "`end` is not before the bytes that are left")]
    fn receive<'i>(
        &mut self,
        end: usize,
        mut input: &'i [u8],
        bare_lf: bool,
    ) -> Result<Option<&'i [u8]>, HandshakeError> {
        if let Some(behind) = self.skip_plain(end, input) {
            return Ok(Some(behind));
        }
        while let [byte, rest @ ..] = input {
            let at = position(end - input.len());
            let is_over = (bare_lf && *byte == b'\n' && self.may_end(at)) || self.push(at, *byte)?;
            input = match self.part {
                _ if is_over => return Ok(Some(rest)),
                Part::Target => {
                    let at = position(end - rest.len());
                    skip_target(rest, self.max_target.saturating_sub((at - self.target) as usize))
                }
                _ => rest,
            };
        }
        Ok(None)
    }

    /// What is behind the line if it is a whole one, as browsers write it.
    fn skip_plain<'i>(&mut self, end: usize, input: &'i [u8]) -> Option<&'i [u8]> {
        if self.is_response || end != input.len() {
            return None;
        }
        let target = input.strip_prefix(b"GET ").filter(|target| !target.starts_with(b" "))?;
        let rest = skip_target(target, self.max_target);
        let behind = rest.strip_prefix(b" HTTP/1.1\r\n")?;
        (self.target, self.version) = (4, position(input.len().saturating_sub(rest.len())).saturating_add(1));
        Some(behind)
    }

    /// Takes the next byte, at position `at`; true behind the last.
    #[expect(clippy::arithmetic_side_effects, reason = "`at` is not before its part's start, and below `max_head`")]
    fn push(&mut self, at: u32, byte: u8) -> Result<bool, HandshakeError> {
        match (self.part, byte) {
            (Part::Method | Part::Version, TLS_ALERT | TLS_HANDSHAKE) if at == 0 => self.part = Part::Tls,
            (Part::Version, 0) if at == 0 => self.part = Part::Http2,
            (Part::Tls, TLS_VERSION) => return Err(HandshakeError::TlsInPlaintext),
            (Part::Http2, _) if at == 3 && byte == HTTP_2_SETTINGS => return Err(HandshakeError::Http2),
            (Part::Http2, _) if at == 2 || (at == 1 && byte == 0) => {} // its length is 24 bits, and below 256
            (Part::Method, b'\r') if at == self.method && at < MAX_EMPTY => self.part = Part::Empty,
            (Part::Empty, b'\n') => (self.part, self.method) = (Part::Method, at + 1),
            (Part::Method, b' ') if at > self.method => (self.part, self.target) = (Part::Target, at + 1),
            (Part::Method, _) if is_token_byte(byte) => {}
            (Part::Target, b' ') if at > self.target => (self.part, self.version) = (Part::Version, at + 1),
            (Part::Target, b'!'..=b'~') if (at - self.target) as usize == self.max_target => {
                return Err(HandshakeError::TargetTooLong);
            }
            (Part::Target, b'!'..=b'~') => {}
            (Part::Version, _) => self.part = self.version(at - self.version, byte).ok_or(self.error())?,
            (Part::Reason, b'\r') => self.part = Part::End,
            (Part::Reason, _) if is_text_byte(byte) => {}
            (Part::End, b'\n') => return Ok(true),
            _ => return Err(self.error()),
        }
        Ok(false)
    }

    /// Whether the line of a response may end before the byte at position `at`.
    const fn may_end(&self, at: u32) -> bool {
        matches!((self.part, at), (Part::Version, 12) | (Part::Reason, _))
    }

    /// The part behind the `i`-th byte of a version or a version with a status, if it may be `byte`.
    fn version(&self, i: u32, byte: u8) -> Option<Part> {
        let (ok, next) = match (i, self.is_response) {
            (0..=4, _) => (b"HTTP/".get(i as usize) == Some(&byte), Part::Version),
            (6, _) => (byte == b'.', Part::Version),
            (5 | 7, _) | (9..=11, true) => (byte.is_ascii_digit(), Part::Version),
            (8, true) => (byte == b' ', Part::Version),
            (12, true) if byte == b' ' => (true, Part::Reason),
            (8, false) | (12, true) => (byte == b'\r', Part::End),
            _ => return None,
        };
        ok.then_some(next)
    }

    const fn error(&self) -> HandshakeError {
        if self.is_response { HandshakeError::BadStatusLine } else { HandshakeError::BadRequestLine }
    }
}

/// What is behind the bytes that may stand in a target, and are at most `max`.
fn skip_target(input: &[u8], max: usize) -> &[u8] {
    let (some, _) = input.split_at_checked(max).unwrap_or((input, &[]));
    let len = some.len().saturating_sub(skip_graphic(some).len());
    input.get(len..).unwrap_or_default()
}

/// What a record of TLS begins with (RFC 8446, section 5.1): its type, and the first half of a version.
const TLS_ALERT: u8 = 0x15;
const TLS_HANDSHAKE: u8 = 0x16;
const TLS_VERSION: u8 = 3;

/// The type of the frame that a server of HTTP/2 begins with (RFC 9113, sections 3.4 and 6.5).
const HTTP_2_SETTINGS: u8 = 4;

/// How many bytes end a line.
const CRLF: u32 = 2;
const LF: u32 = 1;

/// How far into a request its first line may begin: behind four empty lines (RFC 9112, section 2.2).
const MAX_EMPTY: u32 = 8;
