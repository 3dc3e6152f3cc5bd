//! The tables of states in `DESIGN.md`.

use std::collections::BTreeSet;

/// One step through a table: a row for one state and one class. Only receiving owes anything.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Transition {
    pub(crate) receives: bool,
    pub(crate) state: &'static str,
    /// What comes, or is said.
    pub(crate) class: &'static str,
    pub(crate) next: &'static str,
    pub(crate) result: &'static str,
    pub(crate) owed: &'static str,
}

/// Both tables, each row for each of its states and classes.
pub(crate) fn transitions() -> BTreeSet<Transition> {
    let mut all = BTreeSet::new();
    for (receives, marker) in [(true, "<!-- receiving -->"), (false, "<!-- sending -->")] {
        let (_, table) = DESIGN.split_once(marker).expect(marker);
        let (table, _) = table.split_once("<!-- end -->").expect("an end");
        let rows: Vec<&str> = table.trim().lines().collect();
        assert!(rows[1].starts_with("|---"), "{marker}: a head and a line");
        for row in &rows[2..] {
            for transition in transitions_of(row, receives) {
                assert!(all.insert(transition), "twice: {transition:?} in {row}");
            }
        }
    }
    all
}

fn transitions_of(row: &'static str, receives: bool) -> Vec<Transition> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let (states, classes, next, result, owed) = match cells[..] {
        ["", states, classes, next, result, owed, _, ""] if receives => (states, classes, next, result, owed),
        ["", states, classes, next, result, _, ""] if !receives => (states, classes, next, result, ""),
        _ => panic!("not a row: {row}"),
    };
    let mut all = Vec::new();
    for state in states.split(", ") {
        for class in classes.split(", ") {
            let next = if next == "same" { state } else { next };
            all.push(Transition { receives, state, class, next, result: result.trim_matches('`'), owed });
        }
    }
    all
}

const DESIGN: &str = include_str!("../../DESIGN.md");
