//! The subprotocols and extensions of a head, over all its lines (RFC 6455, sections 9.1, 11.3.2 and 11.3.4).

use alloc::vec::Vec;

use super::error::HandshakeError;
use super::fields::{self, BadField, Extension};
use super::head::{Field, Head};

/// The subprotocols in a head, in order.
pub(super) fn protocols(head: &Head) -> impl Iterator<Item = Result<&str, BadField>> + Clone {
    head.all(Field::Protocol).flat_map(fields::tokens)
}

/// The extensions in a head, in order.
pub(super) fn extensions(head: &Head) -> impl Iterator<Item = Result<Extension<'_>, BadField>> + Clone {
    head.all(Field::Extensions).flat_map(fields::extensions)
}

/// Checks the subprotocols of a request: at most `max`, no two the same.
pub(super) fn check_protocols(head: &Head, max: usize) -> Result<(), HandshakeError> {
    let mut names = Vec::new();
    for name in protocols(head) {
        let name = name.map_err(|BadField| HandshakeError::BadProtocol)?;
        if names.len() == max {
            return Err(HandshakeError::TooManyOffers);
        }
        names.push(name);
    }
    let len = names.len();
    names.sort_unstable();
    names.dedup();
    let is_empty = len == 0 && head.all(Field::Protocol).next().is_some();
    if is_empty || names.len() < len { Err(HandshakeError::BadProtocol) } else { Ok(()) }
}

/// Checks the extensions of a head, at most `max` with at most `max` parameters each; returns how many there are.
#[expect(clippy::arithmetic_side_effects, reason = "`len` is below `max`")]
pub(super) fn check_extensions(head: &Head, max: usize) -> Result<usize, HandshakeError> {
    let mut len = 0;
    for list in head.all(Field::Extensions).map(fields::extensions) {
        for extension in list {
            let extension = extension.map_err(|BadField| HandshakeError::BadExtensions)?;
            if len == max || extension.count_params() > max {
                return Err(HandshakeError::TooManyOffers);
            }
            len += 1;
        }
    }
    if len == 0 && head.all(Field::Extensions).next().is_some() {
        return Err(HandshakeError::BadExtensions);
    }
    Ok(len)
}
