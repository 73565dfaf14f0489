//! Valuation without a cluster: against reference values, against bad input, from the command line.

mod asian;
mod bench;
mod calendars;
mod command;
mod conventions;
mod faults;
mod files;
mod hostile;
mod market_text;
mod properties;
mod rates_reference;
mod reference;
mod reference_command;
mod scenarios;
mod table;
mod wire;
