"""Webhooks: what happens is reported to servers that accounts name, and none of it is lost."""

from __future__ import annotations

from crossbar.core.jobs import Kind
from crossbar.families.webhooks.asking import REPLAY
from crossbar.families.webhooks.attempts import ATTEMPTS
from crossbar.families.webhooks.deliveries import remove_leftovers
from crossbar.families.webhooks.hooks import (
    WEBHOOKS,
    WEBHOOKS_OF_DESCENDANTS,
    WEBHOOKS_OF_SYSTEM,
)
from crossbar.families.webhooks.kinds import KINDS as HOOK_KINDS
from crossbar.families.webhooks.kinds import SAMPLES as HOOK_SAMPLES
from crossbar.families.webhooks.kinds import HookKind
from crossbar.families.webhooks.postman import Postman

WEBHOOK_FAMILIES = (WEBHOOKS, WEBHOOKS_OF_DESCENDANTS, WEBHOOKS_OF_SYSTEM, ATTEMPTS)
WEBHOOK_JOBS = (
    REPLAY,
    Kind(name="webhook_leftovers", run=remove_leftovers, every=3600),
)

__all__ = [
    "HOOK_KINDS",
    "HOOK_SAMPLES",
    "WEBHOOKS",
    "WEBHOOK_FAMILIES",
    "WEBHOOK_JOBS",
    "HookKind",
    "Postman",
]
