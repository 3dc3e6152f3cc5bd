//! What the peer did wrong before the connection was open.

use core::fmt;

/// What the peer did wrong in the opening handshake. There is no connection: a server writes the response of the
/// [`Refusal`](super::Refusal) and closes the transport, a client just closes it.
///
/// ```
/// use ws_proto::handshake::HandshakeError;
///
/// assert_eq!(HandshakeError::BadKey.status(), Some(400));
/// assert_eq!(HandshakeError::BadKey.to_string(), "Sec-WebSocket-Key missing, repeated or not 16 bytes in base64");
/// assert_eq!(HandshakeError::NotSwitching(403).to_string(), "response with status 403 instead of 101");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A response whose Sec-WebSocket-Accept is missing, repeated or wrong (section 4.1).
    BadAccept,
    /// A Connection header that does not name `upgrade` (section 4.1, section 4.2.1).
    BadConnection,
    /// A Content-Length that is no number, or comes with a Transfer-Encoding (RFC 9112, section 6.3).
    BadContentLength,
    /// An Expect header with anything but `100-continue` (RFC 9110, section 10.1.1).
    BadExpect,
    /// A malformed Sec-WebSocket-Extensions (section 9.1).
    BadExtensions,
    /// A malformed header line (RFC 9112, section 5).
    BadHeader,
    /// A Host that is missing, repeated or malformed (RFC 9112, section 3.2).
    BadHost,
    /// A version of HTTP that cannot be upgraded: not 1.x in a request, not 1.1 or a higher 1.x in a response.
    BadHttpVersion,
    /// A Sec-WebSocket-Key that is missing, repeated, or not 16 bytes in base64 (section 4.2.1).
    BadKey,
    /// A method other than GET, in a request for an upgrade or where nobody asked for another (section 4.2.1). CONNECT is
    /// never served.
    BadMethod,
    /// A repeated or unreadable Origin.
    BadOrigin,
    /// A response whose permessage-deflate has an unknown, repeated or malformed parameter (RFC 7692, section 7).
    BadParameter,
    /// A Sec-WebSocket-Protocol that is malformed, names a subprotocol twice in a request or more than one in a
    /// response (section 4.1).
    BadProtocol,
    /// A first line that is no request (RFC 9112, section 3).
    BadRequestLine,
    /// A first line that is no response (RFC 9112, section 4).
    BadStatusLine,
    /// A request target that is neither a path nor an absolute URI, nor the `*` of OPTIONS (RFC 9112, section 3.2).
    BadTarget,
    /// A request whose Transfer-Encoding does not end with `chunked`, or came in HTTP/1.0 (RFC 9112, sections 6.1 and 6.3).
    BadTransferEncoding,
    /// An Upgrade header that does not name `websocket`, or in a response not alone (section 4.1, section 4.2.1).
    BadUpgrade,
    /// A Sec-WebSocket-Version that is missing, repeated or no number (section 4.2.1).
    BadVersion,
    /// An Origin that the [`OriginPolicy`](super::OriginPolicy) does not allow (section 10.2).
    ForbiddenOrigin,
    /// A head above [`Config::max_head`](crate::Config::max_head).
    HeadTooLong,
    /// A response in HTTP/2: it begins with a SETTINGS frame (RFC 9113, section 3.4). The server speaks nothing else there.
    Http2,
    /// A response whose permessage-deflate lacks a parameter that the client asked for (RFC 7692, section 7.1).
    MissingParameter,
    /// A response without a subprotocol, though [`Config::require_protocol`](crate::Config::require_protocol) is on.
    MissingProtocol,
    /// A response with this status instead of 101 (section 4.1).
    NotSwitching(u16),
    /// A response that accepts an extension twice (RFC 7692, section 5).
    RepeatedExtension,
    /// A request target above [`Config::max_target`](crate::Config::max_target).
    TargetTooLong,
    /// TLS where a head was to begin: a client of `wss` at a server without TLS, or a client of `ws` at one with it.
    TlsInPlaintext,
    /// A head of more lines than [`Config::max_headers`](crate::Config::max_headers).
    TooManyHeaders,
    /// More interim responses than [`Config::max_interim`](crate::Config::max_interim).
    TooManyInterim,
    /// A response with more extensions or parameters than [`Config::max_offers`](crate::Config::max_offers).
    TooManyOffers,
    /// A request for an upgrade with a body (RFC 9110, section 7.8, would have it read first).
    UnexpectedBody,
    /// The stream ended inside the handshake (section 7.1.5: local code 1006).
    UnexpectedEof,
    /// An extension in the response that the client did not offer (section 4.1).
    UnofferedExtension,
    /// A response whose permessage-deflate has a parameter that needs an offer and had none (RFC 7692, section
    /// 7.1.2.2).
    UnofferedParameter,
    /// A subprotocol in the response that the client did not offer (section 4.1).
    UnofferedProtocol,
    /// A Sec-WebSocket-Version that is not served (section 4.4).
    UnsupportedVersion,
    /// A Sec-WebSocket-Key without any Upgrade header. A proxy in between did not forward Upgrade, which is for one hop.
    UpgradeDropped,
    /// An upgrade to `websocket` in an HTTP/1.0 request, where Upgrade means nothing (RFC 9110, section 7.8). A proxy in
    /// between speaks HTTP/1.0.
    UpgradeOverHttp10,
    /// A response whose permessage-deflate has a larger window than the client asked for (RFC 7692, section 7.1.2.1).
    WindowTooLarge,
}

impl HandshakeError {
    /// The status with which a server refuses, or `None` if no server can meet this.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        Some(match self {
            Self::ForbiddenOrigin => 403,
            Self::BadMethod => 405,
            Self::TargetTooLong => 414,
            Self::BadExpect => 417,
            Self::BadUpgrade | Self::UnsupportedVersion | Self::UpgradeDropped | Self::UpgradeOverHttp10 => 426,
            Self::HeadTooLong | Self::TooManyHeaders => 431,
            Self::BadHttpVersion => 505,
            Self::BadAccept
            | Self::BadParameter
            | Self::BadStatusLine
            | Self::Http2
            | Self::MissingParameter
            | Self::MissingProtocol
            | Self::NotSwitching(_)
            | Self::RepeatedExtension
            | Self::TooManyInterim
            | Self::TooManyOffers
            | Self::UnexpectedEof
            | Self::UnofferedExtension
            | Self::UnofferedParameter
            | Self::UnofferedProtocol
            | Self::WindowTooLarge => return None,
            _ => 400,
        })
    }

    const fn text(self) -> &'static str {
        match self {
            Self::BadAccept => "Sec-WebSocket-Accept missing, repeated or wrong",
            Self::BadConnection => "Connection does not name upgrade",
            Self::BadContentLength => "malformed Content-Length, or one beside Transfer-Encoding",
            Self::BadExpect => "unknown expectation",
            Self::BadExtensions => "malformed Sec-WebSocket-Extensions",
            Self::BadHeader => "malformed header line",
            Self::BadHost => "Host missing, repeated or malformed",
            Self::BadHttpVersion => "not HTTP/1.1",
            Self::BadKey => "Sec-WebSocket-Key missing, repeated or not 16 bytes in base64",
            Self::BadMethod => "method other than GET",
            Self::BadOrigin => "repeated or unreadable Origin",
            Self::BadParameter => "unknown, repeated or malformed parameter of permessage-deflate",
            Self::BadProtocol => "Sec-WebSocket-Protocol malformed or with a repetition",
            Self::BadRequestLine => "malformed request line",
            Self::BadStatusLine => "malformed status line",
            Self::BadTarget => "malformed request target",
            Self::BadTransferEncoding => "body whose Transfer-Encoding does not end with chunked, or is in HTTP/1.0",
            Self::BadUpgrade => "Upgrade does not name websocket, or not it alone",
            Self::BadVersion => "Sec-WebSocket-Version missing, repeated or malformed",
            other => other.text_of_others(),
        }
    }

    /// What is not malformed by itself.
    const fn text_of_others(self) -> &'static str {
        match self {
            Self::ForbiddenOrigin => "origin not allowed",
            Self::HeadTooLong => "head above the limit",
            Self::Http2 => "response in HTTP/2: the server does not speak HTTP/1.1 here",
            Self::MissingParameter => "missing parameter of permessage-deflate",
            Self::MissingProtocol => "none of the offered subprotocols chosen",
            Self::RepeatedExtension => "extension accepted twice",
            Self::TargetTooLong => "request target above the limit",
            Self::TlsInPlaintext => "TLS on a plain connection: use wss:// at both ends, or ws:// at both",
            Self::TooManyHeaders => "too many header lines",
            Self::TooManyInterim => "too many interim responses",
            Self::TooManyOffers => "too many extensions or parameters",
            Self::UnexpectedBody => "request for an upgrade with a body",
            Self::UnexpectedEof => "end of stream inside the handshake",
            Self::UnofferedExtension => "extension that was not offered",
            Self::UnofferedParameter => "parameter of permessage-deflate that was not offered",
            Self::UnofferedProtocol => "subprotocol that was not offered",
            Self::UnsupportedVersion => "unsupported Sec-WebSocket-Version",
            Self::UpgradeDropped => {
                "Sec-WebSocket-Key without Upgrade: a proxy in between must forward Upgrade and Connection"
            }
            Self::UpgradeOverHttp10 => {
                "upgrade in HTTP/1.0: a proxy in between must speak HTTP/1.1 (nginx: proxy_http_version 1.1) and forward \
                 Upgrade and Connection"
            }
            Self::WindowTooLarge => "larger window than the client asked for",
            _ => "another fault",
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSwitching(status) => write!(f, "response with status {status} instead of 101"),
            error => f.write_str(error.text()),
        }
    }
}

impl core::error::Error for HandshakeError {}

/// What the caller of a server did wrong. The request is as it was, and can still be answered.
///
/// ```
/// use ws_proto::handshake::AnswerError;
///
/// assert_eq!(AnswerError::ReservedHeader.to_string(), "header that the handshake sets itself");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AnswerError {
    /// A header whose name is no token, or whose value has a line end or another control character.
    BadHeader,
    /// A status that does not fit: a refusal has 300 to 599, a response to a plain request 200 to 599.
    BadStatus,
    /// A subprotocol that the client did not offer (section 4.2.2).
    ProtocolNotOffered,
    /// A header that the handshake sets itself: Upgrade, Connection, Content-Length, Transfer-Encoding, and with a 101
    /// all that begin with Sec-WebSocket.
    ReservedHeader,
    /// A body with a status that never has one: 204, 205, 304.
    UnexpectedBody,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadHeader => "malformed header",
            Self::BadStatus => "status that does not fit the response",
            Self::ProtocolNotOffered => "subprotocol that the client did not offer",
            Self::ReservedHeader => "header that the handshake sets itself",
            Self::UnexpectedBody => "body with a status that has none",
        })
    }
}

impl core::error::Error for AnswerError {}

/// What the caller of a client did wrong. Nothing was made that could be sent.
///
/// ```
/// use ws_proto::handshake::{ClientRequest, RequestError};
///
/// assert_eq!(ClientRequest::new("http://example.com").unwrap_err(), RequestError::BadScheme);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// A URI with a blank, a control character or one that is not ASCII.
    BadCharacter,
    /// A header whose name is no token, or whose value has a line end or another control character.
    BadHeader,
    /// A URI whose host is missing or malformed, or whose port is none.
    BadHost,
    /// A subprotocol whose name is no token.
    BadProtocol,
    /// A URI whose scheme is neither `ws` nor `wss`.
    BadScheme,
    /// A URI with a fragment.
    Fragment,
    /// A subprotocol that is offered twice, or a second Origin.
    Repeated,
    /// A header that the handshake sets itself: Host, Upgrade, Connection, Origin, Content-Length, Transfer-Encoding,
    /// Expect, and all that begin with Sec-WebSocket.
    ReservedHeader,
    /// A URI with a user name: send it in an Authorization header.
    UserInfo,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCharacter => "URI with a blank or a character that is not ASCII",
            Self::BadHeader => "malformed header",
            Self::BadHost => "URI with a malformed host or port",
            Self::BadProtocol => "malformed subprotocol",
            Self::BadScheme => "URI with a scheme other than ws and wss",
            Self::Fragment => "URI with a fragment",
            Self::Repeated => "subprotocol or origin given twice",
            Self::ReservedHeader => "header that the handshake sets itself",
            Self::UserInfo => "URI with a user name",
        })
    }
}

impl core::error::Error for RequestError {}
