"""What QuantLib says, by the conventions of mastr."""

from dataclasses import dataclass

import QuantLib as ql

from market import AS_OF, TIME, Market


@dataclass
class Expected:
    """The figures of a trade, and how far from them one may be: relative, and absolute."""

    figures: dict[str, float]
    relative: float
    absolute: float
    # Years to expiry. QuantLib's theta is a small difference of numbers, divided by them.
    time: float = 1.0

    def allowed(self, name: str) -> float:
        absolute = self.absolute / min(self.time, 1.0) if name == "theta" else self.absolute
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


PRICERS = {
    "EquityOption": equity_option,
    "EquityForward": equity_forward,
    "FxForward": fx_forward,
    "FxOption": fx_option,
}
