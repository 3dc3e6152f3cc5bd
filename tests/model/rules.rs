//! The rules of RFC 6455 for one connection, as a table of their own: nothing here asks the library.

use crate::chart::Transition;
use crate::steps::{BINARY, CLOSE, CONTINUATION, Call, Form, Frame, PING, PONG, Step, TEXT};
use ws_proto::Role::{self, Client, Server};
use ws_proto::{BadClose, CloseCode, Error, Kind, SendError, Side, Transport};

/// Both directions and what lies between them.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    role: Role,
    receiving: Receiving,
    sending: Sending,
    /// What arrived of the peer's message.
    message: Vec<u8>,
    /// What was said of a text in fragments.
    said: Vec<u8>,
    owed: Option<Sent>,
    pending: Vec<Sent>,
    /// The peer's close frame.
    close: Option<(CloseCode, &'static str)>,
    eof: bool,
    /// What the last step did, as rows of the chart.
    pub(crate) taken: Vec<Transition>,
}

/// What the chart tells apart.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct State {
    pub(crate) receiving: Receiving,
    pub(crate) sending: Sending,
    pub(crate) owed: Owed,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Receiving {
    Open,
    Text,
    /// In a text that is cut inside a character.
    Character,
    Binary,
    /// The peer's close frame came.
    Closed,
    /// The peer broke a rule.
    Failed,
    /// The stream ended first.
    Ended,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Sending {
    Open,
    Text,
    Character,
    Binary,
    /// The program sent a close frame.
    Closed,
    /// What the reader owed was a close frame, and was sent.
    Answered,
    /// Nothing can be sent, and no close frame was.
    Over,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Owed {
    Nothing,
    Pong,
    Close,
}

/// A frame on its way out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sent {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// What must come of a step.
#[derive(Debug)]
pub(crate) enum Expected {
    Nothing,
    /// A message, or a control frame, by its opcode.
    Event(u8, Vec<u8>),
    Fault(Fault),
    Eof(Result<(), Error>),
    Said(Result<(), SendError>),
    Written(Vec<Sent>),
}

#[derive(Debug)]
pub(crate) struct Fault {
    /// How many bytes of the frame show it, and no fewer.
    pub(crate) at: usize,
    /// The rules that the last of these bytes breaks. The RFC does not say which goes first.
    pub(crate) errors: Vec<Error>,
    pub(crate) code: u16,
    class: &'static str,
}

/// [`Connection::closed`](ws_proto::Connection::closed): the code, the reason, whether it is clean, and who began.
pub(crate) type Closed = (CloseCode, &'static str, bool, Side);

impl Model {
    pub(crate) const fn new(role: Role) -> Self {
        Self {
            role,
            receiving: Receiving::Open,
            sending: Sending::Open,
            message: Vec::new(),
            said: Vec::new(),
            owed: None,
            pending: Vec::new(),
            close: None,
            eof: false,
            taken: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> State {
        let owed = match &self.owed {
            None => Owed::Nothing,
            Some(sent) if sent.first & 0xf == PONG => Owed::Pong,
            Some(_) => Owed::Close,
        };
        State { receiving: self.receiving, sending: self.sending, owed }
    }

    pub(crate) fn step(&mut self, step: &Step) -> Expected {
        self.taken.clear();
        match *step {
            Step::Frame(frame) => self.frame(&frame),
            Step::Call(Call::ReceiveEof) => Expected::Eof(self.receive_eof()),
            Step::Call(Call::Flush) => Expected::Written(self.flush()),
            Step::Call(call) => Expected::Said(self.call(call)),
        }
    }

    /// Section 7.1.1: the server closes the transport first, once both close frames are out; the client waits for it.
    pub(crate) fn transport(&self) -> Transport {
        if self.receiving.is_live() {
            return Transport::Open;
        }
        if self.owed.is_some() || !self.pending.is_empty() {
            return Transport::CloseAfterFlush;
        }
        let both = self.receiving == Receiving::Closed && self.sending.is_closed();
        if both && self.role == Client && !self.eof { Transport::AwaitPeer } else { Transport::Close }
    }

    /// Sections 7.1.4 to 7.1.6.
    pub(crate) fn closed(&self) -> Option<Closed> {
        let by = |local| if local { Side::Local } else { Side::Peer };
        let abnormal = |local| Some((CloseCode(1006), "", false, by(local)));
        match self.receiving {
            Receiving::Closed => {
                let (code, reason) = self.close.unwrap_or((CloseCode(1005), ""));
                let answer = self.owed.is_some() && self.sending.is_live();
                let clean = self.sending.is_closed() || answer;
                Some((code, reason, clean, by(self.sending == Sending::Closed)))
            }
            Receiving::Failed => abnormal(true),
            Receiving::Ended => abnormal(self.sending.is_closed()),
            _ => None,
        }
    }

    fn frame(&mut self, frame: &Frame) -> Expected {
        let from = self.receiving;
        // Sections 5.5.1 and 7.1.7: nothing is processed any more.
        if !from.is_live() {
            self.received(from, "any frame", "nothing", "nothing");
            return Expected::Nothing;
        }
        if let Some(fault) = self.fault(frame) {
            // Section 7.1.7: a close frame tells of it. It takes the place of a pong.
            self.receiving = Receiving::Failed;
            self.owed = Some(Sent::close(Some(fault.code)));
            let owed = if fault.code == 1007 { "close 1007" } else { "close 1002" };
            self.received(from, fault.class, "error", owed);
            return Expected::Fault(fault);
        }
        match frame.opcode {
            // Sections 5.5.2 and 5.5.3: the same payload; only the newest ping need be answered.
            PING => {
                self.owed = Some(Sent { first: 0x80 | PONG, payload: frame.payload.to_vec() });
                self.received(from, "ping", "ping", "pong");
            }
            // Section 5.5.3: not even one that nobody asked for wants an answer.
            PONG => self.received(from, "pong", "pong", "nothing"),
            // Section 5.5.1: answered by the code that came. Section 5.5.2: no pong is due any more.
            CLOSE => {
                self.close = close_of(frame.payload);
                self.owed = Some(Sent::close(self.close.map(|(code, _)| code.0)));
                self.receiving = Receiving::Closed;
                self.received(from, "close", "close", "close");
            }
            _ => return self.data(frame),
        }
        Expected::Event(frame.opcode, frame.payload.to_vec())
    }

    /// A data frame without a fault.
    fn data(&mut self, frame: &Frame) -> Expected {
        let from = self.receiving;
        self.message.extend(frame.payload);
        let text = from.is_text() || frame.opcode == TEXT;
        let whole = str::from_utf8(&self.message).is_ok();
        if frame.fin {
            self.receiving = Receiving::Open;
            self.received(from, if from == Receiving::Open { "message" } else { "ends" }, "message", "nothing");
            return Expected::Event(if text { TEXT } else { BINARY }, core::mem::take(&mut self.message));
        }
        let (to, begins, continues) = match (text, whole) {
            (true, true) => (Receiving::Text, "text begins", "continues"),
            (true, false) => (Receiving::Character, "text begins in a character", "continues in a character"),
            (false, _) => (Receiving::Binary, "binary begins", "continues"),
        };
        self.receiving = to;
        self.received(from, if from == Receiving::Open { begins } else { continues }, "nothing", "nothing");
        Expected::Nothing
    }

    /// The earliest byte that breaks a rule.
    fn fault(&self, frame: &Frame) -> Option<Fault> {
        let fault = |at, errors: Vec<(Error, &'static str)>| {
            let class = errors.first()?.1;
            Some(Fault { at, errors: errors.into_iter().map(|(error, _)| error).collect(), code: 1002, class })
        };
        let mut first = Vec::new();
        // Section 5.2: reserved bits are zero where no extension says otherwise; so are 3 to 7 and 11 to 15.
        if frame.rsv != 0 {
            first.push((Error::BadReservedBit, "reserved bit"));
        }
        if !matches!(frame.opcode, 0..=2 | 8..=10) {
            first.push((Error::BadOpCode, "reserved opcode"));
        }
        // Section 5.5: control frames are not fragmented.
        if frame.is_control() && !frame.fin {
            first.push((Error::BadControlFragment, "bad control frame"));
        }
        // Section 5.4: a continuation wants a message, and a message no other.
        let inside = self.receiving != Receiving::Open;
        if (frame.opcode == CONTINUATION && !inside) || (matches!(frame.opcode, TEXT | BINARY) && inside) {
            first.push((Error::BadContinuation, "out of order"));
        }
        let mut second = Vec::new();
        // Section 5.1: a client masks every frame, a server none.
        if !frame.mask {
            second.push((Error::BadMask, "wrong mask"));
        }
        // Section 5.5: at most 125 bytes, so the length has 7 bits.
        let extended = match frame.form {
            Form::Shortest if frame.payload.len() <= 125 => 0,
            Form::Shortest | Form::Sixteen => 2,
            Form::SixtyFour | Form::TopBit => 8,
        };
        if frame.is_control() && extended > 0 {
            second.push((Error::BadControlLength, "bad control frame"));
        }
        // Section 5.2: as few bytes as will do, and the highest bit is zero.
        let length = if frame.form == Form::Shortest { vec![] } else { vec![(Error::BadLength, "wrong length")] };
        let key = if self.role == Server { 4 } else { 0 };
        fault(1, first)
            .or_else(|| fault(2, second))
            .or_else(|| fault(2 + extended, length))
            .or_else(|| self.bad_payload(frame, 2 + extended + key))
    }

    fn bad_payload(&self, frame: &Frame, header: usize) -> Option<Fault> {
        if frame.opcode == CLOSE {
            let (error, code, class) = bad_close(frame.payload)?;
            let errors = vec![Error::BadClose(error)];
            return Some(Fault { at: header + frame.payload.len(), errors, code, class });
        }
        // Section 8.1: the whole message is UTF-8; its frames need not be (section 5.6).
        let text = frame.opcode == TEXT || self.receiving.is_text();
        if !text || frame.is_control() {
            return None;
        }
        let n = wrong_at(&self.message, frame.payload, frame.fin)?;
        Some(Fault { at: header + n, errors: vec![Error::BadUtf8], code: 1007, class: "not UTF-8" })
    }

    /// Section 7.1.5: without a close frame it is 1006, which is never sent.
    fn receive_eof(&mut self) -> Result<(), Error> {
        let from = self.receiving;
        self.eof = true;
        if !from.is_live() {
            self.received(from, "end of stream", "nothing", "nothing");
            return Ok(());
        }
        // Section 5.5.2: no close frame came, so the pong is still due. Only the peer's half of the stream ended.
        let owed = self.take_owed();
        self.pending.extend(owed);
        self.receiving = Receiving::Ended;
        self.received(from, "end of stream", "error", "nothing");
        self.end("end of stream");
        Err(Error::UnexpectedEof)
    }

    fn end(&mut self, class: &'static str) {
        let to = if self.sending.is_live() { Sending::Over } else { self.sending };
        self.sent(to, class, "nothing");
    }

    /// What is outgoing, with what is owed behind it.
    pub(crate) fn flush(&mut self) -> Vec<Sent> {
        let owed = self.take_owed();
        self.pending.extend(owed);
        core::mem::take(&mut self.pending)
    }

    /// What is owed, if it may be sent.
    fn take_owed(&mut self) -> Option<Sent> {
        let owed = self.owed.take()?;
        let close = owed.first & 0xf == CLOSE;
        let class = if close { "owed close" } else { "owed pong" };
        // Section 5.5.1: nothing follows a close frame.
        if !self.sending.is_live() {
            self.sent(self.sending, class, "nothing");
            return None;
        }
        self.sent(if close { Sending::Answered } else { self.sending }, class, "sent");
        Some(owed)
    }

    fn call(&mut self, call: Call) -> Result<(), SendError> {
        let (class, to) = match call {
            Call::Text | Call::Binary => self.say_message(),
            Call::Fragment(kind, payload, last) => self.say_fragment(kind, payload, last),
            Call::Ping(payload) | Call::Pong(payload) => self.say_control(payload),
            Call::Close(code, reason) => self.say_close(code, reason),
            Call::CloseWithoutCode => ("close", Ok(Sending::Closed)),
            Call::ReceiveEof | Call::Flush => unreachable!("not said"),
            Call::End => {
                self.end("end");
                return Ok(());
            }
        };
        // Section 5.5.1: one close frame is enough.
        if class == "close" && !self.sending.is_live() {
            self.sent(self.sending, class, "nothing");
            return Ok(());
        }
        match to {
            Ok(to) => {
                self.pending.push(self.frame_of(call));
                if let Call::Fragment(_, payload, last) = call {
                    self.said.extend(payload);
                    if last {
                        self.said.clear();
                    }
                }
                self.sent(to, class, "sent");
                Ok(())
            }
            Err(error) => {
                let name = error_name(error);
                self.sent(self.sending, class, name);
                Err(error)
            }
        }
    }

    fn say_message(&self) -> (&'static str, Result<Sending, SendError>) {
        match self.sending {
            Sending::Open => ("message", Ok(Sending::Open)),
            Sending::Text | Sending::Character | Sending::Binary => ("out of order", Err(SendError::Interleaved)),
            _ => ("any message", Err(SendError::Closed)),
        }
    }

    /// Sections 5.4 and 5.6.
    fn say_fragment(&self, kind: Kind, payload: &[u8], last: bool) -> (&'static str, Result<Sending, SendError>) {
        let text = kind == Kind::Text;
        match self.sending {
            Sending::Open => {}
            Sending::Text | Sending::Character if text => {}
            Sending::Binary if !text => {}
            _ => return self.say_message(),
        }
        if text && wrong_at(&self.said, payload, last).is_some() {
            return ("not UTF-8", Err(SendError::BadUtf8));
        }
        let first = self.sending == Sending::Open;
        if last {
            return (if first { "message" } else { "ends" }, Ok(Sending::Open));
        }
        let (begins, continues, to) = match (text, str::from_utf8(&[&self.said, payload].concat()).is_ok()) {
            (true, true) => ("text begins", "continues", Sending::Text),
            (true, false) => ("text begins in a character", "continues in a character", Sending::Character),
            (false, _) => ("binary begins", "continues", Sending::Binary),
        };
        (if first { begins } else { continues }, Ok(to))
    }

    /// Section 5.5: at most 125 bytes, at any time.
    fn say_control(&self, payload: &[u8]) -> (&'static str, Result<Sending, SendError>) {
        let long = payload.len() > 125;
        let class = if long { "long ping or pong" } else { "ping or pong" };
        match (self.sending.is_live(), long) {
            (false, _) => (class, Err(SendError::Closed)),
            (true, true) => (class, Err(SendError::ControlTooLong)),
            (true, false) => (class, Ok(self.sending)),
        }
    }

    /// Sections 5.5 and 7.4: what is refused is refused whether or not it would be sent.
    fn say_close(&self, code: CloseCode, reason: &str) -> (&'static str, Result<Sending, SendError>) {
        // Section 7.4.1: a client tells a server by 1010 what extension it misses.
        if !is_wire_code(code.0) || (code.0 == 1010 && self.role == Server) {
            ("bad code", Err(SendError::BadCloseCode(code)))
        } else if reason.len() > 123 {
            ("long reason", Err(SendError::ReasonTooLong))
        } else {
            ("close", Ok(Sending::Closed))
        }
    }

    fn frame_of(&self, call: Call) -> Sent {
        let (first, payload) = match call {
            Call::Text => (0x80 | TEXT, SAID.as_bytes()),
            Call::Binary => (0x80 | BINARY, SAID.as_bytes()),
            Call::Fragment(kind, payload, last) => {
                let opcode = match (self.sending, kind) {
                    (Sending::Open, Kind::Text) => TEXT,
                    (Sending::Open, Kind::Binary) => BINARY,
                    _ => CONTINUATION,
                };
                (if last { 0x80 } else { 0 } | opcode, payload)
            }
            Call::Ping(payload) => (0x80 | PING, payload),
            Call::Pong(payload) => (0x80 | PONG, payload),
            Call::Close(code, reason) => {
                let payload = [&code.0.to_be_bytes(), reason.as_bytes()].concat();
                return Sent { first: 0x80 | CLOSE, payload };
            }
            _ => (0x80 | CLOSE, &b""[..]),
        };
        Sent { first, payload: payload.to_vec() }
    }

    /// Takes note of what came.
    fn received(&mut self, from: Receiving, class: &'static str, delivered: &'static str, owed: &'static str) {
        let (state, next) = (from.name(), self.receiving.name());
        self.taken.push(Transition { receives: true, state, class, next, result: delivered, owed });
    }

    /// Goes on to `next`.
    fn sent(&mut self, next: Sending, class: &'static str, result: &'static str) {
        let state = self.sending.name();
        self.taken.push(Transition { receives: false, state, class, next: next.name(), result, owed: "" });
        self.sending = next;
    }
}

impl State {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let owed = [Owed::Nothing, Owed::Pong, Owed::Close];
        let both = Receiving::ALL.into_iter().flat_map(|receiving| Sending::ALL.map(|sending| (receiving, sending)));
        both.flat_map(move |(receiving, sending)| owed.map(|owed| Self { receiving, sending, owed }))
    }

    /// Whether the rules let both directions be there at once.
    pub(crate) fn is_possible(self) -> bool {
        let Self { receiving, sending, owed } = self;
        let answers = matches!(receiving, Receiving::Closed | Receiving::Failed);
        match sending {
            // A close frame is owed until it is sent, and behind the end of the stream nothing is said.
            _ if sending.is_live() && answers => owed == Owed::Close,
            _ if sending.is_live() => receiving.is_live() && owed != Owed::Close,
            // There is something to answer, and nothing comes behind it.
            Sending::Answered => answers && owed == Owed::Nothing,
            // What is owed is let go when it is looked at, and at the end of the stream.
            _ if answers => owed != Owed::Pong,
            _ if receiving.is_live() => owed != Owed::Close,
            _ => owed == Owed::Nothing,
        }
    }
}

impl Receiving {
    const ALL: [Self; 7] =
        [Self::Open, Self::Text, Self::Character, Self::Binary, Self::Closed, Self::Failed, Self::Ended];

    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Text | Self::Character | Self::Binary)
    }

    const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Character)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Text => "text",
            Self::Character => "character",
            Self::Binary => "binary",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}

impl Sending {
    const ALL: [Self; 7] =
        [Self::Open, Self::Text, Self::Character, Self::Binary, Self::Closed, Self::Answered, Self::Over];

    const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Text | Self::Character | Self::Binary)
    }

    const fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Answered)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Text => "text",
            Self::Character => "character",
            Self::Binary => "binary",
            Self::Closed | Self::Answered => "closed",
            Self::Over => "over",
        }
    }
}

impl Sent {
    fn close(code: Option<u16>) -> Self {
        Self { first: 0x80 | CLOSE, payload: code.map_or(vec![], |code| code.to_be_bytes().to_vec()) }
    }
}

/// Section 7.4: the codes of section 7.4.1 that are not "reserved", those registered since (1012 to 1014), and those
/// of libraries and programs (section 7.4.2).
fn is_wire_code(code: u16) -> bool {
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].contains(&code)
        || (3000..5000).contains(&code)
}

/// Sections 5.5.1, 7.4 and 8.1.
fn bad_close(body: &[u8]) -> Option<(BadClose, u16, &'static str)> {
    let [high, low, reason @ ..] = body else {
        return (!body.is_empty()).then_some((BadClose::Length, 1002, "bad close"));
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !is_wire_code(code) {
        return Some((BadClose::Code(CloseCode(code)), 1002, "bad close"));
    }
    str::from_utf8(reason).is_err().then_some((BadClose::Reason, 1007, "bad reason"))
}

fn close_of(body: &'static [u8]) -> Option<(CloseCode, &'static str)> {
    let [high, low, reason @ ..] = body else { return None };
    Some((CloseCode(u16::from_be_bytes([*high, *low])), str::from_utf8(reason).unwrap()))
}

/// How many bytes of `payload`, behind `before`, it takes to see that this is no text.
fn wrong_at(before: &[u8], payload: &[u8], last: bool) -> Option<usize> {
    let all = [before, payload].concat();
    let wrong = |n: &usize| str::from_utf8(&all[..before.len() + n]).is_err_and(|error| error.error_len().is_some());
    let cut = last && str::from_utf8(&all).is_err();
    (1..=payload.len()).find(wrong).or(cut.then_some(payload.len()))
}

fn error_name(error: SendError) -> &'static str {
    match error {
        SendError::BadCloseCode(_) => "BadCloseCode",
        SendError::BadUtf8 => "BadUtf8",
        SendError::Closed => "Closed",
        SendError::ControlTooLong => "ControlTooLong",
        SendError::Interleaved => "Interleaved",
        SendError::ReasonTooLong => "ReasonTooLong",
        other => panic!("{other:?} is no rule of the RFC"),
    }
}

/// What a text or binary message of the program says.
pub(crate) const SAID: &str = "\u{20ac}";
