//! A large message read to where it belongs: what `Reader::room` lends, and what may be said of it.
#![cfg(feature = "std")]

use allocation_counter::measure;
use ws_proto::{Config, Connection, Event, Reader, Role, Seed};

const BOTH: [Role; 2] = [Role::Client, Role::Server];
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(7)),
        Role::Server => Connection::server(config),
    }
}

fn reader(role: Role, config: &Config) -> Reader {
    connection(role, config).into_split().0
}

/// The header of a frame with 64 bits of length, and the payload that goes with it, as the peer of `role` sends it.
fn frame(role: Role, first: u8, payload: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut header = vec![first, 127];
    header.extend((payload.len() as u64).to_be_bytes());
    let mut payload = payload.to_vec();
    if role == Role::Server {
        header[1] |= 0x80;
        header.extend(KEY);
        ws_proto::mask::apply(&mut payload, KEY);
    }
    (header, payload)
}

fn read(reader: &mut Reader, bytes: &[u8]) {
    assert_eq!(reader.advance(&mut &mut bytes.to_vec()[..]), Ok(false));
}

/// Moves what there is room for, but no more than `most`; without room, as from another buffer.
fn fill(reader: &mut Reader, least: usize, most: usize, payload: &mut &[u8]) -> bool {
    let mut elsewhere = [0; 4096];
    let room = reader.room(least);
    let is_there = room.is_some();
    let to = room.unwrap_or(&mut elsewhere);
    let (now, rest) = payload.split_at(to.len().min(payload.len()).min(most));
    to[..now.len()].copy_from_slice(now);
    *payload = rest;
    if is_there { reader.filled(now.len()) } else { reader.advance(&mut &mut elsewhere[..now.len()]).unwrap() }
}

/// RL-05: no more than twice what arrived, however little comes at a time.
#[test]
fn memory_follows_what_arrived() {
    for role in BOTH {
        for least in [1, 1000, 4096, 65_536] {
            for most in [1, 7, 1000, 4095, 4097] {
                let mut reader = reader(role, &Config::new());
                let (header, payload) = frame(role, 0x82, &vec![5; 3 << 20]);
                let mut rest = &payload[..];
                let mut held = 0;
                let (first, behind) = rest.split_at(65_536);
                rest = behind;
                held += measure(|| read(&mut reader, &header)).bytes_current;
                let mut first = first.to_vec();
                held += measure(|| assert_eq!(reader.advance(&mut &mut first[..]), Ok(false))).bytes_current;
                for _ in 0..1000 {
                    held += measure(|| _ = fill(&mut reader, least, most, &mut rest)).bytes_current;
                    let arrived = i64::try_from(payload.len() - rest.len()).unwrap();
                    assert!(held <= 2 * arrived, "{role:?}, {least}, {most}: {held} held, {arrived} arrived");
                    if rest.is_empty() {
                        break;
                    }
                }
            }
        }
    }
}

/// And a long message moves a few times only.
#[test]
fn memory_is_taken_seldom() {
    for least in [1, 4096, 65_536] {
        for most in [4096, 65_536, usize::MAX] {
            let mut reader = reader(Role::Client, &Config::new());
            let (header, payload) = frame(Role::Client, 0x82, &vec![5; 4 << 20]);
            read(&mut reader, &header);
            let (first, mut rest) = payload.split_at(65_536);
            read(&mut reader, first);
            let taken = measure(|| while !fill(&mut reader, least.min(rest.len()), most, &mut rest) {}).count_total;
            assert!(taken <= 12, "{least}, {most}: {taken} times");
        }
    }
}

/// What was lent is never empty: a read into nothing looks like the end of a stream.
#[test]
fn never_empty() {
    for role in BOTH {
        let mut reader = reader(role, &Config::new());
        assert_eq!(reader.room(0), None, "no message");
        let (header, payload) = frame(role, 0x82, &vec![5; 70_000]);
        read(&mut reader, &header);
        assert!(reader.room(0).is_none_or(|room| !room.is_empty()), "nothing of it came");
        read(&mut reader, &payload[..1]);
        let mut rest = &payload[1..];
        while !fill(&mut reader, 0, usize::MAX, &mut rest) {}
        assert_eq!(reader.event(), Some(Event::Binary(&vec![5; 70_000])));
        assert_eq!(reader.room(0), None);
        assert_eq!(reader.event(), Some(Event::Binary(&vec![5; 70_000])), "asked in vain");
    }
}

/// Text is checked as it comes, what is compressed is inflated, a control frame is kept elsewhere.
#[test]
fn for_binary_messages_only() {
    for role in BOTH {
        let mut reader = reader(role, &Config::new());
        let (header, payload) = frame(role, 0x81, &vec![b'a'; 70_000]);
        read(&mut reader, &header);
        assert_eq!(reader.room(0), None);
        read(&mut reader, &payload[..10]);
        assert_eq!(reader.room(0), None);
        assert!(!reader.filled(0));
        assert_eq!(reader.event(), None, "half of a text is none");
        let mut rest = payload[10..].to_vec();
        assert_eq!(reader.advance(&mut &mut rest[..]), Ok(true));
        assert!(matches!(reader.event(), Some(Event::Text(text)) if text.len() == 70_000));
        reader.receive_eof().unwrap_err();
        assert_eq!(reader.room(0), None);
        assert!(!reader.filled(0));
    }
}

/// What is left in the buffer of an earlier message is not a part of this one.
#[test]
#[should_panic(expected = "more than there was room")]
fn nothing_is_filled_without_room() {
    let mut reader = reader(Role::Client, &Config::new().keep_buffer(1 << 20));
    let (header, payload) = frame(Role::Client, 0x82, &vec![7; 70_000]);
    read(&mut reader, &header);
    assert_eq!(reader.advance(&mut &mut payload.clone()[..]), Ok(true));
    let (header, _) = frame(Role::Client, 0x82, &vec![5; 66_000]);
    read(&mut reader, &header);
    reader.filled(66_000);
}

/// FG-05, CT-13: fragments, and control frames between them, in any cut; then text, and bytes again.
#[test]
fn between_fragments() {
    for role in BOTH {
        for keep in [0, 1 << 20] {
            for cut in [1, 3, 1000, 65_537] {
                let mut reader = reader(role, &Config::new().keep_buffer(keep));
                let say = |first, byte, n: usize| {
                    let (header, payload) = frame(role, first, &vec![byte; n]);
                    [header, payload].concat()
                };
                let ping = match role {
                    Role::Server => [&b"\x89\x81"[..], &KEY, &[KEY[0] ^ b'!']].concat(),
                    Role::Client => b"\x89\x01!".to_vec(),
                };
                let round = [
                    say(0x02, 1, 70_000),
                    ping.clone(),
                    say(0x00, 2, 66_000),
                    ping.clone(),
                    say(0x80, 3, 90_000),
                    say(0x81, b'x', 66_001),
                    say(0x82, 4, 65_536),
                ]
                .concat();
                for _ in 0..2 {
                    let got = receive(&mut reader, &round, cut);
                    let whole = [vec![1; 70_000], vec![2; 66_000], vec![3; 90_000]].concat();
                    let expected = [b"!".to_vec(), b"!".to_vec(), whole, vec![b'x'; 66_001], vec![4; 65_536]];
                    assert!(got == expected, "{role:?}, {keep}, {cut}");
                }
            }
        }
    }
}

/// What is compressed is inflated to the same buffer, and refers to none of what came between.
#[test]
#[cfg(feature = "deflate")]
fn between_compressed_messages() {
    use ws_proto::deflate::{Agreement, Compression};

    for role in BOTH {
        for keep in [0, 1 << 20] {
            for cut in [1, 1000, 65_537] {
                let compression = Compression::new().history(1 << 15).min_size(1, 1);
                let config = Config::new().keep_buffer(keep).compression(compression);
                let deflating = |role| connection(role, &config).with_deflate(Agreement::default(), &config);
                let (mut reader, _) = deflating(role).into_split();
                let mut peer = deflating(if role == Role::Client { Role::Server } else { Role::Client });
                let bytes = |n: usize| (0..n).map(|i| u8::try_from(i * i % 251).unwrap()).collect::<Vec<_>>();
                let (_, writer) = peer.split();
                let mut expected = Vec::new();
                for n in [80_000, 70_000, 90_000, 66_000] {
                    writer.binary(&bytes(n)).unwrap();
                    writer.binary_uncompressed(&bytes(n + 1)).unwrap();
                    writer.text(&"text".repeat(n / 4)).unwrap();
                    expected.extend([bytes(n), bytes(n + 1), "text".repeat(n / 4).into_bytes()]);
                }
                let got = receive(&mut reader, peer.outgoing(), cut);
                assert!(got == expected, "{role:?}, {keep}, {cut}");
            }
        }
    }
}

fn receive(reader: &mut Reader, mut wire: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    while !wire.is_empty() {
        if reader.room(cut).is_some() {
            if fill(reader, cut, cut * 3, &mut wire) {
                got.extend(reader.event().map(payload));
            }
            continue;
        }
        let (now, rest) = wire.split_at(cut.min(wire.len()));
        wire = rest;
        let mut now = now.to_vec();
        let mut input = &mut now[..];
        while reader.advance(&mut input).unwrap() {
            got.extend(reader.event().map(payload));
        }
    }
    got
}

fn payload(event: Event<'_>) -> Vec<u8> {
    match event {
        Event::Text(text) => text.as_bytes().to_vec(),
        Event::Binary(bytes) | Event::Ping(bytes) => bytes.to_vec(),
        event => panic!("{event:?}"),
    }
}
