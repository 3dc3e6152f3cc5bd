//! Header lines to be sent (RFC 9112, section 5).

use alloc::string::String;
use core::fmt;

use super::fields::is_token;
use super::head::Shown;
use super::kinds::is_text_byte;

/// Header lines, each checked before it is added: nothing in them can end a line early (section 11.1).
#[derive(Clone, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds a line; false, and nothing is added, if name or value cannot be in one.
    pub(super) fn push(&mut self, name: &str, value: &str) -> bool {
        let ok = is_token(name.as_bytes()) && value.bytes().all(is_text_byte);
        if ok {
            for part in [name, ": ", value, "\r\n"] {
                self.0.push_str(part);
            }
        }
        ok
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines().filter_map(|line| line.split_once(": "));
        f.debug_map().entries(lines.map(|(name, value)| (name, Shown { name, value: value.as_bytes() }))).finish()
    }
}

/// Whether the sender of a head sets this field itself, or must not set it at all.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

/// Whether a field belongs to the handshake.
pub(super) fn is_websocket(name: &str) -> bool {
    name.as_bytes().get(..WEBSOCKET.len()).is_some_and(|start| start.eq_ignore_ascii_case(WEBSOCKET))
}

const RESERVED: [&str; 4] = ["connection", "content-length", "transfer-encoding", "upgrade"];
const WEBSOCKET: &[u8] = b"sec-websocket-";
