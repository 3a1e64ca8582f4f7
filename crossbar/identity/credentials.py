"""Credentials of users and accounts: made, found and verified.

The one home of what is derived from passwords, API keys and signatures. Families reach it through
``services.credentials``; who makes a request is asked at ``gate``.
"""

from __future__ import annotations

import asyncio
import secrets as random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from crossbar.clock import Clock
from crossbar.core.change import put_of
from crossbar.core.clients import network_of
from crossbar.core.directory import Account, AccountDirectory, account_key
from crossbar.core.registry import Registry
from crossbar.core.requests import Caller
from crossbar.core.services import Session, Tried
from crossbar.core.stamping import stamp
from crossbar.core.writing import Writer
from crossbar.documents import Document
from crossbar.errors import Busy, Conflict, InvalidCredentials, TooManyRequests
from crossbar.identity.bearers import KEY_SIGNATURE, Bearers
from crossbar.identity.callers import Callers
from crossbar.identity.keys import KeyKind, Keys
from crossbar.identity.passwords import Passwords, login_digests
from crossbar.identity.people import People
from crossbar.identity.secrets import Secrets
from crossbar.identity.sessions import Sessions
from crossbar.identity.tenants import Tenants
from crossbar.identity.throttle import Throttle
from crossbar.metrics import Metrics
from crossbar.settings import Settings
from crossbar.storage import Batch, Entry, Event, Key, Span, Store

MD5, SHA = "md5", "sha"
USER_TYPE = "user"

_HASH_FIELDS = {MD5: "pvt_md5_auth", SHA: "pvt_sha1_auth"}


class Identity:
    """Who is calling, and what proves it."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        accounts: AccountDirectory,
        secrets: Secrets,
        clock: Clock,
        settings: Settings,
        registry: Registry,
        kinds: Mapping[str, KeyKind],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._writer = writer
        self._accounts = accounts
        self._secrets = secrets
        self._clock = clock
        self._registry = registry
        self._metrics = metrics
        # One for each way in: who floods one of them makes none of the others forget.
        self._throttles: defaultdict[str, Throttle] = defaultdict(lambda: Throttle(clock))
        self.people = People(store, accounts, clock, settings)
        self.callers = Callers()
        self.sessions = Sessions(store, writer, secrets, clock, settings.tokens)
        self.keys = Keys(
            store,
            self.people,
            Tenants(store, writer, accounts, registry, clock),
            writer,
            registry,
            secrets,
            clock,
            self.callers,
            kinds,
        )
        self.bearers = Bearers(
            store,
            writer,
            self.people,
            self.sessions,
            self.callers,
            secrets,
            clock,
            lifetime=settings.tokens.lifetime,
        )
        self.passwords = Passwords(
            secrets,
            memory_kib=settings.passwords.memory_kib,
            iterations=settings.passwords.iterations,
            concurrency=settings.passwords.concurrency,
            queue=settings.passwords.queue,
        )

    # Secrets of users and accounts

    async def user_secrets(self, account_id: str, username: str, password: str) -> dict[str, Any]:
        """Private fields that let a user log in with the password."""
        digests = login_digests(username, password)
        md5_hash, sha1_hash = await asyncio.gather(
            self.passwords.hash(digests.md5), self.passwords.hash(digests.sha1)
        )
        return {
            "pvt_md5_auth": md5_hash,
            "pvt_sha1_auth": sha1_hash,
            "pvt_login_marks": [
                self._mark(account_id, MD5, digests.md5),
                self._mark(account_id, SHA, digests.sha1),
            ],
        }

    async def imported_secrets(self, account_id: str, md5_digest: str) -> dict[str, Any]:
        """Private fields that let a user log in with a digest made elsewhere."""
        return {
            "pvt_md5_auth": await self.passwords.hash(md5_digest),
            "pvt_sha1_auth": None,
            "pvt_login_marks": [self._mark(account_id, MD5, md5_digest)],
        }

    async def account_secrets(self, password: str) -> dict[str, Any]:
        """Private fields that let an account authenticate with its own password."""
        return {"pvt_password_auth": await self.passwords.hash(password)}

    async def renew_login(self, account_id: str, user: Document, method: str, digest: str) -> None:
        """Bring up to date what a user who has just logged in with ``digest`` was found by.

        A mark that was made with an older server secret is made with the newest, so that the
        older one can be removed some day, and a hash made with other parameters is made anew,
        unless too many wait for one.
        """
        renewed: dict[str, Any] = {}
        mark, marks = self._mark(account_id, method, digest), user["pvt_login_marks"]
        if mark not in marks:
            others = [other for other in marks if not other.startswith(f"{method}:")]
            renewed["pvt_login_marks"] = [mark, *others]
        name = _HASH_FIELDS[method]
        if self.passwords.needs_update(user[name]):
            with suppress(Busy):
                renewed[name] = await self.passwords.hash(digest)
        await self._renew(Key(account_id, USER_TYPE, user["_id"]), user, renewed)

    async def _renew(self, key: Key, document: Document, renewed: dict[str, Any]) -> None:
        """Write what has changed of a document as it was read.

        When another write came between, it may have brought other secrets: then the next login
        does it.
        """
        if not renewed:
            return
        now = self._clock.gregorian()
        after = stamp(key, {**document, **renewed}, now=now, author=None, request_id=None)
        put = put_of(self._registry.collection(key.doc_type), key, after, document["_rev"])
        event = Event("changed", key, after["_rev"], now, {})
        with suppress(Conflict):
            await self._writer.commit(Batch(puts=(put,), events=(event,)))

    def _mark(self, account_id: str, method: str, digest: str) -> str:
        return f"{method}:{self.passwords.fingerprint(account_id, digest)}"

    def new_api_key(self) -> dict[str, Any]:
        """Private fields of a fresh API key: a keyed hash to find it by, and the key, sealed.

        With them comes a new secret for the tokens of the account itself, so that what was made
        with the old key ends with it.
        """
        return {**self._api_key_fields(random.token_hex(32)), KEY_SIGNATURE: random.token_hex(16)}

    async def renew_api_key(self, account: Account, api_key: str) -> None:
        """Bring up to date the key of an account that an older server secret has found."""
        fields, marks = self._api_key_fields(api_key), "pvt_api_key_marks"
        if account.document.get(marks) != fields[marks]:
            await self._renew(account_key(account.account_id), account.document, fields)

    def _api_key_fields(self, api_key: str) -> dict[str, Any]:
        return {
            "pvt_api_key_marks": [self._secrets.mac("api key", api_key.encode()).hex()],
            "pvt_api_key_sealed": self._secrets.seal("api key", api_key),
        }

    def api_key_of(self, account: Document) -> str | None:
        """The API key of an account document, decrypted; ``None`` when it cannot be."""
        sealed = account.get("pvt_api_key_sealed")
        return self._secrets.open("api key", sealed) if sealed else None

    # Secrets of others, which have to be told to them

    def seal(self, purpose: str, text: str) -> str:
        """``text`` encrypted with the server's secret; see :meth:`Secrets.seal`."""
        return self._secrets.seal(purpose, text)

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """What was sealed; see :meth:`Secrets.open`."""
        return self._secrets.open(purpose, sealed)

    # Finding who it is

    async def find_user(self, account_id: str, method: str, digest: str) -> Document | None:
        """The live, enabled user whose login digest (``md5`` or ``sha``) this is.

        The fingerprint finds a handful of candidates; each is verified, in a turn of the caller's.
        """
        tried = False
        for fingerprint in self.passwords.fingerprints(account_id, digest):
            entry = Entry("login", f"{method}:{fingerprint}")
            span = Span(account_id=account_id, doc_type=USER_TYPE, entry=entry)
            async for row in self._store.scan(span):
                tried = True
                hashed = row.document.get(_HASH_FIELDS[method])
                if hashed and await self.passwords.verify(digest, hashed):
                    return row.document
        if not tried:
            await self.passwords.verify(digest, None)
        return None

    async def find_by_api_key(self, api_key: str) -> Account | None:
        """The account that has the key."""
        for mark in self._secrets.macs("api key", api_key.encode()):
            found = await self._accounts.find("api_key", mark.hex())
            if found:
                return found[0]
        return None

    # Attempts

    def slow_down(self, tried: Tried) -> None:
        """Raise :class:`TooManyRequests` when the attempt must wait; see :class:`Throttle`."""
        if wait := self._throttles[tried.way].wait(self._subjects(tried), self._mark_of(tried)):
            self._metrics.note_refused_login("too_soon")
            raise TooManyRequests(wait)

    @asynccontextmanager
    async def turn(self, tried: Tried) -> AsyncIterator[None]:
        """A turn at verifying passwords, for an attempt that need not wait.

        Raises :class:`TooManyRequests` and what :meth:`Passwords.turn` raises.
        """
        self.slow_down(tried)  # who is refused anyway takes nobody's place
        async with self.passwords.turn():
            self.slow_down(tried)  # of many at once, only so many are verified
            yield

    def login_failed(self, tried: Tried) -> None:
        """Remember a failed attempt. Raises :class:`TooManyRequests` if it came too soon."""
        self._metrics.note_refused_login("wrong")
        throttle = self._throttles[tried.way]
        if wait := throttle.failed(self._subjects(tried), self._mark_of(tried), tried.cost):
            raise TooManyRequests(wait)

    def login_succeeded(self, tried: Tried) -> None:
        """Remember that an attempt was right."""
        self._throttles[tried.way].succeeded(self._mark_of(tried))

    def _subjects(self, tried: Tried) -> list[bytes]:
        """What failures are counted by: each name, with where the attempt comes from."""
        network = network_of(tried.address)
        return [self._digest("subject", network, name) for name in tried.names]

    def _mark_of(self, tried: Tried) -> bytes:
        return self._digest("mark", network_of(tried.address), *tried.names, tried.proof)

    def _digest(self, *parts: str) -> bytes:
        """Some bytes that stand for texts of strangers, and do not tell them."""
        return self._secrets.mac("attempts", repr(parts).encode())[:16]

    # Tokens and sessions

    async def issue_token(
        self,
        account: Account,
        *,
        user: Document | None,
        method: str,
        lifetime: int | None = None,
        **claims: Any,
    ) -> str:
        """See :meth:`Bearers.issue`."""
        return await self.bearers.issue(
            account, user=user, method=method, lifetime=lifetime, **claims
        )

    async def read_token(self, token: str, *, anew: bool = False) -> Caller:
        """See :meth:`Bearers.read`."""
        return await self.bearers.read(token, anew=anew)

    async def still(self, caller: Caller) -> Caller:
        """Who called once, with the powers that it has now. Raises :class:`InvalidCredentials`."""
        account, user_id = await self.people.account(caller.account_id, anew=True), caller.user_id
        user = await self.people.user(account.account_id, user_id) if user_id else None
        behind = await self.still(caller.behind) if caller.behind else None
        return self.people.caller(account, user, caller.method, rules=caller.rules, behind=behind)

    async def acted_as(
        self, account: Account, user: Document | None, wanted: Any
    ) -> tuple[Account, Document]:
        """See :meth:`Bearers.acted_as`."""
        return await self.bearers.acted_as(account, user, wanted)

    async def revoke_token(self, caller: Caller) -> None:
        """See :meth:`Bearers.revoke`."""
        await self.bearers.revoke(caller)

    async def begin_session(
        self, account: Account, *, user: Document | None, method: str, **claims: Any
    ) -> Session:
        """A new session, all of whose tokens say ``claims``."""
        document, refresh_token = await self.sessions.begin(
            account.account_id,
            user["_id"] if user else None,
            method=method,
            signature=await self.bearers.signature(account, user),
            claims=claims,
        )
        return Session(account=account, user=user, refresh_token=refresh_token, document=document)

    async def find_session(self, refresh_token: str) -> Session:
        """The session that the token can renew. Raises :class:`InvalidCredentials`.

        A session ends when its account or user is not accepted any more, or with a new secret of
        one of them or of the system.
        """
        document = await self.sessions.find(refresh_token)
        account_id, owner_id = document["pvt_account_id"], document["pvt_owner_id"]
        try:
            account = await self.people.account(account_id, anew=True)
            user = await self.people.user(account_id, owner_id) if owner_id else None
            was_disabled = account.document.get("pvt_disabled", -1) >= document["pvt_created"]
            signatures = await self.bearers.signatures(account, user, anew=True)
            if was_disabled or document["pvt_signature"] not in signatures:
                raise InvalidCredentials
        except InvalidCredentials:
            await self.sessions.end(account_id, document["_id"])
            raise
        return Session(account=account, user=user, refresh_token=refresh_token, document=document)

    async def renew_session(self, session: Session) -> Session:
        """The session with its next refresh token. Raises :class:`InvalidCredentials`."""
        signature = await self.bearers.signature(session.account, session.user)
        document, refresh_token = await self.sessions.renew(session.document, signature)
        return replace(session, refresh_token=refresh_token, document=document)
