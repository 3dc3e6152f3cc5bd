//! Both halves, and the replies between them.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::close::CloseCode;
use crate::config::{Config, Role};
#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, Compressor, Decompressor};
use crate::reader::{End, Reader};
use crate::seed::{Keys, Seed};
use crate::writer::Writer;

/// One end of a WebSocket connection, after the opening handshake.
///
/// ```
/// use ws_proto::{Config, Connection, Event};
///
/// let mut connection = Connection::server(&Config::new());
/// let mut buffer = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"; // what a client sent
///
/// let (reader, writer) = connection.split();
/// let mut input = &mut buffer[..];
/// while let Some(event) = reader.receive(&mut input)? {
///     match event {
///         Event::Text(text) => writer.text(text)?, // an event never borrows the writer
///         Event::Binary(bytes) => writer.binary(bytes)?,
///         _ => {} // pong and close answer themselves
///     }
/// }
/// assert_eq!(connection.outgoing(), b"\x81\x05Hello"); // to be written
/// connection.consume(7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The halves are two machines that never look at each other; [`Connection::into_split`] hands them to two tasks.
///
/// An event that is lent keeps the halves apart: `outgoing` has to wait until it is let go.
///
/// ```compile_fail,E0499
/// # use ws_proto::{Config, Connection};
/// # let mut connection = Connection::server(&Config::new());
/// # let mut buffer = [0; 64];
/// let event = connection.split().0.receive(&mut &mut buffer[..]);
/// let outgoing = connection.outgoing();
/// drop(event);
/// ```
#[derive(Debug)]
pub struct Connection {
    reader: Reader,
    writer: Writer,
}

/// What to do with the transport once [`Connection::outgoing`] is written (RFC 6455, section 7.1.1).
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection, Transport};
///
/// let mut server = Connection::server(&Config::new());
/// assert_eq!(server.transport(), Transport::Open);
/// let mut close = *b"\x88\x80\x00\x00\x00\x00";
/// let _ = server.split().0.receive(&mut &mut close[..]);
/// assert_eq!(server.transport(), Transport::CloseAfterFlush); // its answer is outgoing
/// let n = server.outgoing().len();
/// server.consume(n);
/// assert_eq!(server.transport(), Transport::Close); // the server closes first
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Transport {
    /// Goes on: read, and write what is outgoing.
    Open,
    /// Write what is outgoing, then ask again. There is no need to read.
    CloseAfterFlush,
    /// Both close frames are out, and closing the transport is for the server: read until it ends, for a few
    /// seconds at most, and then close it.
    AwaitPeer,
    /// Close it now.
    Close,
}

/// How a connection ended (RFC 6455, sections 7.1.4 to 7.1.6).
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection, Side};
///
/// let mut server = Connection::server(&Config::new());
/// let _ = server.split().0.receive_eof();
/// let closed = server.closed().unwrap();
/// assert_eq!((closed.code, closed.clean, closed.by), (CloseCode::ABNORMAL, false, Side::Peer));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Closed<'a> {
    /// The code of the peer's close frame; [`CloseCode::NO_CODE`] if it had none, [`CloseCode::ABNORMAL`] if none came.
    pub code: CloseCode,
    /// The reason in the peer's close frame, or nothing: the peer's word, not to be trusted.
    pub reason: &'a str,
    /// Whether both ends sent a close frame.
    pub clean: bool,
    /// Who began it.
    pub by: Side,
}

/// This end of a connection, or the other.
///
/// ```
/// use ws_proto::Side;
///
/// assert_ne!(Side::Local, Side::Peer);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Side {
    /// This end: it sent a close frame of its own, not the answer that the reader owed, or found a fault.
    Local,
    /// The other end: its close frame came first, or its stream ended without one.
    Peer,
}

impl Connection {
    /// A server's end. For those behind another HTTP stack; others get theirs from
    /// [`handshake::Server`](crate::handshake::Server).
    #[must_use]
    pub const fn server(config: &Config) -> Self {
        Self { reader: Reader::new(Role::Server, config), writer: Writer::new(None, config) }
    }

    /// A client's end, whose masking keys come from `seed`. For those behind another HTTP stack; others get theirs
    /// from [`handshake::Client`](crate::handshake::Client).
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a seed is used once")]
    pub fn client(config: &Config, seed: Seed) -> Self {
        Self::client_from(config, Keys::new(&seed))
    }

    pub(crate) const fn client_from(config: &Config, keys: Keys) -> Self {
        Self { reader: Reader::new(Role::Client, config), writer: Writer::new(Some(keys), config) }
    }

    /// Compresses messages as both ends agreed in the opening handshake (RFC 7692). For those behind another HTTP
    /// stack, before the first message.
    ///
    /// ```
    /// use ws_proto::deflate::{Agreement, Compression};
    /// use ws_proto::{Config, Connection};
    ///
    /// let config = Config::new().compression(Compression::new());
    /// let agreement = Agreement::default(); // from the negotiation
    /// let connection = Connection::server(&config).with_deflate(agreement, &config);
    /// ```
    ///
    /// Without [`Config::compression`], nothing is agreed and nothing changes.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreement: Agreement, config: &Config) -> Self {
        let Some(settings) = &config.compression else {
            return self;
        };
        let server = (agreement.server_max_window_bits.unwrap_or(15), !agreement.server_no_context_takeover);
        let client = (agreement.client_max_window_bits.unwrap_or(15), !agreement.client_no_context_takeover);
        let ((inbound, takes_over), (outbound, goes_on)) = match self.role() {
            Role::Server => (client, server),
            Role::Client => (server, client),
        };
        // This end may use less than it may.
        let outbound = outbound.min(settings.outbound_window).clamp(8, 15);
        let goes_on = goes_on && settings.outbound_takeover;
        let inbound = inbound.clamp(8, 15);
        self.reader.set_decompressor(Decompressor::new(settings, inbound, takes_over, config.expansion));
        self.writer.set_compressor(Compressor::new(settings, outbound, goes_on));
        self
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.writer.role()
    }

    /// Both halves, for one task.
    #[inline]
    pub fn split(&mut self) -> (&mut Reader, &mut Writer) {
        if self.reader.ended_without_close() {
            self.end_writer();
        }
        (&mut self.reader, &mut self.writer)
    }

    /// Behind an end that owes no close frame there is nobody to send to. A pong that was owed before goes out.
    #[cold]
    fn end_writer(&mut self) {
        #[cfg(feature = "alloc")]
        if let Some(reply) = self.reader.take_reply() {
            self.writer.reply(reply);
        }
        self.writer.end();
    }

    /// Both halves, for two tasks. What the reader owes must then be carried over (see [`Reply`](crate::Reply)).
    #[must_use]
    pub fn into_split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// What to do with the transport.
    #[must_use]
    pub fn transport(&self) -> Transport {
        Transport::of(&self.reader, &self.writer)
    }

    /// How the connection ended, once no event will follow.
    #[must_use]
    pub fn closed(&self) -> Option<Closed<'_>> {
        Closed::of(&self.reader, &self.writer)
    }
}

impl Transport {
    /// What to do with the transport of two halves.
    #[must_use]
    pub fn of(reader: &Reader, writer: &Writer) -> Self {
        let Some(end) = reader.end() else {
            return Self::Open;
        };
        if reader.owes_reply() || writer.is_outgoing() {
            return Self::CloseAfterFlush;
        }
        match end {
            End::Close if writer.is_closed() && reader.role() == Role::Client && !reader.is_eof() => Self::AwaitPeer,
            _ => Self::Close,
        }
    }
}

impl<'a> Closed<'a> {
    /// How the connection of two halves ended, once no event will follow.
    #[must_use]
    pub fn of(reader: &'a Reader, writer: &Writer) -> Option<Self> {
        let abnormal = |by| Self { code: CloseCode::ABNORMAL, reason: "", clean: false, by };
        Some(match reader.end()? {
            End::Close => {
                let (code, reason) =
                    reader.close_frame().map_or((CloseCode::NO_CODE, ""), |close| (close.code, close.reason));
                let clean = writer.is_closed() || (reader.owes_close() && !writer.is_over());
                let by = if writer.has_closed_first() { Side::Local } else { Side::Peer };
                Self { code, reason, clean, by }
            }
            End::Failed(_) => abnormal(Side::Local),
            End::Eof if writer.is_closed() => abnormal(Side::Local),
            End::Eof => abnormal(Side::Peer),
        })
    }
}

#[cfg(feature = "alloc")]
impl Connection {
    /// A server's end whose answer to the handshake is outgoing.
    pub(crate) fn server_behind(config: &Config, head: Vec<u8>) -> Self {
        let mut connection = Self::server(config);
        connection.writer.queue_head(head);
        connection
    }

    /// What must be written now, in order, owed replies included. Stays until it is consumed.
    ///
    /// The pong for the newest ping is among it; to answer every ping of a batch, move each over as it comes
    /// ([`Reader::take_reply`], [`Writer::reply`]). While an earlier pong is not consumed, and at
    /// [`Config::max_pending`], it waits: a flood of pings adds one pong to what is pending.
    pub fn outgoing(&mut self) -> &[u8] {
        if (self.writer.has_room_for_pong() || self.reader.owes_close())
            && let Some(reply) = self.reader.take_reply()
        {
            self.writer.reply(reply);
        }
        self.writer.pending()
    }

    /// Takes note that the first `n` bytes of [`Connection::outgoing`] are written.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub fn consume(&mut self, n: usize) {
        self.writer.consume(n);
    }

    /// Gives the memory of empty buffers back: a connection that waits then owns none. The next message allocates.
    pub fn release(&mut self) {
        self.reader.release();
        self.writer.release();
    }
}
