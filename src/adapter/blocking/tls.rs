//! TLS over TCP, as its client, for threads that read and write at once.

use alloc::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;

use super::Input;
use super::halves::lock;
use crate::adapter::session::Session;

/// A session, and what is on its way between it and the stream. While a thread waits for the stream it holds the lock
/// of its direction, and never that of the session: so whoever reads and whoever writes do not wait for each other.
#[derive(Debug)]
pub(super) struct Tls {
    session: Mutex<Session>,
    reading: Mutex<Input>,
    writing: Mutex<VecDeque<u8>>,
}

impl Tls {
    /// Performs the handshake.
    pub(super) fn open(mut session: Session, mut tcp: &TcpStream) -> io::Result<Self> {
        while session.is_handshaking() {
            session.complete_io(&mut tcp)?;
        }
        Ok(Self {
            session: Mutex::new(session),
            reading: Mutex::new(Input::holding(&[])),
            writing: Mutex::new(VecDeque::new()),
        })
    }

    pub(super) fn read(&self, mut tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = lock(&self.reading);
        loop {
            match lock(&self.session).reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if input.rest().is_empty() {
                input.fill(&mut tcp)?;
            }
            input.lend(|bytes| self.receive(bytes)).inspect_err(|_| self.alert(tcp))?;
        }
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

    /// Lets the session look at the next bytes, or at the end of the stream if there are none.
    fn receive(&self, bytes: &mut &mut [u8]) -> io::Result<()> {
        let mut session = lock(&self.session);
        let n = session.read_tls(&mut &**bytes)?;
        *bytes = core::mem::take(bytes).split_at_mut(n).1;
        match session.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Writes what the session has encrypted.
    fn send(&self, output: &mut VecDeque<u8>, mut tcp: &TcpStream) -> io::Result<()> {
        loop {
            let mut session = lock(&self.session);
            while session.wants_write() {
                session.write_tls(output)?;
            }
            drop(session);
            if output.is_empty() {
                return Ok(());
            }
            match tcp.write(output.as_slices().0) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => drop(output.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
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
