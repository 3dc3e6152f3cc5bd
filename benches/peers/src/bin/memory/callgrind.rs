//! Instructions and allocations: a library's rounds in a process of its own, under callgrind.
//!
//! The process calls [`callgrind_mark`] before and after some rounds of each cell, and callgrind writes down what it
//! counted since the last mark. What a call to the allocator is can be read from the same files, so that no allocator
//! that counts has to slow down what is timed.

use std::collections::HashMap;
use std::hint::black_box;
use std::num::ParseFloatError;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, io, process};

use crate::cell::Cell;
use crate::job::Job;
use crate::measure::Contestant;

/// What one message takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// How many rounds are counted, behind the two that warm a connection up.
const ROUNDS: u32 = 2;

/// Whether it is there.
pub(crate) fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The hidden mode: runs one library, or limit, through all cells, which are named on standard output.
pub(crate) fn child(cells: &[Cell], enter: impl Fn(&Job) -> Option<Contestant>) {
    for &cell in cells {
        if let Some(mut contestant) = enter(&Job::new(cell)) {
            println!("{cell}");
            callgrind_mark();
            contestant.run(ROUNDS);
            callgrind_mark();
        }
    }
}

/// Where callgrind writes down what it counted.
#[inline(never)]
fn callgrind_mark() {
    black_box(());
}

/// Counts for one library in all cells that `filter` lets pass.
pub(crate) fn count(library: &str, filter: &[String]) -> io::Result<HashMap<String, Counts>> {
    let directory = Directory::new(library)?;
    let output = Command::new("valgrind")
        .env("GLIBC_TUNABLES", NO_STRING_INSTRUCTIONS)
        .args(["--tool=callgrind", "--dump-before=*callgrind_mark*"])
        .arg(format!("--callgrind-out-file={}", directory.0.join("out").display()))
        .arg(env::current_exe()?)
        .args(["--one", library])
        .args(filter.iter().flat_map(|part| ["--cell", part]))
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let mut functions = HashMap::new();
    let mut counts = HashMap::new();
    for (at, name) in names.lines().enumerate() {
        let mut part = |number| -> io::Result<Counts> {
            let text = fs::read_to_string(directory.0.join(format!("out.{number}")))?;
            read_part(&text, &mut functions).map_err(io::Error::other)
        };
        part(2 * at + 1)?; // what led to the cell: only for the names in it
        counts.insert(name.to_owned(), part(2 * at + 2)?);
    }
    Ok(counts)
}

/// What is counted in one file, over all rounds: the total of instructions, and the calls to the allocator. Names are
/// abbreviated to numbers where they come again.
fn read_part(part: &str, functions: &mut HashMap<String, String>) -> Result<Counts, ParseFloatError> {
    let (mut counts, mut called) = (Counts { instructions: 0.0, allocations: 0.0 }, false);
    for line in part.lines() {
        let (key, value) = line.split_once(['=', ':']).unwrap_or_default();
        match key {
            "totals" | "summary" => counts.instructions = value.trim().parse()?,
            "fn" => _ = function(value, functions),
            "cfn" => called = ALLOCATING.contains(&function(value, functions)),
            "calls" if called => counts.allocations += value.split(' ').next().unwrap_or_default().parse::<f64>()?,
            _ => {}
        }
    }
    Ok(counts)
}

fn function<'a>(value: &'a str, functions: &'a mut HashMap<String, String>) -> &'a str {
    let Some((number, name)) = value.split_once(") ") else {
        return functions.get(value.trim_end_matches(')')).map_or("", String::as_str);
    };
    functions.insert(number.to_owned(), name.split('\'').next().unwrap_or(name).to_owned());
    &functions[number]
}

/// Callgrind counts a `rep movsb` once for each byte. Without it a copy counts as the vector loop that it else is.
const NO_STRING_INSTRUCTIONS: &str =
    "glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824";

const ALLOCATING: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

impl Counts {
    /// For one of the messages of a cell.
    #[expect(clippy::cast_precision_loss, reason = "few messages")]
    pub(crate) fn per_message(self, cell: Cell) -> Self {
        let messages = cell.count() as f64 * f64::from(ROUNDS);
        Self { instructions: self.instructions / messages, allocations: self.allocations / messages }
    }
}

/// A directory for callgrind's files, which goes when they are read.
struct Directory(PathBuf);

impl Directory {
    fn new(library: &str) -> io::Result<Self> {
        let name: String = library.chars().filter(char::is_ascii_alphanumeric).collect();
        let path = env::temp_dir().join(format!("ws-proto-peers-{}-{name}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read() {
        let mut functions = HashMap::new();
        let part = "fn=(1) main\n3 5\ncfn=(2) malloc\ncalls=7 0\n3 90\ncfn=(3) free\ncalls=6 0\n4 9\n\
                    fn=(3)\n9 9\ncfn=(2)\ncalls=1 0\n5 5\n\ntotals: 118\n";
        let counts = read_part(part, &mut functions).expect("numbers");
        assert_eq!(format!("{counts:?}"), "Counts { instructions: 118.0, allocations: 8.0 }");
    }
}
