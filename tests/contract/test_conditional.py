"""Conditions on revisions: If-Match and If-None-Match (docs/protocol.md §3.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.contract.conftest import on_every_store

pytestmark = on_every_store

MENU = {"name": "Main"}
STALE = '"1-00000000000000000000000000000000"'


def tags(revision: str) -> dict[str, str]:
    """Values of a condition, by what they are."""
    return {
        "match": f'"{revision}"',
        "bare": revision,
        "weak": f'W/"{revision}"',
        "any": "*",
        "listed": f'{STALE}, "{revision}"',
        "mismatch": STALE,
        "weak mismatch": f"W/{STALE}",
        "nonsense": '"',
        "longer": f'"{revision}0"',
        "empty": '""',
    }


MATCHING = {"match", "bare", "weak", "any", "listed"}
KINDS = tuple(tags("x"))


async def make_menu(api: Api) -> tuple[str, str]:
    """A menu's path and revision."""
    created = (await api.put(f"{api.account}/menus", MENU)).expect(201)
    return f"{api.account}/menus/{created.data['id']}", created.body["revision"]


@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "DELETE"])
async def test_if_match_lets_only_the_named_revision_pass(api: Api, verb: str) -> None:
    failures = []
    for kind in KINDS:
        path, revision = await make_menu(api)
        sent: Any = None if verb in ("GET", "DELETE") else {"name": "Other"}
        answer = await api.request(verb, path, sent, headers={"If-Match": tags(revision)[kind]})
        expected = 200 if kind in MATCHING else 412
        after = await api.get(path)
        unchanged = after.status == 200 and after.body["revision"] == revision
        if answer.status != expected or (expected == 412 and not unchanged):
            failures.append(f"{kind}: {answer.status}, then {after.content[:200]!r}")
    assert failures == []


@pytest.mark.parametrize("verb", ["POST", "PATCH", "DELETE"])
async def test_if_none_match_stops_writes_of_the_named_revision(api: Api, verb: str) -> None:
    failures = []
    for kind in KINDS:
        path, revision = await make_menu(api)
        sent: Any = None if verb == "DELETE" else {"name": "Other"}
        answer = await api.request(
            verb, path, sent, headers={"If-None-Match": tags(revision)[kind]}
        )
        if answer.status != (412 if kind in MATCHING else 200):
            failures.append(f"{kind}: {answer.status}")
    assert failures == []


async def test_if_none_match_spares_a_reader_what_it_knows(api: Api) -> None:
    path, _ = await make_menu(api)
    for target in (path, f"{api.account}/menus", f"{api.account}/menus?is_chunked=false"):
        revision = (await api.get(target)).body["revision"]
        for kind in KINDS:
            answer = await api.get(target, headers={"If-None-Match": tags(revision)[kind]})
            assert answer.status == (304 if kind in MATCHING else 200), (target, kind)
            assert answer.headers["ETag"] == f'"{revision}"'
            if answer.status == 304:
                assert answer.content == b""
                assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("condition", ["*", STALE, '"1-x"'])
async def test_a_creation_has_no_revision_to_match(api: Api, condition: str) -> None:
    path = f"{api.account}/menus"
    (await api.put(path, MENU, headers={"If-Match": condition})).expect(412)
    assert (await api.get(path)).expect(200).data == []
    (await api.put(path, MENU, headers={"If-None-Match": condition})).expect(201)


async def test_without_a_condition_the_last_writer_wins_whatever_the_body_says(api: Api) -> None:
    path, revision = await make_menu(api)
    for name in ("Other", "Another"):
        answer = await api.post(path, {"name": name, "_rev": revision, "revision": revision})
        assert answer.expect(200).data["name"] == name
    assert (await api.get(path)).body["revision"].startswith("3-")


async def test_each_write_makes_a_revision_that_the_next_condition_names(api: Api) -> None:
    path, revision = await make_menu(api)
    for number in range(3):
        answer = await api.patch(path, {"number": number}, headers={"If-Match": f'"{revision}"'})
        assert answer.expect(200).body["revision"] != revision
        (await api.patch(path, {}, headers={"If-Match": f'"{revision}"'})).expect(412)
        revision = answer.body["revision"]


async def test_a_read_of_what_has_no_revision_matches_nothing(api: Api) -> None:
    for path in ("/v2/token_auth", f"{api.account}/limits"):
        (await api.get(path, headers={"If-Match": "*"})).expect(412)
        (await api.get(path, headers={"If-None-Match": "*"})).expect(200)


async def test_the_first_write_of_a_singleton_has_no_revision_to_match(api: Api) -> None:
    path = f"{api.account}/limits"
    (await api.post(path, {}, headers={"If-Match": "*"})).expect(412)
    revision = (await api.post(path, {}, headers={"If-None-Match": "*"})).expect(200)
    (await api.post(path, {}, headers={"If-None-Match": "*"})).expect(412)
    (await api.post(path, {}, headers={"If-Match": f'"{revision.body["revision"]}"'})).expect(200)


async def test_actions_on_an_account_compare_its_revision(api: Api) -> None:
    child = f"/v2/accounts/{await api.create_account('Child')}"
    other = await api.create_account("Other")
    actions: tuple[tuple[str, str, Any], ...] = (
        ("PUT", "api_key", {}),
        ("POST", "move", {"to": other}),
        ("PUT", "reseller", {}),
    )
    for verb, action, sent in actions:
        path = f"{child}/{action}"
        before = (await api.get(child)).body["revision"]
        (await api.request(verb, path, sent, headers={"If-Match": STALE})).expect(412)
        assert (await api.get(child)).body["revision"] == before
        answer = await api.request(verb, path, sent, headers={"If-Match": f'"{before}"'})
        assert answer.status in (200, 201), action


async def test_a_list_that_goes_on_differs_from_one_that_ends(api: Api) -> None:
    """Else a client would keep its copy of what was the last page, and never ask for the next."""
    path = f"{api.account}/menus?page_size=1&ascending=true"
    first = {**MENU, "id": "0" * 32}
    (await api.put(f"{api.account}/menus", first)).expect(201)
    etag = (await api.get(path)).headers["ETag"]
    (await api.put(f"{api.account}/menus", MENU)).expect(201)
    answer = (await api.get(path, headers={"If-None-Match": etag})).expect(200)
    assert answer.body["next_start_key"]


async def test_a_download_has_its_documents_revision(api: Api) -> None:
    sent = {"name": "Music", "media_source": "upload"}
    created = (await api.put(f"{api.account}/media", sent)).expect(201)
    path = f"{api.account}/media/{created.data['id']}/raw"
    stale, audio = {"If-Match": STALE}, {"Content-Type": "audio/wav"}
    (await api.post(path, raw=b"RIFF", headers={**audio, **stale})).expect(412)
    (await api.get(path)).expect(404)
    (await api.post(path, raw=b"RIFF", headers=audio)).expect(200)
    etag = (await api.get(path)).expect(200).headers["ETag"]
    (await api.get(path, headers={"If-None-Match": etag})).expect(304)
    (await api.get(path, headers=stale)).expect(412)
