//! Grammar of the handshake's header values: lists of tokens, and of extensions with parameters. For those behind
//! another HTTP stack, too: everything here works on bare values.
//!
//! All of it takes linear time, and malformed input is one error, [`BadField`].

use core::fmt::{self, Write};
use core::{iter, mem, str};

use super::kinds::{is_token_byte, split_token};

/// The tokens of a comma-separated list (RFC 9110, section 5.6.1), empty elements left out. Ends behind the first
/// error.
///
/// ```
/// use ws_proto::handshake::fields::{BadField, tokens};
///
/// assert!(tokens(b"chat, ,superchat ,").eq([Ok("chat"), Ok("superchat")]));
/// assert!(tokens(b"chat, super chat").eq([Ok("chat"), Err(BadField)]));
/// ```
pub fn tokens(list: &[u8]) -> impl Iterator<Item = Result<&str, BadField>> + Clone {
    let mut failed = false;
    elements(list).map_while(move |element| {
        let token = as_token(element).ok_or(BadField);
        (!mem::replace(&mut failed, token.is_err())).then_some(token)
    })
}

/// Whether a comma-separated list has this token, in any case: `websocket` in Upgrade, `upgrade` in Connection.
///
/// ```
/// use ws_proto::handshake::fields::has_token;
///
/// assert!(has_token(b"keep-alive, Upgrade", "upgrade"));
/// assert!(!has_token(b"not-upgrade", "upgrade"));
/// ```
#[must_use]
pub fn has_token(list: &[u8], token: &str) -> bool {
    elements(list).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The first of a server's preferences that a client offers. Subprotocols are compared byte by byte (section 11.5).
///
/// ```
/// use ws_proto::handshake::fields::choose_protocol;
///
/// let offers = ["v1.chat", "v2.chat"];
/// assert_eq!(choose_protocol(offers.into_iter(), &["v3.chat", "v2.chat", "v1.chat"]), Some("v2.chat"));
/// assert_eq!(choose_protocol(offers.into_iter(), &["V1.chat"]), None);
/// ```
pub fn choose_protocol<'a>(offers: impl Iterator<Item = &'a str>, preferences: &[&str]) -> Option<&'a str> {
    let rank = |offer| preferences.iter().position(|preference| *preference == offer);
    offers.filter_map(|offer| Some((rank(offer)?, offer))).min().map(|(_, offer)| offer)
}

/// The extensions in one Sec-WebSocket-Extensions value (RFC 6455, section 9.1), empty elements left out. Ends behind
/// the first error.
///
/// ```
/// use ws_proto::handshake::fields::{BadField, extensions};
///
/// let mut offers = extensions(b"foo, bar; mode=\"fast\"; strict");
/// assert_eq!(offers.next().unwrap()?.name(), "foo");
/// let bar = offers.next().unwrap()?;
/// let params: Vec<_> = bar.params().map(|(name, value)| (name, value.map(|v| v.to_string()))).collect();
/// assert_eq!(params, [("mode", Some("fast".to_owned())), ("strict", None)]);
/// assert_eq!(extensions(b"foo; mode=\"fast").next(), Some(Err(BadField)));
/// # Ok::<(), BadField>(())
/// ```
#[must_use]
pub const fn extensions(value: &[u8]) -> Extensions<'_> {
    Extensions(Cursor(value))
}

/// The iterator of [`extensions`].
///
/// ```
/// use ws_proto::handshake::fields::extensions;
///
/// assert_eq!(extensions(b"a, b;x=1, a").count(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Extensions<'a>(Cursor<'a>);

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>, BadField>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.0.eat(b',') {}
        if self.0.is_empty() {
            return None;
        }
        let extension = self.0.extension().ok_or(BadField);
        if extension.is_err() {
            self.0 = Cursor(&[]);
        }
        Some(extension)
    }
}

/// One extension, offered or accepted: a name and parameters.
///
/// ```
/// use ws_proto::handshake::fields::extensions;
///
/// let offer = extensions(b"permessage-deflate; client_max_window_bits").next().unwrap().unwrap();
/// assert_eq!(offer.name(), "permessage-deflate");
/// assert_eq!(offer.params().next(), Some(("client_max_window_bits", None)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extension<'a> {
    name: &'a str,
    params: Params<'a>,
}

impl<'a> Extension<'a> {
    /// Its name, to be compared byte by byte.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Its parameters in order; a name may come more than once.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<Value<'a>>)> + Clone + use<'a> {
        self.params.iter()
    }

    /// How many parameters there are.
    pub(super) const fn count_params(&self) -> usize {
        self.params.count
    }
}

/// The value of a parameter. Whether it was quoted makes no difference (section 9.1): it is a token in any case.
///
/// ```
/// use ws_proto::handshake::fields::extensions;
///
/// let (_, quoted) = extensions(b"x; bits=\"1\\0\"").next().unwrap().unwrap().params().next().unwrap();
/// assert_eq!(quoted.unwrap(), "10");
/// assert_eq!(quoted.unwrap().to_string(), "10");
/// ```
#[derive(Clone, Copy)]
pub struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// Its bytes, which are those of a token. A token has no backslash, so every backslash was an escape.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        self.0.iter().copied().filter(|byte| *byte != b'\\')
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().try_for_each(|byte| f.write_char(char::from(byte)))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A header value that breaks its grammar.
///
/// ```
/// use ws_proto::handshake::fields::{BadField, extensions};
///
/// assert_eq!(extensions(b";").next(), Some(Err(BadField)));
/// assert_eq!(BadField.to_string(), "malformed header value");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadField;

impl fmt::Display for BadField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed header value")
    }
}

impl core::error::Error for BadField {}

/// The parameters of an extension, known to be well formed, from their first semicolon on.
#[derive(Clone, Copy)]
struct Params<'a> {
    text: &'a [u8],
    count: usize,
}

impl<'a> Params<'a> {
    fn iter(self) -> impl Iterator<Item = (&'a str, Option<Value<'a>>)> + Clone + use<'a> {
        let mut cursor = Cursor(self.text);
        iter::from_fn(move || {
            let (name, value) = if cursor.eat(b';') { cursor.param()? } else { return None };
            Some((str::from_utf8(name).ok()?, value))
        })
    }
}

impl PartialEq for Params<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Params<'_> {}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What is left of a value. The old grammar allows blanks between any two elements, so each step skips them first.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn is_empty(self) -> bool {
        trim_start(self.0).is_empty()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let Some(rest) = trim_start(self.0).strip_prefix(&[byte]) else {
            return false;
        };
        self.0 = rest;
        true
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.0 = trim_start(self.0);
        let (token, rest) = split_token(self.0);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// `extension = token *( ";" param )`, up to a comma or the end.
    fn extension(&mut self) -> Option<Extension<'a>> {
        let name = str::from_utf8(self.token()?).ok()?;
        let (start, mut count) = (self.0, 0_usize);
        while self.eat(b';') {
            self.param()?;
            count = count.saturating_add(1);
        }
        let text = start.get(..start.len().checked_sub(self.0.len())?)?;
        let params = Params { text, count };
        (self.is_empty() || trim_start(self.0).starts_with(b",")).then_some(Extension { name, params })
    }

    /// `param = token [ "=" ( token / quoted-string ) ]`.
    fn param(&mut self) -> Option<(&'a [u8], Option<Value<'a>>)> {
        let name = self.token()?;
        if !self.eat(b'=') {
            return Some((name, None));
        }
        let value = if self.eat(b'"') { self.quoted() } else { self.token() };
        Some((name, Some(Value(value?))))
    }

    /// What stands before the closing quote: a token, any byte of it behind a backslash.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.0;
        while let [b'\\', byte, behind @ ..] | [byte, behind @ ..] = rest
            && is_token_byte(*byte)
        {
            rest = behind;
        }
        let len = self.0.len().checked_sub(rest.len())?;
        let value = self.0.split_off(..len).filter(|value| !value.is_empty())?;
        self.0 = self.0.strip_prefix(b"\"")?;
        Some(value)
    }
}

/// The elements of a comma-separated list, empty ones left out.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty())
}

pub(super) fn as_token(bytes: &[u8]) -> Option<&str> {
    if is_token(bytes) { str::from_utf8(bytes).ok() } else { None }
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// What is known to be ASCII.
pub(super) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// Without the blanks around it: space and tab (RFC 9110, section 5.6.3).
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
