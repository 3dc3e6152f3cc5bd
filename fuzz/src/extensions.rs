//! Extensions and subprotocols of any bytes, through both sides of the negotiation.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::handshake::extensions::{accept_offer, check_answer, offer};
use ws_proto::handshake::fields::{self, BadField, Extension};
use ws_proto::handshake::{Answer, Client, ClientRequest, Incoming, OriginPolicy, Server, accept_key};
use ws_proto::{Config, Seed};

/// `data`: how the client compresses, how the server does (see [`compression`]), a byte of choices (1: the client does
/// not compress; 2: the server does not; from 252 on, the first value is repeated up to 128 KiB), and lines: by turns a
/// value of Sec-WebSocket-Extensions and one of Sec-WebSocket-Protocol.
///
/// What a server accepts, its client must take from its answer; functions and machines must judge the same; and a long
/// value must cost what its length is.
pub fn extensions(data: &[u8]) {
    let &[client, server, choices, ref rest @ ..] = data else { return };
    let ends = [End::new(client, choices & 1 == 0), End::new(server, choices & 2 == 0)];
    let [client, server] = &ends;
    let lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let values = Values {
        extensions: lines.iter().copied().step_by(2).collect(),
        protocols: lines.iter().copied().skip(1).step_by(2).collect(),
    };
    // With line feeds, which no head lets through.
    let _ = Values { extensions: vec![rest], protocols: vec![rest] }.negotiate(client, server);
    let accepted = values.negotiate(client, server);
    values.ask(server, accepted);
    values.answer(client);
    values.shake_hands(client, server);
    if choices >= 252 {
        check_time(values.extensions[0], client, server);
    }
}

/// Bits: 1 and 2, no takeover, outbound and inbound; 4, lean; the next two the outbound window, the rest the inbound
/// one.
fn compression(bits: u8) -> Compression {
    let windows = [15, 8, 9, 12];
    let compression = Compression::new()
        .outbound_takeover(bits & 1 == 0)
        .inbound_takeover(bits & 2 == 0)
        .lean(bits & 4 != 0)
        .outbound_window(windows[usize::from(bits >> 3 & 3)]);
    if bits >> 5 == 0 { compression } else { compression.inbound_window(8 + (bits >> 5)) }
}

/// A client or a server.
struct End {
    compression: Compression,
    /// Whether it compresses at all.
    is_on: bool,
    config: Config,
}

impl End {
    fn new(bits: u8, is_on: bool) -> Self {
        let compression = compression(bits);
        let config = if is_on { Config::new().compression(compression.clone()) } else { Config::new() };
        Self { compression, is_on, config }
    }

    /// What it offers as a client.
    fn offer(&self) -> String {
        if self.is_on { offer(&self.compression) } else { String::new() }
    }
}

/// Of the header lines with either name.
struct Values<'d> {
    extensions: Vec<&'d [u8]>,
    protocols: Vec<&'d [u8]>,
}

impl<'d> Values<'d> {
    fn found(&self) -> Result<Vec<Extension<'d>>, BadField> {
        self.extensions.iter().flat_map(|value| fields::extensions(value)).collect()
    }

    fn names(&self) -> Result<Vec<&'d str>, BadField> {
        self.protocols.iter().flat_map(|value| fields::tokens(value)).collect()
    }

    /// The offers that a server looks at, and those of them that it takes for offers.
    fn found_first(&self) -> Result<Vec<Extension<'d>>, BadField> {
        self.extensions.iter().flat_map(|value| fields::extensions(value)).take(LIMIT).collect()
    }

    fn offered(&self) -> Result<Vec<Extension<'d>>, BadField> {
        let mut offers = self.found_first()?;
        offers.retain(|offer| offer.params().count() <= LIMIT);
        Ok(offers)
    }

    /// The subprotocols that a server looks at.
    fn names_first(&self) -> Result<Vec<&'d str>, BadField> {
        self.protocols.iter().flat_map(|value| fields::tokens(value)).take(LIMIT).collect()
    }

    /// The functions alone: what a server accepts of the offers.
    fn negotiate(&self, client: &End, server: &End) -> Option<Agreement> {
        assert_eq!(self.names(), naive_tokens(&self.protocols));
        let found = self.found().ok()?;
        // As an answer to a client of ours.
        let offered = offer(&client.compression);
        if let Ok(Some(agreement)) = check_answer(&offered, found.iter().copied()) {
            assert_eq!(found.len(), 1);
            assert_eq!(check(&offered, &agreement.to_string()), Some(agreement));
        }
        let taken = Cell::new(0);
        let offers = found.iter().copied().inspect(|_| taken.set(taken.get() + 1));
        let agreement = accept_offer(offers, &server.compression);
        assert!(taken.get() <= found.len());
        // Section 9.1: lines are one list.
        let joined = self.extensions.join(&b", "[..]);
        let joined = str::from_utf8(&joined).expect("what is well formed is ASCII");
        assert!(fields::extensions(joined.as_bytes()).eq(found.iter().copied().map(Ok)));
        if let Some(agreement) = agreement {
            assert_eq!(check(joined, &agreement.to_string()), Some(agreement), "an answer that its client refuses");
        } else {
            let _ = check_answer(joined, found.iter().copied());
        }
        agreement
    }

    /// A server reads a request with these lines; `accepted` is what it accepts of all of them if it compresses.
    fn ask(&self, server: &End, accepted: Option<Agreement>) {
        let mut head = [
            b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
            &*self.lines(),
            b"\r\n",
        ]
        .concat();
        let request = match Server::new(OriginPolicy::Any, &server.config).receive(&mut &mut head[..]) {
            Ok(Some(Incoming::Upgrade(request))) => request,
            Ok(other) => panic!("{other:?} is none of these"),
            Err(refusal) => {
                assert!(refusal.error().status().is_some());
                return assert!(!self.is_good(), "{:?} of a good request", refusal.error());
            }
        };
        let offered = self.offered().expect("what is malformed is refused");
        assert!(request.extensions().eq(offered.iter().copied()));
        assert!(self.names_first().is_ok_and(|names| request.protocols().eq(names)));
        let agreement = request.agreement(&server.config);
        if self.found().is_ok_and(|found| found == offered) {
            assert_eq!(agreement, accepted.filter(|_| server.is_on));
        }
        assert_eq!(agreement, accept_offer(offered, &server.compression).filter(|_| server.is_on));

        // What it likes best is what the client likes least.
        let mut likes: Vec<&str> = request.protocols().collect();
        likes.reverse();
        let chosen = request.choose(&likes);
        assert_eq!(chosen, likes.first().copied());
        let answer = chosen.map_or(Answer::new(), |name| Answer::new().protocol(name));
        let mut connection = request.accept(&answer, &server.config).expect("an answer that was asked for");
        let head = str::from_utf8(connection.outgoing()).expect("ASCII");
        let all = |name| -> Vec<&str> { head.lines().filter_map(|line| line.strip_prefix(name)).collect() };
        assert_eq!(all("Sec-WebSocket-Extensions: "), Vec::from_iter(agreement.map(|agreement| agreement.to_string())));
        assert_eq!(all("Sec-WebSocket-Protocol: "), Vec::from_iter(chosen));
    }

    /// Whether a server has nothing to refuse: well formed, within its limits, no subprotocol twice (section 4.1).
    fn is_good(&self) -> bool {
        let is_text = |value: &&[u8]| value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control());
        let (Ok(found), Ok(names)) = (self.found_first(), self.names_first()) else { return false };
        let is_twice = names.iter().enumerate().any(|(i, name)| names[..i].contains(name));
        self.extensions.iter().chain(&self.protocols).all(is_text)
            && self.extensions.len() + self.protocols.len() < 90
            && self.lines().len() < 15_000
            && !found.is_empty()
            && (self.protocols.is_empty() || !names.is_empty())
            && !is_twice
    }

    /// A client reads a response with these extensions, and with the last line of subprotocols. Those before it are
    /// what it offered; or it alone, where it is alone.
    fn answer(&self, end: &End) {
        let (offered, answered) = self.protocols.split_at(self.protocols.len().saturating_sub(1));
        let offered =
            Self { extensions: Vec::new(), protocols: if offered.is_empty() { answered } else { offered }.to_vec() };
        let answered = Self { extensions: self.extensions.clone(), protocols: answered.to_vec() };
        let names = offered.good_names();
        let Some(mut client) = client(&names, &end.config) else { return };
        let mut head = [
            b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
            &*accept(&client),
            &*answered.lines(),
            b"\r\n",
        ]
        .concat();
        let Ok(response) = client.receive(&mut &mut head[..]) else { return };
        let response = response.expect("all of it");
        let found = self.found().expect("what is malformed is refused");
        assert_eq!(check_answer(&end.offer(), found), Ok(response.agreement()));
        // Section 4.1: none, or one of those that were offered.
        assert!(response.protocol().is_none_or(|name| names.contains(&name)));
        assert_eq!(answered.names(), Ok(Vec::from_iter(response.protocol())));
    }

    /// Both machines, back to back: whatever they are told, they agree.
    fn shake_hands(&self, at_client: &End, at_server: &End) {
        let names = self.good_names();
        let Some(mut client) = client(&names, &at_client.config) else { return };
        let mut bytes = client.outgoing().to_vec();
        let request = match Server::new(OriginPolicy::Any, &at_server.config).receive(&mut &mut bytes[..]) {
            Ok(Some(Incoming::Upgrade(request))) => request,
            // There are limits for heads.
            other => return assert!(client.outgoing().len() > 8000, "{other:?}"),
        };
        assert!(request.protocols().eq(names.iter().copied().take(LIMIT)));
        let likes: Vec<_> = self.protocols.iter().filter_map(|value| str::from_utf8(value).ok()).collect();
        let chosen = request.choose(&likes).map(str::to_owned);
        let answer = chosen.iter().fold(Answer::new(), |answer, name| answer.protocol(name));
        let mut server = request.accept(&answer, &at_server.config).expect("an answer that was asked for");
        let mut bytes = server.outgoing().to_vec();
        server.consume(bytes.len());
        let response = client.receive(&mut &mut bytes[..]).expect("an answer of ours").expect("all of it");
        assert_eq!(response.protocol(), chosen.as_deref());
        assert_eq!(response.agreement(), request.agreement(&at_server.config));
        // Section 7: the least that any server of ours can do with the offer of any client of ours is to accept it.
        assert_eq!(response.agreement().is_some(), at_client.is_on && at_server.is_on);
    }

    /// Those up to the first that is malformed.
    fn good_names(&self) -> Vec<&'d str> {
        self.protocols.iter().flat_map(|value| fields::tokens(value)).map_while(Result::ok).collect()
    }

    fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (name, values) in
            [("Sec-WebSocket-Extensions: ", &self.extensions), ("Sec-WebSocket-Protocol: ", &self.protocols)]
        {
            for value in values {
                lines.extend([name.as_bytes(), value, b"\r\n"].concat());
            }
        }
        lines
    }
}

/// RFC 9110, sections 5.6.1 and 5.6.2, by the book.
fn naive_tokens<'d>(values: &[&'d [u8]]) -> Result<Vec<&'d str>, BadField> {
    let mut tokens = Vec::new();
    for element in values.iter().flat_map(|value| value.split(|byte| *byte == b',')) {
        let Ok(element) = str::from_utf8(element) else { return Err(BadField) };
        match element.trim_matches([' ', '\t']) {
            "" => {}
            token if token.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) => {
                tokens.push(token);
            }
            _ => return Err(BadField),
        }
    }
    Ok(tokens)
}

/// What a client of ours makes of an answer that is well formed.
fn check(offer: &str, answer: &str) -> Option<Agreement> {
    let answer: Vec<_> = fields::extensions(answer.as_bytes()).map(|found| found.expect("well formed")).collect();
    check_answer(offer, answer).expect("an answer that takes up the offer")
}

/// The same client each time, if it may offer these subprotocols.
fn client(names: &[&str], config: &Config) -> Option<Client> {
    let request = ClientRequest::new("ws://example.com/").expect("a good URI");
    let request = names.iter().fold(request, |request, name| request.protocol(name));
    Client::new(request, config, Seed::predictable_for_tests(1)).ok()
}

fn accept(client: &Client) -> Vec<u8> {
    let head = str::from_utf8(client.outgoing()).expect("ASCII");
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    [b"Sec-WebSocket-Accept: ", &accept_key(key.as_bytes())[..], b"\r\n"].concat()
}

/// Holds that a value of 128 KiB is judged within a second, in which nothing takes 2^34 steps, its length squared.
/// There are three tries, since others may want the processor.
fn check_time(value: &[u8], client: &End, server: &End) {
    for glue in [&b", "[..], b"; "] {
        let long = [value, glue].concat().repeat((128 << 10) / (value.len() + 2) + 1);
        let is_fast = || {
            let start = Instant::now();
            let found = || fields::extensions(&long).filter_map(Result::ok);
            let _ = accept_offer(found(), &server.compression);
            let _ = check_answer(&client.offer(), found());
            if let Ok(text) = str::from_utf8(&long) {
                let _ = check_answer(text, fields::extensions(b"permessage-deflate").filter_map(Result::ok));
            }
            let _ = fields::tokens(&long).count();
            start.elapsed() < Duration::from_secs(1)
        };
        assert!(is_fast() || is_fast() || is_fast(), "{} bytes take too long", long.len());
    }
}

/// How many extensions, parameters of one, and subprotocols a server looks at.
const LIMIT: usize = 32;
