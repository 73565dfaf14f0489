//! A generated market, in its text form.

use std::io::{self, Write};

use super::random::rounded;
use super::world::{Rates, World};
use crate::results::Shortest;

/// Pillars of the curves: tenor and how far it is from the short to the long rate.
const PILLARS: [(&str, f64); 10] = [
    ("1M", 0.0),
    ("3M", 0.04),
    ("6M", 0.1),
    ("1Y", 0.2),
    ("2Y", 0.37),
    ("3Y", 0.5),
    ("5Y", 0.75),
    ("10Y", 1.0),
    ("20Y", 1.11),
    ("30Y", 1.06),
];

/// Expiries of the surfaces, and what the at-the-money volatility is multiplied by.
const EXPIRIES: [(&str, f64); 6] = [
    ("1M", 1.08),
    ("3M", 1.04),
    ("6M", 1.0),
    ("1Y", 0.98),
    ("2Y", 0.97),
    ("5Y", 1.01),
];

/// Strikes of an equity's surface over spot, and what is added to the volatility.
const SKEW: [(f64, f64); 5] = [
    (0.7, 0.062),
    (0.85, 0.027),
    (1.0, 0.0),
    (1.15, -0.014),
    (1.3, -0.019),
];

/// Strikes of a currency pair's surface over spot, and what is added to the volatility.
const SMILE: [(f64, f64); 5] = [
    (0.85, 0.011),
    (0.93, 0.004),
    (1.0, 0.0),
    (1.07, 0.003),
    (1.15, 0.009),
];

/// Writes the quotes of `world`.
pub(super) fn write(world: &World, out: &mut impl Write) -> io::Result<()> {
    let day = world.as_of.to_string().replace('-', "");
    writeln!(
        out,
        "# A made-up market: DATE KEY VALUE\n\n# Exchange rates"
    )?;
    for pair in world.exchanges.iter().filter(|pair| pair.quoted) {
        let (foreign, domestic) = (pair.foreign, pair.domestic);
        writeln!(
            out,
            "{day} FX/RATE/{foreign}/{domestic} {}",
            Shortest(pair.spot)
        )?;
    }
    writeln!(out, "\n# Discount curves")?;
    for rates in &world.rates {
        curve(&day, &format!("{}1D", rates.currency), rates, 0.0, out)?;
    }
    writeln!(out, "\n# Curves of indices")?;
    for of_index in &world.indices {
        let index = of_index.index;
        let rates = world.rates_of(index.currency());
        curve(&day, index.curve(), rates, of_index.basis, out)?;
    }
    writeln!(out, "\n# Equities")?;
    for equity in &world.equities {
        let (name, currency) = (equity.name, equity.currency);
        writeln!(
            out,
            "{day} EQUITY/PRICE/{name}/{currency} {}",
            Shortest(equity.spot)
        )?;
        if equity.dividend > 0.0 {
            for (tenor, factor) in [("1Y", 1.0), ("3Y", 0.96), ("5Y", 0.93)] {
                let dividend = rounded(equity.dividend * factor, 6);
                writeln!(
                    out,
                    "{day} EQUITY_DIVIDEND/RATE/{name}/{currency}/{tenor} {}",
                    Shortest(dividend)
                )?;
            }
        }
        for (tenor, factor) in EXPIRIES {
            for (moneyness, added) in SKEW {
                let strike = rounded(equity.spot * moneyness, 3);
                let volatility = rounded(equity.volatility * factor + added, 5);
                writeln!(
                    out,
                    "{day} EQUITY_OPTION/RATE_LNVOL/{name}/{currency}/{tenor}/{} {}",
                    Shortest(strike),
                    Shortest(volatility)
                )?;
            }
        }
    }
    writeln!(out, "\n# Exchange rate volatilities")?;
    for pair in &world.exchanges {
        let (foreign, domestic) = (pair.foreign, pair.domestic);
        for (tenor, factor) in EXPIRIES {
            for (moneyness, added) in SMILE {
                let volatility = Shortest(rounded(pair.volatility * factor + added, 5));
                let strike = rounded(pair.spot * moneyness, pair.decimals);
                let key = format!("FX_OPTION/RATE_LNVOL/{foreign}/{domestic}/{tenor}");
                if moneyness == 1.0 {
                    writeln!(out, "{day} {key}/ATMF {volatility}")?;
                } else {
                    writeln!(out, "{day} {key}/{} {volatility}", Shortest(strike))?;
                }
            }
        }
    }
    Ok(())
}

/// The zero rates of a currency's curve, `basis` above those of the currency.
fn curve(day: &str, name: &str, rates: &Rates, basis: f64, out: &mut impl Write) -> io::Result<()> {
    let currency = rates.currency;
    for (tenor, weight) in PILLARS {
        let rate = rates.short + (rates.long - rates.short) * weight + basis;
        writeln!(
            out,
            "{day} ZERO/RATE/{currency}/{name}/A365F/{tenor} {}",
            Shortest(rounded(rate, 6))
        )?;
    }
    Ok(())
}
