#![cfg(feature = "std")]
//! The library and its naive twins, on arbitrary input; the tables beside each subject have the rest.

mod common;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use self::common::naive::{NaiveText, naive_close, naive_header, naive_header_bytes, naive_read, naive_text};
use self::common::{Api, BOTH, first_error, frame, masked, naive_mask, run};
use ws_proto::frame::{Header, OpCode};
use ws_proto::utf8::Utf8;
use ws_proto::{BadClose, Close, Config, Error, Role, mask};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// `bytes` cut at these places, modulo their length.
fn cut<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(any::<usize>(), 0..6)
}

/// Text, whole, cut or wrong.
fn almost_text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        6 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        3 => vec(32..127_u8, 0..40),
        2 => any::<char>().prop_map(|c| c.to_string().into_bytes()[1..].to_vec()),
        2 => any::<char>().prop_map(|c| c.to_string().into_bytes()[..c.len_utf8() - 1].to_vec()),
        1 => vec(select(vec![0x80_u8, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff]), 1),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn close() -> impl Strategy<Value = Vec<u8>> {
    let near = select(vec![0_u16, 999, 1000, 1003, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000]);
    let code = prop_oneof![any::<u16>(), (near, 0..3_u16).prop_map(|(code, more)| code + more)];
    let body = (code, almost_text()).prop_map(|(code, reason)| [&code.to_be_bytes()[..], &reason].concat());
    prop_oneof![6 => body, 1 => vec(any::<u8>(), 0..3)].prop_map(|mut body| {
        body.truncate(125);
        body
    })
}

fn opcode() -> impl Strategy<Value = OpCode> {
    use OpCode::{Binary, Close, Continuation, Ping, Pong, Text};
    select(vec![Continuation, Text, Binary, Close, Ping, Pong])
}

/// Around each border of the forms.
fn length() -> impl Strategy<Value = u64> {
    let border = select(vec![0_u64, 125, 126, 0xffff, 0x1_0000, 1 << 31, 1 << 32, (1 << 63) - 1]);
    prop_oneof![(border, 0..3_u64).prop_map(|(border, less)| border.saturating_sub(less)), 0..1_u64 << 63]
}

/// Frames of a server in any order, few of them bad.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let data = (select(vec![0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x80, 0x00]), almost_text());
    let ascii = (select(vec![0x81, 0x01, 0x80, 0x00]), vec(32..127_u8, 0..140));
    let control = (select(vec![0x89, 0x8a]), vec(any::<u8>(), 0..126));
    let good = prop_oneof![4 => data, 4 => ascii, 3 => control, 1 => close().prop_map(|body| (0x88, body))];
    let bad = (any::<u8>(), vec(any::<u8>(), 0..130));
    let bytes = prop_oneof![
        20 => good.prop_map(|(first, payload)| frame(first, &payload)),
        1 => bad.prop_map(|(first, payload)| frame(first, &payload)),
        1 => vec(any::<u8>(), 0..16),
    ];
    (vec(bytes, 0..9), 0..20_usize).prop_map(|(parts, less)| {
        let mut wire = parts.concat();
        // Sometimes not to its end.
        wire.truncate(if less < 5 { wire.len().saturating_sub(less) } else { wire.len() });
        wire
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn mk_13_masks_equal_the_rule(data in vec(any::<u8>(), 0..700), key in any::<[u8; 4]>(), cuts in cuts()) {
        let mut whole = data.clone();
        mask::apply(&mut whole, key);
        prop_assert_eq!(&whole, &naive_mask(&data, key));
        let (mut pieces, mut done) = (Vec::new(), 0);
        for piece in cut(&data, &cuts) {
            let mut piece = piece.to_vec();
            mask::apply(&mut piece, mask::turn(key, done));
            done += piece.len();
            pieces.extend(piece);
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn tx_01_text_equals_the_table(text in almost_text(), cuts in cuts()) {
        let mut validator = Utf8::new();
        let mut done = 0;
        let bad = cut(&text, &cuts).into_iter().find(|piece| {
            let bad = validator.push(piece).is_err();
            done += if bad { 0 } else { piece.len() };
            bad
        });
        match naive_text(&text) {
            NaiveText::Bad(at) => prop_assert!(bad.is_some_and(|piece| done < at && at <= done + piece.len())),
            whole => prop_assert_eq!((bad, validator.is_complete()), (None, whole == NaiveText::Whole)),
        }
        prop_assert_eq!(naive_text(&text) == NaiveText::Whole, str::from_utf8(&text).is_ok());
    }

    #[test]
    fn fr_01_headers_equal_the_questions(
        bytes in vec(any::<u8>(), 0..16), first in any::<u8>(), length in length(), mask in select(vec![0_u8, 0x80]),
        less in 0..14_usize,
    ) {
        prop_assert_eq!(Header::decode(&bytes), naive_header(&bytes));
        // Further into the header than most bytes at random get: each length in each form that can hold it.
        let long = length.to_be_bytes();
        for (code, length) in [(126, &long[6..]), (127, &long)] {
            for first in [first, 0x80 | first & 0x03] {
                let bytes = [&[first, code | mask], length, b"mask"].concat();
                let bytes = &bytes[..bytes.len().saturating_sub(if less > 6 { 0 } else { less })];
                prop_assert_eq!(Header::decode(bytes), naive_header(bytes));
            }
        }
    }

    #[test]
    fn fr_02_headers_equal_the_drawing(
        fin in any::<bool>(), rsv1 in any::<bool>(), opcode in opcode(), key in any::<Option<[u8; 4]>>(),
        length in length(),
    ) {
        let header = Header { fin, rsv1, opcode, key, length };
        prop_assert_eq!(header.encode().to_vec(), naive_header_bytes(header));
    }

    #[test]
    fn cl_01_closes_equal_the_sections(body in close()) {
        let twin = naive_close(&body);
        // Whether a code without a meaning passes is for the reader.
        let unassigned = matches!(twin, Err(BadClose::Code(code)) if (1016..3000).contains(&code.0));
        if !unassigned {
            let close = Close::decode(&body).map(|close| close.map(|close| (close.code.0, close.reason.to_owned())));
            prop_assert_eq!(close, twin.clone());
        }
        for role in BOTH {
            let wire = frame(0x88, &body);
            let wire = if role == Role::Server { masked(&wire) } else { wire };
            let read = run(Api::Receive, role, &Config::new(), [&wire[..]]);
            prop_assert_eq!(read.error, twin.clone().err().map(Error::from));
        }
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    /// Headers, masks, order, text and closes at once, each fault at its byte.
    #[test]
    fn fg_01_any_wire_equals_the_naive_reading(
        wire in wire(), role in select(BOTH.to_vec()), as_it_must in prop::bool::weighted(0.97), cuts in cuts(),
        api in select(Api::ALL.to_vec()),
    ) {
        let config = Config::new()
            .max_frame(Config::UNLIMITED)
            .max_message(Config::UNLIMITED)
            .max_fragments(Config::UNLIMITED);
        let wire = if (role == Role::Server) == as_it_must { masked(&wire) } else { wire };
        let twin = naive_read(role, &wire);
        let read = run(api, role, &config, cut(&wire, &cuts));
        prop_assert_eq!(read.events(), twin.events);
        prop_assert_eq!(read.frames, twin.frames);
        prop_assert_eq!(first_error(role, &config, &wire), twin.fault);
    }
}
