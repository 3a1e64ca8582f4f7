"""Lamps of telephones: who speaks or is called (busy lamps), and who has new messages.

A busy lamp is a subscription of a phone to an extension. Asterisk finds what it shows by a hint of
its dial plan: there is one for each account, which leads any extension to a state of ours. A
message lamp is told to phones unasked, in a NOTIFY of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

import structlog

from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.endpoints import DEVICES
from crossbar.families.voicemail import VMBOXES, count_kept, oldest_kept
from crossbar.storage import Entry, Key, Span
from crossbar.switch.asterisk.ari import Ari, AriError
from crossbar.switch.asterisk.contacts import Contacts
from crossbar.switch.asterisk.manager import Fields, Manager
from crossbar.switch.asterisk.phones import Party, Phone, Phones
from crossbar.switch.asterisk.telling import Teller

log = structlog.get_logger(__name__)

STATES = {"confirmed": "INUSE", "early": "RINGING", "terminated": "NOT_INUSE"}
"""What a lamp shows: as presence is told, and as Asterisk calls it."""

NAMED = "a-zA-Z0-9*#+_.-"
"""Characters of extensions and names that lamps may be for."""

REMEMBERED = 20
"""Seconds for which it is shown that somebody speaks no more."""

SUMMARY = "application/simple-message-summary"

SYNC = "check-sync"
"""The event that has a phone fetch its settings anew."""


def context_of(account_id: str) -> str:
    """The part of the dial plan in which extensions of an account are looked up for lamps."""
    return f"lamps-{account_id}"


class Lamps:
    """What lamps show. Nothing of it holds up a call: it is done soon, or noted in the log."""

    def __init__(
        self,
        services: Services,
        ari: Ari,
        manager: Manager,
        phones: Phones,
        contacts: Contacts,
        teller: Teller,
    ) -> None:
        self._services = services
        self._ari = ari
        self._manager = manager
        self._phones = phones
        self._contacts = contacts
        self._teller = teller
        self._prepared: set[str] = set()
        self._legs: dict[tuple[str, str], dict[str, str]] = {}
        """The legs of each lamp, by account and extension, and how far they are."""

        self._tasks: set[asyncio.Task[None]] = set()

    def begin_anew(self) -> None:
        """It may be another Asterisk that has been reached, which knows no hints."""
        known, self._prepared = self._prepared, set()
        for account_id in known:
            self._soon(self.prepare(account_id))

    async def prepare(self, account_id: str) -> None:
        """Have lamps of an account found. Asked for with each phone, done once."""
        if account_id in self._prepared:
            return
        self._prepared.add(account_id)
        hint: Fields = [
            ("Context", context_of(account_id)),
            ("Extension", "_[a-z0-9*#+]!"),
            ("Priority", "hint"),
            ("Replace", "yes"),  # a switch before us may have added it
            # An & would begin another device, which may be anybody's.
            ("Application", f"Stasis:{account_id}.${{FILTER({NAMED},${{EXTEN}})}}"),
        ]
        try:
            await self._manager.do("DialplanExtensionAdd", hint)
        except AriError as error:
            self._prepared.discard(account_id)
            log.info("lamps_not_prepared", account_id=account_id, error=str(error))

    # Busy lamps

    def show(self, party: Party, call_id: str, state: str) -> None:
        """A leg of somebody's is ringing, up or over: ``early``, ``confirmed``, ``terminated``."""
        account_id, name = party.account_id, party.lamp
        if not name:
            return
        legs = self._legs.setdefault((account_id, name), {})
        before = _of_all(legs.values())
        if state == "terminated":
            legs.pop(call_id, None)
        else:
            legs[call_id] = state
        shown = _of_all(legs.values())
        if not legs:
            del self._legs[account_id, name]
        if shown != before:
            facts: Document = {"presence_id": name, "state": shown, "call_id": call_id}
            if not legs:
                facts["expires"] = REMEMBERED
            self._teller.tell("presence", account_id, facts)
            self._soon(self._set(account_id, name, shown))

    def set(self, account_id: str, name: str, state: str) -> None:
        """A lamp is set by hand: it stays so until a call of its own, or until it is set again."""
        self._soon(self._set(account_id, name.partition("@")[0], state))

    async def _set(self, account_id: str, name: str, state: str) -> None:
        where = f"Stasis:{account_id}.{name}"
        await self._ari.put("deviceStates", where, deviceState=STATES[state])

    # Message lamps

    def tell_new_phone(self, phone: Phone) -> None:
        """A phone has come, and does not know yet whether there are messages."""
        if phone.owner_id:
            self._soon(self._tell_messages(phone.account_id, phone.owner_id, [phone]))

    def tell_box(self, account_id: str, box_id: str) -> None:
        """Something has changed in a voicemail box."""
        self._soon(self._tell_of_box(account_id, box_id))

    async def _tell_of_box(self, account_id: str, box_id: str) -> None:
        box = await self._services.store.get(Key(account_id, VMBOXES.doc_type, box_id))
        owner_id = (box or {}).get("owner_id")
        if not owner_id:
            return
        entry = Entry("user", owner_id)  # who is logged in at a device, too
        span = Span(account_id=account_id, doc_type=DEVICES.doc_type, entry=entry)
        ids = [row.position.doc_id async for row in self._services.store.scan(span)]
        found = [await self._phones.find(f"{account_id}.{device_id}") for device_id in ids]
        await self._tell_messages(account_id, owner_id, [phone for phone in found if phone])

    async def _tell_messages(
        self, account_id: str, owner_id: str, phones: Iterable[Phone]
    ) -> None:
        """Tell phones how many messages their owner has, in all boxes together."""
        told = [phone for phone in phones if self._wants_messages(phone)]
        if not told:
            return
        new, saved = await self._messages_of(account_id, owner_id)
        for phone in told:
            await self._notify(phone, "message-summary", SUMMARY, _summary(phone, new, saved))

    def _wants_messages(self, phone: Phone) -> bool:
        wants = lookup(phone.device, ("mwi_unsolicited_updates",), default=True)
        return wants is not False and bool(self._contacts.of(phone.address))

    async def _messages_of(self, account_id: str, owner_id: str) -> tuple[int, int]:
        services = self._services
        account = await services.accounts.get(account_id)
        actor = Actor(
            services=services, account_id=account_id, account=account, request_id="lamps"
        )
        oldest = await oldest_kept(actor)
        boxes = Span(
            account_id=account_id, doc_type=VMBOXES.doc_type, entry=Entry("owner_id", owner_id)
        )
        new = saved = 0
        async for row in services.store.scan(boxes):
            counts = await count_kept(actor, row.position.doc_id, oldest)
            new, saved = new + counts["new"], saved + counts["saved"]
        return new, saved

    # Anything else that phones are told

    def notify(self, phone: Phone, event: str, body: Document | None = None) -> None:
        """Send a phone a NOTIFY, at all places where it is registered."""
        body = body or {}
        self._soon(self._notify(phone, event, body.get("content_type", ""), body.get("data", "")))

    async def _notify(self, phone: Phone, event: str, content_type: str, content: str) -> None:
        """``content`` is lines of text. No text gets a line of its own in what is sent."""
        headers = [("Event", event), ("Subscription-State", "terminated")]
        if content_type:
            headers.append(("Content-type", content_type))
        lines = [("Content", line) for line in content.splitlines()]
        fields = [("Variable", f"{name}={_plain(value)}") for name, value in (*headers, *lines)]
        await self._manager.do("PJSIPNotify", [("Endpoint", phone.address), *fields])

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._try(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except AriError as error:
            log.info("lamp_not_set", error=str(error))

    async def stop(self) -> None:
        """Leave undone what is not done yet."""
        for task in tuple(self._tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)


def _of_all(states: Iterable[str]) -> str:
    """What the lamp of several legs shows: the one that is farthest."""
    found = set(states)
    return next((each for each in ("confirmed", "early") if each in found), "terminated")


def _summary(phone: Phone, new: int, saved: int) -> str:
    """What a phone is told of messages (RFC 3842)."""
    waiting = "yes" if new else "no"
    return (
        f"Messages-Waiting: {waiting}\n"
        f"Message-Account: sip:{phone.address}\n"
        f"Voice-Message: {new}/{saved} (0/0)"
    )


def _plain(text: str) -> str:
    """A text that cannot end its line, and begin another one of the action."""
    return "".join(each if each.isprintable() else " " for each in text)
