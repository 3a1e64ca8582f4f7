"""Running the gateway: sockets, worker processes, signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from aiohttp import web

from crossbar.app import build_app
from crossbar.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

BACKLOG = 1024
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
RESTART_PAUSE = 1.0
"""Seconds before a worker that died is replaced."""

ORPHAN_CHECK = 1.0
"""Seconds between a worker's looks at whether its parent is still there."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket, which workers share. Raises :class:`OSError`."""
    host, port = settings.http.host, settings.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Where the server can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(settings: Settings, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT, in as many processes as the settings say."""
    if settings.http.workers == 1:
        run_loop(_serve(settings, listener))
        return 0
    return _supervise(settings, listener)


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where it is installed (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _serve(settings: Settings, listener: socket.socket) -> None:
    """One process: serve until told to stop, then finish what is under way."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    runner = web.AppRunner(
        build_app(settings),
        access_log=None,
        handle_signals=False,
        keepalive_timeout=settings.http.idle_timeout,
        shutdown_timeout=settings.http.shutdown_timeout,
    )
    await runner.setup()
    await web.SockSite(runner, listener).start()
    log.info("serving", url=url_of(listener), process=os.getpid())
    parent = os.getppid()
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), ORPHAN_CHECK)
        if settings.http.workers > 1 and os.getppid() != parent:
            stopping.set()
    await runner.cleanup()


def _supervise(settings: Settings, listener: socket.socket) -> int:
    """Start the workers, replace those that die, and pass the signal to stop on to them."""
    workers: set[int] = set()
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGTERM)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    while len(workers) < settings.http.workers:
        workers.add(_start_worker(settings, listener))
    while workers:
        worker, status = os.wait()
        workers.discard(worker)
        if not stopping:
            log.error("worker_died", process=worker, status=os.waitstatus_to_exitcode(status))
            time.sleep(RESTART_PAUSE)
            workers.add(_start_worker(settings, listener))
    return 0


def _start_worker(settings: Settings, listener: socket.socket) -> int:
    worker = os.fork()
    if worker:
        return worker
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        run_loop(_serve(settings, listener))
    except BaseException:
        log.exception("worker_failed")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
