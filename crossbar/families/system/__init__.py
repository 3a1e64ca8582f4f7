"""The system itself: its configuration, what it is doing, and where its files are kept."""

from __future__ import annotations

from crossbar.families.system.configs import CONFIGS
from crossbar.families.system.handler_errors import HANDLER_ERRORS
from crossbar.families.system.migrations import MIGRATIONS_OF_ACCOUNT as MIGRATIONS
from crossbar.families.system.status import SYSTEM_STATUS
from crossbar.families.system.storage import (
    STORAGE_OF_ACCOUNT,
    STORAGE_OF_SYSTEM,
    STORAGE_OF_USER,
)
from crossbar.families.system.sup import SUP
from crossbar.families.system.system_configs import SYSTEM_CONFIGS

SYSTEM_FAMILIES = (
    CONFIGS,
    HANDLER_ERRORS,
    MIGRATIONS,
    STORAGE_OF_ACCOUNT,
    STORAGE_OF_SYSTEM,
    STORAGE_OF_USER,
    SUP,
    SYSTEM_CONFIGS,
    SYSTEM_STATUS,
)
"""Every family of this room."""

__all__ = [
    "SYSTEM_FAMILIES",
]
