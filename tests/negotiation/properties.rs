//! What holds for every configuration, every offer and any bytes.

use std::time::Instant;

use proptest::prelude::*;
use ws_proto::deflate::Compression;
use ws_proto::handshake::extensions::{accept_offer, check_answer, offer};
use ws_proto::handshake::fields::extensions;

use super::{PLAIN, agree, answer, check, every_compression, every_offer, windows};

/// Each offer of a client of ours, taken up by each server of ours, opens, and nothing is answered that was not asked
/// for.
#[test]
fn both_ends_agree_in_every_configuration() {
    for client in every_compression() {
        let offered = offer(&client);
        for server in every_compression() {
            let agreement = agree(&offered, &server);
            assert_eq!(check(&offered, &agreement.to_string()), Ok(Some(agreement)), "{offered}");
        }
    }
}

/// What one offer asks for, found by another way than the crate's: by words.
fn param<'a>(offer: &'a str, name: &str) -> Option<&'a str> {
    offer.split(';').map(str::trim).find_map(|param| param.strip_prefix(name)).map(|value| value.trim_matches('='))
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("permessage-deflate"),
        Just("server_no_context_takeover"),
        Just("client_no_context_takeover"),
        Just("server_max_window_bits"),
        Just("client_max_window_bits"),
        Just("=8"),
        Just("=\"10\""),
        Just("=15"),
        Just("=16"),
        Just("="),
        Just(";"),
        Just(";"),
        Just(","),
        Just("\""),
        Just(" "),
        Just("x"),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn any_compression() -> impl Strategy<Value = Compression> {
    prop::sample::select(every_compression())
}

proptest! {
    #[test]
    fn no_more_is_answered_than_was_offered(
        offered in prop::sample::select(every_offer()),
        compression in any_compression(),
    ) {
        let agreement = agree(&offered, &compression);
        let number = |name| param(&offered, name).map(|value| value.parse().unwrap_or(15));
        if let Some(most) = number("server_max_window_bits") {
            prop_assert!(agreement.server_max_window_bits.is_some_and(|bits| bits <= most));
        }
        let most = number("client_max_window_bits").unwrap_or(0);
        prop_assert!(agreement.client_max_window_bits.is_none_or(|bits| bits <= most));
        if param(&offered, "server_no_context_takeover").is_some() {
            prop_assert!(agreement.server_no_context_takeover);
        }
        // As the client sees it.
        prop_assert_eq!(check(&offered, &agreement.to_string()), Ok(Some(agreement)));
    }

    #[test]
    fn any_value_is_judged_without_a_panic(
        value in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), words().prop_map(String::into_bytes)],
        compression in any_compression(),
    ) {
        let found = || extensions(&value).filter_map(Result::ok);
        if let Some(agreement) = accept_offer(found(), &compression) {
            prop_assert!(found().any(|offer| offer.name() == PLAIN));
            prop_assert!((8..=15).contains(&windows(agreement).0) && (8..=15).contains(&windows(agreement).1));
        }
        let offered = offer(&compression);
        if let Ok(Some(agreement)) = check_answer(&offered, found()) {
            prop_assert_eq!(found().count(), 1);
            prop_assert_eq!(check(&offered, &agreement.to_string()), Ok(Some(agreement)));
        }
        if let Ok(text) = str::from_utf8(&value) {
            let _ = check(text, PLAIN);
        }
    }
}

/// A repeated parameter and a declined offer cost no more than reading them: a megabyte of either is done at once.
/// Quadratic time would be minutes.
#[test]
fn time_is_linear() {
    let start = Instant::now();
    let params = format!("permessage-deflate{}", ";x=\"\\1\"".repeat(1 << 17));
    let offers = "permessage-deflate;foo,".repeat(1 << 16);
    for value in [&params, &offers] {
        assert_eq!(answer(value), "");
        let _ = check(value, PLAIN);
        assert!(check(PLAIN, value).is_err());
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
