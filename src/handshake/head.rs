//! The head of a request or response (RFC 9112, section 2).

use alloc::vec::Vec;
use core::{fmt, iter, mem, str};

use super::error::HandshakeError;
use super::fields;
use super::kinds::split_token;
use super::uri::split_once;

/// A head: its bytes, and where in them the lines are.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Vec<Line>,
    /// The first line of each field.
    pub(super) fields: [u32; FIELDS],
    /// Where these begin, if the start line has them.
    pub(super) method: u32,
    pub(super) target: u32,
    pub(super) version: u32,
}

impl Head {
    /// The method of a request.
    pub(super) fn method(&self) -> &[u8] {
        self.slice(self.method, self.target.saturating_sub(1))
    }

    /// The target of a request, which is ASCII.
    pub(super) fn target(&self) -> &[u8] {
        self.slice(self.target, self.version.saturating_sub(1))
    }

    /// The two digits of the version.
    pub(super) fn http_version(&self) -> (u8, u8) {
        match self.slice(self.version, self.version.saturating_add(8)) {
            #[expect(clippy::arithmetic_side_effects, reason = "gathered as digits")]
            [.., major, b'.', minor] => (major - b'0', minor - b'0'),
            _ => (0, 0),
        }
    }

    /// The status of a response.
    pub(super) fn status(&self) -> u16 {
        status(&self.bytes)
    }

    /// The names and values of the header lines, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.lines.iter().map(|line| {
            let name = fields::text(self.slice(line.start, line.name_end));
            (name, self.value(line))
        })
    }

    /// The first value under a name, in any case.
    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The values of a field the handshake is about, in order.
    pub(super) fn all(&self, field: Field) -> impl Iterator<Item = &[u8]> + Clone {
        let line = |at: u32| self.lines.get(at as usize);
        let first = self.fields.get(field as usize).and_then(|first| line(*first));
        iter::successors(first, move |before| line(before.next)).map(|line| self.value(line))
    }

    /// The value of a field that may be there once; `error` if it is repeated.
    pub(super) fn only(&self, field: Field, error: HandshakeError) -> Result<Option<&[u8]>, HandshakeError> {
        let mut values = self.all(field);
        let value = values.next();
        if values.next().is_some() { Err(error) } else { Ok(value) }
    }

    /// Whether the lines of a list field have this token, in any case.
    pub(super) fn has_token<const N: usize>(&self, field: Field, token: &[u8; N]) -> bool {
        self.all(field).any(|list| is(list, token) || fields::elements(list).any(|element| is(element, token)))
    }

    fn value(&self, line: &Line) -> &[u8] {
        self.slice(line.value, line.end)
    }

    fn slice(&self, start: u32, end: u32) -> &[u8] {
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// Leaves out what must not come into a log, and escapes what the peer sent.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.lines.first().map_or(u32::MAX, |line| line.start);
        let first = self.bytes.get(..end as usize).unwrap_or(&self.bytes).trim_ascii();
        // What is behind the query is the version.
        let (shown, query) = without_query(first);
        let version =
            query.and_then(|query| query.iter().position(|byte| *byte == b' ').and_then(|at| query.get(at..)));
        let hidden = if query.is_some() { "?.." } else { "" };
        write!(f, "\"{}{hidden}{}\" ", shown.escape_ascii(), version.unwrap_or_default().escape_ascii())?;
        f.debug_map().entries(self.headers().map(|(name, value)| (name, Shown { name, value }))).finish()
    }
}

/// A header value in debug output.
pub(super) struct Shown<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a [u8],
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_secret(self.name) {
            return f.write_str("..");
        }
        // It may be a URI, with secrets in its query, its fragment, or before its host.
        let (shown, query) = without_query(self.value);
        let (shown, fragment) = split_once(shown, b'#').map_or((shown, false), |(before, _)| (before, true));
        let hidden = if query.is_some() || fragment { "?.." } else { "" };
        if split_once(shown, b'@').is_some() && shown.windows(2).any(|slashes| slashes == b"//") {
            return f.write_str("..");
        }
        write!(f, "\"{}{hidden}\"", shown.escape_ascii())
    }
}

/// What is before the query of a URI, and the query.
pub(super) fn without_query(uri: &[u8]) -> (&[u8], Option<&[u8]>) {
    split_once(uri, b'?').map_or((uri, None), |(before, query)| (before, Some(query)))
}

/// Whether the values of a header must not come into a log: by its name, or by a word in it.
pub(super) fn is_secret(name: &str) -> bool {
    let has = |word: &str| name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    SECRET.iter().any(|word| has(word))
}

/// A header line: the positions of its name and of its value without the blanks around it.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) start: u32,
    name_end: u32,
    value: u32,
    pub(super) end: u32,
    /// The next line of the same field.
    next: u32,
}

impl Line {
    pub(super) const fn new(start: u32, end: u32) -> Self {
        Self { start, name_end: start, value: start, end, next: NONE }
    }

    /// Finds name and value between the ends of the line (RFC 9112, section 5). Returns the name.
    #[expect(clippy::arithmetic_side_effects, reason = "name and value are parts of the line, from `start` to `end`")]
    fn parse<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let line = bytes.get(self.start as usize..self.end as usize)?;
        let (name, rest) = split_token(line);
        let value = fields::trim_start(rest.strip_prefix(b":")?);
        self.name_end = self.start + position(name.len());
        self.value = self.end - position(value.len());
        self.end = self.value + position(fields::trim_end(value).len());
        (!name.is_empty()).then_some(name)
    }
}

/// The status in a response, which has a whole status line.
#[expect(clippy::arithmetic_side_effects, reason = "gathered as three digits")]
pub(super) fn status(response: &[u8]) -> u16 {
    response.get(9..12).unwrap_or_default().iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
}

/// Finds name and value in each line, and the lines of each field. Returns the first ones.
pub(super) fn parse(bytes: &[u8], lines: &mut [Line]) -> Option<[u32; FIELDS]> {
    let mut fields = [NONE; FIELDS];
    let count = position(lines.len());
    for (line, at) in lines.iter_mut().zip(0..count).rev() {
        let field = Field::of(line.parse(bytes)?);
        if let Some(first) = field.and_then(|field| fields.get_mut(field as usize)) {
            line.next = mem::replace(first, at);
        }
    }
    Some(fields)
}

/// A header field that the handshake is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    Accept,
    Connection,
    ContentLength,
    Expect,
    Extensions,
    Host,
    Key,
    Origin,
    OriginOf8,
    Protocol,
    TransferEncoding,
    Upgrade,
    Version,
}

impl Field {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name.len() {
            4 if is(name, b"host") => Self::Host,
            6 if is(name, b"origin") => Self::Origin,
            6 if is(name, b"expect") => Self::Expect,
            7 if is(name, b"upgrade") => Self::Upgrade,
            10 if is(name, b"connection") => Self::Connection,
            14 if is(name, b"content-length") => Self::ContentLength,
            17 if is(name, b"sec-websocket-key") => Self::Key,
            17 if is(name, b"transfer-encoding") => Self::TransferEncoding,
            20 if is(name, b"sec-websocket-accept") => Self::Accept,
            20 if is(name, b"sec-websocket-origin") => Self::OriginOf8,
            21 if is(name, b"sec-websocket-version") => Self::Version,
            22 if is(name, b"sec-websocket-protocol") => Self::Protocol,
            24 if is(name, b"sec-websocket-extensions") => Self::Extensions,
            _ => return None,
        })
    }
}

/// Whether a part of a line is this one of letters and hyphens, in any case: their bit 0x20 is set then, and only a CR
/// could be taken for a hyphen. Without an end in the middle, compilers look at all bytes at once.
fn is<const N: usize>(part: &[u8], known: &[u8; N]) -> bool {
    let same = |part: &[u8; N]| part.iter().zip(known).fold(true, |same, (byte, known)| same && byte | 0x20 == *known);
    part.try_into().is_ok_and(same)
}

/// How many there are.
pub(super) const FIELDS: usize = 13;

/// In the place of a line: none.
const NONE: u32 = u32::MAX;

#[expect(clippy::cast_possible_truncation, reason = "no head is longer than `u32::MAX`")]
pub(super) const fn position(n: usize) -> u32 {
    n as u32
}

const SECRET: [&str; 10] = [
    "auth",
    "cookie",
    "credential",
    "key",
    "passw",
    "secret",
    "session",
    "token",
    "sec-websocket-accept",
    // Browsers can send no other header, so that tokens are put into this one.
    "sec-websocket-protocol",
];
