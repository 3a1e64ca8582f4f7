"""Regular expressions that clients send."""

from __future__ import annotations

import re
import warnings


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, ready to be used; ``None`` when it is no regular expression."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the style of what others have written
        try:
            return re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            return None
