"""Basic authentication: an account id, and one of several things as the password.

The password is the account's own, ``user:password`` of one of its users, or the md5 or sha1 of
that (protocol reference §5.4).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Protocol

from crossbar.clock import Clock
from crossbar.core.actions import Caller
from crossbar.core.directory import Account
from crossbar.errors import InvalidCredentials
from crossbar.identity.credentials import MD5, SHA, Identity
from crossbar.identity.passwords import login_digests
from crossbar.identity.people import remembered_until
from crossbar.identity.secrets import Secrets

METHOD = "cb_basic_auth"
REMEMBERED = 60
"""Seconds for which a verified header is not verified again."""

_MD5_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_SHA1_DIGEST = re.compile(r"[0-9a-fA-F]{40}")


class PasswordRule(Protocol):
    """Says whether a password is all that an account asks for."""

    async def __call__(self, account: Account, *, is_user: bool) -> bool:
        """Whether it is, for one of its users or for the account itself."""
        ...


class Basic:
    """Verifies Basic headers, and remembers for a while whose they are."""

    def __init__(
        self, identity: Identity, secrets: Secrets, clock: Clock, suffices: PasswordRule
    ) -> None:
        self._identity = identity
        self._secrets = secrets
        self._clock = clock
        self._suffices = suffices

    async def authenticate(self, encoded: str, address: str) -> Caller:
        """Whose header it is. Raises :class:`InvalidCredentials` and :class:`TooManyRequests`."""
        callers = self._identity.callers
        credential = self._secrets.mac("basic", encoded.encode("utf-8", "replace")).hex()
        caller = callers.recall(credential, self._clock.precise())
        if caller is not None:
            return caller
        account_id, secret = _parsed(encoded)
        noticed = callers.noticed
        account = await self._identity.people.account(account_id)
        self._identity.slow_down(account_id, address)
        caller = await self._by_password(account, secret)
        is_user = caller is not None and caller.user_id is not None
        if caller is None or not await self._suffices(account, is_user=is_user):
            self._identity.login_failed(account_id, address)
            raise InvalidCredentials
        self._identity.login_succeeded(account_id, address)
        callers.remember(
            credential,
            caller,
            remembered_until(account, self._clock.precise() + REMEMBERED),
            (caller.account_id, caller.user_id),
            noticed=noticed,
        )
        return caller

    async def _by_password(self, account: Account, secret: str) -> Caller | None:
        people = self._identity.people
        method, digest = _digest_of(secret)
        if digest is not None:
            user = await self._identity.find_user(account.account_id, method, digest)
            if user is not None:
                await self._identity.renew_login(account.account_id, user, method, digest)
                return people.caller(account, user, METHOD)
        hashed = account.document.get("pvt_password_auth")
        if hashed and await self._identity.passwords.verify(secret, hashed):
            return people.caller(account, None, METHOD)
        return None


def _parsed(encoded: str) -> tuple[str, str]:
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
