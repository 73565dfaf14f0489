"""Random trades, as mastr's JSON has them."""

from random import Random

import QuantLib as ql

from market import AS_OF, CURRENCIES, INDICES, NAMES, Market


def draw(seed: int, count: int, market: Market) -> list[dict]:
    """So many trades of all types in turn."""
    # Other numbers than the market's.
    random = Random(f"trades {seed}")
    kinds = [
        european_option,
        american_option,
        barrier_option,
        asian_option,
        equity_forward,
        fx_forward,
        fx_option,
        swap,
        bond,
    ]
    trades = []
    for number in range(count):
        trade_type, data = kinds[number % len(kinds)](random, market)
        trade_id = f"{trade_type}-{number:06}"
        trades.append({"id": trade_id, "TradeType": trade_type, f"{trade_type}Data": data})
    return trades


def later(random: Random) -> str:
    """A day from tomorrow to about twelve years from now, near ones more often."""
    return (AS_OF + 1 + int(4400 * random.random() ** 3)).ISO()


def option(random: Random, **more: object) -> dict:
    return {
        "LongShort": random.choice(["Long", "Short"]),
        "OptionType": random.choice(["Call", "Put"]),
        "ExerciseDates": [later(random)],
        **more,
    }


def equity(random: Random, market: Market) -> dict:
    """The fields of a trade on an equity."""
    name = random.choice(NAMES)
    return {
        "Name": name,
        "Currency": market.currency[name],
        "Strike": round(market.spot[name] * random.lognormvariate(0.0, 0.3), 2),
        "Quantity": round(random.uniform(1.0, 1000.0), 1),
    }


def exchange(random: Random, market: Market) -> dict:
    """The fields of a trade on two currencies."""
    bought, sold = random.sample(CURRENCIES, 2)
    amount = round(random.uniform(1e3, 1e7), 2)
    rate = market.rate(bought, sold) * random.lognormvariate(0.0, 0.1)
    return {
        "BoughtCurrency": bought,
        "BoughtAmount": amount,
        "SoldCurrency": sold,
        "SoldAmount": round(amount * rate, 2),
    }


def european_option(random: Random, market: Market) -> tuple[str, dict]:
    terms = {"OptionData": option(random, Style="European"), **equity(random, market)}
    return "EquityOption", terms


def american_option(random: Random, market: Market) -> tuple[str, dict]:
    terms = {"OptionData": option(random, Style="American"), **equity(random, market)}
    return "EquityOption", terms


def equity_forward(random: Random, market: Market) -> tuple[str, dict]:
    terms = {"LongShort": random.choice(["Long", "Short"]), "Maturity": later(random)}
    return "EquityForward", terms | equity(random, market)


def fx_forward(random: Random, market: Market) -> tuple[str, dict]:
    return "FxForward", {"ValueDate": later(random), **exchange(random, market)}


def fx_option(random: Random, market: Market) -> tuple[str, dict]:
    terms = {"OptionData": option(random, Style="European"), **exchange(random, market)}
    return "FxOption", terms


def barrier_option(random: Random, market: Market) -> tuple[str, dict]:
    terms = {"OptionData": option(random, Style="European"), **equity(random, market)}
    # Some are beyond their level already.
    level = market.spot[terms["Name"]] * random.lognormvariate(0.0, 0.3)
    barrier = {
        "Type": random.choice(["UpAndOut", "UpAndIn", "DownAndOut", "DownAndIn"]),
        "Levels": [round(level, 2)],
    }
    if random.random() < 0.5:
        barrier["Rebate"] = round(terms["Quantity"] * random.uniform(0.0, 20.0), 2)
    return "EquityBarrierOption", terms | {"BarrierData": barrier}


def asian_option(random: Random, market: Market) -> tuple[str, dict]:
    dates = {AS_OF + random.randint(1, 700)}
    for _ in range(random.randint(0, 11)):
        dates.add(AS_OF + random.randint(-90, 700))
    # Sometimes today is one of them.
    dates |= set(random.sample([AS_OF], random.randint(0, 1)))
    last = max(dates)
    expiry = last + random.choice([0, 0, 3])
    terms = {
        "OptionData": {
            "LongShort": random.choice(["Long", "Short"]),
            "OptionType": random.choice(["Call", "Put"]),
            "PayoffType": "Asian",
            "PayoffType2": random.choice(["Geometric", "Geometric", "Arithmetic"]),
            "ExerciseDates": [expiry.ISO()],
        },
        **equity(random, market),
        "ObservationDates": {"Dates": {"Dates": [date.ISO() for date in sorted(dates)]}},
    }
    if random.random() < 0.3:
        terms["Settlement"] = (expiry + random.randint(0, 5)).ISO()
    return "EquityAsianOption", terms


def swap(random: Random, market: Market) -> tuple[str, dict]:
    name = random.choice(list(INDICES))
    payer, notional = random.random() < 0.5, round(random.uniform(1e5, 1e8), 0)
    life = draw_life(random)
    if random.random() < 0.2:
        other = random.choice([other for other in INDICES if other[:3] == name[:3]])
        first = floating_leg(random, other, payer, notional, life)
    else:
        first = fixed_leg(random, name[:3], payer, notional, life)
    return "Swap", {"LegData": [first, floating_leg(random, name, not payer, notional, life)]}


def bond(random: Random, market: Market) -> tuple[str, dict]:
    name = random.choice(list(INDICES))
    currency, notional = name[:3], round(random.uniform(1e3, 1e7), 0)
    life = draw_life(random)
    if random.random() < 0.3:
        leg = floating_leg(random, name, False, notional, life)
    else:
        leg = fixed_leg(random, currency, False, notional, life)
    return "Bond", {
        "IssuerId": "ISSUER",
        "SecurityId": "SECURITY",
        "ReferenceCurveId": random.choice([name, f"{currency}1D"]),
        "SettlementDays": random.randint(0, 3),
        "Calendar": random.choice(list(CALENDARS)),
        "IssueDate": life["StartDate"],
        "BondNotional": random.choice([1, 1, 2.5]),
        "LegData": leg,
    }


CALENDARS = ["TARGET", "UK", "US", "TARGET,UK"]


def draw_life(random: Random) -> dict:
    """Start, end and the way of counting between; the end is after the as-of date."""
    start = AS_OF + random.randint(-700, 400)
    end = max(start, AS_OF) + random.randint(40, 5000)
    return {
        "StartDate": start.ISO(),
        "EndDate": end.ISO(),
        "Rule": random.choice(["Forward", "Forward", "Backward"]),
        "EndOfMonth": random.random() < 0.2,
    }


def leg(random: Random, currency: str, payer: bool, notional: float, life: dict, **more: object) -> dict:
    rules = {
        **life,
        "Tenor": random.choice(["3M", "6M", "1Y"]),
        "Calendar": random.choice(CALENDARS),
        "Convention": random.choice(["F", "MF", "P", "U"]),
    }
    if random.random() < 0.3:
        rules["TermConvention"] = random.choice(["F", "MF", "U"])
    return {
        "Payer": payer,
        "Currency": currency,
        "Notionals": [notional],
        "DayCounter": random.choice(["A360", "A365F", "30/360", "ActActISDA"]),
        "PaymentConvention": random.choice(["F", "MF"]),
        "ScheduleData": {"Rules": rules},
        **more,
    }


def fixed_leg(random: Random, currency: str, payer: bool, notional: float, life: dict) -> dict:
    data = {"Rates": [round(random.uniform(0.0, 0.06), 5)]}
    return leg(random, currency, payer, notional, life, LegType="Fixed", FixedLegData=data)


def floating_leg(random: Random, name: str, payer: bool, notional: float, life: dict) -> dict:
    data = {"Index": name, "Spreads": [random.choice([0, round(random.uniform(0, 0.01), 5)])]}
    currency = name[:3]
    return leg(random, currency, payer, notional, life, LegType="Floating", FloatingLegData=data)
