"""What the tests of several ways to authenticate share."""

from __future__ import annotations

import pytest

from tests.conftest import Api


def count_verifications(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """From now on, the hash of every password verification; ``None`` for one made in vain."""
    passwords = api.gateway.identity.passwords
    verify = passwords.verify
    verified: list[str | None] = []

    async def counted(text: str, hashed: str | None) -> bool:
        verified.append(hashed)
        return await verify(text, hashed)

    monkeypatch.setattr(passwords, "verify", counted)
    return verified
