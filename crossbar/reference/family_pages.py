"""``docs/families``: a page a noun, generated from the declarations, schemas and docstrings.

What cannot be read off the code is written by hand in ``docs/families/notes/<noun>.md`` and
included as it stands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Container, Iterable, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from crossbar import catalog
from crossbar.app import REGISTRY
from crossbar.core.registry import SINGLETON, STANDARD, Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Collection, Family, FieldIndex, Scope, Singleton
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.reference.family_examples import curl
from crossbar.reference.markdown import cell, said, table
from crossbar.reference.schema_tables import Schema, field_table
from crossbar.validation import Schemas

FOLDER = Path("docs", "families")

MAY: Mapping[Access, str] = {
    Access.PUBLIC: "anybody",
    Access.TOKEN: "any token",
    Access.ACCOUNT: "the account and those above",
    Access.SELF: "administrators and the user",
    Access.ADMIN: "administrators",
    Access.RESELLER: "administrators of its reseller",
    Access.SUPERDUPER: "operators",
}

INDEX = """\
# Families

Generated from the declarations in `crossbar/families/`, the schemas and the docstrings; `make
docs` writes these pages anew. Notes that are written by hand are in `docs/families/notes/`.

How to ask, and what every family has in common, is in the [README](../../README.md); what a
refusal looks like in [errors](../errors.md). A PUT creates, a POST replaces, a PATCH merges.

Who may: *anybody* needs no token; *any token* is every caller that has logged in; *the account
and those above* are callers of the account in the path and of the accounts above it;
*administrators* are those of them whose privilege level is `admin`; *operators* are
administrators of the master account, whose callers may use everything else. Token restrictions may
take away more. [Powers](../powers.md) says what is for administrators, and why.

Paths of fields are dotted: `a[]` are the items of a list, `a.*` the values of any key, `a./…/` the
values of keys that match. A link in the place of a type leads to a schema that several share.

No telephone switch is inside the gateway; what families tell and ask of one goes through
`crossbar/core/ports/switch.py`. While none is connected, a command that nobody waits for is
accepted, a question is answered as if nobody knew, and what would have to happen now is refused
with 503 `switch_unavailable`. Documents are stored all the same.

| family | what it is | operations |
|---|---|---|
"""

HOW_TO_READ = "How to read this page: [families](README.md)."

STAGES: Mapping[str, str] = {
    "normalize": "Before the schema",
    "check": "Beyond the schema",
    "prepare": "When it is stored",
    "deleting": "When it is deleted",
    "committed": "Once it is on disk",
    "present": "When it is shown",
    "reindexed": "By `crossbar reindex`",
}

_SCHEMAS = Schemas()
SCHEMAS: Mapping[str, Schema] = {name: _SCHEMAS.document(name) for name in _SCHEMAS.names()}


ACTIONS = list(Action)


def nouns() -> dict[str, list[Operation]]:
    """The operations of every noun, nouns sorted, operations by path and action."""
    found: dict[str, list[Operation]] = {}
    for operation in REGISTRY.operations():
        found.setdefault(operation.family.noun, []).append(operation)
    return {
        noun: sorted(found[noun], key=lambda each: (each.path, ACTIONS.index(each.action)))
        for noun in sorted(found)
    }


def pages(root: Path) -> dict[str, str]:
    """Every page by its file name; ``root`` is the project's folder, where notes are."""
    made = {f"{noun}.md": _page(noun, found, root) for noun, found in nouns().items()}
    rows = (
        f"| [{noun}]({noun}.md) | {cell(_about_noun(found))} | {len(found)} |\n"
        for noun, found in nouns().items()
    )
    return {"README.md": INDEX + "".join(rows), **made}


def write(root: Path) -> None:
    """Write the pages below ``root``, the folder of the project; remove those of no family."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(root)
    for page in folder.glob("*.md"):
        if page.name not in made:
            page.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def _page(noun: str, found: list[Operation], root: Path) -> str:
    declared = _declared(found)
    actions = {operation.action for operation in found}
    notes = root / FOLDER / "notes" / f"{noun}.md"
    sections = [
        ("Operations", [*_operations(found), *_media_types(_split(found)[0])]),
        ("In detail", _details(found)),
        ("Documents", _once(_documents(family, actions) for family in declared)),
        *((f"Fields of `{name}`", field_table(SCHEMAS[name])) for name in _schemas(found)),
        ("Rules", _once(_rules(family) for family in declared)),
        ("Example", _example(found)),
        ("Notes", notes.read_text(encoding="utf-8").split("\n")[:-1] if notes.exists() else []),
    ]
    lines = [f"# {noun}", "", cell(_about_noun(found)), "", HOW_TO_READ]
    for title, content in sections:
        if content:
            lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _once(parts: Iterable[list[str]]) -> list[str]:
    """The lines of all parts; what is true of several families of a noun is said once."""
    return list(dict.fromkeys(chain.from_iterable(parts)))


def _declared(found: Iterable[Operation]) -> list[Family]:
    return list({id(operation.family): operation.family for operation in found}.values())


def _schemas(found: list[Operation]) -> list[str]:
    """The schemas of a noun, those of its documents first."""
    names = (*_own_schemas(found), *(operation.schema for operation in found))
    return list(dict.fromkeys(name for name in names if name))


def _own_schemas(found: list[Operation]) -> list[str]:
    schemas = (getattr(family, "schema", None) for family in _declared(found))
    return [name for name in schemas if name]


def _about_noun(found: list[Operation]) -> str:
    """The description of the noun's schema, else what its module says of itself.

    Where routes are sent several schemas, only the one named like the noun describes it all.
    """
    names, noun = _schemas(found), found[0].family.noun
    first = noun if noun in names else next(iter(names), "")
    is_telling = first == noun or len(names) == 1 or bool(_own_schemas(found))
    described = str(SCHEMAS[first].get("description", "")) if first and is_telling else ""
    return described or said(_module_of(found[0].family))


def _module_of(family: Family) -> Any:
    """The module that declares a family, not one that only imports it."""
    for module in map(import_module, catalog.modules()):
        names = [name for name, value in vars(module).items() if value is family]
        if any(re.search(rf"^{name}\b.* = ", inspect.getsource(module), re.M) for name in names):
            return module
    return catalog


def _asked(operation: Operation) -> str:
    return f"{VERB_OF[operation.action]} `/v2{operation.template}`"


def _tail(operation: Operation) -> tuple[Action, tuple[str, ...]]:
    return operation.action, operation.path[operation.depth :]


def _split(found: list[Operation]) -> tuple[list[Operation], list[Operation]]:
    """The operations to show, and those that are the same below another document."""
    plain = {_tail(operation) for operation in found if operation.parent is None}
    shown = [each for each in found if each.parent is None or _tail(each) not in plain]
    return shown, [each for each in found if each not in shown]


def _operations(found: list[Operation]) -> list[str]:
    """A table of what is not below another document, then where else the same is offered."""
    shown, repeated = _split(found)
    lines = ((*_asked(each).split(" ", 1), each.about, MAY[each.access]) for each in shown)
    also: dict[str, list[Operation]] = {}
    for each in repeated:
        also.setdefault("/".join(each.path[2 : each.depth - 1]), []).append(each)
    plain = len([each for each in shown if each.parent is None])
    bases: dict[str, list[str]] = {}
    for base, offered in also.items():
        bases.setdefault(_offered(offered, plain), []).append(base)
    words = (f"\nAlso below {_listed(each)}: {what}." for what, each in bases.items())
    return [*table("verb | path | what it does | who may", lines), *words]


def _offered(offered: list[Operation], plain: int) -> str:
    some = (
        f"{VERB_OF[each.action]} `{'/'.join((each.family.noun, *_tail(each)[1]))}`"
        for each in offered
    )
    what = "all of these" if len(offered) == plain else ", ".join(some)
    entry = next((each.parent.entry for each in offered if each.parent and each.parent.entry), "")
    narrowed = f"; the list holds what is found by `{entry}`" if entry else ""
    return f"{what}{narrowed}"


def _media_types(found: list[Operation]) -> list[str]:
    lines = []
    for each in found:
        for does, types in (("also takes", each.reads), ("answers with", each.produces)):
            if types:
                named = "a file of any type" if types == ("*/*",) else _listed(types)
                lines.append(f"- {_asked(each)} {does} {named}")
    return ["", *lines] if lines else []


STANDARD_HANDLERS = {handler for handler, _ in (*STANDARD.values(), *SINGLETON.values())}


def _details(found: list[Operation]) -> list[str]:
    """What the docstrings of hand-written operations say beyond the table, each once."""
    shown, repeated = _split(found)
    asked = _asked_by_text(shown)
    for text, below in _asked_by_text(repeated).items():
        asked[text] = [*asked[text], "also below the nouns above"] if text in asked else below
    return [f"- {', '.join(each)}: {text}" for text, each in asked.items()]


def _asked_by_text(operations: Iterable[Operation]) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    for each in operations:
        if each.handler not in STANDARD_HANDLERS and (text := said(each.handler)):
            asked.setdefault(text, []).append(_asked(each))
    return asked


def _documents(family: Family, actions: Container[Action]) -> list[str]:
    """In words: what lists show, how documents are found, what a deletion leaves behind."""
    if isinstance(family, Singleton):
        unread = "is a 404" if family.optional else "answers its defaults"
        return [f"There is one document per account. Reading it before it was written {unread}."]
    if not isinstance(family, Collection):
        return []
    lines = []
    if Action.LIST in actions and family.summary != ():
        lines.append(_rows_of(family))
        by = said(family.order) if family.order else "The id."
        lines.append(f"- What it is sorted by: {by}")
    if family.indexes:
        lines.append(f"- Indexed by {_listed(index.name for index in family.indexes)}.")
    served = [f"filter_{each.path}" for each in family.indexes if isinstance(each, FieldIndex)]
    if served and family.scopes:
        lines.append(f"- An index serves {_listed(served)}.")
    if Action.DELETE in actions:
        kept = "are kept, marked as deleted" if family.soft_delete else "are gone"
        lines.append(f"- Deleted documents {kept}.")
    return lines


def _rows_of(family: Collection) -> str:
    if family.summary is None:
        return "- A list shows ids alone."
    keys = (key if isinstance(key, str) else key.key for key in family.summary)
    return f"- A list shows `id` and, where they are set, {_listed(keys)}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rules(family: Family) -> list[str]:
    """What no two documents may share, and what the family's own stages do."""
    lines = []
    for unique in family.unique if isinstance(family, Collection) else ():
        where = "the account" if unique.within is Scope.ACCOUNT else "the system"
        message = unique.message.format(value="…", holder="…")
        rule = f"- `{unique.path}` is unique within {where}: “{message}”"
        lines.append(". ".join(filter(None, (rule, said(unique.values)))))
    hooks = getattr(family, "hooks", None)
    for stage, when in STAGES.items() if hooks else ():
        texts = filter(None, map(said, getattr(hooks, stage)))
        lines += [f"- {when}: {text}" for text in texts]
    return lines


def _example(found: list[Operation]) -> list[str]:
    commands = list(curl(found, SCHEMAS))
    return ["```sh", *commands, "```"] if commands else []
