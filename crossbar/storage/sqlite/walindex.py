"""Whether anybody has written to the file, found out without asking SQLite."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import ClassVar

HEADER = 96
"""Bytes of the header of SQLite's index of its log (the file's ``-shm``): two equal copies of it,
see "The WAL-Index File Format" in SQLite's documentation."""


class WalIndex:
    """The header of a database's wal-index, mapped into memory.

    Every commit, of any process, changes it: after what was written is durable, and before the
    commit is acknowledged. It is what SQLite compares itself at the beginning of each read to find
    out whether what it has in its cache still holds; to have SQLite do it (``PRAGMA
    data_version``) takes a hundred times as long. What is read while it is being changed is equal
    to no other state.

    The first close of a file gives up all locks that its process has on it (POSIX), those that
    SQLite holds to keep others from making the wal-index anew among them. So there is one mapping
    of a file in a process, and who uses it closes it after its connections to the database.
    """

    _open: ClassVar[dict[tuple[int, int], WalIndex]] = {}

    def __init__(self, descriptor: int, name: tuple[int, int]) -> None:
        self._descriptor = descriptor
        self._name = name
        self._users = 0
        self._header = mmap.mmap(descriptor, HEADER, access=mmap.ACCESS_READ)

    @classmethod
    def of(cls, path: str) -> WalIndex:
        """That of the database at ``path``, which is open. Raises :class:`OSError` and
        :class:`ValueError` where there is none to map."""
        file = Path(f"{Path(path).resolve()}-shm")  # SQLite follows links, too
        status = file.stat()
        name = (status.st_dev, status.st_ino)
        if name not in cls._open:
            cls._open[name] = cls(os.open(file, os.O_RDONLY), name)
        found = cls._open[name]
        found._users += 1
        return found

    def state(self) -> bytes:
        """What differs from before if anything was committed since."""
        return self._header[:HEADER]

    def close(self) -> None:
        """Done, for one of those who use it."""
        self._users -= 1
        if not self._users:
            del self._open[self._name]
            self._header.close()
            os.close(self._descriptor)
