"""Which paths there are below ``/v1.1``, and who may ask for them: the one table of this dialect.

Requests are routed by it, and the OpenAPI document is computed from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web

from crossbar.errors import NoSuchPath

if TYPE_CHECKING:
    from crossbar.dialects.v1_1.exchange import Exchange

Handler = Callable[["Exchange"], Awaitable[web.StreamResponse]]
Node = Mapping[str, Any]

SUFFIX = ".json"
"""May follow every path that answers JSON, and need not."""


class Need(Enum):
    """What a request has to show: nothing, the secret key, the public key; or, of a session, the
    visitor's connection secret beside the public key or the agent's watch token."""

    NOTHING = "nothing"
    SECRET = "secret"  # noqa: S105 - the name of a rule, not a secret
    PUBLIC = "public"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query string."""

    name: str
    about: str
    schema: Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One thing that can be asked.

    ``path`` is below ``/v1.1`` and without suffix. ``body`` names the schema of what is sent,
    ``answers`` are the successful statuses with the schemas of their bodies, ``None`` for a page.
    ``refusals`` are statuses beyond those that follow from what is needed. ``tells`` says where
    in the answer the ids are that paths have parameters for.
    """

    method: str
    path: str
    about: str
    handler: Handler
    need: Need = Need.SECRET
    body: str | None = None
    parameters: tuple[Parameter, ...] = ()
    answers: Mapping[int, Node | None]
    refusals: tuple[int, ...] = ()
    tells: Mapping[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The parts of the path; parameters are in braces."""
        return tuple(part for part in self.path.split("/") if part)

    @property
    def is_page(self) -> bool:
        """Whether people see the answer instead of programs."""
        return None in self.answers.values()


Offers = Mapping[str, Endpoint]
"""What a path offers, by method."""


class Table:
    """The endpoints, found by path."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        self._paths: dict[tuple[str, ...], dict[str, Endpoint]] = {}
        for endpoint in self.endpoints:
            self._paths.setdefault(endpoint.tokens, {})[endpoint.method] = endpoint

    def match(self, tokens: Sequence[str]) -> tuple[Offers, dict[str, str]]:
        """What the path offers, and its parameters. Raises :class:`NoSuchPath`."""
        if tokens and tokens[-1] != SUFFIX:
            tokens = (*tokens[:-1], tokens[-1].removesuffix(SUFFIX))
        for path, offers in self._paths.items():
            if len(path) == len(tokens):
                pairs = list(zip(path, tokens, strict=True))
                named = {part[1:-1]: token for part, token in pairs if part.startswith("{")}
                fits = all(part.startswith("{") or part == token for part, token in pairs)
                if fits and all(named.values()):
                    return offers, named
        raise NoSuchPath
