//! The client for the Autobahn|Testsuite: runs every case that the server at `AUTOBAHN_URL` has, under the name in
//! `AUTOBAHN_AGENT`. With `--features deflate`, `--deflate` offers compression.

use std::env;
use std::error::Error;

use ws_proto::{Config, Event, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("AUTOBAHN_URL")?;
    let agent = env::var("AUTOBAHN_AGENT")?;
    let config = config()?;
    let count = case_count(&format!("{url}/getCaseCount"), &config)?;
    for case in 1..=count {
        // What a case does to the connection is what is tested: the suite is the judge.
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent={agent}"), &config) {
            println!("case {case}: {error}");
        }
    }
    Ok(echo(&format!("{url}/updateReports?agent={agent}"), &config)?)
}

fn config() -> Result<Config, Box<dyn Error>> {
    let config = Config::new().max_message(64 << 20).max_frame(64 << 20);
    match env::args().nth(1).as_deref() {
        None => Ok(config),
        #[cfg(feature = "deflate")]
        Some("--deflate") => Ok(config.compression(ws_proto::deflate::Compression::new())),
        Some(word) => Err(format!("unknown option {word}").into()),
    }
}

fn case_count(url: &str, config: &Config) -> Result<u32, Box<dyn Error>> {
    let mut socket = blocking::connect(url, config)?;
    let mut count = None;
    while let Some(event) = socket.next()? {
        if let Event::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the suite told no number of cases".into())
}

fn echo(url: &str, config: &Config) -> Result<(), blocking::Error> {
    let mut socket = blocking::connect(url, config)?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next()? {
        match event {
            Event::Text(text) => sender.text(text)?,
            Event::Binary(bytes) => sender.binary(bytes)?,
            _ => {}
        }
    }
    Ok(())
}
