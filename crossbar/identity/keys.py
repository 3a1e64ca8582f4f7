"""Named API keys of accounts: made, recognised, used up and revoked, for every dialect.

A key's secret text is told once, when the key is made; what is kept is a keyed hash of it. The
text says where the key is kept, so that finding it is one read: it holds the ids of key and
account beside the secret, or is a JWT (RFC 7519) that names both; a dialect knows one of the two
kinds. What a key may do is decided by its document alone; the claims of a JWT are there for
clients to read.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets as random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog

from crossbar.clock import GREGORIAN_OFFSET, Clock
from crossbar.core.access import EVERYTHING, Scopes
from crossbar.core.change import put_of
from crossbar.core.directory import Account
from crossbar.core.registry import Registry
from crossbar.core.requests import Caller
from crossbar.core.stamping import fresh_id, stamp
from crossbar.core.writing import Writer, persistently
from crossbar.documents import Document, without_nulls
from crossbar.errors import Conflict, CrossbarError, InvalidCredentials
from crossbar.identity.buckets import Buckets
from crossbar.identity.callers import Callers, withdraw
from crossbar.identity.people import People, remembered_until
from crossbar.identity.secrets import Secrets
from crossbar.identity.tenants import Tenants
from crossbar.storage import (
    Batch,
    Event,
    Key,
    Put,
    Remove,
    Store,
    StoreError,
)

log = structlog.get_logger(__name__)

KEY_TYPE = "api_key"
SINGLE_TYPE = "single_api_key"
KEY_METHOD = "cb_api_keys"
SHOWN = 16
"""Characters of a secret text by which its owner can tell it from others: of the key's id."""

MARKS = "pvt_key_marks"
MAXIMUM_LENGTH = 8000
"""Characters. Longer texts are refused unread; a JWT with every scope has some 4000."""

USE_INTERVAL = 60
"""Seconds for which a key's last use is not written again."""

MAX_NOTED = 10_000

MINUTE = 60_000_000
"""What a key's bucket holds: a minute, in microseconds, of which each request takes its share."""

_BODY = re.compile(r"[\w-]{86}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyKind:
    """The keys of one dialect: what they can be limited to, and how their texts look.

    No text of another kind begins with the ``prefix``; keys without one are JWTs. Of a kind that
    ``is_single`` an account has one key: a new one ends the old one. Keys with a purpose of their
    own are a kind ``within`` a dialect.
    """

    scopes: Scopes
    prefix: str = ""
    is_single: bool = False
    within: str = ""


class Taken(Exception):
    """There is a key with this id."""


class Keys:
    """The keys of every account."""

    def __init__(
        self,
        store: Store,
        people: People,
        tenants: Tenants,
        writer: Writer,
        registry: Registry,
        secrets: Secrets,
        clock: Clock,
        callers: Callers,
        kinds: Mapping[str, KeyKind],
    ) -> None:
        self._store = store
        self._people = people
        self._tenants = tenants
        self._writer = writer
        self._family = registry.collection(KEY_TYPE)
        self._secrets = secrets
        self._clock = clock
        self._callers = callers
        self._kinds = kinds
        self._buckets = Buckets(clock, capacity=MINUTE, refill=MINUTE / 60)
        self._noted: dict[str, float] = {}

    # Making and ending keys

    async def create(
        self,
        account: Account,
        *,
        dialect: str,
        name: str,
        scopes: Iterable[str] = (EVERYTHING,),
        expires: int | None = None,
        owner_id: str | None = None,
        rate_limit: int | None = None,
        enabled: bool = True,
        author: Caller | None = None,
        key_id: str | None = None,
        **more: Any,
    ) -> tuple[Document, str]:
        """A new key: its document, and its secret text, which nobody can tell again.

        ``expires`` is in Gregorian seconds, ``rate_limit`` in requests a minute. ``author`` is who
        asked for it, ``more`` are further public fields. All are taken as they are: whoever lets
        clients choose them judges them first. Raises :class:`Conflict` when ``key_id`` is taken.
        """
        key = Key(account.account_id, KEY_TYPE, key_id or fresh_id(self._clock))
        now = self._clock.gregorian()
        fields = {
            "name": name,
            "dialect": dialect,
            "scopes": list(scopes),
            "expires": expires,
            "owner_id": owner_id,
            "rate_limit": rate_limit,
            "enabled": enabled,
            **more,
        }
        document = without_nulls(fields)
        secret = await self._secret_of(key, document)
        document |= {
            "pvt_prefix": secret[:SHOWN] if self._kinds[dialect].prefix else None,
            MARKS: self._marks(secret)[:1],
        }
        document = stamp(key, document, now=now, author=author, request_id=None)
        await self._keep(key, document)
        return document, secret

    async def _keep(self, key: Key, document: Document) -> None:
        """Write a new key; where there is but one, in the commit that ends the old one."""
        now, name = self._clock.gregorian(), document["name"]
        event = Event("created", key, document["_rev"], now, {"name": name})
        batch = Batch(puts=(put_of(self._family, key, document, None),), events=(event,))
        if self._kinds[document["dialect"]].is_single:
            await self._succeed(key, document["dialect"], batch)
        else:
            await self._writer.commit(batch)

    async def _succeed(self, key: Key, dialect: str, batch: Batch) -> None:
        """Commit what makes a key the account's only one of its dialect.

        Which one that is has a document of its own, so of two that are made at once one is left.
        """
        place = Key(key.account_id, SINGLE_TYPE, f"{SINGLE_TYPE}_{dialect}")

        async def attempt() -> None:
            if await self._store.get(key) is not None:
                raise Taken
            before = await self._store.get(place) or {}
            rev, now = before.get("_rev"), self._clock.gregorian()
            after = {**before, "key_id": key.doc_id}
            after = stamp(place, after, now=now, author=None, request_id=None)
            old = key._replace(doc_id=before.get("key_id", ""))
            ended = Event("deleted", old, "", now, {})
            whole = replace(
                batch,
                puts=(*batch.puts, Put(place, after, rev)),
                removes=(Remove(old),),
                events=(*batch.events, ended) if rev else batch.events,
            )
            await self._writer.commit(whole)

        try:
            await persistently(attempt)
        except Taken:
            raise Conflict from None

    async def revoke(self, account_id: str, key_id: str) -> None:
        """Make a key worthless, now here and within a second elsewhere. Unknown ones are that."""
        key = Key(account_id, KEY_TYPE, key_id)
        await withdraw(key, writer=self._writer, clock=self._clock)

    async def _secret_of(self, key: Key, document: Document) -> str:
        """The text of a new key, which names it and cannot be guessed."""
        prefix = self._kinds[document["dialect"]].prefix
        if not prefix:
            return await self._jwt_of(key, document)
        ids = bytes.fromhex(key.doc_id + key.account_id)
        return prefix + base64.urlsafe_b64encode(ids + random.token_bytes(32)).decode().rstrip("=")

    async def _jwt_of(self, key: Key, document: Document) -> str:
        # Few servers make such keys, and what this brings takes 10 MB.
        from joserfc import jwt
        from joserfc.jwk import OctKey

        now = self._clock.unix()
        expires = document.get("expires")
        claims = {
            "jti": key.doc_id,
            "sub": document.get("owner_id", key.account_id),
            "scopes": document["scopes"],
            "tenant": await self._tenants.number_of(key.account_id),
            "iat": now,
            "nbf": now,
            "exp": expires and expires - GREGORIAN_OFFSET,
        }
        signer = OctKey.import_key(self._secrets.keys("api key tokens")[0])
        header = {"alg": "HS256", "kid": self._secrets.ids()[0]}
        return jwt.encode(header, without_nulls(claims), signer)

    # Recognising keys

    def kind_of(self, token: str, dialect: str) -> str:
        """The kind of keys that a dialect knows which a token begins like; JWTs like none."""
        for name, kind in self._kinds.items():
            is_known = dialect in (name, kind.within)
            if is_known and kind.prefix and token.startswith(kind.prefix):
                return name
        return ""

    async def authenticate(self, secret: str, dialect: str, address: str) -> Caller:
        """Who calls with a key of the dialect; this is one more use of the key.

        Raises :class:`InvalidCredentials`, also for a key of another dialect, and
        :class:`TooManyRequests` when the key's own limit is reached.
        """
        # The dialect is part of what is remembered: what one knows, another must not accept. A
        # keyed hash, because callers are also recalled by whatever a client sends as its token.
        credential = self._secrets.mac("key credentials", f"{dialect} {secret}".encode()).hex()
        caller = self._callers.recall(credential, self._clock.precise())
        if caller is None:
            caller = await self._verified(secret, dialect, credential)
        self._charge(caller)
        await self._note_use(caller, secret, address)
        return caller

    async def _verified(self, secret: str, dialect: str, credential: str) -> Caller:
        noticed = self._callers.noticed
        key = await self._place_of(secret, dialect)
        document = await self._store.get(key)
        if document is None or not self._is_valid(document, secret, dialect):
            raise InvalidCredentials
        account = await self._people.account(key.account_id)
        owner_id = document.get("owner_id")
        user = await self._people.user(key.account_id, owner_id) if owner_id else None
        claims = {
            "key_id": key.doc_id,
            "dialect": dialect,
            "scopes": document["scopes"],
            "expires": document.get("expires"),
            "rate_limit": document.get("rate_limit"),
        }
        caller = self._people.caller(
            account,
            user,
            KEY_METHOD,
            claims=claims,
            rules=self._kinds[dialect].scopes.rules(document["scopes"]),
        )
        expires = document.get("expires")
        until = float("inf") if expires is None else expires - GREGORIAN_OFFSET
        self._callers.remember(
            credential,
            caller,
            remembered_until(account, until),
            (key.account_id, owner_id, key.doc_id),
            noticed=noticed,
        )
        return caller

    async def _place_of(self, secret: str, dialect: str) -> Key:
        """Where the key is kept that the text names; whether the text is right is not asked."""
        prefix = self._kinds[dialect].prefix
        if len(secret) > MAXIMUM_LENGTH:
            raise InvalidCredentials
        if not prefix:
            return await self._place_of_jwt(secret)
        body = secret.removeprefix(prefix)
        if body == secret or not _BODY.fullmatch(body):
            raise InvalidCredentials
        ids = base64.urlsafe_b64decode(f"{body}==").hex()
        return Key(ids[32:64], KEY_TYPE, ids[:32])

    async def _place_of_jwt(self, secret: str) -> Key:
        try:
            _, payload, _ = secret.split(".")
            padding = "=" * (-len(payload) % 4)
            claims = orjson.loads(base64.b64decode(payload + padding, b"-_", validate=True))
            number, key_id = claims["tenant"], claims["jti"]
        except (binascii.Error, ValueError, TypeError, LookupError):
            raise InvalidCredentials from None
        known = type(number) is int and isinstance(key_id, str)
        account = await self._tenants.find(number) if known else None
        if account is None:
            raise InvalidCredentials
        return Key(account.account_id, KEY_TYPE, key_id)

    def _is_valid(self, document: Document, secret: str, dialect: str) -> bool:
        """Whether this is the key's text, and the key may still be used.

        The keyed hash covers the whole text, so a JWT's signature needs no look of its own: a
        text of which one letter was changed has another hash. So a server secret that was
        replaced can be removed some day, and keys that were used meanwhile stay.
        """
        if document.get("pvt_deleted") or not document.get("enabled", True):
            return False
        expires = document.get("expires")
        if expires is not None and expires <= self._clock.gregorian():
            return False
        known = document[MARKS]
        is_known = any(
            hmac.compare_digest(mark, other) for mark in self._marks(secret) for other in known
        )
        return is_known and document["dialect"] == dialect

    def _marks(self, secret: str) -> list[str]:
        """The keyed hashes of a text, with the newest server secret first."""
        return [mac.hex() for mac in self._secrets.macs("api keys", secret.encode())]

    # Using keys

    def _charge(self, caller: Caller) -> None:
        limit = caller.claims["rate_limit"]
        if limit:
            self._buckets.charge(caller.claims["key_id"], MINUTE // limit)

    async def _note_use(self, caller: Caller, secret: str, address: str) -> None:
        """Write down that the key was used, once a minute at most; it never fails a request.

        The document keeps its revision, since nothing changes that anybody may have read before
        writing, and no event is made. When another write comes in between, that one stays.
        """
        key_id, now = caller.claims["key_id"], self._clock.precise()
        if now - self._noted.get(key_id, 0) < USE_INTERVAL:
            return
        if len(self._noted) >= MAX_NOTED:
            self._noted.clear()
        self._noted[key_id] = now
        key = Key(caller.account_id, KEY_TYPE, key_id)
        used: dict[str, Any] = {
            "pvt_last_used": self._clock.gregorian(),
            "pvt_last_used_from": address,
            MARKS: self._marks(secret)[:1],
        }
        try:
            stored = await self._store.get(key)
            if stored is not None and not stored.get("pvt_deleted"):
                put = put_of(self._family, key, {**stored, **used}, stored["_rev"])
                await self._writer.commit(Batch(puts=(put,)))
        except (StoreError, CrossbarError) as error:
            log.info("key_use_not_noted", key_id=key_id, error=repr(error))
