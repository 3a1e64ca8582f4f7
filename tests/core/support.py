"""What the tests of accounts share."""

from __future__ import annotations


def path_of(account_id: str) -> str:
    return f"/v2/accounts/{account_id}"
