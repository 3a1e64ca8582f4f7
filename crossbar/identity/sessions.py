"""Sessions: what keeps a client logged in for days, by refresh tokens that are good for once.

A session is a document below its account. It begins with a login that asked for it, every renewal
replaces its refresh token by another, and it ends with a logout, with a change of the password, at
its time, or when a refresh token comes that was used before: then two have it, and nobody can tell
which is the thief. The auth tokens of a session die with it.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets as random
from collections.abc import Mapping
from typing import Any

from crossbar.clock import YEAR, Clock
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Writer
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, InvalidCredentials, NoSuchDocument
from crossbar.identity.callers import withdraw
from crossbar.identity.secrets import Secrets
from crossbar.settings import Tokens
from crossbar.storage import (
    Batch,
    Key,
    Put,
    Remove,
    Span,
    Store,
)

SESSION_TYPE = "session"

GRACE = 5
"""Seconds after a renewal in which the replaced refresh token is refused and does nothing else.

A client that renews twice at once must not log itself out. It gets no second successor either.
"""

SWEPT_AT_ONCE = 10

_TEXT = re.compile(r"cbr_([\w-]{128})", re.ASCII)
_PURPOSE = "refresh tokens"


class Sessions:
    """The sessions of every account. Times in their documents are Gregorian seconds."""

    def __init__(
        self, store: Store, writer: Writer, secrets: Secrets, clock: Clock, settings: Tokens
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._settings = settings
        self._writer = writer

    async def begin(
        self,
        account_id: str,
        owner_id: str | None,
        *,
        method: str,
        signature: str,
        claims: Mapping[str, Any],
    ) -> tuple[Document, str]:
        """A new session and its first refresh token.

        ``signature`` stands for the secrets that the session depends on, ``claims`` are what its
        tokens say. Raises :class:`InvalidCredentials` when the account has just gone.
        """
        key = Key(account_id, SESSION_TYPE, fresh_id(self._clock))
        now = self._clock.gregorian()
        session: Document = {
            "_id": key.doc_id,
            "pvt_type": SESSION_TYPE,
            "pvt_account_id": account_id,
            "pvt_owner_id": owner_id,
            "pvt_method": method,
            "pvt_claims": dict(claims),
            "pvt_created": now,
            "pvt_ends": now + self._settings.session_lifetime,
        }
        put, text = self._renewal(key, session, signature)
        batch = Batch(puts=(put,), removes=await self._outdated(account_id))
        try:
            await self._writer.commit(batch)
        except NoSuchDocument:  # the account is just being deleted
            raise InvalidCredentials from None
        return put.document, text

    async def find(self, text: str) -> Document:
        """The session whose present refresh token this is.

        Ends the session when the token was replaced before. Raises :class:`InvalidCredentials`.
        """
        key = self._place_of(text)
        session = await self._store.get(key)
        now = self._clock.gregorian()
        if session is None or session["pvt_expires"] <= now:
            raise InvalidCredentials
        if self._is_mark_of(session["pvt_mark"], text):
            return session
        just_replaced = session["pvt_renewed"] + GRACE > now
        if not (just_replaced and self._is_mark_of(session.get("pvt_replaced_mark", ""), text)):
            await self.end(key.account_id, key.doc_id)
        raise InvalidCredentials

    async def renew(self, session: Document, signature: str) -> tuple[Document, str]:
        """The session renewed, and its next refresh token.

        Raises :class:`InvalidCredentials` for all but the first of those who renew it at once.
        """
        key = Key(session["pvt_account_id"], SESSION_TYPE, session["_id"])
        put, text = self._renewal(key, session, signature)
        try:
            await self._writer.commit(Batch(puts=(put,)))
        except Conflict:
            raise InvalidCredentials from None
        return put.document, text

    async def end(self, account_id: str, session_id: str) -> None:
        """End a session and every token of it, now here and within a second elsewhere."""
        key = Key(account_id, SESSION_TYPE, session_id)
        await withdraw(key, writer=self._writer, clock=self._clock)

    async def require(self, account_id: str, session_id: str) -> None:
        """Raise :class:`InvalidCredentials` when a session has ended."""
        if await self._store.get(Key(account_id, SESSION_TYPE, session_id)) is None:
            raise InvalidCredentials

    def _renewal(self, key: Key, session: Document, signature: str) -> tuple[Put, str]:
        """The write that gives a session a new refresh token, and the token."""
        now, before = self._clock.gregorian(), session.get("_rev")
        text = self._text_of(key)
        expires = min(now + self._settings.refresh_lifetime, session["pvt_ends"])
        renewed = {
            **session,
            "_rev": next_revision(before),
            "pvt_signature": signature,
            "pvt_mark": self._marks(text)[0],
            "pvt_replaced_mark": session.get("pvt_mark", ""),
            "pvt_renewed": now,
            "pvt_expires": expires,
        }
        return Put(key, renewed, before, sort=_sort(expires)), text

    def _text_of(self, key: Key) -> str:
        """A new refresh token: whose it is, what nobody can guess, and a seal over both."""
        body = bytes.fromhex(key.doc_id + key.account_id) + random.token_bytes(32)
        sealed = body + self._secrets.mac(_PURPOSE, body)
        return "cbr_" + base64.urlsafe_b64encode(sealed).decode()

    def _place_of(self, text: str) -> Key:
        """The session that a refresh token belongs to.

        Only a token that was made here gets further: a stranger who has seen the id of a session
        could otherwise end it. Raises :class:`InvalidCredentials`.
        """
        shape = _TEXT.fullmatch(text)
        if shape is None:
            raise InvalidCredentials
        sealed = base64.urlsafe_b64decode(shape[1])
        body, seal = sealed[:64], sealed[64:]
        if not any(hmac.compare_digest(seal, mac) for mac in self._secrets.macs(_PURPOSE, body)):
            raise InvalidCredentials
        return Key(body[16:32].hex(), SESSION_TYPE, body[:16].hex())

    def _marks(self, text: str) -> list[str]:
        """The keyed hashes of a refresh token, with the newest server secret first."""
        return [mac.hex() for mac in self._secrets.macs("refresh token marks", text.encode())]

    def _is_mark_of(self, mark: str, text: str) -> bool:
        return any(hmac.compare_digest(mark, other) for other in self._marks(text))

    async def _outdated(self, account_id: str) -> list[Remove]:
        """Some sessions that have been over for as long as an auth token of theirs could live."""
        over = self._clock.gregorian() - YEAR
        span = Span(account_id=account_id, doc_type=SESSION_TYPE, high=_sort(over))
        outdated: list[Remove] = []
        async for row in self._store.scan(span):
            outdated.append(Remove(Key(account_id, SESSION_TYPE, row.position.doc_id)))
            if len(outdated) == SWEPT_AT_ONCE:
                break
        return outdated


def _sort(time: int) -> str:
    """A time as text that sorts like it."""
    return f"{time:020d}"
