//! `ws` and `wss` URIs (RFC 6455, section 3), and the parts of URIs in requests.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;

use super::error::RequestError;
use super::fields::is_name_byte;

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
#[derive(Clone, Debug, Eq, PartialEq)]
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
        let (authority, path) = split_authority(rest);
        if authority.contains('@') {
            return Err(RequestError::UserInfo);
        }
        let authority = Authority::parse(authority).ok_or(RequestError::BadHost)?;
        let mut resource = String::with_capacity(path.len().saturating_add(1));
        if !path.starts_with('/') {
            resource.push('/');
        }
        resource.push_str(path.strip_suffix('?').filter(|path| !path.contains('?')).unwrap_or(path));
        let port = authority.port.unwrap_or(default_port(secure));
        Ok(Self { secure, host: authority.bare_host().to_owned(), port, resource })
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

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.resource)
    }
}

/// The target of a request (RFC 9112, section 3.2): a path, perhaps with a query, perhaps behind scheme and authority.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) authority: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn parse(target: &'a str) -> Option<Self> {
        let (authority, resource) = if target.starts_with('/') {
            (None, target)
        } else {
            let (scheme, rest) = target.split_once("://")?;
            let (authority, resource) = split_authority(rest);
            if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                return None;
            }
            Authority::parse(authority)?;
            (Some(authority), resource)
        };
        if resource.contains('#') {
            return None;
        }
        let (path, query) = resource.split_once('?').map_or((resource, None), |(path, query)| (path, Some(query)));
        Some(Self { authority, path: if path.is_empty() { "/" } else { path }, query })
    }
}

/// A host, and a port if one is named (RFC 3986, section 3.2); no user name.
#[derive(Clone, Copy)]
pub(super) struct Authority<'a> {
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let rest = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, rest) = bracketed.split_once(']')?;
                address.parse::<Ipv6Addr>().ok()?;
                rest.as_bytes()
            }
            None => skip_reg_name(text.as_bytes()),
        };
        let (host, rest) = text.split_at_checked(text.len().checked_sub(rest.len())?)?;
        let port = match rest.strip_prefix(':') {
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            None if rest.is_empty() => None,
            _ => return None,
        };
        (!host.is_empty()).then_some(Self { host, port })
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn bare_host(&self) -> &'a str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.host)
    }
}

/// Cuts what follows `://` before its path or query.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len())).unwrap_or((rest, ""))
}

/// What is behind a `reg-name` of RFC 3986. IPv4 addresses are among them.
fn skip_reg_name(mut text: &[u8]) -> &[u8] {
    loop {
        let end = text.iter().position(|byte| !is_name_byte(*byte)).unwrap_or(text.len());
        text = match text.get(end..).unwrap_or_default() {
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            rest => return rest,
        };
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Those of an absolute target: a proxy may have been told either pair.
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];
