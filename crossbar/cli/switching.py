"""``crossbar switch``: a telephone switch beside the server, and what it prints."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from crossbar.app import Gateway
from crossbar.cli.commands import Refusal, with_gateway
from crossbar.settings import Settings
from crossbar.switch.asterisk import (
    AddressTaken,
    AlreadyRunning,
    Missing,
    Program,
    find,
    obtain,
    running,
)
from crossbar.switch.flows import Flows
from crossbar.workers import STOP_SIGNALS


def switch(options: argparse.Namespace, settings: Settings) -> int:
    """Run a switch until SIGTERM or SIGINT."""
    folder = settings.switch_folder()
    try:
        program = _program(folder, may_fetch=options.fetch or options.only_fetch)
        if options.only_fetch:
            return 0
        with_gateway(settings, lambda gateway: _run(gateway, program, folder, options.lifeline))
    except (Missing, AlreadyRunning, AddressTaken) as error:
        raise Refusal(str(error)) from None
    return 0


def _program(folder: Path, *, may_fetch: bool) -> Program:
    """The Asterisk to run. Raises :class:`~crossbar.switch.asterisk.Missing`."""
    if not may_fetch:
        return find(folder)
    return obtain(folder, lambda line: print(line, flush=True))


async def _run(gateway: Gateway, program: Program, folder: Path, has_lifeline: bool) -> None:
    services = gateway.services
    stopping, severed = asyncio.Event(), asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if has_lifeline:
        _watch_lifeline(severed)
    async with running(services, program, folder, Flows(services).run) as station:
        settings = services.settings.switch
        told, cut = asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(severed.wait())
        ready = asyncio.ensure_future(station.exchange.ready.wait())
        await asyncio.wait((told, cut, ready), return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            print(f"Phones reach the switch at {settings.host}:{settings.sip_port}", flush=True)
            await asyncio.wait((told, cut), return_when=asyncio.FIRST_COMPLETED)
        # Who started us was killed: calls go on, and whoever comes next takes Asterisk over.
        station.supervision.is_left = severed.is_set() and not stopping.is_set()
        for each in (told, cut, ready):
            each.cancel()


def _watch_lifeline(severed: asyncio.Event) -> None:
    """Note the end of standard input: nobody writes there, so who held it is gone."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(descriptor, 512):
            loop.remove_reader(descriptor)
            severed.set()

    loop.add_reader(descriptor, look)


SWITCH_COMMANDS = {"switch": switch}
