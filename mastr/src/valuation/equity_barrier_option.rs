//! Barrier options on equities: Reiner–Rubinstein.

use super::engine::{Inputs, Priced};
use super::{Barrier, equity_option};
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::EquityBarrierOption;

/// Values options that are not past.
pub(super) fn price(option: &EquityBarrierOption, market: &Market) -> Result<Priced, Unavailable> {
    let inputs = equity_option::inputs(&option.option, market)?;
    let form = options(option, &inputs).closed_form();
    Ok(Priced::option(inputs, form, sign(option)))
}

/// Their value alone.
pub(super) fn npv(option: &EquityBarrierOption, market: &Market) -> Result<f64, Unavailable> {
    let inputs = equity_option::inputs(&option.option, market)?;
    Ok(sign(option) * options(option, &inputs).value())
}

/// The same in each scenario, if that can be told of all at once.
pub(super) fn npvs(
    option: &EquityBarrierOption,
    scenarios: &Scenarios,
    time: f64,
) -> Option<Vec<f64>> {
    let inputs = equity_option::scenario_inputs(&option.option, scenarios, time)?;
    let npvs = inputs
        .iter()
        .map(|inputs| sign(option) * options(option, inputs).value());
    Some(npvs.collect())
}

/// All of them, as their holder has them.
fn options(option: &EquityBarrierOption, inputs: &Inputs) -> Barrier {
    Barrier {
        vanilla: equity_option::unit(&option.option, inputs),
        barrier: option.barrier,
        level: option.level,
        units: option.option.quantity,
        rebate: option.rebate,
    }
}

/// −1 when they are owed.
fn sign(option: &EquityBarrierOption) -> f64 {
    option.option.position.sign()
}
