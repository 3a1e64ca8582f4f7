"""The switch as operators run it: commands, what they print, and how they end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crossbar.switch.asterisk import Program
from tests.ops.conftest import PASSWORD, Installation, initialised, installation
from tests.ops.processes import COMMAND, ROOT, Server, crossbar, environment
from tests.ops.test_workers import wait_until
from tests.ports import free_port
from tests.switch.asterisk.carrier import carrier
from tests.switch.asterisk.conftest import FETCHED
from tests.switch.asterisk.phones import shop, until

__all__ = ["initialised", "installation"]

NOWHERE = {"PATH": "/nonexistent"}


@pytest.fixture
def changes(installation: Installation, asterisk: Program) -> dict[str, str]:
    """Settings for an installation that has Asterisk already."""
    folder = installation.folder / "var/switch"
    folder.mkdir()
    if (FETCHED / "asterisk").exists():
        (folder / "asterisk").symlink_to(FETCHED / "asterisk")
    return {
        "CROSSBAR_SWITCH__SIP_PORT": str(free_port()),
        "CROSSBAR_SWITCH__FIRST_MEDIA_PORT": "29000",
        "CROSSBAR_SWITCH__LAST_MEDIA_PORT": "29099",
    }


def of_asterisk(installation: Installation) -> int | None:
    """The process id of the installation's Asterisk, while it runs."""
    file = installation.folder / "var/switch/run/asterisk.pid"
    try:
        pid = int(file.read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def phones_are_told(lines: Iterator[str]) -> None:
    """Read what is printed until phones can register."""
    assert any(line.startswith("Phones reach the switch at 127.0.0.1:") for line in lines)


async def device(server: Server, installation: Installation) -> tuple[str, str]:
    """A new device; its realm, and the id of its account."""
    client = installation.login(server)
    sip = {"username": "ann", "password": "secret of ann"}
    made = client.request("PUT", installation.path("/devices"), {"name": "Ann", "sip": sip})
    assert made.status == 201, made.body
    realm = client.request("GET", installation.path()).data["realm"]
    client.close()
    return realm, installation.account_id


async def test_a_switch_runs_and_ends_with_the_server(
    installation: Installation, changes: dict[str, str]
) -> None:
    arguments = ("--port", "0", "--switch")
    server = Server(installation.folder, arguments, changes=changes, measured=True)
    with server:
        assert server.process.stdout is not None
        phones_are_told(iter(server.process.stdout))
        realm, _ = await device(server, installation)
        async with shop(int(changes["CROSSBAR_SWITCH__SIP_PORT"])) as phones:
            phone = await phones.phone("ann", "secret of ann", realm)
            await until(lambda: of_asterisk(installation) is not None)
            await phone.registers_at_last()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert of_asterisk(installation) is None


async def test_a_killed_server_leaves_asterisk_to_the_next(
    installation: Installation, changes: dict[str, str]
) -> None:
    arguments = ("--port", "0", "--switch")
    with Server(installation.folder, arguments, changes=changes) as server:
        assert server.process.stdout is not None
        phones_are_told(iter(server.process.stdout))
        await until(lambda: of_asterisk(installation) is not None)
        pid = of_asterisk(installation)
        server.process.kill()
        server.process.wait()
    with Server(installation.folder, arguments, changes=changes) as server:
        assert server.process.stdout is not None
        phones_are_told(iter(server.process.stdout))
        assert of_asterisk(installation) == pid
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert of_asterisk(installation) is None


@pytest.mark.thorough
async def test_who_waits_in_a_queue_outlives_a_switch_that_is_killed(
    installation: Installation, changes: dict[str, str]
) -> None:
    with Server(installation.folder, ("--port", "0"), changes=changes) as server:
        client = installation.login(server)
        realm = client.request("GET", installation.path()).data["realm"]

        def put(noun: str, **fields: object) -> str:
            made = client.request("PUT", installation.path(f"/{noun}"), fields)
            assert made.status == 201, made.body
            return str(made.data["id"])

        queue_id = put("queues", name="Sales")
        agent_id = put("users", first_name="Ben", last_name="Lee", queues=[queue_id])
        for name, more in (("ann", {}), ("ben", {"owner_id": agent_id})):
            put("devices", name=name, sip={"username": name, "password": "green parrot"}, **more)
        flow = {"module": "acdc_member", "data": {"id": queue_id}, "children": {}}
        put("callflows", numbers=["700"], flow=flow)
        async with shop(int(changes["CROSSBAR_SWITCH__SIP_PORT"])) as phones:
            ann = await phones.phone("ann", "green parrot", realm)
            ben = await phones.phone("ben", "green parrot", realm)
            with switch_beside(installation, changes) as switch:
                await ann.registers_at_last()
                await ben.registers_at_last()
                await ann.call("700")
                await until(lambda: ann.loudness() > 100)
                calls = installation.path("/queues/stats")
                await until(lambda: bool(client.request("GET", calls).data["stats"]))
                switch.kill()
            with switch_beside(installation, changes) as switch:
                status = installation.path(f"/agents/{agent_id}/status")
                client.request("POST", status, {"status": "login"})
                await ann.hears(ben.tone)
                [call] = client.request("GET", calls).data["stats"]
                assert call["status"] == "handled"
                switch.send_signal(signal.SIGTERM)
                assert switch.wait(30) == 0
            [call] = client.request("GET", calls).data["stats"]
            assert call["status"] == "processed"
            assert client.request("GET", status).data == "ready"
        client.close()
        server.stop()


@contextmanager
def switch_beside(
    installation: Installation, changes: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A switch that runs by itself, from when phones can register."""
    command, folder = [*COMMAND, "switch"], installation.folder
    with subprocess.Popen(
        command, cwd=folder, env=environment(changes), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        phones_are_told(iter(process.stdout))
        yield process


def lines_of_the_page() -> list[str]:
    """What the page on telephones has people type once the server runs."""
    text = (ROOT / "docs/telephone.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "add " in block or "put " in block or "curl " in block]


@contextmanager
def as_on_the_page(
    installation: Installation, changes: dict[str, str]
) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with a switch, and what the page calls its address, account and password."""
    with Server(installation.folder, ("--port", "0", "--switch"), changes=changes) as server:
        assert server.process.stdout is not None
        phones_are_told(iter(server.process.stdout))
        yield (
            server,
            {
                "U": f"http://127.0.0.1:{server.port}",
                "A": installation.account_id,
                "P": PASSWORD,
            },
        )


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_who_follows_the_page_has_two_phones_that_call_each_other(
    installation: Installation, changes: dict[str, str]
) -> None:
    make, look, box, menu, room, queue, watch, *_ = lines_of_the_page()
    with as_on_the_page(installation, changes) as (server, names):
        typed(make + box + menu + room + queue, names)
        client = installation.login(server)
        realm = client.request("GET", installation.path()).data["realm"]
        client.close()
        async with shop(int(changes["CROSSBAR_SWITCH__SIP_PORT"])) as phones:
            ann = await phones.phone("ann", "green parrot", realm)
            ben = await phones.phone("ben", "brown monkey", realm)
            await ann.registers_at_last()
            await ben.registers_at_last()
            await ann.call("102")
            await ann.hears(ben.tone)
            await ben.hears(ann.tone)
            await until(lambda: '"other_leg"' in typed(look, names))
            await ann.hang_up()
            await ben.is_idle()
            call = await ann.call("104")
            await call.send_dtmf("2")
            await ann.hears(ben.tone)
            await ann.hang_up()
            await ben.is_idle()
            await ann.call("106")
            await ben.call("106")
            await ann.hears(ben.tone)
            await ben.hears(ann.tone)
            await ann.hang_up()
            await ben.hang_up()
            await ann.is_idle()
            await ann.call("700")
            await ann.hears(ben.tone)
            await ben.hears(ann.tone)
            await until(lambda: typed(watch, names).count("connected") == 1)
        server.stop()


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_who_follows_the_page_calls_by_a_carrier(
    installation: Installation, changes: dict[str, str]
) -> None:
    *_, way_out, way_in = lines_of_the_page()[:9]
    port = int(changes["CROSSBAR_SWITCH__SIP_PORT"])
    with as_on_the_page(installation, changes) as (server, names):
        realm, _ = await device(server, installation)
        async with shop(port) as phones, carrier("127.0.0.2", port) as telco:
            telco.password = "secret"
            here = way_out.replace('"carrier.example.com"', f'"127.0.0.2","port":{telco.port}')
            find = f'ANN=$(curl -u "$A:$P" $U/v2/accounts/$A/devices | {ID_OF_FIRST})\n'
            typed(f"{here}\n{find}{way_in}", names)
            ann = await phones.phone("ann", "secret of ann", realm)
            await ann.registers_at_last()
            await until(lambda: any(map(telco.is_proved, telco.requests("REGISTER"))))
            await ann.call("4155550100")
            await ann.hears(telco.tone)
            assert '"Acme" <sip:+12125550111@' in (await telco.rings()).invite.header("from")
            await ann.hang_up()
            call = await telco.call("12125550111")
            await ann.hears(telco.tone)
            await call.hears(ann.tone)
        server.stop()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_who_mistypes_what_is_on_the_page_is_told_so(installation: Installation) -> None:
    put = lines_of_the_page()[0].partition("\n\n")[0]
    with Server(installation.folder) as server:
        names = {
            "U": f"http://127.0.0.1:{server.port}",
            "A": installation.account_id,
            "P": PASSWORD,
        }
        said = typed(f'{put}\n! put devices \'{{"nme":"Ann"}}\' 2>&1', names)
        assert '"name": {"required": ' in said
        assert "Traceback" not in said
        server.stop()


ID_OF_FIRST = 'python3 -c \'import json,sys; print(json.load(sys.stdin)["data"][0]["id"])\''


def typed(lines: str, names: dict[str, str]) -> str:
    """What a shell prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines.replace("curl ", "curl --fail-with-body -sS ")],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_switch_runs_by_itself_and_once(
    installation: Installation, changes: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "switch"],
        cwd=installation.folder,
        env=environment(changes),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        phones_are_told(iter(process.stdout))
        second = crossbar(installation.folder, "switch", changes=changes)
        assert second.returncode == 1
        assert "runs already" in second.stderr
        arguments = ("--port", "0", "--switch")
        with Server(installation.folder, arguments, changes=changes) as server:
            wait_until(lambda: '"companion_ended"' in server.log)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert '"command": "crossbar switch"' in server.log


def test_where_there_is_no_asterisk_it_says_what_to_do(installation: Installation) -> None:
    done = crossbar(installation.folder, "switch", changes=NOWHERE)
    assert done.returncode == 1
    assert "crossbar switch --fetch" in done.stderr
    done = crossbar(installation.folder, "switch", "--fetch", changes=NOWHERE)
    assert done.returncode == 1
    assert "Install Asterisk 20 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_asterisk_that_is_too_old_is_not_used(installation: Installation) -> None:
    folder = installation.folder / "bin"
    folder.mkdir()
    old = folder / "asterisk"
    old.write_text("#!/bin/sh\necho Asterisk 16.28.0\n")
    old.chmod(0o755)
    done = crossbar(installation.folder, "switch", changes={"PATH": f"{folder}:/bin:/usr/bin"})
    assert done.returncode == 1
    assert "is 16.28.0, and 20 is needed" in done.stderr


def test_without_its_certificate_nothing_is_encrypted_and_it_says_so(
    installation: Installation, changes: dict[str, str]
) -> None:
    told = installation.folder / "telephone.pem"
    told.write_text("nothing")
    more = {
        "CROSSBAR_SWITCH__TLS_PORT": str(free_port()),
        "CROSSBAR_SWITCH__TLS_CERTIFICATE": str(told),
        "CROSSBAR_SWITCH__TLS_KEY": str(told),
    }
    done = crossbar(installation.folder, "switch", changes={**changes, **more})
    assert done.returncode == 1
    assert "switch.tls_certificate, switch.tls_key: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, "ok   switch ports: 127.0.0.1:"),
        ({}, "ok   switch: Asterisk "),
        ({"HOST": "203.0.113.9"}, "FAIL switch ports: 203.0.113.9:"),
        ({"HOST": "nonsense"}, "FAIL switch address: 'nonsense'"),
        ({"PUBLIC_ADDRESS": "203.0.113.9"}, "FAIL switch address: switch.public_address"),
        ({"LAST_MEDIA_PORT": "29001"}, "FAIL switch ports: switch.last_media_port"),
        (
            {"TLS_PORT": "29001"},
            "FAIL switch encryption: switch.tls_certificate, switch.tls_key: ",
        ),
    ],
)
def test_the_doctor_looks_at_the_switch(
    installation: Installation, changes: dict[str, str], settings: dict[str, str], found: str
) -> None:
    more = {f"CROSSBAR_SWITCH__{name}": value for name, value in settings.items()}
    done = crossbar(installation.folder, "doctor", changes={**changes, **more})
    assert found in done.stdout
    assert done.returncode == ("FAIL" in found)
