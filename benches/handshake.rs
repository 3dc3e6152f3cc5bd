//! Opening handshakes with the head of a browser's request, with offers and without, whole and byte by byte. Beside the
//! server the floor: httparse, SHA-1, base64 and a written response, without any of the checks.

use core::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha1::{Digest, Sha1};
use ws_proto::deflate::Compression;
use ws_proto::handshake::{Answer, Client, ClientRequest, Incoming, OriginPolicy, Server};
use ws_proto::{Config, Connection, Seed};

const REQUEST: &str = "GET /chat?room=7 HTTP/1.1\r\nHost: server.example.com\r\nConnection: Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\nOrigin: https://server.example.com\r\nSec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Cookie: session=6f1c2c9a7be94f0b8f0d3f3f9a2c7d11; theme=dark\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const OFFERS: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n";

/// A name, whether there are offers, and how much a read brings.
const WAYS: [(&str, bool, usize); 4] = [
    ("plain", false, usize::MAX),
    ("plain, byte by byte", false, 1),
    ("offers", true, usize::MAX),
    ("offers, byte by byte", true, 1),
];

fn head(offers: bool) -> Vec<u8> {
    format!("{REQUEST}{}\r\n", if offers { OFFERS } else { "" }).into_bytes()
}

fn config() -> Config {
    Config::new().compression(Compression::new())
}

fn server(c: &mut Criterion) {
    let config = config();
    let mut group = c.benchmark_group("handshake/server");
    for (name, offers, read) in WAYS {
        let head = head(offers);
        let mut buffer = head.clone();
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                buffer.copy_from_slice(&head);
                let mut connection = serve(&mut buffer, read, &config);
                black_box(connection.outgoing());
                connection
            });
        });
    }
    for (name, offers, _) in WAYS.into_iter().filter(|way| way.2 > 1) {
        let head = head(offers);
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function(format!("{name}, the floor"), |b| b.iter(|| floor(black_box(&head))));
    }
    group.finish();
}

fn serve(request: &mut [u8], read: usize, config: &Config) -> Connection {
    let mut server = Server::new(OriginPolicy::SameOrigin, config);
    for mut input in request.chunks_mut(read) {
        if let Some(Incoming::Upgrade(request)) = server.receive(&mut input).expect("a good request") {
            let answer = match request.choose(&["superchat"]) {
                Some(protocol) => Answer::new().protocol(protocol),
                None => Answer::new(),
            };
            return request.accept(&answer, config).expect("a good answer");
        }
    }
    unreachable!("the head is whole");
}

/// What no server can do without.
fn floor(head: &[u8]) -> Vec<u8> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    assert!(request.parse(head).expect("a good request").is_complete());
    let key = request.headers.iter().find(|header| header.name == "Sec-WebSocket-Key").expect("a key").value;
    let accept = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let mut response =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            .to_vec();
    let at = response.len();
    response.resize(at + 28, 0);
    STANDARD.encode_slice(accept, &mut response[at..]).expect("room");
    response.extend(b"\r\n\r\n");
    response
}

fn client(c: &mut Criterion) {
    let config = config();
    let mut group = c.benchmark_group("handshake/client");
    for (name, offers, read) in WAYS {
        let mut asking = ask(offers, &config);
        let mut connection = serve(&mut asking.outgoing().to_vec(), usize::MAX, &config);
        let response = connection.outgoing().to_vec();
        answer(&mut asking, &mut response.clone(), usize::MAX);
        let mut buffer = response.clone();
        group.throughput(Throughput::Bytes(response.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                buffer.copy_from_slice(&response);
                let mut client = ask(offers, &config);
                let n = black_box(client.outgoing()).len();
                client.consume(n);
                answer(&mut client, &mut buffer, read)
            });
        });
    }
    group.finish();
}

/// The same key at every call.
fn ask(offers: bool, config: &Config) -> Client {
    let mut request = ClientRequest::new("ws://server.example.com/chat?room=7").expect("a good URI");
    if offers {
        request = request.protocol("chat").protocol("superchat");
    }
    let plain = Config::new();
    let config = if offers { config } else { &plain };
    Client::new(request, config, Seed::predictable_for_tests(1)).expect("a good request")
}

fn answer(client: &mut Client, response: &mut [u8], read: usize) -> Connection {
    response
        .chunks_mut(read)
        .find_map(|mut input| client.receive(&mut input).expect("a good response"))
        .expect("a whole response")
        .into_connection()
}

criterion_group!(benches, server, client);
criterion_main!(benches);
