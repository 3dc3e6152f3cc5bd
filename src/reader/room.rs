//! Large messages, read to where they belong.

use super::{Reader, Ready};
use crate::mask;

impl Reader {
    /// Where the next bytes of a binary message belong: read them there, say how many they are with
    /// [`Reader::filled`], and they are not copied. `None` if it would be fewer than `least` bytes; then read elsewhere, for
    /// [`Reader::receive`]. Where a read is a system call, `least` is how much another one would bring.
    ///
    /// To be asked before a read, when all input is consumed. Not for who receives in chunks.
    ///
    /// ```
    /// use std::io::Read;
    /// use ws_proto::{Config, Connection, Event};
    ///
    /// let (mut reader, _) = Connection::server(&Config::new()).into_split();
    /// let wire = [&b"\x82\xff\0\0\0\0\0\x02\0\0\0\0\0\0"[..], &[7; 131_072]].concat();
    /// let (mut stream, mut buffer) = (&wire[..], [0; 4096]);
    /// loop {
    ///     let found = match reader.room(4096) {
    ///         Some(room) => {
    ///             let n = stream.read(room)?;
    ///             reader.filled(n)
    ///         }
    ///         None => {
    ///             let n = stream.read(&mut buffer)?;
    ///             reader.advance(&mut &mut buffer[..n])?
    ///         }
    ///     };
    ///     if found {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(reader.event(), Some(Event::Binary(&[7; 131_072])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn room(&mut self, least: usize) -> Option<&mut [u8]> {
        let least = least.max(1); // a read into nothing would look like the end of the stream
        let missing = self.pieces.missing().filter(|missing| *missing >= least)?;
        self.done();
        let room = self.message.room(missing);
        if room.len() < least {
            return None;
        }
        self.ready = Ready::Room(room.len());
        Some(room)
    }

    /// Takes note that the first `n` bytes of [`Reader::room`] were read; whether they end the message, which is then in
    /// [`Reader::event`].
    ///
    /// # Panics
    ///
    /// If there was no room for as many.
    pub fn filled(&mut self, n: usize) -> bool {
        let left = self.pieces.missing().unwrap_or_default();
        let room = if let Ready::Room(room) = self.ready { room.min(left) } else { 0 };
        assert!(n <= room, "filled more than there was room");
        if n == 0 {
            return false;
        }
        let is_whole = self.pieces.is_last() && n == left;
        let bytes = self.message.fill(n);
        if let Some(key) = self.pieces.pass(n) {
            mask::apply(bytes, key);
        }
        self.ready = if is_whole { Ready::Message } else { Ready::Nothing };
        is_whole
    }
}
