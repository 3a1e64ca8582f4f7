"""What answers hold that no declaration says: the work of ``present`` hooks, and of routes.

Every answer in the tests is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.shapes import Handler
from crossbar.families import about, comments, login, schemas
from crossbar.openapi import Node

TEXT: Node = {"type": "string"}
COUNT: Node = {"type": "integer"}
YES_OR_NO: Node = {"type": "boolean"}
SOME_OBJECT: Node = {"type": "object"}


def some(items: Node) -> Node:
    """An array of such items."""
    return {"type": "array", "items": items}


def an_object(**properties: Node) -> Node:
    """An object that always has these properties, and maybe others."""
    return {"type": "object", "required": [*properties], "properties": properties}


SHOWN: Mapping[str, Node] = {
    "accounts": {
        "created": COUNT,
        "enabled": YES_OR_NO,
        "superduper_admin": YES_OR_NO,
        "wnm_allow_additions": YES_OR_NO,
        "is_reseller": YES_OR_NO,
        "reseller_id": TEXT,
        "billing_mode": TEXT,
        "trial_time_left": COUNT,
    },
    "callflows": {"metadata": SOME_OBJECT},
    "directories": {"users": some({"anyOf": [TEXT, an_object(user_id=TEXT, callflow_id=TEXT)]})},
    "queues": {"agents": some(TEXT)},
}
"""By schema: fields that single documents are shown with, or with other values."""

SESSION = an_object(
    account_id=TEXT,
    account_name=TEXT,
    language=TEXT,
    is_reseller=YES_OR_NO,
    is_master_account=YES_OR_NO,
    reseller_id=TEXT,
    cluster_id=TEXT,
    apps=some({}),
    capabilities=SOME_OBJECT,
    ui_config=SOME_OBJECT,
)
"""Whose the new token is; the token is beside the data, as `auth_token`."""

ROUTES: Mapping[Handler, Node] = {
    about.about: SOME_OBJECT,
    comments.list_comments: an_object(comments=some(SOME_OBJECT)),
    login.login: SESSION,
    login.login_with_key: SESSION,
    schemas.list_names: some(TEXT),
    schemas.fetch: an_object(id=TEXT),
}
"""By handler: what is under `data`."""
