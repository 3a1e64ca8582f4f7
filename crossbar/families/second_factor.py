"""Whether a login needs a second factor, and whether it has one (resources/multi_factor.md).

It fails closed: an account that asks for a second factor lets nobody in while the provider of it
is missing, switched off, not usable, or not one that is known here.
"""

from __future__ import annotations

from typing import Any

import orjson

from crossbar.core.actions import Context
from crossbar.core.change import Change
from crossbar.core.directory import Account, is_at_or_below
from crossbar.documents import Document
from crossbar.errors import InvalidCredentials, SecondFactorNeeded, SecondFactorUnavailable
from crossbar.families import duo
from crossbar.storage import SYSTEM, Key, Span

PROVIDER_TYPE = "multi_factor_provider"
RESPONSE = "multi_factor_response"
"""What a client repeats its login with, beside the credentials."""

DUO = "duo"

SEALED = "pvt_settings_sealed"
PURPOSE = "settings of a second factor"


async def seal_secrets(change: Change) -> None:
    """Settings whose names contain `secret` are encrypted with the server's own, and not shown.

    They stay until others are sent, or until there are no settings.
    """
    settings = change.document.get("settings") or {}
    sealed = dict(change.document.pop(SEALED, {})) if settings else {}
    for name in filter(_is_secret, settings):
        text = orjson.dumps(settings[name]).decode()
        sealed[name] = change.context.services.credentials.seal(PURPOSE, text)
    change.document[SEALED] = sealed
    if sealed:
        shown = {name: value for name, value in settings.items() if not _is_secret(name)}
        change.document["settings"] = shown


def _is_secret(name: str) -> bool:
    return "secret" in name


def settings_of(context: Context, provider: Document) -> Document:
    """A provider's settings with those that are sealed, but for what cannot be read any more."""
    opened = {
        name: context.services.credentials.unseal(PURPOSE, text)
        for name, text in provider.get(SEALED, {}).items()
    }
    secrets = {name: orjson.loads(text) for name, text in opened.items() if text is not None}
    return {**provider.get("settings", {}), **secrets}


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
    context: Context, rules: Document, account: Account, user: Document | None
) -> dict[str, Any]:
    """Claims that say which second factor was given; none where none is needed.

    Raises :class:`SecondFactorNeeded` with what the client has to answer,
    :class:`InvalidCredentials` for a wrong answer, :class:`SecondFactorUnavailable`.
    """
    wanted = rules.get("multi_factor") or {}
    if not is_needed(wanted, account):
        return {}
    provider = await provider_of(context, wanted, account)
    if provider is None or not provider.get("enabled") or provider["provider_name"] != DUO:
        raise SecondFactorUnavailable
    known = duo.duo_of(settings_of(context, provider))
    if known is None:
        raise SecondFactorUnavailable
    subject, now = user["_id"] if user else account.account_id, context.services.clock.unix()
    response = context.data.get(RESPONSE) if isinstance(context.data, dict) else None
    if response is None:
        asked = duo.request(known, subject, now)
        raise SecondFactorNeeded({"provider_name": DUO, "settings": asked})
    if not duo.confirms(known, response, subject, now):
        raise InvalidCredentials
    return {"mfa_resp": {"provider_name": DUO, "status": "success"}}


async def provider_of(context: Context, wanted: Document, account: Account) -> Document | None:
    """The provider that the rules name: the account's own, one of those above, or the system's."""
    store, doc_id = context.services.store, wanted.get("configuration_id")
    if not doc_id:
        return await _system_provider(context)
    holder = wanted.get("account_id")
    if holder is None or not is_at_or_below(account, holder):
        return None
    provider = await store.get(Key(holder, PROVIDER_TYPE, doc_id))
    return None if provider is None or provider.get("pvt_deleted") else provider


async def _system_provider(context: Context) -> Document | None:
    """The first of the system's providers that is switched on."""
    async for row in context.services.store.scan(Span(account_id=SYSTEM, doc_type=PROVIDER_TYPE)):
        if row.document.get("enabled"):
            return row.document
    return None
