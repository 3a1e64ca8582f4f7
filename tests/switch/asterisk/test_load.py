"""Calls in numbers, and what breaks the rules of SIP, both sent by SIPp."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bench.servers import resident_megabytes
from tests.sipp import CALLED, CALLER, NUMBER, PASSWORD, Sipp, flooding, guessing, sending
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN, until

MUST_RUN = "CROSSBAR_TEST_SWITCH_REQUIRED"

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        not (shutil.which("sipp") or os.environ.get(MUST_RUN)),
        reason="SIPp is not installed; make sipp installs it",
    ),
]

CALLS, A_SECOND = 20, 5
SLOWEST = 1000.0
"""Milliseconds until half of the phones ring: ten times what an idle machine takes."""

FIRST_MEDIA_PORT, MEDIA_PORTS = 50_000, 100

ATTACKS = [tuple(f"127.0.{number}.{host}" for host in (2, 3, 4)) for number in range(4)]
"""From where is sent what is refused: broken, guessed, flooding; again and again."""

GUESSES, INVITES, EACH = 20, 200, 5
GROWTH = 3.0
"""Megabytes that a process may have more each time when all of it comes again. Once, and nobody
knows when, Asterisk takes what it needs for so many threads."""

LONG = 60_000
"""Bytes of a header."""


@pytest.fixture
async def sipp(office: Office, tmp_path: Path) -> Sipp:
    """SIPp towards the office, in which the phones of its scenarios have devices."""
    for name in (CALLER, CALLED):
        device = await office.device(name, sip={"password": PASSWORD})
        if name == CALLED:
            await office.callflow(NUMBER, "device", device["id"])
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    folder = tmp_path / "sipp"
    folder.mkdir()
    port = FIRST_MEDIA_PORT + number * MEDIA_PORTS
    return Sipp(folder, office.realm, office.sip_port, media_port=port)


async def test_twenty_calls_are_all_completed_and_recorded_once(
    office: Office, sipp: Sipp
) -> None:
    def load() -> list[float]:
        with sipp.called_phone():
            return sipp.calls(count=CALLS, rate=A_SECOND, seconds=1)

    milliseconds = await asyncio.to_thread(load)
    assert 0 < len(milliseconds) <= CALLS
    assert statistics.median(milliseconds) < SLOWEST, milliseconds
    await until(lambda: not office.station.exchange.lines)
    legs = await office.rows(f"cdrs?page_size={CALLS * 3}")
    ways = [leg["direction"] for leg in legs]
    assert (ways.count("inbound"), ways.count("outbound")) == (CALLS, CALLS)
    assert {leg["hangup_cause"] for leg in legs} == {"NORMAL_CLEARING"}
    calls = await office.rows(f"cdrs/interaction?page_size={CALLS * 3}")
    assert len({call["interaction_id"] for call in calls}) == len(calls) == CALLS


async def test_what_breaks_the_rules_and_who_floods_ends_no_call_and_takes_no_memory(
    office: Office, sipp: Sipp
) -> None:
    carl, dora = await office.phone("carl"), await office.phone("dora", "103")
    await carl.call("103")
    await dora.hears(carl.tone)
    asterisk = office.station.supervision.pid
    assert asterisk is not None
    taken = []
    for hosts in ATTACKS:
        statuses = await asyncio.to_thread(attack, sipp, *hosts)
        assert statuses.pop("guesses") == statuses.pop("flood") == 0  # all of them were refused
        assert statuses.keys() == BROKEN.keys()
        assert {*statuses.values()} <= {0, 1}  # not answered, or refused
        taken.append([resident_megabytes(each) for each in (asterisk, os.getpid())])
    assert len(office.station.exchange.lines) == 2
    await carl.hears(dora.tone)  # that goes on
    await carl.hang_up()
    await until(lambda: not office.station.exchange.lines)
    await carl.call("103")
    await dora.hears(carl.tone)
    assert office.station.supervision.pid == asterisk
    assert len(await office.rows("cdrs")) == 2  # of the first call
    for memory in zip(*taken, strict=True):
        assert min(now - was for was, now in pairwise(memory)) < GROWTH, taken


BROKEN = {
    "beyond": ("Content-Length: 99999\n\nv=0", ""),
    "negative": ("Content-Length: -5\n\nv=0", ""),
    "wordy": ("Content-Length: much\n\nv=0", ""),
    "nowhere": ("Content-Length: 0", "none"),
    "long": (f"X-Filler: {'a' * LONG}\nContent-Length: 0", ""),
}
"""INVITEs of which nobody can make sense, or wants to: how they end, and their Via."""


def attack(sipp: Sipp, stranger: str, guesser: str, flood: str) -> dict[str, int]:
    """Send all of it at once, from these addresses; how each SIPp has ended."""
    some, many = ("-m", str(EACH), "-r", "50"), ("-m", str(INVITES), "-r", str(INVITES))
    started = {
        name: sipp.start(sending(sipp.realm, *broken), name, *some, host=stranger)
        for name, broken in BROKEN.items()
    }
    guesses = ("-m", str(GUESSES), "-r", "20")
    started["guesses"] = sipp.start(guessing(sipp.realm), "guesses", *guesses, host=guesser)
    started["flood"] = sipp.start(flooding(sipp.realm), "flood", *many, host=flood)
    try:
        return {name: process.wait(WITHIN) for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
