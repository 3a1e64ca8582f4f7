"""Queues, the agents who answer them, and their statistics."""

from __future__ import annotations

from crossbar.families.queues.agents import AGENTS
from crossbar.families.queues.call_stats import ACDC_CALL_STATS
from crossbar.families.queues.queues import QUEUES

__all__ = [
    "ACDC_CALL_STATS",
    "AGENTS",
    "QUEUES",
]
