"""The README's primer, run as it stands: every line by a real shell against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "primer password"


def primer() -> list[str]:
    """The shell blocks of the section "The primer"."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## The primer")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def crossbar(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "crossbar", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the server does not answer")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_line_of_the_primer_works(tmp_path: Path) -> None:
    storage = ("--storage", f"sqlite:///{tmp_path}/primer.db")
    init = crossbar("init", *storage, "--password", PASSWORD, "--json", folder=tmp_path)
    account = json.loads(init.communicate(timeout=30)[0])
    port = free_port()
    server = crossbar("serve", *storage, "--port", str(port), folder=tmp_path)
    try:
        wait_for(port)
        script = "\n".join(primer())
        # "-f" makes curl fail on a refusal; the id that a reader would paste is looked up.
        script = script.replace("curl ", "curl -fsS ").replace(
            "USER_ID=…",
            'USER_ID=$(curl -fsS -H "X-Auth-Token: $TOKEN" "$U/v2/accounts/$A/users'
            "?filter_username=ann\" | python3 -c 'import json,sys;"
            ' print(json.load(sys.stdin)["data"][0]["id"])\') #',
        )
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={
                **os.environ,
                "U": f"http://127.0.0.1:{port}",
                "A": account["account_id"],
                "P": PASSWORD,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.count('"status":"success"') >= 8
    finally:
        server.terminate()
        server.communicate(timeout=15)
