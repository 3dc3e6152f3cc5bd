//! Each rule of the negotiation.

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::handshake::HandshakeError::{
    BadExtensions, BadParameter, MissingParameter, RepeatedExtension, UnofferedExtension, UnofferedParameter,
    WindowTooLarge,
};
use ws_proto::handshake::extensions::{accept_offer, offer};
use ws_proto::handshake::fields::{BadField, extensions};

use super::{BROWSER, PLAIN, agree, answer, answer_to, check, every_compression, every_offer, windows};

/// What makes an element unacceptable to either end, behind its name.
const INVALID: &[&str] = &[
    "foo",
    "foo=1",
    "Server_no_context_takeover",
    "server_no_context_takeover=true",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits",
    "server_max_window_bits=0",
    "server_max_window_bits=1",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=08",
    "server_max_window_bits=010",
    "server_max_window_bits=100",
    "server_max_window_bits=+9",
    "server_max_window_bits=-9",
    "server_max_window_bits=9.0",
    "server_max_window_bits=9a",
    "server_max_window_bits=0x9",
    "server_max_window_bits=\"16\"",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_max_window_bits=10; server_no_context_takeover; server_max_window_bits=11",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=09",
    "client_max_window_bits=10; client_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits; client_max_window_bits=10",
    "client_max_window_bits=10; client_max_window_bits",
];

#[test]
fn pn_01_the_first_acceptable_offer_is_answered() {
    let offers = "permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=9";
    assert_eq!(answer(offers), "permessage-deflate; server_max_window_bits=10");
    // Over several lines, among other extensions.
    let lines = ["x-a", "permessage-deflate; foo, permessage-deflate; server_max_window_bits=11", PLAIN];
    let expected = "permessage-deflate; server_max_window_bits=11";
    assert_eq!(answer_to(&lines, &Compression::new()).as_deref(), Ok(expected));
    for offers in ["", "deflate", "x-webkit-deflate-frame", "Permessage-Deflate", "permessage-deflate2"] {
        assert_eq!(answer(offers), "", "{offers}");
    }
}

#[test]
fn pn_02_an_unknown_parameter_declines_its_offer_only() {
    for param in ["foo", "foo=1", "server_max_window_bit=10", "CLIENT_MAX_WINDOW_BITS"] {
        assert_eq!(answer(&format!("permessage-deflate; {param}")), "", "{param}");
        assert_eq!(answer(&format!("permessage-deflate; {param}, permessage-deflate")), PLAIN, "{param}");
        assert_eq!(answer(&format!("{BROWSER}; {param}, permessage-deflate")), PLAIN, "{param}");
    }
}

#[test]
fn pn_03_an_invalid_value_declines_its_offer_only() {
    for param in INVALID {
        assert_eq!(answer(&format!("permessage-deflate; {param}")), "", "{param}");
        assert_eq!(answer(&format!("permessage-deflate; {param}, permessage-deflate")), PLAIN, "{param}");
    }
}

#[test]
fn pn_04_a_repeated_parameter_declines_its_offer_only() {
    let params = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits",
        "client_max_window_bits=10",
    ];
    for param in params {
        assert_ne!(answer(&format!("permessage-deflate; {param}")), "", "{param}");
        assert_eq!(answer(&format!("permessage-deflate; {param}; {param}")), "", "{param}");
        let others = "; server_max_window_bits=9; client_max_window_bits";
        assert_eq!(answer(&format!("permessage-deflate; {param}{others}; {param}, {PLAIN}")), PLAIN, "{param}");
    }
}

/// There is none that this server cannot serve: whatever is valid gets what it asks for.
#[test]
fn pn_05_every_valid_offer_is_served() {
    for compression in every_compression() {
        for offer in every_offer() {
            let answer = accept_offer(extensions(offer.as_bytes()).map(Result::unwrap), &compression);
            assert!(answer.is_some(), "{offer}");
        }
    }
}

#[test]
fn pn_06_nothing_is_answered_when_all_is_declined() {
    let offers = "permessage-deflate; foo, permessage-deflate; server_max_window_bits=7, x-other";
    let offers: Vec<_> = extensions(offers.as_bytes()).map(Result::unwrap).collect();
    assert_eq!(accept_offer(offers, &Compression::new()), None);
    assert_eq!(accept_offer([], &Compression::new()), None);
}

#[test]
fn pn_07_an_invalid_parameter_in_an_answer_aborts() {
    for param in INVALID {
        for offer in [PLAIN, BROWSER] {
            assert_eq!(check(offer, &format!("permessage-deflate; {param}")), Err(BadParameter), "{param}");
        }
    }
}

#[test]
fn pn_08_an_answer_that_was_not_offered_or_comes_twice_aborts() {
    for offer in ["", "x-other", "permessage-deflate; foo"] {
        assert_eq!(check(offer, PLAIN), Err(UnofferedExtension), "{offer}");
    }
    assert_eq!(check(PLAIN, "Permessage-Deflate"), Err(UnofferedExtension));
    for answer in ["permessage-deflate, permessage-deflate", "permessage-deflate, permessage-deflate; foo"] {
        assert_eq!(check(BROWSER, answer), Err(RepeatedExtension), "{answer}");
    }
    let twice = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
    assert_eq!(check(twice, twice), Err(RepeatedExtension));
}

#[test]
fn pn_09_windows_are_8_to_15_in_decimal() {
    for bits in 8..=15 {
        for value in [format!("{bits}"), format!("\"{bits}\""), format!("\"\\{bits}\"")] {
            let element = format!("permessage-deflate; server_max_window_bits={value}; client_max_window_bits={value}");
            assert_eq!(windows(agree(&element, &Compression::new().inbound_window(15))), (bits, bits), "{element}");
            assert_eq!(check(&element, &element).unwrap().map(windows), Some((bits, bits)), "{element}");
        }
    }
    for value in ["7", "16", "08", "+9", "9.0", "0x9", "-9", "0", "1", "010", "150", "\"16\"", "ten"] {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            let element = format!("permessage-deflate; {name}={value}");
            assert_eq!(answer(&element), "", "{element}");
            assert_eq!(check(BROWSER, &element), Err(BadParameter), "{element}");
        }
    }
    for value in ["", "\"\""] {
        let element = format!("permessage-deflate; server_max_window_bits={value}");
        assert_eq!(answer_to(&[&element], &Compression::new()), Err(BadField), "{element}");
        assert_eq!(check(BROWSER, &element), Err(BadExtensions), "{element}");
    }
}

#[test]
fn pn_10_takeover_has_no_value() {
    for name in ["server_no_context_takeover", "client_no_context_takeover"] {
        for value in ["true", "1", "\"1\"", "false"] {
            let element = format!("permessage-deflate; {name}={value}");
            assert_eq!(answer(&element), "", "{element}");
            assert_eq!(check(BROWSER, &element), Err(BadParameter), "{element}");
        }
        let element = format!("permessage-deflate; {name}=\"\"");
        assert_eq!(answer_to(&[&element], &Compression::new()), Err(BadField), "{element}");
        assert_eq!(check(BROWSER, &element), Err(BadExtensions), "{element}");
    }
}

#[test]
fn pn_11_a_server_window_needs_a_value() {
    assert_eq!(answer("permessage-deflate; server_max_window_bits"), "");
    assert_eq!(answer("permessage-deflate; server_max_window_bits; client_max_window_bits"), "");
    assert_eq!(check(PLAIN, "permessage-deflate; server_max_window_bits"), Err(BadParameter));
}

#[test]
fn pn_12_a_client_window_needs_a_value_in_an_answer() {
    assert_ne!(answer(BROWSER), "");
    assert_eq!(check(BROWSER, BROWSER), Err(BadParameter));
    assert_eq!(check(BROWSER, "permessage-deflate; client_max_window_bits=9").map(|it| it.is_some()), Ok(true));
}

#[test]
fn pn_13_no_takeover_by_the_server_is_granted() {
    for compression in every_compression() {
        let agreement = agree("permessage-deflate; server_no_context_takeover", &compression);
        assert!(agreement.server_no_context_takeover, "{compression:?}");
    }
}

#[test]
fn pn_14_takeover_by_the_server_against_the_offer_aborts() {
    let offer = offer(&Compression::new().inbound_takeover(false));
    assert_eq!(check(&offer, PLAIN), Err(MissingParameter));
    assert_eq!(check(&offer, "permessage-deflate; client_no_context_takeover"), Err(MissingParameter));
    assert!(check(&offer, "permessage-deflate; server_no_context_takeover").is_ok());
}

#[test]
fn pn_15_a_server_may_bind_itself_unasked() {
    let compression = Compression::new().outbound_takeover(false).outbound_window(11);
    let expected = "permessage-deflate; server_no_context_takeover; server_max_window_bits=11";
    assert_eq!(agree(PLAIN, &compression).to_string(), expected);
    let opened = check(PLAIN, expected).unwrap().unwrap();
    assert_eq!((opened.server_no_context_takeover, opened.server_max_window_bits), (true, Some(11)));
}

#[test]
fn pn_16_the_server_window_is_not_above_the_offered_one() {
    for most in 8..=15 {
        for own in 8..=15 {
            let element = format!("permessage-deflate; server_max_window_bits={most}");
            let agreement = agree(&element, &Compression::new().outbound_window(own));
            assert_eq!(agreement.server_max_window_bits, Some(most.min(own)), "{most} offered, {own} possible");
        }
    }
}

#[test]
fn pn_17_a_server_window_above_the_offered_one_aborts() {
    for most in 8..=14 {
        let offer = offer(&Compression::new().inbound_window(most));
        assert_eq!(check(&offer, PLAIN), Err(MissingParameter), "{most} offered");
        for bits in 8..=15 {
            let opened = check(&offer, &format!("permessage-deflate; server_max_window_bits={bits}"));
            let expected = if bits > most { Err(WindowTooLarge) } else { Ok(Some(bits)) };
            let opened = opened.map(|agreement| agreement.unwrap().server_max_window_bits);
            assert_eq!(opened, expected, "{bits} after {most}");
        }
    }
}

#[test]
fn pn_18_a_server_may_ask_for_no_takeover_unasked() {
    let answer = agree(PLAIN, &Compression::new().inbound_takeover(false)).to_string();
    assert_eq!(answer, "permessage-deflate; client_no_context_takeover");
    assert!(check(PLAIN, &answer).unwrap().unwrap().client_no_context_takeover);
    // The lean server does it where it can ask for no window.
    let lean = Compression::new().lean(true);
    assert_eq!(agree(PLAIN, &lean).to_string(), answer);
    assert_eq!(agree(BROWSER, &lean).to_string(), "permessage-deflate; client_max_window_bits=12");
}

#[test]
fn pn_19_the_client_window_is_asked_for_only_where_offered() {
    for own in 8..=15 {
        let compression = Compression::new().inbound_window(own);
        assert_eq!(agree(PLAIN, &compression).client_max_window_bits, None);
        assert_eq!(agree(BROWSER, &compression).client_max_window_bits, (own < 15).then_some(own));
        for most in 8..=15 {
            let agreement = agree(&format!("permessage-deflate; client_max_window_bits={most}"), &compression);
            let least = most.min(own);
            assert_eq!(agreement.client_max_window_bits, (least < 15).then_some(least), "{most} offered, {own} wanted");
        }
    }
}

#[test]
fn pn_20_a_client_window_that_was_not_offered_aborts() {
    for bits in 8..=15 {
        let answer = format!("permessage-deflate; client_max_window_bits={bits}");
        assert_eq!(check(PLAIN, &answer), Err(UnofferedParameter));
        assert_eq!(check(&format!("x-other, {PLAIN}"), &answer), Err(UnofferedParameter));
        // The offer that has it asks for something else.
        let two = "permessage-deflate; client_max_window_bits; server_no_context_takeover, permessage-deflate";
        assert_eq!(check(two, &answer), Err(UnofferedParameter));
        assert!(check(&format!("{PLAIN}, {BROWSER}"), &answer).is_ok());
    }
}

#[test]
fn pn_21_only_the_answer_binds_the_client() {
    let hints = offer(&Compression::new().outbound_takeover(false).outbound_window(10));
    assert_eq!(hints, "permessage-deflate; client_no_context_takeover; client_max_window_bits=10");
    assert_eq!(check(&hints, PLAIN), Ok(Some(Agreement::default())));
    let larger = Agreement { client_max_window_bits: Some(12), ..Agreement::default() };
    assert_eq!(check(&hints, &larger.to_string()), Ok(Some(larger)));
    // The server takes them up: it costs it nothing.
    assert_eq!(agree(&hints, &Compression::new()).to_string(), hints);
}

#[test]
fn pn_22_what_is_absent_is_takeover_and_a_full_window() {
    let nothing = Agreement {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: None,
        client_max_window_bits: None,
    };
    assert_eq!(check(BROWSER, PLAIN), Ok(Some(nothing)));
    assert_eq!(agree(PLAIN, &Compression::new()), nothing);
    assert_eq!(agree(BROWSER, &Compression::new().inbound_window(15)), nothing);
}

#[test]
fn pn_23_an_answer_may_take_up_any_of_several_offers() {
    let offers = "permessage-deflate; server_max_window_bits=10; client_max_window_bits, \
                  permessage-deflate; server_no_context_takeover, x-other";
    let judged = [
        ("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9", None),
        ("permessage-deflate; server_no_context_takeover", None),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=15", None),
        ("permessage-deflate; server_max_window_bits=11", Some(MissingParameter)),
        ("permessage-deflate", Some(MissingParameter)),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits=9", Some(UnofferedParameter)),
    ];
    for (answer, fault) in judged {
        let opened = check(offers, answer);
        assert_eq!(opened.err(), fault, "{answer}");
        if let Ok(agreement) = opened {
            assert_eq!(agreement.unwrap().to_string(), answer);
        }
    }
}

#[test]
fn pn_24_no_other_extension_comes_with_it() {
    let offers = "x-bzip, permessage-deflate; server_max_window_bits=9, permessage-bzip2";
    assert_eq!(answer(offers), "permessage-deflate; server_max_window_bits=9");
    for answer in ["x-other", "permessage-deflate, x-other", "x-other, permessage-deflate"] {
        assert_eq!(check(&format!("{BROWSER}, x-other"), answer), Err(UnofferedExtension), "{answer}");
    }
}

/// A window of 8 bits is kept: it is answered as 8, never as 9. What is sent then is tested with the codec.
#[test]
fn pn_25_a_window_of_8_bits_is_accepted_as_such() {
    let offers = "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8";
    assert_eq!(answer(offers), offers);
    let own = Compression::new().outbound_window(8).inbound_window(8);
    assert_eq!(agree(BROWSER, &own).to_string(), offers);
    assert_eq!(offer(&own), offers);
    assert_eq!(check(&offer(&own), offers).unwrap().map(windows), Some((8, 8)));
    for bits in 0..8 {
        assert_eq!(offer(&Compression::new().outbound_window(bits).inbound_window(bits)), offers, "{bits} counts as 8");
    }
}

/// The compressor can shrink its window, so the promises are honest; those that nobody needs are not made.
#[test]
fn pn_26_only_what_is_kept_is_promised() {
    for most in 8..=15 {
        let own = Compression::new().outbound_window(most);
        let promised = agree(PLAIN, &own).server_max_window_bits;
        assert_eq!(promised, (most < 15).then_some(most));
        let hint = if most < 15 { format!("{BROWSER}={most}") } else { BROWSER.to_owned() };
        assert_eq!(offer(&own), hint);
    }
}

#[test]
fn pn_27_the_default_offer_is_that_of_browsers() {
    assert_eq!(offer(&Compression::new()), "permessage-deflate; client_max_window_bits");
    assert_eq!(offer(&Compression::new().inbound_window(15).outbound_window(15)), BROWSER);
    let all = Compression::new().inbound_takeover(false).outbound_takeover(false).inbound_window(9).outbound_window(10);
    assert_eq!(
        offer(&all),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; \
         client_max_window_bits=10"
    );
}
