"""Dedicated addresses: those of the platform, and to which account each is assigned.

An address is a document of the system. That it is assigned is a document of the account, which
claims the address in the whole system: so of two accounts that ask for it at once one is refused,
and it is free when the account is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any

from crossbar.core import recipes
from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import Change, event_of
from crossbar.core.reading import load_document, revision_of_list
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Hooks, Route, Routes, Scope
from crossbar.core.stamping import stamped
from crossbar.core.writing import in_turn
from crossbar.documents import Document
from crossbar.errors import Conflict, Forbidden, ValidationFailed
from crossbar.families.accounts import canonical
from crossbar.families.billing import charged
from crossbar.storage import (
    SYSTEM,
    Batch,
    Claim,
    ClaimTaken,
    Key,
    Put,
    Remove,
    Span,
    Store,
)

ADDRESS_TYPE = "dedicated_ip"
ASSIGNED_TYPE = "assigned_ip"
ITEM = ("ips", "dedicated")
"""As what an address is billed."""


MESSAGES = {
    "not_found": "The address is not one of the platform",
    "forbidden": "The address is assigned to another account",
    "superfluous": "The address is assigned to this account already",
    "unassigned": "The address is not assigned to this account",
}


def spelled(address: str) -> str:
    """An address in the one spelling in which it is kept; what is none, as it is."""
    return canonical(address) or address


def address_key(address: str) -> Key:
    """Where an address is kept."""
    return Key(SYSTEM, ADDRESS_TYPE, address)


def assignment_key(account_id: str, address: str) -> Key:
    """Where it is kept that an account has an address."""
    return Key(account_id, ASSIGNED_TYPE, address)


def _claim(address: str) -> Claim:
    return Claim(ASSIGNED_TYPE, SYSTEM, address)


async def _holders(store: Store, addresses: Iterable[str]) -> dict[str, str]:
    """Which of the addresses accounts have: the id of the account, by address."""
    held = await store.holders(_claim(each) for each in addresses)
    return {claim.value: key.account_id for claim, key in held.items()}


async def identify(change: Change) -> None:
    """An address is its own id."""
    if change.current is None:
        change.document["ip"] = spelled(change.document["ip"])
        change.key = address_key(change.document["ip"])


async def release_too(change: Change) -> None:
    """An address that is removed is nobody's."""
    change.removes += await _assignments(change)


async def release_late(change: Change) -> None:
    """Remove what was assigned while the address was removed; nothing can be any more."""
    if late := await _assignments(change):
        await change.actor.services.commit(Batch(removes=late))


async def _assignments(change: Change) -> list[Remove]:
    if change.current is None:  # it is being added
        return []
    address = change.key.doc_id
    held = await _holders(change.actor.services.store, (address,))
    return [Remove(assignment_key(holder, address)) for holder in held.values()]


async def show_status(request: Request, shown: Document, stored: Document) -> None:
    """Whether the address is free."""
    shown |= await _facts(request, stored)


async def _facts(request: Request, stored: Document) -> Document:
    held = await _holders(request.services.store, (stored["_id"],))
    return _described(request, stored, held.get(stored["_id"]))


def _described(request: Request, stored: Document, holder: str | None) -> Document:
    facts = {name: stored[name] for name in ("ip", "zone", "host")}
    facts |= {"id": stored["_id"], "type": ADDRESS_TYPE}
    facts["status"] = "assigned" if holder else "available"
    caller = request.caller
    if holder and (holder == request.account_id or (caller and caller.is_operator)):
        facts["assigned_to"] = holder  # whose the others are is nobody else's business
    return facts


def _row(document: Document) -> Document:
    return {"ip": document["ip"], "zone": document["zone"]}


async def list_free(request: Request) -> Result:
    """The addresses that nobody has; of one ``zone``, if it is named."""
    store, zone = request.services.store, request.control("zone")
    known = [each async for each in _addresses(store) if zone in (None, "", each["zone"])]
    taken = await _holders(store, (each["ip"] for each in known))
    data = [_row(each) for each in known if each["ip"] not in taken]
    return Result(data=data, revision=revision_of_list(data))


async def _addresses(store: Store) -> AsyncIterator[Document]:
    async for row in store.scan(Span(account_id=SYSTEM, doc_type=ADDRESS_TYPE)):
        yield row.document


async def list_assigned(request: Request) -> Result:
    """The addresses of the account, by zone."""
    span = Span(account_id=request.account_id, doc_type=ASSIGNED_TYPE)
    rows = [_row(row.document) async for row in request.services.store.scan(span)]
    data = sorted(rows, key=lambda row: (row["zone"], row["ip"]))
    return Result(data=data, revision=revision_of_list(data))


async def list_zones(request: Request) -> Result:
    """The zones that have addresses."""
    return await _names(request, "zone")


async def list_hosts(request: Request) -> Result:
    """The hosts that have addresses."""
    return await _names(request, "host")


async def _names(request: Request, field: str) -> Result:
    found = {address[field] async for address in _addresses(request.services.store)}
    data = sorted(found)
    return Result(data=data, revision=revision_of_list(data))


async def fetch(request: Request) -> Result:
    """One address, and whether it is free."""
    address = spelled(request.ids["ip_address"])
    stored = await load_document(request.actor, address_key(address))
    return Result(data=await _facts(request, stored), revision=stored["_rev"])


async def delete_address(request: Request) -> Result:
    """Remove an address of the platform; whoever has it has it no more."""
    ids = {f"{ADDRESS_TYPE}_id": spelled(request.ids["ip_address"])}
    operation = replace(request.operation, id_param=f"{ADDRESS_TYPE}_id")
    return await recipes.delete(replace(request, operation=operation, ids=ids))


async def refuse_creation(request: Request) -> Result:
    """Addresses are the platform's: they are added without an account in the path."""
    raise Forbidden(cause="addresses are added at /v2/ips")


async def assign(request: Request) -> Result:
    """Give addresses to the account: all that were named, or none."""
    wanted = await _wanted(request)

    async def attempt() -> Result:
        found = await _found(request, wanted, _may_assign)
        writes = await charged(request.actor, request, {ITEM: len(found)})
        puts = [_assignment(request, address) for address in found]
        batch = Batch(
            puts=[*puts, *writes.puts],
            records=writes.records,
            events=[event_of(request.actor, "created", put) for put in puts],
            requires=[address_key(address["ip"]) for address in found],
        )
        try:
            await request.services.commit(batch)
        except ClaimTaken:
            raise Conflict from None  # whose it is is told in the next attempt
        return _outcome(request, found, request.account_id)

    return await in_turn(request.actor, _turn(request), attempt)


async def release(request: Request) -> Result:
    """Take addresses from the account: all that were named, or none."""
    wanted = await _wanted(request)

    async def attempt() -> Result:
        found = await _found(request, wanted, _may_release)
        writes = await charged(request.actor, request, {ITEM: -len(found)})
        actor, account_id, store = request.actor, request.account_id, request.services.store
        known = await store.get_many(account_id, (address["ip"] for address in found))
        removes, events = [], []
        for doc_id, held in known.items():
            removes.append(Remove(assignment_key(account_id, doc_id), held["_rev"]))
            events.append(event_of(actor, "deleted", removes[-1], held))
        await request.services.commit(
            Batch(puts=writes.puts, records=writes.records, removes=removes, events=events)
        )
        return _outcome(request, found, None)

    return await in_turn(request.actor, _turn(request), attempt)


def _turn(request: Request) -> Key:
    return Key(request.account_id, ASSIGNED_TYPE, ASSIGNED_TYPE)


def _may_assign(request: Request, holder: str | None) -> str | None:
    if holder is None:
        return None
    return "superfluous" if holder == request.account_id else "forbidden"


def _may_release(request: Request, holder: str | None) -> str | None:
    if holder == request.account_id:
        return None
    return "superfluous" if holder is None else "forbidden"


async def _wanted(request: Request) -> list[str]:
    """The addresses that are meant: the one in the path, else those of the data."""
    if "ip_address" in request.ids:
        address = spelled(request.ids["ip_address"])
        await load_document(request.actor, address_key(address))
        return [address]
    data = request.data if isinstance(request.data, dict) else {}
    document = await valid(request.actor, "ips", data)
    if "ips" not in document:
        raise ValidationFailed.of("ips", "required", "Field is required but missing")
    return list(dict.fromkeys(spelled(each) for each in document["ips"]))


Judge = Callable[[Request, str | None], str | None]
"""What speaks against assigning, or releasing, an address that an account has; or nobody."""


async def _found(request: Request, wanted: list[str], judge: Judge) -> list[Document]:
    """The addresses, if all of them may be assigned, or released."""
    store = request.services.store
    known = await store.get_many(SYSTEM, wanted)
    held = await _holders(store, wanted)
    errors: dict[str, Any] = {}
    for at, address in enumerate(wanted):
        rule = judge(request, held.get(address)) if address in known else "not_found"
        if rule is not None:
            releasing = judge is _may_release and rule == "superfluous"
            message = MESSAGES["unassigned" if releasing else rule]
            errors[f"ips.{at}"] = {rule: {"message": message, "value": address}}
    if errors:
        raise ValidationFailed(errors)
    return [known[address] for address in wanted]


def _assignment(request: Request, address: Document) -> Put:
    """The write that makes an address the account's."""
    key = assignment_key(request.account_id, address["ip"])
    facts = {name: address[name] for name in ("ip", "zone", "host")}
    document = stamped(request.actor, key, facts)
    return Put(key, document, None, claims=[_claim(address["ip"])])


def _outcome(request: Request, found: Iterable[Document], holder: str | None) -> Result:
    told = {address["ip"]: _described(request, address, holder) for address in found}
    return Result(data={"success": told, "error": {}})


OBJECT = Answers(an_object(id=TEXT, ip=TEXT, zone=TEXT, host=TEXT, status=TEXT, type=TEXT))
OUTCOME = Answers(an_object(success=SOME_OBJECT, error=SOME_OBJECT))
LIST = Answers(some(an_object(ip=TEXT, zone=TEXT)))
NAMES = Answers(some(TEXT))
ONE = "{ip_address}"

READING = (
    Route(
        path="", action=Action.LIST, handler=list_free, about="List free addresses", answers=LIST
    ),
    Route(path=ONE, action=Action.FETCH, handler=fetch, about="Read an address", answers=OBJECT),
    Route(path="zones", action=Action.LIST, handler=list_zones, about="List zones", answers=NAMES),
    Route(path="hosts", action=Action.LIST, handler=list_hosts, about="List hosts", answers=NAMES),
)


def _power(path: str, action: Action, handler: Handler, about: str) -> Route:
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        access=Access.ADMIN,
        schema="ips" if not path else None,
        answers=OUTCOME,
    )


IPS = Routes(
    noun="ips",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        *READING,
        Route(
            path="assigned",
            action=Action.LIST,
            handler=list_assigned,
            about="List the account's addresses",
            answers=LIST,
        ),
        Route(
            path="",
            action=Action.CREATE,
            handler=refuse_creation,
            about="Refused: addresses are added without an account in the path",
            access=Access.SUPERDUPER,
        ),
        _power("", Action.REPLACE, assign, "Assign addresses to the account"),
        _power("", Action.DELETE, release, "Release addresses of the account"),
        _power(ONE, Action.REPLACE, assign, "Assign an address to the account"),
        _power(ONE, Action.DELETE, release, "Release an address of the account"),
    ),
)

IPS_OF_SYSTEM = Collection(
    noun="ips",
    doc_type=ADDRESS_TYPE,
    schema="ip",
    summary=("ip", "zone"),
    actions=frozenset({Action.CREATE}),
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    soft_delete=False,
    hooks=Hooks(
        prepare=(identify,),
        deleting=(release_too,),
        committed=(release_late,),
        present=(show_status,),
    ),
    shown={"ip": TEXT, "status": TEXT, "type": TEXT, "assigned_to": TEXT},
    routes=(
        *READING,
        Route(
            path=ONE,
            action=Action.DELETE,
            handler=delete_address,
            about="Remove an address",
            loads=False,
            answers=OBJECT,
        ),
    ),
)
"""The addresses of the platform: operators add and remove them."""
