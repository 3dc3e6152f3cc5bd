//! Why a request is refused, in more words than an error has.

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write};

use super::error::HandshakeError;
use super::origin::OriginPolicy;
use super::uri::Authority;

/// An error, and what it was about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) error: HandshakeError,
    /// Printable ASCII, and short; or nothing.
    detail: String,
}

impl Fault {
    /// An origin that the policy does not allow at this host.
    pub(super) fn origin(policy: &OriginPolicy, origin: &[u8], host: Option<Authority<'_>>) -> Self {
        let shown = Shown(origin);
        let detail = match policy {
            OriginPolicy::List(_) => format!("Origin is {shown}, which is not in the list"),
            _ if OriginPolicy::SameOrigin.allows_at(Some(origin), None, || host) => {
                format!("Origin is {shown}, and the scheme is another one here")
            }
            _ => {
                let host = Shown(host.map_or(b"", |host| host.text));
                format!("Host is {host} while Origin is {shown}: let the proxy forward Host, or list the origin")
            }
        };
        Self { error: HandshakeError::ForbiddenOrigin, detail }
    }
}

impl From<HandshakeError> for Fault {
    fn from(error: HandshakeError) -> Self {
        Self { error, detail: String::new() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// What a peer has sent, made fit for a response: cut, and nothing in it but what origins and hosts are made of.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte);
        if self.0.is_empty() {
            return f.write_str("empty");
        }
        for byte in self.0.iter().take(MAX_SHOWN) {
            f.write_char(if is_plain(*byte) { char::from(*byte) } else { '?' })?;
        }
        if self.0.len() > MAX_SHOWN { f.write_str("..") } else { Ok(()) }
    }
}

/// How many bytes of an origin or a host are shown.
const MAX_SHOWN: usize = 60;
