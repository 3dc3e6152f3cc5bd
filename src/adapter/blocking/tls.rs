//! TLS over TCP, as its client, for threads that read and write at once.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;

use super::monitor::lock;
use super::timed::Progress;
use super::wire::Wire;
use super::{Error, Input};
use crate::adapter::input::or_eof;
use crate::adapter::session::Session;

/// A session, and what is on its way between it and the stream. While a thread waits for the stream it holds the lock
/// of its direction, and never that of the session: so whoever reads and whoever writes do not wait for each other.
#[derive(Debug)]
pub(super) struct Tls {
    session: Mutex<Session>,
    reading: Mutex<Input>,
    writing: Mutex<Output>,
}

/// What is encrypted and not written.
#[derive(Debug, Default)]
struct Output {
    bytes: VecDeque<u8>,
    /// Whether the stream did not take all that it was given last.
    refused: bool,
}

impl Tls {
    /// Performs the handshake.
    pub(super) fn open(mut session: Session, wire: &mut Wire<TcpStream>) -> Result<Self, Error> {
        loop {
            flush(&mut session, wire)?;
            if !session.is_handshaking() {
                break;
            }
            if wire.input.rest().is_empty() && wire.read()? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if let Err(error) = wire.input.lend(|bytes| take(&mut session, bytes)) {
                let _ = flush(&mut session, wire); // the alert
                return Err(error.into());
            }
        }
        Ok(Self {
            session: Mutex::new(session),
            reading: Mutex::new(Input::holding(wire.input.rest())),
            writing: Mutex::default(),
        })
    }

    /// Reads from the stream once at most. If nothing is decrypted by then, the error is `Interrupted`.
    pub(super) fn read_once(&self, mut tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = lock(&self.reading);
        match lock(&self.session).reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        if input.rest().is_empty() {
            input.fill(|buffer| or_eof(tcp.read(buffer)))?;
        }
        input.lend(|bytes| take(&mut lock(&self.session), bytes)).inspect_err(|_| self.alert(tcp))?;
        Err(io::ErrorKind::Interrupted.into())
    }

    /// What is taken is written now or, after a time-out, by the next call. An error comes from the next call too.
    pub(super) fn write(&self, tcp: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut output = lock(&self.writing);
        self.send(&mut output, tcp)?;
        let n = lock(&self.session).writer().write_vectored(slices)?;
        let _ = self.send(&mut output, tcp);
        Ok(n)
    }

    pub(super) fn flush(&self, tcp: &TcpStream) -> io::Result<()> {
        self.send(&mut lock(&self.writing), tcp)
    }

    /// Ends the sending direction of the session.
    pub(super) fn close(&self, tcp: &TcpStream) -> io::Result<()> {
        lock(&self.session).send_close_notify();
        self.flush(tcp)
    }

    /// Writes what the session has encrypted. A short write is one that ran out of time.
    fn send(&self, output: &mut Output, mut tcp: &TcpStream) -> io::Result<()> {
        loop {
            let mut session = lock(&self.session);
            while session.wants_write() {
                session.write_tls(&mut output.bytes)?;
            }
            drop(session);
            let bytes = output.bytes.as_slices().0;
            if bytes.is_empty() {
                return Ok(());
            }
            let all = bytes.len();
            let n = match tcp.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    output.refused = true;
                    return Err(error);
                }
            };
            drop(output.bytes.drain(..n));
            let had_refused = core::mem::replace(&mut output.refused, n < all);
            match (output.refused, had_refused) {
                (true, true) => return Err(io::Error::new(io::ErrorKind::WouldBlock, Progress)),
                (true, false) => return Err(io::ErrorKind::WouldBlock.into()),
                (false, _) => {}
            }
        }
    }

    /// Tells the peer what is wrong, unless the other thread is writing and will do so.
    fn alert(&self, tcp: &TcpStream) {
        if let Ok(mut output) = self.writing.try_lock() {
            let _ = self.send(&mut output, tcp);
        }
    }
}

/// Lets the session look at the next bytes, or at the end of the stream if there are none.
fn take(session: &mut Session, bytes: &mut &mut [u8]) -> io::Result<()> {
    let n = session.read_tls(&mut &**bytes)?;
    *bytes = core::mem::take(bytes).split_at_mut(n).1;
    match session.process_new_packets() {
        Ok(_) => Ok(()),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// Writes what the session has to say in the handshake.
fn flush(session: &mut Session, wire: &mut Wire<TcpStream>) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut bytes)?;
    }
    wire.write(&bytes)
}
