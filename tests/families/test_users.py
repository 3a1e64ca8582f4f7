"""Users: what is special about them."""

from __future__ import annotations

from tests.conftest import Api

ANN = {"first_name": "Ann", "last_name": "Lee", "username": "Ann", "password": "s3cret"}


async def test_a_user_is_created_without_its_password_coming_back(api: Api) -> None:
    answer = (await api.put(f"{api.account}/users", ANN)).expect(201)
    assert answer.data["username"] == "ann"
    assert "password" not in answer.data
    assert b"s3cret" not in answer.content
