"""Whether a document is what its schema says: judged, given its defaults, and worded."""

from __future__ import annotations

from crossbar.validation.client_urls import ClientUrls
from crossbar.validation.patterns import Expression, Like, Unusable
from crossbar.validation.refusals import Refusals
from crossbar.validation.schemas import Schemas

__all__ = [
    "ClientUrls",
    "Expression",
    "Like",
    "Refusals",
    "Schemas",
    "Unusable",
]
