"""Templates: lists, inheritance, texts of one's own, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import refusal

SENT = {
    "from": "us@example.com",
    "subject": "Hello {{ user.first_name }}",
    "to": {"type": "original"},
}


def path_of(account_id: str, *more: str) -> str:
    return "/".join((f"/v2/accounts/{account_id}/notifications", *more))


async def rows(api: Api, path: str) -> dict[str, Any]:
    return {row["id"]: row for row in (await api.get(path)).expect(200).data}


async def text(api: Api, path: str, media_type: str) -> str:
    answer = (await api.get(path, headers={"Accept": media_type})).expect(200)
    assert answer.headers["Content-Type"].startswith(media_type)
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.content.decode()


async def upload(api: Api, path: str, content: str, media_type: str) -> Any:
    return await api.post(path, raw=content.encode(), headers={"Content-Type": media_type})


async def test_an_account_has_the_templates_of_the_system(api: Api) -> None:
    child = await api.create_account("Child")
    listed = await rows(api, path_of(child))
    assert {"new_user", "password_recovery", "voicemail_to_email", "ported"} <= listed.keys()
    assert "skel" not in listed
    assert listed["new_user"]["macros"]["user.first_name"]["description"]
    assert "account_overridden" not in listed["new_user"]
    assert (await rows(api, "/v2/notifications")).keys() == listed.keys()
    one = (await api.get(path_of(child, "new_user"))).expect(200).data
    assert one["to"]["type"] == "original"
    assert one["templates"].keys() == {"text/html", "text/plain"}
    assert "{{ user.username }}" in await text(api, path_of(child, "new_user"), "text/plain")
    assert "<p>" in await text(api, path_of(child, "new_user"), "text/html")


async def test_who_is_no_operator_is_not_told_of_those_of_the_system(api: Api) -> None:
    child = await api.create_account("Child")
    token = await api.account_token(child)
    mine = (await api.get(path_of(child), token=token)).expect(200).data
    assert {"system_alert", "port_request_admin"}.isdisjoint(row["id"] for row in mine)
    assert "system_alert" in await rows(api, path_of(child))
    for path in (path_of(child, "system_alert"), "/v2/notifications/system_alert"):
        (await api.get(path, token=token)).expect(404)
        (await api.get(path)).expect(200)


async def test_an_override_shows_and_goes(api: Api) -> None:
    child = await api.create_account("Child")
    path = path_of(child, "new_user")
    changed = (await api.post(path, {**SENT, "macros": {"x": 1}, "templates": {}})).expect(200)
    assert changed.data["subject"] == SENT["subject"]
    assert "x" not in changed.data["macros"]
    assert "Your user name" in await text(api, path, "text/plain")
    (await upload(api, path, "Own {{ account.name }}", "text/plain")).expect(200)
    assert await text(api, path, "text/plain") == "Own {{ account.name }}"
    assert (await rows(api, path_of(child)))["new_user"]["account_overridden"] is True
    headers = {"Content-Type": "text/plain"}
    (await api.delete(path, headers=headers)).expect(200)
    assert "Your user name" in await text(api, path, "text/plain")
    (await api.delete(path, headers=headers)).expect(404)
    (await api.delete(path)).expect(200)
    assert "account_overridden" not in (await rows(api, path_of(child)))["new_user"]
    (await api.delete(path)).expect(404)
    assert (await api.get(path)).expect(200).data["subject"] == "Your new login"


async def test_templates_come_down_from_the_reseller_and_no_further(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    child = await api.create_account("Child", reseller)
    (await api.post(path_of(api.master.account_id, "new_user"), SENT)).expect(200)
    own = {**SENT, "subject": "Of the reseller"}
    assert (await api.get(path_of(child, "new_user"))).data["subject"] == "Your new login"
    assert (await api.get(path_of(reseller, "new_user"))).data["subject"] == SENT["subject"]
    (await api.post(path_of(reseller, "new_user"), own)).expect(200)
    (await upload(api, path_of(reseller, "new_user"), "Theirs", "text/html")).expect(200)
    assert (await api.get(path_of(child, "new_user"))).data["subject"] == "Of the reseller"
    assert await text(api, path_of(child, "new_user"), "text/html") == "Theirs"
    (await upload(api, path_of(child, "new_user"), "Ours", "text/html")).expect(200)
    assert await text(api, path_of(child, "new_user"), "text/html") == "Ours"


async def test_operators_write_for_all(api: Api) -> None:
    child = await api.create_account("Child")
    (await api.post("/v2/notifications/new_user", SENT)).expect(200)
    assert (await api.get(path_of(child, "new_user"))).data["subject"] == SENT["subject"]
    new = {**SENT, "id": "greeting", "friendly_name": "Greeting"}
    (await api.put("/v2/notifications", new)).expect(201)
    assert (await rows(api, path_of(child)))["greeting"]["friendly_name"] == "Greeting"
    refusal(await api.delete("/v2/notifications/greeting"), "greeting", "forbidden")
    for action in ("force_system", "other"):
        answer = await api.put(f"/v2/notifications?action={action}", {})
        refusal(answer, "action", "forbidden")
    refusal(
        await api.delete("/v2/notifications?action=remove_customizations"), "action", "forbidden"
    )
    token = await api.account_token(child)
    (await api.put("/v2/notifications", new, token=token)).expect(403)
    (await api.post("/v2/notifications/new_user", SENT, token=token)).expect(403)
    assert (await api.get("/v2/notifications/new_user", token=token)).expect(200)


async def test_an_account_has_templates_of_its_own(api: Api) -> None:
    child = await api.create_account("Child")
    made = await api.put(path_of(child), {**SENT, "id": "ours"})
    assert made.expect(201).headers["Location"].endswith("/notifications/ours")
    assert (await rows(api, path_of(child)))["ours"]["account_defined"] is True
    assert made.data["templates"] == {}
    (await api.get(path_of(child, "ours"), headers={"Accept": "text/html"})).expect(404)
    (await api.put(path_of(child), {**SENT, "id": "ours"})).expect(409)
    (await api.get(path_of(api.master.account_id, "ours"))).expect(404)
    (await api.post(path_of(api.master.account_id, "ours"), SENT)).expect(404)


@pytest.mark.parametrize("wanted", ["smtplog", "a b", "", "x" * 65, 5, None])
async def test_an_id_is_one_that_a_path_can_have(api: Api, wanted: Any) -> None:
    answer = await api.put(path_of(api.master.account_id), {**SENT, "id": wanted})
    refusal(answer, "id", "pattern" if isinstance(wanted, str) else "required")


async def test_the_template_of_customer_updates_is_one_like_all(api: Api) -> None:
    path = path_of(api.master.account_id, "customer_update")
    (await api.post(path, SENT)).expect(200)
    assert (await api.get(path)).expect(200).data["subject"] == SENT["subject"]
    (await api.delete(path)).expect(200)


async def test_all_own_templates_go_together(api: Api) -> None:
    child = await api.create_account("Child")
    path = path_of(child)
    (await api.post(f"{path}/new_user", SENT)).expect(200)
    (await api.put(path, {**SENT, "id": "ours"})).expect(201)
    refusal(await api.delete(path), "action", "enum")
    gone = await api.delete(f"{path}?action=remove_customizations")
    assert gone.expect(200).data == {"new_user": "deleted", "ours": "deleted"}
    again = await api.delete(f"{path}?action=remove_customizations")
    assert again.expect(200).data.keys() == {"message"}


async def test_the_systems_templates_can_be_forced(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    child = await api.create_account("Child", reseller)
    (await api.post(path_of(reseller, "new_user"), SENT)).expect(200)
    (await api.post(path_of(child, "deregister"), SENT)).expect(200)
    refusal(await api.put(f"{path_of(child)}?action=other", {}), "action", "enum")
    forced = await api.put(f"{path_of(child)}?action=force_system", {})
    assert forced.expect(201).data["new_user"] == "replaced"
    for template_id in ("new_user", "deregister"):
        system = (await api.get(f"/v2/notifications/{template_id}")).data
        assert (await api.get(path_of(child, template_id))).data == system


BROKEN = [
    ("{{ user.name", 1),
    ("first\n{% nonsense %}", 2),
    ("first\n\n{{ ''.join(x) }}", 3),
    ("{% for i in range(9) %}{% endfor %}", 1),
]


@pytest.mark.parametrize(("source", "line"), BROKEN)
async def test_what_does_not_compile_is_refused(api: Api, source: str, line: int) -> None:
    path = path_of(api.master.account_id, "new_user")
    told = refusal(await upload(api, path, source, "text/html"), "text/html", "invalid")
    assert told["line"] == line
    assert told["reason"]
    encoded = base64.b64encode(source.encode()).decode()
    refusal(await api.post(f"{path}/preview", {"html": encoded}), "text/html", "invalid")
    subject = source.replace("\n", " ")
    refusal(await api.post(path, {**SENT, "subject": subject}), "subject", "invalid")
    assert (
        "account_overridden" not in (await rows(api, path_of(api.master.account_id)))["new_user"]
    )


async def test_texts_are_utf_8_and_of_two_types(api: Api) -> None:
    path = path_of(api.master.account_id, "new_user")
    answer = await api.post(path, raw=b"\xff", headers={"Content-Type": "text/html"})
    refusal(answer, "text/html", "invalid")
    answer = await api.post(path, raw=b"x", headers={"Content-Type": "image/png"})
    answer.expect(415)
    (await api.post(path, {**SENT, "from": "nobody"})).expect(400)
    (await api.patch(path, SENT)).expect(405)


async def test_the_mark_that_some_editors_begin_texts_with_is_no_part_of_them(api: Api) -> None:
    path = f"{api.account}/notifications/new_user"
    (await upload(api, path, "\ufeffHello", "text/plain")).expect(200)
    shown = await api.get(f"{path}?accept=text/plain")
    assert shown.content == b"Hello"


async def test_who_is_no_administrator_reads_only(api: Api) -> None:
    fields = {"first_name": "A", "last_name": "B", "username": "ann", "password": "open sesame"}
    (await api.put(f"{api.account}/users", {**fields, "priv_level": "user"})).expect(201)
    token = await api.login("ann", "open sesame", api.master.account_name)
    path = path_of(api.master.account_id, "new_user")
    (await api.get(path, token=token)).expect(200)
    (await api.post(path, SENT, token=token)).expect(403)
    (await api.post(f"{path}/preview", SENT, token=token)).expect(403)
    (await api.get(path_of(api.master.account_id, "smtplog"), token=token)).expect(403)


async def test_an_override_is_changed_in_the_revision_that_was_read(api: Api) -> None:
    path = path_of(api.master.account_id, "new_user")
    first = (await api.post(path, SENT)).expect(200)
    (await api.post(path, {**SENT, "enabled": False})).expect(200)
    stale = {"If-Match": f'"{first.body["revision"]}"'}
    (await api.post(path, SENT, headers=stale)).expect(412)
    (await api.delete(path, headers=stale)).expect(412)
    assert (await api.get(path)).data["enabled"] is False
