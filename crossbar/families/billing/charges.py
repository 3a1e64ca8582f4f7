"""What a change costs, and whether that may be: asked before something billable is added.

An account without plans is asked nothing, and costs no look-up. With plans, what would be added is
priced. If it costs something the client has to accept it (``accept_charges``), and the account has
to be in good standing. What is charged once is booked in the commit of the change itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

from crossbar.core.change import Change, Note, Writes
from crossbar.core.directory import Account
from crossbar.core.requests import Actor, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Stage
from crossbar.documents import Document
from crossbar.errors import AcceptCharges, BillingIssue
from crossbar.families.billing.assigned import assigned_to, is_billed, offers_of, services_of
from crossbar.families.billing.audit import audit_record
from crossbar.families.billing.booking import SERVICES_LEDGER, Booking
from crossbar.families.billing.invoices import Changed, compare, invoice_of
from crossbar.families.billing.money import units_of
from crossbar.families.billing.pricing import Offer
from crossbar.families.billing.quantities import COUNTED, Counts, added, count, count_below

ACCEPT = "accept_charges"
"""The control value by which a client agrees to what a change costs."""

Additions = Mapping[tuple[str, str], int]
"""How many more of an item there would be, by category and item; negative for fewer."""


async def charge(request: Request, additions: Additions) -> None:
    """Refuse what costs something and is not accepted, or not covered.

    Raises :class:`AcceptCharges` and :class:`BillingIssue`; nothing for an account without plans.
    """
    await charged(request.actor, request, additions)


async def charged(actor: Actor, request: Request | None, additions: Additions) -> Writes:
    """The same, and what the commit has to write too: the charges of today, and the audit."""
    account, writes = actor.account, Writes()
    additions = {what: many for what, many in additions.items() if many}
    if account is None or not is_billed(account) or not additions:
        return writes
    # Read before anything is counted: the commit compares the books with these, so what others
    # add or pay meanwhile is not missed. They are written anew even if nothing is booked, since a
    # price depends on how many there are.
    books = await Booking.begun(actor, account)
    changes = await _changes(actor.services, account.account_id, additions)
    if not changes:
        return writes
    costs = [each for each in changes if each.costs_more]
    if costs and request is not None and not request.says_yes(ACCEPT):
        raise AcceptCharges([invoice_of(each) for each in changes])
    today = units_of(sum((each.today for each in changes), Decimal(0)))
    if costs:
        await _require_standing(actor.services, account, today)
    record = audit_record(actor, account, changes)
    writes.records.append(record)
    if today > 0:
        await books.add(_activation(changes, record.key.doc_id), -today)
    writes.puts += await books.puts()
    writes.records += books.records
    return writes


async def _require_standing(services: Services, account: Account, today: int) -> None:
    standing = await services.bookkeeper.standing(services, account.account_id, today)
    if not standing.is_good:
        raise BillingIssue(standing.reason, standing.message)


def _activation(changes: list[Changed], audit_id: str) -> Document:
    """What is charged once, as an entry of the books."""
    names = {f"{each.after.category}.{each.after.item}" for one in changes for each in one.items}
    return {
        "source": {"service": SERVICES_LEDGER, "id": audit_id},
        "usage": {"type": "activation", "quantity": 1, "unit": "charge"},
        "description": f"Activation of {', '.join(sorted(names))}",
    }


async def _changes(services: Services, account_id: str, additions: Additions) -> list[Changed]:
    """What becomes of the invoices of an account; those that stay the same are left out."""
    document = await services_of(services, account_id)
    offers = offers_of(await assigned_to(services, document), document.get("overrides") or {})
    touched = {category for category, _ in additions}
    offers = [offer for offer in offers if touched & offer.plan.keys()]
    if not offers:
        return []
    before = await quantities_for(services, account_id, offers, document.get("manual") or {})
    more: Counts = {}
    for (category, item), many in additions.items():
        more.setdefault(category, {})[item] = many
    after = added(before, more)
    compared = (compare(offer, before, after) for offer in offers)
    return [each for each in compared if each.items]


async def quantities_for(
    services: Services, account_id: str, offers: list[Offer], manual: Counts
) -> Counts:
    """What the offers need to know of an account: counted, with what is kept by hand."""
    wanted: dict[str, list[str]] = {}
    cascading: dict[str, list[str]] = {}
    for offer in offers:
        for category, terms_of in offer.plan.items():
            wanted.setdefault(category, []).extend(terms_of)
            names = [item for item, terms in terms_of.items() if terms.get("cascade")]
            if names:
                cascading.setdefault(category, []).extend(terms_of)
    own = added(await count(services, account_id, wanted), manual)
    if not cascading:
        return own
    below = await count_below(services, account_id, cascading)
    return added(own, _only_cascading(offers, below))


def _only_cascading(offers: list[Offer], below: Counts) -> Counts:
    """Of what the accounts below have, what is billed here too."""
    kept: Counts = {}
    for category, items in below.items():
        terms_of: dict[str, Document] = {}
        for offer in offers:
            terms_of |= offer.plan.get(category, {})
        everything = (terms_of.get("_all") or {}).get("cascade")
        for item, many in items.items():
            if everything or (terms_of.get(item) or {}).get("cascade"):
                kept.setdefault(category, {})[item] = many
    return kept


def _usual(category: str) -> Callable[[Document], str]:
    usual = COUNTED[category].usual
    return lambda document: usual


def billed(category: str, item_of: Callable[[Document], str] | None = None) -> Stage:
    """A stage of a family's ``prepare`` that charges for its documents, by their item.

    Without ``item_of`` all of them are the usual item of the category.
    """
    item_of = item_of or _usual(category)

    async def charge_for_document(change: Change) -> None:
        change.document.pop(ACCEPT, None)
        if change.actor.account is None or not is_billed(change.actor.account):
            return
        additions = {(category, item_of(change.document)): 1}
        if change.current is not None:
            before = (category, item_of(change.current))
            additions[before] = additions.get(before, 0) - 1
        await settle(change, additions)

    return charge_for_document


def freed(category: str, item_of: Callable[[Document], str] | None = None) -> Stage:
    """A stage of a family's ``deleting`` that notes what is not billed any more."""
    item_of = item_of or _usual(category)

    async def note_removal(change: Change) -> None:
        if change.actor.account is not None and is_billed(change.actor.account):
            await settle(change, {(category, item_of(change.current or {})): -1})

    return note_removal


ADDED: Note[Additions] = Note({})
"""What the changes of a work have added so far."""


async def settle(change: Change, additions: Additions) -> None:
    """Have a change charged for what it adds, in its own commit or that of its work.

    What several changes of one work add is priced and booked together.
    """
    work = change.work
    if work is None:
        writes = await charged(change.actor, change.request, additions)
        change.more += writes.puts
        change.records += writes.records
        return
    total = Counter(ADDED.found(work))
    total.update(additions)
    ADDED.leave(work, total)
    work.also["charges"] = await charged(change.actor, change.request, total)
