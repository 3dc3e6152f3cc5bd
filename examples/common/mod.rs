//! What every echo server has: the options, and a log.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use ws_proto::Config;
use ws_proto::blocking::Error; // that of every driver
use ws_proto::handshake::HandshakeError;

pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) config: Config,
    #[allow(dead_code, reason = "only `echo` needs it: it has a thread for each connection")]
    pub(crate) max_connections: usize,
}

impl Options {
    /// `--listen ADDR` (127.0.0.1:9001), `--max-message BYTES` (64 MiB), `--deflate` (with the feature `deflate`), and for
    /// `echo` also `--max-connections COUNT` (1,000).
    pub(crate) fn from_args() -> Result<Self, Box<dyn StdError>> {
        let config = Config::new().max_message(64 << 20);
        let mut options = Self { listen: String::from("127.0.0.1:9001"), config, max_connections: 1000 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |value: String| value.parse().map_err(|error| format!("{word}: {error}"));
            match word.as_str() {
                "--listen" => options.listen = value()?,
                "--max-message" => options.config = options.config.max_message(number(value()?)?),
                "--max-connections" => options.max_connections = number(value()?)?,
                #[cfg(feature = "deflate")]
                "--deflate" => options.config = options.config.compression(ws_proto::deflate::Compression::new()),
                #[cfg(not(feature = "deflate"))]
                "--deflate" => return Err("--deflate needs a build with --features deflate".into()),
                _ => {
                    let known = "--listen, --max-message, --max-connections, --deflate";
                    return Err(format!("unknown option {word}; there are {known}").into());
                }
            }
        }
        Ok(options)
    }
}

/// Prints a line. `println!` would panic if nobody reads the output any more.
pub(crate) fn print(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Logs a line. `eprintln!` would panic if nobody reads the log any more.
pub(crate) fn log(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Logs why a connection failed. A client that just went is not logged: health checks connect and go, and browsers open
/// connections that they may not use.
#[allow(dead_code, reason = "`echo_mio` has no driver")]
pub(crate) fn log_failure(error: &Error) {
    let is_gone = match error {
        Error::Handshake(HandshakeError::UnexpectedEof) => true,
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::BrokenPipe
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof
        ),
        _ => false,
    };
    if !is_gone {
        log(error);
    }
}
