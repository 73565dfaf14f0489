//! Tables of reference values.

use std::collections::HashMap;
use std::path::Path;

use mastr::time::Date;

/// Day that every table is as of.
pub(crate) const AS_OF: &str = "2026-06-15";

/// One row, by column.
pub(crate) struct Row(HashMap<String, String>);

impl Row {
    pub(crate) fn text(&self, column: &str) -> &str {
        &self.0[column]
    }

    pub(crate) fn number(&self, column: &str) -> f64 {
        self.text(column).parse().unwrap()
    }

    pub(crate) fn numbers(&self, column: &str) -> Vec<f64> {
        let items = self.text(column).split(';');
        items.map(|item| item.parse().unwrap()).collect()
    }

    pub(crate) fn date(&self, column: &str) -> Date {
        self.text(column).parse().unwrap()
    }

    /// The day so many `days` after the as-of date, as text.
    pub(crate) fn day(&self, column: &str) -> String {
        after(self.number(column))
    }
}

/// The day `days` after the as-of date, as text.
pub(crate) fn after(days: f64) -> String {
    let as_of: Date = AS_OF.parse().unwrap();
    as_of.plus_days(days as i32).unwrap().to_string()
}

/// All rows of a table.
pub(crate) fn rows(table: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let text = std::fs::read_to_string(path.join(table)).unwrap();
    let mut lines = text.lines().map(|line| line.split(','));
    let header: Vec<&str> = lines.next().unwrap().collect();
    let row = |line: std::str::Split<'_, char>| {
        let columns = header.iter().map(|name| (*name).to_owned());
        Row(columns.zip(line.map(str::to_owned)).collect())
    };
    lines.map(row).collect()
}

/// The worst of many comparisons with one tolerance.
pub(crate) struct Comparison {
    name: &'static str,
    relative: f64,
    absolute: f64,
    compared: usize,
    worst: f64,
}

impl Comparison {
    /// Holds |got − want| ≤ max(relative·|want|, absolute).
    pub(crate) fn new(name: &'static str, relative: f64, absolute: f64) -> Self {
        Self {
            name,
            relative,
            absolute,
            compared: 0,
            worst: 0.0,
        }
    }

    pub(crate) fn hold(&mut self, what: &str, got: f64, want: f64) {
        let allowed = (self.relative * want.abs()).max(self.absolute);
        let error = (got - want).abs();
        assert!(
            error <= allowed,
            "{}, {what}: got {got}, want {want}: {error} is more than {allowed}",
            self.name
        );
        self.compared += 1;
        self.worst = self.worst.max(error / allowed);
    }

    /// Tells how much of the tolerance was used, and that nothing was left out.
    pub(crate) fn finish(self, compared: usize) {
        assert_eq!(self.compared, compared, "{}", self.name);
        println!(
            "{}: {compared} values within {:.4} of the tolerance",
            self.name, self.worst
        );
    }
}
