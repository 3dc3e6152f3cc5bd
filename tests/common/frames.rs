//! Frames put together by hand, so that what reads them is not compared with what writes them.

use ws_proto::{Config, Connection, Role, Seed};

/// The first byte of a frame: the last or only one of its message, or not.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// One end, the same at every call.
pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client(config, Seed::predictable_for_tests(1)),
        Role::Server => Connection::server(config),
    }
}

/// The header of a frame to `role`: masked if that is the server.
pub(crate) fn header(role: Role, first: u8, length: u64) -> Vec<u8> {
    let mask = if role == Role::Server { 0x80 } else { 0 };
    let mut bytes = vec![first];
    if length <= 125 {
        bytes.push(mask + u8::try_from(length).unwrap());
    } else if let Ok(length) = u16::try_from(length) {
        bytes.push(mask + 126);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(mask + 127);
        bytes.extend(length.to_be_bytes());
    }
    if role == Role::Server {
        bytes.extend(KEY);
    }
    bytes
}

/// A frame to `role`.
pub(crate) fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(role, first, payload.len() as u64);
    match role {
        Role::Client => bytes.extend(payload),
        Role::Server => bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key)),
    }
    bytes
}
