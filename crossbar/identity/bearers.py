"""Who has an auth token: tokens made for accounts and users, read, and revoked.

How tokens are written and signed is in ``tokens``. Here it is decided whether what one says still
holds: it dies with a secret of its account, its user or the system, with its session, and when
it is revoked.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crossbar.clock import Clock
from crossbar.core.directory import Account
from crossbar.core.requests import Caller
from crossbar.core.writing import Writer
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, InvalidCredentials
from crossbar.identity.callers import Callers
from crossbar.identity.people import People, remembered_until
from crossbar.identity.secrets import Secrets
from crossbar.identity.sessions import Sessions
from crossbar.identity.tokens import Tokens
from crossbar.storage import SYSTEM, Batch, Event, Key, Put, Remove, Span, Store

REVOKED_TYPE = "revoked_token"

SIGNATURE = "pvt_signature_secret"
KEY_SIGNATURE = "pvt_api_key_signature"
"""The field of an account that goes with its API key: tokens without a user depend on it."""

OPERATOR = ("original_account_id", "original_owner_id")
"""Claims of a token that an operator was given for somebody else: who the operator is."""


class Bearers:
    """Who bears a token. ``lifetime`` is that of tokens, in seconds."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        people: People,
        sessions: Sessions,
        callers: Callers,
        secrets: Secrets,
        clock: Clock,
        *,
        lifetime: int,
    ) -> None:
        self._store = store
        self._writer = writer
        self._people = people
        self._sessions = sessions
        self._callers = callers
        self._secrets = secrets
        self._clock = clock
        self.tokens = Tokens(secrets, clock, lifetime=lifetime)

    async def issue(
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
        operator = await self._operator_of(claims)
        return self.tokens.issue(
            {
                "account_id": account.account_id,
                **owner,
                "method": method,
                "identity_sig": (await self.signatures(account, user, operator))[0],
                **{name: value for name, value in claims.items() if value is not None},
            },
            lifetime=lifetime,
        )

    async def signature(self, account: Account, user: Document | None) -> str:
        """What ties a new token or session to the secrets of account, user and system."""
        return (await self.signatures(account, user))[0]

    async def signatures(
        self,
        account: Account,
        user: Document | None,
        operator: tuple[Account, Document] | None = None,
        *,
        anew: bool = False,
    ) -> list[str]:
        """What ties a token to the present secrets of account, user and system, for each server
        secret.

        A token dies when one of these secrets changes: also that of the account's API key, when
        it is of no user, and those of the ``operator`` that it was given to. ``anew`` is as in
        :meth:`read`.
        """
        own = account.document.get(KEY_SIGNATURE, "") if user is None else user.get(SIGNATURE, "")
        secrets = [account.document.get(SIGNATURE, ""), own]
        if operator is not None:
            secrets += [each.get(SIGNATURE, "") for each in (operator[0].document, operator[1])]
        if of_system := await self._people.system_signature(account, anew=anew):
            secrets.append(of_system)
        message = ":".join(secrets).encode()
        return [mac.hex()[:32] for mac in self._secrets.macs("identity signature", message)]

    def recall(self, token: str) -> Caller | None:
        """Whose token it is, if it was verified before and nothing has changed since."""
        return self._callers.recall(token, self._clock.precise())

    async def read(self, token: str, *, anew: bool = False) -> Caller:
        """Whose token it is. Raises :class:`InvalidCredentials` and :class:`TokenExpired`.

        ``anew`` trusts nothing that is remembered, for what is to outlive the token.
        """
        caller = None if anew else self.recall(token)
        if caller is not None:
            return caller
        claims = self.tokens.read(token)
        noticed = self._callers.noticed
        account = await self._people.account(str(claims.get("account_id")), anew=anew)
        caller = await self._caller_of(claims, token, account, anew=anew)
        until = claims["exp"]
        for each in filter(None, (caller, caller.behind)):
            until = remembered_until(await self._people.account(each.account_id), until)
        self._callers.remember(
            token,
            caller,
            until,
            (
                str(claims["jti"]),
                claims.get("session_id"),
                *account.tree[:1],
                *_subjects(caller),
            ),
            noticed=noticed,
        )
        return caller

    async def _caller_of(
        self, claims: Document, token: str, account: Account, *, anew: bool
    ) -> Caller:
        """The caller of genuine claims, if the user still is what it was."""
        user_id = claims.get("owner_id")
        user = await self._people.user(account.account_id, user_id) if user_id else None
        operator = await self._operator_of(claims, anew=anew)
        signatures = await self.signatures(account, user, operator, anew=anew)
        if claims.get("identity_sig") not in signatures:
            raise InvalidCredentials
        if await self._store.get(Key(SYSTEM, REVOKED_TYPE, str(claims["jti"]))) is not None:
            raise InvalidCredentials
        if "session_id" in claims:
            await self._sessions.require(account.account_id, str(claims["session_id"]))
        proof: dict[str, Any] = {"method": str(claims["method"]), "token": token, "claims": claims}
        behind = None if operator is None else self._people.caller(*operator, **proof)
        caller = self._people.caller(account, user, **proof, behind=behind)
        if "as" not in claims:
            return caller
        below, other = await self.acted_as(account, user, claims["as"])
        return self._people.caller(below, other, **proof, behind=caller)

    async def _operator_of(
        self, claims: Mapping[str, Any], *, anew: bool = False
    ) -> tuple[Account, Document] | None:
        """Account and user of the operator that a token was given to, if it was given to one.

        Raises :class:`InvalidCredentials` for who is no operator any more.
        """
        account_id, user_id = map(claims.get, OPERATOR)
        if account_id is None:
            return None
        account = await self._people.account(str(account_id), anew=anew)
        user = await self._people.user(account.account_id, str(user_id))
        if not (account.is_superduper_admin and user.get("priv_level") == "admin"):
            raise InvalidCredentials
        return account, user

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

    async def revoke(self, caller: Caller) -> None:
        """Make the caller's token worthless, now here and within a second elsewhere.

        Its session ends with it.
        """
        claims = caller.claims
        jti, expires = claims.get("jti"), claims.get("exp")
        if not jti or not expires:
            return
        if "session_id" in claims:
            await self._sessions.end(str(claims["account_id"]), str(claims["session_id"]))
        key = Key(SYSTEM, REVOKED_TYPE, str(jti))
        document = {"_id": key.doc_id, "_rev": next_revision(None), "pvt_type": REVOKED_TYPE}
        event = Event("created", key, document["_rev"], self._clock.gregorian(), {})
        puts = (Put(key, document, None, sort=f"{int(expires):020d}"),)
        outdated = await self._outdated_revocations()
        # A conflict means that it is revoked already.
        with suppress(Conflict):
            await self._writer.commit(Batch(puts=puts, removes=outdated, events=(event,)))

    async def _outdated_revocations(self) -> list[Remove]:
        """Some revocations of tokens that have expired since: they are not needed any more."""
        span = Span(account_id=SYSTEM, doc_type=REVOKED_TYPE, high=f"{self._clock.unix():020d}")
        outdated: list[Remove] = []
        async for row in self._store.scan(span):
            outdated.append(Remove(Key(SYSTEM, REVOKED_TYPE, row.position.doc_id)))
            if len(outdated) == 10:
                break
        return outdated


def _subjects(caller: Caller) -> tuple[str | None, ...]:
    """Whose changes matter to a caller: account and user, and those behind them."""
    own = (caller.account_id, caller.user_id)
    return own if caller.behind is None else (*own, *_subjects(caller.behind))
