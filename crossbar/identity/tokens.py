"""Auth tokens: JSON Web Tokens (RFC 7519), signed with HS256 by itsdangerous.

Clients decode a token's middle part to learn who they are, so it has to be a real three-part JWT
(docs/protocol.md §5.5). ``itsdangerous.Signer`` with ``.`` as separator, HMAC-SHA256 as its
signature and a 32-byte derived key makes exactly that out of ``<header>.<claims>``.

Whether a token was revoked, and whether its user still exists, is not known here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import orjson
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from crossbar.clock import Clock
from crossbar.errors import InvalidCredentials, TokenExpired
from crossbar.identity.secrets import Secrets

MAXIMUM_LENGTH = 4096
"""Characters. Longer texts are refused unread; they would not fit into a header line either."""

# A signature of 32 bytes has 43 characters, the last of which carries four bits: one of 16. Any
# other one decodes to the same bytes, and would be a second spelling of the same token.
_SHAPE = re.compile(r"([\w-]+)\.([\w-]+)\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class Tokens:
    """Issues and reads the tokens of one ``purpose``; those of another one are not accepted.

    ``lifetime`` is in seconds. The newest secret signs, every secret verifies.
    """

    def __init__(
        self, secrets: Secrets, clock: Clock, *, purpose: str = "auth", lifetime: int = 3600
    ) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._signer = Signer(
            reversed(secrets.keys("tokens")),  # itsdangerous wants the newest last
            salt=purpose,
            sep=".",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )
        # The header is compared, never interpreted: what a stranger writes there, such as an
        # algorithm named "none", has no effect.
        self._headers = [
            _segment({"typ": "JWT", "alg": "HS256", "kid": name}) for name in secrets.ids()
        ]

    def issue(self, claims: Mapping[str, Any], *, lifetime: int | None = None) -> str:
        """A token that says ``claims`` and lives ``lifetime`` seconds.

        ``iss``, ``iat``, ``exp`` and ``jti`` are set here, whatever ``claims`` has for them; so
        the claims of an old token can be given to renew it. Raises :class:`ValueError` when the
        token would be too long to be read back.
        """
        now = self._clock.unix()
        whole = {
            **claims,
            "iss": "kazoo",
            "iat": now,
            "exp": now + (self._lifetime if lifetime is None else lifetime),
            "jti": token_hex(8),
        }
        token = self._signer.sign(f"{self._headers[0]}.{_segment(whole)}").decode()
        if len(token) > MAXIMUM_LENGTH:
            raise ValueError(f"a token of {len(token)} characters, {MAXIMUM_LENGTH} are possible")
        return token

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token.

        Raises :class:`TokenExpired` for one that was issued here and whose time is over, and
        :class:`InvalidCredentials` for everything else that is not a valid token.
        """
        shape = _SHAPE.fullmatch(token) if len(token) <= MAXIMUM_LENGTH else None
        if shape is None or shape[1] not in self._headers:
            raise InvalidCredentials
        try:
            self._signer.unsign(token)
        except BadSignature:
            raise InvalidCredentials from None
        claims: dict[str, Any] = orjson.loads(base64_decode(shape[2]))
        if self._clock.unix() >= claims["exp"]:
            raise TokenExpired
        return claims


def _segment(content: Mapping[str, Any]) -> str:
    return base64_encode(orjson.dumps(content)).decode()
