//! What is allocated, counted by the allocator: nothing for a message once warm, nothing for an idle connection, and
//! for a message that arrives no more than has arrived of it.
//!
//! Only the thread that measures is counted, so that tests may run at the same time.
#![cfg(feature = "std")]

#[path = "common/frames.rs"]
mod frames;

use core::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use ws_proto::{Chunk, CloseCode, Config, Connection, Error, Event, Kind, Role};

use crate::frames::{BINARY, BINARY_BEGINS, CONTINUES, ENDS, ROLES, TEXT, TEXT_BEGINS, connection, frame, header};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const PAYLOAD: [u8; 5000] = [b'x'; 5000];

/// A way to read.
#[derive(Clone, Copy, Debug)]
enum Call {
    Receive,
    Advance,
    Chunk,
}

/// How a message arrives.
#[derive(Clone, Copy, Debug)]
enum Form {
    Whole,
    Cut,
    Fragmented,
}

/// How a message is sent.
#[derive(Clone, Copy, Debug)]
enum Say {
    Whole,
    FragmentSize,
    Fragments,
    InPlace,
}

#[test]
fn a_message_received_allocates_nothing_once_warm() {
    let large = Config::new().keep_buffer(4 * MIB);
    for (size, config) in
        [(8, &Config::new()), (KIB, &Config::new()), (8, &large), (KIB, &large), (64 * KIB, &large), (MIB, &large)]
    {
        for role in ROLES {
            for kind in [Kind::Text, Kind::Binary] {
                for form in [Form::Whole, Form::Cut, Form::Fragmented] {
                    for call in [Call::Receive, Call::Advance, Call::Chunk] {
                        let info = receiving(role, config, kind, size, form, call);
                        assert_eq!(info.count_total, 0, "{size} bytes, {role:?}, {kind:?}, {form:?}, {call:?}");
                    }
                }
            }
        }
    }
}

/// What lies in the input as one frame, and what is read in chunks, needs no buffer at all: not even a cold one, and
/// whatever its size.
#[test]
fn a_message_lent_from_the_input_never_allocates() {
    for role in ROLES {
        for first in [TEXT, BINARY] {
            for size in [8, 125, 126, KIB, 64 * KIB - 1, 64 * KIB, MIB] {
                // The limits as they are, and as low as the message allows.
                for config in [Config::new(), Config::new().max_frame(size).max_message(size)] {
                    let mut wire = frame(role, first, &vec![b'x'; size]);
                    let mut whole = connection(role, &config);
                    let info = measure(|| assert_eq!(read(&mut whole, Call::Receive, &mut wire), size));
                    assert_eq!(info, AllocationInfo::default(), "{size}, {role:?}");
                }

                let mut wire = frame(role, first, &vec![b'x'; size]);
                let mut chunked = connection(role, &Config::new());
                let info = measure(|| {
                    let read: usize = wire.chunks_mut(1000).map(|piece| read(&mut chunked, Call::Chunk, piece)).sum();
                    assert_eq!(read, size);
                });
                assert_eq!(info, AllocationInfo::default(), "{size} in chunks, {role:?}");
            }
        }
    }
}

#[test]
fn a_message_sent_allocates_nothing_once_warm() {
    let large = Config::new().keep_buffer(4 * MIB);
    for (size, config) in
        [(8, &Config::new()), (KIB, &Config::new()), (8, &large), (KIB, &large), (64 * KIB, &large), (MIB, &large)]
    {
        for role in ROLES {
            for kind in [Kind::Text, Kind::Binary] {
                for say in [Say::Whole, Say::FragmentSize, Say::Fragments, Say::InPlace] {
                    for write in [usize::MAX, 1500] {
                        let info = sending(role, config, kind, size, say, write);
                        assert_eq!(info.count_total, 0, "{size} bytes, {role:?}, {kind:?}, {say:?}, {write} a write");
                    }
                }
            }
        }
    }
}

/// Connections that own nothing between their turns, but for a client's keys.
#[test]
fn connections_with_one_buffer_for_all_allocate_nothing_once_warm() {
    for role in ROLES {
        let mut connections: Vec<_> = (0..4).map(|_| connection(role, &Config::new())).collect();
        let mut spare = Vec::new();
        let mut turn = |connection: &mut Connection, size: usize| {
            let (_, writer) = connection.split();
            writer.reserve_from(&mut spare);
            writer.binary(&PAYLOAD[..size]).expect("room");
            writer.consume(writer.pending().len());
            writer.release_into(&mut spare);
        };
        turn(&mut connections[0], PAYLOAD.len());
        for size in [8, PAYLOAD.len(), 0, KIB] {
            for connection in &mut connections {
                let info = measure(|| turn(connection, size));
                assert_eq!(
                    (info.count_total, info.bytes_current),
                    (u64::from(role == Role::Client), 0),
                    "{size} bytes"
                );
            }
        }
    }
}

#[test]
fn control_frames_never_allocate_on_receipt_and_not_once_warm_on_reply() {
    for role in ROLES {
        let mut cold = connection(role, &Config::new());
        let mut wire =
            [frame(role, 0x89, &[1; 125]), frame(role, 0x8a, b""), frame(role, 0x88, b"\x03\xe8bye")].concat();
        let info = measure(|| assert_eq!(read(&mut cold, Call::Receive, &mut wire), 125 + 3));
        assert_eq!(info, AllocationInfo::default(), "{role:?}");

        let mut warm = connection(role, &Config::new());
        let ping = frame(role, 0x89, &[1; 125]);
        let mut buffer = ping.clone();
        let mut ping_pong = || {
            buffer.copy_from_slice(&ping);
            read(&mut warm, Call::Receive, &mut buffer);
            let n = warm.outgoing().len();
            assert!(n > 125);
            warm.consume(n);
        };
        ping_pong();
        assert_eq!(measure(ping_pong).count_total, 0, "{role:?}");
    }
}

#[test]
fn an_error_never_allocates() {
    for role in ROLES {
        let mut failed = connection(role, &Config::new());
        let info = measure(|| {
            assert_eq!(failed.split().0.receive(&mut &mut [0xff][..]), Err(Error::BadReservedBit));
        });
        assert_eq!(info, AllocationInfo::default(), "{role:?}");
    }
}

#[test]
fn rl_16_an_idle_connection_owns_no_heap() {
    for role in ROLES {
        let info = measure(|| {
            let fresh = black_box(connection(role, &Config::new()));
            let (reader, writer) = fresh.into_split();
            drop(black_box((reader, writer)));
        });
        assert_eq!(info, AllocationInfo::default(), "fresh, {role:?}");

        for size in [8, KIB, 64 * KIB, MIB] {
            let mut fragments = fragmented(role, Kind::Text, size);
            let text = "x".repeat(size);
            let mut idle = connection(role, &Config::new());
            let info = measure(|| {
                assert_eq!(read(&mut idle, Call::Receive, &mut fragments), size);
                idle.split().1.text(&text).unwrap();
                let n = idle.outgoing().len();
                idle.consume(n);
                idle.release();
            });
            assert!(info.count_total > 0);
            assert_eq!((info.count_current, info.bytes_current), (0, 0), "released after {size} bytes, {role:?}");
            assert_eq!(idle.transport(), ws_proto::Transport::Open);
        }
    }
}

#[test]
fn rl_16_a_connection_is_small() {
    let size = size_of::<Connection>();
    println!("size_of::<Connection>() = {size} bytes");
    println!("a reader: {}, a writer: {}", size_of::<ws_proto::Reader>(), size_of::<ws_proto::Writer>());
    assert!(size < 640);
}

/// Security, T2: a header that announces 2^62 bytes.
#[test]
#[cfg(target_pointer_width = "64")]
fn rl_05_an_announced_length_reserves_nothing() {
    let unlimited = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    for role in ROLES {
        for first in [TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS] {
            for call in [Call::Receive, Call::Advance, Call::Chunk] {
                let mut wire = header(role, first, 1 << 62);
                let mut announced = connection(role, &unlimited);
                let info = measure(|| assert_eq!(read(&mut announced, call, &mut wire), 0));
                assert_eq!(info, AllocationInfo::default(), "{first:02x}, {role:?}, {call:?}");
            }
        }
    }
}

/// Security, T2.
#[test]
#[cfg(target_pointer_width = "64")]
fn rl_05_memory_follows_what_was_received() {
    const SLACK: usize = 64;
    let unlimited = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    for role in ROLES {
        for first in [TEXT, BINARY] {
            for call in [Call::Receive, Call::Advance] {
                for received in [1, 100, 4097, 100_000, MIB + 1] {
                    for piece in [1, 1448, 65_536] {
                        let mut announcement = header(role, first, 1 << 62);
                        let mut payload = vec![0x20; received];
                        mask(role, &mut payload);
                        let mut announced = connection(role, &unlimited);
                        let info = measure(|| {
                            read(&mut announced, call, &mut announcement);
                            for piece in payload.chunks_mut(piece) {
                                read(&mut announced, call, piece);
                            }
                        });
                        let held = usize::try_from(info.bytes_current).unwrap();
                        let name = format!("{received} bytes in pieces of {piece}, {role:?}, {call:?}");
                        assert!((received..=2 * received + SLACK).contains(&held), "{held} held after {name}");
                        // While it grows, the old buffer and the new one.
                        let most = usize::try_from(info.bytes_max).unwrap();
                        assert!(most <= 3 * received + SLACK, "{most} at once for {name}");
                        // Amortized: each growth at least doubles.
                        assert!(info.count_total <= 2 + u64::from(received.ilog2()), "{info:?} for {name}");
                    }
                }
            }
        }
    }
}

/// Doubling ends at the limit: a message that fills it holds no more.
#[test]
fn rl_05_no_buffer_grows_beyond_the_limit() {
    for limit in [100, 1000, 100_000] {
        for role in ROLES {
            for first in [TEXT, BINARY] {
                for call in [Call::Receive, Call::Advance] {
                    let mut wire = frame(role, first, &vec![b'x'; limit]);
                    let most = wire.len() - 1; // the last byte does not come
                    let mut full = connection(role, &Config::new().max_message(limit));
                    let info = measure(|| {
                        for piece in wire[..most].chunks_mut(limit / 7) {
                            assert_eq!(read(&mut full, call, piece), 0);
                        }
                    });
                    let held = usize::try_from(info.bytes_current).unwrap();
                    assert!((limit - 1..=limit).contains(&held), "{held} held of {limit}, {role:?}, {call:?}");
                }
            }
        }
    }
}

/// The first bytes of a character wait elsewhere, and take their room all the same when the last one comes.
#[test]
fn rl_05_cut_characters_do_not_let_it_grow_beyond_the_limit() {
    for limit in 4..100 {
        for (role, call) in ROLES.into_iter().flat_map(|role| [(role, Call::Receive), (role, Call::Advance)]) {
            for piece in 1..=limit {
                let text = ["x".repeat(limit % 4), "🦀".repeat(limit / 4)].concat();
                let mut wire = frame(role, TEXT, text.as_bytes());
                let most = wire.len() - 1; // the last byte does not come
                let mut full = connection(role, &Config::new().max_message(limit));
                let info = measure(|| {
                    for piece in wire[..most].chunks_mut(piece) {
                        assert_eq!(read(&mut full, call, piece), 0);
                    }
                });
                let held = usize::try_from(info.bytes_current).unwrap();
                assert!(held <= limit, "{held} held of {limit} in pieces of {piece}, {role:?}, {call:?}");
            }
        }
    }
}

/// Security, T2: whatever a frame or a fragment announces, and however much of it comes.
#[test]
#[cfg(target_pointer_width = "64")]
fn t02_memory_follows_what_came_and_not_what_was_announced() {
    const CONSTANT: usize = 64;
    let unlimited = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    for role in ROLES {
        for call in [Call::Receive, Call::Advance, Call::Chunk] {
            for announced in [126, 65_536, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 63) - 1] {
                for (begins, first) in [(None, TEXT), (None, BINARY_BEGINS), (Some(TEXT_BEGINS), CONTINUES)] {
                    for came in [0, 1, 100] {
                        let mut begun = begins.map_or(Vec::new(), |begins| frame(role, begins, b"begun"));
                        let mut wire = header(role, first, announced);
                        let mut payload = vec![b'x'; came];
                        mask(role, &mut payload);
                        wire.extend(payload);
                        let received = begun.len() + wire.len();
                        let mut announced_to = connection(role, &unlimited);
                        let info = measure(|| {
                            read(&mut announced_to, call, &mut begun);
                            read(&mut announced_to, call, &mut wire);
                        });
                        let most = usize::try_from(info.bytes_max).unwrap();
                        let name = format!("{came} of {announced}, {first:02x}, {role:?}, {call:?}");
                        assert!(most <= 2 * received + CONSTANT, "{name}: {info:?}");
                    }
                }
            }
        }
    }
}

/// Security, T4: many small fragments cost no object each.
#[test]
fn t04_memory_of_small_fragments_follows_their_bytes() {
    const FRAGMENTS: usize = 1_000_000;
    let config = Config::new().max_fragments(Config::UNLIMITED);
    for role in ROLES {
        for (payload, most) in [(&b""[..], 0), (b"x", 3 * FRAGMENTS + 64)] {
            let mut wire = frame(role, BINARY_BEGINS, b"");
            wire.extend(frame(role, CONTINUES, payload).repeat(FRAGMENTS));
            let mut flooded = connection(role, &config);
            let info = measure(|| {
                for piece in wire.chunks_mut(4096) {
                    read(&mut flooded, Call::Receive, piece);
                }
            });
            assert!(info.bytes_max <= most as u64, "{info:?}, {role:?}");
        }
    }
}

#[test]
fn rl_05_large_buffers_are_released_after_use() {
    for role in ROLES {
        for kind in [Kind::Text, Kind::Binary] {
            let payload = vec![0x20; MIB];
            for mut next in [frame(role, 0x8a, b""), frame(role, TEXT, b"whole")] {
                let mut wire = fragmented(role, kind, MIB);
                let mut used = connection(role, &Config::new());
                let info = measure(|| {
                    assert!(used.split().0.receive(&mut &mut wire[..]).unwrap().is_some());
                    // What an event lent is free at the next call.
                    assert!(used.split().0.receive(&mut &mut next[..]).unwrap().is_some());
                    used.split().1.binary(&payload).unwrap();
                    let n = used.outgoing().len();
                    used.consume(n - 1);
                    used.consume(1);
                });
                assert_eq!(info.bytes_current, keys(role), "{role:?}, {kind:?}");
            }
        }
        // A failed connection keeps nothing of its message either.
        let mut wire = [frame(role, BINARY_BEGINS, &[1; 1000]), vec![0xff]].concat();
        let mut failed = connection(role, &Config::new());
        let info = measure(|| while failed.split().0.receive(&mut &mut wire[..]).is_ok() {});
        assert!(info.count_total > 0);
        assert_eq!(info.bytes_current, 0, "{role:?}");
    }
}

#[test]
fn rl_05_small_buffers_are_kept_up_to_the_limit() {
    for keep in [KIB, 64 * KIB] {
        for role in ROLES {
            let config = Config::new().keep_buffer(keep);
            let mut used = connection(role, &config);
            let payload = vec![0x20; keep / 2];
            let mut wire = fragmented(role, Kind::Binary, keep / 2);
            let mut next = frame(role, 0x8a, b"");
            let info = measure(|| {
                read(&mut used, Call::Receive, &mut wire);
                read(&mut used, Call::Receive, &mut next);
                used.split().1.binary(&payload).unwrap();
                let n = used.outgoing().len();
                used.consume(n);
            });
            let kept = usize::try_from(info.bytes_current - keys(role)).unwrap();
            assert!((keep..=2 * keep).contains(&kept), "{kept} kept of {keep}, {role:?}");
        }
    }
}

/// The masking keys that a client holds, in bytes, from its first frame until it is released.
fn keys(role: Role) -> i64 {
    if role == Role::Client { 56 * 4 } else { 0 }
}

/// At N a buffer is kept, at N + 1 it is not, whatever the allocator made of a message.
#[test]
fn rl_05_buffers_are_kept_at_the_limit_and_not_above() {
    for role in ROLES {
        for sends in [false, true] {
            let kept = |keep| {
                let mut wire = frame(role, BINARY, &[1; 1000]);
                let mut next = frame(role, 0x8a, b"");
                let mut used = connection(role, &Config::new().keep_buffer(keep));
                let info = measure(|| {
                    if sends {
                        used.split().1.binary(&[1; 1000]).unwrap();
                        let n = used.outgoing().len();
                        used.consume(n);
                    } else {
                        read(&mut used, Call::Advance, &mut wire);
                        read(&mut used, Call::Advance, &mut next);
                    }
                });
                let keys = if sends { keys(role) } else { 0 };
                usize::try_from(info.bytes_current - keys).unwrap()
            };
            let all = kept(Config::UNLIMITED);
            assert!((1000..=1100).contains(&all), "{all} kept, {role:?}, {sends}");
            assert_eq!((kept(all), kept(all - 1)), (all, 0), "{role:?}, {sends}");
        }
    }
}

/// What is written makes way for what follows, even where the output is never empty.
#[test]
fn rl_12_output_that_is_never_empty_does_not_grow() {
    for role in ROLES {
        let mut busy = connection(role, &Config::new());
        let info = measure(|| {
            for _ in 0..10_000 {
                busy.split().1.binary(&[1; 100]).unwrap();
                let n = busy.outgoing().len();
                busy.consume(n - 1);
            }
        });
        assert!(info.bytes_max < KIB as u64, "{} bytes, {role:?}", info.bytes_max);
    }
}

#[test]
fn an_echo_between_two_ends_allocates_nothing_once_warm() {
    let config = Config::new().keep_buffer(4 * MIB);
    let mut client = connection(Role::Client, &config);
    let mut server = connection(Role::Server, &config);
    let text = "x".repeat(MIB);
    let mut buffer = vec![0; MIB + 14];
    let mut round = |size: usize| {
        client.split().1.text(&text[..size]).unwrap();
        let n = carry(&mut client, &mut buffer);
        let (reader, writer) = server.split();
        let mut input = &mut buffer[..n];
        while let Some(event) = reader.receive(&mut input).unwrap() {
            let Event::Text(text) = event else { panic!("{event:?}") };
            writer.text(text).unwrap();
        }
        let n = carry(&mut server, &mut buffer);
        assert_eq!(read(&mut client, Call::Receive, &mut buffer[..n]), size);
    };
    for size in [8, KIB, 64 * KIB, MIB] {
        round(size);
        assert_eq!(measure(|| (0..3).for_each(|_| round(size))).count_total, 0, "{size} bytes");
    }
}

#[test]
fn closing_never_allocates_once_warm() {
    for role in ROLES {
        let mut warm = connection(role, &Config::new());
        warm.split().1.binary(&[0; 200]).unwrap();
        let n = warm.outgoing().len();
        warm.consume(n);
        let info = measure(|| {
            warm.split().1.close(CloseCode::NORMAL, "a reason").unwrap();
            let n = warm.outgoing().len();
            warm.consume(n);
        });
        assert_eq!(info.count_total, 0, "{role:?}");
    }
}

/// Reads messages twice to get warm; what three more allocate.
fn receiving(role: Role, config: &Config, kind: Kind, size: usize, form: Form, call: Call) -> AllocationInfo {
    let first = if kind == Kind::Text { TEXT } else { BINARY };
    let wire = match form {
        Form::Whole | Form::Cut => frame(role, first, &vec![0x20; size]),
        Form::Fragmented => fragmented(role, kind, size),
    };
    let piece = match form {
        Form::Whole | Form::Fragmented => wire.len(),
        Form::Cut => wire.len().div_ceil(7).min(4096),
    };
    let mut buffer = wire.clone();
    let mut warm = connection(role, config);
    let mut message = || {
        buffer.copy_from_slice(&wire);
        let read: usize = buffer.chunks_mut(piece).map(|piece| read(&mut warm, call, piece)).sum();
        assert_eq!(read, size);
    };
    (0..2).for_each(|_| message());
    measure(|| (0..3).for_each(|_| message()))
}

/// Sends messages twice to get warm; what three more allocate.
fn sending(role: Role, config: &Config, kind: Kind, size: usize, say: Say, write: usize) -> AllocationInfo {
    let text = " ".repeat(size);
    let mut payload = text.clone().into_bytes();
    let config = match say {
        Say::FragmentSize => config.clone().fragment_size(size / 3),
        _ => config.clone(),
    };
    let mut warm = connection(role, &config);
    let mut message = || {
        let (_, writer) = warm.split();
        match (say, kind) {
            (Say::InPlace, Kind::Binary) => drop(black_box(writer.binary_in_place(&mut payload).unwrap())),
            (Say::InPlace, Kind::Text) => {
                payload.fill(b' ');
                let _ = black_box(writer.text_in_place(&mut payload).unwrap());
            }
            (Say::Fragments, _) => {
                for (n, fragment) in text.as_bytes().chunks(size.div_ceil(4)).enumerate() {
                    writer.fragment(kind, fragment, n == 3).unwrap();
                }
            }
            (_, Kind::Text) => writer.text(&text).unwrap(),
            (_, Kind::Binary) => writer.binary(text.as_bytes()).unwrap(),
        }
        loop {
            let n = warm.outgoing().len().min(write);
            if n == 0 {
                break;
            }
            warm.consume(n);
        }
    };
    (0..2).for_each(|_| message());
    measure(|| (0..3).for_each(|_| message()))
}

/// Reads all of `input`; how many bytes of data, ping and close reason it had.
fn read(connection: &mut Connection, call: Call, mut input: &mut [u8]) -> usize {
    let (reader, _) = connection.split();
    let mut read = 0;
    loop {
        let event = match call {
            Call::Receive => reader.receive(&mut input).unwrap(),
            Call::Advance => {
                reader.advance(&mut input).unwrap();
                reader.event()
            }
            Call::Chunk => match reader.receive_chunk(&mut input).unwrap() {
                Some(Chunk::Data { bytes, .. } | Chunk::Ping(bytes)) => {
                    read += bytes.len();
                    continue;
                }
                Some(_) => continue,
                None => None,
            },
        };
        match event {
            Some(Event::Text(text)) => read += text.len(),
            Some(Event::Binary(bytes) | Event::Ping(bytes)) => read += bytes.len(),
            Some(Event::Close(close)) => read += close.map_or(0, |close| close.reason.len()),
            Some(_) => {}
            None => return read,
        }
    }
}

/// Moves what is outgoing to the front of `buffer`.
fn carry(from: &mut Connection, buffer: &mut [u8]) -> usize {
    let n = from.outgoing().len();
    buffer[..n].copy_from_slice(from.outgoing());
    from.consume(n);
    n
}

/// A message in three fragments.
fn fragmented(role: Role, kind: Kind, size: usize) -> Vec<u8> {
    let payload = vec![0x20; size];
    let first = if kind == Kind::Text { TEXT_BEGINS } else { BINARY_BEGINS };
    [
        frame(role, first, &payload[..size / 4]),
        frame(role, CONTINUES, &payload[..size / 4]),
        frame(role, ENDS, &payload[..size - 2 * (size / 4)]),
    ]
    .concat()
}

#[cfg(target_pointer_width = "64")]
fn mask(role: Role, payload: &mut [u8]) {
    if role == Role::Server {
        ws_proto::mask::apply(payload, frames::KEY);
    }
}
