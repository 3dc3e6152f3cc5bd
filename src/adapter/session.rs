//! The TLS of a URI: a session if it is `wss`, none if it is `ws`. Without the feature `rustls` there are no sessions.

#[cfg(feature = "rustls")]
use alloc::borrow::ToOwned;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;

#[cfg(feature = "rustls")]
use rustls::ClientConfig;
#[cfg(feature = "rustls")]
use rustls::pki_types::ServerName;

use super::error::Error;
#[cfg(feature = "rustls")]
use super::tls;
#[cfg(feature = "rustls")]
use crate::handshake::RequestError;
use crate::handshake::Uri;

#[cfg(feature = "rustls")]
pub(super) type Session = rustls::ClientConnection;
#[cfg(not(feature = "rustls"))]
pub(super) type Session = core::convert::Infallible;

/// With the roots of the platform.
pub(super) fn of(uri: &Uri) -> Result<Option<Session>, Error> {
    if !uri.is_secure() {
        return Ok(None);
    }
    #[cfg(feature = "rustls")]
    return with(uri, &tls::platform()?);
    #[cfg(not(feature = "rustls"))]
    Err(Error::NoTls)
}

/// With the roots of `config`, and no protocol to choose but the one that is spoken here.
#[cfg(feature = "rustls")]
pub(super) fn with(uri: &Uri, config: &Arc<ClientConfig>) -> Result<Option<Session>, Error> {
    if !uri.is_secure() {
        return Ok(None);
    }
    let name = ServerName::try_from(uri.host().to_owned()).map_err(|_| RequestError::BadHost)?;
    Ok(Some(Session::new(tls::speaking_http_1_1(config), name)?))
}
