"""Requests that are heavy, for ``make bench ARGS=loop``, and the store that they are sent to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.app import Gateway, open_gateway
from crossbar.core.change import put_of
from crossbar.core.directory import Account, account_key
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.endpoints.users import USERS
from crossbar.settings import Settings
from crossbar.storage import Batch, Key
from tests.bench.load import raw
from tests.bench.sites import master_of

LONG = "abcdefghij" * 18

BELOW = 5_000
OWNED = 100_000

STRANGE = 29_000
"""Values that are just fewer than a body may have (``http.max_members``)."""


@dataclass
class Site:
    """A small store, and who may read it."""

    folder: Path
    account_id: str = ""
    token: str = ""
    key: str = ""
    branch_id: str = ""
    """An account with :data:`BELOW` below it."""

    target_id: str = ""
    """One where the branch can be moved to."""

    doomed_ids: list[str] = field(default_factory=list)
    """Accounts with :data:`OWNED` users each, to be deleted."""

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'loop.db'}"


async def seed(site: Site) -> None:
    """A master account, a token, and a key for v1."""
    settings = Settings.load(None, {}, {"storage.url": site.url})
    async with open_gateway(settings) as gateway:
        account, site.token = await master_of(gateway)
        site.account_id = account.account_id
        _, site.key = await gateway.identity.keys.create(account, dialect="v1", name="bench")
        site.branch_id, site.target_id = "b" * 32, "c" * 32
        site.doomed_ids = ["d" * 32]
        for account_id in (site.branch_id, site.target_id, *site.doomed_ids):
            await put_accounts(gateway, account, [account_id], [site.account_id])
        tree, below = [site.account_id, site.branch_id], range(BELOW)
        await put_accounts(gateway, account, [f"{number:032x}" for number in below], tree)
        for account_id in site.doomed_ids:
            await put_users(gateway, account_id)


async def put_accounts(gateway: Gateway, like: Account, ids: list[str], tree: list[str]) -> None:
    """Accounts, straight into the store."""
    puts = []
    for account_id in ids:
        named = {"name": f"Account {account_id}", "realm": f"{account_id}.example"}
        document = {**like.document, **named, "_id": account_id, "pvt_tree": tree}
        puts.append(put_of(ACCOUNTS, account_key(account_id), document, None))
    await gateway.services.store.commit(Batch(puts=puts))


async def put_users(gateway: Gateway, account_id: str) -> None:
    """Very many users, straight into the store."""
    sent = {"first_name": "Ann", "last_name": "Lee"}
    template, _ = gateway.services.schemas.apply("users", sent)
    for start in range(0, OWNED, 1000):
        puts = []
        for number in range(start, start + 1000):
            facts = {"_id": f"{number:032x}", "_rev": "1-a", "pvt_type": "user"}
            document = {**template, **facts, "username": f"user{number}"}
            puts.append(put_of(USERS, Key(account_id, "user", facts["_id"]), document, None))
        await gateway.services.store.commit(Batch(puts=puts))


def form_of_a_stranger(site: Site) -> list[bytes]:
    """A form with many pairs and no key."""
    return [typed("POST", "/v1/ranks", b"a[]=&" * 80_000, "application/x-www-form-urlencoded")]


def many_keys(site: Site) -> list[bytes]:
    """A login whose JSON object has many members."""
    data = {f"k{number:06}": 100 for number in range(500_000)}
    body = json.dumps({"data": data}, separators=(",", ":"))
    return [raw("PUT", "/v2/user_auth", body.encode())]


def long_texts(site: Site) -> list[bytes]:
    """Documents that are refused, with a text that is nearly as long as a body may be."""
    body = json.dumps({"data": {"x": "a" * 7_900_000}}).encode()
    path = f"/v2/accounts/{site.account_id}/users"
    return [raw("PUT", path, body, token=site.token)] * 30


def pathological_pattern(site: Site) -> list[bytes]:
    """A search among the one rank that :func:`prepare` has made."""
    value = "%_" * 8 + "%z"
    body = {"filters": [{"field": "description", "operator": "like", "value": value}]}
    return [typed("POST", "/v1/ranks/search", json.dumps(body).encode(), JSON, site.key)]


def wrong_logins(site: Site) -> list[bytes]:
    """Passwords that are wrong, of users of an account that there is."""
    sent = [{"credentials": f"{number:032x}", "account_name": "Master"} for number in range(200)]
    return [raw("PUT", "/v2/user_auth", json.dumps({"data": data}).encode()) for data in sent]


def created(site: Site, noun: str, data: dict[str, Any]) -> list[bytes]:
    """One document that is created, in the smallest JSON."""
    body = json.dumps({"data": data}, separators=(",", ":")).encode()
    return [raw("PUT", f"/v2/accounts/{site.account_id}/{noun}", body, token=site.token)]


def wrong_fields(site: Site) -> list[bytes]:
    """A user with nothing but wrong flags."""
    return created(site, "users", {"first_name": "A", "last_name": "L", "flags": [1] * STRANGE})


def blacklist(site: Site) -> list[bytes]:
    """A list of numbers, each of which is brought into its one form."""
    numbers: dict[str, Any] = {f"1415{number:07}": {} for number in range(STRANGE // 2)}
    return created(site, "blacklists", {"name": "B", "numbers": numbers})


def callflow(site: Site) -> list[bytes]:
    """A flow of very many modules, each of which is judged by its own schema."""
    leaf = {"module": "sleep", "data": {"duration": 1}, "children": {}}
    children = {str(number): leaf for number in range(STRANGE // 6)}
    flow = {"module": "menu", "data": {"id": "a" * 32}, "children": children}
    return created(site, "callflows", {"numbers": ["1000"], "flow": flow})


def group(site: Site) -> list[bytes]:
    """A group of very many members, under each of which it can be found."""
    members = {f"{number:032x}": {"type": "user"} for number in range(6_000)}
    return created(site, "groups", {"name": "G", "endpoints": members})


def large_user(site: Site) -> list[bytes]:
    """A user of 3 MB."""
    return created(site, "users", {"first_name": "A", "last_name": "L", "note": "x" * 3_000_000})


def nothing(site: Site) -> list[bytes]:
    """A body of 8 MB in which there is nothing."""
    path, body = f"/v2/accounts/{site.account_id}/users", b'{"data":{' + b" " * 7_900_000 + b"}}"
    return [raw("PUT", path, body, token=site.token)]


def move(site: Site) -> list[bytes]:
    """A move of an account with many below it."""
    body = json.dumps({"data": {"to": site.target_id}}).encode()
    return [raw("POST", f"/v2/accounts/{site.branch_id}/move", body, token=site.token)]


def large_pages(site: Site) -> list[bytes]:
    """Pages of whole documents, more than 10 MB each."""
    path = f"/v2/accounts/{site.doomed_ids[0]}/users?full_docs=true&page_size=20000"
    return [raw("GET", path, token=site.token)] * 3


def children(site: Site) -> list[bytes]:
    """Every account below one, and how many are below each."""
    path = f"/v2/accounts/{site.branch_id}/children?paginate=false"
    return [raw("GET", path, token=site.token)]


def deletion(site: Site) -> list[bytes]:
    """An account with many documents is deleted; emptying it goes on after the answer."""
    return [raw("DELETE", f"/v2/accounts/{each}", token=site.token) for each in site.doomed_ids]


def first_document(site: Site) -> list[bytes]:
    """The documents of all dialects, which nobody has asked for before."""
    return [raw("GET", path) for path in ("/v2/openapi.json", "/v1/spec.yaml", "/docs/errors")]


def events_of_a_switch(site: Site) -> list[bytes]:
    """Batches with as many events as they may have, and nearly as many bytes."""
    return [_batch(site, f"fs{source}") for source in range(5)]


def _batch(site: Site, source: str) -> bytes:
    events = [
        {
            "sequence": number,
            "type": "cdr",
            "account_id": site.account_id,
            "data": {"call_id": f"{source}-{number}", "remote_sdp": "v" * 15_000},
        }
        for number in range(1, 501)
    ]
    body = json.dumps({"data": {"source": source, "events": events}}).encode()
    return raw("POST", "/v2/switch/events", body, token=site.token)


JSON = "application/json"


def typed(method: str, path: str, body: bytes, media_type: str, key: str = "") -> bytes:
    """The bytes of a request with any media type, and with a key as the bearer's."""
    request = raw(method, path, body).replace(JSON.encode(), media_type.encode(), 1)
    bearer = f"\r\nAuthorization: Bearer {key}" if key else ""
    return request.replace(b"\r\nHost:", f"{bearer}\r\nHost:".encode(), 1)
