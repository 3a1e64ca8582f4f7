"""What a browser says of itself: its name, and the device it runs on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from crossbar.documents import Document

LONGEST = 512
"""Characters that are looked at: what a client sends must not keep the server busy."""

TYPES: Mapping[str, str] = {
    "Android": "tablet",
    "Chrome OS": "desktop",
    "Fedora": "desktop",
    "FreeBSD": "desktop",
    "iOS": "mobile",
    "Linux": "desktop",
    "Mac OS X": "desktop",
    "OpenBSD": "desktop",
    "Tizen": "smarttv",
    "Ubuntu": "desktop",
    "WatchOS": "wearable",
    "Windows": "desktop",
    "Windows Phone": "mobile",
    "ATV OS X": "smarttv",
}
"""What kind of device an operating system runs on, where nothing in the text says more."""

MARKS = (
    ("iPad", "tablet"),
    ("PlayStation", "console"),
    ("Xbox", "console"),
    ("Nintendo", "console"),
    ("SMART-TV", "smarttv"),
    ("SmartTV", "smarttv"),
    ("Mobile", "mobile"),
)
"""Words that tell, the first one of them."""


@lru_cache(maxsize=1024)
def _described(user_agent: str) -> tuple[str | None, str | None, str | None]:
    # Its rules take a tenth of a second to load, and few gateways need them.
    from ua_parser import parse

    found = parse(user_agent)
    browser, device, system = found.user_agent, found.device, found.os
    name = None
    if browser is not None and browser.family != "Other":
        name = " ".join(filter(None, (browser.family, browser.major)))
    kinds = (kind for word, kind in MARKS if word in user_agent)
    kind = next(kinds, TYPES.get(system.family) if system else None)
    return name, (device.model or device.family) if device else None, kind


def describe(user_agent: str) -> Document:
    """``browser_name``, ``device_name`` and ``device_type``; what is unknown is ``None``."""
    name, device, kind = _described(user_agent[:LONGEST])
    return {"browser_name": name, "device_name": device, "device_type": kind}
