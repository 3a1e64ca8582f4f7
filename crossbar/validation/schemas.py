"""Schemas: load them, fill in defaults, convert soft types, judge a document, name what fails.

A schema is a file ``<name>.json``, JSON Schema draft 2020-12, with ``"$id": "<name>"``; it refers
to others by bare name (``"$ref": "caller_id"``). A document is accepted by a compiled validator in
microseconds; only a refused one meets the slower validator that words every error
(docs/protocol.md §4.5, :mod:`.wording`). Checks that need more than the document, such as
uniqueness, belong to the families; they gather what they find in :class:`.Refusals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import isfinite
from pathlib import Path
from threading import RLock
from typing import Any

import jsonschema_rs
import orjson
from jsonschema.exceptions import ValidationError
from jsonschema_rs import Draft202012Validator as CompiledValidator
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from crossbar.abridging import MAX_FAULTS
from crossbar.aside import done
from crossbar.documents import Document
from crossbar.errors import ROOT
from crossbar.validation.checks import KEYWORD, failed_checks
from crossbar.validation.client_urls import ClientUrls
from crossbar.validation.defaults import NESTED, Plan, complete, copied, leading
from crossbar.validation.refusals import FieldErrors
from crossbar.validation.wording import (
    COMPILED_FORMATS,
    FORMAT_CHECKER,
    LINEAR,
    WordingValidator,
    worded,
)

LOOKED_FOR = 1000
"""Errors after which no more are looked for, those of text that spells what is wanted among them:
each takes some 15 microseconds to find."""

ENOUGH = MAX_FAULTS + 1
"""Errors that stay, whatever is converted, after which no more are looked for: one more than are
named, so that it can be said that there are more."""

__all__ = ["ROOT", "BrokenSchema", "Schemas"]


class BrokenSchema(Exception):
    """A schema file is not JSON, not a schema, or refers to something that is not there."""


# At most 18 digits: what is converted must fit in the 64 bits that JSON writers can store.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def _soft(text: str, wanted: Any) -> Any:
    """``text`` as the wanted type where it spells one, else ``text`` itself."""
    if wanted == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if wanted in ("integer", "number") and _INTEGER.fullmatch(text):
        return int(text)
    if wanted == "number" and _NUMBER.fullmatch(text) and isfinite(float(text)):
        return float(text)
    return text


def _is_soft(error: ValidationError) -> bool:
    """Whether an error may go when text is converted."""
    text = error.instance
    return (
        error.validator == "type"
        and isinstance(text, str)
        and _soft(text, error.validator_value) is not text
    )


def _soften(document: Any, errors: Iterable[ValidationError]) -> bool:
    """Convert, in place, the strings that failed on a single wanted type; whether any was.

    As upstream (§4.5), a union of types and the insides of ``anyOf`` and its like are left alone.
    """
    softened = False
    for error in errors:
        if error.validator != "type" or not error.absolute_path:
            continue
        *way, last = error.absolute_path
        holder = document
        for part in way:
            holder = holder[part]
        # A property name that failed has the path of the object around it: not the same thing.
        if isinstance(error.instance, str) and holder[last] is error.instance:
            holder[last] = _soft(error.instance, error.validator_value)
            softened = softened or holder[last] is not error.instance
    return softened


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One schema, ready to judge."""

    quick: CompiledValidator
    wording: Any
    secrets: frozenset[str]
    filled: Plan | None
    """What of the schema leads to defaults."""

    checked: Plan | None
    """What of it leads to values with a check beyond their schema."""

    def errors(self, document: Any) -> list[ValidationError]:
        """The first errors of ``document``; empty when it is valid.

        No more than :data:`LOOKED_FOR`, and :data:`ENOUGH` of those that no conversion removes.
        """
        refused = True
        try:
            if self.quick.is_valid(document):
                return []
        except ValueError:
            # It cannot read the document (text with lone surrogates): the other one decides.
            refused = False
        found: list[ValidationError] = []
        lasting = 0
        for error in islice(self.wording.iter_errors(document), LOOKED_FOR):
            found.append(error)
            lasting += not _is_soft(error)
            if lasting == ENOUGH:
                break
        if refused and not found:
            # The two disagree, which is a defect; what either refuses is not stored.
            found.append(ValidationError("", validator=None, instance=document))
        return found

    def worded(self, errors: Iterable[ValidationError]) -> FieldErrors:
        """The errors in their wire form; the last one of a path stands."""
        fields: FieldErrors = {}
        for error in errors:
            path, rule, body = worded(error, self.secrets)
            fields[path] = {rule: body}
        return fields


def _layers(schema: Any, resolver: Any) -> Iterator[tuple[Document, Any]]:
    """The schema and what it is a name for: the target of its ``$ref``, its only ``allOf``."""
    pending, seen = [(schema, resolver)], set()
    while pending:
        layer, where = pending.pop()
        if not isinstance(layer, dict) or id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer, where
        if isinstance(reference := layer.get("$ref"), str):
            found = where.lookup(reference)
            pending.append((found.contents, found.resolver))
        if len(branches := layer.get("allOf", ())) == 1:
            pending.append((branches[0], where))


def _nodes(value: Any) -> Iterator[Document]:
    """Every object inside a schema, itself included."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _secret_names(registry: Registry[Any], name: str) -> Iterator[str]:
    """Names of the write-only properties that one schema declares.

    By name, not by place: that hides more rather than less, and does not depend on which branch
    of an ``anyOf`` was meant.
    """
    resolver = registry.resolver(name)
    for node in _nodes(registry.contents(name)):
        properties = node.get("properties")
        if isinstance(properties, dict):
            for secret, schema in properties.items():
                if any(layer.get("writeOnly") is True for layer, _ in _layers(schema, resolver)):
                    yield secret


def _default_directory(package: Path) -> Path:
    """Where schemas live: inside of an installed package, beside the package in a source tree."""
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


def _judged(name: str, schema: Any) -> Document:
    """The schema itself. Raises :class:`BrokenSchema` when it is none, or not of this name."""
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(map(str, error.instance_path))
        raise BrokenSchema(f"{name}: not a schema at /{place}: {error.message}") from error
    if not isinstance(schema, dict) or schema.get("$id") != name:
        raise BrokenSchema(f'{name}: not an object with "$id": "{name}"')
    return schema


# Schema keywords that a plan is made of, or that have schemas below them that it goes on with.
_WALKED = {
    KEYWORD,
    "$ref",
    "additionalProperties",
    "allOf",
    "items",
    "patternProperties",
    "properties",
}


class Schemas:
    """All schemas of one folder. A file is read, and a schema compiled, when first needed.

    With ``strict``, strings are not converted where a schema wants a number or a boolean
    (upstream's ``schema_strict_validation``). ``client_urls`` judges addresses of web servers.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        strict: bool = False,
        client_urls: ClientUrls | None = None,
    ) -> None:
        folder = directory or _default_directory(Path(__file__).parents[1])
        files = (path for path in folder.iterdir() if path.suffix == ".json")
        self._files = {path.stem: path for path in sorted(files)}
        self._strict = strict
        self._client_urls = client_urls or ClientUrls()
        self._loaded: dict[str, Document] = {}
        self._resources: dict[str, Resource[Any]] = {}
        self._compiled: dict[str, _Compiled] = {}
        self._plans: dict[int, Plan] = {}
        self._compiling = RLock()  # documents are judged in two threads

    def names(self) -> list[str]:
        """The names of all schemas, sorted."""
        return sorted(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def register(self, schema: Document) -> None:
        """Add a schema that is computed instead of read; it is not among the :meth:`names`.

        Raises :class:`BrokenSchema` for what is no schema.
        """
        self._loaded[schema["$id"]] = _judged(schema["$id"], schema)

    def document(self, name: str) -> Document:
        """A copy of the schema as its file has it; ``KeyError`` when there is none."""
        copy: Document = copied(self._schema(name))
        return copy

    def apply(self, name: str, document: Document) -> tuple[Document, FieldErrors]:
        """Judge ``document`` by the schema ``name``; ``KeyError`` when there is no such schema.

        Returns the document itself, changed in place: with defaults filled in and, unless strict,
        soft types converted; and the errors by dotted path, ``{}`` when it is valid. An error of
        the document as a whole has the path :data:`ROOT`. Nothing is shared with the schema.
        Defaults come first, so they satisfy ``required`` (docs/protocol.md §7.4).
        """
        compiled = self._compiled.get(name) or self._compile(name)
        try:
            if compiled.filled and type(document) in NESTED:
                complete(document, compiled.filled)
            errors = compiled.errors(document)
            while 0 < len(errors) < LOOKED_FOR and not self._strict and _soften(document, errors):
                errors = compiled.errors(document)
            fields = compiled.worded(errors)
            if compiled.checked:
                checks = failed_checks(document, compiled.checked, self, self._client_urls)
                fields |= dict(islice(checks, ENOUGH))
        except RecursionError:
            return document, {ROOT: {"invalid": {"message": "Data is nested too deeply"}}}
        return document, fields

    async def judged(self, name: str, document: Document) -> tuple[Document, FieldErrors]:
        """The same for a document of any size, without holding others up."""
        return await done(document, partial(self.apply, name, document))

    def check(self) -> list[str]:
        """Load everything and try it; what is wrong, one line each, empty when all is well."""
        problems: dict[str, None] = {}
        for name in self.names():
            problems.update(dict.fromkeys([*self._faults(name)] or self._trial(name)))
        return list(problems)

    def _schema(self, name: str) -> Document:
        schema = self._loaded.get(name)
        if schema is None:
            content = self._files[name].read_bytes()
            try:
                schema = _judged(name, orjson.loads(content))
            except orjson.JSONDecodeError as error:
                raise BrokenSchema(f"{name}: not JSON: {error}") from error
            self._loaded[name] = schema
        return schema

    def _resource(self, name: str) -> Resource[Any]:
        if name not in self._resources:
            # jsonschema takes "$schema" as an order to drop the replaced keywords from there on.
            contents = dict(self._schema(name))
            contents.pop("$schema", None)
            self._resources[name] = DRAFT202012.create_resource(contents)
        return self._resources[name]

    def _registry(self, name: str) -> Registry[Any]:
        """A schema and all that can be met from there by following references."""
        reached, pending = {name: self._resource(name)}, [name]
        while pending:
            for node in _nodes(self._schema(pending.pop())):
                target = str(node.get("$ref", "")).partition("#")[0]
                if target in self and target not in reached:
                    reached[target] = self._resource(target)
                    pending.append(target)
        registry: Registry[Any] = Registry()
        return registry.with_resources(reached.items()).crawl()

    def _compile(self, name: str) -> _Compiled:
        with self._compiling:
            if name not in self._compiled:
                self._compiled[name] = self._made(name)
        return self._compiled[name]

    def _made(self, name: str) -> _Compiled:
        registry = self._registry(name)
        schema, resolver = self._resource(name).contents, registry.resolver(name)
        try:
            quick = CompiledValidator(
                schema,
                formats=COMPILED_FORMATS,
                validate_formats=True,
                pattern_options=LINEAR,
                retriever=lambda uri: self._schema(uri.removeprefix("json-schema:///")),
            )
            plan = self._plan(schema, resolver)
        except (ValueError, jsonschema_rs.ReferencingError, Unresolvable) as error:
            raise BrokenSchema(f"{name}: {str(error).splitlines()[0]}") from error
        wording = WordingValidator(schema, registry=registry, format_checker=FORMAT_CHECKER)
        secrets = frozenset(
            secret for reached in registry for secret in _secret_names(registry, reached)
        )
        filled = plan and leading(plan, to=lambda part: part.defaults)
        checked = plan and leading(plan, to=lambda part: part.check)
        return _Compiled(quick, wording, secrets, filled, checked)

    def _plan(self, schema: Any, resolver: Any) -> Plan | None:
        """The defaults plan of a schema; ``None`` when there is nothing below it to fill in."""
        if not isinstance(schema, dict) or _WALKED.isdisjoint(schema):
            return None
        if id(schema) in self._plans:
            return self._plans[id(schema)]
        # Known before it is complete, so that a schema may contain itself.
        plan = self._plans[id(schema)] = Plan()
        for layer, where in _layers(schema, resolver):
            for name, subschema in layer.get("properties", {}).items():
                if name not in plan.named:
                    inner = plan.named[name] = self._plan(subschema, where)
                    if isinstance(subschema, dict) and {"default", "type"} <= subschema.keys():
                        plan.defaults.append((name, subschema["default"], inner))
            for pattern, subschema in layer.get("patternProperties", {}).items():
                plan.patterns.append((pattern, self._plan(subschema, where)))
            plan.rest = plan.rest or self._plan(layer.get("additionalProperties"), where)
            plan.items = plan.items or self._plan(layer.get("items"), where)
            plan.check = plan.check or layer.get(KEYWORD, "")
        return plan

    def _faults(self, name: str) -> Iterator[str]:
        """What is wrong with one file by itself, and with its references."""
        try:
            resolver = self._registry(name).resolver(name)
        except BrokenSchema as error:
            yield str(error)
            return
        for node in _nodes(self._schema(name)):
            if isinstance(reference := node.get("$ref"), str):
                try:
                    resolver.lookup(reference)
                except Unresolvable:
                    yield f"{name}: reference to {reference!r} leads nowhere"

    def _trial(self, name: str) -> Iterator[str]:
        """Whether a schema compiles, and whether it accepts its own defaults."""
        try:
            compiled = self._compiled.get(name) or self._compile(name)
            if compiled.filled:
                complete({}, compiled.filled)
        except BrokenSchema as error:
            yield str(error)
            return
        except RecursionError:
            yield f"{name}: its defaults contain each other without end"
            return
        _, errors = self.apply(name, {})
        for path, rules in errors.items():
            # What a client must send is missing here by right, but not inside of a default.
            if path != ROOT and not ("required" in rules and "." not in path):
                yield f"{name}: the default at {path} is refused: {', '.join(rules)}"
