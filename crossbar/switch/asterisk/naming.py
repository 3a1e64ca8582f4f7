"""The names of callers from outside, asked of a service that the operator has named.

Such services cost money by the question, so nobody is asked unless the configuration ``cnam`` (or
``stepswitch.cnam``, as it was called before) has an ``http_url`` of its own; what a schema gives
as an example does not count.
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote

import orjson
import structlog

from crossbar.core.ports import Message, NotReached, Reply
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.numbers import normalized
from crossbar.remembering import keep

log = structlog.get_logger(__name__)

CONFIGS = ("cnam", "stepswitch.cnam")
PLACE = "{{phone_number}}"
"""Where the number stands in the address and in the body."""

NAMES = ("callerInformation", "name")
"""Where the name is in an answer that is JSON."""

PATIENCE = 1.5
"""Seconds that an answer may take: a caller waits for it."""

LONGEST = 18
"""Characters of a name."""

MANY = 10_000
"""Numbers whose names are remembered."""

_NUMBER = re.compile(r"\+?[0-9]{5,20}", re.ASCII)


class CallerNames:
    """Names by numbers, as long as they are remembered (``cnam_expires``)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    async def of(self, number: str) -> str:
        """The name of a number; "" for none, and where no service is named or it does not say."""
        config = self._config()
        if config is None or not _NUMBER.fullmatch(number):
            return ""
        if config.get("disable_normalize") is not True:
            number = normalized(number)
        place, now = (str(config["http_url"]), number), self._services.clock.gregorian()
        until, name = self._known.get(place, (0, ""))
        if until > now:
            return name
        try:
            reply = await self._services.receivers.send(
                _message(config, number),
                private=True,  # the operator has named it, and may have it inside
                seconds=PATIENCE,
                connect=_whole(config, "http_connect_timeout_ms", 500) / 1000,
            )
        except NotReached as error:
            log.warning("caller_name_not_found", reason=str(error))
            return ""
        name = _name(reply)
        keep(self._known, place, (now + _whole(config, "cnam_expires", 900), name), MANY)
        return name

    def _config(self) -> Document | None:
        configuration = self._services.configuration
        for each in CONFIGS:
            if configuration.stored(each).get("http_url"):
                return configuration.of_system(each)
        return None


def _message(config: Document, number: str) -> Message:
    body = _text(config, "http_body").replace(PLACE, number)
    user, password = (
        _text(config, f"http_basic_auth_{each}") for each in ("username", "password")
    )
    headers = {
        "Accept": _text(config, "http_accept_header"),
        "User-Agent": _text(config, "http_user_agent_header"),
        "Content-Type": _text(config, "http_content_type_header") if body else "",
    }
    if token := _text(config, "http_token_auth_token"):
        headers["Authorization"] = f"Token {token}"
    elif user:
        headers["Authorization"] = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
    return Message(
        _text(config, "http_method").upper() or "GET",
        str(config["http_url"]).replace(PLACE, quote(number, safe="")),
        {name: value for name, value in headers.items() if value},
        body.encode(),
    )


def _name(reply: Reply) -> str:
    """The name in an answer: its text, or a field of its JSON; "" where it says none."""
    if reply.status != 200:
        return ""
    text: object = reply.body
    if reply.content_type.endswith("json"):
        try:
            found = orjson.loads(reply.content)
        except orjson.JSONDecodeError:
            return ""
        text = found
        if isinstance(found, dict):
            text = next((found[each] for each in NAMES if found.get(each)), "")
    if not isinstance(text, str):
        return ""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())[:LONGEST]


def _text(config: Document, name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""


def _whole(config: Document, name: str, default: int) -> int:
    value = config.get(name)
    return value if isinstance(value, int) and value > 0 else default
