//! `autobahn_client` on the drivers for tasks: `--driver tokio` or `--driver smol`, and `--deflate`.

use std::env;
use std::error::Error;

use smol::net::TcpStream;
use ws_proto::handshake::ClientRequest;
use ws_proto::poll::{self, Io, Socket};
use ws_proto::{Config, Event, futures, tokio as ws};

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::new().max_message(64 << 20).max_frame(64 << 20);
    let mut driver = String::from("tokio");
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--driver" => driver = words.next().ok_or("--driver needs a value")?,
            #[cfg(feature = "deflate")]
            "--deflate" => config = config.compression(ws_proto::deflate::Compression::new()),
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    match driver.as_str() {
        "tokio" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(async |url: &str| ws::connect(url, &config).await))
        }
        "smol" => smol::block_on(run(async |url: &str| connect_smol(url, &config).await)),
        _ => Err(format!("unknown driver {driver}").into()),
    }
}

async fn connect_smol(url: &str, config: &Config) -> Result<futures::Socket<TcpStream>, poll::Error> {
    let request = ClientRequest::new(url)?;
    let stream = TcpStream::connect((request.uri().host(), request.uri().port())).await?;
    stream.set_nodelay(true)?;
    futures::client(futures::Futures::new(stream), request, config).await
}

async fn run<T: Io>(connect: impl AsyncFn(&str) -> Result<Socket<T>, poll::Error>) -> Result<(), Box<dyn Error>> {
    let (url, agent) = (env::var("AUTOBAHN_URL")?, env::var("AUTOBAHN_AGENT")?);
    let mut socket = connect(&format!("{url}/getCaseCount")).await?;
    let mut count = 0;
    while let Some(event) = socket.next().await? {
        if let Event::Text(text) = event {
            count = text.parse()?;
        }
    }
    for case in 1..=count {
        // What a case does to the connection is what is tested: the suite is the judge.
        if let Err(error) = echo(connect(&format!("{url}/runCase?case={case}&agent={agent}")).await?).await {
            println!("case {case}: {error}");
        }
    }
    Ok(echo(connect(&format!("{url}/updateReports?agent={agent}")).await?).await?)
}

async fn echo<T: Io>(socket: Socket<T>) -> Result<(), poll::Error> {
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        match event {
            Event::Text(text) => sender.text(text).await?,
            Event::Binary(bytes) => sender.binary(bytes).await?,
            _ => {}
        }
    }
    Ok(())
}
