//! What `wss://` stands on: rustls, and whom a client trusts.
//!
//! `connect` of each driver trusts whom the platform trusts. `connect_with` takes a configuration of your own, and
//! `client_tls` a stream that is open already. The server's name, which is checked and sent, is the host of the URI; it
//! may be an IP address.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use ws_proto::handshake::ClientRequest;
//! use ws_proto::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
//! use ws_proto::tls::rustls::{ClientConfig, RootCertStore};
//! use ws_proto::{Config, blocking};
//!
//! let mut roots = RootCertStore::empty();
//! roots.add(CertificateDer::from_pem_file("ca.pem")?)?;
//! let tls = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
//!
//! let request = ClientRequest::new("wss://example.com/chat")?.protocol("chat");
//! let mut socket = blocking::connect_with(request, &Config::new(), &tls)?;
//! socket.text("Hello")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server needs nothing of this: `accept` takes the stream of any TLS library.

use alloc::sync::Arc;
use alloc::vec;
use core::fmt;
use std::sync::OnceLock;

use ::rustls::crypto::{CryptoProvider, ring};
use ::rustls::{CertificateError, ClientConfig};
use rustls_platform_verifier::BuilderVerifierExt;

use super::error::Error;

/// The version of rustls that this crate uses.
pub use ::rustls;

/// What `connect` uses for `wss://`: the authorities that the platform trusts, and no certificate of the client's. Made
/// once, so that sessions are resumed.
///
/// It takes the process-wide [`CryptoProvider`] if one is installed before the first call, and ring otherwise.
///
/// # Errors
///
/// [`Error::Tls`] if the platform has no authorities, or not even a version of TLS that the provider knows.
pub fn platform() -> Result<Arc<ClientConfig>, Error> {
    static PLATFORM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = PLATFORM.get() {
        return Ok(Arc::clone(config));
    }
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    // As browsers do: a server that would rather speak HTTP/2 cannot switch protocols.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::clone(PLATFORM.get_or_init(|| Arc::new(config))))
}

/// Says what is wrong so that somebody who does not know rustls can tell.
pub(super) fn explain(error: &::rustls::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ::rustls::Error::InvalidCertificate;
    match error {
        InvalidCertificate(CertificateError::UnknownIssuer) => f.write_str("certificate from an unknown authority"),
        InvalidCertificate(error @ CertificateError::NotValidForNameContext { .. }) => write!(f, "{error}"),
        InvalidCertificate(CertificateError::NotValidForName) => f.write_str("certificate for another name"),
        error => write!(f, "TLS: {error}"),
    }
}
