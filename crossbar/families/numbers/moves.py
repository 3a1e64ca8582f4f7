"""What each operation makes of a number, one or many of a request."""

from __future__ import annotations

from collections.abc import Callable

from crossbar.core.requests import Request
from crossbar.documents import Document
from crossbar.errors import NumberNotFound, ValidationFailed
from crossbar.families.numbers.changes import Asker, Move, dressed, fields_of
from crossbar.families.numbers.documents import LOCAL, State
from crossbar.families.numbers.states import Standing
from crossbar.families.numbers.uses import used_by

Maker = Callable[[Request, Asker], Move]
"""Makes of a request what is to become of each of its numbers."""


def sent_fields(request: Request) -> Document:
    """The fields of a number in the body, which may have none. Raises ValidationFailed."""
    sent = {} if request.data is None else request.data
    if not isinstance(sent, dict):
        message = "Value did not match type(s): object"
        raise ValidationFailed.of("data", "type", message, target="object", value=sent)
    return fields_of(sent)


def _state_to_create(request: Request) -> str:
    state = request.control("create_with_state", State.IN_SERVICE.value)
    if state not in list(State):
        message = "Value is none of the states of numbers"
        raise ValidationFailed.of("create_with_state", "enum", message, target=[*State])
    return str(state)


def create(request: Request, asker: Asker) -> Move:
    """The number is made, in the state that was asked for."""
    return _creating(request, asker, _state_to_create(request))


def port(request: Request, asker: Asker) -> Move:
    """The number is made as one that is on its way in."""
    return _creating(request, asker, State.PORT_IN)


def _creating(request: Request, asker: Asker, state: str) -> Move:
    fields = sent_fields(request)

    async def move(standing: Standing) -> Document:
        return dressed(asker, standing.created(state, LOCAL), fields, merges=True)

    return move


def activate(request: Request, asker: Asker) -> Move:
    """The number is put in service for the account, bought from the carrier if need be."""
    return _taking(request, asker, State.IN_SERVICE, lambda standing: standing.in_service())


def reserve(request: Request, asker: Asker) -> Move:
    """The number is kept for the account, bought from the carrier if need be."""
    return _taking(request, asker, State.RESERVED, lambda standing: standing.reserved())


def _taking(
    request: Request, asker: Asker, state: str, take: Callable[[Standing], Document]
) -> Move:
    fields = sent_fields(request)

    async def move(standing: Standing) -> Document:
        if standing.document is not None:
            after = take(standing)
        else:
            carrier = asker.actor.services.carrier
            known = await carrier.check([standing.number])
            if known.get(standing.number) != State.AVAILABLE:
                raise NumberNotFound
            after = standing.acquired(state, carrier.name)
        return dressed(asker, after, fields, merges=True)

    return move


def replace(request: Request, asker: Asker) -> Move:
    """The fields of the number are those that were sent."""
    return _updating(request, asker, merges=False)


def patch(request: Request, asker: Asker) -> Move:
    """What was sent is merged over the fields of the number."""
    return _updating(request, asker, merges=True)


def _updating(request: Request, asker: Asker, *, merges: bool) -> Move:
    fields = sent_fields(request)

    async def move(standing: Standing) -> Document:
        return dressed(asker, standing.require_change(), fields, merges=merges)

    return move


def release(request: Request, asker: Asker) -> Move:
    """The number is given back; with ``hard``, an operator removes it for good."""
    is_hard = asker.is_operator and request.says_yes("hard")
    settings = asker.actor.services.settings.numbers

    async def move(standing: Standing) -> Document | None:
        if is_hard:
            standing.require()
            return None
        return standing.released(settings)

    return move


def fix(request: Request, asker: Asker) -> Move:
    """What the number is used by, and its features, are found out again."""

    async def move(standing: Standing) -> Document:
        document = standing.require_change()
        owner = standing.assignee.account_id if standing.assignee else None
        uses = [use for use in standing.uses if owner in (None, use.account_id)]
        return dressed(asker, used_by(document, uses), None, merges=True)

    return move
