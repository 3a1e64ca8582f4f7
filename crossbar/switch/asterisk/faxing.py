"""Faxes: a leg goes to the dial plan, where Asterisk sends or receives, and comes back.

What came of a fax is told as any switch tells it (``fax``): of one that came in with its pages. A
fax whose leg is hung up in the middle is told as well, with the reason.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import structlog

from crossbar.core.directory import Account
from crossbar.core.ports import Command, Unprintable
from crossbar.documents import Document
from crossbar.errors import SwitchUnavailable
from crossbar.families.faxing import FAX_TYPE
from crossbar.storage import Key
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.arriving import read
from crossbar.switch.asterisk.fax_facts import is_done
from crossbar.switch.asterisk.files import FAX_CONTEXT, FAX_FILE, FAX_OPTIONS, FAX_SECONDS
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.originating import originate_to_number
from crossbar.switch.asterisk.phones import CODECS, PLAIN_CODECS, Party
from crossbar.switch.executor import Faxed
from crossbar.switch.printing import Printed, printed

if TYPE_CHECKING:
    from crossbar.switch.asterisk.exchange import Exchange

log = structlog.get_logger(__name__)

LONGEST = 3600.0
"""Seconds that a fax takes at most."""

LARGEST = 20_000_000
"""Bytes of the pages that are told along with a fax."""

PATIENCE = 130.0
"""Seconds within which the other side answers."""

AT_ONCE = 20
"""Faxes that are sent at a time; there is a modem of its own for each."""

MOST_OF_ACCOUNT = 10
"""Those of an account among them, so that others have their turn."""

MOST_NAME, MOST_NUMBER = 50, 20
"""Characters of the line at the top of a page, and of a station's number."""

AUDIO, EITHER = "F", "zf"
"""How faxes are sent and received: as sound alone; or by T.38 where the other side can."""

SOUND = "slin"
"""The format of the sound to the modem: of no other is a fax machine recognised by its tone."""

PLAIN = ",".join(CODECS[name] for name in PLAIN_CODECS)
LOSSY = ("g722", "gsm", "opus")
"""Formats of sound that no modem understands."""

DROPPED, DROPPED_CODE = "The call dropped prematurely", 49
"""What Asterisk calls a call that was hung up, and the number of that error."""

GONE = 404
"""What Asterisk answers of a leg that is over."""

NO_ANSWER = "nobody has answered"


class Faxing:
    """Receives, recognises and sends. ``folder`` is where Asterisk has its files meanwhile."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self._exchange = exchange
        self._folder = folder
        self._printing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: dict[Key, str] = {}
        """How far faxes that are sent have got."""

        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("*.tiff"):  # of a switch before us
            left.unlink(missing_ok=True)

    # In

    async def receive(self, line: Line, settings: Mapping[str, object]) -> Faxed:
        """Receive a fax, and tell what came of it."""
        file = self._new_file()
        began = self._exchange.services.clock.gregorian()
        try:
            await self._name(line, str(settings["identity"]), str(settings["header"]))
            await self.make_plain(line)
            options = AUDIO if settings.get("t38") == "false" else EITHER
            await self._go(line, "receive", file, options)
            result = self._result(line, began)
            content = await asyncio.to_thread(_read, file) if result["success"] else b""
        except AriError as error:
            result, content = _unable(error), b""
        finally:
            await asyncio.to_thread(_forget, file)
        if result["success"] and not (content and result["pages"]):
            result |= {"success": False, "error_message": "no pages came", "result_code": 0}
        facts: Document = {
            "direction": "inbound",
            "call_id": line.channel_id,
            "from_number": line.caller_number,
            "from_name": line.caller_name,
            "to_number": line.destination,
            "faxbox_id": settings.get("faxbox_id"),
            "owner_id": settings.get("owner_id"),
            "result": result,
        }
        if result["success"]:
            facts["document"] = await asyncio.to_thread(_enclosed, content, "image/tiff")
        self._exchange.teller.tell("fax", line.account_id, facts)
        return Faxed(ok=bool(result["success"]), pages=int(result["pages"]))

    async def detect(self, line: Line, seconds: float) -> bool:
        """Whether the leg is a fax machine's: it says so by a tone. Raises `HungUp`."""
        await self._set(line, FAX_SECONDS, f"{seconds:g}")
        await self._sent_to(line, "detect")
        return await line.until(lambda: line.back) == "fax"

    # Out

    async def send(self, command: Command) -> Document:
        """Begin to send a fax; one that is under way goes on.

        Raises :class:`~crossbar.errors.SwitchUnavailable` where there is none, or too many are
        under way.
        """
        key = _key_of(command)
        fax = None if key in self._under_way else await self._exchange.services.store.get(key)
        if key not in self._under_way:  # nor by another order meanwhile
            own = [each for each in self._under_way if each.account_id == key.account_id]
            if fax is None or len(self._under_way) >= AT_ONCE or len(own) >= MOST_OF_ACCOUNT:
                raise SwitchUnavailable
            self._under_way[key] = "preparing"
            self._exchange.begin(self._send(key, fax, int(command.data.get("attempt", 0))))
        return await self.status(command)

    async def status(self, command: Command) -> Document:
        """How far a fax has got, if it is sent here; and where that is."""
        status, source = self._under_way.get(_key_of(command)), self._exchange.teller.source
        return {"status": status, "source": source} if status else {"source": source}

    async def _send(self, key: Key, fax: Document, attempt: int) -> None:
        try:
            await self._attempt(key, fax, attempt)
        finally:  # not before it is told: who orders it once more then would have it sent twice
            self._under_way.pop(key, None)

    def _printing_of(self, account_id: str) -> asyncio.Lock:
        """What is held while a document of an account is printed: one at a time, or the slow ones
        of one account would keep those of all others waiting."""
        lock = self._printing.get(account_id)
        if lock is None:
            lock = self._printing[account_id] = asyncio.Lock()
        return lock

    async def _attempt(self, key: Key, fax: Document, attempt: int) -> None:
        services, found = self._exchange.services, None
        began, is_final = services.clock.gregorian(), False
        try:
            async with self._printing_of(key.account_id):
                found = await printed(services, key.account_id, fax)
            result = await self._transmit(key, fax, found, began)
        except Unprintable as error:
            result, is_final = _failed(str(error)), True
        except AriError as error:
            result = _unable(error)
        facts: Document = {
            "direction": "outbound",
            "fax_id": key.doc_id,
            "attempt": attempt,
            "is_final": is_final,
            "result": result,
        }
        if found and found.fetched and len(found.fetched) <= LARGEST:
            document = await asyncio.to_thread(_enclosed, found.fetched, found.content_type)
            facts["document"] = document
        self._exchange.teller.tell("fax", key.account_id, facts)

    async def _transmit(self, key: Key, fax: Document, found: Printed, began: int) -> Document:
        """Dial, and send when somebody has answered; what came of it."""
        exchange, file = self._exchange, self._new_file()
        account = await exchange.services.accounts.get(key.account_id)
        if account is None:
            return _failed("the account is gone")
        line, far = self._legs(account, fax)
        line.begin()
        self._under_way[key] = "dialing"
        try:
            await asyncio.to_thread(file.write_bytes, found.pages.content)
            await originate_to_number(exchange, line, far, seconds=PATIENCE, formats=SOUND)
            await line.until(lambda: line.cause or line.is_here, survives=True)
            if line.cause:
                return _failed(line.cause if line.cause != "NORMAL_CLEARING" else NO_ANSWER)
            self._under_way[key] = "sending"
            identity = str(fax.get("fax_identity_number") or line.caller_number)
            name = str(fax.get("fax_identity_name") or line.caller_name)
            await self._name(line, identity, name)
            await self._go(line, "send", file, "f")
            return self._result(line, began)
        finally:
            await asyncio.to_thread(_forget, file)
            await exchange.hang_up(line)

    def _legs(self, account: Account, fax: Document) -> tuple[Line, Line]:
        """The leg with the modem, and its far end, which has the flow of the number."""
        exchange = self._exchange
        party = Party(
            account_id=account.account_id,
            realm=account.realm,
            owner_id=str(fax.get("owner_id") or ""),
            is_fax=True,
            is_ours=True,
        )
        line = exchange.adopt(exchange.new_id("fax"), party, like=None)
        far = exchange.adopt(exchange.new_id("fax"), party, like=line)
        line.is_inbound, far.is_inbound = False, True
        far.is_told, far.keeps_caller = False, True
        for each in (line, far):
            each.destination = each.callee_number = str(fax["to_number"])
            each.caller_name = str(fax.get("from_name") or "")
            each.caller_number = str(fax.get("from_number") or "")
        return line, far

    # Both

    def _new_file(self) -> Path:
        return self._folder / f"{self._exchange.new_id('fax')}.tiff"

    async def _name(self, line: Line, number: str, name: str) -> None:
        """Say who we are: to the other machine, and at the top of each page."""
        await self._set(line, "FAXOPT(localstationid)", _plain(number)[:MOST_NUMBER])
        await self._set(line, "FAXOPT(headerinfo)", _plain(name)[:MOST_NAME])

    async def make_plain(self, line: Line) -> None:
        """Have the other side send sound in which the tones of modems survive."""
        native = await read(self._exchange, line.channel_id, "CHANNEL(audionativeformat)")
        if native.strip("()").partition("|")[0] in LOSSY:
            with suppress(AriError):  # it is over, as whoever needs it is about to see
                await self._set(line, "PJSIP_MEDIA_OFFER(audio)", f"!all,{PLAIN}")
                await self._set(line, "PJSIP_SEND_SESSION_REFRESH()", "invite")

    async def _set(self, line: Line, variable: str, value: str) -> None:
        ari = self._exchange.ari
        await ari.post("channels", line.channel_id, "variable", variable=variable, value=value)

    async def _go(self, line: Line, where: str, file: Path, options: str) -> None:
        """Have Asterisk send or receive a file, until that or the call is over."""
        await self._set(line, FAX_FILE, str(file))
        await self._set(line, FAX_OPTIONS, options)
        line.fax = {}
        try:
            async with asyncio.timeout(LONGEST):
                await self._sent_to(line, where)
        except TimeoutError:
            await self._exchange.hang_up(line)

    async def _sent_to(self, line: Line, where: str) -> str:
        """The word with which a leg comes back that is sent into the dial plan; "" if never."""
        line.back = ""
        await self._exchange.ari.post(
            "channels",
            line.channel_id,
            "continue",
            context=FAX_CONTEXT,
            extension=where,
            priority=1,
        )
        await line.until(lambda: line.back or line.cause, survives=True)
        return line.back

    def _result(self, line: Line, began: int) -> Document:
        """What came of a fax, as Asterisk has noted it."""
        facts = line.fax
        pages = _whole(facts.get("FAXPAGES"))
        is_sent = is_done(facts)
        why = facts.get("FAXSTATUSSTRING") or facts.get("FAXERROR") or line.cause
        found = {
            "success": is_sent,
            "pages": pages,
            "error_message": "" if is_sent else (why or "no fax machine has answered"),
            "fax_speed": _whole(facts.get("FAXBITRATE")) if pages else 0,
            "fax_receiver_id": facts.get("REMOTESTATIONID", "").strip(),
            "result_code": DROPPED_CODE if not is_sent and why == DROPPED else None,
            "time_elapsed": max(0, self._exchange.services.clock.gregorian() - began),
        }
        return {name: value for name, value in found.items() if value not in (None, "")}


def _key_of(command: Command) -> Key:
    return Key(command.account_id, FAX_TYPE, str(command.data.get("fax_id")))


def _failed(why: str) -> Document:
    return {"success": False, "pages": 0, "error_message": why}


def _unable(error: AriError) -> Document:
    """What comes of a fax that Asterisk has not begun: the leg is over, or it cannot."""
    if error.status == GONE:
        return {**_failed(DROPPED), "result_code": DROPPED_CODE}
    log.warning("fax_not_possible", error=str(error))
    return _failed("the switch could not do it")


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _plain(text: str) -> str:
    """What fax machines can show."""
    return "".join(each for each in text if each.isascii() and each.isprintable())


def _read(file: Path) -> bytes:
    """The file; empty if there is none, or it is too large."""
    try:
        return file.read_bytes() if file.stat().st_size <= LARGEST else b""
    except OSError:
        return b""


def _forget(file: Path) -> None:
    file.unlink(missing_ok=True)


def _enclosed(content: bytes, content_type: str) -> Document:
    return {"content_type": content_type, "content": base64.b64encode(content).decode()}
