//! What was measured, and on what.

use std::fs;
use std::process::Command;

/// The processor, the operating system and the compiler, in one line.
pub fn description() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // All that there are: this process may be bound to some.
    let cores = about.lines().filter(|line| line.starts_with("processor")).count();
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let flags = option_env!("RUSTFLAGS").filter(|flags| !flags.is_empty());
    let target = flags.map_or_else(String::new, |flags| format!(" with `{flags}`"));
    format!(
        "{}, {cores} cores; {} {}; {}{target}",
        processor(&about),
        std::env::consts::OS,
        system.split('-').next().unwrap_or_default().trim(),
        compiler()
    )
}

/// The version of a package, from the lock file.
pub fn version(package: &str) -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let (_, entry) = lock.split_once(&format!("\nname = \"{package}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0)
}

fn processor(about: &str) -> String {
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    text.split(" (").next().unwrap_or_default().trim().into()
}
