//! Ours and other libraries on the same bytes, in memory: see the `README.md` beside `Cargo.toml`.

mod callgrind;
mod cell;
mod frames;
mod job;
mod libraries;
mod limits;
mod measure;
mod options;
mod pipe;
mod report;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use ws_proto_peers::{chart, machine};

use crate::cell::Cell;
use crate::job::Job;
use crate::measure::{Contestant, Plan};
use crate::options::{Mode, Options};
use crate::report::{AllCounts, Finding};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1))?;
    let cells: Vec<Cell> = Cell::all().filter(|cell| options.wants(*cell)).collect();
    match &options.mode {
        Mode::One(name) => callgrind::child(&cells, |job| entrant(name, job)),
        Mode::Test => cells.iter().for_each(|&cell| drop(enter(&options, cell))),
        Mode::Measure(plan) => measure(&options, &cells, *plan)?,
    }
    Ok(())
}

/// All that take part in a cell, and how many of them are libraries.
fn enter(options: &Options, cell: Cell) -> (Vec<Contestant>, usize) {
    let job = Job::new(cell);
    let mut contestants: Vec<_> = libraries(options).filter_map(|name| entrant(name, &job)).collect();
    let count = contestants.len();
    contestants.extend(limits::ALL.iter().filter_map(|limit| entrant(limit.name, &job)));
    (contestants, count)
}

/// A library or a limit by its name; `None` if it does no such thing.
fn entrant(name: &str, job: &Job) -> Option<Contestant> {
    if let Some(library) = libraries::ALL.iter().find(|library| library.name == name) {
        return Some(Contestant::enter(library.name, library.open(job)?, job, true));
    }
    let limit = limits::ALL.iter().find(|limit| limit.name == name)?;
    Some(Contestant::enter(limit.name, (limit.open)(job)?, job, false))
}

fn libraries(options: &Options) -> impl Iterator<Item = &'static str> {
    libraries::ALL.iter().map(|library| library.name).filter(|name| options.wants_library(name))
}

fn measure(options: &Options, cells: &[Cell], plan: Plan) -> Result<(), Box<dyn Error>> {
    let mut findings = Vec::new();
    for &cell in cells {
        let (mut contestants, libraries) = enter(options, cell);
        if !contestants.is_empty() {
            measure::race(&mut contestants, plan);
            let times = contestants.iter_mut().map(|contestant| (contestant.name, contestant.nanoseconds())).collect();
            findings.push(Finding { cell, times, libraries });
            eprintln!("{cell}");
        }
    }
    let text = report::markdown(&findings, &count(options), &head(options, plan));
    println!("{text}");
    if options.is_whole() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::write(directory.join("memory.md"), text)?;
        draw(&directory.join("memory.svg"), &findings)?;
    }
    Ok(())
}

/// Instructions and allocations, if they can be counted.
fn count(options: &Options) -> AllCounts {
    let mut counts = AllCounts::new();
    if options.no_callgrind {
        return counts;
    }
    if !callgrind::is_installed() {
        eprintln!("valgrind is not installed: instructions and allocations are not counted");
        return counts;
    }
    let names: Vec<_> = libraries(options).chain(limits::ALL.iter().map(|limit| limit.name)).collect();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for some in names.chunks(at_once) {
        eprintln!("callgrind: {}", some.join(" and "));
        std::thread::scope(|scope| {
            let count = |name| move || callgrind::count(name, &options.cells);
            let threads: Vec<_> = some.iter().map(|&name| (name, scope.spawn(count(name)))).collect();
            for (name, thread) in threads {
                match thread.join().expect("no panic") {
                    Ok(counted) => _ = counts.insert(name, counted),
                    Err(error) => eprintln!("{name} is not counted: {error}"),
                }
            }
        });
    }
    counts
}

fn head(options: &Options, plan: Plan) -> String {
    format!(
        "Measured with `{}` on: {}. Each library has {} turns a cell, in turns with all others; the time is that which \
        a tenth of the turns was faster than. What is measured, and how, is in [README.md](README.md).",
        options.command,
        machine::description(),
        plan.samples,
    )
}

fn draw(path: &Path, findings: &[Finding]) -> Result<(), Box<dyn Error>> {
    let notes = [
        "Time for a message relative to ws-proto: bars to the right are slower than it, to the left faster.".to_owned(),
        "Dots are sizes, from 8 B (light) to 1 MiB (dark); bars and numbers are their geometric mean.".to_owned(),
        format!("On {}.", machine::description()),
    ];
    let frame = chart::Frame { title: "WebSocket libraries in memory", notes: &notes, columns: 3, range: (0.25, 32.0) };
    chart::draw(path, frame, &report::panels(findings))
}
