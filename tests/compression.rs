//! permessage-deflate on the wire (RFC 7692, sections 6 and 7.2): rows PD, and vectors.
#![cfg(feature = "deflate")]

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::{Config, Connection, Event, Seed};

fn pair(agreement: &Agreement) -> (Connection, Connection) {
    let config = Config::new().compression(Compression::new());
    let client = Connection::client(&config, Seed::predictable_for_tests(1)).with_deflate(agreement, &config);
    let server = Connection::server(&config).with_deflate(agreement, &config);
    (client, server)
}

#[test]
fn smoke() {
    let (mut client, mut server) = pair(&Agreement::default());
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
