//! One buffer for the output of many connections (`Writer::reserve_from`, `Writer::release_into`).
#![cfg(feature = "alloc")]

use ws_proto::{Config, Connection, Role, Seed, Writer};

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// What is sent is the same as without, whatever the buffer held before, however much of it is written in a turn.
#[test]
fn what_is_sent_does_not_depend_on_it() {
    for role in ROLES {
        for written in [0, 1, 7, 100, usize::MAX] {
            let mut spare = vec![b'?'; 700];
            let mut pairs: Vec<_> = (0..3).map(|_| [(); 2].map(|()| writer(role))).collect();
            let mut sent = vec![<[Vec<u8>; 2]>::default(); pairs.len()];
            for turn in 0..20 {
                for (n, [with, without]) in pairs.iter_mut().enumerate() {
                    with.reserve_from(&mut spare);
                    for (writer, sent) in [&mut *with, without].into_iter().zip(&mut sent[n]) {
                        writer.text(&"text".repeat(turn * n)).unwrap();
                        writer.binary(&[u8::try_from(n).unwrap(); 90]).unwrap();
                        write(writer, written, sent);
                    }
                    with.release_into(&mut spare);
                    without.release();
                    assert_eq!(with.pending(), without.pending(), "{role:?}, {written} bytes a write");
                }
            }
            for (mut pair, mut sent) in pairs.into_iter().zip(sent) {
                for (writer, sent) in pair.iter_mut().zip(&mut sent) {
                    write(writer, usize::MAX, sent);
                }
                assert_eq!(sent[0], sent[1], "{role:?}, {written} bytes a write");
            }
        }
    }
}

/// It goes back even if something waits, but where that is the larger part of it; of two, the larger stays.
#[test]
fn memory_goes_where_it_is_needed() {
    for role in ROLES {
        for (size, goes_back) in [(5, true), (2000, true), (3000, false)] {
            let [mut slow, mut quick] = [(); 2].map(|()| writer(role));
            let mut spare = vec![0; 5000];
            slow.reserve_from(&mut spare);
            assert!(spare.is_empty(), "it is in use");
            slow.binary(&vec![7; size]).unwrap();
            slow.release_into(&mut spare);
            assert_eq!(spare.len() == 5000, goes_back, "{size} bytes wait");
            assert!(slow.pending().len() > size, "nothing is lost");
            if goes_back {
                continue;
            }
            quick.reserve_from(&mut spare);
            quick.text("Hello").unwrap();
            write(&mut quick, usize::MAX, &mut Vec::new());
            quick.release_into(&mut spare);
            assert!((1..5000).contains(&spare.len()), "its own");
            write(&mut slow, usize::MAX, &mut Vec::new());
            slow.release_into(&mut spare);
            assert_eq!(spare.len(), 5000, "the larger");
            quick.text("Hello").unwrap();
            write(&mut quick, usize::MAX, &mut Vec::new());
            quick.release_into(&mut spare);
            assert_eq!(spare.len(), 5000, "the larger");
        }
    }
}

/// A turn without a message costs nobody's memory.
#[test]
fn an_idle_turn_keeps_it() {
    let mut spare = Vec::with_capacity(100_000);
    let mut writer = writer(Role::Server);
    writer.reserve_from(&mut spare);
    writer.release_into(&mut spare);
    assert!(spare.capacity() >= 100_000);
}

/// It is the caller's, whatever its size: what a connection may keep of its own is another matter.
#[test]
fn it_is_not_given_back_to_the_system() {
    let mut writer = Connection::server(&Config::new().keep_buffer(0)).into_split().1;
    let mut spare = Vec::new();
    for _ in 0..3 {
        writer.reserve_from(&mut spare);
        for _ in 0..3 {
            writer.binary(&vec![7; 100_000]).unwrap();
            write(&mut writer, usize::MAX, &mut Vec::new());
        }
        writer.release_into(&mut spare);
        assert!(spare.len() >= 100_000, "{}", spare.len());
    }
}

fn writer(role: Role) -> Writer {
    let config = Config::new();
    let connection = match role {
        Role::Server => Connection::server(&config),
        Role::Client => Connection::client(&config, Seed::predictable_for_tests(7)),
    };
    connection.into_split().1
}

fn write(writer: &mut Writer, most: usize, to: &mut Vec<u8>) {
    let n = writer.pending().len().min(most);
    to.extend_from_slice(&writer.pending()[..n]);
    writer.consume(n);
}
