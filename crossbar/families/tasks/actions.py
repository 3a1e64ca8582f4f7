"""Every action that tasks can be made of, by category."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from crossbar.core.registry import Registry
from crossbar.core.services import Services
from crossbar.families.tasks.kinds import TaskAction
from crossbar.families.tasks.of_families import actions_of_families
from crossbar.families.tasks.of_numbers import NUMBER_ACTIONS
from crossbar.families.tasks.of_rates import RATE_ACTIONS
from crossbar.families.tasks.of_system import SYSTEM_ACTIONS

Actions = Mapping[str, Mapping[str, TaskAction]]

PUBLISHED: tuple[TaskAction, ...] = (*NUMBER_ACTIONS, *RATE_ACTIONS, *SYSTEM_ACTIONS)
"""Those that are written for their purpose; they stand before what follows from the families."""

_KNOWN: WeakKeyDictionary[Registry, Actions] = WeakKeyDictionary()


def actions_of(services: Services) -> Actions:
    """The actions by category and name."""
    known = _KNOWN.get(services.registry)
    if known is None:
        found: dict[str, dict[str, TaskAction]] = {}
        for action in (*PUBLISHED, *actions_of_families(services.registry, services.schemas)):
            found.setdefault(action.category, {}).setdefault(action.name, action)
        known = _KNOWN[services.registry] = {name: found[name] for name in sorted(found)}
    return known


def action_named(services: Services, category: str, name: str) -> TaskAction | None:
    """One action; ``None`` for an unknown one."""
    return actions_of(services).get(category, {}).get(name)
