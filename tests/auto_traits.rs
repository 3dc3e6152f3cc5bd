//! What every public type is: `Send`, `Sync` and `Unpin`. A change of that breaks users.
#![cfg(feature = "std")]
#![cfg_attr(
    not(feature = "tokio"),
    allow(
        dead_code,
        unused_imports,
        reason = "the names are compared with all that there is where all features are on"
    )
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const fn is_plain<T: Send + Sync + Unpin>() {}

/// Checks each type when this is compiled, and keeps its name.
macro_rules! plain {
    ($name:ident: $($type:ty),* $(,)?) => {
        const _: () = { $(is_plain::<$type>();)* };
        const $name: &[&str] = &[$(stringify!($type)),*];
    };
}

plain!(
    CORE: ws_proto::BadClose,
    ws_proto::Body,
    ws_proto::Budget,
    ws_proto::Chunk<'static>,
    ws_proto::Close<'static>,
    ws_proto::CloseCode,
    ws_proto::Closed<'static>,
    ws_proto::Config,
    ws_proto::Connection,
    ws_proto::ControlBytes,
    ws_proto::Error,
    ws_proto::Event<'static>,
    ws_proto::Kind,
    ws_proto::Message,
    ws_proto::Reader,
    ws_proto::Reply,
    ws_proto::Role,
    ws_proto::Seed,
    ws_proto::SendError,
    ws_proto::Side,
    ws_proto::Transport,
    ws_proto::Unfinished,
    ws_proto::Writer,
    ws_proto::frame::Header,
    ws_proto::frame::HeaderBytes,
    ws_proto::frame::OpCode,
    ws_proto::timers::Due,
    ws_proto::timers::Timers,
    ws_proto::utf8::BadUtf8,
    ws_proto::utf8::Utf8,
);

plain!(
    HANDSHAKE: ws_proto::handshake::Answer,
    ws_proto::handshake::AnswerError,
    ws_proto::handshake::BadOrigin,
    ws_proto::handshake::Client,
    ws_proto::handshake::ClientRequest,
    ws_proto::handshake::HandshakeError,
    ws_proto::handshake::Incoming,
    ws_proto::handshake::OriginPolicy,
    ws_proto::handshake::Origins,
    ws_proto::handshake::PlainRequest,
    ws_proto::handshake::Refusal,
    ws_proto::handshake::Rejected,
    ws_proto::handshake::Request,
    ws_proto::handshake::RequestError,
    ws_proto::handshake::RequestHead,
    ws_proto::handshake::Response,
    ws_proto::handshake::Server,
    ws_proto::handshake::Uri,
    ws_proto::handshake::fields::BadField,
    ws_proto::handshake::fields::Extension<'static>,
    ws_proto::handshake::fields::Extensions<'static>,
    ws_proto::handshake::fields::Value<'static>,
);

#[cfg(feature = "deflate")]
plain!(
    DEFLATE: ws_proto::deflate::Agreement,
    ws_proto::deflate::Compression,
    ws_proto::deflate::Pool,
    ws_proto::deflate::Prepared,
);

/// The lint `unreachable_pub` sees to it that `pub` is public. The drivers are what their transports are.
#[test]
#[cfg(feature = "deflate")]
fn every_public_type_is_listed() {
    let paths = [CORE, HANDSHAKE, DEFLATE].concat();
    let listed: BTreeSet<String> = paths.iter().map(|path| name(path.rsplit("::").next().unwrap())).collect();
    assert_eq!(listed.len(), paths.len(), "a name twice");
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut public = BTreeSet::new();
    for file in sources(&src).into_iter().filter(|file| !file.starts_with(src.join("adapter"))) {
        for line in fs::read_to_string(file).unwrap().lines() {
            let line = line.trim_start();
            let item = ["pub struct ", "pub enum ", "pub union "].iter().find_map(|item| line.strip_prefix(item));
            public.extend(item.map(name));
        }
    }
    assert_eq!(public, listed);
}

/// Over a plain transport, what two threads get is plain; a whole socket and what it lends belong to one at a time.
#[test]
fn drivers_can_be_handed_to_threads() {
    type Stream = std::net::TcpStream;
    const fn is_movable<T: Send + Unpin>() {}
    is_movable::<ws_proto::blocking::Socket<Stream>>();
    is_movable::<ws_proto::blocking::Upgrade<Stream>>();
    is_movable::<ws_proto::blocking::Plain<Stream>>();
    is_movable::<ws_proto::blocking::Incoming<Stream>>();
    is_plain::<ws_proto::blocking::ReadHalf<Stream, Stream>>();
    is_plain::<ws_proto::blocking::WriteHalf<Stream>>();
    is_plain::<ws_proto::blocking::Error>();
    is_plain::<ws_proto::blocking::Layered<Stream, Stream>>();
    is_plain::<ws_proto::blocking::Untimed<Stream>>();
    is_plain::<ws_proto::blocking::MaybeTls>();
}

/// What tasks use can move between threads, whole or split.
#[test]
#[cfg(feature = "tokio")]
fn drivers_can_be_handed_to_tasks() {
    type Stream = ws_proto::tokio::Tokio<tokio::net::TcpStream>;
    is_plain::<Stream>();
    is_plain::<ws_proto::poll::Bytes<Stream>>();
    is_plain::<ws_proto::poll::Incoming<Stream>>();
    is_plain::<ws_proto::poll::MaybeTls<Stream>>();
    is_plain::<ws_proto::poll::Plain<Stream>>();
    is_plain::<ws_proto::poll::Receiver<Stream>>();
    is_plain::<ws_proto::poll::Sender<Stream>>();
    is_plain::<ws_proto::poll::Socket<Stream>>();
    is_plain::<ws_proto::poll::Upgrade<Stream>>();
}

/// A name without its parameters.
fn name(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}
