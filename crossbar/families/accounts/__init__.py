"""Accounts: their tree, what they say of themselves."""

from __future__ import annotations

from crossbar.families.accounts.about import ABOUT, ABOUT_SYSTEM
from crossbar.families.accounts.accounts import ACCOUNTS, normalized_name
from crossbar.families.accounts.addresses import BY_ADDRESS, canonical
from crossbar.families.accounts.belongings import (
    AGENT_HOLD_TYPE,
    CALL_TALLY_TYPE,
    CARRIER_PLACE_TYPE,
    DEVICE_PLACE_TYPE,
    HOOK_PLACE_TYPE,
    LINK_TYPE,
    NUMBER_TYPE,
    OWNER_TYPE,
    PORT_PLACE_TYPE,
    TRUNK_PLACE_TYPE,
)
from crossbar.families.accounts.emptying import EMPTY
from crossbar.families.accounts.tree import create

__all__ = [
    "ABOUT",
    "ABOUT_SYSTEM",
    "ACCOUNTS",
    "AGENT_HOLD_TYPE",
    "BY_ADDRESS",
    "CALL_TALLY_TYPE",
    "CARRIER_PLACE_TYPE",
    "DEVICE_PLACE_TYPE",
    "EMPTY",
    "HOOK_PLACE_TYPE",
    "LINK_TYPE",
    "NUMBER_TYPE",
    "OWNER_TYPE",
    "PORT_PLACE_TYPE",
    "TRUNK_PLACE_TYPE",
    "canonical",
    "create",
    "normalized_name",
]
