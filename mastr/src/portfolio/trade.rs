//! A trade, ready to be valued.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bond, Currency, Envelope, Swap};
use crate::time::{Date, Schedule};

/// A valid trade. Compact, and made to travel: it serialises in any serde format, bincode included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Unique within its portfolio, and not empty.
    pub id: Box<str>,
    /// From 1; a later version replaces an earlier one.
    pub version: u32,
    /// What it is filed under. Shared between trades of one portfolio that are filed alike.
    pub envelope: Arc<Envelope>,
    /// What was agreed.
    pub product: Product,
}

/// What was agreed. The set is closed: one engine values each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Product {
    /// An option on an equity.
    EquityOption(EquityOption),
    /// A European option on an equity that a barrier brings to life or ends.
    EquityBarrierOption(EquityBarrierOption),
    /// An option on an average of an equity's prices.
    EquityAsianOption(Box<EquityAsianOption>),
    /// A forward on an equity.
    EquityForward(EquityForward),
    /// Two amounts exchanged on one day.
    FxForward(FxForward),
    /// A European option to exchange two amounts.
    FxOption(FxOption),
    /// Interest exchanged for interest.
    Swap(Box<Swap>),
    /// Interest and the repayment of a loan.
    Bond(Box<Bond>),
}

/// A product's name in ORE, without its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TradeType {
    /// `EquityOption`.
    EquityOption,
    /// `EquityBarrierOption`.
    EquityBarrierOption,
    /// `EquityAsianOption`.
    EquityAsianOption,
    /// `EquityForward`.
    EquityForward,
    /// `FxForward`.
    FxForward,
    /// `FxOption`.
    FxOption,
    /// `Swap`.
    Swap,
    /// `Bond`.
    Bond,
}

/// The side of the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LongShort")]
pub enum Position {
    /// Bought: what the contract is worth is ours.
    Long,
    /// Sold: what the contract is worth is owed.
    Short,
}

/// The right an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OptionType")]
pub enum OptionKind {
    /// To buy the underlying.
    Call,
    /// To sell the underlying.
    Put,
}

/// When an option can be exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exercise {
    /// On its last day.
    European,
    /// From today until its last day.
    American,
}

/// An option on `quantity` units of an equity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquityOption {
    /// Long or short.
    pub position: Position,
    /// Call or put.
    pub kind: OptionKind,
    /// When it can be exercised.
    pub exercise: Exercise,
    /// The last day it can be exercised, business day or not.
    pub expiry: Date,
    /// Name of the equity in the market.
    pub name: Arc<str>,
    /// Currency of strike, spot and value.
    pub currency: Currency,
    /// Price of one unit at exercise; not negative.
    pub strike: f64,
    /// Units; not negative.
    pub quantity: f64,
}

/// On which side of the price a barrier lies, and what happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Type")]
pub enum BarrierType {
    /// Above; the option ends.
    UpAndOut,
    /// Above; the option begins.
    UpAndIn,
    /// Below; the option ends.
    DownAndOut,
    /// Below; the option begins.
    DownAndIn,
}

/// What happens at a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// The option begins.
    In,
    /// The option ends.
    Out,
}

/// An option with a barrier that is watched at every moment from today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquityBarrierOption {
    /// What it is without the barrier; European.
    pub option: EquityOption,
    /// Where the barrier lies and what it does.
    pub barrier: BarrierType,
    /// The price of the equity that counts; positive.
    pub level: f64,
    /// Paid in total to the holder, when it is knocked out, or at expiry when it has not been
    /// knocked in; not negative.
    pub rebate: f64,
}

/// An option on the average of an equity's prices on several days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquityAsianOption {
    /// What it is but for the average; European.
    pub option: EquityOption,
    /// How the average is taken, and how that is valued.
    pub averaging: Averaging,
    /// On which days the price is observed; none of them is after `payment`.
    pub observations: Schedule,
    /// When it is paid; not before it expires.
    pub payment: Date,
}

/// How an average is taken, and how an option on it is valued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Averaging {
    /// The root of the product; valued in closed form.
    Geometric,
    /// The sum over the count; valued by simulation.
    Arithmetic(Simulation),
}

/// How much is simulated, and with which random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// How many paths; at least one.
    pub paths: u32,
    /// What the random numbers follow from, with the trade's id.
    pub seed: u64,
}

impl Default for Simulation {
    /// A hundred thousand paths, seed 42.
    fn default() -> Self {
        Self {
            paths: 100_000,
            seed: 42,
        }
    }
}

/// `quantity` units of an equity bought or sold for later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquityForward {
    /// Long buys, short sells.
    pub position: Position,
    /// The day of delivery, business day or not.
    pub maturity: Date,
    /// Name of the equity in the market.
    pub name: Arc<str>,
    /// Currency of strike, spot and value.
    pub currency: Currency,
    /// Price agreed for one unit; not negative.
    pub strike: f64,
    /// Units; not negative.
    pub quantity: f64,
}

/// An amount of one currency bought for an amount of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FxForward {
    /// The day of both flows, business day or not.
    pub value_date: Date,
    /// Currency received.
    pub bought: Currency,
    /// Amount received; not negative.
    pub bought_amount: f64,
    /// Currency paid, another one than bought, and the one the trade is valued in.
    pub sold: Currency,
    /// Amount paid; not negative.
    pub sold_amount: f64,
}

/// A European option to buy (call) or sell (put) `bought_amount` against `sold_amount`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FxOption {
    /// Long or short.
    pub position: Position,
    /// A call buys the bought currency, a put sells it.
    pub kind: OptionKind,
    /// The day it can be exercised, business day or not.
    pub expiry: Date,
    /// Currency that the call buys.
    pub bought: Currency,
    /// Amount that the call buys; positive.
    pub bought_amount: f64,
    /// Currency that the call pays, another one than bought, and the one the trade is valued in.
    pub sold: Currency,
    /// Amount that the call pays; not negative. The strike is `sold_amount / bought_amount`.
    pub sold_amount: f64,
}

impl Trade {
    /// Value of the dimension `name`: `TradeId`, `TradeType`, `Currency` (the one it is valued in),
    /// or one of its envelope's. The empty string where there is none.
    ///
    /// ```
    /// let portfolio = mastr::sample::portfolio();
    /// let trade = portfolio.trades().next().unwrap();
    /// assert_eq!(trade.dimension("TradeId"), &*trade.id);
    /// assert_eq!(trade.dimension("NoSuchDimension"), "");
    /// ```
    pub fn dimension(&self, name: &str) -> &str {
        match name {
            "TradeId" => &self.id,
            "TradeType" => self.product.trade_type().name(),
            "Currency" => self.product.currency_ref().as_str(),
            _ => self.envelope.dimension(name),
        }
    }

    /// Names and values of its dimensions, without `TradeId`: `TradeType`, `Currency`, and those of
    /// its envelope that are not empty.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = [
            ("TradeType", self.product.trade_type().name()),
            ("Currency", self.product.currency_ref().as_str()),
        ];
        own.into_iter().chain(self.envelope.dimensions())
    }
}

impl Product {
    /// Which of the types it is.
    pub fn trade_type(&self) -> TradeType {
        match self {
            Self::EquityOption(_) => TradeType::EquityOption,
            Self::EquityBarrierOption(_) => TradeType::EquityBarrierOption,
            Self::EquityAsianOption(_) => TradeType::EquityAsianOption,
            Self::EquityForward(_) => TradeType::EquityForward,
            Self::FxForward(_) => TradeType::FxForward,
            Self::FxOption(_) => TradeType::FxOption,
            Self::Swap(_) => TradeType::Swap,
            Self::Bond(_) => TradeType::Bond,
        }
    }

    /// The currency it is valued in: for foreign exchange the sold one.
    pub fn currency(&self) -> Currency {
        *self.currency_ref()
    }

    fn currency_ref(&self) -> &Currency {
        match self {
            Self::EquityOption(option) => &option.currency,
            Self::EquityBarrierOption(option) => &option.option.currency,
            Self::EquityAsianOption(option) => &option.option.currency,
            Self::EquityForward(forward) => &forward.currency,
            Self::FxForward(forward) => &forward.sold,
            Self::FxOption(option) => &option.sold,
            Self::Swap(swap) => &swap.currency,
            Self::Bond(bond) => &bond.currency,
        }
    }

    /// How many paths are simulated to value it; none of most products.
    pub fn paths(&self) -> u32 {
        match self {
            Self::EquityAsianOption(option) => match option.averaging {
                Averaging::Arithmetic(simulation) => simulation.paths,
                Averaging::Geometric => 0,
            },
            _ => 0,
        }
    }

    /// The day of its last flow; of an option its expiry.
    pub fn maturity(&self) -> Date {
        match self {
            Self::EquityOption(option) => option.expiry,
            Self::EquityBarrierOption(option) => option.option.expiry,
            Self::EquityAsianOption(option) => option.option.expiry,
            Self::EquityForward(forward) => forward.maturity,
            Self::FxForward(forward) => forward.value_date,
            Self::FxOption(option) => option.expiry,
            Self::Swap(swap) => swap.maturity,
            Self::Bond(bond) => bond.maturity,
        }
    }
}

impl TradeType {
    /// Every trade type there is.
    pub const ALL: [Self; 8] = [
        Self::EquityOption,
        Self::EquityBarrierOption,
        Self::EquityAsianOption,
        Self::EquityForward,
        Self::FxForward,
        Self::FxOption,
        Self::Swap,
        Self::Bond,
    ];

    /// The trade type that ORE calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// ORE's name, as in the portfolio.
    pub fn name(self) -> &'static str {
        match self {
            Self::EquityOption => "EquityOption",
            Self::EquityBarrierOption => "EquityBarrierOption",
            Self::EquityAsianOption => "EquityAsianOption",
            Self::EquityForward => "EquityForward",
            Self::FxForward => "FxForward",
            Self::FxOption => "FxOption",
            Self::Swap => "Swap",
            Self::Bond => "Bond",
        }
    }
}

impl Position {
    /// 1 for long, -1 for short.
    pub fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }
}

impl BarrierType {
    /// What happens there.
    pub fn knock(self) -> Knock {
        match self {
            Self::UpAndIn | Self::DownAndIn => Knock::In,
            Self::UpAndOut | Self::DownAndOut => Knock::Out,
        }
    }

    /// Whether it lies above.
    pub fn is_up(self) -> bool {
        matches!(self, Self::UpAndIn | Self::UpAndOut)
    }
}

impl OptionKind {
    /// 1 for a call, -1 for a put.
    pub fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }
}
