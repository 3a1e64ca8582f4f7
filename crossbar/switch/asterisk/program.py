"""Which Asterisk there is: the one on the PATH, or one that was fetched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST = 20
"""The oldest major version of Asterisk that will do."""

ROOT = "asterisk"
"""The folder, within the switch's own, that a fetched Asterisk is in."""

MODEM = "res_fax_spandsp"
"""The module that sends and receives faxes."""

_VERSION = re.compile(r"Asterisk (?:certified[/-])?(\d+)((?:\.\d+)*)")


class Missing(Exception):
    """There is no Asterisk that will do; says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How Asterisk is started, and where its modules and sounds are."""

    command: Sequence[str]
    version: str
    modules: Path
    sounds: Path | None = None
    music: Path | None = None
    words: Path | None = None
    """What Asterisk knows its own options by: without it, it does not start."""

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.partition(".")[0])

    @property
    def can_fax(self) -> bool:
        """Whether faxes can be sent and received: there is a modem, and the library behind it."""
        if not (self.modules / f"{MODEM}.so").exists():
            return False
        libraries = self.modules.parent.parent
        return not self.is_fetched or any(libraries.glob("libspandsp.so*"))

    @property
    def is_fetched(self) -> bool:
        """Whether it runs by a loader and libraries of its own."""
        return len(self.command) > 1


def find(folder: Path) -> Program:
    """The Asterisk on the PATH if it is new enough, else the fetched one. Raises `Missing`."""
    on_path = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    too_old = ""
    if on_path:
        program = _installed(Path(on_path))
        if program.major >= OLDEST:
            return program
        too_old = f" ({on_path} is {program.version}, and {OLDEST} is needed)"
    if (folder / ROOT).exists():
        return fetched_in(folder / ROOT)
    raise Missing(
        f"there is no Asterisk here{too_old}: on Debian `crossbar switch --fetch` gets one into"
        f" {folder} without installing anything; elsewhere install `asterisk`, {OLDEST} or newer"
    )


def fetched_in(root: Path) -> Program:
    """The Asterisk that was unpacked there: with its own loader and libraries.

    Raises :class:`Missing` when it does not run.
    """
    root = root.resolve()
    loader = _first([*root.glob("usr/lib*/ld-linux*.so*"), *root.glob("usr/lib/*/ld-linux*.so*")])
    modules = _first(root.glob("usr/lib/*/asterisk/modules"))
    if loader is None or modules is None:
        raise Missing(f"{root} is no Asterisk; `crossbar switch --fetch` gets it anew")
    libraries = modules.parent.parent
    command = (
        str(loader),
        *("--library-path", f"{libraries}:{modules.parent}"),
        str(root / "usr/sbin/asterisk"),
    )
    return Program(
        command=command,
        version=_version_of(command),
        modules=modules,
        sounds=_first(sorted(root.glob("usr/share/asterisk/sounds/en_US*"))),
        music=_first(root.glob("usr/share/asterisk/moh")),
        words=_first(root.glob("usr/share/asterisk/documentation")),
    )


def _installed(path: Path) -> Program:
    prefixes = [path.resolve().parent.parent, Path("/usr")]
    modules = _first(
        folder
        for prefix in prefixes
        for pattern in ("lib/*/asterisk/modules", "lib64/asterisk/modules", "lib/asterisk/modules")
        for folder in prefix.glob(pattern)
    )
    data = [
        *(prefix / "share/asterisk" for prefix in prefixes),
        *(prefix / "var/lib/asterisk" for prefix in prefixes),
        Path("/var/lib/asterisk"),
    ]
    return Program(
        command=(str(path),),
        version=_version_of((str(path),)),
        modules=modules or Path("/usr/lib/asterisk/modules"),
        sounds=_first(
            folder
            for place in data
            for folder in (*sorted(place.glob("sounds/en_US*")), place / "sounds/en")
        ),
        music=_first(place / "moh" for place in data),
        words=_first(place / "documentation" for place in data),
    )


def _first(folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if folder.exists()), None)


def _version_of(command: Sequence[str]) -> str:
    try:
        told = subprocess.run(  # noqa: S603 - a program that an operator has chosen
            (*command, "-V"), capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[-1]} does not run: {error}") from None
    match = _VERSION.search(told.stdout)
    if match is None:
        why = (told.stderr or told.stdout).strip()[:200]
        raise Missing(f"{command[-1]} does not run: {why}")
    return match[1] + match[2]
