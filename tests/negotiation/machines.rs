//! The negotiation inside the opening handshake, in both machines.

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::handshake::{
    Answer, Client, ClientRequest, HandshakeError, Incoming, OriginPolicy, Rejected, Request, Response, Server,
    accept_key,
};
use ws_proto::{Config, Connection, Event, Seed};

use super::{BROWSER, PLAIN, check};

fn with(compression: Compression) -> Config {
    Config::new().compression(compression)
}

fn request(extensions: &[&str], config: &Config) -> Result<Request, HandshakeError> {
    let lines = lines("sec-websocket-extensions", extensions);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{lines}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let incoming = Server::new(OriginPolicy::Any, config).receive(&mut &mut head.into_bytes()[..]);
    match incoming.map_err(|refusal| refusal.error())? {
        Some(Incoming::Upgrade(request)) => Ok(request),
        other => panic!("{other:?} instead of a request"),
    }
}

fn lines(name: &str, values: &[&str]) -> String {
    values.iter().map(|value| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat()
}

/// The extension lines of what a server or client sends.
fn extension_lines(head: &[u8]) -> Vec<String> {
    let head = str::from_utf8(head).expect("a head");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    let lines = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    lines.map(str::to_owned).collect()
}

fn answered(extensions: &[&str], config: &Config) -> Vec<String> {
    let request = request(extensions, config).expect("a good request");
    let answer = Answer::new().header("X-Other", "1");
    let mut connection = request.accept(&answer, config).expect("a fitting answer");
    let lines = extension_lines(connection.outgoing());
    assert_eq!(lines, Vec::from_iter(request.agreement(config).map(|agreement| agreement.to_string())));
    lines
}

fn client(config: &Config) -> Client {
    let request = ClientRequest::new("ws://example.com/").expect("a URI").header("X-Other", "1");
    Client::new(request, config, Seed::predictable_for_tests(7)).expect("a request")
}

/// What a client makes of a response with these extension lines.
fn respond(config: &Config, extensions: &[&str]) -> Result<Response, Rejected> {
    let mut client = client(config);
    let head = str::from_utf8(client.outgoing()).expect("a head").to_owned();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = accept_key(key.as_bytes());
    let accept = str::from_utf8(&accept).expect("base64");
    let lines = lines("Sec-WebSocket-Extensions", extensions);
    let response = format!(
        "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{lines}Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    client.receive(&mut &mut response.into_bytes()[..]).map(|response| response.expect("the whole response"))
}

fn agreement(config: &Config, extensions: &[&str]) -> Result<Option<Agreement>, HandshakeError> {
    respond(config, extensions).map(|response| response.agreement()).map_err(|rejected| rejected.error())
}

/// Security, T10: a server declines, a client fails, and neither takes a part of it.
#[test]
fn t10_odd_parameters_are_declined_or_fail() {
    let config = with(Compression::new());
    let mut odd: Vec<String> = Vec::new();
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        // The last are 9 and 8 for whoever lets a number of 8, 32 or 64 bits run over.
        for value in ["7", "16", "0", "08", "+9", "-9", "9a", "0x9", "9.0", "265", "4294967305", "18446744073709551624"]
        {
            odd.push(format!("permessage-deflate; {name}={value}"));
            odd.push(format!("permessage-deflate; {name}=\"{value}\""));
        }
        odd.push(format!("permessage-deflate; {name}=10; {name}=10"));
        odd.push(format!("permessage-deflate; {name}=10; {name}"));
    }
    odd.push("permessage-deflate; server_max_window_bits".to_owned());
    for name in ["server_no_context_takeover", "client_no_context_takeover"] {
        odd.push(format!("permessage-deflate; {name}; {name}"));
        odd.push(format!("permessage-deflate; {name}=1"));
    }
    odd.extend(
        [
            "permessage-deflate; unknown",
            "permessage-deflate; unknown=1",
            "permessage-deflate; Server_max_window_bits=9",
        ]
        .map(str::to_owned),
    );
    for element in &odd {
        assert_eq!(answered(&[element], &config), [""; 0], "{element}");
        assert_eq!(answered(&[element, PLAIN], &config), [PLAIN], "{element}, and a good one");
        assert_eq!(agreement(&config, &[element]).err(), Some(HandshakeError::BadParameter), "{element}");
    }
    // Not even well-formed.
    for element in [
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; =9",
        "permessage-deflate; server_max_window_bits=\"9",
    ] {
        assert_eq!(request(&[element], &config).err(), Some(HandshakeError::BadExtensions), "{element}");
        assert_eq!(agreement(&config, &[element]).err(), Some(HandshakeError::BadExtensions), "{element}");
    }
    for value in ["8", "15", "\"8\"", "\"15\""] {
        let element = format!("permessage-deflate; server_max_window_bits={value}");
        assert_eq!(answered(&[&element], &config), [element.replace('"', "")], "{element}");
        assert!(agreement(&config, &[&element]).is_ok_and(|agreed| agreed.is_some()), "{element}");
    }
    // What was not asked for: without an offer, and beside one.
    let plain = Config::new();
    assert_eq!(agreement(&plain, &[PLAIN]).err(), Some(HandshakeError::UnofferedExtension));
    assert_eq!(agreement(&config, &["x-unasked"]).err(), Some(HandshakeError::UnofferedExtension));
    assert_eq!(agreement(&config, &[PLAIN, PLAIN]).err(), Some(HandshakeError::RepeatedExtension));
    let unasked = "permessage-deflate; client_max_window_bits=10";
    assert_eq!(check(PLAIN, unasked), Err(HandshakeError::UnofferedParameter));
}

#[test]
fn a_server_answers_in_one_line_or_none() {
    let config = with(Compression::new());
    assert_eq!(answered(&[BROWSER], &config), ["permessage-deflate; client_max_window_bits=12"]);
    assert_eq!(answered(&["x-a, x-b", PLAIN, BROWSER], &config), [PLAIN]);
    for declined in [&[][..], &["x-a"], &["permessage-deflate; foo", "permessage-deflate; server_max_window_bits"]] {
        assert_eq!(answered(declined, &config), [""; 0], "{declined:?}");
    }
}

#[test]
fn a_server_without_compression_answers_nothing() {
    assert_eq!(answered(&[BROWSER], &Config::new()), [""; 0]);
}

/// N-16 and N-17.
#[test]
fn malformed_offers_are_refused() {
    for config in [Config::new(), with(Compression::new())] {
        for value in
            ["permessage-deflate; server_max_window_bits=\"\"", "permessage-deflate; server_max_window_bits=\"10"]
        {
            let error = request(&[PLAIN, value], &config).unwrap_err();
            assert_eq!((error, error.status()), (HandshakeError::BadExtensions, Some(400)), "{value}");
        }
    }
}

#[test]
fn a_client_offers_in_one_line_or_none() {
    assert_eq!(extension_lines(client(&with(Compression::new())).outgoing()), [BROWSER]);
    assert_eq!(extension_lines(client(&Config::new()).outgoing()), [""; 0]);
}

#[test]
fn a_client_checks_the_answer() {
    let config = with(Compression::new().inbound_window(10));
    assert_eq!(agreement(&config, &[]), Ok(None));
    let answer = "permessage-deflate; server_max_window_bits=9; client_max_window_bits=\"11\"";
    let expected =
        Agreement { server_max_window_bits: Some(9), client_max_window_bits: Some(11), ..Agreement::default() };
    assert_eq!(agreement(&config, &[answer]), Ok(Some(expected)));
    let faults: &[(&[&str], HandshakeError)] = &[
        (&["x-other"], HandshakeError::UnofferedExtension),
        (&[answer, answer], HandshakeError::RepeatedExtension),
        (&[PLAIN], HandshakeError::MissingParameter),
        (&["permessage-deflate; server_max_window_bits=11"], HandshakeError::WindowTooLarge),
        (&["permessage-deflate; server_max_window_bits=7"], HandshakeError::BadParameter),
        (&["permessage-deflate; server_max_window_bits=\"9"], HandshakeError::BadExtensions),
        (&[""], HandshakeError::BadExtensions),
    ];
    for (answer, fault) in faults {
        assert_eq!(agreement(&config, answer), Err(*fault), "{answer:?}");
        assert_eq!(fault.status(), if *fault == HandshakeError::BadExtensions { Some(400) } else { None });
    }
}

/// N-30.
#[test]
fn a_client_without_compression_takes_none() {
    assert_eq!(agreement(&Config::new(), &[PLAIN]), Err(HandshakeError::UnofferedExtension));
}

/// What the heads agreed on is what the connections do: bit 6 of the first byte is RSV1.
#[test]
fn both_ends_compress_as_agreed() {
    let text = "compressible, ".repeat(100);
    for (at_client, at_server, compressed) in [(true, true, true), (true, false, false), (false, true, false)] {
        let config = |yes| if yes { with(Compression::new().outbound_window(9)) } else { Config::new() };
        let (mut client, mut server) = open(&config(at_client), &config(at_server));
        client.split().1.text(&text).unwrap();
        pass(&mut client, &mut server, &text, compressed);
        server.split().1.text(&text).unwrap();
        pass(&mut server, &mut client, &text, compressed);
    }
}

fn open(at_client: &Config, at_server: &Config) -> (Connection, Connection) {
    let mut client = client(at_client);
    let mut bytes = client.outgoing().to_vec();
    let mut server = Server::new(OriginPolicy::Any, at_server);
    let Ok(Some(Incoming::Upgrade(request))) = server.receive(&mut &mut bytes[..]) else { panic!("a good request") };
    let mut server = request.accept(&Answer::new(), at_server).unwrap();
    let mut bytes = server.outgoing().to_vec();
    server.consume(bytes.len());
    let response = client.receive(&mut &mut bytes[..]).unwrap().unwrap();
    assert_eq!(response.agreement(), request.agreement(at_server));
    (response.into_connection(), server)
}

fn pass(from: &mut Connection, to: &mut Connection, text: &str, compressed: bool) {
    let mut bytes = from.outgoing().to_vec();
    from.consume(bytes.len());
    assert_eq!(bytes.first().map(|first| first & 0x40 > 0), Some(compressed));
    assert_eq!(bytes.len() < text.len(), compressed);
    assert_eq!(to.split().0.receive(&mut &mut bytes[..]), Ok(Some(Event::Text(text))));
}
