//! The same over TLS: as the client that this crate is, and as a server over the stream of rustls.

#[allow(dead_code, reason = "each test file uses a part of this")]
#[path = "../tls/authority.rs"]
mod authority;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::thread;

use authority::Authority;
use ws_proto::blocking::{self, Error, MaybeTls, Socket, Stream};
use ws_proto::handshake::{ClientRequest, OriginPolicy};
use ws_proto::tls::rustls::{ClientConfig, ServerConfig, ServerConnection, StreamOwned};
use ws_proto::{Config, Role};

use super::common::{Pair, tcp};

pub(crate) type Server = StreamOwned<ServerConnection, TcpStream>;

pub(crate) fn pair(role: Role, config: &Config) -> Pair {
    let (near, far) = tcp();
    match role {
        Role::Client => {
            let serving = thread::spawn(move || accept(far, &Config::new()).unwrap());
            let socket = connect(near, config).unwrap();
            (Box::new(socket), Box::new(Below(serving.join().unwrap())))
        }
        Role::Server => {
            let connecting = thread::spawn(move || connect(far, &Config::new()).unwrap());
            let socket = accept(near, config).unwrap();
            (Box::new(socket), Box::new(Below(connecting.join().unwrap())))
        }
    }
}

pub(crate) fn connect(stream: TcpStream, config: &Config) -> Result<Socket<MaybeTls>, Error> {
    let request = ClientRequest::new("wss://localhost/").unwrap();
    blocking::client_tls(stream, request, config, &keys().1)
}

pub(crate) fn accept(stream: TcpStream, config: &Config) -> Result<Socket<Server>, Error> {
    let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&keys().0)).unwrap(), stream);
    blocking::accept(stream, OriginPolicy::Any, config)
}

fn keys() -> &'static (Arc<ServerConfig>, Arc<ClientConfig>) {
    static KEYS: OnceLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let authority = Authority::new();
        (authority.server(&["localhost"]), authority.client())
    })
}

/// The stream below a socket that nobody uses, without time-outs.
struct Below<S>(Socket<S>);

impl<S: Stream> Below<S> {
    fn stream(&mut self) -> &mut S {
        let stream = self.0.stream();
        stream.set_read_timeout(None).unwrap();
        stream.set_write_timeout(None).unwrap();
        stream
    }
}

impl<S: Stream> Read for Below<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream().read(buffer)
    }
}

impl<S: Stream> Write for Below<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stream = self.stream();
        let n = stream.write(bytes)?;
        stream.flush()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream().flush()
    }
}
