//! The opening handshake (RFC 6455, section 4): two small machines that end in a [`Connection`](crate::Connection).
//!
//! Both take bytes as a cursor into the caller's buffer, cut as they come, and leave it right behind the HTTP head:
//! what is still there are the first frames. Neither asks for anything back at once, so that a server may look into a
//! database before it answers, and nothing is sent that was not taken from it.
//!
//! Both roles, back to back in memory:
//!
//! ```
//! use ws_proto::handshake::{Answer, Client, ClientRequest, Incoming, OriginPolicy, Server};
//! use ws_proto::{Config, Event, Seed};
//!
//! let config = Config::new();
//!
//! // The client asks.
//! let request = ClientRequest::new("ws://server.example.com/chat")?
//!     .protocol("superchat")
//!     .protocol("chat")
//!     .origin("http://server.example.com");
//! let mut client = Client::new(request, &config, Seed::predictable_for_tests(1))?;
//! let mut wire = client.outgoing().to_vec();
//! client.consume(wire.len());
//!
//! // The server judges, and either answers a good request or has the response to another.
//! let mut server = Server::new(OriginPolicy::SameOrigin, &config);
//! let mut input = &mut wire[..];
//! let request = match server.receive(&mut input) {
//!     Ok(Some(Incoming::Upgrade(request))) => request,
//!     Ok(Some(Incoming::Plain(request))) => return Ok(write_and_close(request.refuse().response())),
//!     Ok(None) => return Ok(()), // read more
//!     Err(refusal) => return Ok(write_and_close(refusal.response())),
//! };
//! assert_eq!((request.path(), request.host()), ("/chat", "server.example.com"));
//! let mut answer = Answer::new().header("X-Request-Id", "7");
//! if let Some(protocol) = request.choose(&["chat"]) {
//!     answer = answer.protocol(protocol);
//! }
//! let mut at_server = request.accept(&answer, &config)?;
//! at_server.split().1.text("welcome")?; // goes out behind the 101
//!
//! // The client judges the answer, and reads on.
//! let mut wire = at_server.outgoing().to_vec();
//! at_server.consume(wire.len());
//! let mut input = &mut wire[..];
//! let response = client.receive(&mut input)?.expect("the whole response");
//! assert_eq!(response.protocol(), Some("chat"));
//! assert_eq!(response.header("x-request-id"), Some(&b"7"[..]));
//! let mut at_client = response.into_connection();
//! assert_eq!(at_client.split().0.receive(&mut input)?, Some(Event::Text("welcome")));
//!
//! fn write_and_close(response: &[u8]) {}
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What stays with the program
//!
//! - A client opens no second connection to an address while one is still in its handshake, asks a proxy with CONNECT
//!   first, and for `wss` finishes TLS, with the server's name sent and its certificate checked, before the first byte
//!   of the request (RFC 6455, section 4.1). The machine has no sockets, so it can do none of these.
//! - A deadline for the whole handshake: a peer that sends a byte now and then is only stopped by a clock. The
//!   program has it; [`timers`](crate::timers) say when.
//! - How much is read ahead. Neither machine keeps a byte that is behind the head: what a client sends before it has
//!   its answer waits in the caller's buffer, which is as large as the caller made it.
//! - Redirections and 401 are not followed (a [`Rejected`] has what it takes), and no cookie or credential goes to
//!   another host by itself.
//! - Why a handshake failed is not for the scripts of strangers: it would tell them about networks they cannot see.
//!
//! # Choices
//!
//! Where the RFCs leave a choice, the strict reading is taken: lone CR or LF, control characters, folded lines in a
//! request, a body in a request for an upgrade, the same subprotocol offered twice and malformed extensions are refused.
//! [`Config::lenient_handshake`](crate::Config::lenient_handshake) takes a little of that back. A folded line
//! in a response is unfolded, as RFC 9112, section 5.2, demands of user agents. Names of subprotocols, extensions and
//! their parameters are compared byte by byte. A client that offered subprotocols accepts that the server chose none,
//! unless [`Config::require_protocol`](crate::Config::require_protocol) is on.
//!
//! Behind hyper, axum and whatever else has the types of the crate `http`, the feature of that name has
//! `Request::from_http`, `Request::accept_http` and `Refusal::to_http` for servers, `Client::to_http` and
//! `Client::receive_http` for clients. Behind any other HTTP stack, [`accept_key`], [`OriginPolicy::allows`],
//! [`fields`] and, for compression, `extensions` are what remains of this module, and
//! [`Connection::server`](crate::Connection::server) or [`Connection::client`](crate::Connection::client) goes on.

#[cfg(feature = "deflate")]
pub mod extensions;
pub mod fields;

mod accept;
mod agreed;
mod client;
mod client_request;
mod error;
mod fault;
mod framing;
mod gather;
mod head;
#[cfg(feature = "http")]
mod http;
mod kinds;
mod lines;
mod offers;
mod origin;
mod refusal;
mod rejected;
mod request;
mod response;
mod response_body;
mod server;
mod uri;

pub use self::accept::accept_key;
pub use self::client::{Client, Response};
pub use self::client_request::ClientRequest;
pub use self::error::{AnswerError, HandshakeError, RequestError};
pub use self::origin::{BadOrigin, OriginPolicy, Origins};
pub use self::refusal::Refusal;
pub use self::rejected::Rejected;
pub use self::request::{Answer, Incoming, PlainRequest, Request, RequestHead};
pub use self::server::Server;
pub use self::uri::Uri;
