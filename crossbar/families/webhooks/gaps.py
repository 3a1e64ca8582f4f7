"""Gaps: what was not kept for a webhook, since too much waited for it already.

A gap is a document beside its webhook: how many reports it is, and of which time. The webhook
shows it, and a replay of that time, from the log, fills it.
"""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.core.services import Services
from crossbar.core.telling import happening
from crossbar.documents import Document, next_revision
from crossbar.families.webhooks.kinds import NOTIFICATIONS, WEBHOOK_OVERFLOW
from crossbar.storage import Batch, Key, Put, Remove

GAP_TYPE = "webhook_gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Reports that are left out: the number of the first, how many, from when to when."""

    account_id: str
    hook_id: str
    number: int
    count: int
    lower: int
    upper: int

    @classmethod
    def of(cls, delivery: Document) -> Gap:
        """The gap that one report makes."""
        report = delivery["report"]
        return cls(
            account_id=delivery["account_id"],
            hook_id=delivery["hook_id"],
            number=report["number"],
            count=1,
            lower=report["at"],
            upper=report["at"],
        )

    def plus(self, other: Gap | None) -> Gap:
        """Both as one."""
        if other is None:
            return self
        return Gap(
            account_id=self.account_id,
            hook_id=self.hook_id,
            number=min(self.number, other.number),
            count=self.count + other.count,
            lower=min(self.lower, other.lower),
            upper=max(self.upper, other.upper),
        )


def gap_key(account_id: str, hook_id: str) -> Key:
    """Where the gap of a webhook is kept."""
    return Key(account_id, GAP_TYPE, f"gap-{hook_id}")


async def note_gap(services: Services, gap: Gap) -> None:
    """Add to what was left out; of the first of it webhooks for notifications are told."""
    key, clock = gap_key(gap.account_id, gap.hook_id), services.clock
    stored = await services.store.get(key)
    before = stored or {"count": 0, "created_from": gap.lower, "created_to": gap.upper}
    document: Document = {
        "_id": key.doc_id,
        "_rev": next_revision(before.get("_rev")),
        "pvt_type": GAP_TYPE,
        "count": before["count"] + gap.count,
        "created_from": min(before["created_from"], gap.lower),
        "created_to": max(before["created_to"], gap.upper),
    }
    facts = {"type": WEBHOOK_OVERFLOW, "hook_id": gap.hook_id, "created_from": gap.lower}
    told = happening(clock, gap.account_id, NOTIFICATIONS, facts, about=gap.hook_id)
    put = Put(key, document, before.get("_rev"), sort=None)
    await services.commit(Batch(puts=(put,), events=() if stored else (told,)))


async def filled_gap(
    services: Services, hook: Document, lower: int, upper: int
) -> tuple[Remove, ...]:
    """The write by which a gap is forgotten that lies within a range of time."""
    key = gap_key(hook["pvt_account_id"], hook["_id"])
    stored = await services.store.get(key)
    if stored and lower <= stored["created_from"] and stored["created_to"] <= upper:
        return (Remove(key),)
    return ()


async def shown_gap(services: Services, account_id: str, hook_id: str) -> Document | None:
    """What was left out, as the webhook shows it."""
    stored = await services.store.get(gap_key(account_id, hook_id))
    if stored is None:
        return None
    return {name: stored[name] for name in ("count", "created_from", "created_to")}
