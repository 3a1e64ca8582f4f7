"""Jobs that make numbers: what came of each is told, and a job that was cut off goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.families.carriers import resource_jobs
from crossbar.families.numbers import create_reserved
from tests.conftest import Api
from tests.families.support import refusal

CARRIER: dict[str, Any] = {"name": "Carrier", "gateways": [{"server": "sip.example"}]}


async def make_resource(api: Api, base: str) -> str:
    made: str = (await api.put(f"{base}/resources", CARRIER)).expect(201).data["id"]
    return made


async def shown(api: Api, base: str, job_id: str) -> Any:
    """The job, as reading it shows it."""
    return (await api.get(f"{base}/resources/jobs/{job_id}")).expect(200).data


async def finished(api: Api, base: str, job_id: str) -> Any:
    """The job, when it is complete."""
    async with asyncio.timeout(30):
        while (job := await shown(api, base, job_id))["status"] != "complete":
            await api.gateway.services.jobs.idle(api.gateway.services)
            await asyncio.sleep(0.01)
    return job


@pytest.mark.parametrize(("is_global", "carrier"), [(False, "knm_local"), (True, "knm_other")])
async def test_a_job_reserves_numbers_for_the_account(
    api: Api, is_global: bool, carrier: str
) -> None:
    resource_id = await make_resource(api, "/v2" if is_global else api.account)
    sent = {
        "name": "Batch",
        "resource_id": resource_id,
        "numbers": ["+14155550100", "4155550101", "ann", "4155550101"],
    }
    asked = (await api.put(f"{api.account}/resources/jobs", sent)).expect(201).data
    assert asked["status"] == "pending"
    assert asked["id"].startswith("202701-")
    job = await finished(api, api.account, asked["id"])
    assert job["status"] == "complete"
    assert job["success"] == {
        "+14155550100": {"id": "+14155550100", "state": "reserved", "carrier_name": carrier},
        "4155550101": {"id": "+14155550101", "state": "reserved", "carrier_name": carrier},
    }
    assert list(job["errors"]) == ["ann"]
    number = (await api.get(f"{api.account}/phone_numbers/%2B14155550101")).expect(200).data
    assert (number["state"], number["_read_only"]["carrier_module"]) == ("reserved", carrier)
    (row,) = (await api.get(f"{api.account}/resources/jobs")).expect(200).data
    assert (row["id"], row["name"], row["resource_id"]) == (asked["id"], "Batch", resource_id)
    assert (row["status"], row["successes"], row["failures"]) == ("complete", 2, 1)


async def test_jobs_of_the_system_are_the_master_accounts(api: Api) -> None:
    resource_id = await make_resource(api, "/v2")
    sent = {"resource_id": resource_id, "numbers": ["+14155550100"]}
    asked = (await api.put("/v2/resources/jobs", sent)).expect(201).data
    assert (await finished(api, "/v2", asked["id"]))["status"] == "complete"
    assert (await finished(api, api.account, asked["id"]))["success"]


async def test_a_number_that_another_has_is_refused(api: Api) -> None:
    other = f"/v2/accounts/{await api.create_account('Other')}"
    resource_id = await make_resource(api, "/v2")
    sent = {"resource_id": resource_id, "numbers": ["+14155550100"]}
    jobs = []
    for base in (api.account, other):
        asked = (await api.put(f"{base}/resources/jobs", sent)).expect(201).data
        jobs.append(await finished(api, base, asked["id"]))
    assert jobs[0]["success"].keys() == jobs[1]["errors"].keys() == {"+14155550100"}
    assert jobs[1]["errors"]["+14155550100"]["reason"]


async def test_a_job_that_was_cut_off_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_jobs, "PORTION", 1)
    services = api.gateway.services
    calls: list[Any] = []

    async def failing(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("cut off")
        return await create_reserved(*arguments)

    monkeypatch.setattr(resource_jobs, "create_reserved", failing)
    resource_id = await make_resource(api, api.account)
    numbers = [f"+1415555010{last}" for last in range(3)]
    sent = {"resource_id": resource_id, "numbers": numbers}
    asked = (await api.put(f"{api.account}/resources/jobs", sent)).expect(201).data
    async with asyncio.timeout(30):
        while len(calls) < 2 or services.jobs._under_way:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    job = await shown(api, api.account, asked["id"])
    assert (job["status"], list(job["success"])) == ("running", numbers[:1])
    api.clock.advance(60)
    job = await finished(api, api.account, asked["id"])
    assert (job["status"], list(job["success"])) == ("complete", numbers)
    assert len(calls) == 4


async def test_numbers_of_which_a_job_could_not_tell_are_its_own(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = api.gateway.services
    calls: list[Any] = []

    async def cut_off(*arguments: Any) -> Any:
        outcome = await create_reserved(*arguments)
        calls.append(outcome)
        if len(calls) == 1:
            raise OSError("cut off")
        return outcome

    monkeypatch.setattr(resource_jobs, "create_reserved", cut_off)
    resource_id = await make_resource(api, api.account)
    sent = {"resource_id": resource_id, "numbers": ["+14155550100"]}
    for errors in ([], sent["numbers"]):  # what another job has made is there already
        asked = (await api.put(f"{api.account}/resources/jobs", sent)).expect(201).data
        async with asyncio.timeout(30):
            while not calls or services.jobs._under_way:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        api.clock.advance(60)
        job = await finished(api, api.account, asked["id"])
        assert list(job["errors"]) == errors


async def test_a_resource_that_is_gone_makes_no_numbers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource_id = await make_resource(api, api.account)
    sent = {"resource_id": resource_id, "numbers": ["+14155550100"]}
    jobs = api.gateway.services.jobs
    monkeypatch.setattr(jobs, "wake", lambda: None)
    asked = (await api.put(f"{api.account}/resources/jobs", sent)).expect(201).data
    (await api.delete(f"{api.account}/resources/{resource_id}")).expect(200)
    job = await finished(api, api.account, asked["id"])
    assert job["errors"]["+14155550100"]["reason"] == "not_found"


async def test_what_a_job_has_to_say(api: Api) -> None:
    path = f"{api.account}/resources/jobs"
    resource_id = await make_resource(api, api.account)
    refusal(await api.put(path, {"resource_id": resource_id}), "numbers", "required")
    sent: dict[str, Any] = {"resource_id": "nobody", "numbers": ["+14155550100"]}
    refusal(await api.put(path, sent), "resource_id", "not_found")
    sent = {"resource_id": resource_id, "numbers": [str(number) for number in range(10_001)]}
    refusal(await api.put(path, sent), "numbers", "maxItems")
    (await api.get(f"{path}/202701-unknown")).expect(404)
    (await api.get(f"{path}/unknown")).expect(404)


async def test_the_job_of_a_deleted_account_is_over(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await api.create_account("Tenant")
    base = f"/v2/accounts/{account_id}"
    resource_id = await make_resource(api, base)
    services = api.gateway.services
    monkeypatch.setattr(services.jobs, "wake", lambda: None)
    sent = {"resource_id": resource_id, "numbers": ["+14155550100"]}
    (await api.put(f"{base}/resources/jobs", sent)).expect(201)
    (await api.delete(base)).expect(200)
    await services.jobs.idle(services)


async def test_an_operator_makes_numbers_for_another_account(api: Api) -> None:
    base = f"/v2/accounts/{await api.create_account('Customer')}"
    resource_id = await make_resource(api, "/v2")
    sent = {"resource_id": resource_id, "numbers": ["+14155550100", "+14155550101"]}
    asked = (await api.put(f"{base}/resources/jobs", sent)).expect(201).data
    job = await finished(api, base, asked["id"])
    assert (sorted(job["success"]), job["errors"]) == (sent["numbers"], {})
