"""The shape of the code: sizes, homes and words, as far as import contracts cannot hold them."""

from __future__ import annotations

import ast
import dataclasses
import gc
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import crossbar
from crossbar import catalog, errors
from crossbar.core import registry, requests, shapes
from crossbar.core.shapes import Collection, Journal, Routes, Singleton
from crossbar.errors import CrossbarError
from tests.each import for_each

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "crossbar"
MODULES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
OURS = [path for path in MODULES if path.is_relative_to(PACKAGE)]

LINES_OF_MODULE = 600
LONG_ANYWAY = {"tests/test_validation.py"}  # most of it is one table
LINES_OF_FUNCTION = 60
HOME = f"{errors.__name__}."
FIELDS_OF_SHAPE = 16
MADE_FOR_EVERY_REQUEST = (requests.Actor, requests.Query, requests.Request, requests.Result)
FILLED_AS_WORK_GOES_ON = (requests.Page, vars(registry)["_Node"])

BELOW_DIALECTS = [
    path
    for path in OURS
    if path.relative_to(PACKAGE).parts[0]
    in (
        "core",
        "families",
        "identity",
        "personnel",
        "storage",
        "validation",
        "visitors",
        "filtering.py",
        "documents.py",
    )
]
DIALECT_NAME = re.compile(r"(?<![a-z0-9])(v1|v1_1|v2|api_version)(?![a-z0-9])", re.IGNORECASE)
MONGODB_DRIVERS = {"motor", "pymongo", "gridfs", "bson"}
LONGEST_NAME = 20
# When the bytes of an attachment began to arrive matters to the file alone, and is no API's time.
STORE_OF_ITS_OWN_TIME = {f"crossbar/storage/sqlite/{part}.py" for part in ("layout", "batches")}
CLOCKS = {"time", "time_ns", "now", "utcnow", "today"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def every(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    return for_each(paths, name_of)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def _many_trees() -> Iterator[None]:
    """They are millions of objects, which the garbage collector is not to walk over."""
    gc.disable()
    yield
    tree_of.cache_clear()
    gc.enable()


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> set[str]:
    """The top-level names of what a module imports."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@every(MODULES)
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    is_long = len(path.read_text(encoding="utf-8").splitlines()) > LINES_OF_MODULE
    assert is_long == (name_of(path) in LONG_ANYWAY)


@every(MODULES)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    lengths = {
        function.name: (function.end_lineno or 0) - function.lineno + 1
        for function in functions_of(path)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LINES_OF_FUNCTION} == {}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_at_run_time(path: Path) -> Iterator[str]:
    """The modules of ours that a module imports, but for those that only types name."""
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        waiting += ast.iter_child_nodes(node)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """So each can be understood, and tested, with those below it alone."""
    modules = {module_of(path): path for path in OURS}
    below = {
        name: {each for each in imports_at_run_time(path) if each in modules}
        # A face and what is in the room: who imports one of the room's modules runs the face.
        - {name, name.rpartition(".")[0]}
        for name, path in modules.items()
    }
    TopologicalSorter(below).prepare()


@every([path for path in MODULES if path.stat().st_size])
def test_a_module_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@every(OURS)
def test_whatever_is_public_says_what_it_is_for(path: Path) -> None:
    nodes = [
        node
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    public = [node for node in nodes if not node.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@every(MODULES)
def test_nothing_is_left_to_be_done(path: Path) -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3))
    assert not re.search(rf"\b({marks})\b", path.read_text(encoding="utf-8"))


def shape_classes() -> list[type]:
    """Everything that families are declared with, and what is made of it."""
    return [
        value
        for module in (shapes, registry, requests)
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and dataclasses.is_dataclass(value)
        and value not in FILLED_AS_WORK_GOES_ON
    ]


@pytest.mark.parametrize("shape", shape_classes(), ids=lambda shape: shape.__name__)
def test_a_shape_has_few_fields_and_cannot_be_changed(shape: type) -> None:
    assert len(dataclasses.fields(shape)) <= FIELDS_OF_SHAPE
    assert "__slots__" in vars(shape)
    # Those of every request are frozen for the type checker alone.
    assert vars(shape)["__dataclass_params__"].frozen or shape in MADE_FOR_EVERY_REQUEST


def declared_families() -> dict[str, object]:
    """Every constant of a family module that declares a family, by its place."""
    found: dict[str, object] = {}
    for module in catalog.modules():
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, Collection | Singleton | Journal | Routes):
                found[f"{module}.{name}"] = value
    return found


def is_behind_routes(family: object) -> bool:
    """Whether its documents are what another family's routes are about."""
    return isinstance(family, Singleton | Collection) and not family.actions


def test_each_declared_family_is_listed_once() -> None:
    listed = Counter(id(family) for family in catalog.FAMILIES)
    missing = [
        name
        for name, family in declared_families().items()
        if not listed[id(family)] and not is_behind_routes(family)
    ]
    assert missing == []
    assert set(listed.values()) == {1}


def test_each_listed_family_is_a_constant_of_a_family_module() -> None:
    declared = {id(family) for family in declared_families().values()}
    assert [family.noun for family in catalog.FAMILIES if id(family) not in declared] == []


@every(BELOW_DIALECTS)
def test_nothing_below_the_dialects_knows_one(path: Path) -> None:
    """Neither a name in the code nor a text in it; comments may explain."""
    tree = tree_of(path)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    words = [word for node in ast.walk(tree) if id(node) not in docstrings for word in said(node)]
    assert [word for word in words if DIALECT_NAME.search(word)] == []


def said(node: ast.AST) -> Iterator[str]:
    """The name or short text that a node of the syntax tree is."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.Constant(value=str(text)) if len(text) < LONGEST_NAME:
            yield text


def error_classes() -> list[type[CrossbarError]]:
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, CrossbarError)
    ]


def test_each_status_has_one_home() -> None:
    """A class gives a status only if no class above it does, and no two give the same."""
    homes = [(vars(each)["status"], each) for each in error_classes() if "status" in vars(each)]
    again = [
        each.__name__
        for _, each in homes
        if each is not CrossbarError and each.__mro__[1] is not CrossbarError
    ]
    assert again == []
    assert [
        status for status, times in Counter(status for status, _ in homes).items() if times > 1
    ] == []


def test_errors_are_defined_in_one_room() -> None:
    for module in pkgutil.walk_packages(crossbar.__path__, "crossbar."):
        if module.name != "crossbar.__main__":
            importlib.import_module(module.name)
    waiting: list[type] = [CrossbarError]
    elsewhere = []
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.startswith("crossbar.") and not each.__module__.startswith(HOME):
            elsewhere.append(each.__name__)
    assert elsewhere == []


def test_only_the_mongodb_store_imports_its_drivers() -> None:
    users = [path for path in OURS if imported(path) & MONGODB_DRIVERS]
    home = re.compile(r"crossbar/storage/mongodb/\w+\.py")
    assert [name_of(path) for path in users if not home.fullmatch(name_of(path))] == []


def test_only_the_clock_says_what_time_it_is() -> None:
    """Intervals may be measured with a monotonic clock anywhere."""
    readers = set()
    for path in OURS:
        for node in ast.walk(tree_of(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("time", "datetime", "date")
                and node.func.attr in CLOCKS
            ):
                readers.add(name_of(path))
    assert readers <= {"crossbar/clock.py", *STORE_OF_ITS_OWN_TIME}
