//! Limits, at their last allowed value and at the first refused one: both roles, every call, every cut.
#![cfg(feature = "std")]

#[path = "common/frames.rs"]
mod frames;
#[path = "common/transcript.rs"]
mod transcript;

use core::iter;
use core::time::Duration;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use ws_proto::handshake::{Answer, Client, ClientRequest, Incoming, OriginPolicy, Server};
use ws_proto::{CloseCode, Config, Error, Event, Kind, Role, Seed, SendError, Transport};

use crate::frames::{BINARY, BINARY_BEGINS, CONTINUES, ENDS, ROLES, TEXT, TEXT_BEGINS, connection, frame, header};
use crate::transcript::{Call, Item, Transcript, transcript};

#[test]
fn rl_01_a_frame_above_the_limit_is_refused_by_its_header() {
    for n in [0, 1, 5, 124, 125, 126, 127, 1000, 65_534, 65_535, 65_536] {
        for first in [TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS] {
            let config = Config::new().max_frame(n);
            let fits = |role| frame(role, first, &vec![b'x'; n]);
            assert_accepted(&format!("frame {first:02x} of {n}"), &config, fits);
            // The header alone decides; its key is not waited for.
            let too_big = |role| without_key(role, header(role, first, n as u64 + 1));
            assert_refused(&format!("frame {first:02x} above {n}"), &config, too_big, Error::FrameTooBig);
        }
    }
}

/// A configuration, and the largest frame that it lets pass.
#[test]
fn k_34_max_frame_follows_max_message() {
    const DEFAULT: usize = 16 << 20;
    let rows = [
        ("raised", Config::new().max_message(DEFAULT + 3), DEFAULT + 3, Error::FrameTooBig),
        ("lowered", Config::new().max_message(1000), 1000, Error::MessageTooBig), // compressed, it may be a longer frame
        ("nothing", Config::new().max_message(0), 0, Error::MessageTooBig),
        ("set behind it", Config::new().max_message(1000).max_frame(10), 10, Error::FrameTooBig),
        ("set before it", Config::new().max_frame(10).max_message(1000), 10, Error::FrameTooBig),
        ("the default", Config::new(), DEFAULT, Error::FrameTooBig),
    ];
    for (name, config, most, error) in rows {
        for role in ROLES {
            // In few pieces: every cut of a megabyte takes long.
            let payload = vec![b'x'; most];
            for first in [TEXT, BINARY] {
                let read = transcript(role, &config, Call::Receive, [&frame(role, first, &payload)[..]]);
                assert_eq!((read.error, read.items.len()), (None, 1), "{name}, {role:?}");
                let header = without_key(role, header(role, first, most as u64 + 1));
                let read = transcript(role, &config, Call::Receive, [&header[..]]);
                assert_eq!(read.error, Some(error), "{name}, {role:?}");
            }
        }
    }
}

#[test]
fn rl_01_every_fragment_is_judged() {
    let config = Config::new().max_frame(4);
    assert_accepted("4 and 4", &config, |role| {
        [frame(role, TEXT_BEGINS, b"four"), frame(role, ENDS, b"four")].concat()
    });
    assert_refused(
        "4 and 5",
        &config,
        |role| [frame(role, TEXT_BEGINS, b"four"), without_key(role, header(role, ENDS, 5))].concat(),
        Error::FrameTooBig,
    );
}

#[test]
fn rl_01_control_frames_have_a_limit_of_their_own() {
    let config = Config::new().max_frame(0).max_message(0);
    assert_accepted("a ping of 125", &config, |role| frame(role, 0x89, &[7; 125]));
}

#[test]
fn rl_02_a_message_above_the_limit_is_refused_by_a_header() {
    let config = Config::new().max_message(1000);
    let first = |role| [frame(role, BINARY_BEGINS, &[1; 300]), frame(role, CONTINUES, &[2; 300])].concat();
    assert_accepted("300, 300, 400", &config, |role| [first(role), frame(role, ENDS, &[3; 400])].concat());
    assert_refused(
        "300, 300, 401",
        &config,
        |role| [first(role), without_key(role, header(role, ENDS, 401))].concat(),
        Error::MessageTooBig,
    );
    assert_refused(
        "300, 300, 401 and more",
        &config,
        |role| [first(role), without_key(role, header(role, CONTINUES, 401))].concat(),
        Error::MessageTooBig,
    );
}

#[test]
fn rl_02_each_message_is_counted_anew() {
    let config = Config::new().max_message(6);
    assert_accepted("6, 6 and 6", &config, |role| {
        [
            frame(role, TEXT, b"sixsix"),
            frame(role, BINARY_BEGINS, b"four"),
            frame(role, ENDS, b"66"),
            frame(role, TEXT, b"sixsix"),
        ]
        .concat()
    });
}

#[test]
fn rl_03_exactly_the_limit_is_accepted() {
    for n in [0, 1, 125, 126, 65_535, 65_536] {
        for config in [Config::new().max_message(n), Config::new().max_frame(n)] {
            for call in Call::ALL {
                for role in ROLES {
                    let wire = frame(role, TEXT, &vec![b'x'; n]);
                    let read = transcript(role, &config, call, [&wire[..]]);
                    assert_eq!(read.items, [Item::Text("x".repeat(n))], "{n}, {role:?}, {call:?}");
                    let wire = frame(role, TEXT, &vec![b'x'; n + 1]);
                    let read = transcript(role, &config, call, [&wire[..]]);
                    assert_eq!(read.items, [], "{n} + 1, {role:?}, {call:?}");
                    assert_eq!(read.error.map(Error::close_code), Some(CloseCode::TOO_BIG));
                }
            }
        }
    }
}

#[test]
fn rl_03_limits_are_for_what_is_received() {
    let config = Config::new().max_message(4).max_frame(4).max_fragments(1);
    for role in ROLES {
        let mut sender = connection(role, &config);
        let (_, writer) = sender.split();
        assert_eq!(writer.text("more than four"), Ok(()));
        for last in [false, false, true] {
            assert_eq!(writer.fragment(Kind::Binary, b"more than four", last), Ok(()));
        }
        let read = transcript(role.peer(), &Config::new(), Call::Receive, [sender.outgoing()]);
        assert_eq!(
            read.items,
            [Item::Text("more than four".to_owned()), Item::Binary(b"more than four".repeat(3))],
            "{role:?}"
        );
    }
}

#[test]
fn rl_04_fragments_are_counted() {
    for n in [1, 2, 3, 10] {
        let config = Config::new().max_fragments(n);
        let wire = |role, n: usize| {
            let mut wire = frame(role, BINARY_BEGINS, b"x");
            wire.extend((2..n).flat_map(|_| frame(role, CONTINUES, b"x")));
            wire
        };
        assert_accepted(&format!("{n} fragments"), &config, |role| match n {
            1 => frame(role, BINARY, b"x"),
            _ => [wire(role, n), frame(role, ENDS, b"x")].concat(),
        });
        // The first byte of the next one decides, whether it is the last or not.
        for first in [ENDS, CONTINUES] {
            let too_many = |role| [wire(role, n + 1), vec![first]].concat();
            assert_refused(&format!("more than {n} fragments"), &config, too_many, Error::TooManyFragments);
        }
        assert_eq!(Error::TooManyFragments.close_code(), CloseCode::POLICY);
    }
}

#[test]
fn rl_04_empty_fragments_are_counted() {
    let config = Config::new().max_fragments(3);
    let begin = |role| [frame(role, TEXT_BEGINS, b""), frame(role, CONTINUES, b"")].concat();
    assert_accepted("3 empty ones", &config, |role| [begin(role), frame(role, ENDS, b"")].concat());
    assert_refused(
        "4 empty ones",
        &config,
        |role| [begin(role), frame(role, CONTINUES, b""), vec![ENDS]].concat(),
        Error::TooManyFragments,
    );
}

#[test]
fn rl_04_each_message_is_counted_anew() {
    let config = Config::new().max_fragments(2);
    let pair = |role| [frame(role, TEXT_BEGINS, b"a"), frame(role, ENDS, b"b")].concat();
    assert_accepted("two, two, one, two", &config, |role| {
        [pair(role), pair(role), frame(role, TEXT, b"c"), pair(role)].concat()
    });
}

/// Security, T4.
#[test]
fn t04_a_million_small_fragments_take_linear_time() {
    const FRAGMENTS: usize = 1_000_000;
    let config = Config::new().max_fragments(Config::UNLIMITED);
    for payload in [&b""[..], b"x"] {
        for role in ROLES {
            let mut wire = frame(role, BINARY_BEGINS, payload);
            wire.extend(frame(role, CONTINUES, payload).repeat(FRAGMENTS));
            wire.extend(frame(role, ENDS, payload));
            let calls = if payload.is_empty() { &Call::ALL[..1] } else { &Call::ALL };
            for &call in calls {
                let start = Instant::now();
                let read = transcript(role, &config, call, wire.chunks(4096));
                let took = start.elapsed();
                assert_eq!(read.items, [Item::Binary(payload.repeat(FRAGMENTS + 2))], "{role:?}, {call:?}");
                // Half a second, unoptimized. Work for each byte that is there already would be many minutes.
                assert!(took < Duration::from_secs(60), "{took:?}, {role:?}, {call:?}");
            }
        }
    }
}

/// Security, T4: the default ends it.
#[test]
fn t04_a_flood_of_fragments_ends_at_the_default_limit() {
    for role in ROLES {
        let mut wire = frame(role, TEXT_BEGINS, b"");
        wire.extend(frame(role, CONTINUES, b"").repeat((1 << 17) - 1));
        for call in Call::ALL {
            let read = transcript(role, &Config::new(), call, wire.chunks(4096));
            assert_eq!((read.error, read.frames), (None, 1 << 17), "{role:?}, {call:?}");
            let read = transcript(role, &Config::new(), call, wire.chunks(4096).chain([&[CONTINUES][..]]));
            assert_eq!((read.error, read.frames), (Some(Error::TooManyFragments), 1 << 17), "{role:?}, {call:?}");
        }
    }
}

/// Security, T5.
#[test]
fn t05_the_sum_is_limited_over_every_fragmentation() {
    const N: usize = 8;
    let config = Config::new().max_message(N);
    for (total, error) in [(N, None), (N + 1, Some(Error::MessageTooBig))] {
        // Each bit says whether to cut behind that byte.
        for cuts in 0..1_u32 << (total - 1) {
            let sizes = sizes(total, cuts);
            for role in ROLES {
                for empty_first in [false, true] {
                    let wire = fragmented(role, &sizes, empty_first);
                    for call in Call::ALL {
                        for step in [1, wire.len()] {
                            let read = transcript(role, &config, call, wire.chunks(step));
                            assert_eq!(read.error, error, "{sizes:?}, {role:?}, {call:?}, cut every {step}");
                            assert_eq!(read.items.len(), usize::from(error.is_none()), "{sizes:?}");
                        }
                    }
                }
            }
        }
    }
}

/// Security, T6.
#[test]
fn t06_control_frames_do_not_reset_what_is_counted() {
    let size = Config::new().max_message(2);
    let fragments = Config::new().max_fragments(2);
    let begin = |role| {
        let control = [frame(role, 0x89, b"ping"), frame(role, 0x8a, b"")].concat();
        [frame(role, BINARY_BEGINS, b"x"), control.clone(), frame(role, CONTINUES, b"x"), control].concat()
    };
    let next = |role| [begin(role), frame(role, ENDS, b"x")].concat();
    assert_refused("size", &size, next, Error::MessageTooBig);
    assert_refused("fragments", &fragments, next, Error::TooManyFragments);
    assert_accepted("both", &Config::new().max_message(3).max_fragments(3), next);
}

#[test]
fn rl_12_output_above_the_mark_is_refused() {
    let config = Config::new().max_pending(64);
    for role in ROLES {
        let mut sender = connection(role, &config);
        let (_, writer) = sender.split();
        while writer.pending().len() < 63 {
            assert!(writer.has_room());
            let overhead = if role == Role::Client { 6 } else { 2 };
            let left = 63 - writer.pending().len() - overhead;
            assert_eq!(writer.binary(&vec![0; left]), Ok(()));
        }
        assert_eq!(writer.pending().len(), 63);
        assert!(writer.has_room(), "N - 1");
        assert_eq!(writer.text("one more"), Ok(()));

        let before = writer.pending().to_vec();
        assert!(!writer.has_room());
        assert_eq!(writer.text("x"), Err(SendError::Full));
        assert_eq!(writer.binary(b""), Err(SendError::Full));
        assert_eq!(writer.fragment(Kind::Text, b"x", false), Err(SendError::Full));
        assert_eq!(writer.ping(b""), Err(SendError::Full));
        assert_eq!(writer.pong(b""), Err(SendError::Full));
        assert_eq!(writer.pending(), before, "nothing was queued");

        // Exactly at the mark it is full, one below it is not.
        writer.consume(before.len() - 64);
        assert_eq!(writer.text("x"), Err(SendError::Full), "N");
        writer.consume(1);
        assert_eq!(writer.text("x"), Ok(()), "N - 1");
        let n = writer.pending().len();
        writer.consume(n);
        // The refused fragment began no message.
        assert_eq!(writer.text("x"), Ok(()));
    }
}

#[test]
fn rl_12_control_answers_fit_above_the_mark() {
    let config = Config::new().max_pending(16);
    for role in ROLES {
        let mut full = connection(role, &config);
        full.split().1.binary(&[0; 20]).unwrap();
        let before = full.outgoing().len();
        let mut read = Transcript::default();
        let mut pings = frame(role, 0x89, b"ping");
        while full.split().0.receive(&mut &mut pings[..]).unwrap().is_none() {}
        // An owed pong waits, and is not lost; handed over by the caller, it fits.
        assert_eq!(full.outgoing().len(), before);
        assert_eq!(full.transport(), Transport::Open);
        let reply = full.split().0.take_reply().expect("the pong waits");
        full.split().1.reply(reply);
        assert!(full.outgoing().len() > before);

        let before = full.outgoing().len();
        full.split().1.close(CloseCode::NORMAL, "").unwrap();
        assert!(full.outgoing().len() > before, "a close frame fits");
        read.read(&mut full, Call::Receive, &frame(role, 0x88, b"\x03\xe8"));
        assert_eq!(read.items, [Item::Close(Some((1000, String::new())))]);
        assert!(full.closed().unwrap().clean);

        let mut full = connection(role, &config);
        full.split().1.binary(&[0; 20]).unwrap();
        let before = full.outgoing().len();
        assert_eq!(full.split().0.receive(&mut &mut [0xff][..]), Err(Error::BadReservedBit));
        assert!(full.outgoing().len() > before, "and so does the one that tells of an error");
    }
}

#[test]
fn rl_12_a_pong_that_waited_goes_out_later() {
    for role in ROLES {
        let mut full = connection(role, &Config::new().max_pending(16));
        full.split().1.binary(&[0; 20]).unwrap();
        let before = full.outgoing().len();
        let mut pings = [frame(role, 0x89, b"older"), frame(role, 0x89, b"newer")].concat();
        let mut input = &mut pings[..];
        while full.split().0.receive(&mut input).unwrap().is_some() {
            assert_eq!(full.outgoing().len(), before);
        }
        full.consume(before);
        let read = transcript(role.peer(), &Config::new(), Call::Receive, [full.outgoing()]);
        assert_eq!(read.items, [Item::Pong(b"newer".to_vec())], "{role:?}");
    }
}

/// Security, T26.
#[test]
fn rl_13_a_ping_flood_owes_one_pong() {
    for role in ROLES {
        let mut flooded = connection(role, &Config::new());
        let mut wire = frame(role, 0x89, &[7; 125]).repeat(10_000);
        wire.extend(frame(role, 0x89, b"the last"));
        let mut input = &mut wire[..];
        while flooded.split().0.receive(&mut input).unwrap().is_some() {}
        let read = transcript(role.peer(), &Config::new(), Call::Receive, [flooded.outgoing()]);
        assert_eq!(read.items, [Item::Pong(b"the last".to_vec())], "{role:?}");
    }
}

/// Security, T26: a peer that pings, never reads, and is asked for its pongs after every ping.
#[test]
fn rl_13_a_ping_flood_fills_no_memory_of_a_peer_that_cannot_write() {
    for role in ROLES {
        let mut flooded = connection(role, &Config::new());
        for _ in 0..10_000 {
            let mut ping = frame(role, 0x89, &[7; 125]);
            assert!(flooded.split().0.receive(&mut &mut ping[..]).unwrap().is_some());
            assert!(flooded.outgoing().len() <= 131, "{} bytes wait, {role:?}", flooded.outgoing().len());
        }
        // The first pong is written; then the newest follows, and nothing else.
        let mut ping = frame(role, 0x89, b"the last");
        assert!(flooded.split().0.receive(&mut &mut ping[..]).unwrap().is_some());
        let n = flooded.outgoing().len();
        flooded.consume(n);
        let read = transcript(role.peer(), &Config::new(), Call::Receive, [flooded.outgoing()]);
        assert_eq!(read.items, [Item::Pong(b"the last".to_vec())], "{role:?}");
        let n = flooded.outgoing().len();
        flooded.consume(n);
        assert!(flooded.outgoing().is_empty());
    }
}

/// There is nothing to bound: what is behind a head stays in the caller's buffer, of whatever size that is.
#[test]
fn rl_15_nothing_behind_a_head_is_kept() {
    let config = Config::new();
    let behind = frame(Role::Server, TEXT, b"Hello").repeat(1000);
    let request = ClientRequest::new("ws://example.com/").unwrap();
    let mut client = Client::new(request, &config, Seed::predictable_for_tests(1)).unwrap();
    let mut wire = [client.outgoing(), &behind].concat();

    let mut server = Server::new(OriginPolicy::Any, &config);
    let mut input = &mut wire[..];
    let Ok(Some(Incoming::Upgrade(request))) = server.receive(&mut input) else { panic!("it is an upgrade") };
    assert_eq!(input, behind);
    let _ = server.receive(&mut input);
    assert_eq!(input, behind, "a server that has its request takes no more");

    let mut connection = request.accept(&Answer::new(), &config).unwrap();
    let mut wire = [connection.outgoing(), &behind].concat();
    let mut input = &mut wire[..];
    assert!(client.receive(&mut input).unwrap().is_some());
    assert_eq!(input, behind);
    assert!(matches!(connection.split().0.receive(&mut input), Ok(Some(Event::Text("Hello")))));
}

#[test]
fn rl_16_defaults_are_finite() {
    const MIB_16: u64 = 16 << 20;
    for role in ROLES {
        for call in Call::ALL {
            let read = |wire: &[u8]| transcript(role, &Config::new(), call, [wire]).error;
            assert_eq!(read(&header(role, BINARY, MIB_16)), None);
            assert_eq!(read(&header(role, BINARY, MIB_16 + 1)), Some(Error::FrameTooBig));
            let begun = frame(role, BINARY_BEGINS, b"x");
            assert_eq!(read(&[&begun[..], &header(role, ENDS, MIB_16 - 1)].concat()), None);
            assert_eq!(read(&[&begun[..], &header(role, ENDS, MIB_16)].concat()), Some(Error::MessageTooBig));
        }
        let mut sender = connection(role, &Config::new());
        let (_, writer) = sender.split();
        writer.binary(&vec![0; 16 << 20]).unwrap();
        assert_eq!(writer.binary(b""), Err(SendError::Full));
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn rl_16_unlimited_is_asked_for_by_name() {
    let config = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    for role in ROLES {
        for call in Call::ALL {
            let wire = header(role, BINARY, u64::MAX >> 1);
            assert_eq!(transcript(role, &config, call, [&wire[..]]).error, None, "{role:?}, {call:?}");
        }
    }
}

/// Every start of a header there is, with bytes of each sort behind it.
#[test]
fn se_03_no_two_bytes_panic() {
    for role in ROLES {
        for start in 0..=u16::MAX {
            let start = start.to_be_bytes();
            for rest in [[0x00; 12], [0xff; 12]] {
                let bytes = [&start[..], &rest].concat();
                let whole = transcript(role, &Config::new(), Call::Receive, [&bytes[..]]);
                for call in [Call::Receive, Call::Chunk] {
                    assert_eq!(transcript(role, &Config::new(), call, bytes.chunks(2)), whole, "{start:02x?}");
                }
            }
        }
    }
}

proptest! {
    /// Ends in events or one error; nothing is read behind it, which `Transcript::read` asserts.
    #[test]
    fn se_03_no_bytes_panic(wire in wire(), step in 1_usize..40, after in vec(any::<u8>(), 0..20)) {
        for role in ROLES {
            for call in Call::ALL {
                let whole = transcript(role, &small(), call, [&wire[..]]);
                let cut = transcript(role, &small(), call, wire.chunks(step));
                assert_eq!(cut, whole);
                if whole.closed.is_some() {
                    let more = transcript(role, &small(), call, [&wire[..], &after]);
                    assert_eq!(more, whole);
                }
            }
        }
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn se_04_sums_of_lengths_do_not_overflow() {
    const HUGE: u64 = u64::MAX >> 1;
    let unlimited = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    let limit = usize::try_from(HUGE).unwrap();
    let limited = Config::new().max_frame(Config::UNLIMITED).max_message(limit);
    for role in ROLES {
        for call in Call::ALL {
            let begun = frame(role, BINARY_BEGINS, b"12345");
            let read = |config, rest: &[u8]| transcript(role, config, call, [&begun[..], rest, b"more"]).error;
            for first in [CONTINUES, ENDS] {
                assert_eq!(read(&unlimited, &header(role, first, HUGE)), None);
                assert_eq!(read(&limited, &header(role, first, HUGE - 5)), None);
                assert_eq!(read(&limited, &header(role, first, HUGE - 4)), Some(Error::MessageTooBig));
                assert_eq!(read(&limited, &header(role, first, HUGE)), Some(Error::MessageTooBig));
                assert_eq!(read(&unlimited, &header(role, first, HUGE + 1)), Some(Error::BadLength));
                assert_eq!(read(&unlimited, &header(role, first, u64::MAX)), Some(Error::BadLength));
            }
        }
    }
}

/// Security, T1: with and without a limit, every length at which a width or a sign changes.
#[test]
fn t01_lengths_at_the_borders_of_integers() {
    for role in ROLES {
        for call in Call::ALL {
            for length in [125, 126, 127, 65_535, 65_536, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63] {
                let limit = if length > 16 << 20 { Some(Error::FrameTooBig) } else { None };
                let expected = if length >> 63 == 1 { Some(Error::BadLength) } else { limit };
                let wire = [header(role, BINARY, length), vec![0; 3]].concat();
                for step in 1..wire.len() {
                    let read = transcript(role, &Config::new(), call, wire.chunks(step));
                    assert_eq!((read.error, read.items.len()), (expected, 0), "{length}, {role:?}, {call:?}");
                }
            }
        }
    }
}

/// Security, T1: each of these in 16 and in 64 bits, whatever the limit.
#[test]
fn t01_a_length_has_one_form() {
    const LIMIT: u64 = 16 << 20;
    let unlimited = Config::new().max_frame(Config::UNLIMITED).max_message(Config::UNLIMITED);
    let lengths = [0, 125, 126, 127, 65_535, 65_536, LIMIT, LIMIT + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32];
    for length in lengths.into_iter().chain([(1 << 63) - 1, 1 << 63, u64::MAX]) {
        let short = u16::try_from(length).map(|length| [&[126], &length.to_be_bytes()[..]].concat());
        let long = [&[127], &length.to_be_bytes()[..]].concat();
        for (form, shortest) in [(short.ok(), 126), (Some(long), 65_536)] {
            let Some(form) = form else { continue };
            for (config, limit) in [(Config::new(), LIMIT), (unlimited.clone(), usize::MAX as u64)] {
                let expected = if length < shortest || length >> 63 == 1 {
                    Some(Error::BadLength)
                } else {
                    (length > limit).then_some(Error::FrameTooBig)
                };
                for (role, mask, key) in [(Role::Client, 0, &b""[..]), (Role::Server, 0x80, &frames::KEY)] {
                    for (begun, first) in [(false, BINARY), (true, ENDS)] {
                        let mut bytes = if begun { frame(role, BINARY_BEGINS, b"") } else { Vec::new() };
                        bytes.extend([&[first, mask | form[0]], &form[1..], key, b"abc"].concat());
                        for call in Call::ALL {
                            for step in [1, bytes.len()] {
                                let read = transcript(role, &config, call, bytes.chunks(step));
                                let name = format!("{length} as {form:02x?}, {role:?}, {call:?}, {first:02x}");
                                assert_eq!((read.error, read.items.len()), (expected, 0), "{name}");
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Tests that `wire` is read without an error, to its end and the same by every call and cut.
#[track_caller]
fn assert_accepted(name: &str, config: &Config, wire: impl Fn(Role) -> Vec<u8>) {
    for (role, call, step, read) in transcripts(config, wire) {
        assert_eq!(read.error, None, "{name}, {role:?}, {call:?}, cut every {step}");
    }
}

/// Tests that `wire` fails by every call and cut, at its last byte and not before, and that the peer is told.
#[track_caller]
fn assert_refused(name: &str, config: &Config, wire: impl Fn(Role) -> Vec<u8>, error: Error) {
    let code = error.close_code().0.to_be_bytes();
    for (role, call, step, read) in transcripts(config, &wire) {
        assert_eq!(read.error, Some(error), "{name}, {role:?}, {call:?}, cut every {step}");
        assert_eq!(read.transport, Some(Transport::Close), "{name}");
        let told = transcript(role.peer(), &Config::new(), Call::Receive, [&read.output[..]]);
        let close = Item::Close(Some((u16::from_be_bytes(code), String::new())));
        assert_eq!(told.items.last(), Some(&close), "{name}, {role:?}, {call:?}");
    }
    if error == Error::TooManyFragments {
        for role in ROLES {
            let wire = wire(role);
            if wire.last() == Some(&ENDS) {
                let (_, before) = wire.split_last().unwrap();
                assert_eq!(transcript(role, config, Call::Receive, [before]).error, None, "{name}, one byte before");
            }
        }
    }
}

/// By both roles, every call, and cut every so many bytes.
fn transcripts(
    config: &Config,
    wire: impl Fn(Role) -> Vec<u8>,
) -> impl Iterator<Item = (Role, Call, usize, Transcript)> {
    ROLES.into_iter().flat_map(move |role| {
        let wire = wire(role);
        let config = config.clone();
        Call::ALL.into_iter().flat_map(move |call| {
            let (wire, config) = (wire.clone(), config.clone());
            let steps = match wire.len() {
                len @ 0..=64 => (1..=len.max(1)).collect(),
                len @ 65..=2000 => vec![1, 2, 3, 5, 13, 14, 15, len - 1, len],
                len => vec![13, 14, 4096, len - 1, len],
            };
            steps.into_iter().map(move |step| (role, call, step, transcript(role, &config, call, wire.chunks(step))))
        })
    })
}

/// The header up to where its length is complete.
fn without_key(role: Role, mut header: Vec<u8>) -> Vec<u8> {
    if role == Role::Server {
        header.truncate(header.len() - 4);
    }
    header
}

/// The sizes of the pieces of `total` bytes, which `cuts` says a bit for a byte.
fn sizes(total: usize, cuts: u32) -> Vec<usize> {
    let mut sizes = vec![1];
    for byte in 0..total - 1 {
        if cuts >> byte & 1 == 1 {
            sizes.push(0);
        }
        *sizes.last_mut().unwrap() += 1;
    }
    sizes[0] -= usize::from(sizes.iter().sum::<usize>() > total);
    sizes
}

/// A message in fragments of these sizes.
fn fragmented(role: Role, sizes: &[usize], empty_first: bool) -> Vec<u8> {
    let sizes = iter::repeat_n(&0, usize::from(empty_first)).chain(sizes);
    let last = sizes.clone().count() - 1;
    let fragment = |(n, &size): (usize, &usize)| {
        let opcode = if n == 0 { BINARY_BEGINS } else { CONTINUES };
        frame(role, if n == last { 0x80 | opcode } else { opcode }, &vec![7; size])
    };
    sizes.enumerate().flat_map(fragment).collect()
}

/// Limits that random bytes can reach.
fn small() -> Config {
    Config::new().max_frame(40).max_message(60).max_fragments(3)
}

/// Bytes that are often frames.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x00_u8, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![vec(any::<u8>(), 0..50), Just(b"\x03\xe8bye".to_vec()), Just("\u{20ac}".into())];
    let role = proptest::sample::select(ROLES.to_vec());
    let piece = prop_oneof![
        9 => (first, payload, role).prop_map(|(first, payload, role)| frame(role, first, &payload)),
        1 => vec(any::<u8>(), 0..10),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}
