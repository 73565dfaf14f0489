"""Random trades, as mastr's JSON has them."""

from random import Random

import QuantLib as ql

from market import AS_OF, CURRENCIES, NAMES, Market


def draw(seed: int, count: int, market: Market) -> list[dict]:
    """So many trades of all types in turn."""
    # Other numbers than the market's.
    random = Random(f"trades {seed}")
    kinds = [european_option, american_option, equity_forward, fx_forward, fx_option]
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
