"""The second factor by Duo's signatures.

A request names a user and is signed twice: for Duo, and for ourselves. Duo answers with the user
it has seen, signed, and the client brings both back. Nothing is asked of Duo from here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, NamedTuple

from crossbar.documents import Document

FOR_DUO, FROM_DUO, OURS = "TX", "AUTH", "APP"

LEAST_LENGTHS = {"integration_key": 20, "secret_key": 40, "application_secret_key": 40}
"""The keys that are needed, and how long they are at least, in characters."""

LIFETIMES = {"duo_expire": 300, "app_expire": 3600}
"""Seconds for which the two signatures of a request are good."""

LONGEST_LIFETIME = 86_400
LONGEST_RESPONSE = 4096


class Duo(NamedTuple):
    """What signatures are made with: a public key, two secret ones, and lifetimes in seconds."""

    integration: str
    secret: str
    own_secret: str
    host: str
    for_duo: int
    for_us: int


def duo_of(settings: Any) -> Duo | None:
    """What a provider's settings say; ``None`` when they cannot be used."""
    if not isinstance(settings, dict):
        return None
    keys = [settings.get(name) for name in LEAST_LENGTHS]
    texts = [key for key in keys if isinstance(key, str) and key.isascii() and "|" not in key]
    host = settings.get("api_hostname")
    if len(texts) < len(LEAST_LENGTHS) or not isinstance(host, str) or not host:
        return None
    if any(len(key) < least for key, least in zip(texts, LEAST_LENGTHS.values(), strict=True)):
        return None
    lifetimes = (_lifetime(settings.get(name), usual) for name, usual in LIFETIMES.items())
    integration, secret, own_secret = texts
    return Duo(integration, secret, own_secret, host, *lifetimes)


def _lifetime(value: Any, usual: int) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= LONGEST_LIFETIME else usual


def request(duo: Duo, user_id: str, now: int) -> Document:
    """What a client needs to have the user confirm; ``now`` in Unix seconds."""
    for_duo = _signed(duo.secret, FOR_DUO, user_id, duo.integration, now + duo.for_duo)
    for_us = _signed(duo.own_secret, OURS, user_id, duo.integration, now + duo.for_us)
    return {"duo_sig_request": f"{for_duo}:{for_us}", "duo_api_hostname": duo.host}


def confirms(duo: Duo, response: Any, user_id: str, now: int) -> bool:
    """Whether a response is Duo's about this user, to a request of ours, and in time."""
    if not isinstance(response, str) or len(response) > LONGEST_RESPONSE:
        return False
    from_duo, _, ours = response.partition(":")
    return (
        _user_in(duo.secret, FROM_DUO, from_duo, duo.integration, now)
        == _user_in(duo.own_secret, OURS, ours, duo.integration, now)
        == user_id
    )


def _signed(key: str, prefix: str, user_id: str, integration: str, until: int) -> str:
    facts = base64.b64encode(f"{user_id}|{integration}|{until}".encode()).decode()
    return f"{prefix}|{facts}|{_signature(key, f'{prefix}|{facts}')}"


def _signature(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()


def _user_in(key: str, prefix: str, signed: str, integration: str, now: int) -> str | None:
    """The user that a genuine signature of the kind names, if it is still good."""
    kind, _, rest = signed.partition("|")
    facts, _, signature = rest.partition("|")
    wanted = _signature(key, f"{kind}|{facts}")
    if kind != prefix or not hmac.compare_digest(wanted.encode(), signature.encode()):
        return None
    try:
        user_id, named, until = base64.b64decode(facts, validate=True).decode().split("|")
        return user_id if named == integration and now < int(until) else None
    except (binascii.Error, ValueError):
        return None
