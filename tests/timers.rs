//! Deadlines, with time as an argument: rows TM.

use core::time::Duration;

use proptest::prelude::*;
use ws_proto::timers::{Due, Timers};
use ws_proto::{Chunk, Config, Connection, Unfinished};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Without keepalive, and with the time for a pong that the tests here count with.
fn quiet() -> Config {
    Config::new().keepalive(None).pong_timeout(at(20))
}

/// Timers that are open since 0 s.
fn open(config: &Config) -> Timers {
    let mut timers = Timers::new(config, at(0));
    timers.opened(at(0));
    timers
}

/// The payload of the ping that is due.
#[track_caller]
fn ping(timers: &mut Timers, now: Duration) -> [u8; 8] {
    match timers.due(now) {
        Some(Due::Ping(payload)) => payload,
        other => panic!("{other:?} instead of a ping at {now:?}"),
    }
}

#[test]
fn timers_are_small() {
    println!("size_of::<Timers>() = {}", size_of::<Timers>());
    assert!(size_of::<Timers>() <= 80);
}

#[test]
fn tm_01_late_and_repeated_calls_do_no_harm() {
    let mut timers = open(&quiet().keepalive(Some(at(30))));
    for _ in 0..3 {
        assert_eq!(timers.due(at(29)), None);
        assert_eq!(timers.next(), Some(at(30)));
    }
    // An hour late is one ping, not 120, and its pong has its time from then.
    let payload = ping(&mut timers, at(3600));
    assert_eq!(timers.due(at(3600)), None);
    assert_eq!(timers.next(), Some(at(3620)));
    assert_eq!(timers.pong(&payload, at(3601)), Some(at(1)));
    assert_eq!(timers.pong(&payload, at(3602)), None);
    assert_eq!(timers.next(), Some(at(3630)));
    timers.opened(at(9000));
    assert_eq!(timers.next(), Some(at(3630)));
}

#[test]
fn tm_01_time_that_goes_back_saturates() {
    let mut timers = open(&quiet().keepalive(Some(at(30))).idle_timeout(Some(at(100))));
    timers.received(at(50));
    timers.received(at(20));
    assert_eq!(timers.next(), Some(at(80)));
    let payload = ping(&mut timers, at(80));
    assert_eq!(timers.due(at(0)), None);
    assert_eq!(timers.pong(&payload, at(70)), Some(at(0)));
}

#[test]
fn tm_01_the_end_of_time_is_not_due() {
    let mut timers = open(&quiet().pong_timeout(Duration::MAX));
    assert_eq!((timers.next(), timers.due(Duration::MAX)), (None, None));
    timers.closing(Duration::MAX);
    assert_eq!((timers.next(), timers.due(Duration::MAX)), (None, None));
}

#[test]
fn tm_04_a_quiet_connection_is_pinged() {
    let mut timers = open(&quiet().keepalive(Some(at(30))));
    timers.received(at(20));
    assert_eq!(timers.next(), Some(at(50)));
    let payload = ping(&mut timers, at(50));
    timers.received(at(51));
    assert_eq!(timers.pong(&payload, at(51)), Some(at(1)));
    assert_eq!(timers.round_trip(), Some(at(1)));
    assert_eq!(timers.next(), Some(at(81)));
}

#[test]
fn tm_04_a_busy_connection_is_pinged_if_pongs_are_required() {
    let mut timers = open(&quiet().keepalive(Some(at(30))).require_pong(true));
    timers.received(at(20));
    assert_eq!(timers.next(), Some(at(30)));
    let payload = ping(&mut timers, at(30));
    assert_eq!(timers.pong(&payload, at(40)), Some(at(10)));
    assert_eq!(timers.next(), Some(at(60)));
    // A pong that took longer than the interval: the next ping is due at once, not before.
    let payload = ping(&mut timers, at(60));
    timers.pong(&payload, at(75));
    ping(&mut timers, at(95));
    assert_eq!(timers.due(at(114)), None);
}

#[test]
fn tm_04_no_pings_unless_asked_for() {
    let mut timers = open(&quiet());
    assert_eq!((timers.next(), timers.due(at(1 << 30))), (None, None));
}

#[test]
fn tm_05_a_ping_says_which_it_is() {
    let mut timers = open(&quiet().keepalive(Some(at(30))));
    let first = ping(&mut timers, at(30));
    assert_eq!(&first, b"ping\0\0\0\x01");
    timers.received(at(31)); // not the pong
    let second = ping(&mut timers, at(61));
    assert_eq!(&second, b"ping\0\0\0\x02");
    for unknown in [&b""[..], b"ping", b"ping\0\0\0\x03", b"ping\0\0\0\x02\0", &first] {
        assert_eq!(timers.pong(unknown, at(62)), None, "{unknown:?}");
        assert_eq!(timers.next(), Some(at(81)), "{unknown:?}");
    }
    // It answers the first too, whose pong is no news.
    assert_eq!(timers.pong(&second, at(63)), Some(at(2)));
    assert_eq!(timers.pong(&first, at(64)), None);
    assert_eq!(timers.round_trip(), Some(at(2)));
    assert_eq!(timers.next(), Some(at(91)));
}

#[test]
fn tm_06_anything_shows_that_the_peer_is_there() {
    let mut timers = open(&quiet().keepalive(Some(at(30))));
    let payload = ping(&mut timers, at(30));
    timers.received(at(49)); // a part of a long message, before the pong
    assert_eq!(timers.due(at(50)), None);
    assert_eq!(timers.pong(&payload, at(60)), Some(at(30)));
    assert_eq!(timers.next(), Some(at(79)));
}

#[test]
fn tm_06_or_only_a_pong_does() {
    let mut timers = open(&quiet().keepalive(Some(at(30))).require_pong(true));
    ping(&mut timers, at(30));
    timers.received(at(49));
    assert_eq!(timers.due(at(49)), None);
    assert_eq!(timers.due(at(50)), Some(Due::Pong));
    assert_eq!(timers.due(at(50)), None);
    assert_eq!(timers.next(), Some(at(55))); // what is outgoing has that long
}

#[test]
fn idle_is_when_nothing_arrives() {
    let mut timers = open(&quiet().idle_timeout(Some(at(60))));
    timers.received(at(59));
    timers.received(at(9)); // late news
    assert_eq!(timers.due(at(118)), None);
    assert_eq!(timers.due(at(119)), Some(Due::Idle));
    assert_eq!(timers.due(at(119)), None);
    assert_eq!(timers.due(at(124)), Some(Due::Closing));
    assert_eq!((timers.next(), timers.due(at(1 << 30))), (None, None));
}

#[test]
fn who_comes_late_hears_the_worst_first() {
    let mut timers = open(&quiet().keepalive(Some(at(30))).idle_timeout(Some(at(60))));
    assert_eq!(timers.clone().due(at(3600)), Some(Due::Idle)); // a ping is not worth it
    ping(&mut timers, at(30));
    assert_eq!(timers.due(at(3600)), Some(Due::Pong));
}

#[test]
fn tm_10_neither_pings_nor_idleness_while_closing() {
    let mut timers = open(&quiet().keepalive(Some(at(2))).idle_timeout(Some(at(3))));
    let payload = ping(&mut timers, at(2));
    timers.closing(at(2));
    timers.closing(at(6)); // the deadline stands
    timers.received(at(6));
    assert_eq!(timers.pong(&payload, at(6)), None);
    assert_eq!(timers.due(at(6)), None);
    assert_eq!(timers.due(at(7)), Some(Due::Closing));
}

/// Security, T30: whatever is waited for, a caller sees until when, and it is over then.
#[test]
fn t30_every_state_has_a_deadline() {
    let config = quiet();
    let opening = Timers::new(&config, at(0));
    let mut closing = open(&config);
    closing.closing(at(1));
    let mut refusing = opening.clone();
    assert_eq!(refusing.due(at(10)), Some(Due::Opening));
    let kept_alive = open(&quiet().keepalive(Some(at(20))));
    let mut pinged = kept_alive.clone();
    ping(&mut pinged, at(20));
    let idle = open(&quiet().idle_timeout(Some(at(60))));
    for (name, mut timers, next, due) in [
        ("opening", opening, at(10), Due::Opening),
        ("refusing", refusing, at(15), Due::Closing),
        ("closing", closing, at(6), Due::Closing),
        ("kept alive", kept_alive, at(20), Due::Ping(*b"ping\0\0\0\x01")),
        ("waiting for a pong", pinged, at(40), Due::Pong),
        ("idle", idle, at(60), Due::Idle),
    ] {
        assert_eq!(
            (timers.next(), timers.clone().due(next.saturating_sub(Duration::from_nanos(1)))),
            (Some(next), None),
            "{name}"
        );
        // Bytes that trickle in put off neither the end of opening nor that of closing.
        if matches!(due, Due::Opening | Due::Closing) {
            (0..60).for_each(|second| timers.received(at(second)));
        }
        assert_eq!(timers.due(next), Some(due), "{name}");
        // And whoever does what is due comes to the end.
        let ends = (0..10).take_while(|_| timers.next().is_some_and(|next| timers.due(next).is_some())).count();
        assert!(ends < 10, "{name}: {timers:?}");
    }
    // While it is open, only who asks for it.
    assert_eq!(open(&config).next(), None);
}

#[test]
fn tm_10_all_timers_end_in_closed() {
    let config = quiet().keepalive(Some(at(2))).idle_timeout(Some(at(3)));
    let mut waiting = open(&config);
    ping(&mut waiting, at(2));
    let mut closing = open(&config);
    closing.closing(at(1));
    for mut timers in [Timers::new(&config, at(0)), open(&config), waiting, closing] {
        timers.closed();
        timers.opened(at(3));
        timers.received(at(3));
        timers.closing(at(3));
        assert_eq!((timers.next(), timers.due(at(1 << 30))), (None, None));
    }
}

/// A message of which so much has arrived.
fn unfinished(number: u64, received: u64) -> Option<Unfinished> {
    let frames = usize::try_from(number).unwrap();
    let (mut reader, _) = Connection::server(&Config::new()).into_split();
    let mut before = b"\x89\x80mask".repeat(frames - 1);
    let mut input = &mut before[..];
    while let Some(chunk) = reader.receive_chunk(&mut input).unwrap() {
        assert_eq!(chunk, Chunk::Ping(b""));
    }
    let mut half = b"\x82\xff\0\0\0\0\0\xff\xff\xffmask".to_vec();
    half.resize(14 + usize::try_from(received).unwrap(), 0);
    let mut input = &mut half[..];
    while reader.receive_chunk(&mut input).unwrap().is_some() {}
    let unfinished = reader.unfinished();
    assert_eq!(unfinished.map(|message| (message.number, message.received)), Some((number, received)));
    unfinished
}

#[test]
fn k_04_a_message_has_a_grace_time_and_then_a_least_rate() {
    let config = quiet().message_timeout(Some(at(30))).message_rate(100);
    let mut timers = open(&config);
    timers.message(unfinished(1, 0), at(5));
    assert_eq!((timers.next(), timers.due(at(34))), (Some(at(35)), None));
    // 100 bytes are another second, whenever they come.
    timers.message(unfinished(1, 1000), at(6));
    assert_eq!(timers.next(), Some(at(45)));
    timers.message(unfinished(1, 1000), at(44));
    assert_eq!(timers.next(), Some(at(45)), "what comes beside it is not the message");
    timers.message(unfinished(1, 1200), at(44));
    assert_eq!((timers.next(), timers.due(at(46))), (Some(at(47)), None));
    assert_eq!(timers.due(at(47)), Some(Due::Message));
    assert_eq!((timers.next(), timers.due(at(52))), (Some(at(52)), Some(Due::Closing)));
}

#[test]
fn k_04_each_message_has_its_own_time() {
    let config = quiet().message_timeout(Some(at(30)));
    let mut timers = open(&config);
    timers.message(unfinished(1, 10), at(0));
    timers.message(unfinished(2, 10), at(20)); // the first has ended, and another begun
    assert_eq!(timers.next(), Some(at(50)));
    timers.message(None, at(25));
    assert_eq!((timers.next(), timers.due(at(1000))), (None, None));
    timers.message(unfinished(3, 10), at(2000));
    assert_eq!(timers.next(), Some(at(2030)));
}

#[test]
fn k_04_who_looks_late_does_not_blame_the_peer() {
    let mut timers = open(&quiet().message_timeout(Some(at(30))));
    timers.message(unfinished(1, 10), at(0));
    // The program was busy for an hour, and then there were bytes.
    timers.message(unfinished(1, 20), at(3600));
    assert_eq!((timers.due(at(3600)), timers.next()), (None, Some(at(3630))));
}

/// It is not renewed by a byte that comes just at the deadline.
#[test]
fn k_04_a_peer_that_drips_a_little_too_slowly() {
    let mut timers = open(&quiet().message_timeout(Some(at(30))).message_rate(10));
    timers.message(unfinished(1, 0), at(0));
    let mut now = Duration::ZERO;
    for received in 1.. {
        now += Duration::from_millis(111); // 9 bytes a second
        timers.message(unfinished(1, received), now);
        if timers.next().unwrap() <= now {
            break;
        }
        assert!(received < 10_000, "it goes on for ever");
    }
    assert_eq!((timers.due(now), now > at(30)), (Some(Due::Message), true));
}

#[test]
fn k_04_one_line_turns_it_off() {
    for config in [quiet().message_timeout(None), quiet().message_rate(0)] {
        let mut timers = open(&config);
        timers.message(unfinished(1, 0), at(0));
        timers.message(unfinished(1, 1), at(1));
        assert_eq!((timers.next(), timers.due(at(1 << 20))), (None, None));
    }
}

#[test]
fn k_05_keepalive_is_on_by_default() {
    let mut timers = open(&Config::new());
    ping(&mut timers, at(30));
    assert_eq!((timers.next(), timers.due(at(60))), (Some(at(60)), Some(Due::Pong)));
}

/// What the transport takes behind a wait shows that the peer reads; the pong may be behind it.
#[test]
fn k_14_bytes_that_the_transport_takes_are_a_sign_of_life() {
    for require_pong in [false, true] {
        let mut timers = open(&Config::new().require_pong(require_pong));
        ping(&mut timers, at(30));
        for second in (40..600).step_by(10) {
            timers.sent(at(second));
            assert_eq!((timers.next(), timers.due(at(second))), (Some(at(second + 30)), None));
        }
        assert_eq!(timers.due(at(620)), Some(Due::Pong));
    }
}

#[test]
fn k_15_closing_goes_on_as_long_as_bytes_do_but_not_for_ever() {
    let mut timers = open(&Config::new());
    timers.closing(at(10));
    for second in 11..70 {
        assert_eq!(timers.due(at(second)), None);
        timers.sent(at(second));
        timers.received(at(second)); // this is not progress
        assert_eq!(timers.next(), Some(at((second + 5).min(70))));
    }
    assert_eq!(timers.due(at(70)), Some(Due::Closing));
    let mut timers = open(&Config::new());
    timers.closing(at(10));
    timers.sent(at(12));
    (12..17).for_each(|second| timers.received(at(second)));
    assert_eq!(timers.due(at(17)), Some(Due::Closing));
}

/// What a driver may call.
#[derive(Clone, Copy, Debug)]
enum Call {
    Opened,
    Received,
    Sent,
    /// A message, by its number, and how much of it came.
    Message(u64, u64),
    /// The pong of a ping, by its number.
    Pong(u8),
    Due,
    Closing,
    Closed,
}

fn calls() -> impl Strategy<Value = Vec<(Call, Duration)>> {
    let call = prop_oneof![
        4 => Just(Call::Opened),
        4 => Just(Call::Received),
        2 => Just(Call::Sent),
        2 => (1_u64..3, 0_u64..5000).prop_map(|(number, received)| Call::Message(number, received)),
        4 => (0_u8..4).prop_map(Call::Pong),
        8 => Just(Call::Due),
        1 => Just(Call::Closing),
        1 => Just(Call::Closed),
    ];
    proptest::collection::vec((call, time()), 0..40)
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![20 => (0_u64..120_000).prop_map(Duration::from_millis), 1 => Just(Duration::MAX)]
}

fn configs() -> impl Strategy<Value = Config> {
    let limit = || prop_oneof![8 => (0_u64..40_000).prop_map(Duration::from_millis), 1 => Just(Duration::MAX)];
    let maybe = || proptest::option::of(limit());
    (maybe(), maybe(), limit(), any::<bool>(), [limit(), limit()], maybe(), maybe()).prop_map(
        |(opening, keepalive, pong, require, [closing, total], idle, message)| {
            quiet()
                .opening_timeout(opening)
                .keepalive(keepalive)
                .pong_timeout(pong)
                .require_pong(require)
                .closing_timeout(closing)
                .closing_limit(total)
                .idle_timeout(idle)
                .message_timeout(message)
        },
    )
}

proptest! {
    /// Row TM-01, for any calls at any times, in any order.
    #[test]
    fn tm_01_next_is_when_something_is_due(config in configs(), calls in calls()) {
        let mut timers = Timers::new(&config, at(0));
        for (call, now) in calls {
            match call {
                Call::Opened => timers.opened(now),
                Call::Received => timers.received(now),
                Call::Sent => timers.sent(now),
                Call::Message(number, received) => timers.message(unfinished(number, received), now),
                Call::Pong(n) => drop(timers.pong(&[b'p', b'i', b'n', b'g', 0, 0, 0, n], now)),
                Call::Due => drop(timers.due(now)),
                Call::Closing => timers.closing(now),
                Call::Closed => timers.closed(),
            }
            let mut asked = timers.clone();
            let answers = core::iter::from_fn(|| asked.due(now)).take(4).count();
            prop_assert!(answers <= 3, "{answers} answers");
            prop_assert!(asked.next().is_none_or(|next| next > now), "{:?} is past", asked.next());
            if let Some(next) = timers.next() {
                prop_assert!(timers.clone().due(next).is_some(), "nothing is due at {next:?}");
                let early = next.checked_sub(Duration::from_nanos(1));
                prop_assert_eq!(early.and_then(|early| timers.clone().due(early)), None);
            }
        }
    }

    /// Row TM-10: a connection only goes forward, from opening to open to closing to closed.
    #[test]
    fn tm_10_what_is_over_is_not_due(config in configs(), calls in calls()) {
        let mut timers = Timers::new(&config, at(0));
        let mut phase = 0;
        for (call, now) in calls {
            match call {
                Call::Opened => {
                    timers.opened(now);
                    phase = phase.max(1);
                }
                Call::Received => timers.received(now),
                Call::Sent => timers.sent(now),
                Call::Message(number, received) => timers.message(unfinished(number, received), now),
                Call::Pong(n) => {
                    let round_trip = timers.pong(&[b'p', b'i', b'n', b'g', 0, 0, 0, n], now);
                    prop_assert!(round_trip.is_none() || phase == 1);
                }
                Call::Closing => {
                    timers.closing(now);
                    phase = phase.max(2);
                }
                Call::Closed => {
                    timers.closed();
                    phase = 3;
                }
                Call::Due => {
                    let (allowed, next) = match timers.due(now) {
                        None => continue,
                        Some(Due::Opening) => (0, 2),
                        Some(Due::Ping(_)) => (1, 1),
                        Some(Due::Pong | Due::Idle | Due::Message) => (1, 2),
                        Some(Due::Closing) => (2, 3),
                        Some(other) => panic!("{other:?}"),
                    };
                    prop_assert_eq!(phase, allowed);
                    phase = next;
                }
            }
        }
    }
}
