"""Random markets: the quotes that mastr reads, and the same market for QuantLib.

Curves are QuantLib's, log-linear in the discount factor. Volatilities are interpolated here, by
plain arithmetic, because QuantLib has no surface with mastr's rule: linear in strike, then total
variance linear in time.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from random import Random

import QuantLib as ql

AS_OF = ql.Date(15, ql.June, 2026)
BASE = "EUR"
TIME = ql.Actual365Fixed()
CURRENCIES = ["EUR", "USD", "GBP", "CHF", "JPY"]
# Some pairs are quoted one way, some the other, and some not at all. Where USD/JPY is not what the
# other two make of it, the direct quote counts.
RATES = {
    ("EUR", "USD"): 1.13,
    ("GBP", "EUR"): 1.17,
    ("EUR", "CHF"): 0.94,
    ("EUR", "JPY"): 166.0,
    ("USD", "JPY"): 147.0,
}
# Calendar, days from fixing to start, and how years are counted.
UK = ql.UnitedKingdom(ql.UnitedKingdom.Settlement)
INDICES = {
    "EUR-EURIBOR-3M": (ql.TARGET(), 2, ql.Actual360()),
    "EUR-EURIBOR-6M": (ql.TARGET(), 2, ql.Actual360()),
    "GBP-LIBOR-3M": (UK, 0, ql.Actual365Fixed()),
    "GBP-LIBOR-6M": (UK, 0, ql.Actual365Fixed()),
    "USD-LIBOR-3M": (UK, 2, ql.Actual360()),
    "USD-LIBOR-6M": (UK, 2, ql.Actual360()),
}
# So many days back fixings are known.
PAST = 800
NAMES = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"]
DAY_COUNTERS = {
    "A365F": TIME,
    "A360": ql.Actual360(),
    "ActActISDA": ql.ActualActual(ql.ActualActual.ISDA),
    "30/360": ql.Thirty360(ql.Thirty360.USA),
}


@dataclass
class Surface:
    """Volatilities by the time of expiry, each a list of strikes and volatilities in order."""

    smiles: dict[float, list[tuple[float, float]]] = field(default_factory=dict)

    def volatility(self, time: float, strike: float) -> float:
        times = sorted(self.smiles)
        after = bisect_left(times, time)
        if after == len(times):
            return self._at(times[-1], strike)
        if after == 0 or times[after] == time:
            return self._at(times[after], strike)
        start, end = times[after - 1], times[after]
        variance = [self._at(t, strike) ** 2 * t for t in (start, end)]
        weight = (time - start) / (end - start)
        return math.sqrt((variance[0] + weight * (variance[1] - variance[0])) / time)

    def _at(self, time: float, strike: float) -> float:
        smile = self.smiles[time]
        after = bisect_left([known for known, _ in smile], strike)
        if after == 0 or after == len(smile):
            return smile[min(after, len(smile) - 1)][1]
        (low, from_low), (high, from_high) = smile[after - 1 : after + 1]
        return from_low + (from_high - from_low) * (strike - low) / (high - low)


@dataclass
class Market:
    """One market. `discount` is by currency, `spot`, `dividend` and `currency` by equity."""

    quotes: list[str] = field(default_factory=list)
    discount: dict[str, ql.YieldTermStructureHandle] = field(default_factory=dict)
    currency: dict[str, str] = field(default_factory=dict)
    spot: dict[str, float] = field(default_factory=dict)
    dividend: dict[str, ql.YieldTermStructureHandle] = field(default_factory=dict)
    surface: dict[str, Surface] = field(default_factory=dict)
    pair_surface: dict[tuple[str, str], Surface] = field(default_factory=dict)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)
    # By the name of the index, or of the equity after `EQ-`.
    projection: dict[str, ql.YieldTermStructureHandle] = field(default_factory=dict)
    fixings: dict[str, dict[ql.Date, float]] = field(default_factory=dict)

    def quote(self, key: str, value: float) -> None:
        self.quotes.append(f"{day(AS_OF)} {key} {value!r}")

    def fixing_lines(self) -> list[str]:
        return [
            f"{day(date)} {name} {value!r}"
            for name, by_date in self.fixings.items()
            for date, value in by_date.items()
        ]

    def rate(self, foreign: str, domestic: str) -> float:
        """Units of `domestic` for one `foreign`."""
        if foreign == domestic:
            return 1.0
        if (foreign, domestic) in self.rates:
            return self.rates[foreign, domestic]
        if (domestic, foreign) in self.rates:
            return 1.0 / self.rates[domestic, foreign]
        pivot = next(
            pivot
            for pivot in (BASE, "USD", "EUR")
            if self.is_quoted(foreign, pivot) and self.is_quoted(pivot, domestic)
        )
        return self.rate(foreign, pivot) * self.rate(pivot, domestic)

    def is_quoted(self, one: str, other: str) -> bool:
        return (one, other) in self.rates or (other, one) in self.rates

    def volatility(self, name: str, time: float, strike: float) -> float:
        return self.surface[name].volatility(time, strike)

    def pair_volatility(self, foreign: str, domestic: str, time: float, strike: float) -> float:
        if (foreign, domestic) in self.pair_surface:
            return self.pair_surface[foreign, domestic].volatility(time, strike)
        return self.pair_surface[domestic, foreign].volatility(time, 1.0 / strike)


def day(date: ql.Date) -> str:
    return date.ISO().replace("-", "")


def curve(factors: dict[ql.Date, float]) -> ql.YieldTermStructureHandle:
    """The log-linear curve through discount factors, flat forward beyond the last."""
    dates = sorted(factors)
    values = [1.0] + [factors[date] for date in dates]
    made = ql.DiscountCurve([AS_OF, *dates], values, TIME)
    made.enableExtrapolation()
    return ql.YieldTermStructureHandle(made)


def draw(seed: int) -> Market:
    random = Random(seed)
    ql.Settings.instance().evaluationDate = AS_OF
    market = Market()
    for (foreign, domestic), rate in RATES.items():
        market.rates[foreign, domestic] = round(rate * random.uniform(0.9, 1.1), 4)
        market.quote(f"FX/RATE/{foreign}/{domestic}", market.rates[foreign, domestic])
    for currency in CURRENCIES:
        market.discount[currency] = draw_curve(random, market, currency, f"{currency}1D")
    for name in INDICES:
        currency, _, tenor = name.split("-")
        curve_name = f"{currency}{tenor}"
        market.projection[name] = draw_curve(random, market, currency, curve_name)
        market.fixings[name] = draw_fixings(random, random.uniform(0.0, 0.05), 0.0, 0.0005, 6)
    for name in NAMES:
        draw_equity(random, market, name)
        spot = market.spot[name]
        market.fixings[f"EQ-{name}"] = draw_fixings(random, spot, 0.01, 0.0, 2)
    for foreign, domestic in draw_pairs(random):
        spot = market.rate(foreign, domestic)
        growth = [market.discount[foreign], market.discount[domestic]]
        surface = draw_surface(random, market, f"FX_OPTION/RATE_LNVOL/{foreign}/{domestic}", spot, growth)
        market.pair_surface[foreign, domestic] = surface
    return market


def draw_fixings(
    random: Random, value: float, relative: float, absolute: float, digits: int
) -> dict[ql.Date, float]:
    """What a random walk was on each past day that ends at a value; today only sometimes."""
    fixings = {}
    for days in range(random.randint(0, 1), PAST):
        fixings[AS_OF - days] = round(value, digits)
        value += random.gauss(0.0, 1.0) * (absolute + relative * value)
    return fixings


def draw_pairs(random: Random) -> list[tuple[str, str]]:
    """Every pair once, this way or the other."""
    pairs = [
        (one, other)
        for place, one in enumerate(CURRENCIES)
        for other in CURRENCIES[place + 1 :]
    ]
    return [pair if random.random() < 0.5 else pair[::-1] for pair in pairs]


def draw_terms(random: Random, most: int) -> list[tuple[str, ql.Date]]:
    """Different terms, as tenors or as dates, and the days they mean."""
    terms = {}
    for _ in range(random.randint(1, most)):
        length, unit = random.choice(
            [(random.randint(1, 60), "D"), (random.randint(1, 30), "M"), (random.randint(1, 15), "Y")]
        )
        date = AS_OF + ql.Period(f"{length}{unit}")
        terms[date] = random.choice([f"{length}{unit}", date.ISO(), day(date)])
    return [(term, date) for date, term in terms.items()]


def draw_curve(
    random: Random, market: Market, currency: str, name: str
) -> ql.YieldTermStructureHandle:
    level = random.uniform(-0.005, 0.06)
    factors = {}
    for term, date in draw_terms(random, 8):
        rate = round(level + random.uniform(-0.005, 0.005), 6)
        if random.random() < 0.3:
            factors[date] = round(math.exp(-rate * TIME.yearFraction(AS_OF, date)), 9)
            market.quote(f"DISCOUNT/RATE/{currency}/{name}/{term}", factors[date])
        else:
            counter = random.choice(list(DAY_COUNTERS))
            years = DAY_COUNTERS[counter].yearFraction(AS_OF, date)
            factors[date] = math.exp(-rate * years)
            market.quote(f"ZERO/RATE/{currency}/{name}/{counter}/{term}", rate)
    return curve(factors)


def draw_equity(random: Random, market: Market, name: str) -> None:
    currency = random.choice(CURRENCIES)
    spot = round(random.uniform(5.0, 300.0), 2)
    market.currency[name], market.spot[name] = currency, spot
    market.quote(f"EQUITY/PRICE/{name}/{currency}", spot)
    factors = {}
    for term, date in draw_terms(random, 3) if random.random() < 0.8 else []:
        dividend = round(random.uniform(-0.01, 0.06), 5)
        factors[date] = math.exp(-dividend * TIME.yearFraction(AS_OF, date))
        market.quote(f"EQUITY_DIVIDEND/RATE/{name}/{currency}/{term}", dividend)
    market.dividend[name] = curve(factors or {AS_OF + 365: 1.0})
    growth = [market.dividend[name], market.discount[currency]]
    key = f"EQUITY_OPTION/RATE_LNVOL/{name}/{currency}"
    market.surface[name] = draw_surface(random, market, key, spot, growth)


def draw_surface(
    random: Random,
    market: Market,
    key: str,
    spot: float,
    growth: list[ql.YieldTermStructureHandle],
) -> Surface:
    """Smiles at random expiries; the forward is the spot times the first factor over the second."""
    level = random.uniform(0.05, 0.6)
    surface = Surface()
    for term, date in draw_terms(random, 5):
        forward = spot * growth[0].discount(date) / growth[1].discount(date)
        strikes = {"ATM": spot, "ATMF": forward}
        strikes = dict(random.sample(list(strikes.items()), random.randint(0, 1)))
        for _ in range(random.randint(0 if strikes else 1, 4)):
            strike = float(f"{spot * random.uniform(0.5, 1.8):.5g}")
            strikes[repr(strike)] = strike
        smile = []
        for label, strike in strikes.items():
            volatility = round(level * random.uniform(0.85, 1.15), 5)
            smile.append((strike, volatility))
            market.quote(f"{key}/{term}/{label}", volatility)
        surface.smiles[TIME.yearFraction(AS_OF, date)] = sorted(smile)
    return surface
