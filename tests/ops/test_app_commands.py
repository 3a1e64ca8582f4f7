"""Apps on the command line: those that come along, and those that lie in folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.families.brand.support import PNG
from tests.ops.conftest import Installation
from tests.ops.processes import Server, crossbar

APP = {
    "name": "shop",
    "i18n": {"en-US": {"label": "Shop", "description": "Things to buy"}},
    "author": "Acme",
    "license": "-",
    "version": "1.0",
    "price": 0,
    "icon": "icon.png",
    "screenshots": ["one.png", "../../secret.png", "gone.png", "page.html"],
    "api_url": "http://10.0.0.1:8000/v2",
    "pvt_type": "app",
    "allowed_users": "all",
}


def write_app(folder: Path, **fields: Any) -> Path:
    """An app as it is delivered."""
    metadata = folder / "metadata"
    for name in ("icon/icon.png", "screenshots/one.png", "screenshots/page.html"):
        (metadata / name).parent.mkdir(parents=True, exist_ok=True)
        (metadata / name).write_bytes(PNG)
    (metadata / "app.json").write_text(json.dumps({**APP, **fields}))
    return folder


def listed(folder: Path) -> list[dict[str, str]]:
    shown = crossbar(folder, "app", "list", "--json")
    rows: list[dict[str, str]] = json.loads(shown.stdout)
    return rows


def test_a_new_system_has_apps(installation: Installation) -> None:
    rows = listed(installation.folder)
    assert len(rows) == 9
    assert {"SmartPBX", "PBX Connector"} <= {row["label"] for row in rows}
    shown = crossbar(installation.folder, "app", "list").stdout
    assert [line.split()[1] for line in shown.splitlines()] == [row["name"] for row in rows]
    again = crossbar(installation.folder, "app", "import")
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["changed"] * 9
    assert listed(installation.folder) == rows


@pytest.mark.parametrize("place", ["", "shop", "apps/shop", "src/apps/shop"])
def test_apps_are_found_where_they_lie(
    installation: Installation, tmp_path: Path, place: str
) -> None:
    write_app(tmp_path / "ui" / place)
    done = crossbar(installation.folder, "app", "import", str(tmp_path / "ui"))
    assert done.stdout == "created  shop\n"
    assert "Shop" in {row["label"] for row in listed(installation.folder)}


def test_an_app_comes_with_its_images_and_without_its_makers_address(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = write_app(tmp_path / "shop")
    crossbar(installation.folder, "app", "import", str(folder))
    (row,) = (row for row in listed(installation.folder) if row["name"] == "shop")
    with Server(installation.folder) as server:
        client = installation.login(server)
        app = client.request("GET", installation.path(f"/apps_store/{row['id']}")).data
        assert "api_url" not in app
        assert app["allowed_users"] == "all"  # of the master account, where new apps are installed
        for image, status in (("icon", 200), ("screenshot/0", 200), ("screenshot/1", 404)):
            path = f"/v2/apps_store/{row['id']}/{image}"
            client.connection.request("GET", path)
            answer = client.connection.getresponse()
            assert (answer.status, answer.read() == PNG) == (status, status == 200)
        client.close()


def test_an_app_of_another_server_is_told_where_the_api_is(
    installation: Installation, tmp_path: Path
) -> None:
    folder = write_app(tmp_path / "shop")
    url = "https://api.example.com/v2/"
    done = crossbar(installation.folder, "app", "import", str(folder), "--api-url", url)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"name": "x"}, "x.name"), ({"price": -1}, "shop.price"), ({"i18n": 1}, "shop.i18n")],
)
def test_what_is_no_app_is_refused_in_one_line(
    installation: Installation, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    write_app(tmp_path / "ui" / "apps" / "good", name="good")
    write_app(tmp_path / "ui" / "apps" / "shop", **fields)
    done = crossbar(installation.folder, "app", "import", str(tmp_path / "ui"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"crossbar: {said}: ")
    assert len(listed(installation.folder)) == 9


@pytest.mark.parametrize("content", ["{", "[]", " " * 1_000_001])
def test_metadata_that_cannot_be_read_is_named(
    installation: Installation, tmp_path: Path, content: str
) -> None:
    file = write_app(tmp_path / "shop") / "metadata" / "app.json"
    file.write_text(content)
    done = crossbar(installation.folder, "app", "import", str(tmp_path / "shop"))
    assert done.returncode == 1
    assert str(file) in done.stderr


def test_a_folder_without_apps_is_named(installation: Installation, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        done = crossbar(installation.folder, "app", "import", str(folder))
        assert done.returncode == 1
        assert str(folder) in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_monster_ui_is_served_and_one_that_is_not_there_is_named(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<html>Monster</html>")
    folder = installation.folder
    with Server(folder, arguments=("--port", "0", "--monster-ui", str(tmp_path))) as server:
        client = server.client()
        client.connection.request("GET", "/")
        assert client.connection.getresponse().read() == b"<html>Monster</html>"
        client.close()
    refused = crossbar(folder, "serve", "--port", "0", "--monster-ui", str(tmp_path / "nothing"))
    assert refused.returncode == 1
    assert "index.html" in refused.stderr
