"""Is this installation sound? The checks behind ``crossbar doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crossbar.app import open_gateway
from crossbar.clock import Clock
from crossbar.identity.secrets import SecretsError
from crossbar.settings import Settings
from crossbar.storage import StoreError
from crossbar.storage.factory import UnknownStorage, file_of
from crossbar.switch.asterisk import examine as examine_switch
from crossbar.validation import Schemas

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
"""A clock that shows less is wrong: this server did not exist then."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    subject: str
    is_good: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check, in order. None changes a document."""
    return [
        Finding("settings", True, "understood"),
        *_schemas(),
        *_clock(Clock()),
        *await _store(settings),
        *_switch(settings),
    ]


def _schemas() -> Iterator[Finding]:
    schemas = Schemas()
    faults = schemas.check()
    yield from (Finding("schemas", False, fault) for fault in faults)
    if not faults:
        yield Finding("schemas", True, f"{len(schemas.names())} are sound")


def _clock(clock: Clock) -> Iterator[Finding]:
    is_good = clock.precise() > EARLIEST
    text = clock.iso() if is_good else f"{clock.iso()} cannot be: tokens would not be valid"
    yield Finding("clock", is_good, text)


def _switch(settings: Settings) -> Iterator[Finding]:
    """Whether a telephone switch could run, where one has been used."""
    folder = settings.switch_folder()
    if folder.exists():
        for found in examine_switch(settings.switch, folder):
            yield Finding(found.subject, found.is_good, found.text)


async def _store(settings: Settings) -> list[Finding]:
    try:
        file = file_of(settings.storage)
        if file is not None and not file.exists():  # opening would create it
            return [Finding("store", False, f"{file} does not exist; `crossbar init` makes it")]
        async with open_gateway(settings) as gateway:
            await gateway.services.store.ping()
            master = await gateway.services.accounts.master()
            last = await gateway.services.store.last_event()
    except (StoreError, SecretsError, UnknownStorage, OSError) as error:
        return [Finding("store", False, str(error))]
    text = f"master account {master.account_id}" if master else "empty; `crossbar init` fills it"
    return [
        Finding("store", True, f"answers; {last} events in its log"),
        *_mode(file),
        Finding("accounts", master is not None, text),
    ]


def _mode(file: Path | None) -> Iterator[Finding]:
    """Whether others may read the database; older versions left that to the umask."""
    if file is not None and (mode := file.stat().st_mode & 0o777) & 0o077:
        advice = f"{file} has mode {mode:03o}: others than its owner may use it; `chmod 600` it"
        yield Finding("file", False, f"{advice} and what lies beside it")
