"""All settings together, with the values that they have."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.settings.features import (
    Calls,
    Dns,
    Fax,
    Mail,
    Notifications,
    Numbers,
    Porting,
    Recovery,
    Speech,
    Switch,
    Tasks,
    Ui,
    Visitors,
    Voicemail,
    Webhooks,
    Websockets,
)
from crossbar.settings.reader import SettingDescription, gather
from crossbar.settings.sections import (
    Accounts,
    Auth,
    Dialects,
    Http,
    Limits,
    Lists,
    Log,
    Passwords,
    Schemas,
    Secrets,
    Storage,
    Tokens,
    Users,
)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What browsers on this machine call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, by section."""

    http: Http = field(default_factory=Http)
    storage: Storage = field(default_factory=Storage)
    secrets: Secrets = field(default_factory=Secrets)
    tokens: Tokens = field(default_factory=Tokens)
    passwords: Passwords = field(default_factory=Passwords)
    limits: Limits = field(default_factory=Limits)
    accounts: Accounts = field(default_factory=Accounts)
    users: Users = field(default_factory=Users)
    lists: Lists = field(default_factory=Lists)
    schemas: Schemas = field(default_factory=Schemas)
    auth: Auth = field(default_factory=Auth)
    voicemail: Voicemail = field(default_factory=Voicemail)
    calls: Calls = field(default_factory=Calls)
    fax: Fax = field(default_factory=Fax)
    porting: Porting = field(default_factory=Porting)
    speech: Speech = field(default_factory=Speech)
    numbers: Numbers = field(default_factory=Numbers)
    visitors: Visitors = field(default_factory=Visitors)
    mail: Mail = field(default_factory=Mail)
    notifications: Notifications = field(default_factory=Notifications)
    recovery: Recovery = field(default_factory=Recovery)
    dialects: Dialects = field(default_factory=Dialects)
    ui: Ui = field(default_factory=Ui)
    websockets: Websockets = field(default_factory=Websockets)
    dns: Dns = field(default_factory=Dns)
    webhooks: Webhooks = field(default_factory=Webhooks)
    switch: Switch = field(default_factory=Switch)
    tasks: Tasks = field(default_factory=Tasks)
    log: Log = field(default_factory=Log)

    @classmethod
    def load(
        cls, file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
    ) -> Settings:
        """Defaults, overridden by the TOML ``file``, then ``environ``, then ``overrides``.

        Environment variables are named ``CROSSBAR_<SECTION>__<NAME>``, overrides
        ``<section>.<name>``. Raises one :class:`SettingsError` that lists everything wrong.
        """
        settings = {f"{each.section}.{each.name}": each for each in cls.describe()}
        values = gather(settings, file, environ, overrides)
        return cls(**{name: part(**values[name]) for name, part in section_types().items()})

    @classmethod
    def describe(cls) -> Iterator[SettingDescription]:
        """Every setting, in the order of the sections."""
        return iter(_described())

    def own_origins(self) -> tuple[str, ...]:
        """Where browsers reach this server itself, as far as its settings tell.

        What a request calls it is not asked: whoever sends one may call it anything.
        """
        host, port = self.http.host, self.http.port
        names = {host} if host and not _is_any(host) else set()
        if names & LOOPBACK:
            names |= LOOPBACK
        end = "" if port == 80 else f":{port}"
        own = [f"http://{name if ':' not in name else f'[{name}]'}{end}" for name in names]
        public_url = self.visitors.public_url
        return (*([public_url] if public_url else []), *(sorted(own) if port else []))

    def secrets_file(self) -> Path:
        """Where the secrets are, when they are not among the settings themselves."""
        if self.secrets.file:
            return Path(self.secrets.file)
        return self._folder() / "crossbar.secrets"

    def switch_folder(self) -> Path:
        """Where the switch's program, configuration and state are."""
        named = self.switch.folder
        return Path(named).absolute() if named else (self._folder() / "switch").absolute()

    def _folder(self) -> Path:
        """Where the embedded store is, and what belongs to this server beside it."""
        database = self.storage.url.removeprefix("sqlite:///")
        return Path(database).parent if database != self.storage.url else Path("var")


def _is_any(host: str) -> bool:
    """Whether a server that listens there has any name at all, so that none is known."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


@functools.cache
def section_types() -> dict[str, type[Any]]:
    """The sections in order, by name."""
    return typing.get_type_hints(Settings)


@functools.cache
def _described() -> tuple[SettingDescription, ...]:
    """Every setting, worked out once: what is opened often, as in tests, loads settings often."""
    described = []
    for section, part in section_types().items():
        types = typing.get_type_hints(part)
        described += [
            SettingDescription(
                section=section,
                name=each.name,
                type=types[each.name],
                default=each.default,
                **each.metadata,
            )
            for each in dataclasses.fields(part)
        ]
    return tuple(described)
