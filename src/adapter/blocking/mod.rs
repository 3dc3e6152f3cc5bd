//! WebSockets over anything that is [`Read`] and [`Write`], for threads.
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
//! A message is written when it is sent, a pong when its ping is read: nothing waits for a later call. There are no
//! timers here: set time-outs on the stream, for both directions. A call that ends with one has lost nothing: `next`
//! can be repeated, and what was not written goes out before the next bytes. Where writing times out, `next` reads on:
//! two ends that both waited for the other to read would do so for ever.

#[macro_use]
mod sending;

mod halves;
mod handshake;
mod linger;
mod maybe_tls;
#[cfg(feature = "rustls")]
mod tls;

use alloc::string::String;
use core::cell::RefCell;
use std::io::{self, Read, Write};

pub use self::halves::{ReadHalf, WriteHalf};
pub use self::handshake::{Incoming, Plain, Upgrade, accept, client, connect, receive_request};
#[cfg(feature = "rustls")]
pub use self::handshake::{client_tls, connect_with};
pub use self::linger::linger;
pub use self::maybe_tls::MaybeTls;
use self::sending::Sending;
pub use super::error::Error;
use super::input::{self, Input};
use crate::adapter;
use crate::close::CloseCode;
use crate::config::Role;
use crate::connection::{Closed, Connection};
use crate::error::SendError;
use crate::frame::Kind;
use crate::reader::{Event, Reader};
use crate::reply::Reply;
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
    reader: Reader,
    input: Input,
    /// Borrowed for the length of a call, by the receiver and the sender in turn.
    sending: RefCell<Sending<S>>,
    protocol: Option<String>,
    #[cfg(feature = "deflate")]
    agreement: Option<crate::deflate::Agreement>,
}

impl<S: Read + Write> Socket<S> {
    /// A socket after a handshake made elsewhere; `input` is what the peer has sent since.
    ///
    /// ```
    /// # use std::io::Cursor;
    /// use ws_proto::{Config, Connection, Event, Seed, blocking};
    ///
    /// # let stream = Cursor::new(Vec::new());
    /// let connection = Connection::client(&Config::new(), Seed::from_os()?);
    /// let mut socket = blocking::Socket::new(stream, connection, b"\x81\x02hi");
    /// assert_eq!(socket.next()?, Some(Event::Text("hi")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(stream: S, connection: Connection, input: &[u8]) -> Self {
        let (reader, writer) = connection.into_split();
        let sending = RefCell::new(Sending { writer, stream, owed: None });
        Self {
            reader,
            input: Input::holding(input),
            sending,
            protocol: None,
            #[cfg(feature = "deflate")]
            agreement: None,
        }
    }

    /// Waits for the next event, lent until the next call; [`Socket::split`] allows to send meanwhile. `None` is the
    /// end: both close frames are out, or an error was returned before. All pings are answered; at the limit of
    /// [`Config::max_pending`](crate::Config::max_pending), which takes write time-outs, the newest.
    ///
    /// As a client it waits at its end for the server to close the stream first (section 7.1.1), as long as the
    /// stream's read time-out allows.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`], once, after the peer was told; [`Error::Io`]. Behind a time-out the call can be repeated.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        next(&mut self.reader, &mut self.input, &mut &self.sending)
    }

    /// A receiver and a sender for one thread, so that an event can be answered while it is lent.
    pub const fn split(&mut self) -> (Receiver<'_, S>, Sender<'_, S>) {
        let Self { reader, input, sending, .. } = self;
        (Receiver { reader, input, sending }, Sender { sending })
    }

    sending!();

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        Closed::of(&self.reader, &self.sending.borrow().writer)
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

    /// The stream, for its time-outs and addresses.
    #[must_use]
    pub fn stream(&mut self) -> &mut S {
        &mut self.sending.get_mut().stream
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
    pub fn into_split<W: Write>(self, writing: W) -> (ReadHalf<S, W>, WriteHalf<W>) {
        let Sending { writer, stream, owed } = self.sending.into_inner();
        halves::split(self.reader, self.input, stream, Sending { writer, stream: writing, owed })
    }

    fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
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
    reader: &'a mut Reader,
    input: &'a mut Input,
    sending: &'a RefCell<Sending<S>>,
}

impl<S: Read + Write> Receiver<'_, S> {
    /// Waits for the next event, as [`Socket::next`].
    ///
    /// # Errors
    ///
    /// As [`Socket::next`].
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        next(self.reader, self.input, &mut self.sending)
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
    sending: &'a RefCell<Sending<S>>,
}

impl<S: Write> Sender<'_, S> {
    sending!();

    fn send(
        &mut self,
        message: impl FnOnce(&mut Writer, &mut adapter::Write<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.sending.borrow_mut().send(message)
    }

    fn say<R>(&mut self, message: impl FnOnce(&mut Writer) -> R) -> R {
        message(&mut self.sending.borrow_mut().writer)
    }
}

/// What receiving needs beside a reader: bytes, and a way to answer.
trait Peer {
    fn read(&mut self, input: &mut Input) -> io::Result<usize>;
    fn read_to(&mut self, room: &mut [u8]) -> io::Result<usize>;
    /// Queues what is owed, and begins to write it.
    fn answer(&mut self, reply: Reply) -> Result<(), Error>;
    /// Writes what is pending.
    fn flush(&mut self) -> Result<(), Error>;
    /// Nothing can be sent any more.
    fn end(&mut self);
}

impl<S: Read + Write> Peer for &RefCell<Sending<S>> {
    fn read(&mut self, input: &mut Input) -> io::Result<usize> {
        input.fill(&mut self.borrow_mut().stream)
    }

    fn read_to(&mut self, room: &mut [u8]) -> io::Result<usize> {
        input::read(&mut self.borrow_mut().stream, room)
    }

    fn answer(&mut self, reply: Reply) -> Result<(), Error> {
        self.borrow_mut().answer(reply)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.borrow_mut().flush()
    }

    fn end(&mut self) {
        self.borrow_mut().writer.end();
    }
}

fn next<'r>(reader: &'r mut Reader, input: &mut Input, peer: &mut impl Peer) -> Result<Option<Event<'r>>, Error> {
    loop {
        let ready = input.lend(|bytes| reader.advance(bytes));
        if let Some(reply) = reader.take_reply() {
            // The news is the event or the fault. What could not be written is pending, for the flush below.
            let _ = peer.answer(reply);
        }
        if ready? {
            return Ok(reader.event());
        }
        if reader.is_closed() {
            match peer.flush() {
                // To be called again: the peer waits for the close frame.
                Err(Error::Io(error)) if is_timeout(error.kind()) => return Err(error.into()),
                _ => await_close(reader, input, peer),
            }
            peer.end();
            return Ok(None);
        }
        match peer.flush() {
            // A peer that does not read may be waiting for this end to do so.
            Err(Error::Io(error)) if is_timeout(error.kind()) => {}
            flushed => flushed?,
        }
        let n = match reader.room(Input::SIZE) {
            Some(room) => {
                let n = peer.read_to(room)?;
                if reader.filled(n) {
                    return Ok(reader.event());
                }
                n
            }
            None => peer.read(input)?,
        };
        if n == 0 {
            peer.end();
            reader.receive_eof()?;
        }
    }
}

const fn is_timeout(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Section 7.1.1: after both close frames, a client waits for the server to end the stream.
fn await_close(reader: &mut Reader, input: &mut Input, peer: &mut impl Peer) {
    let clean = reader.role() == Role::Client && reader.error().is_none();
    while clean && !reader.is_eof() {
        if !matches!(peer.read(input), Ok(1..)) {
            let _ = reader.receive_eof(); // none is missing
        }
        input.clear();
    }
}
