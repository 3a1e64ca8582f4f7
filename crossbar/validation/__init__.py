"""Whether a document is what its schema says: judged, given its defaults, and worded."""

from __future__ import annotations

from crossbar.validation.client_urls import ClientUrls
from crossbar.validation.defaults import copied
from crossbar.validation.patterns import Expression, Like, Match, Unusable
from crossbar.validation.refusals import Refusals
from crossbar.validation.schemas import Schemas

__all__ = [
    "ClientUrls",
    "Expression",
    "Like",
    "Match",
    "Refusals",
    "Schemas",
    "Unusable",
    "copied",
]
