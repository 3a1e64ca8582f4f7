"""``docs/errors.md``, generated from ``crossbar.errors``."""

from __future__ import annotations

from pathlib import Path

from crossbar.dialects.described_errors import RULES, described_errors

HEAD = """\
# Errors

Generated from `crossbar/errors/`; `make docs` writes it anew.

Every refusal has the same envelope. `error` is the HTTP status as text, `message` a stable code,
`data` says more, and `request_id` finds the request in the server's log:

```json
{"data": {"message": "bad identifier", "cause": "0123…"},
 "error": "404", "message": "bad_identifier", "status": "error",
 "request_id": "…", "node": "…", "timestamp": "…"}
```

| status | `message` | what it means |
|---|---|---|
"""

FAULT = """\
| 500 | `unspecified_fault` | A fault of the server. The log has the reason under the request id. |
"""

TAIL = """
## Fields that were refused

A 400 with the message `validation error` names every refused field. `data` maps the dotted path
of the field to a rule, and the rule to its details: `message` for people, `target` for what was
expected, `value` or `cause` for what was sent. Positions in arrays count from 0; a dot inside a
key is written `%2E`. Secrets are never repeated, and of what is long only the beginning.

```json
{"username":
   {"unique": {"message": "Username must be unique within account", "cause": "ann"}},
 "caller_id.internal.number":
   {"maxLength": {"message": "String must not be more than 35 characters", "target": 35}}}
```

| rule | the value |
|---|---|
"""


def errors_page() -> str:
    """The whole page."""
    errors = (f"| {status} | `{code}` | {about} |\n" for status, code, about in described_errors())
    rules = (f"| {names} | {about} |\n" for names, about in RULES)
    return "".join((HEAD, FAULT, *errors, TAIL, *rules))


def write(root: Path) -> None:
    """Write the page below ``root``, the folder of the project."""
    (root / "docs" / "errors.md").write_text(errors_page(), encoding="utf-8")
