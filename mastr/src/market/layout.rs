//! Which quotes make up each rate, price, curve and surface of a market.

use std::ops::Range;

use hashbrown::HashMap;

use super::foreign_exchange::ForeignExchange;
use super::key::{Slot, Strike, Subject};
use super::{Fixings, Quote, Quotes, key};
use crate::portfolio::{Accrual, Currency, Period, ScheduleCache};
use crate::time::{Date, Rules};

/// How the name of a discount curve goes on after its currency.
pub(super) const OVERNIGHT: &str = "1D";

/// The quotes of a market, and what is made of them: everything but the values. A market and its
/// scenarios share one.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) as_of: Date,
    pub(super) base: Currency,
    /// In the order of what they are about, by which volatilities come last.
    pub(super) quotes: Vec<(Slot, Quote)>,
    /// In the same order: a surface comes after whatever its strikes depend on.
    pub(super) parts: Vec<Part>,
    pub(super) exchange: ForeignExchange,
    pub(super) curves: Names,
    /// The numbers of those that flows in a currency are discounted on.
    pub(super) discount_curves: Vec<(Currency, usize)>,
    pub(super) spots: Names,
    pub(super) dividends: Names,
    pub(super) equity_volatilities: Names,
    pub(super) pair_volatilities: HashMap<(Currency, Currency), usize>,
    /// What was known before the as-of date moves in no scenario.
    pub(super) fixings: Fixings,
    /// Kept here because they are needed for as long as the market is.
    pub(super) periods: ScheduleCache<Accrual, Period>,
    /// Of averages.
    pub(super) dates: ScheduleCache<Rules, Date>,
}

/// One rate, price, curve or surface.
#[derive(Debug)]
pub(super) struct Part {
    /// The places of its quotes.
    pub(super) quotes: Range<usize>,
    /// Whether it is a surface with strikes that move when the rest of the market does.
    pub(super) floats: bool,
}

impl Layout {
    pub(super) fn new(quotes: &Quotes, base: Currency, fixings: Fixings) -> Self {
        let as_of = quotes.as_of();
        let quotes: Vec<_> = quotes
            .slots()
            .map(|(slot, quote)| (slot.clone(), quote.clone()))
            .collect();
        let mut parts = Vec::new();
        let mut exchange = ForeignExchange::new(base);
        let [
            mut curves,
            mut spots,
            mut dividends,
            mut equity_volatilities,
        ] = [(); 4].map(|()| Names::default());
        let mut discount_curves = Vec::new();
        let mut pair_volatilities = HashMap::new();
        let mut start = 0;
        for of_part in quotes.chunk_by(|(one, _), (other, _)| one.subject == other.subject) {
            match &of_part[0].0.subject {
                Subject::FxRate { foreign, domestic } => exchange.insert(*foreign, *domestic),
                Subject::Curve { name, currency } => {
                    let number = curves.insert(name, *currency);
                    if name.strip_prefix(currency.as_str()) == Some(OVERNIGHT) {
                        discount_curves.push((*currency, number));
                    }
                }
                Subject::Spot { name, currency } => {
                    spots.insert(name, *currency);
                }
                Subject::Dividend { name, currency } => {
                    dividends.insert(name, *currency);
                }
                Subject::EquityVolatility { name, currency } => {
                    equity_volatilities.insert(name, *currency);
                }
                Subject::FxVolatility { foreign, domestic } => {
                    let number = pair_volatilities.len();
                    pair_volatilities.insert((*foreign, *domestic), number);
                }
            }
            let end = start + of_part.len();
            parts.push(Part {
                quotes: start..end,
                floats: floats(of_part),
            });
            start = end;
        }
        Self {
            as_of,
            base,
            quotes,
            parts,
            exchange,
            curves,
            discount_curves,
            spots,
            dividends,
            equity_volatilities,
            pair_volatilities,
            fixings,
            periods: ScheduleCache::default(),
            dates: ScheduleCache::default(),
        }
    }

    /// The place of the quote of this key.
    ///
    /// # Errors
    /// If it is no key, or is not quoted, or not so.
    pub(super) fn quote_of(&self, key: &str) -> Result<usize, String> {
        let (slot, quotation) = key::parse(key, self.as_of)?;
        let place = self.quotes.binary_search_by(|(known, _)| known.cmp(&slot));
        let place = place
            .map_err(|_| format!("the market has no quote {key}: scenarios move what it quotes"))?;
        let quote = &self.quotes[place].1;
        match quote.quotation == quotation {
            true => Ok(place),
            false => Err(format!("the market quotes {} instead of {key}", quote.key)),
        }
    }

    /// The places of the quotes whose keys begin so, as they stand in the market file.
    pub(super) fn quotes_under(&self, beginning: &str) -> Vec<usize> {
        let quotes = (0..).zip(&self.quotes);
        quotes
            .filter(|(_, (_, quote))| quote.key.starts_with(beginning))
            .map(|(place, _)| place)
            .collect()
    }
}

/// Whether any strike follows from the rest of the market. Alone at its expiry it is not looked at.
fn floats(quotes: &[(Slot, Quote)]) -> bool {
    let by_expiry = quotes.chunk_by(|(one, _), (other, _)| one.date == other.date);
    by_expiry
        .filter(|smile| smile.len() > 1)
        .flatten()
        .any(|(slot, _)| matches!(slot.strike, Some(Strike::Spot | Strike::Forward)))
}

/// The numbers of things of one kind, in the order in which they came, by name and currency; found
/// without building a key.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Box<str>, Vec<(Currency, usize)>>,
    count: usize,
}

impl Names {
    /// Gives it the next number.
    fn insert(&mut self, name: &str, currency: Currency) -> usize {
        let number = self.count;
        let in_currencies = self.numbers.entry(Box::from(name)).or_default();
        in_currencies.push((currency, number));
        self.count += 1;
        number
    }

    pub(super) fn get(&self, name: &str, currency: Currency) -> Option<usize> {
        let in_currencies = self.numbers.get(name)?;
        in_currencies
            .iter()
            .find(|(known, _)| *known == currency)
            .map(|(_, number)| *number)
    }
}
