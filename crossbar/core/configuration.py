"""Configuration that is kept in the store: of the system by name, and what accounts change of it.

A configuration of the system is a document of sections: ``default``, zones, and nodes. What a
level does not set, the one below it says, down to the schema (``system_config.<name>``). Every
process remembers all of them until an event touches one, and what the settings have a counterpart
for (:data:`COUNTERPARTS`) is used in their place: ``services.settings`` are the settings with that
laid over them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

import structlog

from crossbar.core.directory import Account
from crossbar.core.nodes import ZONE, node_name
from crossbar.core.sealing import Sealing, unsealed
from crossbar.documents import Document, lookup, merge, public
from crossbar.errors import CrossbarError
from crossbar.settings import SettingDescription, Settings
from crossbar.storage import SYSTEM, Event, Key, Span, Store, StoreError
from crossbar.validation import Schemas

log = structlog.get_logger(__name__)

SYSTEM_CONFIG = "system_config"
ACCOUNT_CONFIG = "account_config"
PREFIX = "configs_"
"""How the id of an account's configuration begins."""

STORAGE = "storage"
"""The type of documents that say where files are kept (:mod:`crossbar.core.shelved`)."""

DEFAULT = "default"
PAUSE = 1.0
"""Seconds until a configuration that could not be read is read again."""


def _same(value: Any) -> Any:
    return value


def _not(value: bool) -> bool:
    return not value


DAY, HOUR = 86_400, 3600


class Counterpart(NamedTuple):
    """A key of a configuration that says the same as a setting.

    ``read`` makes the setting's value of the key's, ``write`` the other way round. One that does
    not ``replace`` the setting is only what is shown where nothing is stored.
    """

    config: str
    path: str
    setting: str
    read: Callable[[Any], Any] = _same
    write: Callable[[Any], Any] = _same
    replaces: bool = True


COUNTERPARTS = (
    Counterpart(
        "accounts", "allow_subaccounts_for_direct", "accounts.allow_subaccounts_for_direct"
    ),
    Counterpart("accounts", "default_timezone", "accounts.timezone"),
    Counterpart(
        "callflow",
        "voicemail.message_retention_duration",
        "voicemail.retention",
        lambda days: days * DAY + HOUR,
        lambda seconds: max(seconds - HOUR, 0) // DAY,
    ),
    Counterpart("callflow", "voicemail.max_pin_length", "voicemail.max_pin_length"),
    Counterpart("callflow", "voicemail.transcribe_default", "voicemail.transcribe"),
    Counterpart("crossbar", "default_language", "accounts.language"),
    Counterpart("crossbar", "load_view_chunk_size", "lists.chunk_size"),
    Counterpart("crossbar", "maximum_range", "lists.maximum_range"),
    Counterpart("crossbar", "pagination_page_size", "lists.page_size"),
    Counterpart("crossbar.accounts", "account_realm_suffix", "accounts.realm_suffix"),
    Counterpart("crossbar.accounts", "allow_move", "accounts.allow_move"),
    Counterpart("crossbar.accounts", "allow_sibling_listing", "accounts.allow_sibling_listing"),
    Counterpart("crossbar.accounts", "expose_api_key", "accounts.include_api_key"),
    Counterpart(
        "crossbar.users", "generate_password_if_empty", "users.generate_password_if_empty"
    ),
    Counterpart(
        "crossbar.users", "generate_username_if_empty", "users.generate_username_if_empty"
    ),
    Counterpart("crossbar.voicemail", "transcribe_format", "voicemail.transcribe_format"),
    *(
        Counterpart(
            "crossbar.auth",
            f"auth_modules.{method}.token_auth_expiry_s",
            "tokens.lifetime",
            replaces=False,
        )
        for method in ("cb_api_auth", "cb_auth", "cb_ip_auth", "cb_user_auth")
    ),
    Counterpart("fax", "default_smtp_domain", "fax.smtp_domain"),
    Counterpart("webhooks", "attempt_failure_count", "webhooks.failures"),
    Counterpart(
        "webhooks",
        "attempt_failure_expiry_ms",
        "webhooks.failures_within",
        lambda milliseconds: milliseconds / 1000,
        lambda seconds: int(seconds * 1000),
    ),
    Counterpart(
        "webhooks",
        "connect_timeout_ms",
        "webhooks.connect_timeout",
        lambda milliseconds: milliseconds / 1000,
        lambda seconds: int(seconds * 1000),
    ),
    Counterpart("webhooks", "disable_disabler", "webhooks.switch_off", _not, _not),
    Counterpart("webhooks", "log_successful_attempts", "webhooks.keep_successes"),
    Counterpart("webhooks", "object_types", "webhooks.object_types", write=list),
)
"""What of the configuration takes effect here; all else is kept for those who read it."""


@cache
def _described() -> dict[str, SettingDescription]:
    return {f"{each.section}.{each.name}": each for each in Settings.describe()}


def setting_of(counterpart: Counterpart, value: Any) -> Any:
    """What the setting is by the value of its counterpart. Raises :class:`ValueError`."""
    try:
        return _described()[counterpart.setting].accept(counterpart.read(value))
    except TypeError:
        raise ValueError from None


def expectation(counterpart: Counterpart) -> str:
    """What is expected of a key that takes effect, in words."""
    return _described()[counterpart.setting].wording


def counterparts_of(config: str) -> Iterator[Counterpart]:
    """The keys of a configuration that take effect here."""
    return (each for each in COUNTERPARTS if each.config == config)


def system_key(name: str) -> Key:
    """Where a configuration of the system is kept."""
    return Key(SYSTEM, SYSTEM_CONFIG, f"{SYSTEM_CONFIG}.{name}")


def name_of(document: Document) -> str:
    """The name of a stored configuration of the system."""
    return str(document["_id"]).removeprefix(f"{SYSTEM_CONFIG}.")


def account_config_key(account_id: str, name: str) -> Key:
    """Where a configuration of an account is kept."""
    return Key(account_id, ACCOUNT_CONFIG, PREFIX + name)


def difference(document: Document, parent: Document) -> Document:
    """What of a document its parent does not say too, at every depth."""
    own = {}
    for name, value in document.items():
        above = parent.get(name)
        if isinstance(value, dict) and isinstance(above, dict):
            if (inner := difference(value, above)) or (above and not value):
                own[name] = inner
        elif name not in parent or not _equal(value, above):
            own[name] = value
    return own


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: neither 1 and true nor 0 and false are."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


class Configuration:
    """The configuration of the system, as every part of a process needs it.

    ``settings`` are those of the process, with what the configuration says laid over them;
    ``has_storage`` is whether there may be storage documents. Start it before anything reads it.
    """

    def __init__(
        self, store: Store, schemas: Schemas, settings: Settings, sealing: Sealing
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._schemas = schemas
        self._given = settings
        self.settings = settings
        self.has_storage = True
        self._reading = asyncio.Lock()
        self._stored: dict[str, Document] = {}
        self._stale = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, and follow what changes."""
        await self.reload()
        self._task = asyncio.create_task(self._follow(), name="configuration")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def notice(self, event: Event) -> None:
        """Read again what an event has made stale."""
        if event.key.doc_type == STORAGE:
            self.has_storage = True
        if event.key.doc_type in (SYSTEM_CONFIG, STORAGE):
            self._stale.set()

    def forget(self) -> None:
        """Events may have been missed: read everything again."""
        self.has_storage = True
        self._stale.set()

    async def _follow(self) -> None:
        while True:
            await self._stale.wait()
            try:
                await self.reload()
            except (StoreError, CrossbarError) as error:
                log.warning("configuration_not_read", error=repr(error))
                self._stale.set()
                await asyncio.sleep(PAUSE)

    async def reload(self) -> None:
        """Read everything: who has just written sees it at once, others within a moment."""
        async with self._reading:  # or what was read earlier might be kept last
            self._stale.clear()
            span = Span(account_id=SYSTEM, doc_type=SYSTEM_CONFIG)
            self._stored = {
                name_of(row.document): unsealed(self._sealing, row.document)
                async for row in self._store.scan(span)
            }
            self.settings = self._laid_over()
            places = await self._store.count(Span(account_id=SYSTEM, doc_type=STORAGE), 1)
            self.has_storage = self.has_storage if self._stale.is_set() else bool(places)

    def _laid_over(self) -> Settings:
        """The settings as the configuration has them. What does not fit one changes nothing."""
        changed: defaultdict[str, Document] = defaultdict(dict)
        for counterpart in COUNTERPARTS:
            value = lookup(self.stored(counterpart.config), counterpart.path.split("."))
            if value is not None and counterpart.replaces:
                section, _, name = counterpart.setting.partition(".")
                with suppress(ValueError):
                    changed[section][name] = setting_of(counterpart, value)
        sections = {
            section: dataclasses.replace(getattr(self._given, section), **values)
            for section, values in changed.items()
        }
        return dataclasses.replace(self._given, **sections)

    def stored(self, name: str) -> Document:
        """What is stored for this process: its node before its zone before everybody."""
        sections, found = self._stored.get(name, {}), Document()
        for section in (DEFAULT, ZONE, node_name()):
            if isinstance(value := sections.get(section), dict):
                found = merge(found, value)
        return found

    def defaults(self, name: str) -> Document:
        """What holds where nothing is stored: the schema's defaults, and the settings'."""
        schema = f"{SYSTEM_CONFIG}.{name}"
        found = _defaults(self._schemas, schema) if schema in self._schemas else {}
        for counterpart in counterparts_of(name):
            section, _, setting = counterpart.setting.partition(".")
            *above, last = counterpart.path.split(".")
            holder = found
            for part in above:
                holder = holder.setdefault(part, {})
            value = counterpart.write(getattr(getattr(self._given, section), setting))
            if value != "":
                holder[last] = value
        return found

    def of_system(self, name: str) -> Document:
        """A configuration as it holds in this process."""
        return merge(self.defaults(name), self.stored(name))

    async def above(self, account: Account, name: str) -> Document:
        """What holds in an account that sets nothing itself, as far as accounts may know it."""
        known = self.known(name)
        found = self.of_system(name) if known is not None else {}
        if not account.is_reseller and account.reseller_id != account.account_id:
            found = merge(found, await self._own(account.reseller_id, name))
        return _only(known, found)

    async def of_account(self, account: Account, name: str) -> Document:
        """A configuration as it holds in an account."""
        above = await self.above(account, name)
        return _only(self.known(name), merge(above, await self._own(account.account_id, name)))

    async def _own(self, account_id: str, name: str) -> Document:
        stored = await self._store.get(account_config_key(account_id, name))
        return public(stored) if stored else {}

    def known(self, name: str) -> frozenset[str] | None:
        """What accounts may set of a configuration; ``None`` where no schema says so.

        Of the system's they then see nothing: it may hold what is for operators alone.
        """
        schema = f"{ACCOUNT_CONFIG}.{name}"
        if schema not in self._schemas:
            return None
        return frozenset(self._schemas.document(schema).get("properties", {}))


def _only(known: frozenset[str] | None, found: Document) -> Document:
    return found if known is None else {name: found[name] for name in found if name in known}


def _defaults(schemas: Schemas, name: str) -> Document:
    """The defaults of a schema, also of objects that have none themselves."""
    found = _defaults_below(schemas, schemas.document(name))
    return found if isinstance(found, dict) else {}


def _defaults_below(schemas: Schemas, schema: Document) -> Any:
    if isinstance(reference := schema.get("$ref"), str):
        schema = {**schemas.document(reference), **schema}
    inner = {
        name: value
        for name, below in schema.get("properties", {}).items()
        if (value := _defaults_below(schemas, below)) is not None
    }
    own = deepcopy(schema.get("default"))
    if isinstance(own, dict):
        return merge(inner, own)
    return own if own is not None else inner or None
