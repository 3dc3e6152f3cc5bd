//! The negotiation's tables: what is answered to an offer, and what a client makes of an answer.

use ws_proto::deflate::Compression;
use ws_proto::handshake::HandshakeError::{
    self, BadParameter, MissingParameter, RepeatedExtension, UnofferedExtension, UnofferedParameter, WindowTooLarge,
};
use ws_proto::handshake::fields::BadField;

use super::{BROWSER, PLAIN, answer, answer_to, check, windows};

/// A.7, what a server answers. Ours asks for a window of 12 bits where it may.
const OFFERS: &[(&str, &str, &str)] = &[
    ("N-01", PLAIN, PLAIN),
    ("N-02", BROWSER, "permessage-deflate; client_max_window_bits=12"),
    (
        "N-03",
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
    ),
    (
        "N-04",
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10, \
         permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
    ),
    ("N-05", "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
    ("N-06", "permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"),
    ("N-07", "permessage-deflate; foo", ""),
    ("N-08", "permessage-deflate; foo, permessage-deflate", PLAIN),
    ("N-09", "permessage-deflate; server_max_window_bits", ""),
    ("N-10", "permessage-deflate; server_max_window_bits=16", ""),
    ("N-10, 7", "permessage-deflate; server_max_window_bits=7", ""),
    ("N-10, 08", "permessage-deflate; server_max_window_bits=08", ""),
    ("N-10, 0", "permessage-deflate; server_max_window_bits=0", ""),
    ("N-10, +9", "permessage-deflate; server_max_window_bits=+9", ""),
    ("N-10, 9a", "permessage-deflate; server_max_window_bits=9a", ""),
    ("N-11", "permessage-deflate; server_no_context_takeover=true", ""),
    ("N-12", "permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""),
    ("N-13", "permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"),
    ("N-14", "permessage-deflate ; server_max_window_bits = 10", "permessage-deflate; server_max_window_bits=10"),
    ("N-15", "x-webkit-deflate-frame, permessage-deflate", PLAIN),
    // Our compressor is safe for 8 bits, so the offer is not declined.
    ("N-18", "permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"),
];

/// A.7, what a client makes of an answer: the windows of server and client, if it opens.
type Opened = Option<(u8, u8)>;
const ANSWERS: &[(&str, &str, &str, Result<Opened, HandshakeError>)] = &[
    ("N-30", "", PLAIN, Err(UnofferedExtension)),
    ("N-31", PLAIN, "", Ok(None)),
    ("N-32", PLAIN, PLAIN, Ok(Some((15, 15)))),
    ("N-33", PLAIN, "permessage-deflate; client_max_window_bits=10", Err(UnofferedParameter)),
    ("N-34", BROWSER, "permessage-deflate; client_max_window_bits=10", Ok(Some((15, 10)))),
    ("N-35", BROWSER, BROWSER, Err(BadParameter)),
    (
        "N-36",
        PLAIN,
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=9",
        Ok(Some((9, 15))),
    ),
    ("N-37", "permessage-deflate; server_no_context_takeover", PLAIN, Err(MissingParameter)),
    ("N-38", "permessage-deflate; server_max_window_bits=10", PLAIN, Err(MissingParameter)),
    (
        "N-38, 11",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=11",
        Err(WindowTooLarge),
    ),
    (
        "N-39",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=9",
        Ok(Some((9, 15))),
    ),
    ("N-40", PLAIN, "permessage-deflate, permessage-deflate", Err(RepeatedExtension)),
    ("N-41", PLAIN, "permessage-deflate; foo", Err(BadParameter)),
    ("N-41, 16", PLAIN, "permessage-deflate; server_max_window_bits=16", Err(BadParameter)),
    ("N-42", PLAIN, "permessage-deflate; server_max_window_bits", Err(BadParameter)),
    ("N-43", PLAIN, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", Err(BadParameter)),
];

#[test]
fn offers_are_answered_by_the_table() {
    for (name, offers, expected) in OFFERS {
        assert_eq!(answer(offers), *expected, "{name}");
    }
}

/// N-16, N-17.
#[test]
fn malformed_offers_are_malformed_requests() {
    for offers in ["permessage-deflate; server_max_window_bits=\"\"", "permessage-deflate; server_max_window_bits=\"10"]
    {
        assert_eq!(answer_to(&[offers], &Compression::new()), Err(BadField), "{offers}");
        assert_eq!(answer_to(&[PLAIN, offers], &Compression::new()), Err(BadField), "{offers}");
    }
}

#[test]
fn answers_are_checked_by_the_table() {
    for (name, offer, answer, expected) in ANSWERS {
        let opened = check(offer, answer).map(|agreement| agreement.map(windows));
        assert_eq!(opened, *expected, "{name}");
    }
}
