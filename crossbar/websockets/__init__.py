"""The socket on which clients are told of events as they happen: the protocol of Blackhole."""

from crossbar.websockets.server import Sockets

__all__ = ["Sockets"]
