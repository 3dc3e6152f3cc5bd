//! The figures as Markdown.

use std::fmt::Write;
use std::fs;

use ws_proto_peers::machine;

use crate::measure::{Cell, Outcome, Sample};
use crate::options::Options;
use crate::servers::{Kind, Server};

pub(crate) fn markdown(
    options: &Options,
    outcomes: &[Outcome],
    idle: &[(&'static Server, i64)],
    pinned: bool,
) -> String {
    let mut text = head(options, pinned);
    summary(&mut text, outcomes);
    if !idle.is_empty() {
        memory(&mut text, options.idle, idle);
    }
    for outcome in outcomes {
        table(&mut text, outcome);
    }
    text
}

/// Appends lines. A string takes them all.
macro_rules! line {
    ($text:expr, $($words:tt)*) => { let _ = writeln!($text, $($words)*); };
}

fn head(options: &Options, pinned: bool) -> String {
    let mut text = String::from("# Echo servers over loopback\n\n");
    let bound = if pinned { "each side bound to a core of its own" } else { "not bound to cores" };
    line!(text, "Written by `cargo run --release --bin sockets -- {}`.\n", options.words.join(" "));
    line!(text, "* Machine: {}; {bound}; load average {}.", machine::description(), load());
    line!(text, "* Libraries: {}.", versions());
    line!(
        text,
        "* Each figure is a median over {} rounds of {} s; each ratio is the median of those within a round.",
        options.rounds,
        options.round.as_secs_f64()
    );
    line!(
        text,
        "* CPU is the processor time of the server's process, system calls included; messages/s is what the load, with"
    );
    line!(text, "  a core at most, got from it, and says less when others use the cores.");
    line!(text, "* The ratios compare messages per second of processor time: higher is better.\n");
    text
}

/// The ratio to plain TCP, all cells in one table.
fn summary(text: &mut String, outcomes: &[Outcome]) {
    line!(text, "## Messages per CPU second, relative to plain TCP on the same runtime\n");
    let Some(first) = outcomes.first() else { return };
    let (mut names, mut rule) = (String::from("|"), String::from("|---|"));
    for outcome in outcomes {
        let Cell { payload, connections, window } = outcome.cell;
        let _ = write!(names, " | {payload} B × {connections} × {window}");
        rule.push_str("--:|");
    }
    line!(text, "{names} |\n{rule}");
    for (server, _) in first.servers.iter().filter(|(server, _)| server.kind != Kind::Tcp) {
        let ratios = outcomes.iter().map(|outcome| ratio(outcome.against_tcp(server)));
        line!(text, "| {} | {} |", server.name, ratios.collect::<Vec<_>>().join(" | "));
    }
    line!(text, "\nA column is the bytes of a message × connections × messages in flight on each.\n");
}

fn memory(text: &mut String, count: usize, idle: &[(&'static Server, i64)]) {
    line!(text, "## Resident bytes per idle connection, of {count}\n");
    line!(text, "| server | bytes | over plain TCP |\n|---|--:|--:|");
    for (server, bytes) in idle {
        let tcp = idle.iter().find(|(other, _)| other.is_limit_of(server)).map(|(_, bytes)| bytes);
        let over =
            tcp.filter(|_| server.kind != Kind::Tcp).map_or_else(String::new, |tcp| format!("{:+}", bytes - tcp));
        line!(text, "| {} | {bytes} | {over} |", server.name);
    }
    line!(text, "");
}

fn table(text: &mut String, outcome: &Outcome) {
    let Cell { payload, connections, window } = outcome.cell;
    line!(text, "## {payload} bytes, {connections} connections, {window} in flight on each\n");
    line!(text, "| server | messages/s | CPU µs per message | of plain TCP | of ws-proto |\n|---|--:|--:|--:|--:|");
    for (server, samples) in &outcome.servers {
        let rate = median(samples.iter().map(|sample| sample.rate)).unwrap_or(f64::NAN);
        let cost = median(samples.iter().map(|sample| sample.cost * 1e6)).unwrap_or(f64::NAN);
        let (tcp, ours) = (ratio(outcome.against_tcp(server)), ratio(outcome.against_ours(server)));
        line!(text, "| {} | {rate:.0} | {cost:.2} | {tcp} | {ours} |", server.name);
    }
    line!(text, "");
}

impl Outcome {
    /// Messages per second of processor time, as a part of what plain TCP does.
    pub(crate) fn against_tcp(&self, server: &Server) -> Option<f64> {
        self.against(server, |other| other.is_limit_of(server))
    }

    fn against_ours(&self, server: &Server) -> Option<f64> {
        self.against(server, |other| other.kind == Kind::Ours && other.runtime == server.runtime)
    }

    fn against(&self, server: &Server, is_other: impl Fn(&Server) -> bool) -> Option<f64> {
        let samples = |is: &dyn Fn(&Server) -> bool| self.servers.iter().find(|(server, _)| is(server)).map(|(_, s)| s);
        let (of, to) = (samples(&|one| one.name == server.name)?, samples(&is_other)?);
        median(of.iter().zip(to).map(|(of, to): (&Sample, &Sample)| to.cost / of.cost))
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.3}"))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// Over the last minute: more than two are others that shared the caches and cores.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

/// Of every library here, as locked.
fn versions() -> String {
    let with_version = |name: &str| machine::version(name).map(|version| format!("{name} {version}"));
    let names = ["ws-proto", "mio", "tokio"].into_iter();
    let peers = crate::servers::ALL.iter().filter(|server| server.kind == Kind::Peer).map(|server| server.name);
    names.chain(peers).filter_map(with_version).collect::<Vec<_>>().join(", ")
}
