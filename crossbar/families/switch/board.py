"""What a batch of events comes to: the state that it finds, and the writes of its one commit."""

from __future__ import annotations

from itertools import islice

from crossbar.core.change import put_of
from crossbar.core.directory import Account
from crossbar.core.journals import new_key, record_put
from crossbar.core.live import Live, alive, key_of_live, mails_about, put_live
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.shapes import Collection, Journal
from crossbar.core.stamping import stamp
from crossbar.core.telling import happening_at
from crossbar.documents import Document, public
from crossbar.families.billing import Booking
from crossbar.storage import SYSTEM, Batch, Entry, Event, Key, Put, Remove
from crossbar.values import valueclass

MOST_TOLD = 2000
"""Events of the log after which no more of a batch is taken into a commit."""

MOST_FACTS = 100
"""Facts that are told of a document."""

LONGEST_FACT = 256
"""Characters of a fact that is told of a document."""


@valueclass
class Told:
    """One event: its type, of which account it is, when it was, and what happened."""

    type: str
    account: Account
    at: int
    data: Document

    @property
    def account_id(self) -> str:
        """The account that it is of."""
        return self.account.account_id


class Board:
    """The state, as the store has it and as the events so far have changed it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._found: dict[Key, Document | None] = {}
        self._writes: dict[Key, Put | Remove] = {}
        self._records: dict[Key, Put] = {}
        self._events: list[Event] = []
        self._asks: list[Put] = []
        self._books: dict[str, Booking] = {}

    # Live state and documents

    async def live(self, live: Live, account_id: str, name: str) -> Document | None:
        """The fact of that name, as it is after the events so far."""
        return await self.document(key_of_live(live, account_id, name))

    async def document(self, key: Key) -> Document | None:
        """A document, as it is after the events so far."""
        write = self._writes.get(key)
        if write is not None:
            return write.document if isinstance(write, Put) else None
        if key not in self._found:
            self._found[key] = await self.services.store.get(key)
        return self._found[key]

    async def live_with(self, live: Live, account_id: str, entry: Entry) -> list[Document]:
        """The facts that have an entry, as they are after the events so far."""
        found: dict[Key, Document] = {}
        async for each in alive(self.services, live, account_id, entry):
            key = Key(SYSTEM, live.doc_type, each["_id"])
            self._found.setdefault(key, each)
            if (now := await self.document(key)) is not None:
                found[key] = now
        for key, write in self._writes.items():
            sought = Entry(entry.name, f"{account_id}/{entry.value}")
            if (
                isinstance(write, Put)
                and key.doc_type == live.doc_type
                and sought in write.entries
            ):
                found[key] = write.document
        return list(found.values())

    async def set_live(
        self, live: Live, told: Told, name: str, facts: Document, ends: int
    ) -> Document:
        """Write a fact that ends at a time; as it is stored."""
        key = key_of_live(live, told.account_id, name)
        await self.document(key)
        put = put_live(live, key, told.account_id, facts, ends, self._expected(key))
        self._writes[key] = put
        return put.document

    async def end_live(self, live: Live, told: Told, document: Document) -> None:
        """Remove a fact, and tell that it is over."""
        key = Key(SYSTEM, live.doc_type, document["_id"])
        self._writes[key] = Remove(key, self._expected(key))
        self._asks += mails_about(self.services, live, [document])
        self.tell(*live.ended(document, told.at))

    async def put(
        self, told: Told, key: Key, document: Document, family: Collection | None = None
    ) -> None:
        """Write a document of the account that is not judged; of a family that lists it, or none.

        A parking slot is in no list.
        """
        await self.document(key)
        expected = self._expected(key)
        now = self.services.clock.gregorian()
        stored = stamp(key, {**document, "_rev": expected}, now=now, author=None, request_id=None)
        put = put_of(family, key, stored, expected) if family else Put(key, stored, expected)
        self._writes[key] = put
        action = "changed" if expected else "created"
        self.tell(Event(action, key, stored["_rev"], now, {}))

    async def note(self, key: Key, document: Document) -> None:
        """Write a document of the account of which nobody is told."""
        await self.document(key)
        expected, now = self._expected(key), self.services.clock.gregorian()
        stored = stamp(key, {**document, "_rev": expected}, now=now, author=None, request_id=None)
        self._writes[key] = Put(key, stored, expected)

    async def books(self, account: Account) -> Booking:
        """The books of an account, for what the events cost it."""
        if account.account_id not in self._books:
            actor = Actor(
                services=self.services,
                account_id=account.account_id,
                account=account,
                request_id="switch",
            )
            self._books[account.account_id] = await Booking.begun(actor, account)
        return self._books[account.account_id]

    async def remove(self, key: Key) -> Document | None:
        """Remove such a document; it as it was."""
        before = await self.document(key)
        if before is not None:
            self._writes[key] = Remove(key, self._expected(key))
            now = self.services.clock.gregorian()
            self.tell(Event("deleted", key, before["_rev"], now, {}))
        return before

    def _expected(self, key: Key) -> str | None:
        """The revision that the store has."""
        found = self._found.get(key)
        return found["_rev"] if found else None

    # Records

    async def record(self, key: Key) -> Document | None:
        """A record, as it is after the events so far."""
        if key in self._records:
            return self._records[key].document
        if key not in self._found:
            self._found[key] = await self.services.store.get_record(key)
        return self._found[key]

    async def keep(
        self, journal: Journal, told: Told, document: Document, name: str, seconds: int
    ) -> Document | None:
        """Append a record, once: what is there already stays, and ``None`` is returned."""
        clock = self.services.clock
        key = self.key_of(journal, told, name, seconds)
        if await self.record(key) is not None:
            return None
        stored = self.rewrite(journal, key, document)
        facts = plain_facts(document)
        self.tell(Event("created", key, stored["_rev"], clock.gregorian(), facts))
        return stored

    def key_of(self, journal: Journal, told: Told, name: str, seconds: int) -> Key:
        """Where the record of that name and time is."""
        return new_key(journal, told.account_id, self.services.clock, seconds=seconds, name=name)

    def rewrite(self, journal: Journal, key: Key, document: Document) -> Document:
        """Append a record, or replace the one that was read with :meth:`record`."""
        expected = self._expected(key)
        fields = {**document, "_rev": expected}
        now = self.services.clock.gregorian()
        stored = {
            **fields,
            **_stamps(stamp(key, fields, now=now, author=None, request_id=None)),
        }
        self._records[key] = record_put(journal, key, stored, expected)
        return stored

    # What comes of it

    def tell(self, *events: Event) -> None:
        """Have whoever follows the log told, when the batch is committed."""
        self._events += events

    def ask(self, *jobs: Put) -> None:
        """Ask for jobs in the commit."""
        self._asks += jobs

    def happens(self, told: Told, kind: str, facts: Document, about: str) -> None:
        """Have webhooks and sockets told of what is no change of a document."""
        self.tell(happening_at(told.at, told.account_id, kind, facts, about=about))

    @property
    def is_full(self) -> bool:
        """Whether so much is to be told that it had better be committed."""
        return len(self._events) >= MOST_TOLD

    async def batch(self, source: Put) -> Batch:
        """The commit; ``source`` says how far the switch has told what happens."""
        writes, books = self._writes.values(), self._books.values()
        booked = [put for each in books if each.records for put in await each.puts()]
        return Batch(
            puts=[
                source,
                *(each for each in writes if isinstance(each, Put)),
                *self._asks,
                *booked,
            ],
            removes=[
                each for each in writes if isinstance(each, Remove) and each.expected is not None
            ],
            records=[*self._records.values(), *(put for each in books for put in each.records)],
            events=self._events,
        )


def plain_facts(document: Document) -> Document:
    """What is small and public of a document: enough to be told."""
    plain = (each for each in public(document).items() if _is_plain(each[1]))
    return dict(islice(plain, MOST_FACTS))


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) <= LONGEST_FACT


def ends_of(board: Board, told: Told) -> int:
    """When a state is over that was told, unless it is told again."""
    timeout: int = told.data.get("expires", board.services.settings.calls.state_timeout)
    return told.at + timeout


def _stamps(stamped: Document) -> Document:
    """The private fields that a record needs: there are many of them."""
    names = ("_id", "_rev", "pvt_type", "pvt_account_id", "pvt_created", "pvt_modified")
    return {name: stamped[name] for name in names}
