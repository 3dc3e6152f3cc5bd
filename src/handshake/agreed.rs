//! What came of the extensions that were offered: the one place that knows which of them there are.

use alloc::string::String;
#[cfg(feature = "deflate")]
use core::fmt::{self, Write};

use super::error::HandshakeError;
#[cfg(feature = "deflate")]
use super::extensions;
use super::head::Head;
use super::offers;
use crate::config::Config;
use crate::connection::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::Agreement;

/// The extensions of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<Agreement>,
}

#[cfg(feature = "deflate")]
impl Agreed {
    /// The header line of a client's request, or nothing.
    pub(super) fn offer(config: &Config) -> String {
        config.compression.as_deref().map(|settings| line(extensions::offer(settings))).unwrap_or_default()
    }

    /// What a server accepts of a well-formed request.
    pub(super) fn choose(head: &Head, max_offers: usize, config: &Config) -> Self {
        let offers = offers::offers(head, max_offers).filter_map(Result::ok);
        Self { deflate: config.compression.as_deref().and_then(|settings| extensions::accept_offer(offers, settings)) }
    }

    /// What a client makes of a well-formed response.
    pub(super) fn check(head: &Head, config: &Config) -> Result<Self, HandshakeError> {
        let offer = config.compression.as_deref().map(extensions::offer).unwrap_or_default();
        let answer = offers::extensions(head).filter_map(Result::ok);
        Ok(Self { deflate: extensions::check_answer(&offer, answer)? })
    }

    /// The header line of a server's response, or nothing: a header without a value would break some clients.
    pub(super) fn answer(self) -> String {
        self.deflate.map(line).unwrap_or_default()
    }

    pub(super) fn apply(self, connection: Connection, config: &Config) -> Connection {
        match self.deflate {
            Some(agreement) => connection.with_deflate(agreement, config),
            None => connection,
        }
    }
}

#[cfg(feature = "deflate")]
fn line(value: impl fmt::Display) -> String {
    let mut line = String::with_capacity(160); // all parameters
    let _ = write!(line, "Sec-WebSocket-Extensions: {value}\r\n"); // a `String` takes all
    line
}

#[cfg(not(feature = "deflate"))]
#[expect(clippy::unused_self, reason = "there is nothing in it")]
impl Agreed {
    pub(super) const fn offer(_: &Config) -> String {
        String::new()
    }

    pub(super) const fn choose(_: &Head, _: usize, _: &Config) -> Self {
        Self {}
    }

    pub(super) fn check(head: &Head, _: &Config) -> Result<Self, HandshakeError> {
        match offers::extensions(head).next() {
            Some(_) => Err(HandshakeError::UnofferedExtension),
            None => Ok(Self {}),
        }
    }

    pub(super) const fn answer(self) -> String {
        String::new()
    }

    pub(super) const fn apply(self, connection: Connection, _: &Config) -> Connection {
        connection
    }
}
