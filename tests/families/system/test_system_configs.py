"""The configuration of the system: sections, differences, and what takes effect here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.core.configuration import (
    COUNTERPARTS,
    Configuration,
    difference,
    setting_of,
    system_key,
)
from crossbar.core.nodes import node_name
from crossbar.documents import merge
from crossbar.errors import Conflict
from crossbar.settings import Settings
from crossbar.storage import Unreachable
from tests.conftest import Api
from tests.families.support import refusal

PATH = "/v2/system_configs"


async def test_names_are_listed_and_documents_dropped(api: Api) -> None:
    for name in ("fax", "media", "my.app"):
        (await api.put(f"{PATH}/{name}", {"default": {"anything": 1}})).expect(201)
    assert (await api.get(PATH)).expect(200).data == ["my.app", "media", "fax"]
    page = (await api.get(f"{PATH}?page_size=2")).expect(200)
    assert page.data == ["my.app", "media"]
    rest = await api.get(f"{PATH}?page_size=2&start_key={page.body['next_start_key']}")
    assert rest.data == ["fax"]
    gone = (await api.delete(f"{PATH}/media")).expect(200).data
    assert gone == {"id": "media", "default": {"anything": 1}}
    (await api.delete(f"{PATH}/media")).expect(404)
    assert (await api.get(PATH)).data == ["my.app", "fax"]


async def test_default_is_filled_from_the_schema(api: Api) -> None:
    found = (await api.get(f"{PATH}/topup")).expect(200).data
    assert found == {"id": "topup", "default": {"enable": False}}
    assert (await api.get(f"{PATH}/no.such")).data == {"id": "no.such", "default": {}}
    media = (await api.get(f"{PATH}/media")).data["default"]
    assert media["call_recording"]["extension"] == "mp3"


async def test_only_what_differs_is_stored_and_answered(api: Api) -> None:
    document: dict[str, Any] = {
        "default": {"enable": True, "note": "x"},
        "zone1": {"enable": True, "note": "y"},
        "apps@host": {"enable": False},
    }
    stored = (await api.post(f"{PATH}/topup", document)).expect(200).data
    assert stored == {**document, "zone1": {"note": "y"}, "id": "topup"}
    whole = (await api.get(f"{PATH}/topup?with_defaults=true")).data
    assert whole["zone1"] == {"enable": True, "note": "y"}
    (await api.post(f"{PATH}/topup", {"default": {"enable": False}})).expect(200)
    kept = await api.gateway.services.store.get(system_key("topup"))
    assert kept is not None
    assert kept["default"] == {}


async def test_a_patch_merges_what_it_names(api: Api) -> None:
    (await api.put(f"{PATH}/my.app", {"default": {"a": {"b": 1}}, "zone": {"c": 2}})).expect(201)
    patched = (await api.patch(f"{PATH}/my.app", {"default": {"a": {"d": 3}}})).expect(200).data
    assert patched == {"id": "my.app", "default": {"a": {"b": 1, "d": 3}}, "zone": {"c": 2}}


async def test_sections_are_read_and_written_alone(api: Api) -> None:
    (await api.put(f"{PATH}/topup", {"default": {"enable": True}})).expect(201)
    section = f"{PATH}/topup/zone1"
    made = (await api.post(section, {"enable": False, "a": 1, "b": {"c": 1}})).expect(200).data
    assert made == {"id": "topup/zone1", "enable": False, "a": 1, "b": {"c": 1}}
    patched = (await api.patch(section, {"b": {"d": 1}, "a": None})).expect(200).data
    assert patched == {"id": "topup/zone1", "enable": False, "b": {"d": 1}}
    assert (await api.get(section)).data == patched
    whole = (await api.get(f"{PATH}/topup/zone2?with_defaults=true")).expect(200).data
    assert whole == {"id": "topup/zone2", "enable": True}
    assert (await api.delete(section)).expect(200).data == {"id": "topup/zone1"}
    (await api.delete(section)).expect(404)
    (await api.put(section, {})).expect(405)


@pytest.mark.parametrize(
    ("document", "path", "rule"),
    [
        ({"default": {"pagination_page_size": 0}}, "default.pagination_page_size", "minimum"),
        ({"zone": {"pagination_page_size": "x"}}, "zone.pagination_page_size", "type"),
        ({"default": []}, "default", "type"),
        ({"not-a-section!": 1}, "not-a-section!", "type"),
    ],
)
async def test_every_section_is_judged(
    api: Api, document: dict[str, Any], path: str, rule: str
) -> None:
    refusal(await api.post(f"{PATH}/crossbar", document), path, rule)


async def test_what_takes_effect_has_to_fit_its_setting(api: Api) -> None:
    document = {"default": {"allow_move": "everybody"}}
    answer = await api.post(f"{PATH}/crossbar.accounts", document)
    refusal(answer, "default.allow_move", "invalid")
    assert "superduper_admin" in answer.data["default.allow_move"]["invalid"]["message"]


async def test_a_page_has_the_configured_number_of_rows(api: Api) -> None:
    for name in ("One", "Two", "Three"):
        (await api.put(f"{api.account}/menus", {"name": name})).expect(201)
    assert (await api.get(f"{api.account}/menus")).body["page_size"] == 3
    config = {"default": {"pagination_page_size": 2}}
    (await api.post(f"{PATH}/crossbar", config)).expect(200)
    assert (await api.get(f"{api.account}/menus")).body["page_size"] == 2
    node = {"pagination_page_size": 1}
    (await api.post(f"{PATH}/crossbar/{node_name()}", node)).expect(200)
    assert (await api.get(f"{api.account}/menus")).body["page_size"] == 1
    (await api.delete(f"{PATH}/crossbar")).expect(200)
    assert (await api.get(f"{api.account}/menus")).body["page_size"] == 3


async def test_other_processes_notice(api: Api) -> None:
    services = api.gateway.services
    config = {"default": {"pagination_page_size": 7}}
    (await api.post(f"{PATH}/crossbar", config)).expect(200)
    services.configuration.settings = services.configuration._given
    services.configuration.forget()  # as when an event of another process is read
    while services.settings.lists.page_size != 7:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


async def test_the_rules_of_logins_are_configured_for_all_accounts(api: Api) -> None:
    child = await api.create_account("Child")
    key = (await api.get(f"/v2/accounts/{child}/api_key")).data["api_key"]
    config = {"default": {"auth_modules": {"cb_api_auth": {"enabled": False}}}}
    (await api.patch(f"{PATH}/crossbar.auth", config)).expect(200)
    (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(401)
    (await api.delete(f"{PATH}/crossbar.auth")).expect(200)
    (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(201)


async def test_settings_are_what_is_shown_where_nothing_is_stored(
    api: Api, settings: Settings
) -> None:
    for each in COUNTERPARTS:
        found: Any = (await api.get(f"{PATH}/{each.config}")).data["default"]
        for part in each.path.split("."):
            found = (found or {}).get(part)
        section, _, name = each.setting.partition(".")
        value = getattr(getattr(settings, section), name)
        assert value == "" if found is None else setting_of(each, found) == value, each.path


async def test_a_configuration_is_for_operators(api: Api) -> None:
    child = await api.create_account("Child")
    token = await api.account_token(child)
    (await api.get(f"{PATH}/fax", token=token)).expect(403)
    (await api.get(f"{api.account}/system_configs/fax")).expect(404)


JSON = st.recursive(
    st.booleans() | st.integers(0, 2) | st.text("ab", max_size=1),
    lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=1), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("xyz", min_size=1, max_size=1), JSON, max_size=3)


@given(document=OBJECTS, parent=OBJECTS)
def test_a_difference_laid_over_the_parent_is_all_that_was_meant(
    document: dict[str, Any], parent: dict[str, Any]
) -> None:
    meant = merge(parent, document)
    assert merge(parent, difference(meant, parent)) == meant


async def test_a_store_that_is_away_is_asked_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = api.gateway.services.configuration
    reload, failures = configuration.reload, iter((Unreachable("away"), Conflict()))
    told = asyncio.Event()

    async def fail_at_first() -> None:
        for failure in failures:
            raise failure
        await reload()
        told.set()

    monkeypatch.setattr("crossbar.core.configuration.PAUSE", 0)
    monkeypatch.setattr(configuration, "reload", fail_at_first)
    configuration.forget()
    await told.wait()


async def test_what_was_never_started_is_stopped(api: Api) -> None:
    services = api.gateway.services
    await Configuration(
        services.store, services.schemas, services.settings, services.credentials
    ).stop()


def test_what_cannot_be_counted_fits_no_setting() -> None:
    (days,) = (each for each in COUNTERPARTS if each.setting == "voicemail.retention")
    with pytest.raises(ValueError):  # noqa: PT011 - its message is nobody's
        setting_of(days, {})


async def test_passwords_are_sealed_in_the_store(api: Api) -> None:
    document: dict[str, Any] = {
        "default": {"password": "s3same", "tokens": 5, "peers": [{"api_key": "s3same", "a": 1}]},
        "zone": {"proxy": {"client_secret": "s3same", "host": "x"}},
    }
    (await api.put(f"{PATH}/my.app", document)).expect(201)
    assert (await api.get(f"{PATH}/my.app")).data == {**document, "id": "my.app"}
    services = api.gateway.services
    kept = await services.store.get(system_key("my.app"))
    assert "s3same" not in str(kept)
    for query in ("filter_default.password=s3same", "full_docs=true", "has_key=default.password"):
        assert b"s3same" not in (await api.get(f"{PATH}?{query}")).content
    assert (await api.get(f"{PATH}?filter_default.password=s3same")).data == []
    (await api.patch(f"{PATH}/my.app/zone", {"proxy": {"host": "y"}})).expect(200)
    (await api.patch(f"{PATH}/my.app", {"default": {"tokens": 6}})).expect(200)
    found = (await api.get(f"{PATH}/my.app")).data
    assert found["default"] == {**document["default"], "tokens": 6}
    assert found["zone"] == {"proxy": {"host": "y"}}
    await services.configuration.reload()
    assert services.configuration.stored("my.app")["password"] == "s3same"
    (await api.patch(f"{PATH}/my.app", {"default": {"password": None}})).expect(200)
    assert "password" not in (await api.get(f"{PATH}/my.app")).data["default"]
    gone = (await api.delete(f"{PATH}/my.app/default")).expect(200).data
    assert gone == {"id": "my.app/default"}
