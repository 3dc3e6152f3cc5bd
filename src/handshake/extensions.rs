//! The negotiation of permessage-deflate (RFC 7692, sections 5 and 7). For those behind another HTTP stack, too: all of
//! it works on what [`fields::extensions`] finds in bare header values.
//!
//! All of it takes linear time and keeps nothing of what it reads.

use alloc::format;
use alloc::string::{String, ToString};
use core::mem;

use super::error::HandshakeError;
use super::fields::{self, Extension, Value};
use crate::deflate::{Agreement, Compression};

/// The server's side: accepts the first of a client's offers that can be accepted, or none of them. The agreement
/// displays as the value of the response's Sec-WebSocket-Extensions; without one, the response has no such header.
///
/// Other extensions are passed over, and so is an offer with a parameter that is unknown, repeated or malformed.
/// Everything else is served.
///
/// ```
/// use ws_proto::deflate::Compression;
/// use ws_proto::handshake::extensions::accept_offer;
/// use ws_proto::handshake::fields::{self, BadField};
///
/// let value = b"x-other, permessage-deflate; server_max_window_bits=10, permessage-deflate; client_max_window_bits";
/// let offers = fields::extensions(value).collect::<Result<Vec<_>, BadField>>()?; // malformed: status 400
/// let agreement = accept_offer(offers, &Compression::new()).unwrap();
/// assert_eq!(agreement.to_string(), "permessage-deflate; server_max_window_bits=10");
/// # Ok::<(), BadField>(())
/// ```
#[must_use]
pub fn accept_offer<'a>(
    offers: impl IntoIterator<Item = Extension<'a>>,
    compression: &Compression,
) -> Option<Agreement> {
    let offer = offers.into_iter().filter(is_deflate).find_map(|offer| parse(&offer, Some(15)))?;
    // Sections 7.1.1.2 and 7.1.2.2: every client can do without takeover, but only one that says so with a smaller
    // window.
    let asks_window = offer.client_max_window_bits.is_some();
    let inbound_window = compression.inbound_window.unwrap_or(SERVER_INBOUND_WINDOW);
    let is_lean = compression.lean && !asks_window;
    Some(Agreement {
        server_no_context_takeover: offer.server_no_context_takeover || !compression.outbound_takeover,
        client_no_context_takeover: offer.client_no_context_takeover || !compression.inbound_takeover || is_lean,
        server_max_window_bits: match offer.server_max_window_bits {
            Some(most) => Some(most.min(compression.outbound_window)),
            None => smaller(compression.outbound_window),
        },
        client_max_window_bits: offer.client_max_window_bits.and_then(|most| smaller(most.min(inbound_window))),
    })
}

/// The client's side: the value of the request's Sec-WebSocket-Extensions.
///
/// ```
/// use ws_proto::deflate::Compression;
/// use ws_proto::handshake::extensions::offer;
///
/// assert_eq!(offer(&Compression::new()), "permessage-deflate; client_max_window_bits");
/// let lean = Compression::new().inbound_takeover(false).outbound_window(10);
/// assert_eq!(offer(&lean), "permessage-deflate; server_no_context_takeover; client_max_window_bits=10");
/// ```
#[must_use]
pub fn offer(compression: &Compression) -> String {
    let wanted = Agreement {
        server_no_context_takeover: !compression.inbound_takeover,
        client_no_context_takeover: !compression.outbound_takeover,
        server_max_window_bits: compression.inbound_window.and_then(smaller),
        client_max_window_bits: smaller(compression.outbound_window),
    };
    match wanted.client_max_window_bits {
        Some(_) => wanted.to_string(),
        None => format!("{wanted}; client_max_window_bits"),
    }
}

/// The client's side: checks the extensions of a response against the value of the request's Sec-WebSocket-Extensions.
/// `None` if there are none: the connection is open, without compression.
///
/// What binds is the answer, not the offer: the client sends with at most the window that the answer names, whichever
/// of several offers it takes up. It may use less of it, and no takeover, by itself.
///
/// ```
/// use ws_proto::deflate::Compression;
/// use ws_proto::handshake::HandshakeError;
/// use ws_proto::handshake::extensions::{check_answer, offer};
/// use ws_proto::handshake::fields::{self, BadField};
///
/// let offer = offer(&Compression::new());
/// let value = b"permessage-deflate; client_max_window_bits=11";
/// let answer = fields::extensions(value).collect::<Result<Vec<_>, BadField>>()?; // malformed: drop the connection
/// let agreement = check_answer(&offer, answer)?.unwrap();
/// assert_eq!(agreement.client_max_window_bits, Some(11));
///
/// let answer = fields::extensions(b"x-other").collect::<Result<Vec<_>, BadField>>()?;
/// assert_eq!(check_answer(&offer, answer), Err(HandshakeError::UnofferedExtension));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the response has an extension or a parameter that was not offered, or lacks one that was asked for, or has one
/// twice or malformed. The client must then drop the connection.
pub fn check_answer<'a>(
    offer: &str,
    answer: impl IntoIterator<Item = Extension<'a>>,
) -> Result<Option<Agreement>, HandshakeError> {
    let mut found = None;
    for extension in answer {
        if offer.is_empty() || !is_deflate(&extension) {
            return Err(HandshakeError::UnofferedExtension);
        }
        if found.replace(extension).is_some() {
            return Err(HandshakeError::RepeatedExtension);
        }
    }
    let Some(extension) = found else {
        return Ok(None);
    };
    let mut fault = HandshakeError::UnofferedExtension;
    let answer = parse(&extension, None);
    let offers = fields::extensions(offer.as_bytes()).filter_map(Result::ok).filter(is_deflate);
    for offer in offers.filter_map(|offer| parse(&offer, Some(15))) {
        match check(offer, answer.ok_or(HandshakeError::BadParameter)?) {
            Ok(()) => return Ok(answer),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

/// Whether an answer takes up this offer (section 7.1).
const fn check(offer: Agreement, answer: Agreement) -> Result<(), HandshakeError> {
    if offer.server_no_context_takeover && !answer.server_no_context_takeover {
        return Err(HandshakeError::MissingParameter);
    }
    match (offer.server_max_window_bits, answer.server_max_window_bits) {
        (Some(_), None) => return Err(HandshakeError::MissingParameter),
        (Some(most), Some(bits)) if bits > most => return Err(HandshakeError::WindowTooLarge),
        _ => {}
    }
    // Section 7.1.2.2: the value in the offer tells, and does not ask; a larger one in the answer is no fault.
    match (offer.client_max_window_bits, answer.client_max_window_bits) {
        (None, Some(_)) => Err(HandshakeError::UnofferedParameter),
        _ => Ok(()),
    }
}

fn is_deflate(extension: &Extension<'_>) -> bool {
    extension.name() == "permessage-deflate"
}

/// The parameters, if none of them is unknown, repeated or malformed (section 7). `bare` is what
/// `client_max_window_bits` means without a value: any window in an offer, nothing in an answer (section 7.1.2.2).
fn parse(extension: &Extension<'_>, bare: Option<u8>) -> Option<Agreement> {
    let mut found = Agreement::default();
    for (name, value) in extension.params() {
        let is_repeated = match (name, value) {
            ("server_no_context_takeover", None) => mem::replace(&mut found.server_no_context_takeover, true),
            ("client_no_context_takeover", None) => mem::replace(&mut found.client_no_context_takeover, true),
            ("server_max_window_bits", Some(value)) => found.server_max_window_bits.replace(bits(value)?).is_some(),
            ("client_max_window_bits", value) => {
                found.client_max_window_bits.replace(value.map_or(bare, bits)?).is_some()
            }
            _ => return None,
        };
        if is_repeated {
            return None;
        }
    }
    Some(found)
}

/// 8 to 15, without a leading zero (section 7.1.2).
#[expect(clippy::arithmetic_side_effects, reason = "digits, and at most 15")]
fn bits(value: Value<'_>) -> Option<u8> {
    let mut digits = value.bytes();
    match (digits.next()?, digits.next(), digits.next()) {
        (digit @ b'8'..=b'9', None, None) => Some(digit - b'0'),
        (b'1', Some(digit @ b'0'..=b'5'), None) => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// A window, if it needs to be named.
const fn smaller(bits: u8) -> Option<u8> {
    if bits < 15 { Some(bits) } else { None }
}

/// What a server asks for by itself: eight connections for the memory of one, for a few bytes more.
const SERVER_INBOUND_WINDOW: u8 = 12;
