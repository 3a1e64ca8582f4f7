"""Sounds of web servers that accounts name: fetched for who is to hear them, and kept for a while.

They are asked as everything is that clients name (:mod:`crossbar.outside.receivers`), and for no
longer than a caller may wait: one that does not answer holds up nobody.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from crossbar.core.ports import Message, NotReached, Reply, Unplayable, place_of
from crossbar.core.services import Services
from crossbar.remembering import keep
from crossbar.switch.asterisk.making import LARGEST, Files
from crossbar.validation import ClientUrls

PATIENCE = 4.0
"""Seconds that a caller waits for a server."""

SECONDS = 30.0
"""Seconds that a server may take."""

LEAST, USUAL, MOST = 10, 300, 86_400
"""Seconds that a file is kept for without asking again, whatever the server says; where it says
nothing; and as long as it may say."""

MOST_KNOWN, LONGEST_ETAG = 10_000, 200
UNHEARD = 86_400.0
"""Seconds after which a file is removed that nobody has heard since."""

_MAX_AGE = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)


class _Known(NamedTuple):
    """What a server has said of a file: by what it is known, and until when it is good."""

    etag: str
    until: float


class WebSounds:
    """The files of web servers, for each account by itself, in ``folder``."""

    def __init__(self, services: Services, folder: Path) -> None:
        self._services = services
        self._files = Files(folder)
        self._urls = ClientUrls(services.settings.schemas.blocked_hosts)
        self._known: dict[Path, _Known] = {}
        self.close = self._files.close

    async def file(self, account_id: str, url: str) -> Path | None:
        """What is at an address, as telephones play it; ``None`` if that cannot be had soon."""
        name = f"{account_id} {url}"
        file = self._files.of(name)
        known = self._known.get(file)
        return await self._files.have(
            account_id,
            name,
            partial(self._fetch, file, url),
            is_good=known is not None and known.until > monotonic(),
            seconds=PATIENCE,
        )

    async def _fetch(self, file: Path, url: str, new: Path) -> None:
        try:
            await self._get(file, url, new)
        except (Unplayable, OSError) as error:
            raise Unplayable(f"{place_of(url)}: {error}") from None

    async def _get(self, file: Path, url: str, new: Path) -> None:
        if not self._urls.allow(url):
            raise Unplayable("the address is not one that may be asked")
        etag = self._etag(file)
        reply = await self._ask(url, etag)
        if not (etag and reply.status == 304):
            if reply.status != 200:
                raise Unplayable(f"status {reply.status}")
            if len(reply.content) > LARGEST:
                raise Unplayable("the file is too large")
            await self._services.audio.decode(reply.content, new)
        named = reply.headers.get("ETag", etag)
        told = _Known(named if len(named) <= LONGEST_ETAG else "", monotonic() + _seconds(reply))
        keep(self._known, file, told, MOST_KNOWN)

    def _etag(self, file: Path) -> str:
        """What the file that is there is known by; "" where there is none."""
        known = self._known.get(file)
        return known.etag if known and file.exists() else ""

    async def _ask(self, url: str, etag: str) -> Reply:
        settings = self._services.settings.webhooks
        try:
            return await self._services.receivers.send(
                Message("GET", url, {"If-None-Match": etag} if etag else {}, b""),
                private=settings.allow_private_addresses,
                seconds=SECONDS,
                connect=settings.connect_timeout,
                most=LARGEST + 1,
            )
        except NotReached as error:
            raise Unplayable(str(error)) from None

    def tidy(self) -> None:
        """Remove files that nobody has heard for long. Call it in a thread."""
        self._files.tidy(UNHEARD)


def _seconds(reply: Reply) -> int:
    """For how long an answer is good."""
    said = reply.headers.get("Cache-Control", "")
    if _NOT_KEPT.search(said):
        return LEAST
    age = _MAX_AGE.search(said)
    return min(max(int(age[1]), LEAST), MOST) if age else USUAL
