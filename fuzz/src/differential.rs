//! The same bytes into this crate and into tungstenite.

use std::ops::Range;

use tungstenite::Error as TheirError;
use tungstenite::error::ProtocolError;
use ws_proto::{BadClose, Close, Config, Connection, Error, Event, Role, Seed};

use self::theirs::Theirs;
use super::frames::{Frame, frames, masked, shortest};
use super::pieces::{cut, pieces};

mod theirs;

/// `data`: a byte of choices (1: a client reads, else a server; 2: small limits; 4: codes without meaning pass; 8: this
/// end has sent its close frame; 16: the bytes are frames without a mask, and are masked if they must be), a byte with
/// a number of lengths (0 to 15), so many lengths of pieces, and the bytes that arrive; pieces take turns.
///
/// Both implementations must deliver the same at the same cuts, and fail in the same frame or not at all, but for what
/// [`Rule`] names.
pub fn differential(data: &[u8]) {
    let Some((&choices, data)) = data.split_first() else { return };
    let Some((wire, lengths)) = cut(data) else { return };
    let role = if choices & 1 != 0 { Role::Client } else { Role::Server };
    let case = Case { role, small: choices & 2 != 0, unassigned: choices & 4 != 0, closing: choices & 8 != 0, lengths };
    if choices & 16 != 0 {
        case.compare(&masked(role, wire));
    } else {
        case.compare(wire);
    }
}

/// Where both may differ, and what of RFC 6455 decides. Each is for the bytes that its doc names and for no others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    /// A length that is not in its shortest form fails here (section 5.2: "the minimal number of bytes MUST be used").
    /// They read on, as if it were in its shortest form.
    LongLength,
    /// A frame fails here at the first byte that shows it. They wait for all of its header, mostly for all of its
    /// payload. Sections 5.2 and 8.1 name no byte; it is the same frame, and neither delivers anything of it.
    Late,
    /// A close frame with a code that may not be in one fails here (sections 7.4.1 and 7.4.2). They answer 1002, as
    /// here, but call it a close, with that code.
    BadCode,
    /// The same where this end was first to close: they deliver the code as it is.
    BadCodeInAnswer,
    /// 1014 is registered, so it is a code like any other (sections 7.4.2 and 11.7). They do not know it, and make it
    /// 1002.
    BadGateway,
    /// 1016 to 2999 may get a meaning (section 7.4.2), and pass here if the configuration says so. They make it 1002.
    Unassigned,
    /// What is behind the peer's close frame is discarded here (section 1.4). Their client fails at it.
    BehindClose,
}

/// A message, or a control frame.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// What was delivered, each with how many bytes had arrived by then.
type Items = Vec<(usize, Item)>;

#[derive(Clone, Copy, Debug)]
struct Fault {
    error: Error,
    /// How many bytes had arrived.
    at: usize,
    /// The number of the frame.
    frame: usize,
}

#[derive(Clone, Copy, Debug)]
struct Case<'d> {
    role: Role,
    small: bool,
    unassigned: bool,
    /// Whether this end has sent a close frame before it reads.
    closing: bool,
    lengths: &'d [u8],
}

impl Case<'_> {
    /// Holds that both read the same, but for the rules that it returns.
    fn compare(&self, wire: &[u8]) -> Vec<Rule> {
        let (items, fault) = self.ours(wire);
        let Some(fault) = fault else { return self.compare_good(wire, items) };
        let frame = frames(wire).nth(fault.frame).expect("a frame that fails has begun");
        if is_too_long(&frame, fault.error) {
            let mended = shortest(wire);
            assert_eq!(self.theirs(wire, None).without_places(), self.theirs(&mended, None).without_places());
            return [vec![Rule::LongLength], self.compare(&mended)].concat();
        }
        self.compare_bad(wire, items, fault, &frame)
    }

    /// Where nothing failed here.
    fn compare_good(&self, wire: &[u8], mut items: Items) -> Vec<Rule> {
        let mut rules = Vec::new();
        let mut theirs = self.theirs(wire, None);
        if let Some((_, Item::Close(close))) = items.last_mut() {
            if let Some((code, reason)) = close
                && let Some(rule) = self.rule_for_code(*code)
            {
                rules.push(rule);
                (*code, *reason) = answered();
            }
            if let Some((_, error)) = &theirs.failed
                && !matches!(error, TheirError::ConnectionClosed)
            {
                assert_eq!(self.role, Role::Client, "{error:?}");
                assert!(theirs.behind_close, "{error:?}");
                rules.push(Rule::BehindClose);
            }
        } else {
            assert!(theirs.failed.is_none(), "only they fail: {:?}", theirs.failed);
            // Section 7.1.5: to both, the end of the stream is one without a close frame.
            assert!(matches!(theirs.eof(), TheirError::Protocol(ProtocolError::ResetWithoutClosingHandshake)));
        }
        assert_eq!(theirs.items, items);
        rules
    }

    /// Where a frame failed here.
    fn compare_bad(&self, wire: &[u8], mut items: Items, fault: Fault, frame: &Frame<'_>) -> Vec<Rule> {
        let Range { start, end } = frame.place;
        let theirs = self.theirs(wire, Some(frame.place.clone()));
        for (at, _) in &mut items {
            *at = start.min(*at);
        }
        if let Error::BadClose(BadClose::Code(code)) = fault.error
            && let Ok(reason) = str::from_utf8(&frame.payload()[2..])
        {
            let raw = (code.0, reason.to_owned());
            let (rule, close) = if self.closing { (Rule::BadCodeInAnswer, raw) } else { (Rule::BadCode, answered()) };
            items.push((end, Item::Close(Some(close))));
            assert_eq!(theirs.items, items);
            assert!(theirs.failed.is_none_or(|_| theirs.behind_close));
            return vec![rule];
        }
        assert_eq!(theirs.items, items);
        let at = theirs.failed.map(|(at, _)| at);
        // A frame that is not whole may wait for ever.
        assert!(at.is_some() || end > wire.len(), "only ours fails: {:?}", fault.error);
        assert!(at.is_none_or(|at| start < at && at <= end), "they fail at {at:?}, ours in {start} to {end}");
        if at.is_none_or(|at| at > fault.at) { vec![Rule::Late] } else { Vec::new() }
    }

    fn rule_for_code(&self, code: u16) -> Option<Rule> {
        match code {
            1014 if !self.closing => Some(Rule::BadGateway),
            1016..=2999 if !self.closing && self.unassigned => Some(Rule::Unassigned),
            _ => None,
        }
    }

    fn ours(&self, wire: &[u8]) -> (Items, Option<Fault>) {
        let config = Config::new().max_fragments(Config::UNLIMITED).unassigned_codes(self.unassigned);
        let config = config.max_frame(self.max_frame()).max_message(self.max_message());
        let mut end = match self.role {
            Role::Client => Connection::client(&config, Seed::predictable_for_tests(1)),
            Role::Server => Connection::server(&config),
        };
        if self.closing {
            end.split().1.close_without_code();
        }
        let (reader, _) = end.split();
        let (mut items, mut fault, mut arrived) = (Vec::new(), None, 0);
        let mut buffer = Vec::new();
        for piece in pieces(wire, self.lengths) {
            buffer.clear();
            buffer.extend_from_slice(piece);
            let mut input = &mut buffer[..];
            arrived += piece.len();
            loop {
                let over = reader.is_closed();
                match reader.receive(&mut input) {
                    Ok(None) => break,
                    Ok(Some(event)) => items.push((arrived, owned(event))),
                    Err(error) => fault = Some((error, arrived)),
                }
                assert!(!over, "something behind the end");
            }
        }
        let frames = usize::try_from(reader.frames()).expect("few");
        // What is in a payload is behind a header that was good.
        let in_payload = |error| matches!(error, Error::BadUtf8 | Error::BadClose(_));
        let fault = fault.map(|(error, at)| Fault { error, at, frame: frames - usize::from(in_payload(error)) });
        let is_over = reader.is_closed();
        assert_eq!(reader.receive_eof().is_err(), !is_over);
        (items, fault)
    }

    /// With cuts around `frame`, so that what it does can be told from what others do.
    fn theirs(&self, wire: &[u8], frame: Option<Range<usize>>) -> Theirs {
        let mut arrived = 0;
        let ends = pieces(wire, self.lengths).map(|piece| {
            arrived += piece.len();
            arrived
        });
        let around = frame.into_iter().flat_map(|Range { start, end }| [start, end]);
        let mut ends: Vec<_> = ends.chain(around).filter(|end| (1..=wire.len()).contains(end)).collect();
        ends.sort_unstable();
        Theirs::read(self, wire, &ends)
    }

    /// Not below 125: theirs is a limit for control frames, too. Not far above 65,535: theirs is reserved at once.
    const fn max_frame(&self) -> usize {
        if self.small { 130 } else { 70_000 }
    }

    const fn max_message(&self) -> usize {
        if self.small { 150 } else { 80_000 }
    }
}

/// What they say, and say that they heard, in the place of a code that they do not take.
fn answered() -> (u16, String) {
    (1002, "Protocol violation".to_owned())
}

/// Whether it failed for the form of its length alone. A control frame shows it at its second byte (section 5.5).
fn is_too_long(frame: &Frame<'_>, error: Error) -> bool {
    match (error, frame.length) {
        (Error::BadLength, Some(_)) => frame.is_long(),
        (Error::BadControlLength, Some(length)) => frame.is_long() && length <= 125,
        _ => false,
    }
}

fn owned(event: Event<'_>) -> Item {
    match event {
        Event::Text(text) => Item::Text(text.to_owned()),
        Event::Binary(bytes) => Item::Binary(bytes.to_owned()),
        Event::Ping(payload) => Item::Ping(payload.to_owned()),
        Event::Pong(payload) => Item::Pong(payload.to_owned()),
        Event::Close(close) => Item::Close(close.map(|Close { code, reason }| (code.0, reason.to_owned()))),
        event => panic!("unknown {event:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: Case<'static> =
        Case { role: Role::Client, small: false, unassigned: false, closing: false, lengths: &[255] };
    const CLOSING: Case<'static> = Case { closing: true, ..CASE };
    const LENIENT: Case<'static> = Case { unassigned: true, ..CASE };
    const BOTH: &[Role] = &[Role::Client, Role::Server];

    /// A rule that none of these needs is to go.
    #[test]
    fn each_rule_is_needed() {
        let rows: &[(Rule, Case<'_>, &[Role], &[u8])] = &[
            (Rule::LongLength, CASE, BOTH, b"\x81\x7e\x00\x02ok\x81\x02ok"),
            (Rule::LongLength, CASE, BOTH, b"\x82\x7f\0\0\0\0\0\0\0\x01!"),
            (Rule::LongLength, CASE, BOTH, b"\x82\x7f\0\0\0\0\0\0\0\0"),
            (Rule::LongLength, CASE, BOTH, b"\x82\x7e\x00\x7d"),
            (Rule::LongLength, CASE, BOTH, b"\x82\x7f\0\0\0\0\0\0\xff\xff"),
            (Rule::LongLength, CASE, BOTH, b"\x89\x7e\x00\x04ping"),
            (Rule::Late, CASE, BOTH, b"\xc1"),
            (Rule::Late, CASE, BOTH, b"\x83"),
            (Rule::Late, CASE, BOTH, b"\x80\x01"),
            (Rule::Late, CASE, BOTH, b"\x09\x01"),
            (Rule::Late, CASE, BOTH, b"\x89\x7e"),
            (Rule::Late, CASE, BOTH, b"\x81\x05\xff"),
            (Rule::Late, CASE, BOTH, b"\x01\x02\xe2\x82\x80\x02\xff"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x00\x00"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x03\xe7"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x03\xec"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x05\x03\xedbye"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x03\xee"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x03\xf7"),
            (Rule::BadCode, CASE, BOTH, b"\x88\x02\x03\xf8"),
            (Rule::BadCode, LENIENT, BOTH, b"\x88\x02\x13\x88"),
            (Rule::BadCodeInAnswer, CLOSING, BOTH, b"\x88\x05\x03\xedbye"),
            (Rule::BadCodeInAnswer, CLOSING, BOTH, b"\x88\x02\x03\xf8"),
            (Rule::BadGateway, CASE, BOTH, b"\x88\x05\x03\xf6bye"),
            (Rule::Unassigned, LENIENT, BOTH, b"\x88\x02\x03\xf8"),
            (Rule::Unassigned, LENIENT, BOTH, b"\x88\x02\x0b\xb7"),
            (Rule::BehindClose, CASE, &[Role::Client], b"\x88\x00\x81\x02ok"),
            (Rule::BehindClose, CLOSING, &[Role::Client], b"\x88\x02\x03\xe8\x88\x00"),
            (Rule::BehindClose, CASE, &[Role::Client], b"\x88\x00\x83\x00"),
        ];
        for (rule, case, roles, wire) in rows {
            for role in *roles {
                let case = Case { role: *role, ..*case };
                assert_eq!(case.compare(&masked(*role, wire)), [*rule], "{role:?}, {wire:02x?}");
            }
        }
        // The mask itself (section 5.1).
        assert_eq!(CASE.compare(b"\x81\x81"), [Rule::Late]);
        assert_eq!(Case { role: Role::Server, ..CASE }.compare(b"\x81\x01"), [Rule::Late]);
    }

    #[test]
    fn no_rule_is_needed_elsewhere() {
        let rows: &[(Case<'_>, &[u8])] = &[
            (CASE, b"\x81\x02ok\x89\x01i\x01\x01a\x8a\x00\x80\x01b\x02\x00\x80\x00\x88\x05\x03\xe8bye"),
            (CASE, b"\x88\x00"),
            (CASE, b"\x81\x01\xff"),
            (CASE, b"\x01\x01\xe2\x80\x01\x82"),
            (CASE, b"\x88\x01\x03"),
            (CASE, b"\x88\x03\x03\xe8\xff"),
            (CASE, b"\x88\x03\x03\xed\xff"),
            (CASE, b"\x82\x7e\x00\x7e"),
            (CASE, b"\x82\x7f\0\0\0\0\0\x01\0\0"),
            (CASE, b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
            (CASE, b"\x88\x02\x13\x87"),
            (CLOSING, b"\x81\x02ok\x89\x00\x88\x02\x03\xf6"),
            (Case { small: true, ..CASE }, b"\x82\x7e\x00\x83"),
            (Case { closing: true, ..LENIENT }, b"\x88\x02\x0b\xb7"),
        ];
        for (case, wire) in rows {
            for role in BOTH {
                let case = Case { role: *role, ..*case };
                assert_eq!(case.compare(&masked(*role, wire)), [], "{role:?}, {wire:02x?}");
            }
        }
    }
}
