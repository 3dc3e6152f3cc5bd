//! Messages that are lent from the caller's buffer, even if a read cuts them.

use super::Reader;
use super::event::Event;
use crate::error::Error;

impl Reader {
    /// As [`Reader::receive`], but a message in one frame whose end is not in `input` stays there, untouched, if the frame
    /// has at most `most` bytes with its header. Read on behind it and come again with all of it: then it is lent from
    /// there, too, and not copied. `most` is what the caller's buffer can hold.
    ///
    /// For streams that have more to read now. Before waiting for the peer, and at the end of the stream, hand what is
    /// left to [`Reader::advance`]: that fails at once if it is wrong (section 8.1), and else keeps it.
    ///
    /// ```
    /// use std::io::Read;
    /// use ws_proto::{Config, Connection, Event};
    ///
    /// let (mut reader, _) = Connection::client(&Config::new(), ws_proto::Seed::predictable_for_tests(0)).into_split();
    /// let wire = [&b"\x81\x7e\x03\xe8"[..], &[b'a'; 1000]].concat().repeat(50);
    /// let (mut stream, mut buffer, mut left, mut texts) = (&wire[..], [0; 4096], 0, 0);
    /// loop {
    ///     let n = stream.read(&mut buffer[left..])?;
    ///     if n == 0 {
    ///         break;
    ///     }
    ///     let end = left + n;
    ///     let mut input = &mut buffer[..end];
    ///     while let Some(event) = reader.receive_in_place(&mut input, 4096)? {
    ///         assert!(matches!(event, Event::Text(text) if text.len() == 1000));
    ///         texts += 1;
    ///     }
    ///     if end < 4096 {
    ///         reader.advance(&mut input)?; // the stream had no more, so that the next read may wait
    ///     }
    ///     left = input.len();
    ///     buffer.copy_within(end - left..end, 0);
    /// }
    /// assert_eq!(texts, 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Reader::receive`]: of a header at its first wrong byte.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `receive`")]
    pub fn receive_in_place<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
        most: usize,
    ) -> Result<Option<Event<'a>>, Error> {
        self.lend(input, |reader, input| reader.advance_unless_cut(input, most))
    }

    #[inline(never)]
    fn advance_unless_cut(&mut self, input: &mut &mut [u8], most: usize) -> Result<bool, Error> {
        if self.pieces.is_cut(input, most) { Ok(false) } else { self.advance(input) }
    }
}
