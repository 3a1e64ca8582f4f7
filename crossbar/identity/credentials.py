"""Credentials of users and accounts: made, found and verified.

The one home of what is derived from passwords, API keys and signatures. Families reach it through
``services.credentials``; dialects through :meth:`Identity.authenticate`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets as random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from crossbar.clock import Clock
from crossbar.core.actions import Caller
from crossbar.core.directory import Account, AccountDirectory
from crossbar.core.registry import Registry
from crossbar.documents import Document, next_revision
from crossbar.errors import InvalidCredentials, TooManyRequests
from crossbar.identity.callers import Callers
from crossbar.identity.keys import KeyKind, Keys
from crossbar.identity.passwords import Passwords, login_digests
from crossbar.identity.people import People, remembered_until
from crossbar.identity.secrets import Secrets
from crossbar.identity.tenants import Tenants
from crossbar.identity.throttle import Throttle
from crossbar.identity.tokens import Tokens
from crossbar.records import record
from crossbar.settings import Settings
from crossbar.storage import (
    SYSTEM,
    Batch,
    Entry,
    Event,
    Key,
    Put,
    Remove,
    RevisionConflict,
    Span,
    Store,
)

BASIC_METHOD = "cb_basic_auth"
BASIC_REMEMBERED = 60
"""Seconds for which a verified Basic header is not verified again."""

REVOKED_TYPE = "revoked_token"
MD5, SHA = "md5", "sha"

_MD5_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_SHA1_DIGEST = re.compile(r"[0-9a-fA-F]{40}")
_HASH_FIELDS = {MD5: "pvt_md5_auth", SHA: "pvt_sha1_auth"}


class PasswordRule(Protocol):
    """Says whether a password is all that an account asks for."""

    async def __call__(self, account: Account, *, is_user: bool) -> bool:
        """Whether it is, for one of its users or for the account itself."""
        ...


@record
class Presented:
    """The credentials that came with a request, unverified; ``dialect`` is the one it speaks."""

    dialect: str
    token: str | None = None
    basic: str | None = None
    account_id: str | None = None
    address: str = ""


class Identity:
    """Who is calling, and what proves it."""

    def __init__(
        self,
        store: Store,
        accounts: AccountDirectory,
        secrets: Secrets,
        clock: Clock,
        settings: Settings,
        registry: Registry,
        kinds: Mapping[str, KeyKind],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._secrets = secrets
        self._clock = clock
        self._settings = settings
        self._tokens = Tokens(secrets, clock, lifetime=settings.tokens.lifetime)
        self._throttle = Throttle(clock)
        self._people = People(store, accounts, clock, settings)
        self.callers = Callers()
        self.keys = Keys(
            store,
            self._people,
            Tenants(store, accounts, registry, clock),
            secrets,
            clock,
            self.callers,
            kinds,
        )
        self.password_suffices: PasswordRule | None = None
        self.passwords = Passwords(
            secrets,
            memory_kib=settings.passwords.memory_kib,
            iterations=settings.passwords.iterations,
            concurrency=settings.passwords.concurrency,
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

    async def renewed_secrets(
        self, account_id: str, user: Document, method: str, digest: str
    ) -> dict[str, Any]:
        """What to change of a user who has just logged in with ``digest``; often nothing.

        A mark that was made with an older server secret is made with the newest, so that the
        older one can be removed some day, and a hash made with other parameters is made anew.
        """
        renewed: dict[str, Any] = {}
        mark, marks = self._mark(account_id, method, digest), user["pvt_login_marks"]
        if mark not in marks:
            others = [other for other in marks if not other.startswith(f"{method}:")]
            renewed["pvt_login_marks"] = [mark, *others]
        name = _HASH_FIELDS[method]
        if self.passwords.needs_update(user[name]):
            renewed[name] = await self.passwords.hash(digest)
        return renewed

    def _mark(self, account_id: str, method: str, digest: str) -> str:
        return f"{method}:{self.passwords.fingerprint(account_id, digest)}"

    def new_api_key(self) -> dict[str, Any]:
        """Private fields of a fresh API key: a keyed hash to find it by, and the key, sealed."""
        return self._api_key_fields(random.token_hex(32))

    def renewed_api_key(self, account: Document, api_key: str) -> dict[str, Any]:
        """What to change of an account whose key was found by an older server secret."""
        fields = self._api_key_fields(api_key)
        marks = "pvt_api_key_marks"
        return {} if account.get(marks) == fields[marks] else fields

    def _api_key_fields(self, api_key: str) -> dict[str, Any]:
        return {
            "pvt_api_key_marks": [self._secrets.mac("api key", api_key.encode()).hex()],
            "pvt_api_key_sealed": self._secrets.seal("api key", api_key),
        }

    def api_key_of(self, account: Document) -> str | None:
        """The API key of an account document, decrypted; ``None`` when it cannot be."""
        sealed = account.get("pvt_api_key_sealed")
        return self._secrets.open("api key", sealed) if sealed else None

    # Finding who it is

    async def find_user(self, account_id: str, method: str, digest: str) -> Document | None:
        """The live, enabled user whose login digest (``md5`` or ``sha``) this is.

        The fingerprint finds a handful of candidates; each is verified.
        """
        tried = False
        for fingerprint in self.passwords.fingerprints(account_id, digest):
            entry = Entry("login", f"{method}:{fingerprint}")
            span = Span(account_id=account_id, doc_type="user", entry=entry)
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

    def slow_down(self, subject: str, address: str) -> None:
        """Raise :class:`TooManyRequests` while failed logins must wait."""
        wait = self._throttle.wait((subject, address))
        if wait:
            raise TooManyRequests(wait)

    def login_failed(self, subject: str, address: str) -> None:
        """Remember a failed login."""
        self._throttle.failed((subject, address))

    def login_succeeded(self, subject: str, address: str) -> None:
        """Forget the failed logins of this subject and address."""
        self._throttle.succeeded((subject, address))

    # Tokens

    async def issue_token(
        self,
        account: Account,
        *,
        user: Document | None,
        method: str,
        lifetime: int | None = None,
        **claims: Any,
    ) -> str:
        """A new auth token that lives ``lifetime`` seconds, by default as the settings say."""
        owner = {"owner_id": user["_id"]} if user is not None else {}
        return self._tokens.issue(
            {
                "account_id": account.account_id,
                **owner,
                "method": method,
                "identity_sig": self._signature(account, user),
                **{name: value for name, value in claims.items() if value is not None},
            },
            lifetime=lifetime,
        )

    def _signature(self, account: Account, user: Document | None) -> str:
        return self._signatures(account, user)[0]

    def _signatures(self, account: Account, user: Document | None) -> list[str]:
        """What ties a token to the present secrets of account and user, for each server secret.

        A token dies when one of these secrets changes.
        """
        secrets = (
            document.get("pvt_signature_secret", "") for document in (account.document, user or {})
        )
        message = ":".join(secrets).encode()
        return [mac.hex()[:32] for mac in self._secrets.macs("identity signature", message)]

    def recall(self, token: str) -> Caller | None:
        """Whose token it is, if it was verified before and nothing has changed since."""
        return self.callers.recall(token, self._clock.precise())

    async def read_token(self, token: str, *, anew: bool = False) -> Caller:
        """Whose token it is. Raises :class:`InvalidCredentials` and :class:`TokenExpired`.

        ``anew`` trusts nothing that is remembered, for what is to outlive the token.
        """
        caller = None if anew else self.recall(token)
        if caller is not None:
            return caller
        claims = self._tokens.read(token)
        noticed = self.callers.noticed
        account = await self._people.account(str(claims.get("account_id")), anew=anew)
        caller = await self._caller_of(claims, token, account)
        self.callers.remember(
            token,
            caller,
            remembered_until(
                await self._people.account(caller.account_id),
                remembered_until(account, claims["exp"]),
            ),
            (str(claims["jti"]), *_subjects(caller)),
            noticed=noticed,
        )
        return caller

    async def _caller_of(self, claims: Document, token: str, account: Account) -> Caller:
        """The caller of genuine claims, if the user still is what it was."""
        user_id = claims.get("owner_id")
        user = await self._people.user(account.account_id, user_id) if user_id else None
        if claims.get("identity_sig") not in self._signatures(account, user):
            raise InvalidCredentials
        if await self._store.get(Key(SYSTEM, REVOKED_TYPE, str(claims["jti"]))) is not None:
            raise InvalidCredentials
        proof: dict[str, Any] = {"method": str(claims["method"]), "token": token, "claims": claims}
        caller = self._people.caller(account, user, **proof)
        if "as" not in claims:
            return caller
        below, other = await self.acted_as(account, user, claims["as"])
        return self._people.caller(below, other, **proof, behind=caller)

    async def acted_as(
        self, account: Account, user: Document | None, wanted: Any
    ) -> tuple[Account, Document]:
        """The account and user below it that an admin user wants to act as.

        ``wanted`` is ``{"account_id", "owner_id"}``. Raises :class:`InvalidCredentials`.
        """
        if user is None or user.get("priv_level") != "admin" or not isinstance(wanted, dict):
            raise InvalidCredentials
        below = await self._people.account(str(wanted.get("account_id")))
        is_above_itself = below.is_superduper_admin and not account.is_superduper_admin
        if not below.is_below(account.account_id) or is_above_itself:
            raise InvalidCredentials
        return below, await self._people.user(below.account_id, str(wanted.get("owner_id")))

    async def revoke_token(self, caller: Caller) -> None:
        """Make the caller's token worthless, now here and within a second elsewhere."""
        jti, expires = caller.claims.get("jti"), caller.claims.get("exp")
        if not jti or not expires:
            return
        key = Key(SYSTEM, REVOKED_TYPE, str(jti))
        document = {"_id": key.doc_id, "_rev": next_revision(None), "pvt_type": REVOKED_TYPE}
        event = Event("created", key, document["_rev"], self._clock.gregorian(), {})
        puts = (Put(key, document, None, sort=f"{int(expires):020d}"),)
        outdated = await self._outdated_revocations()
        # A conflict means that it is revoked already.
        with suppress(RevisionConflict):
            await self._store.commit(Batch(puts=puts, removes=outdated, events=(event,)))
        self.callers.notice(event)

    async def _outdated_revocations(self) -> list[Remove]:
        """Some revocations of tokens that have expired since: they are not needed any more."""
        span = Span(account_id=SYSTEM, doc_type=REVOKED_TYPE, high=f"{self._clock.unix():020d}")
        outdated: list[Remove] = []
        async for row in self._store.scan(span):
            outdated.append(Remove(Key(SYSTEM, REVOKED_TYPE, row.position.doc_id)))
            if len(outdated) == 10:
                break
        return outdated

    # Requests

    async def authenticate(self, presented: Presented) -> Caller | None:
        """The caller, or ``None``: a bad credential counts as none, so public paths still work.

        Raises :class:`TokenExpired` (on any path), :class:`TooManyRequests`.
        """
        try:
            if presented.token is not None:
                caller = await self._by_token(presented.token, presented)
            elif presented.basic is not None and self._settings.auth.basic:
                caller = await self._basic(presented.basic, presented.address)
            else:
                return None
        except InvalidCredentials:
            return None
        if presented.account_id is not None and presented.account_id != caller.account_id:
            return None
        return caller

    async def _by_token(self, token: str, presented: Presented) -> Caller:
        if self.keys.looks_like_one(token, presented.dialect):
            return await self.keys.authenticate(token, presented.dialect, presented.address)
        return await self.read_token(token)

    async def _basic(self, encoded: str, address: str) -> Caller:
        """Account id, and as password one of: the account's own, ``user:password``, its digest."""
        credential = self._secrets.mac("basic", encoded.encode("utf-8", "replace")).hex()
        caller = self.callers.recall(credential, self._clock.precise())
        if caller is not None:
            return caller
        account_id, secret = _parse_basic(encoded)
        noticed = self.callers.noticed
        account = await self._people.account(account_id)
        self.slow_down(account_id, address)
        caller = await self._by_password(account, secret)
        if caller is None or not await self._suffices(account, caller):
            self.login_failed(account_id, address)
            raise InvalidCredentials
        self.login_succeeded(account_id, address)
        self.callers.remember(
            credential,
            caller,
            remembered_until(account, self._clock.precise() + BASIC_REMEMBERED),
            (caller.account_id, caller.user_id),
            noticed=noticed,
        )
        return caller

    async def _suffices(self, account: Account, caller: Caller) -> bool:
        rule = self.password_suffices
        return rule is None or await rule(account, is_user=caller.user_id is not None)

    async def _by_password(self, account: Account, secret: str) -> Caller | None:
        method, digest = _digest_of(secret)
        if digest is not None:
            user = await self.find_user(account.account_id, method, digest)
            if user is not None:
                return self._people.caller(account, user, BASIC_METHOD)
        hashed = account.document.get("pvt_password_auth")
        if hashed and await self.passwords.verify(secret, hashed):
            return self._people.caller(account, None, BASIC_METHOD)
        return None


def _subjects(caller: Caller) -> tuple[str | None, ...]:
    """Whose changes matter to a caller: account and user, and those behind them."""
    own = (caller.account_id, caller.user_id)
    return own if caller.behind is None else (*own, *_subjects(caller.behind))


def _parse_basic(encoded: str) -> tuple[str, str]:
    """Account id and the rest. Raises :class:`InvalidCredentials`."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCredentials from None
    account_id, colon, secret = text.partition(":")
    if not colon or not secret:
        raise InvalidCredentials
    return account_id, secret


def _digest_of(secret: str) -> tuple[str, str | None]:
    """The login digest that a Basic password is or stands for, with its method."""
    if _MD5_DIGEST.fullmatch(secret):
        return MD5, secret.lower()
    if _SHA1_DIGEST.fullmatch(secret):
        return SHA, secret.lower()
    username, colon, password = secret.partition(":")
    return MD5, login_digests(username, password).md5 if colon else None
