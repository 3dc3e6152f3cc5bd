//! What goes wrong below the handshake of WebSocket, and behind it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ws_proto::handshake::{ClientRequest, OriginPolicy, RequestError};
use ws_proto::poll::Error;
use ws_proto::tls::rustls::{ServerConnection, StreamOwned};
use ws_proto::{Config, blocking};

use super::authority::Authority;
use super::clients::{CLIENTS, Client, talk, within};

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
        assert_eq!(error.to_string(), "TLS: received corrupt message of type InvalidContentType", "{client:?}");
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
