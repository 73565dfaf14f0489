//! What travels comes back as it was, and is small.

use bincode::Options;
use mastr::portfolio::{Trade, TradeType};
use mastr::sample;
use mastr::time::Date;
use mastr::valuation::{Greek, Valuation, value};

fn wire() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .reject_trailing_bytes()
}

#[test]
fn trades_and_valuations_travel() {
    let (portfolio, market) = (sample::portfolio(), sample::market());
    for trade in portfolio.trades() {
        let bytes = wire().serialize(trade).unwrap();
        assert_eq!(wire().deserialize::<Trade>(&bytes).unwrap(), *trade);
        let most = match trade.product.trade_type() {
            // Their legs have schedules and rates.
            TradeType::Swap | TradeType::Bond => 2_500,
            _ => 250,
        };
        assert!(bytes.len() <= most, "{}", bytes.len());
        let valuation = value(trade, &market).unwrap();
        let bytes = wire().serialize(&valuation).unwrap();
        assert_eq!(wire().deserialize::<Valuation>(&bytes).unwrap(), valuation);
        assert!(bytes.len() <= 180, "{}", bytes.len());
    }
}

#[test]
fn what_is_no_date_or_greek_is_refused() {
    assert!(wire().deserialize::<Date>(&i32::MAX.to_le_bytes()).is_err());
    assert!(wire().deserialize::<Greek>(&[9]).is_err());
}
