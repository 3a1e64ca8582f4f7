"""Places for files: buckets of S3 and its kin, containers of Azure, folders of this machine.

The library is loaded when the first is opened: most servers keep their files in the store.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from crossbar.core.ports import Shelf, ShelfFailed, Shelves
from crossbar.errors import CrossbarError
from crossbar.settings import Storage
from crossbar.storage import StoreError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK = 1024 * 1024
PART = 8 * CHUNK
"""Bytes that are sent at a time. No more than two parts are in memory for a file."""

PATIENCE = timedelta(seconds=30)
STATUS = re.compile(r"\b(?:status code: |status: |HTTP )([45][0-9]{2})\b|\b([45][0-9]{2}) [A-Z]")

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""What becomes part of the name of a host: a bucket, a region, an account of Azure."""

T = TypeVar("T")


def shelves_of(settings: Storage) -> Shelves:
    """The places that storage documents may name."""
    return Places(settings.files_folder, settings.object_hosts)


class Places:
    """Opens places: on Amazon's servers, Azure's, and those that the operator has named.

    Whoever writes a storage document could otherwise have this server ask any other.
    """

    def __init__(self, folder: str, hosts: Sequence[str]) -> None:
        self._folder = folder
        self._hosts = hosts

    def open(self, handler: str, settings: Mapping[str, Any]) -> Shelf:
        """The place that a storage document names."""
        if handler == "s3":
            return Objects(self._s3(settings))
        if handler == "azure":
            return Objects(_azure(settings))
        if handler == "folder":
            return self._in_folder(settings)
        raise ShelfFailed(f"places of the kind {handler} cannot be reached from here")

    def _in_folder(self, settings: Mapping[str, Any]) -> Shelf:
        if not self._folder:
            raise ShelfFailed("the server has no folder for files (setting storage.files_folder)")
        return Folder(Path(self._folder) / settings["folder"])

    def _s3(self, settings: Mapping[str, Any]) -> ObjectStore:
        from obstore.store import S3Store

        _require_names(settings, "bucket", "region")
        scheme = settings.get("scheme", "https")
        more: dict[str, Any] = {}
        if host := settings.get("host"):
            if not 0 < settings.get("port", 1) < 65_536:
                raise ShelfFailed("the port must be between 1 and 65535")
            port = f":{settings['port']}" if "port" in settings else ""
            endpoint = f"{scheme}://{host}{port}"
            if host not in self._hosts:
                raise ShelfFailed("the host is not one of the setting storage.object_hosts")
            if _is_virtual(settings):
                endpoint = f"{scheme}://{settings['bucket']}.{host}{port}"
            more["endpoint"] = endpoint
        with _told():
            return S3Store(
                settings["bucket"],
                access_key_id=settings["key"],
                secret_access_key=settings["secret"],
                region=settings.get("region", "us-east-1"),
                virtual_hosted_style_request=_is_virtual(settings),
                client_options={"timeout": PATIENCE, "allow_http": scheme == "http"},
                retry_config={"max_retries": 2, "retry_timeout": PATIENCE},
                **more,
            )


def _is_virtual(settings: Mapping[str, Any]) -> bool:
    """Whether the bucket is in the name of the host; by itself it is on Amazon's servers only."""
    method = settings.get("bucket_access_method", "auto")
    if method == "auto":
        return not settings.get("bucket_after_host") and "host" not in settings
    return bool(method == "vhost")


def _require_names(settings: Mapping[str, Any], *fields: str) -> None:
    """Refuse what would lead to another host, such as a bucket called ``10.0.0.1/``."""
    for field in fields:
        if field in settings and not NAME.fullmatch(settings[field]):
            raise ShelfFailed(
                f"{field} must have letters, digits, dots, dashes and underscores only"
            )


def _azure(settings: Mapping[str, Any]) -> ObjectStore:
    from obstore.store import AzureStore

    _require_names(settings, "account", "container")
    with _told():
        return AzureStore(
            settings["container"],
            account_name=settings["account"],
            account_key=settings["key"],
            client_options={"timeout": PATIENCE},
            retry_config={"max_retries": 2, "retry_timeout": PATIENCE},
        )


@contextmanager
def _told() -> Iterator[None]:
    """Make one error of the library's many. Their texts name addresses, never keys.

    It may also panic, as at a key with letters that no header can have. What whoever hands in the
    bytes raises is raised as it is.
    """
    try:
        yield
    except FileNotFoundError:
        raise ShelfFailed("no such file", 404) from None
    except (CrossbarError, KeyError, ShelfFailed, StoreError):
        raise
    except Exception as error:
        found = STATUS.search(str(error))
        code = int(found[1] or found[2]) if found else 0
        raise ShelfFailed(type(error).__name__, code) from None


class Objects:
    """A store of objects."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file."""
        import obstore

        with _told():
            content, is_whole = await _begin(chunks)
            if is_whole:
                await obstore.put_async(self._store, name, content, use_multipart=False)
            else:
                parts = _parts(content, chunks)
                await obstore.put_async(
                    self._store, name, parts, chunk_size=PART, max_concurrency=1
                )

    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """What a file has between two places."""
        import obstore

        with _told():
            if start >= stop:
                return
            options: Any = {"range": (start, stop)}
            found = await obstore.get_async(self._store, name, options=options)
            async for chunk in found.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def remove(self, name: str) -> None:
        """Keep a file no more."""
        import obstore

        with _told(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, name)


async def _begin(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """As much as fits in one request, and whether that is all."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) >= PART:
            return bytes(content), False
    return bytes(content), True


async def _parts(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk


class Folder:
    """A folder of this machine. Files are on the disk before anybody is told that they are."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file: written beside its place, flushed, then put there."""
        with _told():
            path = self._root / name
            beside = path.with_name(f".{uuid4().hex}")
            await _apart(_make_folder, path.parent)
            file = await _apart(beside.open, "xb")
            try:
                async for chunk in chunks:
                    await _apart(file.write, chunk)
                await _apart(_settle, file, beside, path)
            except BaseException:
                await asyncio.shield(_apart(_abandon, file, beside))
                raise

    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """What a file has between two places."""
        with _told():
            file = await _apart((self._root / name).open, "rb")
            try:
                await _apart(file.seek, start)
                while start < stop:
                    chunk = await _apart(file.read, min(CHUNK, stop - start))
                    if not chunk:
                        return
                    start += len(chunk)
                    yield chunk
            finally:
                file.close()

    async def remove(self, name: str) -> None:
        """Keep a file no more."""
        with _told():
            await _apart((self._root / name).unlink, missing_ok=True)


def _apart(work: Any, *values: Any, **named: Any) -> Awaitable[Any]:
    """Do what may wait for a disk in a thread."""
    return asyncio.to_thread(work, *values, **named)


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it, of which the disk is to know before files are in it."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
        _flush(folder.parent)


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _settle(file: Any, beside: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    beside.replace(path)
    _flush(path.parent)


def _abandon(file: Any, beside: Path) -> None:
    file.close()
    beside.unlink(missing_ok=True)
