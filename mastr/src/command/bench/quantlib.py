"""Values the trades of `mastr bench` with QuantLib, as fast as it can.

The first line on standard input is the book; the answer is QuantLib's version. Every other line is
the name of an engine and for how many seconds to value its trades; the answer is how many units were
done in a second, and what the trades are worth together.

All trades of an engine are in one composite instrument, so that QuantLib's own loop values them. It does
so after a handle has been linked to another, equal curve, as when the market has moved.
"""

import json
import math
import sys
from time import process_time

import QuantLib as ql

TIME = ql.Actual365Fixed()
TARGET = ql.TARGET()


def day(text: str) -> ql.Date:
    return ql.DateParser.parseISO(text)


class Curve:
    """A curve that can be made to look as if it had moved."""

    def __init__(self, make) -> None:
        self.same = [make(), make()]
        self.handle = ql.RelinkableYieldTermStructureHandle(self.same[0])

    def touch(self) -> None:
        self.same.reverse()
        self.handle.linkTo(self.same[0])


class Book:
    def __init__(self, told: dict) -> None:
        self.as_of = ql.DateParser.parseFormatted(told["AsOfDate"], "%Y%m%d")
        ql.Settings.instance().evaluationDate = self.as_of
        self.quotes, self.moves = told["Quotes"], told["Moves"]
        self.paths, self.steps, self.trades = told["Paths"], told["Steps"], told["Trades"]
        self.discount = {name: Curve(lambda: self.zero_curve(name)) for name in ("EUR1D", "EUR6M")}
        self.equities = {}
        # A flat curve for all equities: yields, which do not move in scenarios.
        self.rate = self.quote("ZERO/RATE/USD/USD1D/")
        self.rates = Curve(lambda: self.flat(self.rate))

    def quote(self, beginning: str) -> float:
        return next(value for key, value in self.quotes.items() if key.startswith(beginning))

    def zero_curve(self, name: str) -> ql.DiscountCurve:
        beginning, factors = f"ZERO/RATE/EUR/{name}/A365F/", {self.as_of: 1.0}
        for key, rate in self.quotes.items():
            if key.startswith(beginning):
                date = self.as_of + ql.Period(key[len(beginning) :])
                factors[date] = math.exp(-rate * TIME.yearFraction(self.as_of, date))
        dates = sorted(factors)
        curve = ql.DiscountCurve(dates, [factors[date] for date in dates], TIME)
        curve.enableExtrapolation()
        return curve

    def flat(self, rate: float) -> ql.FlatForward:
        return ql.FlatForward(self.as_of, rate, TIME)

    def process(self, name: str, rates=None, spot=1.0, volatility=1.0):
        """Where spot and volatility are multiplied, and the rates of this handle hold."""
        spot *= self.quote(f"EQUITY/PRICE/{name}/")
        volatility *= self.quote(f"EQUITY_OPTION/RATE_LNVOL/{name}/")
        if name not in self.equities:
            carry = self.quote(f"EQUITY_DIVIDEND/RATE/{name}/")
            self.equities[name] = Curve(lambda: self.flat(carry))
        constant = ql.BlackConstantVol(self.as_of, TARGET, volatility, TIME)
        return ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            self.equities[name].handle,
            rates or self.rates.handle,
            ql.BlackVolTermStructureHandle(constant),
        )

    def terms(self, data: dict):
        option = data["OptionData"]
        kind = {"Call": ql.Option.Call, "Put": ql.Option.Put}[option["OptionType"]]
        return ql.PlainVanillaPayoff(kind, data["Strike"]), day(option["ExerciseDates"][0])

    def european(self, data: dict, process=None):
        payoff, expiry = self.terms(data)
        option = ql.VanillaOption(payoff, ql.EuropeanExercise(expiry))
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process or self.process(data["Name"])))
        return [option]

    def american(self, data: dict):
        payoff, expiry = self.terms(data)
        option = ql.VanillaOption(payoff, ql.AmericanExercise(self.as_of, expiry))
        option.setPricingEngine(ql.QdFpAmericanEngine(self.process(data["Name"])))
        return [option]

    def barrier(self, data: dict):
        payoff, expiry = self.terms(data)
        kinds = {
            "UpAndOut": ql.Barrier.UpOut,
            "UpAndIn": ql.Barrier.UpIn,
            "DownAndOut": ql.Barrier.DownOut,
            "DownAndIn": ql.Barrier.DownIn,
        }
        barrier = data["BarrierData"]
        kind, level, rebate = kinds[barrier["Type"]], barrier["Levels"][0], barrier["Rebate"]
        option = ql.BarrierOption(kind, level, rebate, payoff, ql.EuropeanExercise(expiry))
        option.setPricingEngine(ql.AnalyticBarrierEngine(self.process(data["Name"])))
        return [option]

    def asian(self, data: dict):
        payoff, expiry = self.terms(data)
        dates = [day(date) for date in data["ObservationDates"]["Dates"]["Dates"]]
        option = ql.DiscreteAveragingAsianOption(
            ql.Average.Arithmetic, 0.0, 0, dates, payoff, ql.EuropeanExercise(expiry)
        )
        engine = ql.MCDiscreteArithmeticAPEngine(
            self.process(data["Name"]),
            "pseudorandom",
            controlVariate=True,
            requiredSamples=self.paths,
            seed=1,
        )
        option.setPricingEngine(engine)
        return [option]

    def schedule(self, leg: dict) -> ql.Schedule:
        rules = leg["ScheduleData"]["Rules"]
        start, end = day(rules["StartDate"]), day(rules["EndDate"])
        following = ql.ModifiedFollowing
        rule = ql.DateGeneration.Forward
        period = ql.Period(rules["Tenor"])
        return ql.Schedule(start, end, period, TARGET, following, following, rule, False)

    def swap(self, data: dict):
        fixed, floating = data["LegData"]
        projected = self.discount["EUR6M"].handle
        swap = ql.VanillaSwap(
            ql.Swap.Receiver,
            fixed["Notionals"][0],
            self.schedule(fixed),
            fixed["FixedLegData"]["Rates"][0],
            ql.Thirty360(ql.Thirty360.USA),
            self.schedule(floating),
            ql.Euribor6M(projected),
            0.0,
            ql.Actual360(),
            False,
        )
        swap.setPricingEngine(ql.DiscountingSwapEngine(self.discount["EUR1D"].handle))
        return [swap]

    def bond(self, data: dict):
        leg = data["LegData"]
        bond = ql.FixedRateBond(
            data["SettlementDays"],
            leg["Notionals"][0],
            self.schedule(leg),
            leg["FixedLegData"]["Rates"],
            ql.ActualActual(ql.ActualActual.ISDA),
            ql.ModifiedFollowing,
        )
        bond.setPricingEngine(ql.DiscountingBondEngine(self.discount["EUR6M"].handle))
        return [bond]

    def scenarios(self, data: dict):
        """The option in each of them."""
        made = []
        for spot, volatility, shift in self.moves:
            rates = ql.YieldTermStructureHandle(self.flat(self.rate + shift))
            process = self.process(data["Name"], rates, spot, volatility)
            made += self.european(data, process)
        return made

    def all(self, engine: str) -> "All":
        trades = []
        for trade in self.trades[engine]:
            trades += getattr(self, engine)(trade[f"{trade['TradeType']}Data"])
        units = self.steps * self.paths if engine == "asian" else 1
        # Each trade looks at just one of these, but for swaps, which need both.
        is_rates = engine in ("swap", "bond")
        curves = self.discount if is_rates else self.equities
        return All(trades, units, list(curves.values()))


class All:
    """All trades of an engine."""

    def __init__(self, trades: list, units: int, curves: list[Curve]) -> None:
        self.trades = ql.CompositeInstrument()
        for trade in trades:
            self.trades.add(trade)
        self.units, self.curves = units * len(trades), curves

    def measure(self, seconds: float) -> tuple[float, float]:
        """Units a second, and what they are worth."""
        passes, start = 0, process_time()
        while True:
            for curve in self.curves:
                curve.touch()
            npv = self.trades.NPV()
            passes += 1
            spent = process_time() - start
            if spent >= seconds:
                return passes * self.units / spent, npv


def main() -> None:
    book = Book(json.loads(sys.stdin.readline()))
    print(ql.__version__, flush=True)
    known: dict[str, All] = {}
    for line in sys.stdin:
        engine, seconds = line.split()
        if engine not in known:
            known[engine] = book.all(engine)
        print(*known[engine].measure(float(seconds)), flush=True)


main()
