"""The audit of an account's services: what was added and removed of all that is billed."""

from __future__ import annotations

from crossbar.clock import YEAR, moment
from crossbar.core.directory import Account
from crossbar.core.journals import list_records, load_record, new_key, record_put, stretch_of
from crossbar.core.ranges import time_range
from crossbar.core.recipes import answer
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.shapes import Journal
from crossbar.core.stamping import stamped
from crossbar.documents import Document
from crossbar.families.billing.invoices import Changed
from crossbar.families.billing.money import number
from crossbar.families.billing.pricing import ZERO
from crossbar.storage import Put

LONGEST = YEAR + 86_400
"""Seconds that an overview by day may span."""

AUDIT_TYPE = "services_audit"

AUDIT = Journal(
    noun="services",
    doc_type=AUDIT_TYPE,
    summary=("status", "reason", "message", "type", "summary"),
    actions=frozenset(),
    scopes=(),
)
"""The records; routes of the same noun read them."""


def audit_record(actor: Actor, account: Account, changes: list[Changed]) -> Put:
    """The record of a change, for its commit."""
    key = new_key(AUDIT, account.account_id, actor.services.clock)
    items = [each for one in changes for each in one.items]
    categories = sorted({each.after.category for each in items})
    caller = actor.caller
    today = sum((one.today for one in changes), ZERO)
    recurring = sum((line.total for one in changes for line in one.lines), ZERO)
    document = {
        "type": "charges",
        "status": "success",
        "reason": "quantities_changed",
        "message": f"changed: {', '.join(categories)}",
        "summary": {"today": number(today), "recurring": number(recurring)},
        "tree": list(account.tree),
        "audit": {
            account.account_id: {
                "account_name": account.name,
                "account_quantities": _quantities(changes),
            }
        },
        "authenticating_user": {
            "account_id": caller.account_id if caller else "system",
            **({"user_id": caller.user_id} if caller and caller.user_id else {}),
        },
        "changes": [
            {
                "category": each.after.category,
                "item": each.after.item,
                "difference": each.after.quantity - each.before.quantity,
                "quantity": each.after.quantity,
            }
            for each in items
        ],
    }
    return record_put(AUDIT, key, stamped(actor, key, document))


def _quantities(changes: list[Changed]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in (line for one in changes for line in one.lines):
        found.setdefault(line.category, {})[line.item] = line.quantity
    return found


async def list_audit(request: Request) -> Result:
    """The records in a range of time, the newest first."""
    return await list_records(request, AUDIT)


async def fetch_record(request: Request) -> Result:
    """One record."""
    return await answer(request, await load_record(request.actor, AUDIT, request.ids["audit_id"]))


Days = dict[str, dict[str, Document]]
"""What was added and removed: by source, by day."""


async def list_days(request: Request) -> Result:
    """What was added and removed of each source, day by day, in a range of a year at most."""
    days = await _days(request)
    return Result(data=[{source: days[source]} for source in sorted(days)])


async def list_days_of_source(request: Request) -> Result:
    """What was added and removed of one source, day by day, the newest day first."""
    days = (await _days(request)).get(request.ids["source_service"], {})
    return Result(data=[{day: days[day]} for day in sorted(days, reverse=True)])


async def _days(request: Request) -> Days:
    lower, upper = time_range(request, LONGEST)
    days: Days = {}
    async for row in request.services.store.scan(
        stretch_of(AUDIT, request.account_id, lower, upper)
    ):
        at = row.document["pvt_created"]
        day = moment(at).date().isoformat()
        for change in row.document["changes"]:
            known = days.setdefault(change["category"], {}).setdefault(day, _nothing())
            known["addition"] += max(change["difference"], 0)
            known["removal"] += max(-change["difference"], 0)
            known["quantity"] = change["quantity"]
            known["sum_quantity"] += change["quantity"]
            known["last_timestamp"] = at
    return days


def _nothing() -> Document:
    return dict.fromkeys(("addition", "removal", "quantity", "sum_quantity", "last_timestamp"), 0)
