"""``docs/errors.md``, generated from ``crossbar.errors``, and what other pages say of errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from crossbar import errors
from crossbar.errors import CrossbarError

HEAD = """\
# Errors

Generated from `crossbar/errors.py`; `make docs` writes it anew.

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

RULES = (
    ("`required`", "is missing"),
    ("`type`", "has another type than `target`"),
    ("`enum`", "is not one of `target`"),
    ("`minLength`, `maxLength`", "is too short, too long, in characters"),
    ("`minimum`, `maximum`", "is too small, too large"),
    ("`minItems`, `maxItems`, `uniqueItems`", "has too few, too many, repeated items"),
    ("`pattern`", "does not match the regular expression `target`"),
    ("`wrong_format`", "is no e-mail address, date or address"),
    ("`additionalProperties`", "is a key that the schema does not know and does not allow"),
    ("`not_one_schema_valid`, `any_schemas_not_valid`", "fits no alternative, or more than one"),
    ("`unique`", "is taken by another document"),
    ("`faults`", "under `data`: has more faults than `target`, those named; `cause` were found"),
    (
        "`invalid`, `forbidden`, `not_found`, `disabled`, `expired`",
        "breaks a rule that `message` tells",
    ),
    (
        "`error`",
        "breaks a rule beyond schemas, as an unknown module or a blocked web address does",
    ),
)
"""What may be wrong with a field, in Markdown: the rules, and what they say of the value."""


def errors_page() -> str:
    """The whole page."""
    errors = (f"| {status} | `{code}` | {about} |\n" for status, code, about in described_errors())
    rules = (f"| {names} | {about} |\n" for names, about in RULES)
    return "".join((HEAD, FAULT, *errors, TAIL, *rules))


def described_errors() -> Iterator[tuple[int, str, str]]:
    """Every refusal by its status: that, the code, and what it means, in Markdown."""
    classes = [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, CrossbarError) and not found.__subclasses__()
    ]
    for found in sorted(classes, key=lambda each: (each.status, each.__name__)):
        about = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split()).replace("``", "`")
        yield found.status, found.code, about


def write(root: Path) -> None:
    """Write the page below ``root``, the folder of the project."""
    (root / "docs" / "errors.md").write_text(errors_page(), encoding="utf-8")
