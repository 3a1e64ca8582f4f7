"""Switching a webhook off that nothing has reached for a long time, and saying so."""

from __future__ import annotations

from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.telling import tell
from crossbar.core.writing import Work, perform
from crossbar.families.notifications import notify
from crossbar.families.webhooks.hooks import WEBHOOKS
from crossbar.families.webhooks.kinds import NOTIFICATIONS, WEBHOOK_DISABLED
from crossbar.families.webhooks.reports import HOOK_TYPE, REASON
from crossbar.storage import Key


async def disable(services: Services, account_id: str, hook_id: str, reason: str) -> None:
    """Switch a webhook off in a commit that also tells of it and asks for a mail."""
    account = await services.accounts.get(account_id)
    if account is None:
        return
    actor = Actor(services=services, account_id=account_id, account=account, request_id="webhooks")
    key = Key(account_id, HOOK_TYPE, hook_id)

    async def build(work: Work) -> None:
        hook = await work.other(WEBHOOKS, key)
        if hook is None or hook.get("enabled") is False:
            return
        hook |= {"enabled": False, REASON: reason}
        facts = {"type": WEBHOOK_DISABLED, "hook_id": hook_id, "reason": reason}
        tell(work, account_id, NOTIFICATIONS, {**facts, "name": hook["name"]}, about=hook_id)
        about = {
            "id": hook_id,
            "name": hook["name"],
            "host": hook["uri"].split("?")[0],
            "reason": reason,
        }
        there = ((HOOK_TYPE, hook_id),)
        notify(work, "webhook_disabled", account_id, {"webhook": about}, while_there=there)

    await perform(actor, key, build)
