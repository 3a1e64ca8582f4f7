"""The seam between the MongoDB store and its two drivers, and the meaning of their errors.

Motor and PyMongo's ``AsyncMongoClient`` answer the same methods, except that some which are
coroutines in one are plain in the other: :func:`settled` takes both. Motor therefore goes by
PyMongo's types here. What a URI may not ask for and what an error means is also decided here.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.errors import BSONError
from bson.int64 import Int64
from gridfs.asynchronous import AsyncGridFSBucket
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from crossbar.storage import StoreError, Unreachable

Record = dict[str, Any]
Client = AsyncMongoClient[Record]
Database = AsyncDatabase[Record]

DRIVERS: dict[str, tuple[Any, Any]] = {
    "motor": (AsyncIOMotorClient, AsyncIOMotorGridFSBucket),
    "pymongo": (AsyncMongoClient, AsyncGridFSBucket),
}

DURABLE = WriteConcern(w="majority", j=True)

PROMISED = {
    "w": "majority",
    "j": "true",
    "journal": "true",
    "readconcernlevel": "majority",
    "readpreference": "primary",
}
"""What the store's promises rest on: a URI may repeat these options, not change them."""

DEFAULTS = {
    "serverselectiontimeoutms": 5_000,
    "connecttimeoutms": 5_000,
    "sockettimeoutms": 20_000,
}
"""Milliseconds after which a silent server counts as unreachable, unless the URI says."""

_DUPLICATE_KEY = 11000
_TOO_BIG = frozenset({10334, 17419, 17420})

_T = TypeVar("_T")


class Refused(StoreError):
    """The server answers and will not do: it has no transactions, or rejects a write for good."""


class _PlainInteger(TypeDecoder):
    """Reads the driver's 64-bit integer type as ``int``, which is what was written."""

    @property
    def bson_type(self) -> type[Int64]:
        return Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


def _options(uri: str) -> dict[str, str]:
    """The options of a URI by lower-case name; drivers also accept ``;`` between them."""
    query = urlsplit(uri).query.replace(";", "&")
    return {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}


def check_uri(uri: str) -> None:
    """Raises :class:`ValueError` when the URI weakens what the store promises."""
    for name, value in _options(uri).items():
        if PROMISED.get(name, value).lower() != value.lower():
            raise ValueError(
                f"the MongoDB URI says {name}={value}, but an acknowledged write is durable and "
                f"seen by the next read only with {name}={PROMISED[name]}: leave {name} out"
            )


class Connection:
    """A client of either driver with its database and attachment bucket.

    The URI may name the database; ``crossbar`` is used otherwise. Must be made within the event
    loop that uses it.
    """

    def __init__(self, uri: str, driver: str) -> None:
        make_client, make_bucket = DRIVERS[driver]
        asked = _options(uri)
        timeouts = {name: value for name, value in DEFAULTS.items() if name not in asked}
        registry = TypeRegistry([_PlainInteger()])
        try:
            self.client = cast("Client", make_client(uri, type_registry=registry, **timeouts))
        except ConfigurationError as error:
            raise ValueError(f"the MongoDB URI is not usable: {error}") from error
        # Given here, not only in the URI: no option of the URI reaches past these.
        self.database: Database = self.client.get_default_database(
            "crossbar",
            read_preference=ReadPreference.PRIMARY,
            write_concern=DURABLE,
            read_concern=ReadConcern("majority"),
        )
        self.bucket = cast("AsyncGridFSBucket", make_bucket(self.database))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncClientSession]:
        """A session with a transaction, which is undone unless it is committed within."""
        starting: Any = self.client.start_session()
        session: AsyncClientSession = await settled(starting)
        try:
            starting = session.start_transaction(
                ReadConcern("snapshot"), DURABLE, ReadPreference.PRIMARY
            )
            await settled(starting)
            yield session
        finally:
            # Not ``async with``: with Motor that stops the whole event loop until it has ended.
            await session.end_session()

    async def close(self) -> None:
        """Disconnect."""
        await closed(self.client.close)


async def settled(value: Awaitable[_T]) -> _T:
    """The value, awaited unless its driver is Motor and gives it at once."""
    return await value if inspect.isawaitable(value) else value


async def closed(close: Callable[[], Awaitable[None]]) -> None:
    """Close something by its method, in a thread: Motor's talks to the server while it blocks."""
    await settled(await asyncio.to_thread(close))


@contextmanager
def translated() -> Iterator[None]:
    """Nothing of the driver's gets out: what it raises becomes :class:`Unreachable`."""
    try:
        yield
    except PyMongoError as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> Unreachable:
    """What a failure means for the caller; see :func:`told`."""
    return Unreachable(f"MongoDB: {told(error)}")


def told(error: Exception) -> str:
    """What the error says, without the driver's picture of its topology or of the reply."""
    return re.split(r" \(configured timeouts|, Timeout: |, full error", str(error), maxsplit=1)[0]


def passing(error: Exception) -> bool:
    """Whether a transaction that failed like this wrote nothing and may be tried again.

    That is so after a write conflict or a lost connection, and after a duplicate key: another
    process was faster, which the next try finds by reading.
    """
    if isinstance(error, BulkWriteError):
        failures = (error.details or {}).get("writeErrors", [])
        if any(failure["code"] == _DUPLICATE_KEY for failure in failures):
            return True
    return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")


def outcome_unknown(error: PyMongoError) -> bool:
    """Whether a commit that failed like this may have happened; it can be asked for again."""
    return error.has_error_label("UnknownTransactionCommitResult")


def too_big(error: Exception) -> bool:
    """Whether a document was refused because no server keeps one of its size."""
    if isinstance(error, BulkWriteError):
        failures = (error.details or {}).get("writeErrors", [])
        return any(failure["code"] in _TOO_BIG for failure in failures)
    return isinstance(error, DocumentTooLarge)


def lacks_transactions(error: PyMongoError) -> bool:
    """Whether a server says by this that it is no member of a replica set."""
    illegal_operation = 20
    return isinstance(error, OperationFailure) and error.code == illegal_operation


FAILURES = (PyMongoError, BSONError)
"""All that a driver raises: the latter for what it cannot encode, such as too large a document."""
