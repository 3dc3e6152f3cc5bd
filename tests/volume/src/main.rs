//! Many bytes through one codec of each kind: random messages of 0 to 200,000 bytes, mixed with compressible ones, by both
//! roles, with takeover and without, in windows of 9 and 15 bits, prepared and not; between them messages that are
//! corrupted, withheld or too big. Each is inflated by our own reader and compared. Fails at the first that differs; a
//! codec that is lent again when it must not be is expected to panic.
//!
//! ```text
//! cargo run --release --manifest-path tests/volume/Cargo.toml            # 400 MB
//! cargo run --release --manifest-path tests/volume/Cargo.toml -- 1000    # so many MB
//! ```

mod messages;

use std::env;
use std::error::Error;
use std::time::Instant;

use ws_proto::deflate::{Agreement, Compression, Pool, Prepared};
use ws_proto::{Chunk, Config, Connection, Event, Reader, Role, Seed};

use crate::messages::Random;

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn main() -> Result<(), Box<dyn Error>> {
    let megabytes: u64 = env::args().nth(1).map_or(Ok(400), |argument| argument.parse())?;
    let kinds = [(9, false), (9, true), (15, false), (15, true)];
    let start = Instant::now();
    let mut all = Counts::default();
    for (n, (window, takeover)) in kinds.into_iter().enumerate() {
        let mut through = Through::new(window, takeover, n as u64 + 1);
        while through.counts.bytes < megabytes * 1_000_000 / kinds.len() as u64 {
            through.round();
        }
        let Counts { messages, bytes, wire, bad } = through.counts;
        println!(
            "{window} bits, takeover {takeover}: {messages} messages, {bytes} bytes, {wire} on the wire, {bad} bad"
        );
        all.messages += messages;
        all.bytes += bytes;
    }
    println!("{} messages, {} bytes, all as they were sent, in {:.0?}", all.messages, all.bytes, start.elapsed());
    Ok(())
}

#[derive(Default)]
struct Counts {
    messages: u64,
    bytes: u64,
    wire: u64,
    /// Those that were not to arrive.
    bad: u64,
}

/// One slot, and the connections that share it.
struct Through {
    compression: Compression,
    /// With a slot of its own: such messages have a window of 15 bits in any case.
    for_prepared: Compression,
    agreement: Agreement,
    random: Random,
    /// From a client to a server, and back. They stay.
    pairs: [Pair; 2],
    counts: Counts,
}

struct Pair {
    from: Connection,
    to: Connection,
}

impl Through {
    fn new(window: u8, takeover: bool, seed: u64) -> Self {
        let compression = Compression::new().min_size(0, 0).pool(Pool::new(1));
        let for_prepared = compression.clone().pool(Pool::new(1));
        let agreement = Agreement {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            server_max_window_bits: Some(window),
            client_max_window_bits: Some(window),
        };
        let pairs = ROLES.map(|role| Pair::new(role, &config(&compression), agreement));
        Self { compression, for_prepared, agreement, random: Random::new(seed), pairs, counts: Counts::default() }
    }

    /// A message each way over the pairs that stay, one over a new pair, which tries each time, and now and then a bad one.
    fn round(&mut self) {
        for role in ROLES {
            let mut fresh = Pair::new(role, &config(&self.compression), self.agreement);
            let message = self.random.message();
            self.send(&mut fresh, &message);
            let message = self.random.message();
            let [client, server] = &mut self.pairs;
            let pair = if role == Role::Client { client } else { server };
            let mut pair = std::mem::replace(pair, fresh);
            self.send(&mut pair, &message);
            self.pairs[usize::from(role == Role::Server)] = pair;
            if !self.random.is_in_run() && self.random.below(4) == 0 {
                self.bad(role);
            }
        }
    }

    /// Sends a message in one of the ways that there are, and receives it in one.
    fn send(&mut self, pair: &mut Pair, message: &[u8]) {
        let writer = pair.from.split().1;
        if self.random.below(3) == 0 {
            writer.prepared(&Prepared::binary(message, &self.for_prepared)).expect("it is open");
        } else {
            writer.binary(message).expect("it is open");
        }
        let mut wire = take(&mut pair.from);
        self.counts.messages += 1;
        self.counts.bytes += message.len() as u64;
        self.counts.wire += wire.len() as u64;
        let reader = pair.to.split().0;
        reader.inflate_at_most(if self.random.below(2) == 0 { usize::MAX } else { 1 + self.random.below(100_000) });
        let in_pieces = self.random.below(4) == 0;
        let cut = if self.random.below(2) == 0 { wire.len() } else { 1 + self.random.below(wire.len()) };
        let mut received = Vec::new();
        for input in wire.chunks_mut(cut) {
            receive(reader, in_pieces, input, &mut received).expect("a good message");
        }
        assert!(received == message, "a message of {} bytes came as one of {}", message.len(), received.len());
    }

    /// A message that is corrupted, or cut off, or above a limit, on a connection that ends with it.
    fn bad(&mut self, role: Role) {
        let mut message = self.random.message();
        message.resize(message.len() + 100, b'a');
        let limited = Config::new().max_message(message.len() - 1).compression(self.compression.clone());
        let how = self.random.below(3);
        let config = if how == 0 { limited } else { config(&self.compression) };
        let mut pair = Pair::new(role, &config, self.agreement);
        pair.from.split().1.binary(&message).expect("it is open");
        let mut wire = take(&mut pair.from);
        // Behind the header, if there is that much.
        let first = 14.min(wire.len() - 1);
        let at = first + self.random.below(wire.len() - first);
        let input = match how {
            0 => &mut wire[..],
            1 => {
                wire[at] ^= 0x40;
                &mut wire[..]
            }
            _ => &mut wire[..at],
        };
        let outcome = receive(pair.to.split().0, self.random.below(2) == 0, input, &mut Vec::new());
        assert!(how != 0 || outcome.is_err(), "above the limit");
        self.counts.bad += 1;
    }
}

impl Pair {
    fn new(role: Role, config: &Config, agreement: Agreement) -> Self {
        let seed = || Seed::predictable_for_tests(1);
        let client = Connection::client(config, seed()).with_deflate(agreement, config);
        let server = Connection::server(config).with_deflate(agreement, config);
        match role {
            Role::Client => Self { from: client, to: server },
            Role::Server => Self { from: server, to: client },
        }
    }
}

fn config(compression: &Compression) -> Config {
    Config::new().compression(compression.clone())
}

fn take(from: &mut Connection) -> Vec<u8> {
    let bytes = from.outgoing().to_vec();
    from.consume(bytes.len());
    bytes
}

/// Reads all of `input`, and adds what its messages have to `received`.
fn receive(
    reader: &mut Reader,
    in_pieces: bool,
    mut input: &mut [u8],
    received: &mut Vec<u8>,
) -> Result<(), ws_proto::Error> {
    loop {
        let bytes = if in_pieces {
            match reader.receive_chunk(&mut input)? {
                Some(Chunk::Data { bytes, .. }) => Some(bytes),
                None => None,
                Some(other) => panic!("{other:?} was not sent"),
            }
        } else {
            match reader.receive(&mut input)? {
                Some(Event::Binary(bytes)) => Some(bytes),
                None => None,
                Some(other) => panic!("{other:?} was not sent"),
            }
        };
        if let Some(bytes) = bytes {
            received.extend_from_slice(bytes);
        } else if !reader.is_inflating() {
            assert!(input.is_empty());
            return Ok(());
        }
    }
}
