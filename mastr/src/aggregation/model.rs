//! Contributions in, tables out: the pieces together, against a model that keeps everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const DESKS: [&str; 3] = ["EQ", "FX", ""];
const CURRENCIES: [&str; 3] = ["EUR", "USD", "GBP"];

fn job(id: u64, trades: u64) -> Job {
    Job {
        id,
        market: "2026-06-15".into(),
        trades,
        dimensions: vec!["Currency".into(), "Desk".into()],
        scenarios: 0,
    }
}

fn contribution(trade: &str, version: u64, desk: &str, outcome: Outcome) -> Contribution {
    Contribution {
        trade: trade.into(),
        version,
        dimensions: vec![
            ("Currency".into(), "EUR".into()),
            ("Desk".into(), desk.into()),
        ],
        outcome,
    }
}

fn valued(npv: f64) -> Outcome {
    Outcome::of(Figures::new(npv))
}

fn ask(partition: &Partition, by: &str, measures: &str) -> Aggregate {
    let query = Query::parse(by, measures).unwrap();
    partition.query(&query).unwrap().finish().unwrap()
}

/// A partition that was given these, all of one job.
fn holding(contributions: impl IntoIterator<Item = Contribution>) -> Partition {
    let mut partition = Partition::new();
    partition
        .ingest(&Batch::new(job(1, 0), contributions))
        .unwrap();
    partition
}

fn counts(valued: u64, failed: u64, pending: u64) -> Completeness {
    Completeness {
        valued,
        failed,
        pending,
    }
}

#[test]
fn a_result_replaces_the_expectation_of_its_version_in_any_order() {
    let expected = contribution("a", 1, "EQ", Outcome::Expected);
    let result = contribution("a", 1, "EQ", valued(12.0));
    for order in [
        vec![expected.clone(), result.clone()],
        vec![result.clone(), expected.clone()],
        vec![result],
    ] {
        let table = ask(&holding(order), "Desk", "npv");
        assert_eq!(table.groups[0].values, [12.0]);
        assert_eq!(table.groups[0].completeness, counts(1, 0, 0));
    }
    let table = ask(&holding([expected]), "Desk", "npv,count");
    assert_eq!(table.groups[0].values, [0.0, 0.0]);
    assert_eq!(table.groups[0].completeness, counts(0, 0, 1));
}

#[test]
fn a_newer_version_takes_the_older_ones_figures_back_wherever_they_were() {
    let partition = holding([
        contribution("a", 1, "EQ", valued(0.25)),
        contribution("b", 1, "EQ", valued(0.5)),
        contribution("a", 3, "FX", valued(7.0)),
        contribution("a", 2, "EQ", valued(1e9)),
    ]);
    let table = ask(&partition, "Desk", "npv,count");
    let rows: Vec<_> = table
        .groups
        .iter()
        .map(|group| (group.key[0].as_str(), group.values.clone()))
        .collect();
    assert_eq!(rows, [("EQ", vec![0.5, 1.0]), ("FX", vec![7.0, 1.0])]);

    // The expectation of a version leaves the trade pending: the older figures are out of date.
    let mut partition = partition;
    let next = contribution("b", 2, "FX", Outcome::Expected);
    partition.ingest(&Batch::new(job(1, 0), [next])).unwrap();
    let table = ask(&partition, "Desk", "npv");
    assert_eq!(table.groups.len(), 1, "nothing is left of EQ");
    assert_eq!(table.groups[0].completeness, counts(1, 0, 1));
}

#[test]
fn a_contradiction_raises_an_alarm_and_the_first_is_kept() {
    let mut partition = holding([
        contribution("a", 1, "EQ", valued(1.0)),
        contribution("b", 1, "EQ", Outcome::Failed("no volatility".into())),
        contribution("c", 1, "EQ", Outcome::Expected),
    ]);
    let again = Batch::new(
        job(1, 0),
        [
            contribution("a", 1, "EQ", valued(1.0)),
            contribution("a", 1, "EQ", valued(1.0_f64.next_up())),
            contribution("a", 1, "FX", Outcome::Expected),
            contribution("b", 1, "EQ", Outcome::Failed("no volatility".into())),
            contribution("b", 1, "EQ", Outcome::Failed("no spot".into())),
            contribution("b", 1, "EQ", valued(1.0)),
            contribution("c", 1, "FX", valued(5.0)),
            contribution("c", 0, "FX", valued(5.0)),
        ],
    );
    let ingested = partition.ingest(&again).unwrap();
    let alarms: Vec<_> = ingested.alarms.iter().map(ToString::to_string).collect();
    assert_eq!(
        alarms,
        [
            "trade `a` version 1 came again with another outcome: the first is kept",
            "trade `a` version 1 came again with other dimensions: the first are kept",
            "trade `b` version 1 came again with another outcome: the first is kept",
            "trade `b` version 1 came again with another outcome: the first is kept",
            "trade `c` version 1 came again with other dimensions: the first are kept",
        ]
    );
    assert_eq!(
        (ingested.applied, ingested.repeated, ingested.stale),
        (1, 2, 1)
    );
    let table = ask(&partition, "Desk", "npv");
    assert_eq!(table.alarms, 5);
    assert_eq!(table.groups.len(), 1);
    assert_eq!(table.groups[0].values, [6.0]);
    assert_eq!(table.groups[0].completeness, counts(2, 1, 0));
}

#[test]
fn figures_that_cannot_be_summed_fail_their_trade_alone() {
    let partition = holding([
        contribution("a", 1, "EQ", valued(1.0)),
        contribution("b", 1, "EQ", Outcome::Valued(Figures::new(f64::NAN))),
        contribution("c", 1, "EQ", Outcome::Valued(Figures::new(-LIMIT))),
    ]);
    let table = ask(&partition, "", "npv");
    assert_eq!(table.total.values, [1.0]);
    assert_eq!(table.total.completeness, counts(1, 2, 0));
    assert_eq!(partition.completeness(), counts(1, 2, 0));
}

#[test]
fn the_total_knows_trades_of_which_nothing_has_arrived() {
    let query = Query::parse("Desk", "npv").unwrap();
    let mut partitions = [Partition::new(), Partition::new()];
    for n in 0..30 {
        let trade = format!("T{n}");
        let one = contribution(&trade, 1, DESKS[n % 2], Outcome::Expected);
        let owner = partition_of(&trade, 2) as usize;
        partitions[owner]
            .ingest(&Batch::new(job(1, 200), [one]))
            .unwrap();
    }
    let gather = |partitions: &[Partition]| {
        let mut answer = PartialAggregate::empty(query.clone());
        for partition in partitions {
            answer.merge(partition.query(&query).unwrap()).unwrap();
        }
        answer.finish().unwrap()
    };
    let table = gather(&partitions);
    assert_eq!(table.total.completeness, counts(0, 0, 200));
    assert_eq!(table.unseen, 170);
    assert_eq!(table.groups[0].completeness, counts(0, 0, 15));

    // Another job with ten of the same trades and ten of its own.
    for n in 20..40 {
        let trade = format!("T{n}");
        let one = contribution(&trade, 1, DESKS[n % 2], valued(1.0));
        let owner = partition_of(&trade, 2) as usize;
        for _ in 0..2 {
            partitions[owner]
                .ingest(&Batch::new(job(2, 20), [one.clone()]))
                .unwrap();
        }
    }
    let table = gather(&partitions);
    assert_eq!(table.total.completeness, counts(20, 0, 190));
    assert_eq!(table.unseen, 170);
}

#[test]
fn an_unknown_dimension_is_answered_with_those_that_exist() {
    let partition = holding([contribution("a", 1, "EQ", valued(1.0))]);
    let query = Query::parse("Dsek", "npv").unwrap();
    let error = partition.query(&query).unwrap().finish().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no trade has a dimension `Dsek`: Currency, Desk, TradeId exist"
    );
    // A partition that knows less than another does not spoil the answer.
    let mut other = Partition::new();
    let mut narrow = job(1, 0);
    narrow.dimensions.clear();
    let mut one = contribution("b", 1, "", valued(2.0));
    one.dimensions.clear();
    other.ingest(&Batch::new(narrow, [one])).unwrap();
    let query = Query::parse("Desk", "npv").unwrap();
    let mut answer = other.query(&query).unwrap();
    answer.merge(partition.query(&query).unwrap()).unwrap();
    let table = answer.finish().unwrap();
    assert_eq!(table.groups[0].key, [""]);
    assert_eq!(table.groups[1].key, ["EQ"]);
    // Where nothing was submitted nothing is unknown.
    let empty = ask(&Partition::new(), "Dsek", "npv");
    assert!(empty.groups.is_empty());
    assert_eq!(empty.market, None);
}

#[test]
fn markets_do_not_mix() {
    let mut partition = holding([contribution("a", 1, "EQ", valued(1.0))]);
    let mut later = job(2, 1);
    later.market = "2026-06-16".into();
    let again = contribution("a", 1, "EQ", valued(2.0));
    let ingested = partition.ingest(&Batch::new(later, [again])).unwrap();
    assert_eq!((ingested.applied, ingested.alarms.len()), (1, 0));

    let mut query = Query::parse("", "npv").unwrap();
    let error = partition.query(&query).unwrap().finish().unwrap_err();
    assert_eq!(
        error.to_string(),
        "there are figures of several markets, name one of them: 2026-06-15, 2026-06-16"
    );
    query.market = Some("2026-06-16".into());
    let table = partition.query(&query).unwrap().finish().unwrap();
    assert_eq!(table.total.values, [2.0]);
    assert_eq!(table.market.as_deref(), Some("2026-06-16"));
    query.market = Some("2026-06-17".into());
    let error = partition.query(&query).unwrap().finish().unwrap_err();
    assert!(
        matches!(error, QueryError::UnknownMarket { .. }),
        "{error:?}"
    );

    assert!(partition.forget("2026-06-16"));
    assert!(!partition.forget("2026-06-16"));
    assert_eq!(ask(&partition, "", "npv").total.values, [1.0]);
}

#[test]
fn vectors_of_another_length_are_refused_and_change_nothing() {
    let of = |scenarios: u32, trade: &str, length: usize| {
        let job = Job {
            scenarios,
            ..job(1, 2)
        };
        let outcome = Outcome::of(Figures::new(1.0).with_pnl(vec![-2.0; length].into()));
        Batch::new(job, [contribution(trade, 1, "EQ", outcome)])
    };
    let mut partition = Partition::new();
    partition.ingest(&of(3, "a", 3)).unwrap();
    for length in [0, 2, 4] {
        let error = partition.ingest(&of(3, "b", length)).unwrap_err();
        let want = format!(
            "trade `b` has a P&L vector of {length} scenarios, and the job has 3: it was sent by \
             another version of mastr"
        );
        assert_eq!(error.to_string(), want);
    }
    let error = partition.ingest(&of(4, "b", 4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the job has 4 scenarios, and those before it by this market have 3: their P&L vectors \
         cannot be added"
    );
    assert_eq!(
        ask(&partition, "", "count,var:0.99").total.values,
        [1.0, 2.0]
    );
}

#[test]
fn measures_of_scenarios_need_some() {
    let query = Query::parse("", "npv,es:0.975").unwrap();
    let partition = holding([contribution("a", 1, "EQ", valued(1.0))]);
    let error = partition.query(&query).unwrap().finish().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`es:0.975` is of scenarios, and the portfolio is valued without: see --scenarios"
    );
    // Nothing has come that would tell.
    assert_eq!(
        ask(&Partition::new(), "", "npv,es:0.975").total.values,
        [0.0, 0.0]
    );
}

#[test]
fn another_vector_of_the_same_version_is_a_contradiction() {
    let of = |pnl: f64| {
        let job = Job {
            scenarios: 1,
            ..job(1, 1)
        };
        let outcome = Outcome::of(Figures::new(1.0).with_pnl([pnl].into()));
        Batch::new(job, [contribution("a", 1, "EQ", outcome)])
    };
    let mut partition = Partition::new();
    partition.ingest(&of(-5.0)).unwrap();
    assert_eq!(partition.ingest(&of(-5.0)).unwrap().repeated, 1);
    assert_eq!(partition.ingest(&of(-6.0)).unwrap().alarms.len(), 1);
    assert_eq!(ask(&partition, "", "var:0.99").total.values, [5.0]);
    // Nor can it be added.
    let job = Job {
        scenarios: 1,
        ..job(1, 1)
    };
    let endless = Outcome::Valued(Figures::new(1.0).with_pnl([f64::INFINITY].into()));
    let endless = contribution("b", 1, "EQ", endless);
    partition.ingest(&Batch::new(job, [endless])).unwrap();
    assert_eq!(partition.completeness(), counts(1, 1, 0));
}

#[test]
fn a_damaged_batch_changes_nothing() {
    let mut partition = holding([contribution("a", 1, "EQ", valued(1.0))]);
    let mut batch = Batch::new(
        job(1, 50),
        [
            contribution("b", 1, "EQ", valued(1.0)),
            contribution("c", 1, "EQ", valued(1.0)),
        ],
    );
    batch.rows[1].combination = 9;
    assert_eq!(partition.ingest(&batch), Err(BatchError::Malformed));
    assert_eq!(ask(&partition, "", "count").total.values, [1.0]);
}

const SCENARIOS: u32 = 7;

/// A P&L vector that has nothing in common with that of another number.
fn pnl(spin: u64) -> Box<[f64]> {
    let of_scenario = |scenario| libm::sin((spin + scenario * scenario) as f64) * 1e5;
    (0..u64::from(SCENARIOS)).map(of_scenario).collect()
}

/// Any contributions over few trades, without contradictions: of one trade and version dimensions
/// and figures are functions of both.
fn consistent(trades: u64) -> impl Strategy<Value = Vec<Contribution>> {
    let one = (0..trades, 1..4_u64, any::<bool>()).prop_map(|(trade, version, expected)| {
        let spin = trade * 7 + version * 3;
        let outcome = match spin % 5 {
            _ if expected => Outcome::Expected,
            0 => Outcome::Failed(format!("fault {}", spin % 2)),
            _ => Outcome::of(
                Figures::new(libm::sin(spin as f64) * 1e7)
                    .with(Amount::ALL[(spin % 8) as usize], 1.0 / (1.0 + spin as f64))
                    .with_pnl(pnl(spin)),
            ),
        };
        let desk = ("Desk".to_owned(), DESKS[(spin % 3) as usize].to_owned());
        let currency = (
            "Currency".to_owned(),
            CURRENCIES[(trade % 3) as usize].to_owned(),
        );
        Contribution {
            trade: format!("T{trade}"),
            version,
            dimensions: if spin % 2 == 0 {
                vec![desk, currency]
            } else {
                vec![currency, desk]
            },
            outcome,
        }
    });
    prop::collection::vec(one, 0..80)
}

/// What holds in the end: of each trade the latest version, and its result if there is one.
fn model(contributions: &[Contribution]) -> BTreeMap<&str, &Contribution> {
    let mut latest: BTreeMap<&str, &Contribution> = BTreeMap::new();
    for new in contributions {
        let held = latest.entry(&new.trade).or_insert(new);
        if new.version > held.version
            || (new.version == held.version && held.outcome == Outcome::Expected)
        {
            *held = new;
        }
    }
    latest
}

fn value<'a>(contribution: &'a Contribution, dimension: &str) -> &'a str {
    if dimension == TRADE_ID {
        return &contribution.trade;
    }
    contribution
        .dimensions
        .iter()
        .find(|(name, _)| name == dimension)
        .map_or("", |(_, value)| value)
}

const GROUPINGS: [&str; 6] = [
    "",
    "Desk",
    "Currency",
    "Desk,Currency",
    "TradeId",
    "Currency,TradeId",
];
const ALL: &str =
    "npv,delta,gamma,vega,theta,rho,dividend_rho,stderr,count,var:0.8,es:0.7,quantile:0.5";

/// Contributions to their partitions, in batches of `size`.
fn partitions(contributions: &[Contribution], partitions: u32, size: usize) -> Vec<Partition> {
    let mut all = vec![Partition::new(); partitions as usize];
    for chunk in contributions.chunks(size.max(1)) {
        for (number, partition) in (0..).zip(&mut all) {
            let own = chunk
                .iter()
                .filter(|one| partition_of(&one.trade, partitions) == number);
            let job = Job {
                scenarios: SCENARIOS,
                ..job(1, 0)
            };
            let ingested = partition.ingest(&Batch::new(job, own.cloned())).unwrap();
            assert_eq!(ingested.alarms, []);
        }
    }
    all
}

fn gather(all: &[Partition], query: &Query) -> Aggregate {
    let mut answer = PartialAggregate::empty(query.clone());
    for partition in all {
        answer.merge(partition.query(query).unwrap()).unwrap();
    }
    answer.finish().unwrap()
}

proptest! {
    #[test]
    fn every_table_is_what_the_model_says(
        contributions in consistent(20),
        count in 1..5_u32,
        size in 1..20_usize,
    ) {
        let all = partitions(&contributions, count, size);
        let held = model(&contributions);
        for by in GROUPINGS {
            let query = Query::parse(by, ALL).unwrap();
            let table = gather(&all, &query);
            let mut expected: BTreeMap<Vec<&str>, Vec<&Contribution>> = BTreeMap::new();
            if by.is_empty() {
                expected.insert(Vec::new(), Vec::new());
            }
            for &one in held.values() {
                let key = query.by.iter().map(|dimension| value(one, dimension)).collect();
                expected.entry(key).or_default().push(one);
            }
            prop_assert_eq!(table.groups.len(), expected.len());
            let mut sum = Completeness::default();
            for (group, (key, trades)) in table.groups.iter().zip(&expected) {
                prop_assert_eq!(&group.key, key);
                let mut tally = Completeness::default();
                let mut sums = [Exact::ZERO; Amount::ALL.len()];
                let mut pnl = [Exact::ZERO; SCENARIOS as usize];
                for one in trades {
                    *tally.counter(&one.outcome) += 1;
                    if let Outcome::Valued(figures) = &one.outcome {
                        for (sum, amount) in sums.iter_mut().zip(Amount::ALL) {
                            let value = Exact::round(figures.get(amount).unwrap_or(0.0)).unwrap();
                            *sum = sum.plus(value).unwrap();
                        }
                        for (sum, value) in pnl.iter_mut().zip(figures.pnl()) {
                            *sum = sum.plus(Exact::round(*value).unwrap()).unwrap();
                        }
                    }
                }
                prop_assert_eq!(group.completeness, tally);
                pnl.sort();
                // Of seven scenarios 1.4 lie beyond 80 %, 2.1 beyond 70 %, 3.5 within a half.
                let worst = pnl[0].plus(pnl[1]).unwrap().plus(pnl[2]).unwrap();
                let risks = [0.0 - pnl[1].to_f64(), 0.0 - worst.to_f64() / 3.0, pnl[3].to_f64()];
                let mut sums = sums.map(Exact::to_f64);
                sums[Amount::Variance as usize] = sums[Amount::Variance as usize].sqrt();
                let values = sums.into_iter().chain([tally.valued as f64]);
                let values = values.chain(risks);
                for (got, want) in group.values.iter().zip(values) {
                    prop_assert_eq!(got.to_bits(), want.to_bits());
                }
                sum.add(group.completeness);
            }
            prop_assert_eq!(sum, table.total.completeness);
            prop_assert_eq!(sum.of(), held.len() as u64);
        }
    }

    #[test]
    fn order_repetition_and_partitioning_leave_no_trace(
        (contributions, shuffled) in consistent(12)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        count in 1..5_u32,
        size in 1..20_usize,
    ) {
        let direct = partitions(&contributions, 1, contributions.len());
        let mut twice = shuffled.clone();
        twice.extend(shuffled.into_iter().rev());
        let detour = partitions(&twice, count, size);
        for by in GROUPINGS {
            let query = Query::parse(by, ALL).unwrap();
            prop_assert_eq!(gather(&direct, &query), gather(&detour, &query));
        }
    }

    #[test]
    fn merging_is_associative_and_commutative(contributions in consistent(30)) {
        let all = partitions(&contributions, 3, 9);
        for by in GROUPINGS {
            let query = Query::parse(by, ALL).unwrap();
            let [a, b, c] = [0, 1, 2].map(|number: usize| all[number].query(&query).unwrap());
            let merged = |x: &PartialAggregate, y: &PartialAggregate| {
                let mut sum = x.clone();
                sum.merge(y.clone()).unwrap();
                sum
            };
            let left = merged(&merged(&a, &b), &c);
            prop_assert_eq!(&left, &merged(&a, &merged(&b, &c)));
            prop_assert_eq!(&left, &merged(&merged(&c, &b), &a));
            prop_assert_eq!(&left, &merged(&PartialAggregate::empty(query), &left));
            // And the wire changes nothing.
            let bytes = bincode::serialize(&left).unwrap();
            prop_assert_eq!(left, bincode::deserialize(&bytes).unwrap());
        }
    }
}
