"""Prices random portfolios with mastr and with QuantLib, and lists what they disagree on.

    python3 tests/oracle --trades 2000 --seed 1

The first run makes a virtual environment with QuantLib under the target folder. What was priced is
left there too, in `oracle/`: the portfolio, its market and mastr's results.
"""

import argparse
import os
import sys
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trades", type=int, default=2000, help="how many trades (2000)")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn from (1)")
    arguments = parser.parse_args()
    environment.enter(TARGET / "oracle")

    # Only now is QuantLib there.
    import comparison
    import market
    import mastr
    import portfolio

    random_market = market.draw(arguments.seed)
    trades = portfolio.draw(arguments.seed, arguments.trades, random_market)
    results = mastr.price(ROOT, TARGET, random_market, trades)
    outcome = comparison.compare(trades, random_market, results)
    for line in outcome.disagreements:
        print(line)
    print(outcome.summary())
    return 1 if outcome.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
