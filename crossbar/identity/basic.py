"""Basic authentication: an account id, and one of several things as the password.

The password is the account's own, ``user:password`` of one of its users, or the md5 or sha1 of
that (docs/protocol.md §5.4).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Protocol

from crossbar.clock import Clock
from crossbar.core.directory import Account
from crossbar.core.requests import Caller
from crossbar.core.services import Tried
from crossbar.documents import Document
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
        """Whose header it is. Raises :class:`InvalidCredentials`, :class:`TooManyRequests` and
        :class:`Busy`.
        """
        callers = self._identity.callers
        credential = self._secrets.mac("basic", encoded.encode("utf-8", "replace")).hex()
        caller = callers.recall(credential, self._clock.precise())
        if caller is not None:
            return caller
        account_id, secret = _parsed(encoded)
        noticed = callers.noticed
        tried = Tried(way=METHOD, names=(account_id,), address=address, proof=secret)
        method, digest = _digest_of(secret)
        async with self._identity.turn(tried):
            account = await self._account(account_id)
            is_right, user = await self._verified(account_id, account, secret)
        if account is None or not (
            is_right and await self._suffices(account, is_user=user is not None)
        ):
            self._identity.login_failed(tried)
            raise InvalidCredentials
        self._identity.login_succeeded(tried)
        if user is not None and digest is not None:
            await self._identity.renew_login(account_id, user, method, digest)
        caller = self._identity.people.caller(account, user, METHOD)
        callers.remember(
            credential,
            caller,
            remembered_until(account, self._clock.precise() + REMEMBERED),
            (caller.account_id, caller.user_id),
            noticed=noticed,
        )
        return caller

    async def _account(self, account_id: str) -> Account | None:
        try:
            return await self._identity.people.account(account_id)
        except InvalidCredentials:
            return None

    async def _verified(
        self, account_id: str, account: Account | None, secret: str
    ) -> tuple[bool, Document | None]:
        """Whether the secret is right, and whose it is if it is not the account's own.

        How much is verified depends on the secret alone: where there is no account, or it has no
        password, or no such user, a wrong secret takes as long.
        """
        method, digest = _digest_of(secret)
        if digest is not None:
            user = await self._identity.find_user(account_id, method, digest)
            if user is not None:
                return True, user
        hashed = account.document.get("pvt_password_auth") if account else None
        return await self._identity.passwords.verify(secret, hashed), None


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
