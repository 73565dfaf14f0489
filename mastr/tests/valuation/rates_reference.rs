//! Every row of the reference tables of swaps and bonds, through the library and the command.

use mastr::market::{Fixings, Market, Quotes};
use mastr::portfolio::{Currency, Portfolio, Trade};
use mastr::valuation::{Flow, explain, value};

use super::command::{Folder, mastr, stderr, stdout};
use super::market_text::{MarketText, portfolio};
use super::table::{AS_OF, Comparison, Row, rows};

/// Curves of a swap row, both flat.
fn swap_market(row: &Row) -> MarketText {
    let mut market = MarketText::new();
    for (curve, column) in [("EUR1D", "discount_rate"), ("EUR6M", "forward_rate")] {
        let key = format!("ZERO/RATE/EUR/{curve}/A365F/1Y");
        market.quote(&key, row.number(column));
    }
    market
}

/// The swap of a row: `payer` pays the fixed leg.
fn swap_trade(id: &str, payer: bool, row: &Row) -> String {
    let schedule = |tenor: &str| {
        format!(
            r#""ScheduleData":{{"Rules":{{"StartDate":"{}","EndDate":"{}","Tenor":"{tenor}","Calendar":"TARGET","Convention":"MF","Rule":"Forward"}}}}"#,
            row.text("start"),
            row.text("end"),
        )
    };
    let leg = r#""Currency":"EUR","Notionals":[1e7],"PaymentConvention":"MF""#;
    format!(
        r#"{{"id":"{id}","TradeType":"Swap","SwapData":{{"LegData":[
        {{"LegType":"Fixed","Payer":{payer},{leg},"DayCounter":"30/360","FixedLegData":{{"Rates":[{}]}},{}}},
        {{"LegType":"Floating","Payer":{},{leg},"DayCounter":"A360","FloatingLegData":{{"Index":"EUR-EURIBOR-6M"}},{}}}]}}}}"#,
        row.text("fixed_rate"),
        schedule("1Y"),
        !payer,
        schedule("6M"),
    )
}

/// The fixing of a seasoned row, and another that is not needed.
fn swap_fixings(row: &Row) -> String {
    let (date, fixing) = (row.text("fixing_date"), row.text("fixing"));
    format!("{date} EUR-EURIBOR-6M {fixing}\n2020-01-02 EUR-EURIBOR-6M 0.5\n")
}

fn bond_market(market: &mut MarketText, id: &str, row: &Row) {
    market.quote(&format!("ZERO/RATE/EUR/{id}/A365F/1Y"), row.number("rate"));
}

/// The bond of a row, discounted on the curve named `id`.
fn bond_trade(id: &str, row: &Row) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"Bond","BondData":{{"IssuerId":"CPTY_C","SecurityId":"SEC_1","ReferenceCurveId":"{id}","SettlementDays":2,"Calendar":"TARGET","IssueDate":"{0}","LegData":{{"LegType":"Fixed","Payer":false,"Currency":"EUR","Notionals":[100],"DayCounter":"{1}","PaymentConvention":"F","FixedLegData":{{"Rates":[{2}]}},"ScheduleData":{{"Rules":{{"StartDate":"{0}","EndDate":"{3}","Tenor":"{4}","Calendar":"TARGET","Convention":"F","Rule":"Forward"}}}}}}}}}}"#,
        row.text("issue"),
        row.text("day_counter"),
        row.text("coupon"),
        row.text("maturity"),
        row.text("tenor"),
    )
}

fn build(market: &MarketText, fixings: &str) -> Market {
    let quotes = Quotes::parse(market.0.as_bytes(), AS_OF.parse().unwrap()).unwrap();
    let fixings = Fixings::parse(fixings.as_bytes()).unwrap();
    Market::with_fixings(&quotes, Currency::EUR, fixings)
}

fn trade_of(trade: String) -> Trade {
    let file = Portfolio::parse(portfolio(&[trade]).as_bytes()).unwrap();
    let file = file.without_faults().unwrap();
    file.trades().next().unwrap().clone()
}

fn present(flows: &[Flow]) -> f64 {
    flows.iter().map(Flow::present).sum()
}

#[test]
fn swaps() {
    let rows = rows("swap.csv");
    let mut comparison = Comparison::new("swap", 1e-9, 1e-6);
    let mut fair_rates = Comparison::new("swap, fair rates", 1e-9, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let receiver = row.text("type") == "Receiver";
        let trade = trade_of(swap_trade("SW", !receiver, row));
        let market = build(&swap_market(row), "");
        let explanation = explain(&trade, &market).unwrap();
        let legs = explanation.legs();
        let [fixed, floating] = [0, 1].map(|leg| legs[leg].0.sign() * present(&legs[leg].1));
        let annuity = fixed / row.number("fixed_rate");
        for (column, got) in [
            ("npv", explanation.valuation().npv),
            ("fixed_leg_npv", fixed),
            ("floating_leg_npv", floating),
        ] {
            comparison.hold(&format!("{column} of row {index}"), got, row.number(column));
        }
        fair_rates.hold(
            &format!("row {index}"),
            -floating / annuity,
            row.number("fair_rate"),
        );
    }
    comparison.finish(rows.len() * 3);
    fair_rates.finish(rows.len());
}

#[test]
fn seasoned_swaps() {
    let rows = rows("swap_seasoned.csv");
    let mut comparison = Comparison::new("swap_seasoned", 1e-9, 1e-6);
    for (index, row) in rows.iter().enumerate() {
        let trade = trade_of(swap_trade("SW", true, row));
        let market = swap_market(row);
        let valuation = value(&trade, &build(&market, &swap_fixings(row))).unwrap();
        comparison.hold(
            &format!("row {index}"),
            valuation.npv,
            row.number("npv_payer"),
        );
        let fault = value(&trade, &build(&market, "")).unwrap_err();
        let needed = row.text("fixing_date").replace('-', "") + " EUR-EURIBOR-6M VALUE";
        assert!(fault.message.contains(&needed), "{fault}");
    }
    comparison.finish(rows.len());
}

#[test]
fn bonds() {
    let rows = rows("bond.csv");
    let mut comparison = Comparison::new("bond", 1e-9, 1e-9);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        bond_market(&mut market, "B", row);
        let trade = trade_of(bond_trade("B", row));
        let market = build(&market, "");
        let explanation = explain(&trade, &market).unwrap();
        let price = explanation.bond_price().unwrap();
        for (column, got) in [
            ("npv", explanation.valuation().npv),
            ("clean_price", price.clean()),
            ("dirty_price", price.dirty),
            ("accrued", price.accrued),
        ] {
            comparison.hold(&format!("{column} of row {index}"), got, row.number(column));
        }
    }
    comparison.finish(rows.len() * 4);
}

/// NPV by NPV, as `mastr price` prints them for trades in the order of their ids.
fn priced(trades: &[String], market: &str, fixings: &str) -> Vec<f64> {
    let folder = Folder::new();
    let output = mastr()
        .args(["price", "--portfolio"])
        .arg(folder.write("portfolio.json", &portfolio(trades)))
        .args(["--market", &folder.write("market.txt", market)])
        .args(["--fixings", &folder.write("fixings.txt", fixings)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let npv = |line: &str| line.split(',').nth(4).unwrap().parse().unwrap();
    let npvs: Vec<f64> = stdout(&output).lines().skip(1).map(npv).collect();
    assert_eq!(npvs.len(), trades.len());
    npvs
}

/// All rows are of the same index and currency, so each has a market of its own.
#[test]
fn swaps_by_the_command() {
    let mut comparison = Comparison::new("mastr price, swap", 1e-9, 1e-6);
    let fresh = rows("swap.csv");
    for (index, row) in fresh.iter().enumerate() {
        let trade = swap_trade("SW", row.text("type") == "Payer", row);
        let npv = priced(&[trade], &swap_market(row).0, "")[0];
        comparison.hold(&format!("row {index}"), npv, row.number("npv"));
    }
    let seasoned = rows("swap_seasoned.csv");
    for (index, row) in seasoned.iter().enumerate() {
        let trade = swap_trade("SW", true, row);
        let npv = priced(&[trade], &swap_market(row).0, &swap_fixings(row))[0];
        comparison.hold(
            &format!("seasoned row {index}"),
            npv,
            row.number("npv_payer"),
        );
    }
    comparison.finish(fresh.len() + seasoned.len());
}

#[test]
fn bonds_by_the_command() {
    let rows = rows("bond.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let id = format!("B{index:03}");
        bond_market(&mut market, &id, row);
        trades.push(bond_trade(&id, row));
    }
    let npvs = priced(&trades, &market.0, "");
    let mut comparison = Comparison::new("mastr price, bond", 1e-9, 1e-9);
    for (row, npv) in rows.iter().zip(npvs) {
        comparison.hold("npv", npv, row.number("npv"));
    }
    comparison.finish(rows.len());
}
