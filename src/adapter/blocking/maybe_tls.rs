//! The stream of a client that was given a URI.

#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;

#[cfg(feature = "rustls")]
use super::tls::Tls;
use super::wire::Wire;
use super::{Error, Stream};
use crate::adapter::session::Session;

/// The stream of a client: TCP alone for `ws`, with TLS over it for `wss`. Without the feature `rustls` it is always a
/// [`TcpStream`] and nothing else.
///
/// ```no_run
/// # use ws_proto::{Config, blocking};
/// let mut socket = blocking::connect("wss://example.com/", &Config::new())?;
/// println!("{}", socket.stream().tcp().peer_addr()?);
/// assert!(socket.stream().is_tls());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MaybeTls {
    tcp: TcpStream,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<Tls>>,
}

impl MaybeTls {
    /// Performs the handshake of TLS if there is a session.
    #[cfg_attr(not(feature = "rustls"), expect(clippy::unnecessary_wraps, reason = "there is no handshake"))]
    pub(super) fn open(
        #[cfg_attr(not(feature = "rustls"), expect(unused_mut, reason = "there is no handshake"))] mut wire: Wire<
            TcpStream,
        >,
        session: Option<Session>,
    ) -> Result<Wire<Self>, Error> {
        #[cfg(feature = "rustls")]
        let tls = session.map(|session| Tls::open(session, &mut wire).map(Arc::new)).transpose()?;
        #[cfg(not(feature = "rustls"))]
        if let Some(never) = session {
            match never {}
        }
        let Wire { stream, monitor, .. } = wire;
        let over = |tcp| Self {
            tcp,
            #[cfg(feature = "rustls")]
            tls,
        };
        Ok(Wire::begun(stream.map(over), monitor))
    }

    /// The stream below, for its addresses and options. With TLS it is not to be read from or written to.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether there is TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        #[cfg(feature = "rustls")]
        return self.tls.is_some();
        #[cfg(not(feature = "rustls"))]
        false
    }

    /// Another handle of the same stream, also with TLS: one thread may read while another writes. For
    /// [`Socket::into_split`](super::Socket::into_split).
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::try_clone`].
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            tcp: self.tcp.try_clone()?,
            #[cfg(feature = "rustls")]
            tls: self.tls.clone(),
        })
    }

    /// Reads once. With TLS there may be nothing yet behind that.
    pub(super) fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            return tls.read_once(&self.tcp, buffer);
        }
        self.tcp.read(buffer)
    }

    /// Tells the peer that nothing more will be written, with TLS also in its own way (`close_notify`).
    pub(super) fn end_writing(&mut self) -> io::Result<()> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            tls.close(&self.tcp)?;
        }
        (&self.tcp).shutdown_write()
    }
}

impl Read for MaybeTls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.step(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Write for MaybeTls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            return tls.write(&self.tcp, slices);
        }
        self.tcp.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            return tls.flush(&self.tcp);
        }
        self.tcp.flush()
    }
}
