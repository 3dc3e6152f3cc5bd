//! The clients of all drivers, with one face.

use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use smol::{Async, Timer};
use ws_proto::handshake::ClientRequest;
use ws_proto::poll::{self, Error, Io};
use ws_proto::tls::rustls::ClientConfig;
use ws_proto::{CloseCode, Config, Event, blocking, futures, tokio as on_tokio};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    Blocking,
    Tokio,
    Futures,
}

pub(crate) const CLIENTS: [Client; 3] = [Client::Blocking, Client::Tokio, Client::Futures];

/// Connects, sends messages of all sizes and gets them back, and closes. The error of the connection, if there is one,
/// and the code that it ended with.
pub(crate) fn talk(client: Client, url: &str, config: &Config, tls: &Arc<ClientConfig>) -> Result<CloseCode, Error> {
    let (request, config, tls) = (ClientRequest::new(url)?, config.clone(), Arc::clone(tls));
    within(move || match client {
        Client::Blocking => on_threads(blocking::connect_with(request, &config, &tls)?),
        Client::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { as_task(on_tokio::connect_with(request, &config, &tls).await?).await })
        }
        Client::Futures => smol::block_on(async {
            let dial = async |host: &str, port| {
                let io = futures::Futures::new(Async::new(TcpStream::connect((host, port))?)?);
                Ok(io.with_sleep(|time| {
                    Box::pin(async move {
                        Timer::after(time).await;
                    })
                }))
            };
            as_task(futures::connect_with(request, &config, &tls, dial).await?).await
        }),
    })
}

/// Does something that must not take long.
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(30)).expect("in time")
}

/// What is said, each twice: as text and as bytes.
pub(crate) fn messages() -> impl Iterator<Item = String> {
    [0, 1, 125, 126, 16_384, 65_535, 65_536, 300_000, 3 << 20].into_iter().map(|len| {
        let text = |n: usize| char::from(b' ' + u8::try_from(n % 94).unwrap());
        (0..len).map(text).collect()
    })
}

fn on_threads(mut socket: blocking::Socket<blocking::MaybeTls>) -> Result<CloseCode, Error> {
    for message in messages() {
        socket.text(&message)?;
        assert_eq!(socket.next()?, Some(Event::Text(&message)));
        socket.binary(message.as_bytes())?;
        assert_eq!(socket.next()?, Some(Event::Binary(message.as_bytes())));
    }
    socket.close(CloseCode::NORMAL, "done")?;
    while socket.next()?.is_some() {}
    let closed = socket.closed().unwrap();
    assert!(closed.clean);
    Ok(closed.code)
}

pub(crate) async fn as_task<T: Io>(mut socket: poll::Socket<T>) -> Result<CloseCode, Error> {
    for message in messages() {
        socket.text(&message).await?;
        assert_eq!(socket.next().await?, Some(Event::Text(&message)));
        socket.binary(message.as_bytes()).await?;
        assert_eq!(socket.next().await?, Some(Event::Binary(message.as_bytes())));
    }
    socket.close(CloseCode::NORMAL, "done").await?;
    while socket.next().await?.is_some() {}
    let closed = socket.closed().unwrap();
    assert!(closed.clean);
    Ok(closed.code)
}
