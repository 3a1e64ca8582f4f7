"""Files with sounds that are made when somebody is to hear them: one for all who wait for it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from weakref import WeakValueDictionary

import structlog

from crossbar.clock import Clock
from crossbar.core.ports import Unplayable
from crossbar.remembering import keep

log = structlog.get_logger(__name__)

LARGEST = 12_000_000
"""Bytes of a file of which a sound is made."""

AT_ONCE, OF_ACCOUNT = 16, 2
"""How many files are made at a time, each of which takes as many bytes; and how many for one
account, so that others need not wait for what is slow to come to it."""

PATIENCE = 10.0
"""Seconds that a caller waits for a file. It is made all the same, for who calls later."""

AGAIN = 60.0
"""Seconds until what could not be made is tried again."""

MOST_FAILED = 10_000

ROOM = 2_000_000_000
"""Bytes that the files of a folder may take together: then those that were not heard for longest
are removed."""

BLOCK = 4096
"""Bytes that a file takes on a disk at least."""

Make = Callable[[Path], Awaitable[None]]
"""Writes a file; or not, when the one that is there is still good. Raises :class:`Unplayable`."""


class Files:
    """Sounds in a folder, by names that say what they are made of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._making: dict[Path, asyncio.Task[bool]] = {}
        self._failed: dict[Path, float] = {}
        self._taken: int | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._of_accounts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> Path:
        """The file of a name, whether it is there or not."""
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.wav"

    async def have(
        self,
        account_id: str,
        name: str,
        make: Make,
        *,
        is_good: bool = True,
        seconds: float = PATIENCE,
    ) -> Path | None:
        """The file of a name, which is made unless it is there and still ``is_good``.

        ``None`` when that failed, a moment ago or now, or takes longer than so many ``seconds``.
        """
        file = self.of(name)
        if is_good and file.exists():
            return file
        if self._failed.get(file, 0) > monotonic():
            return None
        if (task := self._making.get(file)) is None:
            task = self._making[file] = asyncio.create_task(self._make(account_id, file, make))
            task.add_done_callback(lambda _: self._making.pop(file, None))
        done, _ = await asyncio.wait([task], timeout=seconds)
        return file if done and task.result() else None

    async def _make(self, account_id: str, file: Path, make: Make) -> bool:
        """A file that is there is whole."""
        new = file.with_suffix(".new")
        try:
            async with self._turn_of(account_id), self._turns:
                await make(new)
            with suppress(FileNotFoundError):
                new.rename(file)
                await self._note(file)
        except (Unplayable, OSError) as error:
            log.warning("sound_cannot_be_played", account_id=account_id, reason=str(error))
            keep(self._failed, file, monotonic() + AGAIN, MOST_FAILED)
            return False
        finally:
            new.unlink(missing_ok=True)
        return True

    async def _note(self, file: Path) -> None:
        """Count what a new file takes, and make room if that is too much."""
        if self._taken is not None:
            self._taken += _taken_by(await asyncio.to_thread(file.stat))
        if self._taken is None or self._taken > ROOM:
            self._taken = await asyncio.to_thread(make_room, self._folder, ROOM * 3 // 4)

    def _turn_of(self, account_id: str) -> asyncio.Semaphore:
        turn = self._of_accounts.get(account_id)
        if turn is None:
            turn = self._of_accounts[account_id] = asyncio.Semaphore(OF_ACCOUNT)
        return turn

    def tidy(self, seconds: float) -> None:
        """Remove files that nobody has heard for so long. Call it in a thread."""
        remove_unused(self._folder, seconds)

    async def close(self) -> None:
        """Make nothing any more."""
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)


def make_room(folder: Path, most: int) -> int:
    """Remove files that were not heard for longest, until the others take so many bytes at most.

    How many they take.
    """
    found: list[tuple[float, int, Path]] = []
    for file in folder.glob("*.wav"):
        with suppress(OSError):
            facts = file.stat()
            found.append((_heard_at(facts), _taken_by(facts), file))
    taken = sum(size for _, size, _ in found)
    for _, size, file in sorted(found, key=lambda each: each[0]):
        if taken <= most:
            break
        file.unlink(missing_ok=True)
        taken -= size
    return taken


def _heard_at(facts: os.stat_result) -> float:
    """When a file was written or read last."""
    return max(facts.st_atime, facts.st_mtime)


def _taken_by(facts: os.stat_result) -> int:
    return max(facts.st_size, BLOCK)


def remove_unused(folder: Path, seconds: float) -> None:
    """Remove files of a folder that were neither written nor read for so long."""
    now = Clock().precise()
    for file in folder.iterdir():
        with suppress(OSError):
            facts = file.stat()
            if file.is_file() and _heard_at(facts) < now - seconds:
                file.unlink()
