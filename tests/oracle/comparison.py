"""Whether both say the same."""

from dataclasses import dataclass, field

import quantlib
from market import Market


@dataclass
class Outcome:
    trades: int
    figures: int = 0
    disagreements: list[str] = field(default_factory=list)
    # The largest difference, as a part of what is allowed.
    worst: float = 0.0

    def summary(self) -> str:
        return (
            f"{self.trades} trades, {self.figures} figures: {len(self.disagreements)} disagree; "
            f"the worst is {self.worst:.2g} of what is allowed"
        )


def compare(trades: list[dict], market: Market, results: dict[str, dict]) -> Outcome:
    """Every figure that QuantLib gives against mastr's."""
    outcome = Outcome(len(trades))
    for trade in trades:
        expected = quantlib.price(trade, market)
        got = results[trade["id"]]
        for name, want in expected.figures.items():
            outcome.figures += 1
            allowed = expected.allowed(name)
            if name not in got:
                reason = got.get("fault", "mastr does not give it")
                outcome.disagreements.append(f"{trade['id']} {name}: QuantLib {want!r}; {reason}")
                continue
            part = abs(got[name] - want) / allowed
            outcome.worst = max(outcome.worst, part)
            # Not a number is no agreement either.
            if not part <= 1.0:
                outcome.disagreements.append(
                    f"{trade['id']} {name}: mastr {got[name]!r}, QuantLib {want!r}, "
                    f"and {allowed:.1g} is allowed"
                )
    return outcome
