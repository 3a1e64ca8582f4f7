"""What the core asks of the outside.

Mail, names of hosts, other servers, receivers of reports, places for files, a switch, a carrier,
a bookkeeper, a voice, what makes sounds for telephones and pages for fax machines, what runs
programs of accounts.
"""

from __future__ import annotations

from crossbar.core.ports.audio import Audio, Unplayable
from crossbar.core.ports.bookkeeper import Bookkeeper, Outcome, Payment, Standing
from crossbar.core.ports.carrier import Carrier, Offer
from crossbar.core.ports.functions import Function, FunctionFailed, Functions
from crossbar.core.ports.mail import Enclosed, Letter, Mail, NoMail
from crossbar.core.ports.names import Names
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.paper import Pages, Paper, Unprintable
from crossbar.core.ports.porting import Porting
from crossbar.core.ports.receivers import Message, NotReached, Receivers, Reply, place_of
from crossbar.core.ports.shelves import Shelf, ShelfFailed, Shelves
from crossbar.core.ports.speech import NoSpeech, Speech, Spoken
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Audio",
    "Bookkeeper",
    "Carrier",
    "Command",
    "Enclosed",
    "Function",
    "FunctionFailed",
    "Functions",
    "Letter",
    "Mail",
    "Message",
    "Names",
    "NoMail",
    "NoSpeech",
    "NoSwitch",
    "NotReached",
    "Offer",
    "Outcome",
    "Outside",
    "OutsideFailed",
    "Pages",
    "Paper",
    "Payment",
    "Porting",
    "Receivers",
    "Reply",
    "Shelf",
    "ShelfFailed",
    "Shelves",
    "Speech",
    "Spoken",
    "Standing",
    "Switch",
    "Unplayable",
    "Unprintable",
    "may_be_asked",
    "place_of",
]
