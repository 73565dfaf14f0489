//! What a trade gains or loses in scenarios.

use super::value::{npv_base, npvs_base};
use super::{PathSums, Valuation};
use crate::fault::Fault;
use crate::market::{Scenario, Scenarios, Unavailable};
use crate::portfolio::Trade;
use crate::results::Shortest;

/// The P&L vector of `trade`: for each scenario, in base currency, what it is worth in it less what
/// it is worth today by its `valuation`. The trade is valued anew in each.
///
/// # Errors
/// What fails the trade, with the scenario that does: something impossible in it, a figure that is
/// not finite or beyond [`Valuation::LARGEST`].
///
/// ```
/// use mastr::market::Scenarios;
/// use mastr::valuation::{profit_and_loss, value};
///
/// let (portfolio, market) = (mastr::sample::portfolio(), mastr::sample::market());
/// let file = b"Scenario,EQUITY/PRICE/*\n-5 %,*0.95\nsame,\n";
/// let scenarios = Scenarios::parse(file, &market).unwrap();
/// let trade = portfolio.trades().find(|trade| trade.id.starts_with("EQF")).unwrap();
/// let valuation = value(trade, &market).unwrap();
/// let pnl = profit_and_loss(trade, &valuation, &scenarios).unwrap();
/// assert_ne!(pnl[0], 0.0);
/// assert_eq!(pnl[1], 0.0);
/// ```
pub fn profit_and_loss(
    trade: &Trade,
    valuation: &Valuation,
    scenarios: &Scenarios,
) -> Result<Box<[f64]>, Fault> {
    profit_and_loss_simulated(trade, valuation, scenarios, None)
}

/// The same, with what the trade's `paths` add up to where somebody else has simulated them all; to the
/// bit as if it had been simulated here.
///
/// # Errors
/// Those of [`profit_and_loss`].
pub fn profit_and_loss_simulated(
    trade: &Trade,
    valuation: &Valuation,
    scenarios: &Scenarios,
    paths: Option<&PathSums>,
) -> Result<Box<[f64]>, Fault> {
    let at_once = npvs_base(trade, scenarios, paths);
    let npv_base = |place: usize, scenario: &Scenario| match &at_once {
        Some(npvs) if !npvs[place].is_nan() => Ok(npvs[place]),
        _ => npv_base(trade, &scenario.market),
    };
    let pnl = |(place, scenario): (usize, &Scenario)| {
        npv_base(place, scenario)
            .and_then(|npv_base| change(valuation.npv_base, npv_base))
            .map_err(|Unavailable(reason)| {
                Fault::of_trade(&trade.id, format!("scenario {:?}: {reason}", scenario.name))
            })
    };
    scenarios.iter().enumerate().map(pnl).collect()
}

fn change(from: f64, to: f64) -> Result<f64, Unavailable> {
    let pnl = to - from;
    // Not a number is beyond the limit too.
    if pnl.abs() <= Valuation::LARGEST {
        return Ok(pnl);
    }
    Err(Unavailable(format!(
        "the NPV in base currency is {}, and a change of at most 2^57 can be summed exactly: the \
         trade's numbers or its market's are too large",
        Shortest(to)
    )))
}
