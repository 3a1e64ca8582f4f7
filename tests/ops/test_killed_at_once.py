"""A server killed right after an answer: what nobody waited for is done all the same, once."""

from __future__ import annotations

import time

from crossbar.app import open_gateway
from crossbar.clock import FixedClock
from crossbar.core.jobs import LEASE
from crossbar.core.journals import stretch_of
from crossbar.families.callflows import CLICKTOCALL_HISTORY
from crossbar.families.logins import LOGIN_ATTEMPTS
from crossbar.identity.passwords import login_digests
from crossbar.settings import Settings
from tests.ops.conftest import PASSWORD, Installation
from tests.ops.processes import Server


def _press(installation: Installation) -> None:
    """Start a call, and end the server before it can take a breath."""
    with Server(installation.folder) as server:
        client = installation.login(server)
        button = {"name": "Support", "extension": "2001"}
        made = client.request("PUT", installation.path("/clicktocall"), button)
        path = installation.path(f"/clicktocall/{made.data['id']}/connect")
        answer = client.request("POST", path, {"contact": "2002"})
        server.process.kill()
        assert answer.status == 200, answer
        client.close()


def _log_in(installation: Installation, password: str, status: int) -> None:
    with Server(installation.folder) as server:
        client = server.client()
        digest = login_digests("admin", password).md5
        sent = {"credentials": digest, "account_name": "master"}
        answer = client.request("PUT", "/user_auth", sent)
        server.process.kill()
        assert answer.status == status, answer
        client.close()


async def test_neither_logins_nor_calls_are_lost(installation: Installation) -> None:
    _press(installation)
    _log_in(installation, "wrong", 401)
    _log_in(installation, PASSWORD, 201)
    url = f"sqlite:///{installation.folder / 'var/crossbar.db'}"
    settings = Settings.load(None, {}, {"storage.url": url})
    # What was taken when its server was killed is taken by another when its time is over.
    later = FixedClock(time.time() + LEASE + 1)
    async with open_gateway(settings, clock=later) as gateway:
        services, found = gateway.services, {}
        await services.jobs.idle(services)
        for journal in (LOGIN_ATTEMPTS, CLICKTOCALL_HISTORY):
            span = stretch_of(journal, installation.account_id)
            found[journal.doc_type] = [row.document async for row in services.store.scan(span)]
    assert sorted(each["status"] for each in found["login_attempt"]) == ["failed", "success"]
    assert [each["result"] for each in found["c2c_history"]] == ["error"]
