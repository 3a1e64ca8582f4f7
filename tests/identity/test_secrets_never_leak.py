"""What nobody may ever see: passwords, their digests and hashes, API keys, private fields."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import PASSWORD, Api, credentials
from tests.families.support import make, stored, stored_account

MARKER = "sw0rdfish-marker"
USER = {"first_name": "Ann", "last_name": "Lee", "username": "ann", "password": MARKER}
NOUNS = ("users", "devices", "vmboxes", "children", "descendants", "siblings")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"log.level": "debug", "http.access_log": True}


async def forbidden_texts(api: Api) -> list[bytes]:
    """Everything secret that the gateway has been told or has derived."""
    await api.create_account("Tenant")
    (await api.patch(api.account, {"password": MARKER})).expect(200)
    api.token = await api.login("admin", PASSWORD, "Master")
    user_id = await make(api, "users", **USER)
    user = await stored(api, "user", user_id)
    account = await stored_account(api, api.master.account_id)
    digests = [
        digest(f"ann:{MARKER}".encode()).hexdigest() for digest in (hashlib.md5, hashlib.sha1)
    ]
    private = [
        value
        for name, value in itertools.chain(user.items(), account.items())
        if name.startswith("pvt_") and isinstance(value, str) and len(value) > 20
        if name not in ("pvt_account_id", "pvt_auth_account_id", "pvt_auth_user_id")
        if name not in ("pvt_request_id", "pvt_reseller_id")
    ]
    assert len(private) >= 5
    return [text.encode() for text in (MARKER, *digests, *private, api.master.api_key)]


async def test_no_answer_holds_a_secret(api: Api) -> None:
    secrets = await forbidden_texts(api)
    user = (await api.get(f"{api.account}/users?filter_username=ann")).data[0]["id"]
    paths = [api.account, f"{api.account}/users/{user}", "/v2/token_auth"]
    for noun, options in itertools.product(NOUNS, ("", "?full_docs=true", "?paginate=false")):
        paths.append(f"{api.account}/{noun}{options}")
    paths += [f"{api.account}/users?fields=%5B%22{name}%22%5D" for name in ("password", "pvt_x")]
    paths += [f"{api.account}/users?accept=csv", f"{api.account}/users?full_docs=true&accept=csv"]
    answers = [await api.get(path) for path in paths]
    path = f"{api.account}/users/{user}"
    answers += [
        await api.patch(path, {"first_name": "Anna"}),
        await api.post(path, USER),
        await api.put(f"{api.account}/users", USER),
        await api.put(f"{api.account}/users", {"username": 5, "password": MARKER}),
        await api.put(f"{api.account}/users", {"username": "b", "password": [MARKER]}),
        await api.patch(api.account, {"name": "", "password": MARKER}),
        await api.patch(api.account, {"password": [MARKER]}),
        await api.put("/v2/user_auth", {"credentials": MARKER * 10}),
        await api.put("/v2/user_auth", {"credentials": MARKER, "account_name": 5}),
        await api.put("/v2/api_auth", {"api_key": MARKER}),
        await api.put("/v2/api_auth", {"api_key": MARKER.ljust(64, "x")}),
        await api.put(f"{api.account}/devices", {"sip": {"password": MARKER}}),
        await api.put(f"{api.account}/devices", {"name": "x", "sip": {"password": MARKER * 5}}),
        await api.delete(path),
    ]
    for answer, secret in itertools.product(answers, secrets):
        assert secret not in answer.content, (secret, answer.content[:500])


async def test_an_api_key_is_shown_only_when_it_is_asked_for(api: Api) -> None:
    assert "api_key" not in (await api.get(api.account)).data
    shown = (await api.get(f"{api.account}?include_api_key=true")).data["api_key"]
    assert shown == api.master.api_key
    assert (await api.get(f"{api.account}/api_key")).data == {"api_key": shown}


async def test_no_filter_finds_a_private_field(api: Api) -> None:
    user = await stored(api, "user", await make(api, "users", **USER))
    everybody = len((await api.get(f"{api.account}/users")).data)
    for name, value in user.items():
        if not name.startswith(("pvt_", "_")):
            continue
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        found = await api.get(f"{api.account}/users?filter_{name}={text}&paginate=false")
        assert found.data == [], name
        for test, number in (
            ("filter_not_{}=x", everybody),
            ("has_key={}", 0),
            ("key_missing={}", everybody),
            ("has_value={}", 0),
            ("value_missing={}", everybody),
        ):
            for path in (name, f"{name}.1"):
                listed = await api.get(f"{api.account}/users?{test.format(path)}")
                assert len(listed.data) == number, (test, path)


async def test_nothing_secret_is_logged(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    secrets = await forbidden_texts(api)
    (await api.put("/v2/user_auth", credentials("ann", MARKER, "Master"))).expect(201)
    (await api.put("/v2/user_auth", credentials("ann", MARKER * 2, "Master"))).expect(401)
    (await api.get(f"{api.account}?auth_token={api.token}", token="")).expect(200)
    printed = capfd.readouterr()
    text = (printed.out + printed.err).encode()
    for secret in (*secrets, api.token.encode()):
        assert secret not in text


def on_disk(folder: Path) -> bytes:
    """Every byte of the database and its write-ahead log."""
    return b"".join(path.read_bytes() for path in folder.glob("crossbar.db*"))


async def test_the_database_has_neither_password_nor_digest_nor_key_in_clear(
    api: Api, tmp_path: Path
) -> None:
    (await api.patch(api.account, {"password": MARKER})).expect(200)
    api.token = await api.login("admin", PASSWORD, "Master")
    await make(api, "users", **USER)
    digest = credentials("bob", MARKER, "")["credentials"]
    bob = {"first_name": "B", "last_name": "B", "username": "bob", "credentials": digest}
    await make(api, "users", **bob)
    key = (await api.put(f"{api.account}/api_key", {})).expect(201).data["api_key"]
    token = await api.login("ann", MARKER, "Master")
    (await api.delete("/v2/token_auth", token=token)).expect(200)
    raw = on_disk(tmp_path)
    assert b"ann" in raw
    for name in ("ann", "bob"):
        text = f"{name}:{MARKER}".encode()
        for secret in (hashlib.md5(text), hashlib.sha1(text)):
            assert secret.hexdigest().encode() not in raw
            assert secret.digest() not in raw
    for clear in (MARKER, key, api.master.api_key, token):
        assert clear.encode() not in raw
