"""What the tests of brands and apps share."""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Upload
from crossbar.families.brand import AppFiles, register_apps, usual_apps
from tests.conftest import Answer, Api
from tests.families.support import ANN

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
HOST = "ui.example.com"


async def register_usual(api: Api) -> None:
    """Register the apps that come with Crossbar."""
    await register_apps(api.gateway.services, usual_apps())


async def register_one(api: Api, images: dict[str, bytes] | None = None, **fields: Any) -> str:
    """Register one app, with its images; its id."""
    document = {**usual_apps()[0].document, "name": "shop", **fields}
    files = {
        name: Upload(name=name, content_type="image/png", content=content)
        for name, content in (images or {}).items()
    }
    await register_apps(api.gateway.services, [AppFiles(document=document, images=files)])
    app_id: str = (await apps(api, api.account))[document["name"]]["id"]
    return app_id


async def apps(api: Api, account: str, token: str | None = None) -> dict[str, Any]:
    """The apps of an account, by name."""
    rows = (await api.get(f"{account}/apps_store", token=token)).expect(200).data
    return {row["name"]: row for row in rows}


async def new_account(api: Api, name: str, parent: str | None = None) -> tuple[str, str]:
    """A new account's path, and a token of an administrator in it."""
    account_id = await api.create_account(name, parent)
    path = f"/v2/accounts/{account_id}"
    (await api.put(f"{path}/users", {**ANN, "priv_level": "admin"})).expect(201)
    return path, await api.login(ANN["username"], ANN["password"], name)


async def upload(
    api: Api, path: str, content: bytes = PNG, kind: str = "image/png", **options: Any
) -> Answer:
    """Send a file."""
    return await api.post(path, raw=content, headers={"Content-Type": kind}, **options)
