"""The backup of docs/operating.md, made beside a server that writes, is a store to go on with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.ops.conftest import Installation
from tests.ops.processes import ROOT, Server, crossbar, environment


def recipe() -> str:
    """What the page says, with the Python that runs here."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    section = page.split("## Backup")[1].split("\n## ")[0]
    block: str
    [block] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return block.replace(".venv/bin/python", sys.executable)


def test_a_backup_beside_a_running_server_is_whole(
    installation: Installation, tmp_path: Path
) -> None:
    path = installation.path("/menus")
    with Server(installation.folder) as server:
        client = installation.login(server)
        before = client.request("PUT", path, {"name": "Before"}).data["id"]
        command = ["sh", "-ec", recipe()]
        subprocess.run(command, cwd=installation.folder, env=environment(), check=True)
        after = client.request("PUT", path, {"name": "After"}).data["id"]
        client.close()
    back = tmp_path / "back"
    (back / "var").mkdir(parents=True)
    for kind in ("db", "secrets"):
        (installation.folder / f"backup.{kind}").rename(back / "var" / f"crossbar.{kind}")
    done = crossbar(back, "doctor")
    assert done.returncode == 0, done.stdout
    with Server(back) as server:
        client = installation.login(server)
        assert client.request("GET", f"{path}/{before}").status == 200
        assert client.request("GET", f"{path}/{after}").status == 404
        assert client.request("PUT", path, {"name": "Since"}).status == 201
        client.close()
