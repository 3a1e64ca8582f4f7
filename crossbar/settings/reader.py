"""How values of settings are read: from a TOML file, the environment and the command line.

Which settings there are is not known here: ``crossbar.settings`` declares them.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "CROSSBAR_"

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}

_WORDINGS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    tuple[str, ...]: "list of texts",
}

ALIKE = 0.6
"""How much a name has to look like another, of 1, for somebody to have meant that."""


class SettingsError(ValueError):
    """The settings cannot be used. ``problems`` says each thing that is wrong, and where."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n  ".join(["The settings cannot be used:", *problems]))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDescription:
    """One setting: its name, and what values it takes. ``type`` is the Python type."""

    section: str
    name: str
    type: Any
    default: Any
    help: str
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    secret: bool

    @property
    def environment(self) -> str:
        """The name of the environment variable."""
        return f"{PREFIX}{self.section}__{self.name}".upper()

    @property
    def wording(self) -> str:
        """What is expected, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = _WORDINGS[self.type]
        if self.minimum is not None and self.maximum is not None:
            return f"{words} from {self.minimum} to {self.maximum}"
        return words if self.minimum is None else f"{words}, {self.minimum} or more"

    def accept(self, value: Any) -> Any:
        """``value`` as the section wants it. Raises :class:`ValueError` when it does not fit."""
        if self.type is float and type(value) is int:
            value = float(value)
        if self.type in (bool, int, float, str):
            fits = type(value) is self.type
        else:
            fits = isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)
        if not fits or not self._in_range(value):
            raise ValueError
        return tuple(value) if isinstance(value, list) else value

    def parse(self, text: str) -> Any:
        """The value that ``text`` means. Raises :class:`ValueError` when it does not fit."""
        if self.type is bool:
            return self.accept(_BOOLEANS.get(text.strip().lower()))
        if self.type in (int, float):
            return self.accept(self.type(text))
        if self.type is str:
            return self.accept(text)
        if text.lstrip().startswith("["):
            return self.accept(json.loads(text))
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def _in_range(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.type is float and not math.isfinite(value):
            return False
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


def gather(
    known: Mapping[str, SettingDescription],
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
) -> Mapping[str, dict[str, Any]]:
    """The values that are given, by section and name; later sources win over earlier ones.

    ``known`` settings are keyed by ``<section>.<name>``. Raises one :class:`SettingsError` for
    everything that is wrong, in all sources.
    """
    reader = _Reader(known)
    if file is not None:
        reader.read_file(file)
    reader.read_environment(environ)
    for name, value in overrides.items():
        reader.add("command line", name, value)
    if reader.problems:
        raise SettingsError(reader.problems)
    return reader.values


class _Reader:
    def __init__(self, known: Mapping[str, SettingDescription]) -> None:
        self._known = known
        self._sections = {setting.section for setting in known.values()}
        self.values: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.problems: list[str] = []

    def read_file(self, file: Path) -> None:
        try:
            with file.open("rb") as stream:
                tables = tomllib.load(stream)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.problems.append(f"{file}: cannot be read: {reason}")
            return
        for section, table in tables.items():
            if section not in self._sections:
                hint = _hint(section, {name: f"[{name}]" for name in self._sections})
                self.problems.append(f"{file}: unknown section [{section}]{hint}")
            elif not isinstance(table, dict):
                self.problems.append(f"{file}: {section} is a section: expected [{section}]")
            else:
                for name, value in table.items():
                    self.add(str(file), f"{section}.{name}", value, text=False)

    def read_environment(self, environ: Mapping[str, str]) -> None:
        names = {setting.environment: name for name, setting in self._known.items()}
        for variable in _ours(environ, names):
            if variable in names:
                self.add(f"environment {variable}", names[variable], environ[variable])
            else:
                likely = variable.removeprefix(PREFIX).replace("__", ".").lower()
                hint = _hint(likely, {name: variable for variable, name in names.items()})
                self.problems.append(f"environment: unknown setting {variable}{hint}")

    def add(self, source: str, name: str, value: Any, *, text: bool = True) -> None:
        """Take one value; with ``text``, a string is what somebody typed for any type."""
        setting = self._known.get(name)
        if setting is None:
            hint = _hint(name, {known: known for known in self._known})
            self.problems.append(f"{source}: unknown setting {name}{hint}")
            return
        try:
            fit = (
                setting.parse(value) if text and isinstance(value, str) else setting.accept(value)
            )
        except ValueError:
            given = "a value that is not shown" if setting.secret else f"{value!r:.60}"
            self.problems.append(f"{source}: {name}: expected {setting.wording}, not {given}")
        else:
            self.values[setting.section][setting.name] = fit


def _ours(environ: Mapping[str, str], names: Mapping[str, str]) -> Iterator[str]:
    """The variables that are meant as settings.

    Other programs make variables with our prefix too (Kubernetes, for a service of that name),
    so one without ``__`` counts only when it is a setting's name but for that.
    """
    slips = {name.replace("__", "_") for name in names}
    for variable, value in environ.items():
        if variable.startswith(PREFIX) and (
            "__" in variable or (variable in slips and "://" not in value)
        ):
            yield variable


def _hint(name: str, known: Mapping[str, str]) -> str:
    """The end of a complaint about ``name``: which may have been meant, as they are written."""
    # Right but for a word, or but for the section, is nearer than what only looks alike.
    section, _, last = name.rpartition(".")
    likely = [other for other in known if _is_more_of(section, last, other)]
    likely = likely or [other for other in known if other.rpartition(".")[2] == last]
    likeness = {
        other: difflib.SequenceMatcher(None, other, name).ratio() for other in likely or known
    }
    best = max(likeness.values())
    if not likely and best < ALIKE:
        return ""
    meant = sorted(known[other] for other, alike in likeness.items() if alike == best)
    return f"; did you mean {' or '.join(meant)}?"


def _is_more_of(section: str, last: str, other: str) -> bool:
    """Whether a setting of the section has all words of a name, ``sip_port`` those of ``port``."""
    its_section, _, its_last = other.rpartition(".")
    return its_section == section and set(last.split("_")) <= set(its_last.split("_"))
