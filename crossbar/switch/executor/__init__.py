"""What happens to a call: the flow of the number that was dialed, step by step.

A switch makes a :class:`Call` of what it knows, a :class:`Book` of the account's documents, finds
the flow and carries it out over its :class:`Media`.
"""

from __future__ import annotations

from crossbar.switch.executor.actions import ACTIONS, METAFLOW_ACTIONS
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.carrying import carry_out, find_flow, prepare
from crossbar.switch.executor.conversation import Conversation, Side, Way
from crossbar.switch.executor.finding import Found, dialed
from crossbar.switch.executor.formatters import (
    IN_TO,
    INBOUND,
    NAMES_IN,
    NUMBERS_IN,
    REQUESTED,
    formatters_of,
    rewritten,
    rewritten_headers,
    usual_formatters,
)
from crossbar.switch.executor.heard import (
    Address,
    Prompt,
    Recorded,
    Recording,
    Say,
    Silence,
    Sound,
    Spoken,
    Taped,
    Tone,
    Winding,
    sound_of,
)
from crossbar.switch.executor.media import (
    ANY_KEY,
    NO_KEY,
    CallerId,
    Channel,
    Dialed,
    Dialing,
    Faxed,
    HungUp,
    Leg,
    Media,
    Place,
    Seat,
    Strategy,
    TakenOver,
    Taping,
    ToDevice,
    ToGateway,
    ToNumber,
    Waited,
    ringing_time,
)
from crossbar.switch.executor.metaflows import Ear, Metaflows, metaflows_of, run_metaflow
from crossbar.switch.executor.reporting import REPORT
from crossbar.switch.executor.simulate import SIMULATION
from crossbar.switch.executor.tolls import BARRED, REFUSED

__all__ = [
    "ACTIONS",
    "ANY_KEY",
    "BARRED",
    "INBOUND",
    "IN_TO",
    "METAFLOW_ACTIONS",
    "NAMES_IN",
    "NO_KEY",
    "NUMBERS_IN",
    "REFUSED",
    "REPORT",
    "REQUESTED",
    "SIMULATION",
    "Address",
    "Book",
    "Call",
    "CallerId",
    "Channel",
    "Conversation",
    "Dialed",
    "Dialing",
    "Ear",
    "Faxed",
    "Found",
    "HungUp",
    "Leg",
    "Media",
    "Metaflows",
    "Place",
    "Prompt",
    "Recorded",
    "Recording",
    "Say",
    "Seat",
    "Side",
    "Silence",
    "Sound",
    "Spoken",
    "Strategy",
    "TakenOver",
    "Taped",
    "Taping",
    "ToDevice",
    "ToGateway",
    "ToNumber",
    "Tone",
    "Waited",
    "Way",
    "Winding",
    "carry_out",
    "dialed",
    "find_flow",
    "formatters_of",
    "metaflows_of",
    "prepare",
    "rewritten",
    "rewritten_headers",
    "ringing_time",
    "run_metaflow",
    "sound_of",
    "usual_formatters",
]
