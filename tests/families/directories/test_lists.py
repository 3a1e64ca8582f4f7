"""Lists: documents with entries of their own, which no other list knows."""

from __future__ import annotations

import base64

from tests.conftest import Api
from tests.families.support import make, refusal, row, stored

ENTRY = {"number": "2001", "displayname": "Annie", "name": "x", "other": 1}


async def new_list(api: Api, **data: str) -> str:
    return f"{api.account}/lists/{await make(api, 'lists', **data)}"


async def new_entry(api: Api, path: str, **data: object) -> str:
    answer = (await api.put(f"{path}/entries", ENTRY | data)).expect(201)
    return f"{path}/entries/{answer.data['id']}"


async def test_lists_show_their_name_description_and_type(api: Api) -> None:
    doc_id = await make(api, "lists", description="d", list_type="t", org="o")
    assert await row(api, "lists") == {
        "id": doc_id,
        "name": "Friends",
        "description": "d",
        "list_type": "t",
    }


async def test_entries_are_listed_as_rows_below_their_own_list(api: Api) -> None:
    path, other = await new_list(api), await new_list(api, name="Foes")
    one = await new_entry(api, path, pattern="^1", capture_group_length=2)
    await new_entry(api, other)
    (only,) = (await api.get(f"{path}/entries")).expect(200).data
    assert only == {
        "id": one.rpartition("/")[2],
        "key": path.rpartition("/")[2],
        "value": {
            "capture_group_length": 2,
            "name": "x",
            "number": "2001",
            "pattern": "^1",
        },
    }


async def test_an_entry_belongs_to_the_list_in_the_path(api: Api) -> None:
    path, other = await new_list(api), await new_list(api, name="Foes")
    entry = await new_entry(api, path, list_id=other.rpartition("/")[2])
    list_id = path.rpartition("/")[2]
    assert (await api.get(entry)).expect(200).data["list_id"] == list_id
    for verb in ("POST", "PATCH"):
        changed = await api.request(verb, entry, {"number": "1", "list_id": "f" * 32})
        assert changed.expect(200).data["list_id"] == list_id
    doc_id = entry.rpartition("/")[2]
    for verb in ("GET", "POST", "PATCH", "DELETE"):
        answer = await api.request(verb, f"{other}/entries/{doc_id}", {"number": "1"})
        assert answer.expect(404).data["cause"] == doc_id
    for tail in ("/vcard", "/photo"):
        verb = "GET" if tail == "/vcard" else "POST"
        (await api.request(verb, f"{other}/entries/{doc_id}{tail}", {})).expect(404)
    (await api.delete(entry)).expect(200)
    (await api.get(entry)).expect(404)


async def test_entries_exist_only_below_a_list_that_exists(api: Api) -> None:
    (await api.get(f"{api.account}/entries")).expect(404)
    for verb in ("GET", "PUT", "DELETE"):
        answer = await api.request(verb, f"{api.account}/lists/{'f' * 32}/entries", ENTRY)
        assert answer.expect(404).data["cause"] == "f" * 32


async def test_the_schema_of_entries_is_enforced(api: Api) -> None:
    path = await new_list(api)
    entry = await new_entry(api, path)
    for verb, at in (("PUT", f"{path}/entries"), ("POST", entry), ("PATCH", entry)):
        answer = await api.request(verb, at, {"displayname": "", "number": 5})
        refusal(answer, "displayname", "minLength")
        refusal(answer, "number", "type")


async def test_a_list_goes_with_its_entries_for_good(api: Api) -> None:
    path, other = await new_list(api), await new_list(api, name="Foes")
    gone, kept = await new_entry(api, path), await new_entry(api, other)
    (await api.delete(path)).expect(200)
    (await api.get(kept)).expect(200)
    (await api.get(gone)).expect(404)
    assert (await stored(api, "list", path.rpartition("/")[2]))["pvt_deleted"]
    doc_id = gone.rpartition("/")[2]
    (await api.put(f"{other}/entries", {"id": doc_id, "number": "1"})).expect(201)


async def test_all_entries_are_deleted_at_once_and_answered(api: Api) -> None:
    path, other = await new_list(api), await new_list(api, name="Foes")
    entries = [await new_entry(api, path) for _ in range(2)]
    await new_entry(api, other)
    gone = (await api.delete(f"{path}/entries")).expect(200).data
    assert sorted(one["id"] for one in gone) == sorted(one.rpartition("/")[2] for one in entries)
    assert gone[0]["value"]["number"] == "2001"
    assert (await api.get(f"{path}/entries")).expect(200).data == []
    assert len((await api.get(f"{other}/entries")).expect(200).data) == 1


async def test_restrictions_see_entries_as_part_of_their_list(api: Api) -> None:
    path = await new_list(api)
    account_id = await api.create_account("Child")
    token = await api.account_token(account_id)
    (await api.put(f"/v2/accounts/{account_id}/lists", {"name": "x"})).expect(201)
    rules = {"rules": {"*/entries": ["GET"], "/": ["GET"]}}
    restrictions = {"restrictions": {"_": {"_": {"lists": [rules]}}}}
    (await api.post(f"/v2/accounts/{account_id}/token_restrictions", restrictions)).expect(200)
    (one,) = (await api.get(f"/v2/accounts/{account_id}/lists", token=token)).expect(200).data
    entries = f"/v2/accounts/{account_id}/lists/{one['id']}/entries"
    (await api.get(entries, token=token)).expect(200)
    (await api.put(entries, ENTRY, token=token)).expect(403)
    (await api.get(f"{path}/entries", token=token)).expect(403)


async def test_a_vcard_has_rows_for_what_is_known(api: Api) -> None:
    path = await new_list(api)
    answer = (await api.put(f"{path}/entries", {"name": "Ann: ä" * 20})).expect(201)
    card = (await api.get(f"{path}/entries/{answer.data['id']}/vcard")).expect(200)
    lines = card.content.replace(b"\r\n ", b"").decode().split("\r\n")
    full_name = "FN:" + "Ann\\: ä" * 20
    name = "N:;" + "Ann\\: ä" * 20
    assert lines == ["BEGIN:VCARD", "VERSION:3.0", full_name, name, "END:VCARD", ""]
    assert all(line.decode() for line in card.content.split(b"\r\n")[:-1])


async def test_an_entry_is_read_as_a_vcard_with_its_photo(api: Api) -> None:
    path = await new_list(api, org="Acme; Inc")
    photo = bytes(range(100))
    entry = await new_entry(
        api,
        path,
        firstname="Ann",
        lastname="Lee",
        middlename="May",
        profile={
            "note": "Line\nbreak",
            "nicknames": ["not shown"],
            "addresses": [{"address": "1 Main St", "types": ["home", "work"]}, {}],
        },
    )
    bare = (await api.get(f"{entry}/vcard")).expect(200)
    assert b"PHOTO" not in bare.content
    assert bare.headers["Content-Type"] == "text/x-vcard"
    sent = {"Content-Type": "image/jpeg"}
    shown = (await api.post(f"{entry}/photo", raw=photo, headers=sent)).expect(200).data
    assert shown["firstname"] == "Ann"
    refusal(await api.post(f"{entry}/photo", {}), "file", "required")
    (await api.patch(entry, {"number": "2002"})).expect(200)
    answer = await api.get(f"{entry}/vcard", headers={"Accept": "text/directory"})
    assert answer.expect(200).headers["Content-Type"] == "text/directory"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    lines = answer.content.replace(b"\r\n ", b"").decode().split("\r\n")
    encoded = base64.b64encode(photo).decode()
    assert lines == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "FN:Ann May Lee",
        "N:Lee;Ann;May",
        "ORG:Acme\\; Inc",
        f"PHOTO;ENCODING=B;TYPE=JPEG:{encoded}",
        "NOTE:Line\\nbreak",
        "NICKNAME:Annie",
        "TEL;TYPE=work:2002",
        "ADR;TYPE=home,work:;;1 Main St;;;;",
        "END:VCARD",
        "",
    ]
