//! The negotiation of permessage-deflate (RFC 7692, sections 5 and 7): by rule, by table, and by property.
#![cfg(feature = "deflate")]

mod machines;
mod properties;
mod rules;
mod tables;

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::handshake::HandshakeError::{self, BadExtensions};
use ws_proto::handshake::extensions::{accept_offer, check_answer};
use ws_proto::handshake::fields::{BadField, Extension, extensions};

/// What a server answers to offers in any number of header lines; an empty text if it accepts none.
fn answer_to(lines: &[&str], compression: &Compression) -> Result<String, BadField> {
    let offers = lines.iter().flat_map(|line| extensions(line.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    Ok(accept_offer(offers, compression).map(|agreement| agreement.to_string()).unwrap_or_default())
}

fn answer(offers: &str) -> String {
    answer_to(&[offers], &Compression::new()).expect("a well-formed value")
}

fn agree(offers: &str, compression: &Compression) -> Agreement {
    let offers: Vec<_> = extensions(offers.as_bytes()).map(|offer| offer.expect("a well-formed value")).collect();
    accept_offer(offers, compression).expect("an offer that can be accepted")
}

/// What a client makes of an answer.
fn check(offer: &str, answer: &str) -> Result<Option<Agreement>, HandshakeError> {
    let answer = extensions(answer.as_bytes()).collect::<Result<Vec<Extension<'_>>, _>>();
    check_answer(offer, answer.map_err(|BadField| BadExtensions)?)
}

const PLAIN: &str = "permessage-deflate";
const BROWSER: &str = "permessage-deflate; client_max_window_bits";

fn windows(agreement: Agreement) -> (u8, u8) {
    (agreement.server_max_window_bits.unwrap_or(15), agreement.client_max_window_bits.unwrap_or(15))
}

fn every_compression() -> Vec<Compression> {
    let mut all = Vec::new();
    for bits in 0..16 {
        let flag = |bit: u8| bits & (1 << bit) > 0;
        for window in [8, 9, 12, 15] {
            let compression = Compression::new().outbound_takeover(flag(0)).inbound_takeover(flag(1)).lean(flag(2));
            let compression = compression.outbound_window(window);
            all.push(if flag(3) { compression.inbound_window(23 - window) } else { compression });
        }
    }
    all
}

fn every_offer() -> Vec<String> {
    let mut all = vec![PLAIN.to_owned()];
    for takeover in ["server_no_context_takeover", "client_no_context_takeover"] {
        all = all.iter().flat_map(|offer| [offer.clone(), format!("{offer}; {takeover}")]).collect();
    }
    let server = (8..=15).map(|bits| format!("; server_max_window_bits={bits}")).chain([String::new()]);
    all = server.flat_map(|param| all.iter().map(move |offer| format!("{offer}{param}")).collect::<Vec<_>>()).collect();
    let client = (8..=15).map(|bits| format!("; client_max_window_bits={bits}"));
    let client = client.chain([String::new(), "; client_max_window_bits".to_owned()]);
    client.flat_map(|param| all.iter().map(move |offer| format!("{offer}{param}")).collect::<Vec<_>>()).collect()
}
