"""What is wrong with a document, in the protocol's words.

The private mate of :mod:`crossbar.validation`. Here live the checked formats, the validator that
finds every error (jsonschema, with the keywords below replaced so that it agrees with the compiled
one and names the failing field), and the table that maps an error to its wire form
(docs/protocol.md §4.5). Loading schemas, filling defaults and deciding are not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from jsonschema_rs import Draft202012Validator as CompiledValidator
from jsonschema_rs import RegexOptions

from crossbar.abridging import abridged
from crossbar.errors import ROOT

_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _is_date_time(text: str) -> bool:
    """RFC 3339, with an offset."""
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _is_email(text: str) -> bool:
    """Something, one ``@``, something: all that upstream asks for."""
    name, _, host = text.partition("@")
    return bool(name and host) and "@" not in host


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except AddressValueError:
        return False


CHECKED_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "email": _is_email,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
}

# Formats that the compiled validator would check by itself; the protocol ignores them (§4.5).
_IGNORED_FORMATS = (
    "date time duration hostname idn-email idn-hostname iri iri-reference json-pointer regex"
    " relative-json-pointer uri uri-reference uri-template uuid"
)

COMPILED_FORMATS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(_IGNORED_FORMATS.split(), lambda _: True),
    **CHECKED_FORMATS,
}


def _format_checker() -> FormatChecker:
    def text_only(check: Callable[[str], bool]) -> Callable[[object], bool]:
        return lambda value: not isinstance(value, str) or check(value)

    checker = FormatChecker(formats=())
    for name, check in CHECKED_FORMATS.items():
        checker.checks(name)(text_only(check))
    return checker


FORMAT_CHECKER = _format_checker()


LINEAR = RegexOptions()
"""The engine for the patterns of schemas: it never backtracks, so it has no look-around."""


@cache
def _rule(keyword: str, wanted: bytes) -> CompiledValidator:
    return CompiledValidator({keyword: orjson.loads(wanted)}, pattern_options=LINEAR)


def holds(keyword: str, wanted: Any, value: Any) -> bool:
    """Whether ``value`` satisfies one schema keyword, as the compiled validator sees it.

    Text that cannot be encoded (lone surrogates) satisfies nothing. Patterns are ECMA 262: ``\\d``
    and ``\\w`` are ASCII, ``$`` is the very end; matching takes linear time. ``wanted`` is
    remembered, so it comes from a schema, never from a client.
    """
    try:
        return _rule(keyword, orjson.dumps(wanted)).is_valid(value)
    except ValueError:
        return False


# The functions below have the signature that jsonschema asks of a keyword: the validator, the
# keyword's value in the schema, the value judged, the schema around the keyword.
_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def _leaf(keyword: str) -> _Keyword:
    """A keyword without subschemas, judged by the compiled validator.

    jsonschema differs from it in regular expressions (Unicode classes, a last line feed, unbounded
    backtracking), in ``multipleOf`` with fractions, and is quadratic for ``uniqueItems``.
    """

    def check(_validator: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if not holds(keyword, wanted, value):
            yield ValidationError("")

    return check


def _required(_validator: Any, names: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """One error for each missing property, at that property's path."""
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield ValidationError("", path=[name], instance=name)


def _member(validator: Any, name: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    """The errors of one property of an object."""
    if schema is False:
        # jsonschema forgets the path here.
        yield ValidationError("", path=[name], instance=value, validator=None)
    else:
        yield from validator.descend(value, schema, path=name)


def _properties(
    validator: Any, properties: Any, value: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for name, subschema in properties.items():
            if name in value:
                yield from _member(validator, name, value[name], subschema)


def _pattern_properties(
    validator: Any, patterns: Any, value: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, subschema in patterns.items():
            for name, item in value.items():
                if holds("pattern", pattern, name):
                    yield from _member(validator, name, item, subschema)


def _additional_properties(
    validator: Any, allowed: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    """Undeclared properties: one error for each, at its path, when none is allowed."""
    if not isinstance(value, dict):
        return
    declared = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    for name, item in value.items():
        if name in declared or any(holds("pattern", pattern, name) for pattern in patterns):
            continue
        if allowed is False:
            # Upstream echoes the whole object for each extra property: an answer that grows with
            # the square of the request. The property's own value is enough.
            yield ValidationError("", path=[name], instance=item)
        else:
            yield from validator.descend(item, allowed, path=name)


def _all_of(validator: Any, branches: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """One error for the value, as upstream; jsonschema would report the branch's own errors."""
    for branch in branches:
        if next(validator.descend(value, branch), None) is not None:
            yield ValidationError("")
            return


_LEAVES = ("dependencies", "dependentRequired", "multipleOf", "pattern", "uniqueItems")

WordingValidator: Any = extend(
    Draft202012Validator,
    {
        **{keyword: _leaf(keyword) for keyword in _LEAVES},
        "additionalProperties": _additional_properties,
        "allOf": _all_of,
        "patternProperties": _pattern_properties,
        "properties": _properties,
        "required": _required,
    },
)

_FAILED = "failed to validate"
_STRICT = "Strict checking of data is enabled; only include schema-defined "
_NOT_LISTED = "Value not found in enumerated list of values"
_TOO_SMALL, _TOO_LARGE = "Value must be at least {}", "Value must be at most {}"

# Schema keyword: (error id, message, further members of the error), the table of §4.5.
_WORDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "additionalProperties": ("additionalProperties", _STRICT + "properties", ("value",)),
    "allOf": ("all_schemas_not_valid", _FAILED, ("value",)),
    "anyOf": ("any_schemas_not_valid", _FAILED, ("value",)),
    "const": ("enum", _NOT_LISTED, ("target", "value")),
    "dependencies": ("dependencies", "Dependencies were not validated", ("value",)),
    "dependentRequired": ("dependencies", "Dependencies were not validated", ("value",)),
    "enum": ("enum", _NOT_LISTED, ("target", "value")),
    "exclusiveMaximum": ("maximum", _TOO_LARGE, ("target", "value")),
    "exclusiveMinimum": ("minimum", _TOO_SMALL, ("target", "value")),
    "format": ("wrong_format", "Field is not in the correct format", ("value", "format")),
    "items": ("additionalItems", _STRICT + "items", ("value",)),
    "maxItems": ("maxItems", "The list is more than {} items", ("target", "value")),
    "maxLength": (
        "maxLength",
        "String must not be more than {} characters",
        ("target", "cause", "value"),
    ),
    "maxProperties": ("too_many_properties", _FAILED, ("value",)),
    "maximum": ("maximum", _TOO_LARGE, ("target", "value")),
    "minItems": ("minItems", "The list must have at least {} items", ("target", "value")),
    "minLength": (
        "minLength",
        "String must be at least {} characters",
        ("target", "cause", "value"),
    ),
    "minProperties": ("too_few_properties", _FAILED, ("value",)),
    "minimum": ("minimum", _TOO_SMALL, ("target", "value")),
    "multipleOf": ("not_multiple_of", _FAILED, ("value",)),
    "not": ("not_schema_valid", _FAILED, ("value",)),
    "oneOf": ("not_one_schema_valid", _FAILED, ("value",)),
    "pattern": ("pattern", "Failed to match pattern '{}'", ("target", "value")),
    "required": ("required", "Field is required but missing", ("value",)),
    "type": ("type", "Value did not match type(s): {}", ("target", "value")),
    "uniqueItems": ("uniqueItems", "List of items is not unique", ("value",)),
}

# Keywords that upstream's draft 4 does not know (contains, propertyNames, if ...).
_OTHER = ("invalid", _FAILED, ("value",))


def dotted(path: Iterable[str | int]) -> str:
    """A path as the wire has it: joined by dots, a dot inside a part written ``%2E``."""
    return ".".join(str(part).replace(".", "%2E") for part in path) or ROOT


def worded(error: ValidationError, secrets: frozenset[str]) -> tuple[str, str, dict[str, Any]]:
    """The wire form of one error: path, error id, body (docs/protocol.md §4.5).

    ``secrets`` are names of write-only properties. Their values are never repeated: the error of
    such a property has no ``value`` and ``cause``, that of an object around it leaves them out.
    """
    rule, message, members = _WORDS.get(error.validator, _OTHER)
    wanted, path = error.validator_value, list(error.absolute_path)
    if error.validator == "type":
        wanted = wanted if isinstance(wanted, str) else ", ".join(wanted)
    elif error.validator == "const":
        wanted = [wanted]
    body: dict[str, Any] = {"message": message.format(wanted)}
    if "target" in members:
        body["target"] = wanted
    hidden = error.validator != "required" and (
        not secrets.isdisjoint(path) or _is_write_only(error.schema)
    )
    if not hidden:
        value = _without(abridged(error.instance), secrets)
        body.update((member, value) for member in members if member in ("cause", "value"))
    if "format" in members:
        body["format"] = wanted
    return dotted(path), rule, body


def _is_write_only(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def _without(value: Any, names: frozenset[str]) -> Any:
    """A copy of ``value`` without the properties of these names, at every depth."""
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
