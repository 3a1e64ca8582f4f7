"""What a request can use: the store and the helpers around it, wired once in ``crossbar.app``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from crossbar.clock import Clock
from crossbar.core.configuration import Configuration
from crossbar.core.directory import AccountDirectory, account_key
from crossbar.core.feed import Feed
from crossbar.core.jobs import Jobs
from crossbar.core.ports import (
    Audio,
    Bookkeeper,
    Carrier,
    Functions,
    Mail,
    Names,
    Outside,
    Paper,
    Porting,
    Receivers,
    Shelves,
    Speech,
    Switch,
)
from crossbar.core.shelved import with_shelved
from crossbar.core.turns import Turns
from crossbar.errors import NoSuchDocument
from crossbar.events import Events
from crossbar.metrics import Metrics
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Attachment, Batch, Missing, Store
from crossbar.validation import Schemas

if TYPE_CHECKING:
    from crossbar.core.access import Scopes
    from crossbar.core.directory import Account
    from crossbar.core.registry import Registry
    from crossbar.core.requests import Caller
    from crossbar.core.sight import Sight
    from crossbar.core.writing import Writer
    from crossbar.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login that can be renewed: whose it is, its refresh token, its stored document."""

    account: Account
    user: Document | None
    refresh_token: str
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt to get in, as far as it can be told before anything is verified.

    ``way`` is a constant that names the way in, ``names`` are what was named, as it was sent and
    whether it exists or not; ``proof`` is what was sent to prove it. None of it is kept as it is.
    ``cost`` makes the pace slower that failures are held to.
    """

    way: str
    names: tuple[str, ...]
    address: str
    proof: str = field(default="", repr=False)
    cost: float = 1.0


class KeyMaker(Protocol):
    """What families need of named API keys; ``identity`` implements it."""

    async def create(
        self,
        account: Account,
        *,
        dialect: str,
        name: str,
        scopes: Iterable[str] = ("*",),
        expires: int | None = None,
        owner_id: str | None = None,
        rate_limit: int | None = None,
        enabled: bool = True,
        author: Caller | None = None,
        key_id: str | None = None,
        **more: Any,
    ) -> tuple[Document, str]:
        """A new key with these fields, which have been judged: its document and its text."""
        ...


class Credentials(Protocol):
    """What families need of passwords and keys; ``identity`` implements it."""

    @property
    def keys(self) -> KeyMaker:
        """The named API keys of every account."""
        ...

    async def user_secrets(self, account_id: str, username: str, password: str) -> dict[str, Any]:
        """Private fields that let a user log in with the password."""
        ...

    async def imported_secrets(self, account_id: str, md5_digest: str) -> dict[str, Any]:
        """Private fields that let a user log in with a digest made elsewhere."""
        ...

    async def account_secrets(self, password: str) -> dict[str, Any]:
        """Private fields that let an account authenticate with its own password."""
        ...

    def new_api_key(self) -> dict[str, Any]:
        """Private fields of a fresh API key."""
        ...

    async def renew_login(self, account_id: str, user: Document, method: str, digest: str) -> None:
        """Bring up to date what a user who has just logged in with the digest was found by."""
        ...

    async def renew_api_key(self, account: Account, api_key: str) -> None:
        """Bring up to date what an account that has just shown its API key was found by."""
        ...

    def seal(self, purpose: str, text: str) -> str:
        """``text`` encrypted with the server's secret, to be stored; ``purpose`` is a constant."""
        ...

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """What was sealed for the purpose; ``None`` when the server's secret is another one."""
        ...

    def api_key_of(self, account: Document) -> str | None:
        """The API key of an account document, decrypted; ``None`` when it cannot be."""
        ...

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
        ...

    async def begin_session(
        self, account: Account, *, user: Document | None, method: str, **claims: Any
    ) -> Session:
        """A new session, all of whose tokens say ``claims``."""
        ...

    async def find_session(self, refresh_token: str) -> Session:
        """The session that the token can renew. Raises ``InvalidCredentials``."""
        ...

    async def renew_session(self, session: Session) -> Session:
        """The session with its next refresh token. Raises ``InvalidCredentials``."""
        ...

    async def read_token(self, token: str, *, anew: bool = False) -> Caller:
        """Whose token it is. Raises ``InvalidCredentials`` and ``TokenExpired``.

        ``anew`` trusts nothing that is remembered, for what is to outlive the token.
        """
        ...

    async def still(self, caller: Caller) -> Caller:
        """Who called once, with the powers that it has now.

        Raises ``InvalidCredentials`` when its account or user is not accepted any more.
        """
        ...

    async def acted_as(
        self, account: Account, user: Document | None, wanted: Any
    ) -> tuple[Account, Document]:
        """The account and user below it that an admin user wants to act as.

        ``wanted`` is ``{"account_id", "owner_id"}``. Raises ``InvalidCredentials``.
        """
        ...

    async def find_user(self, account_id: str, method: str, digest: str) -> Document | None:
        """The live, enabled user whose login digest (``md5`` or ``sha``) this is."""
        ...

    async def find_by_api_key(self, api_key: str) -> Account | None:
        """The account that has the key."""
        ...

    def slow_down(self, tried: Tried) -> None:
        """Raise ``TooManyRequests`` when the attempt must wait for those that failed before."""
        ...

    def turn(self, tried: Tried) -> AbstractAsyncContextManager[None]:
        """What an attempt waits for that verifies a password.

        Raises ``TooManyRequests`` as :meth:`slow_down` does, and ``Busy``.
        """
        ...

    def login_failed(self, tried: Tried) -> None:
        """Remember a failed attempt.

        Raises ``TooManyRequests`` if it came too soon: then nobody is told that it was wrong.
        """
        ...

    def login_succeeded(self, tried: Tried) -> None:
        """Remember that the attempt was right."""
        ...

    async def revoke_token(self, caller: Caller) -> None:
        """Make the caller's token worthless, now here and within a second elsewhere."""
        ...


class Pace(Protocol):
    """How often something may be done; ``identity`` implements it."""

    def charge(self, key: Hashable, cost: int) -> None:
        """Take tokens from a bucket. Raises ``TooManyRequests`` when it lacks them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that recipes, hooks and handlers work with; ``scopes`` are by dialect.

    ``indexed`` names the indexes that hold every document of the store (``core.finding``).
    """

    store: Store
    writer: Writer
    schemas: Schemas
    clock: Clock
    configuration: Configuration
    events: Events
    feed: Feed
    sight: Sight
    accounts: AccountDirectory
    credentials: Credentials
    registry: Registry
    switch: Switch
    carrier: Carrier
    pace: Pace
    mail: Mail
    names: Names
    scopes: Mapping[str, Scopes]
    outside: Outside
    receivers: Receivers
    speech: Speech
    paper: Paper
    audio: Audio
    functions: Functions
    bookkeeper: Bookkeeper
    shelves: Shelves
    metrics: Metrics
    jobs: Jobs
    porting: Porting
    turns: Turns = field(default_factory=Turns)
    indexed: frozenset[str] = frozenset()

    @property
    def settings(self) -> Settings:
        """The settings, with what the system's configuration says laid over them."""
        return self.configuration.settings

    async def put_attachment(self, account_id: str, chunks: AsyncIterator[bytes]) -> Attachment:
        """Store bytes for a document of an account, while the account exists.

        Otherwise they would stay behind when it is deleted at the same moment. Raises
        :class:`~crossbar.errors.NoSuchDocument` then.
        """
        requires = () if account_id == SYSTEM else (account_key(account_id),)
        try:
            return await self.store.put_attachment(account_id, chunks, requires)
        except Missing as missing:
            raise NoSuchDocument(missing.key.doc_id) from None

    async def commit(self, batch: Batch) -> None:
        """Write a batch, as :meth:`~crossbar.core.writing.Writer.commit` does.

        Of attachments that are dropped those go too that are kept outside of the store.
        """
        if batch.drop_attachments:
            batch = await with_shelved(self, batch)
        await self.writer.commit(batch)
