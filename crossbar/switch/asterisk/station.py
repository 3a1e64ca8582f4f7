"""The switch as a whole: Asterisk, what it asks, what it tells, and what is done with it."""

from __future__ import annotations

import asyncio
import fcntl
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from crossbar.core.services import Services
from crossbar.errors import CrossbarError
from crossbar.settings import Switch
from crossbar.storage import StoreError
from crossbar.switch.asterisk import files
from crossbar.switch.asterisk.addressed import Addressed
from crossbar.switch.asterisk.adopting import take_over
from crossbar.switch.asterisk.ari import Ari
from crossbar.switch.asterisk.background import Work, working
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.commands import Commands
from crossbar.switch.asterisk.contacts import Contacts
from crossbar.switch.asterisk.exchange import Exchange, Flow
from crossbar.switch.asterisk.guard import Guard
from crossbar.switch.asterisk.lamps import Lamps
from crossbar.switch.asterisk.making import remove_unused
from crossbar.switch.asterisk.manager import Manager
from crossbar.switch.asterisk.media import AriMedia
from crossbar.switch.asterisk.phones import Phones
from crossbar.switch.asterisk.ports import taken
from crossbar.switch.asterisk.process import Supervision, running_one, supervised
from crossbar.switch.asterisk.program import Program
from crossbar.switch.asterisk.seen import Seen
from crossbar.switch.asterisk.server import serving
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.asterisk.tables import Tables
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.place import Place, new_secret, read_place, write_place

log = structlog.get_logger(__name__)

LAST_MOMENT = 5.0
"""Seconds for what is still to be told at the end."""


PAUSES = (0.1,) * 20
"""Seconds between two looks whether a port is free."""

DAY = 86_400


class AlreadyRunning(Exception):
    """Another process runs the switch of this folder."""


class AddressTaken(Exception):
    """Phones cannot reach a switch there. The message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A running switch. ``exchange`` has its calls, ``supervision`` its Asterisk."""

    exchange: Exchange
    supervision: Supervision
    phones: Phones
    tables: Tables
    teller: Teller


@asynccontextmanager
async def running(
    services: Services, program: Program, folder: Path, flow: Flow
) -> AsyncIterator[Station]:
    """A switch that runs for as long as the context is open; ``flow`` is what calls do.

    Raises :class:`AlreadyRunning`, :class:`AddressTaken`, and :class:`OSError` where the folder
    cannot be used.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_only_one(folder))
        plan, listener = await _agreed(services, program, folder)
        stack.callback(listener.close)
        phones, carriers, addressed = _known(services)
        teller = Teller(services)
        contacts = Contacts(plan.folder / "contacts.json")
        ari, manager = Ari(plan.ari_port, plan.secret), Manager(plan.ari_port, plan.secret)
        watching = Manager(plan.ari_port, plan.secret)  # who waits for events does nothing else
        for each in (ari, manager, watching):
            stack.push_async_callback(each.close)
        guard = Guard(manager, watching, plan.etc / "acl.conf", services, carriers)
        lamps = Lamps(services, ari, manager, phones, contacts, teller)
        stack.push_async_callback(lamps.stop)
        tables = Tables(phones, carriers, addressed, contacts, teller, lamps, plan.settings)
        sounds = Sounds(services, program.sounds, plan.folder / "sounds")
        stack.push_async_callback(sounds.close)

        exchange = Exchange(
            services,
            ari,
            phones,
            carriers,
            contacts,
            teller,
            lamps,
            sounds,
            flow,
            AriMedia,
            take_over,
            Seen(plan.folder / "seen", services.clock),
            plan.faxes,
        )
        await stack.enter_async_context(_sharing(exchange))
        commands = Commands(exchange, tables)
        await stack.enter_async_context(serving(listener, plan.secret, tables, commands.obey))
        supervision = await stack.enter_async_context(supervised(plan))
        sweep = partial(_sweeping, sounds, plan.spool / "recording")
        work = (teller.work, contacts.work, guard.work, partial(_tidying, phones, tables), sweep)
        await stack.enter_async_context(working(*work, *_watching(exchange, tables)))
        try:
            yield Station(
                exchange=exchange,
                supervision=supervision,
                phones=phones,
                tables=tables,
                teller=teller,
            )
        finally:
            await (exchange.leave() if supervision.is_left else exchange.stop())
            await teller.finish(LAST_MOMENT)
            contacts.write()


@asynccontextmanager
async def _sharing(exchange: Exchange) -> AsyncIterator[None]:
    """Know what is shared with other switches, and give it up, unless calls go on."""
    await exchange.call_center.begin()
    await exchange.tolls.begin()
    try:
        yield
    finally:
        if exchange.ready.is_set() and not exchange.ari.is_given_up:
            await _give_up(exchange)


async def _give_up(exchange: Exchange) -> None:
    try:
        async with asyncio.timeout(LAST_MOMENT):
            await exchange.tolls.finish()
    except (CrossbarError, StoreError, TimeoutError) as error:
        log.warning("places_not_given_up", error=repr(error))  # they are when the lease ends


def _known(services: Services) -> tuple[Phones, Carriers, Addressed]:
    """Who calls and is called, as long as the event log tells of changes."""
    phones, carriers = Phones(services), Carriers(services)
    addressed = Addressed(services, phones, carriers)
    for each in (phones, carriers, addressed):
        services.events.subscribe(each)
    return phones, carriers, addressed


@contextmanager
def _only_one(folder: Path) -> Iterator[Path]:
    """The folder, whose switch nobody else runs meanwhile."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:  # the system forgets it with the process
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"the switch in {folder} runs already, in another process"
            raise AlreadyRunning(message) from None
        yield folder.resolve()


async def _agreed(
    services: Services, program: Program, folder: Path
) -> tuple[files.Plan, socket.socket]:
    """The files, and the socket on which Asterisk asks.

    What an Asterisk that was left behind was told still holds for it: its ports and the secret.
    """
    before = read_place(folder)
    listener, place = _listener(before.port) if before else None, before
    if listener is None or place is None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        place = Place(port=listener.getsockname()[1], ari_port=_free_port(), secret=new_secret())
    plan = files.Plan(
        folder=folder,
        program=program,
        settings=services.settings.switch,
        tables_url=place.url,
        ari_port=place.ari_port,
        manager_port=_free_port(),
        secret=place.secret,
    )
    try:
        if running_one(plan) is None:
            await _until_free(plan.settings)
            files.write(plan)
        write_place(folder, place)
    except BaseException:
        listener.close()
        raise
    return plan, listener


async def _until_free(settings: Switch) -> None:
    """Wait for the ports of phones: an Asterisk that was just killed has them for a moment.

    Without them Asterisk would start, and tell nobody that no phone reaches it. Raises
    :class:`AddressTaken`.
    """
    address = next(taken(settings), "")
    for pause in PAUSES if address else ():
        await asyncio.sleep(pause)
        address = next(taken(settings), "")
        if not address:
            return
    if address:
        raise AddressTaken(
            f"cannot listen on {address}: another program does, or it is no address of this"
            " machine; see switch.host and switch.sip_port"
        )


def _listener(port: int) -> socket.socket | None:
    """A socket that listens on loopback; ``None`` when somebody else does there."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        return None
    listener.setblocking(False)
    return listener


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _sweeping(sounds: Sounds, recordings: Path) -> None:
    """Remove files that are of no use any more, every day: what was left by a crash, too."""
    while True:
        await asyncio.to_thread(sounds.tidy)
        await asyncio.to_thread(remove_unused, recordings, DAY)
        await asyncio.sleep(DAY)


async def _tidying(phones: Phones, tables: Tables) -> None:
    """Forget contacts of phones that may not be used any more, whenever that may be."""
    while True:
        await phones.changed.wait()
        phones.changed.clear()
        try:
            await tables.tidy()
        except Exception:
            phones.changed.set()  # it is still to be done
            raise


def _watching(exchange: Exchange, tables: Tables) -> tuple[Work, ...]:
    """What goes on all the while about calls and carriers."""
    return (
        exchange.work,
        exchange.carriers.work,
        exchange.distributor.work,
        exchange.call_center.work,
        partial(exchange.tolls.work, exchange.ready, exchange.hang_up),
        partial(exchange.seen.work, lambda: bool(exchange.lines)),
        partial(tables.carrier_rows.register, exchange.ari),
    )
