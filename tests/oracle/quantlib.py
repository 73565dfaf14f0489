"""What QuantLib says, by the conventions of mastr."""

import math
from dataclasses import dataclass

import QuantLib as ql

from market import AS_OF, DAY_COUNTERS, INDICES, TIME, Market


@dataclass
class Expected:
    """The figures of a trade, and how far from them one may be: relative, and absolute."""

    figures: dict[str, float]
    relative: float
    absolute: float
    # Years to expiry. QuantLib's theta is a small difference of numbers, divided by them.
    time: float = 1.0
    # Absolute, for rhos that are central differences here.
    rho: float | None = None

    def allowed(self, name: str) -> float:
        absolute = self.absolute / min(self.time, 1.0) if name == "theta" else self.absolute
        if name.startswith("rho") and self.rho is not None:
            absolute = self.rho
        return max(self.relative * abs(self.figures[name]), absolute)


def price(trade: dict, market: Market) -> Expected:
    trade_type = trade["TradeType"]
    return PRICERS[trade_type](trade[f"{trade_type}Data"], market)


def date(text: str) -> ql.Date:
    return ql.DateParser.parseISO(text)


def sign(long_short: str) -> float:
    return {"Long": 1.0, "Short": -1.0}[long_short]


def process(
    spot: float,
    dividend: ql.YieldTermStructureHandle,
    discount: ql.YieldTermStructureHandle,
    volatility: float,
) -> ql.BlackScholesMertonProcess:
    constant = ql.BlackConstantVol(AS_OF, ql.NullCalendar(), volatility, TIME)
    quote = ql.QuoteHandle(ql.SimpleQuote(spot))
    surface = ql.BlackVolTermStructureHandle(constant)
    return ql.BlackScholesMertonProcess(quote, dividend, discount, surface)


def flat(curve: ql.YieldTermStructureHandle, time: float) -> ql.YieldTermStructureHandle:
    """The curve that is flat at the zero rate for a time."""
    rate = curve.zeroRate(time, ql.Continuous).rate()
    return ql.YieldTermStructureHandle(ql.FlatForward(AS_OF, rate, TIME))


def payoff(option: dict, strike: float) -> ql.PlainVanillaPayoff:
    kind = {"Call": ql.Option.Call, "Put": ql.Option.Put}[option["OptionType"]]
    return ql.PlainVanillaPayoff(kind, strike)


def expiry(option: dict) -> tuple[ql.Date, float]:
    """The day of the last exercise, and the years to it."""
    day = date(option["ExerciseDates"][0])
    return day, TIME.yearFraction(AS_OF, day)


def european(
    option: dict, strike: float, of: ql.BlackScholesMertonProcess, units: float
) -> dict[str, float]:
    """Value and greeks of so many options; negative units are owed."""
    made = ql.VanillaOption(payoff(option, strike), ql.EuropeanExercise(expiry(option)[0]))
    made.setPricingEngine(ql.AnalyticEuropeanEngine(of))
    figures = {
        "npv": made.NPV(),
        "delta": made.delta(),
        "gamma": made.gamma(),
        "vega": made.vega(),
        "theta": made.theta(),
        "rho": made.rho(),
        "dividend_rho": made.dividendRho(),
    }
    return {name: units * figure for name, figure in figures.items()}


def equity_option(data: dict, market: Market) -> Expected:
    name, strike, option = data["Name"], data["Strike"], data["OptionData"]
    day, time = expiry(option)
    spot, volatility = market.spot[name], market.volatility(name, time, strike)
    dividend, discount = market.dividend[name], market.discount[data["Currency"]]
    units = sign(option["LongShort"]) * data["Quantity"]
    if option["Style"] == "European":
        figures = european(option, strike, process(spot, dividend, discount, volatility), units)
        return Expected(figures, 1e-10, 1e-12 * data["Quantity"], time)
    made = ql.VanillaOption(payoff(option, strike), ql.AmericanExercise(AS_OF, day))
    flat_process = process(spot, flat(dividend, time), flat(discount, time), volatility)
    # QuantLib's own high precision is 2e-6 off where the yield is far below zero.
    scheme = ql.QdFpTanhSinhIterationScheme(24, 24, 1e-11)
    made.setPricingEngine(ql.QdFpAmericanEngine(flat_process, scheme))
    return Expected({"npv": units * made.NPV()}, 2e-6, 1e-8 * data["Quantity"])


def fx_option(data: dict, market: Market) -> Expected:
    bought, sold, option = data["BoughtCurrency"], data["SoldCurrency"], data["OptionData"]
    strike = data["SoldAmount"] / data["BoughtAmount"]
    _, time = expiry(option)
    of = process(
        market.rate(bought, sold),
        market.discount[bought],
        market.discount[sold],
        market.pair_volatility(bought, sold, time, strike),
    )
    figures = european(option, strike, of, sign(option["LongShort"]) * data["BoughtAmount"])
    return Expected(figures, 1e-9, 1e-6, time)


def equity_forward(data: dict, market: Market) -> Expected:
    name, maturity = data["Name"], date(data["Maturity"])
    received = market.spot[name] * market.dividend[name].discount(maturity)
    paid = data["Strike"] * market.discount[data["Currency"]].discount(maturity)
    npv = sign(data["LongShort"]) * data["Quantity"] * (received - paid)
    return Expected({"npv": npv}, 1e-9, 1e-6)


def fx_forward(data: dict, market: Market) -> Expected:
    bought, sold, day = data["BoughtCurrency"], data["SoldCurrency"], date(data["ValueDate"])
    received = data["BoughtAmount"] * market.discount[bought].discount(day)
    paid = data["SoldAmount"] * market.discount[sold].discount(day)
    return Expected({"npv": received * market.rate(bought, sold) - paid}, 1e-9, 1e-6)


def barrier_option(data: dict, market: Market) -> Expected:
    name, strike, option = data["Name"], data["Strike"], data["OptionData"]
    barrier, quantity = data["BarrierData"], data["Quantity"]
    level, rebate = barrier["Levels"][0], barrier.get("Rebate", 0.0)
    day, time = expiry(option)
    spot, volatility = market.spot[name], market.volatility(name, time, strike)
    dividend = flat(market.dividend[name], time)
    discount = flat(market.discount[data["Currency"]], time)
    of = process(spot, dividend, discount, volatility)
    units = sign(option["LongShort"])
    kind = barrier["Type"]
    if (spot >= level) if kind.startswith("Up") else (spot <= level):
        if kind.endswith("Out"):
            return Expected({"npv": units * rebate}, 1e-8, 1e-10 * quantity)
        vanilla = european(option, strike, of, units * quantity)
        return Expected(vanilla, 1e-8, 1e-10 * quantity, time)
    kinds = {
        "UpAndOut": ql.Barrier.UpOut,
        "UpAndIn": ql.Barrier.UpIn,
        "DownAndOut": ql.Barrier.DownOut,
        "DownAndIn": ql.Barrier.DownIn,
    }
    made = ql.BarrierOption(
        kinds[kind], level, rebate / quantity, payoff(option, strike), ql.EuropeanExercise(day)
    )
    made.setPricingEngine(ql.AnalyticBarrierEngine(of))
    npv, relative = units * quantity * made.NPV(), 1e-8
    if math.isnan(npv):
        # Its formula for a rebate at the hit has no root where rates are far below zero.
        made.setPricingEngine(ql.FdBlackScholesBarrierEngine(of, 500, 2000))
        npv, relative = units * quantity * made.NPV(), 2e-3
    return Expected({"npv": npv}, relative, (1e-10 if relative == 1e-8 else 1e-3) * quantity)


def asian_option(data: dict, market: Market) -> Expected:
    """The geometric one by Black's formula on the average's forward; the arithmetic one by QuantLib's
    Monte Carlo method."""
    name, strike, option = data["Name"], data["Strike"], data["OptionData"]
    day, time = expiry(option)
    spot, volatility = market.spot[name], market.volatility(name, time, strike)
    dividend, discount = market.dividend[name], market.discount[data["Currency"]]
    units = sign(option["LongShort"]) * data["Quantity"]
    dates = [date(text) for text in data["ObservationDates"]["Dates"]["Dates"]]
    fixings = market.fixings[f"EQ-{name}"]
    known = [fixings.get(d, spot) for d in dates if d <= AS_OF]
    later = [d for d in dates if d > AS_OF]
    paid = discount.discount(date(data.get("Settlement", day.ISO())))
    if option["PayoffType2"] == "Geometric":
        times = [TIME.yearFraction(AS_OF, d) for d in later]
        forwards = [spot * dividend.discount(d) / discount.discount(d) for d in later]
        drift = sum(math.log(f) - volatility**2 * t / 2 for f, t in zip(forwards, times))
        mean = (sum(map(math.log, known)) + drift) / len(dates)
        variance = sum(min(s, t) for s in times for t in times) * (volatility / len(dates)) ** 2
        forward = math.exp(mean + variance / 2)
        kind = payoff(option, strike).optionType()
        npv = ql.blackFormula(kind, strike, forward, math.sqrt(variance), paid)
        return Expected({"npv": units * npv}, 1e-10, 1e-12 * data["Quantity"])
    made = ql.DiscreteAveragingAsianOption(
        ql.Average.Arithmetic,
        sum(known),
        len(known),
        later,
        payoff(option, strike),
        ql.EuropeanExercise(day),
    )
    of = process(spot, dividend, discount, volatility)
    engine = ql.MCDiscreteArithmeticAPEngine(
        of, "pseudorandom", antitheticVariate=True, requiredSamples=20_000, seed=1
    )
    made.setPricingEngine(engine)
    later_paid = paid / discount.discount(day)
    npv, error = (units * later_paid * figure for figure in (made.NPV(), made.errorEstimate()))
    # mastr's own error is small beside it, and so is what QuantLib misses that few paths pay.
    return Expected({"npv": npv}, 0.0, 5.0 * abs(error) + 1e-6 * strike * data["Quantity"])


CALENDARS = {
    "TARGET": ql.TARGET(),
    "UK": ql.UnitedKingdom(ql.UnitedKingdom.Settlement),
    "US": ql.UnitedStates(ql.UnitedStates.Settlement),
}
CALENDARS["TARGET,UK"] = ql.JointCalendar(CALENDARS["TARGET"], CALENDARS["UK"])
CONVENTIONS = {
    "F": ql.Following,
    "MF": ql.ModifiedFollowing,
    "P": ql.Preceding,
    "U": ql.Unadjusted,
}
RULES = {"Forward": ql.DateGeneration.Forward, "Backward": ql.DateGeneration.Backward}
SHIFT = 1e-4


@dataclass
class Curve:
    """A curve of which all zero rates are moved."""

    name: str
    handle: ql.YieldTermStructureHandle

    def discount(self, day: ql.Date, moved: str) -> float:
        shift = {f"{self.name} up": SHIFT, f"{self.name} down": -SHIFT}.get(moved, 0.0)
        return self.handle.discount(day) * math.exp(-shift * TIME.yearFraction(AS_OF, day))


def index_curve(name: str, market: Market) -> Curve:
    return Curve(name, market.projection[name])


def discount_curve(currency: str, market: Market) -> Curve:
    return Curve(f"{currency}1D", market.discount[currency])


def leg_value(leg: dict, curve: Curve, market: Market, moved: str, redeems: bool) -> float:
    """What the flows of a leg are worth that come after the as-of date."""
    rules = leg["ScheduleData"]["Rules"]
    calendar, convention = CALENDARS[rules["Calendar"]], CONVENTIONS[rules["Convention"]]
    start, end = date(rules["StartDate"]), date(rules["EndDate"])
    # QuantLib goes by the month's last business day, mastr by its last day.
    ends_months = ql.Date.isEndOfMonth(start if rules["Rule"] == "Forward" else end)
    schedule = ql.Schedule(
        start,
        end,
        ql.Period(rules["Tenor"]),
        calendar,
        convention,
        CONVENTIONS[rules.get("TermConvention", rules["Convention"])],
        RULES[rules["Rule"]],
        rules["EndOfMonth"] and ends_months,
    )
    counter = DAY_COUNTERS[leg["DayCounter"]]
    dates, notional, value = list(schedule), leg["Notionals"][0], 0.0
    for start, end in zip(dates, dates[1:]):
        payment = calendar.adjust(end, CONVENTIONS[leg["PaymentConvention"]])
        if payment <= AS_OF:
            continue
        if leg["LegType"] == "Fixed":
            rate = leg["FixedLegData"]["Rates"][0]
        else:
            data = leg["FloatingLegData"]
            rate = fixed_or_projected(data["Index"], start, end, market, moved) + data["Spreads"][0]
        flow = notional * rate * counter.yearFraction(start, end)
        if redeems and end == dates[-1]:
            flow += notional
        value += flow * curve.discount(payment, moved)
    return -value if leg["Payer"] else value


def fixed_or_projected(
    name: str, start: ql.Date, end: ql.Date, market: Market, moved: str
) -> float:
    calendar, days, counter = INDICES[name]
    fixing = (
        calendar.advance(start, -days, ql.Days) if days else calendar.adjust(start, ql.Preceding)
    )
    if fixing <= AS_OF and (fixing in market.fixings[name] or fixing < AS_OF):
        return market.fixings[name][fixing]
    curve = index_curve(name, market)
    growth = curve.discount(start, moved) / curve.discount(end, moved) - 1.0
    return growth / counter.yearFraction(start, end)


def legs(
    legs: list[dict], factor: float, curve: Curve, market: Market, redeems: bool
) -> Expected:
    """Value, and rho by the discount curve and by that of each index, in the order of the legs."""

    def value(moved: str) -> float:
        return factor * sum(leg_value(leg, curve, market, moved, redeems) for leg in legs)

    indices = [leg["FloatingLegData"]["Index"] for leg in legs if leg["LegType"] == "Floating"]
    names = dict.fromkeys([curve.name, *indices])
    figures = {"npv": value("")}
    for number, name in enumerate(names, start=1):
        rho = (value(f"{name} up") - value(f"{name} down")) / (2.0 * SHIFT)
        figures["rho" if number == 1 else f"rho {number}"] = rho
    size = factor * max(leg["Notionals"][0] for leg in legs)
    # A rho is a small difference of large numbers, here; mastr takes it flow by flow.
    return Expected(figures, 1e-9, 1e-13 * size + 1e-9, rho=1e-10 * size)


def swap(data: dict, market: Market) -> Expected:
    curve = discount_curve(data["LegData"][0]["Currency"], market)
    return legs(data["LegData"], 1.0, curve, market, False)


def bond(data: dict, market: Market) -> Expected:
    leg, name = data["LegData"], data["ReferenceCurveId"]
    is_index = name in INDICES
    curve = index_curve(name, market) if is_index else discount_curve(leg["Currency"], market)
    return legs([leg], data["BondNotional"], curve, market, True)


PRICERS = {
    "EquityOption": equity_option,
    "EquityBarrierOption": barrier_option,
    "EquityAsianOption": asian_option,
    "Swap": swap,
    "Bond": bond,
    "EquityForward": equity_forward,
    "FxForward": fx_forward,
    "FxOption": fx_option,
}
