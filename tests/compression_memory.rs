//! What compression allocates, counted by the allocator: by a connection between messages, by a message that is a bomb,
//! by one that fails, and by any message once warm.
//!
//! Only the thread that measures is counted, so that tests may run at the same time.
#![cfg(feature = "deflate")]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/blocks.rs"]
mod blocks;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "common/wire.rs"]
mod wire;

use std::fmt::Write;
use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use ws_proto::deflate::{Agreement, Compression, Pool, Prepared};
use ws_proto::{Chunk, Config, Connection, Error, Event, Role};

use crate::blocks::{Bits, TAIL};
use crate::wire::{
    CALLS, CLOSE, CONTINUES, Call, ENDS, PACKED_BINARY, PACKED_BINARY_BEGINS, PACKED_TEXT, PACKED_TEXT_BEGINS, ROLES,
    both_ways, connection, frame, sent, sent_frames, take,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What a decompressor takes while a message is under way, at most.
const INFLATER: usize = 64 * KIB;

#[test]
fn an_idle_connection_keeps_its_windows_and_little_more() {
    for role in ROLES {
        for inbound in 8..=15 {
            for history in [4 * KIB, 0, 1 << 16] {
                let outbound = history.min(1 << 15);
                let agreement = Agreement {
                    server_max_window_bits: (role == Role::Client).then_some(inbound),
                    client_max_window_bits: (role == Role::Server).then_some(inbound),
                    ..Agreement::default()
                };
                let kept = idle(role, agreement, &Compression::new().history(history), 100);
                let most = (1 << inbound) + outbound + 512;
                println!("{role:?}, inbound {inbound} bits, {outbound} B kept to send: {kept} of at most {most}");
                assert!(kept > (1 << inbound) + outbound && kept <= most, "{kept}, not {most}");
                // Neither is there more than there was to keep.
                let kept = idle(role, agreement, &Compression::new().history(history), 1);
                assert!(kept <= 512 + 2 * 512, "{kept} after a message of 350 B");
            }
        }
    }
}

#[test]
fn before_the_first_compressed_message_nothing_is_kept() {
    for role in ROLES {
        let config = Config::new().compression(Compression::new());
        let mut plain = frame(role, 0x82, &[1; 100]);
        let prepared = Prepared::binary(&[b'x'; 1000], &Compression::new());
        let info = measure(|| {
            let mut end = black_box(connection(role, &config, Agreement::default()));
            read(&mut end, CALLS[0], &mut plain).unwrap();
            let (_, writer) = end.split();
            writer.text("less than is compressed").unwrap();
            writer.text_uncompressed("secret").unwrap();
            // Compressed, but not by this connection.
            writer.prepared(&prepared).unwrap();
            let n = end.outgoing().len();
            end.consume(n);
            end.release();
            // Its handles of the settings are all it owns.
            std::mem::forget(end);
        });
        assert_eq!((info.count_current, info.bytes_current), (0, 0), "{role:?}");
    }
}

#[test]
fn without_takeover_nothing_is_kept() {
    for role in ROLES {
        for bits in [8, 12, 15] {
            let kept = idle(role, both_ways(bits, false), &Compression::new(), 100);
            assert_eq!(kept, 0, "{role:?}, {bits} bits");
        }
    }
}

/// The pool is warm, and so are the buffers. Only chunks without takeover allocate.
#[test]
fn a_compressed_message_allocates_nothing_once_warm() {
    for role in ROLES {
        for takeover in [true, false] {
            for size in [300, 2 * KIB, 16 * KIB] {
                for call in CALLS {
                    let (sending, receiving) = traffic(role, takeover, size, call);
                    let name = format!("{size} bytes, takeover {takeover}, {role:?}, {call:?}");
                    assert_eq!(sending.count_total, 0, "sending {name}: {sending:?}");
                    if !takeover && matches!(call, Call::Chunk) {
                        // Nobody else keeps the message for its own later blocks: a ring, while it is under way.
                        assert!(receiving.count_total <= 3 * 4, "receiving {name}: {receiving:?}");
                        assert_eq!(receiving.count_current, 0, "receiving {name}: {receiving:?}");
                    } else {
                        assert_eq!(receiving.count_total, 0, "receiving {name}: {receiving:?}");
                    }
                }
            }
        }
    }
}

/// Above 256 KiB a deflater gives its room back, and above `Config::keep_buffer` the queue and the message do.
#[test]
fn a_large_message_keeps_nothing_of_its_own() {
    let config = Config::new().compression(Compression::new());
    for role in ROLES {
        let mut end = connection(role, &config, Agreement::default());
        let mut peer = connection(role.peer(), &config, Agreement::default());
        let large = text(0, MIB);
        let round = |end: &mut Connection, peer: &mut Connection, message: &str| {
            end.split().1.text(message).unwrap();
            let mut wire = take(end);
            assert_eq!(read(peer, CALLS[1], &mut wire).unwrap(), message.len());
            read(peer, CALLS[1], &mut []).unwrap();
        };
        (0..100).for_each(|n| round(&mut end, &mut peer, &text(n, 500)));
        let info = measure(|| round(&mut end, &mut peer, &large));
        assert!(info.bytes_total > MIB as u64);
        // The two histories are full now, if they were not before.
        assert!(info.bytes_current <= 0, "{info:?}");
    }
}

/// Security, T8: 64 MiB of zeros against a limit of 1 MiB, in one frame, in many, and behind another message whose
/// window it goes on from. Read in pieces it is refused as soon as it passes the limit; read as a whole, when it has come
/// to its end, and until then it is what it is on the wire.
#[test]
fn t08_a_bomb_stops_at_the_limit() {
    const LIMIT: usize = MIB;
    // A stream that begins anew after each MiB is a stream all the same.
    let mebibyte = zeros(MIB);
    let bomb = [&mebibyte[..], &TAIL].concat().repeat(64);
    assert!(bomb.len() < 70 * KIB, "{} bytes for 64 MiB", bomb.len());
    let config = Config::new().max_message(LIMIT).compression(Compression::new());
    for role in ROLES {
        for (first, begins) in [(PACKED_TEXT, PACKED_TEXT_BEGINS), (PACKED_BINARY, PACKED_BINARY_BEGINS)] {
            let mut fragments = frame(role, begins, &bomb[..10]);
            for part in bomb[10..].chunks(100) {
                fragments.extend(frame(role, CONTINUES, part));
            }
            fragments.extend(frame(role, ENDS, b""));
            let half = Bits::new().stored_all(&vec![0; 40_000]).message();
            // From the message before, one zero after another.
            let mut going_on = Bits::new();
            going_on.fixed(false);
            (0..(64 * MIB).div_ceil(258)).for_each(|_| {
                going_on.copy(258, 32_768);
            });
            let across = [frame(role, first, &half), frame(role, first, &going_on.end().message())].concat();
            let before = frame(role, first, &half).len();
            for (name, wire, before) in
                [("one frame", frame(role, first, &bomb), 0), ("fragments", fragments, 0), ("across", across, before)]
            {
                for call in CALLS {
                    let mut wire = wire.clone();
                    let mut end = connection(role, &config, Agreement::default());
                    let (mut consumed, mut inflated, mut error) = (0, 0, None);
                    let info = measure(|| {
                        for piece in wire.chunks_mut(16) {
                            consumed += piece.len();
                            error = read_on(&mut end, call, piece, &mut inflated).err();
                            if error.is_some() {
                                break;
                            }
                        }
                    });
                    assert_eq!(error, Some(Error::MessageTooBig), "{name}, {call:?}");
                    let close = sent_frames(&mut end).pop().unwrap();
                    assert_eq!((close.first, &close.payload[..]), (CLOSE, &[3, 241][..]), "1009");
                    let consumed = consumed - before;
                    println!(
                        "{role:?}, {name}, {call:?}: {consumed} bytes of {} read, {} B at once, in {} allocations",
                        wire.len() - before,
                        info.bytes_max,
                        info.count_total
                    );
                    let chunks = matches!(call, Call::Chunk);
                    let inflated = inflated - if before == 0 { 0 } else { 40_000 };
                    assert_eq!(inflated, if chunks { LIMIT } else { 0 }, "all up to the limit, and nothing more");
                    // The window of the messages before, and that of this one where it is not kept.
                    let window = 32 * KIB;
                    // A buffer that grows is there twice while it moves, as this allocator has it.
                    let buffer = if chunks { 0 } else { 2 * LIMIT + 2 * (wire.len() - before) };
                    let most = buffer + 2 * window + INFLATER;
                    assert!(info.bytes_max <= most as u64, "{name}, {call:?}: {info:?}");
                    assert_eq!(measure(|| drop(black_box(end))).count_total, 0);
                    if !chunks {
                        assert_eq!(consumed, wire.len() - before, "not before its last byte");
                        continue;
                    }
                    // 64 KiB is a 1024th of the bomb: about that much of it is read.
                    let ratio = if before == 0 { 1000 } else { 79 };
                    assert!(consumed <= LIMIT / ratio + if name == "fragments" { 300 } else { 100 }, "{consumed}");
                }
            }
        }
    }
}

/// What is held of a bomb, however its buffer got there, is the limit and a decompressor.
#[test]
fn t08_no_more_is_held_than_the_limit() {
    let payload = zeros(MIB);
    for limit in [MIB, MIB - 1, MIB / 2 + 1, 100_000, 8 * KIB, 1] {
        let config = Config::new().max_message(limit).compression(Compression::new());
        for call in CALLS {
            let mut wire = frame(Role::Client, PACKED_BINARY, &[&payload[..], &TAIL].concat().repeat(2));
            let mut end = connection(Role::Client, &config, Agreement::default());
            let mut most = 0;
            let mut held = 0;
            for piece in wire.chunks_mut(1) {
                let mut bad = false;
                let info = measure(|| bad = read(&mut end, call, piece).is_err());
                if bad {
                    break;
                }
                held += info.bytes_current;
                most = most.max(held);
            }
            let buffer = if matches!(call, Call::Chunk) { 32 * KIB } else { limit };
            assert!(usize::try_from(most).unwrap() <= buffer + INFLATER, "{most} of {limit}, {call:?}");
        }
    }
}

/// A codec that failed is not lent again: the next message makes a new one.
#[test]
fn no_codec_of_a_failed_message_returns_to_the_pool() {
    let good = Bits::new().fixed(false).literals(b"Hello").end().message();
    let bomb = zeros(MIB);
    for role in ROLES {
        for call in CALLS {
            for (name, limit, payload) in [
                ("good", MIB, &good[..]),
                ("block type 3", MIB, b"\x07"),
                ("cut", MIB, &good[..3]),
                ("too far", MIB, b"\xf2\x00\x11\x00\x00"),
                ("too big", MIB - 1, &bomb),
                ("not UTF-8", MIB, b"\x00\x01\x00\xfe\xff\xff\x00"),
            ] {
                let pool = Pool::new(4);
                let config = Config::new().max_message(limit).compression(Compression::new().pool(pool.clone()));
                let first = if name == "not UTF-8" { PACKED_TEXT } else { PACKED_BINARY };
                let mut end = connection(role, &config, Agreement::default());
                let mut wire = frame(role, first, payload);
                let failed = read(&mut end, call, &mut wire).is_err();
                assert_eq!(failed, name != "good");
                drop(end);
                let mut next = connection(role, &config, Agreement::default());
                let mut wire = frame(role, PACKED_BINARY, &good);
                let info = measure(|| assert_eq!(read(&mut next, call, &mut wire), Ok(5)));
                assert_eq!(info.bytes_total < 1000, name == "good", "{name}, {call:?}: {info:?}");
                assert!(name == "good" || info.bytes_total > 40_000, "{name}: {info:?}");
            }
        }
        // Nor does that of a message that nobody waited for, if it had one: only in pieces.
        let pool = Pool::new(4);
        let config = Config::new().compression(Compression::new().pool(pool.clone()));
        let mut end = connection(role, &config, Agreement::default());
        let info = measure(|| {
            assert!(read(&mut end, Call::Chunk, &mut frame(role, PACKED_BINARY_BEGINS, &good[..3])).is_ok());
        });
        assert!(info.bytes_current > 40_000, "{info:?}");
        drop(end);
        let mut next = connection(role, &config, Agreement::default());
        let mut wire = frame(role, PACKED_BINARY, &good);
        let info = measure(|| assert_eq!(read(&mut next, CALLS[0], &mut wire), Ok(5)));
        assert!(info.bytes_total > 40_000, "{info:?}");
    }
}

#[test]
fn a_pool_keeps_no_more_codecs_than_its_slots() {
    for slots in [0, 1, 3] {
        let pool = Pool::new(slots);
        pool.max_unfinished(6);
        let config = Config::new().compression(Compression::new().pool(pool.clone()));
        // As many messages are read in pieces as there are connections, so that each has its own codec.
        let mut ends: Vec<_> = (0..6).map(|_| connection(Role::Server, &config, Agreement::default())).collect();
        let info = measure(|| {
            for end in &mut ends {
                read(end, Call::Chunk, &mut frame(Role::Server, PACKED_BINARY_BEGINS, b"")).unwrap();
                read(end, Call::Chunk, &mut frame(Role::Server, CONTINUES, b"\x00\x00")).unwrap();
            }
        });
        assert!(info.bytes_current > 6 * 50_000);
        let info = measure(|| {
            for end in &mut ends {
                read(end, Call::Chunk, &mut frame(Role::Server, ENDS, b"\x00\xff\xff\x00")).unwrap();
            }
        });
        let returned = -info.bytes_current;
        let dropped = i64::try_from(6 - slots).unwrap();
        assert!((dropped * 50_000..dropped * 64_000).contains(&returned), "{slots} slots: {returned}");
        let info = measure(|| pool.clear());
        assert!(info.bytes_current <= -50_000 * i64::try_from(slots).unwrap(), "{info:?}");
    }
}

/// Codecs of windows that nobody uses any more make way for others.
#[test]
fn a_pool_keeps_no_more_deflaters_than_its_slots_either() {
    for slots in [0, 1, 3] {
        let config = Config::new().compression(Compression::new().pool(Pool::new(slots)));
        let mut ends: Vec<_> = (8..=15).map(|bits| connection(Role::Server, &config, both_ways(bits, false))).collect();
        let info = measure(|| {
            for end in &mut ends {
                end.split().1.text(&text(1, 1000)).unwrap();
                let n = end.outgoing().len();
                end.consume(n);
                end.release();
            }
        });
        let kept = usize::try_from(info.bytes_current).unwrap();
        assert!((slots * 200 * KIB..=slots * 400 * KIB + 500).contains(&kept), "{slots} slots: {kept} bytes");
    }
}

/// What a connection holds after `messages` messages in each direction, its buffers given back.
fn idle(role: Role, agreement: Agreement, compression: &Compression, messages: u64) -> usize {
    let config = Config::new().compression(compression.clone().pool(Pool::new(4)));
    let peers = Config::new().compression(Compression::new());
    // The pool gets warm by another.
    for _ in 0..2 {
        let (mut end, mut peer) = (connection(role, &config, agreement), connection(role.peer(), &peers, agreement));
        exchange(&mut end, &mut peer, 0);
    }
    let mut peer = connection(role.peer(), &peers, agreement);
    let mut end = None;
    let mut kept = measure(|| end = Some(connection(role, &config, agreement))).bytes_current;
    let mut end = end.unwrap();
    for n in 0..messages {
        kept += exchange(&mut end, &mut peer, n).bytes_current;
    }
    kept += measure(|| end.release()).bytes_current;
    usize::try_from(kept).unwrap()
}

/// One message from `end` and one to it; what was allocated at `end`.
fn exchange(end: &mut Connection, peer: &mut Connection, n: u64) -> AllocationInfo {
    let message = text(n, 350);
    peer.split().1.text(&message).unwrap();
    let mut wire = take(peer);
    assert_ne!(wire[0] & 0x40, 0);
    measure(|| {
        assert_eq!(read(end, CALLS[0], &mut wire), Ok(message.len()));
        assert_eq!(read(end, CALLS[0], &mut []), Ok(0));
        end.split().1.text(&message).unwrap();
        assert_ne!(end.outgoing()[0] & 0x40, 0);
        let n = end.outgoing().len();
        end.consume(n);
    })
}

/// What three messages allocate at their sender and at their receiver, once warm.
fn traffic(role: Role, takeover: bool, size: usize, call: Call) -> (AllocationInfo, AllocationInfo) {
    let config = Config::new().compression(Compression::new());
    let agreement = both_ways(15, takeover);
    let mut end = connection(role, &config, agreement);
    let mut peer = connection(role.peer(), &config, agreement);
    // Others, too, so that the codecs are lent by turns and the windows are full.
    let mut other = connection(role, &config, agreement);
    let messages: Vec<String> = (0..203).map(|n| text(n, size)).collect();
    let (mut sending, mut receiving) = (AllocationInfo::default(), AllocationInfo::default());
    for (n, message) in messages.iter().enumerate() {
        let sent = measure(|| end.split().1.text(message).unwrap());
        let mut wire = take(&mut end);
        assert_ne!(wire[0] & 0x40, 0);
        let received = measure(|| assert_eq!(read(&mut peer, call, &mut wire), Ok(message.len())));
        other.split().1.text(message).unwrap();
        take(&mut other);
        if n >= 200 {
            sending += sent;
            receiving += received;
        }
    }
    (sending, receiving)
}

/// Reads all of `input`; how many bytes of messages it had.
fn read(end: &mut Connection, call: Call, input: &mut [u8]) -> Result<usize, Error> {
    let mut read = 0;
    read_on(end, call, input, &mut read).map(|()| read)
}

/// Reads all of `input`, and adds up how many bytes of messages it had, before an error too.
fn read_on(end: &mut Connection, call: Call, mut input: &mut [u8], read: &mut usize) -> Result<(), Error> {
    let (reader, _) = end.split();
    loop {
        let event = match call {
            Call::Receive => reader.receive(&mut input)?,
            Call::Advance => {
                reader.advance(&mut input)?;
                reader.event()
            }
            Call::Chunk => match reader.receive_chunk(&mut input)? {
                Some(Chunk::Data { bytes, .. }) => {
                    *read += bytes.len();
                    continue;
                }
                Some(other) => panic!("{other:?}"),
                None => None,
            },
        };
        match event {
            Some(Event::Text(text)) => *read += text.len(),
            Some(Event::Binary(bytes)) => *read += bytes.len(),
            Some(other) => panic!("{other:?}"),
            None => return Ok(()),
        }
    }
}

/// So many zeros, compressed as well as can be.
fn zeros(length: usize) -> Vec<u8> {
    let config = Config::new().compression(Compression::new().level(9));
    let mut end = connection(Role::Server, &config, Agreement::default());
    end.split().1.binary(&vec![0; length]).unwrap();
    sent(&mut end).payload
}

/// Some text that shrinks.
fn text(n: u64, length: usize) -> String {
    let mut text = String::with_capacity(length + 100);
    let mut id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < length {
        id ^= id << 13;
        id ^= id >> 7;
        id ^= id << 17;
        write!(text, "{{\"id\": {id}, \"name\": \"somebody\", \"price\": {}}}, ", id % 1000).unwrap();
    }
    text.truncate(length);
    text
}
