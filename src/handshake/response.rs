//! The responses of a server (RFC 9112, section 4).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::{AnswerError, HandshakeError};
use super::fault::Fault;
use super::lines::{Lines, is_reserved};

/// The 101 that opens a connection (RFC 6455, section 4.2.2), behind a 100 if the client asked for one (RFC 9110,
/// section 7.8). `extensions` is a header line, or nothing.
pub(super) fn switching(
    accept: &[u8; 28],
    protocol: Option<&str>,
    extensions: &str,
    lines: &Lines,
    expects_100: bool,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    if expects_100 {
        head.extend_from_slice(CONTINUE);
    }
    head.extend_from_slice(SWITCHING);
    head.extend_from_slice(accept);
    head.extend_from_slice(b"\r\n");
    if let Some(protocol) = protocol {
        head.extend_from_slice(b"Sec-WebSocket-Protocol: ");
        head.extend_from_slice(protocol.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(extensions.as_bytes());
    head.extend_from_slice(lines.as_str().as_bytes());
    head.extend_from_slice(b"\r\n");
    head
}

/// A response that the application wants.
pub(super) fn custom(
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
    to_head_request: bool,
) -> Result<Vec<u8>, AnswerError> {
    if matches!(status, 204 | 205 | 304) && !body.is_empty() {
        return Err(AnswerError::UnexpectedBody);
    }
    let mut lines = Lines::default();
    for (name, value) in headers {
        if is_reserved(name) {
            return Err(AnswerError::ReservedHeader);
        }
        if !lines.push(name, value) {
            return Err(AnswerError::BadHeader);
        }
    }
    Ok(complete(status, lines.as_str(), body, to_head_request))
}

/// The response that refuses a request for this fault, which a server can meet.
pub(super) fn refusal(fault: &Fault, version_8: bool, to_head_request: bool) -> Vec<u8> {
    let error = fault.error;
    let line = match error {
        HandshakeError::BadMethod => "Allow: GET\r\n",
        // Section 4.4: the versions that are served.
        HandshakeError::BadVersion | HandshakeError::UnsupportedVersion if version_8 => {
            "Sec-WebSocket-Version: 13, 8\r\n"
        }
        HandshakeError::BadVersion | HandshakeError::UnsupportedVersion => "Sec-WebSocket-Version: 13\r\n",
        _ => "",
    };
    let lines = format!("{line}Content-Type: text/plain\r\n");
    complete(error.status().unwrap_or(400), &lines, format!("{fault}\n").as_bytes(), to_head_request)
}

/// A whole response, behind which the connection is closed.
fn complete(status: u16, lines: &str, body: &[u8], to_head_request: bool) -> Vec<u8> {
    // RFC 9110, section 15.5.22: a 426 names what to upgrade to; section 7.8: and Connection then says so.
    let connection =
        if status == 426 { "Upgrade: websocket\r\nConnection: upgrade, close" } else { "Connection: close" };
    // RFC 9110, section 8.6: no length with a 204.
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("HTTP/1.1 {status} {}\r\n{connection}\r\n{lines}{length}\r\n", reason(status));
    [head.as_bytes(), if to_head_request { b"" } else { body }].concat()
}

/// What nobody reads (RFC 9112, section 4), for the statuses one meets here.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

const SWITCHING: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
