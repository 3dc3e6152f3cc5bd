//! What can happen to a connection: frames of the peer, in classes, and calls of the program.

use ws_proto::Role::{self, Server};
use ws_proto::{CloseCode, Kind};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Frame(Frame),
    Call(Call),
}

/// A frame of the peer, right or wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) fin: bool,
    /// The reserved bits, where they stand.
    pub(crate) rsv: u8,
    /// Masked as its sender must (section 5.1).
    pub(crate) mask: bool,
    pub(crate) form: Form,
    pub(crate) payload: &'static [u8],
}

/// How a length is written (section 5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Shortest,
    /// In 16 bits, where 7 are enough.
    Sixteen,
    /// In 64 bits, where 7 are enough.
    SixtyFour,
    /// In 64 bits, the highest of them set; no payload follows.
    TopBit,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Text,
    Binary,
    Fragment(Kind, &'static [u8], bool),
    Ping(&'static [u8]),
    Pong(&'static [u8]),
    Close(CloseCode, &'static str),
    CloseWithoutCode,
    /// The stream of the peer ends.
    ReceiveEof,
    /// The program gives up sending.
    End,
    /// All that is outgoing is written.
    Flush,
}

impl Frame {
    pub(crate) const fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// The bytes as `role` gets them.
    pub(crate) fn wire(&self, role: Role) -> Vec<u8> {
        let masked = (role == Server) == self.mask;
        let mut wire = vec![if self.fin { 0x80 } else { 0 } | self.rsv | self.opcode];
        let mask = if masked { 0x80 } else { 0 };
        let length = self.payload.len();
        match (self.form, u8::try_from(length)) {
            (Form::Shortest, Ok(short @ 0..=125)) => wire.push(mask + short),
            (Form::Shortest | Form::Sixteen, _) => {
                wire.push(mask + 126);
                wire.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            (Form::SixtyFour, _) => {
                wire.push(mask + 127);
                wire.extend((length as u64).to_be_bytes());
            }
            (Form::TopBit, _) => {
                wire.push(mask + 127);
                wire.extend((1_u64 << 63).to_be_bytes());
            }
        }
        if masked {
            wire.extend(KEY);
            wire.extend(self.payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            wire.extend(self.payload);
        }
        wire
    }
}

/// Every class of frame there is, and every call.
pub(crate) fn all() -> Vec<Step> {
    let mut steps = Vec::new();
    for (opcode, bodies) in BODIES {
        for (form, payload) in *bodies {
            for fin in [true, false] {
                for rsv in [0, 0x40, 0x20] {
                    for mask in [true, false] {
                        let (form, payload) = (*form, *payload);
                        steps.push(Step::Frame(Frame { opcode: *opcode, fin, rsv, mask, form, payload }));
                    }
                }
            }
        }
    }
    steps.extend(calls().map(Step::Call));
    steps
}

/// What ends a sequence: the frames with one fault at most, of those whose payload does not matter only some; every
/// call.
pub(crate) fn last() -> Vec<Step> {
    let one_fault = |frame: &Frame| {
        let common = [0, 1, 2].contains(&frame.opcode) && frame.payload == WHOLE;
        match (frame.rsv, frame.mask, frame.form) {
            (0, true, Form::Shortest) => true,
            (0, true, _) => frame.fin && (common || frame.opcode == PING),
            (0, false, _) | (_, true, _) => frame.fin && frame.form == Form::Shortest && common,
            _ => false,
        }
    };
    let few = |frame: &Frame| match frame.opcode {
        CONTINUATION | TEXT | BINARY => frame.payload.len() < 126,
        CLOSE | PING | PONG if !frame.fin => frame.payload.is_empty(),
        CLOSE => !OTHER_CODES.contains(&frame.payload),
        _ => frame.payload.len() != 125 && frame.payload != WRONG,
    };
    let keep = |step: &Step| match step {
        Step::Frame(frame) => one_fault(frame) && few(frame),
        Step::Call(_) => true,
    };
    all().into_iter().filter(keep).collect()
}

/// What may come before: frames that go on, one that fails the connection, and calls that are not refused.
pub(crate) fn inner() -> Vec<Step> {
    let frame =
        |(fin, opcode, payload)| Step::Frame(Frame { opcode, fin, rsv: 0, mask: true, form: Form::Shortest, payload });
    let frames = [
        (true, TEXT, WHOLE),
        (false, TEXT, WHOLE),
        (false, TEXT, CUT),
        (false, BINARY, WHOLE),
        (false, CONTINUATION, WHOLE),
        (false, CONTINUATION, CUT),
        (false, CONTINUATION, REST),
        (false, CONTINUATION, b""),
        (true, CONTINUATION, WHOLE),
        (true, CONTINUATION, REST),
        (true, PING, WHOLE),
        (true, PING, b""),
        (true, CLOSE, b"\x03\xe8bye"),
        FAILS,
    ];
    let calls = [
        Call::Text,
        Call::Fragment(Kind::Text, WHOLE, false),
        Call::Fragment(Kind::Text, CUT, false),
        Call::Fragment(Kind::Text, REST, false),
        Call::Fragment(Kind::Text, REST, true),
        Call::Fragment(Kind::Binary, WHOLE, false),
        Call::Fragment(Kind::Binary, WHOLE, true),
        Call::Ping(WHOLE),
        Call::Close(CloseCode(4000), "bye"),
        Call::ReceiveEof,
        Call::End,
        Call::Flush,
    ];
    frames.map(frame).into_iter().chain(calls.map(Step::Call)).collect()
}

fn calls() -> impl Iterator<Item = Call> {
    let mut calls = vec![Call::Text, Call::Binary, Call::CloseWithoutCode, Call::ReceiveEof, Call::End, Call::Flush];
    for last in [false, true] {
        calls.extend([b"", WHOLE, CUT, REST, WRONG].map(|payload| Call::Fragment(Kind::Text, payload, last)));
        calls.extend([b"", WRONG].map(|payload| Call::Fragment(Kind::Binary, payload, last)));
    }
    for payload in [b"", WHOLE, LONGEST, LONG] {
        calls.extend([Call::Ping(payload), Call::Pong(payload)]);
    }
    for code in [1000, 1010, 4999, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        calls.push(Call::Close(CloseCode(code), "bye"));
    }
    calls.extend([TOO_LONG, LONGEST_REASON].map(|reason| Call::Close(CloseCode::NORMAL, reason)));
    calls.into_iter()
}

/// A payload, and how its length is written.
type Body = (Form, &'static [u8]);

/// The opcodes, a reserved one of each sort included, and the payloads that make a difference to them.
const BODIES: &[(u8, &[Body])] = &[
    (CONTINUATION, DATA),
    (TEXT, DATA),
    (BINARY, DATA),
    (0x3, RESERVED),
    (CLOSE, CLOSES),
    (PING, PINGS),
    (PONG, PINGS),
    (0xb, RESERVED),
];

const DATA: &[Body] = &[
    (Form::Shortest, b""),
    (Form::Shortest, WHOLE),
    (Form::Shortest, CUT),
    (Form::Shortest, REST),
    (Form::Shortest, WRONG),
    (Form::Shortest, LONG),
    (Form::Sixteen, WHOLE),
    (Form::SixtyFour, WHOLE),
    (Form::TopBit, WHOLE),
];

const RESERVED: &[Body] =
    &[(Form::Shortest, b""), (Form::Shortest, LONG), (Form::Sixteen, WHOLE), (Form::TopBit, WHOLE)];

const PINGS: &[Body] = &[
    (Form::Shortest, b""),
    (Form::Shortest, WHOLE),
    (Form::Shortest, WRONG),
    (Form::Shortest, LONGEST),
    (Form::Shortest, LONG),
    (Form::Sixteen, WHOLE),
    (Form::TopBit, WHOLE),
];

const CLOSES: &[Body] = &[
    (Form::Shortest, b""),
    (Form::Shortest, b"\x03"),
    (Form::Shortest, b"\x03\xe8"),
    (Form::Shortest, b"\x03\xe8bye"),
    (Form::Shortest, OTHER_CODES[0]),
    (Form::Shortest, b"\x03\xec"),
    (Form::Shortest, OTHER_CODES[1]),
    (Form::Shortest, OTHER_CODES[2]),
    (Form::Shortest, OTHER_CODES[3]),
    (Form::Shortest, OTHER_CODES[4]),
    (Form::Shortest, OTHER_CODES[5]),
    (Form::Shortest, OTHER_CODES[6]),
    (Form::Shortest, OTHER_CODES[7]),
    (Form::Shortest, b"\x03\xe8\xff"),
    (Form::Shortest, b"\x03\xe8\xe2\x82"),
    (Form::Shortest, LONG),
    (Form::Sixteen, b"\x03\xe8"),
    (Form::TopBit, WHOLE),
];

/// 4999, 999, 1005, 1006, 1015, 1016, 2999, 5000.
const OTHER_CODES: [&[u8]; 8] =
    [b"\x13\x87", b"\x03\xe7", b"\x03\xed", b"\x03\xee", b"\x03\xf7", b"\x03\xf8", b"\x0b\xb7", b"\x13\x88"];

/// A reserved opcode is wrong in every state.
const FAILS: (bool, u8, &[u8]) = (true, 0x3, b"");

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// Whole characters; cut inside a euro sign; the rest of it, which is wrong anywhere else; wrong anywhere.
const WHOLE: &[u8] = b"a\xc3\xa9";
const CUT: &[u8] = b"a\xe2\x82";
const REST: &[u8] = b"\xac";
const WRONG: &[u8] = b"\xff";
const LONG: &[u8] = &[b'a'; 126];
const LONGEST: &[u8] = LONG.split_at(125).0;
const TOO_LONG: &str = match str::from_utf8(LONG.split_at(124).0) {
    Ok(reason) => reason,
    Err(_) => "",
};
const LONGEST_REASON: &str = TOO_LONG.split_at(123).0;

/// The key of the RFC's examples, section 5.7.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
