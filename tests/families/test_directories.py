"""Directories: who is in one is written on the users."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.support import ANN, BOB, make, refusal, shown


async def test_reading_a_directory_tells_its_users_from_the_users_documents(api: Api) -> None:
    doc_id = await make(api, "directories", users=["stored"])
    ann = await make(api, "users", **ANN, directories={doc_id: "flow-a"})
    bob = await make(api, "users", **BOB, directories={doc_id: "flow-b"})
    gone = await make(api, "users", directories={doc_id: "flow-c"})
    (await api.delete(f"{api.account}/users/{gone}")).expect(200)
    users = (await shown(api, "directories", doc_id))["users"]
    expected = {ann: "flow-a", bob: "flow-b"}
    assert users == [
        {"user_id": user_id, "callflow_id": expected[user_id]}
        for user_id in sorted(expected, reverse=True)
    ]
    path = f"{api.account}/directories/{doc_id}"
    taken_back = (await api.patch(path, {"users": users})).expect(200)
    assert taken_back.data["users"] == ["stored"]
    assert (await api.patch(path, {"min_dtmf": 2})).expect(200).data["users"] == ["stored"]
    (await api.delete(path)).expect(200)
    assert (await shown(api, "users", ann))["directories"] == {doc_id: "flow-a"}


async def test_directories_that_are_no_map_are_refused(api: Api) -> None:
    user = {"first_name": "A", "last_name": "B", "directories": ["x"]}
    refusal(await api.put(f"{api.account}/users", user), "directories", "type")
