//! Echo servers on one thread each. They answer texts and nothing else, so that a flood need not be answered.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::thread;

use ws_proto::handshake::OriginPolicy;
use ws_proto::{Config, Event, SendError, Writer, futures, poll, tokio as ws};

#[path = "../../examples/echo_mio/server/mod.rs"]
mod mio_server;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    /// The loop of the example `echo_mio`.
    Mio,
    Smol,
    TokioForEach,
    TokioNext,
}

impl Server {
    pub(crate) const ALL: [Self; 4] = [Self::Mio, Self::Smol, Self::TokioForEach, Self::TokioNext];

    /// Starts it on a thread that runs as long as the process.
    pub(crate) fn start(self, config: &Config) -> io::Result<SocketAddr> {
        let (listener, config) = (TcpListener::bind("127.0.0.1:0")?, config.clone());
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        thread::Builder::new().name(format!("{self:?}")).spawn(move || match self {
            Self::Mio => mio_server::run(mio::net::TcpListener::from_std(listener), config, &mut answer),
            Self::Smol => serve_smol(listener, &config),
            Self::TokioForEach => serve_tokio(listener, &config, true),
            Self::TokioNext => serve_tokio(listener, &config, false),
        })?;
        Ok(address)
    }
}

/// Panics if it is asked to.
fn answer(event: Event<'_>, writer: &mut Writer) -> Result<(), SendError> {
    match event {
        Event::Text("panic") => panic!("as the client asked"),
        Event::Text(text) => writer.text(text),
        _ => Ok(()),
    }
}

async fn echo<T: poll::Io>(socket: poll::Socket<T>) -> Result<(), poll::Error> {
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        if let Event::Text(text) = event {
            sender.text(text).await?;
        }
    }
    Ok(())
}

fn serve_tokio(listener: TcpListener, config: &Config, by_for_each: bool) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let config = config.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                let mut socket = ws::accept(stream, OriginPolicy::Any, &config).await?;
                if by_for_each { socket.for_each(answer).await } else { echo(socket).await }
            });
        }
    })
}

fn serve_smol(listener: TcpListener, config: &Config) -> io::Result<()> {
    let tasks = Rc::new(smol::LocalExecutor::new());
    smol::block_on(tasks.run(async {
        let listener = smol::Async::new(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let config = config.clone();
            tasks.spawn(async move { serve_one_smol(stream, &config).await }).detach();
        }
    }))
}

async fn serve_one_smol(stream: smol::Async<TcpStream>, config: &Config) -> Result<(), poll::Error> {
    stream.get_ref().set_nodelay(true)?;
    let io = futures::Futures::new(stream).with_sleep(|time| {
        Box::pin(async move {
            smol::Timer::after(time).await;
        })
    });
    echo(futures::accept(io, OriginPolicy::Any, config).await?).await
}
