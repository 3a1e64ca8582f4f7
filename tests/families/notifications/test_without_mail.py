"""Where no mail server is configured, nothing is asked for that could never be sent."""

from __future__ import annotations

from crossbar.core import jobs
from tests.conftest import Api
from tests.families.notifications.test_templates import path_of
from tests.families.support import ANN, make


async def test_what_would_send_a_mail_says_so(api: Api) -> None:
    child = await api.create_account("Child")
    wanted = {"to": {"type": "specified", "email_addresses": ["me@example.com"]}}
    (await api.post(path_of(child, "new_user/preview"), wanted)).expect(503)
    (await api.post(path_of(api.master.account_id, "customer_update/message"), {})).expect(503)
    await make(api, "users", **ANN, email="ann@example.com")
    waiting, _ = await jobs.waiting(api.gateway.services)
    assert "notification" not in {job["kind"] for job in waiting}
