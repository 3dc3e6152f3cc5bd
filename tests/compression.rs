//! permessage-deflate on the wire (RFC 7692, sections 6 and 7.2): rows PD, and vectors.
#![cfg(feature = "deflate")]

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::{Config, Connection, Event, Seed};

fn pair(agreement: Agreement) -> (Connection, Connection) {
    let config = Config::new().compression(Compression::new());
    let client = Connection::client(&config, Seed::predictable_for_tests(1)).with_deflate(agreement, &config);
    let server = Connection::server(&config).with_deflate(agreement, &config);
    (client, server)
}

#[test]
fn smoke() {
    let (mut client, mut server) = pair(Agreement::default());
    println!("{}", size_of::<Connection>());
    for n in 0..50 {
        let text = format!("{{\"id\": {n}, \"name\": \"somebody\", \"words\": \"hello hello hello hello\"}}")
            .repeat(1 + n % 7 * 100);
        client.split().1.text(&text).unwrap();
        let mut wire = client.outgoing().to_vec();
        client.consume(wire.len());
        if n < 5 {
            println!("{} -> {}", text.len(), wire.len());
        }
        let (reader, writer) = server.split();
        let mut input = &mut wire[..];
        assert_eq!(reader.receive(&mut input), Ok(Some(Event::Text(&text))));
        writer.text(&text).unwrap();
        let mut wire = server.outgoing().to_vec();
        server.consume(wire.len());
        assert_eq!(client.split().0.receive(&mut &mut wire[..]), Ok(Some(Event::Text(&text))));
    }
}

/// What the client sends, read by a server with `config`.
fn received(config: &Config, message: &[u8], text: bool) -> Result<(), ws_proto::Error> {
    let (mut client, _) = pair(Agreement::default());
    let writer = client.split().1;
    if text { writer.text(str::from_utf8(message).unwrap()) } else { writer.binary(message) }.unwrap();
    let mut wire = client.outgoing().to_vec();
    if text {
        assert_eq!(wire[0], 0xc1, "compressed");
    }
    let config = config.clone().compression(Compression::new());
    let mut server = Connection::server(&config).with_deflate(Agreement::default(), &config);
    let mut input = &mut wire[..];
    server.split().0.receive(&mut input).map(|_| ())
}

#[test]
fn rl_06_inflating_stops_at_the_limit() {
    let bomb = vec![0; 4 << 20];
    assert_eq!(received(&Config::new().max_message(4 << 20), &bomb, false), Ok(()));
    let error = received(&Config::new().max_message((4 << 20) - 1), &bomb, false);
    assert_eq!(error, Err(ws_proto::Error::MessageTooBig));
}

#[test]
fn tx_11_compressed_text_is_checked_after_inflating() {
    assert_eq!(received(&Config::new(), "κόσμε".repeat(5000).as_bytes(), true), Ok(()));
    // The same bytes as binary, made text by the opcode.
    let (mut client, mut server) = pair(Agreement::default());
    client.split().1.binary(&b"\xed\xa0\x80 no text".repeat(100)).unwrap();
    let mut wire = client.outgoing().to_vec();
    wire[0] = 0xc1;
    assert_eq!(server.split().0.receive(&mut &mut wire[..]), Err(ws_proto::Error::BadUtf8));
}
