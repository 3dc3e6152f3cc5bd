//! Who may connect from a browser (RFC 6455, section 10.2).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::uri::{Authority, split_once};

/// Which pages may open a connection to a server. A browser lets any page connect to anywhere, cookies included, and
/// only says in Origin whose page it is: a server that knows its users by their cookies must look.
///
/// A request without Origin is not from a browser and is allowed by every policy; it can claim anything anyway.
///
/// ```
/// use ws_proto::handshake::{BadOrigin, OriginPolicy};
///
/// let policy = OriginPolicy::list(["https://example.com", "http://localhost:8080"])?;
/// assert!(policy.allows(Some("https://EXAMPLE.com:443"), "api.example.com"));
/// assert!(!policy.allows(Some("https://example.com.evil.org"), "api.example.com"));
/// assert!(!policy.allows(Some("null"), "api.example.com"));
/// assert!(policy.allows(None, "api.example.com"));
///
/// assert!(OriginPolicy::SameOrigin.allows(Some("https://example.com"), "example.com"));
/// assert!(!OriginPolicy::SameOrigin.allows(Some("https://www.example.com"), "example.com"));
/// # Ok::<(), BadOrigin>(())
/// ```
///
/// # DNS rebinding
///
/// Host says which name the page used for this server. Whoever controls a name can let it point to any address, also to
/// one inside your network or to `127.0.0.1`. A page under that name then has the same origin as a server that takes every
/// Host, and [`OriginPolicy::SameOrigin`] lets it pass. A server that can be reached only from some network, or that
/// trusts its visitors for another reason than their cookies, must list its own origins instead.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// All pages of all sites: for servers that hold nothing against a user's cookies or network.
    Any,
    /// Pages of the host and port that the request is for. The scheme is compared if the request's target names one, which
    /// is rare; otherwise `http` and `https` both pass. See [DNS rebinding](#dns-rebinding).
    SameOrigin,
    /// As [`OriginPolicy::SameOrigin`], by `https` alone: for a server that is reached over TLS, its own or that of a proxy
    /// in front of it. It keeps out a page of the same host that came over `http`, and that anyone on its way can change.
    SameHttpsOrigin,
    /// Pages of these origins: see [`OriginPolicy::list`].
    List(Origins),
}

impl OriginPolicy {
    /// Pages of these origins, each written as browsers do: scheme and host as in `https://example.com`, a port if it is
    /// not the scheme's, international names in their ASCII form. `null` stands for pages of no origin, such as files.
    ///
    /// # Errors
    ///
    /// When an entry is no origin and so would never match: one with a path, if only a slash, with a query, a fragment or a
    /// user name, or without a scheme.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, BadOrigin> {
        let check = |origin: &'a str| match Origin::parse(origin.as_bytes()) {
            None if origin != "null" => Err(BadOrigin(origin.into())),
            _ => Ok(Box::from(origin)),
        };
        origins.into_iter().map(check).collect::<Result<_, _>>().map(|origins| Self::List(Origins(origins)))
    }

    /// Whether a request with this Origin, for this Host, may go on.
    #[must_use]
    pub fn allows(&self, origin: Option<&str>, host: &str) -> bool {
        self.allows_at(origin.map(str::as_bytes), None, || Authority::parse(host.as_bytes()))
    }

    /// The same, but that the host is asked for only if it matters, and that the scheme may be known.
    pub(super) fn allows_at<'h>(
        &self,
        origin: Option<&[u8]>,
        secure: Option<bool>,
        host: impl FnOnce() -> Option<Authority<'h>>,
    ) -> bool {
        let Some(origin) = origin else {
            return true;
        };
        match self {
            Self::Any => true,
            Self::SameOrigin => host().is_some_and(|host| is_same(origin, secure, host)),
            Self::SameHttpsOrigin => host().is_some_and(|host| is_same(origin, Some(true), host)),
            Self::List(origins) => origins.have(origin),
        }
    }
}

/// Origins that were checked by [`OriginPolicy::list`].
///
/// ```
/// use ws_proto::handshake::OriginPolicy;
///
/// let OriginPolicy::List(origins) = OriginPolicy::list(["https://example.com"])? else { panic!() };
/// assert!(origins.iter().eq(["https://example.com"]));
/// # Ok::<(), ws_proto::handshake::BadOrigin>(())
/// ```
#[derive(Clone, Debug)]
pub struct Origins(Arc<[Box<str>]>);

impl Origins {
    /// The origins, as they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|origin| &**origin)
    }

    fn have(&self, origin: &[u8]) -> bool {
        match Origin::parse(origin) {
            Some(origin) => {
                self.iter().filter_map(|listed| Origin::parse(listed.as_bytes())).any(|listed| listed.equals(&origin))
            }
            None => origin == b"null" && self.iter().any(|listed| listed == "null"),
        }
    }
}

/// An entry of a list of origins that is no origin.
///
/// ```
/// use ws_proto::handshake::OriginPolicy;
///
/// let error = OriginPolicy::list(["https://example.com/"]).unwrap_err();
/// assert_eq!(error.entry(), "https://example.com/");
/// assert_eq!(
///     error.to_string(),
///     r#""https://example.com/" is no origin: write scheme and host, as in https://example.com, and nothing behind"#
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadOrigin(String);

impl BadOrigin {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BadOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no origin: write scheme and host, as in https://example.com, and nothing behind", self.0)
    }
}

impl core::error::Error for BadOrigin {}

fn is_same(origin: &[u8], secure: Option<bool>, host: Authority<'_>) -> bool {
    let Some((scheme, authority)) = split(origin) else {
        return false;
    };
    let is_http = secure != Some(true) && scheme.eq_ignore_ascii_case(b"http");
    let is_https = secure != Some(false) && scheme.eq_ignore_ascii_case(b"https");
    // Browsers write both in the same way.
    (is_http || is_https)
        && (authority == host.text || Origin::new(scheme, authority).is_some_and(|origin| origin.is_at(host)))
}

/// A serialized origin.
struct Origin<'a> {
    scheme: &'a [u8],
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    fn parse(origin: &'a [u8]) -> Option<Self> {
        let (scheme, authority) = split(origin)?;
        Self::new(scheme, authority)
    }

    fn new(scheme: &'a [u8], authority: &'a [u8]) -> Option<Self> {
        Some(Self { scheme, authority: Authority::parse(authority)? })
    }

    fn equals(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme) && self.is_at(other.authority)
    }

    /// Whether host and port are the same but for case, the scheme's port, and the dot behind a full name.
    fn is_at(&self, other: Authority<'_>) -> bool {
        without_dot(self.authority.host).eq_ignore_ascii_case(without_dot(other.host))
            && (self.authority.port == other.port || self.port(self.authority) == self.port(other))
    }

    fn port(&self, authority: Authority<'_>) -> Option<u16> {
        let default = match self.scheme {
            scheme if scheme.eq_ignore_ascii_case(b"http") => Some(80),
            scheme if scheme.eq_ignore_ascii_case(b"https") => Some(443),
            _ => None,
        };
        authority.port.or(default)
    }
}

/// Scheme and authority. The scheme is one of RFC 3986, section 3.1.
fn split(origin: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = split_once(origin, b':')?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let starts = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    if starts && scheme.iter().all(is_scheme) { Some((scheme, rest.strip_prefix(b"//")?)) } else { None }
}

fn without_dot(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}
