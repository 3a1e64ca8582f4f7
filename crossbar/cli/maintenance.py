"""What an operator does from the command line, through the same recipes as the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from crossbar.app import Gateway
from crossbar.core import reading, recipes, writing
from crossbar.core.access import PLAN, plan_of
from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key, account_of
from crossbar.core.requests import Action, Actor, Request, request_to
from crossbar.documents import Document, merge, public, without_nulls
from crossbar.errors import NoSuchDocument
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.accounts import create as create_below
from crossbar.families.endpoints import USERS
from crossbar.families.logins import API_METHOD, USER_METHOD
from crossbar.families.logins import create_key as create_api_key
from crossbar.storage import SYSTEM, Entry, Key, Span

REQUEST_ID = "command-line"
DAY = 86_400


async def create_account(
    gateway: Gateway, *, name: str, parent: str | None, realm: str | None
) -> Document:
    """A new account below ``parent``, by default the master account."""
    above = await _account(gateway, parent)
    data = {"name": name} | ({"realm": realm} if realm else {})
    request = request_to(_actor(gateway, above), Action.CREATE, "accounts", data=data)
    created = (await create_below(request)).data
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


async def set_dialect(
    gateway: Gateway,
    account_id: str,
    dialect: str,
    *,
    enabled: bool | None = None,
    days: int | None = None,
    limits: Mapping[str, int],
) -> Document:
    """Agree with an account on its use of a dialect; what is not given stays. Answers the plan.

    ``days`` are counted from now; 0 is for good. Raises :class:`ValueError` for a limit that there
    is not.
    """
    services = gateway.services
    _, usual = services.settings.dialects.usual()[dialect]
    for name in limits.keys() - usual.keys():
        raise ValueError(f"{dialect} has no limit {name}; it has {', '.join(usual) or 'none'}")
    account = await _account(gateway, account_id)
    agreed: Document = {"enabled": enabled} if enabled is not None else {}
    if limits:
        agreed["limits"] = dict(limits)
    if days is not None:
        agreed["expires"] = services.clock.gregorian() + days * DAY if days else None
    if agreed:
        account = await _agree(gateway, account, {dialect: agreed})
    plan = plan_of(account, dialect, services.settings)
    return {"account_id": account.account_id, "dialect": dialect, **asdict(plan)}


async def _agree(gateway: Gateway, account: Account, agreed: Document) -> Account:
    """Merge agreements into those that there are."""
    stored = account.document
    change = Change(
        actor=_actor(gateway, None),
        family=ACCOUNTS,
        key=account_key(account.account_id),
        document={**stored, PLAN: merge(stored.get(PLAN, {}), agreed)},
        current=stored,
    )
    return account_of(await writing.commit_private(change))


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
    change = Change(
        actor=_actor(gateway, account),
        family=USERS,
        key=Key(account.account_id, "user", stored["_id"]),
        document=public(stored) | {"password": password},
        current=stored,
    )
    await writing.save(change, "changed")


async def create_key(
    gateway: Gateway, account_id: str | None, days: int | None, **fields: Any
) -> Document:
    """A new API key that lives so many days: its id, its text, and v1's number of its account."""
    account = await _account(gateway, account_id)
    expires = gateway.services.clock.gregorian() + days * DAY if days is not None else None
    data = without_nulls({**fields, "expires": expires})
    request = _request(gateway, account, Action.CREATE, "api_keys", data=data)
    created = (await create_api_key(request)).data
    told = {"id": created["id"], "key": created["_read_only"]["key"]}
    if created["dialect"] == "v1":
        told["perscom_id"] = created["_read_only"]["perscom_id"]
    return told


async def list_keys(gateway: Gateway, account_id: str | None) -> list[Document]:
    """The API keys of an account, newest first."""
    account = await _account(gateway, account_id)
    listed = await recipes.list_documents(_request(gateway, account, Action.LIST, "api_keys"))
    return list(listed.data)


async def revoke_key(gateway: Gateway, account_id: str | None, key_id: str) -> None:
    """Make an API key worthless. Raises :class:`NoSuchDocument`."""
    account = await _account(gateway, account_id)
    await reading.load_document(
        _actor(gateway, account), Key(account.account_id, "api_key", key_id)
    )
    await gateway.identity.keys.revoke(account.account_id, key_id)


def _actor(gateway: Gateway, account: Account | None) -> Actor:
    """The operator, who does something to an account, or to the list of accounts."""
    return Actor(
        services=gateway.services,
        account_id=account.account_id if account else SYSTEM,
        account=account,
        request_id=REQUEST_ID,
    )


def _request(
    gateway: Gateway, account: Account, action: Action, noun: str, data: Any = None
) -> Request:
    """What an operator asks of an account's documents of one family."""
    path = ("accounts", account.account_id, noun)
    return request_to(_actor(gateway, account), action, *path, data=data)


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
    return await reading.load_document(
        _actor(gateway, account), Key(account.account_id, "user", name)
    )
