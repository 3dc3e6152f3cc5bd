//! Servers as processes, and what the system says of them.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::servers::Server;

/// A server that ends with its owner.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) server: &'static Server,
    pub(crate) address: SocketAddr,
    child: Ended,
}

#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub(crate) fn start(server: &'static Server) -> Result<Self> {
        // The server ends with its input, too: nobody drops what was killed.
        let mut command = Command::new(env::current_exe()?);
        command.args(["--serve", server.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Ended(command.spawn()?);
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("{} does not start", server.name))?;
        Ok(Self { server, address, child })
    }

    /// The processor time of all threads so far. A thread that runs is up to date with its last tick only: ask when the
    /// server sleeps.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.0.id()))? {
            let line = fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += line.split(' ').next().ok_or("empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Bytes in memory.
    pub(crate) fn resident(&self) -> Result<i64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<i64>()? * 1024)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Server,
    Load,
}

/// Binds this thread to the core of its side: the first is the servers', the last the load's. False where that cannot be.
pub(crate) fn pin(side: Side) -> bool {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    match (side, &cores[..]) {
        (Side::Server, [core, _, ..]) | (Side::Load, [_, .., core]) => core_affinity::set_for_current(*core),
        _ => false,
    }
}
