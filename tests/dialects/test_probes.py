"""The paths for those who look after a server: health, readiness, metrics."""

from __future__ import annotations

import asyncio
import dataclasses
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from crossbar.clock import FixedClock
from crossbar.dialects import probes
from crossbar.dialects.probes import FORWARDED
from crossbar.settings import Settings
from crossbar.storage import Unreachable
from tests.conftest import Api, credentials, running_api

TOKEN = "a long and random token"


class Seen(dict[tuple[str, frozenset[str]], float]):
    """What an answer of /metrics says, by name and values of labels."""

    def of(self, name: str, *labels: str) -> float:
        return self.get((name, frozenset(labels)), 0.0)


async def scrape(api: Api) -> Seen:
    answer = (await api.get("/metrics", token="")).expect(200)
    families = text_string_to_metric_families(answer.content.decode())
    return Seen(
        ((sample.name, frozenset(sample.labels.values())), sample.value)
        for family in families
        for sample in family.samples
    )


async def test_a_process_that_lives_says_so(api: Api) -> None:
    answer = (await api.get("/healthz", token="")).expect(200)
    assert answer.content == b"alive\n"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await api.request("HEAD", "/healthz", token="")).expect(200).content == b""


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_nothing_is_written_there(api: Api, path: str) -> None:
    assert (await api.post(path, token="")).expect(405).headers["Allow"] == "GET, HEAD"


async def test_a_server_is_ready_when_its_store_answers(api: Api) -> None:
    assert (await api.get("/readyz", token="")).expect(200).content == b"ready\n"


@pytest.mark.parametrize("way", ["refuses", "never answers"])
async def test_a_server_whose_store_does_not_answer_is_not_ready(
    api: Api, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ping() -> None:
        if way == "never answers":
            await asyncio.Event().wait()
        raise Unreachable("mongodb://somebody:secret@nowhere")

    monkeypatch.setattr(probes, "PATIENCE", 0.05)
    monkeypatch.setattr(api.gateway.services.store, "ping", ping)
    answer = (await api.get("/readyz", token="")).expect(503)
    assert int(answer.headers["Retry-After"]) > 0
    assert b"secret" not in answer.content
    assert (await api.get("/healthz", token="")).status == 200


async def test_requests_are_counted_by_route_and_never_by_path(api: Api) -> None:
    await api.get(f"{api.account}/users")
    await api.get(f"{api.account}/users")
    await api.get(f"{api.account}/users/{'0' * 32}")
    await api.get("/v2/no/such/path-at-all")
    for path in ("/v1/ranks", "/v1.1/list.json"):
        async with api.client.get(path) as response:
            assert response.status == 401
    seen = await scrape(api)
    users = ("v2", "GET", "/v2/accounts/{account_id}/users")
    assert seen.of("crossbar_requests_total", *users, "200") == 2
    assert seen.of("crossbar_request_seconds_count", *users) == 2
    assert seen.of("crossbar_request_seconds_sum", *users) > 0
    assert seen.of("crossbar_request_seconds_bucket", *users, "+Inf") == 2
    one = ("v2", "GET", "/v2/accounts/{account_id}/users/{user_id}", "404")
    assert seen.of("crossbar_requests_total", *one) == 1
    assert seen.of("crossbar_requests_total", "v2", "", "unmatched", "404") == 1
    assert seen.of("crossbar_requests_total", "v1", "GET", "/v1/ranks", "401") == 1
    assert seen.of("crossbar_requests_total", "v1_1", "GET", "/v1.1/list", "401") == 1
    assert not [labels for _, labels in seen if any("path-at-all" in text for text in labels)]
    assert not [labels for _, labels in seen if any(re.search("[0-9a-f]{32}", x) for x in labels)]


async def test_buckets_hold_what_is_no_more_than_their_bound(api: Api) -> None:
    metrics = api.gateway.services.metrics
    for seconds in (0.0005, 0.001, 0.002, 7.0, 70.0):
        metrics.route("v2", "GET", "/v2/timed").note(200, seconds)
    seen = await scrape(api)
    held = [
        seen.of("crossbar_request_seconds_bucket", "v2", "GET", "/v2/timed", bound)
        for bound in ("0.001", "0.0025", "5.0", "10.0", "+Inf")
    ]
    assert held == [2, 3, 3, 4, 5]


async def test_writes_are_counted(api: Api) -> None:
    before = await scrape(api)
    await api.put(f"{api.account}/menus", {"name": "m"})
    seen = await scrape(api)
    assert seen.of("crossbar_events_total", "menu", "created") == 1
    for name in ("crossbar_store_commit_seconds_count", "crossbar_store_commit_batches_count"):
        assert seen.of(name) == before.of(name) + 1
    assert seen.of("crossbar_store_commit_seconds_sum") > 0


async def test_refused_logins_are_counted(api: Api) -> None:
    wrong = credentials("admin", "wrong", api.master.account_name)
    for _ in range(30):
        await api.put("/v2/user_auth", wrong, token="")
    seen = await scrape(api)
    assert seen.of("crossbar_logins_refused_total", "wrong") >= 1
    assert seen.of("crossbar_logins_refused_total", "too_soon") >= 1


@pytest.mark.parametrize("name", FORWARDED)
async def test_what_a_proxy_passes_on_does_not_come_from_here(api: Api, name: str) -> None:
    answer = await api.get("/metrics", token="", headers={name: "127.0.0.1"})
    assert b"crossbar_" not in answer.expect(403).content


async def test_the_token_opens_metrics_from_anywhere(
    settings: Settings, clock: FixedClock
) -> None:
    http = dataclasses.replace(settings.http, metrics_token=TOKEN)
    async with running_api(dataclasses.replace(settings, http=http), clock) as api:
        far = {"X-Forwarded-For": "192.0.2.1"}
        for sent in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer \xff"):
            headers = {**far, "Authorization": sent}
            answer = await api.get("/metrics", token="", headers=headers)
            assert answer.expect(401).headers["WWW-Authenticate"] == "Bearer"
        headers = {**far, "Authorization": f"Bearer {TOKEN}"}
        assert b"crossbar_" in (await api.get("/metrics", token="", headers=headers)).content
        (await api.get("/metrics", token="")).expect(200)


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("", False),
        (None, False),
    ],
)
def test_who_is_on_this_machine(peer: str | None, local: bool) -> None:
    assert probes._is_local(peer) is local
