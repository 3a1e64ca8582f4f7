"""The settings: which there are, and where their values come from."""

from __future__ import annotations

from crossbar.settings.reader import SettingDescription, SettingsError
from crossbar.settings.sections import (
    USUALLY_BLOCKED,
    Dialects,
    Dns,
    Http,
    Limits,
    Lists,
    Log,
    Mail,
    Numbers,
    Schemas,
    Settings,
    Speech,
    Storage,
    Tokens,
    Ui,
    section_types,
)

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
    "Tokens",
    "Ui",
    "section_types",
]
