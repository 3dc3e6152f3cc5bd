//! The command line.

use crate::cell::Cell;
use crate::measure::Plan;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// Names of libraries; all if there are none.
    only: Vec<String>,
    /// Beginnings of the names of cells; all if there are none.
    pub(crate) cells: Vec<String>,
    pub(crate) no_callgrind: bool,
    /// As it can be repeated.
    pub(crate) command: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Mode {
    Measure(Plan),
    /// Every library through every cell, with all checks.
    Test,
    /// Hidden: a process of callgrind's.
    One(String),
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let arguments: Vec<String> = arguments.collect();
        let command = format!("cargo run --release --bin memory -- {}", arguments.join(" "));
        let mut options = Self {
            mode: Mode::Measure(Plan::FULL),
            only: Vec::new(),
            cells: Vec::new(),
            no_callgrind: false,
            command: command.trim_end_matches(" -- ").to_owned(),
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{argument} wants a value\n{USAGE}"));
            match argument.as_str() {
                "--quick" => options.mode = Mode::Measure(Plan::QUICK),
                "--test" => options.mode = Mode::Test,
                "--one" => options.mode = Mode::One(value()?),
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--cell" => options.cells.extend(value()?.split(',').map(str::to_owned)),
                "--no-callgrind" => options.no_callgrind = true,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, cell: Cell) -> bool {
        let (name, operation) = (cell.to_string(), cell.operation.to_string());
        self.cells.is_empty() || self.cells.iter().any(|wanted| name == *wanted || operation.starts_with(wanted))
    }

    /// `ours` is a library too.
    pub(crate) fn wants_library(&self, name: &str) -> bool {
        let is = |wanted: &String| wanted == name || (wanted == "ours" && name == "ws-proto");
        self.only.is_empty() || self.only.iter().any(is)
    }

    /// Whether all of it is measured, and so worth keeping.
    pub(crate) const fn is_whole(&self) -> bool {
        self.only.is_empty() && self.cells.is_empty()
    }
}

const USAGE: &str = "\
usage: memory [--quick | --test] [--only LIBRARY,..] [--cell OPERATION[/SIZE],..] [--no-callgrind]";
