"""The socket by which clients are told of events: its bindings, and who is connected."""

from crossbar.families.websockets.bindings import (
    ADVERTISED,
    ANY,
    EVENTS,
    OBJECT,
    BadBinding,
    Binding,
    Heard,
    binding_of,
    facts_of,
    heard,
    place_of,
)
from crossbar.families.websockets.connections import CONNECTION_TYPE, LEASE, REMOVE_ENDED, Listed
from crossbar.families.websockets.family import BINDINGS, CONNECTIONS

__all__ = [
    "ADVERTISED",
    "ANY",
    "BINDINGS",
    "CONNECTIONS",
    "CONNECTION_TYPE",
    "EVENTS",
    "LEASE",
    "OBJECT",
    "REMOVE_ENDED",
    "BadBinding",
    "Binding",
    "Heard",
    "Listed",
    "binding_of",
    "facts_of",
    "heard",
    "place_of",
]
