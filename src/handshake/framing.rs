//! How the body behind a head is framed (RFC 9112, section 6).

use super::error::HandshakeError;
use super::fields;
use super::head::{Field, Head};

/// What the headers say of where a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// There is neither Content-Length nor Transfer-Encoding.
    Unsaid,
    Length(u64),
    /// Transfer-Encoding, with `chunked` as its last coding and nowhere else.
    Chunked,
    /// Transfer-Encoding without `chunked` at its end.
    Coded,
}

impl Framing {
    /// Reads the headers. Transfer-Encoding comes before Content-Length (section 6.3).
    ///
    /// # Errors
    ///
    /// When there is a Content-Length that is not one number of 64 bits.
    pub(super) fn of(head: &Head) -> Result<Self, HandshakeError> {
        let length = content_length(head)?;
        if is_coded(head) {
            return Ok(if is_chunked(head) { Self::Chunked } else { Self::Coded });
        }
        let number = |digits| fields::text(digits).parse().map_err(|_| HandshakeError::BadContentLength);
        length.map_or(Ok(Self::Unsaid), |digits| number(digits).map(Self::Length))
    }
}

/// The digits of Content-Length. The same number may be there more than once (section 6.3).
pub(super) fn content_length(head: &Head) -> Result<Option<&[u8]>, HandshakeError> {
    let mut length: Option<&[u8]> = None;
    for value in head.all(Field::ContentLength).flat_map(|list| list.split(|byte| *byte == b',')).map(fields::trim) {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        if !is_number || length.is_some_and(|length| length != value) {
            return Err(HandshakeError::BadContentLength);
        }
        length = Some(value);
    }
    Ok(length)
}

/// Whether there is a Transfer-Encoding, even an empty one.
pub(super) fn is_coded(head: &Head) -> bool {
    head.all(Field::TransferEncoding).next().is_some()
}

fn is_chunked(head: &Head) -> bool {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings = head.all(Field::TransferEncoding).flat_map(fields::elements);
    codings.by_ref().find(|coding| is_chunked(coding)).is_some() && codings.next().is_none()
}
