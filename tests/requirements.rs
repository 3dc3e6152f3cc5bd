//! Every requirement has a test named after it, or a line in `requirements.md` that says what holds it instead.
#![cfg(feature = "std")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How many security rows there are, counted from 1.
const ROWS: u32 = 38;

/// The topics, and how many requirements each has, counted from 1.
const TOPICS: &[(&str, u32)] = &[
    ("hp", 24),
    ("hs", 34),
    ("hc", 32),
    ("sp", 14),
    ("ex", 16),
    ("fr", 16),
    ("mk", 13),
    ("fg", 12),
    ("ct", 13),
    ("tx", 15),
    ("cl", 25),
    ("fa", 13),
    ("sc", 14),
    ("se", 14),
    ("rl", 16),
    ("io", 8),
    ("pn", 27),
    ("pd", 25),
    ("tm", 12),
];

#[test]
fn every_requirement_is_covered() {
    let (tests, lines) = (tests(), lines());
    let tested: BTreeSet<String> = tests.iter().filter_map(|name| id(name)).collect();
    let mut missing = ids();
    missing.retain(|id| !tested.contains(id) && !lines.contains_key(id));
    assert!(missing.is_empty(), "{} have neither a test nor a line: {missing:?}", missing.len());
}

#[test]
fn no_identifier_is_made_up() {
    let ids = ids();
    let unknown: Vec<String> = tests()
        .into_iter()
        .filter(|name| TOPICS.iter().any(|(topic, _)| name.starts_with(&format!("{topic}_"))))
        .filter(|name| id(name).is_none_or(|id| !ids.contains(&id)))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for id in lines().keys() {
        assert!(ids.contains(id), "{id} in requirements.md");
    }
}

#[test]
fn every_line_is_needed_and_true() {
    let tests = tests();
    for (id, held_by) in lines() {
        let own = tests.iter().find(|name| self::id(name).as_ref() == Some(&id));
        assert_eq!(own, None, "{id} has a test of its own, so its line is left over");
        let named: Vec<&str> = held_by.split('`').skip(1).step_by(2).filter(|name| self::id(name).is_some()).collect();
        for name in &named {
            assert!(tests.contains(*name), "{id} names the test {name}, which is not there");
        }
        assert!(held_by.starts_with("doc: ") || !named.is_empty(), "{id} is held by nothing: {held_by}");
    }
}

#[test]
fn every_security_row_is_covered() {
    let (tests, lines) = (tests(), lines_of(security));
    let tested: BTreeSet<String> = tests.iter().filter_map(|name| security(name)).collect();
    let mut missing: Vec<String> = (1..=ROWS).map(|n| format!("T{n:02}")).collect();
    let made_up = |id: &&String| !missing.contains(id);
    let unknown: Vec<&String> = tested.iter().chain(lines.keys()).filter(made_up).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    missing.retain(|id| !tested.contains(id) && !lines.contains_key(id));
    assert!(missing.is_empty(), "{} have neither a test nor a line: {missing:?}", missing.len());
}

#[test]
fn every_security_line_is_needed_and_true() {
    let tests = tests();
    let is_test = |name: &str| id(name).is_some() || security(name).is_some();
    for (row, held_by) in lines_of(security) {
        let own = tests.iter().find(|name| security(name).as_ref() == Some(&row));
        assert_eq!(own, None, "{row} has a test of its own, so its line is left over");
        let named: Vec<&str> = held_by.split('`').skip(1).step_by(2).filter(|name| is_test(name)).collect();
        for name in &named {
            assert!(tests.contains(*name), "{row} names the test {name}, which is not there");
        }
        let elsewhere = ["doc: ", "ci: "].iter().any(|other| held_by.starts_with(other));
        assert!(elsewhere || !named.is_empty(), "{row} is held by nothing: {held_by}");
    }
}

#[test]
fn this_test_can_read() {
    assert_eq!(security("t08_bomb"), Some("T08".to_owned()));
    assert_eq!(security("T08"), Some("T08".to_owned()));
    for other in ["t8_bomb", "t08", "t08bomb", "t008_bomb", "tx_08_bomb", "se_02_t18_bomb", "T8", "TX-08", "Row"] {
        assert_eq!(security(other), None, "{other}");
    }
    assert_eq!(id("rl_03_exactly"), Some("RL-03".to_owned()));
    for other in ["rl_3_x", "rl_03", "rl_03x", "t08_bomb", "rl_003_x", "x_03_y", "frames"] {
        assert_eq!(id(other), None, "{other}");
    }
    let source =
        "/// fn fr_01_no() {}\n#[test]\n#[should_panic]\nfn fr_02_yes() {\n    fn fr_03_no() {}\n}\nfn fr_04_no() {}\n";
    assert_eq!(names(source), ["fr_02_yes"]);
    let line = "| FR-01 | Rule with \\| a bar. | `fr_02_yes`, and so on |";
    assert_eq!(row(line), Some(("FR-01".to_owned(), "`fr_02_yes`, and so on".to_owned())));
    assert_eq!(row("| Id | Rule | Held by |"), None);
    assert_eq!(row("| --- | --- | --- |"), None);
}

fn ids() -> Vec<String> {
    let all = TOPICS.iter().flat_map(|(topic, last)| (1..=*last).map(move |n| (topic, n)));
    all.map(|(topic, n)| format!("{}-{n:02}", topic.to_uppercase())).collect()
}

/// The identifier that a test's name begins with.
fn id(name: &str) -> Option<String> {
    let (topic, rest) = name.split_once('_')?;
    let (number, _) = rest.split_once('_')?;
    let known = TOPICS.iter().any(|(known, _)| *known == topic);
    let number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    (known && number).then(|| name[..5].to_uppercase().replace('_', "-"))
}

/// The security row that a test's name begins with, or that a line of the table is about.
fn security(name: &str) -> Option<String> {
    let number = match name.strip_prefix('t') {
        Some(rest) => rest.split_once('_')?.0,
        None => name.strip_prefix('T')?,
    };
    let digits = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("T{number}"))
}

/// The names of all tests, beside the code and in this folder.
fn tests() -> BTreeSet<String> {
    let files = [root().join("src"), root().join("tests")];
    let names: Vec<String> = files
        .iter()
        .flat_map(|folder| sources(folder))
        .flat_map(|file| names(&fs::read_to_string(file).unwrap()))
        .collect();
    let set: BTreeSet<String> = names.into_iter().collect();
    assert!(set.contains("every_requirement_is_covered"));
    set
}

/// The functions behind a `#[test]`.
fn names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut test = false;
    for line in source.lines().map(str::trim_start) {
        test |= line == "#[test]";
        if let Some(rest) = line.strip_prefix("fn ").filter(|_| test) {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            test = false;
        }
    }
    names
}

/// What `requirements.md` says for each identifier.
fn lines() -> BTreeMap<String, String> {
    lines_of(requirement)
}

/// What looks like an identifier in the first cell of a line.
fn requirement(cell: &str) -> Option<String> {
    let (topic, _) = cell.split_once('-')?;
    (topic.len() == 2 && topic.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| cell.to_owned())
}

/// What it says for each that `known` knows.
fn lines_of(known: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for (id, held_by) in fs::read_to_string(root().join("tests/requirements.md")).unwrap().lines().filter_map(row) {
        let Some(id) = known(&id) else { continue };
        assert!(lines.insert(id.clone(), held_by).is_none(), "{id} has two lines");
    }
    assert!(!lines.is_empty());
    lines
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first and the last cell of a row of the table.
fn row(line: &str) -> Option<(String, String)> {
    let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [id, rule, held_by] = cells[..] else { panic!("three cells, not: {line}") };
    assert!(!rule.trim().is_empty() && !held_by.trim().is_empty(), "{line}");
    let known = requirement(id).or(security(id));
    assert!(known.is_some() || ["Id", "Row", "---"].contains(&id), "neither a requirement nor a row: {line}");
    known.map(|id| (id, held_by.to_owned()))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
