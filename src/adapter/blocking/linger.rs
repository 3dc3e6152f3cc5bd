//! The end of a TCP stream that loses nothing.

use core::time::Duration;
use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// Ends the sending direction of `stream`, then reads until the peer ends its own, for `patience` at most. To be done
/// before a stream is dropped on which the peer may still be sending: a close with unread input resets the
/// connection, and the peer may lose what was written last.
///
/// The driver does so itself behind a refusal and behind an error of the peer. This is for streams that it has never had, and
/// for those who want to wait longer.
///
/// ```no_run
/// # use std::{net::TcpListener, time::Duration};
/// # use ws_proto::{Config, blocking, handshake::OriginPolicy};
/// # let (stream, _) = TcpListener::bind("127.0.0.1:0")?.accept()?;
/// if let Err(error) = blocking::accept(&stream, OriginPolicy::Any, &Config::new()) {
///     println!("{error}");
///     blocking::linger(&stream, Duration::from_secs(10))?; // for a client that sends very much
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of the stream; that `patience` is at its end, or the peer is gone, is none.
pub fn linger(mut stream: &TcpStream, patience: Duration) -> io::Result<()> {
    let until = Instant::now().checked_add(patience);
    let mut scrap = [0; 4096];
    let mut ended = stream.shutdown(Shutdown::Write).map(|()| 1);
    loop {
        match ended {
            Ok(0) => return Ok(()),
            Err(error) if is_over(error.kind()) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        stream.set_read_timeout(left)?;
        ended = stream.read(&mut scrap);
    }
}

/// Whether there is nothing left to wait for: patience is at its end, or the peer is gone.
const fn is_over(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionReset, NotConnected, TimedOut, WouldBlock};
    matches!(kind, ConnectionReset | NotConnected | TimedOut | WouldBlock)
}
