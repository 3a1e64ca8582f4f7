"""Signature secrets: a new one makes every token worthless that was signed with the old.

The user, the account and the system each have one (docs/protocol.md §5.6).
"""

from __future__ import annotations

import secrets

from crossbar.core import reading, writing
from crossbar.core.access import ADMIN_USERS_ONLY, OPERATORS_ONLY
from crossbar.core.change import Change
from crossbar.core.directory import SYSTEM_SIGNATURE, account_key
from crossbar.core.requests import Request, Result
from crossbar.core.shapes import Collection
from crossbar.errors import FaultyRequest, Forbidden
from crossbar.families.accounts import ACCOUNTS
from crossbar.storage import Key


async def reset_account_signature(request: Request) -> Result:
    """``reset_signature_secret``: every token of the account dies. For its admin users."""
    _require_reset(request, own=False)
    key = account_key(request.require_account().account_id)
    return await _reset(request, ACCOUNTS, key)


async def reset_user_signature(request: Request) -> Result:
    """``reset_signature_secret``: every token of the user dies. For admins and the user."""
    user_id = request.ids["user_id"]
    caller = request.require_caller()
    _require_reset(request, own=caller.user_id == user_id)
    return await _reset(request, request.operation.collection, reading.key_of(request))


def _require_reset(request: Request, *, own: bool) -> None:
    caller = request.require_caller()
    if request.control("action") != "reset_signature_secret":
        raise FaultyRequest("action required")
    if not (caller.is_admin_user or caller.is_operator or own):
        raise Forbidden(cause=ADMIN_USERS_ONLY)


async def reset_system_signature(request: Request) -> Result:
    """``reset_signature_secret``: every token of the system dies. For operators."""
    master = await request.services.accounts.master()
    if master is None or not request.require_caller().is_operator:
        raise Forbidden(cause=OPERATORS_ONLY)
    return await _reset(request, ACCOUNTS, account_key(master.account_id), SYSTEM_SIGNATURE)


async def _reset(
    request: Request, family: Collection, key: Key, field: str = "pvt_signature_secret"
) -> Result:
    stored = await reading.load_document(request.actor, key)
    document = {**stored, field: secrets.token_hex(16)}
    await writing.commit_private(
        Change(
            actor=request.actor,
            request=request,
            family=family,
            key=key,
            document=document,
            current=stored,
        )
    )
    return Result(data={})
