"""Where phones are registered, as Asterisk's registrar notes it with us.

They are in a file too, so that phones stay reachable when either of the two processes is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import orjson
import structlog

from crossbar.clock import Clock
from crossbar.switch.asterisk.phones import Phone

log = structlog.get_logger(__name__)

PAUSE = 0.3
"""Seconds between a change and its place in the file: changes come in bursts."""

Row = dict[str, str]

ACCOUNT, USERNAME = "_account_id", "_username"
"""What only we know of a contact: whose it is."""

_USER = re.compile(r"^(sips?:)(?:[^@;?]*@)?", re.ASCII)
_ROUTE = re.compile(
    r"(?:sip:)?(?P<rest>(?:[\w.+*~-]{1,64}@)?(?P<host>[0-9.]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:;transport=(?:udp|tcp))?)",
    re.ASCII,
)

_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


class Contacts:
    """The contacts by their ids, which begin with the address of the phone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: dict[str, Row] = {}
        self._by_address: dict[str, set[str]] = {}
        self._real = Clock()
        self._changed = asyncio.Event()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for name, row in orjson.loads(file.read_bytes()).items():
                self._keep(name, {str(field): str(value) for field, value in row.items()})

    def of(self, address: str) -> list[Row]:
        """The contacts of a phone that are not over."""
        now = self._real.precise()
        rows = [self._rows[name] for name in sorted(self._by_address.get(address, ()))]
        return [row for row in rows if _number(row.get("expiration_time", "")) > now]

    def uris(self, phone: Phone | None, number: str, user: str = "") -> list[str]:
        """Where a phone is rung for a call to a number: all places where it is registered.

        ``user`` is who is asked for there; empty: who has registered.
        """
        if phone is None:
            return []
        if phone.ip:
            return [asking_for(user, phone.uri(number))]
        return [asking_for(user, plain_uri(row)) for row in self.of(phone.address)]

    def addresses(self) -> list[str]:
        """The addresses that have contacts."""
        return [*self._by_address]

    def seconds_left(self, row: Row) -> int:
        """How long a contact lasts; at least a second."""
        return max(1, round(_number(row.get("expiration_time", "")) - self._real.precise()))

    def store(self, name: str, fields: Row) -> Row:
        """Note a contact, or what is new about it; as it is now."""
        row = {**self._rows.get(name, {}), **fields, "id": name}
        self._keep(name, row)
        self._changed.set()
        return row

    def remove(self, name: str) -> Row | None:
        """Forget a contact; as it was."""
        row = self._rows.pop(name, None)
        if row is not None:
            address = address_of(name)
            names = self._by_address[address]
            names.discard(name)
            if not names:
                del self._by_address[address]
            self._changed.set()
        return row

    def select(self, conditions: Row) -> list[Row]:
        """The contacts that meet conditions in the words of Asterisk's tables (``id LIKE``)."""
        pattern = conditions.get("id LIKE", "")
        rows = [*self._rows.values()]
        if pattern and not set(address_of(pattern)) & set("%_\\"):
            rows = [self._rows[name] for name in self._by_address.get(address_of(pattern), ())]
        return [row for row in rows if all(_meets(row, *each) for each in conditions.items())]

    async def work(self) -> None:
        """Keep the file up to date, for ever."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(PAUSE)
            self.write()

    def write(self) -> None:
        """Bring the file up to date."""
        self._changed.clear()
        new = self._file.with_suffix(".new")
        try:
            new.touch(mode=0o600)
            new.write_bytes(orjson.dumps(self._rows))
            new.replace(self._file)
        except OSError as error:
            log.warning("contacts_not_kept", error=str(error))

    def _keep(self, name: str, row: Row) -> None:
        self._rows[name] = row
        self._by_address.setdefault(address_of(name), set()).add(name)


def address_of(name: str) -> str:
    """The address of the phone, of a contact's id (``ann@acme.example.com;@4f…``)."""
    return name.partition(";")[0].partition("^3B")[0]


def plain_uri(row: Row) -> str:
    """A contact as phones write it: in Asterisk's tables there are no semicolons."""
    return row.get("uri", "").replace("^3B", ";").replace("^3b", ";")


def asking_for(user: str, uri: str) -> str:
    """A contact's address, but for somebody else there; as it is, for nobody."""
    return _USER.sub(lambda found: f"{found[1]}{quote(user, safe='+*#')}@", uri) if user else uri


def fixed_address(route: str, *, private: bool) -> str:
    """A route (``sip:ann@192.0.2.7:5060``) as it can be called; empty where it cannot be.

    It has to name an address, and one that anybody may have unless ``private`` ones are allowed:
    what a name leads to could be another at every call.
    """
    found = _ROUTE.fullmatch(route)
    try:
        address = ipaddress.ip_address(found["host"].strip("[]") if found else "")
    except ValueError:
        return ""
    if found is None or not (private or address.is_global):
        return ""
    return f"sip:{found['rest']}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _meets(row: Row, condition: str, value: str) -> bool:
    field, _, operator = condition.partition(" ")
    found = row.get(field, "")
    if operator in _COMPARED:
        return _COMPARED[operator](_number(found), _number(value))
    if operator == "LIKE":
        pattern = re.escape(value.replace("\\", "")).replace("%", ".*")
        return re.fullmatch(pattern, found, re.DOTALL) is not None
    if operator in ("!=", "<>"):
        return found != value
    return found == value
