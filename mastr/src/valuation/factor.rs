//! What a greek is the sensitivity to.

use std::fmt;

use super::Greek;
use crate::portfolio::{Currency, EquityBarrierOption, Index, Product};

/// What a greek is the sensitivity to; displays as the beginning of the market keys concerned, and
/// as nothing for the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor<'t> {
    /// The passing of time.
    Time,
    /// An equity's price.
    Spot(&'t str, Currency),
    /// An equity's dividend yield, the same shift at all times.
    Dividend(&'t str, Currency),
    /// An equity's volatilities, the same shift everywhere.
    EquityVolatility(&'t str, Currency),
    /// The price of one of the first in the second.
    Exchange(Currency, Currency),
    /// The volatilities of that price, the same shift everywhere.
    ExchangeVolatility(Currency, Currency),
    /// A currency's discount curve, the same shift of all zero rates.
    DiscountCurve(Currency),
    /// A curve by its name, the same shift of all zero rates.
    Curve(&'t str, Currency),
}

impl<'t> Factor<'t> {
    /// What the greek of a product is the sensitivity to. Of a swap or a bond the `number`, from 0,
    /// tells which of its sensitivities of that greek; others have one each.
    pub fn of(product: &'t Product, greek: Greek, number: usize) -> Self {
        match product {
            Product::Swap(swap) => {
                let later = number.checked_sub(1);
                let index = later.and_then(|number| swap.indices().nth(number));
                index.map_or(Self::DiscountCurve(swap.currency), Self::index)
            }
            Product::Bond(bond) => {
                let later = number.checked_sub(1);
                let index = later.and_then(|number| bond.indices().nth(number));
                index.map_or(Self::Curve(&bond.curve, bond.currency), Self::index)
            }
            Product::EquityOption(option)
            | Product::EquityBarrierOption(EquityBarrierOption { option, .. }) => {
                Self::equity(&option.name, option.currency, greek)
            }
            Product::EquityAsianOption(asian) => {
                Self::equity(&asian.option.name, asian.option.currency, greek)
            }
            Product::EquityForward(forward) => Self::equity(&forward.name, forward.currency, greek),
            Product::FxForward(forward) => Self::exchange(forward.bought, forward.sold, greek),
            Product::FxOption(option) => Self::exchange(option.bought, option.sold, greek),
        }
    }

    fn index(index: Index) -> Self {
        Self::Curve(index.curve(), index.currency())
    }

    fn equity(name: &'t str, currency: Currency, greek: Greek) -> Self {
        match greek {
            Greek::Delta | Greek::Gamma => Self::Spot(name, currency),
            Greek::Vega => Self::EquityVolatility(name, currency),
            Greek::Theta => Self::Time,
            Greek::Rho => Self::DiscountCurve(currency),
            Greek::DividendRho => Self::Dividend(name, currency),
        }
    }

    fn exchange(bought: Currency, sold: Currency, greek: Greek) -> Self {
        match greek {
            Greek::Delta | Greek::Gamma => Self::Exchange(bought, sold),
            Greek::Vega => Self::ExchangeVolatility(bought, sold),
            Greek::Theta => Self::Time,
            Greek::Rho => Self::DiscountCurve(sold),
            Greek::DividendRho => Self::DiscountCurve(bought),
        }
    }
}

impl fmt::Display for Factor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => Ok(()),
            Self::Spot(name, currency) => write!(f, "EQUITY/PRICE/{name}/{currency}"),
            Self::Dividend(name, currency) => write!(f, "EQUITY_DIVIDEND/RATE/{name}/{currency}"),
            Self::EquityVolatility(name, currency) => {
                write!(f, "EQUITY_OPTION/RATE_LNVOL/{name}/{currency}")
            }
            Self::Exchange(foreign, domestic) => write!(f, "FX/RATE/{foreign}/{domestic}"),
            Self::ExchangeVolatility(foreign, domestic) => {
                write!(f, "FX_OPTION/RATE_LNVOL/{foreign}/{domestic}")
            }
            Self::DiscountCurve(currency) => write!(f, "ZERO/RATE/{currency}/{currency}1D"),
            Self::Curve(name, currency) => write!(f, "ZERO/RATE/{currency}/{name}"),
        }
    }
}
