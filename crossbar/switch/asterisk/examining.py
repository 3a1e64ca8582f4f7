"""Whether a switch could run here: its program, its modules, its ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from crossbar.settings import SettingsError, Switch
from crossbar.switch.asterisk.fetching import TESTED
from crossbar.switch.asterisk.files import check_certificate, missing_modules
from crossbar.switch.asterisk.ports import is_free, taken
from crossbar.switch.asterisk.program import MODEM, Missing, find
from crossbar.switch.place import read_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was looked at, whether it is as it should be, and what was found."""

    subject: str
    is_good: bool
    text: str


def examine(settings: Switch, folder: Path) -> Iterator[Fault]:
    """Look at what a switch needs."""
    try:
        program = find(folder)
    except Missing as missing:
        yield Fault(subject="switch", is_good=False, text=str(missing))
        return
    lacking = missing_modules(program)
    if lacking:
        text = f"Asterisk {program.version} lacks {', '.join(lacking[:5])} in {program.modules}"
        yield Fault(subject="switch", is_good=False, text=text)
    else:
        tried = "" if program.version == TESTED else f"; {TESTED} was tried"
        yield Fault(subject="switch", is_good=True, text=f"Asterisk {program.version}{tried}")
    if not program.can_fax:
        remedy = "; `crossbar switch --only-fetch` mends that" if program.is_fetched else ""
        text = f"no faxes: Asterisk lacks {MODEM}, or the library behind it{remedy}"
        yield Fault(subject="switch faxes", is_good=not remedy, text=text)
    if program.sounds is None:
        text = "Asterisk has no recordings: prompts are silent"
        yield Fault(subject="switch sounds", is_good=False, text=text)
    try:
        host = ip_address(settings.host)
        public = ip_address(settings.public_address) if settings.public_address else None
    except ValueError as error:
        yield Fault(subject="switch address", is_good=False, text=str(error))
        return
    yield from _ports(settings, folder)
    yield from _encryption(settings)
    if host.is_loopback and public is not None:
        text = "switch.public_address is of no use while switch.host is this machine alone"
        yield Fault(subject="switch address", is_good=False, text=text)
    elif host.is_loopback:
        text = "phones on this machine only: switch.host says so"
        yield Fault(subject="switch address", is_good=True, text=text)


def _ports(settings: Switch, folder: Path) -> Iterator[Fault]:
    where = f"{settings.host}:{settings.sip_port}"
    place = read_place(folder)
    if place is not None and not is_free("127.0.0.1", place.port, "TCP"):
        yield Fault(subject="switch ports", is_good=True, text=f"it runs, with SIP at {where}")
        return
    if address := next(taken(settings), ""):
        text = f"{address} is taken or no address of this machine: see switch.sip_port"
        yield Fault(subject="switch ports", is_good=False, text=text)
        return
    if settings.last_media_port - settings.first_media_port < 3:
        text = "switch.last_media_port leaves no ports for a call"
        yield Fault(subject="switch ports", is_good=False, text=text)
        return
    yield Fault(subject="switch ports", is_good=True, text=f"{where} is free")


def _encryption(settings: Switch) -> Iterator[Fault]:
    """Whether the certificate and its key can be used."""
    if not settings.tls_port:
        return
    try:
        check_certificate(settings)
    except SettingsError as error:
        text = "; ".join(error.problems)
        yield Fault(subject="switch encryption", is_good=False, text=text)
        return
    text = f"encrypted SIP at {settings.host}:{settings.tls_port}"
    yield Fault(subject="switch encryption", is_good=True, text=text)
