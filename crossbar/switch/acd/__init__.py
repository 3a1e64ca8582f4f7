"""Automatic call distribution: callers who wait in queues, and the agents who are rung for them.

Knows no telephone switch: what carries sound is a :class:`Voice`.
"""

from __future__ import annotations

from crossbar.switch.acd.agents import Agent, Agents, Status
from crossbar.switch.acd.center import CallCenter
from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.members import Member, Who
from crossbar.switch.acd.restoring import Running, open_calls, restore_agents, restore_calls
from crossbar.switch.acd.waiting import Rung, Voice, wait

__all__ = [
    "Agent",
    "Agents",
    "CallCenter",
    "Distributor",
    "Member",
    "Rung",
    "Running",
    "Status",
    "Voice",
    "Who",
    "open_calls",
    "restore_agents",
    "restore_calls",
    "wait",
]
