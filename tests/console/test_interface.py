"""A user interface made elsewhere: its files at the root, nothing else, with our configuration."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossbar.interface import Interface
from crossbar.settings import Settings, SettingsError
from tests.conftest import Answer, Api
from tests.contract.kit import bare_exchange, http

FILES = {
    "index.html": "<html>Monster</html>",
    "js/main.js": "main()",
    "js/config.js": "somebody else's",
    "apps/voip/app.js": "app()",
    "apps/voip/i18n/en-US.json": "{}",
    "css/style.css": "x {}",
    "VERSION": "4.3.0",
    ".git/config": "secret",
    "console/index.html": "not the console",
    "v2/about": "not the API",
    "a b/ü.js": "spelled()",
}
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files, beside one that is nobody's business."""
    root = tmp_path / "ui"
    for name, content in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "in.js").symlink_to(root / "js" / "main.js")
    return root


@pytest.fixture
def overrides(folder: Path) -> dict[str, Any]:
    return {"ui.directory": str(folder)}


async def get(api: Api, path: str, method: str = "GET", **headers: str) -> Answer:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return await bare_exchange(api, http(method, path, *lines))


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
@pytest.mark.parametrize("path", ["/", "/?x=1", "/index.html"])
async def test_the_root_is_its_page(api: Api, path: str, accept: str) -> None:
    answer = (await get(api, path, Accept=accept)).expect(200)
    assert answer.content.decode() == FILES["index.html"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/js/main.js", "js/main.js", "text/javascript; charset=utf-8"),
        ("/apps/voip/app.js", "apps/voip/app.js", "text/javascript; charset=utf-8"),
        ("/apps/voip/i18n/en-US.json", "apps/voip/i18n/en-US.json", "application/json"),
        ("/css/style.css?_=1", "css/style.css", "text/css; charset=utf-8"),
        ("/VERSION", "VERSION", "application/octet-stream"),
        ("/a%20b/%C3%BC.js", "a b/ü.js", "text/javascript; charset=utf-8"),
        ("/in.js", "js/main.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_files_are_served_as_they_are(
    api: Api, path: str, file: str, content_type: str
) -> None:
    answer = (await get(api, path)).expect(200)
    assert answer.content.decode() == FILES[file]
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["server"] == "Crossbar"
    head = (await get(api, path, "HEAD")).expect(200)
    assert head.headers["content-length"] == answer.headers["content-length"]
    again = await get(api, path, If_None_Match=answer.headers["etag"])
    assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/js/../../secret.txt",
        "/js%2f..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/out.txt",
        "/up/secret.txt",
        "/.git/config",
        "/js",
        "/js/",
        "/nothing.js",
        "/index.html%00.js",
        "/%FF",
        "/" + "x" * 5000,
    ],
)
async def test_nothing_else_is(api: Api, path: str) -> None:
    answer = await get(api, path)
    assert answer.status == 404, answer.content
    assert b"secret" not in answer.content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_are_only_read(api: Api, method: str) -> None:
    assert (await get(api, "/js/main.js", method)).status in (404, 405)


async def test_the_api_and_the_console_keep_their_paths(api: Api) -> None:
    assert (await get(api, "/v2/about")).expect(401).body["message"] == "invalid_credentials"
    assert FILES["console/index.html"].encode() not in (await get(api, "/console/")).content
    answer = await get(api, "/console/index.html")
    assert FILES["console/index.html"].encode() not in answer.expect(200).content
    assert b"/v2" in (await get(api, "/docs/")).expect(200).content
    assert (await get(api, "/console", Accept=BROWSER)).expect(302)


async def test_the_configuration_is_ours_and_leads_back_here(api: Api) -> None:
    for path in ("/js/config.js", "//js/config.js", "/js/%63onfig.js"):
        answer = (await get(api, path)).expect(200)
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        text = answer.content.decode()
        assert re.fullmatch(r"define\(\{ api: \{ .* \} \}\);\n", text)
        assert "location.protocol + '//' + location.host + '/v2/'" in text
        assert "+ '//' + location.host + \"/websockets\"" in text


class TestWithoutSocket:
    @pytest.fixture
    def overrides(self, folder: Path) -> dict[str, Any]:
        return {"ui.directory": str(folder), "websockets.path": ""}

    async def test_the_configuration_names_none(self, api: Api) -> None:
        text = (await get(api, "/js/config.js")).expect(200).content.decode()
        assert "socket" not in text
        assert (await get(api, "/websockets", "GET")).status == 404


class TestWithSocket:
    @pytest.fixture
    def overrides(self, folder: Path) -> dict[str, Any]:
        return {"ui.directory": str(folder), "ui.socket": "wss://ui.example.com/ws?a='b'"}

    async def test_the_configuration_names_it(self, api: Api) -> None:
        text = (await get(api, "/js/config.js")).expect(200).content.decode()
        assert json.dumps("wss://ui.example.com/ws?a='b'") in text


def test_a_folder_without_a_page_is_refused(tmp_path: Path) -> None:
    for name in (tmp_path, tmp_path / "nothing"):
        settings = Settings.load(None, {}, {"ui.directory": str(name)})
        with pytest.raises(SettingsError, match=r"ui\.directory"):
            Interface(settings.ui, reserved="/console/", socket="")
