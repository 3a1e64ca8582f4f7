"""Recordings that callers hear, and prompts by language."""

from __future__ import annotations

from crossbar.families.media.media import MEDIA, MEDIA_OF_SYSTEM

__all__ = [
    "MEDIA",
    "MEDIA_OF_SYSTEM",
]
