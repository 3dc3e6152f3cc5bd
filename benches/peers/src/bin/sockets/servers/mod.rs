//! The servers. Each echoes binary messages in the way its library documents as the fastest, or else as the usual one;
//! none compresses, and all have `TCP_NODELAY` set.

mod fastwebsockets;
mod floor_mio;
mod handshake;
mod mio;
mod sockudo_ws;
mod soketto;
mod tcp_mio;
mod tcp_tokio;
mod tokio;
mod tokio_tungstenite;
mod tokio_websockets;
mod uwebsockets;
mod web_socket;
mod ws_proto_mio;
mod ws_proto_tokio;
mod ws_proto_tokio_next;
mod wtx;
mod yawc;

use std::net::TcpListener;

use crate::Result;
use crate::process::{self, Side};

/// An echo server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) runtime: Runtime,
    pub(crate) kind: Kind,
    run: fn(TcpListener) -> Result<()>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Runtime {
    /// Or an event loop like it, of the library's own.
    Mio,
    Tokio,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// What no WebSocket can do better.
    Tcp,
    /// With what none can do without.
    Floor,
    Ours,
    Peer,
}

impl Kind {
    pub(crate) const fn is_websocket(self) -> bool {
        matches!(self, Self::Ours | Self::Peer)
    }
}

impl Server {
    /// Whether this is plain TCP on the runtime of the other.
    pub(crate) fn is_limit_of(&self, other: &Self) -> bool {
        self.kind == Kind::Tcp && self.runtime == other.runtime
    }
}

pub(crate) const ALL: &[Server] = &[
    Server { name: "tcp-mio", runtime: Runtime::Mio, kind: Kind::Tcp, run: tcp_mio::run },
    Server { name: "floor-mio", runtime: Runtime::Mio, kind: Kind::Floor, run: floor_mio::run },
    Server { name: "ws-proto-mio", runtime: Runtime::Mio, kind: Kind::Ours, run: ws_proto_mio::run },
    Server { name: "tcp-tokio", runtime: Runtime::Tokio, kind: Kind::Tcp, run: tcp_tokio::run },
    Server { name: "ws-proto-tokio", runtime: Runtime::Tokio, kind: Kind::Ours, run: ws_proto_tokio::run },
    Server { name: "ws-proto-tokio-next", runtime: Runtime::Tokio, kind: Kind::Ours, run: ws_proto_tokio_next::run },
    peer("fastwebsockets", fastwebsockets::run),
    peer("sockudo-ws", sockudo_ws::run),
    peer("soketto", soketto::run),
    peer("tokio-tungstenite", tokio_tungstenite::run),
    peer("tokio-websockets", tokio_websockets::run),
    Server { name: "uwebsockets", runtime: Runtime::Mio, kind: Kind::Peer, run: uwebsockets::run },
    peer("web-socket", web_socket::run),
    peer("wtx", wtx::run),
    peer("yawc", yawc::run),
];

const fn peer(name: &'static str, run: fn(TcpListener) -> Result<()>) -> Server {
    Server { name, runtime: Runtime::Tokio, kind: Kind::Peer, run }
}

pub(crate) fn named(name: &str) -> Result<&'static Server> {
    let names = || ALL.iter().map(|server| server.name).collect::<Vec<_>>().join(", ");
    Ok(ALL.iter().find(|server| server.name == name).ok_or_else(|| format!("no server {name} among {}", names()))?)
}

/// Is the server of this name, until the process ends: at the latest when its standard input does.
pub(crate) fn serve(name: &str) -> Result<()> {
    process::pin(Side::Server);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    (named(name)?.run)(listener)
}
