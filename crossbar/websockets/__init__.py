"""Sockets: one on which clients are told of events as they happen, with the protocol of Blackhole,
and one by which telephones in browsers reach the switch."""

from crossbar.websockets.server import Sockets
from crossbar.websockets.telephones import PATH, Telephones

__all__ = ["PATH", "Sockets", "Telephones"]
