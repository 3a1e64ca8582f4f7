"""Running the gateway: the socket, and what one process does from start to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiohttp import web

from crossbar.app import Handler, handler_of, open_gateway, web_server
from crossbar.metrics import PUBLISHED, Board, Metrics
from crossbar.pulse import BEAT
from crossbar.settings import Http, Settings
from crossbar.workers import STOP_SIGNALS, Post, Supervisor

log = structlog.get_logger(__name__)

T = TypeVar("T")

BACKLOG = 1024

M_MMAP_THRESHOLD = -3
"""The number of that setting of glibc's allocator (``malloc.h``)."""

LARGE_BLOCK = 1_048_576
"""Bytes."""

SHORTEST_TURN = 0.001
"""Seconds for which a thread keeps the interpreter from others that want it.

Work beside the event loop that is all Python's gives way then, to each step of a request anew:
with the five milliseconds that are usual, small requests wait three times as long for it.
"""

LAST_MOMENT = 1.0
"""Seconds for what began after the requests under way were waited for."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds before what runs beside the server is started again; longer each time."""

AFTERWARDS = 15.0
"""Seconds for all that is to be done after the requests: jobs and letters above all."""


def listen(settings: Settings) -> socket.socket:
    """The socket to listen on. Raises :class:`OSError` that says where.

    For several workers it only holds the address: each listens on a socket of its own
    (:func:`_join`), and the system shares connections out among them. On a common socket the first
    worker that wakes takes all that wait, and the others have nothing to do.
    """
    host, port = settings.http.host, settings.http.port
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # For several workers too: only so is it certain that nobody else listens there.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    if settings.http.workers > 1:
        taken = listener
        with taken:
            address = taken.getsockname()
        listener = _join(family, address)
    listener.setblocking(False)
    return listener


def _join(family: socket.AddressFamily, address: Any) -> socket.socket:
    """A socket, not yet listening, that shares an address with others of this server."""
    member = socket.socket(family, socket.SOCK_STREAM)
    member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    member.bind(address)
    return member


def _cannot_listen(host: str, port: int, error: OSError) -> OSError:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return OSError(f"cannot listen on {where}: {error.strerror or error}")


def url_of(listener: socket.socket) -> str:
    """Where the server can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    settings: Settings,
    listener: socket.socket,
    tell: Callable[[], None],
    beside: Sequence[str] = (),
) -> int:
    """Serve until SIGTERM or SIGINT, in as many processes as the settings say.

    The first process that takes connections calls ``tell``. What the arguments ``beside`` have
    ``crossbar`` do is done as long as the server runs; the end of its standard input tells it
    that the server was killed.
    """
    if settings.http.workers == 1:
        run_loop(_serve(settings, listener, tell, beside=beside))
        return 0
    tell_once = _once(tell)
    with tempfile.TemporaryDirectory(prefix="crossbar-metrics-") as folder:

        def work(post: Post) -> None:
            member = _join(listener.family, listener.getsockname())
            member.setblocking(False)
            board = Board(Path(folder), post.number)
            arguments = beside if post.number == 0 else ()
            run_loop(_serve(settings, member, tell_once, post, board, arguments))

        return Supervisor(
            settings.http.workers,
            work,
            hang_timeout=settings.http.hang_timeout,
            stop_timeout=settings.http.shutdown_timeout + AFTERWARDS,
        ).run()


def _once(act: Callable[[], None]) -> Callable[[], None]:
    """What is done by the first that calls it, of all processes that are forked from now on."""
    turn, given = os.pipe()
    os.write(given, b"1")
    os.set_blocking(turn, False)

    def first() -> None:
        try:
            os.read(turn, 1)
        except BlockingIOError:  # another has taken it
            return
        act()

    return first


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where it is installed (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _serve(
    settings: Settings,
    listener: socket.socket,
    tell: Callable[[], None],
    post: Post | None = None,
    board: Board | None = None,
    beside: Sequence[str] = (),
) -> None:
    """One process: serve until told to stop, then finish what is under way.

    The end of its lifeline tells it too: the process that would pass on a signal is gone.
    """
    stopping = _stop_on_signals(settings.http)
    loop = asyncio.get_running_loop()
    if post is not None:
        loop.add_reader(post.lifeline, stopping.set)
    async with open_gateway(settings) as gateway, gateway.working():
        traffic = Traffic(handler_of(gateway))
        server = web_server(settings, traffic.handle)
        runner = web.ServerRunner(server, shutdown_timeout=LAST_MOMENT)
        await runner.setup()
        site = web.SockSite(runner, listener, backlog=BACKLOG)
        await site.start()
        _spare_the_collector()
        sys.setswitchinterval(SHORTEST_TURN)
        _return_large_blocks()
        tell()
        log.info("serving", url=url_of(listener), process=os.getpid())
        metrics = gateway.services.metrics
        metrics.connections = lambda: len(server.connections)
        if board is not None:
            metrics.share(board)
        tasks = [
            asyncio.create_task(_turn(metrics, post)),
            asyncio.create_task(_publish(metrics)),
        ]
        companion = asyncio.create_task(_keep_beside(beside))
        await stopping.wait()
        _end_within(settings.http.shutdown_timeout + AFTERWARDS)
        if post is not None:
            loop.remove_reader(post.lifeline)
        await site.stop()
        companion.cancel()
        gateway.services.feed.end()
        await traffic.drain(settings.http.shutdown_timeout)
        await runner.cleanup()
        await asyncio.gather(companion, return_exceptions=True)
    for task in tasks:
        task.cancel()
    faulthandler.cancel_dump_traceback_later()
    log.info("stopped", process=os.getpid())


async def _keep_beside(arguments: Sequence[str]) -> None:
    """Run a command of ours, and again whenever it has ended, until this is cancelled."""
    pause = SHORTEST_PAUSE
    while arguments:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossbar", *arguments), stdin=subprocess.PIPE
        )
        began = time.monotonic()
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        pause = SHORTEST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else pause * 2
        log.error("companion_ended", command=f"crossbar {arguments[0]}", status=status)
        await asyncio.sleep(min(pause, LONGEST_PAUSE))


def _stop_on_signals(settings: Http) -> asyncio.Event:
    """What is set by SIGTERM and SIGINT. An event loop that never comes to see it is ended.

    That is why these are signal handlers of Python's and none of the loop's: they also run while
    the loop is stuck in a request.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    patience = settings.hang_timeout or settings.shutdown_timeout + AFTERWARDS
    is_told = False

    def stop(number: int, frame: object) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            _end_within(patience)
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(stopping.set)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    return stopping


def _end_within(seconds: float) -> None:
    """End this process after a time, come what may, and say where each of its threads then is.

    A thread that is not Python's sees to it: it needs nothing that a stuck one may hold. What it
    writes to standard error is text, whatever the log is.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


async def _turn(metrics: Metrics, post: Post | None) -> None:
    """Show, as long as the event loop turns, that it does, and how late it is."""
    while True:
        if post is not None:
            post.beat()
        due = time.perf_counter() + BEAT
        await asyncio.sleep(BEAT)
        metrics.note_lag(max(0.0, time.perf_counter() - due))


async def _publish(metrics: Metrics) -> None:
    """Put up what was counted, for as long as the process serves."""
    while True:
        await metrics.publish()
        await asyncio.sleep(PUBLISHED)


def _spare_the_collector() -> None:
    """Keep Python's garbage collector from walking what lives as long as the process does.

    Nearly nothing that a request makes is cyclic, so it can also look less often: 10,000 new
    containers instead of 700.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _return_large_blocks() -> None:
    """Let the allocator give memory of large bodies and answers back as soon as they are gone.

    glibc asks the system for large blocks one by one, until it frees one: from then on it takes
    blocks of that size from its heaps, of which every thread has one, and keeps them. After 30
    bodies of 8 MB that was 130 MB; it is 25 MB with a size that stays. Other systems have no such
    setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


class Traffic:
    """The requests under way, counted so that they can be waited for.

    aiohttp's own way to stop waits for handlers, but drops what clients still send, so that a
    request whose body is on its way would never be complete.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._under_way = 0
        self._is_ending = False
        self._quiet = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; once the server is ending, with the last answer of its connection."""
        self._under_way += 1
        try:
            response = await self._handler(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._quiet.set()
        if self._is_ending:
            response.force_close()
        return response

    async def drain(self, timeout: float) -> None:
        """Return when nothing is under way, or after ``timeout`` seconds."""
        self._is_ending = True
        if self._under_way:
            self._quiet.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), timeout)
