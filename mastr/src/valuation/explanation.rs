//! How a value came about.

use std::fmt;

use super::engine::Inputs;
use super::value::evaluate;
use super::{BlackScholes, BondPrice, Factor, Flow, Greek, RateSource, Valuation, bond, swap};
use crate::fault::Fault;
use crate::market::{Market, Unavailable};
use crate::portfolio::{Averaging, EquityBarrierOption, Exercise, Leg, Product, Simulation, Trade};
use crate::results::Shortest;
use crate::time::Date;

/// How the value of one trade came about: what was looked up under which key, and what came of it.
///
/// Displays as lines of name, figure and source.
#[derive(Clone, Debug)]
pub struct Explanation<'t> {
    trade: &'t Trade,
    as_of: Date,
    inputs: Option<Inputs>,
    legs: Vec<(&'t Leg, Vec<Flow>)>,
    bond_price: Option<BondPrice>,
    valuation: Valuation,
}

/// Values `trade` and keeps what the value is made of.
///
/// # Errors
/// Those of [`value`](super::value).
pub fn explain<'t>(trade: &'t Trade, market: &Market) -> Result<Explanation<'t>, Fault> {
    let of_trade = |reason: Unavailable| Fault::of_trade(&trade.id, reason.0);
    let (valuation, inputs) = evaluate(trade, market, None).map_err(of_trade)?;
    let mut explanation = Explanation {
        trade,
        as_of: market.as_of(),
        inputs,
        legs: Vec::new(),
        bond_price: None,
        valuation,
    };
    if !explanation.valuation.is_past() {
        explanation.add_flows(market).map_err(of_trade)?;
    }
    Ok(explanation)
}

impl<'t> Explanation<'t> {
    fn add_flows(&mut self, market: &Market) -> Result<(), Unavailable> {
        match &self.trade.product {
            Product::Swap(swap) => {
                for leg in &swap.legs {
                    self.legs.push((leg, swap::leg_flows(swap, leg, market)?));
                }
            }
            Product::Bond(bond) => {
                let flows = bond::all_flows(bond, market)?;
                self.bond_price = bond::at_settlement(bond, &flows, market)?;
                self.legs.push((&bond.leg, flows));
            }
            _ => {}
        }
        Ok(())
    }

    /// The flows to come, leg by leg, of a swap or of one bond.
    pub fn legs(&self) -> &[(&'t Leg, Vec<Flow>)] {
        &self.legs
    }

    /// The prices of a bond at settlement.
    pub fn bond_price(&self) -> Option<&BondPrice> {
        self.bond_price.as_ref()
    }

    /// What the market said of the underlying; nothing when the trade is past or has none.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.inputs.as_ref()
    }

    /// What the trade is worth.
    pub fn valuation(&self) -> &Valuation {
        &self.valuation
    }

    fn formula(&self) -> &'static str {
        match &self.trade.product {
            Product::EquityOption(option) => match option.exercise {
                Exercise::European => "Black-Scholes-Merton",
                Exercise::American => "Andersen-Lake-Offengenden",
            },
            Product::EquityBarrierOption(_) => "Reiner-Rubinstein",
            Product::EquityAsianOption(option) => match option.averaging {
                Averaging::Geometric => "Kemna-Vorst",
                Averaging::Arithmetic(_) => "Monte Carlo, geometric control variate",
            },
            Product::FxOption(_) => "Garman-Kohlhagen",
            Product::EquityForward(_)
            | Product::FxForward(_)
            | Product::Swap(_)
            | Product::Bond(_) => "discounted flows",
        }
    }

    /// Where `option` is exercised today, if it is American and that ever pays.
    fn boundary(&self, option: &BlackScholes) -> Option<f64> {
        match &self.trade.product {
            Product::EquityOption(trade) if trade.exercise == Exercise::American => {
                option.american().ok()?.boundary
            }
            _ => None,
        }
    }

    /// The option on one unit, if it is one.
    fn option(&self, inputs: &Inputs, volatility: f64) -> Option<BlackScholes> {
        let (kind, strike) = match &self.trade.product {
            Product::EquityOption(option)
            | Product::EquityBarrierOption(EquityBarrierOption { option, .. }) => {
                (option.kind, option.strike)
            }
            Product::FxOption(option) => (option.kind, option.sold_amount / option.bought_amount),
            // It is no option on one price.
            Product::EquityAsianOption(_)
            | Product::EquityForward(_)
            | Product::FxForward(_)
            | Product::Swap(_)
            | Product::Bond(_) => return None,
        };
        Some(BlackScholes {
            kind,
            spot: inputs.spot,
            strike,
            time: inputs.time,
            log_discount: inputs.log_discount,
            log_yield: inputs.log_yield,
            volatility,
        })
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = &self.trade.product;
        let valuation = &self.valuation;
        line(f, "trade", &self.trade.id, &product.trade_type().name())?;
        line(f, "as of", &self.as_of, &"")?;
        line(f, "maturity", &valuation.maturity, &"")?;
        if valuation.is_past() {
            let past = "past: all was due on or before the as-of date";
            return line(f, "value", &0, &past);
        }
        line(f, "formula", &self.formula(), &"")?;
        if let Some(inputs) = &self.inputs {
            self.fmt_inputs(inputs, f)?;
        }
        for (number, (leg, flows)) in (1..).zip(&self.legs) {
            self.fmt_leg(number, leg, flows, f)?;
        }
        if let Some(price) = &self.bond_price {
            line(f, "settlement", &price.settlement, &"")?;
            let of = "for 100 of the notional, at settlement";
            for (name, figure) in [
                ("clean", price.clean()),
                ("dirty", price.dirty),
                ("accrued", price.accrued),
            ] {
                line(f, name, &Shortest(figure), &of)?;
            }
        }
        if let Product::EquityBarrierOption(option) = product {
            let source = format!("{:?}", option.barrier);
            line(f, "barrier", &Shortest(option.level), &source)?;
            line(f, "rebate", &Shortest(option.rebate), &"")?;
        }
        if let Product::EquityAsianOption(asian) = product {
            let (option, number) = (&asian.option, Shortest);
            line(f, "strike", &number(option.strike), &"of the average")?;
            line(f, "paid on", &asian.payment, &"")?;
            if let Averaging::Arithmetic(Simulation { paths, seed }) = asian.averaging {
                line(f, "paths", &paths, &format!("seed {seed}"))?;
                let error = number(valuation.standard_error);
                line(f, "standard error", &error, &"of the npv")?;
            }
        }
        line(f, "npv", &Shortest(valuation.npv), &valuation.currency)?;
        line(f, "npv in base", &Shortest(valuation.npv_base), &"")?;
        let notional = Shortest(valuation.notional);
        line(f, "notional", &notional, &valuation.notional_currency)?;
        for (sensitivity, number) in valuation.numbered() {
            let greek = sensitivity.greek;
            let factor = Factor::of(product, greek, number);
            line(f, greek.name(), &Shortest(sensitivity.value), &factor)?;
        }
        Ok(())
    }
}

impl Explanation<'_> {
    fn fmt_inputs(&self, inputs: &Inputs, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = Shortest;
        let key = |greek| Factor::of(&self.trade.product, greek, 0);
        line(f, "time", &number(inputs.time), &"years, A365F")?;
        line(f, "spot", &number(inputs.spot), &key(Greek::Delta))?;
        for (name, log, greek) in [
            ("discount factor", inputs.log_discount, Greek::Rho),
            ("yield factor", inputs.log_yield, Greek::DividendRho),
        ] {
            line(f, name, &number(libm::exp(log)), &key(greek))?;
        }
        line(f, "forward", &number(inputs.forward()), &"")?;
        if let Some(volatility) = inputs.volatility {
            line(f, "volatility", &number(volatility), &key(Greek::Vega))?;
            if let Some(option) = self.option(inputs, volatility) {
                let (d1, d2) = option.moneyness();
                line(f, "strike", &number(option.strike), &"")?;
                line(f, "d1", &number(d1), &"")?;
                line(f, "d2", &number(d2), &"")?;
                if let Some(boundary) = self.boundary(&option) {
                    let source = "the price at which it is exercised today";
                    line(f, "exercised at", &number(boundary), &source)?;
                }
            }
        }
        Ok(())
    }

    /// A line that says whose leg it is and which curves it is valued with, and one for each flow:
    /// its day, what it is worth, and of what that is the product.
    fn fmt_leg(
        &self,
        number: usize,
        leg: &Leg,
        flows: &[Flow],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let side = if leg.payer { "paid" } else { "received" };
        let discount = Factor::of(&self.trade.product, Greek::Rho, 0);
        let mut curves = format!("discounted on {discount}");
        if let Some(index) = leg.index() {
            let (currency, curve) = (index.currency(), index.curve());
            curves += &format!(", {index} projected on ZERO/RATE/{currency}/{curve}");
        }
        line(f, &format!("leg {number}"), &side, &curves)?;
        for flow in flows {
            let worth = Shortest(flow.present());
            line(
                f,
                &flow.period.payment.to_string(),
                &worth,
                &Origin(leg, flow),
            )?;
        }
        Ok(())
    }
}

/// Of what the present value of a flow is the product.
struct Origin<'a>(&'a Leg, &'a Flow);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(leg, flow) = self;
        let (period, number) = (&flow.period, Shortest);
        write!(
            f,
            "{} * {} = ({} * {} * {}",
            number(flow.discount),
            number(flow.amount()),
            number(flow.notional),
            number(flow.rate),
            number(period.years),
        )?;
        if flow.redemption != 0.0 {
            write!(f, " + {}", number(flow.redemption))?;
        }
        write!(f, "), {} to {}", period.start, period.end)?;
        let (Some(index), Some(fixing)) = (leg.index(), period.fixing) else {
            return Ok(());
        };
        let date = fixing.date;
        match flow.source {
            RateSource::Agreed => Ok(()),
            RateSource::Fixed(fixed) => {
                write!(f, "; {index} was {} on {date}", number(fixed))
            }
            RateSource::Projected { growth, .. } => {
                let years = fixing.years;
                let projected = number(growth / years);
                let (growth, years) = (number(1.0 + growth), number(years));
                write!(
                    f,
                    "; {projected} = ({growth} - 1) / {years}, fixed on {date}"
                )
            }
        }
    }
}

/// Writes a name, a figure and where it comes from.
fn line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    figure: &dyn fmt::Display,
    source: &dyn fmt::Display,
) -> fmt::Result {
    let line = format!("{name:<16} {figure:>24}  {source}");
    writeln!(f, "{}", line.trim_end())
}
