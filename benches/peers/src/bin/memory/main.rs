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
use crate::job::{Job, Library};
use crate::measure::{Contestant, Plan};
use crate::options::{Mode, Options};
use crate::report::{AllCounts, Finding};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1))?;
    let cells: Vec<Cell> = Cell::all().filter(|cell| options.wants(*cell)).collect();
    match &options.mode {
        Mode::One(name) => {
            let is_library = libraries::ALL.iter().any(|library| library.name == name);
            let mut all = libraries::ALL.iter().chain(&limits::ALL);
            let one = all.find(|library| library.name == name).ok_or("no such library")?;
            callgrind::child(*one, &cells, is_library);
        }
        Mode::Test => cells.iter().for_each(|&cell| drop(enter(&options, cell))),
        Mode::Measure(plan) => measure(&options, &cells, *plan)?,
    }
    Ok(())
}

/// All that take part in a cell, and how many of them are libraries.
fn enter(options: &Options, cell: Cell) -> (Vec<Contestant>, usize) {
    let job = Job::new(cell);
    let libraries = wanted(options).filter_map(|library| Contestant::enter(library, &job, true));
    let mut contestants: Vec<_> = libraries.collect();
    let count = contestants.len();
    contestants.extend(limits::ALL.into_iter().filter_map(|limit| Contestant::enter(limit, &job, false)));
    (contestants, count)
}

fn wanted(options: &Options) -> impl Iterator<Item = Library> {
    libraries::ALL.into_iter().filter(|library| options.wants_library(library.name))
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
    let text = report::markdown(&findings, &count(options)?, &head(options, plan));
    println!("{text}");
    if options.is_whole() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::write(directory.join("memory.md"), text)?;
        draw(&directory.join("memory.svg"), &findings)?;
    }
    Ok(())
}

/// Instructions and allocations, if they can be counted.
fn count(options: &Options) -> Result<AllCounts, Box<dyn Error>> {
    let mut counts = AllCounts::new();
    if options.no_callgrind {
        return Ok(counts);
    }
    if !callgrind::is_installed() {
        eprintln!("valgrind is not installed: instructions and allocations are not counted");
        return Ok(counts);
    }
    for name in wanted(options).chain(limits::ALL).map(|library| library.name) {
        eprintln!("callgrind: {name}");
        counts.insert(name, callgrind::count(name, &options.cells)?);
    }
    Ok(counts)
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
        "Time for a message relative to ws-proto: shorter is faster. Dots are sizes from 8 B to 1 MiB, bars their \
        geometric mean, as the number on the right."
            .to_owned(),
        format!("On {}.", machine::description()),
    ];
    let frame = chart::Frame { title: "WebSocket libraries in memory", notes: &notes, columns: 3, range: (0.25, 32.0) };
    chart::draw(path, frame, &report::panels(findings))
}
