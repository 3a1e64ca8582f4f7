"""Who can be looked up: directories, contact lists, lists, blacklists."""

from __future__ import annotations

from crossbar.families.directories.blacklists import BLACKLISTS
from crossbar.families.directories.contact_list import CONTACT_LIST
from crossbar.families.directories.directories import DIRECTORIES
from crossbar.families.directories.lists import LIST_ENTRIES, LISTS

__all__ = [
    "BLACKLISTS",
    "CONTACT_LIST",
    "DIRECTORIES",
    "LISTS",
    "LIST_ENTRIES",
]
