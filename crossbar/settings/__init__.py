"""The settings: which there are, and where their values come from."""

from __future__ import annotations

from crossbar.settings.features import Dns, Mail, Numbers, Speech, Switch, Ui, Websockets
from crossbar.settings.reader import SettingDescription, SettingsError
from crossbar.settings.sections import (
    USUALLY_BLOCKED,
    Dialects,
    Http,
    Limits,
    Lists,
    Log,
    Schemas,
    Storage,
    Tokens,
)
from crossbar.settings.settings import Settings, section_types

__all__ = [
    "USUALLY_BLOCKED",
    "Dialects",
    "Dns",
    "Http",
    "Limits",
    "Lists",
    "Log",
    "Mail",
    "Numbers",
    "Schemas",
    "SettingDescription",
    "Settings",
    "SettingsError",
    "Speech",
    "Storage",
    "Switch",
    "Tokens",
    "Ui",
    "Websockets",
    "section_types",
]
