#![cfg(feature = "std")]
//! What holds for all wires, cuts and scripts.

mod common;
#[path = "common/memory.rs"]
mod memory;

use proptest::collection::vec;
use proptest::prelude::*;

use self::common::{Api, BOTH, Got, Run, carry, closed, connection, frames, masked, sent_to};
use self::memory::{Held, Limits};
use ws_proto::{CloseCode, Config, Connection, Kind, Role, SendError, Transport, Writer};

/// What an application says.
#[derive(Clone, Debug)]
enum Say {
    Text(String),
    Binary(Vec<u8>),
    /// A message cut at these places (modulo its length), with a ping behind the first fragment.
    Fragments(Kind, String, Vec<usize>, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

impl Say {
    fn to(&self, writer: &mut Writer) -> Result<(), SendError> {
        match self {
            Self::Text(text) => writer.text(text),
            Self::Binary(bytes) => writer.binary(bytes),
            Self::Ping(payload) => writer.ping(payload),
            Self::Pong(payload) => writer.pong(payload),
            Self::Fragments(kind, text, cuts, ping) => {
                let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
                cuts.sort_unstable();
                let mut start = 0;
                for (i, cut) in cuts.into_iter().enumerate() {
                    writer.fragment(*kind, &text.as_bytes()[start..cut], false)?;
                    if i == 0 {
                        writer.ping(ping)?;
                    }
                    start = cut;
                }
                writer.fragment(*kind, &text.as_bytes()[start..], true)
            }
        }
    }

    /// How many bytes it is.
    fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Fragments(_, text, ..) => text.len(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.len(),
        }
    }

    /// What the peer should get of it.
    fn events(&self) -> Vec<Got> {
        match self.clone() {
            Self::Text(text) => vec![Got::Text(text)],
            Self::Binary(bytes) => vec![Got::Binary(bytes)],
            Self::Ping(payload) => vec![Got::Ping(payload)],
            Self::Pong(payload) => vec![Got::Pong(payload)],
            Self::Fragments(kind, text, cuts, ping) => {
                let message = if kind == Kind::Text { Got::Text(text) } else { Got::Binary(text.into_bytes()) };
                if cuts.is_empty() { vec![message] } else { vec![Got::Ping(ping), message] }
            }
        }
    }
}

fn text(max: usize) -> impl Strategy<Value = String> {
    vec(prop_oneof![any::<char>(), prop::char::range('a', 'z')], 0..max).prop_map(String::from_iter)
}

fn say() -> impl Strategy<Value = Say> {
    let kind = prop_oneof![Just(Kind::Text), Just(Kind::Binary)];
    prop_oneof![
        text(80).prop_map(Say::Text),
        vec(any::<u8>(), 0..300).prop_map(Say::Binary),
        (kind, text(40), vec(any::<usize>(), 0..5), vec(any::<u8>(), 0..8))
            .prop_map(|(kind, text, cuts, ping)| Say::Fragments(kind, text, cuts, ping)),
        vec(any::<u8>(), 0..=125).prop_map(Say::Ping),
        vec(any::<u8>(), 0..=125).prop_map(Say::Pong),
    ]
}

/// Sometimes nothing: a close.
fn maybe_say() -> impl Strategy<Value = Option<Say>> {
    prop::option::weighted(0.9, say())
}

/// Frames of a server that are mostly valid, and then not.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8a]),
        1 => prop::sample::select(vec![0x88, 0xc1, 0x83, 0x09]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => text(12).prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
        1 => Just(b"\x03\xe8bye".to_vec()),
        1 => vec(Just(b'x'), 100..200),
    ];
    // Any form of the length, and sometimes more or less payload than it says.
    let frame = (first, payload, 0..12_usize, 0..20_i32).prop_map(|(first, payload, form, off)| {
        let mut frame = common::frame(first, &payload);
        let payload_at = frame.len() - payload.len();
        let length = payload.len() as u64;
        match form {
            0 => {
                let [.., high, low] = length.to_be_bytes();
                frame.splice(1..payload_at, [126, high, low]);
            }
            1 => {
                frame.splice(1..payload_at, [&[127][..], &length.to_be_bytes()].concat());
            }
            _ => {}
        }
        match off {
            0 => frame.push(b'!'),
            1 => {
                frame.pop();
            }
            _ => {}
        }
        frame
    });
    prop_oneof![4 => vec(frame, 0..8).prop_map(|frames| frames.concat()), 1 => vec(any::<u8>(), 0..100)]
}

/// Cuts bytes into pieces of these sizes, again and again.
fn pieces<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    // Zero is a read without bytes; the last is not, so that all comes to an end.
    (vec(0..40_usize, 0..6), 1..9_usize).prop_map(|(mut sizes, last)| {
        sizes.push(last);
        sizes
    })
}

fn api() -> impl Strategy<Value = Api> {
    prop::sample::select(Api::ALL.to_vec())
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(BOTH.to_vec())
}

fn limits() -> impl Strategy<Value = Config> {
    prop_oneof![
        Just(Config::new()),
        (0..200_usize, 0..200_usize, 0..5_usize).prop_map(|(message, frame, fragments)| {
            Config::new().max_message(message).max_frame(frame).max_fragments(fragments)
        }),
        Just(Config::new().unassigned_codes(true).keep_buffer(0)),
        Just(Config::new().silent_failure(true)),
    ]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn any_cut_of_any_wire_gives_the_same_transcript(
        wire in wire(), role in role(), mask_as_it_must in prop::bool::weighted(0.95),
        config in limits(), api in api(), sizes in sizes(), memory in memory_limits(),
    ) {
        let wire = if mask_as_it_must { sent_to(role, &wire) } else { sent_to(role.peer(), &wire) };
        let whole = common::run(Api::Receive, role, &config, [&wire[..]]);
        prop_assert_eq!(common::run(api, role, &config, pieces(&wire, &sizes)), whole);
        reads_within(memory, role, api, &wire, &sizes);
    }

    #[test]
    fn any_flipped_bits_give_the_same_transcript(
        script in vec(say(), 0..5), role in role(), flips in vec((any::<usize>(), 0..8_u8), 0..3),
        config in limits(), api in api(), sizes in sizes(),
    ) {
        let mut sender = connection(role.peer(), &Config::new());
        let (_, writer) = sender.split();
        for say in &script {
            say.to(writer).expect("fits");
        }
        let mut wire = writer.pending().to_vec();
        for (at, bit) in flips {
            if !wire.is_empty() {
                let at = at % wire.len();
                wire[at] ^= 1 << bit;
            }
        }
        let whole = common::run(Api::Receive, role, &config, [&wire[..]]);
        prop_assert_eq!(common::run(api, role, &config, pieces(&wire, &sizes)), whole);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_was_written_is_read(
        script in vec(say(), 0..8), role in role(), fragment_size in prop_oneof![Just(Config::UNLIMITED), 0..50_usize],
        close in prop::option::of((prop_oneof![Just(1000_u16), 3000..5000_u16], "[a-z]{0,123}")),
        api in api(), sizes in sizes(),
    ) {
        let mut sender = connection(role.peer(), &Config::new().fragment_size(fragment_size));
        let (_, writer) = sender.split();
        let mut events = Vec::new();
        for say in &script {
            say.to(writer).expect("fits");
            events.extend(say.events());
        }
        if let Some((code, reason)) = &close {
            writer.close(CloseCode(*code), reason).expect("valid");
            events.push(Got::Close(Some((*code, reason.clone()))));
        }
        let wire = writer.pending().to_vec();
        // Apart from the mask, both roles write the same.
        if role == Role::Server {
            let server: Vec<u8> = frames(&wire).into_iter().flat_map(|frame| frame.plain).collect();
            prop_assert_eq!(masked(&server).len(), wire.len());
        }
        let transcript = common::run(api, role, &Config::new(), pieces(&wire, &sizes));
        prop_assert_eq!(transcript.events(), events);
        prop_assert_eq!(transcript.error, None);
        prop_assert_eq!(transcript.frames, frames(&wire).len() as u64);
    }

    #[test]
    fn arbitrary_bytes_end_in_events_or_one_error(
        bytes in vec(any::<u8>(), 0..300), wire in wire(), role in role(), config in limits(), api in api(),
        sizes in sizes(), memory in memory_limits(),
    ) {
        reads_within(memory, role, api, &bytes, &sizes);
        // `Run::feed` holds that nothing follows a close or an error: neither events nor errors nor replies.
        let mut run = Run::new(api, role, &config);
        for piece in pieces(&bytes, &sizes) {
            run.feed(piece);
        }
        let before = (run.log.events.len(), run.log.error);
        let over = run.connection.split().0.is_closed();
        run.feed(&sent_to(role, &wire));
        run.feed(&sent_to(role, b"\x89\x00\x81\x02ok\x88\x00"));
        if over {
            prop_assert_eq!(before, (run.log.events.len(), run.log.error));
        }
        let _ = run.connection.split().0.receive_eof();
        let outgoing = run.connection.outgoing().to_vec();
        run.connection.consume(outgoing.len());
        prop_assert_eq!(run.connection.transport(), Transport::Close);
        let closes = frames(&outgoing).iter().filter(|frame| frame.first == 0x88).count();
        prop_assert!(closes <= 1);
        // The close is the last frame, pongs are of the pings.
        prop_assert!(closes == 0 || frames(&outgoing).last().is_some_and(|frame| frame.first == 0x88));
        prop_assert!(closed(&run.connection).is_some());
    }

    #[test]
    fn two_ends_close_cleanly_whatever_was_said(
        script in vec((role(), maybe_say(), 0..60_usize, 0..60_usize), 0..20),
        last in role(),
    ) {
        let config = Config::new();
        let mut ends = Ends {
            client: connection(Role::Client, &config),
            server: connection(Role::Server, &config),
            at_client: Vec::new(),
            at_server: Vec::new(),
        };
        let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
        for (role, say, to_server, to_client) in script.into_iter().chain([(last, None, 0, 0)]) {
            let (end, said) = match role {
                Role::Client => (&mut ends.client, &mut from_client),
                Role::Server => (&mut ends.server, &mut from_server),
            };
            let (_, writer) = end.split();
            match say {
                None => writer.close(CloseCode(4000), "done").expect("valid"),
                Some(say) if writer.is_closed() => prop_assert_eq!(say.to(writer), Err(SendError::Closed)),
                Some(say) => {
                    say.to(writer).expect("fits");
                    said.extend(say.events());
                }
            }
            ends.exchange(to_server, to_client)?;
        }
        for _ in 0..4 {
            ends.exchange(usize::MAX, usize::MAX)?;
        }
        for (got, said, end) in
            [(&ends.at_client, &from_server, &ends.client), (&ends.at_server, &from_client, &ends.server)]
        {
            // All that was said arrived in order, with one close behind it (pongs are answers, but for those said).
            let (closing, got) = got.split_last().expect("a close");
            let reason = if is_echo(closing) { "" } else { "done" };
            prop_assert_eq!(closing, &Got::Close(Some((4000, reason.into()))));
            let without = |events: &[Got]| -> Vec<Got> {
                events.iter().filter(|event| !matches!(event, Got::Pong(_))).cloned().collect()
            };
            prop_assert_eq!(without(got), without(said));
            let ended = closed(end).expect("closed");
            prop_assert!(ended.clean);
            prop_assert_eq!(ended.code, 4000);
        }
        prop_assert_eq!(ends.server.transport(), Transport::Close);
        prop_assert_eq!(ends.client.transport(), Transport::AwaitPeer);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// Compressed messages, some of them with bits that flipped on the way, in any cut.
    #[cfg(feature = "deflate")]
    #[test]
    fn rl_06_what_is_inflated_stays_below_the_limits(
        script in vec(say(), 0..8), zeros in prop::option::of(1..2_000_000_usize), role in role(),
        flips in vec((any::<usize>(), 0..8_u8), 0..2), bits in 8..=15_u8, api in api(), sizes in sizes(),
        memory in memory_limits(), large in prop::bool::ANY,
    ) {
        let max_message = if large { memory.max_message * 1000 } else { memory.max_message };
        let memory = Limits { max_message, windows: Some((bits, 4096)), ..memory };
        let peers = Limits { max_pending: Config::UNLIMITED, ..memory };
        let mut sender = open(role.peer(), peers, role);
        let (_, writer) = sender.split();
        for say in &script {
            say.to(writer).expect("fits");
        }
        if let Some(zeros) = zeros {
            writer.binary(&vec![0; zeros]).expect("fits");
        }
        let mut wire = writer.pending().to_vec();
        for (at, bit) in flips {
            if !wire.is_empty() {
                let at = at % wire.len();
                wire[at] ^= 1 << bit;
            }
        }
        reads_within(memory, role, api, &wire, &sizes);
    }

    /// Whatever is said, pinged and written, and however slowly.
    #[test]
    fn rl_12_output_stays_below_the_high_water_mark(
        script in vec((say(), 0..3_usize, 0..500_usize), 0..40), role in role(), memory in memory_limits(),
    ) {
        let mut held = Held::new(open(role, memory, role), memory, Api::Receive);
        for (say, pings, written) in script {
            for _ in 0..pings {
                held.read(&mut sent_to(role, b"\x89\x04ping")).expect("a ping");
            }
            // Of one in fragments, some might be taken and others refused.
            if !matches!(say, Say::Fragments(..)) {
                let _ = held.say(say.len(), |connection| say.to(connection.split().1));
            }
            held.write(written);
        }
        held.say_close();
        held.write(usize::MAX);
    }
}

/// Limits of which some are so small that they are met.
fn memory_limits() -> impl Strategy<Value = Limits> {
    #[cfg(feature = "deflate")]
    let windows = prop::option::of((8..=15_u8, 0..5000_usize));
    #[cfg(not(feature = "deflate"))]
    let windows = Just(None);
    let fragment_size = prop_oneof![Just(Config::UNLIMITED), 0..60_usize];
    (0..400_usize, 1..2000_usize, fragment_size, 0..1000_usize, windows).prop_map(
        |(max_message, max_pending, fragment_size, keep_buffer, windows)| Limits {
            max_message,
            max_pending,
            fragment_size,
            keep_buffer,
            windows,
        },
    )
}

/// Reads a wire in pieces, to its end or to the first error, and holds what that takes against the limits.
fn reads_within(limits: Limits, role: Role, api: Api, wire: &[u8], sizes: &[usize]) {
    let mut held = Held::new(open(role, limits, role), limits, api);
    for piece in pieces(wire, sizes) {
        let failed = held.read(&mut piece.to_vec()).is_err();
        held.write(usize::MAX);
        if failed {
            break;
        }
    }
}

/// One end of a connection with these limits, in which `receiver` has the window that they name.
fn open(role: Role, limits: Limits, receiver: Role) -> Connection {
    let config = limits.config();
    let connection = connection(role, &config);
    #[cfg(feature = "deflate")]
    if let Some((bits, _)) = limits.windows {
        let agreement = ws_proto::deflate::Agreement {
            server_max_window_bits: (receiver == Role::Client).then_some(bits),
            client_max_window_bits: (receiver == Role::Server).then_some(bits),
            ..Default::default()
        };
        return connection.with_deflate(agreement, &config);
    }
    let _ = receiver;
    connection
}

/// Whether it is the echo of the close that was said: it has no reason.
fn is_echo(close: &Got) -> bool {
    matches!(close, Got::Close(Some((_, reason))) if reason.is_empty())
}

struct Ends {
    client: Connection,
    server: Connection,
    at_client: Vec<Got>,
    at_server: Vec<Got>,
}

impl Ends {
    fn exchange(&mut self, to_server: usize, to_client: usize) -> Result<(), TestCaseError> {
        let (got, error) = carry(&mut self.client, &mut self.server, to_server);
        prop_assert_eq!(error, None);
        self.at_server.extend(got);
        let (got, error) = carry(&mut self.server, &mut self.client, to_client);
        prop_assert_eq!(error, None);
        self.at_client.extend(got);
        Ok(())
    }
}
