"""``make bench ARGS="--against REV"``: an earlier revision and this one, in turn, side by side.

The earlier one is checked out beside and runs with the same Python and packages.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.servers import ROOT

Figures = dict[str, dict[str, float]]
"""The value and what else was found, by the name of the measure."""


def revision_of(folder: Path) -> str:
    """The commit that a folder was checked out from; ``?`` where there is no git."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "?"
    return found.stdout.strip()


def run(revision: str, rounds: int, seconds: float) -> bool:
    """Measure both, so many times; whether nothing has become a fifth worse."""
    with tempfile.TemporaryDirectory(prefix="crossbar-against-") as folder:
        place = Path(folder, "then")
        _git("worktree", "add", "--detach", str(place), revision)
        try:
            found = {
                then: [_measure(then, seconds) for _ in range(rounds)] for then in (place, ROOT)
            }
        finally:
            _git("worktree", "remove", "--force", str(place))
    return _compare(revision, *found.values())


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _measure(place: Path, seconds: float) -> Figures:
    """The figures of one whole run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bench.json")
        command = [sys.executable, "-m", "tests.bench", "--rounds", "1"]
        command += ["--seconds", str(seconds), "--json", str(file)]
        subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, check=False)
        rows = json.loads(file.read_text())
    return {row["name"]: {"value": row["value"], **row["detail"]} for row in rows}


def _compare(revision: str, then: list[Figures], now: list[Figures]) -> bool:
    """Print both, by measure; whether no rate is a fifth below what it was."""
    names = [name for name in now[0] if all(name in each for each in (*then, *now))]
    width = max(map(len, names))
    print(f"{'measure':{width}}  {revision:>12}  {'now':>12}   now / then, requests a second")
    worst = 1.0
    for name in names:
        before, after = (
            statistics.median(each[name]["value"] for each in runs) for runs in (then, now)
        )
        line = f"{name:{width}}  {before:>12}  {after:>12}"
        rates = [_rates(name, runs) for runs in (then, now)]
        if all(rates):
            share = statistics.median(rates[1]) / statistics.median(rates[0])
            worst = min(worst, share)
            line += f"   {share:.2f}"
        print(line)
    return worst > 0.8


def _rates(name: str, runs: list[Figures]) -> list[float]:
    """Requests a second, whatever a revision calls them."""
    found = (each[name].get("per_s", each[name].get("gateway_per_s")) for each in runs)
    return [rate for rate in found if rate is not None]
