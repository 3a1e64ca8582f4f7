"""The account tree: creating, deleting, moving and listing accounts (docs/protocol.md §9).

Whatever changes the shape of the tree reads several accounts and writes some of them: a child is
created below a parent that must not be deleted meanwhile, a move rewrites every account below. So
such changes take turns. The tree has some documents whose revisions stand for its shape. What
changes accounts that are there replaces all of them, a creation one, which it has read before
anything else; of two that have one in common and overlap, in whatever processes, one is done again
from the start. So creations do not wait for each other, and share commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace as with_changes
from functools import wraps
from itertools import cycle

from crossbar.core import reading, recipes, writing
from crossbar.core.answers import COUNT, TEXT, Answers, rows
from crossbar.core.change import Change, Note
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key, account_of
from crossbar.core.preconditions import require_match
from crossbar.core.requests import Actor, Page, Request, Result
from crossbar.core.shapes import FLAGS, Handler
from crossbar.core.stamping import fresh_id
from crossbar.core.summaries import summarizer
from crossbar.documents import Document, next_revision
from crossbar.errors import (
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NoSuchDocument,
    ValidationFailed,
)
from crossbar.families.accounts.emptying import leave_or_purge
from crossbar.families.notifications import notify, user_facts
from crossbar.storage import SYSTEM, Entry, Key, Put, Span

TREE = tuple(Key(SYSTEM, "account_tree", f"account_tree{number or ''}") for number in range(8))
"""The documents whose revisions stand for the shape of the tree."""

_next_of_tree = cycle(TREE)

PARENT: Note[Account | None] = Note(None)
"""For a change that creates an account: the account above."""


def tree_of(document: Document) -> tuple[str, ...]:
    """The ids of an account's ancestors, root first."""
    return tuple(document.get("pvt_tree", ()))


def reseller_below(parent: Account) -> str:
    """The reseller of an account below ``parent``: the nearest above, else the master account."""
    return parent.account_id if parent.is_reseller else parent.reseller_id


def in_turn(handler: Callable[[Request, list[Put]], Awaitable[Result]]) -> Handler:
    """A handler that changes accounts of the tree, one at a time.

    ``handler`` is given the writes of the tree's next revisions, for its own commit.
    """

    @wraps(handler)
    async def taking_turns(request: Request) -> Result:
        return await _in_turn_of(request, TREE, handler)

    return taking_turns


def beside_others(handler: Callable[[Request, list[Put]], Awaitable[Result]]) -> Handler:
    """The same for one that only adds an account; some are done at a time."""

    @wraps(handler)
    async def taking_a_turn(request: Request) -> Result:
        return await _in_turn_of(request, (next(_next_of_tree),), handler)

    return taking_a_turn


async def _in_turn_of(
    request: Request,
    keys: tuple[Key, ...],
    handler: Callable[[Request, list[Put]], Awaitable[Result]],
) -> Result:
    async def attempt() -> Result:
        return await handler(request, await _turns(request.actor, keys))

    turns = request.services.turns
    async with AsyncExitStack() as held:
        for key in keys[:-1]:  # in one order, or two might wait for each other
            await held.enter_async_context(turns.of(key))
        return await writing.in_turn(request.actor, keys[-1], attempt)


async def _turns(actor: Actor, keys: tuple[Key, ...]) -> list[Put]:
    """The writes of next revisions. They fail when anybody else writes one of them first."""
    found = [await actor.services.store.get(key) for key in keys]
    await asyncio.sleep(0)  # what a store remembers from this turn of the loop may be older
    return [_next(key, current) for key, current in zip(keys, found, strict=True)]


def _next(key: Key, current: Document | None) -> Put:
    before = (current or {}).get("_rev")
    document = {"_id": key.doc_id, "_rev": next_revision(before), "pvt_type": key.doc_type}
    return Put(key, document, before, sort=None)


async def _present_account(actor: Actor, account_id: str) -> Account:
    """The account as the store has it now, not as it may be remembered."""
    account = await actor.services.accounts.get(account_id, anew=True)
    if account is None:
        raise NoSuchDocument(account_id)
    return account


@beside_others
async def create(request: Request, turns: list[Put]) -> Result:
    """A new account below the one in the URL, or below the caller's own."""
    above = request.account or request.require_caller()
    parent = await _present_account(request.actor, above.account_id)
    _require_subaccounts(request.actor, parent)
    doc_id = fresh_id(request.services.clock)
    change = Change(
        actor=request.actor,
        request=request,
        family=request.operation.collection,
        key=account_key(doc_id),
        document=recipes.sent(request),
        more=turns,
    )
    PARENT.leave(change, parent)
    notify(change, "new_account", doc_id, {"admin": await _author(request.actor)})
    stored = await writing.save(change, "created")
    return await recipes.answer(request, stored, created_id=doc_id)


async def _author(actor: Actor) -> Document:
    """What the mail about a new account says of who has made it."""
    caller = actor.caller
    if caller is None or caller.user_id is None or not actor.services.mail.is_available:
        return {}
    user = await actor.services.store.get(Key(caller.account_id, "user", caller.user_id))
    return user_facts(user or {})


def _require_subaccounts(actor: Actor, parent: Account) -> None:
    """Only resellers, and the master account, have accounts below them where a setting says so."""
    allowed = actor.services.settings.accounts.allow_subaccounts_for_direct
    if not (allowed or parent.is_reseller or not parent.tree):
        message = "Only resellers may have accounts below them"
        raise ValidationFailed.of("account", "forbidden", message, cause=parent.account_id)


@in_turn
async def delete(request: Request, turns: list[Put]) -> Result:
    """Remove an account with all that it has. The root stays, and so does one with others below.

    Never soft (§9.5).
    """
    current = await reading.load(request)
    require_match(request, current)
    if not tree_of(current):
        raise MethodNotAllowed(cause="the master account cannot be removed")
    if await _has_any(request.actor, request.doc_id):
        raise _has_descendants()
    change = _private_change(request, current, {})
    change.more += turns
    await leave_or_purge(change)
    return await recipes.answer_removed(request, await writing.remove(change, is_soft=False))


def _has_descendants() -> Conflict:
    return Conflict("account has descendants", code="account_has_descendants")


async def _has_any(actor: Actor, account_id: str) -> bool:
    return await actor.services.store.count(_span("ancestor", account_id), at_most=1) > 0


def _span(index: str, value: str) -> Span:
    return Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=Entry(index, value))


def _private_change(request: Request, stored: Document, document: Document) -> Change:
    """A change of the private facts of the account in the URL."""
    family = request.operation.collection
    key = account_key(request.doc_id)
    return Change(
        actor=request.actor,
        request=request,
        family=family,
        key=key,
        document=document,
        current=stored,
    )


COUNTED_ROWS = Answers(rows(id=TEXT, descendants_count=COUNT), is_paged=True)
NAMES = Answers(rows(id=TEXT, name=TEXT))

_child_row = summarizer(("name", "realm", FLAGS))


def _descendant_row(document: Document) -> Document:
    return {**_child_row(document), "tree": list(tree_of(document))}


async def children(request: Request) -> Result:
    """The accounts directly below."""
    return await _children_of(request, request.doc_id)


async def descendants(request: Request) -> Result:
    """All accounts below."""
    return await reading.list_span(request, _span("ancestor", request.doc_id), _descendant_row)


async def siblings(request: Request) -> Result:
    """The children of the parent, the account itself among them."""
    account, caller = request.require_account(), request.require_caller()
    allowed = request.services.settings.accounts.allow_sibling_listing
    is_own = caller.account_id == account.account_id
    if (is_own or not allowed) and not caller.is_operator:
        raise Forbidden
    if not account.tree:
        raise NoSuchDocument(account.account_id)
    return await _children_of(request, account.tree[-1])


async def _children_of(request: Request, account_id: str) -> Result:
    unchunked = with_changes(request, query=with_changes(request.query, is_chunked=False))
    result = await reading.list_span(unchunked, _span("parent", account_id), _child_row)
    ids = [row["id"] for row in result.data]
    counts = await request.services.store.tally(SYSTEM, ACCOUNT_TYPE, "ancestor", ids)
    for row in result.data:
        row["descendants_count"] = counts.get(row["id"], 0)
    return result


async def parents(request: Request) -> Result:
    """The ancestors, from the caller's account down to the direct parent."""
    account, caller = request.require_account(), request.require_caller()
    tree = account.tree
    if caller.account_id != account.account_id:
        tree = _from(tree, caller.account_id)
    data = await _chain(request.actor, tree)
    return Result(data=data, page=Page(size=len(data)), revision=reading.revision_of_list(data))


async def tree(request: Request) -> Result:
    """The same chain without paging, empty for one's own account."""
    account, caller = request.require_account(), request.require_caller()
    data = await _chain(request.actor, _from(account.tree, caller.account_id))
    return Result(data=data, revision=reading.revision_of_list(data))


def _from(ancestors: tuple[str, ...], account_id: str) -> tuple[str, ...]:
    return ancestors[ancestors.index(account_id) :] if account_id in ancestors else ()


async def _chain(actor: Actor, account_ids: tuple[str, ...]) -> list[Document]:
    found = [await actor.services.accounts.get(account_id) for account_id in account_ids]
    return [{"id": account.account_id, "name": account.name} for account in found if account]


@in_turn
async def move(request: Request, turns: list[Put]) -> Result:
    """Put the account, with everything below it, under another parent (§9.6)."""
    target_id = request.data.get("to") if isinstance(request.data, dict) else None
    if not isinstance(target_id, str) or not target_id:
        raise ValidationFailed.of("to", "required", "Field 'to' is required")
    stored = await reading.load(request)
    account, target = account_of(stored), await _present_account(request.actor, target_id)
    _require_move(request.actor, account, target)
    change = _private_change(request, stored, _replanted(stored, account, target))
    change.more += turns
    async for row in request.services.store.scan(_span("ancestor", account.account_id)):
        document = _replanted(row.document, account, target)
        change.also_put(change.family, account_key(row.document["_id"]), document)
    return await recipes.answer(request, await writing.commit_private(change))


def _require_move(actor: Actor, account: Account, target: Account) -> None:
    caller = actor.require_caller()
    by_tree = actor.services.settings.accounts.allow_move == "tree"
    above_both = caller.account_id in account.tree and caller.account_id in (
        *target.tree,
        target.account_id,
    )
    is_inside = target.account_id == account.account_id or target.is_below(account.account_id)
    may = caller.is_operator or (by_tree and above_both)
    if not account.tree or is_inside or not may:
        raise Forbidden


def _replanted(document: Document, account: Account, target: Account) -> Document:
    """The document with its tree, and what follows from it, as under the new parent."""
    trunk = [*target.tree, target.account_id]
    below = list(tree_of(document))[len(account.tree) :]
    moved = {**document, "pvt_tree": [*trunk, *below]}
    if document.get("pvt_reseller_id") not in below:
        moved["pvt_reseller_id"] = reseller_below(target)
    return moved


@in_turn
async def promote(request: Request, turns: list[Put]) -> Result:
    """Make the account a reseller: accounts below it are now its own."""
    return await _set_reseller(request, turns, is_reseller=True)


@in_turn
async def demote(request: Request, turns: list[Put]) -> Result:
    """Undo a promotion."""
    return await _set_reseller(request, turns, is_reseller=False)


async def _set_reseller(request: Request, turns: list[Put], *, is_reseller: bool) -> Result:
    stored = await reading.load(request)
    account = account_of(stored)
    if not account.tree:
        raise Forbidden
    change = _private_change(request, stored, {**stored, "pvt_reseller": is_reseller})
    change.more += turns
    reseller_id = account.account_id if is_reseller else account.reseller_id
    async for row in request.services.store.scan(_span("ancestor", account.account_id)):
        if row.document.get("pvt_reseller"):
            raise _has_descendants()
        document = {**row.document, "pvt_reseller_id": reseller_id}
        change.also_put(change.family, account_key(row.document["_id"]), document)
    return await recipes.answer(request, await writing.commit_private(change))
