"""What each verb means in this dialect: PUT creates and POST replaces, unlike elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.requests import Action

VERBS: Mapping[str, tuple[Action, ...]] = {
    "GET": (Action.LIST, Action.FETCH),
    "PUT": (Action.CREATE,),
    "POST": (Action.REPLACE,),
    "PATCH": (Action.PATCH,),
    "DELETE": (Action.DELETE,),
}

VERB_OF = {action: verb for verb, actions in VERBS.items() for action in actions}


def verbs_of(actions: Mapping[Action, object]) -> tuple[str, ...]:
    """The verbs under which the actions are offered, each once."""
    return tuple(dict.fromkeys(VERB_OF[action] for action in actions))
