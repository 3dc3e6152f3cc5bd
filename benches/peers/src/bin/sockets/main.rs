//! Echo servers over loopback, one library each, under one load: messages per second, processor time per message, and
//! memory per idle connection, beside what plain TCP makes of the same bytes on the same runtime.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin sockets -- --quick   # a few minutes
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin sockets              # the whole grid
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin sockets -- --test    # does each server echo?
//! ```
//!
//! While working on one of them, ask for less; then nothing is written to `sockets.md` and `sockets.svg`:
//!
//! ```text
//! ... --bin sockets -- --only ws-proto-tokio --payload 20 --connections 100 --window 1,16 --rounds 5 --seconds 0.5
//! ```
//!
//! Each server is a process of its own with one thread, bound to one core; the load is one thread on another. All
//! servers live at the same time, and the load goes from one to the next, round after round, so that whatever else the
//! machine does meets them all.

mod idle;
mod load;
mod measure;
mod options;
mod picture;
mod process;
mod report;
mod servers;
mod wire;

use std::error::Error;

use crate::options::Options;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let options = match Options::from_args()? {
        options::Mode::Serve(name) => return servers::serve(&name),
        options::Mode::Measure(options) => options,
    };
    raise_limit(options.most_files())?;
    let running = options.servers.iter().map(|server| process::Running::start(server)).collect::<Result<Vec<_>>>()?;
    // After they are started: a child is bound to the core of its parent.
    let pinned = process::pin(process::Side::Load);
    let outcomes = measure::all(&running, &options)?;
    let idle = idle::all(&options)?;
    if options.test {
        println!("{} servers echo", running.len());
        return Ok(());
    }
    let report = report::markdown(&options, &outcomes, &idle, pinned);
    println!("{report}");
    if options.writes {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/sockets.md"), report)?;
        picture::draw(concat!(env!("CARGO_MANIFEST_DIR"), "/sockets.svg"), &outcomes)?;
    }
    Ok(())
}

/// Servers inherit the limit.
fn raise_limit(files: u64) -> Result<()> {
    let limit = rlimit::increase_nofile_limit(files)?;
    if limit < files {
        return Err(format!("{files} open files are needed, and {limit} are the limit: see `ulimit -n`").into());
    }
    Ok(())
}
