"""Which callflow a number leads to: its own, one whose pattern fits, or the account's way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from crossbar.documents import Document, lookup, texts_at
from crossbar.families.callflows import CALLFLOWS
from crossbar.numbers import normalized
from crossbar.storage import Entry
from crossbar.switch.executor.book import Book
from crossbar.validation import Expression, Unusable

log = structlog.get_logger(__name__)

NO_MATCH = "no_match"

_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A callflow, and how the number leads to it: ``number``, ``pattern`` or ``no_match``; it may
    be ``given``, whatever the number is."""

    callflow: Document
    how: str
    capture: str = ""
    captures: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_no_match(self) -> bool:
        """Whether it is the account's way out."""
        return self.how == NO_MATCH


def dialed(book: Book, number: str) -> str:
    """A number as callflows list it: by the account's dial plan, full ones in E.164."""
    return normalized(by_plan(book.account.document.get("dial_plan"), number))


def by_plan(plan: object, number: str) -> str:
    """What a dial plan makes of a number: the first of its patterns that fits says what."""
    for pattern, rule in plan.items() if isinstance(plan, dict) else ():
        if pattern == "system" or not isinstance(rule, dict):
            continue
        found = expression(pattern)
        if found and (match := found.matched(number)):
            middle = match.groups[-1] if match.groups else match.text
            return f"{rule.get('prefix', '')}{middle}{rule.get('suffix', '')}"
    return number


def expression(pattern: str) -> Expression | None:
    """A pattern of a document; ``None`` for one that cannot be used."""
    try:
        return Expression(pattern)
    except Unusable as error:
        log.warning("pattern_cannot_be_used", pattern=pattern, reason=str(error))
        return None


async def find(book: Book, number: str, *, is_trusted: bool = True) -> Found | None:
    """Where a number leads. The way out (``no_match``) is only for who may be trusted with it."""
    if not number:
        return None
    if own := await book.holder(CALLFLOWS, "numbers", {"numbers": [number]}):
        return Found(callflow=own, how="number")
    if found := await _by_pattern(book, number):
        return found
    if is_trusted and _DIGITS.fullmatch(number):
        way_out = await book.holder(CALLFLOWS, "numbers", {"numbers": [NO_MATCH]})
        if way_out is not None:
            return Found(callflow=way_out, how=NO_MATCH)
    return None


async def _by_pattern(book: Book, number: str) -> Found | None:
    """The longest match wins; of equal ones the first."""
    best: Found | None = None
    for callflow in await book.listed(CALLFLOWS.doc_type, Entry("patterned", "true")):
        for found in matches(callflow, number):
            if best is None or len(found.capture) > len(best.capture):
                best = found
    return best


def matches(callflow: Document, number: str) -> list[Found]:
    """How the patterns of a callflow fit a number."""
    found = []
    for pattern in texts_at(callflow, "patterns"):
        compiled = expression(pattern)
        match = compiled.matched(number) if compiled else None
        if match is not None:
            found.append(
                Found(
                    callflow=callflow,
                    how="pattern",
                    capture=match.longest,
                    captures=match.named,
                )
            )
    return found


def path_to(callflow: Document, module: str, doc_id: str) -> tuple[str, ...]:
    """The keys that lead to the first step of a module with that id; none where there is none."""
    left: list[tuple[Document, tuple[str, ...]]] = [(root_of(callflow), ())]
    for node, path in left:
        if node.get("module") == module and lookup(node, ("data", "id")) == doc_id:
            return path
        children = node.get("children")
        for key, child in children.items() if isinstance(children, dict) else ():
            if isinstance(child, dict):
                left.append((child, (*path, key)))
    return ()


def root_of(callflow: Document) -> Document:
    """The first step of a callflow."""
    root = lookup(callflow, ("flow",))
    return root if isinstance(root, dict) else {}
