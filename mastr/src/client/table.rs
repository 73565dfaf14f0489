//! An aggregate as a table that fits the terminal.

use crate::aggregation::{Aggregate, Completeness, Group, Measure};
use crate::client::cell;

/// Between two columns.
const GAP: &str = "  ";
/// Texts are not made narrower than this.
const NARROWEST: usize = 6;

/// The table as text: a header, a line for each group, the total and how complete it is; each ends
/// with a newline. It has at most `height` lines of at most `width` columns.
///
/// Groups that do not fit are counted (`… 3 more`). Where the columns do not fit, group names are
/// shortened first, then the last measures are left out and named at the bottom; a number is only
/// cut, visibly, if not even one measure fits.
///
/// ```
/// use mastr::aggregation::{Partition, Query};
/// use mastr::client::render;
///
/// let query = Query::parse("Desk", "npv")?;
/// let table = Partition::new().query(&query)?.finish()?;
/// assert_eq!(
///     render(&table, 80, 24),
///     "Desk    npv  valued\n\
///      total  0.00  0 of 0\n\
///      nothing is submitted yet\n"
/// );
/// # Ok::<(), mastr::aggregation::QueryError>(())
/// ```
pub fn render(aggregate: &Aggregate, width: usize, height: usize) -> String {
    // The fewer lines there are the more only the last ones count: label, total, header.
    let fixed = 3;
    let shown = match height.checked_sub(fixed) {
        _ if aggregate.by.is_empty() => 0,
        None => 0,
        Some(room) if aggregate.groups.len() <= room => aggregate.groups.len(),
        Some(room) => room.saturating_sub(1),
    };
    let groups = &aggregate.groups[..shown];
    let left_out = if aggregate.by.is_empty() {
        0
    } else {
        aggregate.groups.len() - shown
    };

    let mut columns = columns(aggregate, groups);
    let missing = fit(&mut columns, width);
    let mut lines: Vec<String> = (0..shown + 2)
        .map(|line| {
            let cells: Vec<_> = columns.iter().map(|column| column.cell(line)).collect();
            cells.join(GAP)
        })
        .collect();
    if left_out > 0 {
        let total = lines.len() - 1;
        lines.insert(total, format!("… {} more", cell::count(left_out as u64)));
    }
    lines.push(label(aggregate, &missing));

    let surplus = lines.len().saturating_sub(height);
    lines.drain(..surplus);
    let mut text = String::new();
    for line in lines {
        text += cell::cut(line.trim_end(), width).as_str();
        text.push('\n');
    }
    text
}

/// What the bottom line says: how complete the table is, and what it does not show.
fn label(aggregate: &Aggregate, missing: &[String]) -> String {
    let Some(market) = &aggregate.market else {
        return "nothing is submitted yet".to_owned();
    };
    let mut parts = vec![completeness(&aggregate.total.completeness)];
    if aggregate.alarms > 0 {
        parts.push(format!("{} contradictions", cell::count(aggregate.alarms)));
    }
    if !missing.is_empty() {
        parts.push(format!("no room for {}", missing.join(", ")));
    }
    if aggregate.unseen > 0 {
        parts.push(format!(
            "{} not yet in any group",
            cell::count(aggregate.unseen)
        ));
    }
    parts.push(format!("market {}", cell::clean(market)));
    parts.join(" · ")
}

/// The text of [`Completeness`], with thousands separators.
fn completeness(completeness: &Completeness) -> String {
    let state = if completeness.is_complete() {
        "complete"
    } else {
        "partial"
    };
    let valued = cell::count(completeness.valued);
    let of = cell::count(completeness.of());
    let mut text = format!("{state}: {valued} of {of} valued");
    if completeness.failed > 0 {
        text += &format!(", {} failed", cell::count(completeness.failed));
    }
    text
}

#[derive(Debug, PartialEq)]
enum Kind {
    Text,
    Measure,
    Completeness,
}

/// A column: its header, one line for each group and the total.
#[derive(Debug)]
struct Column {
    kind: Kind,
    lines: Vec<String>,
    width: usize,
}

impl Column {
    fn new(
        kind: Kind,
        header: String,
        groups: impl Iterator<Item = String>,
        total: String,
    ) -> Self {
        let mut lines = vec![header];
        lines.extend(groups);
        lines.push(total);
        let width = lines
            .iter()
            .map(|line| cell::width(line))
            .max()
            .unwrap_or(0);
        Self { kind, lines, width }
    }

    fn cell(&self, line: usize) -> String {
        match self.kind {
            Kind::Text => cell::left(&self.lines[line], self.width),
            Kind::Measure | Kind::Completeness => cell::right(&self.lines[line], self.width),
        }
    }
}

fn columns(aggregate: &Aggregate, groups: &[Group]) -> Vec<Column> {
    let mut columns = Vec::new();
    let names: Vec<_> = if aggregate.by.is_empty() {
        vec![""]
    } else {
        aggregate.by.iter().map(String::as_str).collect()
    };
    for (place, name) in names.into_iter().enumerate() {
        let total = if place == 0 { "total" } else { "" };
        columns.push(Column::new(
            Kind::Text,
            cell::clean(name),
            groups.iter().map(|group| match group.key.get(place) {
                Some(value) if !value.is_empty() => cell::clean(value),
                _ => "-".to_owned(),
            }),
            total.to_owned(),
        ));
    }
    for (place, measure) in aggregate.measures.iter().enumerate() {
        let number = |group: &Group| {
            let value = group.values.get(place).copied().unwrap_or(f64::NAN);
            match measure {
                Measure::Count => cell::count(value as u64),
                _ => cell::money(value),
            }
        };
        columns.push(Column::new(
            Kind::Measure,
            measure.to_string(),
            groups.iter().map(number),
            number(&aggregate.total),
        ));
    }
    let valued = |group: &Group| {
        let Completeness { valued, .. } = group.completeness;
        format!(
            "{} of {}",
            cell::count(valued),
            cell::count(group.completeness.of())
        )
    };
    columns.push(Column::new(
        Kind::Completeness,
        "valued".to_owned(),
        groups.iter().map(valued),
        valued(&aggregate.total),
    ));
    if aggregate.total.completeness.failed > 0 {
        let failed = |group: &Group| cell::count(group.completeness.failed);
        columns.push(Column::new(
            Kind::Completeness,
            "failed".to_owned(),
            groups.iter().map(failed),
            failed(&aggregate.total),
        ));
    }
    columns
}

/// Makes the columns fit. The names of the measures that had to go.
fn fit(columns: &mut Vec<Column>, width: usize) -> Vec<String> {
    let needed = |columns: &[Column]| {
        let gaps = GAP.len() * columns.len().saturating_sub(1);
        columns.iter().map(|column| column.width).sum::<usize>() + gaps
    };
    let is_measure = |column: &Column| column.kind == Kind::Measure;
    let can_shrink = |column: &Column| match column.kind {
        Kind::Text => column.width.saturating_sub(NARROWEST),
        _ => 0,
    };
    let mut missing = Vec::new();
    while needed(columns) - columns.iter().map(can_shrink).sum::<usize>() > width {
        let measures = columns.iter().filter(|column| is_measure(column)).count();
        let last = columns.iter().rposition(is_measure);
        match last {
            Some(last) if measures > 1 => {
                missing.push(columns.remove(last).lines.swap_remove(0));
            }
            _ => break,
        }
    }
    while needed(columns) > width {
        let widest = columns
            .iter_mut()
            .filter(|column| can_shrink(column) > 0)
            .max_by_key(|column| column.width);
        match widest {
            Some(column) => column.width -= 1,
            None => break,
        }
    }
    missing.reverse();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::Amount;

    fn group(key: &[&str], values: &[f64], valued: u64, failed: u64, pending: u64) -> Group {
        Group {
            key: key.iter().map(|&value| value.to_owned()).collect(),
            values: values.to_vec(),
            completeness: Completeness {
                valued,
                failed,
                pending,
            },
        }
    }

    fn sample() -> Aggregate {
        Aggregate {
            market: Some("2026-06-15".into()),
            by: vec!["Desk".into(), "CounterParty".into()],
            measures: vec![
                Measure::Sum(Amount::Npv),
                Measure::Sum(Amount::Delta),
                Measure::Count,
            ],
            groups: vec![
                group(&["EQ", "CPTY_A"], &[1_234_567.894, 12.5, 60.0], 60, 0, 0),
                group(
                    &["EQ", "CPTY_BERLIN_BRANCH"],
                    &[-2000.0, 0.0, 40.0],
                    40,
                    0,
                    50,
                ),
                group(&["FX", ""], &[-0.004, -1e9, 20.0], 20, 0, 10),
            ],
            total: group(&[], &[1_232_567.89, -999_999_987.5, 120.0], 120, 0, 80),
            unseen: 20,
            alarms: 0,
        }
    }

    #[test]
    fn numbers_stand_right_and_groups_left() {
        assert_eq!(
            render(&sample(), 100, 24),
            "\
Desk   CounterParty                 npv              delta  count      valued
EQ     CPTY_A              1,234,567.89              12.50     60    60 of 60
EQ     CPTY_BERLIN_BRANCH     -2,000.00               0.00     40    40 of 90
FX     -                           0.00  -1,000,000,000.00     20    20 of 30
total                      1,232,567.89    -999,999,987.50    120  120 of 200
partial: 120 of 200 valued · 20 not yet in any group · market 2026-06-15
"
        );
    }

    #[test]
    fn groups_that_do_not_fit_are_counted() {
        let text = render(&sample(), 100, 5);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[1].starts_with("EQ     CPTY_A"));
        assert_eq!(lines[2], "… 2 more");
        assert!(lines[3].starts_with("total "));
        assert!(lines[4].starts_with("partial: "));
    }

    #[test]
    fn names_are_shortened_before_measures_are_left_out() {
        assert_eq!(
            render(&sample(), 72, 24),
            "\
Desk   CounterParty            npv              delta  count      valued
EQ     CPTY_A         1,234,567.89              12.50     60    60 of 60
EQ     CPTY_BERLIN_…     -2,000.00               0.00     40    40 of 90
FX     -                      0.00  -1,000,000,000.00     20    20 of 30
total                 1,232,567.89    -999,999,987.50    120  120 of 200
partial: 120 of 200 valued · 20 not yet in any group · market 2026-06-15
"
        );
        assert_eq!(
            render(&sample(), 44, 24),
            "\
Desk   CounterPar…           npv      valued
EQ     CPTY_A       1,234,567.89    60 of 60
EQ     CPTY_BERLI…     -2,000.00    40 of 90
FX     -                    0.00    20 of 30
total               1,232,567.89  120 of 200
partial: 120 of 200 valued · no room for de…
"
        );
    }

    #[test]
    fn nothing_ever_exceeds_the_terminal() {
        let mut aggregate = sample();
        aggregate.total.completeness.failed = 3;
        for width in 0..90 {
            for height in 0..9 {
                let text = render(&aggregate, width, height);
                assert!(text.lines().count() <= height, "{width}x{height}");
                for line in text.lines() {
                    assert!(cell::width(line) <= width, "{width}x{height}: {line}");
                }
                if height > 0 && width > 30 {
                    let last = text.lines().last().unwrap();
                    assert!(last.starts_with("partial: 120 of 203 valued"), "{last}");
                }
            }
        }
    }

    #[test]
    fn without_dimensions_there_is_the_total_alone() {
        let mut aggregate = sample();
        aggregate.by.clear();
        aggregate.groups = vec![aggregate.total.clone()];
        aggregate.total.completeness = Completeness {
            valued: 12_000,
            failed: 1,
            pending: 0,
        };
        aggregate.unseen = 0;
        aggregate.alarms = 2;
        assert_eq!(
            render(&aggregate, 100, 24),
            "                npv            delta  count            valued  failed
total  1,232,567.89  -999,999,987.50    120  12,000 of 12,001       1
complete: 12,000 of 12,001 valued, 1 failed · 2 contradictions · market 2026-06-15
"
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let mut aggregate = sample();
        aggregate.groups[0].key[0] = "\x1b[2J\r".into();
        assert!(!render(&aggregate, 100, 24).contains(['\x1b', '\r']));
    }
}
