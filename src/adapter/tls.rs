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
//! A configuration that is shared with an HTTP client may offer `h2` by ALPN. A connection is made with a copy of it that
//! offers `http/1.1` alone: a server that chooses HTTP/2 cannot switch to a WebSocket. The copy has the same cache, so that
//! sessions are resumed.
//!
//! A server without an authority, such as one for tests, has a certificate that it signed itself: [`trust_certificate`].
//!
//! A server needs nothing of this: `accept` takes the stream of any TLS library.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use std::sync::OnceLock;

use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use ::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use ::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, OtherError,
    PeerMisbehaved, SignatureScheme,
};
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
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()]; // as browsers do
    Ok(Arc::clone(PLATFORM.get_or_init(|| Arc::new(config))))
}

/// A configuration that trusts exactly one certificate, that of the server itself: for one that signed its own, as
/// `openssl req -x509` makes it. Make it once for all connections, so that sessions are resumed.
///
/// The server has to prove that it has the key of this certificate. Nothing else about the certificate is checked: neither
/// its names, nor how long it is valid, nor whether it is one of an authority.
///
/// ```no_run
/// use ws_proto::handshake::ClientRequest;
/// use ws_proto::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
/// use ws_proto::{Config, blocking, tls};
///
/// let tls = tls::trust_certificate(CertificateDer::from_pem_file("server.pem")?)?;
/// let request = ClientRequest::new("wss://localhost:9001/")?;
/// let mut socket = blocking::connect_with(request, &Config::new(), &tls)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Tls`] if the provider knows no version of TLS.
pub fn trust_certificate(certificate: CertificateDer<'static>) -> Result<Arc<ClientConfig>, Error> {
    let provider = provider();
    let verifier = Arc::new(OneCertificate { certificate, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

/// Trusts a server that has this certificate and its key.
#[derive(Debug)]
struct OneCertificate {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, ::rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The configuration, but that it offers no other protocol. One that offers none at all is used as it is.
pub(super) fn speaking_http_1_1(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.iter().all(|protocol| protocol == HTTP_1_1) {
        return Arc::clone(config);
    }
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Arc::new(config)
}

/// Says what is wrong so that somebody who does not know rustls can tell.
pub(super) fn explain(error: &::rustls::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ::rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage as Message, PeerMisbehaved as Misbehaved};
    f.write_str(match error {
        InvalidCertificate(CertificateError::UnknownIssuer) => "certificate from an unknown authority",
        InvalidCertificate(error @ CertificateError::NotValidForNameContext { .. }) => return write!(f, "{error}"),
        InvalidCertificate(CertificateError::NotValidForName) => "certificate for another name",
        InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "certificate that is not the trusted one"
        }
        InvalidCertificate(CertificateError::Other(error)) if is_authority(error) => {
            "the server uses a certificate that is for an authority, as `openssl req -x509` makes it: trust it with \
             `tls::trust_certificate`, or make one with `-addext basicConstraints=critical,CA:FALSE`"
        }
        Message(InvalidMessage::InvalidContentType) => "the server does not speak TLS on this port: is it ws://?",
        AlertReceived(AlertDescription::NoApplicationProtocol)
        | Misbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            "the server does not speak HTTP/1.1 on this port, but another protocol by ALPN, such as h2"
        }
        error => return write!(f, "TLS: {error}"),
    })
}

/// Whether this is the error of `webpki` for a server whose certificate is one of an authority.
fn is_authority(error: &OtherError) -> bool {
    error.0.to_string() == "CaUsedAsEndEntity"
}

fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()))
}

/// As ALPN calls what is spoken here (RFC 7301, section 6).
const HTTP_1_1: &[u8] = b"http/1.1";
