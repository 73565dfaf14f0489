//! Rows of the result files.

use std::io::Write;

use super::{Field, Shortest};
use crate::market::Scenario;
use crate::portfolio::{Currency, Entry};
use crate::time::{Date, DayCount};
use crate::valuation::{Factor, Valuation};

/// First line of `npv.csv`: ORE's columns.
pub const NPV_HEADER: &str = "TradeId,TradeType,Maturity,MaturityTime,NPV,NpvCurrency,NPV(Base),\
     BaseCurrency,Notional,NotionalCurrency,Notional(Base),NettingSet,CounterParty\n";
/// First line of `sensitivity.csv`.
pub const SENSITIVITY_HEADER: &str = "TradeId,Greek,Factor,Value,Currency,Value(Base)\n";
/// First line of `failed.csv`.
pub const FAILED_HEADER: &str = "TradeId,Fault\n";

/// First line of `pnl.csv`.
pub const PNL_HEADER: &str = "TradeId,Scenario,PnL(Base)\n";

/// Rows of the result files, without the headers, in the order in which they were pushed.
#[derive(Clone, Debug)]
pub struct Rows {
    as_of: Date,
    base: Currency,
    /// Rows of `npv.csv`.
    pub npv: Vec<u8>,
    /// Rows of `sensitivity.csv`.
    pub sensitivity: Vec<u8>,
    /// Rows of `failed.csv`.
    pub failed: Vec<u8>,
    /// Rows of `pnl.csv`.
    pub pnl: Vec<u8>,
}

impl Rows {
    /// No rows yet of a portfolio that is valued as of `as_of` and added up in `base`.
    pub fn new(as_of: Date, base: Currency) -> Self {
        Self {
            as_of,
            base,
            npv: Vec::new(),
            sensitivity: Vec::new(),
            failed: Vec::new(),
            pnl: Vec::new(),
        }
    }

    /// Forgets the rows and keeps the room they took.
    pub fn clear(&mut self) {
        self.npv.clear();
        self.sensitivity.clear();
        self.failed.clear();
        self.pnl.clear();
    }

    /// Adds what became of `entry`: its value, or why it has none.
    pub fn push(&mut self, entry: &Entry, outcome: Result<&Valuation, &str>) {
        // Invariant: a vector takes whatever is written to it.
        let written = match outcome {
            Ok(valuation) => self.valued(entry, valuation),
            Err(fault) => self.failed(entry, fault),
        };
        debug_assert!(written.is_ok());
    }

    /// Adds the P&L vector of `entry`.
    pub fn push_pnl(&mut self, entry: &Entry, scenarios: &[Scenario], pnl: &[f64]) {
        let id = Field(entry.id());
        for (scenario, pnl) in scenarios.iter().zip(pnl) {
            let (name, pnl) = (Field(&scenario.name), Shortest(*pnl));
            // Invariant: a vector takes whatever is written to it.
            let written = writeln!(self.pnl, "{id},{name},{pnl}");
            debug_assert!(written.is_ok());
        }
    }

    fn valued(&mut self, entry: &Entry, valuation: &Valuation) -> std::io::Result<()> {
        let id = Field(entry.id());
        writeln!(
            self.npv,
            "{id},{},{},{},{},{},{},{},{},{},{},{},{}",
            Field(entry.trade_type()),
            valuation.maturity,
            Shortest(DayCount::ActualActualIsda.years(self.as_of, valuation.maturity)),
            Shortest(valuation.npv),
            valuation.currency,
            Shortest(valuation.npv_base),
            self.base,
            Shortest(valuation.notional),
            valuation.notional_currency,
            Shortest(valuation.notional_base),
            Field(&entry.envelope().netting_set),
            Field(&entry.envelope().counterparty),
        )?;
        let Some(trade) = entry.trade() else {
            return Ok(());
        };
        for (sensitivity, number) in valuation.numbered() {
            let factor = Factor::of(&trade.product, sensitivity.greek, number).to_string();
            writeln!(
                self.sensitivity,
                "{id},{},{},{},{},{}",
                sensitivity.greek,
                Field(&factor),
                Shortest(sensitivity.value),
                valuation.currency,
                Shortest(sensitivity.base),
            )?;
        }
        Ok(())
    }

    fn failed(&mut self, entry: &Entry, fault: &str) -> std::io::Result<()> {
        let id = Field(entry.id());
        writeln!(
            self.npv,
            "{id},{}{},{},{}",
            Field(entry.trade_type()),
            ",#N/A".repeat(9),
            Field(&entry.envelope().netting_set),
            Field(&entry.envelope().counterparty),
        )?;
        writeln!(self.failed, "{id},{}", Field(fault))
    }
}
