"""What a brand's host name needs in the DNS: which records, and whether they are there.

Operators write once, for all brands, which records there have to be: by type and by host, in which
``{{domain}}`` stands for the domain of the brand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossbar.core import singletons
from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.change import Change
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Hooks, Route, Singleton, route
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.storage import SYSTEM, Key

RECORD_TYPES = ("A", "CNAME", "MX", "NAPTR", "SRV", "TXT")
PLACE = "{{domain}}"

MAX_HOSTS = 50
"""How many hosts the templates may name: each is looked up when a domain is tested."""

_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
)


def is_host_name(text: str) -> bool:
    """Whether a text in lower case can be the name of a host."""
    return _HOST.fullmatch(text) is not None


async def check_hosts(change: Change) -> None:
    """Every host names its domain and what it should lead to, whatever the type of its records."""
    schemas, count = change.actor.services.schemas, 0
    for kind in RECORD_TYPES:
        hosts = change.value(kind)
        if not isinstance(hosts, dict):
            continue  # absent, or refused by the schema
        count += len(hosts)
        _, errors = schemas.apply("domain_hosts", hosts)
        change.refusals.merge({f"{kind}.{path}": found for path, found in errors.items()})
    if count > MAX_HOSTS:
        message = f"At most {MAX_HOSTS} hosts can be named"
        change.refusals.add("domains", "maxProperties", message, target=MAX_HOSTS)


TEMPLATES = Singleton(
    noun="whitelabel_domains",
    doc_type="whitelabel_domains",
    schema="domains",
    actions=frozenset(),
    hooks=Hooks(check=(check_hosts,)),
)
"""The records that the domain of every brand needs."""


async def replace_templates(request: Request) -> Result:
    """The records that every brand's domain needs, instead of those before."""
    if not request.data:
        raise ValidationFailed.of("domains", "required", "Domains are required")
    operation = replace(request.operation, family=TEMPLATES)
    return await singletons.replace(replace(request, operation=operation))


async def _domain(request: Request) -> str:
    """The domain that is asked about: the one in the request, else the brand's."""
    domain = request.control("domain")
    if domain is None:
        key = Key(request.account_id, "whitelabel", "whitelabel")
        brand = await request.services.store.get(key) or {}
        domain = brand.get("domain")
    if not isinstance(domain, str) or not domain:
        message = "No domain is named, and the brand has none"
        raise ValidationFailed.of("domain", "required", message)
    if not is_host_name(domain.lower()):
        message = "The domain has to be a host name, such as ui.example.com"
        raise ValidationFailed.of("domain", "invalid", message, cause=domain)
    return domain.lower()


async def _needed(request: Request) -> Iterator[tuple[str, str, Document]]:
    """What the domain needs: type of the records, host, and what is expected of it."""
    domain = await _domain(request)
    key = Key(SYSTEM, TEMPLATES.doc_type, TEMPLATES.noun)
    templates = await request.services.store.get(key) or {}
    return (
        (kind, host.replace(PLACE, domain), _filled(facts, domain))
        for kind in RECORD_TYPES
        for host, facts in templates.get(kind, {}).items()
    )


def _filled(value: Any, domain: str) -> Any:
    """A part of the templates, for a domain."""
    if isinstance(value, dict):
        return {name: _filled(item, domain) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, domain) for item in value]
    return value.replace(PLACE, domain) if isinstance(value, str) else value


async def list_records(request: Request) -> Result:
    """The records that the domain needs, by type and host."""
    data: Document = {}
    for kind, host, facts in await _needed(request):
        data.setdefault(kind, {})[host] = facts
    return Result(data=data)


async def test_records(request: Request) -> Result:
    """What should be in the DNS, and what is there now, by type and host."""
    needed = list(await _needed(request))
    names = request.services.names
    found = await asyncio.gather(*(names.look_up(kind, host) for kind, host, _ in needed))
    data: Document = {}
    for (kind, host, facts), actual in zip(needed, found, strict=True):
        data.setdefault(kind, {})[host] = {
            "expected": facts["mapping"],
            "actual": actual,
            "name": facts["name"],
        }
    return Result(data=data)


DOMAIN_ROUTES = (
    route(
        "domains",
        Action.FETCH,
        list_records,
        "List the DNS records that the domain needs",
        Answers(SOME_OBJECT),
    ),
    Route(
        path="domains",
        action=Action.REPLACE,
        handler=test_records,
        about="Test the DNS records of the domain",
        access=Access.ADMIN,
        answers=Answers(SOME_OBJECT),
    ),
)

TEMPLATE_ROUTE = Route(
    path="domains",
    action=Action.REPLACE,
    handler=replace_templates,
    about="Replace the DNS records that every domain needs",
    access=Access.SUPERDUPER,
    schema="domains",
    answers=Answers(SOME_OBJECT),
)
