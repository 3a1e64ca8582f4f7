"""Runs the tests and judges their coverage: ``python -m tests.coverage_gate``.

Arguments are handed on to pytest. Its closing line is kept in a file, since the coverage is judged
after it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUMMARY = Path("build/test-summary")

THRESHOLDS = {
    "crossbar/core/*": 100,
    "crossbar/storage/*": 100,
    "crossbar/identity/*": 100,
    "crossbar/documents.py": 100,
    "crossbar/validation/refusals.py": 100,
    "crossbar/validation/schemas.py": 100,
    "crossbar/*": 95,
}
"""Least percentage of lines and branches that the tests have to reach, by files."""


def main(arguments: list[str]) -> int:
    """The exit status: pytest's own, or 1 when only the coverage is too small."""
    status = _pytest(arguments)
    is_enough = [_reaches(files, least) for files, least in THRESHOLDS.items()]
    return status or (0 if all(is_enough) else 1)


def _pytest(arguments: list[str]) -> int:
    """Run pytest with coverage; pass on what it prints and keep the last line."""
    command = [sys.executable, "-m", "pytest", "--cov=crossbar", "--cov-report=", *arguments]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line if line.strip() else last
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text(last, encoding="utf-8")
    return process.returncode


def _reaches(files: str, least: int) -> bool:
    """Whether the coverage of ``files`` is enough; what is missing is shown when it is not."""
    command = [sys.executable, "-m", "coverage", "report", f"--include={files}"]
    report = subprocess.run(
        [*command, f"--fail-under={least}"], capture_output=True, text=True, check=False
    )
    if report.returncode:
        print(f"\nCoverage of {files} has to be {least} %:\n{report.stdout}{report.stderr}")
    else:
        print(f"Coverage of {files}: {least} % reached")
    return report.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
