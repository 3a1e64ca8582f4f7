"""What is so of a call, by the names that documents give it."""

from __future__ import annotations

import re

from crossbar.documents import Document
from crossbar.families.endpoints import place_of_server
from crossbar.switch.executor.call import Call

CHANNEL_VARIABLES, APPLICATION_VARIABLES = "custom_channel_vars", "custom_application_vars"

_NO_WORD = re.compile(r"[^a-z0-9]+")


def normal(name: str) -> str:
    """The name of a variable, however it is spelled: ``Call-Priority`` is ``call_priority``."""
    return _NO_WORD.sub("_", name.lower()).strip("_")


def variables_of(call: Call) -> Document:
    """The variables of a call, by their normal names."""
    known = {
        "account_id": call.account_id,
        "authorizing_id": authorizing_id_of(call),
        "authorizing_type": call.authorizing_type,
        "call_priority": call.priority or "",
        "owner_id": call.owner_id,
        "language": call.language,
    }
    given = {**call.variables, **call.channel_vars}
    return {normal(name): value for name, value in given.items()} | known


def authorizing_id_of(call: Call) -> str:
    """The document of the phone or the telephone system that calls."""
    place = place_of_server(call.server_id)
    return place[0] if place else call.device_id


def property_of(call: Call, name: str) -> str:
    """What a property of a call is now, such as ``from_realm``; "" where it has none of that name.

    Variables are named with their kind: ``custom_channel_vars.owner_id``.
    """
    kind, _, variable = name.partition(".")
    if kind == CHANNEL_VARIABLES:
        return str(variables_of(call).get(normal(variable), ""))
    if kind == APPLICATION_VARIABLES:
        return str(call.variables.get(variable, ""))
    return _properties(call).get(name, "")


def _properties(call: Call) -> dict[str, str]:
    caller, dialed, asked = call.from_number, call.dialed, call.to_number or call.dialed
    return {
        "account_id": call.account_id,
        "account_realm": call.realm,
        "authorizing_id": authorizing_id_of(call),
        "authorizing_type": call.authorizing_type,
        "call_id": call.call_id,
        "caller_id_name": call.from_name,
        "caller_id_number": caller,
        "from": f"{caller}@{call.realm}",
        "from_realm": call.realm,
        "from_user": caller,
        "language": call.language,
        "owner_id": call.owner_id,
        "request": f"{dialed}@{call.realm}",
        "request_realm": call.realm,
        "request_user": dialed,
        "to": f"{asked}@{call.realm}",
        "to_realm": call.realm,
        "to_user": asked,
    }
