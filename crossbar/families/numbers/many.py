"""Operations on several numbers at once: what is sent, and how what came of it is told."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.core.requests import Request
from crossbar.documents import Document
from crossbar.errors import NotReconcilable, OfNumber, ValidationFailed
from crossbar.families.numbers.changes import GROUP, Asker, Outcome, change_many
from crossbar.families.numbers.documents import normalize, shown
from crossbar.families.numbers.features import available
from crossbar.families.numbers.moves import Maker

REQUIRED = "Field is required but missing"


def numbers_sent(request: Request) -> tuple[list[str], Outcome]:
    """The numbers of the body in E.164, and what is none. Raises :class:`ValidationFailed`."""
    sent = request.data.get("numbers") if isinstance(request.data, dict) else None
    if sent is None:
        raise ValidationFailed.of("numbers", "required", REQUIRED)
    if not isinstance(sent, list) or not all(isinstance(each, str) for each in sent):
        message = "Value did not match type(s): array of strings"
        raise ValidationFailed.of("numbers", "type", message, target="array", value=sent)
    if not sent:
        message = "List must have at least 1 items"
        raise ValidationFailed.of("numbers", "minItems", message, target=1)
    outcome, numbers = Outcome(), dict[str, None]()
    for raw in sent:
        number = normalize(raw)
        if number is None:
            outcome.refused[raw] = NotReconcilable(cause=raw)
        elif number in numbers:
            message = "List of items is not unique"
            raise ValidationFailed.of("numbers", "uniqueItems", message, cause=number)
        else:
            numbers[number] = None
    return list(numbers), outcome


async def change_sent(request: Request, asker: Asker, make: Maker) -> Outcome:
    """Have the numbers of the body changed."""
    numbers, outcome = numbers_sent(request)
    changed = await change_many(asker, numbers, make(request, asker))
    outcome.done |= changed.done
    outcome.refused |= changed.refused
    return outcome


async def told(asker: Asker, outcome: Outcome) -> Any:
    """What is answered. Raises the error of the only number where there was but one.

    A single number is shown as itself too: some clients read one, some the other.
    """
    done = {}
    for number, document in outcome.done.items():
        done[number] = view(asker, document)
        if len(done) % GROUP == 0:
            await asyncio.sleep(0)  # there may be very many
    if not outcome.refused:
        itself = next(iter(done.values())) if len(done) == 1 else {}
        return {**itself, "success": done, "error": []}
    if not done and len(outcome.refused) == 1:
        raise next(iter(outcome.refused.values()))
    errors = {}
    for number, error in outcome.refused.items():
        errors[number] = _of(error)
        if len(errors) % GROUP == 0:
            await asyncio.sleep(0)
    return {"success": done, "error": errors}


def _of(error: OfNumber) -> Document:
    facts = {"code": error.status, "error": error.code, "message": error.phrase}
    return facts | error.detail


def view(asker: Asker, document: Document) -> Document:
    """A number as the asker sees it."""
    settings = asker.actor.services.settings.numbers
    return shown(document, available(settings, document, is_operator=asker.is_operator))
