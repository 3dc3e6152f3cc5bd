//! A certificate authority, and whom it vouches for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use ws_proto::tls::rustls::crypto::ring::default_provider;
use ws_proto::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ws_proto::tls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use ws_proto::tls::rustls::version::{TLS12, TLS13};
use ws_proto::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Each with a name of its own: of two with the same, the signature would be wrong and not the authority.
        let name = format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server that is called by these names or addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(names, &[&TLS12, &TLS13])
    }

    pub(crate) fn server_with(
        &self,
        names: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| String::from(*name)).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap().with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![CertificateDer::from(certificate)], key).unwrap())
    }

    /// A client that trusts this authority and no other.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A server with a certificate that it signed itself, and the certificate: one of an authority, as `openssl req -x509` makes
/// it, or one of a server.
pub(crate) fn self_signed(names: &[&str], is_authority: bool) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let names: Vec<_> = names.iter().map(|name| String::from(*name)).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateDer::from(params.self_signed(&key).unwrap());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS12, &TLS13]).unwrap().with_no_client_auth();
    (Arc::new(builder.with_single_cert(vec![certificate.clone()], key).unwrap()), certificate)
}

/// A client that trusts what this certificate vouches for.
pub(crate) fn with_root(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A certificate, and a server that shows it and signs with another key.
pub(crate) fn without_its_key(
    versions: &[&'static SupportedProtocolVersion],
) -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let params = CertificateParams::new(vec![String::from("localhost")]).unwrap();
    let certificate = CertificateDer::from(params.self_signed(&KeyPair::generate().unwrap()).unwrap());
    let provider = Arc::new(default_provider());
    let other = PrivateKeyDer::try_from(KeyPair::generate().unwrap().serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(other).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate.clone()], key));
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    (certificate, Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(shown))))
}
