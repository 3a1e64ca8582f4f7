"""Switching a webhook off that nothing has reached for a long time, and saying so."""

from __future__ import annotations

from crossbar.core.jobs import Kind
from crossbar.core.ports import Letter
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.telling import tell
from crossbar.core.writing import Work, perform
from crossbar.documents import Document, lookup
from crossbar.families.webhooks.hooks import WEBHOOKS
from crossbar.families.webhooks.kinds import NOTIFICATIONS, WEBHOOK_DISABLED
from crossbar.families.webhooks.reports import HOOK_TYPE, REASON
from crossbar.storage import Key, Span

MOST_ADDRESSES, MOST_USERS = 20, 1000
"""Who is written to at most, of how many users that are looked at."""

TEXT = """\
The webhook {name} of {account} was switched off: {reason}.

It reports to {host}. What happens from now on is not reported until it is switched on again. What
waited for it is kept until then, and a range of time can be reported anew.
Its id is {hook_id}.
"""


async def disable(services: Services, account_id: str, hook_id: str, reason: str) -> None:
    """Switch a webhook off in a commit that also tells of it and asks for the letters."""
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
        if services.mail.is_available:
            for address in await _administrators(actor):
                work.ask(
                    DISABLED_MAIL,
                    {"account_id": account_id, "hook_id": hook_id, "to": address, "why": reason},
                )

    await perform(actor, key, build)


async def _administrators(actor: Actor) -> list[str]:
    """Where the account's administrators are written to."""
    found = [lookup(actor.require_account().document, ("contact", "admin", "email"))]
    span = Span(account_id=actor.account_id, doc_type="user")
    looked_at = 0
    async for row in actor.services.store.scan(span):
        looked_at += 1
        if row.document.get("priv_level") == "admin":
            found.append(row.document.get("email"))
        if len(found) > MOST_ADDRESSES or looked_at == MOST_USERS:
            break
    return list(dict.fromkeys(each for each in found if isinstance(each, str) and each))


async def write(services: Services, about: Document) -> None:
    """Send a letter, if account and webhook are still there."""
    account = await services.accounts.get(about["account_id"])
    hook = await services.store.get(Key(about["account_id"], HOOK_TYPE, about["hook_id"]))
    if account is None or hook is None:
        return
    name = " ".join(hook["name"].split())
    text = TEXT.format(
        name=name,
        account=account.name,
        reason=about["why"],
        host=hook["uri"].split("?")[0],
        hook_id=about["hook_id"],
    )
    subject = f"Webhook {name} was switched off"
    await services.mail.send(Letter(to=about["to"], subject=subject, text=text))


DISABLED_MAIL = Kind(name="webhook_mail", run=write)
