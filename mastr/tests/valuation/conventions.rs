//! Conventions, by figures worked out by hand.

use mastr::market::Market;
use mastr::portfolio::{Currency, Portfolio};
use mastr::results::Rows;
use mastr::valuation::value;

use super::market_text::portfolio as file;
use super::table::AS_OF;

fn market(text: &str) -> Market {
    let dated: String = text
        .lines()
        .map(|line| format!("{AS_OF} {line}\n"))
        .collect();
    Market::parse(dated.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap()
}

fn code(text: &str) -> Currency {
    text.parse().unwrap()
}

/// Rows of npv.csv and sensitivity.csv of one trade.
fn rows(trade: &str, market: &Market) -> (String, String) {
    let portfolio = Portfolio::parse(file(&[trade.to_owned()]).as_bytes()).unwrap();
    let portfolio = portfolio.without_faults().unwrap();
    let mut rows = Rows::new(portfolio.as_of(), portfolio.base());
    let entry = &portfolio.entries()[0];
    let valuation = value(entry.trade().unwrap(), market).unwrap();
    rows.push(entry, Ok(&valuation));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(rows.npv), text(rows.sensitivity))
}

#[test]
fn exchange_rates_go_through_base_dollar_and_euro() {
    let quotes =
        "FX/RATE/EUR/USD 1.25\nFX/RATE/GBP/EUR 2\nFX/RATE/USD/JPY 160\nFX/RATE/CHF/JPY 100";
    let market = market(quotes);
    for (from, to, want) in [
        ("EUR", "EUR", Some(1.0)),
        ("EUR", "USD", Some(1.25)),
        ("USD", "EUR", Some(0.8)),
        ("GBP", "USD", Some(2.5)),
        ("EUR", "JPY", Some(200.0)),
        ("JPY", "CHF", Some(0.01)),
        // Two steps, but through no currency that is gone through.
        ("CHF", "USD", None),
        // Three steps.
        ("GBP", "JPY", None),
    ] {
        assert_eq!(
            market.exchange_rate(code(from), code(to)).ok(),
            want,
            "{from} {to}"
        );
    }
}

#[test]
fn a_direct_quote_comes_first() {
    let market =
        market("FX/RATE/EUR/USD 1.25\nFX/RATE/USD/EUR 0.5\nFX/RATE/EUR/GBP 1\nFX/RATE/GBP/USD 9");
    assert_eq!(market.exchange_rate(Currency::EUR, Currency::USD), Ok(1.25));
    assert_eq!(market.exchange_rate(Currency::USD, Currency::EUR), Ok(0.5));
}

#[test]
fn the_inverse_pair_is_read_at_the_inverse_strike() {
    let market =
        market("FX_OPTION/RATE_LNVOL/EUR/USD/1Y/1 0.1\nFX_OPTION/RATE_LNVOL/EUR/USD/1Y/2 0.2");
    let direct = market
        .exchange_volatility(Currency::EUR, Currency::USD)
        .unwrap();
    let inverse = market
        .exchange_volatility(Currency::USD, Currency::EUR)
        .unwrap();
    assert!((direct.volatility(1.0, 1.6) - 0.16).abs() < 1e-15);
    assert_eq!(inverse.volatility(1.0, 0.625), direct.volatility(1.0, 1.6));
    assert_eq!(inverse.volatility(1.0, 0.0), 0.2);
}

#[test]
fn strikes_at_the_spot_and_at_the_forward_are_placed() {
    // The forward in a year is 100 / 0.8 = 125.
    let market = market(
        "EQUITY/PRICE/SP5/USD 100\nDISCOUNT/RATE/USD/USD1D/1Y 0.8\n\
         EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM 0.3\nEQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATMF 0.2",
    );
    let surface = market.equity_volatility("SP5", Currency::USD).unwrap();
    assert!((surface.volatility(1.0, 112.5) - 0.25).abs() < 1e-14);
    assert_eq!(surface.volatility(1.0, 100.0), 0.3);
    assert_eq!(surface.volatility(1.0, 1000.0), 0.2);
}

#[test]
fn one_quote_at_an_expiry_needs_no_place() {
    let market = market("EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATMF 0.2");
    let surface = market.equity_volatility("SP5", Currency::USD).unwrap();
    assert_eq!(surface.volatility(3.0, 7.0), 0.2);
}

#[test]
fn two_quotes_at_one_strike_fail_who_needs_them() {
    let market = market(
        "EQUITY/PRICE/SP5/USD 100\n\
         EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM 0.3\nEQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/100 0.2",
    );
    let reason = market
        .equity_volatility("SP5", Currency::USD)
        .unwrap_err()
        .to_string();
    assert!(reason.contains("at the same strike"), "{reason}");
}

#[test]
fn an_exchange_forward_to_the_digit() {
    let market =
        market("FX/RATE/EUR/USD 1.25\nDISCOUNT/RATE/EUR/EUR1D/1Y 1\nDISCOUNT/RATE/USD/USD1D/1Y 1");
    let trade = r#"{"id":"FX1","TradeType":"FxForward","Envelope":{"CounterParty":"C, D","NettingSetId":"NS"},"FxForwardData":{"ValueDate":"2027-06-15","BoughtCurrency":"EUR","BoughtAmount":1e6,"SoldCurrency":"USD","SoldAmount":1e6}}"#;
    let (npv, sensitivities) = rows(trade, &market);
    // The bought leg is worth more: 1,250,000 against 1,000,000.
    assert_eq!(
        npv,
        "FX1,FxForward,2027-06-15,1,250000,USD,200000,EUR,1000000,EUR,1000000,NS,\"C, D\"\n"
    );
    assert_eq!(
        sensitivities,
        "FX1,delta,FX/RATE/EUR/USD,1000000,USD,10000\n\
         FX1,theta,,0,USD,0\n\
         FX1,rho,ZERO/RATE/USD/USD1D,1000000,USD,80\n\
         FX1,dividend_rho,ZERO/RATE/EUR/EUR1D,-1250000,USD,-100\n"
    );
    let other_way = trade.replace("SoldAmount\":1e6", "SoldAmount\":2e6");
    let (npv, _) = rows(&other_way, &market);
    assert!(
        npv.contains(",-750000,USD,-600000,EUR,2000000,USD,1600000,NS,"),
        "{npv}"
    );
}

#[test]
fn a_short_option_at_zero_volatility_to_the_digit() {
    let market = market(
        "FX/RATE/EUR/USD 2\nDISCOUNT/RATE/USD/USD1D/1Y 1\nEQUITY/PRICE/SP5/USD 200\n\
         EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM 0",
    );
    let trade = r#"{"id":"EU1","TradeType":"EquityOption","EquityOptionData":{"OptionData":{"LongShort":"Short","OptionType":"Put","Style":"European","ExerciseDates":["2027-06-15"]},"Name":"SP5","Currency":"USD","Strike":250,"Quantity":10}}"#;
    let (npv, sensitivities) = rows(trade, &market);
    assert_eq!(
        npv,
        "EU1,EquityOption,2027-06-15,1,-500,USD,-250,EUR,2500,USD,1250,,\n"
    );
    assert_eq!(
        sensitivities,
        "EU1,delta,EQUITY/PRICE/SP5/USD,10,USD,10\n\
         EU1,gamma,EQUITY/PRICE/SP5/USD,0,USD,0\n\
         EU1,vega,EQUITY_OPTION/RATE_LNVOL/SP5/USD,0,USD,0\n\
         EU1,theta,,0,USD,0\n\
         EU1,rho,ZERO/RATE/USD/USD1D,2500,USD,0.125\n\
         EU1,dividend_rho,EQUITY_DIVIDEND/RATE/SP5/USD,-2000,USD,-0.1\n"
    );
}
