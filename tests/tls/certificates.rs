//! Whom a client believes.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use ws_proto::handshake::{ClientRequest, OriginPolicy};
use ws_proto::poll::Error;
use ws_proto::tls::rustls::version::{TLS12, TLS13};
use ws_proto::tls::rustls::{CertificateError, Error as TlsError, ServerConnection, StreamOwned};
use ws_proto::{CloseCode, Config, blocking, tls, tokio as on_tokio};

use super::authority::{Authority, self_signed, with_root, without_its_key};
use super::clients::{CLIENTS, talk, within};
use super::servers::{Server, start};

#[test]
fn a_wrong_name_is_refused() {
    let authority = Authority::new();
    let port = start(Server::Tokio, authority.server(&["example.com", "www.example.com"]));
    for client in CLIENTS {
        let url = format!("wss://localhost:{port}/");
        let error = talk(client, &url, &Config::new(), &authority.client()).unwrap_err();
        let text = "certificate not valid for name \"localhost\"; certificate is only valid for \
            DnsName(\"example.com\") or DnsName(\"www.example.com\")";
        assert_eq!(error.to_string(), text, "{client:?}");
        let Error::Tls(TlsError::InvalidCertificate(error)) = error else { panic!("{error:?}") };
        assert!(matches!(error, CertificateError::NotValidForNameContext { .. }), "{error:?}");
    }
}

#[test]
fn an_unknown_authority_is_refused() {
    let port = start(Server::Tokio, Authority::new().server(&["localhost"]));
    let other = Authority::new().client();
    for client in CLIENTS {
        let error = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &other).unwrap_err();
        assert_eq!(error.to_string(), "certificate from an unknown authority", "{client:?}");
        let Error::Tls(TlsError::InvalidCertificate(error)) = error else { panic!("{error:?}") };
        assert_eq!(error, CertificateError::UnknownIssuer);
    }
}

/// `connect` trusts whom the platform trusts, which is not us.
#[test]
fn the_platform_does_not_know_the_authority() {
    let url = format!("wss://localhost:{}/", start(Server::Tokio, Authority::new().server(&["localhost"])));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let errors = [
        blocking::connect(&url, &Config::new()).unwrap_err(),
        runtime.block_on(on_tokio::connect(&url, &Config::new())).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "certificate from an unknown authority", "{error:?}");
    }
    assert!(Arc::ptr_eq(&tls::platform().unwrap(), &tls::platform().unwrap()));
}

#[test]
fn an_address_is_a_name_too() {
    let authority = Authority::new();
    let port = start(Server::Tokio, authority.server(&["127.0.0.1"]));
    for client in CLIENTS {
        let code = talk(client, &format!("wss://127.0.0.1:{port}/"), &Config::new(), &authority.client()).unwrap();
        assert_eq!(code, CloseCode::NORMAL, "{client:?}");
        let error = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &authority.client()).unwrap_err();
        assert!(error.to_string().contains("not valid for name \"localhost\""), "{error}");
    }
}

/// The server is told the host of the URI, unless that is an address (RFC 6066, section 3).
#[test]
fn the_name_is_sent() {
    let authority = Authority::new();
    let server = authority.server(&["localhost", "127.0.0.1"]);
    for (host, name) in [("localhost", Some("localhost")), ("LocalHost", Some("localhost")), ("127.0.0.1", None)] {
        let (listener, server, tls) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::clone(&server), authority.client());
        let url = format!("wss://{host}:{}/", listener.local_addr().unwrap().port());
        let sent = thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            let stream = StreamOwned::new(ServerConnection::new(server).unwrap(), stream);
            let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new()).unwrap();
            socket.stream().conn.server_name().map(String::from)
        });
        let request = ClientRequest::new(&url).unwrap();
        let mut socket = within(move || blocking::connect_with(request, &Config::new(), &tls)).unwrap();
        assert!(socket.stream().is_tls());
        assert_eq!(socket.stream().tcp().peer_addr().unwrap().port().to_string(), url[7 + host.len()..url.len() - 1]);
        assert_eq!(sent.join().unwrap().as_deref(), name, "{host}");
    }
}

/// What `openssl req -x509` makes, as the server's certificate and as the root: the error says what it means, and what to do.
#[test]
fn k_46_a_certificate_of_an_authority_as_that_of_a_server() {
    let (server, certificate) = self_signed(&["localhost"], true);
    let port = start(Server::Tokio, server);
    for client in CLIENTS {
        let url = format!("wss://localhost:{port}/");
        let error = talk(client, &url, &Config::new(), &with_root(&certificate)).unwrap_err();
        let text = "the server uses a certificate that is for an authority, as `openssl req -x509` makes it: trust it with \
            `tls::trust_certificate`, or make one with `-addext basicConstraints=critical,CA:FALSE`";
        assert_eq!(error.to_string(), text, "{client:?}");
    }
}

#[test]
fn k_46_one_certificate_can_be_trusted() {
    for is_authority in [true, false] {
        // Under a name that it does not have, too.
        for names in [&["localhost"][..], &["example.com"], &[]] {
            let (server, certificate) = self_signed(names, is_authority);
            let port = start(Server::Tokio, server);
            let trusting = tls::trust_certificate(certificate).unwrap();
            for client in CLIENTS {
                let code = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &trusting).unwrap();
                assert_eq!(code, CloseCode::NORMAL, "{client:?}");
            }
        }
    }
}

#[test]
fn k_46_no_other_certificate_is_trusted_then() {
    let (_, trusted) = self_signed(&["localhost"], true);
    let trusting = tls::trust_certificate(trusted.clone()).unwrap();
    let authority = Authority::new();
    let servers = [self_signed(&["localhost"], true).0, authority.server(&["localhost"])];
    for server in servers {
        let port = start(Server::Tokio, server);
        for client in CLIENTS {
            let error = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &trusting).unwrap_err();
            assert_eq!(error.to_string(), "certificate that is not the trusted one", "{client:?}");
        }
    }
}

/// Whoever has the certificate, which is public, and not its key.
#[test]
fn k_46_the_key_of_the_certificate_is_asked_for() {
    for version in [&TLS12, &TLS13] {
        let (certificate, server) = without_its_key(&[version]);
        let port = start(Server::Tokio, server);
        let trusting = tls::trust_certificate(certificate).unwrap();
        for client in CLIENTS {
            let error = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &trusting).unwrap_err();
            let Error::Tls(TlsError::InvalidCertificate(error)) = error else { panic!("{client:?}: {error:?}") };
            assert_eq!(error, CertificateError::BadSignature, "{client:?}");
        }
    }
}
