//! The options of every echo server.

use std::error::Error;
use std::time::Duration;

use ws_proto::Config;

pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) config: Config,
}

impl Options {
    /// `--listen ADDR` (127.0.0.1:9001), `--max-message BYTES` (64 MiB), `--deflate` (with the feature `deflate`).
    pub(crate) fn from_args() -> Result<Self, Box<dyn Error>> {
        let config = Config::new().max_message(64 << 20).max_frame(64 << 20).keepalive(Some(Duration::from_secs(30)));
        let mut options = Self { listen: String::from("127.0.0.1:9001"), config };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            options.config = match word.as_str() {
                "--listen" => {
                    options.listen = value()?;
                    continue;
                }
                "--max-message" => {
                    let bytes = value()?.parse().map_err(|error| format!("{word}: {error}"))?;
                    options.config.max_message(bytes).max_frame(bytes)
                }
                #[cfg(feature = "deflate")]
                "--deflate" => options.config.compression(ws_proto::deflate::Compression::new()),
                #[cfg(not(feature = "deflate"))]
                "--deflate" => return Err("--deflate needs a build with --features deflate".into()),
                _ => return Err(format!("unknown option {word}; there are --listen, --max-message, --deflate").into()),
            };
        }
        Ok(options)
    }
}
