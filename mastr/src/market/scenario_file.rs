//! The file that says what each scenario makes of a market's quotes.

use std::collections::{BTreeMap, HashMap};

use csv::{ByteRecord, Position, ReaderBuilder, Trim};

use super::{Market, Scenario};
use crate::fault::{Fault, Faults, Place};

/// The most numbers that a market is made of in all scenarios together: some GiB of them …
const LARGEST: usize = 1 << 26;
/// … where each scenario takes as much as so many, whatever it is of.
const OWN: usize = 64;

/// Reads a file of scenarios of `market`; see [`Scenarios::parse`](super::Scenarios::parse).
pub(super) fn parse(file: &[u8], market: &Market) -> Result<Vec<Scenario>, Faults> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut lines = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(file);
    let mut line = ByteRecord::new();
    // Bytes in memory can be read, and flexible lines have any number of cells.
    let mut next = |line: &mut ByteRecord| lines.read_byte_record(line).unwrap_or(false);
    let mut reading = Reading::new(market);
    if next(&mut line) {
        reading.keys(&line);
    }
    while next(&mut line) && reading.has_room(&line) {
        reading.scenario(&line);
    }
    reading.finish()
}

/// A scenario file being read.
struct Reading<'m> {
    market: &'m Market,
    columns: Vec<Column>,
    /// The line of each name.
    names: HashMap<Box<str>, u64>,
    scenarios: Vec<Scenario>,
    faults: Faults,
}

/// A column after the first: its key, and the places of the quotes that it is about.
struct Column {
    key: Box<str>,
    quotes: Vec<usize>,
}

/// What a cell makes of a quote.
#[derive(Clone, Copy)]
enum Move {
    To(f64),
    By(f64),
    Times(f64),
}

impl<'m> Reading<'m> {
    fn new(market: &'m Market) -> Self {
        Self {
            market,
            columns: Vec::new(),
            names: HashMap::new(),
            scenarios: Vec::new(),
            faults: Faults::new(),
        }
    }

    fn fault(&mut self, place: Place, message: String) {
        self.faults.push(Fault::new(place, message));
    }

    /// Takes the line of keys.
    fn keys(&mut self, line: &ByteRecord) {
        let mut first = HashMap::new();
        for (column, cell) in (1..).zip(line).skip(1) {
            let quotes = text(cell).and_then(|key| {
                let quotes = self.quotes(key)?;
                match first.insert(quotes.clone(), column) {
                    None => Ok(quotes),
                    Some(first) => Err(format!(
                        "{key} is about the same as column {first}: leave one"
                    )),
                }
            });
            let quotes = quotes.unwrap_or_else(|message| {
                self.fault(Place::Column(line_number(line), column), message);
                Vec::new()
            });
            let key = String::from_utf8_lossy(cell).into();
            self.columns.push(Column { key, quotes });
        }
        if self.columns.is_empty() {
            let message = "found no key: after the first cell, one for each column is needed, with \
                           commas between them";
            self.fault(Place::Line(line_number(line)), message.to_owned());
        }
    }

    /// The places of the quotes that a key is about.
    fn quotes(&self, key: &str) -> Result<Vec<usize>, String> {
        if key.is_empty() {
            return Err("a key is missing".to_owned());
        }
        let layout = self.market.layout();
        match key.strip_suffix('*') {
            Some(beginning) if beginning.ends_with('/') => {
                let quotes = layout.quotes_under(beginning);
                match quotes.is_empty() {
                    false => Ok(quotes),
                    true => Err(format!(
                        "the market has no quote {beginning}…: scenarios move what it quotes"
                    )),
                }
            }
            _ => layout.quote_of(key).map(|quote| vec![quote]),
        }
    }

    /// Takes the line of a scenario.
    fn scenario(&mut self, line: &ByteRecord) {
        let number = line_number(line);
        let (cells, needed) = (line.len(), self.columns.len() + 1);
        if cells != needed {
            let message = format!("found {cells} cells: the first line has {needed}");
            return self.fault(Place::Line(number), message);
        }
        let name = self.name(&line[0], number).unwrap_or_else(|message| {
            self.fault(Place::Column(number, 1), message);
            Box::default()
        });
        let mut moved = BTreeMap::new();
        for (column, cell) in (2..).zip(line.iter().skip(1)) {
            if let Err(message) = self.cell(&self.columns[column - 2], cell, &mut moved) {
                self.fault(Place::Column(number, column as u64), message);
            }
        }
        // What has faults is not kept.
        if self.faults.is_empty() {
            let market = self.market.with(&moved.into_iter().collect::<Vec<_>>());
            self.scenarios.push(Scenario { name, market });
        }
    }

    /// Whether another scenario can be kept; tells if not.
    fn has_room(&mut self, line: &ByteRecord) -> bool {
        let quotes = self.market.layout().quotes.len();
        let most = LARGEST / (quotes + OWN);
        let has_room = self.scenarios.len() < most;
        if !has_room {
            let message = format!(
                "of a market of {quotes} quotes at most {most} scenarios can be kept: leave some out"
            );
            self.fault(Place::Line(line_number(line)), message);
        }
        has_room
    }

    fn name(&mut self, cell: &[u8], number: u64) -> Result<Box<str>, String> {
        let name = text(cell)?;
        if name.is_empty() {
            return Err("a scenario without a name".to_owned());
        }
        match self.names.insert(name.into(), number) {
            None => Ok(name.into()),
            Some(first) => Err(format!(
                "the name \"{name}\" stands in line {first} already"
            )),
        }
    }

    /// Moves the quotes of a column by what a cell says.
    fn cell(
        &self,
        Column { key, quotes }: &Column,
        cell: &[u8],
        moved: &mut BTreeMap<usize, f64>,
    ) -> Result<(), String> {
        let text = text(cell)?;
        let step = match text.as_bytes().first() {
            None => return Ok(()),
            Some(b'+') => Move::By(number(key, text, 1)?),
            Some(b'*') => Move::Times(number(key, text, 1)?),
            Some(_) if key.ends_with('*') => {
                return Err(format!(
                    "{key} is \"{text}\", and several quotes can be shifted only: by +x or *x"
                ));
            }
            Some(_) => Move::To(number(key, text, 0)?),
        };
        for &place in quotes {
            let quote = &self.market.layout().quotes[place].1;
            let value = moved.entry(place).or_insert(quote.value);
            *value = match step {
                Move::To(new) => new,
                Move::By(shift) => *value + shift,
                Move::Times(factor) => *value * factor,
            };
            if !value.is_finite() {
                let key = &quote.key;
                return Err(format!(
                    "\"{text}\" makes {key} {value}, which is not finite"
                ));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Scenario>, Faults> {
        if self.faults.is_empty() && self.scenarios.is_empty() {
            let message = "no scenario: a line of keys and a line for each scenario are needed";
            self.fault(Place::Whole, message.to_owned());
        }
        self.faults.or(self.scenarios)
    }
}

fn text(cell: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(cell).map_err(|_| "not UTF-8: save the file in that encoding".to_owned())
}

/// The number of a cell that begins with so many characters of another meaning.
fn number(key: &str, text: &str, before: usize) -> Result<f64, String> {
    let digits = &text[before..];
    match digits.parse::<f64>() {
        Ok(number) if number.is_infinite() || number.is_nan() => {
            Err(format!("{key} is {text}, which is not finite"))
        }
        // A sign that is a shift, if anything.
        Ok(number) if !digits.starts_with('+') => Ok(number),
        _ => Err(format!(
            "{key} is \"{text}\": a number, or +x or *x to shift the quote, is needed"
        )),
    }
}

/// The line of the file at which a line of cells begins.
fn line_number(line: &ByteRecord) -> u64 {
    line.position().map_or(1, Position::line)
}
