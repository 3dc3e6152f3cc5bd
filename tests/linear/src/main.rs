//! What grows with the input grows no faster than it: for each case, the instructions that callgrind counts for some `n`.
//! Prints them, and fails where one `n` costs more for each unit than a smaller one did.
//!
//! ```text
//! cargo run --release --manifest-path tests/linear/Cargo.toml                       # needs valgrind
//! cargo run --release --manifest-path tests/linear/Cargo.toml -- head compressed    # cases with one of these words
//! cargo run --release --manifest-path tests/linear/Cargo.toml -- --plot PATH        # draws them, too
//! ```
//!
//! Only what runs inside `measured` counts: the crate, the allocator and the codecs below it, and not what makes the input.
//! Each count is from a process of its own and hardly differs between runs, however loaded the machine is. Buffers that
//! grow are copied each time, as the worst allocator would: that is unsafe to write, and so this is a crate of its own.

mod cases;
mod compressed;
mod head;
mod plot;
mod receive;
mod send;
mod wire;

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::cases::{CASES, Case};

/// How much more for each unit a larger `n` may cost: 2.1 times as much for twice as many, 33.6 times for 32 times as many.
/// What costs once makes the larger `n` cheaper, so that it needs no further constant; the twentieth is for buffers, which
/// are copied now and then and not in between. What grows with n log n is beyond that over all of a case.
const SLACK: f64 = 1.05;

/// Where `realloc` is what the trait says it is by default: a new block, a copy, and an end to the old one.
struct Moving;

// SAFETY: both are the system's allocator.
unsafe impl GlobalAlloc for Moving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static MOVING: Moving = Moving;

/// The counts of one case, by `n`.
type Counts = Vec<(usize, u64)>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let (mut wanted, mut plot) = (Vec::new(), None);
    while let Some(word) = words.next() {
        match &*word {
            "--case" => return one(&words.next().ok_or("no case")?, words.next().ok_or("no n")?.parse()?),
            "--plot" => plot = Some(words.next().ok_or("no path")?),
            _ => wanted.push(word),
        }
    }
    let is_wanted = |case: &&Case| wanted.is_empty() || wanted.iter().any(|word| case.name.contains(&**word));
    let cases: Vec<&Case> = CASES.iter().filter(is_wanted).collect();
    let counts = count_all(&cases)?;
    let mut steep = 0;
    for (case, counts) in cases.iter().zip(&counts) {
        steep += usize::from(!report(case, counts));
    }
    if let Some(path) = plot {
        plot::draw(&path, &cases, &counts)?;
    }
    println!("{} of {} cases are linear", cases.len() - steep, cases.len());
    Ok(if steep == 0 && !cases.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Does the work of one case, for callgrind to watch.
fn one(name: &str, n: usize) -> Result<ExitCode, Box<dyn Error>> {
    let case = CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
    (case.run)(n);
    Ok(ExitCode::SUCCESS)
}

/// What is done in here is counted. Callgrind knows it by its name.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// As many at a time as there are processors.
fn count_all(cases: &[&Case]) -> Result<Vec<Counts>, Box<dyn Error>> {
    let jobs: Vec<(usize, usize)> =
        cases.iter().enumerate().flat_map(|(at, case)| case.ns.iter().map(move |n| (at, *n))).collect();
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(vec![Counts::new(); cases.len()]));
    let work = || -> Result<(), String> {
        while let Some((at, n)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let count = count(cases[*at].name, *n).map_err(|error| format!("{}, {n}: {error}", cases[*at].name))?;
            counts.lock().map_err(|error| error.to_string())?[*at].push((*n, count));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..thread::available_parallelism()?.get()).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok::<(), Box<dyn Error>>(())
    })?;
    let mut counts = counts.into_inner()?;
    counts.iter_mut().for_each(|counts| counts.sort_unstable());
    Ok(counts)
}

/// The instructions of one case.
fn count(case: &str, n: usize) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*linear::measured*"])
        .arg(env::current_exe()?)
        .args(["--case", case, &n.to_string()])
        // `rep movsb`, which copies some sizes, counts as an instruction for each byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS,-FSRM")
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}\n{log}", output.status).into());
    }
    let collected = log.lines().find_map(|line| line.split_once("Collected : ")).ok_or("no count")?;
    match collected.1.trim().parse()? {
        0 => Err("nothing was counted".into()),
        count => Ok(count),
    }
}

/// Prints a case. Whether it is linear: no `n` costs more for each unit than any smaller one, within the slack.
fn report(case: &Case, counts: &Counts) -> bool {
    println!("{}, n {}:", case.name, case.unit);
    let mut linear = true;
    for (at, &(n, count)) in counts.iter().enumerate() {
        let each = |(n, count): (usize, u64)| count as f64 / n as f64;
        let least = counts[..at].iter().map(|count| each(*count)).fold(f64::INFINITY, f64::min);
        let holds = each((n, count)) <= SLACK * least;
        println!(
            "{n:>12} {count:>14} {:>12.2} each{}",
            each((n, count)),
            if holds { "" } else { "  MORE THAN LINEAR" }
        );
        linear &= holds;
    }
    linear
}
