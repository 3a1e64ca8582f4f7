"""What an operator does from the command line, through the same recipes as the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossbar.app import Gateway
from crossbar.bootstrap import internal_context
from crossbar.core import service
from crossbar.core.actions import Action
from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE, Account
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument
from crossbar.families import account_tree
from crossbar.families.login_rules import API_METHOD, USER_METHOD
from crossbar.families.users import USERS
from crossbar.storage import SYSTEM, Entry, Key, Span

REQUEST_ID = "command-line"


async def create_account(
    gateway: Gateway, *, name: str, parent: str | None, realm: str | None
) -> Document:
    """A new account below ``parent``, by default the master account."""
    above = await _account(gateway, parent)
    data = {"name": name} | ({"realm": realm} if realm else {})
    context = replace(internal_context(gateway.services, REQUEST_ID), account=above, data=data)
    created = (await account_tree.create(context)).data
    return {key: created[key] for key in ("id", "name", "realm")}


async def list_accounts(gateway: Gateway) -> list[dict[str, Any]]:
    """All accounts, by name, with the ids of their ancestors."""
    span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE)
    return [
        {
            "id": row.position.doc_id,
            "name": row.document.get("name", ""),
            "realm": row.document.get("realm", ""),
            "tree": list(row.document.get("pvt_tree", ())),
        }
        async for row in gateway.services.store.scan(span)
    ]


def tree_lines(listed: list[dict[str, Any]]) -> Iterator[str]:
    """The accounts as indented lines, children below their parents."""
    below: dict[str | None, list[dict[str, Any]]] = {}
    for account in listed:
        below.setdefault(account["tree"][-1] if account["tree"] else None, []).append(account)
    waiting = [(0, account) for account in reversed(below.get(None, []))]
    while waiting:
        depth, account = waiting.pop()
        yield f"{'  ' * depth}{account['name']}  {account['id']}"
        waiting.extend((depth + 1, child) for child in reversed(below.get(account["id"], [])))


async def set_password(gateway: Gateway, account_id: str | None, user: str, password: str) -> None:
    """Give a user a new password; tokens of the user die."""
    account = await _account(gateway, account_id)
    stored = await _user(gateway, account, user)
    context = replace(
        internal_context(gateway.services, REQUEST_ID),
        operation=gateway.services.registry.match(["accounts", "x", "users"])[0][Action.CREATE],
        params={"account_id": account.account_id},
        account=account,
    )
    change = Change(
        context=context,
        family=USERS,
        key=Key(account.account_id, "user", stored["_id"]),
        document=public(stored) | {"password": password},
        current=stored,
    )
    await service.save(change, "changed")


async def issue_token(gateway: Gateway, account_id: str | None, user: str | None) -> str:
    """A token of one hour, of a user or of the account itself."""
    account = await _account(gateway, account_id)
    owner = await _user(gateway, account, user) if user else None
    method = USER_METHOD if owner else API_METHOD
    return await gateway.identity.issue_token(account, user=owner, method=method)


async def describe_token(gateway: Gateway, token: str) -> Document:
    """The claims of a genuine token."""
    caller = await gateway.identity.read_token(token)
    return dict(caller.claims)


async def _account(gateway: Gateway, account_id: str | None) -> Account:
    directory = gateway.services.accounts
    account = await (directory.get(account_id) if account_id else directory.master())
    if account is None:
        raise NoSuchDocument(account_id or "master account")
    return account


async def _user(gateway: Gateway, account: Account, name: str) -> Document:
    """A live user by name or id."""
    store = gateway.services.store
    span = Span(
        account_id=account.account_id, doc_type="user", entry=Entry("username", name.lower())
    )
    async for row in store.scan(span):
        return row.document
    stored = await store.get(Key(account.account_id, "user", name))
    if stored is None or stored.get("pvt_deleted"):
        raise NoSuchDocument(name)
    return stored
