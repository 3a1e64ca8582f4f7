"""How apps come into the store: from files, and those that every new system begins with.

An app is known by its name; registering it again brings its document and its images up to date,
and accounts keep what they have decided. A new one is installed in the master account, for all of
its users; other accounts install what they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar.core.attachments import ATTACHMENTS, attachment_ids, replace_upload
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.requests import Actor, Upload
from crossbar.core.services import Services
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import commit_private, in_turn
from crossbar.documents import Document, private, public
from crossbar.errors import ValidationFailed
from crossbar.families.brand.apps import (
    APP_TYPE,
    DECISIONS,
    decisions_key,
    decisions_of,
    offers_to,
)
from crossbar.families.brand.apps_store import APPS
from crossbar.storage import Key, Span

NOWHERE = "http://localhost/v2/"
"""Stands in for the address of the API, which an app that comes with its client does not need."""

DECIDED_BY_ACCOUNTS = ("allowed_users", "users", "account_id", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFiles:
    """An app as it is delivered: its document, and its images by the names in the document."""

    document: Mapping[str, Any]
    images: Mapping[str, Upload] = field(default_factory=dict)


async def register_apps(
    services: Services, apps: Iterable[AppFiles], api_url: str = ""
) -> dict[str, str]:
    """Have apps in the store; what became of each, by its name: ``created`` or ``changed``.

    ``api_url`` is where they find the API; by default where the client that shows them does.
    Raises :class:`~crossbar.errors.ValidationFailed`, which names the app, before anything is
    written, and :class:`LookupError` when there is no master account.
    """
    judged = [(_judged(services, app.document, api_url), app.images) for app in apps]
    master = await services.accounts.master()
    if master is None:
        raise LookupError("there is no master account")
    actor = Actor(
        services=services, account_id=master.account_id, account=master, request_id="apps"
    )
    outcome, new = {}, {}
    for document, images in judged:
        stored, is_new = await _register(actor, master, document, images)
        outcome[stored["name"]] = "created" if is_new else "changed"
        if is_new:
            new[stored["_id"]] = stored["name"]
    if new:
        await _install(actor, master, new)
    return outcome


def _judged(services: Services, sent: Mapping[str, Any], api_url: str) -> Document:
    document = public({**sent, "api_url": api_url or NOWHERE})
    for name in DECIDED_BY_ACCOUNTS:
        document.pop(name, None)
    document, errors = services.schemas.apply(APPS.schema, document)
    if errors:
        name = sent.get("name", "an app without a name")
        raise ValidationFailed({f"{name}.{path}": found for path, found in errors.items()})
    if not api_url:
        del document["api_url"]
    return document


async def _register(
    actor: Actor, master: Account, document: Document, images: Mapping[str, Upload]
) -> tuple[Document, bool]:
    """Write one app; whether it is new."""
    turn = Key(master.account_id, APP_TYPE, document["name"])

    async def attempt() -> tuple[Document, bool]:
        current = await _named(actor.services, master, document["name"])
        app_id = current["_id"] if current else fresh_id(actor.services.clock)
        change = Change(
            actor=actor,
            family=APPS,
            key=Key(master.account_id, APP_TYPE, app_id),
            document=dict(document),
            current=current,
        )
        before = dict((current or {}).get(ATTACHMENTS, {}))
        change.document |= {"_id": app_id, "pvt_type": APP_TYPE}
        return await _written(change, before, images), current is None

    return await in_turn(actor, turn, attempt)


async def _written(
    change: Change, before: Mapping[str, Any], images: Mapping[str, Upload]
) -> Document:
    """Write the app with its images; without new ones it keeps those that it has."""
    kept = {} if images else dict(before)
    if images:
        change.dropped += attachment_ids({ATTACHMENTS: before})
    change.document = {**private(change.current or {}), **change.document, ATTACHMENTS: kept}
    for name, image in images.items():
        await replace_upload(change, name, image)
    return await commit_private(change)


async def _named(services: Services, master: Account, name: str) -> Document | None:
    async for row in services.store.scan(Span(account_id=master.account_id, doc_type=APP_TYPE)):
        if row.document["name"] == name:
            return row.document
    return None


async def _install(actor: Actor, master: Account, names: Mapping[str, str]) -> None:
    """Have the master account use new apps, so that somebody can begin."""
    key = decisions_key(master.account_id)

    async def attempt() -> Document:
        current = await actor.services.store.get(key)
        document = await decisions_of(actor.services, master.account_id)
        entries = {
            app_id: {"name": name, "allowed_users": "all", "users": []}
            for app_id, name in names.items()
        }
        document["apps"] = {**document["apps"], **entries}
        change = Change(actor=actor, family=DECISIONS, key=key, document=document, current=current)
        return await commit_private(change)

    await in_turn(actor, key, attempt)


async def list_registered(services: Services) -> list[Document]:
    """Every app: id, name and label, in the order of their names."""
    master = await services.accounts.master()
    if master is None:
        return []
    offers = await offers_to(services, master)
    return [
        {"id": offer.app_id, "name": offer.app["name"], "label": offer.label("en-us")}
        for offer in offers.values()
    ]


def usual_apps() -> list[AppFiles]:
    """The apps that a new system begins with: those of Monster UI that are free."""
    return [AppFiles(document=document) for document in USUAL]


def _app(name: str, label: str, icon: str, tag: str, description: str, *features: str) -> Document:
    return {
        "name": name,
        "i18n": {
            "en-US": {
                "label": label,
                "description": description,
                "extended_description": "",
                "features": [*features],
            }
        },
        "tags": [tag],
        "icon": icon,
        "author": "2600Hz",
        "version": "1.0",
        "license": "MPL-1.1",
        "price": 0,
        "screenshots": [],
        "phase": "gold",
        "masqueradable": True,
        "published": True,
    }


USUAL = (
    _app(
        "voip",
        "SmartPBX",
        "SmartPBX_app.png",
        "admin",
        "The telephone system of an office: people, phones, groups and what callers hear.",
        "People with their phones, extensions and voicemail",
        "Groups that ring together",
        "Opening hours and a menu for callers",
    ),
    _app(
        "callflows",
        "Callflows",
        "Callflows_app.png",
        "admin",
        "Draw the way of a call, step by step.",
        "Every step that a call can take",
        "Numbers, extensions and feature codes",
    ),
    _app(
        "accounts",
        "Accounts",
        "Accounts_app.png",
        "reseller",
        "Customers and their accounts, from the first administrator to limits and apps.",
        "New accounts by a wizard",
        "Limits, restrictions and apps of each account",
    ),
    _app(
        "numbers",
        "Numbers",
        "Numbers_app.png",
        "admin",
        "The telephone numbers of an account: get, move and give back.",
        "Numbers in use and spare ones",
        "Features of each number",
    ),
    _app(
        "webhooks",
        "Webhooks",
        "WebHooks_app.png",
        "developer",
        "Have other web servers told of what happens in the account.",
        "Calls, faxes and changed documents",
        "A log of every attempt",
    ),
    _app(
        "pbxs",
        "PBX Connector",
        "PBXconnector_app.png",
        "admin",
        "Connect a telephone system that you have to the outside by trunks.",
        "Trunks with their credentials",
        "Numbers that lead to them",
    ),
    _app(
        "fax",
        "Fax",
        "Fax_app.png",
        "admin",
        "The faxes of an account, those that came and those that were sent.",
        "Look at faxes, send them again, delete them",
    ),
    _app(
        "voicemails",
        "Voicemails",
        "Voicemail_app.png",
        "admin",
        "The messages in all voicemail boxes of an account.",
        "Listen, move, delete",
    ),
    _app(
        "csv-onboarding",
        "CSV Onboarding",
        "",
        "developer",
        "Bring many people and phones into an account from a file.",
        "Columns are matched to fields by hand",
    ),
)
