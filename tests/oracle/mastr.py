"""What mastr says."""

import csv
import json
import subprocess
from pathlib import Path

from market import AS_OF, BASE, Market


def price(root: Path, target: Path, market: Market, trades: list[dict]) -> dict[str, dict]:
    """The figures of each trade by its id: `npv`, the greeks, or `fault`. Of several sensitivities to
    one greek the second is called `rho 2`, and so on."""
    build = ["cargo", "build", "--release", "--quiet", "--package", "mastr", "--locked"]
    subprocess.run(build, cwd=root, check=True)
    folder = target / "oracle"
    portfolio = {"AsOfDate": AS_OF.ISO(), "BaseCurrency": BASE, "Portfolio": trades}
    (folder / "portfolio.json").write_text(json.dumps(portfolio, indent=1))
    (folder / "market.txt").write_text("\n".join(market.quotes))
    (folder / "fixings.txt").write_text("\n".join(market.fixing_lines()))
    command = [target / "release" / "mastr", "price", "--output", folder / "results"]
    command += ["--portfolio", folder / "portfolio.json", "--market", folder / "market.txt"]
    command += ["--fixings", folder / "fixings.txt"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    # 3: some trades failed.
    if done.returncode not in (0, 3):
        raise SystemExit(f"mastr price ended with exit status {done.returncode}")
    return read(folder / "results")


def read(folder: Path) -> dict[str, dict]:
    figures: dict[str, dict] = {}
    for row in rows(folder / "npv.csv"):
        figures[row["TradeId"]] = {} if row["NPV"] == "#N/A" else {"npv": float(row["NPV"])}
    for row in rows(folder / "sensitivity.csv"):
        of_trade = figures[row["TradeId"]]
        earlier = sum(name.split(" ")[0] == row["Greek"] for name in of_trade)
        name = f"{row['Greek']} {earlier + 1}" if earlier else row["Greek"]
        of_trade[name] = float(row["Value"])
    for row in rows(folder / "failed.csv"):
        figures[row["TradeId"]]["fault"] = row["Fault"]
    return figures


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
