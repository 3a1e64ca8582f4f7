"""What schemathesis loads: pictures to upload, and a record of what was answered."""

from __future__ import annotations

import atexit
import json
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2048)
RECORD = "answers.json"

_answers: Counter[tuple[str, str, int]] = Counter()

schemathesis.openapi.media_type(
    "image/png", st.binary(max_size=64).map(lambda content: PICTURE + content)
)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count an answer under its operation, the phase it was asked in, and its status."""
    phase = case.meta.phase.name.value if case.meta else ""
    _answers[case.operation.label, phase, response.status_code] += 1


@atexit.register
def write() -> None:
    """Leave the record in the working folder."""
    rows = [[*what, times] for what, times in _answers.items()]
    Path(RECORD).write_text(json.dumps(rows), encoding="utf-8")
