"""Connectivity: SIP trunks to an account's own servers."""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.ports import Command
from crossbar.core.requests import Action
from crossbar.core.shapes import Collection, Hooks, Powers, Unique
from crossbar.documents import Document, lookup
from crossbar.families.numbers import TRUNK, Carrying

FLUSHES = {Action.REPLACE: "trunks.flush", Action.PATCH: "trunks.flush"}
REGISTRATIONS = "registrations.flush"


def _sip_usernames(document: Document) -> Iterable[str]:
    """Whom the servers log in as; phones of the account share the namespace."""
    servers = document.get("servers")
    for server in servers if isinstance(servers, list) else ():
        username = lookup(server, ("auth", "auth_user"))
        if isinstance(username, str) and username:
            yield username.lower()


def _dids(document: Document) -> Iterable[str]:
    """The numbers whose calls go to the servers."""
    servers = document.get("servers")
    for server in servers if isinstance(servers, list) else ():
        numbers = lookup(server, ("DIDs",))
        yield from numbers if isinstance(numbers, dict) else ()


CARRYING = Carrying(kind=TRUNK, numbers_of=_dids)


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
    ),
    powers=Powers(
        actions=frozenset({Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE}),
        secrets=("servers.auth.auth_password",),
    ),
    hooks=Hooks(
        normalize=(set_realm,),
        prepare=(CARRYING.index_numbers,),
        deleting=(CARRYING.forget_numbers,),
        reindexed=(CARRYING.make_known,),
        committed=(flush,),
    ),
)
