"""What a batch of events comes to: the state that it finds, and the writes of its one commit."""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.journals import new_key, record_put
from crossbar.core.live import Live, alive, event_of_live, key_of_live, put_live
from crossbar.core.services import Services
from crossbar.core.shapes import Journal
from crossbar.core.stamping import stamp
from crossbar.documents import Document, public
from crossbar.storage import SYSTEM, Batch, Entry, Event, Key, Put, Remove
from crossbar.values import valueclass


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
        self,
        live: Live,
        told: Told,
        name: str,
        facts: Document,
        ends: int,
        *,
        is_news: bool = True,
    ) -> None:
        """Write a fact that ends at a time; subscribers are told of such a kind's news."""
        key = key_of_live(live, told.account_id, name)
        before = await self.document(key)
        put = put_live(live, key, told.account_id, facts, ends, self._expected(key))
        self._writes[key] = put
        if live.tells and is_news:
            action = "created" if before is None else "changed"
            self.tell(event_of_live(action, live, put.document, told.at), told)

    async def end_live(self, live: Live, told: Told, document: Document) -> None:
        """Remove a fact; subscribers are told if it is such a kind."""
        key = Key(SYSTEM, live.doc_type, document["_id"])
        self._writes[key] = Remove(key, self._expected(key))
        if live.tells:
            self.tell(event_of_live("deleted", live, document, told.at), told)

    async def put(self, told: Told, key: Key, document: Document) -> None:
        """Write a document of the account that no family judges, such as a parking slot."""
        await self.document(key)
        expected = self._expected(key)
        now = self.services.clock.gregorian()
        stored = stamp(key, {**document, "_rev": expected}, now=now, author=None, request_id=None)
        self._writes[key] = Put(key, stored, expected)
        action = "changed" if expected else "created"
        self.tell(Event(action, key, stored["_rev"], now, {}), told)

    async def remove(self, told: Told, key: Key) -> None:
        """Remove such a document."""
        before = await self.document(key)
        if before is not None:
            self._writes[key] = Remove(key, self._expected(key))
            now = self.services.clock.gregorian()
            self.tell(Event("deleted", key, before["_rev"], now, {}), told)

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
        facts = {name: value for name, value in public(document).items() if _is_plain(value)}
        self.tell(Event("created", key, stored["_rev"], clock.gregorian(), facts), told)
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

    def tell(self, event: Event, told: Told) -> None:
        """Have subscribers told; ``event`` among the facts is the type that the switch named."""
        self._events.append(event._replace(summary={**event.summary, "event": told.type}))

    def batch(self, source: Put) -> Batch:
        """The commit; ``source`` says how far the switch has told what happens."""
        writes = self._writes.values()
        return Batch(
            puts=[source, *(each for each in writes if isinstance(each, Put))],
            removes=[
                each for each in writes if isinstance(each, Remove) and each.expected is not None
            ],
            records=list(self._records.values()),
            events=self._events,
        )


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) <= 256


def _stamps(stamped: Document) -> Document:
    """The private fields that a record needs: there are many of them."""
    names = ("_id", "_rev", "pvt_type", "pvt_account_id", "pvt_created", "pvt_modified")
    return {name: stamped[name] for name in names}
