//! The sending methods, the same on every type that has them.

/// Methods over a `send` that waits for room and takes what to say to the writer.
macro_rules! sending {
    () => {
        /// Sends a text message: queues it, and writes as much as the stream takes now. Waits only while
        /// [`Config::max_pending`](crate::Config::max_pending) bytes are queued. What is left is written when either half is
        /// used again; [`flush`](Self::flush) waits for that.
        ///
        /// # Cancel safety
        ///
        /// Dropped before it is ready, the message is not sent at all.
        ///
        /// # Errors
        ///
        /// [`Error::Send`] if it was refused, and nothing was sent. Why the connection is over, if it is: [`Error::Io`] if a
        /// write failed, [`Error::TimedOut`] if the peer took nothing for too long.
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

        /// Sends the close frame, once, and waits until it is written; it does not wait for room. Go on receiving until the
        /// end: that is the peer's turn, for the time of [`Config::closing_timeout`](crate::Config::closing_timeout). A peer
        /// that takes nothing for as long ends this call, too.
        ///
        /// # Cancel safety
        ///
        /// Dropped before it is ready, the close frame is queued, and written as what is queued is.
        ///
        /// # Errors
        ///
        /// As `text`.
        pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
            self.end(code, reason).await
        }
    };
}
