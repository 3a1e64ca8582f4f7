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
    ("`maxSize`", "has too many bytes"),
    ("`minimum`, `maximum`", "is too small, too large"),
    ("`minItems`, `maxItems`, `uniqueItems`", "has too few, too many, repeated items"),
    ("`maxProperties`", "has too many keys"),
    ("`pattern`", "does not match the regular expression `target`"),
    ("`wrong_format`", "is no e-mail address, date or address"),
    ("`additionalProperties`", "is a key that the schema does not know and does not allow"),
    ("`not_one_schema_valid`, `any_schemas_not_valid`", "fits no alternative, or more than one"),
    ("`unique`", "is taken by another document"),
    ("`date_range`", "is a time that the other end of the range does not fit"),
    (
        "`faults`",
        "under `data`: has more faults than `target`, those named; at least `cause`",
    ),
    (
        "`invalid`, `forbidden`, `not_found`, `disabled`, `expired`, `after`, `date`, `encoding`,"
        " `exists`, `format`, `image`, `in_use`, `range`, `rejected`, `size`, `state`",
        "breaks a rule that `message` tells",
    ),
    (
        "`error`",
        "breaks a rule beyond schemas, as an unknown module or a blocked web address does",
    ),
)
"""What may be wrong with a field, in Markdown: the rules, and what they say of the value."""


BESIDE = (
    (400, "action required", "A device is to do something, and the request does not say what."),
    (400, "disabled", "The system's configuration wants no alerts."),
    (400, "invalid action", "A device cannot do what it is asked for."),
    (402, "timeout", "Who keeps the books did not answer in time, and is asked again."),
    (404, "bad identifier", "What stands for the id of an account in the path can be none."),
    (404, "bad_identifier", "No app has this id."),
    (409, "account_has_descendants", "The account has others below it."),
    (409, "apps exist for provider", "There are registrations with the provider of logins."),
    (409, "conflicting_documents", "There is a storage document already."),
    (409, "datastore_conflict", "The account has a notification of its own already."),
    (410, "changes_forgotten", "What happened since then is not known any more; read anew."),
    (503, "init failed", "No phone book is connected, which would know the prefixes of a city."),
)
"""Codes that a refusal is given where it is made: status, code, and what it means."""

THEMSELVES = (errors.Conflict, errors.Forbidden)
"""Refusals that are told as they are, although others are kinds of them."""


def described_errors() -> Iterator[tuple[int, str, str]]:
    """Every refusal by its status: that, the code, and what it means, in Markdown."""
    described = list(BESIDE)
    classes = [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, CrossbarError)
        if found in THEMSELVES or not found.__subclasses__()
    ]
    for found in sorted(classes, key=lambda each: each.__name__):
        about = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split()).replace("``", "`")
        described.append((found.status, found.code, about))
    yield from sorted(described, key=lambda each: each[0])
