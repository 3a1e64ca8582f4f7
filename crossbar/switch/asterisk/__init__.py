"""A telephone switch: Asterisk, which registers phones and carries sound as documents say."""

from __future__ import annotations

from crossbar.switch.asterisk.examining import Fault, examine
from crossbar.switch.asterisk.exchange import Exchange, Flow
from crossbar.switch.asterisk.fetching import TESTED, fetch, obtain
from crossbar.switch.asterisk.program import ROOT, Missing, Program, find
from crossbar.switch.asterisk.station import AddressTaken, AlreadyRunning, Station, running

__all__ = [
    "ROOT",
    "TESTED",
    "AddressTaken",
    "AlreadyRunning",
    "Exchange",
    "Fault",
    "Flow",
    "Missing",
    "Program",
    "Station",
    "examine",
    "fetch",
    "find",
    "obtain",
    "running",
]
