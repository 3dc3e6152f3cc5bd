//! The opening handshake has one deadline, whatever arrives.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ws_proto::blocking::{self, Error, Incoming};
use ws_proto::handshake::{Answer, ClientRequest, OriginPolicy};
use ws_proto::{Config, Role};

use super::common::{BOTH, assert_between, ms, tcp, timed, within};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn config() -> Config {
    Config::new().opening_timeout(Some(ms(200)))
}

/// What a peer does instead of a handshake.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Silent,
    /// A byte now and then, for ever.
    Drips,
}

impl Manner {
    const ALL: [Self; 2] = [Self::Silent, Self::Drips];

    /// Is that peer until the stream fails.
    fn play(self, mut far: TcpStream, text: &'static str) {
        thread::spawn(move || {
            for byte in text.bytes().chain(std::iter::repeat(b'a')).take(1000) {
                thread::sleep(ms(10));
                if let Self::Drips = self
                    && far.write_all(&[byte]).is_err()
                {
                    break;
                }
            }
        });
    }
}

fn open(role: Role, stream: TcpStream, config: &Config) -> Result<(), Error> {
    match role {
        Role::Server => blocking::accept(stream, OriginPolicy::Any, config).map(drop),
        Role::Client => {
            let request = ClientRequest::new("ws://localhost/").unwrap();
            blocking::client(stream, request, config).map(drop)
        }
    }
}

#[test]
fn k_07_the_handshake_has_a_deadline() {
    for role in BOTH {
        for manner in Manner::ALL {
            let (near, far) = tcp();
            let text = if role == Role::Server { REQUEST } else { "HTTP/1.1 101 Switching Protocols\r\nX: aaaaaaaaa" };
            manner.play(far, text);
            let name = format!("{role:?}, {manner:?}");
            let (ended, time) = within(ms(10_000), &name, move || timed(|| open(role, near, &config())));
            assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
            assert_between(time, ms(190), ms(600), &name);
        }
    }
}

#[cfg(feature = "rustls")]
#[test]
fn k_07_tls_is_under_the_same_deadline() {
    // A record of a handshake that announces more than comes.
    const RECORD: &str = "\x16\x03\x03\x3f\x00\x02\x00\x3e\x00\x03\x03aaaaaaa";
    for role in BOTH {
        for manner in Manner::ALL {
            let (near, far) = tcp();
            manner.play(far, RECORD);
            let name = format!("{role:?}, {manner:?}");
            let (ended, time) = within(ms(10_000), &name, move || {
                timed(|| match role {
                    Role::Client => super::tls::connect(near, &config()).map(drop),
                    Role::Server => super::tls::accept(near, &config()).map(drop),
                })
            });
            assert!(matches!(ended, Err(Error::TimedOut)), "{name}: {ended:?}");
            assert_between(time, ms(190), ms(700), &name);
        }
    }
}

/// From a URL: a server that takes the connection and says nothing.
#[test]
fn k_07_connect_has_a_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (ended, time) = within(ms(10_000), "connect", move || timed(|| blocking::connect(&url, &config()).map(drop)));
    assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
    assert_between(time, ms(190), ms(600), "connect");
    drop(listener);
}

/// A name with several addresses is tried to the end, as before.
#[test]
fn k_07_connect_tries_each_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://localhost:{}/", listener.local_addr().unwrap().port());
    let serving = thread::spawn(move || {
        blocking::accept(listener.accept().unwrap().0, OriginPolicy::Any, &Config::new()).map(drop)
    });
    blocking::connect(&url, &Config::new()).unwrap();
    serving.join().unwrap().unwrap();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(blocking::connect(&format!("ws://{refused}/"), &Config::new()), Err(Error::Io(_))));
}

/// The client does not read what it is answered.
#[test]
fn k_07_a_refusal_is_written_within_the_deadline() {
    let body = vec![b'x'; 32 << 20];
    for plain in [false, true] {
        let (near, mut far) = tcp();
        let request = if plain { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" } else { REQUEST };
        far.write_all(request.as_bytes()).unwrap();
        let body = body.clone();
        let (ended, time) = within(ms(10_000), "refusing", move || {
            let incoming = blocking::receive_request(near, OriginPolicy::Any, &config()).unwrap();
            thread::sleep(ms(300)); // the decision may take longer than the deadline
            timed(|| match incoming {
                Incoming::Upgrade(upgrade) => upgrade.reject(403, &[], &body).map(drop),
                Incoming::Plain(plain) => plain.respond(200, &[], &body).map(drop),
            })
        });
        assert!(matches!(ended, Err(Error::TimedOut)), "plain: {plain}: {ended:?}");
        assert_between(time, ms(190), ms(700), "refusing");
        drop(far);
    }
}

/// It arrives although the client is still sending, without a call of the program's; and a client that stays does not keep
/// the thread.
#[test]
fn k_07_a_refusal_arrives_and_the_wait_behind_it_is_bounded() {
    for (name, sends) in [("sends on", 50), ("stays", 0)] {
        let (near, mut far) = tcp();
        let client = thread::spawn(move || {
            far.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            for _ in 0..sends {
                far.write_all(&[b'a'; 10_000]).expect("no reset");
                thread::sleep(ms(1));
            }
            let mut response = Vec::new();
            far.read_to_end(&mut response).expect("no reset");
            response
        });
        let (ended, time) = within(ms(10_000), name, move || {
            timed(|| blocking::accept(near, OriginPolicy::Any, &Config::new()).map(drop))
        });
        assert!(matches!(ended, Err(Error::Handshake(_))), "{name}: {ended:?}");
        assert!(time < ms(4000), "{name}: {time:?}");
        assert!(client.join().unwrap().starts_with(b"HTTP/1.1 "), "{name}");
    }
}

/// What the program does with the stream behind its answer goes with the time-outs that it has set.
#[test]
fn k_07_a_stream_comes_back_with_its_time_outs() {
    let (near, mut far) = tcp();
    near.set_read_timeout(Some(ms(3000))).unwrap();
    far.write_all(REQUEST.as_bytes()).unwrap();
    let client = thread::spawn(move || {
        let _ = far.read_to_end(&mut Vec::new());
    });
    let Incoming::Upgrade(upgrade) = blocking::receive_request(near, OriginPolicy::Any, &Config::new()).unwrap() else {
        panic!("an upgrade")
    };
    let stream = upgrade.reject(403, &[], b"").unwrap();
    assert_eq!(stream.read_timeout().unwrap(), Some(ms(3000)));
    assert_eq!(stream.write_timeout().unwrap(), None);
    client.join().unwrap();
}

/// The deadline ends with the handshake, however long the program decides.
#[test]
fn k_07_a_socket_is_not_under_the_deadline() {
    let (near, mut far) = tcp();
    far.write_all(REQUEST.as_bytes()).unwrap();
    let Incoming::Upgrade(upgrade) = blocking::receive_request(near, OriginPolicy::Any, &config()).unwrap() else {
        panic!("an upgrade")
    };
    thread::sleep(ms(300));
    let mut socket = upgrade.accept(&Answer::new()).unwrap();
    socket.set_read_timeout(Some(ms(300)));
    assert!(matches!(socket.next(), Err(Error::TimedOut)) && !socket.is_over());
}
