//! One day's market, ready to be looked up.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::foreign_exchange::ForeignExchange;
use super::key::{Quotation, Slot};
use super::smile::QuotedSmiles;
use super::{Curve, Quote, Quotes, Surface};
use crate::fault::Faults;
use crate::portfolio::Currency;
use crate::time::{Date, DayCount};

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
    as_of: Date,
    base: Currency,
    exchange: ForeignExchange,
    curves: ByName<Result<Curve, Unavailable>>,
    spots: ByName<f64>,
    dividends: ByName<Curve>,
    equity_volatilities: ByName<Result<Surface, Unavailable>>,
    pair_volatilities: HashMap<(Currency, Currency), Result<Surface, Unavailable>>,
}

/// The volatilities of an exchange rate, which may be quoted for its inverse.
#[derive(Clone, Copy, Debug)]
pub struct PairVolatility<'m> {
    surface: &'m Surface,
    inverse: bool,
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
        let mut market = Self {
            as_of: quotes.as_of(),
            base,
            exchange: ForeignExchange::new(base),
            curves: ByName::default(),
            spots: ByName::default(),
            dividends: ByName::default(),
            equity_volatilities: ByName::default(),
            pair_volatilities: HashMap::new(),
        };
        let mut pillars = BTreeMap::<_, Result<Vec<_>, Unavailable>>::new();
        let mut dividends = BTreeMap::<_, Vec<_>>::new();
        let mut equity_smiles = BTreeMap::<_, QuotedSmiles<'_>>::new();
        let mut pair_smiles = BTreeMap::<_, QuotedSmiles<'_>>::new();
        for (slot, quote) in quotes.slots() {
            match slot {
                Slot::FxRate { foreign, domestic } => {
                    market.exchange.insert(*foreign, *domestic, quote.value);
                }
                Slot::Spot { name, currency } => market.spots.insert(name, *currency, quote.value),
                Slot::Pillar {
                    currency,
                    curve,
                    date,
                } => {
                    let pillar = market.pillar(*date, quote);
                    let curve = pillars
                        .entry((curve, *currency))
                        .or_insert_with(|| Ok(Vec::new()));
                    match (curve.as_mut(), pillar) {
                        (Ok(pillars), Ok(pillar)) => pillars.push(pillar),
                        (Ok(_), Err(reason)) => *curve = Err(reason),
                        (Err(_), _) => {}
                    }
                }
                Slot::Dividend {
                    name,
                    currency,
                    date,
                } => {
                    let time = market.time(*date);
                    dividends
                        .entry((name, *currency))
                        .or_default()
                        .push((time, -quote.value * time));
                }
                Slot::EquityVolatility {
                    name,
                    currency,
                    expiry,
                    strike,
                } => equity_smiles.entry((name, *currency)).or_default().push(
                    market.time(*expiry),
                    *strike,
                    quote,
                ),
                Slot::FxVolatility {
                    foreign,
                    domestic,
                    expiry,
                    strike,
                } => pair_smiles.entry((*foreign, *domestic)).or_default().push(
                    market.time(*expiry),
                    *strike,
                    quote,
                ),
            }
        }
        for ((name, currency), pillars) in pillars {
            market
                .curves
                .insert(name, currency, pillars.map(Curve::new));
        }
        for ((name, currency), pillars) in dividends {
            market.dividends.insert(name, currency, Curve::new(pillars));
        }
        for ((name, currency), smiles) in equity_smiles {
            let surface = smiles.surface(
                || market.spot(name, currency),
                |time| market.equity_forward(name, currency, time),
            );
            market.equity_volatilities.insert(name, currency, surface);
        }
        for ((foreign, domestic), smiles) in pair_smiles {
            let surface = smiles.surface(
                || market.exchange_rate(foreign, domestic),
                |time| market.exchange_forward(foreign, domestic, time),
            );
            market
                .pair_volatilities
                .insert((foreign, domestic), surface);
        }
        market
    }

    /// Time and logarithm of the discount factor that a curve's quote says.
    fn pillar(&self, date: Date, quote: &Quote) -> Result<(f64, f64), Unavailable> {
        let log = match quote.quotation {
            Quotation::Zero(count) => -quote.value * count.years(self.as_of, date),
            Quotation::Discount if quote.value > 0.0 => libm::log(quote.value),
            Quotation::Discount | Quotation::Plain => {
                return Err(Unavailable(format!(
                    "{} is {}: a discount factor greater than zero is needed",
                    quote.key, quote.value
                )));
            }
        };
        Ok((self.time(date), log))
    }

    /// The day the market is of.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The currency that exchange rates go through first, and that results are added up in.
    pub fn base(&self) -> Currency {
        self.base
    }

    /// Years from the as-of date to `date`, A365F: the time that every curve and surface counts in.
    pub fn time(&self, date: Date) -> f64 {
        DayCount::Actual365Fixed.years(self.as_of, date)
    }

    /// Units of `to` for one `from`, today: the direct or the inverse quote, else through base
    /// currency, US dollar or euro.
    ///
    /// # Errors
    /// When neither is quoted, or a quote is not positive.
    pub fn exchange_rate(&self, from: Currency, to: Currency) -> Result<f64, Unavailable> {
        self.exchange.rate(from, to)
    }

    /// The curve that flows in `currency` are discounted on, `CCY1D`.
    ///
    /// # Errors
    /// When it is not quoted, or a discount factor is not positive.
    pub fn discount_curve(&self, currency: Currency) -> Result<&Curve, Unavailable> {
        let [a, b, c] = currency.into();
        let name = [a, b, c, b'1', b'D'];
        // Invariant: a currency's letters are ASCII.
        let name = std::str::from_utf8(&name).unwrap_or_default();
        match self.curves.get(name, currency) {
            Some(curve) => curve.as_ref().map_err(Clone::clone),
            None => Err(Unavailable(format!(
                "the market has no discount curve of {currency}: add \
                 ZERO/RATE/{currency}/{name}/A365F/TERM or DISCOUNT/RATE/{currency}/{name}/TERM"
            ))),
        }
    }

    /// The price of an equity today.
    ///
    /// # Errors
    /// When it is not quoted, or negative. Zero is a price.
    pub fn spot(&self, name: &str, currency: Currency) -> Result<f64, Unavailable> {
        let key = || format!("EQUITY/PRICE/{name}/{currency}");
        match self.spots.get(name, currency) {
            Some(&spot) if spot >= 0.0 => Ok(spot),
            Some(spot) => Err(Unavailable(format!(
                "{} is {spot}: a price that is not negative is needed",
                key()
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
        self.dividends.get(name, currency).unwrap_or(NONE)
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
        match self.equity_volatilities.get(name, currency) {
            Some(surface) => surface.as_ref().map_err(Clone::clone),
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
        let quoted = |pair| self.pair_volatilities.get(&pair);
        let (surface, inverse) = match quoted((foreign, domestic)) {
            Some(surface) => (surface, false),
            None => match quoted((domestic, foreign)) {
                Some(surface) => (surface, true),
                None => {
                    return Err(Unavailable(format!(
                        "the market has no volatility of {foreign} in {domestic}: add \
                         FX_OPTION/RATE_LNVOL/{foreign}/{domestic}/EXPIRY/STRIKE"
                    )));
                }
            },
        };
        match surface {
            Ok(surface) => Ok(PairVolatility { surface, inverse }),
            Err(reason) => Err(reason.clone()),
        }
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

/// Values by name and currency, found without building a key.
#[derive(Clone, Debug)]
struct ByName<T>(HashMap<Box<str>, Vec<(Currency, T)>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> ByName<T> {
    fn insert(&mut self, name: &str, currency: Currency, value: T) {
        self.0
            .entry(Box::from(name))
            .or_default()
            .push((currency, value));
    }

    fn get(&self, name: &str, currency: Currency) -> Option<&T> {
        let in_currencies = self.0.get(name)?;
        in_currencies
            .iter()
            .find(|(known, _)| *known == currency)
            .map(|(_, value)| value)
    }
}
