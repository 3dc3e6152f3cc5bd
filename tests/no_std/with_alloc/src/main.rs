//! The machine with an allocator and nothing else: whole messages there and back. Exits with 0 if all is as it should.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use ws_proto::{CloseCode, Config, Connection, Event, Kind, Seed, Transport};

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(round_trip().is_none())
}

/// What a client says, echoed by a server; `None` is a mismatch.
fn round_trip() -> Option<()> {
    let config = Config::new();
    let mut client = Connection::client(&config, Seed::predictable_for_tests(1));
    let mut server = Connection::server(&config);

    let (_, writer) = client.split();
    writer.text("Hello, 5 \u{20ac}").ok()?;
    for last in [false, false, true] {
        writer.fragment(Kind::Binary, &[7; 100], last).ok()?;
    }
    writer.close(CloseCode::NORMAL, "bye").ok()?;
    carry(&mut client, &mut server, 5, &[Event::Text("Hello, 5 \u{20ac}"), Event::Binary(&[7; 300])])?;
    carry(&mut server, &mut client, 64, &[Event::Text("echo"), Event::Text("echo")])?;
    (server.transport() == Transport::Close && server.closed()?.clean).then_some(())?;
    client.outgoing().is_empty().then_some(())?; // its close frame was the first
    (client.transport() == Transport::AwaitPeer && client.closed()?.clean).then_some(())
}

/// Moves what is outgoing, `step` bytes a time; answers each of the `expected` messages, behind which comes a close.
fn carry(from: &mut Connection, to: &mut Connection, step: usize, expected: &[Event<'_>]) -> Option<()> {
    let mut expected = expected.iter();
    let mut buffer = [0; 64];
    loop {
        let n = from.outgoing().len().min(step);
        if n == 0 {
            break;
        }
        let (mut input, _) = buffer.split_at_mut(n);
        input.copy_from_slice(&from.outgoing()[..n]);
        from.consume(n);
        let (reader, writer) = to.split();
        while let Some(event) = reader.receive(&mut input).ok()? {
            match event {
                Event::Close(Some(close)) => (close.code == CloseCode::NORMAL).then_some(())?,
                event if !writer.is_closed() => {
                    (expected.next() == Some(&event)).then_some(())?;
                    writer.text("echo").ok()?;
                }
                event => (expected.next() == Some(&event)).then_some(())?,
            }
        }
    }
    expected.next().is_none().then_some(())
}

/// Hands out memory from front to back, and takes none back.
struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

const SIZE: usize = 1 << 16;

#[global_allocator]
static BUMP: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

// SAFETY: `memory` is only touched through what `alloc` hands out, and that never overlaps.
unsafe impl Sync for Bump {}

// SAFETY: what is handed out lies inside `memory`, is aligned, and is never handed out again.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The alignment of `memory` is unknown: room for the worst case.
        let wanted = layout.size() + layout.align();
        let start = self.used.fetch_add(wanted, Ordering::Relaxed);
        if start + wanted > SIZE {
            return ptr::null_mut();
        }
        let first = self.memory.get().cast::<u8>().wrapping_add(start);
        first.wrapping_add(first.align_offset(layout.align()))
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    abort()
}

unsafe extern "C" {
    safe fn abort() -> !;
}
