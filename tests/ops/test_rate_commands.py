"""Ratedecks on the command line, run as an operator runs it."""

from __future__ import annotations

from tests.ops.conftest import Installation
from tests.ops.processes import crossbar


def test_an_operator_imports_a_ratedeck(installation: Installation) -> None:
    table = installation.folder / "rates.csv"
    table.write_text("prefix,rate_cost\n49,0.01\n44,free\n1,0.02\n")
    done = crossbar(installation.folder, "rates", "import", str(table), "--ratedeck", "gold")
    assert done.returncode == 1
    assert done.stdout == "2 rates are written\n"
    assert done.stderr == "line 3: rate_cost: Value is no number\n"
    table.write_text("prefix,rate_cost\n49,0.01\n" + "x,1\n" * 101)
    done = crossbar(installation.folder, "rates", "import", str(table))
    assert done.stderr.endswith("101 lines make no rate; the first are named\n")
    table.write_text("prefix,cost\n49,0.01\n")
    done = crossbar(installation.folder, "rates", "import", str(table))
    assert (done.returncode, done.stdout) == (1, "")
    assert "prefix and rate_cost" in done.stderr
