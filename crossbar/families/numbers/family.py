"""The family ``phone_numbers``: its paths, and what is answered there."""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, rows, some
from crossbar.core.preconditions import require_match
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Handler, Route, Routes, Scope, route
from crossbar.documents import Document
from crossbar.errors import LocalityUnavailable, NumberNotFound, NumberNotInService
from crossbar.families.numbers import moves
from crossbar.families.numbers.changes import (
    Asker,
    asker_of,
    carriers,
    change_many,
    change_one,
    full_number,
    load,
    standings,
)
from crossbar.families.numbers.classifiers import classifiers_of
from crossbar.families.numbers.documents import NUMBERS, STATE, State
from crossbar.families.numbers.listing import all_numbers, list_numbers, list_or_search
from crossbar.families.numbers.many import change_sent, numbers_sent, told, view
from crossbar.families.numbers.moves import Maker
from crossbar.families.numbers.searching import find_prefix, search_of_strangers
from crossbar.families.numbers.states import Standing, creatable

ACTIVATION = "phone_numbers"

LONGEST_PREFIX = 10
"""Digits that a search may begin with."""


def _answer(asker: Asker, document: Document) -> Result:
    return Result(data=view(asker, document), revision=document.get("_rev"))


async def fetch(request: Request) -> Result:
    """One number."""
    asker = await asker_of(request)
    return _answer(asker, await load(request, request.ids["phone_number"]))


def _one(make: Maker) -> Handler:
    """What changes the number that the path names."""

    async def change(request: Request) -> Result:
        asker = await asker_of(request)
        move = make(request, asker)

        async def matching(standing: Standing) -> Document | None:
            after = await move(standing)  # first, so that a client learns of what is not its own
            if standing.document is not None:
                require_match(request, standing.document)
            return after

        return _answer(asker, await change_one(asker, request.ids["phone_number"], matching))

    change.__doc__ = make.__doc__
    return change


def _many(make: Maker) -> Handler:
    """What changes the numbers that the body names."""

    async def change(request: Request) -> Result:
        asker = await asker_of(request)
        outcome = await change_sent(request, asker, make)
        return Result(data=await told(asker, outcome))

    change.__doc__ = make.__doc__
    return change


def _at_a_pace(handler: Handler) -> Handler:
    """What takes a token of the account's bucket first."""

    async def paced(request: Request) -> Result:
        services = request.services
        if services.settings.limits.enabled:
            cost = services.settings.numbers.activation_cost
            services.pace.charge((ACTIVATION, request.account_id), cost=cost)
        return await handler(request)

    paced.__doc__ = handler.__doc__
    return paced


async def identify(request: Request) -> Result:
    """Whose number it is, for those at or above that account."""
    asker = await asker_of(request)
    (standing,) = await standings(asker, [full_number(request.ids["phone_number"])])
    owner = standing.assignee
    if standing.porter is not None and (owner is None or standing.state != State.IN_SERVICE):
        owner = await request.services.accounts.get(standing.porter)
        if owner is not None and asker.reaches(owner):
            return Result(data={"account_id": owner.account_id, "number": standing.number})
        raise NumberNotFound
    if owner is None or not standing.may_change:
        raise NumberNotFound
    facts = {"account_id": owner.account_id, "number": standing.number}
    if standing.require()[STATE] != State.IN_SERVICE:
        raise NumberNotInService(cause="not_in_service", **facts)
    if not owner.is_in_good_standing(request.services.clock.gregorian()):
        raise NumberNotInService(cause="account_disabled", **facts)
    return Result(data=facts)


async def fix_all(request: Request) -> Result:
    """What numbers are used by is found out again, for all of the account; then their list."""
    asker = await asker_of(request)
    move = moves.fix(request, asker)
    await change_many(asker, await all_numbers(request), move)
    return await list_numbers(request)


async def fix_one(request: Request) -> Result:
    """What one number is used by is found out again."""
    asker = await asker_of(request)
    await change_one(asker, request.ids["phone_number"], moves.fix(request, asker))
    return Result(data={})


async def check(request: Request) -> Result:
    """Whether numbers are to be had, as the carrier says."""
    numbers, outcome = numbers_sent(request)
    known = await request.services.carrier.check(numbers)
    return Result(data={**known, **dict.fromkeys(outcome.refused, "error")})


async def localities(request: Request) -> Result:
    """Where numbers are from, which only a phone book knows."""
    numbers_sent(request)
    raise LocalityUnavailable


async def list_classifiers(request: Request) -> Result:
    """The classes of numbers, by name."""
    table = classifiers_of(request.services.settings.numbers).table
    return Result(data=table, revision=revision_of_list([table]))


async def classify(request: Request) -> Result:
    """The class of one number."""
    classifiers = classifiers_of(request.services.settings.numbers)
    return Result(data=classifiers.classified(request.ids["phone_number"]))


async def carriers_info(request: Request) -> Result:
    """From whom, and in which states, the caller may create numbers."""
    asker = await asker_of(request)
    names = [name.removeprefix("knm_") for name in carriers(request.services)]
    states = creatable(is_operator=asker.is_operator, may_add=asker.may_add)
    return Result(
        data={
            "maximal_prefix_length": LONGEST_PREFIX,
            "usable_carriers": names,
            "usable_creation_states": [*states],
        }
    )


NUMBER = Answers(an_object(id=TEXT, state=TEXT, features=some(TEXT)))
LISTED = Answers(is_paged=True)

_ONE = "{phone_number}"


def _writing(path: str, action: Action, make: Maker, about: str, *, paced: bool = False) -> Route:
    """An operation that changes the number in the path, or those of the body."""
    is_one = path.startswith(_ONE)
    handler = _one(make) if is_one else _many(make)
    return Route(
        path=path,
        action=action,
        handler=_at_a_pace(handler) if paced else handler,
        about=about,
        schema=NUMBERS.schema,
        answers=NUMBER if is_one else Answers(SOME_OBJECT),
    )


def _search(path: str, handler: Handler, about: str) -> Route:
    return Route(
        path=path,
        action=Action.LIST,
        handler=handler,
        about=about,
        access=Access.PUBLIC,
        answers=Answers(rows(number=TEXT, state=TEXT), by_caller=True),
    )


PHONE_NUMBERS = Routes(
    noun="phone_numbers",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_or_search, "List phone numbers, or find some", LISTED),
        route(_ONE, Action.FETCH, fetch, "Read a phone number", NUMBER),
        _writing(_ONE, Action.CREATE, moves.create, "Create a phone number"),
        _writing(_ONE, Action.REPLACE, moves.replace, "Replace a phone number"),
        _writing(_ONE, Action.PATCH, moves.patch, "Merge changes into a phone number"),
        _writing(_ONE, Action.DELETE, moves.release, "Give a phone number back"),
        _writing(
            f"{_ONE}/activate",
            Action.CREATE,
            moves.activate,
            "Put a phone number in service",
            paced=True,
        ),
        _writing(f"{_ONE}/reserve", Action.CREATE, moves.reserve, "Reserve a phone number"),
        _writing(f"{_ONE}/port", Action.CREATE, moves.port, "Create a number to be ported in"),
        route(f"{_ONE}/identify", Action.FETCH, identify, "Tell whose phone number it is"),
        _writing("collection", Action.CREATE, moves.create, "Create phone numbers"),
        _writing("collection", Action.REPLACE, moves.replace, "Replace phone numbers"),
        _writing("collection", Action.PATCH, moves.patch, "Merge changes into phone numbers"),
        _writing("collection", Action.DELETE, moves.release, "Give phone numbers back"),
        _writing(
            "collection/activate",
            Action.CREATE,
            moves.activate,
            "Put phone numbers in service",
            paced=True,
        ),
        route("fix", Action.REPLACE, fix_all, "Find out again what numbers are used by", LISTED),
        route(f"fix/{_ONE}", Action.REPLACE, fix_one, "Find out again what a number is used by"),
        route("check", Action.REPLACE, check, "Ask whether numbers are to be had"),
        route("locality", Action.REPLACE, localities, "Ask where numbers are from"),
        route("classifiers", Action.LIST, list_classifiers, "List the classes of numbers"),
        route(f"classifiers/{_ONE}", Action.FETCH, classify, "Tell the class of a number"),
        route("carriers_info", Action.FETCH, carriers_info, "Tell how numbers can be created"),
        _search("prefix", find_prefix, "Find the prefixes of a city"),
    ),
)
"""The numbers of an account."""

PHONE_NUMBERS_TO_BE_HAD = Routes(
    noun="phone_numbers",
    routes=(
        _search("", search_of_strangers, "Find phone numbers to be had"),
        _search("prefix", find_prefix, "Find the prefixes of a city"),
    ),
)
"""Numbers to be had, for who has no account yet."""
