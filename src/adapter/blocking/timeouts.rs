//! Time-outs of streams: what the deadlines of a socket need.

use alloc::boxed::Box;
use alloc::sync::Arc;
#[cfg(feature = "rustls")]
use core::ops::DerefMut;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::MaybeTls;

/// A stream whose reads and writes can be given a time-out, as those of the standard library can.
///
/// The driver sets them itself, to keep the deadlines of [`Config`](crate::Config). A time-out that is set before the driver
/// gets the stream becomes the limit of the socket (see [`Socket::set_read_timeout`](super::Socket::set_read_timeout)). Do
/// not change it on the stream afterwards, also not through another handle: then deadlines are missed.
///
/// A read or write that runs out of time returns an error of kind [`TimedOut`](io::ErrorKind::TimedOut) or
/// [`WouldBlock`](io::ErrorKind::WouldBlock). It must not lose bytes: what was read or written before is returned as a
/// short read or write.
///
/// For a stream without time-outs see [`Untimed`], for a TLS stream of another library [`Layered`].
///
/// ```
/// use std::io;
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use ws_proto::blocking::Timeouts;
///
/// struct Logged(TcpStream);
///
/// impl Timeouts for Logged {
///     fn read_timeout(&self) -> io::Result<Option<Duration>> {
///         self.0.read_timeout()
///     }
///     fn write_timeout(&self) -> io::Result<Option<Duration>> {
///         self.0.write_timeout()
///     }
///     fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
///         self.0.set_read_timeout(limit)
///     }
///     fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
///         self.0.set_write_timeout(limit)
///     }
///     fn shutdown_write(&mut self) -> io::Result<()> {
///         self.0.shutdown_write()
///     }
/// }
/// ```
pub trait Timeouts {
    /// How long a read waits at most. `None` is for ever.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn read_timeout(&self) -> io::Result<Option<Duration>>;

    /// How long a write waits at most. `None` is for ever.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn write_timeout(&self) -> io::Result<Option<Duration>>;

    /// Sets how long each read waits at most; never zero.
    ///
    /// # Errors
    ///
    /// Those of the stream. The driver then takes the stream for one without read time-outs.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Sets how long each write waits at most; never zero.
    ///
    /// # Errors
    ///
    /// Those of the stream. The driver then takes the stream for one without write time-outs.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Whether a read never writes and a write never reads: yes by default. The TLS streams of many libraries do; the driver
    /// then sets both time-outs at once.
    fn is_full_duplex(&self) -> bool {
        true
    }

    /// Tells the peer that nothing more will be written. Reading goes on. The driver calls it at the end of a connection, so
    /// that the peer receives what was written last. Does nothing by default.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! sockets {
    ($stream:ident: $($handle:ty),*) => {$(
        impl Timeouts for $handle {
            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                $stream::read_timeout(self)
            }

            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                $stream::write_timeout(self)
            }

            fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                $stream::set_read_timeout(self, limit)
            }

            fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                $stream::set_write_timeout(self, limit)
            }

            fn shutdown_write(&mut self) -> io::Result<()> {
                $stream::shutdown(self, Shutdown::Write)
            }
        }
    )*};
}

sockets!(TcpStream: TcpStream, &TcpStream, Arc<TcpStream>);
#[cfg(unix)]
sockets!(UnixStream: UnixStream, &UnixStream);

/// Implements [`Timeouts`] by that of something inside.
macro_rules! forward {
    (<$($generic:ident $(: $bound:path)?),*> $stream:ty, $self:ident => $inner:expr,
        duplex: $duplex:expr, shutdown: $shutdown:expr) => {
        impl<$($generic $(: $bound)?),*> Timeouts for $stream {
            fn read_timeout(&$self) -> io::Result<Option<Duration>> {
                $inner.read_timeout()
            }

            fn write_timeout(&$self) -> io::Result<Option<Duration>> {
                $inner.write_timeout()
            }

            fn set_read_timeout(&$self, limit: Option<Duration>) -> io::Result<()> {
                $inner.set_read_timeout(limit)
            }

            fn set_write_timeout(&$self, limit: Option<Duration>) -> io::Result<()> {
                $inner.set_write_timeout(limit)
            }

            fn is_full_duplex(&$self) -> bool {
                $duplex
            }

            fn shutdown_write(&mut $self) -> io::Result<()> {
                $shutdown
            }
        }
    };
}

forward!(<T: Timeouts> &mut T, self => (**self), duplex: (**self).is_full_duplex(), shutdown: (**self).shutdown_write());
forward!(<T: Timeouts> Box<T>, self => (**self), duplex: (**self).is_full_duplex(), shutdown: (**self).shutdown_write());
forward!(<> MaybeTls, self => self.tcp(), duplex: true, shutdown: self.end_writing());
forward!(<S, T: Timeouts> Layered<S, T>, self => self.below, duplex: false, shutdown: self.below.shutdown_write());

/// With the session's farewell (`close_notify`).
#[cfg(feature = "rustls")]
impl<C, D, T> Timeouts for rustls::StreamOwned<C, T>
where
    C: DerefMut<Target = rustls::ConnectionCommon<D>>,
    D: rustls::SideData,
    T: Read + Write + Timeouts,
{
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.sock.read_timeout()
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.sock.write_timeout()
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.sock.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.sock.set_write_timeout(limit)
    }

    fn is_full_duplex(&self) -> bool {
        false
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        while self.conn.wants_write() {
            self.conn.write_tls(&mut self.sock)?;
        }
        self.sock.shutdown_write()
    }
}

/// A stream that has no time-outs. A socket over it looks at its deadlines only when a read or write returns: while the
/// stream waits, so does the socket.
///
/// ```
/// use std::io::Cursor;
/// use ws_proto::blocking::{Socket, Untimed};
/// use ws_proto::{Config, Connection, Event, Seed};
///
/// let config = Config::new();
/// let connection = Connection::client(&config, Seed::from_os()?);
/// let mut socket = Socket::new(Untimed(Cursor::new(Vec::new())), connection, b"\x81\x02hi", &config);
/// assert_eq!(socket.next()?, Some(Event::Text("hi")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Untimed<S>(pub S);

impl<S> Timeouts for Untimed<S> {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A stream over another one, such as the TLS stream of any library over its [`TcpStream`], with the time-outs of the
/// stream below.
///
/// ```no_run
/// # use std::io::{Read, Write};
/// # use std::net::TcpStream;
/// # use ws_proto::handshake::OriginPolicy;
/// # use ws_proto::{Config, blocking};
/// # fn serve(accept_tls: impl Fn(TcpStream) -> TcpStream, tcp: TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let below = tcp.try_clone()?;
/// let stream = blocking::Layered { stream: accept_tls(tcp), below };
/// let mut socket = blocking::accept(stream, OriginPolicy::SameOrigin, &Config::new())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Layered<S, T> {
    /// What is read from and written to.
    pub stream: S,
    /// Another handle of the stream below.
    pub below: T,
}

macro_rules! pass_on {
    (<$($generic:ident),*> $wrapper:ty, $field:tt) => {
        impl<S: Read, $($generic),*> Read for $wrapper {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.$field.read(buffer)
            }
        }

        impl<S: Write, $($generic),*> Write for $wrapper {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.$field.write(bytes)
            }

            fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                self.$field.write_vectored(slices)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.$field.flush()
            }
        }
    };
}

pass_on!(<> Untimed<S>, 0);
pass_on!(<T> Layered<S, T>, stream);
