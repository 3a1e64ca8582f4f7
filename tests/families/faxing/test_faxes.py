"""Faxes: queueing them, and those that were sent or received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.change import put_of
from crossbar.core.jobs import waiting as waiting_jobs
from crossbar.core.journals import new_key, record_put
from crossbar.core.ports import Command
from crossbar.core.shapes import Collection
from crossbar.documents import Document, new_id, next_revision
from crossbar.families.faxing.faxes import FAX_SMTP_LOG, FAXES
from crossbar.storage import Batch, Key
from crossbar.validation.wording import CHECKED_FORMATS
from tests.conftest import NOW, Answer, Api
from tests.contract.kit import SCHEMAS, multipart
from tests.families.support import BOB, make, refusal, stored
from tests.schemas.violations import violations

GREGORIAN = NOW + GREGORIAN_OFFSET
RANGE = 2_682_000
PDF = b"%PDF-1.4 " + bytes(range(256))
NUMBERS: dict[str, Any] = {"to_number": "(415) 555-0100", "from_number": "+14155550101"}
FAX = {**NUMBERS, "document": {"url": "https://example.com/a.pdf"}}
MULTIPART = {"Content-Type": "multipart/mixed; boundary=XX"}
JSON = "Content-Type: application/json"
ENVELOPE = b'{"data":{"to_number":"4155550100","from_number":"4155550101"}}'


def at(api: Api, *tail: str) -> str:
    return "/".join((api.account, "faxes", *tail))


async def keep(api: Api, family: Collection, age: int = 0, **fields: Any) -> str:
    """Write a document as the fax service does; its id."""
    key = Key(api.master.account_id, family.doc_type, new_id())
    times = {"pvt_created": GREGORIAN - age, "pvt_modified": GREGORIAN - age}
    document: Document = {**fields, **times, "_id": key.doc_id, "_rev": next_revision(None)}
    await api.gateway.services.store.commit(Batch(puts=[put_of(family, key, document, None)]))
    return key.doc_id


async def log(api: Api, age: int = 0, **fields: Any) -> str:
    """Append to the log of faxes by mail as their service does; the id of the record."""
    created = GREGORIAN - age
    key = new_key(FAX_SMTP_LOG, api.master.account_id, api.clock, seconds=created)
    times = {"pvt_created": created, "pvt_modified": created}
    document: Document = {**fields, **times, "_id": key.doc_id, "_rev": next_revision(None)}
    record = record_put(FAX_SMTP_LOG, key, document)
    await api.gateway.services.store.commit(Batch(records=[record]))
    return key.doc_id


async def finished(api: Api, folder: str, age: int = 0, **fields: Any) -> str:
    """A fax that was sent or received, with its document."""

    async def content() -> AsyncIterator[bytes]:
        yield PDF

    store = api.gateway.services.store
    kept = await store.put_attachment(api.master.account_id, content())
    facts = {"id": kept.attachment_id, "length": kept.length, "content_type": "application/pdf"}
    numbers = {"to_number": "+14155550100", "from_number": "+14155550101"}
    return await keep(
        api,
        FAXES,
        age,
        **{**numbers, "pvt_job_status": "completed", **fields},
        folder=folder,
        pvt_attachments={"fax.pdf": facts},
    )


async def waiting(api: Api) -> list[str]:
    """The ids of the faxes that a job is to have sent."""
    services = api.gateway.services
    await services.jobs.idle(services)
    jobs, _ = await waiting_jobs(services)
    return [job["about"]["fax_id"] for job in jobs if job["kind"] == "fax_sending"]


async def ids_at(api: Api, path: str) -> list[str]:
    return [one["id"] for one in (await api.get(path)).expect(200).data]


async def test_a_fax_is_queued_and_waits(api: Api) -> None:
    sent = {**FAX, "attempts": 3, "tx_result": {"success": True}, "folder": "inbox", "odd": 1}
    answer = (await api.put(at(api, "outgoing"), sent)).expect(201)
    fax_id = answer.data["id"]
    assert answer.headers["location"] == at(api, "outgoing", fax_id)
    assert answer.data == {
        "id": fax_id,
        "to_number": "+14155550100",
        "from_number": "+14155550101",
        "document": {"url": "https://example.com/a.pdf", "method": "get"},
        "attempts": 0,
        "retries": 1,
        "odd": 1,
    }
    read = (await api.get(at(api, "outgoing", fax_id))).expect(200)
    assert read.data == {**answer.data, "created": GREGORIAN, "status": "pending"}
    assert read.body["revision"] == answer.body["revision"]
    assert await waiting(api) == [fax_id]
    short = (await api.put(at(api), FAX)).expect(201)
    assert "location" not in short.headers
    assert await ids_at(api, at(api, "outgoing")) == sorted([fax_id, short.data["id"]])[::-1]


async def test_a_job_may_have_an_id_of_the_clients_choice_once(api: Api) -> None:
    sent = {**FAX, "id": "a" * 32}
    assert (await api.put(at(api, "outgoing"), sent)).expect(201).data["id"] == "a" * 32
    assert (await api.put(at(api), sent)).expect(409).body["message"] == "datastore_conflict"
    assert (await api.put(at(api), {**FAX, "id": "short"})).expect(201).data["id"] != "short"
    again = {"id": "b" * 32}
    sent_before = await finished(api, "outbox")
    copied = await api.put(at(api, "outbox", sent_before), again, action="resubmit")
    assert copied.expect(201).data["id"] != "b" * 32


async def test_jobs_are_listed_newest_first_with_a_few_facts(api: Api) -> None:
    first = (await api.put(at(api), {**FAX, "faxbox_id": "b" * 32})).data["id"]
    api.clock.advance(5)
    second = (await api.put(at(api), FAX)).data["id"]
    await finished(api, "outbox")
    rows = (await api.get(at(api, "outgoing"))).expect(200).data
    assert [one["id"] for one in rows] == [second, first]
    assert rows[1] == {
        "id": first,
        "faxbox_id": "b" * 32,
        "status": "pending",
        "to": "+14155550100",
        "from": "+14155550101",
        "attempts": 0,
        "created": GREGORIAN,
    }
    assert await ids_at(api, at(api, "outgoing") + "?created_from=1") == [second, first]
    assert await ids_at(api, at(api, "outgoing") + f"?created_from={GREGORIAN + 1}") == [second]
    filtered = f"{at(api, 'outgoing')}?filter_faxbox_id={'b' * 32}"
    assert await ids_at(api, filtered) == [first]


@pytest.mark.parametrize("wrong", ["2001", "nobody", ""])
async def test_a_fax_goes_to_a_telephone_number(api: Api, wrong: str) -> None:
    answer = await api.put(at(api), {**FAX, "to_number": wrong})
    refusal(answer, "document.to_number", "required")
    assert await ids_at(api, at(api, "outgoing")) == []
    assert await waiting(api) == []


async def test_there_must_be_something_to_send(api: Api) -> None:
    refusal(await api.put(at(api), NUMBERS), "document.url", "required")
    refusal(await api.put(at(api), {**NUMBERS, "document": {}}), "document.url", "required")
    nothing = await api.put(at(api), {})
    assert {*nothing.expect(400).data} == {"to_number", "from_number", "document.url"}


async def test_each_broken_rule_is_named_and_nothing_is_queued(api: Api) -> None:
    broken = violations(
        SCHEMAS["faxes"], SCHEMAS, formats=tuple(CHECKED_FORMATS), defaults_fill_gaps=True
    )
    for violation in broken:
        answer = (await api.put(at(api), violation.document)).expect(400)
        assert ".".join(str(part) for part in violation.path) in answer.data, violation
    assert await ids_at(api, at(api, "outgoing")) == []


async def test_a_fax_may_bring_its_document_along(api: Api) -> None:
    body = multipart((JSON, ENVELOPE), ("Content-Type: application/pdf", PDF))
    sent = (await api.put(at(api, "outgoing"), raw=body, headers=MULTIPART)).expect(201)
    job = (await api.get(at(api, "outgoing", sent.data["id"]))).data
    assert job["status"] == "pending"
    ((_, facts),) = (await stored(api, "fax", sent.data["id"]))["pvt_attachments"].items()
    assert (facts["length"], facts["content_type"]) == (len(PDF), "application/pdf")
    part = ("Content-Type: application/pdf", PDF)
    two = multipart((JSON, ENVELOPE), part, part)
    refusal(await api.put(at(api), raw=two, headers=MULTIPART), "file", "maxItems")


@pytest.mark.parametrize("kind", ["image/tiff", "application/pdf", "application/x-pdf"])
async def test_a_document_alone_is_sent_where_the_query_says(api: Api, kind: str) -> None:
    query = "?to_number=4155550100&from_number=4155550101"
    headers = {"Content-Type": kind}
    sent = (await api.put(at(api) + query, raw=PDF, headers=headers)).expect(201)
    assert sent.data["to_number"] == "+14155550100"
    refusal(await api.put(at(api), raw=PDF, headers=headers), "to_number", "required")
    picture = {"Content-Type": "image/png"}
    (await api.put(at(api) + query, raw=PDF, headers=picture)).expect(415)


async def test_below_a_box_the_box_says_what_the_fax_does_not(api: Api) -> None:
    box = await make(
        api,
        "faxboxes",
        caller_name="Office",
        caller_id="+14155550199",
        fax_header="The Office",
        fax_identity="0199",
        fax_timezone="Europe/Rome",
        retries=2,
    )
    path = f"{api.account}/faxboxes/{box}/faxes"
    fax = {"to_number": "+14155550100", "document": {"url": "http://a/b"}}
    data = (await api.put(path, {**fax, "from_name": "Ann", "faxbox_id": "other"})).data
    assert data["faxbox_id"] == box
    assert (data["from_name"], data["from_number"]) == ("Ann", "+14155550199")
    assert (data["fax_identity_name"], data["fax_identity_number"]) == ("The Office", "0199")
    assert (data["fax_timezone"], data["retries"]) == ("Europe/Rome", 2)
    elsewhere = (await api.put(at(api), FAX)).data["id"]
    assert await ids_at(api, f"{path}/outgoing") == [data["id"]]
    (await api.get(f"{path}/outgoing/{data['id']}")).expect(200)
    (await api.get(f"{path}/outgoing/{elsewhere}")).expect(404)
    (await api.put(f"{api.account}/faxboxes/{'0' * 32}/faxes", FAX)).expect(404)


async def test_below_a_user_are_the_users_faxes(api: Api) -> None:
    bob = (await api.put(f"{api.account}/users", BOB)).expect(201).data["id"]
    path = f"{api.account}/users/{bob}/faxes"
    data = (await api.put(path, {**FAX, "owner_id": "other"})).expect(201).data
    assert data["owner_id"] == bob
    received = await finished(api, "inbox", owner_id=bob)
    stranger = await finished(api, "inbox")
    assert await ids_at(api, f"{path}/outgoing") == [data["id"]]
    assert await ids_at(api, f"{path}/inbox") == [received]
    (await api.get(f"{path}/inbox/{stranger}")).expect(404)
    (await api.delete(f"{path}/inbox/{stranger}")).expect(404)
    logged = await log(api, owner_id=bob)
    other = await log(api)
    assert await ids_at(api, f"{path}/smtplog") == [logged]
    (await api.get(f"{path}/smtplog/{other}")).expect(404)


async def test_the_callers_time_zone_is_the_faxes_own(api: Api) -> None:
    user = f"{api.account}/users/{api.master.user_id}"
    (await api.patch(user, {"timezone": "Europe/Paris"})).expect(200)
    zones = [
        (await api.put(at(api), {**FAX, **zone})).expect(201).data["fax_timezone"]
        for zone in ({}, {"timezone": "Asia/Tokyo"}, {"fax_timezone": "Europe/Rome"})
    ]
    assert zones == ["Europe/Paris", "Asia/Tokyo", "Europe/Rome"]


@pytest.mark.parametrize(
    ("name", "folder"), [("inbox", "inbox"), ("incoming", "inbox"), ("outbox", "outbox")]
)
async def test_finished_faxes_are_in_their_folder(api: Api, name: str, folder: str) -> None:
    other = {"inbox": "outbox", "outbox": "inbox"}[folder]
    older = await finished(api, folder, age=100, rx_result={"success": True})
    newer = await finished(api, folder)
    elsewhere = await finished(api, other)
    job = (await api.put(at(api), FAX)).data["id"]
    rows = (await api.get(at(api, name))).expect(200).data
    assert [one["id"] for one in rows] == [newer, older]
    assert rows[1] == {
        "id": older,
        "folder": folder,
        "to_number": "+14155550100",
        "from_number": "+14155550101",
        "to": "+14155550100",
        "from": "+14155550101",
        "rx_result": {"success": True},
        "status": "completed",
        "created": GREGORIAN - 100,
    }
    one = (await api.get(at(api, name, older))).expect(200).data
    assert (one["delivered"], one["status"]) == (GREGORIAN - 100, "completed")
    for wrong in (elsewhere, job):
        assert (await api.get(at(api, name, wrong))).expect(404).data["cause"] == wrong
    (await api.get(at(api, "outgoing", older))).expect(404)


async def test_folders_and_the_log_are_lists_over_a_month(api: Api) -> None:
    old = await finished(api, "inbox", age=RANGE + 100)
    new = await finished(api, "inbox")
    logged = await log(api, age=RANGE + 100)
    span = f"?created_from={GREGORIAN - RANGE - 200}&created_to={GREGORIAN - 200}"
    assert await ids_at(api, at(api, "inbox")) == [new]
    assert await ids_at(api, at(api, "inbox") + span) == [old]
    assert await ids_at(api, at(api, "smtplog")) == []
    assert await ids_at(api, at(api, "smtplog") + span) == [logged]
    for name in ("inbox", "outbox", "smtplog"):
        long = await api.get(f"{at(api, name)}?created_from={GREGORIAN - RANGE - 1}")
        refusal(long, "created_from", "date_range")


async def test_what_is_being_sent_only_the_sender_knows(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await keep(api, FAXES, **NUMBERS, pvt_job_status="processing")
    path = at(api, "outgoing", job)
    assert (await api.get(path)).data["status"] == "not available"

    async def ask(command: Command) -> list[Document]:
        assert (command.name, command.data) == ("faxes.status", {"fax_id": job})
        return [{}, {"status": "page 2"}]

    monkeypatch.setattr(api.gateway.services.switch, "ask", ask)
    assert (await api.get(path)).data["status"] == "page 2"


async def read_document(api: Api, path: str, **headers: str) -> Answer:
    return await api.get(f"{path}/attachment", headers=headers)


@pytest.mark.parametrize("folder", ["inbox", "outbox"])
async def test_a_document_is_downloaded_and_dropped(api: Api, folder: str) -> None:
    fax_id = await finished(api, folder, fax_timezone="Europe/Rome")
    path = at(api, folder, fax_id)
    whole = (await read_document(api, path)).expect(200)
    assert (whole.content, whole.headers["content-type"]) == (PDF, "application/pdf")
    name = 'attachment; filename="fax_document_2027-01-15_09-00-00.pdf"'
    assert whole.headers["content-disposition"] == name
    part = (await read_document(api, path, Range="bytes=0-3")).expect(206)
    assert part.content == b"%PDF"
    ((_, facts),) = (await stored(api, "fax", fax_id))["pvt_attachments"].items()
    (await api.delete(f"{path}/attachment", headers={"If-Match": "1-0"})).expect(412)
    assert (await api.delete(f"{path}/attachment")).expect(200).data == {}
    (await read_document(api, path)).expect(404)
    (await api.delete(f"{path}/attachment")).expect(404)
    (await api.get(path)).expect(200)
    store = api.gateway.services.store
    with pytest.raises(KeyError):
        [chunk async for chunk in store.read_attachment(api.master.account_id, facts["id"])]


@pytest.mark.parametrize("folder", ["inbox", "outbox"])
async def test_a_fax_is_deleted(api: Api, folder: str) -> None:
    fax_id = await finished(api, folder)
    other = {"inbox": "outbox", "outbox": "inbox"}[folder]
    (await api.delete(at(api, other, fax_id))).expect(404)
    ((_, facts),) = (await stored(api, "fax", fax_id))["pvt_attachments"].items()
    deleted = (await api.delete(at(api, folder, fax_id))).expect(200).data
    assert deleted["_read_only"] == {"deleted": True}
    (await api.get(at(api, folder, fax_id))).expect(404)
    assert await ids_at(api, at(api, folder)) == []
    assert await waiting(api) == []
    store = api.gateway.services.store
    with pytest.raises(KeyError):
        [chunk async for chunk in store.read_attachment(api.master.account_id, facts["id"])]


async def test_a_fax_is_sent_once_more_with_changes(api: Api) -> None:
    fax_id = await finished(
        api, "outbox", tx_result={"success": 0}, attempts=9, from_name="Ann", retries=2
    )
    path = at(api, "outbox", fax_id)
    again = (await api.put(path, {"to_number": "4155550177"}, action="resubmit")).expect(201)
    assert again.data == {
        "id": again.data["id"],
        "to_number": "+14155550177",
        "from_number": "+14155550101",
        "from_name": "Ann",
        "attempts": 0,
        "retries": 2,
    }
    assert again.data["id"] != fax_id
    assert await ids_at(api, at(api, "outgoing")) == [again.data["id"]]
    (await api.delete(path)).expect(200)
    ((_, facts),) = (await stored(api, "fax", again.data["id"]))["pvt_attachments"].items()
    chunks = api.gateway.services.store.read_attachment(api.master.account_id, facts["id"])
    assert b"".join([chunk async for chunk in chunks]) == PDF
    assert await waiting(api) == [again.data["id"]]


async def test_a_received_fax_is_forwarded_to_a_number(api: Api) -> None:
    fax_id = await finished(api, "inbox", rx_result={"success": True})
    path = at(api, "inbox", fax_id)
    refusal(await api.put(path, {}, action="forward"), "to_number", "required")
    sent = {"to_number": "4155550177", "action": "forward"}
    data = (await api.put(path, sent)).expect(201).data
    assert data["to_number"] == "+14155550177"
    assert not {"rx_result", "action", "folder"} & data.keys()
    (await api.delete(f"{path}/attachment")).expect(200)
    refusal(await api.put(path, sent), "document.url", "required")


@pytest.mark.parametrize(("folder", "wrong"), [("inbox", "resubmit"), ("outbox", "forward")])
async def test_an_action_that_is_none_is_the_clients_mistake(
    api: Api, folder: str, wrong: str
) -> None:
    path = at(api, folder, await finished(api, folder))
    missing = (await api.put(path, {})).expect(404)
    assert (missing.body["message"], missing.data["message"]) == (
        "faulty_request",
        "action required",
    )
    assert (await api.put(path, {}, action=wrong)).expect(404).data["message"] == "invalid action"
    (await api.put(path, {}, action=[1])).expect(404)


async def test_the_log_of_faxes_by_mail(api: Api) -> None:
    ann: dict[str, Any] = {"from": "a@b", "to": "1@c", "errors": ["no file", "no box"]}
    dan: dict[str, Any] = {"from": "d@e", "to": "2@c"}
    first = await log(api, age=9, **ann)
    second = await log(api, **dan)
    rows = (await api.get(at(api, "smtplog"))).expect(200).data
    assert rows == [
        {"id": second, "from": "d@e", "to": "2@c", "created": GREGORIAN},
        {"id": first, "from": "a@b", "to": "1@c", "error": "no file", "created": GREGORIAN - 9},
    ]
    one = (await api.get(at(api, "smtplog", first))).expect(200).data
    assert one == {"id": first, **ann}
    (await api.get(at(api, "smtplog", await finished(api, "inbox")))).expect(404)
