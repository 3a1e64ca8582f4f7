"""What Asterisk notes of a fax, as variables of the leg, and what records say of that."""

from __future__ import annotations

from collections.abc import Mapping

FAX_FACTS = frozenset(
    ("FAXSTATUS", "FAXSTATUSSTRING", "FAXERROR", "FAXPAGES", "FAXBITRATE", "REMOTESTATIONID")
)
"""The names of the variables."""

RECORDED = {
    "FAXSTATUSSTRING": "fax_result_text",
    "FAXPAGES": "fax_transferred_pages",
    "FAXBITRATE": "fax_transfer_rate",
}
"""What records call some of them."""


def is_done(facts: Mapping[str, str]) -> bool:
    """Whether a fax was sent or received, all of it."""
    return facts.get("FAXSTATUS") == "SUCCESS"


def record_of(facts: Mapping[str, str]) -> dict[str, str]:
    """What the record of a leg says of its fax; nothing where there was none."""
    if not facts:
        return {}
    found = {name: facts[noted] for noted, name in RECORDED.items() if noted in facts}
    return {"fax_success": str(is_done(facts)).lower(), **found}
