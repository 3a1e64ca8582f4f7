"""Accounts: their tree, their limits, what they say of themselves."""

from __future__ import annotations

from crossbar.families.accounts.about import ABOUT, ABOUT_SYSTEM
from crossbar.families.accounts.accounts import ACCOUNTS, normalized_name
from crossbar.families.accounts.addresses import BY_ADDRESS, canonical
from crossbar.families.accounts.belongings import ASSIGNED_TYPE, LINK_TYPE, OWNER_TYPE
from crossbar.families.accounts.limits import LIMITS
from crossbar.families.accounts.tree import create

__all__ = [
    "ABOUT",
    "ABOUT_SYSTEM",
    "ACCOUNTS",
    "ASSIGNED_TYPE",
    "BY_ADDRESS",
    "LIMITS",
    "LINK_TYPE",
    "OWNER_TYPE",
    "canonical",
    "create",
    "normalized_name",
]
