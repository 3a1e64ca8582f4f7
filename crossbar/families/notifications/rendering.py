"""Templates of mails: a small part of Jinja, in which nothing costs more than its size.

Tenants write templates, and the server renders them. So a template may show what it is given,
choose and repeat, and no more: no assignments, macros, calls, arithmetic or joined texts, since
with each of them a few characters can ask for more than any machine has. What is left is as long
as the template times what it is given; repetitions are counted, and the texts that filters read.
Attributes are members of the facts, never of Python's objects. Nothing here is for the event loop:
render in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crossbar.documents import Document

LONGEST = 64_000
"""Characters that a template may have."""

MOST_PARTS, DEEPEST = 1_500, 25
"""Nodes of its syntax that a template may have, and how deeply they may be nested."""

MOST_STEPS = 20_000
"""Nodes that the repetitions of one rendering may come to, beside what is written once."""

READ = 100
"""Characters that a filter reads for what one node is."""

MOST_OUTPUT = 200_000
"""Characters that a rendering may come to."""

LONGEST_FACT, MOST_FACTS = 10_000, 100
"""Characters of a text, and items of a list, that templates are given."""

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
)

OF_TEXTS = ("capitalize", "e", "escape", "lower", "title", "trim", "upper")
"""Filters that read a whole text."""

FILTERS = frozenset(
    ("capitalize", "count", "d", "default", "e", "escape", "first", "last", "length", "lower")
) | {"title", "trim", "truncate", "upper"}
TESTS = frozenset(["defined", "false", "none", "number", "string", "true", "undefined"])
OF_LOOPS = frozenset(["first", "index", "index0", "last", "length", "revindex", "revindex0"])
STEPS = "_steps"
BUDGET = "_budget"


class BadTemplate(Exception):
    """A template that is not accepted, or that failed: the reason, and the line if it has one."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class _Budget:
    """What is left of the steps of one rendering."""

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def take(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise BadTemplate("repeats too much")


@pass_context
def _steps(context: Context, value: Any, weight: int) -> Iterator[Any]:
    """The items of what a template walks; each is paid for by what is done with it."""
    for item in value if isinstance(value, list | tuple | dict) else ():
        context[BUDGET].take(weight)
        yield item


def _paid(read: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is paid for by the length of what it is given.

    One that asks for the context is, moreover, not worked out while a template is compiled.
    """

    @pass_context
    def paid(context: Context, value: Any, *args: Any) -> Any:
        if isinstance(value, str):
            context[BUDGET].take(len(value) // READ)
        return read(value, *args)

    return paid


def _shown(value: Any) -> Any:
    """What stands for a value in a mail: nothing for what is no text and no number."""
    return value if isinstance(value, str | int | float | Undefined) else ""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without Python: attributes are members of dictionaries."""

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(
            autoescape=is_html,
            undefined=ChainableUndefined,
            finalize=_shown,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self.globals = {}
        self.filters = {name: each for name, each in self.filters.items() if name in FILTERS}
        self.tests = {name: each for name, each in self.tests.items() if name in TESTS}
        self.filters |= {name: _paid(self.filters[name]) for name in OF_TEXTS}
        self.filters[STEPS] = _steps

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of a dictionary, or a fact about a loop."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A member of a dictionary or a list, or a fact about a loop."""
        if isinstance(obj, LoopContext) and argument in OF_LOOPS:
            return getattr(obj, argument)
        if isinstance(obj, dict | list | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(name=str(argument))


PLAIN, HTML = _Environment(is_html=False), _Environment(is_html=True)


def check(source: str) -> None:
    """Raises :class:`BadTemplate` for a template that would not be rendered."""
    compiled(source, is_html=False)


def render(source: str, facts: Mapping[str, Any], *, is_html: bool = False) -> str:
    """What the template says of the facts. In HTML all of them are escaped.

    Raises :class:`BadTemplate`.
    """
    template = compiled(source, is_html=is_html)
    parts, size = [], 0
    try:
        for part in template.generate({**facts, BUDGET: _Budget()}):
            size += len(part)
            if size > MOST_OUTPUT:
                raise BadTemplate(f"comes to more than {MOST_OUTPUT} characters")
            parts.append(part)
    except BadTemplate:
        raise
    except Exception as error:  # a filter that was given what it is not for
        raise BadTemplate(f"{type(error).__name__}: {error}"[:300]) from None
    return "".join(parts)


@lru_cache(maxsize=64)
def compiled(source: str, *, is_html: bool) -> Template:
    """The template, ready to be rendered. Raises :class:`BadTemplate`."""
    if len(source) > LONGEST:
        raise BadTemplate(f"has more than {LONGEST} characters")
    environment = HTML if is_html else PLAIN
    try:
        tree = environment.parse(source)
        _require_harmless(tree)
        _count_repetitions(tree, environment)
        return environment.from_string(tree)
    except TemplateSyntaxError as error:
        raise BadTemplate(error.message or "is no template", error.lineno) from None
    except (RecursionError, MemoryError):
        raise BadTemplate("is nested too deeply") from None
    except (ValueError, SyntaxError) as error:  # numbers that are too long, for one
        raise BadTemplate(str(error)[:300]) from None


def _require_harmless(tree: nodes.Template) -> None:
    """Raises :class:`BadTemplate` for what is not allowed. Walked by hand: a tree may be deep."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > MOST_PARTS:
            raise BadTemplate(f"has more than {MOST_PARTS} parts")
        if depth > DEEPEST:
            raise BadTemplate("is nested too deeply", node.lineno)
        if reason := _fault_of(node):
            raise BadTemplate(reason, node.lineno)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _fault_of(node: nodes.Node) -> str:
    """Why a node is not allowed; empty for one that is."""
    if not isinstance(node, ALLOWED):
        return f"{type(node).__name__.lower()} is not allowed"
    if isinstance(node, nodes.Filter):
        if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return f"the filter {node.name} takes its arguments by their places"
        return "" if node.name in FILTERS else f"there is no filter {node.name}"
    if isinstance(node, nodes.Test):
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return f"the test {node.name} takes no arguments"
        return "" if node.name in TESTS else f"there is no test {node.name}"
    if isinstance(node, nodes.For) and node.recursive:
        return "loops cannot be recursive"
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        return f"{node.name} is not allowed"
    return ""


def _count_repetitions(tree: nodes.Template, environment: _Environment) -> None:
    """Have every loop pay for what it repeats."""
    for loop in list(tree.find_all(nodes.For)):
        weight = 1 + sum(1 for each in loop.body for _ in _all_of(each))
        if loop.test is not None:
            weight += sum(1 for _ in _all_of(loop.test))
        args: list[nodes.Expr] = [nodes.Const(weight, lineno=loop.lineno)]
        # A node takes its fields, then says where it was written.
        counted = nodes.Filter(loop.iter, STEPS, args, [], None, None, lineno=loop.lineno)
        loop.iter = counted.set_environment(environment)


def _all_of(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    yield from node.find_all(nodes.Node)


def bounded(value: Any, depth: int = 4) -> Any:
    """Facts as templates are given them: texts, numbers, lists and objects of them, all short."""
    if isinstance(value, str):
        return value[:LONGEST_FACT]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth:
        some: Document = {}
        for name, item in list(value.items())[:MOST_FACTS]:
            some[str(name)] = bounded(item, depth - 1)
        return some
    if isinstance(value, list | tuple) and depth:
        return [bounded(item, depth - 1) for item in value[:MOST_FACTS]]
    return ""
