//! What the benches share: sizes, roles, and input of many messages.

use ws_proto::{Config, Connection, Kind, Role, Seed};

/// The sizes of messages, in bytes.
pub(crate) const SIZES: [usize; 7] = [8, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20];

/// Who receives what is masked, and who what is not.
pub(crate) const RECEIVERS: [(&str, Role); 2] = [("masked", Role::Server), ("unmasked", Role::Client)];

/// Who sends it.
pub(crate) const SENDERS: [(&str, Role); 2] = [("masked", Role::Client), ("unmasked", Role::Server)];

/// One end; buffers are kept, as they would be on a busy connection.
pub(crate) fn connection(role: Role) -> Connection {
    let config = Config::new().keep_buffer(64 << 20).max_pending(Config::UNLIMITED);
    match role {
        Role::Client => Connection::client(&config, Seed::predictable_for_tests(1)),
        Role::Server => Connection::server(&config),
    }
}

/// So many bytes, which are text too: one character in fifteen is a euro sign.
pub(crate) fn payload(size: usize) -> String {
    let mut text = "fifteen and 2 \u{20ac}".repeat(size / 17);
    while text.len() < size {
        text.push('x');
    }
    text
}

/// What the other end of `role` sends: as many messages as fit in 64 KiB, but at least one; and how many.
pub(crate) fn wire(role: Role, kind: Kind, size: usize) -> (Vec<u8>, usize) {
    let mut peer = connection(role.peer());
    let text = payload(size);
    let count = ((64 << 10) / (size + 14)).max(1);
    for _ in 0..count {
        let (_, writer) = peer.split();
        match kind {
            Kind::Text => writer.text(&text).expect("open"),
            Kind::Binary => writer.binary(text.as_bytes()).expect("open"),
        }
    }
    (peer.outgoing().to_vec(), count)
}

/// Takes what is outgoing, as a write would.
pub(crate) fn flush(connection: &mut Connection) -> usize {
    let n = core::hint::black_box(connection.outgoing()).len();
    connection.consume(n);
    n
}
