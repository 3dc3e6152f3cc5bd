//! The rounds: each server for a while, one after the other, again and again.

use std::thread::sleep;
use std::time::Duration;

use crate::Result;
use crate::load::Load;
use crate::options::Options;
use crate::process::Running;
use crate::servers::Server;

/// One place of the grid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Bytes of a message.
    pub(crate) payload: usize,
    pub(crate) connections: usize,
    /// Messages in flight on each connection.
    pub(crate) window: usize,
}

/// What all servers did in one cell.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) cell: Cell,
    pub(crate) servers: Vec<(&'static Server, Vec<Sample>)>,
}

/// One round of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Messages per second.
    pub(crate) rate: f64,
    /// Seconds of processor time per message.
    pub(crate) cost: f64,
}

pub(crate) fn all(running: &[Running], options: &Options) -> Result<Vec<Outcome>> {
    options.cells.iter().map(|cell| measure(running, *cell, options)).collect()
}

fn measure(running: &[Running], cell: Cell, options: &Options) -> Result<Outcome> {
    let mut servers: Vec<_> = running.iter().map(|running| (running.server, Vec::new())).collect();
    for _ in 0..options.rounds {
        for (running, (server, samples)) in running.iter().zip(&mut servers) {
            let sample = round(running, cell, options.round);
            samples.push(sample.map_err(|error| format!("{} at {cell:?}: {error}", server.name))?);
        }
    }
    eprintln!("{cell:?} done");
    Ok(Outcome { cell, servers })
}

/// Opens connections for each round: no server has to keep those of the others' rounds alive.
fn round(running: &Running, cell: Cell, time: Duration) -> Result<Sample> {
    let mut load = Load::open(running, cell.payload, cell.connections, cell.window)?;
    load.run(time / 5)?;
    sleep(QUIET);
    let before = running.processor_time()?;
    let (count, elapsed) = load.run(time)?;
    sleep(QUIET);
    let spent = running.processor_time()?.saturating_sub(before);
    let count = f64::from(u32::try_from(count)?);
    drop(load);
    sleep(QUIET); // the server closes its ends
    Ok(Sample { rate: count / elapsed.as_secs_f64(), cost: spent.as_secs_f64() / count })
}

/// Until a server without work sleeps.
const QUIET: Duration = Duration::from_millis(5);
