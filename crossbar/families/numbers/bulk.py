"""Numbers that an account is given in bulk: those of a carrier of the operator's or its own."""

from __future__ import annotations

from collections.abc import Sequence

from crossbar.core.directory import Account
from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.families.numbers.changes import Asker, Outcome, change_many
from crossbar.families.numbers.documents import State
from crossbar.families.numbers.states import Standing


async def create_reserved(
    actor: Actor, asking: Account, numbers: Sequence[str], module: str
) -> Outcome:
    """Make numbers, in E.164, that are kept for the actor's account, each for itself.

    ``asking`` is the account that wants it: the master account may make any, others those that
    they are allowed to. ``module`` says whom the numbers are from, such as ``knm_local``.
    """
    asker = Asker(
        actor=actor,
        account=actor.require_account(),
        asking=asking,
        is_operator=asking.is_superduper_admin,
    )

    async def move(standing: Standing) -> Document:
        made = standing.document or {}
        if standing.is_mine and made.get("pvt_request_id") == actor.request_id:
            return made  # before a server ended that was about to tell so
        return standing.created(State.RESERVED, module)

    return await change_many(asker, numbers, move)
