//! What is counted, and how far.

use crate::{compressed, head, receive, send};

pub struct Case {
    pub name: &'static str,
    /// What `n` counts.
    pub unit: &'static str,
    pub ns: &'static [usize],
    pub run: fn(usize),
}

const fn case(name: &'static str, unit: &'static str, ns: &'static [usize], run: fn(usize)) -> Case {
    Case { name, unit, ns, run }
}

const KI: usize = 1 << 10;
const MI: usize = 1 << 20;

// One that is small, n and 2 n.
const SIZES: &[usize] = &[1, 32, KI, 32 * KI, MI, 128 * MI, 256 * MI];
const BYTES: &[usize] = &[8, KI, 128 * KI, 256 * KI];
const COUNTS: &[usize] = &[100, 50_000, 100_000];
const FEW: &[usize] = &[100, 10_000, 20_000];
const CONNECTIONS: &[usize] = &[100, 5_000, 10_000];
const SHRINKING: &[usize] = &[256 * KI, MI, 2 * MI];
const SHRINKING_IN_BYTES: &[usize] = &[64 * KI, 256 * KI, 512 * KI];
const BLOCKS: &[usize] = &[8 * KI, 32 * KI, 64 * KI];
const HEADS: &[usize] = &[KI, 64 * KI, 128 * KI];

pub const CASES: &[Case] = &[
    case("receive a message", "bytes", SIZES, receive::binary),
    case("receive a message to where it belongs", "bytes", SIZES, receive::roomy),
    case("receive a message to where it belongs in reads of a byte", "bytes", BYTES, receive::roomy_in_bytes),
    case("receive a text", "bytes", SIZES, receive::texts),
    case("relay a text", "bytes", SIZES, receive::relayed),
    case("receive a text in reads of a byte", "bytes", BYTES, receive::in_bytes),
    case("relay a text in reads of a byte", "bytes", BYTES, receive::relayed_in_bytes),
    case("receive messages", "messages", COUNTS, receive::messages),
    case("receive messages in reads of a byte", "messages", FEW, receive::messages_in_bytes),
    case("receive pings", "pings", COUNTS, receive::pings),
    case("receive fragments", "fragments", COUNTS, receive::fragments),
    case("receive fragments in reads of a byte", "fragments", FEW, receive::fragments_in_bytes),
    case("receive empty fragments", "fragments", COUNTS, receive::empty_fragments),
    case("echo on connections", "connections", CONNECTIONS, receive::connections),
    case("send a message", "bytes", SIZES, send::binary),
    case("send messages", "messages", COUNTS, send::messages),
    case("send messages in writes of a byte", "messages", FEW, send::written_in_bytes),
    case("send fragments", "fragments", COUNTS, send::fragments),
    case("send a message in fragments", "fragments", COUNTS, send::cut),
    case("send a compressed message", "bytes", SHRINKING, compressed::sent),
    case("send compressed messages", "messages", FEW, compressed::messages),
    case("receive a compressed message", "bytes", SHRINKING, compressed::whole),
    case("receive a compressed message in reads of a byte", "bytes", SHRINKING_IN_BYTES, compressed::in_bytes),
    case("receive a compressed message in fragments", "bytes", SHRINKING, compressed::in_fragments),
    case("relay a compressed message in reads of a byte", "bytes", SHRINKING_IN_BYTES, compressed::relayed_in_bytes),
    case("receive a compressed bomb", "bytes", &[MI, 64 * MI, 128 * MI], compressed::bomb),
    case("receive compressed empty blocks", "blocks", BLOCKS, compressed::empty_blocks),
    case("receive compressed final blocks", "blocks", BLOCKS, compressed::final_blocks),
    case("send a prepared message on connections", "connections", CONNECTIONS, compressed::prepared),
    case("echo compressed on connections", "connections", CONNECTIONS, compressed::connections),
    case("receive compressed halves on connections", "connections", &[1_250, 5_000, 10_000], compressed::half_messages),
    case("request head: a value", "bytes", HEADS, head::value),
    case("request head: a name", "bytes", HEADS, head::name),
    case("request head: lines", "lines", HEADS, head::lines),
    case("request head: the target", "bytes", HEADS, head::target),
    case("request head: an extension", "quoted pairs", HEADS, head::extension),
    case("request head: subprotocols", "elements", HEADS, head::protocol),
    case("response head: a value", "bytes", HEADS, head::response_value),
    case("response head: lines", "lines", HEADS, head::response_lines),
    case("response head: folds", "folds", HEADS, head::response_folds),
];
