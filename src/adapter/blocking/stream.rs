//! What a socket needs of its stream: bytes, time-outs, and an end.

use alloc::boxed::Box;
#[cfg(feature = "rustls")]
use core::ops::DerefMut;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::MaybeTls;

/// A stream of bytes whose reads and writes can be given a time-out, as those of the standard library can.
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
/// use std::io::{self, Read, Write};
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use ws_proto::blocking::Stream;
///
/// struct Logged(TcpStream);
/// #
/// # impl Read for Logged {
/// #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
/// #         self.0.read(buffer)
/// #     }
/// # }
/// # impl Write for Logged {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
/// #         self.0.write(bytes)
/// #     }
/// #     fn flush(&mut self) -> io::Result<()> {
/// #         self.0.flush()
/// #     }
/// # }
///
/// impl Stream for Logged {
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
pub trait Stream: Read + Write {
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

    /// Reads as [`Read::read`], but waits only once: a stream over another one, such as one with TLS, that has nothing after
    /// it has read from that returns [`Interrupted`](io::ErrorKind::Interrupted). Else a peer that sends byte by byte keeps a
    /// read from returning, and deadlines are missed.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }

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
        impl Stream for $handle {
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

sockets!(TcpStream: TcpStream, &TcpStream);
#[cfg(unix)]
sockets!(UnixStream: UnixStream, &UnixStream);

/// Implements [`Stream`] by that of something inside.
macro_rules! forward {
    (<$($generic:ident: $bound:path),*> $stream:ty, $self:ident => $inner:expr, $($own:tt)*) => {
        impl<$($generic: ?Sized + $bound),*> Stream for $stream {
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

            $($own)*
        }
    };
}

/// The rest of it, by something inside that is all of a stream.
macro_rules! forward_all {
    ($stream:ty) => {
        forward!(<T: Stream> $stream, self => (**self),
            fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                (**self).read_once(buffer)
            }

            fn is_full_duplex(&self) -> bool {
                (**self).is_full_duplex()
            }

            fn shutdown_write(&mut self) -> io::Result<()> {
                (**self).shutdown_write()
            }
        );
    };
}

forward_all!(&mut T);
forward_all!(Box<T>);
forward!(<> MaybeTls, self => self.tcp(),
    fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.step(buffer)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.end_writing()
    }
);

/// With the session's farewell (`close_notify`).
#[cfg(feature = "rustls")]
impl<C, D, T> Stream for rustls::StreamOwned<C, T>
where
    C: DerefMut<Target = rustls::ConnectionCommon<D>>,
    D: rustls::SideData,
    T: Stream,
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

    fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_empty = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        match self.conn.reader().read(buffer) {
            Err(error) if is_empty(&error) => {}
            read => return read,
        }
        match write_pending(self) {
            Err(error) if !is_empty(&error) => return Err(error),
            _ => {}
        }
        self.conn.read_tls(&mut self.sock)?;
        if let Err(error) = self.conn.process_new_packets() {
            let _ = write_pending(self); // the alert
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        match self.conn.reader().read(buffer) {
            Err(error) if is_empty(&error) => Err(io::ErrorKind::Interrupted.into()),
            read => read,
        }
    }

    fn is_full_duplex(&self) -> bool {
        false
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        write_pending(self)?;
        self.sock.shutdown_write()
    }
}

/// Writes what the session has encrypted.
#[cfg(feature = "rustls")]
fn write_pending<C, D, T>(stream: &mut rustls::StreamOwned<C, T>) -> io::Result<()>
where
    C: DerefMut<Target = rustls::ConnectionCommon<D>>,
    D: rustls::SideData,
    T: Read + Write,
{
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut stream.sock)?;
    }
    Ok(())
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

impl<S: Read + Write> Stream for Untimed<S> {
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
/// A layer that reads several times for one result, as TLS does for a record, can be held up by a peer that sends byte by
/// byte: deadlines are looked at between its results. rustls' own `StreamOwned` needs no layer and has no such gap.
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

impl<S: Read + Write, T: Stream> Stream for Layered<S, T> {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.below.read_timeout()
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.below.write_timeout()
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.below.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.below.set_write_timeout(limit)
    }

    fn is_full_duplex(&self) -> bool {
        false
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.below.shutdown_write()
    }
}
