"""The configuration of the system: documents of sections, which operators write.

What a section says that the levels below it say anyway is not stored. What takes effect here is in
:mod:`crossbar.core.configuration`; all else is kept for those who read it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from copy import deepcopy

from crossbar.core import reading, recipes
from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, some
from crossbar.core.change import Change
from crossbar.core.configuration import (
    DEFAULT,
    SYSTEM_CONFIG,
    counterparts_of,
    difference,
    expectation,
    name_of,
    setting_of,
    system_key,
)
from crossbar.core.preconditions import require_match
from crossbar.core.requests import Action, Request, Result
from crossbar.core.sealing import KEPT, sealed, unsealed
from crossbar.core.shapes import Access, Collection, Handler, Hooks, Route, Routes
from crossbar.core.writing import commit_private, in_turn, judge, remove
from crossbar.documents import Document, lookup, merge, private
from crossbar.errors import NoSuchDocument, NotFound
from crossbar.storage import SYSTEM, Span

NAME = re.compile(r"[A-Za-z0-9_.@-]{1,128}")


async def check_sections(change: Change) -> None:
    """Every section is judged as it will hold: over ``default`` and over the schema's defaults.

    What takes effect here has to fit the setting that it stands for.
    """
    services, name = change.actor.services, change.key.doc_id.removeprefix(f"{SYSTEM_CONFIG}.")
    schema, below = f"{SYSTEM_CONFIG}.{name}", services.configuration.defaults(name)
    for section, values in change.document.items():
        if not isinstance(values, dict):
            message = "Value did not match type(s): object"
            change.refusals.add(section, "type", message, target="object")
            continue
        if schema in services.schemas:
            level = below if section == DEFAULT else merge(below, _default_of(change.document))
            judged = deepcopy(merge(level, values))
            _, errors = await services.schemas.judged(schema, judged)
            change.refusals.merge({f"{section}.{path}": each for path, each in errors.items()})
            _keep_softened(values, judged)
        for counterpart in counterparts_of(name):
            value = lookup(values, counterpart.path.split("."))
            path = f"{section}.{counterpart.path}"
            if value is None or path in change.refusals:
                continue
            try:
                setting_of(counterpart, value)
            except ValueError:
                message = f"expected {expectation(counterpart)}"
                change.refusals.add(path, "invalid", message, value=value)


def _keep_softened(values: Document, judged: Document) -> None:
    """Take over what a schema has made of texts that spell its types."""
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(judged.get(name), dict):
            _keep_softened(value, judged[name])
        elif name in judged:
            values[name] = judged[name]


CONFIG = Collection(
    noun="system_configs",
    doc_type=SYSTEM_CONFIG,
    schema="system_configs",
    summary=(),
    actions=frozenset(),
    scopes=(),
    hooks=Hooks(check=(check_sections,)),
)
"""The documents; their paths are those of routes."""


def _name(request: Request, param: str = "config") -> str:
    name = request.ids[param]
    if not NAME.fullmatch(name):
        raise NotFound
    return name


def _default_of(stored: Document) -> Document:
    found = stored.get(DEFAULT)
    return found if isinstance(found, dict) else {}


async def _stored(request: Request) -> Document | None:
    return await request.services.store.get(system_key(_name(request)))


def _sections(request: Request, stored: Document | None) -> Document:
    """What is stored, by section."""
    found = unsealed(request.services.credentials, stored or {})
    return {name: value for name, value in found.items() if isinstance(value, dict)}


async def list_names(request: Request) -> Result:
    """The names of the configurations that are stored."""
    return await reading.list_span(
        request, Span(account_id=SYSTEM, doc_type=SYSTEM_CONFIG), name_of
    )


async def fetch(request: Request) -> Result:
    """A configuration: ``default`` with what the schema says, other sections as stored.

    With ``with_defaults`` every section is shown as it holds.
    """
    name, stored = _name(request), await _stored(request)
    shown = _sections(request, stored)
    default = merge(request.services.configuration.defaults(name), _default_of(shown))
    if request.says_yes("with_defaults"):
        shown = {section: merge(default, values) for section, values in shown.items()}
    return _result({**shown, DEFAULT: default}, stored, name)


async def fetch_section(request: Request) -> Result:
    """One section as stored; with ``with_defaults``, as it holds."""
    name, section, stored = _name(request), _name(request, "section"), await _stored(request)
    sections = _sections(request, stored)
    shown = sections.get(section, {})
    if request.says_yes("with_defaults"):
        default = merge(request.services.configuration.defaults(name), _default_of(sections))
        shown = merge(default, shown)
    return _result(shown, stored, f"{name}/{section}")


def _result(shown: Document, stored: Document | None, shown_id: str) -> Result:
    return Result(data={**shown, "id": shown_id}, revision=stored["_rev"] if stored else None)


Propose = Callable[[Document], Document]
"""Makes the sections that are to be of those that are."""


async def _write(request: Request, propose: Propose) -> Document:
    """Judge a whole document, and store what of it the levels below do not say."""
    name, services = _name(request), request.services
    key = system_key(name)

    async def attempt() -> Document:
        current = await services.store.get(key)
        change = Change(
            actor=request.actor,
            request=request,
            family=CONFIG,
            key=key,
            document=propose(_sections(request, current)),
            current=current,
        )
        change.document.setdefault(DEFAULT, {})
        await judge(change)
        own = _own(change.document, services.configuration.defaults(name))
        kept = private(current or {})
        kept.pop(KEPT, None)
        change.document = kept | sealed(services.credentials, own)
        return await commit_private(change)

    stored = await in_turn(request.actor, key, attempt, once=request.if_match is not None)
    await services.configuration.reload()
    return stored


def _own(sections: Document, below: Document) -> Document:
    default = merge(below, _default_of(sections))
    own = {
        section: difference(values, default)
        for section, values in sections.items()
        if section != DEFAULT
    }
    return {**own, DEFAULT: difference(_default_of(sections), below)}


async def replace(request: Request) -> Result:
    """The sections that were sent, and no others."""
    document = recipes.sent(request)
    stored = await _write(request, lambda current: document)
    return _result(_sections(request, stored), stored, _name(request))


async def patch(request: Request) -> Result:
    """What was sent merged over the sections that it names."""
    stored = await _write(request, lambda current: merge(current, recipes.sent(request)))
    return _result(_sections(request, stored), stored, _name(request))


async def replace_section(request: Request) -> Result:
    """One section as sent."""
    return await _write_section(request, lambda current, values: values)


async def patch_section(request: Request) -> Result:
    """What was sent put over the keys of a section."""
    return await _write_section(request, lambda current, values: {**current, **values})


async def _write_section(
    request: Request, combine: Callable[[Document, Document], Document]
) -> Result:
    section, values = _name(request, "section"), recipes.sent(request)

    def propose(current: Document) -> Document:
        combined = combine(current.get(section, {}), values)
        return {
            **current,
            section: {name: value for name, value in combined.items() if value is not None},
        }

    stored = await _write(request, propose)
    shown = _sections(request, stored).get(section, {})
    return _result(shown, stored, f"{_name(request)}/{section}")


async def delete(request: Request) -> Result:
    """Nothing of the configuration is stored any more; what was is answered."""
    name = _name(request)

    async def attempt() -> Result:
        current = await _stored(request)
        if current is None:
            raise NoSuchDocument(name)
        require_match(request, current)
        change = Change(
            actor=request.actor,
            request=request,
            family=CONFIG,
            key=system_key(name),
            document={},
            current=current,
        )
        await remove(change, is_soft=False)
        return _result(_sections(request, current), current, name)

    return await _removed(request, attempt)


async def delete_section(request: Request) -> Result:
    """One section is not stored any more."""
    name, section = _name(request), _name(request, "section")

    async def attempt() -> Result:
        current = await _stored(request)
        if section not in _sections(request, current):
            raise NoSuchDocument(f"{name}/{section}")
        await _write(
            request,
            lambda sections: {each: sections[each] for each in sections if each != section},
        )
        return _result({}, None, f"{name}/{section}")

    return await attempt()


async def _removed(request: Request, attempt: Callable[[], Awaitable[Result]]) -> Result:
    key = system_key(_name(request))
    result = await in_turn(request.actor, key, attempt, once=request.if_match is not None)
    await request.services.configuration.reload()
    return result


def _route(path: str, action: Action, handler: Handler, about: str) -> Route:
    return Route(
        path=path, action=action, handler=handler, about=about, answers=Answers(SOME_OBJECT)
    )


SECTION = "{config}/{section}"

SYSTEM_CONFIGS = Routes(
    noun="system_configs",
    access=Access.SUPERDUPER,
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_names,
            about="List the names of configurations of the system",
            answers=Answers(some(TEXT), is_paged=True),
        ),
        _route("{config}", Action.FETCH, fetch, "Read a configuration of the system"),
        _route("{config}", Action.CREATE, replace, "Set a configuration of the system"),
        _route("{config}", Action.REPLACE, replace, "Set a configuration of the system"),
        _route("{config}", Action.PATCH, patch, "Change a configuration of the system"),
        _route("{config}", Action.DELETE, delete, "Drop a configuration of the system"),
        _route(SECTION, Action.FETCH, fetch_section, "Read one section of a configuration"),
        _route(SECTION, Action.REPLACE, replace_section, "Set one section of a configuration"),
        _route(SECTION, Action.PATCH, patch_section, "Change one section of a configuration"),
        _route(SECTION, Action.DELETE, delete_section, "Drop one section of a configuration"),
    ),
)
