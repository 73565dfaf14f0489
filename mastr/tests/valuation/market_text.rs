//! Market files and portfolios for rows of reference tables.

use std::fmt::Write;

use super::table::{AS_OF, Row, after};

/// A market file being written.
pub(crate) struct MarketText(pub(crate) String);

impl MarketText {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn quote(&mut self, key: &str, value: f64) {
        writeln!(self.0, "{AS_OF} {key} {value}").unwrap();
    }

    /// A currency with a flat rate, worth one euro.
    pub(crate) fn currency(&mut self, currency: &str, rate: f64) {
        self.quote(&format!("ZERO/RATE/{currency}/{currency}1D/A365F/1Y"), rate);
        self.quote(&format!("FX/RATE/EUR/{currency}"), 1.0);
    }

    /// A curve through the zero rates of a `curve` row.
    pub(crate) fn curve(&mut self, currency: &str, row: &Row) {
        let days = row.numbers("pillar_days");
        for (days, rate) in days.into_iter().zip(row.numbers("zero_rates")) {
            let day = after(days);
            self.quote(
                &format!("ZERO/RATE/{currency}/{currency}1D/A365F/{day}"),
                rate,
            );
        }
    }

    /// The surface of a `surface` row.
    pub(crate) fn surface(&mut self, name: &str, currency: &str, row: &Row) {
        let strikes = row.numbers("strikes");
        let smiles = row.text("vols_by_expiry").split('|');
        for (days, smile) in row.numbers("expiry_days").into_iter().zip(smiles) {
            let expiry = after(days);
            for (strike, volatility) in strikes.iter().zip(smile.split(';')) {
                let key = format!("EQUITY_OPTION/RATE_LNVOL/{name}/{currency}/{expiry}/{strike}");
                self.quote(&key, volatility.parse().unwrap());
            }
        }
    }
}

/// A portfolio of these trades.
pub(crate) fn portfolio(trades: &[String]) -> String {
    format!(
        "{{\"AsOfDate\":\"{AS_OF}\",\"BaseCurrency\":\"EUR\",\"Portfolio\":[\n{}\n]}}\n",
        trades.join(",\n")
    )
}

/// The currency of row `index`: a code that no other row has, beginning with `first`.
pub(crate) fn currency(first: char, index: usize) -> String {
    let letter = |digit: usize| char::from(b'A' + (digit % 26) as u8);
    format!("{first}{}{}", letter(index / 26), letter(index))
}

/// Everything of a row of one equity option that the market says; the equity is named as its currency.
pub(crate) fn option_market(market: &mut MarketText, currency: &str, row: &Row) {
    market.currency(currency, row.number("r"));
    market.quote(
        &format!("EQUITY/PRICE/{currency}/{currency}"),
        row.number("spot"),
    );
    market.quote(
        &format!("EQUITY_DIVIDEND/RATE/{currency}/{currency}/1Y"),
        row.number("q"),
    );
    market.quote(
        &format!("EQUITY_OPTION/RATE_LNVOL/{currency}/{currency}/1Y/ATM"),
        row.number("vol"),
    );
}

/// The trade of a `european` or an `american` row, with the style of that name.
pub(crate) fn option_trade(id: &str, currency: &str, style: &str, row: &Row) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"EquityOption","EquityOptionData":{{"OptionData":{{"LongShort":"Long","OptionType":"{}","Style":"{style}","ExerciseDates":["{}"]}},"Name":"{currency}","Currency":"{currency}","Strike":{},"Quantity":1}}}}"#,
        row.text("type"),
        row.day("days"),
        row.text("strike"),
    )
}

/// The trade of a `barrier` row.
pub(crate) fn barrier_trade(id: &str, currency: &str, row: &Row) -> String {
    let kind = match row.text("barrier") {
        "UpOut" => "UpAndOut",
        "UpIn" => "UpAndIn",
        "DownOut" => "DownAndOut",
        "DownIn" => "DownAndIn",
        other => panic!("{other} is no barrier"),
    };
    format!(
        r#"{{"id":"{id}","TradeType":"EquityBarrierOption","EquityBarrierOptionData":{{"OptionData":{{"LongShort":"Long","OptionType":"{}","Style":"European","ExerciseDates":["{}"]}},"BarrierData":{{"Type":"{kind}","Levels":[{}],"Rebate":{}}},"Name":"{currency}","Currency":"{currency}","Strike":{},"Quantity":1}}}}"#,
        row.text("type"),
        row.day("days"),
        row.text("level"),
        row.text("rebate"),
        row.text("strike"),
    )
}

/// The trade of an `asian` row, with this `PayoffType2`.
pub(crate) fn asian_trade(id: &str, currency: &str, average: &str, row: &Row) -> String {
    let days = row.number("days_between_fixings");
    let fixings = row.number("fixings") as u32;
    let dates: Vec<_> = (1..=fixings)
        .map(|fixing| format!("\"{}\"", after(days * f64::from(fixing))))
        .collect();
    let expiry = after(days * f64::from(fixings));
    format!(
        r#"{{"id":"{id}","TradeType":"EquityAsianOption","EquityAsianOptionData":{{"OptionData":{{"LongShort":"Long","OptionType":"{}","PayoffType":"Asian","PayoffType2":"{average}","ExerciseDates":["{expiry}"]}},"Name":"{currency}","Currency":"{currency}","Strike":{},"Quantity":1,"ObservationDates":{{"Dates":{{"Dates":[{}]}}}}}}}}"#,
        row.text("type"),
        row.text("strike"),
        dates.join(",")
    )
}

/// Everything of an `fx_forward` row that the market says.
pub(crate) fn fx_forward_market(market: &mut MarketText, bought: &str, sold: &str, row: &Row) {
    market.currency(bought, row.number("foreign_rate"));
    market.currency(sold, row.number("domestic_rate"));
    market.quote(
        &format!("FX/RATE/{bought}/{sold}"),
        row.number("spot_domestic_per_foreign"),
    );
}

pub(crate) fn fx_forward_trade(id: &str, bought: &str, sold: &str, row: &Row) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"FxForward","FxForwardData":{{"ValueDate":"{}","BoughtCurrency":"{bought}","BoughtAmount":{},"SoldCurrency":"{sold}","SoldAmount":{}}}}}"#,
        row.day("days"),
        row.text("bought_foreign"),
        row.text("sold_domestic"),
    )
}

/// Everything of an `fx_option` row that the market says.
pub(crate) fn fx_option_market(market: &mut MarketText, bought: &str, sold: &str, row: &Row) {
    market.currency(bought, row.number("bought_currency_rate"));
    market.currency(sold, row.number("sold_currency_rate"));
    market.quote(
        &format!("FX/RATE/{bought}/{sold}"),
        row.number("spot_sold_per_bought"),
    );
    market.quote(
        &format!("FX_OPTION/RATE_LNVOL/{bought}/{sold}/1Y/ATMF"),
        row.number("vol"),
    );
}

pub(crate) fn fx_option_trade(id: &str, bought: &str, sold: &str, row: &Row) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"FxOption","FxOptionData":{{"OptionData":{{"LongShort":"{}","OptionType":"{}","Style":"European","ExerciseDates":["{}"]}},"BoughtCurrency":"{bought}","BoughtAmount":{},"SoldCurrency":"{sold}","SoldAmount":{}}}}}"#,
        row.text("long_short"),
        row.text("type"),
        row.day("days"),
        row.text("bought_amount"),
        row.text("sold_amount"),
    )
}

/// A forward on a worthless equity at a strike of one: it is worth less the discount factor.
pub(crate) fn discount_trade(id: &str, name: &str, currency: &str, maturity: &str) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"EquityForward","EquityForwardData":{{"LongShort":"Long","Maturity":"{maturity}","Name":"{name}","Currency":"{currency}","Strike":1,"Quantity":1}}}}"#
    )
}

/// A call, to see a volatility by.
pub(crate) fn call(id: &str, currency: &str, expiry: &str, strike: f64) -> String {
    format!(
        r#"{{"id":"{id}","TradeType":"EquityOption","EquityOptionData":{{"OptionData":{{"LongShort":"Long","OptionType":"Call","Style":"European","ExerciseDates":["{expiry}"]}},"Name":"{currency}","Currency":"{currency}","Strike":{strike},"Quantity":1}}}}"#
    )
}
