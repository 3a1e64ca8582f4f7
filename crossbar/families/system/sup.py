"""Questions to the running server, as operators ask them on the command line of KAZOO.

There is a table of them, and nothing else can be run: none changes anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from crossbar import __version__
from crossbar.core.answers import TEXT, Answers
from crossbar.core.configuration import name_of
from crossbar.core.directory import ACCOUNT_TYPE, Account
from crossbar.core.jobs import waiting
from crossbar.core.requests import Action, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Routes, route
from crossbar.errors import NoSuchPath
from crossbar.families.accounts import normalized_name
from crossbar.storage import SYSTEM, Span

STATUS = "status"
MOST = 1000
"""Lines of an answer."""


async def _version(services: Services) -> str:
    return f"crossbar {__version__}"


async def _operations(services: Services) -> str:
    return "\n".join(f"{each.action} {each.template}" for each in services.registry.operations())


async def _store(services: Services) -> str:
    await services.store.ping()
    return "the store answers"


async def _accounts(services: Services) -> str:
    count = await services.store.count(Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE))
    return f"accounts: {count}"


async def _jobs(services: Services) -> str:
    due, failed = await waiting(services)
    return f"waiting: {len(due)}\ngiven up: {len(failed)}"


async def _kinds_of_jobs(services: Services) -> str:
    due, _ = await waiting(services)
    counted = Counter(str(job["kind"]) for job in due)
    return "\n".join(f"{kind}: {count}" for kind, count in sorted(counted.items()))


async def _journals(services: Services) -> str:
    lines = []
    for journal in services.registry.journals():
        buckets = await services.store.buckets(journal.doc_type)
        lines.append(f"{journal.doc_type}: {', '.join(buckets) or 'empty'}")
    return "\n".join(lines)


async def _configs(services: Services) -> str:
    names = []
    async for row in services.store.scan(Span(account_id=SYSTEM, doc_type="system_config")):
        names.append(name_of(row.document))
        if len(names) == MOST:
            break
    return "\n".join(names)


def _about(account: Account) -> str:
    return f"{account.account_id} {account.name}"


def _finder(
    index: str, normalized: Callable[[str], str]
) -> Callable[[Services, str], Awaitable[str]]:
    async def find(services: Services, value: str) -> str:
        found = await services.accounts.find(index, normalized(value))
        return "\n".join(map(_about, found)) or "no such account"

    return find


async def _by_id(services: Services, account_id: str) -> str:
    account = await services.accounts.get(account_id)
    return _about(account) if account else "no such account"


QUESTIONS: Mapping[tuple[str, str], Callable[[Services], Awaitable[str]]] = {
    ("accounts", STATUS): _accounts,
    ("configs", STATUS): _configs,
    ("crossbar", "operations"): _operations,
    ("crossbar", STATUS): _version,
    ("jobs", "kinds"): _kinds_of_jobs,
    ("jobs", STATUS): _jobs,
    ("journals", STATUS): _journals,
    ("store", STATUS): _store,
}
"""By module and function."""

ABOUT_SOMETHING: Mapping[tuple[str, str], Callable[[Services, str], Awaitable[str]]] = {
    ("crossbar", "find_account_by_id"): _by_id,
    ("crossbar", "find_account_by_name"): _finder("name", normalized_name),
    ("crossbar", "find_account_by_realm"): _finder("realm", str.lower),
}
"""Those that take one argument."""


async def ask(request: Request) -> Result:
    """What a function prints. Raises :class:`NoSuchPath` for one that is not in the table."""
    named = request.ids["module"], request.ids.get("function", STATUS)
    if named not in QUESTIONS:
        raise NoSuchPath
    return Result(data=await QUESTIONS[named](request.services))


async def ask_about(request: Request) -> Result:
    """What a function prints of what is named."""
    named = request.ids["module"], request.ids["function"]
    if named not in ABOUT_SOMETHING:
        raise NoSuchPath
    return Result(data=await ABOUT_SOMETHING[named](request.services, request.ids["argument"]))


SUP = Routes(
    noun="sup",
    access=Access.SUPERDUPER,
    routes=(
        route("{module}", Action.FETCH, ask, "Ask a module how it is", Answers(TEXT)),
        route("{module}/{function}", Action.FETCH, ask, "Ask a module something", Answers(TEXT)),
        route(
            "{module}/{function}/{argument}",
            Action.FETCH,
            ask_about,
            "Ask a module about something",
            Answers(TEXT),
        ),
    ),
)
