"""From a storage URL to a store."""

from __future__ import annotations

from pathlib import Path

from crossbar.settings import Storage
from crossbar.storage import Observer, Store, unobserved

SQLITE = "sqlite:///"
MONGODB = ("mongodb://", "mongodb+srv://")


class UnknownStorage(ValueError):
    """The URL is of no kind that a store exists for."""


def file_of(settings: Storage) -> Path | None:
    """The file of an embedded store; ``None`` for a store elsewhere."""
    if not settings.url.startswith(SQLITE):
        return None
    name = settings.url.removeprefix(SQLITE)
    if not name:
        raise UnknownStorage("storage.url: sqlite:/// names no file")
    return Path(name)


def store_for(settings: Storage, observer: Observer = unobserved) -> Store:
    """The store that ``storage.url`` names, not opened. Raises :class:`UnknownStorage`.

    Drivers are imported only when they are used.
    """
    url = settings.url
    path = file_of(settings)
    if path is not None:
        from crossbar.storage.sqlite import SQLiteStore

        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return SQLiteStore(str(path), observer=observer)
    if url.startswith(MONGODB):
        from crossbar.storage.mongodb import MongoStore

        return MongoStore(url, driver=settings.mongodb_driver, observer=observer)
    scheme = url.partition(":")[0]
    raise UnknownStorage(f"storage.url: {scheme!r} is neither sqlite:///FILE nor mongodb://…")
