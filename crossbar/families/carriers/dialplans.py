"""Dial plans of the system: what accounts, users and devices may name in their own."""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.documents import Document
from crossbar.families.carriers.places import configured


async def fetch(request: Request) -> Result:
    """Every dial plan by its name; of one without a name that is its expression."""
    plans: Document = {}
    for regex, value in (await configured(request.services, "dialplans")).items():
        for entry in value if isinstance(value, list) else [value]:
            if not isinstance(entry, dict):
                continue
            if isinstance(name := entry.get("name"), str) and name:
                plans[name] = {**entry, "regex": regex}
            else:
                plans[regex] = {**entry, "name": regex}
    return Result(data=plans)


DIALPLANS = Routes(
    noun="dialplans",
    routes=(route("", Action.FETCH, fetch, "Read the system's dial plans", Answers(SOME_OBJECT)),),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)
