"""The documents of an account, as calls read and change them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import structlog

from crossbar.clock import Clock
from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.change import Change, claim_of
from crossbar.core.directory import Account
from crossbar.core.jobs import Kind, asked
from crossbar.core.journals import stretch_of
from crossbar.core.ports import Command, Message, NotReached, Reply, place_of
from crossbar.core.requests import Action, Actor, request_to
from crossbar.core.services import Services
from crossbar.core.shapes import Collection
from crossbar.core.shelving import ask_to_move
from crossbar.core.stamping import fresh_id
from crossbar.core.telling import happening
from crossbar.core.writing import save
from crossbar.documents import Document, lookup, new_id
from crossbar.errors import CrossbarError
from crossbar.families.endpoints import DEVICES
from crossbar.families.media import MEDIA
from crossbar.families.notifications import asked_for, user_facts
from crossbar.families.numbers import classifiers_of, number_key
from crossbar.families.queues import ACDC_CALL_STATS
from crossbar.families.voicemail import BOX, MESSAGES, message_key
from crossbar.numbers import normalized
from crossbar.storage import SYSTEM, Batch, Entry, Key, Span

log = structlog.get_logger(__name__)

MOST = 500
"""Documents that are listed for a call, at most: so nobody's list holds up a call for long."""


WAV = "audio/wav"

ANSWERED = ("handled", "processed")
"""The statuses of calls in queues that an agent has taken."""

MOST_ADDRESSES = 20

LONGEST_ANSWER = 64_000
"""Bytes of what a server answers that is asked for a flow."""


class Book:
    """What calls of an account know of it. ``clock`` is what time it is for the call."""

    def __init__(self, actor: Actor, clock: Clock | None = None) -> None:
        self.actor = actor
        self.clock = clock or actor.services.clock
        self.account: Account = actor.require_account()

    @classmethod
    async def of(cls, services: Services, account_id: str, request_id: str) -> Book | None:
        """The book of an account; ``None`` where there is no such account."""
        account = await services.accounts.get(account_id)
        if account is None:
            return None
        return cls(
            Actor(
                services=services,
                account_id=account.account_id,
                account=account,
                request_id=request_id,
            )
        )

    @property
    def account_id(self) -> str:
        """The account's id."""
        return self.actor.account_id

    async def get(self, doc_type: str, doc_id: object) -> Document | None:
        """A live document of the account; ``None`` for none, and for what is no id."""
        if not isinstance(doc_id, str) or not doc_id:
            return None
        key = Key(self.account_id, doc_type, doc_id)
        found = await self.actor.services.store.get(key)
        return None if found is None or found.get("pvt_deleted") else found

    async def get_any(self, doc_id: object, *doc_types: str) -> Document | None:
        """The document of one of these types that has the id."""
        for doc_type in doc_types:
            if found := await self.get(doc_type, doc_id):
                return found
        return None

    async def holder(self, family: Collection, path: str, like: Document) -> Document | None:
        """The document of a family that has the value of ``like``, which is unique, at a path."""
        unique = next(each for each in family.unique if each.path == path)
        value = next(iter(unique.values(like)), None)
        if value is None:
            return None
        claim = claim_of(unique, Key(self.account_id, family.doc_type, ""), value)
        key = (await self.actor.services.store.holders([claim])).get(claim)
        if key is None or key.account_id != self.account_id:
            return None
        return await self.get(key.doc_type, key.doc_id)

    async def listed(
        self, doc_type: str, entry: Entry | None = None, *, in_system: bool = False
    ) -> list[Document]:
        """The live documents of a type, or those that an index has under an entry."""
        account_id = SYSTEM if in_system else self.account_id
        span = Span(account_id=account_id, doc_type=doc_type, entry=entry)
        found = []
        async for row in self.actor.services.store.scan(span):
            found.append(row.document)
            if len(found) == MOST:
                break
        return found

    async def devices_of(self, user_id: str) -> list[Document]:
        """The devices that a user owns, unless others are logged in there, or is logged in at."""
        found = await self.listed(DEVICES.doc_type, Entry("user", user_id))
        return [
            device
            for device in found
            if user_id in (lookup(device, ("hotdesk", "users")) or (device.get("owner_id"),))
        ]

    async def config(self, name: str) -> Document:
        """A configuration as it holds in the account."""
        configuration = self.actor.services.configuration
        own = await configuration.of_account(self.account, name)
        return configuration.of_system(name) | own

    def class_of(self, number: str) -> str:
        """The class of a telephone number, judged as what it is in full, however it is spelled."""
        found = classifiers_of(self.actor.services.settings.numbers).name_of(normalized(number))
        return found or "unknown"

    def pattern_of(self, name: str) -> str:
        """The pattern of a class of numbers; "" where there is no such class."""
        table = classifiers_of(self.actor.services.settings.numbers).table
        return str(table.get(name, {}).get("regex", ""))

    def zone_of(self, *documents: Document | None) -> str:
        """The time zone of the first of the documents that has one, else the account's."""
        for document in (*documents, self.account.document):
            zone = lookup(document, ("timezone",))
            if isinstance(zone, str) and zone and zone != "inherit":
                return zone
        return "UTC"

    async def change(self, noun: str, doc_id: str, patch: Document) -> bool:
        """Merge a change into a document, as a client's PATCH does; whether it was accepted."""
        return await self._ask(Action.PATCH, noun, doc_id, data=patch) is not None

    async def keep(
        self, media: Document, audio: AsyncIterator[bytes], box: Document | None = None
    ) -> str:
        """Make audio media of the account, or a message in a box; the id, "" if it was refused."""
        change = Change(
            actor=self.actor,
            family=MEDIA if box is None else MESSAGES,
            key=Key(self.account_id, MEDIA.doc_type, fresh_id(self.clock))
            if box is None
            else message_key(self.actor, media["timestamp"]),
            document=media,
        )
        if box is not None:
            BOX.leave(change, box)
        try:
            await self._attach(change, audio)
            return str((await save(change, "created"))["_id"])
        except CrossbarError as error:
            log.warning("recording_was_not_kept", error=error.code)
            return ""

    async def _attach(self, change: Change, audio: AsyncIterator[bytes]) -> None:
        """Store bytes as they come, and make them the document's only attachment."""
        stored = await self.actor.services.put_attachment(self.account_id, audio)
        if change.family is MEDIA:
            change.document |= {"content_type": WAV, "content_length": max(stored.length, 1)}
        change.document[ATTACHMENTS] = {
            f"{new_id()}.wav": {
                "id": stored.attachment_id,
                "length": stored.length,
                "md5": stored.md5,
                "content_type": WAV,
            }
        }
        await ask_to_move(change)

    async def file_message(self, box_id: str, message_id: str, folder: str) -> None:
        """Move a message to another folder of its box."""
        path = ("vmboxes", box_id, "messages", message_id)
        await self._ask(Action.REPLACE, *path, data={"folder": folder})

    async def copy_message(self, box_id: str, message_id: str, target: str) -> None:
        """Put a copy of a message into another box."""
        path = ("vmboxes", box_id, "messages", message_id)
        await self._ask(Action.REPLACE, *path, data={"source_id": [target]})

    async def _ask(self, action: Action, *path: str, data: Document) -> Any:
        request = request_to(self.actor, action, "accounts", self.account_id, *path, data=data)
        try:
            result = await request.operation.handler(request)
        except CrossbarError as error:
            log.warning("call_could_not_change", path="/".join(path), error=error.code)
            return None
        return result.decoded()

    async def tell(self, kind: str, facts: Document) -> None:
        """Tell webhooks and sockets that something happened."""
        event = happening(self.clock, self.account_id, kind, facts)
        await self.commit(Batch(events=[event]))

    async def order(self, command: Command) -> None:
        """Tell the switch to do something beside this call."""
        await self.actor.services.switch.tell(command)

    async def ask(self, kind: Kind, about: Document) -> None:
        """Have something done that the call does not wait for."""
        await self.commit(Batch(puts=[asked(self.actor.services.clock, kind, about)]))

    async def notify_administrators(self, template_id: str, facts: Document) -> None:
        """Have a mail written to whom its template says, mostly the administrators."""
        if puts := asked_for(self.actor.services, template_id, self.account_id, facts):
            await self.commit(Batch(puts=puts))

    async def notify(
        self, template_id: str, facts: Document, to: Iterable[str], user: Document | None = None
    ) -> None:
        """Have a mail written by a template, to the addresses among ``to``, to greet ``user``."""
        addresses = list(dict.fromkeys(each for each in to if "@" in each))[:MOST_ADDRESSES]
        if not addresses:
            return
        facts = {**facts, "user": user_facts(user or {})}
        puts = asked_for(self.actor.services, template_id, self.account_id, facts, to=addresses)
        if puts:
            await self.commit(Batch(puts=puts))

    async def fetch(self, message: Message, seconds: float) -> Reply | None:
        """What a server answers that the account has named; ``None`` if it does not."""
        settings = self.actor.services.settings.webhooks
        try:
            return await self.actor.services.receivers.send(
                message,
                private=settings.allow_private_addresses,
                seconds=seconds,
                connect=settings.connect_timeout,
                most=LONGEST_ANSWER,
            )
        except NotReached as error:
            log.warning("server_was_not_reached", at=place_of(message.url), reason=str(error))
            return None

    async def number(self, number: str) -> Document | None:
        """The document of a telephone number of the system, in E.164."""
        return await self.actor.services.store.get(number_key(number))

    async def waits_in(self, queue_id: str, seconds: int) -> list[int]:
        """How long those have waited in a queue, in seconds, who were answered lately."""
        now = self.clock.gregorian()
        span = stretch_of(ACDC_CALL_STATS, self.account_id, now - seconds, now, descending=True)
        waits: list[int] = []
        async for row in self.actor.services.store.scan(span):
            call = row.document
            if call.get("queue_id") == queue_id and call.get("status") in ANSWERED:
                handled = call.get("handled_timestamp", call["entered_timestamp"])
                waits.append(int(call.get("wait_time", handled - call["entered_timestamp"])))
            if len(waits) == MOST:
                break
        return waits

    async def set_queue(self, user_id: str, queue_id: str, action: str) -> bool:
        """Make a user an agent of a queue (``login``), or not; whether it was accepted."""
        data = {"action": action, "queue_id": queue_id}
        path = ("agents", user_id, "queue_status")
        return await self._ask(Action.REPLACE, *path, data=data) is not None

    async def commit(self, batch: Batch) -> None:
        """Write what calls keep for themselves. Raises :class:`~crossbar.errors.Conflict`."""
        await self.actor.services.commit(batch)
