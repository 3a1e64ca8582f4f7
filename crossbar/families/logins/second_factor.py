"""Whether a login needs a second factor, and whether it has one.

It fails closed: an account that asks for a second factor lets nobody in while the provider of it
is missing, switched off, not usable, or not one that is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from crossbar.core.change import Change
from crossbar.core.directory import Account, is_at_or_below
from crossbar.core.requests import Actor, Request
from crossbar.documents import Document
from crossbar.errors import InvalidCredentials, SecondFactorNeeded, SecondFactorUnavailable
from crossbar.families.logins import duo
from crossbar.storage import SYSTEM, Key, Span

PROVIDER_TYPE = "multi_factor_provider"
RESPONSE = "multi_factor_response"
"""What a client repeats its login with, beside the credentials."""

DUO = "duo"

SEALED = "pvt_settings_sealed"
PURPOSE = "settings of a second factor"


async def seal_secrets(change: Change) -> None:
    """Settings whose names contain `secret` are encrypted with the server's own, and not shown.

    That holds at any depth. They stay until others are sent, or until the object is gone that
    they are in.
    """
    kept, settings = change.document.pop(SEALED, {}), change.document.get("settings")
    change.document[SEALED] = {}
    if settings is not None:
        seal = change.actor.services.credentials.seal
        change.document["settings"], change.document[SEALED] = _parted(settings, kept, seal)


def _parted(
    settings: Document, kept: Document, seal: Callable[[str, str], str]
) -> tuple[Document, Document]:
    """Settings without the secrets, and these sealed, each in its place and beside those kept."""
    shown: Document = {}
    sealed: Document = {name: text for name, text in kept.items() if isinstance(text, str)}
    for name, value in settings.items():
        sealed.pop(name, None)
        if _is_secret(name) or _lists_secrets(value):
            sealed[name] = seal(PURPOSE, orjson.dumps(value).decode())
        elif isinstance(value, dict):
            before = kept.get(name)
            shown[name], inner = _parted(value, before if isinstance(before, dict) else {}, seal)
            if inner:
                sealed[name] = inner
        else:
            shown[name] = value
    return shown, sealed


def _is_secret(name: str) -> bool:
    return "secret" in name.lower()


def _lists_secrets(value: Any) -> bool:
    """Whether it is an array with a secret somewhere; it is one as a whole, having no names."""
    waiting: list[Any] = [value] if isinstance(value, list) else []
    for each in waiting:
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            if any(map(_is_secret, each)):
                return True
            waiting += each.values()
    return False


def opened(unseal: Callable[[str, str], str | None], provider: Document) -> Document:
    """A provider's settings with those that are sealed, but for what cannot be read any more."""
    return _joined(provider.get("settings", {}), provider.get(SEALED, {}), unseal)


def _joined(
    shown: Document, sealed: Document, unseal: Callable[[str, str], str | None]
) -> Document:
    whole = dict(shown)
    for name, kept in sealed.items():
        if isinstance(kept, dict):
            whole[name] = _joined(shown[name], kept, unseal)
        elif (text := unseal(PURPOSE, kept)) is not None:
            whole[name] = orjson.loads(text)
    return whole


def is_needed(wanted: Document, account: Account) -> bool:
    """Whether the rules for a second factor apply to the account."""
    if not wanted.get("enabled"):
        return False
    holder = wanted.get("account_id")
    return (
        not holder
        or not account.tree
        or account.account_id == holder
        or bool(wanted.get("include_subaccounts"))
    )


async def require_second_factor(
    request: Request, rules: Document, account: Account, user: Document | None
) -> dict[str, Any]:
    """Claims that say which second factor was given; none where none is needed.

    Raises :class:`SecondFactorNeeded` with what the client has to answer,
    :class:`InvalidCredentials` for a wrong answer, :class:`SecondFactorUnavailable`.
    """
    wanted = rules.get("multi_factor") or {}
    if not is_needed(wanted, account):
        return {}
    provider = await provider_of(request.actor, wanted, account)
    if provider is None or not provider.get("enabled") or provider["provider_name"] != DUO:
        raise SecondFactorUnavailable
    known = duo.duo_of(opened(request.services.credentials.unseal, provider))
    if known is None:
        raise SecondFactorUnavailable
    subject, now = user["_id"] if user else account.account_id, request.services.clock.unix()
    response = request.data.get(RESPONSE) if isinstance(request.data, dict) else None
    if response is None:
        asked = duo.request(known, subject, now)
        raise SecondFactorNeeded({"provider_name": DUO, "settings": asked})
    if not duo.confirms(known, response, subject, now):
        raise InvalidCredentials
    return {"mfa_resp": {"provider_name": DUO, "status": "success"}}


async def provider_of(actor: Actor, wanted: Document, account: Account) -> Document | None:
    """The provider that the rules name: the account's own, one of those above, or the system's."""
    store, doc_id = actor.services.store, wanted.get("configuration_id")
    if not doc_id:
        return await _system_provider(actor)
    holder = wanted.get("account_id")
    if holder is None or not is_at_or_below(account, holder):
        return None
    provider = await store.get(Key(holder, PROVIDER_TYPE, doc_id))
    return None if provider is None or provider.get("pvt_deleted") else provider


async def _system_provider(actor: Actor) -> Document | None:
    """The first of the system's providers that is switched on."""
    async for row in actor.services.store.scan(Span(account_id=SYSTEM, doc_type=PROVIDER_TYPE)):
        if row.document.get("enabled"):
            return row.document
    return None
