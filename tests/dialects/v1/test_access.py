"""Who may do what: organisations, keys, plans, scopes, and the order of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.cli.maintenance import set_dialect
from crossbar.clock import FixedClock
from crossbar.core.registry import Operation
from crossbar.personnel.endpoints import Endpoint
from crossbar.personnel.scopes import SCOPES
from tests.conftest import Api
from tests.dialects.v1.kit import VERBS, endpoint_of, label, operations, path_of
from tests.dialects.v1.support import Client, client_of

GUARDED = [
    each for each in operations() if isinstance(each.handler, Endpoint) and each.handler.needs
]


def needs_of(operation: Operation) -> set[str]:
    return {str(need) for need in endpoint_of(operation).needs}


async def test_each_operation_asks_for_its_scopes(api: Api) -> None:
    """Without one of them it is 403, before the body is read and the row is looked for."""
    everything = set(SCOPES.names()) - {"*"}
    wrong = []
    clients: dict[str, Client] = {}
    for operation in GUARDED:
        for missing in needs_of(operation):
            if missing not in clients:
                scopes = tuple(sorted(everything - {missing}))
                clients[missing] = await client_of(api, scopes=scopes)
            answer = await clients[missing].request(
                VERBS[operation.action], path_of(operation), b"{no json"
            )
            if answer.status != 403 or answer.kind[1] != "AuthorizationException":
                wrong.append((label(operation), missing, answer.status))
    assert wrong == []


async def test_each_operation_asks_for_no_other_scopes(api: Api) -> None:
    wrong = []
    clients: dict[tuple[str, ...], Client] = {}
    for operation in GUARDED:
        scopes = tuple(sorted(needs_of(operation)))
        if scopes not in clients:
            clients[scopes] = await client_of(api, scopes=scopes)
        answer = await clients[scopes].request(VERBS[operation.action], path_of(operation))
        if answer.status not in (200, 201, 404, 422):
            wrong.append((label(operation), answer.status, answer.content))
    assert wrong == []


async def test_no_operation_answers_without_a_key(api: Api, v1: Client) -> None:
    nobody = Client(api, v1.account_id, "", v1.tenant)
    for operation in operations():
        if operation.family.noun != "files":
            answer = await nobody.request(VERBS[operation.action], path_of(operation))
            assert answer.kind == (401, "AuthenticationException"), label(operation)


async def test_a_key_is_worth_nothing_in_another_organisation(api: Api) -> None:
    mine = await client_of(api, await api.create_account("Mine"))
    theirs = await client_of(api, await api.create_account("Theirs"))
    await theirs.make("/ranks", name="Secret")
    for tenant in (theirs.tenant, theirs.account_id):
        for operation in operations():
            if operation.family.noun != "files":
                answer = await mine.request(
                    VERBS[operation.action], path_of(operation, 1), **{"X-Perscom-Id": tenant}
                )
                assert answer.kind == (401, "AuthenticationException"), label(operation)
    assert (await mine.get("/ranks")).data == []
    assert (await mine.get("/ranks/1")).status == 404


async def test_even_the_operators_key_is_for_its_own_organisation(api: Api, v1: Client) -> None:
    other = await client_of(api, await api.create_account("Other"))
    answer = await v1.get("/ranks", **{"X-Perscom-Id": other.tenant})
    assert answer.kind == (401, "AuthenticationException")


@pytest.mark.parametrize("named", ["", " ", "0", "999", "-1", "x" * 32, "²", "9" * 40, "1.0"])
async def test_an_unknown_organisation_is_refused_first(v1: Client, named: str) -> None:
    for key in (v1.key, "", "garbage"):
        answer = await v1.get(
            "/ranks", **{"X-Perscom-Id": named, "Authorization": f"Bearer {key}"}
        )
        assert answer.kind == (401, "TenantCouldNotBeIdentified")


async def test_the_organisation_is_named_by_number_id_query_or_key(v1: Client) -> None:
    for tenant in (v1.tenant, v1.account_id):
        assert (await v1.get("/ranks", **{"X-Perscom-Id": tenant})).status == 200
    v1.tenant, number = "", v1.tenant
    assert (await v1.get("/ranks")).status == 200
    assert (await v1.get(f"/ranks?perscom_id={number}")).status == 200
    answer = await v1.get("/ranks?perscom_id=999")
    assert answer.kind == (401, "TenantCouldNotBeIdentified")
    assert (await v1.get("/ranks?perscom_id=999", **{"X-Perscom-Id": number})).status == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer garbage", "Basic YTpi", "{key}", "bearer x.y.z"]
)
async def test_a_bad_key_is_refused(v1: Client, header: str) -> None:
    sent = {"Authorization": header.format(key=v1.key)}
    assert (await v1.get("/ranks", **sent)).kind == (401, "AuthenticationException")
    unnamed = Client(v1.api, v1.account_id, "")
    assert (await unnamed.get("/ranks", **sent)).kind == (401, "TenantCouldNotBeIdentified")


async def test_a_revoked_key_is_refused(api: Api, v1: Client) -> None:
    account = await api.gateway.services.accounts.get(v1.account_id)
    assert account is not None
    keys = api.gateway.identity.keys
    document, secret = await keys.create(account, dialect="v1", name="other")
    other = Client(api, v1.account_id, secret, v1.tenant)
    assert (await other.get("/ranks")).status == 200
    await keys.revoke(v1.account_id, document["_id"])
    assert (await other.get("/ranks")).kind == (401, "AuthenticationException")


async def test_tokens_and_keys_of_v2_are_refused(api: Api, v1: Client) -> None:
    account = await api.gateway.services.accounts.get(v1.account_id)
    assert account is not None
    _, secret = await api.gateway.identity.keys.create(account, dialect="v2", name="v2")
    for foreign in (api.token, secret):
        answer = await v1.get("/ranks", Authorization=f"Bearer {foreign}")
        assert answer.kind == (401, "AuthenticationException")


async def test_a_plan_without_this_interface_costs_402(api: Api, v1: Client) -> None:
    await set_dialect(api.gateway, v1.account_id, "v1", enabled=False, days=None, limits={})
    assert (await v1.get("/ranks")).kind == (402, "HttpException")
    assert (await v1.get("/nope")).status == 404
    await set_dialect(api.gateway, v1.account_id, "v1", enabled=True, days=None, limits={})
    assert (await v1.get("/ranks")).status == 200


async def test_restrictions_of_the_account_hold_here_too(api: Api) -> None:
    account_id = await api.create_account("Strict")
    client = await client_of(api, account_id)
    rules = {"restrictions": {"_": {"_": {"users": [{"rules": {"/": ["GET"]}}]}}}}
    path = f"/v2/accounts/{account_id}/token_restrictions"
    (await api.post(path, rules)).expect(200)
    assert (await client.get("/users")).status == 200
    assert (await client.get("/ranks")).kind == (403, "AuthorizationException")
    assert (await client.post("/users", {"name": "A", "email": "a@b.c"})).status == 403


async def test_about_themselves_people_need_no_scope(api: Api) -> None:
    account_id = await api.create_account("Unit")
    path = f"/v2/accounts/{account_id}/users"
    body = {"first_name": "Ann", "last_name": "Lee"}
    user_id = (await api.put(path, body)).expect(201).data["id"]
    admin = await client_of(api, account_id)
    ann = (await admin.get("/users")).data[0]["id"]
    bob = (await admin.make("/users", name="Bob Kay", email="b@k.org"))["id"]
    records = [
        (await admin.make("/service-records", user_id=user, text="x"))["id"] for user in (ann, bob)
    ]
    tasks = [(await admin.make("/tasks", title="t"))["id"] for _ in range(2)]
    await admin.post(f"/users/{ann}/tasks/attach", {"resources": [tasks[0]]})

    own = await client_of(api, account_id, scopes=(), owner_id=user_id)
    assert (await own.get(f"/users/{ann}")).data["name"] == "Ann Lee"
    assert (await own.patch(f"/users/{ann}", {"name": "Ann Hill"})).status == 200
    assert (await own.patch(f"/users/{ann}", {"approved": True})).status == 403
    assert (await own.delete(f"/users/{ann}")).status == 403
    assert (await own.get(f"/users/{bob}")).status == 403
    assert (await own.get("/users")).status == 403
    assert (await own.get("/users/99")).status == 403
    assert [(await own.get(f"/service-records/{each}")).status for each in records] == [200, 403]
    assert [(await own.get(f"/tasks/{each}")).status for each in tasks] == [200, 403]
    assert (await own.get("/me")).status == 403
    nobody = await client_of(api, account_id, scopes=())
    assert (await nobody.get(f"/users/{ann}")).status == 403


async def test_me_is_the_owner_of_the_key(api: Api, v1: Client) -> None:
    client = await client_of(api, scopes=("view:user",), owner_id=api.master.user_id)
    answer = (await client.get("/me")).expect(200)
    assert [each["name"] for each in answer.data] == ["Account Admin"]
    assert answer.body["meta"]["total"] == 1
    assert (await v1.get("/me")).data == []


class TestLimits:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"limits.enabled": True, "http.max_upload_size": 3000}

    async def test_a_key_has_a_thousand_requests_a_minute(
        self, api: Api, v1: Client, clock: FixedClock
    ) -> None:
        first = await v1.get("/ranks/1")
        assert first.headers["X-RateLimit-Limit"] == "1000"
        assert first.headers["X-RateLimit-Remaining"] == "999"
        for _ in range(999):
            await v1.get("/ranks/1")
        refused = await v1.get("/ranks/1")
        assert refused.kind == (429, "ThrottleRequestsException")
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["X-RateLimit-Reset"] == str(clock.unix() + 1)
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert (await (await client_of(api)).get("/ranks")).status == 200
        clock.advance(1)
        assert (await v1.get("/ranks")).status == 200

    async def test_who_guesses_is_slowed_down(self, api: Api, v1: Client) -> None:
        guess = Client(api, v1.account_id, "a.b.c", v1.tenant)
        statuses = [(await guess.get("/ranks")).status for _ in range(101)]
        assert statuses == [401] * 100 + [429]
        assert (await Client(api, v1.account_id, tenant="77").get("/ranks")).status == 429
        assert (await v1.get("/ranks")).status == 200

    async def test_a_body_may_not_be_too_large(self, v1: Client) -> None:
        answer = await v1.post("/ranks", {"name": "x" * 4000})
        assert answer.kind == (413, "PostTooLargeException")
