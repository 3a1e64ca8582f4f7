"""The shapes that families are declared with: data, no behaviour.

A family is a :class:`Collection`, a :class:`Singleton`, a :class:`Journal` or, when it has no
standard shape, a set of :class:`Routes`. A declaration that contradicts itself fails when the
registry is built.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from crossbar.core.answers import ANYTHING, Answers, Node
from crossbar.core.requests import Action, Request, Result
from crossbar.documents import Document, lookup
from crossbar.filtering import text_at

if TYPE_CHECKING:
    from crossbar.core.change import Change
    from crossbar.storage import Store

Handler = Callable[[Request], Awaitable[Result]]

CRUD = frozenset(Action)
"""All six standard actions."""


class Scope(Enum):
    """Where a family lives: below ``accounts/{account_id}``, or at the root."""

    ACCOUNT = "account"
    SYSTEM = "system"


class Access(Enum):
    """Who may use an operation, before token restrictions are asked.

    ``PUBLIC``: anybody. ``TOKEN``: any authenticated caller. ``ACCOUNT``: a caller whose account
    is the URL's account or an ancestor of it. ``ADMIN``: an administrator among those, where the
    URL has an account. ``SELF``: such an administrator, or the user whom the URL names.
    ``RESELLER``: an administrator of the URL's account's reseller, or of an account above that.
    ``SUPERDUPER``: an administrator of the master account.
    """

    PUBLIC = "public"
    TOKEN = "token"  # noqa: S105 - the name of a rule, not a secret
    ACCOUNT = "account"
    SELF = "self"
    ADMIN = "admin"
    RESELLER = "reseller"
    SUPERDUPER = "superduper"


POWERS = (Access.SELF, Access.ADMIN, Access.RESELLER, Access.SUPERDUPER)
"""What a user without powers may not do, but for ``SELF`` about itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A key of a summary whose value is not simply the field of the same name."""

    key: str
    value: Callable[[Document], Any]


def renamed(key: str, path: str, default: Any = None) -> Column:
    """A summary key that shows the value at a dotted ``path``; omitted when there is none."""
    parts = tuple(path.split("."))
    return Column(key, lambda document: lookup(document, parts, default))


def defaulted(key: str, default: Any) -> Column:
    """A summary key that is shown even when the document has no such field."""
    return Column(key, lambda document: document.get(key, default))


FLAGS = defaulted("flags", [])
"""The ``flags`` of nearly every summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Values that at most one live document may hold.

    ``path`` is the field that the error names, ``values`` the normalised values that a document
    claims. ``within`` is the account or the whole system. ``space`` defaults to
    ``<doc_type>.<path>``; families that share a space compete for its values. In ``message``,
    ``{value}`` stands for the value and ``{holder}`` for the id and name of who has it.
    """

    path: str
    values: Callable[[Document], Iterable[str]]
    message: str
    within: Scope = Scope.ACCOUNT
    space: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A value, or several, by which documents of the family can be found and walked."""

    name: str
    values: Callable[[Document], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldIndex(Index):
    """An index over what is at one path, as the text that filters compare: it serves them, too."""

    path: str


LONGEST_ENTRY = 200
"""Characters of a value that an index holds: who finds a document by it compares the whole."""


def by_name(document: Document) -> str:
    """The name, in small letters."""
    return str(document.get("name", "")).lower()


def field_index(path: str, name: str = "") -> FieldIndex:
    """An index over one field, named by its dotted path unless it is given another name."""

    text_of = text_at(path)

    def values(document: Document) -> Iterable[str]:
        text = text_of(document)
        return (text[:LONGEST_ENTRY],) if text else ()

    return FieldIndex(name=name or path, values=values, path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """The family is also reached below another one, whose id narrows lists through an index.

    Without an ``index`` nothing is listed by it: the routes below the other family see to that.
    """

    noun: str
    doc_type: str
    index: str = ""


EVERYWHERE = Nesting(noun="*", doc_type="*")
"""Below every family of an account's documents."""


Stage = Callable[["Change"], Awaitable[None]]
Present = Callable[[Request, Document, Document], Awaitable[Document | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What is special about a family's writes and answers, by stage.

    ``normalize`` runs before the schema and may rewrite what the client sent; ``check`` runs after
    it and adds refusals; ``prepare`` runs only when there are none, may add private fields and
    further writes to the same commit; ``deleting`` may refuse a deletion, make it final or add
    writes to it; ``committed`` runs after a commit, never undoes it, and its failure is logged.
    ``present`` is handed the outgoing document and the stored one, may change the former, and may
    return private facts to be shown beside it. ``reindexed`` runs for every stored document when
    the store is indexed anew: it adds the further writes that an earlier version did not make,
    and as refusals what cannot be made up for.
    """

    normalize: tuple[Stage, ...] = ()
    check: tuple[Stage, ...] = ()
    prepare: tuple[Stage, ...] = ()
    deleting: tuple[Stage, ...] = ()
    committed: tuple[Stage, ...] = ()
    present: tuple[Present, ...] = ()
    reindexed: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    """What of a family is for administrators, since it gives power over accounts or people.

    ``actions`` are the standard actions that only they may use, ``fields`` the dotted paths of
    what only they may change. What is at the paths of ``own`` a user may change too, where it is
    its own; ``secrets`` are paths that are, moreover, shown to nobody else. ``owner`` is the field
    that holds the id of the user whose document it is: ``_id`` for users themselves.
    """

    actions: frozenset[Action] = frozenset()
    fields: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    owner: str = ""

    @property
    def guarded(self) -> tuple[str, ...]:
        """The paths of everything that not everybody may change."""
        return (*self.fields, *self.own, *self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One hand-written operation. ``path`` is below the family's own, for example
    ``"{media_id}/raw"``; ``loads`` makes unknown documents that the path names a 404 first.

    ``reads`` lists media types of the request body beyond the standard ones, ``produces`` those of
    the answer; ``answers`` says what an answer in JSON holds.
    """

    path: str
    action: Action
    handler: Handler
    about: str
    access: Access | None = None
    schema: str | None = None
    loads: bool = True
    reads: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    answers: Answers = ANYTHING


def route(
    path: str, action: Action, handler: Handler, about: str, answers: Answers = ANYTHING
) -> Route:
    """A route of which there is nothing else to say."""
    return Route(path=path, action=action, handler=handler, about=about, answers=answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A family of documents with ids: a list and items.

    ``summary`` are the keys of list rows, ``None`` for rows that are bare ids; ``order`` is
    the sort key of lists (by id when ``None``). An action that behaves differently is written
    as a :class:`Route` of the same path, which takes its place. A family without ``scopes``
    exists only where it is nested: its documents are the parent's own, so that below one
    parent those of another are unknown, and token restrictions see a path as one of the
    parent's family. ``shown`` describes fields that single documents are answered with beyond
    the schema, or unlike it: the work of ``present``.
    """

    noun: str
    doc_type: str
    schema: str
    summary: tuple[str | Column, ...] | None
    actions: frozenset[Action] = CRUD
    order: Callable[[Document], str] | None = None
    unique: tuple[Unique, ...] = ()
    indexes: tuple[Index, ...] = ()
    nested: tuple[Nesting, ...] = ()
    hooks: Hooks = Hooks()
    routes: tuple[Route, ...] = ()
    scopes: tuple[Scope, ...] = (Scope.ACCOUNT,)
    access: Access = Access.ACCOUNT
    soft_delete: bool = True
    shown: Mapping[str, Node] = field(default_factory=dict)
    powers: Powers = Powers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Singleton:
    """A family that is one document per account, whose id is its noun.

    ``optional``: reading it before it was written is 404; otherwise its defaults are answered.
    One without ``actions`` is not listed: it is the document that routes of another family are
    about, which hand it to the recipes.
    """

    noun: str
    doc_type: str
    schema: str
    actions: frozenset[Action] = frozenset({Action.FETCH, Action.REPLACE})
    optional: bool = False
    hooks: Hooks = Hooks()
    access: Access = Access.ACCOUNT
    powers: Powers = Powers()


class Bucket(Enum):
    """How long a journal's buckets of time are, as the number of digits that begin its ids.

    Records are forgotten by the bucket, so some outlive their retention by as long as one takes.
    """

    MONTH = 6
    DAY = 8


class TimeUnit(Enum):
    """What a time in a record counts."""

    GREGORIAN = "seconds since year 0"
    GREGORIAN_MS = "milliseconds since year 0"
    UNIX = "seconds since 1970"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A family of records by time: appended for ever, hardly ever changed, forgotten by age.

    Lists are over a range of time, the newest first. ``time`` is the dotted path of the time, in
    ``unit``, by which a record is listed; ids begin with its ``bucket`` (``202611-…``).
    ``retention`` names the setting that says for how many seconds records are kept; for ever when
    it is empty. ``indexes`` narrow lists within a range. ``older`` finds records that an earlier
    version kept as documents, if more than their type is needed for that. A family without
    ``scopes`` exists only where it is nested, or for the routes of others.
    """

    noun: str
    doc_type: str
    schema: str | None = None
    summary: tuple[str | Column, ...] = ()
    time: str = "pvt_created"
    unit: TimeUnit = TimeUnit.GREGORIAN
    bucket: Bucket = Bucket.MONTH
    retention: str = ""
    indexes: tuple[Index, ...] = ()
    nested: tuple[Nesting, ...] = ()
    actions: frozenset[Action] = frozenset({Action.LIST, Action.FETCH})
    routes: tuple[Route, ...] = ()
    scopes: tuple[Scope, ...] = (Scope.ACCOUNT,)
    access: Access = Access.ACCOUNT
    older: Callable[[Store, str], AsyncIterator[Document]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """A family without documents of a standard shape: nothing but routes."""

    noun: str
    routes: tuple[Route, ...]
    scopes: tuple[Scope, ...] = (Scope.SYSTEM,)
    nested: tuple[Nesting, ...] = ()
    access: Access = Access.TOKEN


Family = Collection | Singleton | Journal | Routes
