"""The first account and user of an empty store, and what a store remembers of its server."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable
from dataclasses import dataclass

from crossbar.core import writing
from crossbar.core.change import Change
from crossbar.core.directory import account_key, account_of
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.stamping import fresh_id
from crossbar.documents import Document, next_revision
from crossbar.errors import ValidationFailed
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.endpoints import USERS
from crossbar.identity.secrets import Secrets, SecretsError
from crossbar.storage import SYSTEM, Batch, Key, Put, RevisionConflict, Store

SERVER = Key(SYSTEM, "server", "server")


class AlreadyInitialised(Exception):
    """The store has a master account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """What the operator needs to know once. The password is not kept anywhere."""

    account_id: str
    account_name: str
    realm: str
    user_id: str
    username: str
    password: str
    api_key: str


async def create_master(
    services: Services,
    *,
    account_name: str = "Master",
    username: str = "admin",
    password: str | None = None,
    realm: str | None = None,
) -> Master:
    """Create the master account and its admin user, in one commit.

    The password is the user's and the account's own; one is made up when none is given. Raises
    :class:`AlreadyInitialised` and :class:`~crossbar.errors.ValidationFailed`.
    """
    if await services.accounts.master() is not None:
        raise AlreadyInitialised
    if password is None:
        password = random.token_urlsafe(15)
    account_id, user_id = fresh_id(services.clock), fresh_id(services.clock)
    document: Document = {"name": account_name, "password": password}
    if realm:
        document["realm"] = realm
    change = Change(
        actor=Actor(services=services, request_id="bootstrap"),
        family=ACCOUNTS,
        key=account_key(account_id),
        document=document,
    )
    document |= {"pvt_superduper_admin": True, "pvt_reseller": True}
    user = await _admin(services, account_id, username, password)
    change.also_put(USERS, Key(account_id, "user", user_id), user)
    try:
        account = account_of(await writing.save(change, "created"))
    except ValidationFailed as error:
        if "parent" in error.fields:
            raise AlreadyInitialised from None
        raise
    return Master(
        account_id=account_id,
        account_name=account.name,
        realm=account.realm,
        user_id=user_id,
        username=user["username"],
        password=password,
        api_key=services.credentials.api_key_of(account.document) or "",
    )


async def _admin(services: Services, account_id: str, username: str, password: str) -> Document:
    user, errors = services.schemas.apply(
        "users",
        {
            "username": username.lower(),
            "first_name": "Account",
            "last_name": "Admin",
            "priv_level": "admin",
        },
    )
    if errors:
        raise ValidationFailed(errors)
    user |= await services.credentials.user_secrets(account_id, username, password)
    user["pvt_signature_secret"] = random.token_hex(16)
    return user


async def knows_its_secrets(store: Store) -> bool:
    """Whether a server has used the store before."""
    return await store.get(SERVER) is not None


async def indexes_of(store: Store) -> frozenset[str]:
    """The indexes that hold every document of the store, by the names it was told."""
    document = await store.get(SERVER) or {}
    return frozenset(document.get("pvt_indexes", ()))


async def note_indexes(store: Store, names: Iterable[str]) -> None:
    """Note that these indexes hold every document of the store."""
    document = await store.get(SERVER)
    if document is None or set(document.get("pvt_indexes", ())) == set(names):
        return
    before = document["_rev"]
    noted = {**document, "_rev": next_revision(before), "pvt_indexes": sorted(names)}
    try:
        await store.commit(Batch(puts=(Put(SERVER, noted, before, sort=None),)))
    except RevisionConflict:
        await note_indexes(store, names)


async def remember_secrets(store: Store, secrets: Secrets, indexes: Iterable[str] = ()) -> None:
    """Note with which secrets a store is used; refuse a store that was last used with others.

    What is noted follows a rotation, so that an old secret can be removed some day. Without this,
    a server started with the wrong secret would serve, and every login would fail. Of a new store
    it is noted, too, which indexes will hold all that is written to it.
    Raises :class:`~crossbar.identity.secrets.SecretsError`.
    """
    document = await store.get(SERVER)
    if document is not None and not secrets.knows(document["pvt_secrets"]):
        raise SecretsError(
            "this store was initialised with another secret, so no login and no token would be"
            " valid here. Give this server the same secrets: copy the secrets file, or set"
            " CROSSBAR_SECRETS__VALUES"
        )
    if document is not None and document["pvt_secrets"] == secrets.identity():
        return
    before = document["_rev"] if document else None
    fresh = {"_id": SERVER.doc_id, "pvt_type": "server", "pvt_indexes": sorted(indexes)}
    noted = {**(document or fresh), "_rev": next_revision(before)}
    noted["pvt_secrets"] = secrets.identity()
    try:
        await store.commit(Batch(puts=(Put(SERVER, noted, before, sort=None),)))
    except RevisionConflict:  # another process was first; perhaps it has other secrets
        await remember_secrets(store, secrets, indexes)
