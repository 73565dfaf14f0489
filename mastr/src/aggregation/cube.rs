//! Running totals for every combination of dimension values that occurs.

use crate::aggregation::batch::Batch;
use crate::aggregation::contribution::TRADE_ID;
use crate::aggregation::interner::Interner;
use crate::aggregation::partial::Tally;
use crate::aggregation::{Amount, Completeness, Exact, ExactError, Figures, Outcome};

/// The totals of each combination, kept up to date with every contribution.
///
/// A combination is the list of its values' numbers, one for each dimension, without the absent
/// ones at its end, so that it stays the same when dimensions are added. Number 0 is the empty
/// text: absent.
///
/// Whatever a query groups by, its groups are sums of cells. So an answer costs what there are
/// combinations, not trades, and no query has to be known in advance.
#[derive(Clone, Debug)]
pub(crate) struct Cube {
    names: Interner<u8>,
    columns: Vec<Interner<u8>>,
    combinations: Interner<u32>,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default)]
struct Cell {
    sums: [Exact; Amount::ALL.len()],
    /// The sum of the P&L vectors; empty until the first one has come.
    pnl: Vec<Exact>,
    completeness: Completeness,
}

/// No number of a value: a column has fewer.
const UNKNOWN: u32 = u32::MAX;

/// What stands in a group's place for one of the dimensions of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// The trade's id.
    Trade,
    /// The value in this column.
    Column(usize),
    /// No trade here has it.
    Absent,
}

/// How the groups of a query are made of cells.
#[derive(Clone, Debug)]
pub(crate) struct Grouping(Vec<Source>);

impl Grouping {
    /// Whether cells are too coarse, because trades are told apart.
    pub(crate) fn needs_trades(&self) -> bool {
        self.0.contains(&Source::Trade)
    }
}

impl Cube {
    pub(crate) fn new() -> Self {
        Self {
            names: Interner::new(),
            columns: Vec::new(),
            combinations: Interner::new(),
            cells: Vec::new(),
        }
    }

    /// Whether the numbers suffice for all that the batch may bring.
    pub(crate) fn has_room_for(&self, batch: &Batch) -> bool {
        let fits = |there: usize, more: usize| there + more < u32::MAX as usize;
        fits(self.names.len(), batch.job.dimensions.len())
            && fits(self.combinations.len(), batch.combinations.len())
            && self
                .columns
                .iter()
                .all(|column| fits(column.len(), batch.texts.len()))
    }

    /// The names of the dimensions that occur.
    pub(crate) fn dimensions(&self) -> impl Iterator<Item = &str> {
        (0..self.names.len()).map(|number| self.names.text(number as u32))
    }

    /// The numbers of the combinations of a batch that has been checked.
    pub(crate) fn combinations_of(&mut self, batch: &Batch) -> Vec<u32> {
        let columns: Vec<usize> = batch
            .job
            .dimensions
            .iter()
            .map(|name| self.column(name))
            .collect();
        // Combinations share most of their values, so each value is looked up once.
        let mut numbers = vec![UNKNOWN; columns.len() * batch.texts.len()];
        let mut key = Vec::new();
        batch
            .combinations
            .iter()
            .map(|combination| {
                key.clear();
                key.resize(self.columns.len(), 0);
                for (dimension, (&text, &column)) in combination.iter().zip(&columns).enumerate() {
                    let number = &mut numbers[dimension * batch.texts.len() + text as usize];
                    if *number == UNKNOWN {
                        let text = batch.texts[text as usize].as_bytes();
                        *number = self.columns[column].intern(text);
                    }
                    key[column] = *number;
                }
                while key.last() == Some(&0) {
                    key.pop();
                }
                let number = self.combinations.intern(&key);
                if number as usize == self.cells.len() {
                    self.cells.push(Cell::default());
                }
                number
            })
            .collect()
    }

    fn column(&mut self, name: &str) -> usize {
        let column = self.names.intern(name.as_bytes()) as usize;
        if column == self.columns.len() {
            let mut texts = Interner::new();
            texts.intern(b"");
            self.columns.push(texts);
        }
        column
    }

    /// Counts a trade in, and its figures.
    pub(crate) fn add<R>(&mut self, combination: u32, outcome: &Outcome<R>) {
        let cell = &mut self.cells[combination as usize];
        *cell.completeness.counter(outcome) += 1;
        if let Outcome::Valued(figures) = outcome {
            cell.sum(figures, Exact::plus);
        }
    }

    /// Takes back what [`Cube::add`] with the same arguments did.
    pub(crate) fn retract<R>(&mut self, combination: u32, outcome: &Outcome<R>) {
        let cell = &mut self.cells[combination as usize];
        *cell.completeness.counter(outcome) -= 1;
        if let Outcome::Valued(figures) = outcome {
            cell.sum(figures, Exact::minus);
        }
    }

    /// Where the values of these dimensions are found.
    pub(crate) fn grouping(&self, by: &[String]) -> Grouping {
        let source = |name: &String| match self.names.find(name.as_bytes()) {
            _ if name == TRADE_ID => Source::Trade,
            Some(column) => Source::Column(column as usize),
            None => Source::Absent,
        };
        Grouping(by.iter().map(source).collect())
    }

    /// The values of a combination in a group's order, for a trade of this id.
    pub(crate) fn key(&self, grouping: &Grouping, combination: u32, trade: &str) -> Vec<String> {
        let combination = self.combinations.get(combination);
        grouping
            .0
            .iter()
            .map(|source| match *source {
                Source::Trade => trade.to_owned(),
                Source::Column(column) => {
                    let number = combination.get(column).copied().unwrap_or(0);
                    self.columns[column].text(number).to_owned()
                }
                Source::Absent => String::new(),
            })
            .collect()
    }

    /// The cells added up to groups: these amounts, and P&L vectors of this length or, if it is
    /// zero, none. Cells that hold no trade any more make no group.
    pub(crate) fn roll_up(
        &self,
        grouping: &Grouping,
        amounts: &[Amount],
        scenarios: usize,
    ) -> Vec<(Vec<String>, Tally)> {
        let mut groups = Interner::new();
        let mut tallies: Vec<(u32, Tally)> = Vec::new();
        let mut numbers = Vec::with_capacity(grouping.0.len());
        for (combination, cell) in (0..).zip(&self.cells) {
            if cell.completeness.of() == 0 {
                continue;
            }
            let values = self.combinations.get(combination);
            numbers.clear();
            numbers.extend(grouping.0.iter().map(|source| match *source {
                Source::Column(column) => values.get(column).copied().unwrap_or(0),
                Source::Trade | Source::Absent => 0,
            }));
            let group = groups.intern(&numbers) as usize;
            if group == tallies.len() {
                tallies.push((combination, Tally::new(amounts.len() + scenarios)));
            }
            let tally = &mut tallies[group].1;
            tally.completeness.add(cell.completeness);
            let (sums, pnl) = tally.sums.split_at_mut(amounts.len());
            for (sum, amount) in sums.iter_mut().zip(amounts) {
                *sum = within_partition(sum.plus(cell.sums[amount.place()]));
            }
            for (sum, value) in pnl.iter_mut().zip(&cell.pnl) {
                *sum = within_partition(sum.plus(*value));
            }
        }
        tallies
            .into_iter()
            .map(|(combination, tally)| (self.key(grouping, combination, ""), tally))
            .collect()
    }
}

impl Cell {
    fn sum(
        &mut self,
        figures: &Figures,
        operation: impl Fn(Exact, Exact) -> Result<Exact, ExactError>,
    ) {
        let step = |sum: &mut Exact, value| {
            let value = Exact::round(value).expect("figures are checked before they are held");
            *sum = within_partition(operation(*sum, value));
        };
        for amount in Amount::ALL {
            if let Some(value) = figures.get(amount) {
                step(&mut self.sums[amount.place()], value);
            }
        }
        self.pnl.resize(figures.pnl().len(), Exact::ZERO);
        for (sum, value) in self.pnl.iter_mut().zip(figures.pnl()) {
            step(sum, *value);
        }
    }
}

/// A sum over trades of one partition.
fn within_partition(sum: Result<Exact, ExactError>) -> Exact {
    sum.expect("2^29 trades of less than 2^97 units each stay below 2^126")
}
