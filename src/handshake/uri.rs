//! `ws` and `wss` URIs (RFC 6455, section 3), and the parts of URIs in requests.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::net::Ipv6Addr;
use core::{fmt, str};

use super::error::RequestError;
use super::fields::text;
use super::kinds::skip_name;

/// Where a client connects to: a `ws` or `wss` URI.
///
/// ```
/// use ws_proto::handshake::{RequestError, Uri};
///
/// let uri = Uri::parse("wss://example.com/chat?room=1")?;
/// assert!(uri.is_secure()); // speak TLS first
/// assert_eq!((uri.host(), uri.port()), ("example.com", 443));
/// assert_eq!(uri.resource(), "/chat?room=1");
/// assert_eq!(uri.to_string(), "wss://example.com/chat?room=1");
/// assert_eq!(Uri::parse("ws://example.com/#top").unwrap_err(), RequestError::Fragment);
/// # Ok::<(), RequestError>(())
/// ```
///
/// Its debug output leaves out the query, in which there may be a token; what it displays as is the whole.
#[derive(Clone, Eq, PartialEq)]
pub struct Uri {
    secure: bool,
    host: String,
    port: u16,
    resource: String,
}

impl Uri {
    /// Takes a URI apart.
    ///
    /// # Errors
    ///
    /// A scheme other than `ws` and `wss`, a malformed or missing host, a user name, a fragment (even an empty one), or
    /// a character that is not ASCII or is blank: encode those.
    pub fn parse(uri: &str) -> Result<Self, RequestError> {
        let (scheme, rest) = uri.split_once("://").ok_or(RequestError::BadScheme)?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("ws") => false,
            _ if scheme.eq_ignore_ascii_case("wss") => true,
            _ => return Err(RequestError::BadScheme),
        };
        if rest.contains('#') {
            return Err(RequestError::Fragment);
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RequestError::BadCharacter);
        }
        let (authority, path) = split_authority(rest.as_bytes());
        if authority.contains(&b'@') {
            return Err(RequestError::UserInfo);
        }
        let authority = Authority::parse(authority).ok_or(RequestError::BadHost)?;
        let mut resource = String::with_capacity(path.len().saturating_add(1));
        if !path.starts_with(b"/") {
            resource.push('/');
        }
        resource.push_str(text(path.strip_suffix(b"?").filter(|path| !path.contains(&b'?')).unwrap_or(path)));
        let port = authority.port.unwrap_or(default_port(secure));
        Ok(Self { secure, host: text(authority.bare_host()).to_owned(), port, resource })
    }

    /// Whether TLS goes below: `wss`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host to connect to; an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to: the scheme's, 80 or 443, if the URI names none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the Host header says: the host, and the port unless it is the scheme's.
    #[must_use]
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == default_port(self.secure) { host } else { format!("{host}:{}", self.port) }
    }

    /// The resource name: path and query.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        let (path, query) = self.resource.split_once('?').map_or((&*self.resource, ""), |(path, _)| (path, "?.."));
        write!(f, "\"{scheme}://{}{path}{query}\"", self.host_header())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.resource)
    }
}

/// The target of a request (RFC 9112, section 3.2): a path, perhaps with a query, perhaps behind scheme and authority.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    scheme: Option<&'a [u8]>,
    pub(super) authority: Option<&'a [u8]>,
    resource: &'a [u8],
}

impl<'a> Target<'a> {
    /// That of an OPTIONS for the server as a whole.
    pub(super) const SERVER: Self = Self { scheme: None, authority: None, resource: b"*" };

    pub(super) fn parse(target: &'a [u8]) -> Option<Self> {
        let (scheme, authority, resource) = if target.starts_with(b"/") {
            (None, None, target)
        } else {
            let (scheme, rest) = split_once(target, b':')?;
            let (authority, resource) = split_authority(rest.strip_prefix(b"//")?);
            if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                return None;
            }
            Authority::parse(authority)?;
            (Some(scheme), Some(authority), resource)
        };
        (!resource.contains(&b'#')).then_some(Self { scheme, authority, resource })
    }

    /// Whether TLS is below, if a scheme says so.
    pub(super) fn is_secure(&self) -> Option<bool> {
        let is = |scheme: &[u8], secure: &[u8]| scheme.eq_ignore_ascii_case(secure);
        self.scheme.map(|scheme| is(scheme, b"https") || is(scheme, b"wss"))
    }

    pub(super) fn path(&self) -> &'a [u8] {
        match split_once(self.resource, b'?').map_or(self.resource, |(path, _)| path) {
            b"" => b"/",
            path => path,
        }
    }

    pub(super) fn query(&self) -> Option<&'a [u8]> {
        split_once(self.resource, b'?').map(|(_, query)| query)
    }
}

/// A host, and a port if one is named (RFC 3986, section 3.2); no user name.
#[derive(Clone, Copy)]
pub(super) struct Authority<'a> {
    /// All of it.
    pub(super) text: &'a [u8],
    pub(super) host: &'a [u8],
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let rest = match text.strip_prefix(b"[") {
            Some(bracketed) => {
                let (address, rest) = split_once(bracketed, b']')?;
                str::from_utf8(address).ok()?.parse::<Ipv6Addr>().ok()?;
                rest
            }
            None => skip_reg_name(text),
        };
        let host = text.get(..text.len().checked_sub(rest.len())?)?;
        let port = match rest {
            [] | [b':'] => None,
            [b':', port @ ..] if port.iter().all(u8::is_ascii_digit) => Some(str::from_utf8(port).ok()?.parse().ok()?),
            _ => return None,
        };
        (!host.is_empty()).then_some(Self { text, host, port })
    }

    /// The host without the brackets of an IPv6 address.
    fn bare_host(&self) -> &'a [u8] {
        self.host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(self.host)
    }
}

/// Cuts what follows `://` before its path or query.
fn split_authority(rest: &[u8]) -> (&[u8], &[u8]) {
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""))
}

/// What is before and behind the first such byte.
pub(super) fn split_once(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let (before, [_, behind @ ..]) = bytes.split_at_checked(bytes.iter().position(|found| *found == byte)?)? else {
        return None;
    };
    Some((before, behind))
}

/// What is behind a `reg-name` of RFC 3986. IPv4 addresses are among them.
fn skip_reg_name(mut text: &[u8]) -> &[u8] {
    loop {
        text = match skip_name(text) {
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            rest => return rest,
        };
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Those of an absolute target: a proxy may have been told either pair.
const SCHEMES: [&[u8]; 4] = [b"http", b"https", b"ws", b"wss"];
