//! Fields of ORE that would change a price and are not supported.

/// Known to ORE; a trade that has one of them would be valued wrongly if it were ignored.
const NAMED: [&str; 53] = [
    "AdjustEndDateToPreviousMonthEnd",
    "Amortizations",
    "AutomaticExercise",
    "AverageStrike",
    "Caps",
    "CreditCurveId",
    "EndOfMonthConvention",
    "Exchanges",
    "ExerciseData",
    "ExerciseFeeSettlementConvention",
    "ExerciseFeeSettlementPeriod",
    "ExerciseFees",
    "ExercisePrices",
    "FXIndex",
    "FixingCalendar",
    "FixingSchedule",
    "Floors",
    "Gearings",
    "HasSubPeriods",
    "IncludeSpread",
    "Indexings",
    "IsAveraged",
    "LastPeriodDayCounter",
    "LastRecentPeriod",
    "LocalCapFloor",
    "Lookback",
    "NakedOption",
    "NoticePeriod",
    "NotionalPaymentLag",
    "NotionalsResetting",
    "OverrideTriggered",
    "PaymentData",
    "PaymentDates",
    "PaymentLag",
    "PaymentSchedule",
    "Premium",
    "PremiumAmount",
    "PremiumCurrency",
    "PremiumPayDate",
    "Premiums",
    "PriceQuoteBaseValue",
    "PriceQuoteMethod",
    "RateCutoff",
    "RebateCurrency",
    "RebatePayTime",
    "RemoveFirstDate",
    "RemoveLastDate",
    "ResetSchedule",
    "Resets",
    "SettlementData",
    "SettlementMethod",
    "StrictNotionalDates",
    "StrikeMonitoring",
];

/// Whether `key` is a field of ORE that is knowingly left out.
pub(super) fn is_named(key: &str) -> bool {
    NAMED.contains(&key)
}

/// Why the field `key` is refused in an object whose fields are `known`.
pub(super) fn message(key: &str, known: &[&str]) -> String {
    if is_named(key) {
        format!("\"{key}\" is not supported and would change the price: remove it, or the trade")
    } else {
        format!(
            "unknown field \"{key}\": the fields here are {}",
            known.join(", ")
        )
    }
}
