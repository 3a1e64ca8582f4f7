"""Login settings of accounts, and who tried to log in.

The settings are one document of an account; what they mean is in ``login_rules``.
"""

from __future__ import annotations

from dataclasses import replace as with_changes

from crossbar.clock import YEAR
from crossbar.core import singletons
from crossbar.core.answers import ROW, SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import Change
from crossbar.core.directory import is_at_or_below
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Handler, Hooks, Route, Routes, Scope, Singleton, route
from crossbar.documents import Document, public
from crossbar.families.logins.attempts import fetch_attempt, list_attempts
from crossbar.families.logins.rules import (
    CONFIG_ID,
    CONFIG_TYPE,
    METHODS,
    MODULES,
    inherited_rules,
    own_rules,
)
from crossbar.families.logins.second_factor import PROVIDER_TYPE
from crossbar.storage import Key

SCHEMA = "account_config.crossbar.auth"
EXPIRY = "token_auth_expiry_s"

READ_ONLY = "_read_only"


async def normalize(change: Change) -> None:
    """Drop what answers add to the settings of second factors."""
    modules = change.value(MODULES)
    for rules in modules.values() if isinstance(modules, dict) else ():
        factor = rules.get("multi_factor") if isinstance(rules, dict) else None
        if isinstance(factor, dict):
            factor.pop(READ_ONLY, None)


async def check_lifetimes(change: Change) -> None:
    """Tokens live for a second at least and a year at most."""
    for method, rules in _sent_rules(change):
        lifetime = rules.get(EXPIRY)
        if not isinstance(lifetime, int):
            continue
        path = f"{MODULES}.{method}.{EXPIRY}"
        if lifetime < 1:
            change.refusals.add(path, "minimum", "Value must be at least 1", target=1)
        if lifetime > YEAR:
            message = f"Value must be at most {YEAR}"
            change.refusals.add(path, "maximum", message, target=YEAR)


async def check_second_factors(change: Change) -> None:
    """A second factor is one of the account's own, or of an account above it."""
    account = change.actor.require_account()
    for method, rules in _sent_rules(change):
        factor = rules.get("multi_factor")
        if not isinstance(factor, dict) or not factor.get("configuration_id"):
            continue
        path, holder = f"{MODULES}.{method}.account_id", factor.get("account_id")
        if not holder:
            message = "The account that holds the configuration must be named"
            change.refusals.add(path, "required", message)
        elif not is_at_or_below(account, holder):
            message = "The configuration must be the account's own or of an account above it"
            change.refusals.add(path, "forbidden", message, cause=holder)


def _sent_rules(change: Change) -> list[tuple[str, Document]]:
    modules = change.value(MODULES)
    named = modules.items() if isinstance(modules, dict) else ()
    return [(method, rules) for method, rules in named if isinstance(rules, dict)]


async def name_providers(request: Request, shown: Document, stored: Document) -> None:
    """Say what the second factors of a written document are called."""
    shown[MODULES] = await _with_providers(request.actor, stored.get(MODULES, {}))


async def _with_providers(actor: Actor, modules: Document) -> Document:
    named = {}
    for method, rules in modules.items():
        factor = rules.get("multi_factor")
        if isinstance(factor, dict):
            facts = await _about_provider(actor, factor)
            named[method] = {**rules, "multi_factor": {**factor, READ_ONLY: facts}}
        else:
            named[method] = rules
    return named


async def _about_provider(actor: Actor, factor: Document) -> Document:
    """Name and provider of a second factor; those of the system's own where there is none."""
    holder, doc_id = factor.get("account_id"), factor.get("configuration_id")
    found = None
    if holder and doc_id and is_at_or_below(actor.require_account(), holder):
        found = await actor.services.store.get(Key(holder, PROVIDER_TYPE, doc_id))
    if found is None or found.get("pvt_deleted"):
        return {"name": "Default System Provider", "provider_name": "duo"}
    return {"name": found["name"], "provider_name": found["provider_name"]}


CONFIG = Singleton(
    noun=CONFIG_ID,
    doc_type=CONFIG_TYPE,
    schema=SCHEMA,
    actions=frozenset(),
    optional=True,
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_lifetimes, check_second_factors),
        present=(name_providers,),
    ),
)
"""The settings as a document. Its path is that of the noun ``security``."""


async def fetch(request: Request) -> Result:
    """What the account sets itself, and what holds where it sets nothing."""
    account = request.require_account()
    own = await own_rules(request.services, account.account_id)
    modules = await inherited_rules(request.services, account)
    shown = public(own or {})
    if own:
        shown = {
            "id": CONFIG_ID,
            **shown,
            MODULES: await _with_providers(request.actor, own[MODULES]),
        }
    return Result(
        data={
            "account": shown,
            "inherited_config": {MODULES: await _with_providers(request.actor, modules)},
        },
        revision=own["_rev"] if own else None,
    )


async def replace(request: Request) -> Result:
    """The account's settings as sent."""
    return await _on_config(request, singletons.replace)


async def patch(request: Request) -> Result:
    """Changes merged into the account's settings."""
    return await _on_config(request, singletons.patch)


async def remove(request: Request) -> Result:
    """No settings of the account's own any more."""
    return await _on_config(request, singletons.delete)


async def _on_config(request: Request, recipe: Handler) -> Result:
    """Do to the document of the settings what recipes do to documents."""
    operation = with_changes(request.operation, family=CONFIG)
    return await recipe(with_changes(request, operation=operation))


async def list_methods(request: Request) -> Result:
    """The ways to log in that have settings."""
    return Result(data={"available_auth_methods": list(METHODS)})


SECURITY_OF_SYSTEM = Routes(
    noun="security",
    routes=(
        route(
            "",
            Action.LIST,
            list_methods,
            "List the ways to log in that have settings",
            answers=Answers(an_object(available_auth_methods=some(TEXT))),
        ),
    ),
)

SECURITY = Routes(
    noun="security",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "",
            Action.FETCH,
            fetch,
            "Read the login settings, own and inherited",
            answers=Answers(an_object(account=SOME_OBJECT, inherited_config=SOME_OBJECT)),
        ),
        Route(
            path="",
            action=Action.REPLACE,
            handler=replace,
            about="Replace the account's login settings",
            access=Access.ADMIN,
            schema=SCHEMA,
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path="",
            action=Action.PATCH,
            handler=patch,
            about="Merge changes into the account's login settings",
            access=Access.ADMIN,
            schema=SCHEMA,
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path="",
            action=Action.DELETE,
            handler=remove,
            about="Remove the account's login settings",
            access=Access.ADMIN,
            answers=Answers(SOME_OBJECT),
        ),
        route(
            "attempts",
            Action.LIST,
            list_attempts,
            "List attempts to log in",
            answers=Answers(some(ROW), is_paged=True),
        ),
        route(
            "attempts/{attempt_id}",
            Action.FETCH,
            fetch_attempt,
            "Read an attempt to log in",
            answers=Answers(ROW),
        ),
    ),
)
