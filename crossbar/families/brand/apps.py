"""Apps: which there are, which of them an account has, and who in it may use them.

Documents of apps belong to the master account and are written by operators alone
(``registering``). What an account has decided is in a document of its own: for every app that it
has installed who may use it, and the ids of apps that those above it hide from it. A reseller may
have words and images of its own for an app (``overrides``), which its accounts are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.core.shapes import Singleton
from crossbar.documents import Document, public
from crossbar.families.brand.whitelabel import brand_of
from crossbar.storage import Key, Span

APP_TYPE = "app"
OVERRIDE_TYPE = "app_override"

PORT_APP = "port"
"""The app that a brand may hide (``hide_port``) from accounts that are no resellers."""

DECISIONS = Singleton(
    noun="apps_store", doc_type="apps_store", schema="apps_store", actions=frozenset()
)
"""What an account has decided of apps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An app as an account is offered it.

    ``app`` is the stored document, ``override`` the reseller's own, if there is one. ``installed``
    is who may use the app, once the account has installed it.
    """

    app: Document
    override: Document | None
    installed: Document | None

    @property
    def app_id(self) -> str:
        """The app's id."""
        return str(self.app["_id"])

    def shown(self) -> Document:
        """The app as clients see it."""
        texts = public(self.override) if self.override else {}
        return {
            **public(self.app),
            **texts,
            **(self.installed or {}),
            "id": self.app_id,
            "account_id": self.app["pvt_account_id"],
        }

    def label(self, language: str) -> str | None:
        """Its name in a language, else in English, else in any."""
        return _label(self.shown().get("i18n"), language)

    def is_open_to(self, user: Document | None) -> bool:
        """Whether a user of the account may use it; whether anybody may when none is given."""
        if self.installed is None:
            return False
        allowed = self.installed.get("allowed_users")
        if user is None or allowed == "all":
            return True
        if allowed == "admins":
            return user.get("priv_level") == "admin"
        return user["_id"] in user_ids(self.installed)


def user_ids(installed: Document) -> Iterator[str]:
    """The users who are listed: by their ids, or as objects that have them."""
    for user in installed.get("users") or ():
        yield user.get("id", "") if isinstance(user, dict) else user


def decisions_key(account_id: str) -> Key:
    """Where what an account has decided is kept."""
    return Key(account_id, DECISIONS.doc_type, DECISIONS.noun)


async def decisions_of(services: Services, account_id: str) -> Document:
    """What an account has decided: ``apps`` by id, and its ``blacklist``."""
    stored = await services.store.get(decisions_key(account_id)) or {}
    return {"apps": {}, "blacklist": [], **stored}


async def offers_to(services: Services, account: Account) -> dict[str, Offer]:
    """The apps that an account may install or has installed, by id, ordered by name."""
    master = await services.accounts.master()
    if master is None:
        return {}
    decided = await decisions_of(services, account.account_id)
    overrides = await _overrides(services, account)
    hidden = {*decided["blacklist"]} if account.tree else set()
    hides_port = False
    if account.tree and not account.is_reseller:
        hides_port = (await brand_of(services, account)).get("hide_port") is True
    offers = {}
    async for row in services.store.scan(Span(account_id=master.account_id, doc_type=APP_TYPE)):
        app = row.document
        is_hidden = app["_id"] in hidden or (account.tree and app.get("published") is False)
        if not is_hidden and not (hides_port and app["name"] == PORT_APP):
            offers[app["_id"]] = Offer(
                app=app,
                override=overrides.get(app["_id"]),
                installed=decided["apps"].get(app["_id"]),
            )
    return offers


async def _overrides(services: Services, account: Account) -> Mapping[str, Document]:
    """What the account's reseller has changed in apps, by their ids; a reseller sees its own."""
    found: dict[str, Document] = {}
    for account_id in dict.fromkeys((account.reseller_id, account.account_id)):
        if account_id == account.reseller_id or account.is_reseller:
            span = Span(account_id=account_id, doc_type=OVERRIDE_TYPE)
            async for row in services.store.scan(span):
                found[row.document["pvt_app_id"]] = row.document
    return found


async def apps_of(services: Services, account: Account, user: Document | None) -> list[Document]:
    """The apps that are open to a user, or to an account's key, as logins tell of them."""
    wanted = (user or {}).get("language") or account.document.get("language")
    language = wanted or services.settings.accounts.language
    rows = []
    for offer in (await offers_to(services, account)).values():
        if offer.is_open_to(user):
            shown = offer.shown()
            row = {name: shown.get(name) for name in ("id", "name", "api_url", "source_url")}
            row["label"] = offer.label(str(language))
            rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def _label(texts: Any, language: str) -> str | None:
    """The name of an app in a language, else in English, else in any."""
    if not isinstance(texts, dict):
        return None
    labels: dict[str, str] = {
        name.lower(): text["label"]
        for name, text in texts.items()
        if isinstance(text, dict) and isinstance(text.get("label"), str)
    }
    for name in (language.lower(), "en-us"):
        if name in labels:
            return labels[name]
    return next(iter(labels.values()), None)
