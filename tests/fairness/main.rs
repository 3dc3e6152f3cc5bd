#![cfg(all(feature = "futures-io", feature = "tokio"))]
//! Peers that always have bytes ready do not keep a server from others, and a panic does not.
//! `benches/fairness.rs` prints the times of an optimized build.

mod load;
mod servers;

use std::io::{Read, Write};
use std::time::Duration;

use load::{Flood, measure};
use servers::Server;

/// Of a build that is not optimized, beside other tests.
const MOST: Duration = Duration::from_millis(500);

#[test]
fn k_02_an_honest_peer_is_served_beside_eight_that_flood() {
    let config = load::config();
    for server in Server::ALL {
        let address = server.start(&config).unwrap();
        for flood in &Flood::ALL[1..] {
            let served = measure(address, *flood, Duration::from_millis(250)).unwrap();
            let times = [50, 99, 100].map(|percent| served.percentile(percent));
            println!("{server:?}, {flood:?}: {} echoes, {} blocks, {times:?}", served.count(), served.blocks);
            assert!(served.percentile(99) < MOST, "{server:?}, {flood:?}: {times:?}");
        }
    }
}

#[test]
fn k_09_a_panic_in_one_connection_does_not_end_the_loop_on_mio() {
    let address = Server::Mio.start(&load::config()).unwrap();
    let mut honest = load::connect(address).unwrap();
    for _ in 0..3 {
        let mut stream = load::connect(address).unwrap();
        stream.write_all(b"\x81\x85\0\0\0\0panic").unwrap();
        assert!(!matches!(stream.read(&mut [0; 100]), Ok(1..)), "the connection is over");
        load::echo(&mut honest).unwrap();
    }
    load::echo(&mut load::connect(address).unwrap()).unwrap();
}
