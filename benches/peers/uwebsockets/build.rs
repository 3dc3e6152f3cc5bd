//! Compiles uWebSockets and the C++ that drives it. Its source lies in the package `libuwebsockets-sys`, which cargo
//! downloads for `cargo metadata`.

use std::env;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// What [`PACKAGE`] is a dependency for.
const TARGET: &str = "x86_64-unknown-none";
const PACKAGE: &str = "libuwebsockets-sys";

/// An event loop with epoll, and sockets without TLS.
const USOCKETS: [&str; 5] = ["bsd.c", "context.c", "eventing/epoll_kqueue.c", "loop.c", "socket.c"];
const OURS: [&str; 2] = ["src/echo.cpp", "src/protocol.cpp"];

fn main() {
    let source = source();
    let sockets = source.join("uSockets/src");
    let files = USOCKETS.map(|file| sockets.join(file));
    build(&source).std("c11").files(files).compile("usockets");
    build(&source).cpp(true).std("c++20").files(OURS).compile("uwebsockets");
    for file in OURS.iter().chain(&["build.rs"]) {
        println!("cargo::rerun-if-changed={file}");
    }
}

/// As its own makefiles do, but without link-time optimization, which made no difference to the echo server. The
/// processor is the one that all peers are built for.
fn build(source: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    build.opt_level(3).force_frame_pointer(false).warnings(false);
    build.define("LIBUS_NO_SSL", None).define("UWS_NO_ZLIB", None);
    build.include(source.join("src")).include(source.join("uSockets/src"));
    build
}

fn source() -> PathBuf {
    let options = ["--locked", "--filter-platform", TARGET].map(String::from);
    let mut command = MetadataCommand::new();
    command.cargo_path(env::var_os("CARGO").expect("cargo runs this")).other_options(options);
    let metadata = command.exec().expect("cargo can download what is locked");
    let package = metadata.packages.iter().find(|package| package.name == PACKAGE).expect("it is a dependency");
    package.manifest_path.with_file_name("uWebSockets").into()
}
