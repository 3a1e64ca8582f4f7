"""What answers hold that no declaration says: the work of ``present`` hooks, and of routes.

Every answer in the tests is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import unwrap
from typing import Any

from crossbar.core import recipes, singletons
from crossbar.dialects.openapi import Node
from crossbar.families import comments, schemas
from crossbar.families.accounts import about
from crossbar.families.accounts import tree as account_tree
from crossbar.families.callflows import clicktocall, parked_calls, pivot
from crossbar.families.conferencing import actions as conference_actions
from crossbar.families.conferencing import conferences
from crossbar.families.directories import contact_list
from crossbar.families.endpoints import device_actions, devices, hotdesks, presence, quickcall
from crossbar.families.faxing import faxboxes, faxes
from crossbar.families.logins import (
    api_keys,
    auth,
    ip_auth,
    login,
    multi_factor,
    security,
    sso,
    sso_documents,
)
from crossbar.families.logins import attempts as login_attempts
from crossbar.families.media import prompts as media_prompts
from crossbar.families.queues import agents, queues
from crossbar.families.queues import call_stats as acdc_call_stats
from crossbar.families.voicemail import routes as vm_routes
from crossbar.families.voicemail import vmboxes

TEXT: Node = {"type": "string"}
COUNT: Node = {"type": "integer"}
YES_OR_NO: Node = {"type": "boolean"}
SOME_OBJECT: Node = {"type": "object"}
NOTHING: Node = {"type": "object", "maxProperties": 0}


def some(items: Node) -> Node:
    """An array of such items."""
    return {"type": "array", "items": items}


def rows(**properties: Node) -> Node:
    """An array of objects that have these properties, unless ``fields`` leaves them out."""
    kept = ["id"] if "id" in properties else []
    return some({"type": "object", "required": kept, "properties": properties})


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
    "api_keys": {
        "_read_only": {
            "type": "object",
            "properties": {
                "key": {"type": "string", "description": "The key's text, told once."},
                "prefix": TEXT,
                "created": COUNT,
                "last_used": COUNT,
                "last_used_from": TEXT,
                "perscom_id": COUNT,
            },
        }
    },
    "callflows": {"metadata": {}},  # computed on reading; what a client writes there it gets back
    "directories": {"users": some({"anyOf": [TEXT, an_object(user_id=TEXT, callflow_id=TEXT)]})},
    "queues": {"agents": some(TEXT)},
}
"""By schema: fields that single documents are shown with, or with other values."""


def maybe(described: Node, **properties: Node) -> Node:
    """The object, which may have these properties too."""
    return {**described, "properties": {**described["properties"], **properties}}


_SESSION = an_object(
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
SESSION = maybe(_SESSION, owner_id=TEXT, refresh_token=TEXT, refresh_expires=COUNT)
"""Whose the new token is, and what renews it if that was asked for.

The token is beside the data, as `auth_token`.
"""

DOCUMENTS: frozenset[Any] = frozenset(
    unwrap(handler)
    for handler in (
        recipes.fetch,
        recipes.create,
        recipes.replace,
        recipes.patch,
        recipes.delete,
        singletons.fetch,
        singletons.replace,
        singletons.patch,
        singletons.delete,
        account_tree.create,
        api_keys.create_key,
        conference_actions.fetch_conference,
        account_tree.delete,
        account_tree.move,
        account_tree.promote,
        account_tree.demote,
        queues.set_roster,
        queues.clear_roster,
    )
)
"""The handlers that answer a document of the family."""

LISTS: frozenset[Any] = frozenset(
    {
        recipes.list_documents,
        conferences.list_conferences,
        devices.list_devices,
        faxboxes.list_boxes,
        vmboxes.list_boxes,
    }
)
"""The handlers that answer rows of the family's documents."""

KNOWS_CALLERS: frozenset[Any] = frozenset({auth.system_action})
"""The handlers of public paths where a token says who calls."""

PAGED: frozenset[Any] = frozenset(
    {
        account_tree.children,
        account_tree.siblings,
        account_tree.descendants,
        acdc_call_stats.list_calls,
        agents.list_agents,
        clicktocall.list_calls,
        faxes.list_jobs,
        faxes.list_folder,
        faxes.list_log,
        hotdesks.list_all,
        hotdesks.list_of_device,
        hotdesks.list_of_user,
        login_attempts.list_attempts,
        login_attempts.list_second_factors,
        media_prompts.list_of_language,
        media_prompts.list_translations,
        multi_factor.list_systems,
        parked_calls.fetch,
        pivot.list_calls,
        pivot.list_logs,
        sso.list_links,
        sso_documents.list_apps,
        vm_routes.list_all,
        vm_routes.list_messages,
    }
)
"""The handlers of other lists that have pages."""

ROW = an_object(id=TEXT)
DONE: Node = {"type": ["string", "object"]}
TOKEN_FACTS = an_object(account_id=TEXT, method=TEXT)
COMMENTS = an_object(comments=some(SOME_OBJECT))
OUTCOME = an_object(succeeded=some(TEXT), failed=SOME_OBJECT)

ROUTES: Mapping[Any, Node] = {
    about.about: SOME_OBJECT,
    account_tree.children: rows(id=TEXT, descendants_count=COUNT),
    account_tree.siblings: rows(id=TEXT, descendants_count=COUNT),
    account_tree.descendants: rows(id=TEXT, tree=some(TEXT)),
    account_tree.parents: rows(id=TEXT, name=TEXT),
    account_tree.tree: rows(id=TEXT, name=TEXT),
    acdc_call_stats.list_calls: some(ROW),
    agents.list_agents: some(ROW),
    agents.fetch: ROW,
    agents.statuses: SOME_OBJECT,
    agents.stats: SOME_OBJECT,
    agents.set_status: TEXT,
    agents.queue_status: some(TEXT),
    agents.set_queue_status: some(TEXT),
    auth.describe: TOKEN_FACTS,
    auth.describe_own: TOKEN_FACTS,
    auth.token_info: TOKEN_FACTS,
    auth.system_action: {"anyOf": [SESSION, NOTHING]},
    auth.impersonate: SESSION,
    clicktocall.list_calls: some(SOME_OBJECT),
    comments.list_comments: COMMENTS,
    comments.append: COMMENTS,
    comments.clear: COMMENTS,
    comments.remove: COMMENTS,
    conference_actions.act_on_all: DONE,
    conference_actions.act_on_conference: DONE,
    conference_actions.act_on_one: DONE,
    conference_actions.fetch_participant: SOME_OBJECT,
    conference_actions.list_participants: some(SOME_OBJECT),
    contact_list.fetch: some(SOME_OBJECT),
    device_actions.act: TEXT,
    device_actions.sync: TEXT,
    device_actions.status: rows(device_id=TEXT, registered=YES_OR_NO),
    faxes.delete_fax: ROW,
    faxes.delete_document: SOME_OBJECT,
    faxes.fetch_fax: ROW,
    faxes.fetch_log: ROW,
    faxes.list_folder: some(ROW),
    faxes.list_jobs: some(ROW),
    faxes.list_log: some(ROW),
    faxes.send_again: ROW,
    hotdesks.list_all: some(SOME_OBJECT),
    hotdesks.list_of_device: some(SOME_OBJECT),
    hotdesks.list_of_user: some(SOME_OBJECT),
    ip_auth.login: SESSION,
    login.login: SESSION,
    login.login_with_key: SESSION,
    login_attempts.fetch_attempt: ROW,
    login_attempts.list_attempts: some(ROW),
    login_attempts.list_second_factors: some(ROW),
    media_prompts.count_languages: some(SOME_OBJECT),
    media_prompts.count_prompts: some(SOME_OBJECT),
    media_prompts.list_of_language: some(TEXT),
    media_prompts.list_translations: rows(id=TEXT, has_attachments=YES_OR_NO),
    multi_factor.list_both: an_object(configured=some(ROW), multi_factor_providers=some(ROW)),
    multi_factor.list_systems: some(ROW),
    parked_calls.fetch: an_object(slots=SOME_OBJECT),
    pivot.list_calls: rows(call_id=TEXT),
    pivot.list_logs: some(SOME_OBJECT),
    presence.summarize: SOME_OBJECT,
    presence.detail: SOME_OBJECT,
    presence.reset_extension: TEXT,
    presence.command: TEXT,
    quickcall.connect: SOME_OBJECT,
    quickcall.start: SOME_OBJECT,
    queues.roster: some(TEXT),
    schemas.list_names: some(TEXT),
    schemas.fetch: ROW,
    security.fetch: an_object(account=SOME_OBJECT, inherited_config=SOME_OBJECT),
    security.list_methods: an_object(available_auth_methods=some(TEXT)),
    security.patch: SOME_OBJECT,
    security.remove: SOME_OBJECT,
    security.replace: SOME_OBJECT,
    sso.callback: {"anyOf": [SESSION, ROW]},
    sso.fetch_link: ROW,
    sso.link: ROW,
    sso.list_links: some(ROW),
    sso.unlink: ROW,
    sso_documents.create: ROW,
    sso_documents.delete: ROW,
    sso_documents.fetch: ROW,
    sso_documents.list_apps: some(ROW),
    sso_documents.list_providers: some(ROW),
    sso_documents.replace: ROW,
    vm_routes.list_all: some(SOME_OBJECT),
    vm_routes.list_messages: some(SOME_OBJECT),
    vm_routes.fetch_message: SOME_OBJECT,
    vm_routes.create_message: SOME_OBJECT,
    vm_routes.change_message: SOME_OBJECT,
    vm_routes.change_messages: OUTCOME,
    vm_routes.delete_message: SOME_OBJECT,
    vm_routes.delete_messages: OUTCOME,
}
"""By handler: what is under `data`."""
