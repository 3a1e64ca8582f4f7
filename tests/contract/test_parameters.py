"""Where control values may be: in data, in the query, in the envelope (docs/protocol.md §2.3)."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import PASSWORD, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import bare_exchange, create_all, http, ids

pytestmark = on_any_store

MENU = {"name": "Main"}


async def test_envelope_keys_have_many_spellings(api: Api) -> None:
    for key in ("auth_token", "Auth-Token", "AUTH_TOKEN", "auth-token"):
        raw = f'{{"DATA":{{}},"{key}":"{api.token}"}}'.encode()
        answer = await api.get(
            api.account, raw=raw, token="", headers={"Content-Type": "application/json"}
        )
        answer.expect(200)


async def test_keys_inside_of_data_keep_their_spelling(api: Api) -> None:
    answer = await api.put(f"{api.account}/menus", {**MENU, "My-Key": {"Other-Key": 1}})
    assert answer.expect(201).data["My-Key"] == {"Other-Key": 1}


async def test_a_token_may_be_in_query_envelope_data_or_header(api: Api) -> None:
    ways: tuple[dict[str, Any], ...] = (
        {"path": f"{api.account}?auth_token={api.token}"},
        {"path": f"{api.account}?authorization={api.token}"},
        {"path": f"{api.account}?authorization=Bearer+{api.token}"},
        {"authorization": f"bearer  {api.token}"},
        {"headers": {"X-Auth-Token": api.token}},
        {"headers": {"Authorization": f"Bearer {api.token}"}},
        {"headers": {"Authorization": f"bearer  {api.token}"}},
        {"data": {"auth_token": api.token}},
        {"auth_token": api.token},
    )
    for way in ways:
        (await api.get(**{"path": api.account, "token": "", **way})).expect(200)


async def test_a_token_in_the_header_comes_first(api: Api) -> None:
    (await api.get(f"{api.account}?auth_token=x", token=api.token)).expect(200)
    (await api.get(f"{api.account}?auth_token={api.token}", token="x.y.z")).expect(401)
    answer = await api.get(
        f"{api.account}?auth_token={api.token}", token="", headers={"Authorization": "Bearer x"}
    )
    answer.expect(200)


async def test_a_raw_token_in_authorization_is_none(api: Api) -> None:
    answer = await api.get(api.account, token="", headers={"Authorization": api.token})
    answer.expect(401)


async def test_a_basic_credential_may_be_a_parameter(api: Api) -> None:
    secret = f"{api.master.account_id}:admin:{PASSWORD}".encode()
    basic = f"Basic {base64.b64encode(secret).decode()}"
    path = f"{api.account}?{urlencode({'authorization': basic})}"
    (await api.get(path, token="")).expect(200)
    (await api.get(api.account, token="", authorization=basic)).expect(200)
    (await api.get(path, token="", headers={"Authorization": "Basic x"})).expect(401)
    (await api.get(api.account, token="", authorization=5)).expect(401)


async def test_the_account_that_a_client_names_must_be_its_own(api: Api) -> None:
    own = {"X-Auth-Account-ID": api.master.account_id}
    (await api.get(api.account, headers=own)).expect(200)
    other = {"X-Auth-Account-ID": "f" * 32}
    (await api.get(api.account, headers=other)).expect(401)


async def test_data_beats_the_query_and_the_query_beats_the_envelope(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [MENU] * 4)
    assert len(ids(await api.get(f"{path}?page_size=2", data={"page_size": 1}))) == 1
    assert len(ids(await api.get(f"{path}?page_size=2", page_size=3))) == 2
    assert len(ids(await api.get(path, page_size=3))) == 3
    assert len(ids(await api.get(path, page_size="3"))) == 3


async def test_the_first_of_repeated_parameters_counts(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [MENU] * 3)
    assert len(ids(await api.get(f"{path}?page_size=1&page_size=3"))) == 1


async def test_a_parameter_without_a_value_is_true(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [MENU] * 3)
    assert ids(await api.get(f"{path}?ascending")) == ids(await api.get(f"{path}?ascending=true"))


async def test_query_values_are_decoded_once_and_plus_is_a_space(api: Api) -> None:
    path = f"{api.account}/menus"
    names = ("a b", "a+b", "a%2Bb", "100%41", "100A", "ä&=#")
    found = {}
    await create_all(api, path, [{"name": name} for name in names])
    for sent in ("a+b", "a%20b", "a%2Bb", "a%252Bb", "100%2541", "100A", "%C3%A4%26%3D%23"):
        target = f"{path}?filter_name={sent}&auth_token={api.token}"
        answer = await bare_exchange(api, http("GET", target))
        found[sent] = [row["name"] for row in answer.data]
    assert found == {
        "a+b": ["a b"],
        "a%20b": ["a b"],
        "a%2Bb": ["a+b"],
        "a%252Bb": ["a%2Bb"],
        "100%2541": ["100%41"],
        "100A": ["100A"],
        "%C3%A4%26%3D%23": ["ä&=#"],
    }


async def test_query_parameters_are_never_merged_into_data(api: Api) -> None:
    answer = await api.put(f"{api.account}/menus?hunt=false&extra=1", MENU)
    assert answer.expect(201).data["hunt"] is True
    assert "extra" not in answer.data


async def test_envelope_parameters_are_never_merged_into_data(api: Api) -> None:
    answer = await api.put(f"{api.account}/menus", MENU, hunt=False, extra=1)
    assert answer.expect(201).data["hunt"] is True
    assert "extra" not in answer.data


@pytest.mark.parametrize("where", ["query", "envelope", "data", "header"])
async def test_pretty_print_indents(api: Api, where: str) -> None:
    plain = (await api.get(api.account)).expect(200)
    assert b"\n" not in plain.content
    if where == "query":
        pretty = await api.get(f"{api.account}?pretty_print=true")
    elif where == "envelope":
        pretty = await api.get(api.account, pretty_print=True)
    elif where == "data":
        pretty = await api.get(api.account, data={"pretty_print": "true"})
    else:
        pretty = await api.get(api.account, headers={"X-Pretty-Print": "true"})
    assert b'\n  "data": {\n' in b"\n" + pretty.expect(200).content
    assert pretty.data == plain.data


async def test_accept_charges_and_other_known_parameters_are_taken_and_not_stored(
    api: Api,
) -> None:
    answer = await api.put(
        f"{api.account}/devices?wait_for_service_update=true", {"name": "x"}, accept_charges=True
    )
    assert "accept_charges" not in answer.expect(201).data
