//! The sending methods, the same on every type that has them.

/// Methods over a `send` that waits for room and takes what to say to the writer.
macro_rules! sending {
    () => {
        /// Sends a text message.
        ///
        /// # Cancel safety
        ///
        /// Dropped before it is ready, the message is either not sent at all, or queued as a whole and written with
        /// the next flush.
        ///
        /// # Errors
        ///
        /// [`Error::Send`] if it was refused, and nothing was sent. [`Error::Io`].
        pub async fn text(&mut self, text: &str) -> Result<(), Error> {
            self.send(|writer, write| writer.text_through(text, write)).await
        }

        /// Sends a binary message.
        ///
        /// # Cancel safety
        ///
        /// As `text`.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub async fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
            self.send(|writer, write| writer.binary_through(bytes, write)).await
        }

        /// Sends the next fragment of a message (see [`Writer::fragment`]).
        ///
        /// # Cancel safety
        ///
        /// As `text`, for the fragment.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub async fn fragment(&mut self, kind: Kind, bytes: &[u8], last: bool) -> Result<(), Error> {
            self.send(|writer, _| writer.fragment(kind, bytes, last)).await
        }

        /// Sends a ping with at most 125 bytes.
        ///
        /// # Cancel safety
        ///
        /// As `text`.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
            self.send(|writer, _| writer.ping(payload)).await
        }

        /// Sends the close frame, once; it does not wait for room. Go on receiving until the end: that is the peer's
        /// turn, for the time of [`Config::closing_timeout`](crate::Config::closing_timeout).
        ///
        /// # Cancel safety
        ///
        /// As `text`.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
            self.say(Sending::Waits, |writer| writer.close(code, reason))?;
            self.flush().await
        }
    };
}
