//! Servers after servers: what a hop costs, beside raw libzmq in the same shape.

use std::thread;
use std::time::Duration;

use crate::contender::Contender;
use crate::error::Result;
use crate::measurement::{self, Figure, Measurement};
use crate::meter::Span;
use crate::palm::PalmShape;
use crate::raw::RawShape;
use crate::report::Row;

/// How serial servers are put together, each on a thread of its own and all in the broker's process.
/// A client sends to the first and listens at the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// So many in a row.
    Chain(usize),
    /// A tee in front of two, and a sink behind them.
    Tee,
}

/// All that are measured.
const SHAPES: [Shape; 4] = [
    Shape::Chain(1),
    Shape::Chain(3),
    Shape::Chain(4),
    Shape::Tee,
];

impl Shape {
    /// For each server, in order, the servers after it; the last has none.
    pub(crate) fn nexts(self) -> Vec<Vec<usize>> {
        match self {
            Shape::Chain(count) => (1..=count)
                .map(|next| (next..count).take(1).collect())
                .collect(),
            Shape::Tee => vec![vec![1, 2], vec![3], vec![3], vec![]],
        }
    }

    /// How many results come of a task.
    pub(crate) fn results(self) -> usize {
        match self {
            Shape::Chain(_) => 1,
            Shape::Tee => 2,
        }
    }

    /// Its name, of that contender.
    pub(crate) fn name(self, raw: bool) -> &'static str {
        match (self, raw) {
            (Shape::Chain(1), true) => "raw-chain-1",
            (Shape::Chain(1), false) => "palm-chain-1",
            (Shape::Chain(3), true) => "raw-chain-3",
            (Shape::Chain(3), false) => "palm-chain-3",
            (Shape::Chain(_), true) => "raw-chain-4",
            (Shape::Chain(_), false) => "palm-chain-4",
            (Shape::Tee, true) => "raw-tee-2",
            (Shape::Tee, false) => "palm-tee-2",
        }
    }
}

/// The contenders of all shapes, those of a shape one after the other.
pub(crate) fn contenders() -> Vec<Box<dyn Contender>> {
    let both = |shape| -> [Box<dyn Contender>; 2] {
        [Box::new(RawShape(shape)), Box::new(PalmShape(shape))]
    };
    SHAPES.into_iter().flat_map(both).collect()
}

/// What a further server in a row adds to a round trip: of those of all shapes, as they follow each
/// other, in microseconds.
fn further_hop(trips: &[f64]) -> f64 {
    let of = |count| {
        let chain = SHAPES.iter().zip(trips);
        let mut chain = chain.filter(|(shape, _)| **shape == Shape::Chain(count));
        chain.next().map_or(f64::NAN, |(_, trip)| *trip)
    };
    (of(4) - of(1)) / 3.0
}

/// Measures all shapes, PALM's right after the raw one in each round, and prints a line for each
/// figure; the ratio is that to the raw shape.
pub(crate) fn measure(rounds: usize, span: Span) -> Result<()> {
    let throughput = Measurement::Throughput {
        workers: 1,
        label: "100B",
        size: 100,
    };
    let figure = Figure {
        name: "100B".to_owned(),
        unit: "tasks/s",
    };
    let contenders = contenders();
    let mut rows = vec![Row::new(figure); SHAPES.len()];
    let mut trips: Vec<Vec<Row>> = vec![
        Measurement::RoundTrip
            .figures()
            .into_iter()
            .map(Row::new)
            .collect();
        SHAPES.len()
    ];
    let mut hop = Row::new(Figure {
        name: "further-hop-p50".to_owned(),
        unit: "us",
    });
    for round in 1..=rounds {
        let mut medians = [Vec::new(), Vec::new()];
        for (index, both) in contenders.chunks(2).enumerate() {
            let measure = |measurement: Measurement| -> Result<Vec<Vec<f64>>> {
                let both = both.iter();
                both.map(|contender| measurement.run(&**contender, span))
                    .collect()
            };
            let values = measure(throughput)?;
            eprintln!("round {round} of {rounds}: {} {values:.0?}", both[1].name());
            rows[index].push(values.concat());
            let times = measure(Measurement::RoundTrip)?;
            for (figure, row) in trips[index].iter_mut().enumerate() {
                row.push(times.iter().map(|times| times[figure]).collect());
            }
            for (medians, times) in medians.iter_mut().zip(&times) {
                medians.push(times[0]);
            }
        }
        hop.push(medians.iter().map(|medians| further_hop(medians)).collect());
    }
    for ((both, row), trips) in contenders.chunks(2).zip(&rows).zip(&trips) {
        for (place, contender) in both.iter().enumerate() {
            measurement::say(&row.line(place, contender.name(), None))?;
            measurement::say(&trips[0].line(place, contender.name(), None))?;
        }
    }
    for (place, name) in ["raw", "palm"].into_iter().enumerate() {
        measurement::say(&hop.line(place, name, None))?;
    }
    Ok(())
}

/// What takes the place of a worker where servers execute by themselves.
pub(crate) fn idle() -> ! {
    loop {
        thread::park_timeout(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_hop_is_a_third_of_what_three_add() {
        assert_eq!(further_hop(&[100.0, 500.0, 460.0, 7.0]), 120.0);
    }

    #[test]
    fn each_server_knows_those_after_it() {
        assert_eq!(Shape::Chain(1).nexts(), [vec![]]);
        assert_eq!(Shape::Chain(3).nexts(), [vec![1], vec![2], vec![]]);
        assert_eq!(Shape::Tee.nexts().len(), 4);
    }
}
