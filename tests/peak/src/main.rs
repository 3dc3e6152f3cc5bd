//! The most memory that a bomb can make a connection take at once, as an allocator sees it that grows a block where it
//! lies: 64 MiB of zeros, compressed, against a limit of 1 MiB. A crate of its own, since such an allocator is unsafe.
//! Prints what it found, and fails above the limit and 64 KiB; and above twice the bomb itself besides, where it
//! comes in fragments: they wait until it has come to its end, in a buffer that doubles.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use ws_proto::deflate::{Agreement, Compression};
use ws_proto::{Config, Connection, Error, Seed};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grew(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: all of it is the system's allocator; the counts are beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        grew(size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const LIMIT: usize = 1 << 20;

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for text in [false, true] {
        for fragment in [Config::UNLIMITED, 1000] {
            let (peak, wire) = peak(text, fragment);
            let waiting = if fragment == Config::UNLIMITED { 0 } else { 2 * wire };
            let most = LIMIT + (64 << 10) + waiting;
            println!(
                "text: {text}, fragments of {fragment}: {peak} bytes at once of at most {most}, the limit is {LIMIT}"
            );
            if peak > most {
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// What a server takes at most to refuse the bomb, and how large that is.
fn peak(text: bool, fragment: usize) -> (usize, usize) {
    let config = Config::new().fragment_size(fragment).compression(Compression::new());
    let seed = Seed::predictable_for_tests(1);
    let mut client = Connection::client(&config, seed).with_deflate(Agreement::default(), &config);
    let bomb = "\0".repeat(64 << 20);
    let writer = client.split().1;
    if text { writer.text(&bomb) } else { writer.binary(bomb.as_bytes()) }.expect("room for it");
    drop(bomb);
    let mut wire = client.outgoing().to_vec();
    let length = wire.len();
    drop(client);

    // A pool of its own, which is empty: the codec counts too.
    let config = Config::new().max_message(LIMIT).compression(Compression::new());
    let mut server = Connection::server(&config).with_deflate(Agreement::default(), &config);
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    assert_eq!(server.split().0.receive(&mut &mut wire[..]), Err(Error::MessageTooBig));
    assert!(server.outgoing().ends_with(&1009_u16.to_be_bytes()));
    (PEAK.load(Ordering::Relaxed) - before, length)
}
