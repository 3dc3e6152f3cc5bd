//! The lower half of a reader: frames from bytes. Headers are checked at their earliest byte, payloads unmasked where
//! they lie, control frames gathered.

use core::mem;

use super::limits::{Limits, Open};
use super::masked::Masked;
use crate::body::Body;
use crate::config::{Config, Role};
use crate::error::Error;
#[cfg(feature = "alloc")]
use crate::frame::FIN;
use crate::frame::{Header, Kind, Length, MASK, OpCode, Start};
use crate::mask;
use crate::unfinished::Unfinished;

/// A part of a message, lent from the input, or a whole control frame, kept in [`Pieces::control`].
pub(super) enum Piece<'i> {
    Data {
        kind: Kind,
        #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "never true"))]
        compressed: bool,
        bytes: Masked<'i>,
        last: bool,
    },
    Control(OpCode),
}

#[derive(Debug)]
pub(super) struct Pieces {
    phase: Phase,
    /// The message whose fragments arrive.
    open: Option<Open>,
    /// The payload of the newest control frame.
    control: Body,
    limits: Limits,
    /// The mask bit that every frame must have: set in what a client sends.
    mask: u8,
    frames: u64,
    /// The newest message that did not come as a whole.
    message: Unfinished,
}

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// To a header, of which so many bytes arrived.
    Header { bytes: [u8; Header::MAX], len: u8 },
    /// To the payload of a data frame.
    Data { kind: Kind, compressed: bool, key: [u8; 4], left: u64, fin: bool },
    /// To the payload of a control frame.
    Control { opcode: OpCode, key: [u8; 4], left: usize },
    /// Nowhere before the last message is inflated, all of which is here.
    #[cfg(feature = "deflate")]
    Paused,
    /// Nowhere.
    Over,
}

impl Pieces {
    pub(super) const fn new(role: Role, config: &Config) -> Self {
        Self {
            phase: START,
            open: None,
            control: Body::EMPTY,
            limits: Limits::new(config),
            mask: match role {
                Role::Server => MASK,
                Role::Client => 0,
            },
            frames: 0,
            message: Unfinished { number: 0, received: 0 },
        }
    }

    /// A message that arrived in one frame and as a whole: the common case, and nothing else.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `Reader::receive`")]
    pub(super) fn whole<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<(Kind, Masked<'i>)> {
        if !matches!(self.phase, Phase::Header { len: 0, .. }) || self.open.is_some() {
            return None;
        }
        let (&[first, second], rest) = input.split_first_chunk()?;
        let kind = match first {
            WHOLE_TEXT => Kind::Text,
            WHOLE_BINARY => Kind::Binary,
            _ => return None,
        };
        let (length, header) = match second ^ self.mask {
            code @ 0..=125 => (usize::from(code), 2),
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            _ => return None,
        };
        let shortest = header == 2 || (header == 4 && length > 125) || length > 0xffff;
        if !shortest || length > self.limits.frame || length > self.limits.message {
            return None;
        }
        #[expect(clippy::arithmetic_side_effects, reason = "10 bytes and 4 of the key are 14")]
        let header = header + usize::from(self.mask >> 5);
        let frame = header.checked_add(length).filter(|frame| *frame <= input.len())?;
        let (header, payload) = split_off(input, frame).split_at_mut(header);
        let key = if self.mask != 0 { Some(*header.last_chunk()?) } else { None };
        self.frames = self.frames.wrapping_add(1);
        Some((kind, Masked::new(payload, key)))
    }

    /// Whether `input`, which has no whole message, begins with one whose only frame has at most `most` bytes, as far as
    /// can be seen. Not if its header breaks a rule.
    #[cfg(feature = "alloc")]
    pub(super) fn is_cut(&self, input: &[u8], most: usize) -> bool {
        let between = matches!(self.phase, Phase::Header { len: 0, .. });
        if !between || !matches!(input.first(), Some(&(WHOLE_TEXT | WHOLE_BINARY))) {
            return false;
        }
        match self.decode(input) {
            Ok(Some((header, used))) => header.length.saturating_add(used as u64) <= most as u64,
            Ok(None) => input.len() < most,
            Err(_) => false,
        }
    }

    /// The next piece, or `None` when all of `input` is read, or nothing while it is paused. Of a compressed message it
    /// takes `most` bytes at most.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `Reader::receive`")]
    pub(super) fn next<'i>(&mut self, input: &mut &'i mut [u8], most: u64) -> Result<Option<Piece<'i>>, Error> {
        loop {
            match self.phase {
                Phase::Header { len: 0, .. } => {
                    if !self.header(input)? {
                        return Ok(None);
                    }
                }
                Phase::Header { bytes, len } => {
                    if !self.cut_header(bytes, len.into(), input)? {
                        return Ok(None);
                    }
                }
                Phase::Data { kind, compressed, left, fin, .. } => {
                    let bytes = self.data(input, most);
                    #[expect(clippy::arithmetic_side_effects, reason = "`data` takes no more than is left")]
                    let rest = left - bytes.len() as u64;
                    let last = fin && rest == 0;
                    if last || !bytes.is_empty() {
                        return Ok(Some(Piece::Data { kind, compressed, bytes, last }));
                    }
                    if rest > 0 {
                        return Ok(None);
                    }
                }
                Phase::Control { opcode, key, left } => {
                    let done = self.control(opcode, key, left, input);
                    return Ok(done.then_some(Piece::Control(opcode)));
                }
                #[cfg(feature = "deflate")]
                Phase::Paused => return Ok(None),
                Phase::Over => {
                    *input = &mut [];
                    return Ok(None);
                }
            }
        }
    }

    /// The payload of the newest control frame, when it is whole.
    pub(super) const fn newest_control(&self) -> &Body {
        &self.control
    }

    pub(super) const fn role(&self) -> Role {
        if self.mask == MASK { Role::Server } else { Role::Client }
    }

    /// Lets compressed messages pass.
    #[cfg(feature = "deflate")]
    pub(super) const fn allow_compression(&mut self) {
        self.limits.compression = true;
    }

    /// Leaves the input alone behind a compressed message, until that is inflated.
    #[cfg(feature = "deflate")]
    pub(super) const fn pause(&mut self) {
        self.phase = Phase::Paused;
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Paused)
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn resume(&mut self) {
        self.phase = START;
    }

    #[cfg(feature = "alloc")]
    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many headers were accepted.
    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    /// The message that is under way.
    pub(super) const fn unfinished(&self) -> Option<Unfinished> {
        if self.open.is_some() || matches!(self.phase, Phase::Data { .. }) { Some(self.message) } else { None }
    }

    /// Reads nothing from now on.
    pub(super) const fn stop(&mut self) {
        self.phase = Phase::Over;
        self.open = None;
    }

    /// Reads a header; false if more is needed.
    fn header(&mut self, input: &mut &mut [u8]) -> Result<bool, Error> {
        if input.is_empty() {
            return Ok(false);
        }
        let Some((header, used)) = self.decode(input)? else {
            return self.cut_header([0; Header::MAX], 0, input);
        };
        split_off(input, used);
        self.begin(header);
        Ok(true)
    }

    /// Adds to the `len` bytes of a header that are here; false if more are needed.
    #[cold]
    #[expect(clippy::arithmetic_side_effects, reason = "no more than 14 bytes, and the first `len` were too few")]
    fn cut_header(&mut self, mut bytes: [u8; Header::MAX], len: usize, input: &mut &mut [u8]) -> Result<bool, Error> {
        let mut total = len;
        for (to, from) in bytes.iter_mut().skip(len).zip(input.iter()) {
            *to = *from;
            total += 1;
        }
        let (known, _) = bytes.split_at(total);
        if let Some((header, used)) = self.decode(known)? {
            split_off(input, used - len);
            self.begin(header);
            return Ok(true);
        }
        *input = &mut [];
        #[expect(clippy::cast_possible_truncation, reason = "at most 14")]
        {
            self.phase = Phase::Header { bytes, len: total as u8 };
        }
        Ok(false)
    }

    /// Reads a header, each rule at the first byte that can break it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a result of many parts is not made in memory")]
    fn decode(&self, bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let start = Start::decode(first)?;
        self.limits.check_start(start, self.open)?;
        // Section 5.1: a server takes masked frames only, a client unmasked ones.
        if rest.first().is_some_and(|second| second & MASK != self.mask) {
            return Err(Error::BadMask);
        }
        let Some(Length { masked, value: length, rest }) = Length::decode(start.opcode, rest)? else {
            return Ok(None);
        };
        if !start.opcode.is_control() {
            self.limits.check_size(start, length, self.open)?;
        }
        let (key, rest) = match rest.split_first_chunk() {
            _ if !masked => (None, rest),
            Some((key, rest)) => (Some(*key), rest),
            None => return Ok(None),
        };
        let Start { fin, rsv1, opcode } = start;
        #[expect(clippy::arithmetic_side_effects, reason = "`rest` is the end of `bytes`")]
        Ok(Some((Header { fin, rsv1, opcode, key, length }, bytes.len() - rest.len())))
    }

    /// Goes on to the payload behind a checked header.
    fn begin(&mut self, Header { fin, rsv1: compressed, opcode, key, length }: Header) {
        self.frames = self.frames.wrapping_add(1);
        let key = key.unwrap_or_default();
        let open = match (opcode, self.open) {
            (OpCode::Text, _) => Open { kind: Kind::Text, compressed, fragments: 0, size: 0 },
            (OpCode::Binary, _) => Open { kind: Kind::Binary, compressed, fragments: 0, size: 0 },
            (OpCode::Continuation, Some(open)) => open,
            (opcode, _) => {
                self.control.clear();
                let left = usize::try_from(length).unwrap_or(Body::MAX);
                self.phase = Phase::Control { opcode, key, left };
                return;
            }
        };
        if opcode != OpCode::Continuation {
            self.message = Unfinished { number: self.frames, received: 0 };
        }
        #[expect(clippy::arithmetic_side_effects, reason = "`Limits` has seen to it")]
        let grown = Open { fragments: open.fragments + 1, size: open.size + length, ..open };
        self.open = (!fin).then_some(grown);
        self.phase = Phase::Data { kind: open.kind, compressed: open.compressed, key, left: length, fin };
    }

    /// The next bytes of a data frame.
    #[inline]
    fn data<'i>(&mut self, input: &mut &'i mut [u8], most: u64) -> Masked<'i> {
        let most = match self.phase {
            Phase::Data { compressed: true, left, .. } => left.min(most),
            Phase::Data { left, .. } => left,
            _ => 0,
        };
        let n = usize::try_from(most).unwrap_or(usize::MAX).min(input.len());
        Masked::new(split_off(input, n), self.pass(n))
    }

    /// How much is missing of the frame at hand, if its payload may be put where it belongs as it comes.
    #[cfg(feature = "alloc")]
    pub(super) fn missing(&self) -> Option<usize> {
        match self.phase {
            Phase::Data { kind: Kind::Binary, compressed: false, left, .. } => usize::try_from(left).ok(),
            _ => None,
        }
    }

    /// Whether the message ends with the frame at hand.
    #[cfg(feature = "alloc")]
    pub(super) const fn is_last(&self) -> bool {
        matches!(self.phase, Phase::Data { fin: true, .. })
    }

    /// Takes note that the next `n` bytes of a data frame are here; returns their key.
    #[inline]
    pub(super) fn pass(&mut self, n: usize) -> Option<[u8; 4]> {
        let Phase::Data { key, left, .. } = &mut self.phase else {
            return None;
        };
        let masked = (self.mask != 0).then_some(*key);
        *key = mask::turn(*key, n);
        *left = left.saturating_sub(n as u64);
        if *left == 0 {
            self.phase = START;
        }
        self.message.received = self.message.received.saturating_add(n as u64);
        masked
    }

    /// Gathers the payload of a control frame; false if more is needed.
    fn control(&mut self, opcode: OpCode, key: [u8; 4], left: usize, input: &mut &mut [u8]) -> bool {
        let n = left.min(input.len());
        let bytes = split_off(input, n);
        mask::apply(bytes, key);
        self.control.extend(bytes);
        #[expect(clippy::arithmetic_side_effects, reason = "`n` is at most `left`")]
        let left = left - n;
        self.phase = if left == 0 { START } else { Phase::Control { opcode, key: mask::turn(key, n), left } };
        left == 0
    }
}

/// Moves `input` past its first `n` bytes and returns them.
#[inline]
fn split_off<'i>(input: &mut &'i mut [u8], n: usize) -> &'i mut [u8] {
    let (head, rest) = mem::take(input).split_at_mut(n);
    *input = rest;
    head
}

const START: Phase = Phase::Header { bytes: [0; Header::MAX], len: 0 };
#[cfg(feature = "alloc")]
const WHOLE_TEXT: u8 = FIN | OpCode::Text as u8;
#[cfg(feature = "alloc")]
const WHOLE_BINARY: u8 = FIN | OpCode::Binary as u8;
