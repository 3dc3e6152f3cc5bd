//! How much one call may inflate.

use super::Reader;

impl Reader {
    /// Sets how many bytes one call of [`Reader::receive`], [`Reader::receive_in_place`], [`Reader::advance`] or
    /// [`Reader::receive_chunk`] inflates at most: without limit. It holds for all calls from now on. A call that stops there
    /// has no event, and [`Reader::is_inflating`] is true behind it.
    ///
    /// For programs that serve many connections on one thread: a few KiB can inflate to many MiB. Zero counts as one. The
    /// end of a message may be up to 4,386 bytes more. Compressed bytes that inflate to less than themselves count, too,
    /// and up to 8 KiB of them may be more.
    ///
    /// Without the feature `deflate` nothing is inflated, and this changes nothing.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, Event};
    ///
    /// # #[cfg(feature = "deflate")]
    /// # {
    /// use ws_proto::deflate::{Agreement, Compression};
    ///
    /// let config = Config::new().compression(Compression::new());
    /// let connection = || Connection::server(&config).with_deflate(Agreement::default(), &config);
    /// # let mut peer = Connection::client(&config, ws_proto::Seed::predictable_for_tests(0))
    /// #     .with_deflate(Agreement::default(), &config);
    /// # peer.split().1.binary(&[7; 100_000])?;
    /// # let mut buffer = peer.outgoing().to_vec();
    /// let (mut reader, _) = connection().into_split();
    /// reader.inflate_at_most(16 << 10);
    /// let mut input = &mut buffer[..]; // a message of 100,000 bytes, compressed
    /// let mut turns = 1;
    /// while reader.receive(&mut input)? != Some(Event::Binary(&[7; 100_000])) {
    ///     assert!(reader.is_inflating());
    ///     turns += 1; // other connections have their turn here
    /// }
    /// assert_eq!(turns, 7);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn inflate_at_most(&mut self, bytes: usize) {
        #[cfg(feature = "deflate")]
        {
            self.inflate_at_most = bytes;
        }
        #[cfg(not(feature = "deflate"))]
        let _ = (self, bytes);
    }

    /// Whether the last call stopped at [`Reader::inflate_at_most`], within a compressed message that has arrived. Call again,
    /// with what is left of the input and without waiting for more, to go on. Such a call may consume no input: what is
    /// behind the message is left alone until the message is out. The codec stays with the message meanwhile.
    ///
    /// It is also true behind a piece of [`Reader::receive_chunk`] if more may come without more input. Without the feature
    /// `deflate` it is always false.
    #[must_use]
    pub fn is_inflating(&self) -> bool {
        #[cfg(feature = "deflate")]
        {
            self.decompressor.as_ref().is_some_and(|decompressor| decompressor.under_way().is_some())
        }
        #[cfg(not(feature = "deflate"))]
        false
    }
}
