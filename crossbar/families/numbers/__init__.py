"""Telephone numbers: whose they are, what they can do, and where they come from."""

from __future__ import annotations

from crossbar.families.numbers.bulk import create_reserved
from crossbar.families.numbers.changes import RELEASE, bring_in
from crossbar.families.numbers.classifiers import classifiers_of
from crossbar.families.numbers.documents import (
    ASSIGNED_TO,
    GONE,
    MDN,
    MODULE,
    NUMBERS,
    STATE,
    USED_BY,
    USED_BY_ID,
    State,
    is_registered,
    normalize,
    number_key,
)
from crossbar.families.numbers.family import PHONE_NUMBERS, PHONE_NUMBERS_TO_BE_HAD
from crossbar.families.numbers.inventory import (
    BadRow,
    Imported,
    LocalInventory,
    import_numbers,
    numbers_of,
)
from crossbar.families.numbers.uses import (
    CALLFLOW,
    MOBILE,
    TRUNK,
    Carrying,
    account_with_number,
)

__all__ = [
    "ASSIGNED_TO",
    "CALLFLOW",
    "GONE",
    "MDN",
    "MOBILE",
    "MODULE",
    "NUMBERS",
    "PHONE_NUMBERS",
    "PHONE_NUMBERS_TO_BE_HAD",
    "RELEASE",
    "STATE",
    "TRUNK",
    "USED_BY",
    "USED_BY_ID",
    "BadRow",
    "Carrying",
    "Imported",
    "LocalInventory",
    "State",
    "account_with_number",
    "bring_in",
    "classifiers_of",
    "create_reserved",
    "import_numbers",
    "is_registered",
    "normalize",
    "number_key",
    "numbers_of",
]
