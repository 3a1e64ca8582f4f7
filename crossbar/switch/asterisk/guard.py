"""Whoever guesses passwords of phones is shut out for a while, by address.

Asterisk tells of each wrong password. Which address may not ask is an access list of its own,
which is read again whenever it changes: what is shut out costs it next to nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

import structlog

from crossbar.core.services import Services
from crossbar.storage import SYSTEM
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.files import GUESSES, blocked_file
from crossbar.switch.asterisk.manager import Manager

log = structlog.get_logger(__name__)

MINUTE = 60

PAUSE = 1.0
"""Seconds between looks at who is let in again, and until Asterisk is asked again."""

Proof = tuple[str, object]
"""The call in which a password was proved, and by what."""

MOST = 10_000
"""Addresses whose guesses are counted, and addresses that are shut out."""


class Guard:
    """Counts wrong passwords by address. ``file`` is the access list that Asterisk reads.

    ``watching`` is a session of its own, which is told of them. Addresses of the system's
    ``carriers`` are never shut out: who forges one must not end all calls.
    """

    def __init__(
        self,
        manager: Manager,
        watching: Manager,
        file: Path,
        services: Services,
        carriers: Carriers,
    ) -> None:
        self._carriers = carriers
        self._manager = manager
        self._watching = watching
        self._file = file
        self._settings = services.settings.switch
        self._clock = services.clock
        self._guesses: dict[str, dict[Proof, float]] = {}
        """What was sent from addresses lately, and when, in seconds since 1970; oldest first."""

        self._blocked: dict[str, float] = {}
        """Until when addresses are shut out, in seconds since 1970."""

    async def work(self) -> None:
        """Watch, for ever."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._watch())
            both.create_task(self._let_in())

    async def _watch(self) -> None:
        while True:
            try:
                for event in await self._watching.events():
                    if event.get("event") in GUESSES:
                        address = _address_in(event.get("remoteaddress", ""))
                        await self._note(address, _proof_in(event))
            except AriError:  # it is not up
                await asyncio.sleep(PAUSE)

    async def _note(self, address: str, proof: Proof) -> None:
        """A wrong password came from there; who sends the same once more has not guessed again."""
        if not address or address in self._blocked:
            return
        if any(each.owner == SYSTEM for each in await self._carriers.at(address)):
            return
        now = self._clock.precise()
        if len(self._guesses) >= MOST:
            self._guesses.clear()
        guesses = self._guesses.setdefault(address, {})
        guesses.setdefault(proof, now)
        for old in [each for each, at in guesses.items() if at < now - MINUTE]:
            del guesses[old]
        if len(guesses) >= self._settings.guesses_a_minute and len(self._blocked) < MOST:
            del self._guesses[address]
            self._blocked[address] = now + self._settings.shut_out_seconds
            log.warning("address_shut_out", address=address, why="wrong passwords of phones")
            await self._apply()

    async def _let_in(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            now = self._clock.precise()
            over = [address for address, until in self._blocked.items() if until <= now]
            if over:
                for address in over:
                    del self._blocked[address]
                    log.info("address_let_in", address=address)
                await self._apply()

    async def _apply(self) -> None:
        self._file.write_text(blocked_file(self._blocked))
        try:
            await self._manager.do("Reload", [("Module", "acl")])
        except AriError as error:
            log.warning("access_list_not_read", error=str(error))


def _proof_in(event: dict[str, str]) -> Proof:
    """What is sent again has the same, such as by a phone that is not answered soon enough.

    Asterisk tells of each copy, while it has no time for the first one.
    """
    return event.get("sessionid", ""), event.get("response") or object()


def _address_in(told: str) -> str:
    """The address in ``IPV4/UDP/192.0.2.1/5060``; nothing where there is none."""
    parts = told.split("/")
    try:
        return str(ipaddress.ip_address(parts[2]))
    except (IndexError, ValueError):
        return ""
