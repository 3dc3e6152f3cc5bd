//! The seeds of the fuzz targets, without a fuzzer: what once made one fail stays among them.
#![cfg(feature = "std")]

#[expect(unreachable_pub, reason = "a library of its own elsewhere")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn every_seed_passes() {
    replay("server", fuzz::server);
    replay("client", fuzz::client);
    replay("pair", fuzz::pair);
    replay("differential", fuzz::differential);
    #[cfg(feature = "futures-io")]
    replay("turns", fuzz::turns);
    replay("utf8", fuzz::utf8);
    replay("request", fuzz::request);
    replay("response", fuzz::response);
    #[cfg(feature = "deflate")]
    replay("inflate", fuzz::inflate);
    #[cfg(feature = "deflate")]
    replay("extensions", fuzz::extensions);
    #[cfg(feature = "deflate")]
    replay("pool", fuzz::pool);
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        assert!(catch_unwind(|| check(&data)).is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds > 3, "only {seeds} seeds for {target}");
}
