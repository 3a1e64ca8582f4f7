"""Migrations: changes of an account's documents that somebody has to ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from crossbar.core.answers import SOME_OBJECT, TEXT, YES_OR_NO, Answers, an_object, some
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key, account_of
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Route, Routes, Scope, route
from crossbar.core.writing import Work, perform
from crossbar.documents import Document
from crossbar.errors import NotFound, ValidationFailed
from crossbar.storage import SYSTEM, Entry, Key, Span

MIGRATIONS_TYPE = "migrations"
PERFORMED = "migrations_performed"
NOW = "now"


class Migration(NamedTuple):
    """What a migration is for, and what it does to an account's document."""

    about: str
    change: Callable[[Document], None]


def _to_teletype(account: Document) -> None:
    notifications = dict(account.get("notifications") or {})
    for name in ("voicemail_to_email", "fax_to_email"):
        notifications.pop(name, None)
    if "notifications" in account:
        account["notifications"] = notifications


MIGRATIONS = {
    "notify_to_teletype": Migration(
        "Send mails about voicemail and faxes by templates of today, not by the account's old"
        " ones.",
        _to_teletype,
    ),
}

DONE = Collection(
    noun="migrations",
    doc_type=MIGRATIONS_TYPE,
    schema="any_object",
    summary=(),
    actions=frozenset(),
    scopes=(),
)
"""What was done to an account, by migration, and by whom."""


def _key(account_id: str) -> Key:
    return Key(account_id, MIGRATIONS_TYPE, MIGRATIONS_TYPE)


async def list_migrations(request: Request) -> Result:
    """What can be done, by id."""
    return Result(data={name: migration.about for name, migration in MIGRATIONS.items()})


async def fetch(request: Request) -> Result:
    """What a migration is for, and whether it was done to the account."""
    name = request.ids["migration"]
    if name not in MIGRATIONS:
        raise NotFound("migration not found", code="bad_identifier", cause=name)
    stored = await request.services.store.get(_key(request.account_id)) or {}
    done = stored.get(PERFORMED, {}).get(name)
    shown: Document = {"id": name, "description": MIGRATIONS[name].about}
    shown["performed"] = done is not None
    if done is not None:
        shown["performed_time"] = done["performed_time"]
    return Result(data=shown)


async def run(request: Request) -> Result:
    """Do it: to the account, and if asked for to those below it."""
    name = request.ids["migration"]
    if name not in MIGRATIONS:
        raise ValidationFailed.of("migration", "invalid", "not found", cause=name)
    if request.control("perform_migration") != NOW:
        message = f"perform_migration must be {NOW!r}"
        raise ValidationFailed.of("perform_migration", "invalid", message, target=[NOW])
    chosen = [request.require_account().account_id]
    if request.says_yes("include_descendants"):
        chosen += await _below(request)
    for account_id in chosen:
        await _migrate(request, account_id, name)
    return Result(data={"performed_on": chosen})


async def _below(request: Request) -> list[str]:
    """The accounts below; without ``include_resellers`` neither resellers nor their customers."""
    account = request.require_account()
    entry = Entry("ancestor", account.account_id)
    span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=entry)
    store = request.services.store
    found: list[Account] = [account_of(row.document) async for row in store.scan(span)]
    if not request.says_yes("include_resellers"):
        ids = {each.account_id for each in found}
        found = [each for each in found if not each.is_reseller and each.reseller_id not in ids]
    return [each.account_id for each in found]


async def _migrate(request: Request, account_id: str, name: str) -> None:
    key, caller = _key(account_id), request.require_caller()
    accounts = request.services.registry.collection(ACCOUNT_TYPE)

    async def build(work: Work) -> None:
        account = await work.other(accounts, account_key(account_id))
        if account is None:
            return
        MIGRATIONS[name].change(account)
        done = await request.services.store.get(key) or {}
        by = await request.services.accounts.get(caller.account_id)
        facts = {
            "performed_time": request.services.clock.gregorian(),
            "auth_account_id": caller.account_id,
            "auth_account_name": by.name if by else None,
            "auth_user_id": caller.user_id,
        }
        if caller.behind is not None:
            facts["original_auth_account_id"] = caller.behind.account_id
            facts["original_auth_owner_id"] = caller.behind.user_id
        told = {field: value for field, value in facts.items() if value is not None}
        document = {**done, PERFORMED: {**done.get(PERFORMED, {}), name: told}}
        work.put(DONE, key, document)

    await perform(request.actor, account_key(account_id), build, request)


MIGRATIONS_OF_ACCOUNT = Routes(
    noun="migrations",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_migrations, "List migrations", Answers(SOME_OBJECT)),
        route(
            "{migration}",
            Action.FETCH,
            fetch,
            "Read what a migration is for, and whether it was done",
            Answers(an_object(id=TEXT, description=TEXT, performed=YES_OR_NO)),
        ),
        Route(
            path="{migration}",
            action=Action.REPLACE,
            handler=run,
            about="Perform a migration",
            access=Access.ADMIN,
            answers=Answers(an_object(performed_on=some(TEXT))),
        ),
    ),
)
