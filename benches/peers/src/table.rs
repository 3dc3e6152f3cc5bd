//! Tables in Markdown, aligned so that they can be read as they are.

use std::fmt;

/// A table whose first column is text and whose others are numbers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one with these columns.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { head: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; what it lacks is empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.head.len(), String::new());
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.head]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        write_row(f, &widths, &self.head)?;
        for (column, dashes) in rule.iter().enumerate() {
            write!(f, "| {}{} ", &dashes[1..], if column == 0 { '-' } else { ':' })?;
        }
        writeln!(f, "|")?;
        self.rows.iter().try_for_each(|row| write_row(f, &widths, row))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, widths: &[usize], cells: &[String]) -> fmt::Result {
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if column == 0 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
    }
    writeln!(f, "|")
}

/// A number with three digits that count, and thousands set apart.
pub fn number(value: f64) -> String {
    match value {
        ..0.0005 => "0".into(),
        ..0.0995 => format!("{value:.3}"),
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => thousands(&format!("{value:.0}")),
    }
}

fn thousands(digits: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of bytes, as short as it can be said.
pub fn bytes(n: usize) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..0x10_0000 => format!("{} KiB", n >> 10),
        _ => format!("{} MiB", n >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["name", "ns"]);
        table.row(["a", "12"]);
        table.row(["bcdefg"]);
        assert_eq!(table.to_string(), "| name   |  ns |\n| ------ | --: |\n| a      |  12 |\n| bcdefg |     |\n");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.0123, 1.234, 12.34, 1234.5].map(number), ["0", "0.012", "1.23", "12.3", "1,234"]);
        assert_eq!([8, 1 << 10, 1 << 20].map(bytes), ["8 B", "1 KiB", "1 MiB"]);
    }
}
