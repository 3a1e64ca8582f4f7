"""The words of the core: :class:`Actor` asks a :class:`Request` and is given a :class:`Result`.

Values only; what is done with them lives in ``core.service`` and in the families.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from crossbar.documents import Document
from crossbar.filtering import Filters
from crossbar.storage import SYSTEM
from crossbar.values import valueclass

if TYPE_CHECKING:
    from crossbar.core.directory import Account
    from crossbar.core.registry import Operation
    from crossbar.core.services import Services


EVENT_STREAM = "text/event-stream"
"""The media type of Server-Sent Events."""

JSON_TYPES = ("application/json", "application/x-json")


class Action(StrEnum):
    """What can be done to a family. HTTP verbs are mapped to these by each dialect."""

    LIST = "list"
    FETCH = "fetch"
    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling, as proven by a credential.

    ``user_id`` is ``None`` for account-level credentials (an API key). ``method`` names the way in
    (``cb_user_auth``, ``cb_api_auth``, …), the first level of token restrictions. ``priv_level``
    is the user's, or the configured default; ``has_all_powers`` says that it does not matter.
    ``is_superduper_admin`` says that it is of the master account. ``is_administrator``: it may do
    what is for administrators, where it may do anything; ``is_operator``: it is an administrator
    of the master account.
    ``is_admin_user`` is true only for a *user* whose privilege is ``admin``. ``claims`` are those
    of the token or key; empty for Basic. ``behind`` is who logged in, when the caller acts as
    somebody else: what is refused to the one is to the other. ``rules`` are the restrictions by
    noun that the credential itself carries, judged in addition to the account's; ``None`` for
    none.
    """

    account_id: str
    method: str
    priv_level: str
    user_id: str | None = None
    is_superduper_admin: bool = False
    is_admin_user: bool = False
    has_all_powers: bool = False
    token: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    behind: Caller | None = None
    rules: Mapping[str, Any] | None = None
    is_administrator: bool = field(init=False)
    is_operator: bool = field(init=False)

    def __post_init__(self) -> None:
        """Work out what every request asks of its caller."""
        is_administrator = self.has_all_powers or self.priv_level == "admin"
        is_operator = self.is_superduper_admin and is_administrator
        object.__setattr__(self, "is_administrator", is_administrator)
        object.__setattr__(self, "is_operator", is_operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a request: its name, declared media type and bytes."""

    name: str
    content_type: str
    content: bytes


def is_true(value: Any) -> bool:
    """Whether a control value says yes, in the query string's spelling or in JSON's."""
    return value is True or value == "true"


def is_false(value: Any) -> bool:
    """Whether a control value says no, in the query string's spelling or in JSON's."""
    return value is False or value == "false"


@valueclass
class Query:
    """How a list is to be answered. ``start_key`` is opaque (``core.paging``).

    ``is_chunked``: it is sent as it is read, or (``False``) made whole; ``None``: by its length.

    ``bounds`` are the filters by time, which lists over a range of time do not use: there the same
    parameters choose the range (``core.ranges``).
    """

    filters: Filters
    bounds: Filters = ()
    page_size: int | None = None
    start_key: str | None = None
    end_key: str | None = None
    paginate: bool = True
    ascending: bool = False
    full_docs: bool = False
    fields: tuple[str, ...] = ()
    is_chunked: bool | None = False
    chunk_size: int | None = None


@valueclass
class Actor:
    """Who does something, for whom and by what means; there need not be a request.

    ``account`` is the account that it is done to, ``None`` for the system; ``account_id`` is where
    the documents are that it is about: the account's, or the system's pseudo account. ``caller``
    is ``None`` when nobody has logged in, and for what the server does by itself.
    """

    services: Services
    account_id: str = SYSTEM
    account: Account | None = None
    caller: Caller | None = None
    request_id: str
    address: str = ""

    def require_caller(self) -> Caller:
        """The caller of an operation that is not public."""
        if self.caller is None:
            raise LookupError("there is no caller")
        return self.caller

    def require_account(self) -> Account:
        """The account of an operation below ``accounts/{account_id}``."""
        if self.account is None:
            raise LookupError("there is no account")
        return self.account


@valueclass
class Request:
    """What is asked, and by whom; complete when it is built and not written to afterwards.

    ``ids`` are the named parts of the path. ``controls`` are the values that say how a request is
    to be done, from the query string or the envelope; :meth:`control` looks them up. ``if_match``
    and ``if_none_match`` are revisions, without quotes; ``("*",)`` stands for any.
    ``content_type`` is the media type that the client names for its body, empty or not.
    ``changes_nothing`` is for who only asks what a read would answer: it starts no call, say.
    """

    actor: Actor
    operation: Operation
    ids: Mapping[str, str]
    data: Any = None
    files: Sequence[Upload] = ()
    query: Query
    controls: Mapping[str, Any] = field(default_factory=dict)
    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None
    body_is_readable: bool = True
    content_type: str = ""
    accept: tuple[str, ...] = ()
    changes_nothing: bool = False

    @property
    def services(self) -> Services:
        """The parts that the work is done with."""
        return self.actor.services

    @property
    def account_id(self) -> str:
        """Where the documents are that the request is about."""
        return self.actor.account_id

    @property
    def account(self) -> Account | None:
        """The account that the path names."""
        return self.actor.account

    @property
    def caller(self) -> Caller | None:
        """Who asks."""
        return self.actor.caller

    @property
    def request_id(self) -> str:
        """The name of the request, in the log and in the answer."""
        return self.actor.request_id

    @property
    def address(self) -> str:
        """The client's address."""
        return self.actor.address

    def require_caller(self) -> Caller:
        """Who asks, where the operation is not public."""
        return self.actor.require_caller()

    def require_account(self) -> Account:
        """The account that the path names, below ``accounts/{account_id}``."""
        return self.actor.require_account()

    @property
    def doc_id(self) -> str:
        """The id of the document that the URL names."""
        return self.ids[self.operation.id_param]

    def prefers(self, *media_types: str) -> bool:
        """Whether the client would rather have one of these than a document."""
        for accepted in self.accept:
            if accepted in ("*/*", "application/*", *JSON_TYPES):
                return False
            kind, _, form = accepted.partition("/")
            if accepted in media_types or (
                form == "*" and any(each.startswith(f"{kind}/") for each in media_types)
            ):
                return True
        return False

    def says_yes(self, name: str) -> bool:
        """Whether a control value says yes."""
        return is_true(self.control(name))

    def says_no(self, name: str) -> bool:
        """Whether a control value says no, which one that is absent does not."""
        return is_false(self.control(name))

    def control(self, name: str, default: Any = None) -> Any:
        """A control value: from ``data``, else the query string, else the envelope (§2.3)."""
        if isinstance(self.data, dict) and name in self.data:
            return self.data[name]
        return self.controls.get(name, default)


def request_to(actor: Actor, action: Action, *tokens: str, data: Any = None) -> Request:
    """What a client would ask for with this action at a path, of which ``tokens`` are the parts.

    Lists are not paged.
    """
    operations, ids = actor.services.registry.match(tokens)
    return Request(
        actor=actor,
        operation=operations[action],
        ids=ids,
        data=data,
        query=Query(filters=(), paginate=False),
    )


@dataclass(slots=True)
class Page:
    """Where a list stands. Filled while the rows are read, so complete only after them."""

    size: int = 0
    start_key: str | None = None
    next_start_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Bytes to send instead of an envelope.

    ``length`` is the whole content's, in bytes; ``read`` yields those from a start up to, not
    including, a stop.
    """

    content_type: str
    length: int
    filename: str
    read: Callable[[int, int], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes to send as they come, instead of an envelope. It may have no end.

    They are sent for as long as the caller may have them.
    """

    content_type: str
    chunks: AsyncGenerator[bytes]


@dataclass(eq=False, slots=True, kw_only=True)
class Result:
    """What an operation answers.

    ``encoded`` stands for ``data`` that is JSON already, ``portions`` of rows for those of a list
    that is to be sent as it is read.
    With ``columns``, which name their values, these rows are a table of any length.
    ``created_id`` makes the
    dialect answer 201 with the new document's location. ``metadata`` holds private facts that a
    dialect may show beside the data. ``token`` is a new auth token.

    ``opening`` is for the dialect, the only one to write to a result: what it has made of it,
    which need not be made again for one that is answered again.
    """

    data: Any = None
    has_data: bool = True
    revision: str | None = None
    created_id: str | None = None
    page: Page | None = None
    encoded: bytes | None = None
    portions: AsyncIterator[list[Any]] | None = None
    columns: tuple[str, ...] = ()
    metadata: Document | None = None
    token: str | None = None
    download: Download | None = None
    stream: Stream | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    opening: bytes | None = field(default=None, init=False)

    def decoded(self) -> Any:
        """The data, also where they are JSON already."""
        return self.data if self.encoded is None else orjson.loads(self.encoded)
