"""Webhooks: documents that say what is reported where."""

from __future__ import annotations

import re
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import Change, Note
from crossbar.core.directory import OWNER
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    Access,
    Collection,
    Hooks,
    Powers,
    Route,
    Routes,
    Scope,
    defaulted,
    renamed,
    route,
)
from crossbar.documents import Document, next_revision
from crossbar.errors import NoSuchDocument
from crossbar.families.accounts import HOOK_PLACE_TYPE as PLACE_TYPE
from crossbar.families.webhooks import asking
from crossbar.families.webhooks.attempts import list_all
from crossbar.families.webhooks.deliveries import place_of
from crossbar.families.webhooks.gaps import gap_key, shown_gap
from crossbar.families.webhooks.kinds import ALL, FOR_OPERATORS, KINDS, SAMPLES
from crossbar.families.webhooks.reports import HOOK_TYPE, REASON
from crossbar.families.webhooks.signing import KEY, PURPOSE, SECRET, new_secret
from crossbar.filtering import keeps
from crossbar.storage import SYSTEM, Entry, Key, Put, Remove

OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-account-id",
        "x-hook-id",
    }
)
"""What a report says itself, or its connection."""

SHOWN = ("disable_reason", "missed")
"""What a webhook shows that is not for clients to write, even when they send it back."""

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,2000}")
LONGEST_HEADERS = 8000
"""Characters of all headers together: servers take hardly more, and all webhooks are in memory."""

_SENT_KEY: Note[str | None] = Note(None)


async def _take_key(change: Change) -> None:
    """Keep the key for signing bodies out of the document; an empty one removes it."""
    settings = change.document.get("security_settings")
    if isinstance(settings, dict) and isinstance(settings.get("sha256_key"), str):
        _SENT_KEY.leave(change, settings["sha256_key"])


async def _check(change: Change) -> None:
    name, chosen = change.value("hook"), _object(change.value("custom_data"))
    kind = KINDS.get(name) if isinstance(name, str) else None
    types = change.actor.services.settings.webhooks.object_types
    for name, (_, values) in kind.choices(types).items() if kind else ():
        path = f"custom_data.{name}"
        if name not in chosen:
            change.refusals.add(path, "required", f"Field is required but missing: {name}")
        elif chosen[name] not in (*values, ALL):
            message, target = "Value not found in enumerated list of values", [*values]
            change.refusals.add(path, "enum", message, target=target, cause=chosen[name])
    headers = _object(change.value("custom_request_headers"))
    if sum(len(header) + len(str(value)) for header, value in headers.items()) > LONGEST_HEADERS:
        message = f"The headers must not be more than {LONGEST_HEADERS} characters in all"
        path = "custom_request_headers"
        change.refusals.add(path, "maxLength", message, target=LONGEST_HEADERS)
    for header, value in headers.items():
        path = f"custom_request_headers.{header}"
        if not HEADER_NAME.fullmatch(header) or header.lower() in OWN_HEADERS:
            change.refusals.add(path, "invalid", "This header cannot be chosen", value=header)
        elif isinstance(value, str) and not HEADER_VALUE.fullmatch(value):
            message = "A header is one line of printable ASCII"
            change.refusals.add(path, "invalid", message, value=value)


def _object(value: Any) -> Document:
    """An object that a client sent, or none: the schema speaks of all else."""
    return value if isinstance(value, dict) else {}


async def _prepare(change: Change) -> None:
    """Note from where on events are reported, seal what is secret, have the webhook found."""
    services, document, current = change.actor.services, change.document, change.current
    for name in (*SHOWN, "security_settings"):
        document.pop(name, None)
    key = _SENT_KEY.found(change)
    if key is not None:
        document.pop(KEY, None)
        if key:
            document[KEY] = services.credentials.seal(PURPOSE, key)
    is_enabled = document.get("enabled") is not False
    if is_enabled:
        document.pop(REASON, None)
    if is_enabled and (current is None or current.get("enabled") is False):
        document["pvt_since"] = await services.store.last_event()
    if current is None:
        document[SECRET] = services.credentials.seal(PURPOSE, new_secret())
        change.more.append(_place_put(change.key))


def _place_key(key: Key) -> Key:
    return Key(SYSTEM, PLACE_TYPE, place_of(key.account_id, key.doc_id))


def _place_put(key: Key) -> Put:
    place = _place_key(key)
    document: Document = {
        "_id": place.doc_id,
        "_rev": next_revision(None),
        "pvt_type": PLACE_TYPE,
        "pvt_account_id": key.account_id,
        "pvt_hook_id": key.doc_id,
    }
    return Put(place, document, None, entries=(Entry(OWNER, key.account_id),))


async def _delete(change: Change) -> None:
    key = change.key
    change.removes += [Remove(_place_key(key)), Remove(gap_key(key.account_id, key.doc_id))]


async def _show(request: Request, shown: Document, stored: Document) -> Document | None:
    """Why it was switched off, and what was left out."""
    gap = await shown_gap(request.services, stored["pvt_account_id"], stored["_id"])
    found = dict(zip(SHOWN, (stored.get(REASON), gap), strict=True))
    return {name: value for name, value in found.items() if value} or None


async def list_kinds(request: Request) -> Result:
    """The kinds of events that there are webhooks for."""
    caller = request.caller
    left_out = () if caller is not None and caller.is_operator else FOR_OPERATORS
    types = request.services.settings.webhooks.object_types
    return Result(data=[kind.shown(left_out, types) for kind in KINDS.values()])


async def list_samples(request: Request) -> Result:
    """The names of the samples of reports."""
    return Result(data=sorted(SAMPLES))


async def fetch_sample(request: Request) -> Result:
    """Reports as they may look, narrowed by filters."""
    samples = SAMPLES.get(request.ids["sample_id"])
    if samples is None:
        raise NoSuchDocument(request.ids["sample_id"])
    return Result(data=[each for each in samples if keeps(request.query.filters, each)])


_SAMPLES = (
    route("samples", Action.LIST, list_samples, "List samples of reports", Answers(some(TEXT))),
    route(
        "samples/{sample_id}",
        Action.LIST,
        fetch_sample,
        "Read a sample of reports",
        Answers(some(SOME_OBJECT)),
    ),
)

SECRET_NODE = an_object(signing_secret=TEXT)

WEBHOOKS = Collection(
    noun="webhooks",
    doc_type=HOOK_TYPE,
    schema="webhooks",
    summary=(
        "hook",
        "name",
        "uri",
        "group",
        defaulted("enabled", True),
        renamed("disable_reason", REASON),
    ),
    powers=Powers(
        actions=frozenset({Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE}),
        secrets=("custom_request_headers",),
    ),
    hooks=Hooks(
        normalize=(_take_key,),
        check=(_check,),
        prepare=(_prepare,),
        deleting=(_delete,),
        present=(_show,),
    ),
    routes=(
        Route(
            path="",
            action=Action.PATCH,
            handler=asking.enable_all,
            about="Switch on the webhooks that the server has switched off",
            access=Access.ADMIN,
            answers=Answers(TEXT),
        ),
        *_SAMPLES,
        Route(
            path="attempts",
            action=Action.LIST,
            handler=list_all,
            about="List attempts to deliver to any webhook",
            access=Access.ADMIN,
            answers=Answers(some(SOME_OBJECT), is_paged=True),
        ),
        Route(
            path="{webhook_id}/attempts/{webhook_attempt_id}/redelivery",
            action=Action.CREATE,
            handler=asking.redeliver,
            about="Deliver again what an attempt was about",
            access=Access.ADMIN,
            answers=Answers(an_object(event_id=TEXT)),
        ),
        Route(
            path="{webhook_id}/test",
            action=Action.CREATE,
            handler=asking.test,
            about="Send a sample now, and say how that went",
            access=Access.ADMIN,
            answers=Answers(an_object(result=TEXT, event_id=TEXT)),
        ),
        Route(
            path="{webhook_id}/replay",
            action=Action.CREATE,
            handler=asking.replay,
            about="Report the events of a range of time again",
            access=Access.ADMIN,
            answers=Answers(an_object(created_from={}, created_to={})),
        ),
        Route(
            path="{webhook_id}/signing_secret",
            action=Action.FETCH,
            handler=asking.fetch_secret,
            about="Read the secret that reports are signed with",
            access=Access.ADMIN,
            answers=Answers(SECRET_NODE),
        ),
        Route(
            path="{webhook_id}/signing_secret",
            action=Action.CREATE,
            handler=asking.renew_secret,
            about="Replace the secret that reports are signed with",
            access=Access.ADMIN,
            answers=Answers(SECRET_NODE),
        ),
    ),
)

KIND_NODE = an_object(id=TEXT, name=TEXT, description=TEXT)

WEBHOOKS_OF_SYSTEM = Routes(
    noun="webhooks",
    access=Access.PUBLIC,
    routes=(
        route(
            "",
            Action.LIST,
            list_kinds,
            "List the kinds of events",
            Answers(some(KIND_NODE), by_caller=True),
        ),
        *_SAMPLES,
    ),
)

WEBHOOKS_OF_DESCENDANTS = Routes(
    noun="descendants",
    scopes=(Scope.ACCOUNT,),
    access=Access.ADMIN,
    routes=(
        route(
            "webhooks",
            Action.PATCH,
            asking.enable_all_below,
            "Switch on the webhooks of all accounts below that the server has switched off",
            Answers(TEXT),
        ),
    ),
)
