"""What telephone switches tell: events of calls, phones, queues and messages."""

from __future__ import annotations

from crossbar.families.switch.charging import EMERGENCY, seconds_of_today
from crossbar.families.switch.intake import SWITCH_EVENTS, SWITCH_SCOPES

__all__ = ["EMERGENCY", "SWITCH_EVENTS", "SWITCH_SCOPES", "seconds_of_today"]
