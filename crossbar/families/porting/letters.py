"""The letter of authorization: a customer's word that its numbers may be moved, to be signed."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.clock import moment
from crossbar.core.attachments import in_memory
from crossbar.core.reading import load
from crossbar.core.requests import Request, Result
from crossbar.documents import Document
from crossbar.families.porting.places import numbers_of
from crossbar.families.porting.showing import viewer_of
from crossbar.families.porting.states import PORTED

LETTER_TYPES = ("application/pdf", "application/x-pdf")

STREET = ("street_number", "street_pre_dir", "street_address", "street_type", "street_post_dir")
TOWN = ("locality", "region", "postal_code")

MOST_NUMBERS = 5000
"""Numbers that are printed."""


async def letter_of_authorization(request: Request) -> Result:
    """The letter, with what the request says and room for a signature."""
    stored, account = await load(request), request.require_account()
    viewer = await viewer_of(request.actor, account)
    zone = account.document.get("timezone")
    signed = stored.get("signing_date")
    numbers = list(stored.get(PORTED) or numbers_of(stored))
    shown = sorted(numbers)[:MOST_NUMBERS]
    if len(numbers) > len(shown):
        shown.append(f"and {len(numbers) - len(shown)} others")
    content = await asyncio.to_thread(
        _draw,
        by=viewer.authority.name,
        facts=_facts(stored, account.name),
        numbers=shown,
        signee=_text(stored.get("signee_name")),
        signed=f"{moment(signed, zone):%Y-%m-%d}" if isinstance(signed, int) else "",
        made=moment(request.services.clock.gregorian()),
    )
    name = f"letter-of-authorization-{stored['_id']}.pdf"
    wanted = next((each for each in request.accept if each in LETTER_TYPES), LETTER_TYPES[0])
    return Result(download=in_memory(content, wanted, name), revision=stored["_rev"])


def _draw(**letter: Any) -> bytes:
    from crossbar.families.porting.loa import draw  # only now: it takes half a second

    return draw(**letter)


def _facts(stored: Document, account_name: str) -> list[tuple[str, str]]:
    """What the letter says of the customer and its bill, in pairs of title and text."""
    bill: Document = stored.get("bill", {})
    pairs = (
        ("Customer", _text(bill.get("name")) or account_name),
        ("Address", ", ".join(filter(None, (_joined(bill, STREET), _joined(bill, TOWN))))),
        ("Present carrier", _text(bill.get("carrier"))),
        ("Account number there", _text(bill.get("account_number"))),
        ("Billing number", _text(bill.get("btn"))),
        ("Reference", _text(stored.get("reference_number"))),
        ("Request", _text(stored.get("name"))),
    )
    return [pair for pair in pairs if pair[1]]


def _joined(bill: Document, names: tuple[str, ...]) -> str:
    return " ".join(filter(None, (_text(bill.get(name)) for name in names)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
