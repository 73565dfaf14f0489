//! The lines of the report: medians over the rounds.

use std::iter;

use crate::measurement::Figure;

/// What was measured of one figure, of all contenders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    figure: Figure,
    /// The contenders' values of each round; the baseline's is the first.
    rounds: Vec<Vec<f64>>,
}

impl Row {
    /// A figure of which nothing was measured yet.
    pub(crate) fn new(figure: Figure) -> Self {
        Self {
            figure,
            rounds: Vec::new(),
        }
    }

    /// Adds a round: the value of every contender, measured one right after the other.
    pub(crate) fn push(&mut self, values: Vec<f64>) {
        self.rounds.push(values);
    }

    /// The line of a contender: `name value unit ratio`, and a ratio to the contender that it is to
    /// be seen `beside`, if to one.
    ///
    /// The value is the median of the rounds. The ratio is the median of each round's ratio to
    /// the baseline, so that what slows the machine for a while slows both sides of it.
    pub(crate) fn line(&self, contender: usize, name: &str, beside: Option<usize>) -> String {
        let value = median(self.rounds.iter().map(|round| round[contender]));
        let Figure { name: figure, unit } = &self.figure;
        let mut line = format!("{name}-{figure} {value:.0} {unit}");
        for other in iter::once(0).chain(beside) {
            let ratios = self
                .rounds
                .iter()
                .map(|round| round[contender] / round[other]);
            line += &format!(" {:.2}", median(ratios));
        }
        line
    }
}

/// The middle value, or the mean of the two in the middle; not a number where there is none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rounds: &[[f64; 2]]) -> Row {
        let mut row = Row::new(Figure {
            name: "2w-100B".to_owned(),
            unit: "tasks/s",
        });
        for round in rounds {
            row.push(round.to_vec());
        }
        row
    }

    #[test]
    fn a_line_is_name_value_unit_ratio() {
        let row = row(&[[612_000.4, 1_530_001.0]]);
        assert_eq!(row.line(0, "raw", None), "raw-2w-100B 612000 tasks/s 1.00");
        assert_eq!(
            row.line(1, "palm", None),
            "palm-2w-100B 1530001 tasks/s 2.50"
        );
    }

    #[test]
    fn a_contender_may_be_seen_beside_another_as_well() {
        let row = row(&[[600.0, 1_500.0], [500.0, 1_000.0], [100.0, 190.0]]);
        assert_eq!(
            row.line(1, "palm", Some(1)),
            "palm-2w-100B 1000 tasks/s 2.00 1.00"
        );
        assert_eq!(
            row.line(0, "raw", Some(1)),
            "raw-2w-100B 500 tasks/s 1.00 0.50"
        );
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        // Two slow rounds: the ratio of the medians would be 200 / 100.
        let row = row(&[
            [100.0, 150.0],
            [200.0, 300.0],
            [40.0, 200.0],
            [100.0, 200.0],
        ]);
        assert_eq!(row.line(0, "raw", None), "raw-2w-100B 100 tasks/s 1.00");
        assert_eq!(row.line(1, "palm", None), "palm-2w-100B 200 tasks/s 1.75");
    }

    #[test]
    fn an_odd_number_of_rounds_has_a_middle() {
        let row = row(&[[5.0, 5.0], [1.0, 9.0], [3.0, 3.0]]);
        assert_eq!(row.line(0, "raw", None), "raw-2w-100B 3 tasks/s 1.00");
        assert_eq!(row.line(1, "palm", None), "palm-2w-100B 5 tasks/s 1.00");
    }
}
