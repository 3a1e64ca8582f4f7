"""The log: JSON lines, or text for a person, on standard error, with secrets blackened.

Structlog is the interface; what libraries log through ``logging`` comes out the same way.
"""

from __future__ import annotations

import functools
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from crossbar.clock import Clock
from crossbar.settings import Log

BLACK = "***"
"""What is shown in place of a secret."""

MAXIMUM_DEPTH = 20
"""How deeply a logged value is looked into; what lies deeper is blackened as a whole."""

# The name of a secret, in lower case with "_" between its words. The short words count only at
# the end: "token_costs" and "pin_length" are no secrets.
_SECRET_NAME = re.compile(
    r"\w*(?:passw(?:or)?d|secret|credential|authorization|(?:api|private)_?key|auth_?token|cookie)\w*"
    r"|(?:\w*_)?(?:pins?|token|md5|sha1|md5_auth|sha1_auth)"
)
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|\W")

# What follows matches within texts that strangers may have written, so each pattern has to read
# any text in linear time: it starts where a word starts, and what it repeats it never retries.
_NAME = (
    r"(?<![\w-])[\w-]*(?:"
    r"(?:passw(?:or)?d|secret|credential|authorization|api[_-]?key|auth[_-]?token|cookie)[\w-]{0,16}"
    r"|(?<![A-Za-z])pins?|token|(?:md5|sha1)(?:_auth)?)"
)
_VALUE = (
    r"""(?:b?"(?:[^"\\]|\\.)*+"?|b?'(?:[^'\\]|\\.)*+'?|\\+"[^"\\]*+|\\+'[^'\\]*+"""
    r"""|\[[^\]]*+|\([^)]*+|\{[^}]*+|[^\s"'&,;)}\]]++)"""
)
# What to look for, and a text without which it cannot be there: most texts have none of these, and
# looking for a text is a hundred times faster than for a pattern.
_PATTERNS = [
    (hint, re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for hint, pattern, replacement in (
        # a header line
        (
            ":",
            r"(\b(?:authorization|x-auth-token|x-api-key|cookie): *+)[^\r\n\"']++",
            rf"\1{BLACK}",
        ),
        # Basic … and Bearer …, wherever they are
        ("basic", r"\b(basic)\s++[\w+/=.~-]{4,}+", rf"\1 {BLACK}"),
        ("bearer", r"\b(bearer)\s++[\w+/=.~-]{4,}+", rf"\1 {BLACK}"),
        # a JSON Web Token
        ("eyj", r"(?<![\w-])(?=[\w-]*+\.)([\w-]*?)eyJ[\w-]{4,}+(?:\.[\w-]*+){1,2}", rf"\1{BLACK}"),
        # a named API key, a refresh token
        ("cb", r"\bcb(?:k[0-9]++|r)_[\w-]{8,}+", BLACK),
        # an account's own API key
        ("", r"\b[0-9a-f]{64}\b", BLACK),
        # scheme://user:password@host
        ("://", r"(://[^\s/:@]*+:)[^\s/@]++(?=@)", rf"\1{BLACK}"),
        # ?auth_token=… and password='…'
        ("=", rf"({_NAME}=){_VALUE}", rf"\1{BLACK}"),
        # "password": "…", as JSON, as Python, and as JSON within a text
        (":", rf"""({_NAME}\\*+["']\s*+:\s*+){_VALUE}""", rf"\1{BLACK}"),
    )
]


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of ``value`` to be logged: plain data, without secrets.

    A value is blackened when its key is named like a secret, and so are the parts of any text
    that look like one. Objects become the text of their ``repr``.
    """
    if depth > MAXIMUM_DEPTH:
        return BLACK
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {
            _redact_text(str(name)): BLACK if _is_secret(name, inner) else redact(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(inner, depth + 1) for inner in value]
    return _redact_text(_text(value))


def configure(log: Log, *, clock: Clock | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for the whole process; a second call replaces the first one's set-up.

    ``stream`` is standard error unless given.
    """
    stream = stream or sys.stderr
    prepare: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *prepare,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    finish: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _stamp(clock or Clock()),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact_event,  # after all others, so that it sees the text of exceptions too
        _renderer(log, stream),
    ]
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=prepare, processors=finish)
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Handler)]
    root.addHandler(handler)
    root.setLevel(log.level.upper())
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours among the root logger's handlers."""


def _renderer(log: Log, stream: TextIO) -> Processor:
    if log.format == "console":
        return structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer()


def _stamp(clock: Clock) -> Processor:
    def stamp(_: Any, __: str, event: EventDict) -> EventDict:
        """Add the time, UTC, to the millisecond."""
        now = datetime.fromtimestamp(clock.precise(), UTC)
        event["timestamp"] = now.isoformat(timespec="milliseconds")
        return event

    return stamp


def _redact_event(_: Any, __: str, event: EventDict) -> EventDict:
    redacted: EventDict = redact(event)
    return redacted


def _is_secret(name: Any, value: Any) -> bool:
    """Whether ``name`` is a secret's. That there is none, or whether there is, may be shown."""
    return value is not None and not isinstance(value, bool) and names_a_secret(str(name))


@functools.lru_cache(maxsize=1024)
def names_a_secret(name: str) -> bool:
    """Whether what has this name is a secret, such as a password."""
    return bool(_SECRET_NAME.fullmatch(_WORD_BOUNDARY.sub("_", name).lower()))


def _redact_text(text: str) -> str:
    lowered = text.lower()
    for hint, pattern, replacement in _PATTERNS:
        if hint in lowered:
            text = pattern.sub(replacement, text)
    return text


def _text(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        # A line in the log is worth more than knowing why this object cannot be shown.
        return f"<{type(value).__name__}>"
