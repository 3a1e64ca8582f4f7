"""The settings as pages: ``etc/crossbar.toml`` and ``docs/settings.md``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from crossbar.settings import SettingDescription, Settings, section_types


def settings_file() -> str:
    """``etc/crossbar.toml``: every setting with its default, commented out."""
    lines = [
        "# The settings of Crossbar. Every one is shown with its default: to change it, take away",
        "# the # in front of its name. The environment wins over this file: CROSSBAR_HTTP__PORT",
        "# is port of [http]. Generated from crossbar/settings/.",
    ]
    for section, purpose, settings in _sections():
        lines += ["", "", *_comment(purpose), f"[{section}]"]
        for setting in settings:
            lines += ["", *_comment(f"{setting.help} ({setting.wording})")]
            lines += [f"#{setting.name} = {_toml(setting.default)}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """``docs/settings.md``: the same as tables."""
    lines = [
        "# Settings",
        "",
        "A setting is looked for on the command line, then in the environment, then in",
        "`etc/crossbar.toml`; else it has its default. In the environment, a list is separated by",
        'commas or written as JSON (`["a", "b"]`). Unknown names and values that do not fit stop',
        "the start. This page is generated from `crossbar/settings/`.",
    ]
    for section, purpose, settings in _sections():
        lines += ["", f"## {section}", "", purpose, ""]
        lines += ["| Setting | Default | Values | Meaning | Environment |"]
        lines += ["|---|---|---|---|---|"]
        lines += [_row(setting) for setting in settings]
    return "\n".join(lines) + "\n"


def write(root: Path) -> None:
    """Write both pages below the project's folder ``root``."""
    for name, text in (
        ("etc/crossbar.toml", settings_file()),
        ("docs/settings.md", settings_page()),
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def _sections() -> Iterator[tuple[str, str, list[SettingDescription]]]:
    for section, settings in groupby(Settings.describe(), lambda setting: setting.section):
        yield section, section_types()[section].__doc__ or "", list(settings)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, 96, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _toml(value: object) -> str:
    return json.dumps(value)  # for the types that settings have, JSON is TOML


def _row(setting: SettingDescription) -> str:
    meaning = setting.help.replace("<", "&lt;")
    return (
        f"| `{setting.name}` | `{_toml(setting.default)}` | {setting.wording} | {meaning} |"
        f" `{setting.environment}` |"
    )
