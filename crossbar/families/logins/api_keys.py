"""API keys: several named ones an account, each with its scopes; an addition of ours.

Which texts are keys, and who calls with one, lives in ``identity``; here is who may make keys, for
whom and for what. The one key that upstream gives every account is a part of ``accounts``.
"""

from __future__ import annotations

from crossbar.core import reading, recipes, writing
from crossbar.core.access import EVERYTHING
from crossbar.core.answers import ANYTHING, COUNT, DOCUMENT, ROWS, TEXT, Answers
from crossbar.core.change import Change
from crossbar.core.requests import Action, Caller, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Hooks, Route, renamed
from crossbar.documents import Document
from crossbar.errors import Forbidden, NoSuchDocument
from crossbar.storage import Key

LASTING = ("dialect", "owner_id")
"""What is chosen when a key is made, since its text may tell it."""

SWITCH = "switch"
"""The dialect of keys of telephone switches."""

SHOWN = ("prefix", "created", "last_used", "last_used_from")
"""What a key's document tells beside its fields."""


async def keep_choices(change: Change) -> None:
    """What is chosen once need not be sent again."""
    for name in LASTING:
        if change.current and name in change.current:
            change.document.setdefault(name, change.current[name])


async def check_choices(change: Change) -> None:
    """Choices stay, scopes are the dialect's, the owner is one of the account's users."""
    if change.refusals:
        return
    services, account_id = change.actor.services, change.actor.account_id
    for name in LASTING:
        if change.current and change.changed(name):
            change.refusals.add(
                name, "invalid", "This cannot be changed", cause=change.value(name)
            )
            return
    known = services.scopes[change.value("dialect")].names()
    for number, scope in enumerate(change.value("scopes")):
        if scope not in known:
            message = "There is no such scope"
            change.refusals.add(f"scopes.{number}", "enum", message, value=scope)
    expires = change.value("expires")
    if change.changed("expires") and expires is not None and expires <= services.clock.gregorian():
        change.refusals.add("expires", "minimum", "This time is over", value=expires)
    owner_id = change.value("owner_id")
    if owner_id is not None and change.current is None:
        try:
            await reading.load_document(change.actor, Key(account_id, "user", owner_id))
        except NoSuchDocument:
            message = "The user could not be found"
            change.refusals.add("owner_id", "not_found", message, cause=owner_id)


async def check_switch(change: Change) -> None:
    """A key of a switch writes what the account is billed by: whoever sells to it makes such keys.

    Raises :class:`Forbidden`.
    """
    caller, account = change.actor.caller, change.actor.require_account()
    if caller is None or change.refusals or change.value("dialect") != SWITCH:
        return
    if not (caller.is_superduper_admin or account.is_sold_by(caller.account_id)):
        raise Forbidden(cause="only the account's reseller, or one above, makes keys of switches")


async def check_maker(change: Change) -> None:
    """Who came by a key makes and changes only keys that may no more than that one.

    They may have no further scopes, last no longer and act as nobody else. Raises
    :class:`Forbidden`.
    """
    caller = change.actor.caller
    if caller is None or "key_id" not in caller.claims or change.refusals:
        return
    if not all(_is_within(caller, each) for each in (change.document, change.current) if each):
        raise Forbidden(cause="a key makes no key that may do more than itself")


def _is_within(caller: Caller, document: Document) -> bool:
    """Whether a key may do no more than that by which the caller came."""
    own = caller.claims
    if EVERYTHING not in own["scopes"]:
        is_known = document["dialect"] == own["dialect"]
        if not is_known or not set(document["scopes"]) <= set(own["scopes"]):
            return False
    if own["expires"] is not None and document.get("expires", own["expires"] + 1) > own["expires"]:
        return False
    return document.get("owner_id") in (None, caller.user_id)


async def create_key(request: Request) -> Result:
    """A new key. Its text is in the answer, under ``_read_only``, and nowhere else ever."""
    change = Change(
        actor=request.actor,
        request=request,
        family=API_KEYS,
        key=Key(request.account_id, API_KEYS.doc_type, ""),
        document=recipes.sent(request),
    )
    await writing.judge(change)
    stored, secret = await request.services.credentials.keys.create(
        request.require_account(),
        key_id=recipes.chosen_id(request),
        author=request.caller,
        **change.document,
    )
    result = await recipes.answer(request, stored, created_id=stored["_id"])
    result.data["_read_only"]["key"] = secret
    return result


async def show_facts(request: Request, shown: Document, stored: Document) -> None:
    """What is known of a key beside its fields, and by which number its account is known."""
    account = await request.services.accounts.get(request.account_id)
    number = account and account.document.get("pvt_perscom_id")
    facts = {name: stored.get(f"pvt_{name}") for name in SHOWN} | {"perscom_id": number}
    shown["_read_only"] = {name: value for name, value in facts.items() if value is not None}


async def list_scopes(request: Request) -> Result:
    """Every scope that a key can have, by dialect."""
    scopes = request.services.scopes
    return Result(data={dialect: known.names() for dialect, known in scopes.items()})


def _route(
    path: str, action: Action, handler: Handler, about: str, answers: Answers = DOCUMENT
) -> Route:
    schema = None if action in (Action.LIST, Action.FETCH, Action.DELETE) else "api_keys"
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        access=Access.ADMIN,
        schema=schema,
        loads=False,
        answers=answers,
    )


ITEM = "{api_key_id}"

API_KEYS = Collection(
    noun="api_keys",
    doc_type="api_key",
    schema="api_keys",
    summary=(
        *("name", "dialect", "scopes", "enabled", "expires", "owner_id"),
        *(renamed(name, f"pvt_{name}") for name in ("prefix", "last_used")),
    ),
    actions=frozenset(),
    hooks=Hooks(
        normalize=(keep_choices,),
        check=(check_choices, check_switch, check_maker),
        present=(show_facts,),
    ),
    shown={
        "_read_only": {
            "type": "object",
            "properties": {
                "key": {"type": "string", "description": "The key's text, told once."},
                "prefix": TEXT,
                "created": COUNT,
                "last_used": COUNT,
                "last_used_from": TEXT,
                "perscom_id": COUNT,
            },
        }
    },
    routes=(
        _route("", Action.LIST, recipes.list_documents, "List api keys", ROWS),
        _route("", Action.CREATE, create_key, "Create api keys"),
        _route(
            "scopes", Action.FETCH, list_scopes, "Read the scopes that keys can have", ANYTHING
        ),
        _route(ITEM, Action.FETCH, recipes.fetch, "Read api keys"),
        _route(ITEM, Action.REPLACE, recipes.replace, "Replace api keys"),
        _route(ITEM, Action.PATCH, recipes.patch, "Merge changes into api keys"),
        _route(ITEM, Action.DELETE, recipes.delete, "Delete api keys"),
    ),
)
