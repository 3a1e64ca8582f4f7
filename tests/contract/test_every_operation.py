"""Every operation refuses those who may not use it, and what is not there, in the same words.

Nothing is listed by hand: the operations are those of the registry, so a new one is tested as soon
as it is declared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from crossbar.core.registry import Operation
from crossbar.core.shapes import Access
from tests.conftest import Answer, Api
from tests.contract.conftest import Tree, on_any_store
from tests.contract.kit import (
    GARBAGE,
    UNKNOWN,
    action_of,
    decides_of_app,
    is_scoped,
    label,
    operations,
    path_of,
    refusal,
    verb_of,
    verbs_at,
)

pytestmark = on_any_store

ALL = list(operations())
SCOPED = [operation for operation in ALL if is_scoped(operation)]
PROTECTED = [operation for operation in ALL if operation.access is not Access.PUBLIC]
OPERATOR_ONLY = {
    "GET /accounts/{account_id}/acls",
    "PUT /accounts/{account_id}/reseller",
    "DELETE /accounts/{account_id}/reseller",
    "POST /accounts/{account_id}/move",
    "POST /accounts/{account_id}/limits",
    "PUT /accounts/{account_id}/alerts",
    "PUT /accounts/{account_id}/users/{user_id}/user_auth",
    "POST /accounts/{account_id}/allotments",
    "GET /accounts/{account_id}/system_status",
    *(
        f"{verb} /accounts/{{account_id}}{path}/storage"
        for verb in ("GET", "PUT", "POST", "PATCH", "DELETE")
        for path in ("", "/users/{user_id}")
    ),
    *(f"{verb} /accounts/{{account_id}}/storage/plans" for verb in ("GET", "PUT")),
    *(
        f"{verb} /accounts/{{account_id}}/storage/plans/{{storage_plan_id}}"
        for verb in ("GET", "POST", "PATCH", "DELETE")
    ),
}
"""What an ancestor may not do unless it operates the system, or is the reseller."""

NOT_TWICE = {
    "DELETE /accounts/{account_id}",
    "DELETE /accounts/{account_id}/security",
    "DELETE /accounts/{account_id}/token_restrictions",
    "DELETE /token_auth",
    "PUT /accounts/{account_id}/whitelabel",
}
"""What succeeds once only, even for documents that the test has not made."""

FOR_NOBODY = "PUT /accounts/{account_id}/ips"
"""Addresses are the system's: upstream has the operation, and refuses it to everybody."""

OWN_TOKEN_ONLY = "GET /accounts/{account_id}/user_auth/{auth_token}"
VERBS = ("GET", "PUT", "POST", "PATCH", "DELETE")


async def test_every_operation_that_the_gateway_serves_is_tested(api: Api) -> None:
    assert list(api.gateway.services.registry.operations()) == ALL
    assert len(ALL) >= 460
    assert len({label(operation) for operation in ALL}) == len(ALL)
    assert {label(operation) for operation in ALL if operation not in PROTECTED} == {
        "PUT /api_auth",
        "PUT /auth",
        "PUT /ip_auth",
        "PUT /auth/callback",
        "GET /auth/tokeninfo",
        "POST /auth/tokeninfo",
        "GET /functions/samples",
        "GET /schemas",
        "GET /schemas/{schema_name}",
        "GET /tasks",
        "GET /apps_store/{app}/icon",
        "GET /apps_store/{app}/screenshot/{number}",
        "PUT /user_auth",
        "PUT /user_auth/recovery",
        "POST /user_auth/recovery",
        "GET /phone_numbers",
        "GET /phone_numbers/prefix",
        "GET /accounts/{account_id}/phone_numbers/prefix",
        "GET /webhooks",
        "GET /webhooks/samples",
        "GET /webhooks/samples/{sample_id}",
        "GET /websockets",
        "GET /whitelabel/{domain}",
        "GET /whitelabel/{domain}/icon",
        "GET /whitelabel/{domain}/logo",
        "GET /whitelabel/{domain}/welcome",
        "GET /accounts/{account_id}/clicktocall/{click2call_id}/connect",
        "POST /accounts/{account_id}/clicktocall/{click2call_id}/connect",
    }
    assert {label(operation) for operation in ALL} >= {*OPERATOR_ONLY, OWN_TOKEN_ONLY}


async def ask(api: Api, operation: Operation, token: str, **params: str) -> Answer:
    """Ask for the operation, with an empty document where its verb has a body."""
    verb, path = verb_of(operation), path_of(operation, **params)
    if verb == "GET":
        return await api.get(path, token=token)
    sent = {"to": api.master.account_id} if operation.path[-1] == "move" else {}
    return await api.request(verb, path, sent, token=token, action=action_of(operation))


def is_no_fault(answer: Answer) -> bool:
    """Whether the gateway did what it could; it may lack a switch, or a mail server."""
    missing = ("switch_unavailable", "mail_unavailable")
    return answer.status < 500 or answer.body["message"] in missing


Judge = Callable[[Operation], Awaitable[str | None]]

PARTS = 8
in_parts = pytest.mark.parametrize("part", range(PARTS))
"""For a test that asks every operation for so much that one time limit is too short for all."""


def part_of(chosen: list[Operation], part: int) -> list[Operation]:
    """One of ``PARTS`` parts of the operations, which together are all of them."""
    return chosen[part::PARTS]


async def failures(chosen: list[Operation], judge: Judge) -> list[str]:
    """What the judge says against each operation."""
    found = []
    for operation in chosen:
        wrong = await judge(operation)
        if wrong:
            found.append(f"{label(operation)}: {wrong}")
    return found


async def test_without_a_token_and_with_a_forged_one_it_is_401(api: Api, tree: Tree) -> None:
    async def judge(operation: Operation) -> str | None:
        for token in ("", GARBAGE, "undefined"):
            answer = await ask(api, operation, token, account_id=tree.child)
            expected = {"message": "invalid credentials"}
            wrong = refusal(answer, 401, "invalid_credentials", expected)
            if wrong or "auth_token" in answer.body or "version" in answer.body:
                return f"token {token!r}: {wrong or answer.body}"
        return None

    assert await failures(PROTECTED, judge) == []


async def test_a_public_operation_ignores_a_forged_token(api: Api) -> None:
    async def judge(operation: Operation) -> str | None:
        params = {"schema_name": "users"}
        bare = await ask(api, operation, "", **params)
        forged = await ask(api, operation, GARBAGE, **params)
        same = (bare.status, bare.data) == (forged.status, forged.data)
        return None if same else f"{bare.body} and {forged.body}"

    assert await failures([one for one in ALL if one not in PROTECTED], judge) == []


async def test_strangers_siblings_and_children_are_forbidden(api: Api, tree: Tree) -> None:
    pairs = (("stranger", tree.child), ("sibling", tree.child), ("child", tree.parent))

    async def judge(operation: Operation) -> str | None:
        for who, account_id in pairs:
            answer = await ask(api, operation, tree.tokens[who], account_id=account_id)
            wrong = refusal(answer, 403, "forbidden", {"message": "forbidden"})
            if wrong:
                return f"{who}: {wrong}"
        return None

    assert await failures([one for one in SCOPED if one in PROTECTED], judge) == []


@in_parts
async def test_an_ancestors_administrator_may(api: Api, tree: Tree, part: int) -> None:
    administrator = {
        "first_name": "Ann",
        "last_name": "Lee",
        "username": "ann",
        "password": "s3cret",
        "priv_level": "admin",
    }
    (await api.put(f"/v2/accounts/{tree.parent}/users", administrator)).expect(201)
    token = await api.login("ann", "s3cret", "Parent")

    async def judge(operation: Operation) -> str | None:
        account_id = await api.create_account(f"Fresh {label(operation)}", tree.parent)
        is_sold = operation.access is Access.RESELLER
        by_operator = is_sold or label(operation) in OPERATOR_ONLY
        caller = api.token if by_operator else token
        answer = await ask(api, operation, caller, account_id=account_id, auth_token=caller)
        fine = answer.status not in (401, 403, 405) and is_no_fault(answer)
        if by_operator and fine:
            answer = await ask(api, operation, token, account_id=tree.child)
            return refusal(answer, 403, "forbidden")
        return None if fine else f"{answer.status} {answer.body}"

    # An operator's verdict on a user that does not exist comes before the operator's privilege.
    chosen = [
        one
        for one in SCOPED
        if one.path[-1] != "user_auth" and not decides_of_app(one) and label(one) != FOR_NOBODY
    ]
    assert await failures(part_of(chosen, part), judge) == []


async def test_an_operation_without_an_account_is_open_to_every_token_or_to_operators(
    api: Api, tree: Tree
) -> None:
    async def judge(operation: Operation) -> str | None:
        answer = await ask(api, operation, tree.tokens["stranger"], schema_name="users")
        for_few = operation.path in (("auth",), ("port_requests",), ("switch", "events"))
        expected = operation.access is Access.SUPERDUPER or for_few
        return None if (answer.status == 403) is expected else f"{answer.status} {answer.body}"

    chosen = [one for one in ALL if not is_scoped(one)]
    chosen.sort(key=lambda one: label(one) == "DELETE /token_auth")  # which ends the token
    assert await failures(chosen, judge) == []


@in_parts
async def test_an_unknown_account_is_404_with_and_without_a_token(
    api: Api, tree: Tree, part: int
) -> None:
    deleted = await api.create_account("Deleted")
    (await api.delete(f"/v2/accounts/{deleted}")).expect(200)

    async def judge(operation: Operation) -> str | None:
        for account_id in (UNKNOWN, deleted, tree.child.upper()):
            for token in ("", GARBAGE, api.token):
                answer = await ask(api, operation, token, account_id=account_id)
                expected = {"message": "bad identifier", "cause": account_id}
                wrong = refusal(answer, 404, "bad_identifier", expected)
                if wrong:
                    return wrong
        answer = await ask(api, operation, "", account_id="short")
        expected = {"message": "invalid account_id 'short'"}
        return refusal(answer, 404, "bad identifier", expected)

    assert await failures(part_of(SCOPED, part), judge) == []


async def test_an_unknown_document_is_404_and_named(api: Api) -> None:
    named = [
        operation
        for operation in ALL
        if any(part.endswith(("_id}", "_name}")) for part in operation.path[2:])
        or operation.path[-1] == "{schema_name}"
        # Lists of those that are called so; and who is not connected is told of as nothing.
        if not {"{selector_name}", "{socket_id}"} & {*operation.path}
    ]
    assert len(named) >= 84

    async def judge(operation: Operation) -> str | None:
        answer = await ask(api, operation, api.token, account_id=api.master.account_id)
        expected = {"message": "bad identifier", "cause": UNKNOWN}
        return refusal(answer, 404, "bad_identifier", expected)

    assert await failures(named, judge) == []


async def test_a_verb_that_is_not_offered_is_405_and_names_those_that_are(api: Api) -> None:
    async def judge(operation: Operation) -> str | None:
        path, offered = path_of(operation), verbs_at(operation)
        for verb in VERBS:
            if verb in offered:
                continue
            answer = await api.request(verb, path, token="")
            if wrong := refusal(answer, 405, "invalid_method"):
                return f"{verb}: {wrong}"
            allow = answer.headers["allow"].split(", ")
            cors = answer.headers["access-control-allow-methods"].split(", ")
            readable = {"HEAD"} if "GET" in offered else set()
            if {*allow} != {*offered, *readable} or {*cors} != {*offered, "OPTIONS"}:
                return f"{verb}: {answer.status}, allow {allow}, cors {cors}"
        return None

    assert await failures(ALL, judge) == []


@in_parts
async def test_a_trailing_slash_changes_nothing(api: Api, tree: Tree, part: int) -> None:
    async def judge(operation: Operation) -> str | None:
        answers = []
        for end in ("", "/", "//"):
            path = path_of(operation, account_id=tree.child, schema_name="users") + end
            sent: Any = None if verb_of(operation) == "GET" else {}
            token = tree.tokens["parent"]
            answer = await api.request(verb_of(operation), path, sent, token=token)
            answers.append((answer.status, answer.body.get("message")))
        return None if len({*answers}) == 1 else str(answers)

    chosen = [one for one in ALL if label(one) not in NOT_TWICE]
    assert await failures(part_of(chosen, part), judge) == []
