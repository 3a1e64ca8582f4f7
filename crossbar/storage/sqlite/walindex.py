"""Whether anybody has written to the file, found out without asking SQLite."""

from __future__ import annotations

import ctypes
import os
import weakref
from contextlib import suppress
from pathlib import Path

HEADER = 96
"""Bytes of the header of SQLite's index of its log (the file's ``-shm``): two equal copies of it,
see "The WAL-Index File Format" in SQLite's documentation."""

DESCRIPTORS = Path("/dev/fd")
"""Where systems show a process the descriptors that it has open."""

PROT_READ = MAP_SHARED = 1
"""As ``mman.h`` of Linux, macOS and the BSDs has them."""

FAILED = ctypes.c_void_p(-1).value


class WalIndex:
    """The header of a database's wal-index, mapped into memory for as long as this object lives.

    Every commit, of any process, changes it: after what was written is durable, and before the
    commit is acknowledged. It is what SQLite compares itself at the beginning of each read to find
    out whether what it has in its cache still holds; to have SQLite do it (``PRAGMA
    data_version``) takes thirty times as long. What is read while it is being changed is equal to
    no other state.

    It is mapped through SQLite's own descriptor. A process that closes any descriptor of a file
    gives up all locks that it has on it (POSIX), those among them by which SQLite keeps others
    from making the index anew; so none is opened here, and none closed, as :mod:`mmap` would.

    Raises :class:`OSError` where the system shows no descriptors, or SQLite has none open.
    """

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = (
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int),
            ctypes.c_long,
        )
        libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        address = libc.mmap(None, HEADER, PROT_READ, MAP_SHARED, _descriptor_of(path), 0)
        if address == FAILED:
            raise OSError(ctypes.get_errno(), "cannot be mapped", path)
        weakref.finalize(self, libc.munmap, address, HEADER)
        self._header = (ctypes.c_char * HEADER).from_address(address)

    def state(self) -> bytes:
        """What differs from before if anything was committed since."""
        return self._header.raw


def _descriptor_of(path: str) -> int:
    """That by which SQLite has the wal-index of a database open."""
    status = Path(f"{Path(path).resolve()}-shm").stat()  # SQLite follows links, too
    for each in DESCRIPTORS.iterdir():
        with suppress(OSError):  # that of the listing is closed by now
            number = int(each.name)
            if os.path.samestat(os.fstat(number), status):
                return number
    raise FileNotFoundError(f"{path}-shm: not open")
