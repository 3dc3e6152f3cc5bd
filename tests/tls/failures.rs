//! What goes wrong below the handshake of WebSocket, and behind it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ws_proto::handshake::{ClientRequest, HandshakeError, OriginPolicy, RequestError};
use ws_proto::poll::Error;
use ws_proto::tls::rustls::{ClientConfig, HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use ws_proto::{CloseCode, Config, blocking};

use super::authority::Authority;
use super::clients::{CLIENTS, Client, talk, within};
use super::servers::{self, SERVERS, Server};

/// Runs `serve` for every connection; returns a URL.
fn start(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap())));
    url
}

/// The deadline of the opening handshake is that of TLS too.
#[test]
fn silence_ends_at_the_deadline() {
    let url = start(|stream| {
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(20));
            drop(stream);
        });
    });
    let config = Config::new().opening_timeout(Some(Duration::from_millis(100)));
    for client in CLIENTS {
        let error = talk(client, &url, &config, &Authority::new().client()).unwrap_err();
        assert!(matches!(error, Error::TimedOut), "{client:?}: {error:?}");
    }
    // A time-out that the stream had before holds, too.
    let request = ClientRequest::new(&url).unwrap();
    let stream = TcpStream::connect(("localhost", request.uri().port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let tls = Authority::new().client();
    let error = within(move || blocking::client_tls(stream, request, &Config::new(), &tls)).unwrap_err();
    assert!(matches!(error, Error::TimedOut), "{error:?}");
}

#[test]
fn a_server_without_tls_is_told_from_one_with() {
    let url = start(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    for client in CLIENTS {
        let error = talk(client, &url, &Config::new(), &Authority::new().client()).unwrap_err();
        assert_eq!(error.to_string(), "the server does not speak TLS on this port: is it ws://?", "{client:?}");
    }
}

/// The other way round, with the answer of a real server of TLS.
#[test]
fn k_21_a_server_with_tls_is_told_from_one_without() {
    let authority = Authority::new();
    for server in SERVERS {
        let port = servers::start(server, authority.server(&["localhost"]));
        for client in CLIENTS {
            let url = format!("ws://localhost:{port}/");
            let error = talk(client, &url, &Config::new(), &authority.client()).unwrap_err();
            let Error::Rejected(rejected) = &error else { panic!("{server:?}, {client:?}: {error:?}") };
            assert_eq!(rejected.error(), HandshakeError::TlsInPlaintext, "{server:?}, {client:?}");
            assert_eq!(rejected.first_bytes()[..2], *b"\x15\x03", "{server:?}, {client:?}");
            assert!(error.to_string().starts_with("TLS on a plain connection: use wss:// at both ends"), "{error}");
        }
    }
}

/// A server of this crate without TLS knows what a client of `wss` is.
#[test]
fn k_21_a_client_with_tls_is_told_from_garbage() {
    for client in CLIENTS {
        let (sender, receiver) = mpsc::channel();
        let url = start(move |mut stream| {
            let served = blocking::accept(&mut stream, OriginPolicy::Any, &Config::new());
            sender.send(served.err()).unwrap();
        });
        let error = talk(client, &url, &Config::new(), &Authority::new().client()).unwrap_err();
        assert_eq!(error.to_string(), "the server does not speak TLS on this port: is it ws://?", "{client:?}");
        let served = receiver.recv().unwrap();
        assert!(matches!(served, Some(Error::Handshake(HandshakeError::TlsInPlaintext))), "{client:?}: {served:?}");
    }
}

/// A client configuration that offers `h2`, as one that is shared with an HTTP client does.
fn offering(authority: &Authority, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(&authority.client());
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

#[test]
fn k_21_http_2_is_not_offered() {
    let authority = Authority::new();
    let mut server = ServerConfig::clone(&authority.server(&["localhost"]));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (server, (sender, receiver)) = (Arc::new(server), mpsc::channel());
    let url = start(move |stream| {
        let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream);
        let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new()).unwrap();
        sender.send(socket.stream().conn.alpn_protocol().map(<[u8]>::to_vec)).unwrap();
    });
    let offers: [&[&[u8]]; 5] = [&[b"h2", b"http/1.1"], &[b"h2"], &[b"http/1.1", b"h2"], &[b"http/1.1"], &[]];
    for protocols in offers {
        let tls = offering(&authority, protocols);
        for client in CLIENTS {
            // The server hangs up behind the handshake.
            let error = talk(client, &url, &Config::new(), &tls).unwrap_err();
            assert!(!matches!(error, Error::Rejected(_) | Error::Tls(_)), "{client:?}, {protocols:?}: {error:?}");
            let chosen = receiver.recv().unwrap();
            let expected = (!protocols.is_empty()).then_some(&b"http/1.1"[..]);
            assert_eq!(chosen.as_deref(), expected, "{client:?}, {protocols:?}");
        }
        let unchanged: Vec<_> = tls.alpn_protocols.iter().map(Vec::as_slice).collect();
        assert_eq!(unchanged, protocols, "the configuration is not touched");
    }
}

#[test]
fn k_21_a_server_that_speaks_http_2_alone_is_told() {
    let authority = Authority::new();
    let mut server = ServerConfig::clone(&authority.server(&["localhost"]));
    server.alpn_protocols = vec![b"h2".to_vec()];
    let port = servers::start(Server::Tokio, Arc::new(server));
    let tls = offering(&authority, &[b"h2", b"http/1.1"]);
    for client in CLIENTS {
        let error = talk(client, &format!("wss://localhost:{port}/"), &Config::new(), &tls).unwrap_err();
        let text = "the server does not speak HTTP/1.1 on this port, but another protocol by ALPN, such as h2";
        assert_eq!(error.to_string(), text, "{client:?}");
    }
    // One that does not look at ALPN, over TLS: it begins with its settings.
    let server = authority.server(&["localhost"]);
    let url = start(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream);
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"\0\0\0\x04\0\0\0\0\0");
        let _ = stream.read(&mut [0; 4096]);
    });
    for client in CLIENTS {
        let error = talk(client, &url, &Config::new(), &tls).unwrap_err();
        let Error::Rejected(rejected) = &error else { panic!("{client:?}: {error:?}") };
        assert_eq!(rejected.error(), HandshakeError::Http2, "{client:?}");
        assert_eq!(rejected.first_bytes(), b"\0\0\0\x04\0\0\0\0\0", "{client:?}");
    }
}

/// The copy of a configuration that offered `h2` has the cache of the original.
#[test]
fn k_21_sessions_are_resumed_all_the_same() {
    let authority = Authority::new();
    let (server, tls) = (authority.server(&["localhost"]), offering(&authority, &[b"h2", b"http/1.1"]));
    let (sender, receiver) = mpsc::channel();
    let url = start(move |stream| {
        let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream);
        let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new()).unwrap();
        sender.send(socket.stream().conn.handshake_kind()).unwrap();
        while let Ok(Some(_)) = socket.next() {}
    });
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let (request, tls) = (ClientRequest::new(&url).unwrap(), Arc::clone(&tls));
        within(move || {
            let mut socket = blocking::connect_with(request, &Config::new(), &tls).unwrap();
            socket.close(CloseCode::NORMAL, "").unwrap();
            while socket.next().unwrap().is_some() {}
        });
        assert_eq!(receiver.recv().unwrap(), Some(expected));
    }
}

#[test]
fn a_server_that_hangs_up_is_an_io_error() {
    let url = start(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    for client in CLIENTS {
        let error = talk(client, &url, &Config::new(), &Authority::new().client()).unwrap_err();
        let Error::Io(error) = error else { panic!("{client:?}: {error:?}") };
        assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{client:?}: {error}");
    }
}

/// Many servers end TCP without ending TLS. It is as if there were no TLS: no close frame, 1006.
#[test]
fn a_stream_cut_off_is_one_without_a_close_frame() {
    let authority = Authority::new();
    let (server, tls) = (authority.server(&["localhost"]), authority.client());
    let url = start(move |stream| {
        let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream);
        let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new()).unwrap();
        let _ = socket.next(); // the first message, so that nothing unread makes this a reset
    });
    for client in CLIENTS {
        let error = talk(client, &url, &Config::new(), &tls).unwrap_err();
        assert!(matches!(error, Error::Protocol(ws_proto::Error::UnexpectedEof)), "{client:?}: {error:?}");
    }
}

/// A host that no certificate can have. Nobody is asked where that is.
#[test]
fn a_host_that_is_no_name_is_refused_at_once() {
    for client in [Client::Blocking, Client::Tokio] {
        let error = talk(client, "wss://no%20name/", &Config::new(), &Authority::new().client()).unwrap_err();
        assert!(matches!(error, Error::Request(RequestError::BadHost)), "{client:?}: {error:?}");
    }
}
