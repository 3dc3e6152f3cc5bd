//! What was found: tables in Markdown and a picture.

use std::collections::HashMap;
use std::fmt::Write;

use ws_proto_peers::chart::{Bar, Panel};
use ws_proto_peers::machine;
use ws_proto_peers::table::{Table, bytes, number};

use crate::callgrind::Counts;
use crate::cell::{Cell, Operation, SIZES};
use crate::limits::FLOOR;

/// All that is known of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) cell: Cell,
    /// Names and nanoseconds for a message: the libraries first, ours before all.
    pub(crate) times: Vec<(&'static str, f64)>,
    /// How many of them are libraries; the others are limits.
    pub(crate) libraries: usize,
}

/// By library and cell.
pub(crate) type AllCounts = HashMap<&'static str, HashMap<String, Counts>>;

/// Below this much of the speed of the best, a cell counts as lost.
const LOST: f64 = 0.9;

impl Finding {
    fn ours(&self) -> Option<f64> {
        self.times.first().filter(|(name, _)| *name == "ws-proto").map(|(_, time)| *time)
    }

    /// The fastest of the others.
    fn best(&self) -> Option<(&'static str, f64)> {
        let others = self.times[..self.libraries].iter().filter(|(name, _)| *name != "ws-proto");
        others.copied().min_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Our speed as a part of the best other's.
    fn ratio(&self) -> Option<f64> {
        Some(self.best()?.1 / self.ours()?)
    }

    /// Our speed as a part of the floor's.
    fn of_limit(&self) -> Option<f64> {
        let (_, floor) = self.times.iter().find(|(name, _)| *name == FLOOR)?;
        Some(floor / self.ours()?)
    }
}

/// The whole report.
pub(crate) fn markdown(findings: &[Finding], counts: &AllCounts, head: &str) -> String {
    let mut text = format!("# In memory\n\n{head}\n\n## Ours and the best of the others\n\n{EXPLANATION}\n\n");
    text.push_str(&summary(findings));
    let _ = writeln!(text, "{}", lost(findings));
    for operation in Operation::ALL {
        let of_operation: Vec<_> = findings.iter().filter(|finding| finding.cell.operation == operation).collect();
        if !of_operation.is_empty() {
            let _ = write!(text, "## {operation}\n\n{}\n", details(&of_operation, counts));
        }
    }
    text
}

const EXPLANATION: &str = "\
How many times as fast as the fastest other library ours is, and in brackets which part of the speed of the *floor* it \
has, which only moves, masks and checks the bytes. **Bold** where ours is below 0.9 of the best.";

fn summary(findings: &[Finding]) -> String {
    let mut by_size = Table::new(["operation".into()].into_iter().chain(SIZES.map(bytes)));
    let mut others = Table::new(["operation", "ratio"]);
    for operation in Operation::ALL {
        let at = |size: usize| findings.iter().find(|finding| finding.cell == Cell { operation, size });
        let row = SIZES.map(|size| at(size).map_or_else(String::new, ratios));
        if row.iter().any(|ratio| !ratio.is_empty()) {
            by_size.row([operation.to_string()].into_iter().chain(row));
        } else if let Some(finding) = findings.iter().find(|finding| finding.cell.operation == operation) {
            others.row([operation.to_string(), ratios(finding)]);
        }
    }
    let mut text = String::new();
    for table in [by_size, others].iter().filter(|table| !table.is_empty()) {
        let _ = writeln!(text, "{table}");
    }
    text
}

fn ratios(finding: &Finding) -> String {
    let limit = finding.of_limit().map_or_else(String::new, |part| format!(" ({part:.2})"));
    match finding.ratio() {
        Some(ratio) if ratio < LOST => format!("**{ratio:.2}**{limit}"),
        Some(ratio) => format!("{ratio:.2}{limit}"),
        None => limit.trim().into(),
    }
}

fn lost(findings: &[Finding]) -> String {
    let mut table = Table::new(["lost cell", "ours, ns", "best, ns", "ratio", "best"]);
    for finding in findings.iter().filter(|finding| finding.ratio().is_some_and(|ratio| ratio < LOST)) {
        if let (Some(ours), Some((name, best)), Some(ratio)) = (finding.ours(), finding.best(), finding.ratio()) {
            table.row([finding.cell.to_string(), number(ours), number(best), format!("{ratio:.2}"), name.into()]);
        }
    }
    if table.is_empty() { "No cell is lost.\n".into() } else { table.to_string() }
}

fn details(findings: &[&Finding], counts: &AllCounts) -> Table {
    let columns = ["", "size", "ns/message", "GB/s", "allocations/message", "instructions/message", "time/ours"];
    let mut table = Table::new(columns);
    for finding in findings {
        for &(name, time) in &finding.times {
            let counts = counts.get(name).and_then(|cells| cells.get(&finding.cell.to_string()));
            let counts = counts.map(|counts| counts.per_message(finding.cell));
            table.row([
                version_of(name),
                if finding.cell.size == 0 { String::new() } else { bytes(finding.cell.size) },
                number(time),
                speed(finding.cell.size, time),
                counts.map_or_else(String::new, |counts| number(counts.allocations)),
                counts.map_or_else(String::new, |counts| number(counts.instructions)),
                finding.ours().map_or_else(String::new, |ours| format!("{:.2}", time / ours)),
            ]);
        }
    }
    table
}

fn version_of(name: &str) -> String {
    match machine::version(name) {
        Some(version) if name != "simdutf8" => format!("{name} {version}"),
        _ => format!("*{name}*"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "small sizes")]
fn speed(size: usize, nanoseconds: f64) -> String {
    if size == 0 { String::new() } else { format!("{:.2}", size as f64 / nanoseconds) }
}

/// A small chart for each operation: the geometric mean of all sizes, and a dot for each.
pub(crate) fn panels(findings: &[Finding]) -> Vec<Panel> {
    let of = |operation| findings.iter().filter(move |finding| finding.cell.operation == operation);
    let panel = |operation: Operation| {
        let first = of(operation).next()?;
        let bars = first.times[..first.libraries].iter().map(|(name, _)| bar(name, of(operation)));
        Some(Panel { title: operation.to_string(), bars: bars.collect() })
    };
    Operation::ALL.into_iter().filter_map(panel).collect()
}

#[expect(clippy::cast_precision_loss, reason = "few sizes")]
fn bar<'a>(name: &str, findings: impl Iterator<Item = &'a Finding>) -> Bar {
    let relative = |finding: &Finding| {
        let (_, time) = finding.times.iter().find(|(other, _)| *other == name)?;
        Some(time / finding.ours()?)
    };
    let dots: Vec<f64> = findings.filter_map(relative).collect();
    let mean = (dots.iter().map(|dot| dot.ln()).sum::<f64>() / dots.len() as f64).exp();
    Bar { label: name.into(), value: mean, dots }
}
