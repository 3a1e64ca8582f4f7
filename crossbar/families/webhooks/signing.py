"""How reports prove where they come from: by Standard Webhooks, and as version 2 of KAZOO's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.remembering import keep

PREFIX = "whsec_"
SCHEME = 1
"""Of signatures: HMAC with SHA-256."""

PURPOSE = "webhook"
"""What secrets of webhooks are sealed for."""

SECRET = "pvt_signing_secret"  # noqa: S105 - the name of a field
FORMER = "pvt_former_secret"
FORMER_UNTIL = "pvt_former_secret_until"
KEY = "pvt_sha256_key"

BOTH = 86_400
"""Seconds for which reports are signed with a secret that was replaced, too."""


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


_opened: dict[str, str] = {}
"""What was unsealed, since every report asks: by the sealed text, which has no second meaning."""

MANY_OPENED = 1000


def _open(services: Services, sealed: Any) -> str | None:
    if not isinstance(sealed, str):
        return None
    found = _opened.get(sealed) or services.credentials.unseal(PURPOSE, sealed)
    if found:
        keep(_opened, sealed, found, MANY_OPENED)
    return found


def secrets_of(services: Services, hook: Document, now: int) -> list[str]:
    """The secrets that a report of ``now``, in Unix seconds, is signed with; newest first."""
    sealed = [hook.get(SECRET)]
    if hook.get(FORMER_UNTIL, 0) > now:
        sealed.append(hook.get(FORMER))
    return [found for each in sealed if (found := _open(services, each))]


def key_of(services: Services, hook: Document) -> str | None:
    """The key of a webhook by which version 2 of the body is signed."""
    return _open(services, hook.get(KEY))


@lru_cache(MANY_OPENED)
def _keyed(secret: str) -> hmac.HMAC:
    """The beginning of every signature with a secret: to be copied."""
    return hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), b"", hashlib.sha256)


def signed_headers(found: Iterable[str], message_id: str, now: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks, one signature for each secret."""
    content = b".".join((message_id.encode(), str(now).encode(), body))
    signatures = []
    for secret in found:
        signing = _keyed(secret).copy()
        signing.update(content)
        digest = base64.b64encode(signing.digest()).decode()
        signatures.append(f"v{SCHEME},{digest}")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }


def body_hmac(key: str, gregorian: int, data: Document) -> str:
    """What version 2 of the body says under ``hmac``: of the time, then of its data."""
    content = str(gregorian).encode() + orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    return base64.b64encode(hmac.new(key.encode(), content, hashlib.sha256).digest()).decode()
