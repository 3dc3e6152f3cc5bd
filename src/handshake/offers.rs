//! The subprotocols and extensions of a head, over all its lines (RFC 6455, sections 9.1, 11.3.2 and 11.3.4).

use alloc::vec::Vec;

use super::error::HandshakeError;
use super::fields::{self, BadField, Extension};
use super::head::{Field, Head};
use crate::config::Config;

/// The subprotocols in a head, in order.
pub(super) fn protocols(head: &Head) -> impl Iterator<Item = Result<&str, BadField>> + Clone {
    head.all(Field::Protocol).flat_map(fields::tokens)
}

/// The extensions in a head, in order.
pub(super) fn extensions(head: &Head) -> impl Iterator<Item = Result<Extension<'_>, BadField>> + Clone {
    head.all(Field::Extensions).flat_map(fields::extensions)
}

/// Checks the subprotocols of a request, no two of which may be the same. Those behind the limit are ignored.
pub(super) fn check_protocols(head: &Head, config: &Config) -> Result<(), HandshakeError> {
    let mut names = Vec::new();
    for name in protocols(head).take(config.max_offers) {
        names.push(name.map_err(|BadField| HandshakeError::BadProtocol)?);
    }
    let len = names.len();
    names.sort_unstable();
    names.dedup();
    if is_empty(head, Field::Protocol, config) || names.len() < len { Err(HandshakeError::BadProtocol) } else { Ok(()) }
}

/// The offers of a request that count: the first `max`, but those of more than `max` parameters.
pub(super) fn offers(head: &Head, max: usize) -> impl Iterator<Item = Result<Extension<'_>, BadField>> + Clone {
    let is_small =
        move |offer: &Result<Extension<'_>, _>| !offer.as_ref().is_ok_and(|offer| offer.count_params() > max);
    extensions(head).take(max).filter(is_small)
}

/// Checks the extensions of a request. Those behind the limit are ignored.
pub(super) fn check_offers(head: &Head, config: &Config) -> Result<(), HandshakeError> {
    let is_bad = extensions(head).take(config.max_offers).any(|offer| offer.is_err());
    if is_bad || is_empty(head, Field::Extensions, config) { Err(HandshakeError::BadExtensions) } else { Ok(()) }
}

/// Checks the extensions of a response, and how many of them and of their parameters there are.
pub(super) fn check_answer(head: &Head, config: &Config) -> Result<(), HandshakeError> {
    for (count, extension) in extensions(head).enumerate() {
        let extension = extension.map_err(|BadField| HandshakeError::BadExtensions)?;
        if count >= config.max_offers || extension.count_params() > config.max_offers {
            return Err(HandshakeError::TooManyOffers);
        }
    }
    if is_empty(head, Field::Extensions, config) { Err(HandshakeError::BadExtensions) } else { Ok(()) }
}

/// Whether a list is there, in one line or more, and has no element. [`Config::lenient_handshake`] takes that for none.
fn is_empty(head: &Head, field: Field, config: &Config) -> bool {
    let mut lines = head.all(field).peekable();
    !config.lenient_handshake && lines.peek().is_some() && lines.all(|list| fields::elements(list).next().is_none())
}
