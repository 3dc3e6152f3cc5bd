//! Connections that a server has no room for.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Refuses connections with status 503, without a thread and without waiting for any of them.
///
/// A connection that is closed while its request is unread is reset, and the client may lose the response. So each stays
/// open for a second, as long as they are not too many.
#[derive(Default)]
pub(crate) struct Refused(VecDeque<(Instant, Arc<TcpStream>)>);

impl Refused {
    pub(crate) fn push(&mut self, stream: Arc<TcpStream>) {
        // The response fits into the buffer of a new socket.
        let is_told = stream.set_nonblocking(true).is_ok()
            && (&*stream).write_all(RESPONSE).is_ok()
            && stream.shutdown(Shutdown::Write).is_ok();
        if is_told {
            self.0.push_back((Instant::now(), stream));
        }
        self.release();
    }

    /// Closes those that have had their time. To be called before each `accept`.
    pub(crate) fn release(&mut self) {
        while let Some((since, _)) = self.0.front()
            && (self.0.len() > MOST || since.elapsed() > PATIENCE)
            && let Some((_, stream)) = self.0.pop_front()
        {
            let _ = (&*stream).read(&mut [0; 4096]); // the request
        }
    }
}

const RESPONSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 24\r\n\r\ntoo many connections now";
const MOST: usize = 64;
const PATIENCE: Duration = Duration::from_secs(1);
