//! The trades that engines are measured with, and their market.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Map, Value, json};

use super::engine::Engine;
use crate::generation::random::{below, between, one, rounded};
use crate::market::{Market, Scenarios};
use crate::portfolio::{Currency, Portfolio, Trade};
use crate::results::Shortest;
use crate::time::Date;

/// Scenarios of the market.
pub(super) const SCENARIOS: usize = 1000;
/// Paths of each option on an average …
pub(super) const PATHS: usize = 100_000;
/// … and the prices on each of them.
pub(super) const STEPS: usize = 12;

const AS_OF: &str = "20260615";
/// The currency of the equities and of their options. Its curve is flat, and so are yields and
/// volatilities, though quoted like any others: then everybody means the same by them.
const USD: &str = "USD";
const RATE: f64 = 0.04;
/// Name, price, dividend yield and volatility.
const EQUITIES: [(&str, f64, f64, f64); 8] = [
    ("AAA", 20.0, 0.0, 0.42),
    ("BBB", 35.0, 0.021, 0.24),
    ("CCC", 60.0, 0.013, 0.31),
    ("DDD", 100.0, 0.055, 0.2),
    ("EEE", 140.0, 0.032, 0.27),
    ("FFF", 250.0, 0.008, 0.36),
    ("GGG", 900.0, 0.046, 0.22),
    ("HHH", 2100.0, 0.017, 0.17),
];
const PILLARS: [(&str, f64); 12] = [
    ("1M", 0.08),
    ("3M", 0.25),
    ("6M", 0.5),
    ("9M", 0.75),
    ("1Y", 1.0),
    ("2Y", 2.0),
    ("3Y", 3.0),
    ("5Y", 5.0),
    ("7Y", 7.0),
    ("10Y", 10.0),
    ("20Y", 20.0),
    ("30Y", 30.0),
];
const EXPIRIES: [&str; 6] = ["3M", "6M", "1Y", "2Y", "3Y", "5Y"];
const STRIKES: [f64; 7] = [0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5];

/// Trades for each engine, and the market that values them; always the same.
pub(super) struct Book {
    pub(super) market: Market,
    pub(super) scenarios: Scenarios,
    /// The one in which nothing moves.
    pub(super) unmoved: Scenarios,
    trades: [Vec<Trade>; Engine::ALL.len()],
    /// All of it, for others to read.
    pub(super) json: Value,
}

impl Book {
    pub(super) fn new() -> Self {
        let mut draw = Draw(ChaCha8Rng::seed_from_u64(1));
        let quotes = quotes();
        let lines = quotes
            .iter()
            .map(|(key, value)| format!("{AS_OF} {key} {}\n", Shortest(*value)));
        let market = Market::parse(
            lines.collect::<String>().as_bytes(),
            draw.day(0),
            Currency::EUR,
        )
        .expect("the book's quotes are valid");
        let moves: Vec<[f64; 3]> = (0..SCENARIOS).map(|_| draw.moves()).collect();
        let scenarios = |moves: &[[f64; 3]]| {
            Scenarios::parse(scenario_file(moves).as_bytes(), &market)
                .expect("the book's scenarios are valid")
        };
        let (all, unmoved) = (scenarios(&moves), scenarios(&[[1.0, 1.0, 0.0]]));
        let terms = Engine::ALL.map(|engine| draw.trades(engine));
        let trades = terms.each_ref().map(|terms| parsed(terms));
        let names = Engine::ALL.map(|engine| engine.name().to_owned());
        let terms = terms.map(Value::from);
        Self {
            market,
            scenarios: all,
            unmoved,
            trades,
            json: json!({
                "AsOfDate": AS_OF,
                "Quotes": quotes.into_iter().map(|(key, value)| (key, value.into())).collect::<Map<_, _>>(),
                "Moves": moves,
                "Paths": PATHS,
                "Steps": STEPS,
                "Trades": names.into_iter().zip(terms).collect::<Map<_, _>>(),
            }),
        }
    }

    pub(super) fn trades(&self, engine: Engine) -> &[Trade] {
        &self.trades[engine as usize]
    }
}

/// Keys of the market and their values.
fn quotes() -> Vec<(String, f64)> {
    let mut quotes = vec![("FX/RATE/EUR/USD".to_owned(), 1.13)];
    for (term, years) in PILLARS {
        // A curve that rises, and one a little above it.
        let rate = rounded(0.02 + 0.012 * years / (4.0 + years), 6);
        for (curve, rate) in [
            ("USD/USD1D", RATE),
            ("EUR/EUR1D", rate),
            ("EUR/EUR6M", rate + 0.0017),
        ] {
            quotes.push((format!("ZERO/RATE/{curve}/A365F/{term}"), rate));
        }
    }
    for (name, spot, carry, volatility) in EQUITIES {
        quotes.push((format!("EQUITY/PRICE/{name}/{USD}"), spot));
        for (term, _) in PILLARS {
            quotes.push((format!("EQUITY_DIVIDEND/RATE/{name}/{USD}/{term}"), carry));
        }
        for (expiry, strike) in EXPIRIES.iter().flat_map(|e| STRIKES.map(|k| (e, k * spot))) {
            let strike = Shortest(rounded(strike, 4));
            let key = format!("EQUITY_OPTION/RATE_LNVOL/{name}/{USD}/{expiry}/{strike}");
            quotes.push((key, volatility));
        }
    }
    quotes
}

/// Each line multiplies spots and volatilities and moves the rates, all alike.
fn scenario_file(moves: &[[f64; 3]]) -> String {
    let mut file = "Scenario,ZERO/RATE/USD/*".to_owned();
    for (name, ..) in EQUITIES {
        file += &format!(",EQUITY/PRICE/{name}/{USD},EQUITY_OPTION/RATE_LNVOL/{name}/{USD}/*");
    }
    for (number, [spot, volatility, rate]) in moves.iter().enumerate() {
        file += &format!("\n{number},+{rate}");
        for _ in EQUITIES {
            file += &format!(",*{spot},*{volatility}");
        }
    }
    file
}

fn parsed(trades: &[Value]) -> Vec<Trade> {
    let portfolio = json!({
        "AsOfDate": AS_OF,
        "BaseCurrency": "EUR",
        "PricingEngines": [{
            "Product": "EquityAsianOptionArithmeticPrice",
            "Model": "BlackScholesMerton",
            "Engine": "MonteCarlo",
            "EngineParameters": {"RequiredSamples": PATHS, "Seed": 1},
        }],
        "Portfolio": trades,
    });
    let portfolio = Portfolio::parse(portfolio.to_string().as_bytes())
        .and_then(Portfolio::without_faults)
        .expect("the book's trades are valid");
    portfolio.trades().cloned().collect()
}

/// Terms of trades, drawn at random, as portfolios have them.
struct Draw(ChaCha8Rng);

impl Draw {
    fn trades(&mut self, engine: Engine) -> Vec<Value> {
        let count = match engine {
            Engine::European | Engine::Barrier => 256,
            Engine::American => 64,
            Engine::Swap | Engine::Bond => 64,
            Engine::Asian => 2,
            Engine::Scenarios => 8,
        };
        (0..count)
            .map(|number| {
                let (trade_type, data) = match engine {
                    Engine::European | Engine::Scenarios => {
                        ("EquityOption", self.option("European"))
                    }
                    Engine::American => ("EquityOption", self.option("American")),
                    Engine::Barrier => ("EquityBarrierOption", self.barrier_option()),
                    Engine::Asian => ("EquityAsianOption", self.asian_option()),
                    Engine::Swap => ("Swap", self.swap()),
                    Engine::Bond => ("Bond", self.bond()),
                };
                json!({
                    "id": format!("{}{number}", engine.name()),
                    "TradeType": trade_type,
                    format!("{trade_type}Data"): data,
                })
            })
            .collect()
    }

    /// Days from the as-of date.
    fn day(&self, days: i32) -> Date {
        // Invariant: these are dates.
        let as_of: Date = AS_OF.parse().expect("the book's day is a date");
        as_of.plus_days(days).expect("the book's days are dates")
    }

    fn whole(&mut self, low: i32, high: i32) -> i32 {
        low + below(&mut self.0, (high - low) as usize) as i32
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        rounded(between(&mut self.0, low, high), 4)
    }

    /// Factors of spots and volatilities, and a shift of rates.
    fn moves(&mut self) -> [f64; 3] {
        [
            self.between(0.9, 1.1),
            self.between(0.8, 1.3),
            self.between(-0.01, 0.01),
        ]
    }

    fn option_on(&mut self, equity: (&str, f64), style: &str, expiry: Date) -> Value {
        json!({
            "OptionData": {
                "LongShort": "Long",
                "OptionType": one(&mut self.0, &["Call", "Put"]),
                "Style": style,
                "ExerciseDates": [expiry.to_string()],
            },
            "Name": equity.0,
            "Currency": USD,
            "Strike": rounded(equity.1 * self.between(0.8, 1.2), 2),
            "Quantity": 1,
        })
    }

    fn option(&mut self, style: &str) -> Value {
        let (name, spot, ..) = *one(&mut self.0, &EQUITIES);
        let expiry = self.whole(30, 1000);
        self.option_on((name, spot), style, self.day(expiry))
    }

    fn barrier_option(&mut self) -> Value {
        let (name, spot, ..) = *one(&mut self.0, &EQUITIES);
        let expiry = self.whole(30, 1000);
        let mut option = self.option_on((name, spot), "European", self.day(expiry));
        let types = ["UpAndOut", "UpAndIn", "DownAndOut", "DownAndIn"];
        let barrier = *one(&mut self.0, &types);
        let level = match barrier.starts_with("Up") {
            true => self.between(1.1, 1.4),
            false => self.between(0.65, 0.9),
        };
        let rebate = *one(&mut self.0, &[0.0, 0.0, 0.02 * spot]);
        option["BarrierData"] = json!({
            "Type": barrier,
            "Levels": [rounded(level * spot, 2)],
            "Rebate": rounded(rebate, 2),
        });
        option
    }

    fn asian_option(&mut self) -> Value {
        let (name, spot, ..) = *one(&mut self.0, &EQUITIES);
        let first = self.whole(1, 60);
        let dates: Vec<Date> = (0..STEPS as i32)
            .map(|step| self.day(first + 30 * step))
            .collect();
        let mut option = self.option_on((name, spot), "European", dates[STEPS - 1]);
        option["OptionData"]["PayoffType"] = "Asian".into();
        let dates: Vec<String> = dates.iter().map(Date::to_string).collect();
        option["ObservationDates"] = json!({"Dates": {"Dates": dates}});
        option
    }

    /// Ten years from a day within the next two.
    fn schedule(&mut self, start: Date, tenor: &str) -> Value {
        let end = start.plus_months(120).expect("the book's days are dates");
        json!({"Rules": {
            "StartDate": start.to_string(),
            "EndDate": end.to_string(),
            "Tenor": tenor,
            "Calendar": "TARGET",
            "Convention": "MF",
            "Rule": "Forward",
        }})
    }

    fn fixed_leg(&mut self, start: Date, day_counter: &str) -> Value {
        json!({
            "LegType": "Fixed",
            "Payer": false,
            "Currency": "EUR",
            "Notionals": [1e6],
            "DayCounter": day_counter,
            "PaymentConvention": "MF",
            "FixedLegData": {"Rates": [self.between(0.01, 0.05)]},
            "ScheduleData": self.schedule(start, "1Y"),
        })
    }

    /// A year fixed against half a year floating.
    fn swap(&mut self) -> Value {
        let start = self.whole(5, 30);
        let start = self.day(start);
        json!({"LegData": [self.fixed_leg(start, "30/360"), {
            "LegType": "Floating",
            "Payer": true,
            "Currency": "EUR",
            "Notionals": [1e6],
            "DayCounter": "A360",
            "PaymentConvention": "MF",
            "FloatingLegData": {"Index": "EUR-EURIBOR-6M", "Spreads": [0.0], "FixingDays": 2},
            "ScheduleData": self.schedule(start, "6M"),
        }]})
    }

    fn bond(&mut self) -> Value {
        let start = -self.whole(0, 30);
        let start = self.day(start);
        json!({
            "IssuerId": "CPTY_A",
            "SecurityId": "SEC_1",
            "ReferenceCurveId": "EUR-EURIBOR-6M",
            "SettlementDays": 2,
            "Calendar": "TARGET",
            "IssueDate": start.to_string(),
            "LegData": self.fixed_leg(start, "ActActISDA"),
        })
    }
}
