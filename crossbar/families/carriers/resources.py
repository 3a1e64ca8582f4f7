"""Resources: carriers, and the gateways through which calls reach them.

Those of the system are for every account and belong to operators; an account's own ("local") ones
are for its calls alone. Switches are told when either change.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from crossbar.core.change import Change
from crossbar.core.placing import Placing
from crossbar.core.ports import Command
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Collection, Hooks, Powers, Route, Scope, Unique
from crossbar.documents import Document
from crossbar.families.accounts import CARRIER_PLACE_TYPE
from crossbar.families.carriers.places import configured
from crossbar.families.carriers.resource_collections import COLLECTION_ROUTES
from crossbar.families.carriers.resource_jobs import job_routes
from crossbar.families.endpoints import is_listed
from crossbar.storage import SYSTEM, Claim, Span, Store

RESOURCE_TYPE = "resource"
PEER_SPACE = "device.sip.ip"
"""Peers are told from phones by their addresses alone, so both compete for them."""

IP_TAKEN = "SIP IP already in use"

PLACING = Placing(doc_type=RESOURCE_TYPE, place_type=CARRIER_PLACE_TYPE)
"""How switches find the carriers of accounts: calls may come from them."""


def _gateways(document: Document) -> Iterator[tuple[int, Document]]:
    gateways = document.get("gateways")
    for at, gateway in enumerate(gateways if isinstance(gateways, list) else ()):
        if isinstance(gateway, dict):
            yield at, gateway


def _addresses(document: Document) -> Iterator[tuple[str, str]]:
    """What a peer is known by: each field's path, and the address in it."""
    if document.get("peer") is not True:
        return
    for at, gateway in _gateways(document):
        name = "inbound_ip" if gateway.get("inbound_ip") else "server"
        if isinstance(value := gateway.get(name), str):
            yield f"gateways.{at}.{name}", value


def _peers(document: Document) -> Iterable[str]:
    return (address for _, address in _addresses(document) if _is_address(address))


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


async def check_peer(change: Change) -> None:
    """A peer sends calls without a password, so it has addresses that nobody else has."""
    if change.value("peer") is not True:
        return
    config = await configured(change.actor.services, "crossbar.resources")
    if config.get("allow_peers") is not True:
        message = "Peers are not allowed; operators allow them as crossbar.resources allow_peers"
        change.refusals.add("peer", "forbidden", message, cause=True)
        return
    store = change.actor.services.store
    for path, address in _addresses(change.document):
        if not _is_address(address):
            message = "Must be a valid IPv4 RFC 791"
            change.refusals.add(path, "required", message, value=address, target="ipv4")
            continue
        claim = Claim(PEER_SPACE, SYSTEM, address)
        holder = (await store.holders((claim,))).get(claim, change.key)
        listed = await is_listed(change.actor, ipaddress.IPv4Address(address), change.key.doc_id)
        if holder != change.key or listed:
            change.refusals.add(path, "unique", IP_TAKEN, cause=address)


async def tell_switches(change: Change) -> None:
    """Have gateways and access lists read again."""
    facts: Document = {"id": change.key.doc_id, "is_global": change.key.account_id == SYSTEM}
    await change.actor.services.switch.tell(
        Command("resources.reload", change.key.account_id, facts)
    )


async def all_resources(store: Store) -> AsyncIterator[tuple[str, Document]]:
    """The carriers of the system and of all accounts, and whose each is."""
    async for row in store.scan(Span(account_id=SYSTEM, doc_type=RESOURCE_TYPE)):
        yield SYSTEM, row.document
    async for owner, found in PLACING.all(store):
        yield owner, found


def _routes(writing: Access) -> tuple[Route, ...]:
    bulk = (replace(each, access=writing) for each in COLLECTION_ROUTES)
    return (*bulk, *job_routes(writing))


WRITES = frozenset({Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE})

SECRETS = ("gateways.password",)

SUMMARY: tuple[Any, ...] = (
    "name",
    "enabled",
    "weight_cost",
    "template_name",
    "classifiers",
)

RESOURCES = Collection(
    noun="resources",
    doc_type=RESOURCE_TYPE,
    schema="resources",
    summary=SUMMARY,
    unique=(
        Unique(
            path="gateways",
            values=_peers,
            message=IP_TAKEN,
            within=Scope.SYSTEM,
            space=PEER_SPACE,
        ),
    ),
    hooks=Hooks(
        check=(check_peer,),
        prepare=(PLACING.note,),
        deleting=(PLACING.forget,),
        committed=(tell_switches,),
        reindexed=(PLACING.make_known,),
    ),
    powers=Powers(actions=WRITES, secrets=SECRETS),
    routes=_routes(Access.ADMIN),
)

RESOURCES_OF_SYSTEM = replace(
    RESOURCES,
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    unique=(),
    hooks=Hooks(committed=(tell_switches,), reindexed=(PLACING.make_known,)),
    powers=Powers(secrets=SECRETS),
    routes=_routes(Access.SUPERDUPER),
)
