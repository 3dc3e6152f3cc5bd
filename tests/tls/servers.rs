//! Servers that echo, each over the TLS stream of another crate.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use smol::Async;
use tokio_rustls::TlsAcceptor;
use ws_proto::handshake::OriginPolicy;
use ws_proto::poll::{self, Error, Io};
use ws_proto::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use ws_proto::{Config, Event, blocking, futures, tokio as on_tokio};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    /// `accept` on threads, over `rustls::StreamOwned`.
    Blocking,
    /// `accept` on tokio, over `tokio_rustls`.
    Tokio,
    /// `accept` on smol, over `futures_rustls`.
    Futures,
}

pub(crate) const SERVERS: [Server; 3] = [Server::Blocking, Server::Tokio, Server::Futures];

/// Serves any number of connections one after another; returns the port. Errors are the client's to notice.
pub(crate) fn start(server: Server, tls: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || match server {
        Server::Blocking => {
            for stream in listener.incoming() {
                let _ = on_threads(StreamOwned::new(ServerConnection::new(Arc::clone(&tls)).unwrap(), stream.unwrap()));
            }
        }
        Server::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    if let Ok(stream) = TlsAcceptor::from(Arc::clone(&tls)).accept(stream).await {
                        let _ = echo(on_tokio::accept(stream, OriginPolicy::Any, &Config::new()).await).await;
                    }
                }
            });
        }
        Server::Futures => smol::block_on(async {
            let listener = Async::new(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(stream) = futures_rustls::TlsAcceptor::from(Arc::clone(&tls)).accept(stream).await {
                    let io = futures::Futures::new(stream);
                    let _ = echo(futures::accept(io, OriginPolicy::Any, &Config::new()).await).await;
                }
            }
        }),
    });
    port
}

type Stream = StreamOwned<ServerConnection, std::net::TcpStream>;

fn on_threads(stream: Stream) -> Result<(), Error> {
    let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new())?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next()? {
        match event {
            Event::Text(text) => sender.text(text)?,
            Event::Binary(bytes) => sender.binary(bytes)?,
            _ => {}
        }
    }
    let stream = socket.stream();
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(())
}

async fn echo<T: Io>(socket: Result<poll::Socket<T>, Error>) -> Result<(), Error> {
    let (mut receiver, mut sender) = socket?.split();
    while let Some(event) = receiver.next().await? {
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text))?,
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes))?,
            _ => {}
        }
    }
    Ok(())
}
