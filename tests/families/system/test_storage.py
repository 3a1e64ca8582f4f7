"""Storage documents: who writes them, how they are judged, what of them is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.core.jobs import JOB_TYPE
from crossbar.core.shelved import said_by, storage_key
from crossbar.storage import SYSTEM, Span
from tests.conftest import Api
from tests.families.support import refusal
from tests.families.system.conftest import Bucket
from tests.families.system.support import (
    SOUND,
    A,
    B,
    at,
    everything,
    facts_of,
    files_in,
    folder,
    jobs_done,
    played,
    upload,
)


async def test_names_are_built_as_the_document_says(api: Api, tmp_path: Path) -> None:
    fields = [
        {"const": "../up"},
        {"arg": "attachment"},
        {"group": [{"field": "name"}, {"const": "-x"}]},
        {"field": "absent"},
    ]
    place = folder(field_list=fields, field_separator="/", folder_base_path="/base//")
    (await api.put(f"{api.account}/storage", at(place))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    (file,) = files_in(tmp_path / "files")
    _, facts = await facts_of(api, media_id)
    parts = file.relative_to(tmp_path / "files" / "one").parts
    assert parts[:2] == ("base", "up")
    assert parts[-2:] == ("Greeting-x", f"{facts['id']}-1")


async def test_a_place_is_tried_before_it_is_saved(api: Api, bucket: Bucket) -> None:
    path = f"{api.account}/storage"
    wrong = {"handler": "s3", "settings": {**bucket.settings, "bucket": "no-such-bucket"}}
    answer = await api.put(path, {"attachments": {A: wrong, B: folder()}})
    refusal(answer, f"attachments.{A}", "invalid")
    assert answer.data[f"attachments.{A}"]["invalid"]["error_code"] == 404
    assert f"attachments.{B}" not in answer.data
    assert b"0penS3same" not in answer.content
    (await api.get(path)).expect(404)
    right = {"handler": "s3", "settings": bucket.settings}
    (await api.put(path, {"attachments": {A: right}})).expect(201)
    assert await bucket.names() == []  # what it was tried with is gone


@pytest.mark.parametrize(
    "place",
    [
        {"handler": "dropbox", "settings": {"oauth_doc_id": "x"}},
        {
            "handler": "s3",
            "settings": {"bucket": "buckets", "key": "k", "secret": "s", "host": "10.0.0.1"},
        },
    ],
)
async def test_places_out_of_reach_are_refused(api: Api, place: dict[str, Any]) -> None:
    answer = await api.put(f"{api.account}/storage", {"attachments": {A: place}})
    refusal(answer, f"attachments.{A}", "invalid")


async def test_a_place_of_an_odd_kind_is_refused(api: Api) -> None:
    odd: list[Any] = [{}, [], 5, None]
    for handler in odd:
        place = {"handler": handler, "settings": {}}
        answer = await api.patch(f"{api.account}/storage", {"attachments": {A: place}})
        assert answer.status in (400, 404)
        answer = await api.put(f"{api.account}/storage", {"attachments": {A: place}})
        answer.expect(400)


async def test_a_folder_needs_a_setting(api: Api) -> None:
    services = api.gateway.services
    services.shelves._folder = ""  # type: ignore[attr-defined]
    answer = await api.put(f"{api.account}/storage", {"attachments": {A: folder()}})
    assert "files_folder" in refusal(answer, f"attachments.{A}", "invalid")["error_body"]


async def test_operators_let_clients_do_without_a_trial(api: Api) -> None:
    path = f"{api.account}/storage?validate_settings=false"
    place = {"handler": "dropbox", "settings": {"oauth_doc_id": "x"}}
    document = {"attachments": {A: place}}
    refusal(await api.put(path, document), "validate_settings", "forbidden")
    config = {"default": {"allow_validation_overrides": True}}
    (await api.post("/v2/system_configs/system_data", config)).expect(200)
    (await api.put(path, document)).expect(201)
    stored = (await api.get(f"{api.account}/storage")).data
    assert stored == {"attachments": document["attachments"], "id": api.master.account_id}


async def test_a_place_with_files_stays_where_it_is(api: Api) -> None:
    path = f"{api.account}/storage"
    (await api.put(path, at(folder()))).expect(201)
    await upload(api)
    await jobs_done(api)
    answer = await api.post(path, at(folder("two")))
    refusal(answer, f"attachments.{A}", "in_use")
    (await api.patch(path, {"attachments": {A: {"name": "Files"}}})).expect(200)


async def test_a_plan_names_what_there_is(api: Api) -> None:
    path = f"{api.account}/storage"
    answer = await api.put(path, {"plan": everything(A)})
    refusal(answer, "plan.account.attachments.handler", "not_found")
    plan = {"modb": {"types": {"fax": {"connection": B, "attachments": {"handler": A}}}}}
    answer = await api.put(path, {"plan": plan})
    refusal(answer, "plan.modb.types.fax.connection", "not_found")
    refusal(answer, "plan.modb.types.fax.attachments.handler", "not_found")


async def test_documents_are_written_once_and_changed(api: Api) -> None:
    for path in ("/v2/storage", f"{api.account}/storage"):
        (await api.get(path)).expect(404)
        (await api.post(path, {})).expect(404)
        (await api.patch(path, {})).expect(404)
        (await api.delete(path)).expect(404)
        made = (await api.put(path, {"attachments": {A: folder()}})).expect(201)
        assert made.data["attachments"][A]["settings"]["folder"] == "one"
        (await api.put(path, {})).expect(409)
        patched = (await api.patch(path, {"attachments": {B: folder("two")}})).expect(200).data
        assert set(patched["attachments"]) == {A, B}
        (await api.post(path, {}, headers={"If-Match": made.body["revision"]})).expect(412)
        assert (await api.get(path)).data == patched
        (await api.delete(path)).expect(200)
        await jobs_done(api)
        (await api.get(path)).expect(404)


async def test_what_opens_a_place_is_sealed_in_the_store(api: Api, bucket: Bucket) -> None:
    place = {"handler": "s3", "settings": bucket.settings}
    (await api.put(f"{api.account}/storage", {"attachments": {A: place}})).expect(201)
    stored = await api.gateway.services.store.get(storage_key(api.master.account_id))
    assert "0penS3same" not in str(stored)
    async for row in api.gateway.services.store.scan(Span(account_id=SYSTEM, doc_type=JOB_TYPE)):
        assert "0penS3same" not in str(row.document)


async def test_what_opens_a_place_is_not_shown_and_stays(api: Api, bucket: Bucket) -> None:
    path, place = f"{api.account}/storage", {"handler": "s3", "settings": bucket.settings}
    connection = {
        "driver": "kazoo_couch",
        "settings": {
            "ip": "10.0.0.1",
            "port": 5984,
            "credentials": {"username": "db", "password": 271828},
        },
    }
    document = {"connections": {B: connection}, **at(place)}
    shown = (await api.put(path, document)).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    for answer in (shown, await api.get(path), await api.post(path, shown.data)):
        assert answer.status in (200, 201)
        assert b"0penS3same" not in answer.content
        assert b"271828" not in answer.content
        assert answer.data["attachments"][A]["settings"]["key"] == "access"
    patch = {"attachments": {A: {"settings": {"folder_base_path": "new"}}}}
    (await api.patch(path, patch)).expect(200)
    assert await played(api, media_id) == SOUND
    stored = await api.gateway.services.store.get(storage_key(api.master.account_id))
    said = said_by(api.gateway.services, stored)
    assert said["attachments"][A]["settings"]["secret"] == "0penS3same"
    assert said["connections"][B]["settings"]["credentials"]["password"] == 271828
    (await api.post(path, {"attachments": {A: []}})).expect(400)
    (await api.post(path, {"connections": {B: {"settings": 1}}})).expect(400)


async def test_a_user_has_a_place_of_its_own(api: Api, tmp_path: Path) -> None:
    user = {"first_name": "Bo", "last_name": "Li", "username": "bo", "password": "hunter22"}
    made = await api.put(f"{api.account}/users", {**user, "priv_level": "user"})
    user_id = made.expect(201).data["id"]
    token = await api.login("bo", "hunter22", api.master.account_name)
    path = f"{api.account}/users/{user_id}/storage"
    (await api.put(path, at(folder()), token=token)).expect(201)
    (await api.get(f"{api.account}/storage", token=token)).expect(403)
    (await api.get(f"{api.account}/users/{B}/storage")).expect(404)
    fax = {"name": "Greeting", "owner_id": user_id}
    media_id = (await api.put(f"{api.account}/media", fax)).expect(201).data["id"]
    headers = {"Content-Type": "audio/wav"}
    raw = f"{api.account}/media/{media_id}/raw"
    (await api.post(raw, raw=SOUND, headers=headers)).expect(200)
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 1


async def test_only_those_concerned_reach_a_document(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    middle = await api.create_account("Middle", reseller)
    lowest = await api.create_account("Lowest", middle)
    path = f"/v2/accounts/{lowest}/storage"
    for account_id, status in ((reseller, 404), (middle, 403), (lowest, 404)):
        token = await api.account_token(account_id)
        (await api.get(path, token=token)).expect(status)
        plans = await api.get(f"/v2/accounts/{account_id}/storage/plans", token=token)
        plans.expect(200 if account_id == reseller else 403)
        (await api.get("/v2/storage", token=token)).expect(403)
        (await api.get("/v2/storage/plans", token=token)).expect(403)


async def test_plans_are_listed_whole_and_changed(api: Api) -> None:
    (await api.put("/v2/storage", {"attachments": {A: folder()}})).expect(201)
    for base in ("/v2/storage/plans", f"{api.account}/storage/plans"):
        answer = await api.put(base, everything(B))
        refusal(answer, "account.attachments.handler", "not_found")
        made = (await api.put(base, everything(A))).expect(201).data
        assert (await api.get(base)).data == [made]
        one = f"{base}/{made['id']}"
        assert (await api.get(one)).expect(200).data == made
        refusal(await api.post(one, {"other": {}}), "other", "additionalProperties")
        patched = (await api.patch(one, {"modb": None})).expect(200).data
        assert set(patched) - {"_read_only"} == {"id", "account", "system"}
        (await api.delete(one)).expect(200)
        (await api.get(one)).expect(404)
        assert (await api.get(base)).data == []
