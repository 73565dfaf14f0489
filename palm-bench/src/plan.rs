//! Which lines are wanted and in which order they are measured.

use crate::contender::{self, Contender};
use crate::error::{Error, Result};
use crate::measurement::Measurement;
use crate::meter::Span;
use crate::report::Row;

/// The contenders and what is measured of them.
pub(crate) struct Plan {
    /// The baseline, those that have a wanted line, and those beside which they are seen.
    contenders: Vec<Box<dyn Contender>>,
    measurements: Vec<Measurement>,
    /// What a line's name must contain to be wanted.
    only: String,
}

impl Plan {
    /// Plans the lines whose names contain `only`, and the baseline of each.
    ///
    /// # Errors
    ///
    /// There is no such line.
    pub(crate) fn new(only: &str) -> Result<Self> {
        Self::of(contender::all(), only)
    }

    fn of(contenders: Vec<Box<dyn Contender>>, only: &str) -> Result<Self> {
        let wanted = |contender: &dyn Contender, measurement: Measurement| {
            names(contender, measurement).any(|name| name.contains(only))
        };
        let mut measurements = Measurement::all();
        let all = measurements.clone();
        measurements.retain(|&measurement| {
            contenders
                .iter()
                .any(|contender| wanted(&**contender, measurement))
        });
        if measurements.is_empty() {
            let names: Vec<_> = contenders
                .iter()
                .flat_map(|contender| all.iter().flat_map(|&m| names(&**contender, m)))
                .collect();
            return Err(Error::new(format!(
                "no line's name contains {only:?}; the names are {}",
                names.join(", ")
            )));
        }
        let mut needed: Vec<_> = contenders
            .first()
            .map(|first| first.name())
            .into_iter()
            .collect();
        for contender in &contenders {
            if measurements.iter().any(|&m| wanted(&**contender, m)) {
                needed.push(contender.name());
                needed.extend(contender.beside());
            }
        }
        let mut contenders = contenders;
        contenders.retain(|contender| needed.contains(&contender.name()));
        Ok(Self {
            contenders,
            measurements,
            only: only.to_owned(),
        })
    }

    /// Measures everything `rounds` times, the contenders in turn within each round, and gives the
    /// wanted lines. What goes on is said on standard error.
    pub(crate) fn run(&self, rounds: usize, span: Span) -> Result<Vec<String>> {
        let mut table: Vec<Vec<Row>> = self
            .measurements
            .iter()
            .map(|measurement| measurement.figures().into_iter().map(Row::new).collect())
            .collect();
        for round in 1..=rounds {
            for (measurement, rows) in self.measurements.iter().zip(&mut table) {
                let mut values = vec![Vec::new(); rows.len()];
                for contender in &self.contenders {
                    let figures = measurement.run(&**contender, span)?;
                    if figures.len() != rows.len() {
                        return Err(Error::new(format!(
                            "{} gave {figures:?} for {measurement}",
                            contender.name()
                        )));
                    }
                    let names = names(&**contender, *measurement);
                    for ((figure, values), name) in figures.iter().zip(&mut values).zip(names) {
                        eprintln!("round {round} of {rounds}: {name} {figure:.0}");
                        values.push(*figure);
                    }
                }
                for (row, values) in rows.iter_mut().zip(values) {
                    row.push(values);
                }
            }
        }
        Ok(self.lines(&table))
    }

    fn lines(&self, table: &[Vec<Row>]) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, contender) in self.contenders.iter().enumerate() {
            let is_beside = |other: &dyn Contender| contender.beside() == Some(other.name());
            let beside = self.contenders.iter().position(|other| is_beside(&**other));
            for (&measurement, rows) in self.measurements.iter().zip(table) {
                for (row, name) in rows.iter().zip(names(&**contender, measurement)) {
                    if name.contains(&self.only) {
                        lines.push(row.line(index, contender.name(), beside));
                    }
                }
            }
        }
        lines
    }
}

/// The names of the lines that a measurement of a contender gives.
fn names(contender: &dyn Contender, measurement: Measurement) -> impl Iterator<Item = String> {
    let name = contender.name();
    measurement
        .figures()
        .into_iter()
        .map(move |figure| format!("{name}-{}", figure.name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::contender::{Addresses, Client};

    struct Named(&'static str, Option<&'static str>);

    impl Contender for Named {
        fn name(&self) -> &'static str {
            self.0
        }

        fn beside(&self) -> Option<&'static str> {
            self.1
        }

        fn broker(
            &self,
            _workers: usize,
            _folder: &Path,
            _announce: &mut dyn FnMut(&Addresses) -> Result<()>,
        ) -> Result<()> {
            Err(Error::new("nothing runs here"))
        }

        fn worker(&self, _address: &str) -> Result<()> {
            Err(Error::new("nothing runs here"))
        }

        fn client(&self, _address: &str) -> Result<Box<dyn Client>> {
            Err(Error::new("nothing runs here"))
        }
    }

    fn plan(only: &str) -> Result<Plan> {
        let contenders: [Box<dyn Contender>; 3] = [
            Box::new(Named("raw", None)),
            Box::new(Named("palm", None)),
            Box::new(Named("slow", Some("palm"))),
        ];
        Plan::of(contenders.into(), only)
    }

    /// The lines of a plan whose contenders' values are 100, 200, … in every round.
    fn lines(plan: &Plan) -> Vec<String> {
        let values: Vec<_> = (1..=plan.contenders.len())
            .map(|n| 100.0 * n as f64)
            .collect();
        let rows = |measurement: &Measurement| {
            let mut rows: Vec<_> = measurement.figures().into_iter().map(Row::new).collect();
            rows.iter_mut().for_each(|row| row.push(values.clone()));
            rows
        };
        plan.lines(&plan.measurements.iter().map(rows).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_filter_every_contender_has_every_line() {
        let lines = lines(&plan("").unwrap());
        assert_eq!(lines.len(), 24);
        assert_eq!(lines[0], "raw-1w-100B 100 tasks/s 1.00");
        assert_eq!(lines[7], "raw-rtt-p99 100 us 1.00");
        assert_eq!(lines[8], "palm-1w-100B 200 tasks/s 2.00");
        assert_eq!(lines[15], "palm-rtt-p99 200 us 2.00");
        assert_eq!(lines[16], "slow-1w-100B 300 tasks/s 3.00 1.50");
    }

    #[test]
    fn a_contender_is_measured_beside_the_baseline() {
        let plan = plan("palm-2w-100B").unwrap();
        assert_eq!(plan.contenders.len(), 2);
        assert_eq!(plan.measurements.len(), 1);
        assert_eq!(lines(&plan), ["palm-2w-100B 200 tasks/s 2.00"]);
    }

    #[test]
    fn a_contender_is_measured_beside_the_one_it_is_to_be_seen_with() {
        let plan = plan("slow-2w-1KiB").unwrap();
        assert_eq!(plan.contenders.len(), 3);
        assert_eq!(lines(&plan), ["slow-2w-1KiB 300 tasks/s 3.00 1.50"]);
    }

    #[test]
    fn the_baseline_is_measured_alone_where_only_it_is_wanted() {
        let plan = plan("raw-rtt-p99").unwrap();
        assert_eq!(plan.contenders.len(), 1);
        assert_eq!(lines(&plan), ["raw-rtt-p99 100 us 1.00"]);
    }

    #[test]
    fn a_filter_that_fits_nothing_is_an_error_that_gives_the_names() {
        let error = plan("2w-100KB").err().unwrap().to_string();
        assert!(error.contains("\"2w-100KB\""));
        assert!(error.contains("raw-1w-100B, ") && error.contains("palm-rtt-p99"));
    }
}
