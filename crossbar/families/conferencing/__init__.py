"""Conferences: their documents, and what goes on in their rooms."""

from __future__ import annotations

from crossbar.families.conferencing.conferences import CONFERENCES

__all__ = [
    "CONFERENCES",
]
