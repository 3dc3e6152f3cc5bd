//! The command line.

use std::env;
use std::str::FromStr;
use std::time::Duration;

use crate::Result;
use crate::measure::Cell;
use crate::servers::{self, Server};

#[derive(Debug)]
pub(crate) enum Mode {
    /// Be one of the servers.
    Serve(String),
    Measure(Options),
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) servers: Vec<&'static Server>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) rounds: usize,
    /// How long a server is loaded in a round.
    pub(crate) round: Duration,
    /// How many connections are idle while memory is measured.
    pub(crate) idle: usize,
    pub(crate) test: bool,
    /// Whether the report becomes a file.
    pub(crate) writes: bool,
    /// As given.
    pub(crate) words: Vec<String>,
}

impl Options {
    pub(crate) fn from_args() -> Result<Mode> {
        let words: Vec<String> = env::args().skip(1).collect();
        let given = Given { words: &words };
        if let Some(name) = given.value("--serve") {
            return Ok(Mode::Serve(name.into()));
        }
        let (test, quick) = (given.has("--test"), given.has("--quick"));
        let (connections, rounds, seconds): (&[usize], _, _) = match (test, quick) {
            (true, _) => (&[3], 1, 0.01),
            (_, true) => (&[100], 3, 0.5),
            _ => (&[10, 100, 1000], 5, 0.5),
        };
        let payloads = given.list("--payload")?.unwrap_or_else(|| vec![20, 1024, 16384]);
        let windows = given.list("--window")?.unwrap_or_else(|| vec![1, 16]);
        let connections = given.list("--connections")?.unwrap_or_else(|| connections.to_vec());
        let filters = ["--only", "--payload", "--connections", "--window", "--rounds", "--seconds", "--idle", "--test"];
        Ok(Mode::Measure(Self {
            servers: chosen(given.list("--only")?)?,
            cells: grid(&payloads, &connections, &windows),
            rounds: given.one("--rounds")?.unwrap_or(rounds),
            round: Duration::from_secs_f64(given.one("--seconds")?.unwrap_or(seconds)),
            idle: given.one("--idle")?.unwrap_or(if test {
                20
            } else if quick {
                2000
            } else {
                10_000
            }),
            test,
            writes: !filters.iter().any(|name| given.has(name)),
            words,
        }))
    }

    /// How many files the load, or a server, has open at once.
    pub(crate) fn most_files(&self) -> u64 {
        let connections = self.cells.iter().map(|cell| cell.connections).chain([self.idle]).max().unwrap_or(0);
        connections as u64 + 100
    }
}

/// The named ones, and what they are compared with.
fn chosen(names: Option<Vec<String>>) -> Result<Vec<&'static Server>> {
    let Some(names) = names else { return Ok(servers::ALL.iter().collect()) };
    let asked = names.iter().map(|name| servers::named(name)).collect::<Result<Vec<_>>>()?;
    let is_chosen = |server: &&Server| asked.iter().any(|asked| server.is_limit_of(asked) || server.name == asked.name);
    Ok(servers::ALL.iter().filter(is_chosen).collect())
}

fn grid(payloads: &[usize], connections: &[usize], windows: &[usize]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &payload in payloads {
        for &connections in connections {
            cells.extend(windows.iter().map(|&window| Cell { payload, connections, window }));
        }
    }
    cells
}

struct Given<'a> {
    words: &'a [String],
}

impl<'a> Given<'a> {
    fn has(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.get(at + 1).map(String::as_str)
    }

    fn one<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let parsed = self.value(name).map(|value| value.parse().map_err(|_| format!("{name} {value}?")));
        Ok(parsed.transpose()?)
    }

    fn list<T: FromStr>(&self, name: &str) -> Result<Option<Vec<T>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let parsed: Option<Vec<T>> = value.split(',').map(|item| item.parse().ok()).collect();
        Ok(Some(parsed.ok_or_else(|| format!("{name} {value}?"))?))
    }
}
