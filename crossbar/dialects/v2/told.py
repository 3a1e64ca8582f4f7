"""What the head of a request says, worked out once for all requests that say the same.

A client sends nearly all its requests with the same headers, and asks for the same paths again
and again. What these say depends on nothing else, so it is remembered as it is, for a while. Who
calls, what is there and what the caller may do is found out each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from aiohttp import hdrs, web

from crossbar.core.registry import Operation
from crossbar.core.requests import Action, Query
from crossbar.dialects.headers import (
    LAST_EVENT_ID,
    X_AUTH_ACCOUNT_ID,
    X_AUTH_TOKEN,
    X_PRETTY_PRINT,
    X_REQUEST_ID,
    Headers,
    agreed,
    joined,
    twice,
)
from crossbar.dialects.serving import is_cross_origin
from crossbar.dialects.targets import path_tokens
from crossbar.dialects.v2.body import Body, media_type, query_of
from crossbar.dialects.v2.negotiation import accepts_gzip, revisions
from crossbar.errors import Gone, NoSuchPath
from crossbar.remembering import keep
from crossbar.values import valueclass

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

MANY = 1024
"""How many heads are remembered, and how many paths."""

LONG = 2048
"""Longer ones, in bytes, are not: they may be anything, and would take much memory."""

LONG_PATH = 256
"""Nor are longer paths: what is made of their parameters takes some hundred times as much."""


@valueclass
class Told:
    """What headers say, as far as every request is asked about it.

    ``token`` is that of ``X-Auth-Token``; ``is_alone``: no account is named beside it. ``twice``
    is a header that contradicts itself. ``request_id`` is what the client calls the request.
    """

    token: str | None = None
    is_alone: bool = True
    accept: str | None = None
    content_type: str = ""
    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None
    last_event_id: str | None = None
    takes_gzip: bool = False
    is_pretty: bool = False
    is_cross_origin: bool = False
    twice: str | None = None
    request_id: str | None = None


NOTHING = Told()
"""What is known before the headers have been looked at."""


@valueclass
class Asked:
    """What a request asks for: an operation, of those that the path offers.

    ``tokens`` are those of its path, with the alias expanded.
    """

    offered: Mapping[Action, Operation]
    operation: Operation
    params: Mapping[str, str]
    tokens: list[str]
    verb: str


@dataclass(eq=False, slots=True)
class Target:
    """What the path and the query of a request name; ``tokens`` are without the version.

    ``asked``, what is asked for there by the methods of HTTP as they are, and ``listed``, how a
    list is to be answered, are filled in when they are wanted.
    """

    tokens: list[str]
    query: Body
    asked: dict[str, Asked] = field(default_factory=dict)
    listed: Query | None = None


class Heads:
    """Remembers what heads of requests say."""

    def __init__(self) -> None:
        self._told: dict[tuple[tuple[bytes, bytes], ...], Told] = {}
        self._targets: dict[str, Target] = {}

    def told_by(self, request: web.BaseRequest) -> Told:
        """What the headers say."""
        raw = request.raw_headers
        told = self._told.get(raw)
        if told is None:
            told = told_by(request.headers)
            if sum(map(len, chain(*raw))) <= LONG:
                keep(self._told, raw, told, MANY)
        return told

    def target_of(self, request: web.BaseRequest) -> Target:
        """What the first line names. Raises :class:`NoSuchPath` and :class:`Gone`."""
        raw = request.raw_path
        target = self._targets.get(raw)
        if target is None:
            target = Target(tokens_below_v2(raw), query_of(raw))
            if len(raw) <= LONG_PATH:
                keep(self._targets, raw, target, MANY)
        return target


def told_by(headers: Headers) -> Told:
    """What headers say."""
    return Told(
        token=headers.get(X_AUTH_TOKEN),
        is_alone=X_AUTH_ACCOUNT_ID not in headers,
        accept=joined(headers, hdrs.ACCEPT),
        content_type=media_type(headers.get(hdrs.CONTENT_TYPE, "")),
        if_match=revisions(headers, hdrs.IF_MATCH),
        if_none_match=revisions(headers, hdrs.IF_NONE_MATCH),
        last_event_id=headers.get(LAST_EVENT_ID),
        takes_gzip=accepts_gzip(joined(headers, hdrs.ACCEPT_ENCODING)),
        is_pretty=headers.get(X_PRETTY_PRINT) == "true",
        is_cross_origin=is_cross_origin(headers),
        twice=twice(headers),
        request_id=_request_id(headers),
    )


def _request_id(headers: Headers) -> str | None:
    sent = agreed(headers, X_REQUEST_ID)
    return sent if sent is not None and _REQUEST_ID.fullmatch(sent) else None


def tokens_below_v2(raw_path: str) -> list[str]:
    """The path, without the version. Raises :class:`NoSuchPath`, :class:`Gone`."""
    version, *tokens = path_tokens(raw_path)
    if version == "v1":
        raise Gone("API version 1 is not supported. Please upgrade to version 2.")
    if version != "v2":
        raise NoSuchPath
    return tokens
