"""Plans: which dialects an account may use, until when, and how much of them.

The settings say it for every account; what an operator granted or took from one account is in its
private ``pvt_dialects``, by dialect: ``{"v1_1": {"enabled": true, "expires": 63967190400,
"limits": {"agent_seats": 5}}}``. A dialect that the settings do not name needs no plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.core.directory import Account
from crossbar.settings import Settings

PLAN = "pvt_dialects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an account may use of a dialect.

    ``expires`` is in Gregorian seconds, ``None`` for never. ``limits`` are numbers of things by
    name; 0 is no limit.
    """

    enabled: bool
    expires: int | None
    limits: Mapping[str, int]

    def covers(self, now: int) -> bool:
        """Whether the dialect may be used at ``now``, in Gregorian seconds."""
        return self.enabled and (self.expires is None or now < self.expires)


def plan_of(account: Account, dialect: str, settings: Settings) -> Plan:
    """The account's plan for one of the dialects that the settings name."""
    enabled, limits = settings.dialects.usual()[dialect]
    own: Mapping[str, Any] = account.document.get(PLAN, {}).get(dialect, {})
    return Plan(
        enabled=own.get("enabled", enabled),
        expires=own.get("expires"),
        limits={**limits, **own.get("limits", {})},
    )
