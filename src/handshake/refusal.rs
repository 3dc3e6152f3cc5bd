//! A request that a server refuses.

use alloc::vec::Vec;
use core::fmt;

use super::error::HandshakeError;
use super::fault::Fault;
use super::response;

/// A request that was refused: write the response, close the transport.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::handshake::{HandshakeError, OriginPolicy, Server};
///
/// let mut server = Server::new(OriginPolicy::Any, &Config::new());
/// let mut bytes = *b"GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n";
/// let refusal = server.receive(&mut &mut bytes[..]).unwrap_err();
/// assert_eq!(refusal.error(), HandshakeError::UpgradeOverHttp10);
/// assert!(refusal.response().starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
/// assert!(refusal.response().ends_with(b"(nginx: proxy_http_version 1.1) and forward Upgrade and Connection\n"));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Refusal {
    fault: Fault,
    response: Vec<u8>,
}

impl Refusal {
    pub(super) fn new(fault: Fault, version_8: bool, to_head_request: bool) -> Self {
        let response = response::refusal(&fault, version_8, to_head_request);
        Self { fault, response }
    }

    /// What is wrong. The text of the refusal itself may say more: which origin, at which host.
    #[must_use]
    pub const fn error(&self) -> HandshakeError {
        self.fault.error
    }

    /// The complete response. Its body is the text of this refusal, and names the likely cause and the remedy.
    #[must_use]
    pub fn response(&self) -> &[u8] {
        &self.response
    }
}

/// Without the response: what the peer sent may be in it.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("error", &self.error())
            .field("response_len", &self.response.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl core::error::Error for Refusal {}
