"""How numbers are changed: one or many, at the wish of a request, or for a document of an account.

Each number is read, decided upon and written anew; of two that want it one is too late, reads
again, and is refused by what it finds then. The numbers of a request are written in groups, each
in one commit, since there may be very many.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from crossbar.core.directory import Account, is_at_or_below
from crossbar.core.jobs import Kind
from crossbar.core.requests import Actor, Request
from crossbar.core.services import Services
from crossbar.core.writing import Work, in_turn
from crossbar.documents import Document, merge, private, public
from crossbar.errors import (
    Forbidden,
    NotReconcilable,
    NumberExists,
    NumberNotFound,
    NumberRefused,
    OfNumber,
    ValidationFailed,
)
from crossbar.families.billing import charge, charged, is_billed
from crossbar.families.numbers.classifiers import classifiers_of
from crossbar.families.numbers.documents import (
    ASSIGNED_TO,
    CLASS,
    FEATURES,
    GONE,
    HISTORY,
    LOCAL,
    MANAGED,
    MDN,
    MODULE,
    NUMBERS,
    STATE,
    State,
    billed_items,
    is_registered,
    lost,
    normalize,
    number_key,
)
from crossbar.families.numbers.features import available, require_available, wanted
from crossbar.families.numbers.states import Standing
from crossbar.families.numbers.uses import known, used_by, uses_of
from crossbar.storage import Key

Additions = Counter[tuple[str, str]]

GROUP = 100
"""Numbers that are written in one commit."""

HERE = (LOCAL, MDN, MANAGED)
"""Whom numbers are from that no carrier has to take back."""

IGNORED = (
    "accept_charges",
    "assigned_to",
    "create_with_state",
    "features",
    "features_allowed",
    "features_available",
    "features_denied",
    "id",
    "numbers",
    "state",
    "used_by",
    "used_by_id",
)
"""Fields that are shown, or that say what is to be done; clients send them back."""

Move = Callable[[Standing], Awaitable[Document | None]]
"""What becomes of a number; ``None`` when nothing is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants something of numbers, and for which account; a job has no request.

    Without one nobody can be asked to accept charges, so it is for what costs nothing.
    """

    actor: Actor
    request: Request | None = None
    account: Account
    asking: Account
    is_operator: bool

    @property
    def may_add(self) -> bool:
        """Whether the account may make numbers of its own."""
        return self.asking.document.get("pvt_wnm_allow_additions") is True

    def reaches(self, account: Account) -> bool:
        """Whether who asks may ask about the account."""
        return self.is_operator or is_at_or_below(account, self.asking.account_id)


async def asker_of(request: Request) -> Asker:
    """Who asks for the account in the path."""
    caller = request.require_caller()
    asking = await request.services.accounts.get(caller.account_id)
    if asking is None:
        raise Forbidden
    return Asker(
        actor=request.actor,
        request=request,
        account=request.require_account(),
        asking=asking,
        is_operator=caller.is_operator,
    )


async def standings(asker: Asker, numbers: Sequence[str]) -> list[Standing]:
    """How each of the numbers stands, in their order."""
    services = asker.actor.services
    found = await known(services.store, numbers)
    # The documents first: who carries one of the numbers after this also writes its document.
    await asyncio.sleep(0)  # what a store remembers from this turn of the loop may be older
    return [await _standing(asker, number, found.get(number)) for number in numbers]


async def _standing(asker: Asker, number: str, document: Document | None) -> Standing:
    services = asker.actor.services
    registered = document if is_registered(document) else None
    owner, accounts = (registered or {}).get(ASSIGNED_TO), services.accounts
    history = [
        account_id
        for account_id in (registered or {}).get(HISTORY, ())
        if await accounts.get(account_id)
    ]
    return Standing(
        number=number,
        document=registered,
        stub=document,
        account=asker.account,
        asking=asker.asking,
        is_operator=asker.is_operator,
        may_add=asker.may_add,
        assignee=await accounts.get(owner) if owner else None,
        history=history,
        uses=await uses_of(services.store, number),
        porter=await services.porting.account_porting(asker.actor, number),
    )


async def load(request: Request, raw: str) -> Document:
    """The number that a path names. Raises :class:`NumberNotFound` if it is not to be seen."""
    (standing,) = await standings(await asker_of(request), [full_number(raw)])
    document = standing.require()
    if not standing.may_see:
        raise NumberNotFound
    return document


def full_number(raw: str) -> str:
    """The number in E.164. Raises :class:`NotReconcilable` for what is none."""
    number = normalize(raw)
    if number is None:
        raise NotReconcilable(cause=raw)
    return number


def fields_of(sent: Document) -> Document:
    """The fields of a number that were sent."""
    document = public(sent)
    for name in IGNORED:
        document.pop(name, None)
    return document


def dressed(asker: Asker, after: Document, fields: Document | None, *, merges: bool) -> Document:
    """The number with the fields that were sent, if any were, and the features that they mean.

    Raises :class:`ValidationFailed`, :class:`NumberForbidden` for a feature that it may not have.
    """
    settings, schemas = asker.actor.services.settings.numbers, asker.actor.services.schemas
    before = public(after)
    if fields is not None:
        proposed = merge(before, fields) if merges else {**fields}
        proposed, errors = schemas.apply(NUMBERS.schema, proposed)
        if errors:
            raise ValidationFailed(errors)
        after = {**private(after), **proposed}
    may = available(settings, after, is_operator=asker.is_operator)
    require_available(may, before, after)
    carrier = after.pop("carrier_name", None)
    if carrier is not None:
        after[MODULE] = _module(asker.actor.services, carrier)
    return {**after, FEATURES: wanted(after)}


def _classified(services: Services, number: str) -> str:
    return classifiers_of(services.settings.numbers).name_of(number) or "unknown"


def _module(services: Services, name: str) -> str:
    module = name if name.startswith("knm_") else f"knm_{name}"
    if module not in carriers(services):
        raise NumberRefused(cause=f"carrier_name {name}")
    return module


def carriers(services: Services) -> list[str]:
    """Whom numbers can be from."""
    return list(dict.fromkeys((LOCAL, MANAGED, services.carrier.name)))


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a request for several numbers: documents by number, and errors."""

    done: dict[str, Document] = field(default_factory=dict)
    refused: dict[str, OfNumber] = field(default_factory=dict)


async def change_one(asker: Asker, raw: str, move: Move) -> Document:
    """Have one number changed; the document that is left, or was there."""
    number = full_number(raw)

    async def attempt() -> Document:
        (standing,) = await standings(asker, [number])
        after = await move(standing)
        work, added = Work(asker.actor, asker.request), _additions(asker, standing, after)
        work.also["charges"] = await charged(asker.actor, asker.request, added)
        document = await _add(work, standing, after)
        await work.commit()
        return work.written.get(number_key(number), document)

    return await in_turn(asker.actor, number_key(number), attempt)


async def change_many(asker: Asker, numbers: Sequence[str], move: Move) -> Outcome:
    """Have many numbers changed, each for itself.

    What they cost together is accepted, or not, before the first is written. Raises
    :class:`ValidationFailed` for what none of them can be.
    """
    if asker.request is not None and is_billed(asker.account):
        total: Additions = Counter()
        for group in _groups(numbers):
            total.update((await _decided(asker, group, move)).added)
        await charge(asker.request, total)
    outcome = Outcome()
    turn = Key(asker.account.account_id, NUMBERS.doc_type, "collection")
    for group in _groups(numbers):

        async def attempt(group: list[str] = group) -> Outcome:
            decided = await _decided(asker, group, move)
            if decided.invalid and not (decided.moves or decided.refused or outcome.done):
                raise next(iter(decided.invalid.values()))
            return await _carry_out(asker, decided)

        part = await in_turn(asker.actor, turn, attempt)
        outcome.done |= part.done
        outcome.refused |= part.refused
    return outcome


async def _carry_out(asker: Asker, decided: _Decided) -> Outcome:
    """Write what was decided of some numbers, in one commit."""
    work, part = Work(asker.actor, asker.request), Outcome(refused=decided.refused)
    work.also["charges"] = await charged(asker.actor, asker.request, decided.added)
    for number, invalid in decided.invalid.items():
        part.refused[number] = NumberRefused(cause=next(iter(invalid.fields)))
    added: Additions = Counter()
    for standing, after in decided.moves:
        try:
            part.done[standing.number] = await _add(work, standing, after)
        except OfNumber as error:  # of the carrier
            part.refused[standing.number] = error
        else:
            added.update(_additions(asker, standing, after))
    if added != decided.added:  # what the carrier did not give is not paid for
        work.also["charges"] = await charged(asker.actor, asker.request, added)
    await work.commit()
    part.done |= {key.doc_id: document for key, document in work.written.items()}
    return part


@dataclass(slots=True, kw_only=True)
class _Decided:
    """What is to become of some numbers, and what that adds to what the account is billed."""

    moves: list[tuple[Standing, Document | None]] = field(default_factory=list)
    refused: dict[str, OfNumber] = field(default_factory=dict)
    invalid: dict[str, ValidationFailed] = field(default_factory=dict)
    added: Additions = field(default_factory=Counter)


async def _decided(asker: Asker, numbers: Sequence[str], move: Move) -> _Decided:
    decided = _Decided()
    for standing in await standings(asker, numbers):
        try:
            after = await move(standing)
        except OfNumber as error:
            # There may be very many: without the frames that they came through.
            decided.refused[standing.number] = error.with_traceback(None)
        except ValidationFailed as error:
            decided.invalid[standing.number] = error.with_traceback(None)
        else:
            decided.moves.append((standing, after))
            decided.added.update(_additions(asker, standing, after))
    return decided


def _additions(asker: Asker, standing: Standing, after: Document | None) -> Additions:
    """How many more of what the account has with the number, negative for fewer."""
    added: Additions = Counter()
    before, services = standing.document or {}, asker.actor.services
    if after is not None:
        after = {**after, CLASS: _classified(services, standing.number)}
    for document, many in ((before, -1), (after or {}, 1)):
        if document.get(ASSIGNED_TO) == asker.account.account_id:
            added.update(dict.fromkeys(billed_items(document), many))
    return added


def _groups(numbers: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(numbers)
    while group := list(islice(rest, GROUP)):
        yield group


async def _add(work: Work, standing: Standing, after: Document | None) -> Document:
    """Add to the work what makes a number what it is to be."""
    before, key = standing.stub or {}, number_key(standing.number)
    if ASSIGNED_TO in before and before[ASSIGNED_TO] != (after or {}).get(ASSIGNED_TO):
        work.events.append(lost(work.actor, before))
    if after is None:
        work.remove(key, before)
        _ask_release(work, standing, {})
        return {**before, STATE: State.DELETED, FEATURES: []}
    if after.get(MODULE) != MDN:
        after = {**after, CLASS: _classified(work.actor.services, standing.number)}
    if after == before:
        return before
    if _is_to_acquire(work.actor.services, standing, after):
        account_id = after[ASSIGNED_TO]
        await work.actor.services.carrier.acquire(standing.number, account_id)
    _ask_release(work, standing, after)
    document = {**after, "_id": standing.number}
    work.put(NUMBERS, key, document)
    return document


def _is_to_acquire(services: Services, standing: Standing, after: Document) -> bool:
    is_new = standing.state in ("nothing", State.AVAILABLE) and ASSIGNED_TO in after
    return is_new and after.get(MODULE) == services.carrier.name


def _ask_release(work: Work, standing: Standing, after: Document) -> None:
    """A carrier takes back what nobody has any more."""
    had = (standing.document or {}).get(ASSIGNED_TO)
    module = (standing.document or {}).get(MODULE, LOCAL)
    if had and ASSIGNED_TO not in after and module not in HERE:
        work.ask(RELEASE, {"number": standing.number})


async def _release(services: Services, about: Document) -> None:
    """Give a number back to its carrier."""
    document = await services.store.get(number_key(about["number"])) or {}
    if ASSIGNED_TO not in document:  # else somebody has taken it again
        await services.carrier.release(about["number"])


RELEASE = Kind(name="number_release", run=_release)
"""Gives a number back to its carrier."""


async def bring_in(work: Work, account_id: str, numbers: Sequence[str]) -> None:
    """Have the numbers be in service of the account by the work.

    ``numbers`` are in E.164. Documents of other accounts that carry one keep it, without effect.
    Raises :class:`NumberExists` for one that another account has.
    """
    store = work.actor.services.store
    found = await known(store, numbers)
    await asyncio.sleep(0)  # as in standings
    for number in numbers:
        before = found.get(number) or {}
        if before.get(ASSIGNED_TO, account_id) != account_id and before[STATE] not in GONE:
            raise NumberExists(cause=number)
        kept: Mapping[str, object] = private(before) if is_registered(before) else {}
        moved = before.get(ASSIGNED_TO) != account_id
        after: Document = {MODULE: LOCAL, **(kept if moved else before)}
        if "_rev" in before:
            after["_rev"] = before["_rev"]
        if moved and ASSIGNED_TO in before:
            work.events.append(lost(work.actor, before))
        after |= {"_id": number, STATE: State.IN_SERVICE, ASSIGNED_TO: account_id}
        after.pop(HISTORY, None)
        uses = [use for use in await uses_of(store, number) if use.account_id == account_id]
        after = used_by(after, uses)
        after[CLASS] = _classified(work.actor.services, number)
        work.put(NUMBERS, number_key(number), {**after, FEATURES: wanted(after)})
