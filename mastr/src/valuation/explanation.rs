//! How a value came about.

use std::fmt;

use super::engine::Inputs;
use super::equity_asian_option::{self, Observed};
use super::flow_origin::FlowOrigin;
use super::value::evaluate;
use super::{BlackScholes, BondPrice, Factor, Flow, Greek, Valuation, bond, swap};
use crate::fault::Fault;
use crate::market::{Market, Unavailable};
use crate::portfolio::{
    Averaging, Currency, EquityBarrierOption, Exercise, Leg, OptionKind, Position, Product,
    Simulation, Trade,
};
use crate::results::Shortest;
use crate::time::Date;

/// How the value of one trade came about: what was looked up under which key, and what came of it.
///
/// Displays as lines of name, figure and source.
#[derive(Clone, Debug)]
pub struct Explanation<'t> {
    trade: &'t Trade,
    as_of: Date,
    base: Currency,
    /// What one unit of the trade's currency is worth in base.
    to_base: f64,
    inputs: Option<Inputs>,
    /// The prices of an average, and what an option on one unit of the geometric one is worth.
    average: Option<(Vec<Observed>, f64)>,
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
        base: market.base(),
        to_base: market
            .exchange_rate(valuation.currency, market.base())
            .map_err(of_trade)?,
        inputs,
        average: None,
        legs: Vec::new(),
        bond_price: None,
        valuation,
    };
    if !explanation.valuation.is_past() {
        explanation.add_parts(market).map_err(of_trade)?;
    }
    Ok(explanation)
}

impl<'t> Explanation<'t> {
    fn add_parts(&mut self, market: &Market) -> Result<(), Unavailable> {
        match &self.trade.product {
            Product::EquityAsianOption(option) => {
                let observed = equity_asian_option::observed(option, market)?;
                let geometric = equity_asian_option::geometric(option, market)?;
                self.average = Some((observed, geometric));
            }
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
        self.fmt_terms(f)?;
        if let Some(inputs) = &self.inputs {
            self.fmt_inputs(inputs, f)?;
            self.fmt_exchange(inputs, f)?;
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
            line(f, "rebate", &Shortest(option.rebate), &"in total")?;
        }
        if let Product::EquityAsianOption(asian) = product {
            let (option, number) = (&asian.option, Shortest);
            line(f, "strike", &number(option.strike), &"of the average")?;
            line(f, "paid on", &asian.payment, &"")?;
            if let Some((observed, geometric)) = &self.average {
                for price in observed {
                    line(
                        f,
                        &price.date.to_string(),
                        &number(price.price),
                        &price.source,
                    )?;
                }
                let source = "the option on the geometric average, of one unit";
                line(f, "geometric", &number(*geometric), &source)?;
            }
            if let Averaging::Arithmetic(Simulation { paths, seed }) = asian.averaging {
                line(f, "paths", &paths, &format!("seed {seed}"))?;
                let error = number(valuation.standard_error);
                line(f, "standard error", &error, &"of the npv")?;
            }
        }
        line(f, "npv", &Shortest(valuation.npv), &valuation.currency)?;
        let source = format!("{} for one {}", self.base, valuation.currency);
        line(f, "rate to base", &Shortest(self.to_base), &source)?;
        line(f, "npv in base", &Shortest(valuation.npv_base), &self.base)?;
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
    /// What was agreed, but for strikes, which stand beside what they are compared with.
    fn fmt_terms(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = Shortest;
        let right = |position: Position, kind: OptionKind, units: f64, f: &mut _| {
            line(
                f,
                "units",
                &number(units),
                &format!("{position:?} {kind:?}"),
            )
        };
        match &self.trade.product {
            Product::EquityOption(option)
            | Product::EquityBarrierOption(EquityBarrierOption { option, .. }) => {
                right(option.position, option.kind, option.quantity, f)
            }
            Product::EquityAsianOption(asian) => {
                let option = &asian.option;
                right(option.position, option.kind, option.quantity, f)
            }
            Product::FxOption(option) => {
                right(option.position, option.kind, option.bought_amount, f)
            }
            Product::EquityForward(forward) => {
                let side = format!("{:?}", forward.position);
                line(f, "units", &number(forward.quantity), &side)
            }
            Product::FxForward(_) | Product::Swap(_) | Product::Bond(_) => Ok(()),
        }
    }

    /// The two flows of a forward: the day, what each is worth, and of what that is the product.
    fn fmt_exchange(&self, inputs: &Inputs, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, cash) = match &self.trade.product {
            Product::EquityForward(forward) => {
                let units = forward.position.sign() * forward.quantity;
                (units, -units * forward.strike)
            }
            Product::FxForward(forward) => (forward.bought_amount, -forward.sold_amount),
            _ => return Ok(()),
        };
        let day = self.valuation.maturity.to_string();
        let (number, spot) = (Shortest, inputs.spot);
        let (discount, carried) = (libm::exp(inputs.log_discount), libm::exp(inputs.log_yield));
        let source = format!("{} * {} * {}", number(carried), number(units), number(spot));
        line(f, &day, &number(carried * units * spot), &source)?;
        let source = format!("{} * {}", number(discount), number(cash));
        line(f, &day, &number(discount * cash), &source)
    }

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
                &FlowOrigin(leg, flow),
            )?;
        }
        Ok(())
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
