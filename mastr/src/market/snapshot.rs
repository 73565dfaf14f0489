//! One day's market, ready to be looked up.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::key::{Quotation, Slot, Subject};
use super::layout::{Layout, OVERNIGHT, Part};
use super::{Curve, Fixings, Quote, Quotes, Surface, smile};
use crate::fault::Faults;
use crate::portfolio::{Accrual, Currency, Period};
use crate::results::Shortest;
use crate::time::{Date, DayCount, Schedule};

/// Why the market cannot give something: what is missing or impossible, and the key at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// The market of one day: every curve and surface is built once and looked up from then on.
///
/// ```
/// use mastr::market::Market;
/// use mastr::portfolio::Currency;
///
/// let as_of = "2026-06-15".parse().unwrap();
/// let text = b"20260615 FX/RATE/EUR/USD 1.25\n20260615 FX/RATE/USD/JPY 150\n";
/// let market = Market::parse(text, as_of, Currency::EUR).unwrap();
/// let yen = "JPY".parse().unwrap();
/// assert_eq!(market.exchange_rate(Currency::EUR, yen).unwrap(), 187.5);
/// let reason = market.discount_curve(yen).unwrap_err().to_string();
/// assert!(reason.contains("ZERO/RATE/JPY/JPY1D/A365F/"));
/// ```
#[derive(Clone, Debug)]
pub struct Market {
    layout: Arc<Layout>,
    /// Each in the order of its numbers in the layout. What a scenario does not move it shares
    /// with the market it is a scenario of.
    exchange: Vec<f64>,
    curves: Vec<Arc<Result<Curve, Unavailable>>>,
    spots: Vec<f64>,
    dividends: Vec<Arc<Curve>>,
    equity_volatilities: Vec<Arc<Result<Surface, Unavailable>>>,
    pair_volatilities: Vec<Arc<Result<Surface, Unavailable>>>,
}

/// The volatilities of an exchange rate, which may be quoted for its inverse.
#[derive(Clone, Copy, Debug)]
pub struct PairVolatility<'m> {
    pub(super) surface: &'m Surface,
    pub(super) inverse: bool,
}

impl PairVolatility<'_> {
    /// The volatility of an option that expires at `time` with this strike.
    pub fn volatility(&self, time: f64, strike: f64) -> f64 {
        let strike = if self.inverse { 1.0 / strike } else { strike };
        self.surface.volatility(time, strike)
    }
}

impl Market {
    /// Reads a market file and builds it. See [`Quotes::parse`].
    ///
    /// # Errors
    /// Those of [`Quotes::parse`].
    pub fn parse(file: &[u8], as_of: Date, base: Currency) -> Result<Self, Faults> {
        Ok(Self::new(&Quotes::parse(file, as_of)?, base))
    }

    /// Builds the market of `quotes`. Exchange rates that are not quoted go through `base` first.
    ///
    /// What cannot be built, for a value that is impossible or an ingredient that is missing, is
    /// unavailable when it is looked up.
    pub fn new(quotes: &Quotes, base: Currency) -> Self {
        Self::with_fixings(quotes, base, Fixings::default())
    }

    /// Builds the market of `quotes` in which `fixings` are known.
    pub fn with_fixings(quotes: &Quotes, base: Currency, fixings: Fixings) -> Self {
        let layout = Arc::new(Layout::new(quotes, base, fixings));
        let values: Vec<f64> = layout.quotes.iter().map(|(_, quote)| quote.value).collect();
        Self::build(layout, &values, |_| None)
    }

    /// The market in which the values of quotes are replaced: `moved` are their places, in order,
    /// and the new values. Whatever does not move is shared with this market.
    pub(super) fn with(&self, moved: &[(usize, f64)]) -> Self {
        let quotes = &self.layout.quotes;
        let mut values: Vec<f64> = quotes.iter().map(|(_, quote)| quote.value).collect();
        for (place, value) in moved {
            values[*place] = *value;
        }
        let moves = |places: &Range<usize>| {
            let next = moved.partition_point(|(place, _)| *place < places.start);
            moved
                .get(next)
                .is_some_and(|(place, _)| *place < places.end)
        };
        let first_volatility = quotes.partition_point(|(slot, _)| slot.strike.is_none());
        let strikes_move = moves(&(0..first_volatility));
        Self::build(self.layout.clone(), &values, |part| {
            let differs = moves(&part.quotes) || (part.floats && strikes_move);
            (!differs).then_some(self)
        })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The market in which the quotes have these values. A part that is the same as in another
    /// market, by what `same` says, is shared with it.
    fn build<'m>(
        layout: Arc<Layout>,
        values: &[f64],
        same: impl Fn(&Part) -> Option<&'m Self>,
    ) -> Self {
        let mut market = Self {
            layout: layout.clone(),
            exchange: Vec::new(),
            curves: Vec::new(),
            spots: Vec::new(),
            dividends: Vec::new(),
            equity_volatilities: Vec::new(),
            pair_volatilities: Vec::new(),
        };
        for part in &layout.parts {
            let quotes = &layout.quotes[part.quotes.clone()];
            let values = &values[part.quotes.clone()];
            let same = same(part);
            match &quotes[0].0.subject {
                Subject::FxRate { .. } => market.exchange.push(values[0]),
                Subject::Spot { .. } => market.spots.push(values[0]),
                Subject::Curve { .. } => {
                    let shared = same.map(|same| same.curves[market.curves.len()].clone());
                    let curve = shared.unwrap_or_else(|| Arc::new(market.curve_of(quotes, values)));
                    market.curves.push(curve);
                }
                Subject::Dividend { .. } => {
                    let shared = same.map(|same| same.dividends[market.dividends.len()].clone());
                    let yields =
                        shared.unwrap_or_else(|| Arc::new(market.yields_of(quotes, values)));
                    market.dividends.push(yields);
                }
                Subject::EquityVolatility { name, currency } => {
                    let number = market.equity_volatilities.len();
                    let shared = same.map(|same| same.equity_volatilities[number].clone());
                    let surface = shared.unwrap_or_else(|| {
                        Arc::new(smile::surface(
                            quotes,
                            values,
                            |date| market.time(date),
                            || market.spot(name, *currency),
                            |time| market.equity_forward(name, *currency, time),
                        ))
                    });
                    market.equity_volatilities.push(surface);
                }
                Subject::FxVolatility { foreign, domestic } => {
                    let number = market.pair_volatilities.len();
                    let shared = same.map(|same| same.pair_volatilities[number].clone());
                    let surface = shared.unwrap_or_else(|| {
                        Arc::new(smile::surface(
                            quotes,
                            values,
                            |date| market.time(date),
                            || market.exchange_rate(*foreign, *domestic),
                            |time| market.exchange_forward(*foreign, *domestic, time),
                        ))
                    });
                    market.pair_volatilities.push(surface);
                }
            }
        }
        market
    }

    fn curve_of(&self, quotes: &[(Slot, Quote)], values: &[f64]) -> Result<Curve, Unavailable> {
        let pillars = quotes.iter().zip(values);
        pillars
            .map(|((slot, quote), value)| self.pillar(slot.date, quote, *value))
            .collect::<Result<_, _>>()
            .map(Curve::new)
    }

    fn yields_of(&self, quotes: &[(Slot, Quote)], values: &[f64]) -> Curve {
        let pillar = |((slot, _), value): (&(Slot, Quote), &f64)| {
            let time = self.time(slot.date);
            (time, -value * time)
        };
        Curve::new(quotes.iter().zip(values).map(pillar).collect())
    }

    /// Time and logarithm of the discount factor that a curve's quote says.
    fn pillar(&self, date: Date, quote: &Quote, value: f64) -> Result<(f64, f64), Unavailable> {
        let log = match quote.quotation {
            Quotation::Zero(count) => -value * count.years(self.as_of(), date),
            Quotation::Discount if value > 0.0 => libm::log(value),
            Quotation::Discount | Quotation::Plain => {
                return Err(Unavailable(format!(
                    "{} is {}: a discount factor greater than zero is needed",
                    quote.key,
                    Shortest(value)
                )));
            }
        };
        Ok((self.time(date), log))
    }

    /// The day the market is of.
    pub fn as_of(&self) -> Date {
        self.layout.as_of
    }

    /// The currency that exchange rates go through first, and that results are added up in.
    pub fn base(&self) -> Currency {
        self.layout.base
    }

    /// Years from the as-of date to `date`, A365F: the time that every curve and surface counts in.
    pub fn time(&self, date: Date) -> f64 {
        DayCount::Actual365Fixed.years(self.layout.as_of, date)
    }

    /// Units of `to` for one `from`, today: the direct or the inverse quote, else through base
    /// currency, US dollar or euro.
    ///
    /// # Errors
    /// When neither is quoted, or a quote is not positive.
    pub fn exchange_rate(&self, from: Currency, to: Currency) -> Result<f64, Unavailable> {
        self.layout.exchange.rate(&self.exchange, from, to)
    }

    /// The curve that flows in `currency` are discounted on, `CCY1D`.
    ///
    /// # Errors
    /// When it is not quoted, or a discount factor is not positive.
    pub fn discount_curve(&self, currency: Currency) -> Result<&Curve, Unavailable> {
        let mut known = self.layout.discount_curves.iter();
        match known.find(|(known, _)| *known == currency) {
            Some((_, number)) => available(&self.curves[*number]),
            // Which says what to add.
            None => self.curve(&format!("{currency}{OVERNIGHT}"), currency),
        }
    }

    /// The curve of that name and currency.
    ///
    /// # Errors
    /// When it is not quoted, or a discount factor is not positive.
    pub fn curve(&self, name: &str, currency: Currency) -> Result<&Curve, Unavailable> {
        match self.layout.curves.get(name, currency) {
            Some(number) => available(&self.curves[number]),
            None => Err(Unavailable(format!(
                "the market has no curve {name} of {currency}: add \
                 ZERO/RATE/{currency}/{name}/A365F/TERM or DISCOUNT/RATE/{currency}/{name}/TERM"
            ))),
        }
    }

    /// What the index or equity `name` was fixed at on `date`, if that is known.
    pub fn fixing(&self, name: &str, date: Date) -> Option<f64> {
        self.layout.fixings.get(name, date)
    }

    /// The periods of legs with this `accrual`, worked out once for a market and its scenarios.
    ///
    /// # Errors
    /// When it has none, of which no trade of a valid portfolio is guilty.
    pub fn periods(&self, accrual: &Accrual) -> Result<Arc<[Period]>, Unavailable> {
        let periods = self.layout.periods.get(accrual, || accrual.periods());
        periods.map_err(|error| Unavailable(error.to_string()))
    }

    /// The dates of `schedule`, worked out once for a market and its scenarios.
    ///
    /// # Errors
    /// When it has none, of which no trade of a valid portfolio is guilty.
    pub fn dates(&self, schedule: &Schedule) -> Result<Arc<[Date]>, Unavailable> {
        let dates = match schedule {
            Schedule::Rules(rules) => self.layout.dates.get(rules, || rules.dates()),
            Schedule::Dates { dates, .. } => Ok(dates[..].into()),
        };
        dates.map_err(|error| Unavailable(error.to_string()))
    }

    /// The price of an equity today.
    ///
    /// # Errors
    /// When it is not quoted, or negative. Zero is a price.
    pub fn spot(&self, name: &str, currency: Currency) -> Result<f64, Unavailable> {
        let key = || format!("EQUITY/PRICE/{name}/{currency}");
        let number = self.layout.spots.get(name, currency);
        match number.map(|number| self.spots[number]) {
            Some(spot) if spot >= 0.0 => Ok(spot),
            Some(spot) => Err(Unavailable(format!(
                "{} is {}: a price that is not negative is needed",
                key(),
                Shortest(spot)
            ))),
            None => Err(Unavailable(format!(
                "the market has no price of {name} in {currency}: add {}",
                key()
            ))),
        }
    }

    /// The factors exp(−q·t) of an equity's dividend yield; without quotes it pays none.
    pub fn dividends(&self, name: &str, currency: Currency) -> &Curve {
        const NONE: &Curve = &Curve::NONE;
        let number = self.layout.dividends.get(name, currency);
        number.map_or(NONE, |number| &*self.dividends[number])
    }

    /// The volatilities of an equity.
    ///
    /// # Errors
    /// When there is none, one is negative, or what places its strike is not available.
    pub fn equity_volatility(
        &self,
        name: &str,
        currency: Currency,
    ) -> Result<&Surface, Unavailable> {
        match self.layout.equity_volatilities.get(name, currency) {
            Some(number) => available(&self.equity_volatilities[number]),
            None => Err(Unavailable(format!(
                "the market has no volatility of {name} in {currency}: add \
                 EQUITY_OPTION/RATE_LNVOL/{name}/{currency}/EXPIRY/STRIKE"
            ))),
        }
    }

    /// The volatilities of the price of one `foreign` in `domestic`, quoted so or for its inverse.
    ///
    /// # Errors
    /// When there is none, one is negative, or what places its strike is not available.
    pub fn exchange_volatility(
        &self,
        foreign: Currency,
        domestic: Currency,
    ) -> Result<PairVolatility<'_>, Unavailable> {
        let quoted = |pair| self.layout.pair_volatilities.get(&pair);
        let (&number, inverse) = match quoted((foreign, domestic)) {
            Some(number) => (number, false),
            None => match quoted((domestic, foreign)) {
                Some(number) => (number, true),
                None => {
                    return Err(Unavailable(format!(
                        "the market has no volatility of {foreign} in {domestic}: add \
                         FX_OPTION/RATE_LNVOL/{foreign}/{domestic}/EXPIRY/STRIKE"
                    )));
                }
            },
        };
        let surface = available(&self.pair_volatilities[number])?;
        Ok(PairVolatility { surface, inverse })
    }

    /// An equity's forward price at `time`: it grows at the discount curve's rate less dividends.
    fn equity_forward(
        &self,
        name: &str,
        currency: Currency,
        time: f64,
    ) -> Result<f64, Unavailable> {
        let growth = self.dividends(name, currency).log_discount(time)
            - self.discount_curve(currency)?.log_discount(time);
        Ok(self.spot(name, currency)? * libm::exp(growth))
    }

    /// The forward price of one `foreign` in `domestic` at `time`.
    fn exchange_forward(
        &self,
        foreign: Currency,
        domestic: Currency,
        time: f64,
    ) -> Result<f64, Unavailable> {
        let growth = self.discount_curve(foreign)?.log_discount(time)
            - self.discount_curve(domestic)?.log_discount(time);
        Ok(self.exchange_rate(foreign, domestic)? * libm::exp(growth))
    }
}

fn available<T>(part: &Result<T, Unavailable>) -> Result<&T, Unavailable> {
    part.as_ref().map_err(Clone::clone)
}
