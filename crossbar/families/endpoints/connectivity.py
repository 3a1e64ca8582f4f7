"""Connectivity: SIP trunks to an account's own servers, which are telephone systems (PBX)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from crossbar.core.change import Change
from crossbar.core.placing import Placing
from crossbar.core.ports import Command
from crossbar.core.requests import Action
from crossbar.core.shapes import Collection, Hooks, Powers, Scope, Unique
from crossbar.documents import Document, lookup
from crossbar.families.accounts import TRUNK_PLACE_TYPE
from crossbar.families.endpoints.acls import is_listed
from crossbar.families.numbers import TRUNK, Carrying

FLUSHES = {Action.REPLACE: "trunks.flush", Action.PATCH: "trunks.flush"}
REGISTRATIONS = "registrations.flush"
SERVER = "server"


def servers_of(document: Document) -> Iterator[tuple[int, Document]]:
    """The servers of a document, each with its place in it."""
    servers = document.get("servers")
    for at, server in enumerate(servers if isinstance(servers, list) else ()):
        if isinstance(server, dict):
            yield at, server


def server_id(doc_id: str, at: int) -> str:
    """By what a switch knows a server, which has no id of its own: its document, its place."""
    return f"{SERVER}.{doc_id}.{at}"


def place_of_server(name: str) -> tuple[str, int] | None:
    """The document of a server and its place in it; ``None`` for what is no server's id."""
    kind, _, rest = name.partition(".")
    doc_id, _, at = rest.partition(".")
    return (doc_id, int(at)) if kind == SERVER and at.isdecimal() else None


def server_at(document: Document | None, at: int) -> Document | None:
    """The server at a place, if it may be used."""
    server = dict(servers_of(document or {})).get(at)
    return None if lookup(server, ("options", "enabled")) is False else server


def address_of_server(server: Document) -> str:
    """The address by which a server is known, "" for one that has a password."""
    is_known = str(lookup(server, ("auth", "auth_method"))).lower() == "ip"
    try:
        address = ipaddress.ip_address(str(lookup(server, ("auth", "ip"))))
    except ValueError:
        return ""
    # Asterisk takes one for the other, so that two would have the same.
    return str(getattr(address, "ipv4_mapped", None) or address) if is_known else ""


IP_TAKEN = "SIP IP already in use"


def _sip_usernames(document: Document) -> Iterable[str]:
    """Whom the servers log in as; phones of the account share the namespace."""
    for _, server in servers_of(document):
        username = lookup(server, ("auth", "auth_user"))
        if isinstance(username, str) and username:
            yield username.lower()


def _addresses(document: Document) -> Iterable[str]:
    """By which addresses servers are known, and nobody else."""
    return filter(None, (address_of_server(server) for _, server in servers_of(document)))


def _dids(document: Document) -> Iterable[str]:
    """The numbers whose calls go to the servers."""
    for _, server in servers_of(document):
        numbers = lookup(server, ("DIDs",))
        yield from numbers if isinstance(numbers, dict) else ()


CARRYING = Carrying(kind=TRUNK, numbers_of=_dids)
TRUNK_PLACES = Placing(doc_type="sys_info", place_type=TRUNK_PLACE_TYPE, suffix="-trunk")
"""How switches find all trunks: calls may come from the addresses of their servers."""


async def check_addresses(change: Change) -> None:
    """Nobody's server is where the system's own are."""
    for at, server in servers_of(change.document):
        address = ipaddress.ip_address(found) if (found := address_of_server(server)) else None
        if not isinstance(address, ipaddress.IPv4Address):
            continue
        if await is_listed(change.actor, address, change.key.doc_id):
            path = f"servers.{at}.auth.ip"
            change.refusals.add(path, "unique", IP_TAKEN, cause=str(address))


async def set_realm(change: Change) -> None:
    """Servers log in to the realm of the account, whatever the body says."""
    account = change.value("account")
    if account is None or isinstance(account, dict):
        realm = change.actor.require_account().realm
        change.document["account"] = {**(account or {}), "auth_realm": realm}


async def flush(change: Change) -> None:
    """Tell the switch to forget what it knew of the trunks, or who is registered."""
    actor, request = change.actor, change.request
    name = FLUSHES.get(request.operation.action, REGISTRATIONS) if request else REGISTRATIONS
    facts = {"id": change.key.doc_id, "realm": actor.require_account().realm}
    await actor.services.switch.tell(Command(name, actor.account_id, facts))


CONNECTIVITY = Collection(
    noun="connectivity",
    doc_type="sys_info",
    schema="connectivity",
    summary=None,
    unique=(
        Unique(
            path="servers",
            values=_sip_usernames,
            message="SIP credentials already in use",
            space="sip.username",
        ),
        Unique(
            path="servers",
            values=_addresses,
            message=IP_TAKEN,
            within=Scope.SYSTEM,
            space="device.sip.ip",
        ),
    ),
    powers=Powers(
        actions=frozenset({Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE}),
        secrets=("servers.auth.auth_password",),
    ),
    hooks=Hooks(
        normalize=(set_realm,),
        check=(check_addresses,),
        prepare=(CARRYING.index_numbers, TRUNK_PLACES.note),
        deleting=(CARRYING.forget_numbers, TRUNK_PLACES.forget),
        reindexed=(CARRYING.make_known, TRUNK_PLACES.make_known),
        committed=(flush,),
    ),
)
