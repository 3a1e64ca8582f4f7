"""What belongs to a port request: comments, papers, the letter, mails."""

from __future__ import annotations

import base64
import io
from typing import Any
from urllib.parse import quote

import pytest
from pypdf import PdfReader

from tests.conftest import Api
from tests.families.porting.support import NUMBER, PORT, Customer, customer_of, make_port, move
from tests.families.support import refusal
from tests.mailbox import Mailbox, text_of

PDF = b"%PDF-1.4 a bill"


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings()


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


@pytest.fixture
async def path(api: Api, child: Customer) -> str:
    """A port request of the child's."""
    return f"{child.path}/port_requests/{await make_port(api, child.path, child.admin)}"


def said(text: str, at: int = 100, **more: Any) -> dict[str, Any]:
    return {"content": text, "timestamp": at, "author": "Somebody", **more}


async def texts(api: Api, path: str, token: str | None = None) -> list[str]:
    comments = (await api.get(f"{path}/comments", token=token)).expect(200).data["comments"]
    return [comment["content"] for comment in comments]


async def test_a_comment_says_who_has_written_it(api: Api, child: Customer, path: str) -> None:
    forged: Any = {"account_id": "0" * 32, "user_id": "0" * 32}
    added = await api.put(
        f"{path}/comments", {"comments": [said("Hello", **forged)]}, token=child.admin
    )
    [comment] = added.expect(201).data["comments"]
    assert (comment["author"], comment["account_id"]) == ("Boss Doe", child.account_id)
    assert comment["user_id"] != "0" * 32
    assert (comment["is_private"], comment["action_required"]) == (False, False)


async def test_comments_are_in_order_and_come_once(api: Api, path: str) -> None:
    for sent in ([said("b", 20), said("c", 30)], [said("a", 10), said("b", 20)], [said("d", 30)]):
        (await api.put(f"{path}/comments", {"comments": sent})).expect(201)
    assert await texts(api, path) == ["a", "b", "c", "d"]


async def test_comments_stay_as_they_are(api: Api, path: str) -> None:
    (await api.put(f"{path}/comments", {"comments": [said("first")]})).expect(201)
    for verb, tail in (("DELETE", ""), ("GET", "/0"), ("POST", "/0"), ("DELETE", "/0")):
        sent = said("other") if verb == "POST" else None
        answer = await api.request(verb, f"{path}/comments{tail}", sent)
        assert refusal(answer, "comments", "forbidden")["cause"] == "comments"
    (await api.post(path, {**PORT, "comments": []})).expect(200)
    changed = [said("changed"), said("late", 50), said("new", 200)]
    (await api.patch(path, {"comments": changed})).expect(200)
    assert await texts(api, path) == ["first", "new"]


async def test_a_comment_has_a_text_and_a_time(api: Api, path: str) -> None:
    for odd, field, rule in (
        ({"content": 5}, "comments.0.content", "type"),
        ({"timestamp": "soon"}, "comments.0.timestamp", "type"),
    ):
        comment = {**said("x"), **odd}
        refusal(await api.put(f"{path}/comments", {"comments": [comment]}), field, rule)
        refusal(await api.patch(path, {"comments": [comment]}), field, rule)
    refusal(await api.put(f"{path}/comments", {"comments": 5}), "comments", "type")
    refusal(await api.patch(path, {"comments": 5}), "comments", "type")
    refusal(await api.patch(path, {"comments": [5]}), "comments.0", "type")


async def test_private_comments_are_for_the_authority(
    api: Api, child: Customer, path: str
) -> None:
    comments = [said("secret", 10, is_private=True), said("open", 20)]
    (await api.put(f"{path}/comments", {"comments": comments})).expect(201)
    assert await texts(api, path) == ["secret", "open"]
    assert await texts(api, path, child.admin) == ["open"]
    for tail in ("", "/timeline", "/comments"):
        assert b"secret" not in (await api.get(f"{path}{tail}", token=child.admin)).content
    lists = await api.get(f"{child.path}/port_requests", token=child.admin)
    assert b"secret" not in lists.expect(200).content
    # Who does not see it does not lose it.
    shown = (await api.get(path, token=child.admin)).data
    (await api.post(path, shown, token=child.admin)).expect(200)
    assert await texts(api, path) == ["secret", "open"]


@pytest.mark.parametrize("wish", [{"is_private": True}, {"action_required": "true"}])
async def test_only_the_authority_hides_and_demands(
    api: Api, child: Customer, path: str, wish: dict[str, Any]
) -> None:
    sent = {"comments": [said("x", **wish)]}
    (await api.put(f"{path}/comments", sent, token=child.admin)).expect(403)
    (await api.patch(path, sent, token=child.admin)).expect(403)
    (await api.put(f"{child.path}/port_requests", {**PORT, **sent}, token=child.admin)).expect(403)
    (await api.put(f"{path}/comments", sent)).expect(201)
    both = {"comments": [said("y", is_private=True, action_required=True)]}
    refusal(await api.put(f"{path}/comments", both), "comments", "rejected")


async def test_a_comment_with_a_known_revision(api: Api, path: str) -> None:
    sent = {"comments": [said("x")]}
    headers = {"If-Match": '"1-other"'}
    (await api.put(f"{path}/comments", sent, headers=headers)).expect(412)


async def upload(
    api: Api, path: str, verb: str = "PUT", content: bytes = PDF, kind: str = "application/pdf"
) -> Any:
    return await api.request(verb, path, raw=content, headers={"Content-Type": kind})


async def test_papers_go_up_and_come_down(api: Api, path: str) -> None:
    made = (await upload(api, f"{path}/attachments?filename=bill.pdf")).expect(201)
    facts = {"content_type": "application/pdf", "length": len(PDF)}
    assert made.data["uploads"] == {"bill.pdf": facts}
    data_uri = b"data:application/pdf;base64," + base64.b64encode(PDF)
    (await upload(api, f"{path}/attachments", content=data_uri)).expect(201)
    listed = (await api.get(f"{path}/attachments")).expect(200).data
    assert len(listed) == 2
    assert all(name.endswith(".pdf") for name in listed)
    down = (await api.get(f"{path}/attachments/bill.pdf")).expect(200)
    assert down.content == PDF
    assert down.headers["Content-Disposition"] == 'attachment; filename="bill.pdf"'
    text = await upload(api, f"{path}/attachments/bill.pdf", "POST", b"hello", "text/plain")
    assert text.expect(200).data["uploads"]["bill.pdf"]["content_type"] == "text/plain"
    (await api.delete(f"{path}/attachments/bill.pdf")).expect(200)
    (await api.get(f"{path}/attachments/bill.pdf")).expect(404)
    (await api.delete(f"{path}/attachments/bill.pdf")).expect(404)
    (await upload(api, f"{path}/attachments/bill.pdf", "POST")).expect(404)
    assert len((await api.get(path)).data["uploads"]) == 1


async def test_a_paper_is_one_file_of_a_kind_that_is_read(api: Api, path: str) -> None:
    refusal(await api.put(f"{path}/attachments", {}), "file", "required")
    odd = await upload(api, f"{path}/attachments", kind="image/png")
    assert odd.status == 415


async def test_papers_of_what_is_under_way_stay(api: Api, path: str) -> None:
    (await upload(api, f"{path}/attachments?filename=bill.pdf")).expect(201)
    await move(api, path, "submitted")
    (await api.delete(f"{path}/attachments/bill.pdf")).expect(405)
    (await upload(api, f"{path}/attachments?filename=more.pdf")).expect(201)


async def test_papers_go_with_their_request(api: Api, child: Customer, path: str) -> None:
    (await upload(api, f"{path}/attachments?filename=bill.pdf")).expect(201)
    store = api.gateway.services.store
    span = [one async for one in store.attachments(1 << 40)]
    assert [account_id for account_id, _ in span] == [child.account_id]
    (await api.delete(path)).expect(200)
    assert [one async for one in store.attachments(1 << 40)] == []


@pytest.mark.parametrize("accept", ["*/*", "application/pdf", "application/x-pdf"])
async def test_the_letter_has_what_the_carrier_asks_for(api: Api, path: str, accept: str) -> None:
    bill = {
        "name": "Änne Doe",
        "carrier": "Old Telephone",
        "account_number": "A-77",
        "street_number": "12",
        "street_address": "Main",
        "locality": "Springfield",
    }
    numbers: Any = {f"+1415555{number:04}": {} for number in range(200)}
    more = {"bill": bill, "signee_name": "Änne", "signing_date": 63_967_219_200}
    (await api.patch(path, {"numbers": numbers, **more})).expect(200)
    letter = (await api.get(f"{path}/loa", headers={"Accept": accept})).expect(200)
    expected = "application/pdf" if accept == "*/*" else accept
    assert letter.headers["Content-Type"] == expected
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(letter.content)).pages)
    for part in ("Letter of Authorization", "Änne Doe", "12 Main, Springfield", "A-77", "Master"):
        assert part in text
    for number in numbers:
        assert number in text


async def test_the_customer_is_written_to(api: Api, box: Mailbox, child: Customer) -> None:
    (await api.patch(api.account, {"contact": {"admin": {"email": "us@example.com"}}})).expect(200)
    wanted = {"email": {"send_to": ["ann@example.com", "bob@example.com"]}}
    port_id = await make_port(api, child.path, child.admin, notifications=wanted)
    path = f"{child.path}/port_requests/{port_id}"
    await move(api, path, "submitted", reason="please")
    mails = {mail["To"]: text_of(mail) for mail in [await box.next(), await box.next()]}
    customers = "ann@example.com, bob@example.com"
    assert mails.keys() == {customers, "us@example.com"}
    assert "was submitted" in mails[customers]
    assert "please" in mails[customers]
    assert "please" in mails["us@example.com"]
    assert "of Child" in mails["us@example.com"]
    secret = [said("hidden", 10, is_private=True), said("seen", 20)]
    (await api.put(f"{path}/comments", {"comments": secret})).expect(201)
    assert "seen" in text_of(await box.next())
    mine = [said("mine", 30)]
    (await api.put(f"{path}/comments", {"comments": mine}, token=child.admin)).expect(201)
    assert {(await box.next())["To"] for _ in range(2)} >= {"us@example.com"}
    await api.gateway.services.jobs.idle(api.gateway.services)
    several = [said("first", 40), said("second", 50)]
    (await api.put(f"{path}/comments", {"comments": several})).expect(201)
    letter = text_of(await box.next())
    assert "first" in letter
    assert "second" in letter


async def test_a_request_that_is_made_with_a_comment_tells_of_it(
    api: Api, box: Mailbox, child: Customer
) -> None:
    wanted = {"email": {"send_to": "ann@example.com"}}
    await make_port(api, child.path, notifications=wanted, comments=[said("hello")])
    assert "hello" in text_of(await box.next())


async def test_a_key_of_the_account_writes_in_its_name(api: Api, child: Customer) -> None:
    token = await api.account_token(child.account_id)
    port_id = await make_port(api, child.path, token, comments=[said("hello")])
    document = await stored_of(api, child, port_id)
    assert document["comments"][0]["author"] == "Child"
    assert "user" not in document["pvt_transitions"][0]["authorization"]
    assert document["numbers"] == {NUMBER: {}}


async def stored_of(api: Api, child: Customer, port_id: str) -> dict[str, Any]:
    from crossbar.storage import Key

    key = Key(child.account_id, "port_request", port_id)
    document = await api.gateway.services.store.get(key)
    assert document is not None
    return document


@pytest.mark.parametrize("name", [".", "..", "a\x00b", "a\nb", "a" * 256])
async def test_a_paper_has_a_name_that_can_be_asked_for(
    api: Api, child: Customer, name: str
) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}/attachments"
    headers = {"Content-Type": "application/pdf"}
    answer = await api.put(f"{path}?filename={quote(name)}", raw=b"%PDF-", headers=headers)
    refusal(answer, "filename", "invalid")


@pytest.mark.parametrize("date", [-(10**18), 10**18])
async def test_a_letter_is_printed_whatever_its_date(api: Api, child: Customer, date: int) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path, signing_date=date)}"
    (await api.get(f"{path}/loa", headers={"Accept": "application/pdf"})).expect(200)


async def test_a_date_is_no_list_and_a_question_no_list(api: Api, child: Customer) -> None:
    odd = {"name": "Odd", "numbers": {NUMBER: {}}, "schedule_on": [1]}
    refusal(await api.put(f"{child.path}/port_requests", odd), "schedule_on", "type")
    (await api.post(f"{child.path}/port_requests/lnp_lookup", [5])).expect(400)
