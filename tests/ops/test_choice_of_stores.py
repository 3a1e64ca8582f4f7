"""Which tests run on which stores: what no store makes a difference to runs once, unless asked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from tests.ops.processes import ROOT, environment

MODULES = ("tests/contract/test_cors.py", "tests/contract/test_content_types.py")
COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider")


def chosen(*options: str) -> Counter[tuple[str, str]]:
    """How many tests of those modules run on a store, by test and store."""
    done = subprocess.run(
        [*COLLECT, *options, *MODULES],
        cwd=ROOT,
        env=environment(measured=False),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    named = [line.partition("::")[2] for line in done.stdout.splitlines() if "::test_" in line]
    return Counter(
        (name.partition("[")[0], "mongodb" if "mongodb" in name else "sqlite") for name in named
    )


def test_what_no_store_makes_a_difference_to_runs_once() -> None:
    by_default, all_of_them = chosen(), chosen("--stores=all")
    on_one = {name for name, store in by_default if (name, "mongodb") not in by_default}
    on_each = {name for name, store in by_default if store == "mongodb"}
    assert "test_a_file_is_named_by_the_parameter" in on_one
    assert on_each == {
        "test_a_file_arrives_whole_however_it_is_sent",
        "test_ranges_of_a_download",
    }
    for name in on_one | on_each:
        assert all_of_them[name, "sqlite"] == all_of_them[name, "mongodb"] > 0
        assert by_default[name, "sqlite"] == all_of_them[name, "sqlite"]
