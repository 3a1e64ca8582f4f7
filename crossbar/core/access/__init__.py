"""May this caller do this? The tree of accounts, restrictions, scopes of keys, plans."""

from __future__ import annotations

from crossbar.core.access.plans import PLAN, plan_of
from crossbar.core.access.rules import (
    ADMIN_USERS_ONLY,
    OPERATORS_ONLY,
    WORDS,
    account_in_path,
    is_own,
    may_read,
    may_see_secrets,
    readable,
    require_access,
    require_unrestricted,
)
from crossbar.core.access.scopes import ALLOWED, EVERYTHING, Scopes, scopes_of

__all__ = [
    "ADMIN_USERS_ONLY",
    "ALLOWED",
    "EVERYTHING",
    "OPERATORS_ONLY",
    "PLAN",
    "WORDS",
    "Scopes",
    "account_in_path",
    "is_own",
    "may_read",
    "may_see_secrets",
    "plan_of",
    "readable",
    "require_access",
    "require_unrestricted",
    "scopes_of",
]
