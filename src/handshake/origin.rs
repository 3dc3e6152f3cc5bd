//! Who may connect from a browser (RFC 6455, section 10.2).

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::uri::{Authority, split_once};

/// Which pages may open a connection to a server. A browser lets any page connect to anywhere, cookies included, and
/// only says in Origin whose page it is: a server that knows its users by their cookies must look.
///
/// A request without Origin is not from a browser and is allowed by every policy; it can claim anything anyway.
///
/// ```
/// use ws_proto::handshake::OriginPolicy;
///
/// let policy = OriginPolicy::list(["https://example.com", "http://localhost:8080"]);
/// assert!(policy.allows(Some("https://EXAMPLE.com:443"), "api.example.com"));
/// assert!(!policy.allows(Some("https://example.com.evil.org"), "api.example.com"));
/// assert!(!policy.allows(Some("null"), "api.example.com"));
/// assert!(policy.allows(None, "api.example.com"));
///
/// assert!(OriginPolicy::SameOrigin.allows(Some("https://example.com"), "example.com"));
/// assert!(!OriginPolicy::SameOrigin.allows(Some("https://www.example.com"), "example.com"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// All pages of all sites: for servers that hold nothing against a user's cookies or network.
    Any,
    /// Pages of the host and port that the request is for, by `http` or `https`.
    SameOrigin,
    /// Pages of these origins, each written as browsers do: `https://example.com`, a port if it is not the scheme's,
    /// no slash behind, international names in their ASCII form. `null` stands for pages of no origin, such as files.
    List(Arc<[Box<str>]>),
}

impl OriginPolicy {
    /// Pages of these origins.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(origins.into_iter().map(Box::from).collect())
    }

    /// Whether a request with this Origin, for this Host, may go on.
    #[must_use]
    pub fn allows(&self, origin: Option<&str>, host: &str) -> bool {
        self.allows_at(origin.map(str::as_bytes), || Authority::parse(host.as_bytes()))
    }

    /// The same, but that the host is asked for only if it matters.
    pub(super) fn allows_at<'h>(&self, origin: Option<&[u8]>, host: impl FnOnce() -> Option<Authority<'h>>) -> bool {
        let Some(origin) = origin else {
            return true;
        };
        match self {
            Self::Any => true,
            Self::SameOrigin => host().is_some_and(|host| is_same(origin, host)),
            Self::List(allowed) => {
                let parsed = Origin::parse(origin);
                allowed.iter().map(|allowed| allowed.as_bytes()).any(|allowed| match &parsed {
                    Some(parsed) => Origin::parse(allowed).is_some_and(|allowed| allowed.equals(parsed)),
                    None => *allowed == *origin,
                })
            }
        }
    }
}

fn is_same(origin: &[u8], host: Authority<'_>) -> bool {
    let Some((scheme, authority)) = split(origin) else {
        return false;
    };
    let is_http = [&b"http"[..], b"https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    // Browsers write both in the same way.
    is_http && (authority == host.text || Origin::new(scheme, authority).is_some_and(|origin| origin.is_at(host)))
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

/// Scheme and authority.
fn split(origin: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = split_once(origin, b':')?;
    Some((scheme, rest.strip_prefix(b"//")?))
}

fn without_dot(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}
