"""What pages say of errors: every refusal, and every rule that a field may break."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from crossbar import errors
from crossbar.errors import CrossbarError

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
    (
        "`faults`",
        "under `data`: has more faults than `target`, those named; at least `cause`",
    ),
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


THEMSELVES = (errors.Conflict, errors.Forbidden)
"""Refusals that are told as they are, although others are kinds of them."""


def described_errors() -> Iterator[tuple[int, str, str]]:
    """Every refusal by its status: that, the code, and what it means, in Markdown."""
    classes = [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, CrossbarError)
        if found in THEMSELVES or not found.__subclasses__()
    ]
    for found in sorted(classes, key=lambda each: (each.status, each.__name__)):
        about = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split()).replace("``", "`")
        yield found.status, found.code, about
