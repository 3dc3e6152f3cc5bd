//! One end of an opening handshake, any bytes.

use ws_proto::handshake::{Answer, Client, ClientRequest, HandshakeError, Incoming, OriginPolicy, Rejected, Server};
use ws_proto::{Config, Seed};

use super::pieces::{cut, pieces};

/// A server is asked what `data` says: the outcome is the same in one piece and in others (see [`cut`]), and a refusal
/// is a complete response.
pub fn request(data: &[u8]) {
    let Some((bytes, lengths)) = cut(data) else { return };
    let whole = Asked::of([bytes].into_iter());
    assert_eq!(Asked::of(pieces(bytes, lengths)), whole);
    if let Some(Err((error, response))) = &whole.outcome {
        assert!(error.status().is_some());
        assert!(response.starts_with(b"HTTP/1.1 ") && response.windows(4).any(|end| end == b"\r\n\r\n"));
    }
}

/// A client is answered what `data` says: the same outcome in one piece and in others, that of a rejection with its body,
/// and no connection without the accept value of its own key.
pub fn response(data: &[u8]) {
    let Some((bytes, lengths)) = cut(data) else { return };
    let whole = Answered::of([bytes].into_iter());
    assert_eq!(Answered::of(pieces(bytes, lengths)), whole);
    if whole.outcome == Some(Ok(())) {
        let (mut client, accept) = client();
        let head = &bytes[..bytes.len() - whole.left.len()];
        assert!(head.windows(accept.len()).any(|value| value == accept));
        client.consume(0);
    }
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Asked {
    /// The request's target, or the refusal.
    outcome: Option<Result<String, (HandshakeError, Vec<u8>)>>,
    answer: Vec<u8>,
    left: Vec<u8>,
}

impl Asked {
    fn of<'w>(pieces: impl Iterator<Item = &'w [u8]>) -> Self {
        let config = Config::new().max_head(2048).max_headers(20).max_target(100);
        let mut server = Server::new(OriginPolicy::SameOrigin, &config);
        let mut asked = Self::default();
        for piece in pieces {
            let mut buffer = piece.to_vec();
            let mut input = &mut buffer[..];
            match server.receive(&mut input) {
                Ok(None) => {}
                Ok(Some(Incoming::Upgrade(request))) => {
                    asked.outcome = Some(Ok(request.target().to_owned()));
                    let mut connection = request.accept(&Answer::new(), &config).expect("an empty answer fits");
                    asked.answer = connection.outgoing().to_vec();
                }
                Ok(Some(Incoming::Plain(request))) => asked.outcome = Some(Ok(request.target().to_owned())),
                Err(refusal) => asked.outcome = Some(Err((refusal.error(), refusal.response().to_vec()))),
            }
            asked.left.extend_from_slice(input);
        }
        asked
    }
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Answered {
    outcome: Option<Result<(), HandshakeError>>,
    /// Of a rejection, with the body, whether it is complete, and whether the stream can go on.
    refused: Option<(Option<u16>, Vec<u8>, bool, bool)>,
    left: Vec<u8>,
}

impl Answered {
    fn of<'w>(pieces: impl Iterator<Item = &'w [u8]>) -> Self {
        let (mut client, _) = client();
        let mut answered = Self::default();
        let mut refused: Option<Rejected> = None;
        for piece in pieces {
            let mut buffer = piece.to_vec();
            let mut input = &mut buffer[..];
            match &mut refused {
                Some(rejected) => rejected.receive_body(&mut input),
                None => match client.receive(&mut input) {
                    Ok(None) => {}
                    Ok(Some(_)) => answered.outcome = Some(Ok(())),
                    Err(rejected) => refused = Some(rejected),
                },
            }
            answered.left.extend_from_slice(input);
        }
        if let Some(mut rejected) = refused {
            if rejected.wants_body() {
                rejected.receive_eof();
            }
            assert!(rejected.body().len() <= LIMIT);
            assert!(!rejected.can_reuse() || rejected.is_complete());
            answered.outcome = Some(Err(rejected.error()));
            let body = rejected.body().to_vec();
            answered.refused = Some((rejected.status(), body, rejected.is_complete(), rejected.can_reuse()));
        }
        answered
    }
}

/// The same client each time, and what its server has to answer.
fn client() -> (Client, [u8; 28]) {
    let request = ClientRequest::new("ws://example.com/").expect("a good URI").protocol("chat");
    let config = Config::new().max_body(LIMIT);
    let client = Client::new(request, &config, Seed::predictable_for_tests(1)).expect("a good request");
    let head = String::from_utf8(client.outgoing().to_vec()).expect("ASCII");
    let (_, key) = head.split_once("Sec-WebSocket-Key: ").expect("a key");
    let accept = ws_proto::handshake::accept_key(&key.as_bytes()[..24]);
    (client, accept)
}

/// The longest body of a rejection, in bytes.
const LIMIT: usize = 40;
