//! WebSockets over any [`Stream`], for threads.
//!
//! ```no_run
//! use std::net::TcpListener;
//! use ws_proto::handshake::OriginPolicy;
//! use ws_proto::{Config, Event, blocking};
//!
//! let (stream, _) = TcpListener::bind("127.0.0.1:9001")?.accept()?;
//! let mut socket = blocking::accept(stream, OriginPolicy::Any, &Config::new())?;
//! let (mut receiver, mut sender) = socket.split();
//! while let Some(event) = receiver.next()? {
//!     match event {
//!         Event::Text(text) => sender.text(text)?,
//!         Event::Binary(bytes) => sender.binary(bytes)?,
//!         _ => {} // pings and the close frame are answered
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A message is written when it is sent, a pong when its ping is read: nothing waits for a later call.
//!
//! # Time
//!
//! The deadlines of [`Config`] hold while a call waits: the opening handshake, pings and their pongs, idleness, a message
//! that comes too slowly, closing. The driver sets the time-outs of the
//! [`Stream`] for that itself. A thread that makes no call sends no pings and notices nothing.
//!
//! A call that runs out of time returns [`Error::TimedOut`], for one of two reasons, which [`Socket::is_over`] tells apart:
//!
//! - The limit of the caller is over ([`Socket::set_read_timeout`], [`Socket::set_write_timeout`]). Nothing is lost: `next`
//!   can be repeated, and what was not written goes out before the next bytes.
//! - A deadline of the connection is over, and with it the connection. The error comes once from `next`, and from each
//!   attempt to send.
//!
//! A deadline is noticed up to a sixteenth late.
//!
//! # The end
//!
//! If a write fails, the call returns the error. `next` then still returns what has arrived, and after that the error, or no
//! error if the peer's close frame was among it. At the end of a connection `next` writes what is queued, ends the
//! sending direction of the stream, and waits for the peer as long as [`Config::closing_timeout`] and
//! [`Config::closing_limit`] allow. Then the stream can be dropped.

#[macro_use]
mod sending;

mod client;
mod halves;
mod handshake;
mod linger;
mod maybe_tls;
mod monitor;
mod receiving;
mod stream;
mod timed;

#[cfg(feature = "rustls")]
mod tls;
mod wire;

use alloc::string::String;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::time::Duration;

pub use self::client::{client, connect, try_client};
#[cfg(feature = "rustls")]
pub use self::client::{client_tls, connect_with};
pub use self::halves::{ReadHalf, WriteHalf};
pub use self::handshake::{Incoming, Plain, Upgrade, accept, receive_request};
pub use self::linger::linger;
pub use self::maybe_tls::MaybeTls;
use self::monitor::Monitor;
use self::receiving::{Peer, Receiving};
use self::sending::Sending;
pub use self::stream::{Layered, Stream, Untimed};
use self::timed::{Stopped, Timed};
pub use super::error::Error;
use super::input::Input;
pub use super::refused::Refused;
use crate::adapter;
use crate::close::CloseCode;
use crate::config::Config;
use crate::connection::{Closed, Connection};
use crate::error::SendError;
use crate::frame::Kind;
use crate::reader::Event;
use crate::reply::Reply;
use crate::timers::Due;
use crate::writer::Writer;

/// A WebSocket connection over `S`.
///
/// ```
/// # use std::net::TcpListener;
/// use ws_proto::handshake::OriginPolicy;
/// use ws_proto::{CloseCode, Config, Event, blocking};
///
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # let server = std::thread::spawn(move || {
/// #     let mut socket = blocking::accept(listener.accept().unwrap().0, OriginPolicy::Any, &Config::new()).unwrap();
/// #     socket.text("Hello").unwrap();
/// #     while socket.next().unwrap().is_some() {}
/// # });
/// let mut socket = blocking::connect(&url, &Config::new())?;
/// assert_eq!(socket.next()?, Some(Event::Text("Hello")));
/// socket.close(CloseCode::NORMAL, "done")?;
/// while let Some(event) = socket.next()? {
///     println!("{event:?}"); // what was on its way, then the peer's close frame
/// }
/// assert!(socket.closed().unwrap().clean);
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Socket<S> {
    receiving: Receiving,
    monitor: Arc<Monitor>,
    /// Borrowed for the length of a call, by the receiver and the sender in turn.
    sending: RefCell<Sending<S>>,
    protocol: Option<String>,
    #[cfg(feature = "deflate")]
    agreement: Option<crate::deflate::Agreement>,
}

impl<S: Stream> Socket<S> {
    /// A socket after a handshake made elsewhere; `input` is what the peer has sent since.
    ///
    /// ```
    /// # use std::io::Cursor;
    /// use ws_proto::{Config, Connection, Event, Seed, blocking};
    ///
    /// # let stream = blocking::Untimed(Cursor::new(Vec::new()));
    /// let config = Config::new();
    /// let connection = Connection::client(&config, Seed::from_os()?);
    /// let mut socket = blocking::Socket::new(stream, connection, b"\x81\x02hi", &config);
    /// assert_eq!(socket.next()?, Some(Event::Text("hi")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(stream: S, connection: Connection, input: &[u8], config: &Config) -> Self {
        Self::over(Timed::adopt(stream), Monitor::new(config), connection, input)
    }

    /// A socket whose opening handshake is done.
    fn over(stream: Timed<S>, monitor: Monitor, connection: Connection, input: &[u8]) -> Self {
        let (reader, writer) = connection.into_split();
        monitor.opened();
        let receiving = Receiving::new(reader, input, &monitor);
        let monitor = Arc::new(monitor);
        let sending = Sending { writer, stream, monitor: Arc::clone(&monitor), owed: None };
        Self {
            receiving,
            monitor,
            sending: RefCell::new(sending),
            protocol: None,
            #[cfg(feature = "deflate")]
            agreement: None,
        }
    }

    /// Waits for the next event, lent until the next call; [`Socket::split`] allows to send meanwhile. `None` is the
    /// end: both close frames are out, or an error was returned before. All pings are answered; at the limit of
    /// [`Config::max_pending`](crate::Config::max_pending), the newest.
    ///
    /// At its end a client waits for the server to close the stream first (section 7.1.1), as long as the deadlines for
    /// closing and the limit of the caller allow.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the limit of the caller is over, and the call can be repeated; [`Socket::is_over`] then says
    /// no. The others end the connection and come once: [`Error::Protocol`], after the peer was told; [`Error::TimedOut`]
    /// if a deadline is over; [`Error::Io`], also of an earlier write.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.receiving.next(&self.monitor, &mut &self.sending)
    }

    /// Sets how long [`Socket::next`] waits at most, from its call on. `None` waits until a deadline of the connection.
    ///
    /// The initial limit is the read time-out that the stream had when the socket was made. Setting that of the stream
    /// later has no effect, or makes deadlines late.
    ///
    /// ```no_run
    /// # use core::time::Duration;
    /// # use ws_proto::{Config, blocking};
    /// # let mut socket = blocking::connect("ws://127.0.0.1:9001/", &Config::new())?;
    /// socket.set_read_timeout(Some(Duration::from_secs(1)));
    /// match socket.next() {
    ///     Ok(event) => println!("{event:?}"),
    ///     Err(blocking::Error::TimedOut) => println!("nothing yet, or it is over: {}", socket.is_over()),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_read_timeout(&mut self, limit: Option<Duration>) {
        self.sending.get_mut().stream.reading.limit = limit;
    }

    /// Sets how long a method that sends waits at most, from its call on. `None` waits until a deadline of the connection.
    ///
    /// The initial limit is the write time-out that the stream had when the socket was made.
    pub fn set_write_timeout(&mut self, limit: Option<Duration>) {
        self.sending.get_mut().stream.writing.limit = limit;
    }

    /// A receiver and a sender for one thread, so that an event can be answered while it is lent.
    pub fn split(&mut self) -> (Receiver<'_, S>, Sender<'_, S>) {
        let Self { receiving, monitor, sending, .. } = self;
        (Receiver { receiving, monitor, sending }, Sender { monitor, sending })
    }

    sending!();

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        Closed::of(&self.receiving.reader, &self.sending.borrow().writer)
    }

    /// Whether the connection has ended: nothing can be sent, and [`Socket::next`] returns only what has arrived. After
    /// [`Error::TimedOut`], if not, the call can be repeated.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.monitor.is_over()
    }

    /// The subprotocol that was agreed.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// What both ends agreed on for compression, if they did, in the handshake that made this socket.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn agreement(&self) -> Option<crate::deflate::Agreement> {
        self.agreement
    }

    /// The stream, for its addresses and options. Its time-outs are the driver's: see [`Socket::set_read_timeout`].
    #[must_use]
    pub fn stream(&mut self) -> &mut S {
        self.sending.get_mut().stream.stream()
    }

    /// Takes the socket apart for two threads. `writing` is another handle of the same stream, such as
    /// [`MaybeTls::try_clone`] or [`TcpStream::try_clone`](std::net::TcpStream::try_clone) makes.
    ///
    /// ```no_run
    /// # use ws_proto::{Config, blocking};
    /// let mut socket = blocking::connect("ws://127.0.0.1:9001/", &Config::new())?;
    /// let stream = socket.stream().try_clone()?;
    /// let (mut reader, mut writer) = socket.into_split(stream);
    /// std::thread::spawn(move || writer.text("from another thread"));
    /// while let Some(event) = reader.next()? {
    ///     println!("{event:?}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_split<W: Stream>(self, writing: W) -> (ReadHalf<S, W>, WriteHalf<W>) {
        let Sending { writer, stream, monitor, owed } = self.sending.into_inner();
        let writing = Sending { writer, stream: stream.through(writing), monitor, owed };
        halves::split(self.receiving, stream, writing)
    }

    fn send(
        &mut self,
        message: impl Fn(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.sending.get_mut().send(message)
    }

    fn say<R>(&mut self, message: impl FnOnce(&mut Writer) -> R) -> R {
        message(&mut self.sending.get_mut().writer)
    }
}

/// The receiving side of a [`Socket`] in one thread. See [`Socket::split`].
///
/// ```no_run
/// # use ws_proto::{Config, Event, blocking};
/// # let mut socket = blocking::connect("ws://127.0.0.1:9001/", &Config::new())?;
/// let (mut receiver, mut sender) = socket.split();
/// if let Some(Event::Text(text)) = receiver.next()? {
///     sender.text(text)?; // lent by the receiver, unharmed by the sender
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Receiver<'a, S> {
    receiving: &'a mut Receiving,
    monitor: &'a Monitor,
    sending: &'a RefCell<Sending<S>>,
}

impl<S: Stream> Receiver<'_, S> {
    /// Waits for the next event, as [`Socket::next`].
    ///
    /// # Errors
    ///
    /// As [`Socket::next`].
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.receiving.next(self.monitor, &mut self.sending)
    }

    /// Whether the connection has ended, as [`Socket::is_over`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.monitor.is_over()
    }
}

/// The sending side of a [`Socket`] in one thread. See [`Socket::split`].
///
/// ```no_run
/// # use ws_proto::{Config, blocking};
/// # let mut socket = blocking::connect("ws://127.0.0.1:9001/", &Config::new())?;
/// let (_, mut sender) = socket.split();
/// sender.ping(b"are you there?")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sender<'a, S> {
    monitor: &'a Monitor,
    sending: &'a RefCell<Sending<S>>,
}

impl<S: Stream> Sender<'_, S> {
    sending!();

    /// Whether the connection has ended, as [`Socket::is_over`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.monitor.is_over()
    }

    fn send(
        &mut self,
        message: impl Fn(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.sending.borrow_mut().send(message)
    }

    fn say<R>(&mut self, message: impl FnOnce(&mut Writer) -> R) -> R {
        message(&mut self.sending.borrow_mut().writer)
    }
}

impl<S: Stream> Peer for &RefCell<Sending<S>> {
    fn limit(&self) -> Option<Duration> {
        self.borrow().stream.reading.limit
    }

    fn read(&mut self, monitor: &Monitor, until: Option<Duration>, buffer: &mut [u8]) -> Result<usize, Stopped> {
        self.borrow_mut().stream.read(monitor, until, buffer)
    }

    fn has_read_timeouts(&mut self) -> bool {
        self.borrow_mut().stream.has_read_timeouts()
    }

    fn answer(&mut self, reply: Reply) {
        self.borrow_mut().answer(reply);
    }

    fn act(&mut self, _: &Monitor, due: Due) {
        let _ = self.borrow_mut().act(due); // a failure is in the monitor
    }

    fn flush_for_a_turn(&mut self) -> bool {
        self.borrow_mut().flush_for_a_turn().is_err()
    }

    fn finish(&mut self, _: &Monitor, until: Option<Duration>) -> Result<(), Error> {
        self.borrow_mut().flush(until)
    }

    fn end(&mut self) {
        let mut sending = self.borrow_mut();
        sending.writer.end();
        sending.stream.shutdown_write();
    }
}
