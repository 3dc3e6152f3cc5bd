//! The order of the modules, and the size of files and functions, as facts.
#![cfg(feature = "std")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module below those it uses, which are all above it.
const LAYERS: &[(&str, Uses)] = &[
    ("mask", Uses::Only(&[])),
    ("utf8", Uses::Only(&[])),
    ("body", Uses::Only(&[])),
    ("block", Uses::Only(&[])),
    ("seed", Uses::Only(&["block"])),
    ("close", Uses::Only(&["body", "utf8"])),
    ("error", Uses::Only(&["close", "utf8"])),
    ("frame", Uses::Only(&["error"])),
    ("deflate", Uses::Only(&["error", "frame"])),
    ("config", Uses::Only(&["deflate"])),
    ("budget", Uses::Only(&["config"])),
    ("unfinished", Uses::Only(&[])),
    ("timers", Uses::Only(&["config", "unfinished"])),
    ("reply", Uses::Only(&["body", "frame"])),
    (
        "reader",
        Uses::Only(&["mask", "utf8", "body", "close", "error", "frame", "deflate", "config", "unfinished", "reply"]),
    ),
    // Never the reader.
    ("writer", Uses::Only(&["mask", "utf8", "body", "seed", "close", "error", "frame", "deflate", "config", "reply"])),
    ("connection", Uses::Only(&["seed", "close", "deflate", "config", "reader", "writer"])),
    ("handshake", Uses::Above),
    ("message", Uses::Only(&["close", "reader"])),
    // What a user can, too.
    ("adapter", Uses::Above),
];

/// The files of a module that is a folder, in their order. What `mod` only re-exports is no use of it.
const INNER: &[(&str, &[&str])] = &[
    ("config", &["mod", "times"]),
    ("timers", &["time", "mod"]),
    (
        "deflate",
        &[
            "mod",
            "history",
            "waiting",
            "inflater",
            "deflater",
            "pool",
            "settings",
            "decompressor",
            "compressor",
            "prepared",
        ],
    ),
    (
        "reader",
        &[
            "event", "masked", "message", "limits", "pieces", "mod", "end", "in_place", "room", "chunks", "inflate",
            "budget",
        ],
    ),
    ("writer", &["queue", "mod", "messages", "compressed", "through"]),
    (
        "handshake",
        &[
            "error",
            "accept",
            "kinds",
            "fields",
            "uri",
            "origin",
            "fault",
            "head",
            "framing",
            "response_body",
            "gather",
            "rejected",
            "lines",
            "offers",
            "extensions",
            "agreed",
            "response",
            "refusal",
            "client_request",
            "request",
            "server",
            "client",
            "http",
            "mod",
        ],
    ),
];

const MAX_FILE: usize = 400;
const MAX_FUNCTION: usize = 40;
const MAX_EXAMPLE: usize = 100;

enum Uses {
    /// Exactly these.
    Only(&'static [&'static str]),
    /// Any above.
    Above,
}

/// A file of `src`, without comments and tests.
struct Source {
    /// Below `src`, such as `reader/mod.rs`.
    path: String,
    module: String,
    /// Its name inside the module's folder; `mod` if it has none.
    inner: String,
    code: String,
    /// Without tests, comments included.
    lines: usize,
}

#[test]
fn the_list_is_in_order() {
    for (n, (module, uses)) in LAYERS.iter().enumerate() {
        if let Uses::Only(used) = uses {
            for used in *used {
                assert!(LAYERS[..n].iter().any(|(above, _)| above == used), "{module} uses {used}, not above it");
            }
        }
    }
}

#[test]
fn a_module_uses_what_is_above_it() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let rank = rank(&source.module);
        let (_, uses) = &LAYERS[rank];
        for used in paths(&source.code, "crate::") {
            if used == source.module {
                continue;
            }
            let name = &source.path;
            let above = LAYERS[..rank].iter().any(|(above, _)| *above == used);
            assert!(above, "{name} uses {used}, which is no module above {}", source.module);
            if let Uses::Only(allowed) = uses {
                assert!(allowed.contains(&&*used), "{name} uses {used}, which is not among {allowed:?}");
            }
            found.entry(source.module.clone()).or_default().insert(used);
        }
    }
    // The list says no more than what is true.
    for (module, uses) in LAYERS {
        if let Uses::Only(used) = uses {
            let found = found.get(*module).cloned().unwrap_or_default();
            let used: BTreeSet<String> = used.iter().map(|&used| used.to_owned()).collect();
            assert_eq!(used, found, "what {module} uses");
        }
    }
}

#[test]
fn files_of_a_module_use_those_above_them() {
    for source in sources() {
        let Some((_, order)) = INNER.iter().find(|(module, _)| *module == source.module) else {
            // Each driver is for itself.
            let free = source.inner == "mod" || source.module == "adapter";
            assert!(free, "{} is in a folder that is not in the list", source.path);
            continue;
        };
        let rank = order.iter().position(|name| *name == source.inner);
        let rank = rank.unwrap_or_else(|| panic!("{} is not in the list", source.path));
        let prefixes = match &*source.inner {
            "mod" => vec!["self::".to_owned(), format!("crate::{}::", source.module)],
            _ => vec!["super::".to_owned(), format!("crate::{}::", source.module)],
        };
        let reexport = |line: &&str| line.starts_with("pub use ") || line.starts_with("pub(crate) use ");
        let code: String =
            source.code.lines().filter(|line| !reexport(line)).map(|line| line.to_owned() + "\n").collect();
        for used in prefixes.iter().flat_map(|prefix| paths(&code, prefix)) {
            // What is no file is an item of `mod`.
            let file = if order.contains(&&*used) { &*used } else { "mod" };
            let above = file == source.inner || order[..rank].contains(&file);
            assert!(above, "{} uses {used}, which is not above it in {order:?}", source.path);
        }
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > MAX_FILE)
        .map(|source| format!("{}: {} lines", source.path, source.lines))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// Each can be read in one sitting, as a whole.
#[test]
fn examples_are_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let examples = files(&folder);
    assert!(examples.len() > 5);
    for path in examples {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < MAX_EXAMPLE, "{}: {lines} lines", path.display());
    }
}

#[test]
fn functions_are_short() {
    let mut functions = 0;
    let mut long = Vec::new();
    for source in sources() {
        for (name, lines) in functions_of(&source.code) {
            functions += 1;
            if lines > MAX_FUNCTION {
                long.push(format!("{}: {name}, {lines} lines", source.path));
            }
        }
    }
    assert!(functions > 100, "only {functions} found");
    assert!(long.is_empty(), "{long:#?}");
}

/// Security, T35: the compiler refuses `unsafe`, in every build, and nothing here can allow it again.
#[test]
fn t35_unsafe_code_is_forbidden() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = fs::read_to_string(manifest.join("src/lib.rs")).unwrap();
    assert!(lib.lines().any(|line| line == "#![forbid(unsafe_code)]"));
    for source in sources() {
        for word in source.code.split(|c: char| !c.is_alphanumeric() && c != '_') {
            assert!(!["unsafe", "no_mangle", "extern_C"].contains(&word), "{}: {word}", source.path);
        }
    }
}

/// Security, T36: no index, `unwrap`, `expect` or panic in the code, no arithmetic that may overflow, and each exception
/// says why it cannot fail. What bytes can do is in the tests of T1, T16 and SE-03.
#[test]
fn t36_what_may_panic_is_refused_by_lints() {
    const LINTS: [&str; 6] =
        ["arithmetic_side_effects", "expect_used", "indexing_slicing", "panic", "unreachable", "unwrap_used"];
    const EXCEPTIONS: usize = 39;
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let warned: String = lib.lines().filter(|line| line.starts_with("#![warn(clippy::")).collect();
    for lint in LINTS {
        assert!(warned.contains(&format!("clippy::{lint}")), "{lint}");
    }
    let mut exceptions = 0;
    for file in files(&src) {
        let text = without_tests(&fs::read_to_string(&file).unwrap());
        // An attribute may take several lines.
        let attributes = text.split("#[").skip(1).chain(text.split("#![").skip(1));
        for attribute in attributes.map(|rest| rest.split(']').next().unwrap()) {
            let named = LINTS.iter().any(|lint| {
                let at = attribute.find(&format!("clippy::{lint}"));
                at.is_some_and(|at| {
                    !attribute[at + 8 + lint.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            });
            if named && !attribute.starts_with("warn(") {
                assert!(attribute.starts_with("expect("), "{}: {attribute}", file.display());
                assert!(attribute.contains("reason = \""), "{}: {attribute}", file.display());
                exceptions += 1;
            }
        }
    }
    assert_eq!(exceptions, EXCEPTIONS, "each is looked at when it comes");
}

#[test]
fn this_test_can_read() {
    let code = strip("use crate::a::B; // crate::c\n/// crate::d\nfn f() { crate::e::f(); \"crate::g\"; }\n");
    assert_eq!(paths(&code, "crate::"), ["a", "e"]);
    assert_eq!(paths("pub(in crate::reader) fn", "crate::"), ["reader"]);
    // An import from the root, and a list of imports, are names that no layer has.
    assert_eq!(paths("use crate::{a, b}; use crate::Config;", "crate::"), ["{a, b}", "Config"]);
    assert_eq!(strip("a\n#[cfg(test)]\nmod tests {\n    b\n}\nc\n"), "a\nc\n");
    assert_eq!(strip("let a = '\"'; // b\nlet c = b\"\\\"//\"; d\n"), "let a = ; \nlet c = b; d\n");
    assert_eq!(
        functions_of("impl A {\n    fn a(\n    ) {\n        b\n    }\n    fn c();\n    fn d() {}\n}\n"),
        [("a".to_owned(), 4), ("d".to_owned(), 1)]
    );
}

fn rank(module: &str) -> usize {
    let rank = LAYERS.iter().position(|(name, _)| *name == module);
    rank.unwrap_or_else(|| panic!("module {module} is not in the list of layers"))
}

/// All of `src` but its root, which re-exports.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for file in files(&root) {
        let path = file.strip_prefix(&root).unwrap().with_extension("");
        let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
        if parts == ["lib"] {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        sources.push(Source {
            path: format!("{}.rs", parts.join("/")),
            module: parts[0].to_owned(),
            inner: parts.get(1).unwrap_or(&"mod").to_string(),
            code: strip(&text),
            lines: without_tests(&text).lines().count(),
        });
    }
    assert!(sources.len() > 10);
    sources
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Without test modules, comments and what literals say.
fn strip(text: &str) -> String {
    without_tests(text).lines().map(|line| code_of(line) + "\n").collect()
}

/// Without `#[cfg(test)] mod … { … }` as rustfmt lays it out: it ends at the next brace in the same column.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let module = line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.trim().starts_with("mod "));
        if module {
            let end = format!("{}}}", " ".repeat(line.len() - line.trim_start().len()));
            if lines.next().is_some_and(|line| line.ends_with('{')) {
                lines.by_ref().take_while(|line| *line != end).for_each(drop);
            }
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A line without its comment and its literals of one line.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        let literal = match c {
            '"' => end_of_literal(rest, '"'),
            // A character, not a lifetime.
            '\'' if rest.chars().nth(2) == Some('\'') || rest.starts_with("'\\") => end_of_literal(rest, '\''),
            _ => None,
        };
        if literal.is_none() {
            code.push(c);
        }
        rest = &rest[literal.unwrap_or(c.len_utf8())..];
    }
    code
}

fn end_of_literal(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (n, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return Some(n + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The first part of each path that begins with `prefix`.
fn paths(code: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let part_of_a_name = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$');
        if part_of_a_name {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let end = match rest.strip_prefix('{') {
            Some(list) => list.find('}').map(|end| end + 2),
            None => rest.find(|c: char| !c.is_alphanumeric() && c != '_'),
        };
        found.push(rest[..end.unwrap_or(rest.len())].to_owned());
    }
    found
}

/// Each function with a body, and its lines from `fn` to the brace in its column.
fn functions_of(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(at) = line.find("fn ") else { continue };
        let before = line[..at].trim();
        let is_item = before.split(' ').all(|word| {
            word.is_empty() || word.starts_with("pub") || word == "const" || word == "async" || word.ends_with(')')
        });
        let name: String = line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !is_item || name.is_empty() {
            continue;
        }
        // The end of the signature.
        let rest = lines[n..].iter();
        let signature = rest.clone().find(|line| line.ends_with(['{', '}', ';'])).expect("a function ends");
        if signature.ends_with('}') {
            found.push((name, 1));
        } else if signature.ends_with('{') {
            let end = format!("{}}}", " ".repeat(line.len() - line.trim_start().len()));
            let last = rest.clone().position(|line| *line == end).expect("rustfmt ends it in its column");
            found.push((name, last + 1));
        }
    }
    found
}
