"""The settings: which there are, and where their values come from."""

from __future__ import annotations

from crossbar.settings.reader import SettingDescription, SettingsError
from crossbar.settings.sections import (
    USUALLY_BLOCKED,
    Dialects,
    Http,
    Limits,
    Lists,
    Log,
    Mail,
    Numbers,
    Schemas,
    Settings,
    Storage,
    Tokens,
    section_types,
)

__all__ = [
    "USUALLY_BLOCKED",
    "Dialects",
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
    "Storage",
    "Tokens",
    "section_types",
]
